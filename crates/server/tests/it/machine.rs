//! What the machine is asked for.

#[cfg(target_os = "linux")]
#[test]
fn a_thread_that_gives_way_goes_down_alone() {
    use rustix::process::getpriority_process;
    let own = || getpriority_process(Some(rustix::thread::gettid())).unwrap();
    let before = own();
    let given_way = std::thread::spawn(move || {
        anser_server::machine::give_way();
        own()
    });
    // The lowest priority there is is 19.
    assert_eq!(given_way.join().unwrap(), (before + 10).min(19));
    assert_eq!(own(), before);
}

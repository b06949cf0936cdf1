//! What the source must not contain: the rules that keep a connection understandable and testable.

use std::fs;
use std::path::{Path, PathBuf};

/// Every source file below a folder of this crate, with its text.
fn sources(below: &str) -> Vec<(PathBuf, String)> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(below)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    found
}

/// The files below `src` in which a call stands.
fn callers(call: &str) -> Vec<String> {
    let mut names: Vec<String> = sources("src")
        .into_iter()
        .filter(|(_, text)| text.contains(call))
        .map(|(path, _)| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn one_file_reads_a_transport_and_one_writes_it() {
    assert_eq!(callers("transport.poll_receive("), ["inbound.rs"]);
    assert_eq!(callers("transport.poll_send("), ["outbound.rs"]);
    assert_eq!(callers("transport.poll_flush("), ["outbound.rs"]);
    assert_eq!(callers("transport.poll_finish("), ["outbound.rs"]);
    // And nobody else has another way to it.
    assert_eq!(callers(".poll_receive("), ["inbound.rs"]);
    assert_eq!(callers(".poll_send("), ["outbound.rs"]);
}

#[test]
fn a_connection_knows_no_wall_clock_no_threads_and_no_system() {
    for (path, text) in sources("src/conn") {
        for word in [
            "SystemTime",
            "std::time::Instant",
            "spawn_blocking",
            "std::thread",
            "std::net",
            "tokio::net",
        ] {
            assert!(!text.contains(word), "{word} in {}", path.display());
        }
    }
}

//! What was acknowledged is in the raw store, once, whatever happened to the process.

use serde_json::Value;

use crate::http::{app, send};
use crate::program::{Home, text};

/// The raw store of a stopped server.
pub fn dump(home: &Home) -> Vec<Value> {
    let dumped = home.run(&["dump", "--json"]);
    assert!(dumped.status.success(), "{}", text(&dumped.stderr));
    text(&dumped.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Every message of a dump: its number and text.
pub fn messages(lines: &[Value]) -> Vec<(u64, String)> {
    lines
        .iter()
        .filter(|line| line["kind"] == "message")
        .map(|line| (line["seq"].as_u64().unwrap(), line["text"].as_str().unwrap().to_owned()))
        .collect()
}

#[test]
fn guarantee_g1_acknowledged_messages_are_in_the_store_after_a_kill() {
    let home = Home::new();
    let server = home.serve();
    for user in ["alice", "bob"] {
        let made = app(&server, "users", "", &serde_json::json!({"user": user}));
        assert_eq!(made.status, 201, "{made:?}");
    }
    for n in 1..=5 {
        let sent = send(&server, "alice", "bob", &format!("message {n}"), &format!("key-{n}"));
        assert_eq!((sent.status, &sent.body["seq"]), (200, &n.to_string().into()), "{sent:?}");
    }
    server.kill();
    let expected: Vec<_> = (1..=5).map(|n| (n, format!("message {n}"))).collect();
    assert_eq!(messages(&dump(&home)), expected);

    let server = home.serve();
    let again = send(&server, "alice", "bob", "message 5", "key-5");
    assert_eq!(
        (&again.body["seq"], &again.body["duplicate"]),
        (&"5".into(), &true.into()),
        "{again:?}"
    );
    assert_eq!(send(&server, "alice", "bob", "message 6", "key-6").body["seq"], "6");
    let (status, _) = server.stop();
    assert_eq!(status.code(), Some(0), "{}", home.log());
    let lines = dump(&home);
    assert_eq!(messages(&lines).len(), 6);
    let inboxes: Vec<_> = lines.iter().filter(|line| line["kind"] == "inbox").collect();
    assert!(inboxes.iter().all(|inbox| inbox["head"] == 6), "{inboxes:?}");
}

#[test]
fn the_store_of_a_running_server_is_not_dumped() {
    let home = Home::new();
    let server = home.serve();
    let refused = home.run(&["dump", "--json"]);
    assert_eq!(refused.status.code(), Some(anser_types::exit::STORE.into()));
    assert!(text(&refused.stderr).contains("STORE_IN_USE"), "{}", text(&refused.stderr));
    server.kill();
}

#[test]
fn a_directory_without_a_store_has_nothing_to_dump() {
    let home = Home::new();
    assert!(home.run(&["init"]).status.success());
    let refused = home.run(&["dump"]);
    assert_eq!(refused.status.code(), Some(anser_types::exit::CONFIG.into()));
    assert!(!home.data_dir().join("store").exists(), "looking makes nothing");
}

//! Who is online and which devices one has, as typed: through the program, its store and a stop and start of its server.

use serde_json::Value;

use crate::program::{Home, text};

fn asked(home: &Home, words: &[&str]) -> Vec<Value> {
    let output = home.run(words);
    assert!(output.status.success(), "{words:?}: {}", text(&output.stderr));
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn requirement_d5_when_somebody_was_last_is_known_after_a_restart_of_the_server() {
    let home = Home::new();
    let server = home.serve();
    let presence =
        || asked(&home, &["presence", "--as", "alice", "bob", "alice", "nobody", "--json"]);
    assert!(home.run(&["list", "--as", "bob"]).status.success());
    let states: Vec<String> =
        presence().iter().map(|one| one["presence"].as_str().unwrap().to_owned()).collect();
    // Whoever was here a moment ago still counts as here.
    assert_eq!(states, ["online", "online", "unknown"]);
    let devices = asked(&home, &["devices", "list", "--as", "alice", "--json"]);
    assert_eq!((devices.len(), &devices[0]["current"]), (1, &Value::Bool(true)));
    let (status, log) = server.stop();
    assert!(status.success(), "{log}");

    let server = home.serve();
    let bob = presence().remove(0);
    assert_eq!(bob["presence"], "offline");
    assert!(bob["last_seen_ms"].as_u64().is_some(), "{bob}");
    let (status, log) = server.stop();
    assert!(status.success(), "{log}");
}

//! Reports, from who makes them to who deals with them.

use serde_json::{Value, json};

use crate::http::app;
use crate::program::{Home, text};

#[test]
fn requirement_g5_users_report_and_operators_deal_with_it() {
    let home = Home::new();
    let server = home.serve();
    for user in ["alice", "bob"] {
        app(&server, "users", "", &json!({"user": user}));
    }
    let run = |words: &[&str]| {
        let ended = home.run(words);
        let told = format!("{}{}", text(&ended.stdout), text(&ended.stderr));
        (ended.status.success(), told)
    };
    assert!(run(&["send", "--as", "alice", "bob", "an insult\u{1b}[2J"]).0);
    assert_eq!(run(&["reports"]), (true, "nothing is reported\n".to_owned()));
    let (done, told) = run(&[
        "report",
        "--as",
        "bob",
        "--with",
        "alice",
        "--message",
        "1",
        "--reason",
        "abuse",
        "please look",
    ]);
    assert!(done && told.contains("reported to the operators"), "{told}");
    let (_, told) = run(&["reports"]);
    for words in
        [" open ", "abuse", "by \"bob\"", "message #1 of \"alice\"", "says \"please look\""]
    {
        assert!(told.contains(words), "{words}: {told}");
    }
    assert!(told.contains(r#""an insult\u{1b}[2J""#), "what others wrote is quoted: {told}");
    let report = told.split(' ').next().unwrap().to_owned();
    let (done, told) = run(&["reports", "--close", &report, "--note", "warned", "--json"]);
    let closed: Value = serde_json::from_str(&told).unwrap();
    assert!(done && closed["open"] == json!(false) && closed["note"] == json!("warned"), "{told}");
    assert_eq!(run(&["reports"]).1, "nothing is reported\n");
    assert!(run(&["reports", "--all"]).1.contains("closed"));
    let (done, told) = run(&["reports", "--close", "1-2-3"]);
    assert!(!done && told.contains("TARGET_MISSING"), "{told}");
    // One's own message, and a message that is not there.
    let own = ["report", "--as", "alice", "--with", "bob", "--message", "1"];
    assert!(run(&own).1.contains("INVALID_ARGUMENT"));
    server.stop();
    // They are in the store like everything else.
    let (_, told) = run(&["dump", "--json"]);
    assert!(
        told.contains("\"reason\":\"abuse\"") && told.contains("\"note\":\"warned\""),
        "{told}"
    );
    let (sound, told) = run(&["doctor", "--verify"]);
    assert!(sound, "{told}");
}

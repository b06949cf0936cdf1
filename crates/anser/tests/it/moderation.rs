//! Words that may not be said, as an operator sets and changes them while the server runs.

use std::fs;

use rustix::process::Signal;
use serde_json::json;

use crate::http::{Answer, app, send};
use crate::program::{Home, text};

#[test]
fn requirement_g5_the_list_of_words_is_read_again_without_a_restart() {
    let home = Home::new();
    let list = home.data_dir().join("words.txt");
    fs::create_dir_all(home.data_dir()).unwrap();
    fs::write(&list, "# not here\ngoose\n").unwrap();
    let set = ["--set", "moderation.words=words.txt"];
    let mut server = home.serve_with(&set);
    for user in ["alice", "bob"] {
        app(&server, "users", "", &json!({"user": user}));
    }
    let ended =
        |sent: Answer| (sent.status, sent.body["code"].as_str().unwrap_or_default().to_owned());
    let status = |server: &_, text: &str, key: &str| ended(send(server, "alice", "bob", text, key));
    let refused = (403, "CONTENT_REFUSED".to_owned());
    assert_eq!(status(&server, "a Goose!", "1"), refused);
    assert_eq!(status(&server, "a duck", "2").0, 200);
    // Looked for in what is no text too: a place called "goose" (field 3), as `LocationContent` writes it.
    let place = json!({
        "from": "alice", "to": {"user": "bob"}, "kind": "location", "content_base64": "GgVnb29zZQ==",
    });
    assert_eq!(ended(app(&server, "messages", "idempotency-key: place\r\n", &place)), refused);

    fs::write(&list, "duck\n鹅\n").unwrap();
    server.signal(Signal::HUP);
    let heard = server.hear("reloaded   2 words");
    assert!(heard, "{}\n{}", server.said(), home.log());
    assert_eq!(status(&server, "a goose", "3"), (200, String::new()));
    assert_eq!(status(&server, "白鹅", "4"), refused);

    // A broken list changes nothing, and is told of.
    fs::write(&list, "duck\n***\n").unwrap();
    server.signal(Signal::HUP);
    // The certificate is read after the list.
    assert!(server.hear("reloaded   certificate"));
    assert_eq!(status(&server, "one duck", "5"), refused);
    server.stop();
    assert!(home.log().contains("the old list of words stays in use"), "{}", home.log());
    assert!(home.log().contains("line 2: a word has a letter or a digit"), "{}", home.log());

    // A server does not start with a list it cannot read, and the doctor names it.
    let words = ["serve", set[0], set[1]];
    let started = home.run(&words);
    assert!(!started.status.success());
    assert!(text(&started.stderr).contains("words.txt: line 2"), "{}", text(&started.stderr));
    let examined = home.run(&["doctor", set[0], set[1]]);
    assert!(text(&examined.stdout).contains("words.txt: line 2"), "{}", text(&examined.stdout));
}

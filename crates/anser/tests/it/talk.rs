//! People and scripts at the command line: `send`, `tail`, `history`, `group`, `token` against a real server, beside each
//! other and over a kill.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Output, Stdio};

use serde_json::{Value, json};

use crate::program::{Home, text};

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}\n{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// The lines of a command that prints JSON.
fn objects(output: &Output) -> Vec<Value> {
    said(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn texts(output: &Output) -> Vec<String> {
    objects(output).iter().map(|object| object["text"].as_str().unwrap().to_owned()).collect()
}

/// Makes a user by letting it look at its groups.
fn meet(home: &Home, user: &str) {
    said(&home.run(&["group", "list", "--as", user]));
}

fn send(home: &Home, from: &str, to: &str, text: &str) -> Value {
    objects(&home.run(&["send", "--as", from, to, text, "--json"])).remove(0)
}

/// A tail that goes on beside the test; killed when it is dropped.
struct Tail {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Tail {
    fn begin(home: &Home, user: &str) -> Self {
        let mut command = home.program(&["tail", "--as", user, "--json"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        // Already gone is fine.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn what_is_sent_is_printed_once_and_in_order() {
    let home = Home::new();
    let _server = home.serve();
    meet(&home, "bob");
    for (seq, words) in (1..).zip(["one", "two\nlines", "三"]) {
        let sent = send(&home, "alice", "bob", words);
        assert_eq!(sent["seq"], Value::from(seq));
    }
    assert_eq!(
        texts(&home.run(&["tail", "--as", "bob", "--count", "2", "--json"])),
        ["one", "two\nlines"]
    );
    // Goes on where it stopped.
    send(&home, "alice", "bob", "four");
    assert_eq!(
        texts(&home.run(&["tail", "--as", "bob", "--count", "2", "--json"])),
        ["三", "four"]
    );
    let all = ["one", "two\nlines", "三", "four"];
    let from_start = ["tail", "--as", "bob", "--from-start", "--count", "4", "--json"];
    assert_eq!(texts(&home.run(&from_start)), all);
    assert_eq!(texts(&home.run(&["history", "--as", "alice", "bob", "--json"])), all);
    let page = ["history", "--as", "bob", "alice", "--limit", "2", "--before", "4", "--json"];
    assert_eq!(texts(&home.run(&page)), all[1..3]);
}

#[test]
fn commands_of_one_user_run_beside_each_other() {
    let home = Home::new();
    let _server = home.serve();
    meet(&home, "bob");
    meet(&home, "alice");
    let mut tail = Tail::begin(&home, "bob");
    send(&home, "alice", "bob", "are you there?");
    assert_eq!(tail.next()["text"], "are you there?");
    // The tail holds bob's first store: these take others.
    send(&home, "bob", "alice", "yes");
    assert_eq!(
        texts(&home.run(&["history", "--as", "bob", "alice", "--json"])),
        ["are you there?", "yes"]
    );
    // What bob says elsewhere comes to the tail as well.
    let own = tail.next();
    assert_eq!((&own["text"], &own["own"]), (&Value::from("yes"), &Value::from(true)));
}

#[test]
fn a_tail_tells_of_contacts_settings_and_requests_to_join() {
    let home = Home::new();
    let _server = home.serve();
    meet(&home, "alice");
    meet(&home, "bob");
    let mut tail = Tail::begin(&home, "bob");
    send(&home, "alice", "bob", "hello");
    assert_eq!(tail.next()["event"], "message");
    let run = |words: &[&str]| said(&home.run(words));
    let mut told = |wanted: &str| {
        let told = tail.next();
        assert_eq!(told["event"], wanted, "{told}");
        told
    };

    run(&["contact", "apply", "--as", "alice", "bob", "from the lake"]);
    let asked = told("contact_applied");
    assert_eq!((&asked["user"], &asked["greeting"]), (&json!("alice"), &json!("from the lake")));
    // What bob does at another of his devices is told as well.
    for (verb, relation, blocked) in
        [("accept", "contact", false), ("block", "contact", true), ("remove", "none", true)]
    {
        run(&["contact", verb, "--as", "bob", "alice"]);
        let now = told("contact");
        assert_eq!(
            (&now["relation"], &now["blocked"]),
            (&json!(relation), &json!(blocked)),
            "{verb}: {now}"
        );
    }
    run(&["settings", "--as", "bob", "--show-read", "off"]);
    assert_eq!(told("settings")["show_read"], json!(false));
    run(&["options", "--as", "bob", "alice", "--pinned", "on"]);
    assert_eq!(told("options")["pinned"], json!(true));

    let group = run(&["group", "create", "--as", "bob", "Team"]);
    let group = group.trim();
    told("change");
    run(&["group", "update", "--as", "bob", group, "--join", "approval"]);
    told("change");
    run(&["group", "join", "--as", "alice", group, "let me in"]);
    let request = told("join_request");
    assert_eq!((&request["user"], &request["state"]), (&json!("alice"), &json!("waiting")));
    assert_eq!(request["conversation"], json!(group));
}

#[test]
fn a_killed_server_is_an_error_to_try_again_and_nothing_is_lost() {
    let home = Home::new();
    let server = home.serve();
    let ports = server.ports();
    meet(&home, "bob");
    send(&home, "alice", "bob", "before");
    let mut tail = Tail::begin(&home, "bob");
    assert_eq!(tail.next()["text"], "before");
    server.kill();
    let failed =
        home.run(&["send", "--as", "alice", "bob", "never said", "--timeout", "1", "--json"]);
    assert_eq!(failed.status.code(), Some(6));
    let told: Value = serde_json::from_str(text(&failed.stderr).lines().last().unwrap()).unwrap();
    let error = &told["error"];
    assert_eq!(
        (&error["code"], &error["retryable"]),
        (&Value::from("UNREACHABLE"), &Value::from(true))
    );
    assert!(!error["next_step"].as_str().unwrap().is_empty());
    let _server = home.serve_at(&ports);
    assert_eq!(send(&home, "alice", "bob", "after")["seq"], Value::from(2));
    // The tail came back by itself.
    assert_eq!(tail.next()["text"], "after");
}

#[test]
fn groups_are_made_listed_and_left() {
    let home = Home::new();
    let _server = home.serve();
    meet(&home, "bob");
    meet(&home, "carol");
    let id =
        said(&home.run(&["group", "create", "--as", "alice", "Our team", "bob"])).trim().to_owned();
    said(&home.run(&["group", "invite", "--as", "alice", &id, "carol"]));
    said(&home.run(&["send", "--as", "carol", "--group", &id, "hello all"]));
    assert_eq!(
        texts(&home.run(&["history", "--as", "bob", "--group", &id, "--json"])),
        ["hello all"]
    );
    let members = objects(&home.run(&["group", "members", "--as", "bob", &id, "--json"]));
    let names: Vec<&str> = members.iter().map(|member| member["user"].as_str().unwrap()).collect();
    assert_eq!(names, ["alice", "bob", "carol"]);
    let refused = home.run(&["group", "kick", "--as", "bob", &id, "alice"]);
    assert_eq!(refused.status.code(), Some(5));
    assert!(text(&refused.stderr).contains("NOT_ALLOWED"));
    said(&home.run(&["group", "leave", "--as", "bob", &id]));
    assert_eq!(said(&home.run(&["group", "list", "--as", "bob"])), "");
    let listed = objects(&home.run(&["group", "list", "--as", "alice", "--json"]));
    assert_eq!(
        (&listed[0]["title"], &listed[0]["role"]),
        (&Value::from("Our team"), &Value::from("owner"))
    );
}

#[test]
fn requirement_g1_a_channel_is_made_shown_and_talked_in() {
    let home = Home::new();
    let _server = home.serve();
    for user in ["bob", "carol", "dora"] {
        meet(&home, user);
    }
    let made = ["group", "create", "--as", "alice", "Town", "bob", "--channel", "--json"];
    let made = objects(&home.run(&made)).remove(0);
    assert_eq!(made["channel"], Value::from(true));
    let id = made["conversation"].as_str().unwrap().to_owned();
    said(&home.run(&["group", "invite", "--as", "alice", &id, "carol", "dora"]));
    let shown = said(&home.run(&["group", "show", "--as", "alice", &id]));
    assert!(shown.contains("channel on") && shown.contains("members 4"), "{shown}");
    let listed = objects(&home.run(&["group", "list", "--as", "carol", "--json"])).remove(0);
    assert_eq!((&listed["channel"], &listed["members"]), (&Value::from(true), &Value::from(4)));
    // Members come page by page; everybody once.
    let (mut names, mut after): (Vec<String>, Option<String>) = (Vec::new(), None);
    loop {
        let mut words = vec!["group", "members", "--as", "bob", &id, "--limit", "3", "--json"];
        if let Some(after) = &after {
            words.extend(["--after", after.as_str()]);
        }
        let page = objects(&home.run(&words));
        names.extend(page.iter().map(|member| member["user"].as_str().unwrap().to_owned()));
        after = names.last().cloned();
        if page.len() < 3 {
            break;
        }
    }
    names.sort();
    assert_eq!(names, ["alice", "bob", "carol", "dora"]);

    let mut tail = Tail::begin(&home, "carol");
    said(&home.run(&["send", "--as", "bob", "--group", &id, "hello town"]));
    let mut told = tail.next();
    while told["event"] != "message" {
        told = tail.next();
    }
    assert_eq!((&told["text"], &told["sender"]), (&Value::from("hello town"), &Value::from("bob")));
    assert_eq!(
        texts(&home.run(&["history", "--as", "dora", "--group", &id, "--json"])),
        ["hello town"]
    );
    let refused = home.run(&["readers", "--as", "bob", "--group", &id, "1"]);
    assert!(text(&refused.stderr).contains("INVALID_ARGUMENT"), "{}", text(&refused.stderr));

    // A group becomes one later.
    let group = said(&home.run(&["group", "create", "--as", "alice", "Team", "bob"]));
    let group = group.trim();
    said(&home.run(&["group", "update", "--as", "alice", group, "--channel"]));
    let shown = said(&home.run(&["group", "show", "--as", "bob", group]));
    assert!(shown.contains("channel on"), "{shown}");
}

#[test]
fn passwords_work_where_the_api_key_is_not() {
    let home = Home::new();
    let server = home.serve();
    meet(&home, "bob");
    let url = format!("https://{}", server.address("https"));
    let pin = server.announcement()["certificate_sha256"].as_str().unwrap().to_owned();
    // Another machine: no data directory of the server there.
    let elsewhere = |words: &[&str], password: &str| {
        let mut command = home.program(words);
        command
            .env("ANSER_DATA_DIR", home.path().join("elsewhere"))
            .env("ANSER_PASSWORD", password);
        command.args(["--server", &url, "--pin", &pin]).output().unwrap()
    };
    let say = ["send", "--as", "dora", "bob", "hi"];
    assert_eq!(elsewhere(&say, "").status.code(), Some(4));
    let register = [&say[..], &["--password", "--register"]].concat();
    assert_eq!(elsewhere(&register, "short").status.code(), Some(4));
    assert!(elsewhere(&register, "long enough").status.success());
    // The device is stored: no password any more.
    assert!(elsewhere(&say, "").status.success());
    assert_eq!(texts(&home.run(&["history", "--as", "bob", "dora", "--json"])), ["hi", "hi"]);
}

#[test]
fn requirement_e1_messages_are_sent_over_quic_from_the_command_line() {
    let home = Home::new();
    let server = home.serve();
    meet(&home, "bob");
    for scheme in ["quic", "tls"] {
        let url = format!("{scheme}://{}", server.address(scheme));
        said(&home.run(&["send", "--as", "alice", "bob", scheme, "--server", &url]));
    }
    assert_eq!(texts(&home.run(&["history", "--as", "bob", "alice", "--json"])), ["quic", "tls"]);
}

#[test]
fn what_is_wrong_has_a_code_a_next_step_and_a_status() {
    let home = Home::new();
    let nowhere = home.run(&["send", "--as", "alice", "bob", "hi"]);
    assert_eq!(nowhere.status.code(), Some(6));
    assert!(text(&nowhere.stderr).contains("anser serve"));
    let _server = home.serve();
    let unknown = home.run(&["send", "--as", "alice", "nobody", "hi"]);
    assert_eq!(unknown.status.code(), Some(5));
    assert!(
        text(&unknown.stderr).contains("USER_UNKNOWN") && text(&unknown.stderr).contains("next: ")
    );
    let no_terminal = home.run(&["chat", "--as", "alice"]);
    assert_eq!(no_terminal.status.code(), Some(5));
    assert!(text(&no_terminal.stderr).contains("anser send"));
    assert_eq!(home.run(&["send", "--as", "a b", "bob", "hi"]).status.code(), Some(2));
    assert!(said(&home.run(&["token", "--user", "eve"])).contains("export ANSER_TOKEN='"));
    assert!(said(&home.run(&["completions", "bash"])).contains("anser"));
    assert!(said(&home.run(&["man", "send"])).contains(".TH"));
}

/// The first two levels of an error's JSON, without what it says.
fn shape(output: &Output) -> Vec<String> {
    let told: Value = serde_json::from_str(text(&output.stderr).lines().last().unwrap()).unwrap();
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    [names(&told), names(&told["error"])].concat()
}

#[test]
fn commands_of_operators_and_people_fail_in_one_shape() {
    let home = Home::new();
    let operator: &[&str] = &["config", "check", "--set", "listen.tcp=nowhere"];
    let person: &[&str] = &["history", "--as", "alice", "bob"];
    let typing: &[&str] = &["history", "--as", "alice", "bob", "--server", "nowhere"];
    for (words, status, code) in [
        (operator, 3, "CONFIG_INVALID"),
        (person, 6, "UNREACHABLE"),
        (typing, 2, "COMMAND_LINE_INVALID"),
    ] {
        let as_json = home.run(&[words, &["--json"]].concat());
        assert_eq!(as_json.status.code(), Some(status), "{}", text(&as_json.stderr));
        let told: Value = serde_json::from_str(text(&as_json.stderr).trim()).unwrap();
        assert_eq!(told["error"]["code"], code);
        assert_eq!(shape(&as_json), shape(&home.run(&[operator, &["--json"]].concat())));
        if status != 2 {
            let lines = home.run(words);
            let told = text(&lines.stderr);
            assert!(told.starts_with("error: ") && told.contains(&format!("({code})")), "{told}");
            assert!(told.lines().last().unwrap().starts_with("  next: "), "{told}");
        }
    }
}

#[test]
fn what_is_mistyped_on_the_command_line_is_told_as_that() {
    let home = Home::new();
    let say = ["send", "--as", "alice", "bob", "hi"];
    for (wrong, told) in [
        (["--server", "chat.example.org"], "https://host:port"),
        (["--server", "ftp://chat.example.org"], "https://host:port"),
        (["--server", "https://chat.example.org:0"], "the port is not valid"),
        (["--pin", "abc"], "64 hexadecimal digits"),
    ] {
        let output = home.run(&[&say[..], &wrong[..]].concat());
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(told), "{wrong:?}: {}", text(&output.stderr));
    }
}

#[test]
fn the_history_with_nobody_is_an_error_and_an_empty_one_is_not() {
    let home = Home::new();
    let _server = home.serve();
    meet(&home, "bob");
    let empty = home.run(&["history", "--as", "alice", "bob"]);
    assert_eq!((empty.status.code(), text(&empty.stdout).as_str()), (Some(0), ""));
    assert!(text(&empty.stderr).contains("nothing was said"), "{}", text(&empty.stderr));
    for (words, output) in [
        ("text", home.run(&["history", "--as", "alice", "bobb"])),
        ("JSON", home.run(&["history", "--as", "alice", "bobb", "--json"])),
    ] {
        assert_eq!(output.status.code(), Some(5), "{words}: {}", text(&output.stderr));
        assert_eq!(text(&output.stdout), "");
        assert!(text(&output.stderr).contains("USER_UNKNOWN"), "{words}");
        assert!(text(&output.stderr).contains("bobb"), "{words}");
    }
}

#[test]
fn nothing_to_say_and_bytes_that_are_no_text_are_refused() {
    let home = Home::new();
    let _server = home.serve();
    meet(&home, "alice");
    meet(&home, "bob");
    for said in [&b""[..], b"\n", b"\xff\xfe"] {
        let mut command = home.program(&["send", "--as", "alice", "bob", "-", "--json"]);
        let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), said).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(5));
        let error: Value = serde_json::from_str(text(&output.stderr).trim()).unwrap();
        assert_eq!(error["error"]["code"], "INVALID_ARGUMENT");
    }
    assert!(texts(&home.run(&["history", "--as", "bob", "alice", "--json"])).is_empty());
}

#[test]
fn a_manual_page_of_no_command_is_a_mistake_in_the_command_line() {
    let home = Home::new();
    assert_eq!(home.run(&["man", "frob"]).status.code(), Some(2));
    assert!(said(&home.run(&["man", "send"])).contains("anser-send"));
}

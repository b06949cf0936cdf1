//! Passwords, tokens and keys stay where they belong: looked for in everything that the program writes, tells and stores,
//! with every log line switched on (requirements K2, K3).

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::http::{Answer, request};
use crate::program::{Home, Server};

/// What nobody may find, and how to call it.
#[derive(Default)]
struct Canaries(Vec<(String, String)>);

impl Canaries {
    fn add(&mut self, name: &str, secret: &str) {
        assert!(secret.len() >= 12, "{name} is too short to be found by chance");
        self.0.push((name.to_owned(), secret.to_owned()));
    }

    /// Which of them is in `text`, as it is or in the usual disguises.
    fn found(&self, text: &[u8]) -> Option<&str> {
        let is_in = |secret: &String| {
            let shapes = [secret.clone(), hex::encode(secret), percent_encoded(secret)];
            shapes.iter().any(|shape| text.windows(shape.len()).any(|at| at == shape.as_bytes()))
        };
        self.0.iter().find(|(_, secret)| is_in(secret)).map(|(name, _)| name.as_str())
    }

    fn absent(&self, place: &str, text: &[u8]) {
        if let Some(name) = self.found(text) {
            panic!("{name} stands in {place}");
        }
    }
}

fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

fn each_file(directory: &Path, look: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { each_file(&path, look) } else { look(&path) }
    }
}

fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}\r\n")
}

fn token_of(answer: &Answer) -> String {
    answer.body["token"].as_str().unwrap_or_else(|| panic!("{}", answer.text)).to_owned()
}

/// Everything that handles a secret, rightly and wrongly. Gives back what was answered, without the answers that hold a
/// token by right.
fn use_secrets(server: &Server, canaries: &mut Canaries) -> Vec<String> {
    let mut told = Vec::new();
    let (password, second, wrong) =
        ("canary-yellow-9431-feather", "canary-orange-7712-plume", "canary-wrong-6650-guess");
    for (name, secret) in
        [("the password", password), ("the new one", second), ("a wrong one", wrong)]
    {
        canaries.add(name, secret);
    }
    let account = |door: &str, password: &Value| {
        let body = json!({"user": "alice", "password": password, "device_class": "cli"});
        request(server, "POST", door, "", &body.to_string())
    };
    let first = token_of(&account("/v1/register", &json!(password)));
    let other = token_of(&account("/v1/sign-in", &json!(password)));
    told.push(account("/v1/sign-in", &json!(wrong)).text);
    told.push(account("/v1/register", &json!(password)).text);
    // Where another type was expected, and where JSON ends too early.
    told.push(account("/v1/sign-in", &json!([password])).text);
    told.push(account("/v1/sign-in", &json!({password: 1})).text);
    told.push(
        request(server, "POST", "/v1/sign-in", "", &format!("{{\"password\":\"{wrong}")).text,
    );
    let renewed = token_of(&request(server, "POST", "/v1/renew", &bearer(&first), ""));
    for (name, token) in
        [("a token", &first), ("another's token", &other), ("a renewed token", &renewed)]
    {
        canaries.add(name, token);
    }
    let change = json!({"old": password, "new": second}).to_string();
    told.push(request(server, "POST", "/v1/password", &bearer(&renewed), &change).text);
    told.push(request(server, "POST", "/v1/password", &bearer(&renewed), &change).text);
    let weak = json!({"old": second, "new": "alice-canary"}).to_string();
    canaries.add("a weak one", "alice-canary");
    told.push(request(server, "POST", "/v1/password", &bearer(&renewed), &weak).text);
    // Secrets where they do not belong: in paths, queries, other headers.
    for path in [
        format!("/v1/devices?token={renewed}"),
        format!("/v1/{renewed}"),
        format!("/v1/sign-in?password={second}"),
    ] {
        told.push(request(server, "GET", &path, &bearer(&renewed), "").text.replace(&renewed, ""));
    }
    let basic = format!("authorization: Basic {renewed}\r\ncookie: token={renewed}\r\n");
    told.push(request(server, "GET", "/v1/devices", &basic, "").text);
    told.push(request(server, "GET", "/v1/devices", &bearer(&first), "").text);
    told.push(request(server, "GET", "/v1/devices", &bearer(&renewed), "").text);
    // The API key, the right one and one that is nearly it.
    let key = server.api_key();
    canaries.add("the API key", &key);
    let nearly = format!("{}x", &key[..key.len() - 1]);
    canaries.add("a wrong API key", &nearly);
    let user = json!({"user": "bob", "device_class": "bot", "create": true}).to_string();
    let minted = request(server, "POST", "/v1/app/tokens", &bearer(&key), &user);
    canaries.add("a minted token", &token_of(&minted));
    told.push(request(server, "POST", "/v1/app/tokens", &bearer(&nearly), &user).text);
    let reset = json!({"user": "alice", "password": "canary-green-2204-down"}).to_string();
    canaries.add("a password that was reset", "canary-green-2204-down");
    told.push(request(server, "POST", "/v1/app/passwords", &bearer(&key), &reset).text);
    told.push(request(server, "GET", "/metrics", &bearer(&key), "").text);
    told.push(request(server, "POST", "/v1/sign-out", &bearer(&renewed), "").text);
    told
}

#[test]
fn a_secret_is_found_in_each_of_its_shapes() {
    let mut canaries = Canaries::default();
    canaries.add("it", "canary-yellow");
    let hidden = ["canary-yellow", "63616e6172792d79656c6c6f77"].map(str::to_owned);
    for shape in hidden.into_iter().chain([percent_encoded("canary-yellow")]) {
        assert_eq!(canaries.found(format!("a log of {shape}.").as_bytes()), Some("it"), "{shape}");
    }
    assert_eq!(canaries.found(b"a log of canary-yello"), None);
}

#[test]
fn requirement_k2_no_password_token_or_key_stands_in_any_output_log_or_file() {
    let home = Home::new();
    let server = home.serve_with(&["--log-level", "trace"]);
    let mut canaries = Canaries::default();
    let told = use_secrets(&server, &mut canaries);
    // Sessions over the command line's own client, which takes tokens by the API key and keeps them in its store.
    for words in
        [&["send", "--as", "bob", "alice", "hello"][..], &["history", "--as", "bob", "alice"]]
    {
        let output = home.run(words);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        canaries.absent("the command line's output", &[output.stdout, output.stderr].concat());
    }
    for answer in &told {
        canaries.absent("an answer", answer.as_bytes());
    }
    let said = server.said();
    server.stop();
    canaries.absent("the standard output", said.as_bytes());
    let log = home.log();
    assert!(log.contains("TRACE") && log.contains("session opened"), "every line was switched on");
    canaries.absent("the log", log.as_bytes());
    let dump = home.run(&["dump", "--inbox-entries"]);
    assert!(dump.status.success());
    canaries.absent("the dump", &dump.stdout);
    let config = home.run(&["config", "show", "--origin"]);
    canaries.absent("the configuration", &config.stdout);
    let key_file = home.data_dir().join("api-key");
    each_file(home.path(), &mut |path| {
        if path != key_file {
            canaries.absent(&path.display().to_string(), &fs::read(path).unwrap());
        }
    });
}

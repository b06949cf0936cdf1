//! What a device does over HTTP is done once, though the server dies before it answers.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::http::{self, Answer};
use crate::program::{Home, Server};

/// Times the server is killed with a request on its way.
const KILLS: u64 = 6;

fn headers(token: &str, key: &str) -> String {
    format!("authorization: Bearer {token}\r\nidempotency-key: {key}\r\n")
}

fn say(round: u64) -> String {
    json!({"to": {"user": "bob"}, "text": format!("message {round}")}).to_string()
}

fn ask(server: &Server, token: &str, key: &str, body: &str) -> Answer {
    http::request(server, "POST", "/v1/messages", &headers(token, key), body)
}

#[test]
fn requirement_e2_a_request_that_is_repeated_after_kill_9_is_done_once() {
    let home = Home::new();
    let mut server = home.serve();
    let ports = server.ports();
    let token = |server: &Server, user: &str| {
        let body = json!({"user": user, "device_class": "phone", "create": true});
        http::app(server, "tokens", "", &body).body["token"].as_str().unwrap().to_owned()
    };
    let (alice, bob) = (token(&server, "alice"), token(&server, "bob"));
    for round in 0..KILLS {
        let (key, body) = (format!("round-{round}"), say(round));
        // Every other time it has begun to answer when it dies; else it may have read the request or not.
        let mut stream = TcpStream::connect(server.address("http")).unwrap();
        write!(
            stream,
            "POST /v1/messages HTTP/1.1\r\nhost: localhost\r\n{}content-length: {}\r\n\r\n{body}",
            headers(&alice, &key),
            body.len()
        )
        .unwrap();
        if round % 2 == 1 {
            stream.read_exact(&mut [0]).unwrap();
        }
        server.kill();
        server = home.serve_at(&ports);
        let again = ask(&server, &alice, &key, &body);
        assert_eq!(again.status, 200, "{}", again.text);
        println!("kill {round}: executed before it died: {}", again.body["duplicate"]);
        assert!(round % 2 == 0 || again.body["duplicate"] == true, "{}", again.text);
        assert_eq!(again.body["seq"], (round + 1).to_string(), "{}", again.text);
        // An answer that was given holds after the next death too.
        server.kill();
        server = home.serve_at(&ports);
        let once_more = ask(&server, &alice, &key, &body);
        assert_eq!(once_more.body["seq"], again.body["seq"]);
        assert_eq!(once_more.body["server_time_ms"], again.body["server_time_ms"]);
        assert_eq!(once_more.body["duplicate"], true);
        let other = ask(&server, &alice, &key, &say(round + 100));
        assert_eq!((other.status, other.body["code"].as_str()), (409, Some("CONFLICT")));
    }
    let path = "/v1/conversations/user:alice/messages";
    let read = http::request(&server, "GET", path, &headers(&bob, "-"), "");
    let texts: Vec<&Value> = read.body["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| &message["content"]["body"]["text"])
        .collect();
    let said: Vec<Value> = (0..KILLS).map(|round| json!(format!("message {round}"))).collect();
    assert_eq!(texts, said.iter().collect::<Vec<_>>());
}

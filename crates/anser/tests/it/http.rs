//! As much HTTP as the tests need: one request, one answer, one connection.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::program::Server;

/// An answer: its status and its JSON (null when there is none).
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub text: String,
}

pub fn request(server: &Server, method: &str, path: &str, headers: &str, body: &str) -> Answer {
    let mut stream = TcpStream::connect(server.address("http")).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let parsed = serde_json::from_str(body).unwrap_or(Value::Null);
    Answer { status, body: parsed, text: body.to_owned() }
}

pub fn get(server: &Server, path: &str) -> Answer {
    request(server, "GET", path, "", "")
}

/// `register` or `sign-in`.
pub fn account(server: &Server, door: &str, user: &str, password: &str) -> Answer {
    let body = json!({
        "user": user, "password": password, "device_class": "cli", "device_name": "test",
    });
    request(server, "POST", &format!("/v1/{door}"), "", &body.to_string())
}

/// A request of the app server.
pub fn app(server: &Server, path: &str, headers: &str, body: &Value) -> Answer {
    let headers = format!("authorization: Bearer {}\r\n{headers}", server.api_key());
    request(server, "POST", &format!("/v1/app/{path}"), &headers, &body.to_string())
}

/// A message sent for a user.
pub fn send(server: &Server, from: &str, to: &str, text: &str, key: &str) -> Answer {
    let body = json!({"from": from, "to": {"user": to}, "text": text});
    app(server, "messages", &format!("idempotency-key: {key}\r\n"), &body)
}

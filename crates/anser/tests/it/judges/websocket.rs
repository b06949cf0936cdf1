//! Another implementation speaks WebSocket to the server: the cases of Autobahn's test suite, as far as they are about the
//! WebSocket itself.

use anser_proto::session::client::ClientSession;
use anser_proto::v1;
use bytes::BytesMut;

use super::{ask, tell};
use crate::http::account;
use crate::program::Home;

#[test]
fn requirement_e1_an_independent_websocket_finds_every_rule_kept() {
    let home = Home::new();
    let server = home.serve();
    let made = account(&server, "register", "alice", "correct horse battery");
    assert!(made.status < 300, "{}", made.text);
    let hello = v1::Hello {
        token: made.body["token"].as_str().unwrap().to_owned(),
        device_no: made.body["device_no"].as_str().unwrap().parse().unwrap(),
        ..v1::Hello::default()
    };
    let mut bytes = BytesMut::new();
    ClientSession::new().hello(hello, &mut bytes);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/judges/websocket.py");
    let at = server.address("http").to_string();
    let table = ask(&[script, &at, &hex::encode(&bytes)]);
    print!("{table}");
    tell(table.lines().last().unwrap());
}

//! Everything that `docs/integrate.md` says is done: from an empty folder to two users who exchange a picture.

use std::fmt::Write as _;
use std::process::{Command, Stdio};

use crate::program::{Home, text};

const PAGE: &str = include_str!("../../../../docs/integrate.md");

/// What stands between the fences of shell blocks, in order.
fn commands() -> String {
    let mut commands = String::from("set -euo pipefail\n");
    let blocks = PAGE.split("```sh\n").skip(1);
    for block in blocks {
        let (block, _) = block.split_once("```").expect("every block ends");
        writeln!(commands, "{block}").unwrap();
    }
    commands
}

#[test]
fn two_users_exchange_a_picture_as_the_page_says() {
    let home = Home::new();
    let server = home.serve();
    let key = home.data_dir().join("api-key");
    let commands = commands()
        // It is started already, on ports of its own.
        .replace("anser serve --data-dir chat\n", "")
        .replace("chat/api-key", key.to_str().unwrap())
        .replace("127.0.0.1:7480", &server.address("http").to_string());
    assert!(!commands.contains("7480") && !commands.contains("anser serve"), "{commands}");
    let done = Command::new("bash")
        .args(["-c", &commands])
        .current_dir(home.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (out, err) = (text(&done.stdout), text(&done.stderr));
    assert!(done.status.success(), "{}\n{out}\n{err}", done.status);
    for said in ["it is the same picture", "the same by a link"] {
        assert!(out.contains(said), "{out}\n{err}");
    }
}

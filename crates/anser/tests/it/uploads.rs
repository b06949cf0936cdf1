//! Programs by others that speak tus 1.0.0 upload to the real server, which is killed meanwhile. `cargo xtask test` installs
//! them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::http;
use crate::program::{Home, Server};

const MIB: usize = 1024 * 1024;

/// A server, somebody who uploads to it, and a file of theirs.
struct Stage {
    home: Home,
    server: Server,
    token: String,
    bytes: Vec<u8>,
    file: PathBuf,
}

impl Stage {
    fn set(mib: usize) -> Self {
        let home = Home::new();
        let server = home.serve();
        let body = json!({"user": "alice", "device_class": "bot", "create": true});
        let token =
            http::app(&server, "tokens", "", &body).body["token"].as_str().unwrap().to_owned();
        let mut bytes = vec![0; mib * MIB + 7];
        rand::fill(&mut bytes[..]);
        let file = home.path().join("file");
        std::fs::write(&file, &bytes).unwrap();
        Self { home, server, token, bytes, file }
    }

    fn endpoint(&self) -> String {
        format!("http://{}/v1/uploads", self.server.address("http"))
    }

    fn node(&self, how: &str) -> Command {
        let mut command = Command::new("node");
        command
            .env("NODE_PATH", installed("tus-js/node_modules"))
            .arg(script("tus.cjs"))
            .args([&self.endpoint(), &self.token])
            .arg(&self.file)
            .arg(how);
        command
    }

    fn python(&self) -> Command {
        let mut command = Command::new(installed("tuspy/bin/python"));
        command
            .arg(script("tus.py"))
            .args([&self.endpoint(), &self.token])
            .arg(&self.file)
            .arg("512");
        command
    }

    /// Kills the server and starts it again where it was.
    fn kill(&mut self) {
        let ports = self.server.ports();
        self.server.die();
        self.server = self.home.serve_at(&ports);
    }

    /// Lets a program upload, and kills the server after these many answers. Returns what it said last.
    fn uploads(&mut self, mut command: Command, kill_after: &[usize]) -> String {
        let mut child = spawn(&mut command);
        let mut taken = 0;
        let mut last = String::new();
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            last = line.unwrap();
            if last.starts_with("taken") {
                taken += 1;
                if kill_after.contains(&taken) {
                    self.kill();
                }
            }
        }
        let status = child.wait().unwrap();
        assert!(status.success(), "{command:?}: {status}, {last}");
        assert!(kill_after.iter().all(|after| *after <= taken), "it was over after {taken}");
        last.strip_prefix("done ").unwrap_or_else(|| panic!("{last}")).to_owned()
    }

    /// The file of an upload is here, and it is the one that was sent.
    fn arrived(&self, address: &str) {
        let name = address.rsplit('/').next().unwrap();
        let bytes = fetch(&self.server, &format!("/v1/files/{name}/content"), &self.token);
        assert_eq!(bytes.len(), self.bytes.len());
        assert_eq!(Sha256::digest(&bytes), Sha256::digest(&self.bytes));
    }
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/uploads").join(name)
}

fn installed(name: &str) -> PathBuf {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target").join(name);
    assert!(place.exists(), "{} is not installed: cargo xtask test does it", place.display());
    place
}

fn spawn(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap_or_else(|error| {
        panic!("{command:?} cannot be started: {error} (cargo xtask test installs what is needed)")
    })
}

fn fetch(server: &Server, path: &str, token: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(server.address("http")).unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n");
    write!(stream, "{head}authorization: Bearer {token}\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    answer.split_off(end + 4)
}

#[test]
fn requirement_h2_tus_js_client_uploads_through_kill_9() {
    let mut stage = Stage::set(12);
    let address = stage.uploads(stage.node("whole"), &[3, 9]);
    stage.arrived(&address);
}

#[test]
fn requirement_h2_tus_js_client_uploads_in_parallel_parts_through_kill_9() {
    let mut stage = Stage::set(12);
    let address = stage.uploads(stage.node("parts"), &[4]);
    stage.arrived(&address);
}

#[test]
fn requirement_h2_tuspy_uploads_with_checksums_through_kill_9() {
    let mut stage = Stage::set(8);
    let address = stage.uploads(stage.python(), &[2, 11]);
    stage.arrived(&address);
}

#[test]
fn what_tus_js_client_gives_up_is_gone() {
    let mut stage = Stage::set(8);
    let address = stage.uploads(stage.node("abort"), &[]);
    let path = address.split_once("/v1/").map(|(_, name)| format!("/v1/{name}")).unwrap();
    let headers = format!("authorization: Bearer {}\r\n", stage.token);
    let asked = http::request(&stage.server, "GET", &path, &headers, "");
    assert_eq!((asked.status, asked.body["code"].as_str()), (404, Some("FILE_UNKNOWN")));
}

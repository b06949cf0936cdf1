//! As little HTTP/1.1 as it takes.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::sync_channel;

use rustix::fs::sendfile;
use serde_json::{Value, json};

use crate::program::Server;

/// Bytes moved at a time.
const PIECE: usize = 256 << 10;
/// Bytes after which a download begins to be made durable.
const SYNC_BYTES: usize = 32 << 20;

/// What a server answers, before its body.
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    rest: BufReader<TcpStream>,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(theirs, _)| theirs == name);
        &found.unwrap_or_else(|| panic!("no {name}")).1
    }

    fn length(&self) -> u64 {
        self.header("content-length").parse().unwrap()
    }

    pub fn json(mut self) -> Value {
        let mut body = vec![0; self.length().try_into().unwrap()];
        self.rest.read_exact(&mut body).unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    /// Writes the body into a file and makes it durable, beginning with that while the rest is on its way, as the server
    /// does with an upload.
    pub fn save(self, file: &File) {
        let mut left = self.length();
        let begun = self.rest.buffer().to_vec();
        let (mut from, mut to, mut piece) = (self.rest.into_inner(), file, vec![0; PIECE]);
        to.write_all(&begun).unwrap();
        left -= begun.len() as u64;
        std::thread::scope(|scope| {
            let (tell, told) = sync_channel(0);
            scope.spawn(move || told.iter().for_each(|()| file.sync_data().unwrap()));
            let mut unsynced = 0;
            while left > 0 {
                let read = from.read(&mut piece).unwrap();
                assert_ne!(read, 0, "{left} bytes are missing");
                to.write_all(&piece[..read]).unwrap();
                left -= read as u64;
                unsynced += read;
                // Not while the one before is under way.
                if unsynced >= SYNC_BYTES && tell.try_send(()).is_ok() {
                    unsynced = 0;
                }
            }
        });
        file.sync_all().unwrap();
    }
}

/// Sends all bytes of a file, within the system.
pub fn send(file: &File, to: &TcpStream, bytes: u64) {
    let mut sent = 0;
    while sent < bytes {
        let most = PIECE.min(usize::try_from(bytes - sent).unwrap_or(PIECE));
        let more = sendfile(to, file, None, most).unwrap();
        assert_ne!(more, 0, "{} bytes are missing", bytes - sent);
        sent += more as u64;
    }
}

/// Somebody who has a token.
#[derive(Clone)]
pub struct User {
    at: SocketAddr,
    token: String,
}

impl User {
    pub fn of(server: &Server, name: &str) -> Self {
        let key = server.api_key().lines().find(|line| !line.starts_with('#')).unwrap().to_owned();
        let nobody = Self { at: server.address("http"), token: key };
        let wanted = json!({
            "user": name, "device_class": "desktop", "device_name": "bench", "create": true,
        });
        let wanted = wanted.to_string();
        let head = "Content-Type: application/json\r\n";
        let mut asked = nobody.ask("POST", "/v1/app/tokens", head, wanted.len() as u64);
        asked.write_all(wanted.as_bytes()).unwrap();
        let token = answer(asked).json()["token"].as_str().unwrap().to_owned();
        Self { token, ..nobody }
    }

    /// Begins a request whose body has so many bytes.
    pub fn ask(&self, method: &str, path: &str, headers: &str, bytes: u64) -> TcpStream {
        let mut to = TcpStream::connect(self.at).unwrap();
        to.set_nodelay(true).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\
             Content-Length: {bytes}\r\n{headers}\r\n",
            self.token
        );
        to.write_all(head.as_bytes()).unwrap();
        to
    }

    /// Announces an upload; its address.
    pub fn begin_upload(&self, bytes: u64) -> String {
        let head = format!("Tus-Resumable: 1.0.0\r\nUpload-Length: {bytes}\r\n");
        let begun = answer(self.ask("POST", "/v1/uploads", &head, 0));
        assert_eq!(begun.status, 201);
        begun.header("location").to_owned()
    }

    /// Begins to send all bytes of an upload.
    pub fn send_upload(&self, address: &str, bytes: u64) -> TcpStream {
        let head = "Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\n\
                    Content-Type: application/offset+octet-stream\r\n";
        self.ask("PATCH", address, head, bytes)
    }

    /// Removes a file.
    pub fn remove(&self, address: &str) {
        let removed = answer(self.ask("DELETE", address, "Tus-Resumable: 1.0.0\r\n", 0));
        assert_eq!(removed.status, 204);
    }
}

/// Hears how a request is answered.
pub fn answer(from: TcpStream) -> Answer {
    let mut rest = BufReader::new(from);
    let mut line = String::new();
    rest.read_line(&mut line).unwrap();
    let status = line.split(' ').nth(1).unwrap_or_default().parse().unwrap();
    let mut headers = Vec::new();
    loop {
        line.clear();
        rest.read_line(&mut line).unwrap();
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_lowercase(), value.to_owned())),
            None => return Answer { status, headers, rest },
        }
    }
}

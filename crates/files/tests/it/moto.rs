//! An S3-like store of this machine: moto, which `cargo xtask test` installs.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anser_files::BucketSettings;

/// The name of the one bucket there is.
const BUCKET: &str = "files";

/// A store that ends with it.
pub struct Moto {
    child: Child,
    address: SocketAddr,
}

impl Moto {
    /// Starts it on a free port, with an empty bucket.
    pub fn start() -> Self {
        let place = [env!("CARGO_MANIFEST_DIR"), "..", "..", "target", "bucket", "bin"];
        let program: PathBuf = place.iter().collect::<PathBuf>().join("moto_server");
        assert!(
            program.exists(),
            "moto is not installed: `cargo xtask test` does it, or by hand in the root of the repository: \
             python3 -m venv target/bucket && target/bucket/bin/pip install 'moto[server,s3]'"
        );
        let mut child = Command::new(program)
            .args(["--host", "127.0.0.1", "--port", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut lines = String::new();
        let address = loop {
            let begin = lines.len();
            assert!(said.read_line(&mut lines).unwrap() > 0, "moto did not start: {lines}");
            if let Some((_, address)) = lines[begin..].split_once("Running on http://") {
                break address.trim().parse().unwrap();
            }
        };
        // What else it says is read, so that it never waits for it, and goes nowhere.
        std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
        let moto = Self { child, address };
        let made = moto.ask("PUT", &format!("/{BUCKET}"));
        assert!(made.starts_with("HTTP/1.1 200"), "{made}");
        moto
    }

    /// The bucket, under a prefix of one's own.
    pub fn bucket(&self, prefix: &str) -> BucketSettings {
        BucketSettings {
            endpoint: format!("http://{}", self.address),
            bucket: BUCKET.into(),
            region: "us-east-1".into(),
            access_key: "somebody".into(),
            secret_key: "a secret".into(),
            prefix: prefix.into(),
            allow_http: true,
        }
    }

    /// What it answers to a plain request.
    pub fn ask(&self, method: &str, path: &str) -> String {
        let mut connection = TcpStream::connect(self.address).unwrap();
        let signed = "Authorization: AWS4-HMAC-SHA256 Credential=somebody/20260101/us-east-1/s3/aws4_request\r\n";
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n{signed}", self.address);
        let head = format!("{head}Content-Length: 0\r\nConnection: close\r\n\r\n");
        connection.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer
    }

    /// How many objects there are under a prefix, and how many uploads that were neither completed nor given up.
    pub fn count(&self, prefix: &str) -> (usize, usize) {
        let objects = self.ask("GET", &format!("/{BUCKET}?list-type=2&prefix={prefix}"));
        let uploads = self.ask("GET", &format!("/{BUCKET}?uploads"));
        (objects.matches("<Key>").count(), uploads.matches("<UploadId>").count())
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        // Only this test's own child; one that has ended already is no fault.
        let (_killed, _waited) = (self.child.kill(), self.child.wait());
    }
}

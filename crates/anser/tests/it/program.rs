//! The program in a directory of its own: one-off commands, and a server that is waited for by its ready line.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// A command that takes longer hangs; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(30);

/// Everything on free ports of this machine.
const FREE_PORTS: [&str; 10] = [
    "--tcp",
    "127.0.0.1:0",
    "--tls",
    "127.0.0.1:0",
    "--quic",
    "127.0.0.1:0",
    "--http",
    "127.0.0.1:0",
    "--https",
    "127.0.0.1:0",
];

/// A directory that goes away with the test.
pub struct Home {
    directory: tempfile::TempDir,
}

impl Home {
    pub fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    /// The same in a directory that may lie on a disk of its own.
    pub fn inside(parent: &Path) -> Self {
        Self { directory: tempfile::tempdir_in(parent).unwrap() }
    }

    pub fn data_dir(&self) -> PathBuf {
        self.directory.path().join("server")
    }

    /// The program with this directory and nothing of the surrounding environment.
    pub fn program(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_anser"));
        command
            .env_clear()
            .env("HOME", self.directory.path())
            .env("ANSER_DATA_DIR", self.data_dir());
        command.args(words).stdin(Stdio::null());
        command
    }

    /// Runs a command to its end. One that does not end is killed and fails the test.
    pub fn run(&self, words: &[&str]) -> Output {
        let child =
            self.program(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let pid = Pid::from_child(&child);
        let (ended, ending) = mpsc::sync_channel(1);
        std::thread::spawn(move || ended.send(child.wait_with_output()));
        match ending.recv_timeout(PATIENCE) {
            Ok(output) => output.unwrap(),
            Err(_) => {
                kill_process(pid, Signal::KILL).unwrap();
                panic!("{words:?} does not end");
            }
        }
    }

    /// Where everything of this test lies.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Starts a server and returns when it is ready.
    pub fn serve(&self) -> Server {
        self.serve_with(&[])
    }

    pub fn serve_with(&self, more: &[&str]) -> Server {
        self.start(&[&FREE_PORTS[..], more].concat())
    }

    /// Starts it again where clients know it; see [`Server::ports`].
    pub fn serve_at(&self, ports: &[String]) -> Server {
        self.start(&ports.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn start(&self, options: &[&str]) -> Server {
        let command = self.program(&[&["serve"], options].concat());
        let ready = if options.contains(&"--json") { "{\"event\":\"ready\"" } else { "ready" };
        self.launch(command, ready)
            .unwrap_or_else(|status| panic!("no ready line, {status}\n{}", self.log()))
    }

    /// Starts a server some of whose system calls go wrong, in the words of strace; the exit status if it ends before
    /// it is ready. With `-D` the server is this process's own child, and its end is strace's.
    pub fn serve_under_strace(&self, inject: &str) -> Result<Server, ExitStatus> {
        let mut command = Command::new("strace");
        let program = self.program(&[&["serve"], &FREE_PORTS[..]].concat());
        command
            .env_clear()
            .envs(program.get_envs().filter_map(|(key, value)| Some((key, value?))))
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .args(["-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e"])
            .arg(format!("inject={inject}"))
            .arg(program.get_program())
            .args(program.get_args())
            .stdin(Stdio::null());
        self.launch(command, "ready")
    }

    /// Starts a server by this command, which may be one that starts the server; its exit status if it ends before it says
    /// this.
    pub fn launch(&self, mut command: Command, ready: &str) -> Result<Server, ExitStatus> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.directory.path().join("log"))
            .unwrap();
        let mut child =
            command.stdout(Stdio::piped()).stderr(log).spawn().unwrap_or_else(|error| {
                panic!(
                    "{:?} is needed by this test and cannot be started: {error} \
                     (cargo xtask test installs what the tests need)",
                    command.get_program()
                )
            });
        let out = BufReader::new(child.stdout.take().unwrap());
        let mut server = Server { child, out, said: Vec::new(), data_dir: self.data_dir() };
        if server.hear(ready) { Ok(server) } else { Err(server.wait()) }
    }
}

/// A server that is ready. It is killed when the test ends.
pub struct Server {
    child: Child,
    out: BufReader<ChildStdout>,
    said: Vec<String>,
    data_dir: PathBuf,
}

impl Server {
    /// Reads lines until one begins so; false when there are no more.
    pub fn hear(&mut self, beginning: &str) -> bool {
        loop {
            let mut line = String::new();
            if self.out.read_line(&mut line).unwrap() == 0 {
                return false;
            }
            let found = line.starts_with(beginning);
            self.said.push(line);
            if found {
                return true;
            }
        }
    }

    /// Every line so far.
    pub fn said(&self) -> String {
        self.said.concat()
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
    }

    /// SIGTERM, and how it ended.
    pub fn stop(mut self) -> (ExitStatus, String) {
        self.signal(Signal::TERM);
        while self.hear("\u{0}") {}
        (self.child.wait().unwrap(), self.said())
    }

    /// Its exit status, if it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// How it ends by itself.
    pub fn wait(mut self) -> ExitStatus {
        while self.hear("\u{0}") {}
        self.child.wait().unwrap()
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.die();
    }

    /// The same, for one that another takes the place of: its ports are free when this returns.
    pub fn die(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn announcement(&self) -> Value {
        let text = std::fs::read(self.data_dir.join("server.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    }

    pub fn address(&self, kind: &str) -> SocketAddr {
        self.announcement()[kind].as_str().unwrap().parse().unwrap()
    }

    /// The options that make a server listen where this one does.
    pub fn ports(&self) -> Vec<String> {
        ["tcp", "tls", "quic", "http", "https"]
            .iter()
            .flat_map(|kind| [format!("--{kind}"), self.address(kind).to_string()])
            .collect()
    }

    pub fn api_key(&self) -> String {
        let said = self.announcement();
        let file = Path::new(said["api_key_file"].as_str().unwrap()).to_owned();
        std::fs::read_to_string(file).unwrap().trim().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Ends only this test's own child; one that has ended already is no fault.
        if let Ok(None) = self.child.try_wait() {
            let (_killed, _waited) = (self.child.kill(), self.child.wait());
        }
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

//! The server under measurement: somebody else's, or one of our own pinned to core 0, and what it costs.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::thread::{CpuSet, sched_setaffinity};
use serde::Deserialize;
use tempfile::TempDir;

use super::options::Transport;
use super::way::Way;

/// A server, where to reach it, and its process if it is ours.
pub struct Server {
    /// How clients reach it.
    pub way: Way,
    /// HTTP base address.
    pub http: String,
    /// The API key.
    pub api_key: String,
    own: Option<Own>,
}

struct Own {
    child: Child,
    /// Removed when the measurement is over.
    directory: TempDir,
}

/// What `anser serve` writes when it listens.
#[derive(Deserialize)]
struct ServerFile {
    tcp: Option<String>,
    tls: Option<String>,
    quic: Option<String>,
    http: String,
    certificate_sha256: Option<String>,
    api_key_file: PathBuf,
}

impl Server {
    /// A server that is already running.
    pub fn running(tcp: &str, http: &str, api_key_file: &Path) -> Result<Self> {
        Ok(Self {
            way: Way::plain(tcp)?,
            http: http.to_owned(),
            api_key: read_api_key(api_key_file)?,
            own: None,
        })
    }

    /// Starts `anser serve` on free ports in a temporary directory, pinned to core 0; this thread goes to core 1.
    pub fn spawn(parent: Option<&Path>, speaking: Transport) -> Result<Self> {
        let directory = match parent {
            Some(parent) => TempDir::new_in(parent),
            None => TempDir::new(),
        }
        .context("cannot make a temporary directory")?;
        let program = std::env::current_exe().context("cannot find this program")?;
        let child = start(&program, directory.path(), speaking, ["127.0.0.1:0", "127.0.0.1:0"])?;
        let file: ServerFile = serde_json::from_slice(
            &fs::read(directory.path().join("server.json"))
                .context("the server wrote no server.json")?,
        )?;
        Ok(Self {
            way: match (speaking, file.tcp, file.tls, file.quic, file.certificate_sha256) {
                (Transport::Plain, Some(tcp), ..) => Way::plain(&tcp)?,
                (Transport::Tls, _, Some(tls), _, Some(pin)) => Way::tls(&tls, pin.parse()?)?,
                (Transport::Quic, _, _, Some(quic), Some(pin)) => Way::quic(&quic, pin.parse()?)?,
                _ => bail!("the server does not listen where it was told to"),
            },
            http: format!("http://{}", file.http),
            api_key: read_api_key(&file.api_key_file)?,
            own: Some(Own { child, directory }),
        })
    }

    /// The same server as a running one: whoever holds this does not end it.
    pub fn as_running(&self) -> Self {
        let Self { way, http, api_key, .. } = self;
        Self { way: way.apart(), http: http.clone(), api_key: api_key.clone(), own: None }
    }

    /// Kills our own server without a word (SIGKILL) and starts it again where it was. Returns when it listens.
    pub async fn kill_and_restart(&mut self) -> Result<()> {
        let own = self.own.as_mut().context("only a server of --spawn is killed")?;
        own.child.kill().and_then(|()| own.child.wait()).context("the server was not killed")?;
        let program = std::env::current_exe().context("cannot find this program")?;
        let directory = own.directory.path().to_owned();
        let (here, speaking) = (self.way.address().to_string(), self.way.transport());
        let http = self.http.trim_start_matches("http://").to_owned();
        // The fleet goes on meanwhile: it is what must cope with it.
        let starting = move || start(&program, &directory, speaking, [&here, &http]);
        own.child = tokio::task::spawn_blocking(starting).await??;
        Ok(())
    }

    /// Processor time used so far, user and system.
    pub fn cpu(&self) -> Option<Duration> {
        let stat =
            fs::read_to_string(format!("/proc/{}/stat", self.own.as_ref()?.child.id())).ok()?;
        // Fields after the parenthesised name: state is the first, utime and stime the 12th and 13th.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks: u64 =
            fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
        Some(Duration::from_millis(ticks * 1_000 / rustix::param::clock_ticks_per_second()))
    }

    /// Resident memory in bytes.
    pub fn rss(&self) -> Option<u64> {
        let statm =
            fs::read_to_string(format!("/proc/{}/statm", self.own.as_ref()?.child.id())).ok()?;
        let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
        Some(pages * rustix::param::page_size() as u64)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(own) = &mut self.own {
            // Already gone is fine: the directory goes either way.
            let _gone = own.child.kill().and_then(|()| own.child.wait());
        }
    }
}

/// The first key of an API key file: one key per line, comments begin with '#'.
fn read_api_key(file: &Path) -> Result<String> {
    let text = fs::read_to_string(file)
        .with_context(|| format!("cannot read the API key in {}", file.display()))?;
    text.lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .with_context(|| format!("{} holds no API key", file.display()))
}

/// A child inherits its parent's cores: go to core 0, start it, go to core 1.
fn start(program: &Path, directory: &Path, speaking: Transport, at: [&str; 2]) -> Result<Child> {
    let [sessions, http] = at;
    let on = |transport| if speaking == transport { sessions } else { "off" };
    let (tcp, tls, quic) = (on(Transport::Plain), on(Transport::Tls), on(Transport::Quic));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    pin(0)?;
    let spawned = Command::new(program)
        .arg("serve")
        .arg("--data-dir")
        .arg(directory)
        .args(["--tcp", tcp, "--http", http, "--tls", tls, "--quic", quic, "--https", "off"])
        // One group takes everything here: what is measured is the server, not what it lets a group say.
        .args(["--set", "limits.group_messages_per_second=1000000"])
        .args(["--set", "limits.group_messages_burst=1000000"])
        .env("ANSER_LOG_LEVEL", "warn")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn();
    pin(if cores > 1 { 1 } else { 0 })?;
    let mut child = spawned.with_context(|| format!("cannot start {}", program.display()))?;
    let output = child.stdout.take().context("the server has no output")?;
    let mut lines = BufReader::new(output).lines();
    for line in lines.by_ref() {
        if line?.starts_with("ready") {
            // Somebody must go on reading, or the server would stop at a full pipe.
            std::thread::spawn(move || lines.for_each(drop));
            return Ok(child);
        }
    }
    let status = child.wait()?;
    bail!("the server ended before it was ready ({status})")
}

fn pin(core: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(core);
    sched_setaffinity(None, &set).with_context(|| format!("cannot pin to core {core}"))?;
    ensure!(set.is_set(core), "core {core} does not exist");
    Ok(())
}

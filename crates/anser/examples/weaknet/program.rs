//! The server: the real program, in a process and a directory of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;

use anser_sdk::http::{AppServerClient, DeviceDescription, HttpConnection, SignedIn};
use anser_sdk::{SecretString, Trust};
use anser_types::{DeviceClass, UserId};
use anyhow::{Context as _, bail};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// A server that is ready. It is killed with its value, and its directory goes.
pub struct Server {
    announced: Value,
    app_server: AppServerClient,
    _child: Child,
    _directory: TempDir,
}

impl Server {
    /// Starts the program that was built beside this one.
    pub async fn start() -> anyhow::Result<Self> {
        let program = program()?;
        let directory = TempDir::new()?;
        let mut command = Command::new(&program);
        command.arg("serve").arg("--data-dir").arg(directory.path());
        for listener in ["--tcp", "--tls", "--quic", "--http"] {
            command.args([listener, "127.0.0.1:0"]);
        }
        command.args(["--https", "off"]).env("ANSER_LOG_LEVEL", "error");
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let out = child.stdout.take().context("the server has no output")?;
        let mut lines = BufReader::new(out).lines();
        loop {
            match lines.next_line().await? {
                Some(line) if line.starts_with("ready") => break,
                Some(_) => {}
                None => bail!("the server ended before it was ready"),
            }
        }
        // Somebody must go on reading, or the server would stop at a full pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let announced: Value =
            serde_json::from_slice(&std::fs::read(directory.path().join("server.json"))?)?;
        let key = std::fs::read_to_string(text(&announced, "api_key_file")?)?;
        let base = format!("http://{}", text(&announced, "http")?);
        let connection = HttpConnection::new(&base, &Trust::default(), false)?;
        let app_server =
            AppServerClient::new(connection, SecretString::from(key.trim().to_owned()));
        Ok(Self { announced, app_server, _child: child, _directory: directory })
    }

    /// Where it listens for this ("tcp", "tls", "quic", "http").
    pub fn address(&self, listener: &str) -> anyhow::Result<SocketAddr> {
        Ok(text(&self.announced, listener)?.parse()?)
    }

    /// Whom to trust: the certificate it made.
    pub fn trust(&self) -> anyhow::Result<Trust> {
        Ok(Trust::Pinned(vec![text(&self.announced, "certificate_sha256")?.parse()?]))
    }

    /// A device of a new user; how it signs in is not what the lab is for.
    pub async fn sign_up(&self, user: &str) -> anyhow::Result<SignedIn> {
        let device = DeviceDescription { class: DeviceClass::Phone, name: "lab".to_owned() };
        Ok(self.app_server.mint_token(&UserId::new(user)?, &device, true, None).await?)
    }
}

fn text<'a>(announced: &'a Value, key: &str) -> anyhow::Result<&'a str> {
    announced[key].as_str().with_context(|| format!("the server does not say its {key}"))
}

/// `target/<profile>/anser`; this program lies in `examples` beside it.
fn program() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.parent().and_then(|examples| examples.parent());
    let program = folder.context("this program lies nowhere")?.join("anser");
    if !program.exists() {
        bail!("{} is not built; run `cargo xtask weaknet`", program.display());
    }
    Ok(program)
}

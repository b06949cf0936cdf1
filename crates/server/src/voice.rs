//! What `init` and `serve` tell on standard output: lines for people, or one JSON object per line for programs.

use std::io::{self, Write as _};
use std::net::SocketAddr;

use anser_gateway::ListenerKind;
use serde_json::{Value, json};

use crate::first_start::Made;
use crate::open_files::OpenFiles;

/// Something worth telling, in the order in which it happens.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// A file or directory was made.
    Made(&'a Made),
    /// Nothing had to be made.
    NothingToMake,
    /// What to type next.
    Next(&'a str),
    /// The open-file limit was raised, or is too low.
    OpenFiles(OpenFiles),
    /// A listener is open.
    Listening {
        /// What speaks there.
        kind: ListenerKind,
        /// Where.
        address: SocketAddr,
    },
    /// Everything is up. The line begins with "ready".
    Ready {
        /// How long the start took.
        started_in_ms: u64,
    },
    /// Certificate and key were read again; new connections are shown this one.
    Reloaded {
        /// Its SHA-256 in hexadecimal.
        certificate_sha256: &'a str,
    },
    /// The list of words that may not be said was read again.
    WordsReloaded {
        /// How many there are.
        words: usize,
    },
    /// The list of servers was read again.
    GatewaysReloaded {
        /// How many it names.
        gateways: usize,
    },
    /// Stopping was asked for.
    Draining {
        /// Sessions that are told to leave.
        sessions: usize,
    },
    /// Everything is on the disk.
    Stopped,
}

/// Tells events in one of two ways.
#[derive(Clone, Copy, Debug)]
pub struct Voice {
    /// JSON instead of text.
    pub json: bool,
}

impl Voice {
    /// Tells it, at once.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn tell(self, event: &Event<'_>) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.json {
            writeln!(out, "{}", as_json(event))?;
        } else {
            writeln!(out, "{}", as_text(event))?;
        }
        out.flush()
    }
}

fn as_text(event: &Event<'_>) -> String {
    match event {
        Event::Made(made) => format!("made       {}: {}", made.what, made.path.display()),
        Event::NothingToMake => "made       nothing: everything is there already".into(),
        Event::Next(command) => format!("next       {command}"),
        Event::OpenFiles(files) => {
            let change = if files.now == files.before {
                format!("limit {}", files.now)
            } else {
                format!("limit raised from {} to {}", files.before, files.now)
            };
            if files.enough() {
                format!("open files {change}")
            } else {
                format!(
                    "open files {change}; room for about {} connections. For more: ulimit -n {}",
                    files.connections(),
                    files.needed
                )
            }
        }
        Event::Listening { kind, address } => {
            format!("listening  {:<5} {address}  {}", kind.name(), explain(*kind, *address))
        }
        Event::Ready { started_in_ms } => format!("ready      after {started_in_ms} ms"),
        Event::Reloaded { certificate_sha256 } => {
            format!("reloaded   certificate, SHA-256 {certificate_sha256}")
        }
        Event::WordsReloaded { words } => format!("reloaded   {words} words that may not be said"),
        Event::GatewaysReloaded { gateways } => {
            format!("reloaded   list of {gateways} servers for clients")
        }
        Event::Draining { sessions } => {
            format!("stopping   {sessions} sessions are asked to reconnect later")
        }
        Event::Stopped => "stopped    everything is on the disk".into(),
    }
}

fn explain(kind: ListenerKind, address: SocketAddr) -> String {
    match kind {
        ListenerKind::Tcp => "plain, this machine only".into(),
        ListenerKind::Tls => "with TLS".into(),
        ListenerKind::Quic => "UDP, with TLS".into(),
        ListenerKind::Http => format!("http://{address}, this machine only"),
        ListenerKind::Https => format!("https://{address}"),
    }
}

fn as_json(event: &Event<'_>) -> Value {
    match event {
        Event::Made(made) => json!({"event": "made", "what": made.what, "path": made.path}),
        Event::NothingToMake => json!({"event": "nothing_to_make"}),
        Event::Next(command) => json!({"event": "next", "command": command}),
        Event::OpenFiles(files) => json!({
            "event": "open_files", "before": files.before, "now": files.now,
            "needed": files.needed, "enough": files.enough(),
        }),
        Event::Listening { kind, address } => {
            json!({"event": "listening", "kind": kind.name(), "address": address})
        }
        Event::Ready { started_in_ms } => json!({"event": "ready", "started_in_ms": started_in_ms}),
        Event::Reloaded { certificate_sha256 } => {
            json!({"event": "reloaded", "certificate_sha256": certificate_sha256})
        }
        Event::WordsReloaded { words } => json!({"event": "reloaded", "words": words}),
        Event::GatewaysReloaded { gateways } => json!({"event": "reloaded", "gateways": gateways}),
        Event::Draining { sessions } => json!({"event": "draining", "sessions": sessions}),
        Event::Stopped => json!({"event": "stopped"}),
    }
}

//! The addresses to listen on: free, or taken by this very server.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use anser_gateway::ListenerKind;

use super::finding::Finding;
use crate::announcement::Announcement;
use crate::config::Config;
use crate::data_dir::DataDir;
use crate::listeners;

/// An address of this machine answers at once or not at all.
const PATIENCE: Duration = Duration::from_secs(2);

/// One finding per listener, or one about what is wrong with them.
#[must_use]
pub fn ports(data_dir: &DataDir, config: &Config, running: bool) -> Vec<Finding> {
    let check = "listeners";
    let wanted = match listeners::from_config(config) {
        Ok(wanted) => wanted,
        Err(failure) => return vec![Finding::fail(check, failure.detail, failure.next_step)],
    };
    if running {
        return match Announcement::read(&data_dir.announcement()) {
            Ok(Some(said)) => answering(&said),
            Ok(None) => vec![Finding::warn(
                check,
                "the server has not said where it listens",
                "If it is not just starting, look at its log.",
            )],
            Err(error) => vec![Finding::fail(
                check,
                format!("{}: {error}", data_dir.announcement().display()),
                "Restart the server: it writes the file anew.",
            )],
        };
    }
    wanted.iter().map(|listener| free(listener.kind, listener.address)).collect()
}

fn answering(said: &Announcement) -> Vec<Finding> {
    [("tcp", said.tcp), ("tls", said.tls), ("http", said.http), ("https", said.https)]
        .into_iter()
        .filter_map(|(kind, address)| Some((kind, address?)))
        .map(|(kind, address)| match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(_) => Finding::ok("listeners", format!("{kind} answers at {address}")),
            Err(error) => Finding::fail(
                "listeners",
                format!("{kind} does not answer at {address}: {error}"),
                "Look at the server's log, then restart it.",
            ),
        })
        .chain(said.quic.map(held))
        .collect()
}

/// Nothing answers to a UDP packet that is no handshake: whoever listens holds the port.
fn held(address: SocketAddr) -> Finding {
    match UdpSocket::bind(address) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            Finding::ok("listeners", format!("quic holds {address} (UDP)"))
        }
        _ => Finding::fail(
            "listeners",
            format!("quic does not hold {address} (UDP)"),
            "Look at the server's log, then restart it.",
        ),
    }
}

fn free(kind: ListenerKind, address: SocketAddr) -> Finding {
    let (bound, list) = match kind {
        ListenerKind::Quic => (UdpSocket::bind(address).map(drop), "ss -lunp"),
        _ => (TcpListener::bind(address).map(drop), "ss -ltnp"),
    };
    let kind = kind.name();
    match bound {
        Ok(()) => Finding::ok("listeners", format!("{kind} {address} is free")),
        Err(error) if error.kind() == ErrorKind::AddrInUse => Finding::fail(
            "listeners",
            format!("{kind} {address} is taken by another program"),
            format!(
                "Stop it ({list} shows it), or take another port: --set listen.{kind}=\"{}:0\"",
                address.ip()
            ),
        ),
        Err(error) => Finding::fail(
            "listeners",
            format!("{kind} {address}: {error}"),
            format!("Set listen.{kind} to an address of this machine."),
        ),
    }
}

//! `server.json`: tells commands on the same machine how to reach the server and which certificate to expect. It is
//! written when the server listens and stays after a stop, because clients queue what they say until it is back.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anser_gateway::ListenerKind;
use serde::{Deserialize, Serialize};

use crate::data_dir::{OPEN, write_whole};

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// The protocol over plain TCP.
    pub tcp: Option<SocketAddr>,
    /// The protocol over TLS.
    pub tls: Option<SocketAddr>,
    /// The protocol over QUIC (UDP). Files of earlier versions do not say.
    #[serde(default)]
    pub quic: Option<SocketAddr>,
    /// HTTP and WebSocket.
    pub http: Option<SocketAddr>,
    /// HTTP and WebSocket over TLS.
    pub https: Option<SocketAddr>,
    /// SHA-256 of the certificate in hexadecimal, when there is one.
    pub certificate_sha256: Option<String>,
    /// The file with the API keys.
    pub api_key_file: PathBuf,
    /// The server's process.
    pub pid: u32,
}

impl Announcement {
    /// What a server that listens here says.
    #[must_use]
    pub fn new(
        addresses: &[(ListenerKind, SocketAddr)],
        certificate_sha256: Option<&[u8; 32]>,
        api_key_file: PathBuf,
    ) -> Self {
        let by_kind: BTreeMap<_, _> = addresses.iter().copied().collect();
        let at = |kind| by_kind.get(&kind).copied();
        Self {
            tcp: at(ListenerKind::Tcp),
            tls: at(ListenerKind::Tls),
            quic: at(ListenerKind::Quic),
            http: at(ListenerKind::Http),
            https: at(ListenerKind::Https),
            certificate_sha256: certificate_sha256.map(hex::encode),
            api_key_file,
            pid: std::process::id(),
        }
    }

    /// Writes the file.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        write_whole(path, &text, OPEN)
    }

    /// Reads the file; `None` when no server ever listened.
    ///
    /// # Errors
    /// What the file system says, or that the file is none of ours.
    pub fn read(path: &Path) -> io::Result<Option<Self>> {
        match std::fs::read(path) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

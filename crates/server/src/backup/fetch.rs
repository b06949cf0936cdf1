//! An archive from the running server of a data directory, through its admin door.

use std::io::{self, Read};

use anser_trust::{CertificatePin, pinned_config, refused_certificate};
use anser_types::ErrorCode;
use bytes::{Buf as _, Bytes};
use serde_json::Value;
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use crate::announcement::Announcement;
use crate::data_dir::DataDir;
use crate::failure::Failure;

/// Pieces on their way between the connection and the file.
const PIECES: usize = 8;

/// What a server sends, as it comes. Reading ends with an error if the connection breaks.
#[derive(Debug)]
pub struct Incoming {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Read for Incoming {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let len = into.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut into[..len]);
        Ok(len)
    }
}

/// Asks the running server for a backup; ends when it has begun to answer.
pub async fn begin(data_dir: &DataDir) -> Result<Incoming, Failure> {
    let said = announcement(data_dir)?;
    let (base, client) = way_to(&said)?;
    let url = format!("{base}/v1/admin/backup");
    let key = api_key(&said)?;
    let asked = client.get(&url).bearer_auth(&*key).send().await;
    let response = asked.map_err(|error| unreachable(&url, &error))?;
    if !response.status().is_success() {
        return Err(refused(response).await);
    }
    let (sender, pieces) = mpsc::channel(PIECES);
    tokio::spawn(pass_on(response, sender));
    Ok(Incoming { pieces, piece: Bytes::new() })
}

/// Asks the running server's admin door; with a body it is told something. Returns what it answers.
///
/// # Errors
/// Whatever kept it from an answer, or the server's own refusal.
pub async fn ask(data_dir: &DataDir, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
    let said = announcement(data_dir)?;
    let (base, client) = way_to(&said)?;
    let (url, key) = (format!("{base}{path}"), api_key(&said)?);
    let request = match body {
        Some(body) => client
            .post(&url)
            .header(reqwest::header::CONTENT_TYPE, "application/json")
            .body(body.to_string()),
        None => client.get(&url),
    };
    let answered = request.bearer_auth(&*key).send().await;
    let response = answered.map_err(|error| unreachable(&url, &error))?;
    if !response.status().is_success() {
        return Err(refused(response).await);
    }
    let bytes = response.bytes().await.map_err(|error| unreachable(&url, &error))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| Failure::new(ErrorCode::Internal, format!("{url}: {error}")))
}

fn unreachable(url: &str, error: &reqwest::Error) -> Failure {
    if let Some(refused) = refused_certificate(error) {
        return Failure::new(refused.code, format!("{url}: {}", refused.detail)).next(
            "Another server listens there than the one of this data directory: name the right one.",
        );
    }
    Failure::new(ErrorCode::Unreachable, format!("{url}: {error}")).next(
        "If the server is just starting, try again; if it has stopped, another program holds the store.",
    )
}

async fn pass_on(mut response: reqwest::Response, to: mpsc::Sender<io::Result<Bytes>>) {
    loop {
        let piece = match response.chunk().await {
            Ok(Some(piece)) => Ok(piece),
            Ok(None) => return,
            Err(error) => Err(io::Error::other(format!("the connection broke: {error}"))),
        };
        let broken = piece.is_err();
        if to.send(piece).await.is_err() || broken {
            return;
        }
    }
}

fn announcement(data_dir: &DataDir) -> Result<Announcement, Failure> {
    let path = data_dir.announcement();
    match Announcement::read(&path) {
        Ok(Some(said)) => Ok(said),
        Ok(None) => {
            Err(Failure::new(ErrorCode::Unreachable, "no running server has said where it listens")
                .next("Start it with 'anser serve'; if it is just starting, try again."))
        }
        Err(error) => {
            Err(Failure::new(ErrorCode::Internal, format!("{}: {error}", path.display()))
                .next("Restart the server: it writes the file anew."))
        }
    }
}

fn way_to(said: &Announcement) -> Result<(String, reqwest::Client), Failure> {
    let internal = |error: String| Failure::new(ErrorCode::Internal, error);
    let (base, pins) = match (said.http, said.https, &said.certificate_sha256) {
        (Some(address), _, _) => (format!("http://{address}"), Vec::new()),
        (None, Some(address), Some(digits)) => {
            let pin: CertificatePin = digits.parse().map_err(|error: anser_types::Refusal| {
                internal(format!("server.json: certificate_sha256: {}", error.detail))
            })?;
            (format!("https://{address}"), vec![pin])
        }
        _ => {
            return Err(Failure::new(
                ErrorCode::ConfigInvalid,
                "the running server listens neither for http nor for https",
            )
            .next("Set listen.http (this machine only is enough) and restart, or stop the server and run it again."));
        }
    };
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(
            pinned_config(pins, &[b"http/1.1"])
                .map_err(|error| internal(format!("TLS: {error}")))?,
        )
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .map_err(|error| internal(format!("the HTTP client: {error}")))?;
    Ok((base, client))
}

fn api_key(said: &Announcement) -> Result<Zeroizing<String>, Failure> {
    let path = &said.api_key_file;
    let text = std::fs::read_to_string(path).map(Zeroizing::new).map_err(|error| {
        Failure::new(ErrorCode::ConfigInvalid, format!("{}: {error}", path.display()))
            .next("Run it as the user who runs the server.")
    })?;
    let key = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    key.map(|key| Zeroizing::new(key.to_owned())).ok_or_else(|| {
        Failure::new(ErrorCode::ConfigInvalid, format!("{}: there is no key in it", path.display()))
    })
}

async fn refused(response: reqwest::Response) -> Failure {
    let status = response.status();
    let body = response.bytes().await.unwrap_or_default();
    let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
    let number = problem["number"].as_u64().and_then(|number| u16::try_from(number).ok());
    let code = number.and_then(ErrorCode::from_number).unwrap_or(ErrorCode::Internal);
    let detail = problem["detail"].as_str().filter(|detail| !detail.is_empty());
    let detail = detail.map_or_else(|| format!("the server answered {status}"), str::to_owned);
    Failure::new(code, detail)
}

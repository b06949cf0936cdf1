//! Moves files for the chat: sends what is attached, fetches what is opened or saved, and shows it to the desktop.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anser_sdk::{
    Client, FileAt, FileInfo, ShowAs, Transfer, TransferProgress, TransferState, UploadOptions,
};
use anser_types::Refusal;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc;

use super::moving::{Attachment, MovingNo, Stage, Use, Wish};
use super::step::Input;
use crate::files;
use crate::identity::variable;

/// What a desktop may be given: formats that no program runs, under names by which it is not taken for anything else.
const OPENED: [&str; 24] = [
    "png", "jpg", "jpeg", "gif", "webp", "avif", "bmp", "mp4", "m4v", "webm", "mov", "mkv", "avi",
    "mp3", "m4a", "aac", "ogg", "oga", "opus", "wav", "flac", "pdf", "txt", "md",
];
/// The beginnings of their media types.
const OPENED_AS: [&str; 5] = ["image/", "video/", "audio/", "application/pdf", "text/plain"];

/// How often it is shown how far a transfer is.
const SHOWN_EVERY: Duration = Duration::from_millis(100);

/// Transfers under way, by their names.
#[derive(Clone, Debug, Default)]
pub struct Carrier(Arc<Mutex<BTreeMap<MovingNo, Transfer>>>);

/// How a fetched file ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The desktop has it.
    Opened,
    /// It only lies there.
    Saved,
    /// It lies there because the desktop is not given what could be run.
    NotGiven,
    /// It lies there because there is no desktop.
    NoDesktop,
}

impl Carrier {
    /// Ends a transfer; one that is not there any more has ended by itself.
    pub fn stop(&self, no: MovingNo) {
        if let Some(transfer) = self.all().get(&no) {
            transfer.cancel();
        }
    }

    fn all(&self) -> std::sync::MutexGuard<'_, BTreeMap<MovingNo, Transfer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a transfer is done, and tells how far it is.
    async fn follow(
        &self,
        no: MovingNo,
        transfer: Transfer,
        results: &mpsc::Sender<Input>,
    ) -> Result<FileInfo, Refusal> {
        self.all().insert(no, transfer.clone());
        let mut watch = transfer.watch();
        loop {
            let now = watch.borrow_and_update().clone();
            if now.state.is_final() {
                break;
            }
            if results.send(Input::Moving(no, stage(&now))).await.is_err() {
                break;
            }
            // Often enough to be seen, seldom enough not to be work.
            let rest = async {
                tokio::time::sleep(SHOWN_EVERY).await;
                watch.changed().await
            };
            tokio::select! {
                biased;
                _ = transfer.done() => break,
                changed = rest => if changed.is_err() { break },
            }
        }
        let done = transfer.done().await;
        self.all().remove(&no);
        Ok(done?)
    }

    /// Uploads a file and puts the message with it into the outbox.
    pub async fn attach(
        &self,
        client: &Client,
        no: MovingNo,
        what: Attachment,
        results: &mpsc::Sender<Input>,
    ) -> Input {
        let sent = async {
            let transfer = client.upload(what.path, UploadOptions::default()).await?;
            let file = self.follow(no, transfer, results).await?;
            let content = Client::create_file_message_of(&file, ShowAs::WhatItIs, what.caption)?;
            client.send_message(what.to.clone(), content).await.map_err(Refusal::from)
        };
        match sent.await {
            Ok(_) => Input::Attached(no, what.to),
            Err(refusal) => Input::NotMoved(no, "/attach", refusal),
        }
    }

    /// Fetches a file, and opens it if that is wanted.
    pub async fn fetch(
        &self,
        client: &Client,
        no: MovingNo,
        wish: Wish,
        results: &mpsc::Sender<Input>,
    ) -> Input {
        let command = if wish.then == Use::Open { "/open" } else { "/save" };
        match self.fetched(client, no, wish, results).await {
            Ok((path, shown)) => Input::Fetched(no, path, shown),
            Err(refusal) => Input::NotMoved(no, command, refusal),
        }
    }

    async fn fetched(
        &self,
        client: &Client,
        no: MovingNo,
        wish: Wish,
        results: &mpsc::Sender<Input>,
    ) -> Result<(PathBuf, Shown), Refusal> {
        let path = match wish.then {
            Use::Save(path) => {
                let path = if path.is_dir() { path.join(&wish.name) } else { path };
                self.follow(no, client.download(wish.file, &path)?, results).await?;
                return Ok((path, Shown::Saved));
            }
            Use::Open => {
                let directory = files::downloads(&variable)?;
                std::fs::create_dir_all(&directory)
                    .map_err(|error| files::unusable(&directory, &error))?;
                directory.join(&wish.name)
            }
        };
        let info = client.file_info(wish.file).await?;
        let path = match is_there(path.clone(), info.clone()).await {
            true => path,
            false => {
                let free = path
                    .parent()
                    .map_or_else(|| path.clone(), |into| files::free_path(into, &wish.name));
                let file = FileAt { sha256: Some(info.sha256), ..wish.file };
                self.follow(no, client.download(file, &free)?, results).await?;
                free
            }
        };
        let shown = show(&path, &info.media_type);
        Ok((path, shown))
    }
}

fn stage(now: &TransferProgress) -> Stage {
    match &now.state {
        TransferState::Hashing => Stage::Reading,
        TransferState::Waiting { retry_at, reason } => {
            Stage::Waiting(retry_at.saturating_duration_since(Instant::now()), reason.clone())
        }
        _ => Stage::Going(now.moved, now.total),
    }
}

/// Whether the same file was fetched before.
async fn is_there(path: PathBuf, file: FileInfo) -> bool {
    let same = move || -> io::Result<bool> {
        if std::fs::metadata(&path)?.len() != file.bytes {
            return Ok(false);
        }
        let (mut file_here, mut hash) = (std::fs::File::open(&path)?, Sha256::new());
        let mut buffer = vec![0; 256 * 1024];
        loop {
            match file_here.read(&mut buffer)? {
                0 => break,
                read => hash.update(&buffer[..read]),
            }
        }
        Ok(hash.finalize()[..] == file.sha256.0)
    };
    tokio::task::spawn_blocking(same).await.is_ok_and(|same| same.unwrap_or(false))
}

/// Gives a file to the desktop, if there is one and the file is nothing that could be run.
fn show(path: &Path, media_type: &str) -> Shown {
    let extension = path.extension().and_then(|one| one.to_str()).map(str::to_ascii_lowercase);
    let harmless = extension.is_some_and(|one| OPENED.contains(&one.as_str()))
        && OPENED_AS.iter().any(|beginning| media_type.starts_with(beginning));
    if !harmless {
        return Shown::NotGiven;
    }
    let desktop = ["DISPLAY", "WAYLAND_DISPLAY"]
        .into_iter()
        .any(|name| variable(name).is_some_and(|value| !value.is_empty()));
    if !desktop {
        return Shown::NoDesktop;
    }
    let started = Command::new("xdg-open")
        .arg(path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match started {
        Ok(mut child) => {
            // Somebody has to wait for it, or it stays as a dead process.
            std::thread::spawn(move || drop(child.wait()));
            Shown::Opened
        }
        Err(error) => {
            tracing::debug!(%error, "nothing opens files here");
            Shown::NoDesktop
        }
    }
}

//! `anser upload`: files to the server, before anything is said with them.

use std::path::PathBuf;
use std::time::Duration;

use anser_sdk::{Client, FileInfo, Transfer, UnfinishedUpload};
use anser_types::{ErrorCode, Failure, Refusal, UserId};
use clap::Args;
use serde_json::json;

use crate::identity::{self, Who};
use crate::moving::{self, Watching};
use crate::{files, kinds, plain, say, session};

/// Send files to the server, to be said something with later
///
/// Prints each file's id. What breaks off goes on by itself; after Ctrl+C or a crash with --resume. A file that no message
/// holds is kept for a week, and nobody but you gets it.
#[derive(Args, Clone, Debug)]
pub struct UploadOptions {
    #[command(flatten)]
    pub who: Who,
    /// The files
    #[arg(value_name = "FILE", required_unless_present_any = ["resume", "list", "forget"])]
    pub files: Vec<PathBuf>,
    /// Keep pictures as they are, with what they tell beside their pixels: camera, time, place
    #[arg(long)]
    pub original: bool,
    /// Go on with every upload that was interrupted
    #[arg(long, conflicts_with_all = ["files", "original"])]
    pub resume: bool,
    /// List the uploads that were interrupted
    #[arg(long, conflicts_with_all = ["files", "original", "resume"])]
    pub list: bool,
    /// Give up the interrupted uploads of this file, and print them
    #[arg(long, value_name = "FILE", conflicts_with_all = ["files", "original", "resume", "list"])]
    pub forget: Option<PathBuf>,
    /// Seconds that nothing may move until it is given up for now
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub timeout: u64,
    /// Print one JSON object per file
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// Why a file is not at the server; those before it are.
pub async fn run(options: UploadOptions) -> anyhow::Result<()> {
    if options.list || options.resume || options.forget.is_some() {
        return interrupted(&options).await;
    }
    session::with_client(&options.who, async |client| {
        let with = anser_sdk::UploadOptions { original: options.original, name: None };
        for path in &options.files {
            let file = uploading(&options).run(&client, path.clone(), with.clone()).await?;
            tell(&file, options.json)?;
        }
        Ok(())
    })
    .await
}

const fn uploading(options: &UploadOptions) -> Uploading<'_> {
    let patience = session::seconds(options.timeout);
    Uploading { who: &options.who.user, bar: !options.json, patience, within: false }
}

/// An upload in the foreground.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Uploading<'a> {
    /// Who uploads.
    pub(crate) who: &'a UserId,
    /// Whether a bar is drawn on a terminal.
    pub(crate) bar: bool,
    /// For so long it may stand still.
    pub(crate) patience: Duration,
    /// It is part of another command, which goes on when it is typed again.
    pub(crate) within: bool,
}

impl Uploading<'_> {
    /// Uploads a file.
    ///
    /// # Errors
    /// Why it is not at the server.
    pub(crate) async fn run(
        self,
        client: &Client,
        path: PathBuf,
        with: anser_sdk::UploadOptions,
    ) -> anyhow::Result<FileInfo> {
        let shown = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let transfer = client.upload(path, with).await.map_err(Refusal::from)?;
        self.watch(&transfer, &shown).await
    }

    async fn watch(self, transfer: &Transfer, name: &str) -> anyhow::Result<FileInfo> {
        let go_on = match self.within {
            true => "the same command".to_owned(),
            false => format!("'anser upload --as {} --resume'", self.who),
        };
        let how = Watching { name, bar: self.bar, patience: self.patience, go_on: &go_on };
        moving::watch(transfer, how).await
    }
}

fn tell(file: &FileInfo, json: bool) -> std::io::Result<()> {
    if json { say::object(&files::json(file)) } else { say::line(&files::line(file)) }
}

/// Lists, goes on with or gives up what earlier commands left, in whichever store it lies.
async fn interrupted(options: &UploadOptions) -> anyhow::Result<()> {
    let place = options.who.place.find()?;
    let unwanted = options.forget.as_deref().map(std::path::absolute).transpose()?;
    let (mut found, mut failed) = (false, None);
    identity::open_each(&options.who, &place, async |client| {
        for upload in client.uploads().await.map_err(Refusal::from)? {
            if unwanted.as_ref().is_some_and(|path| *path != upload.path) {
                continue;
            }
            found = true;
            if options.list {
                show(&upload, options.json)?;
            } else if options.resume {
                failed = resume(&client, &upload, options).await?.or(failed.take());
            } else {
                client.forget_upload(upload.no).await.map_err(Refusal::from)?;
                show(&upload, options.json)?;
            }
        }
        Ok(())
    })
    .await?;
    match (found, unwanted) {
        (false, Some(path)) => {
            let why = format!("no upload of {} was interrupted", path.display());
            let next = format!("See 'anser upload --as {} --list'.", options.who.user);
            return Err(Failure::from(Refusal::because(ErrorCode::FileUnknown, why))
                .next(next)
                .into());
        }
        (false, None) if !options.json => say::aside("no upload was interrupted")?,
        _ => {}
    }
    failed.map_or(Ok(()), |refusal| Err(refusal.into()))
}

fn show(upload: &UnfinishedUpload, json: bool) -> std::io::Result<()> {
    if json {
        return say::object(&json!({
            "path": upload.path,
            "name": upload.name,
            "bytes": upload.bytes,
            "sent": upload.sent,
            "original": upload.original,
        }));
    }
    let (sent, bytes) = (kinds::size(upload.sent), kinds::size(upload.bytes));
    let path = upload.path.display();
    say::line(&plain::one_line(&format!("{path} ({sent} of {bytes} sent)")))
}

/// Goes on with one. Why it cannot when its file is gone: that does not stop the others.
async fn resume(
    client: &Client,
    upload: &UnfinishedUpload,
    options: &UploadOptions,
) -> anyhow::Result<Option<Refusal>> {
    let transfer = match client.resume_upload(upload.no).await.map_err(Refusal::from) {
        Ok(transfer) => transfer,
        Err(refusal) if refusal.code == ErrorCode::InvalidArgument => {
            let (who, path) = (&options.who.user, upload.path.display());
            say::aside(&format!("give it up with: anser upload --as {who} --forget {path}"))?;
            return Ok(Some(refusal));
        }
        Err(refusal) => return Err(refusal.into()),
    };
    let file = uploading(options).watch(&transfer, &upload.name).await?;
    tell(&file, options.json)?;
    Ok(None)
}

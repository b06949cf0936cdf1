//! `anser upload`: files to the server, before anything is said with them.

use std::path::PathBuf;
use std::time::Duration;

use anser_sdk::{Client, FileInfo, Transfer, UnfinishedUpload, UploadNo};
use anser_types::{ErrorCode, Refusal, UserId};
use clap::Args;
use serde_json::json;

use crate::identity::Who;
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
    /// Give up the interrupted upload with this number
    #[arg(long, value_name = "NUMBER", conflicts_with_all = ["files", "original", "resume", "list"])]
    pub forget: Option<u64>,
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
    session::with_client(&options.who, async |client| {
        if options.list {
            return list(&client, options.json).await;
        }
        if let Some(no) = options.forget {
            client.forget_upload(UploadNo(no)).await.map_err(Refusal::from)?;
            return Ok(());
        }
        if options.resume {
            return resume(&client, &options).await;
        }
        let with = anser_sdk::UploadOptions { original: options.original, name: None };
        for path in &options.files {
            let upload = Uploading {
                who: &options.who.user,
                bar: !options.json,
                patience: patience(&options),
            };
            tell(&upload.run(&client, path.clone(), with.clone()).await?, options.json)?;
        }
        Ok(())
    })
    .await
}

const fn patience(options: &UploadOptions) -> Duration {
    session::seconds(options.timeout)
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
    ) -> Result<FileInfo, Refusal> {
        let shown = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let transfer = client.upload(path, with).await?;
        self.watch(&transfer, &shown).await
    }

    async fn watch(self, transfer: &Transfer, name: &str) -> Result<FileInfo, Refusal> {
        let go_on = format!("anser upload --as {} --resume", self.who);
        let how = Watching { name, bar: self.bar, patience: self.patience, go_on: &go_on };
        moving::watch(transfer, how).await
    }
}

fn tell(file: &FileInfo, json: bool) -> std::io::Result<()> {
    if json { say::object(&files::json(file)) } else { say::line(&files::line(file)) }
}

async fn list(client: &Client, json: bool) -> anyhow::Result<()> {
    let uploads = client.uploads().await.map_err(Refusal::from)?;
    if uploads.is_empty() && !json {
        say::aside("no upload was interrupted")?;
    }
    for upload in &uploads {
        if json {
            say::object(&json!({
                "upload": upload.no.0,
                "path": upload.path,
                "name": upload.name,
                "bytes": upload.bytes,
                "sent": upload.sent,
                "original": upload.original,
            }))?;
        } else {
            say::line(&unfinished(upload))?;
        }
    }
    Ok(())
}

fn unfinished(upload: &UnfinishedUpload) -> String {
    let (sent, bytes) = (kinds::size(upload.sent), kinds::size(upload.bytes));
    plain::one_line(&format!("{} {} ({sent} of {bytes} sent)", upload.no, upload.path.display()))
}

/// Goes on with every interrupted upload; one whose file is gone does not stop the others.
async fn resume(client: &Client, options: &UploadOptions) -> anyhow::Result<()> {
    let mut failed = None;
    for upload in client.uploads().await.map_err(Refusal::from)? {
        let upload_of =
            Uploading { who: &options.who.user, bar: !options.json, patience: patience(options) };
        let done = match client.resume_upload(upload.no).await {
            Ok(transfer) => upload_of.watch(&transfer, &upload.name).await,
            Err(error) => Err(error.into()),
        };
        match done {
            Ok(file) => tell(&file, options.json)?,
            Err(refusal) if refusal.code == ErrorCode::InvalidArgument => {
                let forget =
                    format!("anser upload --as {} --forget {}", options.who.user, upload.no);
                say::aside(&format!("{}; give it up with: {forget}", refusal.detail))?;
                failed = Some(refusal);
            }
            Err(refusal) => return Err(refusal.into()),
        }
    }
    failed.map_or(Ok(()), |refusal| Err(refusal.into()))
}

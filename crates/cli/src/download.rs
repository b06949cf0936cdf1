//! `anser download`: a file from the server, or the one of a message.

use std::path::{Path, PathBuf};

use anser_sdk::{Client, FileAt};
use anser_types::{ConversationId, Refusal, Target, UserId};
use clap::Args;
use serde_json::json;

use crate::files::{self, Wanted};
use crate::identity::Who;
use crate::moving::{self, Watching};
use crate::{plain, say, session};

/// Fetch a file, by its id or by the message it came with
///
/// What breaks off goes on by itself, and where it stopped when the command is typed again. Nothing is overwritten.
#[derive(Args, Clone, Debug)]
pub struct DownloadOptions {
    #[command(flatten)]
    pub who: Who,
    /// The file's id, or a message: USER#NUMBER or GROUP-ID#NUMBER
    #[arg(value_name = "FILE-ID|CONVERSATION#NUMBER")]
    pub wanted: Wanted,
    /// Where to: a path, or a directory (default: here, under the file's own name)
    #[arg(short, long, value_name = "PATH")]
    pub output: Option<PathBuf>,
    /// The file was seen in the conversation with this user
    #[arg(long, value_name = "USER", conflicts_with = "group")]
    pub with: Option<UserId>,
    /// The file was seen in this group
    #[arg(long, value_name = "ID")]
    pub group: Option<ConversationId>,
    /// Seconds to wait for the connection, and that nothing may move
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub timeout: u64,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

impl DownloadOptions {
    fn seen_in(&self) -> Option<Target> {
        let group = self.group.map(Target::Conversation);
        group.or_else(|| self.with.clone().map(Target::User))
    }
}

/// Runs the command.
///
/// # Errors
/// Why the file is not here.
pub async fn run(options: DownloadOptions) -> anyhow::Result<()> {
    session::with_client(&options.who, async |client| {
        let patience = session::seconds(options.timeout);
        if let Wanted::Message(..) = options.wanted {
            session::connected(&client, patience).await?;
        }
        let (file, name) = files::find(&client, &options.wanted, options.seen_in()).await?;
        let path = target(&client, file, name, options.output.as_deref()).await?;
        let transfer = client.download(file, &path).map_err(Refusal::from)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let go_on = "the same command";
        let how = Watching { name: &name, bar: !options.json, patience, go_on };
        let info = moving::watch(&transfer, how).await?;
        if options.json {
            let mut object = files::json(&info);
            if let Some(object) = object.as_object_mut() {
                object.insert("path".to_owned(), json!(path));
            }
            say::object(&object)?;
        } else {
            say::line(&plain::one_line(&path.display().to_string()))?;
        }
        Ok(())
    })
    .await
}

/// Where the file goes: the path given, or its own name in the directory given.
async fn target(
    client: &Client,
    file: FileAt,
    name: Option<String>,
    output: Option<&Path>,
) -> Result<PathBuf, Refusal> {
    let directory = match output {
        Some(path) if !path.is_dir() => return Ok(path.to_owned()),
        Some(directory) => directory,
        None => Path::new(""),
    };
    let name = match name.filter(|name| !name.is_empty()) {
        Some(name) => name,
        None => client.file_info(file).await?.name,
    };
    Ok(directory.join(files::safe_name(&name, file.file)))
}

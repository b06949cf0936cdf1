//! Files in words and as JSON, the names they may have here, and which one is meant.

use std::path::{Path, PathBuf};

use anser_sdk::{Client, FileAt, FileInfo, shorten_name};
use anser_types::body::FileRef;
use anser_types::{ConversationId, ErrorCode, FileId, Refusal, Seq, Target, UserId};
use serde_json::{Value, json};

use crate::place::Environment;
use crate::{kinds, plain};

/// Bytes of a file's name on this disk; file systems take 255, and a number may come behind it.
const NAME_MAX_BYTES: usize = 200;

/// A file at the server as JSON.
#[must_use]
pub fn json(file: &FileInfo) -> Value {
    let look = file.look.as_ref().map(|look| {
        let thumbnails: Vec<&str> = look.thumbnails.iter().map(|size| size.name()).collect();
        json!({
            "width": look.width,
            "height": look.height,
            "duration_ms": look.duration_ms,
            "thumbnails": thumbnails,
        })
    });
    json!({
        "file": file.id.to_string(),
        "name": file.name,
        "media_type": file.media_type,
        "bytes": file.bytes,
        "sha256": file.sha256.to_string(),
        "look": look,
    })
}

/// A file at the server in a line: its id, what it is called, what it is.
#[must_use]
pub fn line(file: &FileInfo) -> String {
    let mut words = vec![file.media_type.clone(), kinds::size(file.bytes)];
    if let Some(look) = &file.look {
        words.push(format!("{}×{}", look.width, look.height));
        if look.duration_ms > 0 {
            words.push(kinds::length(look.duration_ms));
        }
    }
    let name = if file.name.is_empty() { String::new() } else { format!("{} ", file.name) };
    plain::one_line(&format!("{} {name}({})", file.id, words.join(", ")))
}

/// The file that a message names, as JSON.
#[must_use]
pub fn reference_json(file: &FileRef) -> Value {
    json!({
        "file": file.file,
        "name": file.name,
        "media_type": file.media_type,
        "bytes": file.bytes,
        "sha256": file.sha256.map(hex::encode),
    })
}

/// What a file is called on this disk: nothing in a name that somebody else gave leads elsewhere or hides it.
#[must_use]
pub fn safe_name(name: &str, otherwise: FileId) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = plain::one_line(last).replace(['\u{fffd}', ':', '*', '?', '"', '<', '>', '|'], "_");
    let mut name = name.trim_start_matches(['.', '-', ' ']).to_owned();
    shorten_name(&mut name, NAME_MAX_BYTES);
    if name.is_empty() { otherwise.to_string() } else { name }
}

/// What somebody may want to have: a file by its name at the server, or the one of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A file, as `anser upload` and `anser history` show it.
    File(FileId),
    /// A message of a conversation.
    Message(Target, Seq),
}

impl std::str::FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let how = || "write a file's 32 digits, or USER#NUMBER or GROUP-ID#NUMBER".to_owned();
        let Some((place, seq)) = text.rsplit_once('#') else {
            return text.parse().map(Self::File).map_err(|_| how());
        };
        let seq = seq.parse().ok().filter(|seq| *seq > 0).ok_or_else(how)?;
        let target = match place.parse::<ConversationId>() {
            Ok(group) => Target::Conversation(group),
            Err(_) => Target::User(UserId::new(place).map_err(|_| how())?),
        };
        Ok(Self::Message(target, Seq(seq)))
    }
}

/// Finds what is wanted: the file, and what it is called there.
///
/// # Errors
/// `TARGET_MISSING` when there is no such message or it holds no file, `FILE_UNKNOWN` when it names a link.
pub async fn find(
    client: &Client,
    wanted: &Wanted,
    seen_in: Option<Target>,
) -> Result<(FileAt, Option<String>), Refusal> {
    match wanted {
        Wanted::File(file) => {
            let at = seen_in.map(|at| match at {
                Target::User(peer) => client.direct_conversation(&peer),
                Target::Conversation(id) => id,
            });
            Ok((FileAt { at, ..FileAt::from(*file) }, None))
        }
        Wanted::Message(target, seq) => {
            let message = client.message(target.clone(), *seq).await?.ok_or_else(|| {
                Refusal::because(ErrorCode::TargetMissing, format!("there is no message {seq}"))
            })?;
            let (file, name) = Client::named_file_at(&message)?;
            Ok((file, Some(name)))
        }
    }
}

/// Where downloads go: as the desktop has it, else `Downloads` in the home directory.
///
/// # Errors
/// `CONFIG_INVALID` when the environment names no home.
pub fn downloads(environment: Environment<'_>) -> Result<PathBuf, Refusal> {
    let set = |name: &str| environment(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(directory) = set("XDG_DOWNLOAD_DIR").filter(|path| path.is_absolute()) {
        return Ok(directory);
    }
    let home = set("HOME").ok_or_else(|| {
        Refusal::because(
            ErrorCode::ConfigInvalid,
            "HOME is not set: nobody knows where downloads go",
        )
    })?;
    let settings = set("XDG_CONFIG_HOME").unwrap_or_else(|| home.join(".config"));
    let told = std::fs::read_to_string(settings.join("user-dirs.dirs")).unwrap_or_default();
    let told = told.lines().find_map(|line| {
        let value = line.trim().strip_prefix("XDG_DOWNLOAD_DIR=")?.trim_matches('"');
        match value.strip_prefix("$HOME/") {
            Some(within) => Some(home.join(within)),
            None => Some(PathBuf::from(value)).filter(|path| path.is_absolute()),
        }
    });
    Ok(told.unwrap_or_else(|| home.join("Downloads")))
}

/// A path as it was typed: `~/` stands for the home directory.
#[must_use]
pub fn typed_path(text: &str, environment: Environment<'_>) -> PathBuf {
    match (text.strip_prefix("~/"), environment("HOME")) {
        (Some(within), Some(home)) if !home.is_empty() => PathBuf::from(home).join(within),
        _ => PathBuf::from(text),
    }
}

/// Why a place on this disk cannot be used.
#[must_use]
pub fn unusable(path: &Path, error: &std::io::Error) -> Refusal {
    Refusal::because(ErrorCode::InvalidArgument, format!("{}: {error}", path.display()))
}

/// The first path of a name in a directory at which nothing is: `name`, `name (2)`, `name (3)`…
#[must_use]
pub fn free_path(directory: &Path, name: &str) -> PathBuf {
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    let mut path = directory.join(name);
    let mut number = 2;
    while path.symlink_metadata().is_ok() {
        path = directory.join(format!("{stem} ({number}){extension}"));
        number += 1;
    }
    path
}

//! Who may see a file: whoever sent it here, and members of a conversation in which a message that they may see holds it,
//! or held it before it was edited. Decided anew for every request.

use std::ops::Range;
use std::sync::Arc;

use anser_backend::{BlobReader, Hold, Variant};
use anser_types::limits::{FILE_HOLDS_SEARCHED, FILES_PER_MESSAGE};
use anser_types::{Content, ConversationId, ErrorCode, FileId, Refusal, StoredFile, UserNo};
use bytes::Bytes;

use super::standing::Standing;
use super::{Filing, bytes_refusal, store_refusal};
use crate::api::Caller;
use crate::directory::View;
use crate::history::message_at;
use crate::messages::request::Actor;
use crate::rules::No;
use crate::service::Service;
use crate::visible;

/// The bytes of a file, one block after the other.
pub struct FileReader {
    /// How many bytes there are in all, whatever the range.
    pub bytes: u64,
    reader: Box<dyn BlobReader>,
    standing: Standing,
}

impl FileReader {
    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// `FILES_UNREACHABLE`, `SIGNED_OUT`.
    pub async fn read(&mut self) -> Result<Option<Bytes>, Refusal> {
        self.standing.ask().await?;
        self.reader.read().await.map_err(bytes_refusal)
    }
}

impl Service {
    /// A file that the caller may see; `at` is the conversation where they saw it, if they say so: without it the first
    /// `FILE_HOLDS_SEARCHED` messages that hold the file are looked at.
    ///
    /// # Errors
    /// `FILE_UNKNOWN`, whether it exists or not; `FILE_INCOMPLETE` to who is uploading it.
    pub async fn file(
        &self,
        caller: &Caller,
        id: FileId,
        at: Option<ConversationId>,
    ) -> Result<StoredFile, Refusal> {
        self.file_for(caller.user_no, id, at).await
    }

    pub(super) async fn file_for(
        &self,
        user: UserNo,
        id: FileId,
        at: Option<ConversationId>,
    ) -> Result<StoredFile, Refusal> {
        let filing = self.filing()?;
        let found = filing.known.file(id).await.map_err(store_refusal)?;
        let Some(file) = found else {
            let own = filing.unfinished().await?.get(id).is_some_and(|one| one.owner == user);
            let code = if own { ErrorCode::FileIncomplete } else { ErrorCode::FileUnknown };
            return Err(Refusal::new(code));
        };
        if file.owner == user || self.sees(filing, user, id, at).await? {
            return Ok(file);
        }
        Err(Refusal::new(ErrorCode::FileUnknown))
    }

    async fn sees(
        &self,
        filing: &Filing,
        user: UserNo,
        id: FileId,
        at: Option<ConversationId>,
    ) -> Result<bool, No> {
        for hold in filing.known.holds(id, at, FILE_HOLDS_SEARCHED).await? {
            if self.sees_hold(user, id, hold).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn sees_hold(&self, user: UserNo, id: FileId, hold: Hold) -> Result<bool, No> {
        let conversation = hold.conversation;
        // Fresh: somebody who was removed must not be shown what memory says they may see.
        let roster = self.directory().roster(conversation, &[user], View::Fresh).await?;
        let Some(member) = roster.as_ref().and_then(|roster| roster.member(user)) else {
            return Ok(false);
        };
        // Who has left sees a message as it was on their last day.
        if visible::last_alteration(member).is_some_and(|last| hold.since > last) {
            return Ok(false);
        }
        let heads = self.conversations().heads(conversation).await?;
        if !visible::message(member, heads, hold.seq) {
            return Ok(false);
        }
        let message = message_at(self.conversations(), conversation, hold.seq).await?;
        let message = message.filter(|message| !message.is_over(self.clock().now()));
        let Some(content) = message.as_ref().and_then(|message| message.content.as_ref()) else {
            return Ok(false);
        };
        if content.files.contains(&id) {
            return Ok(true);
        }
        // An edit took it out; what was said before is still shown to whoever looks.
        let editions = self.conversations().editions(conversation, hold.seq).await?;
        Ok(editions.iter().any(|edition| edition.content.files.contains(&id)))
    }

    /// Refuses a message that would hold files its sender may not see, or that are not there.
    pub(crate) async fn may_hold(&self, actor: &Actor, content: &Content) -> Result<(), No> {
        if content.files.is_empty() {
            return Ok(());
        }
        if content.files.len() > FILES_PER_MESSAGE {
            let detail = format!("at most {FILES_PER_MESSAGE} files");
            return Err(No::because(ErrorCode::InvalidArgument, detail));
        }
        for id in &content.files {
            match self.file_for(actor.no, *id, None).await {
                Ok(_) => {}
                Err(refusal) if refusal.code.retryable() => return Err(No::Passing(refusal)),
                Err(Refusal { code, .. }) => return Err(No::because(code, format!("file {id}"))),
            }
        }
        Ok(())
    }

    /// Reads a file that the caller may see ([`Self::file`]; nobody where a link was shown), or a smaller picture of it.
    ///
    /// # Errors
    /// As [`Self::file`]; `FILE_UNKNOWN` for a size in which there is no picture; `FILE_DAMAGED`.
    pub async fn read_file(
        self: &Arc<Self>,
        caller: Option<&Caller>,
        file: &StoredFile,
        variant: Variant,
        range: Option<Range<u64>>,
    ) -> Result<FileReader, Refusal> {
        if let Variant::Thumbnail(size) = variant
            && !file.look.as_ref().is_some_and(|look| look.thumbnails.contains(&size))
        {
            let detail = format!("there is no {} picture of it", size.name());
            return Err(Refusal::because(ErrorCode::FileUnknown, detail));
        }
        let filing = self.filing()?;
        let (bytes, reader) = filing.open((file.sha256, file.bytes), variant, range).await?;
        Ok(FileReader { bytes, reader, standing: Standing::of(self, caller) })
    }

    /// How much room the caller's files take, and how much they may.
    ///
    /// # Errors
    /// What the store says.
    pub async fn file_usage(
        &self,
        caller: &Caller,
    ) -> Result<(anser_backend::Usage, u64), Refusal> {
        let filing = self.filing()?;
        let usage = filing.known.usage(caller.user_no).await;
        Ok((usage.map_err(store_refusal)?, filing.settings.user_bytes))
    }

    /// The bytes that one file may have.
    ///
    /// # Errors
    /// `UNSUPPORTED` without a place for files.
    pub fn file_max_bytes(&self) -> Result<u64, Refusal> {
        Ok(self.filing()?.settings.file_bytes)
    }

    pub(crate) fn filing(&self) -> Result<&Arc<Filing>, Refusal> {
        self.files().ok_or_else(|| {
            let detail = "this server keeps no files";
            Refusal::because(ErrorCode::Unsupported, detail)
        })
    }
}

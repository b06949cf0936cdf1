//! The index on the disk: opened if it can be trusted, else made anew; what is put in appears with a commit, whole.

use std::collections::HashMap;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anser_types::{ChangeNo, ConversationId, LogEpoch, Message, MessageKind, Seq};
use tantivy::directory::MmapDirectory;
use tantivy::indexer::IndexWriterOptions;
use tantivy::{IndexReader, IndexWriter, ReloadPolicy, TantivyDocument, TantivyError};

use crate::fields::Fields;
use crate::query;
use crate::reading::Reading;

/// Raised whenever the fields or the way texts are cut change: an index of another format is made anew.
const FORMAT: u32 = 1;
/// Memory of the documents between two commits. Tantivy takes no less than 15 MB.
const MEMORY_BYTES: usize = 16_000_000;

/// Why the index failed.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// What tantivy says.
    #[error("{0}")]
    Tantivy(#[from] TantivyError),
    /// What the file system says.
    #[error("{}: {error}", path.display())]
    Files {
        /// Where.
        path: PathBuf,
        /// What.
        error: std::io::Error,
    },
}

/// How far a conversation's log is in the index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The last message.
    pub seq: Seq,
    /// The last change.
    pub change_no: ChangeNo,
}

/// What was found at the place of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// An index that can be gone on with.
    Sound,
    /// Nothing; an empty one was made.
    Nothing,
    /// One that cannot be trusted, thrown away: why. An empty one was made.
    Unusable(String),
}

/// The one writer of an index.
pub struct Index {
    writer: IndexWriter,
    reading: Reading,
    fields: Fields,
    epoch: LogEpoch,
    /// Positions since the last commit.
    moved: HashMap<ConversationId, Position>,
    documents: u64,
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Index").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

impl Index {
    /// Opens the index of a log of this epoch. One that is missing, damaged (every file is compared with its checksum),
    /// of another format or of another epoch is replaced by an empty one.
    ///
    /// # Errors
    /// The directory cannot be written, or another process writes this index.
    pub fn open(directory: &Path, epoch: LogEpoch) -> Result<(Self, Found), IndexError> {
        let found = match Self::open_sound(directory, epoch) {
            Ok(Some(index)) => return Ok((index, Found::Sound)),
            Ok(None) => Found::Nothing,
            // Somebody else's: not ours to throw away.
            Err(Unusable::Failed(error @ TantivyError::LockFailure(..))) => {
                return Err(error.into());
            }
            Err(Unusable::Failed(error)) => Found::Unusable(error.to_string()),
            Err(Unusable::Because(why)) => Found::Unusable(why),
        };
        let files = |error| IndexError::Files { path: directory.to_owned(), error };
        match std::fs::remove_dir_all(directory) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(files(error)),
            _ => DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(files)?,
        }
        let (schema, fields) = Fields::schema();
        let index = tantivy::Index::builder()
            .schema(schema)
            .tokenizers(Fields::analyzers())
            .create_in_dir(directory)?;
        let mut fresh = Self::of(&index, fields, epoch)?;
        // From now on it says whose it is.
        fresh.commit()?;
        Ok((fresh, found))
    }

    fn open_sound(directory: &Path, epoch: LogEpoch) -> Result<Option<Self>, Unusable> {
        let empty = std::fs::read_dir(directory).map_or(true, |mut files| files.next().is_none());
        if empty {
            return Ok(None);
        }
        let files = MmapDirectory::open(directory).map_err(TantivyError::from)?;
        let mut index = tantivy::Index::open(files)?;
        index.set_tokenizers(Fields::analyzers());
        let metas = index.load_metas()?;
        let (expected, said) = (payload(epoch), metas.payload.unwrap_or_default());
        if said != expected {
            return Err(Unusable::Because(format!("it is of {said:?}, not of {expected:?}")));
        }
        let damaged = index.validate_checksum()?;
        if let Some(file) = damaged.iter().next() {
            return Err(Unusable::Because(format!("{} is damaged", file.display())));
        }
        let (schema, fields) = Fields::schema();
        if index.schema() != schema {
            return Err(Unusable::Because("its fields are others".to_owned()));
        }
        Ok(Some(Self::of(&index, fields, epoch)?))
    }

    fn of(index: &tantivy::Index, fields: Fields, epoch: LogEpoch) -> Result<Self, TantivyError> {
        let options = IndexWriterOptions::builder()
            .memory_budget_per_thread(MEMORY_BYTES)
            .num_worker_threads(1)
            .num_merge_threads(1)
            .build();
        let writer = index.writer_with_options(options)?;
        let reader: IndexReader =
            index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let reading = Reading::new(reader, fields);
        Ok(Self { writer, reading, fields, epoch, moved: HashMap::new(), documents: 0 })
    }

    /// The reading side.
    #[must_use]
    pub const fn reading(&self) -> &Reading {
        &self.reading
    }

    /// How far this conversation's log is in the index, what is not committed yet included.
    ///
    /// # Errors
    /// The index cannot be read.
    pub fn position(&self, id: ConversationId) -> Result<Position, IndexError> {
        self.moved.get(&id).map_or_else(|| self.reading.position(id), |position| Ok(*position))
    }

    /// Puts a message in that is not there yet. What holds no text is left out.
    ///
    /// # Errors
    /// The index cannot be written.
    pub fn add(&mut self, message: &Message) -> Result<(), IndexError> {
        let Some(text) = text_of(message) else { return Ok(()) };
        let mut document = TantivyDocument::new();
        document.add_text(self.fields.text, text);
        document.add_bytes(self.fields.conversation, &message.conversation.0);
        document.add_u64(self.fields.seq, message.seq.0);
        document.add_u64(self.fields.at, message.server_time.0);
        self.writer.add_document(document)?;
        self.documents += 1;
        Ok(())
    }

    /// Takes a message out.
    ///
    /// # Errors
    /// The index cannot be written.
    pub fn remove(&mut self, id: ConversationId, seq: Seq) -> Result<(), IndexError> {
        self.writer.delete_query(Box::new(query::message(&self.fields, id, seq)))?;
        Ok(())
    }

    /// Notes how far a conversation's log is in the index; committed with what was put in before.
    pub fn reached(&mut self, id: ConversationId, position: Position) {
        self.moved.insert(id, position);
    }

    /// Something would be lost without a commit.
    #[must_use]
    pub fn has_news(&self) -> bool {
        !self.moved.is_empty()
    }

    /// Messages put in since the last commit.
    #[must_use]
    pub const fn uncommitted(&self) -> u64 {
        self.documents
    }

    /// Makes everything since the last commit durable and visible to searches, at once. Returns how many messages.
    ///
    /// # Errors
    /// The index cannot be written: what was put in since the last commit is gone, and the index must be opened again.
    pub fn commit(&mut self) -> Result<u64, IndexError> {
        for (id, position) in &self.moved {
            self.writer.delete_term(self.fields.log_term(*id));
            let mut document = TantivyDocument::new();
            document.add_bytes(self.fields.log, &id.0);
            document.add_u64(self.fields.seq, position.seq.0);
            document.add_u64(self.fields.change_no, position.change_no.0);
            self.writer.add_document(document)?;
        }
        let mut prepared = self.writer.prepare_commit()?;
        prepared.set_payload(&payload(self.epoch));
        prepared.commit()?;
        self.reading.reload()?;
        self.moved.clear();
        Ok(std::mem::take(&mut self.documents))
    }
}

/// What can be searched of a message.
fn text_of(message: &Message) -> Option<&str> {
    let content = message.content.as_ref().filter(|content| content.kind == MessageKind::Text)?;
    std::str::from_utf8(&content.body).ok()
}

/// What an index of this program and this log says of itself.
fn payload(epoch: LogEpoch) -> String {
    format!("format {FORMAT}, log epoch {}", epoch.0)
}

/// Why what is there is not gone on with.
enum Unusable {
    Failed(TantivyError),
    Because(String),
}

impl<E: Into<TantivyError>> From<E> for Unusable {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

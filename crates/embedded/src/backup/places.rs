//! Where the records of an archive stand in the tables: a table, and for the state table a leading tag.

use anser_backend::archive::Subject;

use crate::keys::{Key, Table, Tag};

/// Where records of one subject stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// In which table.
    pub table: Table,
    /// Behind which tag, which the archive's keys do not have.
    pub tag: Option<Tag>,
}

/// Where this subject's records stand.
pub const fn place_of(subject: Subject) -> Place {
    let tag = match subject {
        Subject::Message => return Place { table: Table::Messages, tag: None },
        Subject::InboxEntry => return Place { table: Table::Inbox, tag: None },
        Subject::LastUser => Tag::LastUser,
        Subject::User => Tag::User,
        Subject::Devices => Tag::Devices,
        Subject::Conversation => Tag::Conversation,
        Subject::Member => Tag::Member,
        Subject::Change => Tag::Change,
        Subject::Position => Tag::Position,
        Subject::InboxFloor => Tag::Floor,
        Subject::Commands => Tag::Device,
        Subject::Cursor => Tag::Cursor,
        Subject::IdempotencyKey => Tag::IdempotencyKey,
        Subject::Edition => Tag::Edition,
        Subject::Item => Tag::Item,
        Subject::Seen => Tag::Seen,
        Subject::FileContent => Tag::FileContent,
        Subject::File => Tag::File,
        Subject::FileHold => Tag::FileHold,
    };
    Place { table: Table::State, tag: Some(tag) }
}

impl Place {
    /// The first key that can stand here, and the first one behind all of them.
    pub fn range(self) -> (Vec<u8>, Option<Vec<u8>>) {
        match self.tag {
            None => (Vec::new(), None),
            Some(tag) => (vec![tag as u8], Some(vec![tag as u8 + 1])),
        }
    }

    /// The archive's key of a row.
    pub fn key_in_archive(self, key: &[u8]) -> &[u8] {
        if self.tag.is_some() { key.get(1..).unwrap_or_default() } else { key }
    }

    /// The row's key of a record.
    pub fn key_in_table(self, key: &[u8]) -> Key {
        self.tag.iter().map(|tag| *tag as u8).chain(key.iter().copied()).collect()
    }
}

//! What must hold between rows: numbers without holes, entries that point at something, positions below the heads, and
//! every second way to find a record.

use std::collections::BTreeMap;
use std::io;

use anser_backend::archive::{Entry, Subject};
use anser_backend::codec::{
    Devices, FileRow, Pointed, Reader, read_change, read_message, read_number, read_pointer,
    read_position, read_user,
};
use anser_types::{ChangeNo, ConversationId, FileId, Seq, UserNo};

use super::rows::{Row, Rows};
use super::run::Telling;
use crate::keys::{self, Table, Tag};

/// A record in words: its subject and the numbers of its key.
pub fn name_of(subject: Subject, key: &[u8]) -> String {
    let mut reader = Reader::new(key);
    let mut words = vec![subject.name().to_owned()];
    if matches!(
        subject,
        Subject::Conversation
            | Subject::Member
            | Subject::Message
            | Subject::Change
            | Subject::Position
            | Subject::Edition
            | Subject::Item
    ) && let Ok(id) = reader.conversation()
    {
        words.push(format!("of {id}"));
    }
    while let Ok(number) = reader.u64() {
        words.push(number.to_string());
        if subject == Subject::IdempotencyKey {
            break;
        }
    }
    words.join(" ")
}

/// The heads of a conversation as its rows say.
#[derive(Clone, Copy, Debug, Default)]
struct Heads {
    seq: u64,
    change_no: u64,
}

/// What was seen so far.
#[derive(Debug, Default)]
pub struct Checks {
    users: u64,
    last_user: u64,
    conversations: BTreeMap<ConversationId, Heads>,
    floors: BTreeMap<u64, u64>,
    heads: BTreeMap<u64, u64>,
}

impl Checks {
    /// Compares an intact record with what stands before it.
    pub fn look_at(&mut self, entry: &Entry<'_>, rows: &Rows, telling: &mut Telling<'_>) {
        // The record was read a moment ago: this cannot fail.
        if let Err(error) = self.compare(entry, rows, telling) {
            telling.damage(format!("tables: {error}"), name_of(entry.subject, entry.key));
        }
    }

    fn compare(
        &mut self,
        entry: &Entry<'_>,
        rows: &Rows,
        telling: &mut Telling<'_>,
    ) -> Result<(), crate::tables::TableError> {
        let mut key = Reader::new(entry.key);
        match entry.subject {
            Subject::LastUser | Subject::User | Subject::Devices => {
                self.compare_account(entry, rows, telling)?;
            }
            Subject::Conversation => {
                self.conversations.insert(key.conversation()?, Heads::default());
            }
            Subject::Member => {
                let (id, user) = (key.conversation()?, key.u64()?);
                self.conversation(id, telling);
                if rows.get(Table::State, &keys::listing(UserNo(user), id))?.is_none() {
                    let touches = format!("conversation {id} of user {user}");
                    telling.damage("tables: it is not in the user's list", touches);
                }
            }
            Subject::Message => {
                let (id, seq) = (key.conversation()?, key.u64()?);
                let heads = self.conversation(id, telling);
                dense(telling, (heads.seq, seq), &format!("messages of {id}"));
                heads.seq = seq;
                let message = read_message(id, Seq(seq), entry.value)?;
                if let Some(at) = message.expires_at()
                    && rows.get(Table::State, &keys::expiring(at, id, Seq(seq)))?.is_none()
                {
                    let touches = format!("message {seq} of {id}");
                    telling.damage("tables: nothing says when it expires", touches);
                }
            }
            Subject::Change => {
                let (id, no) = (key.conversation()?, key.u64()?);
                let heads = self.conversation(id, telling);
                dense(telling, (heads.change_no, no), &format!("changes of {id}"));
                heads.change_no = no;
                let change = read_change(id, ChangeNo(no), entry.value)?;
                heads.seq = reaches(telling, id, heads.seq, change.after_seq.0, "a change");
            }
            Subject::Position => {
                let id = key.conversation()?;
                let position = read_position(entry.value)?;
                let heads = self.conversation(id, telling);
                let most = position.delivered.max(position.read).0;
                heads.seq = reaches(telling, id, heads.seq, most, "a position");
            }
            Subject::InboxFloor => {
                self.floors.insert(key.u64()?, read_number(entry.value)?);
            }
            Subject::InboxEntry => self.entry(key.u64()?, key.u64()?, entry.value, telling)?,
            Subject::Cursor => {
                let (user, device) = (key.u64()?, key.u64()?);
                let head = self.heads.get(&user).copied().unwrap_or(0);
                let cursor = read_number(entry.value)?;
                if cursor > head {
                    let touches = format!("inbox entries {} to {cursor} of user {user}", head + 1);
                    telling.damage(format!("tables: device {device} has seen more"), touches);
                }
            }
            Subject::Edition => {
                let (id, seq) = (key.conversation()?, key.u64()?);
                let heads = self.conversation(id, telling);
                heads.seq = reaches(telling, id, heads.seq, seq, "a replaced content");
            }
            Subject::Item => {
                let id = key.conversation()?;
                let no = read_number(entry.value)?;
                let heads = self.conversation(id, telling);
                if no > heads.change_no {
                    let touches = format!("change {no} of {id}");
                    telling.damage("tables: an item of a list names what is missing", touches);
                }
            }
            Subject::File | Subject::FileHold => compare_file(entry, rows, telling)?,
            Subject::Commands | Subject::IdempotencyKey | Subject::Seen | Subject::FileContent => {}
        }
        Ok(())
    }

    fn compare_account(
        &mut self,
        entry: &Entry<'_>,
        rows: &Rows,
        telling: &mut Telling<'_>,
    ) -> Result<(), crate::tables::TableError> {
        let mut key = Reader::new(entry.key);
        match entry.subject {
            Subject::LastUser => self.last_user = read_number(entry.value)?,
            Subject::User => {
                let no = key.u64()?;
                dense(telling, (self.users, no), "users");
                self.users = no;
                let user = read_user(UserNo(no), entry.value)?;
                let found = rows.get(Table::State, &keys::user_id(&user.id))?;
                let found = found.map(|row| read_number(&row)).transpose()?;
                if found != Some(no) {
                    telling
                        .damage("tables: a public id does not lead to its user", user.id.as_str());
                }
            }
            Subject::Devices => {
                let no = key.u64()?;
                let Devices { present, superseded, .. } = Devices::read(entry.value)?;
                let superseded = superseded.into_iter().map(|one| (one.device, one.hash));
                for (device, hash) in present.into_iter().chain(superseded) {
                    if rows.get(Table::State, &keys::token(&hash))?.is_none() {
                        let touches = format!("device {} of user {no}", device.device.0);
                        telling.damage("tables: a device's token is not found", touches);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The heads of a conversation, whose row must have been there.
    fn conversation(&mut self, id: ConversationId, telling: &mut Telling<'_>) -> &mut Heads {
        self.conversations.entry(id).or_insert_with(|| {
            telling.damage(
                "tables: the row of a conversation is missing",
                format!("conversation {id}"),
            );
            Heads::default()
        })
    }

    fn entry(
        &mut self,
        user: u64,
        inbox_seq: u64,
        value: &[u8],
        telling: &mut Telling<'_>,
    ) -> Result<(), crate::codec::Malformed> {
        let floor = self.floors.get(&user).copied().unwrap_or(0);
        let head = self.heads.get(&user).copied().unwrap_or(floor);
        dense(telling, (head, inbox_seq), &format!("inbox entries of user {user}"));
        self.heads.insert(user, inbox_seq);
        let pointer = read_pointer(value)?;
        let id = pointer.conversation;
        let heads = self.conversation(id, telling);
        match pointer.what {
            Pointed::Message(seq) => {
                heads.seq = reaches(telling, id, heads.seq, seq.0, "an inbox entry");
            }
            Pointed::Change(no) if no.0 > heads.change_no => {
                let touches = format!("changes of {id}: {} to {}", heads.change_no + 1, no.0);
                telling.damage("tables: an inbox entry points at what is missing", touches);
                heads.change_no = no.0;
            }
            Pointed::Change(_) | Pointed::ReadSync(_) => {}
        }
        Ok(())
    }

    /// What can only be said at the end, and the rows that are only another way to find a record.
    pub fn finish(&self, rows: &Rows, telling: &mut Telling<'_>) -> io::Result<()> {
        if self.users < self.last_user {
            dense(telling, (self.users, self.last_user + 1), "users");
        }
        for (user, floor) in &self.floors {
            if !self.heads.contains_key(user) {
                let touches = format!("inbox entries of user {user} from {} on", floor + 1);
                telling.damage("tables: a trimmed inbox has lost its newest entries", touches);
            }
        }
        for tag in [Tag::UserId, Tag::Listing, Tag::Token] {
            let (from, to) = (vec![tag as u8], vec![tag as u8 + 1]);
            rows.each(Table::State, (&from, Some(&to)), &mut |row| {
                if let Row::Unreadable(_, _, why) = row {
                    let touches = match tag {
                        Tag::UserId => "users are not found by their public ids",
                        Tag::Listing => "lists of conversations",
                        _ => "devices are not found by their tokens",
                    };
                    telling.damage(format!("tables (state): {why}"), touches);
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// A file needs to know of its bytes, and a message that holds one needs the file.
fn compare_file(
    entry: &Entry<'_>,
    rows: &Rows,
    telling: &mut Telling<'_>,
) -> Result<(), crate::tables::TableError> {
    let id = FileId(Reader::new(entry.key).array()?);
    if entry.subject == Subject::FileHold {
        if rows.get(Table::State, &keys::file(id))?.is_none() {
            telling.damage("tables: a message holds a file that is missing", format!("file {id}"));
        }
        return Ok(());
    }
    let row = FileRow::read(entry.value)?;
    if rows.get(Table::State, &keys::file_content(row.sha256))?.is_none() {
        telling.damage("tables: nothing is known of a file's bytes", format!("file {id}"));
    }
    if row.holds == 0 && rows.get(Table::State, &keys::file_unheld(row.unheld_since, id))?.is_none()
    {
        telling.damage("tables: nothing says when a file may go", format!("file {id}"));
    }
    Ok(())
}

/// Numbers must follow each other.
fn dense(telling: &mut Telling<'_>, (last, next): (u64, u64), what: &str) {
    if next > last + 1 {
        telling
            .damage("tables: records are missing", format!("{what}: {} to {}", last + 1, next - 1));
    }
}

/// Nothing may name a message above the last one. Returns the head, raised so that it is told once.
fn reaches(telling: &mut Telling<'_>, id: ConversationId, head: u64, named: u64, by: &str) -> u64 {
    if named > head {
        let touches = format!("messages of {id}: {} to {named}", head + 1);
        telling.damage(format!("tables: {by} names what is missing"), touches);
    }
    head.max(named)
}

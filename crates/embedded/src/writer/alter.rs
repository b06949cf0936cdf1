//! Applies a change to the message it names, in the commit that numbers it: a message's row always holds its present
//! state, the contents it had before are kept beside it, and nothing of either stays once it is taken back.

use std::collections::BTreeMap;

use anser_backend::Hold;
use anser_types::{Alteration, Change, ChangeKind, ChangeNo, ConversationId, FileId, Seq, UnixMs};

use super::files;
use super::stage::{Fault, Stage};
use crate::codec::{read_change, read_edition, write_change, write_edition, write_message};
use crate::keys::{self, Table};

/// See the module. A change that names no message that exists alters nothing.
pub fn alter(stage: &mut Stage<'_>, change: &Change) -> Result<(), Fault> {
    let ChangeKind::MessageAltered { seq, alteration } = &change.kind else { return Ok(()) };
    let id = change.conversation;
    let Some(mut message) = stage.message(id, *seq)? else { return Ok(()) };
    let (replaced, since) = (message.content.clone(), message.content_since());
    let expired = message.expires_at();
    message.alter(change.change_no, change.at, &change.actor, alteration);
    match (alteration, replaced) {
        (Alteration::Edit(new), Some(content)) => {
            let hold = Hold { conversation: id, seq: *seq, since: change.change_no };
            files::hold(stage, &new.files, hold)?;
            let key = keys::edition(id, *seq, change.change_no);
            stage.commit().put(Table::State, &key, |out| write_edition(out, since, &content));
        }
        (erasing, Some(content)) if erasing.erases() => {
            files::release(stage, &content.files, (id, *seq), change.at)?;
            erase(stage, id, *seq, change.at)?;
        }
        _ => {}
    }
    stage.commit().put(Table::Messages, &keys::message(id, *seq), |out| {
        write_message(out, &message);
    });
    move_expiry(stage, (id, *seq), expired, message.expires_at());
    stage.altered(message);
    Ok(())
}

/// Keeps the way from a time to the messages that are over then.
fn move_expiry(
    stage: &mut Stage<'_>,
    (id, seq): (ConversationId, Seq),
    from: Option<UnixMs>,
    to: Option<UnixMs>,
) {
    if from == to {
        return;
    }
    if let Some(at) = from {
        stage.commit().remove(Table::State, &keys::expiring(at, id, seq));
    }
    if let Some(at) = to {
        stage.commit().put(Table::State, &keys::expiring(at, id, seq), |_| {});
    }
}

/// Removes every content the message had before, and what its edits tell.
fn erase(stage: &mut Stage<'_>, id: ConversationId, seq: Seq, at: UnixMs) -> Result<(), Fault> {
    let stored = stage.core().stored_editions(id, seq)?.into_iter();
    let mut edits: BTreeMap<ChangeNo, Vec<FileId>> =
        stored.map(|edition| (edition.until, edition.content.files)).collect();
    for (key, row) in stage.written(Table::State, &keys::editions(id, seq))? {
        if let (Some(no), Some(row)) = (keys::last_number(&key).map(ChangeNo), row) {
            edits.insert(no, read_edition(no, &row)?.content.files);
        }
    }
    for (no, held) in edits {
        files::release(stage, &held, (id, seq), at)?;
        stage.commit().remove(Table::State, &keys::edition(id, seq, no));
        let key = keys::change(id, no);
        let row = match stage.written(Table::State, &key)?.remove(&key) {
            Some(row) => row,
            None => stage.core().row(&key)?,
        };
        let Some(row) = row else { continue };
        let mut change = read_change(id, no, &row)?;
        change.kind = ChangeKind::MessageAltered { seq, alteration: Alteration::Gone };
        stage.commit().put(Table::State, &key, |out| write_change(out, &change));
    }
    Ok(())
}

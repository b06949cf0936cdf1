//! What recognises a repetition: a device's record of executed commands, and the row of an Idempotency-Key.
//!
//! A commit carries only the *new* answer of a device (a delta of about 60 bytes); the whole record reaches the
//! tables when a checkpoint needs it. Applying a delta twice does nothing, so replay is safe.

use std::collections::VecDeque;

use anser_types::limits::COMMANDS_IN_FLIGHT;
use anser_types::{
    Answer, ChangeNo, CommandNo, ConversationId, Done, ErrorCode, InboxSeq, Outcome, Refusal, Seq,
    UnixMs,
};

use super::primitives::{Malformed, ROW_FORMAT, Reader, put_text, put_varint};

/// An answer that is kept, with the hash of the command it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Hash of the command's bytes.
    pub hash: [u8; 16],
    /// The answer; its number is the command's.
    pub answer: Answer,
}

/// Everything a device's commands left behind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceRecord {
    /// The highest executed command.
    pub last: CommandNo,
    /// Answers still kept, ascending and dense, at most [`COMMANDS_IN_FLIGHT`].
    pub answers: VecDeque<Kept>,
}

impl DeviceRecord {
    /// Notes an executed command; a number that is not new changes nothing.
    pub fn note(&mut self, answered_up_to: CommandNo, kept: Kept) {
        if kept.answer.command_no <= self.last {
            return;
        }
        if kept.answer.command_no > self.last.next() {
            // Commands between were lost: answers before a gap cannot be found by their number any more.
            self.answers.clear();
        }
        // What a client claims about numbers above the last executed one changes nothing here: the answer to this
        // very command is pushed afterwards and cannot have reached it yet.
        while self.answers.front().is_some_and(|first| first.answer.command_no <= answered_up_to)
            || self.answers.len() >= COMMANDS_IN_FLIGHT
        {
            self.answers.pop_front();
        }
        self.last = kept.answer.command_no;
        self.answers.push_back(kept);
    }

    /// The answer to a command, if it is still kept.
    pub fn kept(&self, command_no: CommandNo) -> Option<&Kept> {
        let first = self.answers.front()?.answer.command_no;
        let index = usize::try_from(command_no.0.checked_sub(first.0)?).ok()?;
        self.answers.get(index)
    }

    /// Appends the row.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(ROW_FORMAT);
        put_varint(out, self.last.0);
        put_varint(out, self.answers.len() as u64);
        for kept in &self.answers {
            write_kept(out, kept);
        }
    }

    /// Reads the row.
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::row(bytes)?;
        let last = CommandNo(reader.varint()?);
        let count = reader.count()?;
        if count > COMMANDS_IN_FLIGHT {
            return Err(Malformed("a device has too many answers"));
        }
        let mut answers = VecDeque::with_capacity(count);
        for _ in 0..count {
            answers.push_back(read_kept(&mut reader)?);
        }
        reader.end()?;
        let record = Self { last, answers };
        if record.is_dense() { Ok(record) } else { Err(Malformed("answers are not in order")) }
    }

    /// Whether the answers are those of the last commands, without a hole: they are found by their numbers.
    fn is_dense(&self) -> bool {
        let first = self.last.0.checked_sub(self.answers.len() as u64);
        first.is_some_and(|first| {
            let numbers = self.answers.iter().map(|kept| kept.answer.command_no.0);
            numbers.eq((first..self.last.0).map(|before| before + 1))
        })
    }
}

/// Appends a delta: one more executed command of a device.
pub fn write_delta(out: &mut Vec<u8>, answered_up_to: CommandNo, kept: &Kept) {
    out.push(ROW_FORMAT);
    put_varint(out, answered_up_to.0);
    write_kept(out, kept);
}

/// Reads a delta.
pub fn read_delta(bytes: &[u8]) -> Result<(CommandNo, Kept), Malformed> {
    let mut reader = Reader::row(bytes)?;
    let answered_up_to = CommandNo(reader.varint()?);
    let kept = read_kept(&mut reader)?;
    reader.end()?;
    Ok((answered_up_to, kept))
}

/// What an Idempotency-Key was used for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// When; the key is new again `IDEMPOTENCY_KEEP_MS` later.
    pub at: UnixMs,
    /// Hash and answer.
    pub kept: Kept,
}

impl KeyRow {
    /// Appends the row.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(ROW_FORMAT);
        put_varint(out, self.at.0);
        write_kept(out, &self.kept);
    }

    /// Reads the row.
    pub fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::row(bytes)?;
        let row = Self { at: UnixMs(reader.varint()?), kept: read_kept(&mut reader)? };
        reader.end()?;
        Ok(row)
    }
}

const DONE: u8 = 0;
const DONE_SOMEWHERE: u8 = 1;
const REFUSED: u8 = 2;

fn write_kept(out: &mut Vec<u8>, kept: &Kept) {
    out.extend_from_slice(&kept.hash);
    put_varint(out, kept.answer.command_no.0);
    match &kept.answer.outcome {
        Outcome::Done(done) => {
            match done.conversation {
                None => out.push(DONE),
                Some(ConversationId(id)) => {
                    out.push(DONE_SOMEWHERE);
                    out.extend_from_slice(&id);
                }
            }
            for number in [done.seq.0, done.change_no.0, done.inbox_seq.0, done.at.0] {
                put_varint(out, number);
            }
        }
        Outcome::Refused(refusal) => {
            out.push(REFUSED);
            put_varint(out, u64::from(refusal.code.number()));
            put_text(out, &refusal.detail);
            put_varint(out, refusal.retry_after_ms.map_or(0, |ms| u64::from(ms) + 1));
        }
    }
}

fn read_kept(reader: &mut Reader<'_>) -> Result<Kept, Malformed> {
    let hash = reader.array()?;
    let command_no = CommandNo(reader.varint()?);
    let kind = reader.u8()?;
    let outcome = match kind {
        DONE | DONE_SOMEWHERE => Outcome::Done(Done {
            conversation: if kind == DONE { None } else { Some(reader.conversation()?) },
            seq: Seq(reader.varint()?),
            change_no: ChangeNo(reader.varint()?),
            inbox_seq: InboxSeq(reader.varint()?),
            at: UnixMs(reader.varint()?),
        }),
        REFUSED => {
            let number = u16::try_from(reader.varint()?).ok();
            let code = number
                .and_then(ErrorCode::from_number)
                .ok_or(Malformed("an error code is not catalogued"))?;
            let detail = reader.text()?.to_owned();
            let retry_after_ms = match reader.varint()? {
                0 => None,
                ms => Some(
                    u32::try_from(ms - 1).map_err(|_| Malformed("a waiting time is too long"))?,
                ),
            };
            Outcome::Refused(Refusal { code, detail, retry_after_ms })
        }
        _ => return Err(Malformed("an answer is of no known kind")),
    };
    Ok(Kept { hash, answer: Answer { command_no, outcome } })
}

//! What arrives: the one case of a frame, the hash of a command's body, and a batch of events with their raw bytes.

use anser_types::{ErrorCode, InboxSeq};
use bytes::Bytes;
use prost::Message;
use sha2::{Digest, Sha256};

use crate::close::CloseReason;
use crate::fields::{Field, Fields, Malformed, Value, last_case};
use crate::v1;

/// `Command.command_no`, which belongs to the transmission and not to the body.
pub(super) const COMMAND_NO: u32 = 1;
/// `Command.unanswered_before`, which belongs to the transmission and not to the body.
pub(super) const UNANSWERED_BEFORE: u32 = 2;
/// `EventBatch.first_inbox_seq`.
pub(super) const FIRST_INBOX_SEQ: u32 = 1;
/// `EventBatch.events`.
pub(super) const EVENTS: u32 = 2;
/// `EventBatch.head`.
pub(super) const HEAD: u32 = 3;
/// `ChannelBatch.events`.
pub(super) const CHANNEL_EVENTS: u32 = 1;
/// Fields of one message, entries of lists among them; far above the longest list (a page of 500).
const FIELDS_MAX: usize = 8_192;
/// The first number of the kinds of `Change`.
const FIRST_CHANGE_KIND: u32 = 16;

/// The one case of a frame that `known` recognises, with its bytes. `None` when there is none: a newer version's case.
/// Fields beside the case are skipped; two known cases in one frame are an error, since their order would be lost.
pub(super) fn only_case<C>(
    frame: &Bytes,
    known: impl Fn(u32) -> Option<C>,
) -> Result<Option<(C, Bytes)>, CloseReason> {
    let mut found = None;
    for field in Fields::of(frame) {
        let field = field?;
        let Some(case) = known(field.number) else { continue };
        let Value::Bytes(body) = field.value else { return Err(Malformed.into()) };
        if found.replace((case, frame.slice_ref(body))).is_some() {
            return Err(CloseReason::because(ErrorCode::BadFrame, "a frame holds one case"));
        }
    }
    Ok(found)
}

/// Refuses a command, query, reply or batch with longer lists than any of the protocol: an entry of two bytes on the wire
/// takes many times that in memory. With this limit the lists of one message take about as much as the largest frame.
pub(super) fn check_lists(message: &[u8]) -> Result<(), CloseReason> {
    let is_long = |message| Fields::of(message).take(FIELDS_MAX + 1).count() > FIELDS_MAX;
    let mut long = is_long(message);
    for field in Fields::of(message).take(FIELDS_MAX) {
        if let Value::Bytes(inner) = field?.value {
            long |= is_long(inner);
        }
    }
    if long {
        let detail = format!("a message of more than {FIELDS_MAX} fields");
        return Err(CloseReason::because(ErrorCode::BadFrame, detail));
    }
    Ok(())
}

/// The first 16 bytes of SHA-256 over the command's body: all its fields but the two of the transmission, each as
/// received, in received order.
pub(super) fn body_hash(command: &[u8]) -> Result<[u8; 16], Malformed> {
    let mut hash = Sha256::new();
    for field in Fields::of(command) {
        let Field { number, raw, .. } = field?;
        if number != COMMAND_NO && number != UNANSWERED_BEFORE {
            hash.update(raw);
        }
    }
    let mut first = [0; 16];
    first.copy_from_slice(&hash.finalize()[..16]);
    Ok(first)
}

/// A page or a push: inbox entries numbered by position.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceivedBatch {
    /// The number of the first entry, also of the next one when there is none.
    pub first: InboxSeq,
    /// The entries.
    pub events: Vec<ReceivedEvent>,
    /// The head when the page was read; `None` in a live push.
    pub head: Option<InboxSeq>,
}

/// One inbox entry: what this version understands of it, and all of its bytes for the versions to come.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceivedEvent {
    /// The encoded `Event`, as received.
    pub raw: Bytes,
    /// What it says.
    pub kind: ReceivedKind,
}

/// What an event says.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every event is known: a box would cost each an allocation"
)]
#[derive(Clone, Debug, PartialEq)]
pub enum ReceivedKind {
    /// A kind this version knows.
    Known(v1::event::Event),
    /// A newer kind, to be kept and read again after an upgrade.
    Unknown {
        /// Its field number; 0 when the event says nothing at all.
        number: u32,
        /// Its encoded body.
        body: Bytes,
    },
}

impl ReceivedEvent {
    /// Reads an encoded `Event`; also for those kept raw by an older version.
    ///
    /// # Errors
    /// The bytes are no event: `BAD_FRAME`.
    pub fn read(raw: Bytes) -> Result<Self, CloseReason> {
        let kind = match v1::Event::decode(raw.clone())?.event {
            Some(event) => ReceivedKind::Known(event),
            None => {
                let (number, body) = last_case(&raw, |_| true).unwrap_or_default();
                ReceivedKind::Unknown { number, body }
            }
        };
        Ok(Self { raw, kind })
    }

    /// The number and body of a known `Change` whose kind this version does not know.
    #[must_use]
    pub fn unknown_change(&self) -> Option<(u32, Bytes)> {
        match &self.kind {
            ReceivedKind::Known(v1::event::Event::Change(change)) if change.kind.is_none() => {
                let (_, change) = last_case(&self.raw, |_| true)?;
                last_case(&change, |number| number >= FIRST_CHANGE_KIND)
            }
            _ => None,
        }
    }
}

/// Reads an encoded `ChannelBatch`, keeping the bytes of each event.
pub(super) fn channel_events(batch: &Bytes) -> Result<Vec<ReceivedEvent>, CloseReason> {
    check_lists(batch)?;
    let mut events = Vec::new();
    for field in Fields::of(batch) {
        match field? {
            Field { number: CHANNEL_EVENTS, value: Value::Bytes(raw), .. } => {
                events.push(ReceivedEvent::read(batch.slice_ref(raw))?);
            }
            Field { number: CHANNEL_EVENTS, .. } => return Err(Malformed.into()),
            _ => {}
        }
    }
    Ok(events)
}

impl ReceivedBatch {
    /// Reads an encoded `EventBatch`, keeping the bytes of each event.
    pub(super) fn read(batch: &Bytes) -> Result<Self, CloseReason> {
        check_lists(batch)?;
        let (mut first, mut head, mut events) = (0, 0, Vec::new());
        for field in Fields::of(batch) {
            let Field { number, value, .. } = field?;
            match (number, value) {
                (FIRST_INBOX_SEQ, Value::Varint(value)) => first = value,
                (HEAD, Value::Varint(value)) => head = value,
                (EVENTS, Value::Bytes(raw)) => {
                    events.push(ReceivedEvent::read(batch.slice_ref(raw))?);
                }
                (FIRST_INBOX_SEQ | HEAD | EVENTS, _) => return Err(Malformed.into()),
                _ => {}
            }
        }
        let head = (head != 0).then_some(InboxSeq(head));
        Ok(Self { first: InboxSeq(first), events, head })
    }
}

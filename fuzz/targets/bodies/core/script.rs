//! Reads the fuzzer's bytes as a script: small numbers, words, and frames of a server that is nearly right.

use anser_proto::v1::{self, server_frame::Frame};
use anser_types::{ConversationId, UserId};
use bytes::Bytes;

/// Names that are also in the frames, so that they meet; and some that are no names.
const WORDS: [&str; 8] = ["bob", "carol", "alice", "", "a b", "wifi:home", "mobile", "dave"];

/// What is left of the input.
pub struct Script<'a> {
    rest: &'a [u8],
}

impl<'a> Script<'a> {
    pub const fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    pub fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    pub fn flag(&mut self) -> bool {
        self.byte().is_some_and(|byte| byte & 1 == 1)
    }

    /// Mostly 0 to 63, as numbers of a short run are; else anything.
    pub fn small(&mut self) -> u64 {
        match self.byte().unwrap_or_default() {
            byte @ 0..192 => u64::from(byte % 64),
            _ => self.number(),
        }
    }

    pub fn number(&mut self) -> u64 {
        let mut bytes = [0; 8];
        let width = usize::from(self.byte().unwrap_or_default() % 9).min(self.rest.len());
        let (taken, rest) = self.rest.split_at(width);
        bytes[..width].copy_from_slice(taken);
        self.rest = rest;
        u64::from_le_bytes(bytes)
    }

    pub fn word(&mut self) -> &'static str {
        WORDS[usize::from(self.byte().unwrap_or_default()) % WORDS.len()]
    }

    pub fn bytes(&mut self) -> Bytes {
        let length = usize::from(self.byte().unwrap_or_default()).min(self.rest.len());
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        Bytes::copy_from_slice(taken)
    }

    /// A frame as a server says it, with numbers near the right ones.
    pub fn server_frame(&mut self, last_command: u64) -> v1::ServerFrame {
        let frame = match self.byte().unwrap_or_default() % 8 {
            0 => Frame::Welcome(self.welcome()),
            1 => Frame::CommandAck(self.command_ack(last_command)),
            2 | 3 => Frame::EventBatch(self.batch()),
            4 => Frame::AckOk(v1::AckOk { inbox_seq: self.small() }),
            5 => Frame::Pong(v1::Pong { inbox_head: self.small() }),
            6 => Frame::SyncReset(v1::SyncReset {
                at: self.small(),
                log_epoch: self.small() % 3,
                ..Default::default()
            }),
            _ => Frame::Reply(self.reply()),
        };
        v1::ServerFrame { frame: Some(frame) }
    }

    fn welcome(&mut self) -> v1::Welcome {
        v1::Welcome {
            version: 1,
            server_time_unix_ms: self.number(),
            user: "alice".to_owned(),
            log_epoch: 1 + self.small() % 2,
            last_command_no: self.small(),
            inbox_head: self.small(),
            ..Default::default()
        }
    }

    fn error(&mut self) -> v1::Error {
        let code = u32::from(self.byte().unwrap_or_default()) * 3 + 100;
        let expected_command_no = self.small();
        let retry_after_ms = u32::try_from(self.small()).unwrap_or(u32::MAX);
        v1::Error { code, expected_command_no, retry_after_ms, ..Default::default() }
    }

    fn command_ack(&mut self, last_command: u64) -> v1::CommandAck {
        let command_no = if self.flag() { last_command } else { self.small() };
        v1::CommandAck {
            command_no,
            seq: self.small(),
            inbox_seq: self.small(),
            duplicate: self.flag(),
            error: self.flag().then(|| self.error()),
            ..Default::default()
        }
    }

    fn batch(&mut self) -> v1::EventBatch {
        let first_inbox_seq = self.small();
        let events = (0..self.byte().unwrap_or_default() % 5).map(|_| self.event()).collect();
        v1::EventBatch { first_inbox_seq, events, head: self.small() }
    }

    fn event(&mut self) -> v1::Event {
        use v1::event::Event;
        let event = match self.byte().unwrap_or_default() % 8 {
            0 | 1 => Some(Event::Direct(self.message())),
            2 => Some(Event::OwnDirect(self.message())),
            3 => Some(Event::Group(self.message())),
            4 => Some(Event::ReadSync(v1::ReadSync {
                peer: self.word().to_owned(),
                up_to_seq: self.small(),
                ..Default::default()
            })),
            5 => Some(Event::Change(v1::Change {
                conversation: self.conversation(),
                change_no: self.small(),
                actor: self.word().to_owned(),
                kind: Some(v1::change::Kind::MemberLeft(v1::MemberLeft::default())),
                ..Default::default()
            })),
            6 => Some(Event::Unavailable(v1::Unavailable {
                peer: self.word().to_owned(),
                from_seq: self.small(),
                to_seq: self.small(),
                reason: 1,
                ..Default::default()
            })),
            _ => None,
        };
        v1::Event { event }
    }

    fn conversation(&mut self) -> Bytes {
        let peer = UserId::new(self.word());
        let (Ok(peer), Ok(me)) = (peer, UserId::new("alice")) else { return self.bytes() };
        Bytes::copy_from_slice(&ConversationId::direct(&peer, &me).0)
    }

    fn message(&mut self) -> v1::Message {
        v1::Message {
            peer: self.word().to_owned(),
            sender: self.word().to_owned(),
            conversation: self.conversation(),
            seq: self.small(),
            server_time_ms: self.number(),
            sent_before_ms: i64::from_le_bytes(self.number().to_le_bytes()),
            device_no: self.small() % 3,
            local_no: self.small(),
            content: self.bytes(),
            kind: 1,
            ..Default::default()
        }
    }

    fn reply(&mut self) -> v1::Reply {
        use v1::reply::Reply;
        let query_no = self.small();
        let reply = match self.byte().unwrap_or_default() % 3 {
            0 => Reply::Error(self.error()),
            1 => Reply::History(v1::HistoryPage {
                conversation: self.conversation(),
                messages: (0..self.byte().unwrap_or_default() % 4)
                    .map(|_| self.message())
                    .collect(),
                head: self.small(),
                more: self.flag(),
                ..Default::default()
            }),
            _ => Reply::SyncPage(v1::SyncPage {
                conversations: (0..self.byte().unwrap_or_default() % 3)
                    .map(|_| self.conversation_state())
                    .collect(),
                more: self.flag(),
                restart_at: self.small(),
            }),
        };
        v1::Reply { query_no, reply: Some(reply) }
    }

    fn conversation_state(&mut self) -> v1::ConversationState {
        v1::ConversationState {
            conversation: self.conversation(),
            peer: self.word().to_owned(),
            head: self.small(),
            read_up_to: self.small(),
            member: self.flag(),
            ..Default::default()
        }
    }
}

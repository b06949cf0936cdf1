//! Frames like those that are compressed, made up from a seed: pages of the inbox and of histories, lists of conversations
//! and of changes, long messages. Nobody's messages are in them. The dictionary is trained with them, tests and benchmarks
//! use others of the same kind.

use anser_proto::v1;
use bytes::Bytes;
use prost::Message as _;

use super::words::{EMOJI, NAMES, TITLES, Words};

/// In 2026.
const CLOCK_MS: u64 = 61_169_730_250;

/// Makes frames; the same ones for the same seed.
pub struct Maker {
    words: Words,
    state: u64,
    /// A frame is mostly about a few people and groups.
    cast: Vec<String>,
    groups: Vec<Bytes>,
    clock_ms: u64,
}

impl Maker {
    /// Any seed.
    pub fn new(seed: u64) -> Self {
        let mut maker = Self {
            words: Words::new(),
            state: seed,
            cast: Vec::new(),
            groups: Vec::new(),
            clock_ms: CLOCK_MS,
        };
        maker.recast();
        maker
    }

    fn recast(&mut self) {
        self.cast = self.many(3..9, Self::new_user);
        self.groups = self.many(1..5, Self::new_id);
        self.clock_ms = CLOCK_MS + self.below(30 * 24 * 3_600 * 1_000);
    }

    /// One of the frames that are compressed most often, as the body that stands behind a frame's length.
    pub fn frame(&mut self) -> Vec<u8> {
        use v1::reply::Reply as R;
        self.recast();
        let reply = match self.below(10) {
            0..4 => return self.inbox_page(5..60).encode_to_vec(),
            4..6 => R::History(self.history()),
            6 => {
                let conversations = self.many(5..40, Self::conversation);
                R::Conversations(v1::ConversationsPage { conversations, more: true })
            }
            7 => {
                let conversations = self.many(5..40, Self::conversation);
                R::SyncPage(v1::SyncPage { conversations, more: true, restart_at: 0 })
            }
            8 => {
                R::Changes(v1::ChangesPage { changes: self.many(8..50, Self::change), more: true })
            }
            _ => return self.long_command().encode_to_vec(),
        };
        let reply = v1::Reply { query_no: self.below(200), reply: Some(reply) };
        server(v1::server_frame::Frame::Reply(reply)).encode_to_vec()
    }

    /// A page of so many inbox entries.
    pub fn inbox_page(&mut self, entries: std::ops::Range<u64>) -> v1::ServerFrame {
        let first_inbox_seq = 1 + self.below(20_000);
        let events = self.many(entries, Self::event);
        let head = first_inbox_seq + events.len() as u64 + self.below(500);
        server(v1::server_frame::Frame::EventBatch(v1::EventBatch {
            first_inbox_seq,
            events,
            head,
        }))
    }

    /// A command that sends a long text.
    pub fn long_command(&mut self) -> v1::ClientFrame {
        let mut text = self.text();
        while text.len() < 700 {
            text.push(' ');
            text.push_str(&self.text());
        }
        let send = v1::SendMessage {
            to: Some(v1::send_message::To::User(self.user())),
            content: Bytes::from(text),
            ..Default::default()
        };
        let command = v1::Command {
            command_no: self.below(5_000),
            local_no: self.below(5_000),
            sent_at_ms: self.time(),
            op: Some(v1::command::Op::Send(send)),
            ..Default::default()
        };
        v1::ClientFrame { frame: Some(v1::client_frame::Frame::Command(command)) }
    }

    /// What somebody says: English or Chinese, mostly a line.
    pub fn text(&mut self) -> String {
        let index = self.index(self.words.phrases.len());
        let phrase = self.words.phrases[index];
        match self.below(10) {
            0..3 => phrase.to_owned(),
            3..6 => {
                let words = 3 + self.below(14);
                let mut text: Vec<&str> = (0..words).map(|_| self.common(Self::english)).collect();
                text.extend((self.below(4) == 0).then_some(phrase));
                text.join(" ")
            }
            _ => {
                let words = 3 + self.below(12);
                let mut text: String = (0..words).map(|_| self.common(Self::chinese)).collect();
                text.push_str(self.of(&["", "。", "，", "？", "！"]));
                text.push_str(if self.below(3) == 0 { phrase } else { "" });
                text
            }
        }
    }

    fn english(&self) -> &[&'static str] {
        &self.words.english
    }

    fn chinese(&self) -> &[&'static str] {
        &self.words.chinese
    }

    fn event(&mut self) -> v1::Event {
        use v1::event::Event as E;
        let event = match self.below(20) {
            0..7 => E::Direct(self.message(false)),
            7..10 => E::OwnDirect(self.message(false)),
            10..16 => E::Group(self.message(true)),
            16..18 => E::ReadSync(v1::ReadSync {
                peer: self.user(),
                up_to_seq: self.below(3_000),
                ..Default::default()
            }),
            _ => E::Change(self.change()),
        };
        v1::Event { event: Some(event) }
    }

    fn message(&mut self, in_group: bool) -> v1::Message {
        let mut message = v1::Message {
            seq: 1 + self.below(5_000),
            server_time_ms: self.time(),
            sent_before_ms: i64::try_from(self.below(120)).unwrap_or_default(),
            device_no: 1 + self.below(3),
            local_no: 1 + self.below(5_000),
            content: Bytes::from(self.text()),
            ..Default::default()
        };
        if in_group {
            message.conversation = self.id();
            message.sender = self.user();
            if self.below(10) == 0 {
                message.mentions = vec![self.user()];
            }
        } else {
            message.peer = self.user();
        }
        if self.below(15) == 0 {
            let reaction =
                v1::Reaction { emoji: self.of(EMOJI).to_owned(), users: vec![self.user()] };
            let altered = v1::Altered {
                change_no: self.below(400),
                reactions: vec![reaction],
                ..Default::default()
            };
            message.altered = Some(Box::new(altered));
        }
        message
    }

    fn history(&mut self) -> v1::HistoryPage {
        let (id, peer, in_group) = (self.id(), self.user(), self.below(2) == 0);
        let mut seq = self.below(4_000);
        let messages: Vec<v1::Message> = self.many(8..60, |maker| {
            seq += 1;
            let mut message = maker.message(in_group);
            message.seq = seq;
            if in_group {
                message.conversation = id.clone();
            } else {
                message.peer.clone_from(&peer);
            }
            message
        });
        v1::HistoryPage { conversation: id, messages, head: seq, more: true, ..Default::default() }
    }

    fn conversation(&mut self) -> v1::ConversationState {
        self.recast();
        let in_group = self.below(3) == 0;
        let head = 1 + self.below(5_000);
        let mut state = v1::ConversationState {
            conversation: self.id(),
            head,
            change_head: self.below(200),
            read_up_to: head - self.below(head.min(20)),
            last_message: Some(self.message(in_group)),
            last_at_ms: self.time(),
            member: true,
            ..Default::default()
        };
        if in_group {
            self.of(TITLES).clone_into(&mut state.title);
            (state.version, state.members) = (1 + self.below(40), 24);
            state.group = Some(v1::Group { announcement: self.text(), ..Default::default() });
        } else {
            state.peer = self.user();
            (state.peer_delivered_up_to, state.peer_read_up_to) = (head, head);
        }
        state
    }

    fn change(&mut self) -> v1::Change {
        use v1::alteration::How;
        use v1::change::Kind as K;
        let emoji = self.of(EMOJI).to_owned();
        let content = v1::EditedContent { content: Bytes::from(self.text()), ..Default::default() };
        let kind = match self.below(10) {
            0..4 => self.altered(How::React(v1::React { emoji, off: false })),
            4..6 => self.altered(How::Edit(v1::Edit { content: Some(content) })),
            6 => self.altered(How::Revoke(v1::Revoke {})),
            7 => K::MembersJoined(v1::MembersJoined {
                title: self.of(TITLES).to_owned(),
                users: self.many(1..8, Self::user),
                channel: false,
            }),
            8 => K::Contact(v1::Contact {
                user: self.user(),
                relation: 3,
                remark: self.text(),
                ..Default::default()
            }),
            _ => K::Options(v1::Options {
                conversation: self.id(),
                pinned: true,
                ..Default::default()
            }),
        };
        v1::Change {
            conversation: self.id(),
            change_no: 1 + self.below(400),
            after_seq: self.below(5_000),
            version: self.below(40),
            actor: self.user(),
            at_ms: self.time(),
            kind: Some(kind),
        }
    }

    fn altered(&mut self, how: v1::alteration::How) -> v1::change::Kind {
        v1::change::Kind::MessageAltered(v1::MessageAltered {
            seq: 1 + self.below(5_000),
            alteration: Some(v1::Alteration { how: Some(how) }),
        })
    }

    fn user(&mut self) -> String {
        let index = self.index(self.cast.len());
        self.cast[index].clone()
    }

    fn id(&mut self) -> Bytes {
        let index = self.index(self.groups.len());
        self.groups[index].clone()
    }

    fn time(&mut self) -> u64 {
        self.clock_ms += self.below(90_000);
        self.clock_ms
    }

    fn new_user(&mut self) -> String {
        let name = self.of(NAMES);
        match self.below(4) {
            0 => format!("{name}@example.com"),
            1 => format!("{name}{}", self.below(100)),
            2 => format!("u{:08}", self.below(100_000_000)),
            _ => name.to_owned(),
        }
    }

    fn new_id(&mut self) -> Bytes {
        let halves = [self.next().to_be_bytes(), self.next().to_be_bytes()];
        Bytes::copy_from_slice(halves.as_flattened())
    }

    fn of(&mut self, list: &[&'static str]) -> &'static str {
        list[self.index(list.len())]
    }

    /// One of a list whose first are the commonest.
    fn common(&mut self, list: fn(&Self) -> &[&'static str]) -> &'static str {
        let bound = 1 + self.index(list(self).len());
        let index = self.index(bound);
        list(self)[index]
    }

    fn many<T>(
        &mut self,
        count: std::ops::Range<u64>,
        mut one: impl FnMut(&mut Self) -> T,
    ) -> Vec<T> {
        let count = count.start + self.below(count.end - count.start);
        (0..count).map(|_| one(self)).collect()
    }

    fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or_default()
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
    const fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn server(frame: v1::server_frame::Frame) -> v1::ServerFrame {
    v1::ServerFrame { frame: Some(frame) }
}

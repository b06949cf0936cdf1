//! The scripted server's channels: logs that are pushed to whoever follows, and read by whoever missed something.

use std::collections::BTreeMap;

use anser_proto::session::server::{ServerSession, encode_event};
use anser_proto::{time, v1};
use anser_types::{ConversationId, ErrorCode, UnixMs};
use bytes::{Bytes, BytesMut};

use crate::server::{Server, error};

/// The only channel of most tests.
pub const CHANNEL: ConversationId = ConversationId([0x21; 16]);

/// A place in a channel's log.
#[derive(Clone, Copy, Debug, Default)]
pub struct End {
    pub seq: u64,
    pub change_no: u64,
}

/// A time in which alice is in a channel: she sees what stands behind its beginning, up to its end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Period {
    pub from: End,
    pub to: Option<End>,
    /// From where on, and up to where, in the log she is pushed to.
    pushed_from: usize,
    pushed_up_to: usize,
}

/// One channel as alice sees it.
#[derive(Clone, Debug, Default)]
pub struct Channel {
    /// Each as it is now.
    pub messages: Vec<v1::Message>,
    pub changes: Vec<v1::Change>,
    /// Both, each as it was pushed.
    log: Vec<Bytes>,
    /// When alice was in it. Nothing is said of it: she always was.
    pub periods: Vec<Period>,
    /// Messages up to here cannot be given any more.
    pub expired_up_to: u64,
    pub read_up_to: u64,
    /// It is an ordinary group.
    pub ordinary: bool,
}

impl Channel {
    pub fn texts(&self) -> Vec<String> {
        let text = |message: &v1::Message| String::from_utf8(message.content.to_vec()).unwrap();
        self.messages.iter().map(text).collect()
    }

    fn head(&self) -> End {
        let all = End { seq: self.messages.len() as u64, change_no: self.changes.len() as u64 };
        self.periods.last().and_then(|period| period.to).unwrap_or(all)
    }

    pub fn is_member(&self) -> bool {
        self.periods.last().is_none_or(|period| period.to.is_none())
    }

    fn is_followed(&self) -> bool {
        !self.ordinary && self.is_member()
    }

    /// Whether alice sees something of this number; `of` says which of the two counters it is.
    fn sees(&self, no: u64, of: impl Fn(End) -> u64) -> bool {
        let within =
            |period: &Period| no > of(period.from) && period.to.is_none_or(|to| no <= of(to));
        self.periods.is_empty() || self.periods.iter().any(within)
    }

    /// The messages that alice sees.
    pub fn seen(&self) -> impl Iterator<Item = &v1::Message> {
        self.messages.iter().filter(|message| self.sees(message.seq, |end| end.seq))
    }

    /// Where a session that followed before she went is pushed to; it has to follow anew when she is back.
    fn ended_since(&self, sent: usize) -> Option<usize> {
        let mut ended = self.periods.iter().filter(|period| period.to.is_some());
        ended.find(|period| period.pushed_up_to >= sent).map(|period| period.pushed_up_to)
    }

    /// Where what alice sees now begins.
    pub fn begins(&self) -> End {
        self.periods.last().map(|period| period.from).unwrap_or_default()
    }

    /// What of this stretch alice does not see.
    fn hidden(&self, id: ConversationId, after: u64, up_to: u64) -> Vec<v1::Unavailable> {
        let mut ranges: Vec<v1::Unavailable> = Vec::new();
        for seq in after + 1..=up_to {
            let expired = seq <= self.expired_up_to;
            if !expired && self.sees(seq, |end| end.seq) {
                continue;
            }
            let reason = if expired { 1 } else { 3 };
            match ranges.last_mut() {
                Some(last) if last.to_seq + 1 == seq && last.reason == reason => last.to_seq = seq,
                _ => ranges.push(v1::Unavailable {
                    conversation: Bytes::copy_from_slice(&id.0),
                    from_seq: seq,
                    to_seq: seq,
                    reason,
                    ..v1::Unavailable::default()
                }),
            }
        }
        ranges
    }
}

/// Every channel, and how unkindly it is pushed.
#[derive(Debug, Default)]
pub struct Channels {
    pub all: BTreeMap<ConversationId, Channel>,
    /// Every Follow: how many it named.
    pub follows: Vec<usize>,
    /// Pushes are lost, doubled and swapped by these dice.
    pub dice: Option<u64>,
    pub lose_pushes: bool,
    /// Events pushed.
    pub pushed: u64,
}

/// What a session was pushed of each channel it follows, as an index into the log.
pub type Followed = BTreeMap<ConversationId, usize>;

fn id_of(bytes: &[u8]) -> ConversationId {
    ConversationId(bytes.try_into().unwrap())
}

impl Channels {
    /// The channel, made by its first mention with one change: that it is one.
    pub fn of(&mut self, id: ConversationId) -> &mut Channel {
        self.all.entry(id).or_insert_with(|| {
            let mut made = Channel::default();
            let set = v1::SetGroup { channel: true, ..v1::SetGroup::default() };
            made.changes.push(change(id, 1, 0, v1::change::Kind::GroupUpdated(set)));
            made.log.push(encode_event(&v1::Event {
                event: Some(v1::event::Event::Change(made.changes[0].clone())),
            }));
            made
        })
    }

    /// Somebody speaks.
    pub fn says(&mut self, id: ConversationId, sender: &str, text: &str) -> v1::Message {
        let channel = self.of(id);
        let seq = channel.messages.len() as u64 + 1;
        let message = v1::Message {
            conversation: Bytes::copy_from_slice(&id.0),
            seq,
            server_time_ms: time::to_wire(UnixMs(1_760_000_000_000 + seq)),
            device_no: 77,
            local_no: seq,
            content: Bytes::copy_from_slice(text.as_bytes()),
            sender: sender.to_owned(),
            ..v1::Message::default()
        };
        self.append(id, message.clone());
        message
    }

    pub fn append(&mut self, id: ConversationId, message: v1::Message) {
        let channel = self.of(id);
        channel.log.push(encode_event(&v1::Event {
            event: Some(v1::event::Event::Group(message.clone())),
        }));
        channel.messages.push(message);
    }

    pub fn changes(&mut self, id: ConversationId, kind: Option<v1::change::Kind>) -> v1::Change {
        let channel = self.of(id);
        let (no, after) = (channel.changes.len() as u64 + 1, channel.messages.len() as u64);
        let mut made =
            change(id, no, after, v1::change::Kind::GroupDismissed(v1::GroupDismissed {}));
        made.kind = kind;
        let event = v1::Event { event: Some(v1::event::Event::Change(made.clone())) };
        let mut raw = encode_event(&event);
        if made.kind.is_none() {
            // A kind of a newer version: field 40 of Change, with a body.
            let mut change = prost::Message::encode_to_vec(&made);
            change.extend([0xc2, 0x02, 0x01, 7]);
            let mut newer = vec![0x2a, u8::try_from(change.len()).unwrap()];
            newer.extend(change);
            raw = newer.into();
        }
        channel.log.push(raw);
        channel.changes.push(made.clone());
        made
    }

    /// The log holds what is left of messages and changes.
    pub fn replay(&mut self, id: ConversationId) {
        let channel = self.of(id);
        let messages = channel.messages.iter().cloned().map(v1::event::Event::Group);
        let changes = channel.changes.iter().cloned().map(v1::event::Event::Change);
        let events = messages.chain(changes);
        channel.log = events.map(|event| encode_event(&v1::Event { event: Some(event) })).collect();
    }

    /// Bob reacts to a message, each time differently.
    pub fn reacts(&mut self, id: ConversationId, seq: u64) {
        let emoji = format!("e{}", self.of(id).changes.len() + 1);
        let how = v1::alteration::How::React(v1::React { emoji: emoji.clone(), off: false });
        let alteration = Some(v1::Alteration { how: Some(how) });
        let kind = v1::change::Kind::MessageAltered(v1::MessageAltered { seq, alteration });
        let change_no = self.changes(id, Some(kind)).change_no;
        let message = &mut self.of(id).messages[usize::try_from(seq).unwrap() - 1];
        let altered = message.altered.get_or_insert_default();
        altered.change_no = change_no;
        altered.reactions.push(v1::Reaction { emoji, users: vec!["bob".to_owned()] });
    }

    /// Who follows is pushed to from now on. The answer, if there is one.
    pub fn follow(
        &mut self,
        followed: &mut Followed,
        named: &[v1::ChannelPosition],
    ) -> Option<v1::ChannelHeads> {
        let mut answer = v1::ChannelHeads::default();
        for at in named {
            let id = id_of(&at.conversation);
            let Some(channel) = self.all.get(&id).filter(|channel| channel.is_followed()) else {
                answer.gone.push(at.conversation.clone());
                continue;
            };
            followed.insert(id, channel.log.len());
            let head = channel.head();
            if (head.seq, head.change_no) != (at.seq, at.change_no) {
                answer.heads.push(position(id, head));
            }
        }
        (!answer.heads.is_empty() || !answer.gone.is_empty()).then_some(answer)
    }

    /// What a session that follows is to be pushed now, frame by frame.
    pub fn pushes(&mut self, session: &ServerSession, followed: &mut Followed) -> Vec<Bytes> {
        let mut frames = Vec::new();
        for (id, sent) in followed.iter_mut() {
            let Some(channel) = self.all.get(id) else { continue };
            let up_to = channel.ended_since(*sent).unwrap_or(channel.log.len());
            let mut events: Vec<Bytes> = channel.log[*sent..up_to].to_vec();
            *sent = up_to;
            if self.lose_pushes {
                continue;
            }
            if let Some(dice) = &mut self.dice {
                events.retain(|_| roll(dice, 3) > 0);
                if events.len() > 1 && roll(dice, 2) == 0 {
                    events.swap(0, 1);
                }
                if roll(dice, 3) == 0 && up_to > channel.periods.last().map_or(0, |p| p.pushed_from)
                {
                    // Nothing from a time in which she was away.
                    let from = channel.periods.last().map_or(0, |period| period.pushed_from);
                    let old = from + usize::try_from(roll(dice, (up_to - from) as u64)).unwrap();
                    events.push(channel.log[old].clone());
                }
            }
            if events.is_empty() {
                continue;
            }
            self.pushed += events.len() as u64;
            let mut out = BytesMut::new();
            session.channel_batch(events.iter(), &mut out);
            frames.push(out.freeze());
        }
        frames
    }

    /// Where the followed logs end, told unasked; `gone` of those that are not followed any more.
    pub fn sweep(&self, session: &ServerSession, followed: &mut Followed) -> Bytes {
        let mut heads = v1::ChannelHeads::default();
        followed.retain(|id, sent| {
            let channel = self
                .all
                .get(id)
                .filter(|channel| channel.is_followed() && channel.ended_since(*sent).is_none());
            match channel {
                Some(channel) => heads.heads.push(position(*id, channel.head())),
                None => heads.gone.push(Bytes::copy_from_slice(&id.0)),
            }
            channel.is_some()
        });
        let mut out = BytesMut::new();
        session.channel_heads(&heads, &mut out);
        out.freeze()
    }

    pub fn history(&self, id: ConversationId, asked: &v1::HistoryQuery) -> v1::reply::Reply {
        let Some(channel) = self.all.get(&id) else {
            return v1::reply::Reply::Error(error(ErrorCode::ConversationUnknown));
        };
        let head = channel.head().seq;
        let low = asked.after_seq.max(channel.expired_up_to);
        let within = |message: &&v1::Message| {
            let below = asked.before_seq == 0 || message.seq < asked.before_seq;
            message.seq > low && message.seq <= head && below
        };
        let mut messages: Vec<_> = channel.seen().filter(within).cloned().collect();
        let limit = asked.limit as usize;
        let more = messages.len() > limit;
        if asked.oldest_first {
            messages.truncate(limit);
        } else {
            messages = messages.split_off(messages.len().saturating_sub(limit));
        }
        let last = messages.last().map_or(head, |last| if more { last.seq } else { head });
        let unavailable =
            if asked.oldest_first { channel.hidden(id, asked.after_seq, last) } else { Vec::new() };
        v1::reply::Reply::History(v1::HistoryPage {
            conversation: Bytes::copy_from_slice(&id.0),
            messages,
            unavailable,
            head,
            more,
        })
    }

    pub fn changes_page(&self, asked: &v1::ChangesQuery) -> v1::reply::Reply {
        let Some(channel) = self.all.get(&id_of(&asked.conversation)) else {
            return v1::reply::Reply::Error(error(ErrorCode::ConversationUnknown));
        };
        let (low, high) = (asked.after_change_no, channel.head().change_no);
        let seen = |change: &&v1::Change| {
            let no = change.change_no;
            no > low && no <= high && channel.sees(no, |end| end.change_no)
        };
        let mut changes: Vec<_> = channel.changes.iter().filter(seen).cloned().collect();
        let more = changes.len() > asked.limit as usize;
        changes.truncate(asked.limit as usize);
        v1::reply::Reply::Changes(v1::ChangesPage { changes, more })
    }

    pub fn rows(&self) -> Vec<v1::ConversationState> {
        let row = |(id, channel): (&ConversationId, &Channel)| {
            let head = channel.head();
            let last = channel.messages.get(usize::try_from(head.seq).unwrap().wrapping_sub(1));
            v1::ConversationState {
                conversation: Bytes::copy_from_slice(&id.0),
                head: head.seq,
                change_head: head.change_no,
                version: head.change_no,
                last_message: last.cloned(),
                member: channel.is_member(),
                members: 3,
                read_up_to: channel.read_up_to,
                unread: u32::try_from((head.seq - channel.read_up_to).min(999)).unwrap(),
                group: Some(v1::Group { channel: !channel.ordinary, ..v1::Group::default() }),
                ..v1::ConversationState::default()
            }
        };
        self.all.iter().map(row).collect()
    }
}

impl Server {
    /// Tells every session where the logs it follows end.
    pub fn sweep(&mut self) -> Vec<(anser_client::Attempt, Bytes)> {
        let channels = &self.channels;
        let sessions = self.conns.iter_mut().filter(|(_, conn)| !conn.followed.is_empty());
        let told = sessions
            .map(|(attempt, conn)| (*attempt, channels.sweep(&conn.session, &mut conn.followed)));
        told.collect()
    }

    /// Alice is called by name in a channel: her inbox says so, too.
    pub fn mentions(&mut self, id: ConversationId, text: &str) {
        let message = self.channels.says(id, "bob", text);
        self.put(v1::event::Event::Group(message));
    }

    /// Alice goes, or is sent away; `kind` is the last thing she hears of it.
    pub fn leaves(&mut self, id: ConversationId, kind: v1::change::Kind, by_inbox: bool) {
        let change = self.channels.changes(id, Some(kind));
        let channel = self.channels.of(id);
        let to = Some(End { seq: change.after_seq, change_no: change.change_no });
        let pushed_up_to = channel.log.len();
        match channel.periods.last_mut() {
            Some(last) => (last.to, last.pushed_up_to) = (to, pushed_up_to),
            None => channel.periods.push(Period { to, pushed_up_to, ..Period::default() }),
        }
        if by_inbox {
            self.put(v1::event::Event::Change(change));
        }
    }

    /// Alice comes in: she sees what comes behind that.
    pub fn joins(&mut self, id: ConversationId) -> v1::Change {
        let joined = v1::MembersJoined {
            title: "town".to_owned(),
            users: vec!["alice".to_owned()],
            channel: !self.channels.of(id).ordinary,
        };
        let change = self.channels.changes(id, Some(v1::change::Kind::MembersJoined(joined)));
        let channel = self.channels.of(id);
        let from = End { seq: change.after_seq, change_no: change.change_no - 1 };
        let pushed_from = channel.log.len() - 1;
        channel.periods.push(Period { from, pushed_from, ..Period::default() });
        self.put(v1::event::Event::Change(change.clone()));
        change
    }

    /// What alice was told when the group became a channel.
    pub fn becomes(&mut self, id: ConversationId) {
        let switch = self.channels.of(id).changes[0].clone();
        self.put(v1::event::Event::Change(switch));
    }
}

fn position(id: ConversationId, at: End) -> v1::ChannelPosition {
    let conversation = Bytes::copy_from_slice(&id.0);
    v1::ChannelPosition { conversation, seq: at.seq, change_no: at.change_no }
}

fn change(id: ConversationId, no: u64, after_seq: u64, kind: v1::change::Kind) -> v1::Change {
    v1::Change {
        conversation: Bytes::copy_from_slice(&id.0),
        change_no: no,
        after_seq,
        version: no,
        actor: "bob".to_owned(),
        at_ms: time::to_wire(UnixMs(1_760_000_000_000)),
        kind: Some(kind),
    }
}

fn roll(dice: &mut u64, below: u64) -> u64 {
    *dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*dice >> 33) % below
}

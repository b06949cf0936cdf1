//! A scripted server: the server half of the session, one user's inbox, exactly-once commands. As the protocol says,
//! and as unkind as a test wants it.

use std::collections::{BTreeMap, VecDeque};

use anser_client::Attempt;
use anser_proto::close::CloseReason;
use anser_proto::codec::FrameDecoder;
use anser_proto::session::server::{Request, ServerSession, encode_event};
use anser_proto::{time, v1};
use anser_types::{ConversationId, ErrorCode, InboxSeq, UnixMs};
use bytes::{Bytes, BytesMut};
use prost::Message;

use crate::channel_server::{Channels, Followed};
use crate::host::direct;

/// The server's clock runs half an hour ahead of the client's.
pub const AHEAD_MS: u64 = 1_800_000;
pub const START_MS: u64 = 1_760_000_000_000;

#[derive(Debug)]
pub struct Conn {
    pub session: ServerSession,
    decoder: FrameDecoder,
    device: u64,
    /// Everything up to here was given to this session; `None` while it pulls pages only.
    live: Option<u64>,
    pub followed: Followed,
}

#[derive(Clone, Debug, Default)]
pub struct Device {
    pub h: u64,
    pub answers: BTreeMap<u64, ([u8; 16], v1::CommandAck)>,
    pub cursor: u64,
}

#[derive(Debug)]
pub struct Server {
    pub devices: BTreeMap<u64, Device>,
    /// The user's inbox from entry 1 on.
    pub inbox: Vec<Bytes>,
    /// Entries up to here were trimmed.
    pub trimmed: u64,
    pub log_epoch: u64,
    /// Direct messages by peer.
    pub messages: BTreeMap<String, Vec<v1::Message>>,
    pub conns: BTreeMap<Attempt, Conn>,
    /// Errors to give to the next commands instead of executing them.
    pub refuse: VecDeque<v1::Error>,
    /// Commands are executed, but not answered, and no pong names a head, while this is set.
    pub mute: bool,
    /// Queries are not answered while this is set.
    pub mute_queries: bool,
    /// Pings are not answered while this is set.
    pub deaf: bool,
    /// How many came.
    pub pings: u64,
    /// Whether a session hears of its own messages.
    pub push_own: bool,
    /// Live pushes are lost while this is set.
    pub lose_pushes: bool,
    /// Answers to queries leave this much later than they are read: what is pushed meanwhile comes before them.
    pub answers_late: std::time::Duration,
    pub late: Vec<(Attempt, Bytes)>,
    pub channels: Channels,
    /// The user's own lists by key, each item as its last change.
    pub items: BTreeMap<Vec<u8>, v1::Change>,
    /// Every transmission of a command: device, number, hash of the body.
    pub transmissions: Vec<(u64, u64, [u8; 16])>,
    /// Every Ack: entry, want.
    pub acks: Vec<(u64, u32)>,
    pub hellos: Vec<v1::Hello>,
    pub queries: Vec<v1::Query>,
    pub signals: Vec<v1::Signal>,
    pub close_next_hello: Option<v1::Close>,
    /// Given right after Welcome.
    pub endpoint_list: Option<Bytes>,
    /// A version that the client did not offer, to be chosen all the same.
    pub chosen_version: Option<u32>,
    /// Where SyncReset begins, instead of the head.
    pub reset_at: Option<u64>,
    pub sync_limit: usize,
    pub receipts: Vec<v1::Receipt>,
    /// Conversations beyond which a receipts query is refused.
    pub receipts_limit: usize,
    pub tokens: Vec<String>,
    pub now_ms: u64,
}

impl Server {
    pub fn new() -> Self {
        Self {
            devices: BTreeMap::new(),
            inbox: Vec::new(),
            trimmed: 0,
            log_epoch: 1,
            messages: BTreeMap::new(),
            conns: BTreeMap::new(),
            refuse: VecDeque::new(),
            mute: false,
            mute_queries: false,
            deaf: false,
            pings: 0,
            push_own: false,
            lose_pushes: false,
            answers_late: std::time::Duration::ZERO,
            late: Vec::new(),
            channels: Channels::default(),
            items: BTreeMap::new(),
            transmissions: Vec::new(),
            acks: Vec::new(),
            hellos: Vec::new(),
            queries: Vec::new(),
            signals: Vec::new(),
            close_next_hello: None,
            endpoint_list: None,
            chosen_version: None,
            reset_at: None,
            sync_limit: 50,
            receipts: Vec::new(),
            receipts_limit: 200,
            tokens: vec!["token-1".to_owned(), "token-2".to_owned()],
            now_ms: START_MS + AHEAD_MS,
        }
    }

    pub fn head(&self) -> u64 {
        self.inbox.len() as u64
    }

    pub fn texts(&self, peer: &str) -> Vec<String> {
        let messages = self.messages.get(peer).into_iter().flatten();
        messages.map(|m| String::from_utf8(m.content.to_vec()).unwrap()).collect()
    }

    pub fn open(&mut self, attempt: Attempt) {
        let session = ServerSession::new();
        let decoder = FrameDecoder::new(session.frame_limit());
        self.conns.insert(
            attempt,
            Conn { session, decoder, device: 0, live: None, followed: Followed::new() },
        );
    }

    /// Takes bytes in; gives the answer, and whether the connection ends after it.
    pub fn receive(&mut self, attempt: Attempt, bytes: &[u8]) -> (Bytes, bool) {
        let Some(mut conn) = self.conns.remove(&attempt) else { return (Bytes::new(), true) };
        let mut out = BytesMut::new();
        conn.decoder.push(bytes);
        let mut ends = false;
        while let Some(frame) = conn.decoder.next().unwrap() {
            let request = conn.session.receive(&frame).unwrap();
            let mut later = BytesMut::new();
            let late = self.answers_late > std::time::Duration::ZERO
                && matches!(request, Request::Query(_));
            ends |= self.handle(&mut conn, request, if late { &mut later } else { &mut out });
            if late {
                self.late.push((attempt, later.freeze()));
            }
        }
        if !ends {
            self.conns.insert(attempt, conn);
        }
        (out.freeze(), ends)
    }

    /// What every live session is to hear now.
    pub fn pushes(&mut self) -> Vec<(Attempt, Bytes)> {
        let head = self.head();
        let mut all = Vec::new();
        for (attempt, conn) in &mut self.conns {
            let frames = self.channels.pushes(&conn.session, &mut conn.followed);
            all.extend(frames.into_iter().map(|frame| (*attempt, frame)));
            let Some(sent) = conn.live.filter(|sent| *sent < head) else { continue };
            conn.live = Some(head);
            let mut first = sent;
            while first < head {
                let event = &self.inbox[usize::try_from(first).unwrap()];
                first += 1;
                if self.lose_pushes || (!self.push_own && is_own(event)) {
                    continue;
                }
                let mut out = BytesMut::new();
                conn.session.event_batch(InboxSeq(first), std::iter::once(event), None, &mut out);
                all.push((*attempt, out.freeze()));
            }
        }
        all
    }

    fn handle(&mut self, conn: &mut Conn, request: Request, out: &mut BytesMut) -> bool {
        match request {
            Request::Hello(hello) => return self.hello(conn, &hello, out),
            Request::Command(received) => {
                let no = received.command.command_no;
                self.transmissions.push((conn.device, no, received.hash));
                let ack = self.command(conn.device, &received.command, received.hash);
                if !self.mute {
                    conn.session.command_ack(&ack, out);
                }
            }
            Request::Ack(ack) => {
                self.acks.push((ack.inbox_seq, ack.want));
                let device = self.devices.entry(conn.device).or_default();
                device.cursor = device.cursor.max(ack.inbox_seq);
                if ack.want > 0 {
                    self.page(conn, ack.inbox_seq, ack.want, out);
                } else {
                    conn.session.ack_ok(InboxSeq(ack.inbox_seq), out);
                }
            }
            Request::Ping(_) if self.deaf => self.pings += 1,
            Request::Ping(ping) => {
                self.pings += 1;
                let head = Some(self.head()).filter(|head| !self.mute && *head != ping.inbox_head);
                conn.session.pong(head.map(InboxSeq), out);
            }
            Request::Query(query) => {
                let reply = self.query(&query);
                self.queries.push(query);
                if !self.mute_queries {
                    conn.session.reply(&reply, out);
                }
            }
            Request::Close => return true,
            Request::Follow(follow) => self.follow(conn, &follow.channels, out),
            Request::Signal(signal) => self.signals.push(signal),
            Request::Foreground(_) | Request::Ignored => {}
        }
        false
    }

    fn hello(&mut self, conn: &mut Conn, hello: &v1::Hello, out: &mut BytesMut) -> bool {
        self.hellos.push(hello.clone());
        if let Some(close) = self.close_next_hello.take() {
            let code = ErrorCode::from_number(u16::try_from(close.code).unwrap()).unwrap();
            let mut reason = CloseReason::because(code, close.detail);
            reason.retry_after_ms = (close.retry_after_ms > 0).then_some(close.retry_after_ms);
            reason.alternatives = close.alternatives;
            conn.session.close(&reason, out);
            return true;
        }
        if !self.tokens.contains(&hello.token) {
            conn.session.close(&CloseReason::because(ErrorCode::TokenExpired, ""), out);
            return true;
        }
        conn.device = hello.device_no;
        let device = self.devices.entry(hello.device_no).or_default();
        let welcome = v1::Welcome {
            server_time_unix_ms: self.now_ms,
            user: "alice".to_owned(),
            log_epoch: self.log_epoch,
            last_command_no: device.h,
            inbox_head: self.inbox.len() as u64,
            ..v1::Welcome::default()
        };
        if let Some(version) = self.chosen_version {
            let frame = v1::server_frame::Frame::Welcome(v1::Welcome { version, ..welcome });
            v1::ServerFrame { frame: Some(frame) }.encode_length_delimited(out).unwrap();
            return false;
        }
        conn.session.welcome(welcome, out);
        if let Some(list) = &self.endpoint_list {
            conn.session.endpoint_list(list, out);
        }
        conn.decoder.set_max(conn.session.frame_limit());
        if !hello.follow.is_empty() {
            self.follow(conn, &hello.follow, out);
        }
        let cursor = hello.inbox_cursor;
        let nothing_yet = hello.log_epoch == 0 && cursor == 0 && self.head() == 0;
        let other_log = hello.log_epoch != self.log_epoch;
        if (other_log && !nothing_yet) || cursor < self.trimmed || cursor > self.head() {
            let at = self.reset_at.unwrap_or(self.head());
            let reset = v1::SyncReset { at, log_epoch: self.log_epoch, reason: 0 };
            conn.session.sync_reset(&reset, out);
        } else if cursor < self.head() {
            self.page(conn, cursor, hello.want, out);
        } else {
            conn.live = Some(cursor);
        }
        false
    }

    fn follow(&mut self, conn: &mut Conn, named: &[v1::ChannelPosition], out: &mut BytesMut) {
        self.channels.follows.push(named.len());
        if let Some(answer) = self.channels.follow(&mut conn.followed, named) {
            conn.session.channel_heads(&answer, out);
        }
    }

    fn page(&mut self, conn: &mut Conn, after: u64, want: u32, out: &mut BytesMut) {
        let head = self.head();
        let last = head.min(after + u64::from(want));
        let range = usize::try_from(after).unwrap()..usize::try_from(last).unwrap();
        conn.session.event_batch(
            InboxSeq(after + 1),
            self.inbox[range].iter(),
            Some(InboxSeq(head)),
            out,
        );
        conn.live = (last == head).then_some(head);
    }

    /// Exactly once: the rules of the protocol's commands.
    fn command(&mut self, device_no: u64, command: &v1::Command, hash: [u8; 16]) -> v1::CommandAck {
        let device = self.devices.entry(device_no).or_default();
        let no = command.command_no;
        let error = |code: ErrorCode, expected: u64| v1::CommandAck {
            command_no: no,
            error: Some(v1::Error {
                code: u32::from(code.number()),
                expected_command_no: expected,
                ..v1::Error::default()
            }),
            ..v1::CommandAck::default()
        };
        if no <= device.h {
            return match device.answers.get(&no) {
                None => error(ErrorCode::AnswerForgotten, 0),
                Some((kept, _)) if *kept != hash => error(ErrorCode::Conflict, 0),
                Some((_, ack)) => v1::CommandAck { duplicate: true, ..ack.clone() },
            };
        }
        if no > device.h + 1 {
            return error(ErrorCode::OutOfOrder, device.h + 1);
        }
        let refused = self.refuse.pop_front();
        let final_refusal = match refused {
            Some(refused) if retryable(&refused) => {
                return v1::CommandAck {
                    command_no: no,
                    error: Some(refused),
                    ..v1::CommandAck::default()
                };
            }
            other => other,
        };
        device.h = no;
        let answered_up_to = no - 1 - command.unanswered_before;
        device.answers.retain(|kept, _| *kept > answered_up_to);
        let ack = match final_refusal {
            Some(refused) => v1::CommandAck { error: Some(refused), ..v1::CommandAck::default() },
            None => self.execute(device_no, command),
        };
        let ack = v1::CommandAck { command_no: no, ..ack };
        self.devices.entry(device_no).or_default().answers.insert(no, (hash, ack.clone()));
        ack
    }

    fn execute(&mut self, device_no: u64, command: &v1::Command) -> v1::CommandAck {
        let server_time = UnixMs(self.now_ms);
        let sent_before_ms = time::sent_before(server_time, time::from_wire(command.sent_at_ms));
        let mut ack = v1::CommandAck { sent_before_ms, ..v1::CommandAck::default() };
        match command.op.clone().unwrap() {
            v1::command::Op::Send(send) => {
                let peer = match send.to {
                    Some(v1::send_message::To::User(peer)) => peer,
                    Some(v1::send_message::To::Conversation(conversation)) => {
                        let id = ConversationId(conversation.as_ref().try_into().unwrap());
                        if !self.channels.of(id).is_member() {
                            ack.error = Some(error(ErrorCode::ConversationUnknown));
                            return ack;
                        }
                        let message = v1::Message {
                            seq: self.channels.of(id).messages.len() as u64 + 1,
                            server_time_ms: time::to_wire(server_time),
                            sent_before_ms,
                            device_no,
                            local_no: command.local_no,
                            content: send.content,
                            conversation,
                            sender: "alice".to_owned(),
                            ..v1::Message::default()
                        };
                        ack.seq = message.seq;
                        self.channels.append(id, message);
                        return ack;
                    }
                    None => panic!("to nobody"),
                };
                let message = v1::Message {
                    peer: peer.clone(),
                    seq: self.next_seq(&peer),
                    server_time_ms: time::to_wire(server_time),
                    sent_before_ms,
                    device_no,
                    local_no: command.local_no,
                    content: send.content,
                    kind: send.kind,
                    sender: "alice".to_owned(),
                    ..v1::Message::default()
                };
                ack.seq = message.seq;
                self.messages.entry(peer).or_default().push(message.clone());
                self.put(v1::event::Event::OwnDirect(v1::Message {
                    sender: String::new(),
                    ..message
                }));
            }
            v1::command::Op::MarkRead(mark) => {
                let Some(v1::mark_read::At::User(peer)) = mark.at else { panic!("direct only") };
                let conversation = Bytes::new();
                self.put(v1::event::Event::ReadSync(v1::ReadSync {
                    peer,
                    conversation,
                    up_to_seq: mark.up_to_seq,
                }));
            }
            v1::command::Op::CreateGroup(group) => {
                let conversation = Bytes::copy_from_slice(&[1; 16]);
                ack.conversation = conversation.clone();
                ack.change_no = 1;
                let kind = v1::change::Kind::GroupCreated(v1::GroupCreated {
                    title: group.title,
                    members: group.members,
                });
                let actor = "alice".to_owned();
                let change = v1::Change {
                    conversation,
                    change_no: 1,
                    version: 1,
                    actor,
                    kind: Some(kind),
                    ..v1::Change::default()
                };
                self.put(v1::event::Event::Change(change));
            }
            v1::command::Op::Contact(contact) => self.names(&contact.user, "as the command says"),
            other => panic!("not scripted: {other:?}"),
        }
        ack.inbox_seq = self.head();
        ack
    }

    fn next_seq(&self, peer: &str) -> u64 {
        self.messages.get(peer).map_or(0, Vec::len) as u64 + 1
    }

    pub fn put(&mut self, event: v1::event::Event) {
        self.inbox.push(encode_event(&v1::Event { event: Some(event) }));
    }

    pub fn put_raw(&mut self, raw: &[u8]) {
        self.inbox.push(Bytes::copy_from_slice(raw));
    }

    /// A peer writes to alice.
    pub fn says(&mut self, peer: &str, text: &str) {
        let message = v1::Message {
            peer: peer.to_owned(),
            seq: self.next_seq(peer),
            server_time_ms: time::to_wire(UnixMs(self.now_ms)),
            device_no: 77,
            local_no: self.head() + 1,
            content: Bytes::copy_from_slice(text.as_bytes()),
            sender: peer.to_owned(),
            ..v1::Message::default()
        };
        self.messages.entry(peer.to_owned()).or_default().push(message.clone());
        self.put(v1::event::Event::Direct(v1::Message { sender: String::new(), ..message }));
    }

    fn query(&self, query: &v1::Query) -> v1::Reply {
        use v1::query::Query;
        use v1::reply::Reply;
        let reply = match query.query.clone().unwrap() {
            Query::SyncPage(page) if page.at < self.trimmed => {
                Reply::SyncPage(v1::SyncPage { restart_at: self.head(), ..v1::SyncPage::default() })
            }
            Query::SyncPage(page) => Reply::SyncPage(self.sync_page(&page)),
            Query::Receipts(asked)
                if asked.peers.len() + asked.conversations.len() > self.receipts_limit =>
            {
                Reply::Error(error(ErrorCode::InvalidArgument))
            }
            Query::Receipts(_) => {
                Reply::Receipts(v1::ReceiptsPage { receipts: self.receipts.clone() })
            }
            Query::History(history) => {
                let id = match history.of.clone().unwrap() {
                    v1::history_query::Of::User(peer) => direct(&peer).0.to_vec(),
                    v1::history_query::Of::Conversation(id) => id.to_vec(),
                };
                let channel = ConversationId(id.as_slice().try_into().unwrap());
                if self.channels.all.contains_key(&channel) {
                    let reply = Some(self.channels.history(channel, &history));
                    return v1::Reply { query_no: query.query_no, reply };
                }
                let found = self.messages.iter().find(|(peer, _)| direct(peer).0 == id[..]);
                let mut messages: Vec<_> = found.map(|(_, all)| all.clone()).unwrap_or_default();
                let head = messages.len() as u64;
                messages.retain(|m| history.before_seq == 0 || m.seq < history.before_seq);
                let skip = messages.len().saturating_sub(history.limit as usize);
                let messages = messages.split_off(skip);
                Reply::History(v1::HistoryPage {
                    conversation: id.into(),
                    messages,
                    head,
                    more: skip > 0,
                    ..v1::HistoryPage::default()
                })
            }
            Query::Items(asked) => Reply::Items(self.items_page(&asked)),
            Query::Changes(asked) => self.channels.changes_page(&asked),
            Query::Conversations(asked) => {
                let mut rows = self.channels.rows();
                rows.retain(|row| row.conversation > asked.after);
                rows.truncate(asked.limit as usize);
                Reply::Conversations(v1::ConversationsPage { conversations: rows, more: false })
            }
            other => panic!("not scripted: {other:?}"),
        };
        v1::Reply { query_no: query.query_no, reply: Some(reply) }
    }

    /// The user changes a contact's name: an entry of the inbox, and the item as it is now.
    pub fn names(&mut self, user: &str, remark: &str) {
        let contact = v1::Contact {
            user: user.to_owned(),
            remark: remark.to_owned(),
            ..v1::Contact::default()
        };
        let change = v1::Change {
            conversation: Bytes::copy_from_slice(&direct("alice").0),
            change_no: self.head() + 1,
            version: self.head() + 1,
            actor: "alice".to_owned(),
            at_ms: time::to_wire(UnixMs(self.now_ms)),
            kind: Some(v1::change::Kind::Contact(contact)),
            ..v1::Change::default()
        };
        self.items.insert(user.as_bytes().to_vec(), change.clone());
        self.put(v1::event::Event::Change(change));
    }

    fn items_page(&self, asked: &v1::ItemsQuery) -> v1::ItemsPage {
        let after = std::ops::Bound::Excluded(asked.after.to_vec());
        let mut behind = self.items.range((after, std::ops::Bound::Unbounded));
        let page: Vec<_> = behind.by_ref().take(self.sync_limit).collect();
        let next = behind.next().and(page.last()).map(|(key, _)| Bytes::from((*key).clone()));
        v1::ItemsPage {
            items: page.into_iter().map(|(_, change)| change.clone()).collect(),
            next: next.unwrap_or_default(),
            change_head: self.head(),
        }
    }

    fn sync_page(&self, page: &v1::SyncPageQuery) -> v1::SyncPage {
        let mut states: Vec<_> = self
            .messages
            .iter()
            .filter(|(_, all)| !all.is_empty())
            .map(|(peer, all)| v1::ConversationState {
                conversation: Bytes::copy_from_slice(&direct(peer).0),
                peer: peer.clone(),
                head: all.len() as u64,
                last_message: all.last().cloned(),
                member: true,
                ..v1::ConversationState::default()
            })
            .chain(self.channels.rows())
            .filter(|state| state.conversation > page.after)
            .collect();
        states.sort_by(|a, b| a.conversation.cmp(&b.conversation));
        let more = states.len() > self.sync_limit;
        states.truncate(self.sync_limit);
        v1::SyncPage { conversations: states, more, restart_at: 0 }
    }
}

fn retryable(error: &v1::Error) -> bool {
    anser_proto::errors::nearest(error.code).retryable()
}

fn is_own(event: &Bytes) -> bool {
    let event = v1::Event::decode(event.clone()).unwrap();
    matches!(event.event, Some(v1::event::Event::OwnDirect(_) | v1::event::Event::ReadSync(_)))
}

pub fn error(code: ErrorCode) -> v1::Error {
    v1::Error { code: u32::from(code.number()), ..v1::Error::default() }
}

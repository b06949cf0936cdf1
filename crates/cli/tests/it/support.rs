//! A chat to play with: a model, a clock that is moved by hand, messages in one line each.

use std::time::Duration;

use anser_cli::chat::model::{Model, Setting};
use anser_cli::chat::palette::Palette;
use anser_cli::chat::step::{Effect, Input, Link, Now};
use anser_cli::chat::texts::{Language, Texts};
use anser_cli::chat::timeline::{Beside, Window};
use anser_cli::chat::times::LocalTimes;
use anser_cli::chat::update::update;
use anser_cli::chat::view;
use anser_sdk::store::{ChatMessage, Conversation, ConversationOptions, HistoryPage, Status};
use anser_types::{
    Content, ConversationId, DeviceNo, LocalNo, MessageId, Role, Seq, Target, UnixMs, UserId,
    Version,
};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

/// 2026-11-20 12:00:00 UTC.
pub const NOON: u64 = 1_795_176_000_000;

pub fn user(name: &str) -> UserId {
    UserId::new(name).unwrap()
}

pub fn direct(peer: &str) -> ConversationId {
    ConversationId::direct(&user("alice"), &user(peer))
}

/// A chat of alice.
pub struct Chat {
    pub model: Model,
    pub now: Now,
    /// What was wanted since it was last looked at.
    pub effects: Vec<Effect>,
}

impl Chat {
    pub fn new() -> Self {
        Self::sized(Language::En, 80, 24)
    }

    pub fn sized(language: Language, columns: u16, rows: u16) -> Self {
        let now = Now { wall: UnixMs(NOON), mono: Duration::from_secs(100) };
        let setting = Setting {
            me: user("alice"),
            server: "127.0.0.1:7410".to_owned(),
            texts: Texts(language),
            palette: Palette::new(false),
            times: LocalTimes::utc(),
        };
        let model = Model::new(setting, now, (columns, rows));
        let mut chat = Self { model, now, effects: Vec::new() };
        chat.step(Input::Link(Link::Connected));
        chat.effects.clear();
        chat
    }

    pub fn step(&mut self, input: Input) {
        let effects = update(&mut self.model, input, self.now);
        self.effects.extend(effects);
    }

    pub fn pass(&mut self, time: Duration) {
        self.now.mono += time;
        self.now.wall = self.now.wall.offset_by(i64::try_from(time.as_millis()).unwrap());
        self.step(Input::Tick);
    }

    pub fn press(&mut self, code: KeyCode) {
        self.step(Input::Key(KeyEvent::new(code, KeyModifiers::NONE)));
    }

    pub fn press_with(&mut self, modifiers: KeyModifiers, code: KeyCode) {
        self.step(Input::Key(KeyEvent::new(code, modifiers)));
    }

    pub fn type_text(&mut self, text: &str) {
        text.chars().for_each(|c| self.press(KeyCode::Char(c)));
    }

    /// Types a line and presses Enter; gives what was wanted by Enter.
    pub fn enter(&mut self, line: &str) -> Vec<Effect> {
        self.type_text(line);
        self.effects.clear();
        self.press(KeyCode::Enter);
        std::mem::take(&mut self.effects)
    }

    /// Opens the conversation with bob and loads these messages, all of them read.
    pub fn with_bob(&mut self, messages: Vec<ChatMessage>) {
        let read = messages.iter().filter_map(|message| message.seq).max().unwrap_or_default();
        self.list(vec![row("bob", 0, read.0, messages.last().cloned())]);
        self.open("bob");
        self.load("bob", messages, false);
    }

    pub fn open(&mut self, peer: &str) {
        self.enter(&format!("/to {peer}"));
    }

    /// The store's answer to "what is in the window": these messages, more or none before them.
    pub fn load(&mut self, peer: &str, messages: Vec<ChatMessage>, more: bool) {
        let (sent, pending): (Vec<_>, Vec<_>) = messages.into_iter().partition(|m| m.seq.is_some());
        let page = page(sent, pending, more);
        let window = match self.model.open.as_ref().unwrap().timeline.loaded {
            true => self.model.open.as_ref().unwrap().timeline.window(),
            false => Window::Newest(60),
        };
        self.step(Input::Timeline { of: direct(peer), window, page, beside: Beside::default() });
    }

    /// The list as the store has it.
    pub fn list(&mut self, rows: Vec<Conversation>) {
        self.step(Input::Conversations(rows));
    }

    /// The screen as text, a line each, without spaces at the ends.
    pub fn screen(&self) -> Vec<String> {
        let (columns, rows) = self.model.size;
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        terminal.draw(|frame| view::draw(&self.model, frame)).unwrap();
        let buffer = terminal.backend().buffer();
        (0..rows)
            .map(|row| {
                let mut line = String::new();
                let mut skip = 0;
                for column in 0..columns {
                    let cell = &buffer[(column, row)];
                    if skip > 0 {
                        // The second half of a wide character.
                        skip -= 1;
                        continue;
                    }
                    line.push_str(cell.symbol());
                    skip = anser_cli::chat::wrap::width(cell.symbol()).saturating_sub(1);
                }
                line.trim_end().to_owned()
            })
            .collect()
    }

    /// Where the terminal's cursor stands: column, row.
    pub fn cursor(&self) -> (u16, u16) {
        let (columns, rows) = self.model.size;
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        terminal.draw(|frame| view::draw(&self.model, frame)).unwrap();
        let position = terminal.get_cursor_position().unwrap();
        (position.x, position.y)
    }

    /// Lines beside the list that contain a text.
    pub fn lines_with(&self, text: &str) -> Vec<String> {
        let beside = |line: String| match line.split_once('│') {
            Some((_, beside)) => beside.to_owned(),
            None => line,
        };
        self.screen().into_iter().map(beside).filter(|line| line.contains(text)).collect()
    }
}

pub fn page(messages: Vec<ChatMessage>, pending: Vec<ChatMessage>, more: bool) -> HistoryPage {
    let seqs: Vec<Seq> = messages.iter().filter_map(|message| message.seq).collect();
    let range = seqs.iter().min().copied().zip(seqs.iter().max().copied());
    HistoryPage { messages, range, pending, unavailable: Vec::new(), complete: true, more }
}

/// A message of bob's conversation with alice; a minute between one and the next.
pub fn said(sender: &str, seq: u64, text: &str) -> ChatMessage {
    let own = sender == "alice";
    ChatMessage {
        conversation: direct("bob"),
        seq: Some(Seq(seq)),
        peer: Some(user("bob")),
        sender: user(sender),
        id: MessageId { device: DeviceNo(if own { 1 } else { 2 }), local_no: LocalNo(seq) },
        sent_at: UnixMs(NOON - 3_600_000 + seq * 60_000),
        server_time: Some(UnixMs(NOON - 3_600_000 + seq * 60_000)),
        content: Some(Content::text(text)),
        altered: None,
        own,
        status: if own { Status::Sent { stored_offline: false } } else { Status::Received },
    }
}

/// One's own message that is not sent.
pub fn pending(local_no: u64, text: &str, status: Status) -> ChatMessage {
    let id = MessageId { device: DeviceNo(1), local_no: LocalNo(local_no) };
    ChatMessage { seq: None, server_time: None, id, status, ..said("alice", 1, text) }
}

pub fn with_status(message: ChatMessage, status: Status) -> ChatMessage {
    ChatMessage { status, ..message }
}

/// A row of the list: the conversation with a peer.
pub fn row(peer: &str, unread: u64, read_up_to: u64, last: Option<ChatMessage>) -> Conversation {
    Conversation {
        id: direct(peer),
        peer: Some(user(peer)),
        title: String::new(),
        group: None,
        channel: false,
        options: ConversationOptions::default(),
        member: true,
        members: None,
        role: Role::Member,
        version: Version::ZERO,
        head: last.as_ref().and_then(|message| message.seq).unwrap_or_default(),
        read_up_to: Seq(read_up_to),
        unread,
        mentioned: None,
        pinned: Vec::new(),
        peer_delivered: Seq::ZERO,
        peer_read: Seq::ZERO,
        last_at: last.as_ref().map(|last| last.server_time.unwrap_or(last.sent_at)),
        last_message: last,
    }
}

pub fn to_bob() -> Target {
    Target::User(user("bob"))
}

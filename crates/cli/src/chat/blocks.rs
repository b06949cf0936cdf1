//! One entry of the timeline as lines of text: separators above it, who and when, what, and its state.

use anser_sdk::store::ChatMessage;
use anser_types::event::UnavailableReason;
use anser_types::{Content, MessageKind, Unavailable, UnixMs};
use jiff::civil::Date;
use ratatui::text::{Line, Span};

use super::model::{Model, Open, Setting};
use super::notices;
use super::states;
use super::texts::Text;
use super::timeline::{Entry, Key, Timeline};
use super::viewport::Heights;
use super::wrap;
use crate::{kinds, plain};

/// Messages of one sender within this time stand under one name.
const TOGETHER_MS: i64 = 5 * 60 * 1000;
/// Columns before a message's text.
const INDENT: &str = "  ";

/// The entries of the open conversation, ready to be drawn at one width.
#[derive(Debug)]
pub struct Blocks<'a> {
    setting: &'a Setting,
    now: UnixMs,
    open: &'a Open,
    /// The entries in order.
    pub entries: Vec<Entry<'a>>,
    divider_before: Option<usize>,
    /// One's own message whose state is told in words.
    newest_own: Option<Key>,
    width: usize,
}

impl<'a> Blocks<'a> {
    /// The entries of the open conversation at a width; `None` when none is open.
    #[must_use]
    pub fn new(model: &'a Model, width: u16) -> Option<Self> {
        let open = model.open.as_ref()?;
        let entries = open.timeline.entries();
        Some(Self {
            setting: &model.setting,
            now: model.now.wall,
            open,
            divider_before: open.timeline.divider_before(&entries),
            newest_own: open.timeline.newest_own().map(|message| Entry::Message(message).key()),
            entries,
            width: usize::from(width),
        })
    }

    /// The lines of one entry.
    #[must_use]
    pub fn lines(&self, index: usize) -> Vec<Line<'static>> {
        let Some(entry) = self.entries.get(index) else { return Vec::new() };
        let previous = index.checked_sub(1).and_then(|before| self.entries.get(before));
        let mut lines = Vec::new();
        if index == 0 {
            lines.extend(self.top_note());
        }
        let day = self.day_of(entry);
        let new_day = day.filter(|day| previous.and_then(|entry| self.day_of(entry)) != Some(*day));
        if let Some(day) = new_day {
            let name = self.setting.times.day_name(day, self.now, self.setting.texts);
            lines.push(self.rule(&name, false));
        }
        let divided = self.divider_before == Some(index);
        if divided {
            lines.push(self.rule(self.setting.texts.get(Text::UnreadBelow), true));
        }
        match entry {
            Entry::Message(message) => {
                let follows = new_day.is_none()
                    && !divided
                    && previous.is_some_and(|entry| follows(entry, message));
                self.message(message, follows, &mut lines);
            }
            Entry::Change(change) => {
                lines.extend(self.aside(&notices::change(change, self.setting)));
            }
            Entry::Gap(gap) => lines.extend(self.aside(&self.gap(gap))),
        }
        lines
    }

    fn top_note(&self) -> Option<Line<'static>> {
        let Timeline { more, loading_older, complete, loaded, .. } = self.open.timeline;
        let text = match (loading_older, more, complete) {
            (true, ..) => Text::LoadingOlder,
            (false, _, false) => Text::OlderNotAtHand,
            (false, false, true) => Text::BeginningOfTalk,
            (false, true, true) => return None,
        };
        let text = self.setting.texts.get(text);
        loaded.then(|| {
            Line::styled(wrap::cut(text, self.width), self.setting.palette.quiet()).centered()
        })
    }

    fn day_of(&self, entry: &Entry<'_>) -> Option<Date> {
        let at = match entry {
            Entry::Message(message) => shown_time(message),
            Entry::Change(change) => change.at,
            Entry::Gap(_) => return None,
        };
        Some(self.setting.times.day(at))
    }

    /// A line across with a word in its middle.
    fn rule(&self, word: &str, urgent: bool) -> Line<'static> {
        let palette = self.setting.palette;
        let style = if urgent { palette.unread() } else { palette.quiet() };
        let word = format!(" {} ", wrap::cut(word, self.width.saturating_sub(4)));
        let left = self.width.saturating_sub(wrap::width(&word));
        let dashes = |count: usize| "─".repeat(count);
        Line::styled(format!("{}{word}{}", dashes(left / 2), dashes(left - left / 2)), style)
    }

    /// Something nobody said, centred.
    fn aside(&self, text: &str) -> Vec<Line<'static>> {
        let style = self.setting.palette.quiet();
        wrap::wrap(text, self.width)
            .into_iter()
            .map(|line| Line::styled(line, style).centered())
            .collect()
    }

    fn message(&self, message: &ChatMessage, follows: bool, lines: &mut Vec<Line<'static>>) {
        let palette = self.setting.palette;
        if !follows {
            let name = notices::name(&message.sender, self.setting);
            let name = wrap::cut(&name, self.width.saturating_sub(7));
            lines.push(Line::from(vec![
                Span::styled(name, palette.name(&message.sender)),
                Span::styled(
                    format!(" {}", self.setting.times.clock(shown_time(message))),
                    palette.quiet(),
                ),
            ]));
        }
        let text = body(message, self.setting);
        let style = if message.content.is_some() { palette.text() } else { palette.quiet() };
        for line in wrap::wrap(&text, self.width.saturating_sub(INDENT.len())) {
            lines.push(Line::from(vec![Span::raw(INDENT), Span::styled(line, style)]));
        }
        self.reactions(message, lines);
        self.state(message, lines);
    }

    /// Below the text: every reaction with how many used it.
    fn reactions(&self, message: &ChatMessage, lines: &mut Vec<Line<'static>>) {
        let Some(altered) = message.altered.as_deref().filter(|a| !a.reactions.is_empty()) else {
            return;
        };
        let text: Vec<String> = altered
            .reactions
            .iter()
            .map(|one| format!("{} {}", plain::one_line(&one.emoji), one.users.len()))
            .collect();
        for line in wrap::wrap(&text.join("  "), self.width.saturating_sub(INDENT.len())) {
            let style = self.setting.palette.quiet();
            lines.push(Line::from(vec![Span::raw(INDENT), Span::styled(line, style)]));
        }
    }

    /// Puts the state behind the text, or below it when there is no room.
    fn state(&self, message: &ChatMessage, lines: &mut Vec<Line<'static>>) {
        let Some(sign) = states::sign(&message.status) else { return };
        let failed = states::has_failed(message);
        let newest =
            self.newest_own.as_ref().is_some_and(|key| Entry::Message(message).key().same(key));
        let mut text = sign.symbol.to_owned();
        if (newest || failed)
            && let Some(words) =
                states::words(message, &self.open.timeline.readers, self.setting.texts)
        {
            text = format!("{text} {words}");
        }
        if failed && newest {
            text = format!("{text} · {}", self.setting.texts.get(Text::HowToRetry));
        }
        let style = self.setting.palette.tone(sign.tone);
        let room = lines.last().map_or(0, |last| self.width.saturating_sub(line_width(last)));
        if wrap::width(&text) + 2 <= room
            && let Some(last) = lines.last_mut()
        {
            last.push_span(Span::styled(format!("  {text}"), style));
            return;
        }
        for line in wrap::wrap(&text, self.width.saturating_sub(INDENT.len())) {
            lines.push(Line::from(vec![Span::raw(INDENT), Span::styled(line, style)]));
        }
    }

    fn gap(&self, gap: &Unavailable) -> String {
        let count = (gap.to.0.saturating_sub(gap.from.0) + 1).to_string();
        let text = match gap.reason {
            UnavailableReason::Expired => Text::RangeExpired,
            UnavailableReason::Damaged => Text::RangeDamaged,
            UnavailableReason::NotVisible => Text::RangeNotVisible,
            UnavailableReason::PutAway => Text::RangePutAway,
        };
        self.setting.texts.with(text, &[&count])
    }
}

impl Heights for Blocks<'_> {
    fn count(&self) -> usize {
        self.entries.len()
    }

    fn of(&self, entry: usize) -> usize {
        self.lines(entry).len().max(1)
    }
}

/// Whether a message stands under the name of the one before it.
fn follows(previous: &Entry<'_>, message: &ChatMessage) -> bool {
    previous.message().is_some_and(|before| {
        before.sender == message.sender
            && shown_time(message).since(shown_time(before)).abs() <= TOGETHER_MS
    })
}

/// The time shown for a message: the server's, until then the sender's.
fn shown_time(message: &ChatMessage) -> UnixMs {
    message.server_time.unwrap_or(message.sent_at)
}

fn line_width(line: &Line<'_>) -> usize {
    line.spans.iter().map(|span| wrap::width(&span.content)).sum()
}

fn gone(message: &ChatMessage, setting: &Setting) -> String {
    match message.altered.as_ref().and_then(|altered| altered.revoked_by.as_ref()) {
        Some(who) if *who == setting.me => setting.texts.get(Text::RevokedByYou).to_owned(),
        Some(who) => setting.texts.with(Text::RevokedBy, &[&plain::one_line(who.as_str())]),
        None => setting.texts.get(Text::Gone).to_owned(),
    }
}

/// What a message says, as far as this program can show it, and whether it will be forgotten.
#[must_use]
pub fn body(message: &ChatMessage, setting: &Setting) -> String {
    let Some(content) = &message.content else { return gone(message, setting) };
    let said = said(message, content, setting);
    let said = match &content.forwarded {
        Some(forwarded) => {
            let from = notices::name(&forwarded.from, setting);
            setting.texts.with(Text::ForwardedFrom, &[&from, &said])
        }
        None => said,
    };
    match (content.burn_after_ms, content.expires_at) {
        (_, Some(at)) => {
            let time = setting.times.stamp(at);
            setting.texts.with(Text::Expires, &[&said, &time])
        }
        (Some(_), None) => setting.texts.with(Text::Burns, &[&said]),
        (None, None) => said,
    }
}

fn said(message: &ChatMessage, content: &Content, setting: &Setting) -> String {
    let kind = match content.kind {
        MessageKind::Text | MessageKind::System => {
            let text = plain::clean(&String::from_utf8_lossy(&content.body));
            let edited = message.altered.as_ref().is_some_and(|a| a.edited_at.is_some());
            return if edited { setting.texts.with(Text::Edited, &[&text]) } else { text };
        }
        MessageKind::Image => Text::Image,
        MessageKind::Voice => Text::Voice,
        MessageKind::Video => Text::Video,
        MessageKind::File => Text::File,
        MessageKind::Location => Text::Location,
        MessageKind::Card => Text::Card,
        MessageKind::Merged => Text::Merged,
        MessageKind::Custom | MessageKind::Unknown(_) => Text::OtherKind,
    };
    let detail = kinds::detail(content);
    let gap = if detail.is_empty() { "" } else { " " };
    format!("{}{gap}{detail}", setting.texts.get(kind))
}

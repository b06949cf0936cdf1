//! The list of conversations: name, time, last words, unread count, who types.

use anser_sdk::store::Conversation;
use anser_types::Notify;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::blocks;
use super::model::Model;
use super::states;
use super::texts::Text;
use super::wrap;
use crate::plain;

/// Unread messages counted in the list; more are shown as this and a plus.
const UNREAD_SHOWN: u64 = 999;
/// Before the name of a conversation that stands above the others.
pub const PINNED: &str = "↑";
/// Before the name of one that makes itself heard for mentions only.
pub const MENTIONS_ONLY: &str = "@";
/// Before the name of one that is not to be heard.
pub const MUTED: &str = "⊘";
/// Lines of one conversation.
const ROWS: usize = 2;

/// Draws the list; the open conversation is always in view.
pub fn draw(model: &Model, area: Rect, frame: &mut Frame<'_>) {
    let (width, height) = (usize::from(area.width), usize::from(area.height));
    let palette = model.setting.palette;
    let title = Line::styled(
        wrap::fit(model.setting.texts.get(Text::Conversations), width),
        palette.strong(),
    );
    let room = height.saturating_sub(1) / ROWS;
    let open = model
        .open
        .as_ref()
        .and_then(|open| model.conversations.iter().position(|row| row.id == open.id));
    let first = open.map_or(0, |open| (open + 1).saturating_sub(room));
    let mut lines = vec![title];
    for row in model.conversations.iter().skip(first).take(room) {
        let chosen = model.open.as_ref().is_some_and(|open| open.id == row.id);
        lines.extend(conversation(model, row, chosen, width));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

fn conversation(
    model: &Model,
    row: &Conversation,
    chosen: bool,
    width: usize,
) -> [Line<'static>; 2] {
    let palette = model.setting.palette;
    let time = row
        .last_message
        .as_ref()
        .and_then(|message| message.server_time)
        .map_or_else(String::new, |at| model.setting.times.short(at, model.now.wall));
    let room = width.saturating_sub(wrap::width(&time) + 1);
    let marker = if chosen { "▌" } else { " " };
    let name = format!("{marker}{}{}", marks(row), plain::one_line(&row.name()));
    let style = if chosen { palette.chosen() } else { palette.strong() };
    let head = Line::from(vec![
        Span::styled(wrap::fit(&name, room), style),
        Span::raw(" "),
        Span::styled(time, palette.quiet()),
    ]);
    let count = unread(model, row);
    let room = width.saturating_sub(wrap::width(&count) + 1);
    let below = Line::from(vec![
        Span::styled(wrap::fit(&format!(" {}", last_words(model, row)), room), palette.quiet()),
        Span::raw(" "),
        Span::styled(count, palette.unread()),
    ]);
    [head, below]
}

/// What stands before a name: pinned, and that it makes itself heard for mentions only or not at all.
fn marks(row: &Conversation) -> String {
    let mut marks = String::new();
    if row.options.pinned {
        marks.push_str(PINNED);
    }
    match row.options.notify {
        Notify::All => {}
        Notify::Mentions => marks.push_str(MENTIONS_ONLY),
        Notify::Nothing => marks.push_str(MUTED),
    }
    if !marks.is_empty() {
        marks.push(' ');
    }
    marks
}

/// How many are unread, behind an `@` when one of them calls the user.
fn unread(model: &Model, row: &Conversation) -> String {
    let called = if row.mentioned.is_some() { "@" } else { "" };
    match model.unread_of(row) {
        0 => String::new(),
        count if count > UNREAD_SHOWN => format!("{called}({UNREAD_SHOWN}+)"),
        count => format!("{called}({count})"),
    }
}

/// Who types, a draft, or the last message.
fn last_words(model: &Model, row: &Conversation) -> String {
    let texts = model.setting.texts;
    if let Some(who) = model.typing.in_conversation(row.id).first() {
        return texts.with(Text::OneTypes, &[who.as_str()]);
    }
    let open = model.open.as_ref().is_some_and(|open| open.id == row.id);
    if let Some(draft) = model.draft_of(row.id).filter(|_| !open) {
        return texts.with(Text::Draft, &[&plain::one_line(draft)]);
    }
    let Some(message) = &row.last_message else { return String::new() };
    let said = plain::one_line(&blocks::body(message, &model.setting));
    match (states::sign(&message.status), row.peer.is_none()) {
        (Some(sign), _) => format!("{} {said}", sign.symbol),
        (None, true) => format!("{}: {said}", message.sender),
        (None, false) => said,
    }
}

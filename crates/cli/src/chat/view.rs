//! The model as a screen. Reads, never changes.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::layout::{self, Areas, PROMPT};
use super::link;
use super::list;
use super::looking;
use super::model::Model;
use super::moving;
use super::overlay;
use super::step::Link;
use super::texts::Text;
use super::wrap;
use crate::plain;
use anser_types::{Presence, UnixMs};

/// Draws everything.
pub fn draw(model: &Model, frame: &mut Frame<'_>) {
    let Some(areas) = layout::areas(model) else {
        frame.render_widget(Line::raw(model.setting.texts.get(Text::TooSmall)), frame.area());
        return;
    };
    header(model, areas.header, frame);
    if let Some(area) = areas.list {
        list::draw(model, area, frame);
        let rule =
            vec![Line::styled("│", model.setting.palette.quiet()); usize::from(area.height)];
        frame.render_widget(Paragraph::new(rule), Rect::new(area.width, area.y, 1, area.height));
    }
    title(model, areas.title, frame);
    timeline(model, areas.timeline, frame);
    status(model, areas.status, frame);
    composer(model, &areas, frame);
    overlay::draw(model, frame);
}

/// Who and where at the left, the connection at the right.
fn header(model: &Model, area: Rect, frame: &mut Frame<'_>) {
    let width = usize::from(area.width);
    let link = link::line(model);
    let text = wrap::cut(&link.text, width);
    let room = width.saturating_sub(wrap::width(&text) + 1);
    let who = format!("{} @ {}", model.setting.me, model.setting.server);
    let palette = model.setting.palette;
    let line = if room >= model.setting.me.as_str().len() {
        Line::from(vec![
            Span::styled(wrap::fit(&who, room), palette.strong()),
            Span::raw(" "),
            Span::styled(text, link.style),
        ])
    } else {
        Line::styled(text, link.style)
    };
    frame.render_widget(line, area);
}

/// What is open, and how many are in it.
fn title(model: &Model, area: Rect, frame: &mut Frame<'_>) {
    let texts = model.setting.texts;
    let palette = model.setting.palette;
    let unread = model.unread_elsewhere();
    if area.x == 0 && unread > 0 {
        // The list, which would tell, has no room.
        let text = texts.with(Text::UnreadElsewhere, &[&unread.to_string()]);
        frame.render_widget(Line::styled(text, palette.unread()).right_aligned(), area);
    }
    let Some(open) = &model.open else { return };
    let mut spans = vec![Span::styled(plain::one_line(&model.open_name()), palette.strong())];
    let quiet = |text: String| Span::styled(format!("  {text}"), palette.quiet());
    match model.open_row() {
        Some(row) if row.peer.is_none() && !row.member => {
            spans.push(quiet(texts.get(Text::LeftGroup).to_owned()));
        }
        Some(row) if row.peer.is_none() => {
            let counted = model.member_counts.get(&row.id).map(ToString::to_string);
            match (row.channel, counted) {
                (true, Some(count)) => {
                    spans.push(quiet(texts.with(Text::ChannelMembers, &[&count])));
                }
                (true, None) => spans.push(quiet(texts.get(Text::Channel).to_owned())),
                (false, Some(count)) => spans.push(quiet(texts.with(Text::Members, &[&count]))),
                (false, None) => {}
            }
        }
        _ if open.peer() == Some(&model.setting.me) => {
            spans.push(quiet(texts.get(Text::Notes).to_owned()));
        }
        _ => spans.extend(presence(model, open.presence).map(quiet)),
    }
    frame.render_widget(Line::from(spans), area);
}

/// Whether the other one is here, as far as that is known now.
fn presence(model: &Model, presence: Presence) -> Option<String> {
    let texts = model.setting.texts;
    // Without a connection nobody says when that changes.
    if model.link != Link::Connected {
        return None;
    }
    match presence {
        Presence::Unknown | Presence::Offline { last_seen: UnixMs(0) } => None,
        Presence::Online => Some(texts.get(Text::Online).to_owned()),
        Presence::Offline { last_seen } => {
            let (times, now) = (&model.setting.times, model.now.wall);
            let day = times.day_name(times.day(last_seen), now, texts);
            Some(texts.with(Text::LastSeen, &[&day, &times.clock(last_seen)]))
        }
    }
}

/// The messages, the newest at the bottom.
fn timeline(model: &Model, area: Rect, frame: &mut Frame<'_>) {
    let rows = looking::rows(model, area.width, area.height);
    if rows.is_empty() {
        let text = match &model.open {
            None if model.conversations.is_empty() => Some(Text::NoConversations),
            None => Some(Text::ChooseConversation),
            Some(open) if open.timeline.loaded => Some(Text::NothingSaid),
            Some(_) => None,
        };
        if let Some(text) = text {
            let style = model.setting.palette.quiet();
            let lines: Vec<_> = wrap::wrap(model.setting.texts.get(text), usize::from(area.width))
                .into_iter()
                .map(|line| Line::styled(line, style).centered())
                .collect();
            let top = area.y + area.height / 2;
            let height =
                u16::try_from(lines.len()).unwrap_or(1).min(area.bottom().saturating_sub(top));
            frame.render_widget(Paragraph::new(lines), Rect { y: top, height, ..area });
        }
        return;
    }
    let used = u16::try_from(rows.len()).unwrap_or(area.height).min(area.height);
    let area = Rect { y: area.bottom() - used, height: used, ..area };
    frame.render_widget(Paragraph::new(rows), area);
}

/// Completions, a notice, a file on its way, or who types at the left; what is new below at the right.
fn status(model: &Model, area: Rect, frame: &mut Frame<'_>) {
    let width = usize::from(area.width);
    let palette = model.setting.palette;
    if let Some(notice) = model.notice.as_ref().filter(|notice| notice.bad && area.height > 1)
        && model.candidates.is_empty()
    {
        let rows = wrap::wrap(&plain::one_line(&notice.text), width).into_iter();
        let rows = rows.take(usize::from(area.height)).map(|row| Line::styled(row, palette.bad()));
        frame.render_widget(Paragraph::new(rows.collect::<Vec<_>>()), area);
        return;
    }
    let below = below(model);
    let room = width.saturating_sub(below.as_ref().map_or(0, |text| wrap::width(text) + 1));
    let (text, style) = if !model.candidates.is_empty() {
        (model.candidates.join("  "), palette.text())
    } else if let Some(notice) = &model.notice {
        let style = if notice.bad { palette.bad() } else { palette.strong() };
        (plain::one_line(&notice.text), style)
    } else if let Some(line) = moving::line(model) {
        (line, palette.waiting())
    } else {
        (typing(model), palette.quiet())
    };
    let mut spans = vec![Span::styled(wrap::fit(&text, room), style)];
    if let Some(below) = below {
        spans.push(Span::raw(" "));
        spans.push(Span::styled(below, palette.unread()));
    }
    frame.render_widget(Line::from(spans), area);
}

fn below(model: &Model) -> Option<String> {
    let texts = model.setting.texts;
    if looking::is_at_end(model) {
        return None;
    }
    let new = model.open.as_ref().map_or(0, |open| open.timeline.new_below());
    Some(if new > 0 {
        format!("↓ {}", texts.with(Text::NewBelow, &[&new.to_string()]))
    } else {
        texts.get(Text::EarlierShown).to_owned()
    })
}

fn typing(model: &Model) -> String {
    let texts = model.setting.texts;
    let Some(open) = &model.open else { return String::new() };
    match model.typing.in_conversation(open.id).as_slice() {
        [] => String::new(),
        [one] => texts.with(Text::OneTypes, &[one.as_str()]),
        several => texts.with(Text::SeveralType, &[&texts.list(several)]),
    }
}

fn composer(model: &Model, areas: &Areas, frame: &mut Frame<'_>) {
    frame.render_widget(Span::styled(PROMPT, model.setting.palette.strong()), areas.prompt);
    let area = areas.composer;
    let text = model.composer.area();
    frame.render_widget(text, area);
    if model.overlay.is_some() {
        return;
    }
    let cursor = text.screen_cursor();
    let (top, _) = text.scroll_offset();
    let row = u16::try_from(cursor.row).unwrap_or(u16::MAX).saturating_sub(top);
    let column = u16::try_from(cursor.col).unwrap_or(u16::MAX);
    frame.set_cursor_position(Position {
        x: area.x + column.min(area.width.saturating_sub(1)),
        y: area.y + row.min(area.height.saturating_sub(1)),
    });
}

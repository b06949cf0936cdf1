//! Where the reader looks: scrolling, loading earlier messages on the way up, and what counts as seen.

use anser_types::Seq;

use super::blocks::Blocks;
use super::layout;
use super::model::Model;
use super::step::Effect;
use super::timeline::{Scroll, Timeline};
use super::viewport::{self, Edge};

/// A movement of the reader's eyes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// One line up.
    LineUp,
    /// One line down.
    LineDown,
    /// Most of a screen up.
    PageUp,
    /// Most of a screen down.
    PageDown,
    /// To the oldest loaded line.
    Top,
    /// To the newest line.
    End,
}

/// The lower edge of what is visible.
#[must_use]
pub fn edge(timeline: &Timeline, blocks: &Blocks<'_>) -> Option<Edge> {
    let anchored = match &timeline.scroll {
        Scroll::End => None,
        Scroll::At { key, hidden } => Timeline::position_of(&blocks.entries, key)
            .map(|entry| viewport::settle(Edge { entry, hidden: *hidden }, blocks)),
    };
    anchored.or_else(|| viewport::end(blocks))
}

/// Moves the reader, and loads earlier messages when the top comes into view.
pub fn go(model: &mut Model, to: Move, effects: &mut Vec<Effect>) {
    let Some(window) = layout::areas(model).map(|areas| areas.timeline) else { return };
    let rows = usize::from(window.height);
    let Some(open) = &model.open else { return };
    let Some(blocks) = Blocks::new(model, window.width) else { return };
    let Some(now) = edge(&open.timeline, &blocks) else { return };
    let page = rows.saturating_sub(2).max(1);
    let next = match to {
        Move::LineUp => viewport::up(now, 1, rows, &blocks),
        Move::PageUp => viewport::up(now, page, rows, &blocks),
        Move::Top => viewport::with_top(0, rows, &blocks).unwrap_or(now),
        Move::LineDown => viewport::down(now, 1, &blocks),
        Move::PageDown => viewport::down(now, page, &blocks),
        Move::End => viewport::end(&blocks).unwrap_or(now),
    };
    let scroll = scroll_at(next, &blocks);
    let at_top =
        viewport::visible(next, rows, &blocks).first().is_some_and(|(entry, _)| *entry == 0);
    set_scroll(model, scroll);
    if at_top && matches!(to, Move::LineUp | Move::PageUp | Move::Top) {
        load_older(model, effects);
    }
}

fn scroll_at(edge: Edge, blocks: &Blocks<'_>) -> Scroll {
    match blocks.entries.get(edge.entry) {
        Some(entry) if !viewport::is_end(edge, blocks) => {
            Scroll::At { key: entry.key(), hidden: edge.hidden }
        }
        _ => Scroll::End,
    }
}

fn set_scroll(model: &mut Model, scroll: Scroll) {
    let Some(open) = &mut model.open else { return };
    if open.timeline.scroll == Scroll::End && scroll != Scroll::End {
        open.timeline.left_at = open.timeline.last_seq().unwrap_or_default();
    }
    open.timeline.scroll = scroll;
}

/// Asks for earlier messages, unless they are on their way or there are none.
pub fn load_older(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(open) = &mut model.open else { return };
    let Some(before) = open.timeline.first_seq() else { return };
    if open.timeline.more && !open.timeline.loading_older {
        open.timeline.loading_older = true;
        effects.push(Effect::LoadOlder { of: open.target.clone(), id: open.id, before });
    }
}

/// A conversation was loaded for the first time: the reader begins at the unread divider if what is unread fills more
/// than the screen.
pub fn first_look(model: &mut Model) {
    let read_up_to = read_up_to(model);
    if let Some(open) = &mut model.open {
        open.timeline.place_divider(read_up_to);
    }
    let Some(window) = layout::areas(model).map(|areas| areas.timeline) else { return };
    let Some(open) = &model.open else { return };
    let Some(blocks) = Blocks::new(model, window.width) else { return };
    let Some(divided) = open.timeline.divider_before(&blocks.entries) else { return };
    let Some(edge) = viewport::with_top(divided, usize::from(window.height), &blocks) else {
        return;
    };
    let scroll = scroll_at(edge, &blocks);
    set_scroll(model, scroll);
}

/// Tells the server what the user has seen, once.
pub fn mark_seen(model: &mut Model, effects: &mut Vec<Effect>) {
    if !model.focused {
        return;
    }
    let Some(window) = layout::areas(model).map(|areas| areas.timeline) else { return };
    let Some(open) = &model.open else { return };
    let seen = if open.timeline.scroll == Scroll::End {
        let entries = open.timeline.entries();
        entries.len().checked_sub(1).and_then(|last| open.timeline.seen_up_to(&entries, last))
    } else {
        let Some(blocks) = Blocks::new(model, window.width) else { return };
        edge(&open.timeline, &blocks).and_then(|edge| {
            // An entry counts as seen when its last line is visible.
            let lowest =
                if edge.hidden == 0 { Some(edge.entry) } else { edge.entry.checked_sub(1) };
            lowest.and_then(|lowest| open.timeline.seen_up_to(&blocks.entries, lowest))
        })
    };
    let Some(seen) = seen else { return };
    if seen > read_up_to(model) {
        effects.push(Effect::MarkRead(open.target.clone(), seen));
        model.marked.insert(open.id, seen);
    }
}

/// How far the open conversation is read: as stored, or as was said in this run.
fn read_up_to(model: &Model) -> Seq {
    let Some(open) = &model.open else { return Seq::ZERO };
    let stored = model.open_row().map(|row| row.read_up_to).unwrap_or_default();
    stored.max(model.marked.get(&open.id).copied().unwrap_or_default())
}

/// Whether the reader is at the end as far as the screen shows.
#[must_use]
pub fn is_at_end(model: &Model) -> bool {
    model.open.as_ref().is_none_or(|open| open.timeline.scroll == Scroll::End)
}

/// Lines of the open conversation, or nothing; for the view.
#[must_use]
pub fn rows(model: &Model, width: u16, height: u16) -> Vec<ratatui::text::Line<'static>> {
    let (Some(open), Some(blocks)) = (&model.open, Blocks::new(model, width)) else {
        return Vec::new();
    };
    let Some(edge) = edge(&open.timeline, &blocks) else { return Vec::new() };
    viewport::visible(edge, usize::from(height), &blocks)
        .into_iter()
        .flat_map(|(entry, range)| {
            let lines = blocks.lines(entry);
            lines.into_iter().skip(range.start).take(range.len())
        })
        .collect()
}

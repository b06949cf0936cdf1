//! Where everything stands on the screen. One function, used for drawing and for scrolling.

use ratatui::layout::Rect;

use super::model::Model;
use super::wrap;
use crate::plain;

/// Columns from which the list of conversations has room beside the timeline.
const LIST_FROM: u16 = 64;
/// Columns of the list.
const LIST_WIDTH: u16 = 28;
/// What stands before the text in the composer.
pub const PROMPT: &str = "> ";
/// Rows that the status may take.
const STATUS_ROWS: u16 = 3;
/// Smallest screen on which anything sensible can be shown.
const SMALLEST: (u16, u16) = (20, 6);

/// The parts of the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Areas {
    /// Who, where, and the connection.
    pub header: Rect,
    /// The list of conversations, when there is room.
    pub list: Option<Rect>,
    /// What the open conversation is called.
    pub title: Rect,
    /// What was said.
    pub timeline: Rect,
    /// Notices, typing, what is new below.
    pub status: Rect,
    /// `>`.
    pub prompt: Rect,
    /// The text being written.
    pub composer: Rect,
}

/// Rows of the status: what went wrong is told to its end, with what to do about it.
fn status_rows(model: &Model, width: u16, most: u16) -> u16 {
    let Some(notice) = model.notice.as_ref().filter(|notice| notice.bad) else { return 1 };
    let lines = wrap::wrap(&plain::one_line(&notice.text), usize::from(width)).len();
    u16::try_from(lines).unwrap_or(most).min(STATUS_ROWS).min(most).max(1)
}

/// The parts of the screen for this model; `None` when it is too small.
#[must_use]
pub fn areas(model: &Model) -> Option<Areas> {
    let (width, height) = model.size;
    if width < SMALLEST.0 || height < SMALLEST.1 {
        return None;
    }
    let list = (width >= LIST_FROM).then(|| Rect::new(0, 1, LIST_WIDTH, height - 1));
    let left = list.map_or(0, |list| list.width + 1);
    let main = width - left;
    let prompt_width = 2;
    let composer_width = main - prompt_width;
    // The composer may take at most a third.
    let rows_max = (height / 3).max(1);
    let rows = u16::try_from(model.composer.rows(usize::from(composer_width)))
        .unwrap_or(rows_max)
        .min(rows_max);
    let composer_top = height - rows;
    let status_rows = status_rows(model, main, composer_top.saturating_sub(3));
    Some(Areas {
        header: Rect::new(0, 0, width, 1),
        list,
        title: Rect::new(left, 1, main, 1),
        timeline: Rect::new(left, 2, main, composer_top - 2 - status_rows),
        status: Rect::new(left, composer_top - status_rows, main, status_rows),
        prompt: Rect::new(left, composer_top, prompt_width, 1),
        composer: Rect::new(left + prompt_width, composer_top, composer_width, rows),
    })
}

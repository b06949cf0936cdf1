//! Text cut into lines of a width, counted in terminal cells: a Chinese character or an emoji takes two, a combining
//! mark none, and what a reader sees as one character is never cut.

use ratatui::buffer::CellWidth;
use unicode_segmentation::UnicodeSegmentation;

/// Cells a text takes.
#[must_use]
pub fn width(text: &str) -> usize {
    text.graphemes(true).map(cells).sum()
}

fn cells(grapheme: &str) -> usize {
    usize::from(grapheme.cell_width())
}

/// Lines of at most `width` cells. Breaks at spaces and between wide characters; a longer word is cut.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(2);
    text.split('\n').flat_map(|line| wrap_line(line, width)).collect()
}

fn wrap_line(line: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut current = String::new();
    let mut used = 0;
    // Where the current line may be broken: its length in bytes and cells up to there.
    let mut chance: Option<(usize, usize)> = None;
    let mut before_wide = false;
    for grapheme in line.graphemes(true) {
        let cells = cells(grapheme);
        let space = grapheme.chars().all(char::is_whitespace);
        if (cells == 2 || before_wide) && !space && !current.is_empty() && !closes(grapheme) {
            chance = Some((current.len(), used));
        }
        if used + cells > width {
            if space {
                // The break takes the place of the space.
                lines.push(std::mem::take(&mut current));
                (used, chance, before_wide) = (0, None, false);
                continue;
            }
            let (bytes, kept) = chance
                .filter(|(bytes, kept)| *bytes > 0 && used - kept + cells <= width)
                .unwrap_or((current.len(), used));
            let rest = current.split_off(bytes);
            lines.push(std::mem::replace(&mut current, rest).trim_end().to_owned());
            (used, chance) = (used - kept, None);
        }
        current.push_str(grapheme);
        used += cells;
        before_wide = cells == 2;
        if space {
            chance = Some((current.len(), used));
        }
    }
    lines.push(current);
    lines
}

/// Short texts in rows of at most `width` cells, none of them torn.
#[must_use]
pub fn pack(texts: &[String], width: usize) -> Vec<String> {
    const BETWEEN: &str = "   ";
    let mut rows: Vec<String> = Vec::new();
    for text in texts {
        match rows.last_mut() {
            Some(row) if self::width(row) + BETWEEN.len() + self::width(text) <= width => {
                row.push_str(BETWEEN);
                row.push_str(text);
            }
            _ => rows.push(text.clone()),
        }
    }
    rows
}

/// Chinese closing punctuation stays with what it closes.
fn closes(grapheme: &str) -> bool {
    matches!(
        grapheme,
        "，" | "。" | "！" | "？" | "；" | "：" | "、" | "）" | "》" | "」" | "』" | "”" | "’"
    )
}

/// At most `width` cells of a text; what is cut away is marked with an ellipsis.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    if self::width(text) <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let cells = cells(grapheme);
        if used + cells + 1 > width {
            break;
        }
        kept.push_str(grapheme);
        used += cells;
    }
    if width > 0 {
        kept.push('…');
    }
    kept
}

/// The text filled with spaces up to `width` cells, or cut to them.
#[must_use]
pub fn fit(text: &str, width: usize) -> String {
    let mut text = cut(text, width);
    let missing = width.saturating_sub(self::width(&text));
    text.extend(std::iter::repeat_n(' ', missing));
    text
}

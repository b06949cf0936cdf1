//! Where the user writes: several lines, wrapped, with the terminal's own cursor so that input methods (Chinese,
//! Japanese, Korean) show their choices at the right place.

use crossterm::event::KeyEvent;
use ratatui::style::Style;
use ratatui_textarea::{CursorMove, TextArea, WrapMode};

use super::palette::Palette;
use super::texts::{Text, Texts};
use super::wrap;

/// Lines the composer grows to.
const ROWS_MAX: usize = 8;

/// The text being written.
#[derive(Clone, Debug)]
pub struct Composer {
    area: TextArea<'static>,
    placeholder: &'static str,
    palette: Palette,
}

impl Composer {
    /// An empty one.
    #[must_use]
    pub fn new(texts: Texts, palette: Palette) -> Self {
        let mut composer =
            Self { area: TextArea::default(), placeholder: texts.get(Text::WriteHere), palette };
        composer.set("");
        composer
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Whether nothing is written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.area.is_empty()
    }

    /// Replaces the text; the cursor goes to its end.
    pub fn set(&mut self, text: &str) {
        let mut area = TextArea::new(text.split('\n').map(str::to_owned).collect());
        area.set_wrap_mode(WrapMode::WordOrGlyph);
        area.set_cursor_line_style(Style::new());
        // The terminal draws the cursor.
        area.set_cursor_style(Style::new());
        area.set_placeholder_text(self.placeholder);
        area.set_placeholder_style(self.palette.quiet());
        area.move_cursor(CursorMove::Bottom);
        area.move_cursor(CursorMove::End);
        self.area = area;
    }

    /// Takes the text out.
    pub fn take(&mut self) -> String {
        let text = self.text();
        self.set("");
        text
    }

    /// Puts text in at the cursor, as it is.
    pub fn insert(&mut self, text: &str) {
        self.area.insert_str(text);
    }

    /// Begins a new line.
    pub fn new_line(&mut self) {
        self.area.insert_newline();
    }

    /// Any other key; says whether the text changed.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        self.area.input(key)
    }

    /// Moves the cursor.
    pub fn go(&mut self, to: CursorMove) {
        self.area.move_cursor(to);
    }

    /// The widget.
    #[must_use]
    pub const fn area(&self) -> &TextArea<'static> {
        &self.area
    }

    /// Lines wanted at this width.
    #[must_use]
    pub fn rows(&self, width: usize) -> usize {
        let rows: usize = self.area.lines().iter().map(|line| wrap::wrap(line, width).len()).sum();
        rows.clamp(1, ROWS_MAX)
    }
}

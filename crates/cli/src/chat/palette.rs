//! How things look. Without colour (`NO_COLOR`) everything is still told apart: by words, symbols, bold and reverse.

use anser_types::UserId;
use ratatui::style::{Color, Modifier, Style};

use super::states::Tone;

/// Styles by meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    coloured: bool,
}

/// Colours for names, readable on dark and on light ground.
const NAMES: [Color; 6] =
    [Color::Cyan, Color::Green, Color::Magenta, Color::Yellow, Color::Blue, Color::LightRed];

impl Palette {
    /// With or without colours.
    #[must_use]
    pub const fn new(coloured: bool) -> Self {
        Self { coloured }
    }

    fn colour(self, style: Style, colour: Color) -> Style {
        if self.coloured { style.fg(colour) } else { style }
    }

    /// Ordinary text.
    #[must_use]
    pub const fn text(self) -> Style {
        Style::new()
    }

    /// What matters less: times, hints.
    #[must_use]
    pub const fn quiet(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// Titles.
    #[must_use]
    pub const fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The chosen line of a list.
    #[must_use]
    pub const fn chosen(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// A person's name; the same colour for ever.
    #[must_use]
    pub fn name(self, who: &UserId) -> Style {
        let sum: usize = who.as_str().bytes().map(usize::from).sum();
        self.colour(self.strong(), NAMES[sum % NAMES.len()])
    }

    /// Unread counts and the unread divider.
    #[must_use]
    pub fn unread(self) -> Style {
        self.colour(self.strong(), Color::Yellow)
    }

    /// The state of a message.
    #[must_use]
    pub fn tone(self, tone: Tone) -> Style {
        match tone {
            Tone::Quiet => self.quiet(),
            Tone::Good => self.colour(Style::new(), Color::Green),
            Tone::Bad => self.bad(),
        }
    }

    /// Errors.
    #[must_use]
    pub fn bad(self) -> Style {
        self.colour(self.strong(), Color::Red)
    }

    /// Things that work.
    #[must_use]
    pub fn good(self) -> Style {
        self.colour(Style::new(), Color::Green)
    }

    /// Work in progress, waiting.
    #[must_use]
    pub fn waiting(self) -> Style {
        self.colour(Style::new(), Color::Yellow)
    }
}

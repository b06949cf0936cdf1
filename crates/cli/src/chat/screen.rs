//! The terminal while the chat has it: full screen, raw keys, bracketed paste, focus reports. Given back however the
//! program ends: normally, by an error, by a panic.

use std::io::{self, IsTerminal, Stdout, stdout};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, EnableBracketedPaste, EnableFocusChange,
};
use crossterm::execute;
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

/// Whether the terminal has to be given back.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// The terminal; dropping it gives the terminal back.
#[derive(Debug)]
pub struct Screen {
    /// Where to draw.
    pub terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    /// Whether there is a terminal to chat in.
    #[must_use]
    pub fn is_possible() -> bool {
        io::stdin().is_terminal() && stdout().is_terminal()
    }

    /// Takes the terminal.
    ///
    /// # Errors
    /// What the terminal says.
    pub fn take() -> io::Result<Self> {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |what| {
            give_back();
            before(what);
        }));
        TAKEN.store(true, Ordering::SeqCst);
        match enter() {
            Ok(terminal) => Ok(Self { terminal }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

fn enter() -> io::Result<Terminal<CrosstermBackend<Stdout>>> {
    enable_raw_mode()?;
    execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste, EnableFocusChange)?;
    Terminal::new(CrosstermBackend::new(stdout()))
}

/// Gives the terminal back, once. What fails here fails because there is no terminal any more.
fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        drop(execute!(stdout(), DisableFocusChange, DisableBracketedPaste, LeaveAlternateScreen));
        drop(execute!(stdout(), crossterm::cursor::Show));
        drop(disable_raw_mode());
    }
}

//! What each key does, depending on what is open.

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui_textarea::CursorMove;

use super::commands;
use super::looking::{self, Move};
use super::model::{Model, Overlay};
use super::moving;
use super::opening;
use super::overlay;
use super::slash;
use super::step::Effect;
use super::switcher::Switcher;
use super::texts::Text;

/// How long a second Ctrl+C counts.
const QUIT_WITHIN: Duration = Duration::from_secs(3);
/// Characters of the switcher's filter; no name is longer.
const FILTER_MAX: usize = 64;

/// A key was pressed.
pub fn press(model: &mut Model, key: KeyEvent, effects: &mut Vec<Effect>) {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    if control && key.code == KeyCode::Char('c') {
        quit(model, effects);
        return;
    }
    model.quit_armed = None;
    match model.overlay {
        Some(Overlay::Switcher(_)) => switcher_key(model, key, effects),
        Some(Overlay::Help | Overlay::Members(..) | Overlay::Page(_)) => page_key(model, key.code),
        None => chat_key(model, key, effects),
    }
}

fn page_key(model: &mut Model, code: KeyCode) {
    let page = isize::try_from(model.size.1).unwrap_or(1) / 2;
    match code {
        KeyCode::Esc | KeyCode::Enter | KeyCode::F(1) | KeyCode::Char('q') => model.overlay = None,
        KeyCode::Up => overlay::scroll(model, -1),
        KeyCode::Down => overlay::scroll(model, 1),
        KeyCode::PageUp => overlay::scroll(model, -page),
        KeyCode::PageDown => overlay::scroll(model, page),
        _ => {}
    }
}

/// Ctrl+C empties the composer, or ends the program when pressed twice; so nobody loses a text by habit.
fn quit(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.overlay.take().is_some() {
        return;
    }
    if model.quit_armed.take().is_some() {
        effects.push(Effect::Quit);
        return;
    }
    model.composer.take();
    opening::stop_typing(model, effects);
    model.quit_armed = Some(model.now.mono + QUIT_WITHIN);
    model.say(model.setting.texts.get(Text::PressAgainToQuit), false);
}

fn chat_key(model: &mut Model, key: KeyEvent, effects: &mut Vec<Effect>) {
    let KeyEvent { code, modifiers, .. } = key;
    let (control, alt) =
        (modifiers.contains(KeyModifiers::CONTROL), modifiers.contains(KeyModifiers::ALT));
    let scrolled = !looking::is_at_end(model);
    match code {
        KeyCode::Char('k') if control => {
            model.show(Overlay::Switcher(Switcher::default()));
        }
        KeyCode::Char('r') if control => commands::settle_failed(model, Effect::Retry, effects),
        KeyCode::Char('o') if control => effects.push(Effect::ConnectNow),
        KeyCode::F(1) => model.show(Overlay::Help),
        KeyCode::Esc => {
            let shown = !model.candidates.is_empty() || model.notice.is_some();
            model.candidates.clear();
            model.notice = None;
            // What lies over the line of a transfer goes first: nothing is cancelled that is not seen.
            if !shown {
                moving::cancel(model, effects);
            }
        }
        KeyCode::PageUp => looking::go(model, Move::PageUp, effects),
        KeyCode::PageDown => looking::go(model, Move::PageDown, effects),
        KeyCode::Home if control => looking::go(model, Move::Top, effects),
        KeyCode::End if control || scrolled => looking::go(model, Move::End, effects),
        KeyCode::Up if alt => opening::neighbour(model, false, effects),
        KeyCode::Down if alt => opening::neighbour(model, true, effects),
        KeyCode::Up if model.composer.is_empty() => looking::go(model, Move::LineUp, effects),
        KeyCode::Down if model.composer.is_empty() => looking::go(model, Move::LineDown, effects),
        KeyCode::Enter if alt || modifiers.contains(KeyModifiers::SHIFT) => {
            model.composer.new_line();
        }
        // What terminals send for Ctrl+Enter, and what nano and others use.
        KeyCode::Char('j') if control => model.composer.new_line(),
        KeyCode::Enter => commands::submit(model, effects),
        KeyCode::Tab => complete(model),
        _ => {
            if model.composer.key(key) {
                edited(model, effects);
            }
        }
    }
}

/// The text of the composer changed.
pub fn edited(model: &mut Model, effects: &mut Vec<Effect>) {
    model.candidates.clear();
    let text = model.composer.text();
    if text.trim().is_empty() || slash::is_command(&text) {
        opening::stop_typing(model, effects);
        return;
    }
    let now = model.now.mono;
    if let Some(open) = &model.open
        && model.typing.typed(open.id, now)
    {
        effects.push(Effect::Typing(open.target.clone(), true));
    }
}

fn complete(model: &mut Model) {
    let text = model.composer.text();
    if !slash::is_command(&text) {
        return;
    }
    let completion = slash::complete(&text, &model.known_users(), &model.known_groups());
    if completion.line != text {
        model.composer.set(&completion.line);
        model.composer.go(CursorMove::End);
    }
    model.candidates = completion.candidates;
}

fn switcher_key(model: &mut Model, key: KeyEvent, effects: &mut Vec<Effect>) {
    let Some(Overlay::Switcher(switcher)) = &mut model.overlay else { return };
    let offers = switcher.offers(&model.conversations);
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Esc => model.overlay = None,
        KeyCode::Char('k') if control => model.overlay = None,
        KeyCode::Enter => {
            if let Some(offer) = offers.get(switcher.chosen) {
                let target = offer.target();
                opening::open(model, target, effects);
            }
        }
        KeyCode::Up | KeyCode::BackTab => switcher.step(false, offers.len()),
        KeyCode::Down | KeyCode::Tab => switcher.step(true, offers.len()),
        KeyCode::Char('p') if control => switcher.step(false, offers.len()),
        KeyCode::Char('n') if control => switcher.step(true, offers.len()),
        KeyCode::Backspace => {
            switcher.filter.pop();
            switcher.chosen = 0;
        }
        KeyCode::Char(c) if !control => {
            if switcher.filter.chars().count() < FILTER_MAX {
                switcher.filter.push(c);
            }
            switcher.chosen = 0;
        }
        _ => {}
    }
}

/// Text was pasted: into the composer as it is, or into the switcher's filter.
pub fn paste(model: &mut Model, text: &str, effects: &mut Vec<Effect>) {
    let text = crate::plain::clean(text);
    match &mut model.overlay {
        Some(Overlay::Switcher(switcher)) => {
            let line = text.lines().next().unwrap_or_default();
            let room = FILTER_MAX.saturating_sub(switcher.filter.chars().count());
            switcher.filter.extend(line.chars().take(room));
            switcher.chosen = 0;
        }
        Some(_) => {}
        None => {
            model.composer.insert(&text);
            edited(model, effects);
        }
    }
}

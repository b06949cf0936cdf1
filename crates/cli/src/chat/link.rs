//! The line that tells what the connection is doing.

use ratatui::style::Style;

use super::model::Model;
use super::step::Link;
use super::texts::Text;

/// A line and how it looks.
#[derive(Clone, Debug)]
pub struct LinkLine {
    /// What it says.
    pub text: String,
    /// How it looks.
    pub style: Style,
}

/// The state of the connection in words; what needs attention comes first.
#[must_use]
pub fn line(model: &Model) -> LinkLine {
    let (texts, palette) = (model.setting.texts, model.setting.palette);
    let seconds_to = |at: std::time::Duration| {
        // Rounded up, so that it never says 0 while there is time left.
        at.saturating_sub(model.now.mono).as_millis().div_ceil(1_000).to_string()
    };
    let (symbol, text, style) = match &model.link {
        _ if model.store_failing.is_some() => {
            let (full, retry_at) = model.store_failing.unwrap_or_default();
            let text = if full { Text::StoreFull } else { Text::StoreFailing };
            ("!", texts.with(text, &[&seconds_to(retry_at)]), palette.bad())
        }
        Link::Offline => ("○", texts.get(Text::Offline).to_owned(), palette.bad()),
        Link::Connecting => ("◌", texts.get(Text::Connecting).to_owned(), palette.waiting()),
        Link::Connected => match model.sync {
            Some(sync) => ("◔", synchronising(model, sync), palette.waiting()),
            None => ("●", texts.get(Text::Connected).to_owned(), palette.good()),
        },
        Link::Waiting { retry_at: Some(at), reason } => {
            let values = [seconds_to(*at), texts.reason(reason)];
            let text = texts.with(Text::DisconnectedRetry, &[&values[0], &values[1]]);
            ("○", text, palette.waiting())
        }
        Link::Waiting { retry_at: None, reason } => {
            ("○", texts.with(Text::Disconnected, &[&texts.reason(reason)]), palette.bad())
        }
        Link::Kicked(reason) => {
            ("○", texts.with(Text::KickedOffline, &[&texts.reason(reason)]), palette.bad())
        }
        Link::SignInNeeded(reason) => {
            ("○", texts.with(Text::SignInNeeded, &[&texts.reason(reason)]), palette.bad())
        }
    };
    LinkLine { text: format!("{symbol} {text}"), style }
}

fn synchronising(model: &Model, sync: super::model::Sync) -> String {
    let texts = model.setting.texts;
    match sync.missing {
        Some(missing) => {
            texts.with(Text::SynchronisingOf, &[&sync.done.to_string(), &missing.to_string()])
        }
        None => texts.get(Text::Synchronising).to_owned(),
    }
}

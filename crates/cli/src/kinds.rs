//! What messages of other kinds than text hold, in a few words that need no language.

use anser_sdk::body_of;
use anser_types::body::{Body, FileRef, Location, MergedEntry, Picture};
use anser_types::{Content, MessageKind};

use crate::plain;

/// Messages of a merged one that are shown.
const SHOWN: usize = 3;

/// The words; empty where there is nothing to say beyond the kind, or it does not hold what its kind says.
#[must_use]
pub fn detail(content: &Content) -> String {
    let Ok(body) = body_of(content) else { return String::new() };
    let words = match &body {
        Body::Text(text) | Body::System(text) => return plain::clean(text),
        Body::Image(picture) => picture_words(picture, 0),
        Body::Video(picture, duration_ms) => picture_words(picture, *duration_ms),
        Body::Voice(voice) => length(voice.duration_ms),
        Body::File(file, caption) => join(&[&file_words(file), caption]),
        Body::Location(place) => join(&[&place.name, &place.address, &degrees(place)]),
        Body::Card(user, name) if name.is_empty() => user.to_string(),
        Body::Card(user, name) => format!("{name} ({user})"),
        Body::Custom(custom) => custom.summary.clone(),
        Body::Merged(title, entries) => return merged(title, entries),
        Body::Unknown(..) => String::new(),
    };
    plain::one_line(&words)
}

fn join(parts: &[&str]) -> String {
    let there: Vec<&str> = parts.iter().copied().filter(|part| !part.is_empty()).collect();
    there.join(" · ")
}

/// What is said with a picture, or what it is called; how large it is, and how long.
fn picture_words(picture: &Picture, duration_ms: u32) -> String {
    let name = if picture.caption.is_empty() { &picture.file.name } else { &picture.caption };
    let mut known = Vec::new();
    if duration_ms > 0 {
        known.push(length(duration_ms));
    }
    if picture.width > 0 && picture.height > 0 {
        known.push(format!("{}×{}", picture.width, picture.height));
    }
    if picture.file.bytes > 0 {
        known.push(size(picture.file.bytes));
    }
    with_known(name, &known)
}

fn file_words(file: &FileRef) -> String {
    let name = if file.name.is_empty() { &file.file } else { &file.name };
    let known = (file.bytes > 0).then(|| size(file.bytes));
    with_known(name, known.as_slice())
}

fn with_known(name: &str, known: &[String]) -> String {
    match (name, known) {
        (name, []) => name.to_owned(),
        ("", known) => known.join(", "),
        (name, known) => format!("{name} ({})", known.join(", ")),
    }
}

/// So many bytes, in words.
#[must_use]
pub fn size(bytes: u64) -> String {
    let in_tenths = |unit: u64, name| {
        let (whole, tenths) = (bytes / unit, bytes % unit * 10 / unit);
        format!("{whole}.{tenths} {name}")
    };
    match bytes {
        0..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{} KiB", bytes >> 10),
        1_048_576..1_073_741_824 => in_tenths(1 << 20, "MiB"),
        _ => in_tenths(1 << 30, "GiB"),
    }
}

/// So many milliseconds, as minutes and seconds.
#[must_use]
pub fn length(ms: u32) -> String {
    let seconds = ms.div_ceil(1_000);
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

fn degrees(place: &Location) -> String {
    let part = |e7: i32, positive, negative| {
        let side = if e7 < 0 { negative } else { positive };
        let e7 = e7.unsigned_abs();
        format!("{}.{:05}° {side}", e7 / 10_000_000, e7 % 10_000_000 / 100)
    };
    format!("{} {}", part(place.latitude_e7, "N", "S"), part(place.longitude_e7, "E", "W"))
}

/// Title and number, then the first of them, each on a line.
fn merged(title: &str, entries: &[MergedEntry]) -> String {
    let mut lines = vec![format!("{} ({})", plain::one_line(title), entries.len())];
    for entry in entries.iter().take(SHOWN) {
        let within = Content { kind: entry.kind, body: entry.body.clone(), ..Content::text("") };
        let said = match entry.kind {
            MessageKind::Text => plain::one_line(&detail(&within)),
            kind => {
                let words = detail(&within);
                format!("[{}] {}", kind.name(), words.lines().next().unwrap_or_default())
            }
        };
        lines.push(format!("  {}: {said}", plain::one_line(entry.sender.as_str())));
    }
    if entries.len() > SHOWN {
        lines.push("  …".to_owned());
    }
    lines.join("\n")
}

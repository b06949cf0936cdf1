//! What other people wrote, made harmless for a terminal: nothing in it can move the cursor, change colours, or turn
//! the reading direction around.

/// Characters that reorder what follows them on the screen, or hide text.
const fn reorders(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{061c}')
}

/// The text with line ends as `\n`, tabs as spaces, and no other control or direction characters.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' => {
                if chars.peek() != Some(&'\n') {
                    cleaned.push('\n');
                }
            }
            '\n' | '\u{2028}' | '\u{2029}' => cleaned.push('\n'),
            '\t' => cleaned.push_str("    "),
            c if c.is_control() => cleaned.push('\u{fffd}'),
            c if reorders(c) => {}
            c => cleaned.push(c),
        }
    }
    cleaned
}

/// The text on one line.
#[must_use]
pub fn one_line(text: &str) -> String {
    clean(text)
        .split('\n')
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

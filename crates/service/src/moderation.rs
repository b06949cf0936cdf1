//! Words an operator does not let be said: one list, looked for in every text that a command brings before others.
//!
//! Texts are compared as people read them: without regard to case, width and composed forms (NFKC), and to characters that
//! nobody sees. In scripts without spaces a word is found in any run of characters; elsewhere as a whole word, so that no
//! harmless word is refused for what it happens to contain.

use aho_corasick::{AhoCorasick, MatchKind};
use anser_backend::search::is_unspaced;
use anser_types::{ErrorCode, Refusal, limits};
use unicode_normalization::UnicodeNormalization as _;

use crate::messages::request::Work;
use crate::texts::{self, ReadBody};

/// A list of words, ready to be looked for. Its cost is one pass over a text, however many words it has.
#[derive(Clone, Debug)]
pub struct Words {
    automaton: AhoCorasick,
    count: usize,
    read: ReadBody,
}

/// Why a list is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWords {
    /// A line is no word.
    #[error("line {line}: {rule}")]
    Line {
        /// Which, from 1.
        line: usize,
        /// What it should be.
        rule: String,
    },
    /// There are too many.
    #[error("{0} words; the limit is {max}", max = limits::FILTER_WORDS_MAX)]
    TooMany(usize),
    /// All of them together are too large.
    #[error("the list is too large: {0}")]
    TooLarge(String),
}

impl Words {
    /// Reads a list: a word or phrase a line; empty lines, and those that begin with `#`, are left out. Contents are
    /// looked into with `read`.
    ///
    /// # Errors
    /// What in it is wrong. An empty list is fine: nothing is refused.
    pub fn parse(list: &str, read: ReadBody) -> Result<Self, InvalidWords> {
        let mut words = Vec::new();
        for (number, line) in (1..).zip(list.lines()) {
            let line_text = line.trim();
            if line_text.is_empty() || line_text.starts_with('#') {
                continue;
            }
            let wrong = |rule: String| InvalidWords::Line { line: number, rule };
            if line_text.len() > limits::FILTER_WORD_MAX_BYTES {
                return Err(wrong(format!("at most {} bytes", limits::FILTER_WORD_MAX_BYTES)));
            }
            let word = folded(line_text);
            if !word.chars().any(char::is_alphanumeric) {
                return Err(wrong("a word has a letter or a digit".to_owned()));
            }
            words.push(word);
        }
        if words.len() > limits::FILTER_WORDS_MAX {
            return Err(InvalidWords::TooMany(words.len()));
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(&words)
            .map_err(|error| InvalidWords::TooLarge(error.to_string()))?;
        Ok(Self { automaton, count: words.len(), read })
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> usize {
        self.count
    }

    /// Whether one of them stands in a text.
    #[must_use]
    pub fn stand_in(&self, text: &str) -> bool {
        if self.count == 0 || text.is_empty() {
            return false;
        }
        let text = folded(text);
        // Overlapping: a longer word that is none must not hide the shorter one within.
        self.automaton
            .find_overlapping_iter(&text)
            .any(|found| is_whole(&text, found.start(), found.end()))
    }

    /// Refuses a command that brings one of them before others.
    pub(crate) fn check(&self, work: &Work) -> Result<(), Refusal> {
        let refused = |what: &str| {
            let detail = format!("{what}: it holds a word that may not be said on this server");
            Err(Refusal::because(ErrorCode::ContentRefused, detail))
        };
        for (what, text) in texts::of_work(work, self.read) {
            if self.stand_in(&text) {
                return refused(what);
            }
        }
        Ok(())
    }
}

/// The text as people read it.
fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfkc().filter(|c| !is_unseen(*c)).flat_map(char::to_lowercase).collect()
}

/// Characters that take no place and could stand between the letters of a word.
const fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{180E}' | '\u{200B}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}')
}

/// Whether what was found is no part of a longer word of a script with spaces.
fn is_whole(text: &str, start: usize, end: usize) -> bool {
    let spaced = |c: char| c.is_alphanumeric() && !is_unspaced(c);
    let found = &text[start..end];
    let parted = |inside: Option<char>, outside: Option<char>| {
        !(inside.is_some_and(spaced) && outside.is_some_and(spaced))
    };
    parted(found.chars().next(), text[..start].chars().next_back())
        && parted(found.chars().next_back(), text[end..].chars().next())
}

#[cfg(test)]
mod tests {
    use anser_types::MessageKind;
    use anser_types::body::Body;
    use bytes::Bytes;

    use super::*;

    /// Nothing here stands in a content.
    fn unread(_: MessageKind, _: &Bytes) -> Option<Body> {
        None
    }

    fn words(list: &str) -> Words {
        Words::parse(list, unread).unwrap()
    }

    #[test]
    fn words_are_found_as_people_read_them() {
        let words = words("# a list\n\nGoose\n敏感词\nbad phrase\n");
        assert_eq!(words.count(), 3);
        for text in [
            "a GOOSE!",
            "ｇｏｏｓｅ",
            "go\u{200b}ose",
            "goose",
            "这是敏感词吗",
            "敏\u{2060}感词",
            "a Bad Phrase, indeed",
            "用goose拍的",
        ] {
            assert!(words.stand_in(text), "{text} is let through");
        }
        for text in ["mongoose", "gooseberry", "敏感", "bad phrases", "badphrase", "", "…"] {
            assert!(!words.stand_in(text), "{text} is refused");
        }
    }

    #[test]
    fn a_longer_word_hides_no_shorter_one() {
        let words = words("sh\nshed\nhe");
        assert!(words.stand_in("he") && words.stand_in("a shed") && !words.stand_in("ashes"));
        assert!(self::words("感冒药\n感冒").stand_in("感冒了"));
    }

    #[test]
    fn a_list_that_makes_no_sense_is_refused_with_its_line() {
        let line = |list: &str| match Words::parse(list, unread) {
            Err(InvalidWords::Line { line, .. }) => line,
            other => panic!("{other:?}"),
        };
        assert_eq!(line("one\n***"), 2);
        assert_eq!(line(&format!("# x\n{}", "x".repeat(limits::FILTER_WORD_MAX_BYTES + 1))), 2);
        let many: String = (0..=limits::FILTER_WORDS_MAX).map(|n| format!("w{n}\n")).collect();
        assert!(matches!(Words::parse(&many, unread), Err(InvalidWords::TooMany(_))));
        assert!(!Words::parse("", unread).unwrap().stand_in("anything"));
    }
}

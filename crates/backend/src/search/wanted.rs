//! What somebody looks for, and whether a text holds it. This decides; an index only suggests.

use super::words::{Piece, pieces};

/// Letters of a word from which on it is found by its beginning alone.
const PREFIX_MIN_CHARS: usize = 2;

/// There is neither letter nor digit in what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no letter and no digit to look for")]
pub struct NothingWanted;

/// A text holds it if it holds every word and every run, in any order. The last word may be the beginning of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    words: Vec<String>,
    beginning: Option<String>,
    runs: Vec<Vec<char>>,
}

impl Wanted {
    /// Reads what somebody typed. There is no query language: every sign that is no letter and no digit only separates.
    ///
    /// # Errors
    /// There is nothing to look for.
    pub fn new(text: &str) -> Result<Self, NothingWanted> {
        let mut wanted = Self { words: Vec::new(), beginning: None, runs: Vec::new() };
        let mut found = pieces(text);
        let last = match found.pop().ok_or(NothingWanted)? {
            Piece::Word(word) if word.chars().count() >= PREFIX_MIN_CHARS => {
                wanted.beginning = Some(word);
                None
            }
            other => Some(other),
        };
        for piece in found.into_iter().chain(last) {
            match piece {
                Piece::Word(word) => wanted.words.push(word),
                Piece::Run(run) => wanted.runs.push(run),
            }
        }
        Ok(wanted)
    }

    /// Words that must stand there whole.
    #[must_use]
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The beginning of a word.
    #[must_use]
    pub fn beginning(&self) -> Option<&str> {
        self.beginning.as_deref()
    }

    /// Parts of runs of characters without spaces.
    #[must_use]
    pub fn runs(&self) -> &[Vec<char>] {
        &self.runs
    }

    /// Whether this text holds it.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        let found = pieces(text);
        let has_word = |wanted: &dyn Fn(&str) -> bool| {
            found.iter().any(|piece| matches!(piece, Piece::Word(word) if wanted(word)))
        };
        let has_run = |wanted: &[char]| {
            let holds = |run: &[char]| run.windows(wanted.len()).any(|part| part == wanted);
            found.iter().any(|piece| matches!(piece, Piece::Run(run) if holds(run)))
        };
        self.words.iter().all(|wanted| has_word(&|word| word == wanted))
            && self.beginning.iter().all(|wanted| has_word(&|word| word.starts_with(wanted)))
            && self.runs.iter().all(|wanted| has_run(wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(wanted: &str, text: &str) -> bool {
        Wanted::new(wanted).unwrap().is_in(text)
    }

    #[test]
    fn chinese_is_found_by_any_part_of_a_run() {
        let text = "今天下午开会，别忘了";
        for wanted in ["今天下午开会", "下午", "开会", "午开", "会", "忘了", "下午 忘"]
        {
            assert!(found(wanted, text), "{wanted}");
        }
        for wanted in ["明天", "会别", "今午", "下午 明"] {
            assert!(!found(wanted, text), "{wanted}");
        }
    }

    #[test]
    fn words_are_found_whole_and_the_last_one_by_its_beginning() {
        let text = "The Meeting starts at 9";
        for wanted in ["meeting", "MEET", "starts meet", "9", "the at st"] {
            assert!(found(wanted, text), "{wanted}");
        }
        for wanted in ["eeting", "meet starts", "m", "meeting tomorrow"] {
            assert!(!found(wanted, text), "{wanted}");
        }
    }

    #[test]
    fn signs_alone_are_nothing_to_look_for() {
        for text in ["", "  ", "?!…", "🎉", "——"] {
            assert_eq!(Wanted::new(text), Err(NothingWanted));
        }
    }
}

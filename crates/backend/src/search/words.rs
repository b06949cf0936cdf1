//! How text is cut for searching, the same for what was said and for what is looked for.
//!
//! Scripts that write words without spaces between them (Chinese, Japanese, Thai…) have no words that arithmetic could
//! find: a run of them is kept whole, and any part of it can be found. Elsewhere a word is what stands between anything
//! that is neither letter nor digit. Widths and composed forms are folded by NFKC (ＡＢＣ is ABC), case by lower-casing.

use unicode_normalization::UnicodeNormalization as _;

/// Characters of a word that count. Longer ones (links, base64) are found by their beginning.
pub const WORD_MAX_CHARS: usize = 64;

/// A piece of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A word.
    Word(String),
    /// Characters of scripts without spaces, in a row.
    Run(Vec<char>),
}

/// Cuts text into its pieces, in order.
#[must_use]
pub fn pieces(text: &str) -> Vec<Piece> {
    let mut found = Vec::new();
    let (mut word, mut letters, mut run) = (String::new(), 0_usize, Vec::new());
    for character in text.nfkc() {
        if is_unspaced(character) {
            end_word(&mut word, &mut letters, &mut found);
            run.push(character);
            continue;
        }
        end_run(&mut run, &mut found);
        if character.is_alphanumeric() {
            letters += 1;
            if letters <= WORD_MAX_CHARS {
                word.extend(character.to_lowercase());
            }
        } else {
            end_word(&mut word, &mut letters, &mut found);
        }
    }
    end_word(&mut word, &mut letters, &mut found);
    end_run(&mut run, &mut found);
    found
}

fn end_word(word: &mut String, letters: &mut usize, found: &mut Vec<Piece>) {
    *letters = 0;
    if !word.is_empty() {
        found.push(Piece::Word(std::mem::take(word)));
    }
}

fn end_run(run: &mut Vec<char>, found: &mut Vec<Piece>) {
    if !run.is_empty() {
        found.push(Piece::Run(std::mem::take(run)));
    }
}

/// Letters of scripts in which a word is no stretch between spaces. Korean has spaces, but its particles hang on words.
#[must_use]
pub const fn is_unspaced(character: char) -> bool {
    matches!(character,
        '\u{0E01}'..='\u{0EDF}'     // Thai, Lao
        | '\u{1000}'..='\u{109F}'   // Myanmar
        | '\u{1780}'..='\u{17D3}'   // Khmer
        | '\u{2E80}'..='\u{2FDF}'   // radicals
        | '\u{3005}'..='\u{3007}'   // 々〆〇
        | '\u{3040}'..='\u{30FA}' | '\u{30FC}'..='\u{30FF}' // kana, without the middle dot
        | '\u{3100}'..='\u{312F}' | '\u{31A0}'..='\u{31FF}' // bopomofo, more kana
        | '\u{3130}'..='\u{318F}'   // hangul letters
        | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' // han
        | '\u{AC00}'..='\u{D7A3}'   // hangul syllables
        | '\u{F900}'..='\u{FAFF}'   // han, compatible
        | '\u{20000}'..='\u{3FFFF}' // han, further planes
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<String> {
        let shown = |piece| match piece {
            Piece::Word(word) => word,
            Piece::Run(run) => format!("[{}]", run.into_iter().collect::<String>()),
        };
        pieces(text).into_iter().map(shown).collect()
    }

    #[test]
    fn words_are_lower_case_and_runs_are_kept_whole() {
        assert_eq!(cut("Hello, World!"), ["hello", "world"]);
        assert_eq!(cut("今天下午开会，别忘了"), ["[今天下午开会]", "[别忘了]"]);
        assert_eq!(cut("用iPhone15拍的 OK"), ["[用]", "iphone15", "[拍的]", "ok"]);
        assert_eq!(cut("東京タワー・2026年"), ["[東京タワー]", "2026", "[年]"]);
        assert_eq!(cut("…!? 🎉 "), Vec::<String>::new());
    }

    #[test]
    fn widths_and_composed_forms_are_the_same() {
        assert_eq!(cut("ＡＢＣ１"), cut("abc1"));
        assert_eq!(cut("cafe\u{301}"), cut("CAFÉ"));
        assert_eq!(cut("ﾃｽﾄ"), cut("テスト"));
    }

    #[test]
    fn a_very_long_word_counts_by_its_beginning() {
        assert_eq!(cut(&"X".repeat(100)), ["x".repeat(WORD_MAX_CHARS)]);
    }
}

//! Parts of something that has a length: `Range`, `If-Range` and `If-None-Match` (RFC 9110, sections 13 and 14).

use std::ops::Range;

use axum::http::header::{IF_RANGE, RANGE};
use axum::http::{HeaderMap, HeaderValue};

use super::headers::known_tags;

/// What a client wants of something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it.
    Whole,
    /// These bytes.
    Part(Range<u64>),
    /// Nothing: it has it already.
    Nothing,
    /// Bytes that are not there.
    Outside,
}

/// What is wanted of `length` bytes with this tag. What cannot be understood, and several ranges at once, is the whole.
pub(super) fn wanted(headers: &HeaderMap, tag: &str, length: u64) -> Wanted {
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    if known_tags(headers).any(|known| [tag, "*"].contains(&known)) {
        return Wanted::Nothing;
    }
    let same = headers.get(IF_RANGE).map(text).is_none_or(|of| of == tag);
    let asked = headers.get(RANGE).map(text).filter(|_| same);
    asked.and_then(|asked| part(&asked, length)).unwrap_or(Wanted::Whole)
}

fn part(asked: &str, length: u64) -> Option<Wanted> {
    let (first, last) = asked.trim().strip_prefix("bytes=")?.trim().split_once('-')?;
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok());
    let range = match (first, last) {
        ("", last) => {
            let last: u64 = number(last)??;
            length.saturating_sub(last)..length
        }
        (first, "") => number(first)??..length,
        (first, last) => {
            let (first, last): (u64, u64) = (number(first)??, number(last)??);
            if last < first {
                return None;
            }
            first..length.min(last.saturating_add(1))
        }
    };
    Some(if range.is_empty() { Wanted::Outside } else { Wanted::Part(range) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "\"abc\"";

    fn of(pairs: &[(&'static str, &'static str)]) -> Wanted {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
        wanted(&pairs.collect(), TAG, 100)
    }

    #[test]
    fn parts_are_read_as_rfc_9110_says() {
        for (asked, meant) in [
            ("bytes=0-0", Wanted::Part(0..1)),
            ("bytes=10-19", Wanted::Part(10..20)),
            ("bytes=10-", Wanted::Part(10..100)),
            ("bytes=-10", Wanted::Part(90..100)),
            ("bytes=-1000", Wanted::Part(0..100)),
            ("bytes=99-1000", Wanted::Part(99..100)),
            ("bytes=100-", Wanted::Outside),
            ("bytes=-0", Wanted::Outside),
            ("bytes=100-200", Wanted::Outside),
            ("bytes=20-10", Wanted::Whole),
            ("bytes=0-1,5-6", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=+1-2", Wanted::Whole),
            ("bytes=99999999999999999999-", Wanted::Whole),
            ("pages=1-2", Wanted::Whole),
        ] {
            assert_eq!(of(&[("range", asked)]), meant, "{asked}");
        }
    }

    #[test]
    fn a_part_is_only_of_what_the_client_has_the_rest_of() {
        assert_eq!(of(&[("range", "bytes=5-"), ("if-range", TAG)]), Wanted::Part(5..100));
        assert_eq!(of(&[("range", "bytes=5-"), ("if-range", "\"other\"")]), Wanted::Whole);
        assert_eq!(of(&[("if-none-match", "\"x\", W/\"abc\"")]), Wanted::Nothing);
        assert_eq!(of(&[("if-none-match", "\"x\"")]), Wanted::Whole);
    }
}

//! The catalogue: both languages have every text, with the same values in them.

use anser_cli::chat::texts::{Language, Text, Texts};
use anser_types::{ErrorCode, Refusal};

fn placeholders(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> =
        ["{0}", "{1}", "{2}", "{3}"].into_iter().filter(|p| text.contains(*p)).collect();
    found.sort_unstable();
    found
}

#[test]
fn both_languages_have_every_text_with_the_same_values() {
    for text in Text::ALL {
        let (en, zh) = (text.in_language(Language::En), text.in_language(Language::Zh));
        assert!(!en.trim().is_empty() && !zh.trim().is_empty(), "{text:?} is empty in a language");
        assert_eq!(placeholders(en), placeholders(zh), "{text:?}: {en} / {zh}");
        assert_eq!(en.matches('{').count(), en.matches('}').count());
    }
}

#[test]
fn values_are_put_in_and_never_looked_into() {
    let texts = Texts(Language::En);
    assert_eq!(texts.with(Text::Joined, &["alice {1}", "bob"]), "alice {1} invited bob");
    assert_eq!(Texts(Language::Zh).with(Text::ReadBy, &["3"]), "3 人已读");
}

#[test]
fn the_language_is_that_of_the_locale() {
    let of = |pairs: &[(&str, &str)]| {
        Language::of_environment(|name| {
            pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    };
    assert_eq!(of(&[("LANG", "zh_CN.UTF-8")]), Language::Zh);
    assert_eq!(of(&[("LC_ALL", "en_GB.UTF-8"), ("LANG", "zh_CN.UTF-8")]), Language::En);
    assert_eq!(of(&[("LC_ALL", ""), ("LANG", "zh_CN")]), Language::Zh);
    assert_eq!(of(&[]), Language::En);
}

#[test]
fn reasons_are_told_in_the_users_language() {
    let refusal = Refusal::new(ErrorCode::UserUnknown);
    assert_eq!(Texts(Language::En).reason(&refusal), "There is no such user");
    assert_eq!(Texts(Language::Zh).reason(&refusal), "没有这个用户");
}

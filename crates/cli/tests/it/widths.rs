//! Cells on the screen: Chinese, emoji, combining marks; and text that must not command the terminal.

use anser_cli::chat::wrap::{cut, fit, width, wrap};
use anser_cli::plain::{clean, one_line};

#[test]
fn chinese_and_emoji_take_two_cells_marks_none() {
    assert_eq!(width("hello"), 5);
    assert_eq!(width("你好"), 4);
    assert_eq!(width("e\u{301}"), 1);
    assert_eq!(width("👨‍👩‍👧"), 2);
    assert_eq!(width("🇨🇳"), 2);
}

#[test]
fn lines_break_at_spaces_and_between_chinese_characters() {
    assert_eq!(wrap("one two three", 8), ["one two", "three"]);
    assert_eq!(wrap("你好世界", 5), ["你好", "世界"]);
    assert_eq!(wrap("看hello世界", 6), ["看", "hello", "世界"]);
    // Closing punctuation does not begin a line if it can be helped.
    assert_eq!(wrap("你好，世界", 6), ["你好，", "世界"]);
    assert_eq!(wrap("averyveryverylongword", 8), ["averyver", "yverylon", "gword"]);
    assert_eq!(wrap("a\n\nb", 8), ["a", "", "b"]);
    for line in wrap("混合 mixed 文本 with 👨‍👩‍👧 emoji，以及很长很长的一句话。", 11)
    {
        assert!(width(&line) <= 11, "{line}");
    }
}

#[test]
fn cutting_never_halves_a_character() {
    assert_eq!(cut("你好世界", 5), "你好…");
    assert_eq!(cut("你好世界", 4), "你…");
    assert_eq!(cut("short", 5), "short");
    assert_eq!(width(&fit("你好", 7)), 7);
    assert_eq!(width(&fit("你好世界", 7)), 7);
}

#[test]
fn text_of_others_cannot_command_the_terminal() {
    assert_eq!(clean("\u{1b}[2Jgone\u{7}"), "\u{fffd}[2Jgone\u{fffd}");
    assert_eq!(clean("a\r\nb\rc\td"), "a\nb\nc    d");
    assert_eq!(clean("abc\u{202e}def"), "abcdef");
    assert_eq!(one_line(" two\n lines "), "two lines");
}

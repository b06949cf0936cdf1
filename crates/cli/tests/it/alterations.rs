//! Editing, taking back, reacting and pinning in the chat: what is asked for, and what is shown afterwards.

use anser_cli::chat::slash::{Slash, parse};
use anser_cli::chat::step::Effect;
use anser_sdk::ChatMessage;
use anser_types::{Alteration, Altered, Content, MessageKind, Reaction, Seq, UnixMs};

use crate::support::{Chat, said, to_bob, user};

fn altered(message: ChatMessage, altered: Altered) -> ChatMessage {
    ChatMessage { altered: Some(Box::new(altered)), ..message }
}

#[test]
fn edit_and_revoke_mean_the_last_message_of_ones_own() {
    let mut chat = Chat::new();
    chat.with_bob(vec![said("alice", 1, "first"), said("alice", 2, "helo"), said("bob", 3, "hm?")]);
    let edit = Alteration::Edit(Content::text("say \"hello\""));
    let wanted = chat.enter("/edit say \"hello\"");
    assert_eq!(wanted, [Effect::Alter(to_bob(), Seq(2), edit)]);
    let wanted = chat.enter("/revoke");
    assert_eq!(wanted, [Effect::Alter(to_bob(), Seq(2), Alteration::Revoke)]);
}

#[test]
fn a_text_does_not_take_the_place_of_a_picture() {
    let mut chat = Chat::new();
    let picture = Content { kind: MessageKind::Image, ..Content::text("?") };
    let sent = ChatMessage { content: Some(picture), ..said("alice", 2, "") };
    chat.with_bob(vec![said("alice", 1, "look"), sent]);
    assert_eq!(chat.enter("/edit a lake"), []);
    assert!(chat.model.notice.is_some());
    assert_eq!(chat.enter("/revoke"), [Effect::Alter(to_bob(), Seq(2), Alteration::Revoke)]);
}

#[test]
fn react_and_pin_mean_the_last_message_of_anybody() {
    let mut chat = Chat::new();
    chat.with_bob(vec![said("alice", 1, "tea?"), said("bob", 2, "yes")]);
    for (line, on) in [("/react 👍", true), ("/unreact 👍", false)] {
        let react = Alteration::React { emoji: "👍".to_owned(), on };
        assert_eq!(chat.enter(line), [Effect::Alter(to_bob(), Seq(2), react)]);
    }
    let pin = Alteration::Pin { on: true };
    assert_eq!(chat.enter("/pin"), [Effect::Alter(to_bob(), Seq(2), pin)]);
}

#[test]
fn what_is_missing_is_said_and_nothing_is_asked_for() {
    let mut chat = Chat::new();
    chat.with_bob(vec![said("bob", 1, "hello")]);
    assert_eq!(chat.enter("/revoke"), [], "nothing of one's own was said");
    assert!(chat.model.notice.is_some());
    for line in ["/edit", "/edit   ", "/react", "/react 👍 👎", "/pin 3"] {
        assert!(parse(line).is_err(), "{line}");
    }
    assert_eq!(parse("/edit  two  words "), Ok(Slash::Edit("two  words".to_owned())));
}

#[test]
fn the_timeline_shows_what_became_of_messages() {
    let mut chat = Chat::new();
    let thumbs = Reaction { emoji: "👍".to_owned(), users: vec![user("alice"), user("bob")] };
    let edited = altered(
        said("bob", 1, "hello"),
        Altered { edited_at: Some(UnixMs(1)), reactions: vec![thumbs], ..Altered::default() },
    );
    let gone = |seq, who: &str| {
        let revoked_by = Some(user(who));
        let message = altered(said(who, seq, ""), Altered { revoked_by, ..Altered::default() });
        ChatMessage { content: None, ..message }
    };
    chat.with_bob(vec![edited, gone(2, "bob"), gone(3, "alice")]);
    assert_eq!(chat.lines_with("hello (edited)").len(), 1);
    assert_eq!(chat.lines_with("👍 2").len(), 1);
    assert_eq!(chat.lines_with("bob took this message back").len(), 1);
    assert_eq!(chat.lines_with("you took this message back").len(), 1);
}

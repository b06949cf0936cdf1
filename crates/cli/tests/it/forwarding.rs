//! Passing a message on in the chat: to whom, which one, and what is said about it.

use anser_cli::chat::slash::{Slash, complete, parse};
use anser_cli::chat::step::{Effect, Input, Link};
use anser_cli::chat::texts::{Language, Texts};
use anser_sdk::store::Conversation;
use anser_sdk::{ChatMessage, Client};
use anser_types::{Content, ConversationId, Refusal, Target};

use crate::support::{Chat, direct, row, said, user};

/// A group of the list, with this number in its id.
fn group(number: u8, title: &str) -> Conversation {
    let id = ConversationId::group([number; 16]);
    Conversation { id, peer: None, title: title.to_owned(), ..row("bob", 0, 0, None) }
}

/// What bob said last is "tea?"; carol and two groups are known.
fn chat() -> Chat {
    let mut chat = Chat::new();
    chat.with_bob(vec![said("alice", 1, "hi"), said("bob", 2, "tea?")]);
    chat.list(vec![
        row("bob", 0, 2, Some(said("bob", 2, "tea?"))),
        row("carol", 0, 0, None),
        group(1, "Our group"),
        group(2, "twins"),
        group(3, "twins"),
        Conversation { member: false, ..group(4, "left") },
    ]);
    chat
}

fn passed_on(to: impl Into<Target>) -> [Effect; 1] {
    let content = Client::create_forward_message(&said("bob", 2, "tea?")).unwrap();
    [Effect::Forward(to.into(), Box::new(content))]
}

fn notice(chat: &Chat) -> String {
    chat.model.notice.as_ref().unwrap().text.clone()
}

#[test]
fn the_last_message_is_passed_on_to_whom_the_chat_knows() {
    let mut chat = chat();
    assert_eq!(chat.enter("/forward carol"), passed_on(user("carol")));
    assert_eq!(notice(&chat), "on its way to carol · bob: tea?", "which one it is");
    let ours = Target::Conversation(group(1, "").id);
    assert_eq!(chat.enter("/forward \"Our group\""), passed_on(ours.clone()));
    assert_eq!(chat.enter("/forward Our group"), passed_on(ours.clone()));
    assert_eq!(chat.enter(&format!("/forward {}", group(1, "").id)), passed_on(ours));
    assert_eq!(notice(&chat), "on its way to Our group · bob: tea?");
    // Somebody with whom nobody has talked yet.
    assert_eq!(chat.enter("/forward dora"), passed_on(user("dora")));
}

#[test]
fn nothing_is_passed_on_where_it_is_unclear_to_whom_or_what() {
    let mut chat = chat();
    for (line, why) in [
        ("/forward twins", "several groups are called twins: give the id of one"),
        ("/forward no such group", "nobody here is called no such group"),
        ("/forward left", "you are not in this group any more"),
    ] {
        assert_eq!(chat.enter(line), [], "{line}");
        assert_eq!(notice(&chat), why);
    }
    let burning = Content { burn_after_ms: Some(5_000), ..Content::text("4711") };
    chat.load("bob", vec![ChatMessage { content: Some(burning), ..said("bob", 3, "") }], false);
    assert_eq!(chat.enter("/forward carol"), []);
    assert!(notice(&chat).ends_with("a message that burns is not forwarded"), "{}", notice(&chat));
    chat.load("bob", vec![ChatMessage { content: None, ..said("bob", 4, "") }], false);
    assert_eq!(chat.enter("/forward carol"), [], "it was taken back");
    assert_eq!(Chat::new().enter("/forward carol"), [], "no conversation is open");
}

#[test]
fn a_forward_waits_for_a_connection_like_any_message_and_says_why_it_cannot() {
    let mut chat = chat();
    chat.step(Input::Link(Link::Offline));
    assert_eq!(chat.enter("/forward carol"), passed_on(user("carol")));
    chat.step(Input::Queued(direct("carol")));
    assert!(chat.effects.contains(&Effect::LoadConversations), "{:?}", chat.effects);
    let full = Refusal::new(anser_types::ErrorCode::LocalDiskFull);
    chat.step(Input::Refused("/forward", full));
    assert!(notice(&chat).starts_with("/forward: "), "{}", notice(&chat));
}

#[test]
fn tab_completes_users_and_groups() {
    assert_eq!(parse("/forward 小明"), Ok(Slash::Forward("小明".to_owned())));
    let nobody = parse("/forward").unwrap_err().say(Texts(Language::En));
    assert_eq!(nobody, "/forward needs a user or a group: /forward NAME");
    let (users, groups) = ([user("bob")], ["team".to_owned(), "Our group".to_owned()]);
    let line = |text: &str| complete(text, &users, &groups).line;
    assert_eq!(line("/forw"), "/forward ");
    assert_eq!(line("/forward b"), "/forward bob ");
    assert_eq!(line("/forward t"), "/forward team ");
    assert_eq!(line("/forward \"O"), "/forward \"Our group\" ");
    assert_eq!(line("/to t"), "/to t", "a group is nobody to write to by name");
}

#[test]
fn a_refused_word_is_told_in_chinese_too() {
    let refusal = Refusal::new(anser_types::ErrorCode::ContentRefused);
    assert_eq!(Texts(Language::Zh).reason(&refusal), "消息含有本服务器不允许的词语");
}

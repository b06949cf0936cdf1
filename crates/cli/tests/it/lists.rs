//! The list of conversations with what one wants of it: pinned, silent, called by name, with a draft.

use anser_cli::chat::step::{Effect, Input};
use anser_sdk::store::{Conversation, ConversationOptions};
use anser_types::{Notify, Seq};
use crossterm::event::{KeyCode, KeyModifiers};

use crate::support::{Chat, direct, row, to_bob};

fn with(row: Conversation, options: ConversationOptions) -> Conversation {
    Conversation { options, ..row }
}

fn draft(text: &str) -> ConversationOptions {
    ConversationOptions { draft: text.to_owned(), ..ConversationOptions::default() }
}

#[test]
fn rows_are_marked() {
    let mut chat = Chat::new();
    let pinned = ConversationOptions { pinned: true, ..ConversationOptions::default() };
    let silent = ConversationOptions { notify: Notify::Nothing, ..ConversationOptions::default() };
    let calling = Conversation { mentioned: Some(Seq(4)), ..row("carol", 3, 1, None) };
    chat.list(vec![
        with(row("bob", 0, 0, None), pinned),
        calling,
        with(row("dora", 9, 0, None), silent),
        with(row("erin", 0, 0, None), draft("half a sentence")),
    ]);
    let screen = chat.screen().join("\n");
    for text in ["↑ bob", "@(3)", "⊘ dora", "draft: half a sentence"] {
        assert!(screen.contains(text), "{text} is missing in\n{screen}");
    }
    // What is not to be heard of is not counted.
    assert_eq!(chat.model.unread_elsewhere(), 3);
}

#[test]
fn a_draft_is_kept_when_one_leaves_and_is_there_when_one_comes_back() {
    let mut chat = Chat::new();
    chat.list(vec![row("bob", 0, 0, None), row("carol", 0, 0, None)]);
    chat.open("bob");
    chat.type_text("half a sen");
    chat.effects.clear();
    chat.press_with(KeyModifiers::ALT, KeyCode::Down);
    let kept = Effect::KeepDraft(to_bob(), "half a sen".to_owned());
    assert!(chat.effects.contains(&kept), "{:?}", chat.effects);
    // It is in the store now, where another run of the chat finds it.
    let rows = || vec![with(row("bob", 0, 0, None), draft("half a sen")), row("carol", 0, 0, None)];
    chat.list(rows());
    assert!(chat.model.drafts.is_empty());
    chat.press_with(KeyModifiers::ALT, KeyCode::Up);
    assert_eq!(chat.model.composer.text(), "half a sen");
    // Sending ends it.
    let wanted = chat.enter("tence");
    assert_eq!(wanted[0], Effect::Send(to_bob(), "half a sentence".to_owned()));
    assert!(wanted.contains(&Effect::KeepDraft(to_bob(), String::new())), "{wanted:?}");
    // The list that was read meanwhile does not bring it back.
    chat.list(rows());
    chat.press_with(KeyModifiers::ALT, KeyCode::Down);
    chat.press_with(KeyModifiers::ALT, KeyCode::Up);
    assert!(chat.model.composer.is_empty());
}

#[test]
fn a_draft_that_is_emptied_ends_when_one_leaves() {
    let mut chat = Chat::new();
    chat.list(vec![with(row("bob", 0, 0, None), draft("x")), row("carol", 0, 0, None)]);
    chat.open("bob");
    chat.press(KeyCode::Backspace);
    chat.effects.clear();
    chat.press_with(KeyModifiers::ALT, KeyCode::Down);
    assert!(chat.effects.contains(&Effect::KeepDraft(to_bob(), String::new())));
    assert_eq!(chat.model.draft_of(direct("bob")), None);
}

#[test]
fn what_another_device_changed_is_read_again() {
    let mut chat = Chat::new();
    chat.list(vec![]);
    chat.effects.clear();
    let conversation = direct("bob");
    for event in [
        anser_sdk::Event::ConversationOptionsChanged { conversation },
        anser_sdk::Event::MessagesHidden { conversation, seqs: vec![Seq(1)] },
    ] {
        chat.step(Input::Event(Box::new(event)));
        assert!(chat.effects.contains(&Effect::LoadConversations));
        chat.list(vec![]);
        chat.effects.clear();
    }
}

//! The chat's behaviour: sending, reading, scrolling, states, drafts, quitting. No terminal, no network, no waiting.

use std::time::Duration;

use anser_cli::chat::model::Overlay;
use anser_cli::chat::step::{Effect, Input, Link};
use anser_cli::chat::texts::{Language, Text};
use anser_cli::chat::timeline::Scroll;
use anser_sdk::Event;
use anser_sdk::store::Status;
use anser_types::{ErrorCode, Refusal, Seq, Target};
use crossterm::event::{KeyCode, KeyModifiers};

use crate::support::{Chat, direct, pending, row, said, to_bob, user, with_status};

fn came(seq: u64) -> Input {
    Input::Event(Box::new(Event::NewMessage(Box::new(said("bob", seq, "news")))))
}

#[test]
fn enter_sends_and_alt_enter_begins_a_line() {
    let mut chat = Chat::new();
    chat.with_bob(vec![]);
    chat.type_text("one");
    chat.press_with(KeyModifiers::ALT, KeyCode::Enter);
    let wanted = chat.enter("two");
    assert_eq!(wanted[0], Effect::Send(to_bob(), "one\ntwo".to_owned()));
    assert!(chat.model.composer.is_empty());
    assert_eq!(chat.enter("   "), []);
    assert_eq!(chat.enter("//usr")[0], Effect::Send(to_bob(), "/usr".to_owned()));
}

#[test]
fn a_pasted_text_stays_one_message_and_cannot_command_the_terminal() {
    let mut chat = Chat::new();
    chat.with_bob(vec![]);
    chat.step(Input::Paste("first\r\nsecond\u{1b}[2J".to_owned()));
    let wanted = chat.enter("");
    assert_eq!(wanted[0], Effect::Send(to_bob(), "first\nsecond\u{fffd}[2J".to_owned()));
}

#[test]
fn what_cannot_be_sent_stays_in_the_composer() {
    let mut chat = Chat::new();
    assert_eq!(chat.enter("to nobody"), []);
    assert_eq!(chat.model.composer.text(), "to nobody");
    // Written before a conversation was open, it goes along to the first one.
    chat.press_with(KeyModifiers::CONTROL, KeyCode::Char('k'));
    chat.enter("bob");
    assert_eq!(chat.model.composer.text(), "to nobody");
    chat.load("bob", vec![], false);
    chat.model.composer.set(&"x".repeat(70_000));
    assert_eq!(chat.enter(""), []);
    assert!(chat.model.notice.as_ref().unwrap().text.contains("too long"));
    // A text the outbox had no room for comes back.
    chat.model.composer.set("");
    let full = Refusal::new(ErrorCode::Overloaded);
    chat.step(Input::NotQueued(to_bob(), "again".to_owned(), full));
    assert_eq!(chat.model.composer.text(), "again");
}

#[test]
fn drafts_wait_in_their_conversation() {
    let mut chat = Chat::new();
    chat.list(vec![row("bob", 0, 0, None), row("carol", 0, 0, None)]);
    chat.open("bob");
    chat.type_text("half a sen");
    chat.press_with(KeyModifiers::ALT, KeyCode::Down);
    assert_eq!(chat.model.open.as_ref().unwrap().id, direct("carol"));
    assert!(chat.model.composer.is_empty());
    chat.press_with(KeyModifiers::ALT, KeyCode::Up);
    assert_eq!(chat.model.composer.text(), "half a sen");
}

#[test]
fn new_lines_do_not_move_a_reader_who_looks_further_up() {
    let mut chat = Chat::new();
    let mut messages: Vec<_> =
        (1..=40).map(|seq| said("bob", seq, &format!("line {seq}"))).collect();
    chat.with_bob(messages.clone());
    assert!(!chat.lines_with("line 40").is_empty());
    chat.press(KeyCode::PageUp);
    let before = chat.screen();
    assert!(chat.lines_with("line 40").is_empty());
    for seq in 41..=43 {
        messages.push(said("bob", seq, &format!("line {seq}")));
        chat.step(came(seq));
        chat.load("bob", messages.clone(), false);
    }
    // The timeline stands still; only the marker tells.
    let area = |screen: &[String]| screen[2..20].to_vec();
    assert_eq!(area(&chat.screen()), area(&before));
    assert_eq!(chat.lines_with("3 new below").len(), 1);
    chat.press(KeyCode::End);
    assert!(!chat.lines_with("line 43").is_empty());
    assert!(chat.lines_with("new below").is_empty());
    // At the end new lines are followed.
    messages.push(said("bob", 44, "line 44"));
    chat.load("bob", messages, false);
    assert!(!chat.lines_with("line 44").is_empty());
}

#[test]
fn earlier_messages_come_in_above_without_moving_the_view() {
    let mut chat = Chat::new();
    chat.list(vec![row("bob", 0, 200, Some(said("bob", 200, "last")))]);
    chat.open("bob");
    let messages: Vec<_> =
        (141..=200).map(|seq| said("bob", seq, &format!("line {seq}"))).collect();
    chat.load("bob", messages, true);
    chat.effects.clear();
    while chat.lines_with("line 141").is_empty() {
        chat.press(KeyCode::PageUp);
    }
    let wanted = Effect::LoadOlder { of: to_bob(), id: direct("bob"), before: Seq(141) };
    assert_eq!(chat.effects, std::slice::from_ref(&wanted));
    // While they are on their way they are not asked for again.
    chat.press(KeyCode::PageUp);
    assert_eq!(chat.effects, [wanted]);
    let row_of =
        |chat: &Chat| chat.screen().iter().position(|line| line.contains("line 145")).unwrap();
    let before = row_of(&chat);
    let older: Vec<_> = (81..=140).map(|seq| said("bob", seq, &format!("line {seq}"))).collect();
    chat.step(Input::Older(direct("bob"), Some(crate::support::page(older, vec![], true))));
    assert_eq!(row_of(&chat), before);
    chat.press(KeyCode::PageUp);
    assert!(!chat.lines_with("line 139").is_empty());
}

#[test]
fn unread_messages_stand_below_a_divider_and_are_marked_when_seen() {
    let mut chat = Chat::new();
    let messages: Vec<_> = (1..=5).map(|seq| said("bob", seq, &format!("line {seq}"))).collect();
    chat.list(vec![row("bob", 2, 3, messages.last().cloned())]);
    chat.open("bob");
    chat.effects.clear();
    chat.load("bob", messages, false);
    let screen = chat.screen();
    let at = |text: &str| screen.iter().position(|line| line.contains(text)).unwrap();
    assert!(at("line 3") < at(" unread ") && at(" unread ") < at("line 4"));
    assert_eq!(chat.effects, [Effect::MarkRead(to_bob(), Seq(5))]);
    // Once is enough, and the count is gone at once.
    chat.effects.clear();
    chat.pass(Duration::from_secs(1));
    assert_eq!(chat.effects, []);
    assert!(!chat.screen().iter().any(|line| line.contains("(2)")));
    // Whoever answers has read: the divider goes.
    chat.enter("yes");
    assert!(chat.lines_with(" unread ").is_empty());
}

#[test]
fn nothing_is_marked_while_nobody_looks() {
    let mut chat = Chat::new();
    chat.with_bob(vec![said("bob", 1, "seen")]);
    chat.step(Input::Focused(false));
    chat.effects.clear();
    chat.load("bob", vec![said("bob", 1, "seen"), said("bob", 2, "behind your back")], false);
    assert_eq!(chat.effects, []);
    chat.step(Input::Focused(true));
    assert_eq!(chat.effects, [Effect::MarkRead(to_bob(), Seq(2))]);
}

#[test]
fn many_unread_messages_are_read_from_the_first_one_on() {
    let mut chat = Chat::new();
    let messages: Vec<_> = (1..=80).map(|seq| said("bob", seq, &format!("line {seq}."))).collect();
    chat.list(vec![row("bob", 70, 10, messages.last().cloned())]);
    chat.open("bob");
    chat.effects.clear();
    chat.load("bob", messages, false);
    assert!(!chat.lines_with("line 11.").is_empty());
    assert!(chat.lines_with("line 80.").is_empty());
    let Some(Effect::MarkRead(_, seen)) = chat.effects.first() else {
        panic!("nothing was marked")
    };
    assert!(*seen > Seq(10) && *seen < Seq(40), "{seen}");
}

#[test]
fn states_are_symbols_and_on_the_newest_own_message_words() {
    let mut chat = Chat::new();
    let states = [
        (Status::Sent { stored_offline: false }, "✓ sent"),
        (Status::Sent { stored_offline: true }, "✓_ sent, waits for them"),
        (Status::Delivered, "✓✓ delivered"),
        (Status::Read, "◉ read"),
        (Status::NotOnServer, "! lost by the server"),
    ];
    chat.with_bob(vec![]);
    for (status, shown) in states {
        let older = with_status(said("alice", 1, "older"), Status::Read);
        let newest = with_status(said("alice", 2, "newest"), status);
        chat.load("bob", vec![older, newest, said("bob", 3, "theirs")], false);
        assert!(chat.lines_with("newest")[0].ends_with(&format!("newest  {shown}")));
        assert!(chat.lines_with("older")[0].ends_with("older  ◉"));
        assert!(chat.lines_with("theirs")[0].ends_with("theirs"));
    }
    for (status, shown) in [(Status::Queued, "◌ queued"), (Status::Sending, "◔ sending")] {
        chat.load("bob", vec![said("alice", 1, "older"), pending(9, "newest", status)], false);
        assert!(chat.lines_with("newest")[0].ends_with(shown));
    }
}

#[test]
fn failed_messages_tell_why_and_can_be_sent_again_or_removed() {
    let mut chat = Chat::new();
    chat.with_bob(vec![]);
    assert_eq!(chat.enter("/retry"), []);
    assert_eq!(chat.model.notice.as_ref().unwrap().text, "no message here has failed");
    let reason = Refusal::new(ErrorCode::UserUnknown);
    let failed = pending(7, "hello", Status::Failed { reason, unconfirmed: false });
    let id = failed.id;
    chat.load("bob", vec![failed], false);
    let screen = chat.screen().join("\n");
    assert!(screen.contains("✗ not sent: There is no such user"), "{screen}");
    assert!(screen.contains("Ctrl+R"));
    assert_eq!(chat.enter("/retry"), [Effect::Retry(vec![id])]);
    assert_eq!(chat.enter("/delete"), [Effect::Delete(vec![id])]);
    chat.effects.clear();
    chat.press_with(KeyModifiers::CONTROL, KeyCode::Char('r'));
    assert_eq!(chat.effects, [Effect::Retry(vec![id])]);
}

#[test]
fn a_message_keeps_its_place_in_view_when_it_is_sent() {
    let mut chat = Chat::new();
    let mut messages: Vec<_> =
        (1..=40).map(|seq| said("bob", seq, &format!("line {seq}"))).collect();
    messages.push(pending(50, "mine", Status::Sending));
    chat.with_bob(messages.clone());
    chat.press(KeyCode::Up);
    assert_ne!(chat.model.open.as_ref().unwrap().timeline.scroll, Scroll::End);
    let mut sent = said("alice", 41, "mine");
    sent.id = messages[40].id;
    messages[40] = sent;
    messages.push(said("bob", 42, "line 42"));
    let before = chat.screen().iter().position(|line| line.ends_with("line 38")).unwrap();
    chat.load("bob", messages, false);
    assert_eq!(chat.screen().iter().position(|line| line.ends_with("line 38")), Some(before));
}

#[test]
fn typing_is_told_now_and_then_and_ends_by_itself() {
    let mut chat = Chat::new();
    chat.with_bob(vec![]);
    chat.effects.clear();
    chat.type_text("hi");
    assert_eq!(chat.effects, [Effect::Typing(to_bob(), true)]);
    chat.pass(Duration::from_secs(4));
    chat.type_text("!");
    assert_eq!(chat.effects.len(), 2);
    let wanted = chat.enter("");
    assert!(wanted.contains(&Effect::Typing(to_bob(), false)));
    // A command is nobody's business.
    chat.effects.clear();
    chat.type_text("/help");
    assert_eq!(chat.effects, []);
    // Others.
    let typing = |stopped| {
        Input::Event(Box::new(Event::Typing {
            at: Target::User(user("bob")),
            who: user("bob"),
            stopped,
        }))
    };
    chat.step(typing(false));
    assert_eq!(chat.lines_with("bob is typing…").len(), 1);
    chat.pass(Duration::from_secs(7));
    assert_eq!(chat.lines_with("bob is typing…").len(), 0);
    chat.step(typing(false));
    chat.step(typing(true));
    assert_eq!(chat.lines_with("bob is typing…").len(), 0);
}

#[test]
fn the_switcher_finds_and_begins_conversations() {
    let mut chat = Chat::new();
    chat.list(vec![row("bob", 0, 0, None), row("barbara", 3, 0, None), row("小明", 0, 0, None)]);
    chat.press_with(KeyModifiers::CONTROL, KeyCode::Char('k'));
    chat.type_text("ba");
    assert!(chat.screen().iter().any(|line| line.contains("▌ barbara (3)")));
    chat.press(KeyCode::Down);
    assert!(chat.screen().iter().any(|line| line.contains("▌ write to ba")));
    chat.press(KeyCode::Down);
    chat.press(KeyCode::Enter);
    assert_eq!(chat.model.open.as_ref().unwrap().id, direct("barbara"));
    chat.press_with(KeyModifiers::CONTROL, KeyCode::Char('k'));
    chat.type_text("明");
    chat.press(KeyCode::Enter);
    assert_eq!(chat.model.open.as_ref().unwrap().id, direct("小明"));
    chat.press_with(KeyModifiers::CONTROL, KeyCode::Char('k'));
    chat.press(KeyCode::Esc);
    assert!(chat.model.overlay.is_none());
}

#[test]
fn group_commands_need_a_group() {
    let mut chat = Chat::new();
    assert_eq!(
        chat.enter("/group create \"Our group\" bob"),
        [Effect::CreateGroup("Our group".to_owned(), vec![user("bob")])]
    );
    // Without a connection it waits, and that is said.
    chat.step(Input::Link(Link::Connecting));
    assert_eq!(chat.enter("/group create Two").len(), 1);
    assert!(chat.model.notice.as_ref().unwrap().text.contains("as soon as there is a connection"));
    chat.step(Input::Link(Link::Connected));
    chat.with_bob(vec![]);
    assert_eq!(chat.enter("/group leave"), []);
    assert_eq!(chat.model.notice.as_ref().unwrap().text, "this works in a group only");
    let group = anser_types::ConversationId::group([7; 16]);
    chat.step(Input::GroupMade(group, "Our group".to_owned()));
    assert_eq!(chat.enter("/group invite dora"), [Effect::Invite(group, vec![user("dora")])]);
    assert_eq!(chat.enter("/group kick dora"), [Effect::Kick(group, vec![user("dora")])]);
    assert_eq!(chat.enter("/group members"), [Effect::LoadMembers(group)]);
    assert_eq!(chat.enter("/group leave"), [Effect::Leave(group)]);
}

#[test]
fn tab_completes_in_the_composer() {
    let mut chat = Chat::new();
    chat.list(vec![row("bob", 0, 0, None), row("bobby", 0, 0, None)]);
    chat.type_text("/to b");
    chat.press(KeyCode::Tab);
    assert_eq!(chat.model.composer.text(), "/to bob");
    assert_eq!(chat.lines_with("bob  bobby").len(), 1);
    chat.type_text("b");
    chat.press(KeyCode::Tab);
    assert_eq!(chat.model.composer.text(), "/to bobby ");
    chat.press(KeyCode::Enter);
    assert_eq!(chat.model.open.as_ref().unwrap().id, direct("bobby"));
}

#[test]
fn ctrl_c_twice_ends_once_does_not() {
    let mut chat = Chat::new();
    chat.type_text("text");
    let interrupt = |chat: &mut Chat| chat.press_with(KeyModifiers::CONTROL, KeyCode::Char('c'));
    chat.effects.clear();
    interrupt(&mut chat);
    assert!(chat.effects.is_empty() && chat.model.composer.is_empty());
    chat.pass(Duration::from_secs(4));
    interrupt(&mut chat);
    assert!(chat.effects.is_empty());
    interrupt(&mut chat);
    assert_eq!(chat.effects, [Effect::Quit]);
    assert_eq!(chat.enter("/quit"), [Effect::Quit]);
}

#[test]
fn the_connection_line_counts_down() {
    let mut chat = Chat::sized(Language::En, 100, 24);
    let reason = Refusal::new(ErrorCode::Unreachable);
    let retry_at = Some(chat.now.mono + Duration::from_millis(3_500));
    chat.step(Input::Link(Link::Waiting { retry_at, reason }));
    assert!(chat.screen()[0].contains("next try in 4 s (The server cannot be reached)"));
    chat.pass(Duration::from_secs(2));
    assert!(chat.screen()[0].contains("next try in 2 s"));
    chat.step(Input::Link(Link::Connected));
    assert!(chat.screen()[0].ends_with("● connected"));
    chat.step(Input::Event(Box::new(Event::SyncProgress { done: 50, missing: Some(120) })));
    assert!(chat.screen()[0].ends_with("reading what was missed: 50 of 120"));
    chat.step(Input::Event(Box::new(Event::SyncFinished)));
    assert!(chat.screen()[0].ends_with("● connected"));
    chat.effects.clear();
    chat.press_with(KeyModifiers::CONTROL, KeyCode::Char('o'));
    assert_eq!(chat.effects, [Effect::ConnectNow]);
}

#[test]
fn reads_of_the_store_never_pile_up() {
    let mut chat = Chat::new();
    chat.with_bob(vec![]);
    chat.effects.clear();
    for seq in 1..=50 {
        chat.step(came(seq));
    }
    let loads = |effects: &[Effect]| {
        effects.iter().filter(|effect| matches!(effect, Effect::LoadTimeline { .. })).count()
    };
    assert_eq!(loads(&chat.effects), 1);
    chat.effects.clear();
    chat.load("bob", vec![], false);
    // What came meanwhile is read by one more.
    assert_eq!(loads(&chat.effects), 1);
    chat.effects.clear();
    chat.load("bob", vec![], false);
    assert_eq!(loads(&chat.effects), 0);
}

#[test]
fn help_lists_every_command_and_sign() {
    let mut chat = Chat::sized(Language::Zh, 110, 40);
    chat.enter("/help");
    assert!(matches!(chat.model.overlay, Some(Overlay::Help)));
    let screen = chat.screen().join("\n");
    for text in [
        "/to",
        "/contact",
        "/settings",
        "/pin-chat",
        "/forward",
        "anser forward",
        "/report",
        "impersonation",
        "/forget",
        "/group create",
        "/retry",
        "/delete",
        "/history",
        "/quit",
        "◌ 待发送",
        "◉ 已读",
    ] {
        assert!(screen.contains(text), "{text} is missing in\n{screen}");
    }
    assert!(screen.contains(Text::CloseHint.in_language(Language::Zh)));
    chat.press(KeyCode::Esc);
    assert!(chat.model.overlay.is_none());
}

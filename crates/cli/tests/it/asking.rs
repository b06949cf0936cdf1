//! Commands of the chat about people, groups and one's own lists: how they are read, and what is asked for.

use std::time::Duration;

use anser_cli::chat::asked::{Asked, Listing, Look};
use anser_cli::chat::slash::{Slash, complete, parse};
use anser_cli::chat::step::{Effect, Input};
use anser_cli::chat::texts::{Language, Texts};
use anser_cli::readers::Readers;
use anser_types::{
    Audience, Contact, ContactAct, ConversationId, MemberAct, Notify, Relation, Role, Seq,
    SetGroup, SetOptions, SetSettings, Settings, UnixMs,
};

use crate::support::{Chat, NOON, said, to_bob, user};

fn problem(line: &str) -> String {
    parse(line).unwrap_err().say(Texts(Language::En))
}

fn team() -> ConversationId {
    ConversationId::group([7; 16])
}

#[test]
fn contact_commands_name_a_user_and_what_is_said_to_them() {
    let apply = ContactAct::Apply { greeting: "we met at the lake".to_owned() };
    assert_eq!(
        parse("/contact apply bob we met at the lake"),
        Ok(Slash::Contact(user("bob"), apply))
    );
    assert_eq!(
        parse("/contact remark bob Bobby"),
        Ok(Slash::Contact(user("bob"), ContactAct::Remark("Bobby".to_owned())))
    );
    for (verb, act) in [
        ("accept", ContactAct::Accept),
        ("refuse", ContactAct::Refuse),
        ("remove", ContactAct::Remove),
        ("block", ContactAct::Block),
        ("unblock", ContactAct::Unblock),
    ] {
        assert_eq!(parse(&format!("/contact {verb} bob")), Ok(Slash::Contact(user("bob"), act)));
    }
    assert_eq!(parse("/contact"), Ok(Slash::Contacts));
    assert_eq!(problem("/contact accept"), "/contact accept needs a user: /contact accept USER");
    assert!(problem("/contact marry bob").starts_with("/contact needs one of: list, apply"));
}

#[test]
fn settings_are_named_with_what_they_can_be() {
    let set = SetSettings { write_first: Some(Audience::Contacts), ..SetSettings::default() };
    assert_eq!(parse("/settings write-first contacts"), Ok(Slash::SetSettings(set)));
    let set = SetSettings { show_read: Some(false), ..SetSettings::default() };
    assert_eq!(parse("/settings show-read off"), Ok(Slash::SetSettings(set)));
    assert_eq!(parse("/settings"), Ok(Slash::Settings));
    assert_eq!(
        problem("/settings last-seen friends"),
        "/settings last-seen takes one of: everybody, contacts, nobody"
    );
}

#[test]
fn what_is_wrong_with_a_group_command_is_said() {
    assert_eq!(problem("/group mute bob soon"), "soon is no time: write 90s, 10m, 2h or 7d");
    assert_eq!(problem("/group role bob owner"), "/group role takes one of: admin, member");
    assert_eq!(problem("/group join"), "/group join needs the id of a group: /group join ID");
    assert_eq!(problem("/group join nowhere"), "nowhere is no id of a group");
    assert_eq!(problem("/group transfer"), "/group transfer needs a user: /group transfer USER");
}

#[test]
fn tab_completes_what_follows() {
    let users = [user("bob")];
    let line = |text: &str| complete(text, &users, &[]).line;
    assert_eq!(line("/contact app"), "/contact apply ");
    assert_eq!(line("/contact block b"), "/contact block bob ");
    assert_eq!(line("/settings w"), "/settings write-first ");
    assert_eq!(line("/group transfer b"), "/group transfer bob ");
}

#[test]
fn group_commands_mean_the_open_group() {
    let mut chat = Chat::new();
    chat.step(Input::GroupMade(team(), "Team".to_owned()));
    let member = |name: &str, act| [Effect::Ask(Asked::Member(team(), user(name), act))];
    let changed = |set| [Effect::Ask(Asked::Group(team(), set))];
    let title = SetGroup { title: Some("New name".to_owned()), ..SetGroup::default() };
    assert_eq!(chat.enter("/group title New name"), changed(title));
    let muted = SetGroup { muted: Some(true), ..SetGroup::default() };
    assert_eq!(chat.enter("/group mute"), changed(muted));
    let until = UnixMs(NOON + 600_000);
    let channel = SetGroup { channel: true, ..SetGroup::default() };
    assert_eq!(chat.enter("/group channel"), changed(channel));
    assert_eq!(chat.enter("/group mute bob 10m"), member("bob", MemberAct::MuteUntil(until)));
    assert_eq!(chat.enter("/group unmute bob"), member("bob", MemberAct::MuteUntil(UnixMs(0))));
    assert_eq!(chat.enter("/group role bob admin"), member("bob", MemberAct::Role(Role::Admin)));
    assert_eq!(chat.enter("/group transfer bob"), member("bob", MemberAct::Role(Role::Owner)));
    // Without a user one names oneself.
    assert_eq!(chat.enter("/group alias Al"), member("alice", MemberAct::Alias("Al".to_owned())));
    assert_eq!(
        chat.enter("/group accept carol"),
        [Effect::Ask(Asked::Answer(team(), user("carol"), true))]
    );
    assert_eq!(chat.enter("/group requests"), [Effect::Look(Look::Requests(team()))]);
    assert_eq!(chat.enter("/group dismiss"), [Effect::Ask(Asked::Dismiss(team()))]);
    let join = Asked::Join(team(), "let me in".to_owned());
    assert_eq!(chat.enter(&format!("/group join {} let me in", team())), [Effect::Ask(join)]);
}

#[test]
fn what_concerns_only_oneself_means_the_open_conversation() {
    let mut chat = Chat::new();
    assert_eq!(chat.enter("/mute"), [], "no conversation is open");
    chat.with_bob(vec![said("alice", 1, "hi"), said("bob", 2, "hm")]);
    let options = |set| [Effect::Ask(Asked::Options(to_bob(), set))];
    let silent = SetOptions { notify: Some(Notify::Nothing), ..SetOptions::default() };
    assert_eq!(chat.enter("/mute"), options(silent));
    let above = SetOptions { pinned: Some(true), ..SetOptions::default() };
    assert_eq!(chat.enter("/pin-chat"), options(above));
    assert_eq!(chat.enter("/hide"), [Effect::Ask(Asked::Hide(to_bob()))]);
    assert_eq!(chat.enter("/clear"), [Effect::Ask(Asked::Clear(to_bob()))]);
    assert_eq!(chat.enter("/forget"), [Effect::Ask(Asked::Forget(to_bob(), vec![Seq(2)]))]);
    // Who has read is asked of one's own words.
    assert_eq!(chat.enter("/readers"), [Effect::Look(Look::Readers(to_bob(), Seq(1)))]);
}

#[test]
fn what_was_looked_up_lies_over_the_timeline() {
    let mut chat = Chat::new();
    let bob = Contact {
        relation: Relation::Asked,
        remark: "Bobby".to_owned(),
        greeting: "we met".to_owned(),
        ..Contact::stranger(user("bob"))
    };
    let gone = Contact::stranger(user("dora"));
    chat.step(Input::Listed(Listing::Contacts(vec![bob, gone])));
    let screen = chat.screen().join("\n");
    assert!(screen.contains("Bobby (bob)  asks to be your contact  we met"), "{screen}");
    assert!(!screen.contains("dora"), "{screen}");
    let (read, unread) = (vec![user("bob")], vec![user("carol")]);
    let readers = Readers { read, unread, read_count: 1, unread_count: 1 };
    chat.step(Input::Listed(Listing::Readers(readers)));
    assert_eq!(chat.screen().iter().filter(|line| line.contains("carol  not read")).count(), 1);
    chat.step(Input::Listed(Listing::Settings(Settings::default())));
    assert!(chat.screen().iter().any(|line| line.contains("/settings write-first everybody")));
    chat.pass(Duration::from_secs(1));
    chat.press(crossterm::event::KeyCode::Esc);
    assert!(chat.model.overlay.is_none());
}

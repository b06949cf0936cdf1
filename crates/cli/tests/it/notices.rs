//! What happened in a group, and what others want of one, in both languages.

use anser_cli::chat::notices;
use anser_cli::chat::step::Input;
use anser_cli::chat::texts::{Language, Texts};
use anser_cli::named::FOREVER;
use anser_sdk::Event;
use anser_types::{
    Change, ChangeKind, ChangeNo, Contact, ConversationId, ErrorCode, JoinMode, JoinRequest,
    JoinState, MemberAct, Refusal, Role, Seq, SetGroup, UnixMs, Version,
};

use crate::support::{Chat, NOON, row, user};

fn change(actor: &str, kind: ChangeKind) -> Change {
    Change {
        conversation: ConversationId::group([9; 16]),
        change_no: ChangeNo(1),
        after_seq: Seq(0),
        version: Version(1),
        actor: user(actor),
        at: UnixMs(NOON),
        kind,
    }
}

/// The sentence in English and in Chinese, as alice reads it.
fn told(actor: &str, kind: ChangeKind) -> [String; 2] {
    let change = change(actor, kind);
    [Language::En, Language::Zh].map(|language| {
        let chat = Chat::sized(language, 80, 24);
        notices::change(&change, &chat.model.setting)
    })
}

fn updated(set: SetGroup) -> [String; 2] {
    told("bob", ChangeKind::GroupUpdated(set))
}

fn about(whom: &str, act: MemberAct) -> [String; 2] {
    told("bob", ChangeKind::MemberAltered { user: user(whom), act })
}

#[test]
fn what_a_group_became_is_told() {
    let title = SetGroup { title: Some("Lake".to_owned()), ..SetGroup::default() };
    assert_eq!(updated(title), ["bob named the group “Lake”", "bob 将群名改为“Lake”"]);
    let several = SetGroup {
        announcement: Some("be\nkind".to_owned()),
        join: Some(JoinMode::Open),
        muted: Some(true),
        ..SetGroup::default()
    };
    let [english, chinese] = updated(several);
    assert_eq!(
        english,
        "bob announced: be kind · bob opened the group to everybody · bob lets only admins speak"
    );
    assert!(chinese.contains("全员禁言"), "{chinese}");
    let channel = SetGroup { channel: true, ..SetGroup::default() };
    let [english, chinese] = updated(channel);
    assert!(english.starts_with("bob made the group a channel: many may come in"), "{english}");
    assert!(chinese.starts_with("bob 将群升级为频道"), "{chinese}");
    let dissolved = told("alice", ChangeKind::GroupDismissed);
    assert_eq!(dissolved, ["you dissolved the group", "我 解散了群"]);
    let joined = ChangeKind::MembersJoined {
        title: String::new(),
        users: vec![user("carol")],
        channel: false,
    };
    assert_eq!(told("carol", joined), ["carol came in", "carol 加入了群"]);
}

#[test]
fn what_a_member_may_and_is_called_is_told() {
    assert_eq!(
        about("carol", MemberAct::Role(Role::Admin)),
        ["bob made carol an admin", "bob 将 carol 设为管理员"]
    );
    assert_eq!(
        about("carol", MemberAct::MuteUntil(UnixMs(NOON + 600_000))),
        ["bob muted carol until 12:10", "bob 将 carol 禁言至 12:10"]
    );
    let tomorrow = MemberAct::MuteUntil(UnixMs(NOON + 86_400_000));
    assert_eq!(about("carol", tomorrow)[0], "bob muted carol until 2026-11-21 12:00");
    assert_eq!(
        about("alice", MemberAct::MuteUntil(FOREVER))[0],
        "bob muted you until further notice"
    );
    assert_eq!(about("carol", MemberAct::MuteUntil(UnixMs(0)))[0], "bob lets carol speak again");
    assert_eq!(
        about("bob", MemberAct::Alias("The Bob".to_owned())),
        ["bob is called “The Bob” here", "bob 将自己的群昵称改为“The Bob”"]
    );
}

#[test]
fn who_asks_to_be_a_contact_is_told_with_what_to_type() {
    for (language, asks) in
        [(Language::En, "asks to be your contact"), (Language::Zh, "请求加你为好友")]
    {
        let mut chat = Chat::sized(language, 120, 24);
        let greeting = "we met".to_owned();
        let contact = Contact { greeting, ..Contact::stranger(user("bob")) };
        chat.step(Input::Event(Box::new(Event::ContactApplied(contact))));
        let screen = chat.screen().join("\n");
        for text in [asks, "we met", "/contact accept bob", "/contact refuse bob"] {
            assert!(screen.contains(text), "{text} is missing in\n{screen}");
        }
    }
}

#[test]
fn who_asks_to_come_in_is_told_to_admins_and_the_answer_to_who_asked() {
    let group = ConversationId::group([9; 16]);
    let mut chat = Chat::new();
    let mut team = row("x", 0, 0, None);
    (team.id, team.peer, team.title) = (group, None, "Team".to_owned());
    chat.list(vec![team]);
    let mut hear = |who: &str, state| {
        let request = JoinRequest { user: user(who), greeting: String::new(), state };
        chat.step(Input::Event(Box::new(Event::JoinRequestChanged { group, request })));
        chat.model.notice.take().map(|notice| notice.text)
    };
    let asked = hear("carol", JoinState::Waiting).unwrap();
    assert!(
        asked.starts_with("carol asks to come into Team · there: /group accept carol"),
        "{asked}"
    );
    assert_eq!(hear("carol", JoinState::Accepted), None, "the timeline tells");
    assert_eq!(hear("alice", JoinState::Accepted).unwrap(), "you were let into Team");
}

#[test]
fn a_block_is_told_as_any_refusal_to_hear_and_no_more() {
    let refused = Refusal::new(ErrorCode::SenderRefused);
    assert_eq!(Texts(Language::En).reason(&refused), "This user takes no messages from you");
    assert_eq!(Texts(Language::Zh).reason(&refused), "对方不接收你的消息");
    let muted = Refusal::new(ErrorCode::Muted);
    assert_eq!(Texts(Language::Zh).reason(&muted), "你目前不能在本群发言");
}

//! Who may do what: every command and every query, asked by everybody, on what is their own and what is another's.
//! `docs/develop/permissions.md` is made from the table by this test; a command or query without a row does not compile
//! or fails here.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anser_service::{Presence, Query, Reply};
use anser_types::report::{ReportReason, Reported};
use anser_types::{
    Alteration, ChangeNo, Command, ContactAct, Content, ConversationId, ErrorCode, InboxSeq,
    ItemKey, ItemKind, JoinMode, LogEpoch, MemberAct, Role, Seq, SetGroup, SetOptions, SetSettings,
    Target, UnixMs, Version,
};

use crate::world::{Device, World, id, invite, kick, send, to};

/// Everybody who asks. The group is olga's; tom is the one who is written to.
const ASKERS: [&str; 8] =
    ["stranger", "contact", "blocked", "member", "removed", "muted", "admin", "owner"];

/// A world in which everybody is what their name says.
struct Stage {
    world: World,
    group: ConversationId,
    askers: Vec<Device>,
}

/// What was said in the group: one message of each member, the first by the owner.
const BY_OWNER: u64 = 1;
const BY_MEMBER: u64 = 2;

impl Stage {
    async fn set() -> Self {
        let world = World::new();
        world.user("newcomer").await;
        let mut tom = world.connect("tom").await;
        let mut askers = Vec::new();
        for name in ASKERS {
            askers.push(world.connect(name).await);
        }
        let by_name = |name: &str| ASKERS.iter().position(|asker| *asker == name).unwrap();
        let (contact, blocked, owner) = (by_name("contact"), by_name("blocked"), by_name("owner"));
        tom.done(Command::SetSettings(SetSettings {
            write_first: Some(anser_types::Audience::Contacts),
            last_seen: Some(anser_types::Audience::Contacts),
            ..SetSettings::default()
        }))
        .await;
        let greeting = String::new();
        askers[contact].done(about("tom", ContactAct::Apply { greeting })).await;
        tom.done(about("contact", ContactAct::Accept)).await;
        tom.say(to("contact"), "hello").await;
        tom.say(to("blocked"), "hello").await;
        tom.done(about("blocked", ContactAct::Block)).await;
        assert_eq!(askers[blocked].hears().await, ["tom: hello"]);
        let members = ["member", "removed", "muted", "admin"];
        let group = askers[owner].create_group("all", &members).await;
        let at = || Target::Conversation(group);
        askers[owner].say(at(), "welcome").await;
        askers[by_name("member")].say(at(), "thanks").await;
        for (user, act) in [
            ("admin", MemberAct::Role(Role::Admin)),
            ("muted", MemberAct::MuteUntil(UnixMs(u64::MAX))),
        ] {
            let (conversation, user) = (group, id(user));
            askers[owner].done(Command::AlterMember { conversation, user, act }).await;
        }
        let join = SetGroup { join: Some(JoinMode::Approval), ..SetGroup::default() };
        askers[owner].done(Command::UpdateGroup { conversation: group, set: join }).await;
        let mut guest = world.connect("guest").await;
        guest.done(Command::Join { conversation: group, greeting: String::new() }).await;
        askers[owner].done(kick(group, &["removed"])).await;
        Self { world, group, askers }
    }
}

/// Where the questions about a group are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Group,
    Channel,
}

fn about(user: &str, act: ContactAct) -> Command {
    Command::Contact { user: id(user), act }
}

/// What is asked.
enum Ask {
    Do(Command),
    Read(Query),
}

/// A line of the table: what is asked of whom, and the answer to each asker in the order of [`ASKERS`]: `.` is yes.
struct Row {
    what: &'static str,
    ask: fn(&Stage, &str) -> Ask,
    answers: &'static str,
}

const fn row(what: &'static str, ask: fn(&Stage, &str) -> Ask, answers: &'static str) -> Row {
    Row { what, ask, answers }
}

fn at(stage: &Stage) -> Target {
    Target::Conversation(stage.group)
}

fn alter(at: Target, seq: u64, alteration: Alteration) -> Ask {
    Ask::Do(Command::Alter { at, seq: Seq(seq), of: None, alteration })
}

fn member(stage: &Stage, user: &str, act: MemberAct) -> Ask {
    Ask::Do(Command::AlterMember { conversation: stage.group, user: id(user), act })
}

fn history(of: Target) -> Query {
    Query::History { of, after: Seq::ZERO, before: Seq::ZERO, limit: 9, oldest_first: true }
}

fn react() -> Alteration {
    Alteration::React { emoji: "👍".to_owned(), on: true }
}

fn report(about: Reported) -> Ask {
    let (reason, text) = (ReportReason::Spam, String::new());
    Ask::Do(Command::Report { about, reason, text })
}

fn requests(conversation: Option<ConversationId>, kind: ItemKind) -> Ask {
    let (prefix, after) = (ItemKey::all(kind), ItemKey::default());
    Ask::Read(Query::Items { conversation, prefix, after, limit: 9 })
}

#[rustfmt::skip]
const TABLE: &[Row] = &[
    //                                                                       stranger contact blocked member removed muted admin owner
    row("say something in the group", |s, _| Ask::Do(send(at(s), "hello")), "unknown unknown unknown . unknown muted . ."),
    row("mark the group as read", |s, _| Ask::Do(Command::MarkRead { at: at(s), up_to: Seq(1) }), "unknown unknown unknown . unknown . . ."),
    row("edit somebody's message", |s, _| alter(at(s), BY_OWNER, Alteration::Edit(Content::text("mine"))), "unknown unknown unknown not unknown muted not ."),
    row("take a member's message back", |s, _| alter(at(s), BY_MEMBER, Alteration::Revoke), "unknown unknown unknown . unknown not . ."),
    row("take the owner's message back", |s, _| alter(at(s), BY_OWNER, Alteration::Revoke), "unknown unknown unknown not unknown not not ."),
    row("react to a message", |s, _| alter(at(s), BY_OWNER, react()), "unknown unknown unknown . unknown muted . ."),
    row("pin a message in the group", |s, _| alter(at(s), BY_OWNER, Alteration::Pin { on: true }), "unknown unknown unknown not unknown not . ."),
    row("invite somebody", |s, _| Ask::Do(invite(s.group, &["newcomer"])), "unknown unknown unknown . unknown . . ."),
    row("remove a member", |s, _| Ask::Do(kick(s.group, &["member"])), "unknown unknown unknown not unknown not . ."),
    row("remove the owner", |s, _| Ask::Do(kick(s.group, &["owner"])), "unknown unknown unknown not unknown not not invalid"),
    row("leave the group", |s, _| Ask::Do(Command::Leave { conversation: s.group }), "unknown unknown unknown . unknown . . ."),
    row("change what the group is", |s, _| Ask::Do(Command::UpdateGroup { conversation: s.group, set: SetGroup { title: Some("new".into()), ..SetGroup::default() } }), "unknown unknown unknown not unknown not . ."),
    row("make a member an admin", |s, _| member(s, "member", MemberAct::Role(Role::Admin)), "unknown unknown unknown not unknown not not ."),
    row("hand the group over", |s, _| member(s, "member", MemberAct::Role(Role::Owner)), "unknown unknown unknown not unknown not not ."),
    row("mute a member", |s, _| member(s, "member", MemberAct::MuteUntil(UnixMs(u64::MAX))), "unknown unknown unknown not unknown not . ."),
    row("mute the owner", |s, _| member(s, "owner", MemberAct::MuteUntil(UnixMs(u64::MAX))), "unknown unknown unknown not unknown not not not"),
    row("name oneself in the group", |s, who| member(s, who, MemberAct::Alias("me".into())), "unknown unknown unknown . unknown . . ."),
    row("name a member", |s, _| member(s, "muted", MemberAct::Alias("you".into())), "unknown unknown unknown not unknown . . ."),
    row("dissolve the group", |s, _| Ask::Do(Command::Dismiss { conversation: s.group }), "unknown unknown unknown not unknown not not ."),
    row("ask to come in", |s, _| Ask::Do(Command::Join { conversation: s.group, greeting: String::new() }), ". . . . . . . ."),
    row("let somebody in who asked", |s, _| Ask::Do(Command::AnswerJoin { conversation: s.group, user: id("guest"), accept: true }), "unknown unknown unknown not unknown not . ."),
    row("read who asks to come in", |s, _| requests(Some(s.group), ItemKind::JoinRequest), "unknown unknown unknown not unknown not . ."),
    row("read the group's history", |s, _| Ask::Read(history(at(s))), "unknown unknown unknown . . . . ."),
    row("read what a message said before", |s, _| Ask::Read(Query::Editions { of: at(s), seq: Seq(1) }), "unknown unknown unknown . . . . ."),
    row("read the group's changes", |s, _| Ask::Read(Query::Changes { conversation: s.group, after: ChangeNo::ZERO, limit: 9 }), "unknown unknown unknown . . . . ."),
    row("read who is in the group", |s, _| Ask::Read(Query::Members { conversation: s.group, known: Version::ZERO, after: None, limit: 0 }), "unknown unknown unknown . unknown . . ."),
    row("pin the group in one's list", |s, _| Ask::Do(Command::SetOptions { at: at(s), set: SetOptions { pinned: Some(true), ..SetOptions::default() } }), "unknown unknown unknown . . . . ."),
    row("remove a message for oneself", |s, _| Ask::Do(Command::Hide { at: at(s), seqs: vec![Seq(1)] }), "unknown unknown unknown . . . . ."),
    row("report the owner's message to the operators", |s, _| report(Reported::Message { at: at(s), seq: Seq(BY_OWNER) }), "unknown unknown unknown . . . . invalid"),
    row("report the group to the operators", |s, _| report(Reported::Conversation(at(s))), "unknown unknown unknown . . . . ."),
    row("report tom to the operators", |_, _| report(Reported::User(id("tom"))), ". . . . . . . ."),
    row("write to tom, who takes from contacts", |_, _| Ask::Do(send(to("tom"), "hello")), "refused . refused refused refused refused refused refused"),
    row("bring tom into a group", |_, _| Ask::Do(Command::CreateGroup { title: "us".into(), members: vec![id("tom")], history_for_new_members: false }), "refused . refused refused refused refused refused refused"),
    row("react to a message of tom's", |_, _| alter(to("tom"), 1, react()), "missing . refused missing missing missing missing missing"),
    row("edit a message of tom's", |_, _| alter(to("tom"), 1, Alteration::Edit(Content::text("mine"))), "missing not refused missing missing missing missing missing"),
    row("mark what tom said as read", |_, _| Ask::Do(Command::MarkRead { at: to("tom"), up_to: Seq(1) }), "above . . above above above above above"),
    row("apply to be tom's contact", |_, _| Ask::Do(about("tom", ContactAct::Apply { greeting: "hi".into() })), ". . refused . . . . ."),
    row("accept an application of tom's that was not made", |_, _| Ask::Do(about("tom", ContactAct::Accept)), "missing . missing missing missing missing missing missing"),
    row("block tom", |_, _| Ask::Do(about("tom", ContactAct::Block)), ". . . . . . . ."),
    row("change one's settings", |_, _| Ask::Do(Command::SetSettings(SetSettings { show_read: Some(false), ..SetSettings::default() })), ". . . . . . . ."),
    row("read one's contacts", |_, _| requests(None, ItemKind::Contact), ". . . . . . . ."),
    row("read tom's contacts", |_, _| requests(Some(ConversationId::own(&id("tom"))), ItemKind::Contact), "unknown unknown unknown unknown unknown unknown unknown unknown"),
    row("see who has read a message of the group", |s, _| Ask::Read(Query::Readers { conversation: s.group, seq: Seq(1), unread: false, after: None, limit: 9 }), "unknown unknown unknown . unknown . . ."),
    row("search the group", |s, _| Ask::Read(Query::Search { text: "welcome".into(), of: Some(at(s)), before: None, limit: 9 }), "unknown unknown unknown . . . . ."),
    row("read one's conversations", |_, _| Ask::Read(Query::Conversations { after: None, limit: 9 }), ". . . . . . . ."),
    row("rebuild from one's conversations", |_, _| Ask::Read(Query::SyncPage { at: InboxSeq(99), since: LogEpoch::ZERO, after: None, limit: 9, heads_only: false }), ". . . . . . . ."),
    row("see whether tom is online, who shows it to his contacts", |_, _| Ask::Read(Query::Presence { of: vec![id("tom")] }), "hidden . hidden hidden hidden hidden hidden hidden"),
    row("read how far the others are", |s, _| Ask::Read(Query::Receipts { of: vec![at(s)] }), ". . . . . . . ."),
];

/// The word of the table for an error.
fn word(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::ConversationUnknown => "unknown",
        ErrorCode::NotAllowed => "not",
        ErrorCode::Muted => "muted",
        ErrorCode::SenderRefused => "refused",
        ErrorCode::TargetMissing => "missing",
        ErrorCode::ReadAboveHead => "above",
        ErrorCode::InvalidArgument => "invalid",
        other => panic!("{other} has no word in the table"),
    }
}

async fn answer(row: &Row, asker: usize, place: Place) -> &'static str {
    let mut stage = Stage::set().await;
    if place == Place::Channel {
        let owner = ASKERS.iter().position(|asker| *asker == "owner").unwrap();
        let set = SetGroup { channel: true, ..SetGroup::default() };
        let conversation = stage.group;
        stage.askers[owner].done(Command::UpdateGroup { conversation, set }).await;
    }
    let ask = (row.ask)(&stage, ASKERS[asker]);
    let group = stage.group;
    let device = &mut stage.askers[asker];
    match ask {
        Ask::Do(command) => match device.run(command).await {
            anser_service::Answered::Final { answer, .. } => match answer.outcome {
                anser_types::Outcome::Done(_) => ".",
                anser_types::Outcome::Refused(refusal) => word(refusal.code),
            },
            anser_service::Answered::Refused { refusal, .. } => panic!("{refusal}"),
        },
        Ask::Read(query) => match device.session.query(query).await {
            // Positions of a place one is not in are zero: nothing is told.
            Ok(Reply::Receipts(receipts)) => {
                let is_in = stage.world.store_has(group, ASKERS[asker]).await;
                // Of a channel nobody is told how far its members are.
                let is_in = is_in && place == Place::Group;
                assert_eq!(receipts[0].members.is_empty(), !is_in);
                "."
            }
            // Whom one may not see looks like nobody.
            Ok(Reply::Presence(found)) if found[0].presence == Presence::Unknown => "hidden",
            Ok(_) => ".",
            Err(refusal) => word(refusal.code),
        },
    }
}

#[tokio::test]
async fn requirement_k5_everybody_may_do_exactly_what_the_table_says() {
    for row in TABLE {
        let wanted: Vec<&str> = row.answers.split(' ').collect();
        assert_eq!(wanted.len(), ASKERS.len(), "{}", row.what);
        for (asker, wanted) in wanted.iter().enumerate() {
            let answered = answer(row, asker, Place::Group).await;
            assert_eq!(answered, *wanted, "{}: {}", ASKERS[asker], row.what);
        }
    }
}

/// What is different in a channel: its owner does not leave it without an owner, and it keeps no list of readers.
const IN_CHANNELS: &[(&str, &str, &str)] = &[
    ("leave the group", "owner", "not"),
    ("see who has read a message of the group", "member", "invalid"),
    ("see who has read a message of the group", "muted", "invalid"),
    ("see who has read a message of the group", "admin", "invalid"),
    ("see who has read a message of the group", "owner", "invalid"),
];

#[tokio::test]
async fn requirement_k5_a_channel_answers_as_a_group_does() {
    for row in TABLE {
        for (asker, wanted) in row.answers.split(' ').enumerate() {
            let other = IN_CHANNELS
                .iter()
                .find(|(what, who, _)| *what == row.what && *who == ASKERS[asker])
                .map(|(.., answer)| *answer);
            let answered = answer(row, asker, Place::Channel).await;
            assert_eq!(answered, other.unwrap_or(wanted), "{}: {}", ASKERS[asker], row.what);
        }
    }
}

/// Every kind of command. A new one does not compile until it is named here, and fails below until it has a row.
fn kind_of_command(command: &Command) -> Option<&'static str> {
    Some(match command {
        Command::SendMessage { .. } => "send",
        Command::MarkRead { .. } => "mark read",
        Command::CreateGroup { .. } => "create group",
        Command::Invite { .. } => "invite",
        Command::Leave { .. } => "leave",
        Command::Kick { .. } => "kick",
        Command::Alter { .. } => "alter",
        Command::UpdateGroup { .. } => "update group",
        Command::AlterMember { .. } => "alter member",
        Command::Dismiss { .. } => "dismiss",
        Command::Join { .. } => "join",
        Command::AnswerJoin { .. } => "answer join",
        Command::Contact { .. } => "contact",
        Command::SetOptions { .. } => "set options",
        Command::SetSettings(_) => "set settings",
        Command::Hide { .. } => "hide",
        Command::Report { .. } => "report",
        // Refused for everybody.
        Command::Unknown | Command::Invalid(_) => return None,
    })
}

/// Every kind of query.
const fn kind_of_query(query: &Query) -> &'static str {
    match query {
        Query::History { .. } => "history",
        Query::Conversations { .. } => "conversations",
        Query::Members { .. } => "members",
        Query::Receipts { .. } => "receipts",
        Query::SyncPage { .. } => "sync page",
        Query::Editions { .. } => "editions",
        Query::Items { .. } => "items",
        Query::Changes { .. } => "changes",
        Query::Search { .. } => "search",
        Query::Presence { .. } => "presence",
        Query::Readers { .. } => "readers",
    }
}

const KINDS: usize = 17 + 11;

#[tokio::test]
async fn every_command_and_every_query_has_a_row() {
    let stage = Stage::set().await;
    let named: BTreeSet<&str> = TABLE
        .iter()
        .filter_map(|row| match (row.ask)(&stage, "member") {
            Ask::Do(command) => kind_of_command(&command),
            Ask::Read(query) => Some(kind_of_query(&query)),
        })
        .collect();
    assert_eq!(named.len(), KINDS, "{named:?}");
}

/// The page of the documentation.
fn page() -> String {
    let mut page = "# Who may do what\n\nEvery command and query, asked by everybody; a test runs each cell (`crates/service/tests/it/permissions.rs`) and this\npage is made from its table. Yes is `●`; else the code of the refusal, or *not told* where\nnobody can tell whether there is anything. The group belongs to *owner*; *tom* takes\nmessages from his contacts only, and blocks *blocked*.\n\n".to_owned();
    writeln!(page, "| | {} |", ASKERS.join(" | ")).unwrap();
    writeln!(page, "|---|{}", "---|".repeat(ASKERS.len())).unwrap();
    for row in TABLE {
        let answers = row.answers.split(' ').map(|answer| match answer {
            "." => "●".to_owned(),
            "hidden" => "not told".to_owned(),
            word => format!("`{}`", code_of(word)),
        });
        let answers: Vec<String> = answers.collect();
        writeln!(page, "| {} | {} |", row.what, answers.join(" | ")).unwrap();
    }
    page
}

fn code_of(answer: &str) -> ErrorCode {
    let all = ErrorCode::ALL.iter().copied();
    let known = [
        ErrorCode::ConversationUnknown,
        ErrorCode::NotAllowed,
        ErrorCode::Muted,
        ErrorCode::SenderRefused,
        ErrorCode::TargetMissing,
        ErrorCode::ReadAboveHead,
        ErrorCode::InvalidArgument,
    ];
    all.into_iter().find(|code| known.contains(code) && word(*code) == answer).unwrap()
}

#[test]
fn the_page_of_the_documentation_says_what_the_table_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/develop/permissions.md");
    if std::env::var_os("ANSER_WRITE_DOCS").is_some() {
        std::fs::write(path, page()).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(found, page(), "run this test with ANSER_WRITE_DOCS=1 to write the page");
}

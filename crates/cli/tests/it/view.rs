//! Screens, as a person sees them.

use anser_cli::chat::step::Input;
use anser_cli::chat::texts::Language;
use anser_cli::chat::timeline::{Beside, Window};
use anser_sdk::store::Status;
use anser_types::{
    Change, ChangeKind, ChangeNo, ConversationId, Seq, Unavailable, UnixMs, Version,
    event::UnavailableReason,
};

use crate::support::{Chat, NOON, direct, page, pending, row, said, user, with_status};

#[test]
fn a_conversation_on_a_usual_screen() {
    let mut chat = Chat::sized(Language::En, 80, 14);
    let messages = vec![
        said("bob", 1, "hello alice"),
        said("bob", 2, "are you there?"),
        with_status(said("alice", 3, "here I am"), Status::Read),
        with_status(said("alice", 4, "what is it?"), Status::Delivered),
    ];
    chat.list(vec![row("bob", 0, 2, messages.last().cloned()), row("carol", 2, 0, None)]);
    chat.open("bob");
    chat.load("bob", messages, false);
    chat.type_text("tell me");
    let screen = chat.screen();
    let expected = "\
alice @ 127.0.0.1:7410                                               ● connected
Conversations               │bob
▌bob                   11:04│
 ✓✓ what is it?             │
 carol                      │                   the beginning
                         (2)│────────────────────── Today ──────────────────────
                            │bob 11:01
                            │  hello alice
                            │  are you there?
                            │you 11:03
                            │  here I am  ◉
                            │  what is it?  ✓✓ delivered
                            │
                            │> tell me";
    for (line, (is, wanted)) in screen.iter().zip(expected.lines()).enumerate() {
        assert!(compare(is, wanted), "line {line}:\n{is}\n{wanted}\n\n{}", screen.join("\n"));
    }
}

/// Equal but for the number of spaces in a row: the exact columns are not what this is about.
fn compare(is: &str, wanted: &str) -> bool {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    words(is) == words(wanted)
}

#[test]
fn chinese_stands_in_its_columns() {
    let mut chat = Chat::sized(Language::Zh, 80, 12);
    let long = "今天天气很好，我们下午一起去公园散步吧，晚上再去吃火锅，你觉得怎么样？记得带伞。";
    chat.list(vec![row("bob", 1, 0, Some(said("bob", 1, long)))]);
    chat.open("bob");
    chat.load("bob", vec![said("bob", 1, long), said("alice", 2, "好的👍")], false);
    let screen = chat.screen();
    for line in &screen {
        assert!(anser_cli::chat::wrap::width(line) <= 80, "{line}");
    }
    // The rule beside the list stands in one column whatever is left of it.
    let columns: Vec<usize> = screen[1..]
        .iter()
        .filter_map(|line| line.split_once('│').map(|(left, _)| anser_cli::chat::wrap::width(left)))
        .collect();
    assert_eq!(columns.len(), 11);
    assert!(columns.iter().all(|column| *column == 28), "{columns:?}");
    assert!(screen.iter().any(|line| line.contains("好的👍  ✓ 已发送")));
    assert!(screen[0].ends_with("● 已连接"));
}

#[test]
fn the_terminals_cursor_stands_where_the_next_character_goes() {
    let mut chat = Chat::sized(Language::En, 80, 14);
    chat.with_bob(vec![]);
    chat.type_text("你好");
    assert_eq!(chat.cursor(), (29 + 2 + 4, 13));
    chat.press_with_alt_enter();
    assert_eq!(chat.cursor(), (29 + 2, 13));
}

impl Chat {
    fn press_with_alt_enter(&mut self) {
        self.press_with(crossterm::event::KeyModifiers::ALT, crossterm::event::KeyCode::Enter);
    }
}

#[test]
fn a_narrow_screen_shows_the_conversation_alone_and_a_tiny_one_says_so() {
    let mut chat = Chat::sized(Language::En, 40, 10);
    chat.with_bob(vec![said("bob", 1, "hi")]);
    assert!(!chat.screen().iter().any(|line| line.contains("Conversations")));
    assert!(chat.screen().iter().any(|line| line.ends_with("  hi")));
    // The list is hidden: what is unread elsewhere is told in the title.
    chat.list(vec![row("bob", 0, 1, None), row("carol", 3, 0, None)]);
    assert!(chat.screen()[1].starts_with("bob") && chat.screen()[1].contains("3 unread elsewhere"));
    chat.step(Input::Resized(10, 3));
    assert!(chat.screen()[0].starts_with("make the"));
    chat.step(Input::Resized(100, 30));
    assert!(chat.screen().iter().any(|line| line.contains("Conversations")));
}

#[test]
fn an_empty_chat_says_what_to_do() {
    let chat = Chat::new();
    assert!(chat.screen().iter().any(|line| line.contains("Type /to USER and Enter")));
    assert!(chat.screen().last().unwrap().contains("Write a message"));
}

#[test]
fn days_and_people_part_the_timeline() {
    let mut chat = Chat::sized(Language::En, 80, 24);
    let at = |mut message: anser_sdk::store::ChatMessage, ms: u64| {
        message.server_time = Some(UnixMs(ms));
        message
    };
    let day = 86_400_000;
    chat.with_bob(vec![
        at(said("bob", 1, "long ago"), NOON - 10 * day),
        at(said("bob", 2, "yesterday's"), NOON - day),
        at(said("alice", 3, "answer"), NOON - day + 60_000),
        at(said("bob", 4, "today's"), NOON - 60_000),
    ]);
    let screen = chat.screen().join("\n");
    assert!(screen.contains("Tuesday, 2026-11-10"), "{screen}");
    assert!(screen.contains(" Yesterday ") && screen.contains(" Today "));
    let screen = chat.screen();
    let line = |text: &str| screen.iter().position(|line| line.contains(text)).unwrap();
    assert!(line("Yesterday") < line("yesterday's") && line("answer") < line(" Today "));
}

#[test]
fn a_groups_changes_and_gaps_stand_where_they_happened() {
    let mut chat = Chat::sized(Language::En, 100, 24);
    let group = ConversationId::group([9; 16]);
    let mut in_group = row("x", 0, 0, None);
    (in_group.id, in_group.peer, in_group.title, in_group.members) =
        (group, None, "Team".to_owned(), Some(3));
    chat.list(vec![in_group]);
    chat.step(Input::GroupMade(group, "Team".to_owned()));
    let spoken = |sender: &str, seq, text| {
        let mut message = said(sender, seq, text);
        (message.conversation, message.peer) = (group, None);
        message
    };
    let change = |no, after, actor: &str, kind| Change {
        conversation: group,
        change_no: ChangeNo(no),
        after_seq: Seq(after),
        version: Version(no),
        actor: user(actor),
        at: UnixMs(NOON - 3_500_000),
        kind,
    };
    let members = vec![user("alice"), user("bob")];
    let changes = vec![
        change(1, 0, "alice", ChangeKind::GroupCreated { title: "Team".to_owned(), members }),
        change(
            2,
            2,
            "bob",
            ChangeKind::MembersJoined {
                title: "Team".to_owned(),
                users: vec![user("carol")],
                channel: false,
            },
        ),
        change(3, 5, "bob", ChangeKind::MemberLeft { new_owner: None }),
    ];
    let mut page = page(
        vec![spoken("alice", 1, "first"), spoken("bob", 2, "second"), spoken("carol", 5, "fifth")],
        vec![],
        false,
    );
    page.unavailable = vec![Unavailable {
        conversation: group,
        from: Seq(3),
        to: Seq(4),
        reason: UnavailableReason::Damaged,
    }];
    let beside = Beside { readers: vec![user("bob"), user("carol")], changes };
    chat.step(Input::Timeline { of: group, window: Window::Newest(60), page, beside });
    chat.step(Input::Counted(group, Some(3)));
    let screen = chat.screen();
    let text = screen.join("\n");
    let line = |text: &str| {
        screen.iter().position(|line| line.contains(text)).unwrap_or_else(|| panic!("{text}"))
    };
    assert!(text.contains("Team  3 members"), "{text}");
    let order = [
        "you made the group “Team” with bob",
        "  first  ✓ read by 2",
        "second",
        "2 messages were damaged",
        "bob invited carol",
        "fifth",
        "bob left",
    ];
    let lines: Vec<usize> = order.iter().map(|text| line(text)).collect();
    assert!(lines.is_sorted(), "{text}");
}

#[test]
fn a_channel_says_that_it_is_one_and_how_many_are_in_it() {
    for (language, head, more) in [
        (Language::En, "Town  channel, 1200 members", "and 1199 more"),
        (Language::Zh, "频道，1200 位成员", "另有 1199 位成员"),
    ] {
        let mut chat = Chat::sized(language, 100, 24);
        let channel = ConversationId::group([9; 16]);
        let mut town = row("x", 0, 0, None);
        (town.id, town.peer, town.title, town.channel) = (channel, None, "Town".to_owned(), true);
        chat.list(vec![town]);
        chat.step(Input::GroupMade(channel, "Town".to_owned()));
        chat.step(Input::Counted(channel, Some(1_200)));
        assert!(squeezed(&chat.screen()).contains(&head.replace(' ', "")), "{:?}", chat.screen());
        let owner = anser_sdk::MemberState {
            user: user("bob"),
            role: anser_types::Role::Owner,
            read_up_to: Seq(0),
            alias: String::new(),
            muted_until: UnixMs(0),
        };
        chat.step(Input::Members(channel, vec![owner]));
        assert!(squeezed(&chat.screen()).contains(&more.replace(' ', "")), "{:?}", chat.screen());
    }
}

/// The screen without spaces: wide characters are followed by one.
fn squeezed(screen: &[String]) -> String {
    screen.join("\n").replace(' ', "")
}

#[test]
fn what_is_longer_than_the_screen_can_be_scrolled() {
    let mut chat = Chat::sized(Language::En, 80, 12);
    chat.press(crossterm::event::KeyCode::F(1));
    assert!(chat.screen().iter().any(|line| line.contains("Enter sends")));
    assert!(!chat.screen().iter().any(|line| line.contains("◉ read")));
    for _ in 0..10 {
        chat.press(crossterm::event::KeyCode::PageDown);
    }
    assert!(chat.screen().iter().any(|line| line.contains("◉ read")));
    assert!(!chat.screen().iter().any(|line| line.contains("Enter sends")));
    chat.press(crossterm::event::KeyCode::Up);
    for _ in 0..40 {
        chat.press(crossterm::event::KeyCode::Up);
    }
    assert!(chat.screen().iter().any(|line| line.contains("Enter sends")));
}

#[test]
fn waiting_messages_stand_last() {
    let mut chat = Chat::new();
    chat.with_bob(vec![said("bob", 9, "theirs"), pending(3, "mine", Status::Queued)]);
    let screen = chat.screen();
    let line = |text: &str| screen.iter().position(|line| line.contains(text)).unwrap();
    assert!(line("│  theirs") < line("│  mine"));
    assert_eq!(chat.model.open.as_ref().unwrap().id, direct("bob"));
}

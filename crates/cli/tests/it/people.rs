//! The command line about people, groups and lists: what is understood, and the shapes that are printed.

use anser_cli::Command;
use anser_cli::chat::times::LocalTimes;
use anser_cli::named::{FOREVER, duration, from_now};
use anser_cli::people::{
    contact_json, contact_line, conversation_json, conversation_line, member_json, member_line,
    options_json, request_json, settings_json, settings_lines, total_json,
};
use anser_cli::readers::Readers;
use anser_cli::say::{Lines, change_json};
use anser_sdk::store::{Conversation, ConversationOptions};
use anser_sdk::{MemberState, TotalUnread};
use anser_types::{
    Audience, Change, ChangeKind, ChangeNo, Contact, ConversationId, JoinMode, JoinRequest,
    JoinState, MemberAct, Notify, Relation, Role, Seq, SetGroup, Settings, UnixMs, Version,
};
use clap::{CommandFactory, Parser};
use serde_json::json;

use crate::support::{NOON, direct, row, user};

#[derive(Debug, Parser)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

const GROUP: &str = "01900000000070008000000000000000";

/// Whether this line is understood, every word a word.
fn understood(line: &str) -> Result<Command, clap::Error> {
    Program::try_parse_from(line.split_whitespace()).map(|program| program.command)
}

#[test]
fn the_command_line_holds_together() {
    Program::command().debug_assert();
}

#[test]
fn commands_are_understood() {
    for line in [
        "anser send --as alice bob hello",
        "anser send --as alice bob --burn 5s hello",
        "anser send bob --timeout 5 hello --as alice",
        "anser send --as alice --group GROUP --expires 1h hello",
        "anser send --as alice hello --group GROUP",
        "anser contact list --as alice",
        "anser contact applications --as alice --json",
        "anser contact apply --as alice bob hello",
        "anser contact remark --as alice bob Bobby",
        "anser settings --as alice --write-first contacts --show-read off",
        "anser list --as alice --total",
        "anser list --as alice --on-demand",
        "anser options --as alice bob --pinned on --notify mentions --draft x",
        "anser clear --as alice bob",
        "anser forget --as alice --with bob 1 2 3",
        "anser readers --as alice --with bob 1",
        "anser presence --as alice bob carol --json",
        "anser presence --as alice bob --follow",
        "anser devices list --as alice --json",
        "anser devices sign-out --as alice 3",
        "anser devices sign-out --as alice --others",
        "anser group update --as alice GROUP --title T --join open --mute --admins-invite on",
        "anser group create --as alice Town bob --channel --json",
        "anser group update --as alice GROUP --channel",
        "anser group members --as alice GROUP --after bob --limit 20",
        "anser group role --as alice GROUP bob admin",
        "anser group transfer --as alice GROUP bob",
        "anser group mute-member --as alice GROUP bob --for 10m",
        "anser group mute-member --as alice GROUP bob --until-unmuted",
        "anser group unmute-member --as alice GROUP bob",
        "anser group alias --as alice GROUP Al --of bob",
        "anser group join --as alice GROUP",
        "anser group requests --as alice GROUP",
        "anser group answer --as alice GROUP bob accept",
        "anser group dismiss --as alice GROUP --json",
    ] {
        let command = understood(&line.replace("GROUP", GROUP));
        assert!(command.is_ok(), "{line}: {}", command.unwrap_err());
        assert_eq!(command.unwrap().wants_json(), line.contains("--json"), "{line}");
    }
}

#[test]
fn what_contradicts_itself_or_cannot_be_is_refused() {
    for line in [
        "anser send --as alice bob",
        "anser send --as alice --group GROUP",
        "anser send --as alice --group GROUP bob hello",
        "anser send --as alice bob hello there",
        "anser contact apply --as alice",
        "anser settings --as alice --write-first friends",
        "anser options --as alice bob --hide --show",
        "anser forget --as alice --with bob 0",
        "anser group mute-member --as alice GROUP bob",
        "anser group mute-member --as alice GROUP bob --for soon",
        "anser group mute-member --as alice GROUP bob --for 10m --until-unmuted",
        "anser group members --as alice GROUP --limit 0",
        "anser group role --as alice GROUP bob owner",
        "anser group answer --as alice GROUP bob maybe",
    ] {
        assert!(understood(&line.replace("GROUP", GROUP)).is_err(), "{line}");
    }
}

#[test]
fn help_names_the_choices() {
    let mut program = Program::command();
    let settings = program.find_subcommand_mut("settings").unwrap().render_help().to_string();
    let in_a_row = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let settings = in_a_row(&settings);
    assert!(settings.contains("[possible values: everybody, contacts, nobody]"), "{settings}");
    let options = program.find_subcommand_mut("options").unwrap().render_help().to_string();
    let options = in_a_row(&options);
    assert!(options.contains("[possible values: all, mentions, nothing]"), "{options}");
    let contact = program.find_subcommand_mut("contact").unwrap().render_help().to_string();
    for verb in ["list", "apply", "accept", "refuse", "remark", "remove", "block", "unblock"] {
        assert!(contact.contains(&format!("\n  {verb} ")), "{verb}: {contact}");
    }
}

#[test]
fn times_have_a_unit_and_an_end() {
    let seconds = |text: &str| duration(text).map(|long| long.as_secs());
    assert_eq!([seconds("90s"), seconds("10m"), seconds("7d")], [Ok(90), Ok(600), Ok(604_800)]);
    for wrong in ["", "10", "m", "0m", "-1m", "1.5h", "10分", "99999999999999999999d"] {
        assert!(duration(wrong).is_err(), "{wrong}");
    }
    assert_eq!(from_now(UnixMs(5), duration("1s").ok()), UnixMs(1_005));
    assert_eq!(from_now(UnixMs(5), None), FOREVER);
}

#[test]
fn contacts_and_requests() {
    let bob = Contact {
        relation: Relation::Asked,
        remark: "Bobby".to_owned(),
        blocked: true,
        greeting: "we\nmet".to_owned(),
        ..Contact::stranger(user("bob"))
    };
    assert_eq!(
        contact_json(&bob),
        json!({ "user": "bob", "relation": "asked", "remark": "Bobby", "blocked": true, "greeting": "we\nmet" })
    );
    assert_eq!(contact_line(&bob), "bob \"Bobby\" (asks to be your contact, blocked): we met");
    let request =
        JoinRequest { user: user("carol"), greeting: String::new(), state: JoinState::Waiting };
    assert_eq!(
        request_json(&request),
        json!({ "user": "carol", "greeting": "", "state": "waiting" })
    );
}

#[test]
fn settings_and_options() {
    let settings = Settings { write_first: Audience::Contacts, ..Settings::default() };
    assert_eq!(
        settings_json(&settings),
        json!({ "write_first": "contacts", "last_seen": "everybody", "show_read": true })
    );
    assert_eq!(
        settings_lines(&settings),
        "write-first contacts\nlast-seen everybody\nshow-read on"
    );
    assert_eq!(
        options_json(&ConversationOptions { notify: Notify::Mentions, ..Default::default() }),
        json!({ "pinned": false, "notify": "mentions", "hidden": false, "cleared_up_to": 0, "draft": "" })
    );
}

#[test]
fn the_list_of_conversations() {
    let options = ConversationOptions {
        pinned: true,
        notify: Notify::Nothing,
        draft: "half".to_owned(),
        ..ConversationOptions::default()
    };
    let bob = Conversation { options, mentioned: Some(Seq(4)), ..row("bob", 2, 3, None) };
    assert_eq!(
        conversation_json(&bob),
        json!({
            "conversation": direct("bob").to_string(),
            "peer": "bob",
            "title": "",
            "channel": false,
            "member": true,
            "unread": 2,
            "mentioned": 4,
            "head": 0,
            "read_up_to": 3,
            "pinned": true,
            "notify": "nothing",
            "draft": "half",
        })
    );
    assert_eq!(
        conversation_line(&bob),
        "bob (2 unread, mentions you in #4, pinned, muted) draft: half"
            .replace(" (", "  (")
            .replace(") ", ")  ")
    );
    let total = TotalUnread { unread: 7, muted: 2 };
    assert_eq!(total_json(total), json!({ "total_unread": 7, "muted_unread": 2 }));
}

#[test]
fn members_and_readers() {
    let bob = MemberState {
        user: user("bob"),
        role: Role::Admin,
        read_up_to: Seq(3),
        alias: "The Bob".to_owned(),
        muted_until: UnixMs(NOON + 600_000),
    };
    assert_eq!(
        member_json(&bob, UnixMs(NOON)),
        json!({ "user": "bob", "role": "admin", "alias": "The Bob", "muted_until_ms": NOON + 600_000, "read_up_to": 3 })
    );
    let line = |now| member_line(&bob, UnixMs(now), &LocalTimes::utc());
    assert_eq!(line(NOON), "bob \"The Bob\" (admin, muted until 2026-11-20 12:10:00)");
    assert_eq!(line(NOON + 600_000), "bob \"The Bob\" (admin)");
    let readers = Readers {
        read: vec![user("bob")],
        unread: vec![user("carol")],
        read_count: 1,
        unread_count: 70_000,
    };
    assert_eq!(
        readers.json(Seq(3)),
        json!({ "seq": 3, "read": ["bob"], "unread": ["carol"], "read_count": 1, "unread_count": 70_000 })
    );
    let lines = readers.lines();
    assert_eq!(
        lines,
        ["bob (read)", "carol (not read)", "1 read it, 70000 did not; not all are listed"]
    );
}

#[test]
fn changes_of_groups() {
    let change = |kind| Change {
        conversation: ConversationId::group([9; 16]),
        change_no: ChangeNo(2),
        after_seq: Seq(9),
        version: Version(2),
        actor: user("alice"),
        at: UnixMs(NOON),
        kind,
    };
    let updated = change(ChangeKind::GroupUpdated(SetGroup {
        title: Some("Lake".to_owned()),
        join: Some(JoinMode::Approval),
        ..SetGroup::default()
    }));
    assert_eq!(
        change_json(&updated)["change"],
        json!({ "kind": "group_updated", "title": "Lake", "join": "approval" })
    );
    let lines = Lines::new(LocalTimes::utc());
    assert_eq!(
        lines.change(&updated, "Team"),
        "2026-11-20 12:00:00 in Team: * alice named the group \"Lake\"; set joining to approval"
    );
    let until = MemberAct::MuteUntil(UnixMs(NOON + 60_000));
    let muted = change(ChangeKind::MemberAltered { user: user("bob"), act: until });
    assert_eq!(
        change_json(&muted)["change"],
        json!({ "kind": "member_altered", "user": "bob", "muted_until_ms": NOON + 60_000 })
    );
    assert!(lines.change(&muted, "Team").ends_with("alice muted bob until 2026-11-20 12:01:00"));
    let dismissed = change(ChangeKind::GroupDismissed);
    assert_eq!(change_json(&dismissed)["change"], json!({ "kind": "group_dismissed" }));
}

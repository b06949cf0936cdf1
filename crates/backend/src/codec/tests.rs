//! Every row comes back as it was written; cut anywhere, or of another format, it is refused without a panic.

use std::fmt::Debug;

use crate::{Device, DeviceKey, Examined, Position, Token, Usage, User};
use anser_types::body::Forwarded;
use anser_types::report::{About, Report, ReportId, ReportReason};
use anser_types::{
    Alteration, Altered, Answer, Audience, Change, ChangeKind, ChangeNo, Channel, CommandNo,
    Contact, Content, Conversation, ConversationId, ConversationKind, DeviceClass, DeviceNo, Done,
    Edition, ErrorCode, FileId, Group, InboxSeq, Item, JoinMode, JoinRequest, JoinState, LocalNo,
    LogEpoch, Look, Member, MemberAct, Message, MessageId, MessageKind, Notify, Options, Outcome,
    Period, Reaction, Refusal, Relation, Role, Seq, SetGroup, Settings, Sha256, Staff,
    ThumbnailSize, UnixMs, UserId, UserNo, Version,
};
use bytes::Bytes;
use proptest::prelude::*;

use super::*;

const HERE: ConversationId = ConversationId([7; 16]);

fn holds<T: PartialEq + Debug>(
    value: &T,
    write: impl FnOnce(&mut Vec<u8>),
    read: impl Fn(&[u8]) -> Result<T, Malformed>,
) {
    let mut row = Vec::new();
    write(&mut row);
    assert_eq!(read(&row).as_ref(), Ok(value));
    for cut in 0..row.len() {
        assert!(read(&row[..cut]).is_err(), "{value:?} cut to {cut} of {} bytes", row.len());
    }
    row[0] += 1;
    assert!(read(&row).is_err(), "another format was taken for this one");
    row[0] -= 1;
    row.push(0);
    assert!(read(&row).is_err(), "a byte too many was overlooked");
}

fn user(name: &str) -> UserId {
    UserId::new(name).expect("a valid user id")
}

fn content() -> Content {
    Content {
        kind: MessageKind::Unknown(70_000),
        body: Bytes::from_static(b"\x00\xffhello"),
        mentions: vec![user("ann"), user("anna")],
        reply_to: Some(Seq(300)),
        expires_at: Some(UnixMs(1_800_000_000_000)),
        burn_after_ms: Some(30_000),
        forwarded: Some(Box::new(Forwarded { from: user("carol"), said_at: UnixMs(300) })),
        files: vec![FileId([7; 16]), FileId([8; 16])],
        mention_all: true,
    }
}

#[test]
fn messages_and_tombstones() {
    let plain = Content {
        mentions: Vec::new(),
        mention_all: false,
        reply_to: None,
        expires_at: None,
        burn_after_ms: None,
        files: Vec::new(),
        forwarded: None,
        ..content()
    };
    let altered = Altered {
        by: ChangeNo(400),
        edits: 2,
        edited_at: Some(UnixMs(9)),
        revoked_by: None,
        reactions: vec![Reaction { emoji: "👍".into(), users: vec![user("ann"), user("bob")] }],
    };
    let revoked = Altered { revoked_by: Some(user("bob")), ..Altered::default() };
    let cases = [
        (None, None),
        (Some(content()), None),
        (Some(plain), Some(altered)),
        (None, Some(revoked)),
    ];
    for (content, altered) in cases {
        let message = Message {
            conversation: HERE,
            seq: Seq(9),
            sender: user("alice"),
            id: MessageId { device: DeviceNo(3), local_no: LocalNo(u64::MAX) },
            sent_at: UnixMs(1),
            server_time: UnixMs(2),
            content,
            altered: altered.map(Box::new),
        };
        holds(&message, |out| write_message(out, &message), |row| read_message(HERE, Seq(9), row));
    }
}

#[test]
fn contents_that_were_replaced() {
    let edition = Edition { until: ChangeNo(7), since: UnixMs(5), content: content() };
    let write = |out: &mut Vec<u8>| write_edition(out, edition.since, &edition.content);
    holds(&edition, write, |row| read_edition(ChangeNo(7), row));
}

fn reported(about: About, closed_at: Option<UnixMs>) -> ChangeKind {
    ChangeKind::Item(Item::Report(Box::new(Report {
        id: ReportId { at: UnixMs(300), by: UserNo(7), local_no: LocalNo(1_044) },
        by: user("bob"),
        about,
        reason: ReportReason::Spam,
        text: "说明".into(),
        closed_at,
        note: "done".into(),
    })))
}

fn altered(alteration: Alteration) -> ChangeKind {
    ChangeKind::MessageAltered { seq: Seq(300), alteration }
}

#[test]
fn changes_of_every_kind() {
    let kinds = [
        ChangeKind::GroupCreated { title: "Tea".into(), members: vec![user("a"), user("b")] },
        ChangeKind::MembersJoined { title: String::new(), users: vec![user("c")], channel: false },
        ChangeKind::MembersJoined { title: "Tea".into(), users: Vec::new(), channel: true },
        ChangeKind::MemberLeft { new_owner: None },
        ChangeKind::MemberLeft { new_owner: Some(user("b")) },
        ChangeKind::MembersRemoved { users: Vec::new() },
        altered(Alteration::Edit(content())),
        altered(Alteration::Revoke),
        altered(Alteration::React { emoji: "👍".into(), on: true }),
        altered(Alteration::React { emoji: "👍".into(), on: false }),
        altered(Alteration::Pin { on: true }),
        altered(Alteration::Pin { on: false }),
        altered(Alteration::Gone),
        altered(Alteration::Burn(UnixMs(1_800_000_000_000))),
        altered(Alteration::Expire),
        ChangeKind::GroupUpdated(SetGroup::default()),
        ChangeKind::GroupUpdated(SetGroup {
            title: Some("Tea".into()),
            avatar: Some(String::new()),
            announcement: Some("at five".into()),
            history_for_new_members: Some(false),
            join: Some(JoinMode::Open),
            admins_invite: Some(true),
            muted: Some(true),
            channel: true,
        }),
        ChangeKind::GroupUpdated(SetGroup { channel: true, ..SetGroup::default() }),
        ChangeKind::MemberAltered { user: user("b"), act: MemberAct::Role(Role::Owner) },
        ChangeKind::MemberAltered { user: user("b"), act: MemberAct::MuteUntil(UnixMs(300)) },
        ChangeKind::MemberAltered { user: user("b"), act: MemberAct::Alias("鹅".into()) },
        ChangeKind::GroupDismissed,
        ChangeKind::Item(Item::Contact(Contact {
            user: user("b"),
            relation: Relation::Asked,
            remark: "Bob".into(),
            blocked: true,
            greeting: "hello".into(),
        })),
        ChangeKind::Item(Item::Options(Options {
            conversation: HERE,
            pinned: true,
            notify: Notify::Mentions,
            hidden_up_to: Seq(300),
            cleared_up_to: Seq(2),
            draft: "begun".into(),
        })),
        ChangeKind::Item(Item::Settings(Settings {
            write_first: Audience::Contacts,
            last_seen: Audience::Nobody,
            show_read: false,
        })),
        ChangeKind::Item(Item::Hidden { conversation: HERE, seq: Seq(300) }),
        reported(About::User(user("carol")), None),
        reported(About::Conversation(HERE), Some(UnixMs(7))),
        reported(
            About::Message {
                conversation: HERE,
                seq: Seq(300),
                sender: user("carol"),
                said_at: UnixMs(5),
                content: content(),
            },
            None,
        ),
        ChangeKind::Item(Item::JoinRequest(JoinRequest {
            user: user("b"),
            greeting: "let me in".into(),
            state: JoinState::Refused,
        })),
        ChangeKind::Unknown { kind: 99, raw: Bytes::from_static(b"raw") },
    ];
    for kind in kinds {
        let change = Change {
            conversation: HERE,
            change_no: ChangeNo(4),
            after_seq: Seq(1000),
            version: Version(3),
            actor: user("alice"),
            at: UnixMs(77),
            kind,
        };
        holds(&change, |out| write_change(out, &change), |row| read_change(HERE, ChangeNo(4), row));
    }
}

fn group(say: impl FnOnce(&mut Group)) -> ConversationKind {
    let mut group = Group { title: "Tea".into(), ..Group::default() };
    say(&mut group);
    ConversationKind::Group(group)
}

#[test]
fn conversations_and_members() {
    let kinds = [
        ConversationKind::Direct { a: user("a"), b: user("b") },
        group(|group| group.history_for_new_members = true),
        group(|_| {}),
        group(|group| group.announcement = "at five".into()),
        group(|group| (group.join, group.admins_invite) = (JoinMode::Approval, true)),
        group(|group| (group.avatar, group.muted, group.dismissed) = ("a".into(), true, true)),
        group(|group| group.channel = Some(Channel::default())),
        group(|group| {
            let staff = vec![Staff { user_no: UserNo(1_000), user: user("a") }];
            group.channel = Some(Channel { members: 100_000, staff });
        }),
    ];
    for kind in kinds {
        let created_at = UnixMs(5);
        let (cuts, pinned) = (Vec::new(), Vec::new());
        let (version, burns) = (Version(300), false);
        let mut row = Conversation { id: HERE, kind, version, created_at, cuts, pinned, burns };
        holds(&row, |out| write_conversation(out, &row), |bytes| read_conversation(HERE, bytes));
        row.burns = true;
        holds(&row, |out| write_conversation(out, &row), |bytes| read_conversation(HERE, bytes));
        row.pinned = vec![Seq(3), Seq(1_000)];
        holds(&row, |out| write_conversation(out, &row), |bytes| read_conversation(HERE, bytes));
        row.cut(LogEpoch(1), Seq::ZERO);
        row.cut(LogEpoch(1_780_000_000), Seq(7));
        holds(&row, |out| write_conversation(out, &row), |bytes| read_conversation(HERE, bytes));
    }
    let ended = Period {
        after_seq: Seq(1),
        after_change: ChangeNo(2),
        until: Some((Seq(300), ChangeNo(4))),
    };
    let lasting = Period { after_seq: Seq(400), after_change: ChangeNo(5), until: None };
    let periods = vec![ended, lasting];
    let mut member = Member::plain(UserNo(8), user("bob"), Role::Admin, periods);
    holds(&member, |out| write_member(out, &member), |row| read_member(UserNo(8), row));
    member.refuses = true;
    holds(&member, |out| write_member(out, &member), |row| read_member(UserNo(8), row));
    (member.alias, member.muted_until, member.refuses) = ("鹅".into(), UnixMs(300), false);
    holds(&member, |out| write_member(out, &member), |row| read_member(UserNo(8), row));
}

#[test]
fn positions_pointers_and_numbers() {
    let position = Position { delivered: Seq(300), read: Seq(2) };
    holds(&position, |out| write_position(out, position), read_position);
    for what in
        [Pointed::Message(Seq(1)), Pointed::Change(ChangeNo(300)), Pointed::ReadSync(Seq(3))]
    {
        let pointer = Pointer { conversation: HERE, what, at: UnixMs(1_700_000_000_000) };
        holds(&pointer, |out| write_pointer(out, &pointer), read_pointer);
    }
    for number in [0, 1, 127, 128, u64::MAX] {
        holds(&number, |out| write_number(out, number), read_number);
    }
}

#[test]
fn when_devices_were_seen() {
    let mut seen = LastSeen::default();
    holds(&seen, |out| seen.write(out), LastSeen::read);
    assert!(seen.raise(DeviceNo(300), UnixMs(7)) && seen.raise(DeviceNo(2), UnixMs(9)));
    assert!(!seen.raise(DeviceNo(2), UnixMs(9)) && !seen.raise(DeviceNo(2), UnixMs(8)));
    holds(&seen, |out| seen.write(out), LastSeen::read);
    assert_eq!(seen.listed(), [(DeviceNo(2), UnixMs(9)), (DeviceNo(300), UnixMs(7))]);
    for device in 1..=200 {
        seen.raise(DeviceNo(device), UnixMs(1_000 - device));
    }
    let left = seen.listed();
    assert_eq!(left.len(), anser_types::limits::DEVICES_PER_USER);
    assert_eq!(left[0], (DeviceNo(1), UnixMs(999)), "the latest are kept");
}

fn kept(command_no: u64) -> Kept {
    let done = Done {
        conversation: Some(HERE).filter(|_| command_no.is_multiple_of(2)),
        seq: Seq(command_no),
        change_no: ChangeNo(0),
        inbox_seq: InboxSeq(300),
        at: UnixMs(5),
    };
    let refusal = Refusal::because(ErrorCode::GroupFull, "two too many");
    let outcome = match command_no % 3 {
        0 => Outcome::Refused(refusal),
        1 => Outcome::Refused(Refusal::new(ErrorCode::RateLimited).retry_after(0)),
        _ => Outcome::Done(done),
    };
    Kept { hash: [3; 16], answer: Answer { command_no: CommandNo(command_no), outcome } }
}

#[test]
fn answers_of_devices_and_keys() {
    let mut record = DeviceRecord::default();
    for command_no in 1..=70 {
        record.note(CommandNo(2), kept(command_no));
        record.note(CommandNo(2), kept(command_no));
    }
    assert_eq!(record.answers.len(), anser_types::limits::COMMANDS_IN_FLIGHT);
    assert_eq!(record.kept(CommandNo(70)), Some(&kept(70)));
    assert_eq!(record.kept(CommandNo(6)), None);
    holds(&record, |out| record.write(out), DeviceRecord::read);
    let delta = (CommandNo(4), kept(6));
    holds(&delta, |out| write_delta(out, delta.0, &delta.1), read_delta);
    let row = KeyRow { at: UnixMs(9), kept: kept(0) };
    holds(&row, |out| row.write(out), KeyRow::read);
}

#[test]
fn a_number_has_one_form() {
    let mut shortest = Vec::new();
    put_varint(&mut shortest, 300);
    assert_eq!(Reader::new(&shortest).varint(), Ok(300));
    for longer in [&[0xac, 0x82, 0x00][..], &[0x80, 0x00]] {
        assert!(Reader::new(longer).varint().is_err(), "{longer:?} was taken");
    }
    assert_eq!(Reader::new(&[0]).varint(), Ok(0));
}

#[test]
fn answers_that_cannot_be_found_by_their_numbers_are_refused_or_forgotten() {
    let written = |last: u64, numbers: &[u64]| {
        let answers = numbers.iter().map(|no| kept(*no)).collect();
        let mut row = Vec::new();
        DeviceRecord { last: CommandNo(last), answers }.write(&mut row);
        DeviceRecord::read(&row)
    };
    assert!(written(5, &[4, 5]).is_ok());
    // Found by fuzzing: behind the highest number there is none to compare with.
    assert!(written(u64::MAX, &[]).is_ok() && written(u64::MAX, &[u64::MAX]).is_ok());
    for (last, numbers) in [(5, &[3, 4][..]), (5, &[3, 5]), (5, &[5, 4]), (0, &[0])] {
        assert!(written(last, numbers).is_err(), "{numbers:?} up to {last} was taken");
    }
    let too_many: Vec<u64> = (1..=anser_types::limits::COMMANDS_IN_FLIGHT as u64 + 1).collect();
    assert!(written(too_many.len() as u64, &too_many).is_err());
    // What a damaged log has lost leaves a gap.
    let mut record = DeviceRecord::default();
    for no in [1, 2, 7, 8] {
        record.note(CommandNo(0), kept(no));
    }
    assert_eq!((record.kept(CommandNo(2)), record.kept(CommandNo(8))), (None, Some(&kept(8))));
}

#[test]
fn users_devices_and_tokens() {
    for password_hash in [None, Some("$argon2id$…".to_owned())] {
        let user = User { no: UserNo(3), id: user("zoë"), password_hash, created_at: UnixMs(300) };
        holds(&user, |out| write_user(out, &user), |row| read_user(UserNo(3), row));
    }
    let device = Device {
        device: DeviceNo(2),
        class: DeviceClass::Web,
        name: "a browser".into(),
        created_at: UnixMs(1),
        expires_at: UnixMs(2),
    };
    let present = vec![(device.clone(), [9; 32])];
    let before = Superseded { device, hash: [8; 32], at: UnixMs(7) };
    for superseded in [vec![], vec![before]] {
        let devices = Devices { last: DeviceNo(300), present: present.clone(), superseded };
        holds(&devices, |out| devices.write(out), Devices::read);
    }
    for superseded_at in [None, Some(UnixMs(7))] {
        let token = Token {
            device: DeviceKey { user: UserNo(3), device: DeviceNo(2) },
            user_id: user("zoë"),
            class: DeviceClass::Cli,
            expires_at: UnixMs(2),
            superseded_at,
        };
        holds(&token, |out| write_token(out, &token), read_token);
    }
}

fn file(held_by: u64, unheld_since: u64) -> FileRow {
    FileRow {
        owner: UserNo(300),
        name: "湖.png".into(),
        sha256: Sha256([7; 32]),
        sent_bytes: u64::MAX,
        created_at: UnixMs(1_800_000_000_000),
        holds: held_by,
        unheld_since: UnixMs(unheld_since),
    }
}

#[test]
fn files_and_what_is_known_of_their_bytes() {
    for file in [file(0, 7), file(300, 0)] {
        holds(&file, |out| file.write(out), FileRow::read);
    }
    let look = Look {
        width: 4_032,
        height: 3_024,
        duration_ms: 70_000,
        thumbhash: Bytes::from_static(&[1; 25]),
        preview: Bytes::from_static(&[2; 300]),
        thumbnails: ThumbnailSize::ALL.to_vec(),
    };
    for look in [None, Some(look)] {
        let (sha256, bytes, media_type) = (Sha256([7; 32]), 300, "image/png".to_owned());
        let row = ContentRow { files: 2, content: Examined { sha256, bytes, media_type, look } };
        holds(&row, |out| row.write(out), |bytes| ContentRow::read(sha256, bytes));
    }
    let usage = Usage { files: 2, bytes: u64::MAX };
    holds(&usage, |out| write_usage(out, usage), read_usage);
}

#[test]
fn a_file_that_is_held_and_not_is_refused() {
    for file in [file(0, 0), file(1, 7)] {
        let mut row = Vec::new();
        file.write(&mut row);
        assert!(FileRow::read(&row).is_err());
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(mut row in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Some(first) = row.first_mut() {
            *first = 1;
        }
        // Whatever is understood is written back to the same meaning.
        if let Ok(found) = DeviceRecord::read(&row) {
            let mut again = Vec::new();
            found.write(&mut again);
            prop_assert_eq!(DeviceRecord::read(&again), Ok(found));
        }
        let read = [
            read_message(HERE, Seq(1), &row).is_ok(),
            read_change(HERE, ChangeNo(1), &row).is_ok(),
            read_conversation(HERE, &row).is_ok(),
            read_member(UserNo(1), &row).is_ok(),
            read_pointer(&row).is_ok(),
            Devices::read(&row).is_ok(),
            read_token(&row).is_ok(),
            FileRow::read(&row).is_ok(),
            ContentRow::read(Sha256([7; 32]), &row).is_ok(),
            read_usage(&row).is_ok(),
        ];
        prop_assert!(read.len() == 10);
    }
}

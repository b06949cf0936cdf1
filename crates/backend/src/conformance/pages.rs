//! Reads come in pages that respect their limits, in both directions, and give back exactly what was written.

use std::sync::Arc;

use anser_types::body::Forwarded;
use anser_types::{
    ChangeKind, Content, ConversationId, DeviceNo, Event, InboxSeq, LocalNo, MessageId,
    MessageKind, Seq, UnixMs, UserId, UserNo,
};
use bytes::Bytes;

use super::harness::Harness;
use super::subject::{Subject, WHOLE, page_of};
use crate::append::{InboxEntry, InboxWrite, Record};
use crate::reads::{Order, PageLimit};
use crate::testing::{AppendBuilder, Person, group};

/// A direct conversation with this many messages, each heard by both.
fn talk<H: Harness>(on: &Subject<H>, messages: u64, text: &str) -> ([Person; 4], ConversationId) {
    let people = on.people();
    let [a, b, ..] = &people;
    let id = a.direct(b);
    on.commit(AppendBuilder::internal().opens_direct(a, b));
    let batch = (1..=messages)
        .map(|n| AppendBuilder::internal().says(id, a, n, text, &[a, b]).build())
        .collect();
    on.append(batch);
    (people, id)
}

/// Bounds, directions and entry limits of message pages.
pub fn message_pages_respect_bounds_and_order<H: Harness>(on: &mut Subject<H>) {
    let (_, id) = talk(on, 10, "hi");
    on.commit(AppendBuilder::internal().says(group(1), &on.person("neighbour"), 1, "other", &[]));
    let page = |on: &Subject<H>, after, up_to, order, entries| -> Vec<u64> {
        let bounds = (Seq(after), Seq(up_to));
        on.messages_within(id, bounds, order, page_of(entries)).iter().map(|m| m.seq.0).collect()
    };
    let (up, down) = (Order::OldestFirst, Order::NewestFirst);
    for _ in 0..2 {
        assert_eq!(page(on, 0, u64::MAX, up, 3), [1, 2, 3]);
        assert_eq!(page(on, 0, u64::MAX, down, 3), [10, 9, 8]);
        assert_eq!(page(on, 4, 6, up, 50), [5, 6]);
        assert_eq!(page(on, 4, 6, down, 50), [6, 5]);
        assert_eq!(page(on, 8, 8, up, 50), []);
        assert_eq!(page(on, 9, 3, down, 50), []);
        assert_eq!(page(on, 10, u64::MAX, up, 50), []);
        assert_eq!(page(on, u64::MAX, u64::MAX, up, 50), []);
        assert_eq!(page(on, 9, u64::MAX, up, 50), [10]);
        assert_eq!(page(on, 0, 1, down, 50), [1]);
        assert_eq!(page(on, 0, u64::MAX, up, 0), [1], "at least one entry");
        on.kill();
    }
}

/// A page stops at its byte limit but always gives one entry, so that nothing large blocks the rest.
pub fn pages_stop_at_their_byte_limit<H: Harness>(on: &mut Subject<H>) {
    let ([a, ..], id) = talk(on, 6, &"x".repeat(10_000));
    for _ in 0..2 {
        for (bytes, most) in [(1, 1), (9_000, 1), (35_000, 3), (1 << 20, 6)] {
            let limit = PageLimit { entries: 100, bytes };
            for order in [Order::OldestFirst, Order::NewestFirst] {
                let page = on.messages_within(id, (Seq::ZERO, Seq::MAX), order, limit);
                assert!((1..=most).contains(&page.len()), "{} in {bytes} bytes", page.len());
            }
            let page = on.inbox_page(&a, InboxSeq::ZERO, limit);
            assert!((1..=most).contains(&page.events.len()), "{} in {bytes}", page.events.len());
        }
        let roomy = PageLimit { entries: 100, bytes: 1 << 20 };
        assert_eq!(on.inbox_page(&a, InboxSeq::ZERO, roomy).events.len(), 6);
        on.kill();
    }
}

/// Pages of an inbox join without gap or overlap, from the floor to the head; beyond both there is nothing.
pub fn inbox_pages_join_across_the_floor<H: Harness>(on: &mut Subject<H>) {
    let ([a, b, c, _], _) = talk(on, 25, "hi");
    on.trim_to(20);
    for entries in [1, 7, 20, 500] {
        let mut cursor = on.bounds(&b).floor;
        let mut seqs = Vec::new();
        loop {
            let page = on.inbox_page(&b, cursor, page_of(entries));
            assert_eq!(page.bounds, on.bounds(&b));
            assert!(page.events.len() <= entries);
            if page.events.is_empty() {
                break;
            }
            assert_eq!(page.first, cursor.next());
            cursor = InboxSeq(cursor.0 + page.events.len() as u64);
            seqs.extend(page.events.iter().map(|event| match event {
                Event::Message(message) => message.seq.0,
                other => panic!("unexpected {other:?}"),
            }));
        }
        assert_eq!(seqs, (6..=25).collect::<Vec<_>>(), "in pages of {entries}");
    }
    for beyond in [0, 4, 25, 26, u64::MAX] {
        let page = on.inbox_page(&a, InboxSeq(beyond), page_of(50));
        assert!(page.events.is_empty(), "after {beyond}");
        assert_eq!((page.bounds.floor, page.bounds.head), (InboxSeq(5), InboxSeq(25)));
    }
    assert!(on.inbox(&c).is_empty());
}

/// Changes come in pages by number.
pub fn change_pages_go_on_after_a_number<H: Harness>(on: &mut Subject<H>) {
    let [a, b, ..] = on.people();
    let id = group(5);
    on.commit(AppendBuilder::internal().creates_group(id, "g", &a, &[&b]));
    for n in 0..6_u8 {
        let kind = ChangeKind::Unknown { kind: 40, raw: Bytes::from(vec![n]) };
        on.commit(AppendBuilder::internal().changes(id, &a, kind, &[&b]));
    }
    on.kill();
    let mut after = anser_types::ChangeNo::ZERO;
    let mut numbers = Vec::new();
    loop {
        let page = on.call(|ports| ports.conversations.changes(id, after, page_of(2)));
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 2);
        after = last.change_no;
        numbers.extend(page.iter().map(|change| change.change_no.0));
    }
    assert_eq!(numbers, (1..=7).collect::<Vec<_>>());
}

/// Everything a message or change carries comes back as it was, from the log and from the inbox.
pub fn contents_come_back_as_they_were<H: Harness>(on: &mut Subject<H>) {
    let [a, b, ..] = on.people();
    let id = group(1);
    let users = vec![a.id.clone(), UserId::new(&"ü".repeat(32)).expect("64 bytes")];
    let kinds = [
        ChangeKind::GroupCreated { title: "Tee & Käse 🫖".into(), members: users.clone() },
        ChangeKind::MembersJoined { title: String::new(), users: users.clone(), channel: false },
        ChangeKind::MemberLeft { new_owner: None },
        ChangeKind::MemberLeft { new_owner: Some(b.id.clone()) },
        ChangeKind::MembersRemoved { users: Vec::new() },
        ChangeKind::Unknown { kind: 77, raw: Bytes::from_static(&[0, 255, 1]) },
    ];
    let contents = [
        Content::text(""),
        Content {
            kind: MessageKind::Unknown(u32::MAX),
            body: Bytes::from((0..=255).collect::<Vec<u8>>()),
            mentions: users,
            mention_all: true,
            reply_to: Some(Seq(1)),
            expires_at: Some(UnixMs(u64::MAX)),
            burn_after_ms: Some(u32::MAX),
            forwarded: Some(Box::new(Forwarded { from: a.id.clone(), said_at: UnixMs(u64::MAX) })),
            files: Vec::new(),
        },
        Content { kind: MessageKind::Voice, ..Content::text("z".repeat(65_536)) },
    ];
    let mut append = AppendBuilder::internal().at(1_735_689_600_000);
    append = append.creates_group(id, "g", &a, &[]);
    for kind in &kinds {
        append = append.changes(id, &a, kind.clone(), &[&b]);
    }
    for (n, content) in contents.iter().enumerate() {
        append = append.record(Record::Message {
            conversation: id,
            sender: b.id.clone(),
            id: MessageId { device: DeviceNo(u64::MAX), local_no: LocalNo(n as u64) },
            sent_at: UnixMs(n as u64),
            content: Arc::new(content.clone()),
        });
    }
    let mut append = append.build();
    let last = append.records.len() - contents.len();
    append.inbox.extend(
        (last..append.records.len())
            .map(|record| InboxWrite { user: b.no, entry: InboxEntry::Record(record) }),
    );
    on.append(vec![append]);
    for _ in 0..2 {
        let stored = on.messages(id);
        assert_eq!(stored.len(), contents.len());
        for (n, (message, content)) in stored.iter().zip(&contents).enumerate() {
            assert_eq!(message.content.as_ref(), Some(content));
            assert_eq!((message.conversation, &message.sender), (id, &b.id));
            assert_eq!(message.id.device, DeviceNo(u64::MAX));
            assert_eq!(message.id.local_no, LocalNo(n as u64));
            assert_eq!(message.sent_at, UnixMs(n as u64));
            assert_eq!(message.server_time, UnixMs(1_735_689_600_000));
        }
        let changes = on.changes(id);
        let stored_kinds: Vec<_> = changes[1..].iter().map(|c| c.kind.clone()).collect();
        assert_eq!(stored_kinds, kinds);
        assert!(changes.iter().all(|c| c.actor == a.id && c.conversation == id));
        let heard = on.inbox(&b);
        let expected: Vec<Event> = (changes[1..].iter().cloned().map(Event::Change))
            .chain(stored.into_iter().map(Event::Message))
            .collect();
        assert_eq!(heard, expected);
        on.kill();
    }
}

/// The raw store lists every conversation and every user once, in order, in pages.
pub fn the_raw_store_lists_everything<H: Harness>(on: &mut Subject<H>) {
    let people = on.people();
    let [a, b, ..] = &people;
    let mut ids = vec![a.direct(b)];
    on.commit(AppendBuilder::internal().opens_direct(a, b));
    for n in [1, 255, 256, u64::MAX] {
        on.commit(AppendBuilder::internal().creates_group(group(n), "g", a, &[]));
        ids.push(group(n));
    }
    ids.sort_unstable();
    on.kill();
    for limit in [1, 2, 100] {
        let mut listed: Vec<ConversationId> = Vec::new();
        loop {
            let after = listed.last().copied();
            let page = on.call(|ports| ports.inspect.conversation_ids(after, limit));
            if page.is_empty() {
                break;
            }
            assert!(page.len() <= limit);
            listed.extend(page);
        }
        assert_eq!(listed, ids);
        let mut users: Vec<UserNo> = Vec::new();
        loop {
            let after = users.last().copied().unwrap_or_default();
            let page = on.call(|ports| ports.inspect.user_nos(after, limit));
            if page.is_empty() {
                break;
            }
            users.extend(page);
        }
        assert_eq!(users, people.each_ref().map(|p| p.no));
    }
    assert_eq!(
        on.messages_within(a.direct(b), (Seq::ZERO, Seq::MAX), Order::OldestFirst, WHOLE),
        []
    );
}

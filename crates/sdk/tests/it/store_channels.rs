//! Channels in the local store: positions, what comes by their log, and what the app is told of it after a restart.

use anser_client::records::{
    ChannelMark, ChannelPosition, ConversationRow, OwnMessage, Record, RowUpdate, StoredMessage,
};
use anser_sdk::store::{Arrival, ArrivalNo, Store};
use anser_types::event::UnavailableReason;
use anser_types::{
    Alteration, Change, ChangeKind, ChangeNo, Content, ConversationId, DeviceNo, InboxSeq, LocalNo,
    Message, MessageId, Seq, SetGroup, Unavailable, UnixMs, Version,
};
use tempfile::tempdir;

use crate::store_rows::{apply, identity, open};
use crate::world::id;

fn channel() -> ConversationId {
    ConversationId::group([9; 16])
}

fn message(seq: u64, sender: &str, text: &str) -> Message {
    Message {
        conversation: channel(),
        seq: Seq(seq),
        sender: id(sender),
        id: MessageId { device: DeviceNo(7), local_no: LocalNo(seq) },
        sent_at: UnixMs(1_000 + seq),
        server_time: UnixMs(2_000 + seq),
        content: Some(Content::text(text)),
        altered: None,
    }
}

/// A message as its channel's log gives it, or as the inbox does.
fn came(seq: u64, text: &str, inbox_seq: Option<u64>) -> Record {
    Record::MessageStored(StoredMessage {
        message: message(seq, "bob", text),
        peer: None,
        inbox_seq: inbox_seq.map(InboxSeq),
        by_channel: inbox_seq.is_none(),
        own: None,
    })
}

fn changed(no: u64, after_seq: u64, kind: ChangeKind) -> Change {
    Change {
        conversation: channel(),
        change_no: ChangeNo(no),
        after_seq: Seq(after_seq),
        version: Version(no),
        actor: id("bob"),
        at: UnixMs(3_000 + no),
        kind,
    }
}

fn change(no: u64, after_seq: u64, kind: ChangeKind) -> Vec<Record> {
    let version = Version(no);
    let update = RowUpdate::Group { title: None, version, member: true };
    let row = ConversationRow { conversation: channel(), peer: None, update };
    let change = changed(no, after_seq, kind);
    vec![Record::ConversationUpserted(row), Record::ChangeStored { change, inbox_seq: None }]
}

fn at(seq: u64, change_no: u64) -> Record {
    let position = ChannelPosition { seq: Seq(seq), change_no: ChangeNo(change_no) };
    Record::ChannelPosition { conversation: channel(), position }
}

async fn mark(store: &Store) -> Option<ChannelMark> {
    let marks = store.snapshot().await.unwrap().unwrap().conversations;
    marks.into_iter().find(|mark| mark.conversation == channel()).unwrap().channel
}

async fn told(store: &Store) -> Vec<Arrival> {
    let (found, _) = store.arrivals_after(ArrivalNo(0), 100).await.unwrap();
    found.into_iter().map(|(_, arrival)| arrival).collect()
}

#[tokio::test]
async fn requirement_g1_a_channels_position_is_stored_with_what_it_speaks_of_and_loaded_again() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    apply(&store, vec![identity("alice"), at(4, 2)]).await;
    let mut wanted = ChannelMark {
        position: ChannelPosition { seq: Seq(4), change_no: ChangeNo(2) },
        active: UnixMs(0),
    };
    assert_eq!(mark(&store).await, Some(wanted));
    assert!(store.conversation(channel()).await.unwrap().unwrap().channel);

    apply(&store, vec![came(5, "five", None), at(5, 2)]).await;
    store.close().await;
    let store = open(directory.path()).await;
    wanted.position.seq = Seq(5);
    wanted.active = UnixMs(2_005);
    assert_eq!(mark(&store).await, Some(wanted));
    let shown = store.conversation(channel()).await.unwrap().unwrap();
    assert!(shown.channel);
    assert_eq!(shown.unread, 1);

    apply(&store, vec![Record::ChannelLeft { conversation: channel() }]).await;
    assert_eq!(mark(&store).await, None);
    assert!(
        store.conversation(channel()).await.unwrap().unwrap().channel,
        "it is one all the same"
    );
}

#[tokio::test]
async fn requirement_g1_messages_of_a_channel_are_told_once_also_after_a_restart() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let own = StoredMessage {
        message: message(4, "alice", "composed here"),
        peer: None,
        inbox_seq: None,
        by_channel: false,
        own: Some(OwnMessage { local_no: LocalNo(4), stored_offline: false }),
    };
    let echo = StoredMessage { by_channel: true, own: None, ..own.clone() };
    apply(
        &store,
        vec![
            identity("alice"),
            came(1, "one", None),
            // Called by name: the inbox says so first, or last.
            came(2, "two", Some(7)),
            came(2, "two", None),
            came(3, "three", None),
            came(3, "three", Some(8)),
            // Read again after a crash.
            came(1, "one", None),
            Record::MessageStored(own),
            Record::MessageStored(echo),
            at(4, 1),
        ],
    )
    .await;
    store.close().await;
    let store = open(directory.path()).await;
    let texts: Vec<_> = told(&store)
        .await
        .into_iter()
        .map(|arrival| match arrival {
            Arrival::Message(message) => message.text().unwrap().to_owned(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(texts, ["one", "two", "three"]);
    let (found, _) = store.arrivals_after(ArrivalNo(0), 100).await.unwrap();
    store.apply(std::sync::Arc::default(), Some(found[1].0)).await.unwrap();
    store.close().await;
    let store = open(directory.path()).await;
    assert_eq!(told(&store).await.len(), 1, "the stream goes on behind what was confirmed");
}

#[tokio::test]
async fn changes_of_a_followed_channel_leave_no_doubt() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let mut records = vec![identity("alice"), came(1, "one", None), at(1, 1)];
    // One's own page of changes reached further than the log was followed.
    records.extend(change(
        9,
        1,
        ChangeKind::MembersJoined { title: String::new(), users: vec![id("dora")], channel: false },
    ));
    let react = Alteration::React { emoji: "👍".to_owned(), on: true };
    records.extend(change(2, 1, ChangeKind::MessageAltered { seq: Seq(1), alteration: react }));
    records.push(at(1, 2));
    apply(&store, records).await;
    let page = store.history(channel(), anser_sdk::PageBounds::newest(10)).await.unwrap();
    assert!(page.complete, "nothing was missed");
    assert_eq!(page.messages[0].altered.as_ref().unwrap().reactions.len(), 1);
    assert!(matches!(told(&store).await[..], [_, Arrival::Change(_), Arrival::Reacted(_)]));
}

#[tokio::test]
async fn a_group_that_becomes_a_channel_says_so_for_good() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let set = SetGroup { channel: true, ..SetGroup::default() };
    let mut records = vec![identity("alice")];
    records.extend(change(1, 0, ChangeKind::GroupUpdated(set.clone())));
    apply(&store, records).await;
    store.close().await;
    let store = open(directory.path()).await;
    assert!(store.conversation(channel()).await.unwrap().unwrap().channel);
    let changes = store.changes(channel()).await.unwrap();
    assert_eq!(changes, [changed(1, 0, ChangeKind::GroupUpdated(set))]);
    // An ordinary change of its state takes nothing back.
    let renamed = SetGroup { title: Some("town".to_owned()), ..SetGroup::default() };
    apply(&store, change(2, 0, ChangeKind::GroupUpdated(renamed))).await;
    assert!(store.conversation(channel()).await.unwrap().unwrap().channel);
}

#[tokio::test]
async fn what_was_said_before_one_came_is_not_unread() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let joined = ChangeKind::MembersJoined {
        title: "town".to_owned(),
        users: vec![id("alice")],
        channel: false,
    };
    let mut records = vec![identity("alice")];
    records.extend(change(3, 10, joined));
    records.push(at(10, 3));
    records.push(came(11, "welcome", None));
    // An earlier page that was looked at.
    let earlier = message(9, "bob", "long ago");
    records.push(Record::MessageStored(StoredMessage {
        message: earlier,
        peer: None,
        inbox_seq: None,
        by_channel: false,
        own: None,
    }));
    records.push(at(11, 3));
    apply(&store, records).await;
    let shown = store.conversation(channel()).await.unwrap().unwrap();
    assert_eq!((shown.unread, shown.read_up_to), (1, Seq(10)));
}

#[tokio::test]
async fn a_range_one_has_put_away_is_kept_and_not_told() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let range = |from: u64, reason| {
        let conversation = channel();
        Record::UnavailableStored(Unavailable {
            conversation,
            from: Seq(from),
            to: Seq(from + 1),
            reason,
        })
    };
    apply(
        &store,
        vec![
            identity("alice"),
            came(5, "five", None),
            range(1, UnavailableReason::PutAway),
            range(3, UnavailableReason::Expired),
            at(5, 1),
        ],
    )
    .await;
    let told = told(&store).await;
    assert_eq!(told.len(), 2);
    assert!(matches!(&told[1], Arrival::Unavailable(range) if range.from == Seq(3)));
    let page = store.history(channel(), anser_sdk::PageBounds::newest(10)).await.unwrap();
    assert!(page.complete, "everything is accounted for");
}

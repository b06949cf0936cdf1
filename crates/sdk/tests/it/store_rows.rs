//! What the core stores is what it loads, transaction by transaction.

use std::path::Path;
use std::sync::Arc;

use anser_client::NatKnown;
use anser_client::io::{Endpoint, Identity, TransportKind};
use anser_client::records::{
    ConversationRow, ConversationState, DeviceState, OutboxItem, OutboxState, OwnMessage, Rebuild,
    Record, RowUpdate, Settled, StoredMessage, UnknownEvent,
};
use anser_sdk::Status;
use anser_sdk::store::{Arrival, ArrivalNo, Store, StoreOptions};
use anser_types::event::UnavailableReason;
use anser_types::{
    Change, ChangeKind, ChangeNo, CommandNo, Content, ConversationId, DeviceClass, DeviceNo,
    ErrorCode, InboxSeq, LocalNo, LogEpoch, Message, MessageId, Refusal, Role, Seq, Unavailable,
    UnixMs, UserId, Version,
};
use bytes::Bytes;
use tempfile::tempdir;

use crate::world::id;

pub fn identity(user: &str) -> Record {
    Record::IdentityTaken(Identity {
        user: id(user),
        device: DeviceNo(7),
        class: DeviceClass::Bot,
        token: "the token".to_owned(),
    })
}

pub fn with_bob() -> ConversationId {
    ConversationId::direct(&id("alice"), &id("bob"))
}

pub fn message(seq: u64, sender: &UserId, text: &str) -> Message {
    Message {
        conversation: with_bob(),
        seq: Seq(seq),
        sender: sender.clone(),
        id: MessageId { device: DeviceNo(9), local_no: LocalNo(seq) },
        sent_at: UnixMs(1_000 + seq),
        server_time: UnixMs(2_000 + seq),
        content: Some(Content::text(text)),
        altered: None,
    }
}

/// A message of bob's.
pub fn stored(seq: u64, text: &str, inbox_seq: Option<u64>) -> StoredMessage {
    StoredMessage {
        message: message(seq, &id("bob"), text),
        peer: Some(id("bob")),
        inbox_seq: inbox_seq.map(InboxSeq),
        by_channel: false,
        own: None,
    }
}

/// A message of alice's, composed here.
pub fn stored_own(seq: u64, local_no: u64, text: &str) -> StoredMessage {
    let mut message = message(seq, &id("alice"), text);
    message.id = MessageId { device: DeviceNo(7), local_no: LocalNo(local_no) };
    let own = Some(OwnMessage { local_no: LocalNo(local_no), stored_offline: false });
    StoredMessage {
        message,
        peer: Some(id("bob")),
        inbox_seq: Some(InboxSeq(seq)),
        by_channel: false,
        own,
    }
}

pub async fn apply(store: &Store, records: Vec<Record>) -> ArrivalNo {
    store.apply(Arc::new(records), None).await.unwrap().newest_arrival
}

pub async fn open(directory: &Path) -> Store {
    Store::open(StoreOptions::with_key_file(directory)).await.unwrap()
}

/// Closes and opens again, as a new process would.
async fn reopen(store: Store, directory: &Path) -> Store {
    store.close().await;
    open(directory).await
}

fn item(local_no: u64, state: OutboxState) -> OutboxItem {
    OutboxItem {
        id: MessageId { device: DeviceNo(7), local_no: LocalNo(local_no) },
        conversation: Some(with_bob()),
        sent_at: UnixMs(5),
        body: Bytes::from_static(b"encoded"),
        state,
        delete_wanted: false,
    }
}

#[tokio::test]
async fn numbers_and_positions_survive() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let state = DeviceState {
        cursor: InboxSeq(41),
        log_epoch: LogEpoch(2),
        answered_up_to: CommandNo(3),
        highest_used: CommandNo(5),
        last_local_no: LocalNo(9),
        rebuild: Some(Rebuild {
            at: InboxSeq(77),
            log_epoch: LogEpoch(3),
            after: Some(with_bob()),
        }),
        settle_until: Some(InboxSeq::MAX),
        settle_by_history: true,
    };
    let unknown = UnknownEvent { inbox_seq: InboxSeq(40), raw: Bytes::from_static(b"raw") };
    let endpoint = Endpoint {
        transport: TransportKind::Wss,
        host: "h".to_owned(),
        port: 7443,
        network: "wifi".to_owned(),
    };
    let network = "wifi:home".to_owned();
    let known = NatKnown { held: 94, failed: 114, doubts: 2 };
    apply(
        &store,
        vec![
            identity("alice"),
            Record::UnknownStored(unknown.clone()),
            Record::EndpointRemembered { network: network.clone(), endpoint: endpoint.clone() },
            Record::NatLearned { network: network.clone(), known: NatKnown::default() },
            Record::NatLearned { network: network.clone(), known },
            Record::DeviceState(state.clone()),
        ],
    )
    .await;
    let store = reopen(store, directory.path()).await;
    let snapshot = store.snapshot().await.unwrap().unwrap();
    assert_eq!(snapshot.device, state);
    assert_eq!(snapshot.unknown, [unknown]);
    assert_eq!(snapshot.endpoints, [(network.clone(), endpoint)]);
    assert_eq!(snapshot.networks, [(network, known)]);

    apply(&store, vec![Record::UnknownResolved { inbox_seq: InboxSeq(40) }]).await;
    assert!(store.snapshot().await.unwrap().unwrap().unknown.is_empty());
}

#[tokio::test]
async fn the_outbox_survives_with_every_state() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let reason = Refusal::because(ErrorCode::RateLimited, "slowly").retry_after(50);
    let failed = OutboxState::Failed { reason, unconfirmed: Some(CommandNo(4)) };
    apply(
        &store,
        vec![
            identity("alice"),
            Record::OutboxPut(item(1, OutboxState::Queued)),
            Record::OutboxPut(item(2, OutboxState::Queued)),
            Record::OutboxState {
                local_no: LocalNo(2),
                state: OutboxState::Numbered(CommandNo(3)),
            },
            Record::OutboxPut(item(3, failed.clone())),
            Record::OutboxDeleteWanted { local_no: LocalNo(3) },
            Record::OutboxPut(item(4, OutboxState::Queued)),
            Record::OutboxSettled { local_no: LocalNo(4), how: Settled::Deleted },
        ],
    )
    .await;
    let store = reopen(store, directory.path()).await;
    let outbox = store.snapshot().await.unwrap().unwrap().outbox;
    let wanted = [
        item(1, OutboxState::Queued),
        item(2, OutboxState::Numbered(CommandNo(3))),
        OutboxItem { delete_wanted: true, ..item(3, failed) },
    ];
    assert_eq!(outbox, wanted);
}

#[tokio::test]
async fn a_transaction_is_stored_whole_or_not_at_all() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    apply(&store, vec![identity("alice")]).await;
    // A directory that cannot be written stands for any failure in the middle.
    let before = store.snapshot().await.unwrap().unwrap();
    apply(&store, vec![Record::MessageStored(stored(1, "one", Some(1)))]).await;
    // The process ends without a word: no close, the runtime's handle is simply gone.
    drop(store);
    let store = crate::world::soon(async {
        loop {
            if let Ok(store) = Store::open(StoreOptions::with_key_file(directory.path())).await {
                return store;
            }
            tokio::task::yield_now().await;
        }
    })
    .await;
    let after = store.snapshot().await.unwrap().unwrap();
    assert_eq!(before.conversations.len(), 0);
    assert_eq!(after.conversations[0].head, Seq(1));
}

#[tokio::test]
async fn marks_are_what_the_core_keeps_of_a_conversation() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    apply(
        &store,
        vec![
            identity("alice"),
            Record::MessageStored(stored(1, "hi", Some(1))),
            Record::MessageStored(stored_own(2, 1, "hello")),
            Record::MessageStored(stored(3, "bye", Some(3))),
            Record::ReadPosition { conversation: with_bob(), up_to: Seq(2) },
            Record::ReceiptMoved {
                conversation: with_bob(),
                who: id("bob"),
                delivered: Seq(2),
                read: Seq(1),
            },
            // Positions move forward only.
            Record::ReadPosition { conversation: with_bob(), up_to: Seq(1) },
            Record::ReceiptMoved {
                conversation: with_bob(),
                who: id("bob"),
                delivered: Seq(1),
                read: Seq(0),
            },
        ],
    )
    .await;
    let store = reopen(store, directory.path()).await;
    let marks = store.snapshot().await.unwrap().unwrap().conversations;
    assert_eq!(marks.len(), 1);
    let mark = &marks[0];
    assert_eq!(mark.peer, Some(id("bob")));
    assert_eq!((mark.head, mark.read_up_to, mark.last_own), (Seq(3), Seq(2), Seq(2)));
    assert_eq!((mark.peer_delivered, mark.peer_read), (Seq(2), Seq(1)));
    let own = MessageId { device: DeviceNo(7), local_no: LocalNo(1) };
    assert_eq!(store.own_message(own).await.unwrap().unwrap().status, Status::Delivered);
}

#[tokio::test]
async fn unread_counts_what_is_stored_and_what_the_server_counted() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let state = ConversationState {
        group: None,
        version: Version(1),
        head: Seq(100),
        change_head: ChangeNo(0),
        read_up_to: Seq(40),
        mentioned: Seq::ZERO,
        pinned: Vec::new(),
        unread: 55,
        last_message: Some(message(100, &id("bob"), "the last")),
        last_at: UnixMs(0),
        peer_delivered: Seq(100),
        peer_read: Seq(90),
        member: true,
        members: 2,
        role: Role::Member,
        cuts: Vec::new(),
        log_epoch: LogEpoch(3),
    };
    let row = ConversationRow {
        conversation: with_bob(),
        peer: Some(id("bob")),
        update: RowUpdate::Full(Box::new(state)),
    };
    apply(&store, vec![identity("alice"), Record::ConversationUpserted(row)]).await;
    let unread = async |store: &Store| store.conversations().await.unwrap()[0].unread;
    assert_eq!(unread(&store).await, 55);
    // New messages count on top; one's own do not.
    apply(
        &store,
        vec![
            Record::MessageStored(stored(101, "new", Some(1))),
            Record::MessageStored(stored_own(102, 1, "mine")),
        ],
    )
    .await;
    assert_eq!(unread(&store).await, 56);
    // Reading into the part that is only at the server: never more than the distance.
    apply(&store, vec![Record::ReadPosition { conversation: with_bob(), up_to: Seq(90) }]).await;
    assert_eq!(unread(&store).await, 11);
    apply(&store, vec![Record::ReadPosition { conversation: with_bob(), up_to: Seq(101) }]).await;
    assert_eq!(unread(&store).await, 0);
    let list = store.conversations().await.unwrap();
    assert_eq!(list[0].last_message.as_ref().unwrap().text(), Some("mine"));
}

#[tokio::test]
async fn arrivals_are_kept_until_confirmed() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let change = Change {
        conversation: ConversationId::group([3; 16]),
        change_no: ChangeNo(1),
        after_seq: Seq(0),
        version: Version(1),
        actor: id("bob"),
        at: UnixMs(3),
        kind: ChangeKind::GroupCreated {
            title: "friends".to_owned(),
            members: vec![id("alice"), id("bob")],
        },
    };
    let gap = Unavailable {
        conversation: with_bob(),
        from: Seq(4),
        to: Seq(9),
        reason: UnavailableReason::Damaged,
    };
    apply(
        &store,
        vec![
            identity("alice"),
            Record::MessageStored(stored(1, "one", Some(1))),
            // One's own from here is no news, history that was asked for neither.
            Record::MessageStored(stored_own(2, 1, "mine")),
            Record::MessageStored(stored(3, "asked for", None)),
            Record::ChangeStored { change: change.clone(), inbox_seq: Some(InboxSeq(3)) },
            Record::UnavailableStored(gap.clone()),
            // The same entry once more (pulled again after a crash) is no second event.
            Record::MessageStored(stored(1, "one", Some(1))),
            Record::ChangeStored { change: change.clone(), inbox_seq: Some(InboxSeq(3)) },
            Record::UnavailableStored(gap.clone()),
        ],
    )
    .await;
    let store = reopen(store, directory.path()).await;
    let (found, _) = store.arrivals_after(ArrivalNo(0), 10).await.unwrap();
    assert_eq!(found.len(), 3);
    assert!(matches!(&found[0].1, Arrival::Message(message) if message.text() == Some("one")));
    assert_eq!(found[1].1, Arrival::Change(change));
    assert_eq!(found[2].1, Arrival::Unavailable(gap));

    store.apply(Arc::default(), Some(found[1].0)).await.unwrap();
    let store = reopen(store, directory.path()).await;
    let (left, _) = store.arrivals_after(ArrivalNo(0), 10).await.unwrap();
    assert_eq!(left, found[2..]);

    // Numbers are never used twice, also when everything was confirmed.
    let newest = store.newest_arrival().await.unwrap();
    store.apply(Arc::default(), Some(newest)).await.unwrap();
    let store = reopen(store, directory.path()).await;
    let next = apply(&store, vec![Record::MessageStored(stored(10, "later", Some(9)))]).await;
    assert!(next > newest);
}

#[tokio::test]
async fn a_message_deleted_while_unsettled_stays_hidden() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let hidden = Record::MessageHidden { conversation: with_bob(), seq: Seq(1) };
    apply(
        &store,
        vec![identity("alice"), hidden, Record::MessageStored(stored_own(1, 1, "unsaid"))],
    )
    .await;
    let page = store.history(with_bob(), anser_sdk::PageBounds::newest(10)).await.unwrap();
    assert!(page.messages.is_empty() && page.complete);
    assert!(store.search("unsaid", None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_the_server_lost_is_marked() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    apply(
        &store,
        vec![
            identity("alice"),
            Record::MessageStored(stored(1, "kept", Some(1))),
            Record::MessageStored(stored_own(2, 1, "lost")),
            Record::NotOnServer { conversation: with_bob(), above: Seq(1) },
        ],
    )
    .await;
    let lost = store.message(with_bob(), Seq(2)).await.unwrap().unwrap();
    assert_eq!(lost.status, Status::NotOnServer);
    assert_eq!(store.conversations().await.unwrap()[0].head, Seq(1));
    // The number is given again, to another message.
    apply(&store, vec![Record::MessageStored(stored(2, "new", Some(2)))]).await;
    let new = store.message(with_bob(), Seq(2)).await.unwrap().unwrap();
    assert_eq!((new.text(), &new.status), (Some("new"), &Status::Received));
}

#[tokio::test]
async fn what_the_server_lost_takes_no_place_in_a_page() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    apply(
        &store,
        vec![
            identity("alice"),
            Record::MessageStored(stored(1, "kept", Some(1))),
            Record::MessageStored(stored(2, "lost", Some(2))),
            Record::MessageStored(stored(3, "lost too", Some(3))),
            Record::NotOnServer { conversation: with_bob(), above: Seq(1) },
            // Two was said again while this device was away; it has not come yet.
            Record::MessageStored(stored(3, "new", Some(2))),
        ],
    )
    .await;
    let page = store.history(with_bob(), anser_sdk::PageBounds::newest(10)).await.unwrap();
    let texts: Vec<_> = page.messages.iter().filter_map(|message| message.text()).collect();
    assert_eq!((texts, page.complete), (vec!["kept", "new"], false));
}

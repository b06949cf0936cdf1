//! What changes make of messages in the local store: once each, in their order, also when a log went back.

use anser_client::records::{ConversationRow, ConversationState, Record, RowUpdate};
use anser_sdk::store::{Arrival, ArrivalNo, PageBounds, Store};
use anser_types::{
    Alteration, Altered, Change, ChangeKind, ChangeNo, Content, InboxSeq, LogEpoch, Role, Seq,
    UnixMs, Version,
};
use tempfile::tempdir;

use crate::store_rows::{apply, identity, open, stored, with_bob};
use crate::world::id;

fn alters(change_no: u64, seq: u64, alteration: Alteration) -> Record {
    let change = Change {
        conversation: with_bob(),
        change_no: ChangeNo(change_no),
        after_seq: Seq(seq),
        version: Version(1),
        actor: id("bob"),
        at: UnixMs(5_000 + change_no),
        kind: ChangeKind::MessageAltered { seq: Seq(seq), alteration },
    };
    Record::ChangeStored { change, inbox_seq: Some(InboxSeq(100 + change_no)) }
}

fn edit(text: &str) -> Alteration {
    Alteration::Edit(Content::text(text))
}

/// The conversation as a rebuild tells it.
fn row(change_head: u64, pinned: Vec<Seq>) -> Record {
    let state = ConversationState {
        group: None,
        version: Version(1),
        head: Seq(1),
        change_head: ChangeNo(change_head),
        read_up_to: Seq(1),
        mentioned: Seq::ZERO,
        pinned,
        unread: 0,
        last_message: None,
        last_at: UnixMs(0),
        peer_delivered: Seq::ZERO,
        peer_read: Seq::ZERO,
        member: true,
        members: 2,
        role: Role::Member,
        cuts: Vec::new(),
        log_epoch: LogEpoch(2),
    };
    let update = RowUpdate::Full(Box::new(state));
    let peer = Some(id("bob"));
    Record::ConversationUpserted(ConversationRow { conversation: with_bob(), peer, update })
}

async fn text(store: &Store, seq: u64) -> String {
    let found = store.conversation(with_bob()).await.unwrap().unwrap().last_message.unwrap();
    assert_eq!(found.seq, Some(Seq(seq)));
    found.text().unwrap_or("(gone)").to_owned()
}

async fn told(store: &Store) -> Vec<Arrival> {
    let (page, _) = store.arrivals_after(ArrivalNo(0), 50).await.unwrap();
    page.into_iter().map(|(_, arrival)| arrival).collect()
}

#[tokio::test]
async fn a_change_heard_again_is_neither_applied_nor_told_again() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let came = vec![
        identity("alice"),
        Record::MessageStored(stored(1, "one", Some(1))),
        alters(1, 1, Alteration::Pin { on: true }),
        alters(2, 1, Alteration::Pin { on: false }),
        alters(3, 1, edit("two")),
    ];
    apply(&store, came).await;
    let before = told(&store).await;
    assert_eq!(before.len(), 4, "the message, both pins, the edit");
    let again = vec![alters(1, 1, Alteration::Pin { on: true }), alters(3, 1, edit("two"))];
    apply(&store, again).await;
    assert_eq!(told(&store).await, before);
    assert_eq!(text(&store, 1).await, "two");
    assert!(store.conversation(with_bob()).await.unwrap().unwrap().pinned.is_empty());
}

#[tokio::test]
async fn a_page_read_before_an_edit_does_not_undo_it() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let said = || Record::MessageStored(stored(1, "one", Some(1)));
    apply(&store, vec![identity("alice"), said(), alters(1, 1, edit("two")), said()]).await;
    assert_eq!(text(&store, 1).await, "two");
    assert_eq!(store.search("two", None, 10).await.unwrap().len(), 1);
    assert!(store.search("one", None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn another_message_at_the_place_of_an_edited_one_keeps_its_own_content() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let mut other = stored(1, "another", Some(1));
    other.message.id.local_no = anser_types::LocalNo(77);
    let came = vec![
        identity("alice"),
        Record::MessageStored(stored(1, "one", Some(1))),
        alters(1, 1, edit("two")),
        // The server was restored, and gave the place to another message.
        Record::NotOnServer { conversation: with_bob(), above: Seq(0) },
        Record::MessageStored(other),
    ];
    apply(&store, came).await;
    assert_eq!(text(&store, 1).await, "another");
}

#[tokio::test]
async fn what_a_log_that_went_back_numbers_anew_counts_again() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let came = vec![
        identity("alice"),
        Record::MessageStored(stored(1, "one", Some(1))),
        alters(1, 1, edit("two")),
        alters(2, 1, Alteration::React { emoji: "👍".to_owned(), on: true }),
    ];
    apply(&store, came).await;
    // The restored log knows of the first change alone, and of another second one.
    apply(&store, vec![row(1, Vec::new()), alters(2, 1, edit("three"))]).await;
    assert_eq!(text(&store, 1).await, "three");
    let message = store.conversation(with_bob()).await.unwrap().unwrap().last_message.unwrap();
    let Some(Altered { by, .. }) = message.altered.as_deref() else { panic!("{message:?}") };
    assert_eq!(*by, ChangeNo(2));
}

fn first() -> PageBounds {
    PageBounds::after(Seq::ZERO, 1)
}

#[tokio::test]
async fn a_page_is_not_complete_once_changes_were_missed_until_it_is_given_again() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let said = || stored(1, "one", Some(1));
    let came = vec![identity("alice"), Record::MessageStored(said()), alters(1, 1, edit("two"))];
    apply(&store, came).await;
    assert!(store.history(with_bob(), first()).await.unwrap().complete);
    // A change that does not follow the last one tells of those in between.
    apply(&store, vec![alters(3, 1, Alteration::Pin { on: true })]).await;
    let page = store.history(with_bob(), first()).await.unwrap();
    assert_eq!((page.complete, page.messages[0].text()), (false, Some("two")));
    // What the server gives then is its present state, whatever number is shown here.
    let mut given = said();
    given.message.content = Some(Content::text("three"));
    given.message.altered =
        Some(Box::new(Altered { by: ChangeNo(2), edits: 2, ..Altered::default() }));
    given.inbox_seq = None;
    apply(&store, vec![Record::MessageStored(given)]).await;
    let page = store.history(with_bob(), first()).await.unwrap();
    assert_eq!((page.complete, page.messages[0].text()), (true, Some("three")));
}

#[tokio::test]
async fn a_row_that_knows_of_more_changes_or_is_of_another_log_puts_messages_in_doubt() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let two = |seq| Record::MessageStored(stored(seq, "said", Some(seq)));
    apply(&store, vec![identity("alice"), two(1), two(2)]).await;
    apply(&store, vec![row(0, Vec::new())]).await;
    assert!(!store.history(with_bob(), first()).await.unwrap().complete, "of another log");
    apply(&store, vec![two(1)]).await;
    apply(&store, vec![row(0, Vec::new())]).await;
    assert!(store.history(with_bob(), first()).await.unwrap().complete, "nothing was missed");
    apply(&store, vec![row(4, Vec::new())]).await;
    assert!(!store.history(with_bob(), first()).await.unwrap().complete, "four changes were");
}

#[tokio::test]
async fn changes_of_a_conversation_that_vanished_and_came_again_count_from_the_start() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let mut again = stored(1, "again", Some(1));
    again.message.id.local_no = anser_types::LocalNo(77);
    let came = vec![
        identity("alice"),
        Record::MessageStored(stored(1, "one", Some(1))),
        alters(1, 1, edit("two")),
        Record::NotOnServer { conversation: with_bob(), above: Seq(0) },
        Record::MessageStored(again),
        alters(1, 1, edit("three")),
    ];
    apply(&store, came).await;
    assert_eq!(text(&store, 1).await, "three");
}

//! History: local first, filled from the server, sorted as it was written.

use anser_client::records::Record;
use anser_sdk::{Client, PageBounds};
use anser_types::{ErrorCode, LocalNo, Seq};
use tempfile::tempdir;

use crate::store_rows::{apply, identity, open, stored, with_bob};
use crate::world::{World, id, soon};

fn seqs(page: &anser_sdk::HistoryPage) -> Vec<u64> {
    page.messages.iter().filter_map(|message| message.seq).map(|seq| seq.0).collect()
}

#[tokio::test]
async fn a_page_knows_whether_it_is_complete() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let records = [1, 2, 5, 6, 7].map(|seq| Record::MessageStored(stored(seq, "text", Some(seq))));
    apply(&store, [identity("alice")].into_iter().chain(records).collect()).await;

    let newest = store.history(with_bob(), PageBounds::newest(3)).await.unwrap();
    assert_eq!((seqs(&newest), newest.complete, newest.more), (vec![5, 6, 7], true, true));
    let beyond = store.history(with_bob(), PageBounds::newest(4)).await.unwrap();
    assert!(!beyond.complete, "3 and 4 are missing");
    let oldest = store.history(with_bob(), PageBounds::after(Seq(0), 2)).await.unwrap();
    assert_eq!((seqs(&oldest), oldest.complete, oldest.more), (vec![1, 2], true, true));
    let below = store.history(with_bob(), PageBounds::before(Seq(3), 10)).await.unwrap();
    assert_eq!((seqs(&below), below.complete, below.more), (vec![1, 2], true, false));

    // A range that cannot be given closes the gap.
    let gap = anser_types::Unavailable {
        conversation: with_bob(),
        from: Seq(3),
        to: Seq(4),
        reason: anser_types::event::UnavailableReason::Expired,
    };
    apply(&store, vec![Record::UnavailableStored(gap.clone())]).await;
    let all = store.history(with_bob(), PageBounds::newest(10)).await.unwrap();
    assert!(all.complete && !all.more);
    assert_eq!(all.unavailable, [gap]);
}

#[tokio::test]
async fn requirement_b2_a_retried_message_is_shown_where_it_was_written() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    // Bob composed 1, 2, 3; the server got 1, 3, 2.
    let records = [(1, 1), (2, 3), (3, 2)].map(|(seq, local_no)| {
        let mut message = stored(seq, &format!("composed {local_no}"), Some(seq));
        message.message.id.local_no = LocalNo(local_no);
        Record::MessageStored(message)
    });
    apply(&store, [identity("alice")].into_iter().chain(records).collect()).await;
    let page = store.history(with_bob(), PageBounds::newest(10)).await.unwrap();
    let shown: Vec<_> = page.messages.iter().filter_map(|message| message.text()).collect();
    assert_eq!(shown, ["composed 1", "composed 2", "composed 3"]);

    // Two pages of it show each message once.
    let last = store.history(with_bob(), PageBounds::newest(1)).await.unwrap();
    let (first, _) = last.range.unwrap();
    let rest = store.history(with_bob(), PageBounds::before(first, 10)).await.unwrap();
    let shown: Vec<_> =
        rest.messages.iter().chain(&last.messages).filter_map(|message| message.text()).collect();
    assert_eq!(shown, ["composed 1", "composed 2", "composed 3"]);
}

#[tokio::test]
async fn requirement_c7_a_new_device_fills_history_from_the_server() {
    let world = World::new();
    let (a, b, new) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    let alice = world.client("alice", a.path()).await;
    let bob = world.client("bob", b.path()).await;
    for n in 1..=30 {
        let from = if n % 3 == 0 { &bob } else { &alice };
        let to = if n % 3 == 0 { id("alice") } else { id("bob") };
        soon(from.send_text(to, format!("message {n}"))).await.unwrap();
    }
    let fresh = world.client("alice", new.path()).await;
    soon(fresh.wait_connected()).await.unwrap();
    let page = soon(fresh.history(id("bob"), PageBounds::newest(10))).await.unwrap();
    assert_eq!((seqs(&page), page.complete), ((21..=30).collect(), true));
    let (first, _) = page.range.unwrap();
    let before = soon(fresh.history(id("bob"), PageBounds::before(first, 100))).await.unwrap();
    assert_eq!((seqs(&before), before.complete, before.more), ((1..=20).collect(), true, false));

    // What was fetched is there without a connection.
    fresh.go_offline().await.unwrap();
    let all = fresh.history(id("bob"), PageBounds::newest(100)).await.unwrap();
    assert_eq!((seqs(&all), all.complete), ((1..=30).collect(), true));
    assert_eq!(fresh.search("message 17", None, 5).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_page_that_cannot_be_completed_says_so() {
    let directory = tempdir().unwrap();
    let world = World::new();
    let alice = world.client("alice", directory.path()).await;
    soon(alice.wait_connected()).await.unwrap();
    alice.go_offline().await.unwrap();
    let page = soon(alice.history(id("bob"), PageBounds::newest(10))).await.unwrap();
    assert!(!page.complete && page.messages.is_empty());
}

#[tokio::test]
async fn pending_messages_stand_at_the_end() {
    let directory = tempdir().unwrap();
    let world = World::new();
    world.device("bob").await;
    let alice = world.client("alice", directory.path()).await;
    soon(alice.send_text(id("bob"), "sent")).await.unwrap();
    alice.go_offline().await.unwrap();
    for text in ["second", "third"] {
        alice.send_message(id("bob"), Client::create_text_message(text)).await.unwrap();
    }
    let page = alice.history(id("bob"), PageBounds::newest(10)).await.unwrap();
    let pending: Vec<_> = page.pending.iter().filter_map(|message| message.text()).collect();
    assert_eq!(pending, ["second", "third"]);
    assert_eq!(page.messages[0].text(), Some("sent"));
    let older = alice.history(id("bob"), PageBounds::before(Seq(2), 10)).await.unwrap();
    assert!(older.pending.is_empty());
}

#[tokio::test]
async fn a_conversation_without_messages_is_complete() {
    let directory = tempdir().unwrap();
    let world = World::new();
    world.device("bob").await;
    let alice = world.client("alice", directory.path()).await;
    soon(alice.wait_connected()).await.unwrap();
    let page = soon(alice.history(id("bob"), PageBounds::newest(10))).await.unwrap();
    assert!(page.complete && !page.more && page.messages.is_empty());
    // With a user who does not exist there is none, which is something else.
    let error = soon(alice.history(id("nobody"), PageBounds::newest(10))).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::UserUnknown);
}

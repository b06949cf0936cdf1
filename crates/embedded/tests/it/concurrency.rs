//! Readers, a trimmer and the writer at the same time: what readers see is committed, dense and never goes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anser_backend::testing::{AppendBuilder, Person};
use anser_backend::{PageLimit, TrimPolicy};
use anser_embedded::EmbeddedStore;
use anser_types::{Event, InboxSeq, UnixMs, UserNo};

use crate::conformance::small;

const MESSAGES: u64 = 3_000;

/// Pages through an inbox for ever, from wherever it begins, and checks every entry; ends at the last message.
async fn read_along(store: EmbeddedStore, user: UserNo, acked: Arc<AtomicU64>) {
    let conversations = store.conversations();
    let mut cursor = InboxSeq::ZERO;
    while cursor.0 < MESSAGES {
        let known = acked.load(Ordering::Acquire);
        let limit = PageLimit { entries: 50, bytes: 1 << 20 };
        let page = conversations.inbox(user, cursor, limit).await.unwrap();
        assert!(page.bounds.head.0 >= known, "an acknowledged entry is not visible");
        if cursor < page.bounds.floor {
            cursor = page.bounds.floor;
            continue;
        }
        assert!(page.bounds.head == cursor || !page.events.is_empty(), "a page is empty");
        for event in page.events {
            cursor = cursor.next();
            let Event::Message(message) = event else { panic!("{event:?}") };
            // The first message stands in the first entry, and so on: both counters are dense.
            assert_eq!(message.seq.0, cursor.0);
        }
        tokio::task::yield_now().await;
    }
}

async fn trim_along(store: EmbeddedStore, done: Arc<AtomicBool>) {
    while !done.load(Ordering::Acquire) {
        let policy = TrimPolicy { now: UnixMs(0), keep: 100, keep_ms: u64::MAX, inboxes: 10 };
        store.ledger().trim(policy).await.unwrap();
        tokio::task::yield_now().await;
    }
}

#[test]
fn readers_see_dense_committed_inboxes_while_writer_and_trimmer_run() {
    let dir = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(dir.path(), small()).unwrap();
    let (alice, bob) = (Person::new(UserNo(1), "alice"), Person::new(UserNo(2), "bob"));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    runtime.block_on(async {
        let ledger = store.ledger();
        let opening = AppendBuilder::internal().opens_direct(&alice, &bob).build();
        ledger.append_batch(vec![opening]).await.unwrap();
        let acked = Arc::new(AtomicU64::new(0));
        let done = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = [&alice, &bob]
            .map(|who| tokio::spawn(read_along(store.clone(), who.no, Arc::clone(&acked))))
            .into();
        let trimmer = tokio::spawn(trim_along(store.clone(), Arc::clone(&done)));
        let id = alice.direct(&bob);
        for batch in 0..MESSAGES / 10 {
            let say = |n| {
                let made = AppendBuilder::internal();
                made.says(id, &alice, batch * 10 + n, "hello", &[&alice, &bob]).build()
            };
            ledger.append_batch((0..10).map(say).collect()).await.unwrap();
            acked.store((batch + 1) * 10, Ordering::Release);
        }
        for reader in readers {
            reader.await.unwrap();
        }
        done.store(true, Ordering::Release);
        trimmer.await.unwrap();
        store.close().await.unwrap();
    });
}

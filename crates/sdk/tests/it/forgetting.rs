//! Messages that expire and messages that burn, as the app meets them: gone by themselves, offline too.

use std::sync::Arc;

use anser_client::records::Record;
use anser_sdk::store::{PageBounds, Store, StoreOptions};
use anser_sdk::{Client, Event, SystemClock};
use anser_types::{Clock, Content, Seq, UnixMs};
use tempfile::tempdir;

use crate::store_rows::{identity, stored, with_bob};
use crate::world::{World, id, soon, texts, until};

/// A clock that is ahead.
#[derive(Debug)]
struct Ahead(u64);

impl Clock for Ahead {
    fn now(&self) -> UnixMs {
        UnixMs(SystemClock.now().0 + self.0)
    }
}

const NEWEST: PageBounds = PageBounds { after: None, before: None, limit: 10, oldest_first: false };

async fn said(client: &Client, peer: &str) -> Vec<Option<String>> {
    let messages = client.history(id(peer), NEWEST).await;
    let texts = messages.unwrap().messages;
    texts.iter().map(|message| message.text().map(str::to_owned)).collect()
}

#[tokio::test]
async fn the_store_forgets_what_is_over_and_says_when_the_next_will_be() {
    let directory = tempdir().unwrap();
    let options = StoreOptions::with_key_file(directory.path());
    let store = Store::open(options).await.unwrap();
    let mut records = vec![identity("alice")];
    for (seq, at) in [(1, Some(500)), (2, None), (3, Some(700))] {
        let mut one = stored(seq, &format!("words of {seq}"), Some(seq));
        if let Some(content) = &mut one.message.content {
            content.expires_at = at.map(UnixMs);
        }
        records.push(Record::MessageStored(one));
    }
    let applied = store.apply(Arc::new(records), None).await.unwrap();
    assert_eq!(applied.next_expiry, Some(UnixMs(500)));
    assert!(store.forget_expired(UnixMs(499)).await.unwrap().messages.is_empty());
    let forgotten = store.forget_expired(UnixMs(500)).await.unwrap();
    assert_eq!(forgotten.messages, [(with_bob(), Seq(1))]);
    assert_eq!(forgotten.next, Some(UnixMs(700)));
    let found = store.search("words of", None, 10).await.unwrap();
    assert_eq!(found.iter().map(|one| one.seq).collect::<Vec<_>>(), [Some(Seq(3)), Some(Seq(2))]);
    let page = store.history(with_bob(), NEWEST).await.unwrap();
    assert_eq!(page.messages.len(), 3, "its place stays");
    assert!(page.messages[0].content.is_none());
    assert_eq!(store.forget_expired(UnixMs(700)).await.unwrap().next, None);
}

#[tokio::test]
async fn requirement_g3_what_expired_while_a_client_was_away_is_never_shown_again() {
    let world = World::new();
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    let alice = world.client("alice", a.path()).await;
    let bob = world.client("bob", b.path()).await;
    let mut of_bob = bob.events();
    soon(alice.wait_connected()).await.unwrap();
    soon(bob.wait_connected()).await.unwrap();
    let expires_at = Some(UnixMs(alice.server_time().await.unwrap().0 + 3_600_000));
    let secret = Content { expires_at, ..Content::text("secret") };
    alice.send_message(id("bob"), secret).await.unwrap();
    assert_eq!(texts(&mut of_bob, 1).await, ["secret"]);
    bob.close().await;

    // Two hours later, without a server.
    let builder = Client::builder()
        .endpoint("tcp://127.0.0.1:9".parse().unwrap())
        .clock(Arc::new(Ahead(7_200_000)))
        .store_directory(b.path());
    let bob = builder.resume().await.unwrap();
    assert_eq!(said(&bob, "alice").await, [None]);
    assert!(bob.search("secret", None, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn requirement_g3_what_burns_goes_from_both_ends_once_it_was_read() {
    let world = World::new();
    let (a, b, c) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    let alice = world.client("alice", a.path()).await;
    let bob = world.client("bob", b.path()).await;
    let elsewhere = world.client("bob", c.path()).await;
    // What was said before a device first came is not told to it.
    for client in [&bob, &elsewhere] {
        soon(client.wait_connected()).await.unwrap();
    }
    let (mut of_alice, mut of_bob) = (alice.events(), bob.events());
    let mut of_elsewhere = elsewhere.events();
    let fuse = Content { burn_after_ms: Some(1_000), ..Content::text("fuse") };
    let sent = alice.send_message(id("bob"), fuse).await.unwrap();
    let sent = soon(alice.wait_sent(sent)).await.unwrap();
    assert_eq!(texts(&mut of_bob, 1).await, ["fuse"]);
    assert_eq!(texts(&mut of_elsewhere, 1).await, ["fuse"]);
    bob.mark_as_read(id("alice"), sent.seq).await.unwrap();
    for events in [&mut of_alice, &mut of_bob, &mut of_elsewhere] {
        let gone = until(events, |event| match event {
            Event::MessagesExpired { seqs, .. } => Some(seqs.clone()),
            _ => None,
        });
        assert_eq!(gone.await, [sent.seq]);
    }
    assert_eq!(said(&alice, "bob").await, [None]);
    assert_eq!(said(&bob, "alice").await, [None]);
    assert_eq!(said(&elsewhere, "alice").await, [None]);
    // A new device of bob's reads of it no more either.
    let d = tempdir().unwrap();
    let new = world.client("bob", d.path()).await;
    soon(new.wait_synced()).await.unwrap();
    assert!(said(&new, "alice").await.iter().all(Option::is_none));
}

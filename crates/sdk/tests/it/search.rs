//! Text search in the store.

use anser_client::records::Record;
use anser_sdk::store::Store;
use tempfile::tempdir;

use crate::store_rows::{apply, identity, open, stored, with_bob};

async fn found(store: &Store, text: &str) -> Vec<String> {
    let messages = store.search(text, None, 10).await.unwrap();
    messages.iter().filter_map(|message| message.text()).map(str::to_owned).collect()
}

#[tokio::test]
async fn texts_are_found_in_any_language() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let texts =
        ["Hello World", "明天下午三点开会", "100% sure", "say \"hello\" OR leave", "ünïcödé"];
    let records = texts
        .iter()
        .zip(1..)
        .map(|(text, seq)| Record::MessageStored(stored(seq, text, Some(seq))));
    apply(&store, [identity("alice")].into_iter().chain(records).collect()).await;

    assert_eq!(found(&store, "hello").await, ["say \"hello\" OR leave", "Hello World"]);
    assert_eq!(found(&store, "下午三").await, ["明天下午三点开会"]);
    // Two characters are a word in Chinese, and fewer than the index knows.
    assert_eq!(found(&store, "开会").await, ["明天下午三点开会"]);
    assert_eq!(found(&store, "会").await, ["明天下午三点开会"]);
    assert_eq!(found(&store, "ünï").await, ["ünïcödé"]);
    // Nothing of a query language or of wildcards shines through.
    assert_eq!(found(&store, "\"hello\" OR").await, ["say \"hello\" OR leave"]);
    assert_eq!(found(&store, "0%").await, ["100% sure"]);
    assert!(found(&store, "_%").await.is_empty());
    assert!(found(&store, "  ").await.is_empty());
    assert!(found(&store, "absent").await.is_empty());
}

#[tokio::test]
async fn search_can_stay_within_a_conversation_and_stops_at_its_limit() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let records = (1..=20).map(|seq| Record::MessageStored(stored(seq, "the same", Some(seq))));
    apply(&store, [identity("alice")].into_iter().chain(records).collect()).await;
    assert_eq!(store.search("the same", Some(with_bob()), 5).await.unwrap().len(), 5);
    let other = anser_types::ConversationId::group([1; 16]);
    assert!(store.search("the same", Some(other), 5).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_replaced_text_is_found_by_its_new_words_only() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    apply(
        &store,
        vec![identity("alice"), Record::MessageStored(stored(1, "first words", Some(1)))],
    )
    .await;
    apply(&store, vec![Record::MessageStored(stored(1, "other text", Some(1)))]).await;
    assert!(found(&store, "first words").await.is_empty());
    assert_eq!(found(&store, "other text").await, ["other text"]);
}

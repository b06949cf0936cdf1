//! Opening a store: its lock, its key, its schema.

use std::os::unix::fs::PermissionsExt;

use anser_client::io::Identity;
use anser_client::records::Record;
use anser_sdk::store::{ConversationOptions, KeySource, Store, StoreError, StoreOptions};
use anser_sdk::types::{DeviceClass, DeviceNo, ErrorCode, UnixMs};
use rusqlite::Connection;
use tempfile::tempdir;

use crate::store_rows::{apply, identity, stored};
use crate::world::id;

async fn open(directory: &std::path::Path) -> Result<Store, StoreError> {
    Store::open(StoreOptions::with_key_file(directory)).await
}

fn given(directory: &std::path::Path, key: u8) -> StoreOptions {
    StoreOptions {
        directory: directory.to_owned(),
        key: KeySource::Given(zeroize::Zeroizing::new([key; 32])),
    }
}

/// The database as SQL sees it, past the SDK.
fn raw(directory: &std::path::Path, key: u8) -> Connection {
    let connection = Connection::open(directory.join("store.db")).unwrap();
    let hex = hex::encode([key; 32]);
    connection.execute_batch(&format!("PRAGMA key = \"x'{hex}'\"")).unwrap();
    connection
}

#[tokio::test]
async fn a_second_open_is_refused_and_says_who_holds_it() {
    let directory = tempdir().unwrap();
    let first = open(directory.path()).await.unwrap();
    let error = open(directory.path()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreInUse);
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
    assert!(error.next_step().contains("Close it"), "{}", error.next_step());

    first.close().await;
    open(directory.path()).await.unwrap();
}

#[tokio::test]
async fn dropping_every_handle_releases_the_store() {
    let directory = tempdir().unwrap();
    drop(open(directory.path()).await.unwrap());
    crate::world::soon(async {
        while matches!(open(directory.path()).await, Err(StoreError::InUse { .. })) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_wrong_key_is_refused_with_a_clear_error() {
    let directory = tempdir().unwrap();
    Store::open(given(directory.path(), 1)).await.unwrap().close().await;
    let error = Store::open(given(directory.path(), 2)).await.unwrap_err();
    assert!(matches!(error, StoreError::WrongKey(_)), "{error}");
    assert_eq!(error.code(), ErrorCode::StoreKeyWrong);
    Store::open(given(directory.path(), 1)).await.unwrap().close().await;
}

#[tokio::test]
async fn requirement_k3_nothing_is_readable_in_the_file() {
    let directory = tempdir().unwrap();
    let store = Store::open(given(directory.path(), 1)).await.unwrap();
    let message = stored(1, "a secret nobody should read", Some(1));
    apply(&store, vec![identity("alice"), Record::MessageStored(message)]).await;
    store.close().await;
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for secret in [&b"a secret nobody"[..], b"the token", b"CREATE TABLE"] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret));
        }
    }
}

#[tokio::test]
async fn the_key_file_is_made_for_its_owner_alone_and_said_aloud() {
    let directory = tempdir().unwrap();
    let place = directory.path().join("store");
    let store = open(&place).await.unwrap();
    let file = place.join("key");
    assert_eq!(store.key_file_made(), Some(&file));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o700);
    store.close().await;
    let again = open(&place).await.unwrap();
    assert_eq!(again.key_file_made(), None);
    again.close().await;

    // Readable by others: refused, with what to do.
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let error = open(&place).await.unwrap_err();
    assert!(error.to_string().contains("chmod 600"), "{error}");

    // Missing: no other key is made over the store it opens.
    std::fs::remove_file(&file).unwrap();
    let error = open(&place).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreKeyWrong);
    assert!(!file.exists());
}

#[tokio::test]
async fn an_older_schema_is_migrated_with_its_messages() {
    let directory = tempdir().unwrap();
    let store = Store::open(given(directory.path(), 1)).await.unwrap();
    let message = stored(1, "written before there was a search", Some(1));
    apply(&store, vec![identity("alice"), Record::MessageStored(message)]).await;
    store.close().await;
    let version = |connection: Connection| -> i64 {
        connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap()
    };
    let newest = version(raw(directory.path(), 1));
    // Back to the first schema: no search index, and none of the columns and tables that came later.
    let connection = raw(directory.path(), 1);
    let later = [
        ("message", "mention_all altered_by edits edited_at revoked_by reactions"),
        (
            "conversation",
            "pinned mentioned log_epoch members_version group_known avatar announcement",
        ),
        ("conversation", "history_for_new_members join_mode admins_invite muted dismissed"),
        ("change", "details"),
        ("message", "doubted burn_after_ms forwarded_from forwarded_at by_channel files"),
        ("conversation", "doubted_up_to channel channel_seq channel_change_no head_at"),
    ];
    for table in [
        "contact",
        "conversation_options",
        "own_settings",
        "join_request",
        "draft",
        "network",
        "endpoint_list",
        "upload",
    ] {
        connection.execute_batch(&format!("DROP TABLE {table}")).unwrap();
    }
    connection.execute_batch("DROP INDEX message_doubted; DROP INDEX message_expiring").unwrap();
    for (table, columns) in later {
        for column in columns.split(' ') {
            connection.execute_batch(&format!("ALTER TABLE {table} DROP COLUMN {column}")).unwrap();
        }
    }
    connection.execute_batch("DROP TABLE message_text; PRAGMA user_version = 1").unwrap();
    drop(connection);

    let store = Store::open(given(directory.path(), 1)).await.unwrap();
    assert_eq!(store.search("before there was", None, 10).await.unwrap().len(), 1);
    let listed = store.conversations().await.unwrap();
    assert_eq!((listed.len(), &listed[0].options), (1, &ConversationOptions::default()));
    assert!(store.contacts().await.unwrap().is_empty());
    store.close().await;
    assert_eq!(version(raw(directory.path(), 1)), newest);
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let directory = tempdir().unwrap();
    Store::open(given(directory.path(), 1)).await.unwrap().close().await;
    raw(directory.path(), 1).execute_batch("PRAGMA user_version = 99").unwrap();
    let error = Store::open(given(directory.path(), 1)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::StoreTooNew);
}

#[tokio::test]
async fn the_store_of_one_user_is_not_opened_for_another() {
    let world = crate::world::World::new();
    let directory = tempdir().unwrap();
    let alice = world.client("alice", directory.path()).await;
    alice.close().await;
    let error = world
        .builder(anser_gateway::ListenerKind::Tcp, directory.path())
        .login_with(world.devices("bob"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::ConfigInvalid);
    assert!(error.to_string().contains("alice"), "{error}");
    // The refused attempt has released the lock.
    world.client("alice", directory.path()).await.close().await;
}

#[tokio::test]
async fn a_client_without_a_device_says_so() {
    let world = crate::world::World::new();
    let directory = tempdir().unwrap();
    let error = world
        .builder(anser_gateway::ListenerKind::Tcp, directory.path())
        .resume()
        .await
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::TokenInvalid);
}

#[tokio::test]
async fn the_identity_survives() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await.unwrap();
    assert_eq!(store.identity().await.unwrap(), None);
    let identity = Identity {
        user: id("alice"),
        device: DeviceNo(u64::MAX),
        class: DeviceClass::Pad,
        token: "the token".to_owned(),
    };
    store.keep_identity(identity.clone(), None).await.unwrap();
    store.close().await;
    let store = open(directory.path()).await.unwrap();
    assert_eq!(store.identity().await.unwrap(), Some(identity));
}

#[tokio::test]
async fn a_renewed_token_is_kept_for_its_device_alone() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await.unwrap();
    let identity = Identity {
        user: id("alice"),
        device: DeviceNo(7),
        class: DeviceClass::Pad,
        token: "the token".to_owned(),
    };
    store.keep_identity(identity.clone(), Some(UnixMs(5))).await.unwrap();
    let other = store.keep_renewed_token(DeviceNo(6), "another's".to_owned(), Some(UnixMs(1)));
    other.await.unwrap();
    assert_eq!(store.identity().await.unwrap(), Some(identity.clone()));
    assert_eq!(store.renewal().await.unwrap(), Some(UnixMs(5)));
    let renewed = store.keep_renewed_token(DeviceNo(7), "the new one".to_owned(), Some(UnixMs(9)));
    renewed.await.unwrap();
    store.close().await;
    let store = open(directory.path()).await.unwrap();
    let kept = Identity { token: "the new one".to_owned(), ..identity };
    assert_eq!(store.identity().await.unwrap(), Some(kept));
    assert_eq!(store.renewal().await.unwrap(), Some(UnixMs(9)));
}

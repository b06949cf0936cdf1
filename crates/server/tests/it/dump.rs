//! The dump tells everything that is stored, and only that.

use std::sync::Arc;

use anser_backend::testing::{AppendBuilder, Person, group};
use anser_backend::{Accounts, Appended, CreateUser, Ledger, MemoryBackend, NewToken, Others};
use anser_server::dump::{Counts, Ports, Selection, walk};
use anser_types::{CommandNo, DeviceClass, UnixMs, UserId};
use serde_json::Value;

async fn person(store: &MemoryBackend, id: &str) -> Person {
    let made = store.create_user(UserId::new(id).unwrap(), None, UnixMs(1)).await.unwrap();
    let CreateUser::Created(user) = made else { panic!("{id} was there already") };
    Person { no: user.no, id: user.id }
}

async fn filled() -> Arc<MemoryBackend> {
    let store = MemoryBackend::new();
    let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
    let token = NewToken {
        user: alice.no,
        device: None,
        others: Others::End,
        class: DeviceClass::Cli,
        name: "box".into(),
        hash: [7; 32],
        created_at: UnixMs(1),
        expires_at: UnixMs(9),
    };
    let device = store.put_token(token).await.unwrap();
    let device = alice.device(device.0);
    let epoch = store.open_session(device).await.unwrap().epoch;
    let direct = alice.direct(&bob);
    let first = AppendBuilder::command(device, epoch, CommandNo(1))
        .at(5)
        .opens_direct(&alice, &bob)
        .says(direct, &alice, 1, "hello", &[&alice, &bob]);
    let second = AppendBuilder::command(device, epoch, CommandNo(2)).at(6).says(
        direct,
        &alice,
        2,
        "again",
        &[&alice, &bob],
    );
    let made = AppendBuilder::internal().at(7).creates_group(group(1), "team", &alice, &[&bob]);
    let batch = vec![first.build(), second.build(), made.build()];
    let appended = store.append_batch(batch).await.unwrap();
    assert!(appended.iter().all(|ended| matches!(ended, Appended::Committed(_))), "{appended:?}");
    Arc::new(store)
}

async fn dump(selection: Selection) -> (Vec<Value>, Counts) {
    let store = filled().await;
    let ports = Ports { inspect: store.clone(), conversations: store.clone(), accounts: store };
    let mut lines = Vec::new();
    let mut tell = |line: &Value| {
        lines.push(line.clone());
        Ok(())
    };
    let counts = walk(&ports, selection, &mut tell).await.unwrap();
    (lines, counts)
}

fn of_kind<'a>(lines: &'a [Value], kind: &str) -> Vec<&'a Value> {
    lines.iter().filter(|line| line["kind"] == kind).collect()
}

#[tokio::test]
async fn every_message_is_told_once_in_order() {
    let (lines, counts) = dump(Selection::default()).await;
    let messages = of_kind(&lines, "message");
    let told: Vec<_> = messages.iter().map(|m| (m["seq"].as_u64(), m["text"].as_str())).collect();
    assert_eq!(told, [(Some(1), Some("hello")), (Some(2), Some("again"))]);
    assert_eq!(messages[0]["sender"], "alice");
    assert_eq!(messages[0]["local_no"], 1);
    let expected = Counts { users: 2, conversations: 2, messages: 2, changes: 1, inbox_entries: 6 };
    assert_eq!(counts, expected);
}

#[tokio::test]
async fn users_inboxes_conversations_and_changes_are_told() {
    let (lines, _) = dump(Selection::default()).await;
    let users = of_kind(&lines, "user");
    assert_eq!(users[0]["user"], "alice");
    assert_eq!(users[0]["devices"][0]["class"], "cli");
    let inboxes = of_kind(&lines, "inbox");
    assert!(inboxes.iter().all(|inbox| inbox["floor"] == 0 && inbox["head"] == 3));
    let conversations = of_kind(&lines, "conversation");
    let team = conversations.iter().find(|c| c["what"]["group"] == "team").unwrap();
    assert_eq!(team["members"][0]["role"], "owner");
    let change = of_kind(&lines, "change")[0];
    assert_eq!(change["what"]["members"][1], "bob");
    assert!(of_kind(&lines, "entry").is_empty());
}

#[tokio::test]
async fn inbox_entries_are_told_when_asked_for() {
    let (lines, counts) = dump(Selection { inbox_entries: true }).await;
    let bob: Vec<_> =
        of_kind(&lines, "entry").into_iter().filter(|entry| entry["user"] == "bob").collect();
    let numbers: Vec<_> = bob.iter().filter_map(|entry| entry["inbox_seq"].as_u64()).collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!(bob[1]["seq"], 2);
    assert_eq!(bob[2]["event"], "change");
    assert_eq!(counts.inbox_entries, 6);
}

#[tokio::test]
async fn no_password_and_no_token_is_told() {
    let (lines, _) = dump(Selection { inbox_entries: true }).await;
    let text = lines.iter().map(Value::to_string).collect::<String>();
    assert!(!text.contains("hash"), "{text}");
    assert!(!text.contains(&hex::encode([7; 32])), "{text}");
}

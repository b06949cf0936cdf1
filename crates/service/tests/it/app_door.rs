//! The app server's door.

use anser_types::{Content, DeviceClass, ErrorCode, Event, MessageKind, Seq};

use crate::world::{API_KEY, World, id, to};

#[tokio::test]
async fn only_a_known_key_opens_it() {
    let world = World::new();
    assert!(world.service.authenticate_app(API_KEY).is_ok());
    for wrong in ["", "anser_test_ke", "anser_test_key ", "other"] {
        let refusal = world.service.authenticate_app(wrong).unwrap_err();
        assert_eq!(refusal.code, ErrorCode::ApiKeyInvalid);
    }
}

#[tokio::test]
async fn users_are_made_once_and_tokens_minted_for_them() {
    let world = World::new();
    let app = world.app();
    world.user("alice").await;
    let again = world.service.create_user(&app, id("alice")).await;
    assert_eq!(again.unwrap_err().code, ErrorCode::UserExists);
    let mint = |name: &str, device, create| {
        world.service.mint_token(&app, id(name), device, DeviceClass::Web, "tab".into(), create)
    };
    assert_eq!(mint("bob", None, false).await.err().unwrap().code, ErrorCode::UserUnknown);
    let first = mint("bob", None, true).await.unwrap();
    let same = mint("bob", Some(first.device), false).await.unwrap();
    assert_eq!(same.device, first.device);
    let never = mint("bob", Some(crate::world::NO_DEVICE), false).await;
    assert_eq!(never.err().unwrap().code, ErrorCode::InvalidArgument);
}

#[tokio::test]
async fn requirement_i2_a_message_is_sent_once_per_key() {
    let world = World::new();
    let app = world.app();
    world.users(&["shop", "alice"]).await;
    let mut alice = world.connect("alice").await;
    let mut shop = world.connect("shop").await;
    let send = |key: &str, text: &str| {
        let hash = crate::world::sha256(text)[..16].try_into().unwrap();
        world.service.send_as(&app, id("shop"), key.into(), hash, to("alice"), Content::text(text))
    };
    let first = send("order-1", "shipped").await.unwrap();
    assert!(!first.duplicate);
    let again = send("order-1", "shipped").await.unwrap();
    assert!(again.duplicate);
    assert_eq!(again.done, first.done);
    assert_eq!(send("order-1", "lost").await.unwrap_err().code, ErrorCode::Conflict);
    let second = send("order-2", "delivered").await.unwrap();
    assert_eq!((first.done.seq, second.done.seq), (Seq(1), Seq(2)));
    assert_eq!(alice.hears().await, ["shop: shipped", "shop: delivered"]);
    let own = shop.events().await;
    let ids: Vec<_> = own
        .iter()
        .map(|delivery| match &delivery.event {
            Event::Message(message) => message.id,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(ids[0].local_no < ids[1].local_no, "composed in this order");
}

#[tokio::test]
async fn first_sends_of_an_app_at_once_all_arrive() {
    let world = World::new();
    let app = world.app();
    world.users(&["shop", "alice"]).await;
    let send = |n: u8| {
        let content = Content::text(n.to_string());
        world.service.send_as(&app, id("shop"), n.to_string(), [n; 16], to("alice"), content)
    };
    let (a, b, c) = tokio::join!(send(1), send(2), send(3));
    let mut seqs = [a, b, c].map(|sent| sent.unwrap().done.seq);
    seqs.sort_unstable();
    assert_eq!(seqs, [Seq(1), Seq(2), Seq(3)]);
}

#[tokio::test]
async fn what_may_not_be_sent_is_refused_and_kept_under_its_key() {
    let world = World::new();
    let app = world.app();
    world.users(&["shop", "alice"]).await;
    let send = |from: &str, key: &str, to_whom: &str, content: Content| {
        let (from, key, whom) = (id(from), key.to_owned(), to(to_whom));
        world.service.send_as(&app, from, key, [1; 16], whom, content)
    };
    let hi = || Content::text("hi");
    assert_eq!(send("nobody", "k", "alice", hi()).await.unwrap_err().code, ErrorCode::UserUnknown);
    assert_eq!(send("shop", "", "alice", hi()).await.unwrap_err().code, ErrorCode::InvalidArgument);
    let long = "k".repeat(129);
    assert_eq!(
        send("shop", &long, "alice", hi()).await.unwrap_err().code,
        ErrorCode::InvalidArgument
    );
    let system = Content { kind: MessageKind::System, ..hi() };
    assert_eq!(send("shop", "s", "alice", system).await.unwrap_err().code, ErrorCode::NotAllowed);
    assert_eq!(send("shop", "u", "bob", hi()).await.unwrap_err().code, ErrorCode::UserUnknown);
    world.user("bob").await;
    assert_eq!(
        send("shop", "u", "bob", hi()).await.unwrap_err().code,
        ErrorCode::UserUnknown,
        "the same key gets the same answer"
    );
    send("shop", "u2", "bob", hi()).await.unwrap();
}

//! How one wants conversations shown, through the client: the same on all one's devices.

use anser_sdk::{Client, ConversationOptions, Event, Events, PageBounds};
use anser_types::{ConversationId, ErrorCode, Notify, Seq};
use tempfile::{TempDir, tempdir};

use crate::world::{World, id, soon, texts, until};

/// Alice on two devices, and bob who has said three things to her.
struct Three {
    world: World,
    places: [TempDir; 3],
    phone: Client,
    tablet: Client,
    bob: Client,
    of_tablet: Events,
}

impl Three {
    async fn new() -> Self {
        let world = World::new();
        let places = [tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap()];
        let phone = world.client("alice", places[0].path()).await;
        let tablet = world.client("alice", places[1].path()).await;
        let bob = world.client("bob", places[2].path()).await;
        for client in [&phone, &tablet, &bob] {
            soon(client.wait_synced()).await.unwrap();
        }
        let (mut of_phone, mut of_tablet) = (phone.events(), tablet.events());
        for text in ["one", "two", "three"] {
            soon(bob.send_text(id("alice"), text)).await.unwrap();
        }
        texts(&mut of_phone, 3).await;
        texts(&mut of_tablet, 3).await;
        Self { world, places, phone, tablet, bob, of_tablet }
    }

    /// What the tablet shows once it has heard of another change.
    async fn shown(&mut self) -> ConversationOptions {
        let options_changed =
            |event: &Event| matches!(event, Event::ConversationOptionsChanged { .. }).then_some(());
        until(&mut self.of_tablet, options_changed).await;
        self.tablet.conversation_options(id("bob")).await.unwrap()
    }

    async fn listed(&self) -> usize {
        self.tablet.conversations().await.unwrap().len()
    }
}

async fn said(client: &Client) -> Vec<String> {
    let page = soon(client.history(id("bob"), PageBounds::newest(10))).await.unwrap();
    assert!(page.complete && !page.more);
    page.messages.iter().filter_map(|one| one.text().map(str::to_owned)).collect()
}

#[tokio::test]
async fn requirement_d2_options_of_a_conversation_are_the_same_on_both_devices() {
    let mut three = Three::new().await;
    soon(three.phone.pin_conversation(id("bob"), true)).await.unwrap();
    assert!(three.shown().await.pinned);
    soon(three.phone.mute_conversation(id("bob"), true)).await.unwrap();
    let shown = three.shown().await;
    assert_eq!((shown.pinned, shown.notify), (true, Notify::Nothing));
    let total = three.tablet.total_unread().await.unwrap();
    assert_eq!((total.unread, total.muted), (0, 3));
    soon(three.phone.set_notify(id("bob"), Notify::Mentions)).await.unwrap();
    assert_eq!(three.shown().await.notify, Notify::Mentions);

    soon(three.phone.hide_conversation(id("bob"))).await.unwrap();
    assert!(three.shown().await.hidden);
    assert_eq!(three.listed().await, 0);
    soon(three.phone.show_conversation(id("bob"))).await.unwrap();
    assert!(!three.shown().await.hidden);
    soon(three.phone.hide_conversation(id("bob"))).await.unwrap();
    three.shown().await;
    soon(three.bob.send_text(id("alice"), "four")).await.unwrap();
    texts(&mut three.of_tablet, 1).await;
    assert_eq!(three.listed().await, 1, "a message shows it again");
    let refused = soon(three.phone.hide_conversation(id("carol"))).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::InvalidArgument);
}

#[tokio::test]
async fn requirement_d2_what_one_device_clears_or_removes_is_gone_on_the_other() {
    let mut three = Three::new().await;
    soon(three.phone.delete_messages_for_me(id("bob"), vec![Seq(2), Seq(3)])).await.unwrap();
    let mut gone = Vec::new();
    while gone.len() < 2 {
        gone.extend(
            until(&mut three.of_tablet, |event| match event {
                Event::MessagesHidden { seqs, .. } => Some(seqs.clone()),
                _ => None,
            })
            .await,
        );
    }
    assert_eq!(gone, [Seq(2), Seq(3)]);
    assert_eq!(said(&three.tablet).await, ["one"]);
    assert!(three.tablet.search("three", None, 10).await.unwrap().is_empty());
    assert_eq!(three.tablet.conversations().await.unwrap()[0].unread, 1);
    assert_eq!(three.bob.search("three", None, 10).await.unwrap().len(), 1, "bob keeps it");

    soon(three.phone.clear_history(id("bob"))).await.unwrap();
    assert_eq!(three.shown().await.cleared_up_to, Seq(3));
    assert!(said(&three.tablet).await.is_empty());
    assert!(three.tablet.message(id("bob"), Seq(1)).await.unwrap().is_none());
    let only = three.tablet.conversations().await.unwrap().remove(0);
    assert_eq!((only.unread, only.last_message), (0, None));
    soon(three.bob.send_text(id("alice"), "four")).await.unwrap();
    texts(&mut three.of_tablet, 1).await;
    assert_eq!(said(&three.tablet).await, ["four"]);
}

#[tokio::test]
async fn requirement_d2_a_page_of_which_everything_was_put_away_is_known_to_be_empty() {
    let three = Three::new().await;
    soon(three.phone.delete_messages_for_me(id("bob"), vec![Seq(2), Seq(3)])).await.unwrap();
    // A device that has nothing of the conversation asks for it, a message at a time.
    let place = tempdir().unwrap();
    let fresh = three.world.client("alice", place.path()).await;
    soon(fresh.wait_synced()).await.unwrap();
    let page = soon(fresh.history(id("bob"), PageBounds::newest(1))).await.unwrap();
    let texts: Vec<_> = page.messages.iter().filter_map(|one| one.text()).collect();
    assert_eq!((texts, page.complete), (vec!["one"], true));
    assert!(page.unavailable.is_empty(), "what one has put away oneself is no news");
    // Also without a network: nothing of it is missing.
    fresh.go_offline().await.unwrap();
    let page = soon(fresh.history(id("bob"), PageBounds::newest(10))).await.unwrap();
    assert_eq!((page.messages.len(), page.complete, page.more), (1, true, false));
}

#[tokio::test]
async fn requirement_d2_the_newest_draft_reaches_the_other_device_when_the_conversation_is_left() {
    let mut three = Three::new().await;
    for text in ["d", "de", "dear bob"] {
        three.phone.save_draft(id("bob"), text).await.unwrap();
    }
    let own = three.phone.conversation_options(id("bob")).await.unwrap();
    assert_eq!(own.draft, "dear bob", "at once where it was written");
    three.phone.leave_conversation(id("bob")).await.unwrap();
    assert_eq!(three.shown().await.draft, "dear bob", "one command for all of it");
    three.phone.save_draft(id("bob"), "").await.unwrap();
    three.phone.leave_conversation(id("bob")).await.unwrap();
    assert_eq!(three.shown().await.draft, "");
    let refused = three.phone.save_draft(id("bob"), "x".repeat(5_000)).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::ContentTooLarge);
}

#[tokio::test]
async fn requirement_c6_a_draft_saved_offline_is_kept_through_a_restart_and_sent_then() {
    let mut three = Three::new().await;
    three.phone.go_offline().await.unwrap();
    three.phone.save_draft(id("bob"), "written in a tunnel").await.unwrap();
    three.phone.close().await;
    let phone = three.world.client("alice", three.places[0].path()).await;
    let own = phone.conversation_options(id("bob")).await.unwrap();
    assert_eq!(own.draft, "written in a tunnel");
    assert_eq!(three.shown().await.draft, "written in a tunnel");
    // What another device writes later takes its place.
    three.tablet.save_draft(id("bob"), "and out again").await.unwrap();
    three.tablet.leave_conversation(id("bob")).await.unwrap();
    let mut of_phone = phone.events();
    soon(async {
        while phone.conversation_options(id("bob")).await.unwrap().draft != "and out again" {
            of_phone.next().await;
        }
    })
    .await;
}

#[tokio::test]
async fn notes_to_oneself_are_a_conversation_once_there_is_one() {
    let mut three = Three::new().await;
    soon(three.phone.pin_conversation(id("bob"), true)).await.unwrap();
    three.shown().await;
    assert_eq!(three.listed().await, 1);
    soon(three.phone.send_text(id("alice"), "buy milk")).await.unwrap();
    texts(&mut three.of_tablet, 1).await;
    let listed = three.tablet.conversations().await.unwrap();
    let own = ConversationId::own(&id("alice"));
    assert_eq!((listed.len(), listed[1].id), (2, own), "behind the pinned one");
}

#[tokio::test]
async fn requirement_d2_a_draft_is_sent_after_ten_seconds_of_typing() {
    let mut three = Three::new().await;
    let begun = std::time::Instant::now();
    three.phone.save_draft(id("bob"), "dear").await.unwrap();
    three.phone.save_draft(id("bob"), "dear bob").await.unwrap();
    assert_eq!(three.shown().await.draft, "dear bob");
    assert!(begun.elapsed() >= std::time::Duration::from_secs(9), "not at every key");
}

#[tokio::test]
async fn a_draft_that_the_server_refuses_is_not_tried_for_ever() {
    let three = Three::new().await;
    let mut of_phone = three.phone.events();
    let nowhere = ConversationId::group([9; 16]);
    three.phone.save_draft(nowhere, "to nobody").await.unwrap();
    three.phone.leave_conversation(nowhere).await.unwrap();
    let refused = until(&mut of_phone, |event| match event {
        Event::CommandDone { outcome: Err(refusal), .. } => Some(refusal.code),
        _ => None,
    })
    .await;
    assert_eq!(refused, ErrorCode::ConversationUnknown);
    assert_eq!(three.phone.conversation_options(nowhere).await.unwrap().draft, "");
}

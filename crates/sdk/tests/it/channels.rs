//! Channels through the client, against a real server.

use anser_sdk::{Client, Event, Events, PageBounds};
use anser_types::{ChangeKind, Content, ConversationId, ErrorCode, Role, Target};
use tempfile::{TempDir, tempdir};

use crate::world::{World, id, new_text, soon, texts, until};

/// Waits for the group that one is brought into.
async fn brought_in(events: &mut Events) -> ConversationId {
    until(events, |event| match event {
        Event::GroupChanged(change) => match &change.kind {
            ChangeKind::GroupCreated { .. } | ChangeKind::MembersJoined { .. } => {
                Some(change.conversation)
            }
            _ => None,
        },
        _ => None,
    })
    .await
}

/// Waits until somebody has heard that the group is a channel.
async fn switched(events: &mut Events) {
    until(events, |event| match event {
        Event::GroupChanged(change) => match &change.kind {
            ChangeKind::GroupUpdated(set) if set.channel => Some(()),
            _ => None,
        },
        _ => None,
    })
    .await;
}

/// What was said before a device first came is not told to it.
async fn all_here(clients: &[&Client]) {
    for client in clients {
        soon(client.wait_connected()).await.unwrap();
    }
}

/// Alice and bob, who are here, in her channel.
struct Town {
    alice: Client,
    bob: Client,
    of_bob: Events,
    channel: ConversationId,
    stores: [TempDir; 2],
}

async fn town(world: &World) -> Town {
    let stores = [tempdir().unwrap(), tempdir().unwrap()];
    let alice = world.client("alice", stores[0].path()).await;
    let bob = world.client("bob", stores[1].path()).await;
    all_here(&[&alice, &bob]).await;
    let mut of_bob = bob.events();
    let channel = soon(alice.create_channel("town", vec![id("bob")])).await.unwrap();
    switched(&mut of_bob).await;
    Town { alice, bob, of_bob, channel, stores }
}

async fn history(client: &Client, of: ConversationId) -> Vec<String> {
    let page = soon(client.history(of, PageBounds::newest(500))).await.unwrap();
    assert!(page.complete);
    page.messages.iter().filter_map(|message| message.text().map(str::to_owned)).collect()
}

#[tokio::test]
async fn requirement_g1_a_group_becomes_a_channel_without_loss() {
    let world = World::new();
    let (a, b, c) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    let alice = world.client("alice", a.path()).await;
    let bob = world.client("bob", b.path()).await;
    let carol = world.client("carol", c.path()).await;
    all_here(&[&alice, &bob, &carol]).await;
    let (mut of_bob, mut of_carol) = (bob.events(), carol.events());
    let members = vec![id("bob"), id("carol")];
    let group = soon(alice.create_group("town", members, false)).await.unwrap();
    assert_eq!(brought_in(&mut of_bob).await, group);
    assert_eq!(brought_in(&mut of_carol).await, group);
    soon(alice.send_text(group, "before 1")).await.unwrap();
    // Carol is away while it happens.
    assert_eq!(until(&mut of_carol, new_text).await, "before 1");
    carol.close().await;
    soon(alice.send_text(group, "before 2")).await.unwrap();

    let refused = soon(bob.make_channel(group)).await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::NotAllowed);
    soon(alice.make_channel(group)).await.unwrap();
    soon(alice.send_text(group, "after 1")).await.unwrap();
    assert_eq!(texts(&mut of_bob, 3).await, ["before 1", "before 2", "after 1"]);
    soon(bob.send_text(group, "after 2")).await.unwrap();
    soon(alice.edit_message(
        group,
        seq_of(&alice, group, "after 1").await,
        Content::text("edited"),
    ))
    .await
    .unwrap();

    let carol = world.client("carol", c.path()).await;
    let mut of_carol = carol.events();
    // What she had not confirmed comes again; then what she missed, by the inbox and by the log, each message once.
    let mut heard = texts(&mut of_carol, 3).await;
    if heard[0] == "before 1" {
        heard.remove(0);
        heard.push(until(&mut of_carol, new_text).await);
    }
    assert_eq!(heard, ["before 2", "edited", "after 2"]);
    let all = ["before 1", "before 2", "edited", "after 2"];
    for client in [&alice, &bob, &carol] {
        assert_eq!(history(client, group).await, all);
        let shown = client.conversation(group).await.unwrap().unwrap();
        assert!(shown.channel, "{}", client.user());
        assert_eq!(shown.last_message.unwrap().text(), Some("after 2"));
    }
    let row = soon(alice.group(group)).await.unwrap();
    assert!(row.channel.is_some());
    assert_eq!(alice.conversation(group).await.unwrap().unwrap().members, Some(3));
}

async fn seq_of(client: &Client, of: ConversationId, text: &str) -> anser_types::Seq {
    let page = soon(client.history(of, PageBounds::newest(50))).await.unwrap();
    page.messages.iter().find(|message| message.text() == Some(text)).unwrap().seq.unwrap()
}

#[tokio::test]
async fn requirement_g1_a_channel_reaches_who_is_there_and_who_comes_back() {
    let mut world = World::new();
    let (a, b, c, d) =
        (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    let alice = world.client("alice", a.path()).await;
    let bob = world.client("bob", b.path()).await;
    let carol = world.client("carol", c.path()).await;
    all_here(&[&alice, &bob, &carol]).await;
    let (mut of_alice, mut of_bob, mut of_carol) = (alice.events(), bob.events(), carol.events());
    let channel = soon(alice.create_channel("town", vec![id("bob")])).await.unwrap();
    brought_in(&mut of_bob).await;
    switched(&mut of_bob).await;
    soon(alice.send_text(channel, "one")).await.unwrap();
    assert_eq!(until(&mut of_bob, new_text).await, "one");
    switched(&mut of_alice).await;
    assert!(alice.conversation(channel).await.unwrap().unwrap().channel);

    // Who is brought in hears what comes from there on.
    soon(alice.invite(channel, vec![id("carol")])).await.unwrap();
    assert_eq!(brought_in(&mut of_carol).await, channel);
    soon(bob.send_text(channel, "two")).await.unwrap();
    assert_eq!(until(&mut of_carol, new_text).await, "two");
    assert!(carol.conversation(channel).await.unwrap().unwrap().channel);

    // Who is away reads it when they come back, with what became of it; the server was away too.
    bob.close().await;
    for i in 0..60 {
        soon(alice.send_text(channel, format!("m{i}"))).await.unwrap();
    }
    let seq = seq_of(&alice, channel, "m47").await;
    soon(carol.react_to_message(channel, seq, "👍", true)).await.unwrap();
    world.kill();
    let waiting = alice.send_message(channel, Client::create_text_message("m60")).await.unwrap();
    world.start();
    alice.network_changed("").await.unwrap();
    soon(alice.wait_sent(waiting)).await.unwrap();
    let bob = world.client("bob", b.path()).await;
    let mut of_bob = bob.events();
    // (What he had not confirmed comes first, again.)
    let missed = texts(&mut of_bob, 62).await;
    let wanted: Vec<_> = (0..61).map(|i| format!("m{i}")).collect();
    assert_eq!((missed[0].as_str(), &missed[1..]), ("one", &wanted[..]));
    let page = soon(bob.history(channel, PageBounds::newest(500))).await.unwrap();
    let of_m47 = page.messages.iter().find(|message| message.text() == Some("m47")).unwrap();
    assert_eq!(of_m47.altered.as_ref().unwrap().reactions.len(), 1);
    soon(alice.send_text(channel, "live again")).await.unwrap();
    assert_eq!(until(&mut of_bob, new_text).await, "live again");

    // A new device finds the channel and follows it.
    let other = world.client("carol", d.path()).await;
    soon(other.wait_synced()).await.unwrap();
    let mut of_other = other.events();
    soon(alice.send_text(channel, "to every device")).await.unwrap();
    assert_eq!(until(&mut of_other, new_text).await, "to every device");
}

#[tokio::test]
async fn requirement_g1_who_is_called_in_a_channel_is_told_once() {
    let world = World::new();
    let Town { alice, bob, mut of_bob, channel, stores: _stores } = town(&world).await;
    for i in 0..5 {
        let mut content = Content::text(format!("bob, {i}"));
        content.mentions = vec![id("bob")];
        soon(alice.send_message(channel, content)).await.unwrap();
        soon(alice.send_text(channel, format!("others, {i}"))).await.unwrap();
    }
    soon(alice.send_text(channel, "the end")).await.unwrap();
    let mut heard = Vec::new();
    while heard.last().is_none_or(|text| text != "the end") {
        heard.push(until(&mut of_bob, new_text).await);
    }
    // The inbox may tell of a call before the log does, never twice.
    let mut sorted = heard.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!((sorted.len(), heard.len()), (11, 11), "{heard:?}");
    let shown = bob.conversation(channel).await.unwrap().unwrap();
    assert_eq!(shown.unread, 11);
    assert!(shown.mentioned.is_some());
    soon(bob.mark_as_read(channel, shown.head)).await.unwrap();
    until(&mut of_bob, |event| matches!(event, Event::CommandDone { .. }).then_some(())).await;
    assert_eq!(bob.conversation(channel).await.unwrap().unwrap().unread, 0);
}

#[tokio::test]
async fn requirement_g1_members_of_a_channel_come_in_pages_and_go_for_good() {
    let world = World::new();
    let Town { alice, bob, mut of_bob, channel, stores: _stores } = town(&world).await;
    for i in 0..30 {
        world.device(&format!("user{i}")).await;
    }
    let others = (0..30).map(|i| id(&format!("user{i}"))).collect();
    soon(alice.invite(channel, others)).await.unwrap();
    let (mut found, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = soon(alice.channel_members(channel, after, 7)).await.unwrap();
        pages += 1;
        found.extend(page.members.iter().map(|member| (member.user.clone(), member.role)));
        after = found.last().map(|(user, _)| user.clone());
        if !page.more {
            break;
        }
    }
    assert!(pages >= 5, "{pages}");
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    found.dedup();
    assert_eq!(found.len(), 32);
    assert!(found.contains(&(id("alice"), Role::Owner)));
    assert_eq!(soon(alice.group_members(channel)).await.unwrap().len(), 32);
    soon(alice.group(channel)).await.unwrap();
    assert_eq!(alice.conversation(channel).await.unwrap().unwrap().members, Some(32));

    // Who is removed hears that, and nothing that is said afterwards.
    soon(alice.send_text(channel, "before")).await.unwrap();
    soon(alice.kick(channel, vec![id("bob")])).await.unwrap();
    soon(alice.send_text(channel, "after")).await.unwrap();
    assert_eq!(until(&mut of_bob, new_text).await, "before");
    until(&mut of_bob, |event| match event {
        Event::GroupChanged(change) => {
            matches!(change.kind, ChangeKind::MembersRemoved { .. }).then_some(())
        }
        Event::NewMessage(message) => panic!("{message:?}"),
        _ => None,
    })
    .await;
    assert!(!bob.conversation(channel).await.unwrap().unwrap().member);
    assert_eq!(history(&bob, channel).await, ["before"]);
    let refused =
        soon(bob.send_message(Target::Conversation(channel), Content::text("still here?")));
    refused.await.unwrap();
}

#[tokio::test]
async fn who_comes_back_to_a_channel_after_very_much_was_said_begins_at_its_end() {
    let world = World::new();
    let Town { alice, bob, of_bob: _of_bob, channel, stores } = town(&world).await;
    bob.close().await;
    let mut last = None;
    for i in 0..1_200 {
        let text = Client::create_text_message(format!("m{i}"));
        last = Some(alice.send_message(channel, text).await.unwrap());
    }
    soon(alice.wait_sent(last.unwrap())).await.unwrap();

    let bob = world.client("bob", stores[1].path()).await;
    let mut of_bob = bob.events();
    until(&mut of_bob, |event| {
        matches!(event, Event::ConversationChanged { conversation } if *conversation == channel)
            .then_some(())
    })
    .await;
    let shown = bob.conversation(channel).await.unwrap().unwrap();
    assert_eq!((shown.head.0, shown.unread), (1_200, 999), "counted at the server, not read");
    assert_eq!(shown.last_message.unwrap().text(), Some("m1199"));
    let page = soon(bob.history(channel, PageBounds::newest(3))).await.unwrap();
    let said: Vec<_> = page.messages.iter().filter_map(|message| message.text()).collect();
    assert_eq!((said, page.complete), (vec!["m1197", "m1198", "m1199"], true));
    soon(alice.send_text(channel, "live again")).await.unwrap();
    assert_eq!(until(&mut of_bob, new_text).await, "live again", "nothing else was news");
}

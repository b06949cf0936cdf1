//! Channels: what is said stands in their log and in nobody's inbox; who follows hears it, who was away compares.

use anser_service::{ChannelPosition, Followed, Query, Reply};
use anser_types::{
    Alteration, ChangeKind, ChangeNo, Command, Content, ConversationId, ErrorCode, Event, InboxSeq,
    MemberAct, Role, Seq, SetGroup, Target, Version, limits,
};

use crate::world::{Device, World, id, invite, kick, quick_settings, send};

fn at(channel: ConversationId) -> Target {
    Target::Conversation(channel)
}

fn becomes_channel(conversation: ConversationId) -> Command {
    let set = SetGroup { channel: true, ..SetGroup::default() };
    Command::UpdateGroup { conversation, set }
}

fn role(conversation: ConversationId, user: &str, role: Role) -> Command {
    Command::AlterMember { conversation, user: id(user), act: MemberAct::Role(role) }
}

/// A channel of alice, who owns it, bob and carol.
async fn channel(world: &World) -> (ConversationId, Device, Device, Device) {
    let mut alice = world.connect("alice").await;
    let (bob, carol) = (world.connect("bob").await, world.connect("carol").await);
    let group = alice.create_group("news", &["bob", "carol"]).await;
    alice.done(becomes_channel(group)).await;
    (group, alice, bob, carol)
}

async fn follow(device: &Device, channel: ConversationId, seq: u64, change: u64) -> Followed {
    let (seq, change_no) = (Seq(seq), ChangeNo(change));
    let position = ChannelPosition { conversation: channel, seq, change_no };
    device.session.reader().follow(&[position]).await.unwrap()
}

/// What came by followed channels since the last look.
fn pushed(device: &Device) -> Vec<String> {
    let told = |event: Event| match event {
        Event::Message(said) => {
            let content = said.content.as_ref().map_or(&b"(gone)"[..], |content| &content.body);
            format!("{} {}: {}", said.seq, said.sender, String::from_utf8_lossy(content))
        }
        Event::Change(change) => format!("change {} by {}", change.change_no, change.actor),
        other => format!("{other:?}"),
    };
    std::iter::from_fn(|| device.mailbox.take_channel()).map(|one| told(one.event)).collect()
}

/// What comes next, once it comes: the clock of a test that has nothing else to do runs on by itself.
async fn next_pushed(device: &Device) -> Vec<String> {
    loop {
        let pushed = pushed(device);
        if !pushed.is_empty() {
            return pushed;
        }
        device.mailbox.changed().await;
    }
}

async fn history(device: &Device, channel: ConversationId, after: u64) -> Vec<u64> {
    let (after, before) = (Seq(after), Seq::ZERO);
    let query = Query::History { of: at(channel), after, before, limit: 0, oldest_first: true };
    let Reply::History { messages, .. } = device.query(query).await else { panic!() };
    messages.iter().map(|message| message.seq.0).collect()
}

async fn names(
    device: &Device,
    channel: ConversationId,
    after: Option<&str>,
) -> (Vec<String>, bool) {
    let after = after.map(id);
    let query = Query::Members { conversation: channel, known: Version::ZERO, after, limit: 2 };
    let Reply::Members { members, more, .. } = device.query(query).await else { panic!() };
    (members.unwrap().iter().map(|member| member.user.to_string()).collect(), more)
}

async fn size(device: &Device) -> usize {
    let query = Query::Conversations { after: None, limit: 10 };
    let Reply::Conversations { page, .. } = device.query(query).await else { panic!() };
    page.iter().find(|state| state.group.is_some()).unwrap().members
}

#[tokio::test]
async fn requirement_g1_a_group_becomes_a_channel_without_loss() {
    let world = World::new();
    let mut alice = world.connect("alice").await;
    let (mut bob, carol) = (world.connect("bob").await, world.connect("carol").await);
    let group = alice.create_group("news", &["bob", "carol"]).await;
    alice.say(at(group), "as a group").await;
    assert_eq!(bob.refused(becomes_channel(group)).await, ErrorCode::NotAllowed);
    alice.done(becomes_channel(group)).await;
    alice.done(becomes_channel(group)).await;
    alice.say(at(group), "as a channel").await;

    // The last entry of the inbox says where the channel begins; what comes after it is in nobody's inbox.
    let events = bob.events().await;
    let Some(Event::Change(switch)) = events.last().map(|last| &last.event) else { panic!() };
    assert!(matches!(&switch.kind, ChangeKind::GroupUpdated(set) if set.channel));
    assert_eq!((events.len(), switch.after_seq, switch.change_no), (3, Seq(1), ChangeNo(2)));
    let followed = follow(&bob, group, switch.after_seq.0, switch.change_no.0).await;
    assert_eq!(followed.heads[0].seq, Seq(2));
    assert_eq!(history(&bob, group, 1).await, [2]);
    assert_eq!(history(&carol, group, 0).await, [1, 2]);
    assert_eq!(size(&carol).await, 3);
}

#[tokio::test]
async fn requirement_g1_a_channel_reaches_who_follows_and_writes_to_no_inbox() {
    let mut world = World::new();
    let (channel, mut alice, mut bob, carol) = channel(&world).await;
    let before = (world.inbox_head(&bob).await, world.inbox_head(&carol).await);
    assert_eq!(follow(&bob, channel, 0, 2).await, Followed::default(), "nothing is new");
    let sent = alice.say(at(channel), "one").await;
    assert_eq!((sent.seq, sent.inbox_seq), (Seq(1), InboxSeq::ZERO));
    bob.say(at(channel), "two").await;
    alice
        .done(Command::Alter {
            at: at(channel),
            seq: Seq(1),
            of: None,
            alteration: Alteration::Edit(Content::text("first")),
        })
        .await;
    assert_eq!(pushed(&bob), ["1 alice: one", "2 bob: two", "change 3 by alice"]);
    assert_eq!(pushed(&carol), [""; 0], "she does not follow");
    assert_eq!((world.inbox_head(&bob).await, world.inbox_head(&carol).await), before);

    // All of them see the same bytes.
    let again = follow(&carol, channel, 1, 2).await;
    let head = ChannelPosition { conversation: channel, seq: Seq(2), change_no: ChangeNo(3) };
    assert_eq!(again.heads, [head]);
    alice.say(at(channel), "three").await;
    let (to_bob, to_carol) = (bob.mailbox.take_channel(), carol.mailbox.take_channel());
    let same = std::sync::Arc::ptr_eq(&to_bob.unwrap().encoded, &to_carol.unwrap().encoded);
    assert!(same, "a message is encoded once");

    // After a crash nobody follows, and everything is there.
    world.crash();
    let bob = Device::connect(&world.service, &bob.signed_in, bob.cursor).await;
    assert_eq!(follow(&bob, channel, 2, 2).await.heads[0].seq, Seq(3));
    assert_eq!(history(&bob, channel, 0).await, [1, 2, 3]);
}

#[tokio::test]
async fn requirement_g3_who_is_called_by_name_has_it_in_the_inbox() {
    let world = World::new();
    world.user("dave").await;
    let (channel, mut alice, mut bob, mut carol) = channel(&world).await;
    bob.events().await;
    carol.events().await;
    let mut content = Content::text("look, bob");
    content.mentions = vec![id("bob"), id("alice"), id("dave")];
    follow(&bob, channel, 0, 2).await;
    alice.done(Command::SendMessage { to: at(channel), content }).await;
    assert_eq!(bob.hears().await, ["alice: look, bob"]);
    assert_eq!(pushed(&bob), ["1 alice: look, bob"]);
    assert_eq!(carol.hears().await, [""; 0]);
    let dave = world.connect("dave").await;
    assert_eq!(world.inbox_head(&dave).await, InboxSeq::ZERO, "he is not in it");
}

#[tokio::test]
async fn guarantee_g25_who_was_removed_hears_nothing_newer() {
    let world = World::new();
    let (channel, mut alice, mut bob, mut carol) = channel(&world).await;
    follow(&bob, channel, 0, 2).await;
    follow(&carol, channel, 0, 2).await;
    alice.done(kick(channel, &["bob"])).await;
    alice.say(at(channel), "without bob").await;
    assert_eq!(pushed(&bob), [""; 0]);
    assert_eq!(bob.mailbox.take_channel_heads().1, [channel].into());
    assert_eq!(bob.hears().await.last().unwrap(), "alice removed bob");
    assert_eq!(follow(&bob, channel, 0, 3).await.gone, [channel]);
    assert_eq!(pushed(&carol), ["change 3 by alice", "1 alice: without bob"]);
    assert_eq!(bob.refused(send(at(channel), "?")).await, ErrorCode::ConversationUnknown);

    carol.done(Command::Leave { conversation: channel }).await;
    alice.say(at(channel), "alone").await;
    assert_eq!(pushed(&carol), [""; 0]);
    assert_eq!(size(&alice).await, 1);

    // Whoever comes back sees what is said from then on, and has everything until something is.
    let back = alice.done(invite(channel, &["bob"])).await;
    let here = follow(&bob, channel, 2, back.change_no.0).await;
    assert_eq!(here, Followed::default());
    alice.say(at(channel), "welcome").await;
    assert_eq!(pushed(&bob), ["3 alice: welcome"]);
    assert_eq!(history(&bob, channel, 0).await, [3]);
}

#[tokio::test]
async fn guarantee_g25_strangers_and_groups_cannot_be_followed() {
    let world = World::new();
    let (channel, mut alice, ..) = channel(&world).await;
    let dave = world.connect("dave").await;
    assert_eq!(follow(&dave, channel, 0, 0).await.gone, [channel]);
    let unknown = ConversationId([7; 16]);
    assert_eq!(follow(&dave, unknown, 0, 0).await.gone, [unknown]);
    alice.say(at(channel), "for members").await;
    assert_eq!(pushed(&dave), [""; 0]);
    let group = alice.create_group("plain", &["bob"]).await;
    assert_eq!(follow(&alice, group, 0, 0).await.gone, [group]);
}

#[tokio::test]
async fn guarantee_g16_who_does_not_keep_up_is_told_where_the_log_ends() {
    let world = World::new();
    let (channel, mut alice, bob, _) = channel(&world).await;
    follow(&bob, channel, 0, 2).await;
    let many = limits::MAILBOX_CHANNEL_EVENTS as u64 + 10;
    for n in 1..=many {
        alice.say(at(channel), &n.to_string()).await;
    }
    assert_eq!(pushed(&bob), [""; 0], "what was queued went when there was no room");
    let (behind, _) = bob.mailbox.take_channel_heads();
    assert_eq!(behind[&channel].seq, Seq(many));
    alice.say(at(channel), "next").await;
    assert_eq!(pushed(&bob).len(), 1, "and then it goes on");
}

fn react(channel: ConversationId, emoji: &str) -> Command {
    let alteration = Alteration::React { emoji: emoji.to_owned(), on: true };
    Command::Alter { at: at(channel), seq: Seq(1), of: None, alteration }
}

#[tokio::test(start_paused = true)]
async fn requirement_g1_reactions_in_a_channel_come_together_and_in_their_place() {
    let world = World::new();
    let (channel, mut alice, bob, mut carol) = channel(&world).await;
    alice.say(at(channel), "tea?").await;
    follow(&bob, channel, 1, 2).await;
    let change = |no: u64, by: &str| format!("change {no} by {by}");
    carol.done(react(channel, "1")).await;
    assert_eq!(pushed(&bob), [change(3, "carol")], "the first one comes at once");
    carol.done(react(channel, "2")).await;
    alice.done(react(channel, "2")).await;
    assert_eq!(pushed(&bob), [""; 0], "those that follow are held");
    assert_eq!(
        next_pushed(&bob).await,
        [change(4, "carol"), change(5, "alice")],
        "and come together"
    );
    alice.done(react(channel, "3")).await;
    alice.say(at(channel), "come").await;
    assert_eq!(pushed(&bob), [change(6, "alice"), "2 alice: come".to_owned()]);
    let many = limits::REACTIONS_MAX - 3;
    for n in 0..many {
        carol.done(react(channel, &format!("r{n}"))).await;
    }
    assert_eq!(next_pushed(&bob).await.len(), many);
    let (behind, gone) = bob.mailbox.take_channel_heads();
    assert!(behind.is_empty() && gone.is_empty(), "nobody has to read anything");
}

#[tokio::test(start_paused = true)]
async fn guarantee_g9_hints_that_get_lost_are_found_by_the_sweep() {
    let world = World::new();
    let (channel, mut alice, bob, _) = channel(&world).await;
    follow(&bob, channel, 0, 2).await;
    let elsewhere = world.elsewhere();
    let mut there = Device::connect(&elsewhere, &alice.signed_in, InboxSeq::ZERO).await;
    there.say(at(channel), "nobody here was told").await;
    assert_eq!(pushed(&bob), [""; 0]);
    // The clock of the test runs on by itself until the sweep finds it.
    let mut behind = bob.mailbox.take_channel_heads().0;
    while behind.is_empty() {
        bob.mailbox.changed().await;
        behind = bob.mailbox.take_channel_heads().0;
    }
    assert_eq!(behind[&channel].seq, Seq(1));
    drop(alice.session);
    alice = Device::connect(&world.service, &alice.signed_in, alice.cursor).await;
    alice.say(at(channel), "told").await;
    assert_eq!(pushed(&bob), ["2 alice: told"]);
}

#[tokio::test]
async fn requirement_g1_a_channels_members_are_counted_and_come_in_pages() {
    let settings =
        anser_service::Settings { group_members: 3, channel_members: 5, ..quick_settings() };
    let world = World::with(settings);
    world.users(&["dave", "eve", "fay"]).await;
    let mut alice = world.connect("alice").await;
    world.users(&["bob", "carol"]).await;
    let group = alice.create_group("news", &["bob", "carol"]).await;
    assert_eq!(alice.refused(invite(group, &["dave"])).await, ErrorCode::GroupFull);
    alice.done(becomes_channel(group)).await;
    alice.done(invite(group, &["dave", "eve"])).await;
    assert_eq!(alice.refused(invite(group, &["fay"])).await, ErrorCode::GroupFull);
    assert_eq!(size(&alice).await, 5);
    let (mut all, mut more) = names(&alice, group, None).await;
    while more {
        let (page, further) = names(&alice, group, all.last().map(String::as_str)).await;
        assert!(page.len() <= 2);
        all.extend(page);
        more = further;
    }
    all.sort_unstable();
    assert_eq!(all, ["alice", "bob", "carol", "dave", "eve"]);
    alice.done(kick(group, &["bob", "dave"])).await;
    assert_eq!((size(&alice).await, names(&alice, group, None).await.0.len()), (3, 2));
}

#[tokio::test]
async fn requirement_g1_rights_in_a_channel() {
    let world = World::new();
    let (channel, mut alice, mut bob, mut carol) = channel(&world).await;
    alice.done(role(channel, "bob", Role::Admin)).await;
    assert_eq!(bob.hears().await.last().unwrap(), "alice did to bob: Role(Admin)");
    carol.say(at(channel), "spam").await;
    let revoke =
        Command::Alter { at: at(channel), seq: Seq(1), of: None, alteration: Alteration::Revoke };
    bob.done(revoke).await;
    bob.say(at(channel), "mine").await;
    let revoke =
        Command::Alter { at: at(channel), seq: Seq(2), of: None, alteration: Alteration::Revoke };
    assert_eq!(carol.refused(revoke).await, ErrorCode::NotAllowed);
    let muted = SetGroup { muted: Some(true), ..SetGroup::default() };
    bob.done(Command::UpdateGroup { conversation: channel, set: muted }).await;
    assert_eq!(carol.refused(send(at(channel), "?")).await, ErrorCode::Muted);
    bob.say(at(channel), "announcement").await;

    // A channel has no heir by itself.
    let leave = Command::Leave { conversation: channel };
    assert_eq!(alice.refused(leave.clone()).await, ErrorCode::NotAllowed);
    alice.done(role(channel, "bob", Role::Owner)).await;
    alice.done(leave.clone()).await;
    let dismiss = Command::Dismiss { conversation: channel };
    assert_eq!(carol.refused(dismiss.clone()).await, ErrorCode::NotAllowed);
    follow(&carol, channel, 3, 6).await;
    pushed(&carol);
    bob.done(dismiss).await;
    assert_eq!(pushed(&carol).len(), 1, "the end is the last that is heard");
    assert_eq!(carol.mailbox.take_channel_heads().1, [channel].into());
    assert_eq!(carol.refused(send(at(channel), "?")).await, ErrorCode::ConversationUnknown);
    assert_eq!(follow(&carol, channel, 3, 7).await.gone, [channel]);
    assert_eq!(history(&carol, channel, 0).await, [1, 2, 3], "what was said stays readable");
}

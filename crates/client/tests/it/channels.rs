//! Channels: what follows is taken, what is missing is read, and nothing is told twice.

use std::time::Duration;

use anser_client::{AppEvent, Input, MessageState};
use anser_proto::v1;
use anser_proto::v1::change::Kind;
use anser_types::{ChangeKind, Command, Content, ConversationId, DeviceNo, LocalNo, Seq, Target};

use crate::channel_server::CHANNEL;
use crate::host::text;
use crate::world::{StoreMode, World};

/// Alice is online in a channel of which she has stored everything.
pub fn following() -> World {
    let mut world = World::online();
    world.server.becomes(CHANNEL);
    world.push();
    world.until("followed", |w| w.disk.channels.contains_key(&CHANNEL));
    world.secs(1);
    assert_eq!(world.server.channels.follows, [1]);
    world
}

pub fn says(world: &mut World, range: std::ops::Range<usize>) {
    for i in range {
        world.server.channels.says(CHANNEL, "bob", &format!("m{i}"));
    }
}

pub fn send(world: &mut World, text: &str) -> LocalNo {
    let (to, content) = (Target::Conversation(CHANNEL), Content::text(text));
    world.with(|core, now| core.compose(Command::SendMessage { to, content }, now).unwrap())
}

fn numbered(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|i| format!("m{i}")).collect()
}

fn position(world: &World) -> (u64, u64) {
    let position = world.disk.channels[&CHANNEL];
    (position.seq.0, position.change_no.0)
}

fn queries(world: &World) -> usize {
    world.server.queries.len()
}

/// Everything the server has of the channel is stored, once, in order and as it is now.
pub fn check_all_is_here(world: &World, what: &str) {
    let channel = &world.server.channels.all[&CHANNEL];
    let texts: Vec<String> = channel
        .seen()
        .map(|message| String::from_utf8(message.content.to_vec()).unwrap())
        .collect();
    assert_eq!(world.disk.texts(CHANNEL), texts, "{what}");
    for message in channel.seen() {
        let stored = &world.disk.messages[&(CHANNEL, Seq(message.seq))].message;
        let reactions = |of: Option<&v1::Altered>| -> Vec<String> {
            of.into_iter().flat_map(|a| a.reactions.iter().map(|r| r.emoji.clone())).collect()
        };
        let here: Vec<String> = stored
            .altered
            .iter()
            .flat_map(|altered| altered.reactions.iter().map(|r| r.emoji.clone()))
            .collect();
        assert_eq!(here, reactions(message.altered.as_deref()), "{what}: message {}", message.seq);
    }
    let end = (channel.messages.len() as u64, channel.changes.len() as u64);
    assert_eq!(position(world), end, "{what}");
}

#[test]
fn a_push_that_follows_is_taken_and_costs_no_question() {
    let mut world = following();
    let asked = queries(&world);
    says(&mut world, 0..5);
    world.server.channels.reacts(CHANNEL, 2);
    world.push();
    world.secs(1);
    assert_eq!(world.new_texts(), numbered(0..5));
    assert_eq!(queries(&world), asked);
    check_all_is_here(&world, "pushed");
    let altered = |e: &&AppEvent| matches!(e, AppEvent::MessageAltered { .. });
    assert_eq!(world.heard.events.iter().filter(altered).count(), 1);
    assert!(world.server.acks.iter().all(|(up_to, _)| *up_to <= 1), "the inbox hears nothing");
}

#[test]
fn requirement_g1_what_a_channel_did_not_push_is_noticed_and_read() {
    let mut world = following();
    world.server.channels.lose_pushes = true;
    says(&mut world, 0..3);
    world.server.channels.reacts(CHANNEL, 1);
    world.push();
    world.secs(1);
    assert!(world.new_texts().is_empty());
    world.server.channels.lose_pushes = false;
    says(&mut world, 3..4);
    world.push();
    world.until("read", |w| w.new_texts().len() == 4);
    world.server.channels.reacts(CHANNEL, 2);
    world.push();
    world.secs(1);
    assert_eq!(world.new_texts(), numbered(0..4));
    check_all_is_here(&world, "after a gap");
}

#[test]
fn heads_told_unasked_are_read_up_to() {
    let mut world = following();
    world.server.channels.lose_pushes = true;
    says(&mut world, 0..3);
    world.server.channels.reacts(CHANNEL, 1);
    world.push();
    world.sweep();
    world.secs(1);
    assert_eq!(world.new_texts(), numbered(0..3));
    check_all_is_here(&world, "after a sweep");
}

#[test]
fn a_sign_in_with_nothing_new_asks_nothing() {
    let mut world = following();
    says(&mut world, 0..3);
    world.push();
    world.secs(1);
    let asked = queries(&world);
    world.restart();
    world.secs(1);
    assert!(world.is_connected());
    let hello = world.server.hellos.last().unwrap();
    assert_eq!((hello.follow[0].seq, hello.follow[0].change_no), (3, 1));
    assert_eq!(queries(&world), asked);
    says(&mut world, 3..4);
    world.push();
    world.secs(1);
    assert_eq!(world.new_texts(), numbered(0..4), "and the session is followed");
}

#[test]
fn requirement_g1_who_comes_back_reads_what_was_said_meanwhile() {
    let mut world = following();
    world.cut();
    says(&mut world, 0..450);
    world.server.channels.reacts(CHANNEL, 440);
    world.until("read", |w| w.new_texts().len() == 450);
    world.secs(1);
    assert_eq!(world.new_texts(), numbered(0..450));
    check_all_is_here(&world, "after an absence");
    assert_eq!(queries(&world), 4, "three pages of messages, and the changes");
}

#[test]
fn who_was_away_for_long_goes_on_from_the_row() {
    let mut world = following();
    world.cut();
    says(&mut world, 0..1_500);
    world.until("placed", |w| position(w).0 == 1_500);
    assert_eq!(queries(&world), 1, "the row");
    assert!(world.new_texts().is_empty(), "what is not read is not told");
    assert_eq!(world.disk.texts(CHANNEL), ["m1499"], "history is fetched when it is looked at");
    says(&mut world, 1_500..1_502);
    world.push();
    world.secs(1);
    assert_eq!(world.new_texts(), numbered(1_500..1_502));
    assert_eq!(queries(&world), 1);
}

#[test]
fn a_message_that_calls_one_by_name_is_told_once_whichever_way_it_comes_first() {
    for (lose, late_inbox) in [(false, false), (true, false), (false, true)] {
        let mut world = following();
        world.server.channels.lose_pushes = lose;
        world.server.lose_pushes = late_inbox;
        says(&mut world, 0..2);
        world.server.mentions(CHANNEL, "alice!");
        says(&mut world, 3..5);
        world.server.mentions(CHANNEL, "alice?");
        world.push();
        world.secs(1);
        let first = world.new_texts();
        if lose {
            assert_eq!(first, ["alice!", "alice?"], "at once, though the log is behind");
        }
        world.server.channels.lose_pushes = false;
        world.server.lose_pushes = false;
        world.sweep();
        world.server.says("bob", "wakes the inbox");
        world.push();
        world.secs(2);
        let mut told = world.new_texts();
        assert_eq!(told.len(), 7, "{told:?}");
        told.sort();
        told.dedup();
        assert_eq!(told.len(), 7, "lose {lose}, late inbox {late_inbox}");
        check_all_is_here(&world, "mentioned");
        let stored = &world.disk.messages[&(CHANNEL, Seq(3))];
        assert_eq!(text(&stored.message), "alice!");
    }
}

#[test]
fn own_messages_are_settled_by_whatever_comes_first_and_are_no_news() {
    let mut world = following();
    for i in 0..10 {
        send(&mut world, &format!("a{i}"));
        says(&mut world, i..i + 1);
        world.push();
        world.run(Duration::from_millis(13 * i as u64 % 50));
    }
    world.server.mute = true;
    let unanswered = send(&mut world, "settled by its echo");
    world.secs(1);
    assert!(matches!(world.states(unanswered).last(), Some(MessageState::Sent { .. })));
    world.server.mute = false;
    world.secs(10);
    assert!(world.disk.outbox.is_empty());
    assert_eq!(world.new_texts().len(), 10, "one's own are not news here");
    check_all_is_here(&world, "own");
}

#[test]
fn requirement_g1_a_group_becomes_a_channel_between_two_messages() {
    let mut world = World::online();
    world.server.channels.of(CHANNEL).ordinary = true;
    // The group's messages came by the inbox until then.
    for i in 0..3 {
        let message = world.server.channels.says(CHANNEL, "bob", &format!("m{i}"));
        world.server.put(v1::event::Event::Group(message));
    }
    world.cut();
    let set = v1::SetGroup { channel: true, ..v1::SetGroup::default() };
    let switch = world.server.channels.changes(CHANNEL, Some(Kind::GroupUpdated(set)));
    world.server.channels.of(CHANNEL).ordinary = false;
    world.server.put(v1::event::Event::Change(switch));
    says(&mut world, 3..6);
    world.until("read", |w| w.new_texts().len() == 6);
    world.secs(1);
    assert_eq!(world.new_texts(), numbered(0..6));
    check_all_is_here(&world, "switched");
}

#[test]
fn who_is_brought_in_follows_a_channel_and_no_ordinary_group() {
    let mut world = World::online();
    says(&mut world, 0..3);
    let joined = world.server.joins(CHANNEL);
    says(&mut world, 3..5);
    world.push();
    world.until("read", |w| w.new_texts().len() == 2);
    world.secs(1);
    assert_eq!(world.new_texts(), numbered(3..5), "what was said before is not news");
    let position = world.disk.channels[&CHANNEL];
    assert_eq!((position.seq.0, position.change_no.0), (5, joined.change_no));

    let ordinary = ConversationId([0x33; 16]);
    world.server.channels.of(ordinary).ordinary = true;
    world.server.joins(ordinary);
    let set = v1::SetGroup { title: Some("renamed".to_owned()), ..v1::SetGroup::default() };
    let renamed = world.server.channels.changes(ordinary, Some(Kind::GroupUpdated(set)));
    world.server.put(v1::event::Event::Change(renamed.clone()));
    let message = world.server.channels.says(ordinary, "bob", "hello");
    world.server.put(v1::event::Event::Group(message));
    world.push();
    world.secs(1);
    assert!(!world.disk.channels.contains_key(&ordinary), "no channel");
    assert_eq!(world.new_texts().last().unwrap(), "hello");
    assert!(world.disk.changes.iter().any(|c| c.change_no.0 == renamed.change_no));
    world.restart();
    world.secs(1);
    assert_eq!(world.server.hellos.last().unwrap().follow.len(), 1);
}

#[test]
fn who_is_sent_away_reads_what_was_said_before_and_no_more() {
    let mut world = following();
    world.server.channels.lose_pushes = true;
    says(&mut world, 0..3);
    let removed = v1::MembersRemoved { users: vec!["alice".to_owned()] };
    world.server.leaves(CHANNEL, Kind::MembersRemoved(removed), true);
    says(&mut world, 3..6);
    world.push();
    world.until("left", |w| !w.disk.channels.contains_key(&CHANNEL));
    assert_eq!(world.new_texts(), numbered(0..3));
    let told = |e: &&AppEvent| {
        matches!(e, AppEvent::GroupChanged { change }
            if matches!(change.kind, ChangeKind::MembersRemoved { .. }))
    };
    assert_eq!(world.heard.events.iter().filter(told).count(), 1);
    world.restart();
    world.secs(1);
    assert!(world.server.hellos.last().unwrap().follow.is_empty());
}

#[test]
fn who_was_sent_away_and_brought_back_misses_nothing_of_both_times() {
    for online in [false, true] {
        let mut world = following();
        if !online {
            world.cut();
        }
        says(&mut world, 0..2);
        let removed = v1::MembersRemoved { users: vec!["alice".to_owned()] };
        world.server.leaves(CHANNEL, Kind::MembersRemoved(removed), true);
        if online {
            world.push();
            world.sweep();
            world.secs(1);
        }
        world.server.joins(CHANNEL);
        says(&mut world, 2..5);
        world.push();
        world.until("read", |w| w.new_texts().len() >= 5);
        world.secs(2);
        assert_eq!(world.new_texts(), numbered(0..5), "online {online}");
        check_all_is_here(&world, "back");
    }
}

#[test]
fn a_channel_that_was_dissolved_meanwhile_says_so_at_the_end() {
    for online in [false, true] {
        let mut world = following();
        if !online {
            world.cut();
        }
        says(&mut world, 0..2);
        world.server.leaves(CHANNEL, Kind::GroupDismissed(v1::GroupDismissed {}), false);
        world.push();
        world.until("left", |w| !w.disk.channels.contains_key(&CHANNEL));
        world.secs(1);
        assert_eq!(world.new_texts(), numbered(0..2));
        let told = |e: &&AppEvent| {
            matches!(e, AppEvent::GroupChanged { change }
                if change.kind == ChangeKind::GroupDismissed)
        };
        assert_eq!(world.heard.events.iter().filter(told).count(), 1, "online {online}");
    }
}

#[test]
fn a_rebuild_says_where_a_channel_goes_on() {
    let mut world = following();
    says(&mut world, 0..3);
    world.push();
    world.secs(1);
    world.cut();
    for i in 0..30 {
        world.server.says("bob", &format!("b{i}"));
    }
    world.server.trimmed = world.server.head();
    says(&mut world, 3..9);
    world.until("rebuilt", |w| w.disk.device.cursor.0 == w.server.head());
    world.secs(1);
    assert_eq!(position(&world), (9, 1));
    assert_eq!(world.new_texts(), numbered(0..3), "history is no news");
    says(&mut world, 9..10);
    world.push();
    world.secs(1);
    assert_eq!(world.new_texts().last().unwrap(), "m9");
}

#[test]
fn requirement_g1_a_new_device_follows_the_channels_it_finds() {
    let mut world = World::new();
    world.server.says("bob", "hello");
    says(&mut world, 0..3);
    world.input(Input::Start);
    world.until("rebuilt", |w| w.disk.device.cursor.0 == 1);
    world.secs(1);
    assert!(world.server.hellos[0].follow.is_empty());
    says(&mut world, 3..5);
    world.push();
    world.secs(1);
    assert_eq!(world.new_texts(), numbered(3..5));
}

#[test]
fn a_restored_server_takes_back_what_it_has_not_and_goes_on() {
    let mut world = following();
    world.disk.server_lost_data = true;
    says(&mut world, 0..6);
    world.push();
    world.secs(1);
    world.server.log_epoch = 2;
    let channel = world.server.channels.of(CHANNEL);
    channel.messages.truncate(4);
    world.server.channels.replay(CHANNEL);
    world.cut();
    world.until("rebuilt", |w| w.disk.device.log_epoch.0 == 2);
    world.secs(1);
    assert!(world.disk.not_on_server.contains(&(CHANNEL, Seq(4))));
    world.server.channels.says(CHANNEL, "bob", "in the place of a lost one");
    world.push();
    world.secs(1);
    assert_eq!(world.new_texts().last().unwrap(), "in the place of a lost one");
    check_all_is_here(&world, "restored");
}

#[test]
fn a_log_that_lost_its_end_within_one_epoch_is_noticed_by_its_head() {
    let mut world = following();
    world.disk.server_lost_data = true;
    says(&mut world, 0..6);
    world.push();
    world.secs(1);
    let channel = world.server.channels.of(CHANNEL);
    channel.messages.truncate(4);
    world.server.channels.replay(CHANNEL);
    world.cut();
    world.until("noticed", |w| !w.disk.not_on_server.is_empty());
    world.secs(1);
    assert_eq!(world.disk.not_on_server, [(CHANNEL, Seq(4))]);
    says(&mut world, 4..7);
    world.push();
    world.secs(1);
    check_all_is_here(&world, "shorter");
}

#[test]
fn what_a_newer_server_changes_keeps_its_number() {
    for pushed in [true, false] {
        let mut world = following();
        world.server.channels.lose_pushes = !pushed;
        says(&mut world, 0..1);
        world.server.channels.changes(CHANNEL, None);
        world.server.channels.reacts(CHANNEL, 1);
        world.push();
        world.sweep();
        world.secs(1);
        check_all_is_here(&world, "a newer kind");
        let kept = world.disk.changes.iter().find(|c| c.change_no.0 == 2).unwrap();
        assert!(
            matches!(&kept.kind, ChangeKind::Unknown { raw, .. } if raw.len() == usize::from(pushed))
        );
    }
}

#[test]
fn what_a_channel_cannot_give_is_named() {
    let mut world = following();
    world.cut();
    says(&mut world, 0..10);
    world.server.channels.of(CHANNEL).expired_up_to = 4;
    world.until("read", |w| w.new_texts().len() == 6);
    world.secs(1);
    assert_eq!(world.disk.unavailable.len(), 1);
    assert_eq!((world.disk.unavailable[0].from, world.disk.unavailable[0].to), (Seq(1), Seq(4)));
    assert_eq!(position(&world).0, 10);
}

#[test]
fn many_channels_are_named_in_hello_and_behind_welcome() {
    let mut world = World::online();
    for i in 0..400_u16 {
        let mut id = [0x40; 16];
        id[..2].copy_from_slice(&i.to_be_bytes());
        world.server.becomes(ConversationId(id));
    }
    world.push();
    world.until("stored", |w| w.disk.channels.len() == 400);
    world.secs(2);
    world.server.channels.follows.clear();
    world.restart();
    world.secs(1);
    assert_eq!(world.server.channels.follows, [64, 250, 86]);
}

#[test]
fn whoever_asks_is_told_when_everything_of_all_channels_is_here() {
    let level = |world: &World| world.core.as_ref().unwrap().channels_are_level();
    // Without channels nothing is asked.
    let mut world = World::online();
    world.with(|core, now| core.compare_channels(now));
    assert!(level(&world));
    world.secs(1);
    assert!(world.server.channels.follows.is_empty());
    let mut world = following();
    // Nothing new: one answer, and nothing is read.
    world.restart();
    world.with(|core, now| core.compare_channels(now));
    assert!(!level(&world));
    world.until("compared", level);
    assert_eq!((queries(&world), world.server.channels.follows.last()), (0, Some(&1)));
    // Very much is new, the answers are late, and the connection breaks in between.
    world.crash();
    says(&mut world, 0..450);
    world.boot();
    world.input(Input::Start);
    world.with(|core, now| core.compare_channels(now));
    world.run(Duration::from_millis(70));
    world.cut();
    world.server.answers_late = Duration::from_millis(200);
    world.until("compared", level);
    check_all_is_here(&world, "compared");
    // Who is brought in knows which kind of group it is by then.
    world.cut();
    let other = ConversationId([0x35; 16]);
    world.server.joins(other);
    world.until("connected", World::is_connected);
    world.until("heard", |w| w.disk.device.cursor.0 == w.server.head());
    world.with(|core, now| core.compare_channels(now));
    world.until("compared", level);
    assert!(world.disk.channels.contains_key(&other));
}

#[test]
fn who_is_behind_in_a_busy_channel_gets_back_to_what_is_pushed() {
    let mut world = following();
    world.server.channels.lose_pushes = true;
    says(&mut world, 0..10);
    world.push();
    world.server.channels.lose_pushes = false;
    // Something is said several times between the reading of a page and its arrival.
    world.server.answers_late = Duration::from_millis(25);
    for i in 10..600 {
        says(&mut world, i..i + 1);
        if i % 7 == 0 {
            world.server.channels.reacts(CHANNEL, i as u64 - 3);
        }
        world.push();
        world.run(Duration::from_millis(5));
    }
    world.secs(1);
    assert_eq!(world.new_texts(), numbered(0..600));
    check_all_is_here(&world, "busy");
    assert!(queries(&world) <= 3, "{} questions for one gap", queries(&world));
}

#[test]
fn what_the_store_does_not_take_is_read_again() {
    let mut world = following();
    says(&mut world, 0..2);
    world.push();
    world.secs(1);
    world.store = StoreMode::Full;
    says(&mut world, 2..700);
    world.push();
    world.secs(20);
    assert_eq!(position(&world).0, 2);
    world.store = StoreMode::Works;
    world.until("stored", |w| position(w).0 == 700);
    assert_eq!(world.new_texts(), numbered(0..700));
    check_all_is_here(&world, "full for a while");
}

#[test]
fn what_an_earlier_device_said_in_a_channel_is_not_said_again() {
    let mut world = following();
    world.input(Input::Stop);
    send(&mut world, "said by the copy's future");
    let copy = world.disk.clone();
    world.input(Input::Start);
    world.secs(1);
    assert!(world.disk.outbox.is_empty());
    world.crash();
    world.disk = copy;
    assert_eq!(world.disk.outbox.len(), 1);
    world.boot();
    world.input(Input::Start);
    world.until("found out", |w| {
        w.heard.events.iter().any(|e| matches!(e, AppEvent::StoreWasRestored))
    });
    let device = DeviceNo(2);
    let identity = anser_client::Identity { device, ..world.disk.identity.clone() };
    world.with(|core, now| core.take_device(identity, now));
    world.until("settled", |w| w.disk.outbox.is_empty());
    world.secs(2);
    assert_eq!(world.server.channels.all[&CHANNEL].texts(), ["said by the copy's future"]);
    check_all_is_here(&world, "restored store");
}

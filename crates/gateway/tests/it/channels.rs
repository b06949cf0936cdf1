//! Channels on the wire: followed with Hello or later, pushed to who follows, and never silently short.

use anser_proto::session::client::Incoming;
use anser_proto::session::received::{ReceivedEvent, ReceivedKind};
use anser_proto::v1;
use anser_service::SignedIn;
use anser_types::limits::{CHANNELS_PER_SESSION, CONTENT_MAX_BYTES, FOLLOW_PER_FRAME};
use anser_types::{ConversationId, DeviceClass, ErrorCode};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use v1::command::Op;
use v1::send_message::To;

use crate::peer::{LOG_EPOCH, Peer};
use crate::world::World;

/// A channel of alice and bob.
async fn channel(alice: &mut Peer<DuplexStream>) -> Bytes {
    let op = Op::CreateGroup(v1::CreateGroup {
        title: "news".to_owned(),
        members: vec!["bob".to_owned()],
        ..v1::CreateGroup::default()
    });
    alice.command(op).await;
    let conversation = loop {
        if let Incoming::CommandAck(ack) = alice.hear().await {
            break ack.conversation;
        }
    };
    let set = v1::SetGroup { channel: true, ..v1::SetGroup::default() };
    let set = v1::UpdateGroup { conversation: conversation.clone(), set: Some(set) };
    alice.command(Op::UpdateGroup(set)).await;
    loop {
        if let Incoming::CommandAck(ack) = alice.hear().await {
            assert_eq!(ack.error, None);
            return conversation;
        }
    }
}

async fn say(alice: &mut Peer<DuplexStream>, channel: &Bytes, content: Bytes) {
    let to = Some(To::Conversation(channel.clone()));
    alice.command(Op::Send(v1::SendMessage { to, content, ..v1::SendMessage::default() })).await;
    loop {
        if let Incoming::CommandAck(ack) = alice.hear().await {
            assert_eq!((ack.error, ack.inbox_seq), (None, 0));
            return;
        }
    }
}

fn position(conversation: &Bytes, seq: u64, change_no: u64) -> v1::ChannelPosition {
    v1::ChannelPosition { conversation: conversation.clone(), seq, change_no }
}

async fn hello<S: AsyncRead + AsyncWrite + Unpin>(
    peer: &mut Peer<S>,
    device: &SignedIn,
    cursor: u64,
    follow: Vec<v1::ChannelPosition>,
) {
    let hello = v1::Hello {
        token: device.token.clone(),
        device_no: device.device.0,
        log_epoch: LOG_EPOCH,
        inbox_cursor: cursor,
        follow,
        ..v1::Hello::default()
    };
    peer.say(|wire, out| wire.hello(hello, out)).await;
}

async fn follow<S: AsyncRead + AsyncWrite + Unpin>(
    peer: &mut Peer<S>,
    channels: Vec<v1::ChannelPosition>,
) {
    peer.say(|wire, out| wire.follow(&v1::Follow { channels }, out)).await;
}

async fn heads<S: AsyncRead + AsyncWrite + Unpin>(peer: &mut Peer<S>) -> v1::ChannelHeads {
    loop {
        match peer.hear().await {
            Incoming::ChannelHeads(heads) => return heads,
            Incoming::EventBatch(_) => {}
            other => panic!("heads are expected, not {other:?}"),
        }
    }
}

fn seqs(events: &[ReceivedEvent]) -> Vec<u64> {
    let seq = |event: &ReceivedEvent| match &event.kind {
        ReceivedKind::Known(v1::event::Event::Group(message)) => message.seq,
        other => panic!("a message is expected, not {other:?}"),
    };
    events.iter().map(seq).collect()
}

#[tokio::test(start_paused = true)]
async fn requirement_c4_channels_are_compared_with_hello_and_only_what_differs_is_told() {
    let world = World::new();
    let bobs = world.device("bob", DeviceClass::Cli).await;
    let mut alice = world.online("alice").await;
    let news = channel(&mut alice).await;
    say(&mut alice, &news, Bytes::from_static(b"one")).await;

    let (mut bob, _) = world.connect(64 * 1024);
    hello(&mut bob, &bobs, 2, vec![position(&news, 0, 2)]).await;
    bob.welcome().await;
    assert_eq!(heads(&mut bob).await.heads, [position(&news, 1, 2)]);
    say(&mut alice, &news, Bytes::from_static(b"two")).await;
    let Incoming::ChannelBatch(events) = bob.hear().await else { panic!() };
    assert_eq!(seqs(&events), [2]);

    // Nothing new: nothing is said.
    let (mut bob, _) = world.connect(64 * 1024);
    hello(&mut bob, &bobs, 2, vec![position(&news, 2, 2)]).await;
    bob.welcome().await;
    assert_eq!(bob.pong().await, 0);
}

#[tokio::test(start_paused = true)]
async fn requirement_g1_channels_are_followed_at_any_time() {
    let world = World::new();
    let mut bob = world.online("bob").await;
    let mut alice = world.online("alice").await;
    let news = channel(&mut alice).await;
    let mut stranger = world.online("mallory").await;
    follow(&mut bob, vec![position(&news, 0, 0)]).await;
    assert_eq!(heads(&mut bob).await.heads, [position(&news, 0, 2)]);
    follow(&mut stranger, vec![position(&news, 0, 0)]).await;
    let told = heads(&mut stranger).await;
    assert_eq!((told.heads, told.gone), (Vec::new(), vec![news.clone()]));
    say(&mut alice, &news, Bytes::from_static(b"one")).await;
    let Incoming::ChannelBatch(events) = bob.hear().await else { panic!() };
    assert_eq!(seqs(&events), [1]);
    assert_eq!(stranger.pong().await, 0);
}

#[tokio::test(start_paused = true)]
async fn guarantee_g16_a_slow_follower_is_told_what_it_missed() {
    let world = World::new();
    let bobs = world.device("bob", DeviceClass::Cli).await;
    let mut alice = world.online("alice").await;
    let news = channel(&mut alice).await;
    let (mut bob, _) = world.connect(16 * 1024);
    hello(&mut bob, &bobs, 2, vec![position(&news, 0, 2)]).await;
    bob.welcome().await;
    bob.pong().await;
    // Far more than pipe, buffer and mailbox hold.
    let letter = Bytes::from(vec![b'x'; CONTENT_MAX_BYTES]);
    let many = 300;
    for _ in 0..many {
        say(&mut alice, &news, letter.clone()).await;
    }
    let (mut last, mut told) = (0, 0);
    while told < many && last < many {
        match bob.hear().await {
            Incoming::ChannelBatch(events) => {
                for seq in seqs(&events) {
                    assert!(seq > last, "in the order of the log");
                    last = seq;
                }
            }
            Incoming::ChannelHeads(heads) => told = heads.heads[0].seq,
            other => panic!("{other:?}"),
        }
    }
    assert!(last < many, "something was dropped, or this shows nothing");
    assert_eq!(told, many);
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_what_cannot_be_is_told_why() {
    let world = World::new();
    let id = |n: usize| {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&(n as u64).to_be_bytes());
        Bytes::copy_from_slice(&ConversationId::group(id).0)
    };
    let many = |count| (0..count).map(|n| position(&id(n), 0, 0)).collect();
    let mut flood = world.online("flood").await;
    follow(&mut flood, many(FOLLOW_PER_FRAME + 1)).await;
    flood.closed_with(ErrorCode::RateLimited).await;

    let mut odd = world.online("odd").await;
    follow(&mut odd, vec![position(&Bytes::from_static(b"short"), 0, 0)]).await;
    odd.closed_with(ErrorCode::InvalidArgument).await;

    // As many as one may name are answered, all of them.
    let mut keen = world.online("keen").await;
    for _ in 0..CHANNELS_PER_SESSION / FOLLOW_PER_FRAME {
        follow(&mut keen, many(FOLLOW_PER_FRAME)).await;
        assert_eq!(heads(&mut keen).await.gone.len(), FOLLOW_PER_FRAME);
    }
}

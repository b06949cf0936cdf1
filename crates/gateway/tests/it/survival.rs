//! Versions that differ, and everything that is wrong inside a well-formed frame: answered, never fatal.

use anser_proto::session::client::Incoming;
use anser_proto::v1::{self, command::Op, query::Query, reply::Reply, send_message::To};
use anser_types::limits::{CONTENT_MAX_BYTES, MEMBERS_PER_COMMAND};
use anser_types::{DeviceClass, ErrorCode};
use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::DuplexStream;

use crate::peer::{Peer, text_to, texts};
use crate::world::World;

/// A field with a length: its number and body.
fn field(number: u32, body: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    for mut value in [u64::from(number) << 3 | 2, body.len() as u64] {
        while value >= 0x80 {
            out.put_u8((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        out.put_u8(value as u8);
    }
    out.extend_from_slice(body);
    out
}

/// A frame: its length and one field.
fn frame(number: u32, body: &[u8]) -> BytesMut {
    let inner = field(number, body);
    // A field without its tag is a length and a body, which is a frame.
    field(0, &inner).split_off(1)
}

async fn refused(alice: &mut Peer<DuplexStream>, op: Op, code: ErrorCode) {
    let command_no = alice.command(op).await;
    let ack = alice.command_ack().await;
    assert_eq!(ack.command_no, command_no);
    let error = ack.error.expect("a refusal");
    assert_eq!(error.code, u32::from(code.number()), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn requirement_f3_frames_of_the_future_are_ignored() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    alice.write(&frame(77, b"who knows")).await;
    alice.write(&frame(14, b"")).await;
    // An empty frame, and a signal that does not exist yet.
    alice.write(&[0]).await;
    alice.write(&frame(5, &field(9, b"presence, perhaps"))).await;
    assert_eq!(alice.pong().await, 0);
}

#[tokio::test(start_paused = true)]
async fn requirement_f3_fields_of_the_future_do_no_harm() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    let mut bob = world.online("bob").await;
    let (command_no, body) = alice.compose(text_to("bob", "with something new"));
    let mut extended = BytesMut::from(body.as_ref());
    extended.extend_from_slice(&field(63, b"a field of version 2"));
    alice.transmit(command_no, &extended.freeze()).await;
    assert_eq!(alice.command_ack().await.error, None);
    assert_eq!(texts(&bob.batch().await), ["alice: with something new"]);
}

#[tokio::test(start_paused = true)]
async fn requirement_f3_commands_and_queries_of_the_future_are_answered() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    world.device("bob", DeviceClass::Phone).await;
    let unknown = field(63, b"something of the future").freeze();
    alice.next_command_no += 1;
    alice.transmit(1, &unknown).await;
    let ack = alice.command_ack().await;
    assert_eq!(ack.error.unwrap().code, u32::from(ErrorCode::Unsupported.number()));
    // Its number is used up: the next one is the next one.
    alice.send("bob", "hello").await;

    alice.say(|wire, out| wire.query(&v1::Query { query_no: 5, query: None }, out)).await;
    let reply = alice.reply().await;
    let Some(Reply::Error(error)) = reply.reply else { panic!("{reply:?}") };
    assert_eq!((reply.query_no, error.code), (5, u32::from(ErrorCode::Unsupported.number())));
}

#[tokio::test(start_paused = true)]
async fn commands_that_cannot_be_are_refused_and_use_up_their_number() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    world.device("bob", DeviceClass::Phone).await;
    let send = |to: Option<To>| Op::Send(v1::SendMessage { to, ..Default::default() });
    let nobody = To::User("nobody".to_owned());
    let spaces = To::User("has a space".to_owned());
    let short = To::Conversation(Bytes::from_static(b"short"));
    let elsewhere = To::Conversation(Bytes::from_static(&[1; 16]));
    refused(&mut alice, send(None), ErrorCode::InvalidArgument).await;
    refused(&mut alice, send(Some(spaces)), ErrorCode::InvalidArgument).await;
    refused(&mut alice, send(Some(short)), ErrorCode::InvalidArgument).await;
    refused(&mut alice, send(Some(nobody)), ErrorCode::UserUnknown).await;
    refused(&mut alice, send(Some(elsewhere)), ErrorCode::ConversationUnknown).await;
    let large = Bytes::from(vec![b'x'; CONTENT_MAX_BYTES + 1]);
    refused(&mut alice, crate::peer::content_to("bob", large), ErrorCode::ContentTooLarge).await;
    let short = Bytes::from_static(b"x");
    refused(
        &mut alice,
        Op::Leave(v1::Leave { conversation: short.clone() }),
        ErrorCode::InvalidArgument,
    )
    .await;
    let kick = v1::Kick { conversation: short, users: vec![String::new()] };
    refused(&mut alice, Op::Kick(kick), ErrorCode::InvalidArgument).await;
    refused(&mut alice, Op::MarkRead(v1::MarkRead::default()), ErrorCode::InvalidArgument).await;
    assert_eq!(alice.send("bob", "and yet").await.seq, 1);
}

#[tokio::test(start_paused = true)]
async fn a_number_out_of_order_is_answered_with_the_expected_one() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    world.device("bob", DeviceClass::Phone).await;
    let (_, first) = alice.compose(text_to("bob", "first"));
    let (_, second) = alice.compose(text_to("bob", "second"));
    alice.transmit(2, &second).await;
    let error = alice.command_ack().await.error.unwrap();
    assert_eq!(error.code, u32::from(ErrorCode::OutOfOrder.number()));
    assert_eq!(error.expected_command_no, 1);
    alice.transmit(1, &first).await;
    alice.transmit(2, &second).await;
    assert_eq!((alice.command_ack().await.seq, alice.command_ack().await.seq), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn requirement_a4_a_resend_gets_its_first_answer_and_other_bytes_a_conflict() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    let mut bob = world.online("bob").await;
    let (number, body) = alice.compose(text_to("bob", "once"));
    alice.transmit(number, &body).await;
    let first = alice.command_ack().await;
    bob.batch().await;
    alice.transmit(number, &body).await;
    let again = alice.command_ack().await;
    assert!(again.duplicate);
    assert_eq!(
        (again.seq, again.inbox_seq, again.sent_before_ms),
        (first.seq, first.inbox_seq, first.sent_before_ms)
    );
    let (_, other) = alice.compose(text_to("bob", "twice"));
    alice.transmit(number, &other).await;
    let error = alice.command_ack().await.error.unwrap();
    assert_eq!(error.code, u32::from(ErrorCode::Conflict.number()));
    // Nothing was routed a second time.
    assert_eq!(bob.pong().await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_new_group_is_named_by_its_answer_and_its_events_name_it() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    let mut bob = world.online("bob").await;
    alice
        .command(Op::CreateGroup(v1::CreateGroup {
            title: "us".to_owned(),
            members: vec!["bob".to_owned()],
            history_for_new_members: false,
        }))
        .await;
    // The group's first entry reaches its maker too: only messages and read positions are known from answers.
    let ack = alice.command_ack().await;
    assert_eq!((ack.conversation.len(), ack.error), (16, None));
    assert_eq!(alice.batch().await.events.len(), 1);
    assert_eq!(bob.batch().await.events.len(), 1);
    let to_group = |text: &'static str| {
        Op::Send(v1::SendMessage {
            to: Some(To::Conversation(ack.conversation.clone())),
            content: Bytes::from_static(text.as_bytes()),
            ..Default::default()
        })
    };
    alice.command(to_group("hello, us")).await;
    let sent = alice.command_ack().await;
    assert_eq!((sent.seq, sent.conversation.len()), (1, 0));
    assert_eq!(texts(&bob.batch().await), ["alice@group: hello, us"]);
}

#[tokio::test(start_paused = true)]
async fn queries_that_cannot_be_are_refused() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    let wrong = [
        (Query::History(v1::HistoryQuery::default()), ErrorCode::InvalidArgument),
        (
            Query::Members(v1::MembersQuery {
                conversation: Bytes::from_static(b"x"),
                ..Default::default()
            }),
            ErrorCode::InvalidArgument,
        ),
        (
            Query::Members(v1::MembersQuery {
                conversation: Bytes::from_static(&[9; 16]),
                ..Default::default()
            }),
            ErrorCode::ConversationUnknown,
        ),
        (
            Query::Receipts(v1::ReceiptsQuery {
                peers: vec!["bob".to_owned(); MEMBERS_PER_COMMAND + 1],
                ..Default::default()
            }),
            ErrorCode::InvalidArgument,
        ),
        (
            Query::Conversations(v1::ConversationsQuery {
                after: Bytes::from_static(b"x"),
                limit: 1,
            }),
            ErrorCode::InvalidArgument,
        ),
    ];
    for (query, code) in wrong {
        let text = format!("{query:?}");
        let query = v1::Query { query_no: 1, query: Some(query) };
        alice.say(|wire, out| wire.query(&query, out)).await;
        let reply = alice.reply().await;
        let Some(Reply::Error(error)) = reply.reply else { panic!("{text}: {reply:?}") };
        assert_eq!(error.code, u32::from(code.number()), "{text}: {error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn too_many_queries_at_once_are_refused_and_the_rest_answered() {
    const ASKED: u64 = 60;
    let mut world = World::new();
    world.connection.queries_waiting = 8;
    let mut alice = world.online("alice").await;
    let mut flood = BytesMut::new();
    for query_no in 1..=ASKED {
        let query = Some(Query::Conversations(v1::ConversationsQuery::default()));
        alice.wire.query(&v1::Query { query_no, query }, &mut flood);
    }
    alice.write(&flood).await;
    let (mut answered, mut refused) = (0, 0);
    while answered + refused < ASKED {
        match alice.hear().await {
            Incoming::Reply(v1::Reply { reply: Some(Reply::Error(error)), .. }) => {
                assert_eq!(error.code, u32::from(ErrorCode::RateLimited.number()));
                assert!(error.retry_after_ms > 0);
                refused += 1;
            }
            Incoming::Reply(_) => answered += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(answered >= 8 && refused > 0, "{answered} answered, {refused} refused");
}

#[tokio::test(start_paused = true)]
async fn history_names_both_sides() {
    let world = World::new();
    let mut alice = world.online("alice").await;
    let mut bob = world.online("bob").await;
    alice.send("bob", "ping").await;
    bob.batch().await;
    bob.command(text_to("alice", "pong")).await;
    bob.command_ack().await;
    let query = v1::HistoryQuery {
        of: Some(v1::history_query::Of::User("alice".to_owned())),
        ..Default::default()
    };
    let query = v1::Query { query_no: 1, query: Some(Query::History(query)) };
    bob.say(|wire, out| wire.query(&query, out)).await;
    let Some(Reply::History(page)) = bob.reply().await.reply else { panic!() };
    let said: Vec<_> = page.messages.iter().map(|m| (m.sender.as_str(), m.seq)).collect();
    assert_eq!((said, page.head, page.more), (vec![("alice", 1), ("bob", 2)], 2, false));
}

//! Clients that do anything at all: the server stays, ends their session with a reason, and loses nothing.

use anser_proto::session::client::Incoming;
use anser_types::{CommandNo, DeviceClass};
use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::peer::{text_to, texts};
use crate::world::World;

fn in_virtual_time<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(test)
}

/// What a receiver does next.
#[derive(Clone, Copy, Debug)]
enum Move {
    /// Hears one thing.
    Hear,
    /// Acknowledges some of what it has, and asks for some more.
    Ack { back: u64, want: u32 },
    /// More messages come.
    Receive(u8),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        4 => Just(Move::Hear),
        3 => (0_u64..4, prop_oneof![Just(0_u32), 1_u32..9]).prop_map(|(back, want)| Move::Ack { back, want }),
        3 => (1_u8..6).prop_map(Move::Receive),
    ];
    vec(one, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn bytes_of_any_kind_end_a_session_at_worst(
        garbage in vec(any::<u8>(), 1..600),
        signed_in in any::<bool>(),
    ) {
        in_virtual_time(async {
            let world = World::new();
            let device = world.device("alice", DeviceClass::Phone).await;
            let (mut alice, serving) = world.connect(64 * 1024);
            if signed_in {
                alice.sign_in(&device).await;
            }
            alice.write(&garbage).await;
            drop(alice);
            serving.await.expect("no panic");
            assert_eq!(world.service.status().sessions, 0);
        });
    }

    #[test]
    fn requirement_c5_whatever_a_client_acknowledges_it_misses_nothing(moves in moves()) {
        in_virtual_time(async {
            let world = World::new();
            let mut alice = world.online("alice").await;
            // A pipe so small that pushes pile up as soon as bob does not listen.
            let (mut bob, _) = world.connect(256);
            bob.sign_in(&world.device("bob", DeviceClass::Phone).await).await;
            let mut said = 0_u64;
            let hear = |has: u64, incoming: Incoming| {
                let Incoming::EventBatch(batch) = incoming else { return has };
                assert!(batch.first.0 <= has + 1, "a gap above {has}: {:?}", batch.first);
                for (text, number) in texts(&batch).iter().zip(batch.first.0..) {
                    assert_eq!(*text, format!("alice: {number}"));
                }
                has.max((batch.first.0 + batch.events.len() as u64).saturating_sub(1))
            };
            let mut has = 0_u64;
            for step in moves {
                match step {
                    Move::Receive(count) => {
                        let mut burst = BytesMut::new();
                        for _ in 0..count {
                            said += 1;
                            let (number, body) = alice.compose(text_to("bob", &said.to_string()));
                            alice.wire.command(CommandNo(number), 0, &body, &mut burst);
                        }
                        alice.write(&burst).await;
                        for _ in 0..count {
                            assert_eq!(alice.command_ack().await.error, None);
                        }
                    }
                    // Only what is certain to come is waited for.
                    Move::Hear if has < said => has = hear(has, bob.hear().await),
                    Move::Hear => {}
                    Move::Ack { back, want } => bob.ack(has.saturating_sub(back), want).await,
                }
            }
            bob.ack(has, 50).await;
            while has < said {
                let before = has;
                has = hear(has, bob.hear().await);
                if has > before {
                    bob.ack(has, 50).await;
                }
            }
        });
    }
}

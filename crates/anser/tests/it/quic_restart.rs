//! A server over QUIC that is killed without a word and started again: its clients are told at their next packet.

use anser_sdk::{CertificatePin, Client, Event, Events, Trust};
use anser_types::{ErrorCode, Refusal};

use crate::people::{PATIENCE, sign_up};
use crate::program::Home;

/// Why the client was not connected for a moment, once it is connected again.
async fn interruption(events: &mut Events) -> Refusal {
    let mut why = None;
    let back = async {
        while let Some(delivery) = events.next().await {
            match delivery.event() {
                Event::Disconnected { reason, .. } => {
                    why.get_or_insert_with(|| reason.clone());
                }
                Event::Connected { .. } if why.is_some() => return,
                _ => {}
            }
        }
        panic!("the client has ended");
    };
    tokio::time::timeout(PATIENCE, back).await.expect("the client comes back");
    why.unwrap()
}

#[test]
fn requirement_e1_who_speaks_quic_to_a_server_that_was_killed_is_told_at_the_next_packet() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let home = Home::new();
        let mut server = home.serve();
        let ports = server.ports();
        let pin: CertificatePin =
            server.announcement()["certificate_sha256"].as_str().unwrap().parse().unwrap();
        let [alice, bob] = sign_up(&server, 2).await.try_into().unwrap();
        let bob = bob.user;
        let alice = Client::builder()
            .endpoint(format!("quic://{}", server.address("quic")).parse().unwrap())
            .trust(Trust::Pinned(vec![pin]))
            .store_directory(home.path().join("alice"))
            .login_as(alice)
            .await
            .unwrap();
        alice.wait_connected().await.unwrap();
        let mut events = alice.events();
        for _ in 0..3 {
            server.kill();
            server = home.serve_at(&ports);
            // Nothing has told the client yet. Without an answer it would wait for the whole of its patience.
            let sending = alice.send_text(bob.clone(), "still there?");
            let (sent, why) = tokio::join!(sending, interruption(&mut events));
            sent.unwrap();
            assert_eq!(why.code, ErrorCode::Unreachable, "not by waiting: {why}");
        }
        alice.close().await;
        assert_eq!(server.stop().0.code(), Some(0), "{}", home.log());
    });
}

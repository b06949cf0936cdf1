//! People talk over a network that delays, throttles, cuts, resets, stalls and doubles their frames.

use std::time::Duration;

use super::length;
use super::proxy::Proxy;
use super::weather::{Climate, Deed};
use crate::people::{Board, come_back, gather, judge, settle};
use crate::program::Home;

const PEOPLE: usize = 4;
const MESSAGES: usize = 25;
const ROUNDS: usize = 4;

#[test]
fn requirement_b5_a_network_that_cuts_stalls_and_doubles_frames_loses_nothing() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut random = length::random("bad network");
        let home = Home::new();
        let server = home.serve();
        let board = Board::new();
        let proxy = Proxy::start(server.address("tcp"), &mut random).await;
        let mut people = gather(&home, &server, PEOPLE, &board, &proxy.endpoint()).await;

        proxy.weather(Climate { faults: 120, delay: Duration::from_millis(60) });
        for round in 0..ROUNDS * length::factor() {
            for n in 0..MESSAGES {
                for person in &mut people {
                    person.say(&board, format!("round {round}, {n}")).await;
                }
            }
            // What was stalled is noticed at once by those who are told that their network changed.
            tokio::time::sleep(Duration::from_millis(500)).await;
            if round % 2 == 1 {
                proxy.drop_all();
            }
            come_back(&people).await;
        }
        proxy.weather(Climate::CALM);
        proxy.drop_all();
        come_back(&people).await;
        settle(&people, &board).await;

        let deeds = proxy.deeds();
        let of = |is: fn(&Deed) -> bool| deeds.iter().filter(|deed| is(deed)).count();
        let cuts = of(|deed| matches!(deed, Deed::Cut(_)));
        let doubled = of(|deed| *deed == Deed::Duplicate);
        println!("{} faults, {cuts} cuts and {doubled} doubled frames among them", deeds.len());
        assert!(cuts > 0 && doubled > 0, "the network was too good: {deeds:?}");
        assert_eq!(server.stop().0.code(), Some(0), "{}", home.log());
        judge(&home, people).await;
    });
}

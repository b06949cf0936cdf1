//! A disk that takes 300 ms to sync: answers come after the sync, and nothing is lost when the server dies meanwhile.

use std::time::{Duration, Instant};

use super::length;
use super::strace::{Injection, under_strace};
use crate::people::{Board, assert_kept, come_back, gather, judge, raw_copy, settle};
use crate::program::Home;

const SYNC: Duration = Duration::from_millis(300);
const MESSAGES: usize = 40;

#[test]
fn guarantee_g1_on_a_slow_disk_nobody_is_answered_before_the_sync() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let home = Home::new();
        let server = home.serve();
        let board = Board::new();
        let endpoint = format!("tcp://{}", server.address("tcp"));
        let mut people = gather(&home, &server, 2, &board, &endpoint).await;
        let ports = server.ports();
        server.kill();

        for round in 0..length::factor() {
            let mut arguments = vec!["serve"];
            arguments.extend(ports.iter().map(String::as_str));
            let slow = Injection {
                syscalls: "fdatasync",
                what: "delay_enter=300000",
                when: "1+".to_owned(),
                files: &[],
            };
            let strace = under_strace(&home.program(&arguments), &slow, &home.data_dir());
            let server = home.launch(strace, "ready").unwrap();
            come_back(&people).await;
            for person in &people {
                person.client.wait_connected().await.unwrap();
            }
            // A message sent now waits for a sync of its own: its answer cannot be faster than the disk.
            let started = Instant::now();
            let person = &mut people[0];
            person.say(&board, format!("round {round}: alone")).await;
            person.client.wait_sent(*person.sent.last().unwrap()).await.unwrap();
            assert!(started.elapsed() >= SYNC, "answered after {:?}", started.elapsed());

            let before = board.acked.load(std::sync::atomic::Ordering::Relaxed);
            for person in &mut people {
                person.keep_waiting(&board, MESSAGES, round).await;
            }
            board.reaches("answers", &board.acked, before + 10).await;
            server.kill();
            assert_kept(&raw_copy(&home).await, &people, "killed on a slow disk");
        }

        let server = home.serve_at(&ports);
        come_back(&people).await;
        settle(&people, &board).await;
        assert_eq!(server.stop().0.code(), Some(0), "{}", home.log());
        judge(&home, people).await;
    });
}

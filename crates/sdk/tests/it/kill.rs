//! A bot process is killed with SIGKILL again and again: every message is answered, and exactly once.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anser_gateway::ListenerKind;
use anser_sdk::{Client, Event};
use tempfile::tempdir;

use crate::world::{World, id, new_text, soon, until};

const MESSAGES: usize = 60;
const KILLS: usize = 8;

/// The bot; a process of its own, started by the test below.
#[tokio::test]
#[ignore = "started as a process by the test below"]
async fn the_bot_process() {
    let Ok(url) = std::env::var("ANSER_TEST_BOT_URL") else { return };
    let store = std::env::var("ANSER_TEST_BOT_STORE").unwrap();
    let bot = Client::builder()
        .endpoint(url.parse().unwrap())
        .store_directory(store)
        .resume()
        .await
        .unwrap();
    let mut events = bot.events();
    while let Some(event) = events.next().await {
        if let Event::NewMessage(message) = event.event() {
            let echo = Client::create_text_message(message.text().unwrap_or_default());
            bot.reply(&event, echo).await.unwrap();
        }
    }
}

fn start_bot(world: &World, store: &std::path::Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "kill::the_bot_process"])
        .env("ANSER_TEST_BOT_URL", world.url(ListenerKind::Tcp))
        .env("ANSER_TEST_BOT_STORE", store)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_that_is_killed_answers_every_message_exactly_once() {
    let world = World::new();
    let (a, b) = (tempdir().unwrap(), tempdir().unwrap());
    // The bot's device exists before anything is sent to it.
    let bot = world.client("bot", b.path()).await;
    soon(bot.wait_connected()).await.unwrap();
    bot.close().await;

    let alice = world.client("alice", a.path()).await;
    let mut events = alice.events();
    for n in 0..MESSAGES {
        alice.send_message(id("bot"), Client::create_text_message(n.to_string())).await.unwrap();
    }
    let mut answers = Vec::new();
    for kill in 0..KILLS {
        let mut process = start_bot(&world, b.path());
        // Killed in the middle of its work: after a few answers, and some time that differs.
        for _ in 0..3 {
            answers.push(until(&mut events, new_text).await);
        }
        tokio::time::sleep(Duration::from_millis(7 * kill as u64)).await;
        process.kill().unwrap();
        process.wait().unwrap();
    }
    let mut process = start_bot(&world, b.path());
    while answers.len() < MESSAGES {
        answers.push(until(&mut events, new_text).await);
    }
    // A message of alice's own comes after every answer there could be.
    alice.send_message(id("bot"), Client::create_text_message("the end")).await.unwrap();
    assert_eq!(until(&mut events, new_text).await, "the end");
    process.kill().unwrap();
    process.wait().unwrap();
    let wanted: Vec<String> = (0..MESSAGES).map(|n| n.to_string()).collect();
    assert_eq!(answers, wanted);
}

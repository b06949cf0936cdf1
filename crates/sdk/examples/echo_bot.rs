//! A bot that says back what it is told, each message exactly once, however often it is killed. Beside `anser serve`:
//! `ANSER_API_KEY=$(cat <data directory>/api-key) cargo run -p anser-sdk --example echo_bot`

use anser_sdk::types::{DeviceClass, UserId};
use anser_sdk::{Client, Event, SecretString};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let api_key = SecretString::from(std::env::var("ANSER_API_KEY")?);
    let bot = Client::builder()
        .endpoint("ws://127.0.0.1:7480".parse()?)
        .device(DeviceClass::Bot, "echo")
        .store_directory("echo-bot-store")
        .login_with_api_key(UserId::new("echo")?, api_key)
        .await?;
    let mut events = bot.events();
    while let Some(event) = events.next().await {
        if let Event::NewMessage(message) = event.event()
            && !message.own
            && let Some(text) = message.text()
        {
            // Stores the answer and confirms the message in one transaction: after a kill both are there, or neither.
            bot.reply(&event, Client::create_text_message(text)).await?;
        }
    }
    Ok(())
}

//! Who is online, in the chat's title and as a command prints it.

use std::time::Duration;

use anser_cli::chat::step::{Effect, Input, Link};
use anser_cli::chat::texts::Language;
use anser_cli::chat::times::LocalTimes;
use anser_cli::devices::{device_json, device_line};
use anser_cli::presence::{presence_json, presence_line};
use anser_sdk::Event;
use anser_sdk::http::OwnDevice;
use anser_types::{DeviceClass, DeviceNo, ErrorCode, Presence, Refusal, UnixMs, UserPresence};
use serde_json::json;

use crate::support::{Chat, NOON, user};

fn told(chat: &mut Chat, name: &str, presence: Presence) {
    let event = Event::PresenceChanged { user: user(name), presence };
    chat.step(Input::Event(Box::new(event)));
}

#[test]
fn requirement_d5_the_title_says_whether_the_other_one_is_online_or_was_last() {
    for (language, online, seen) in [
        (Language::En, "bob  online", "bob  last seen Yesterday 11:59"),
        (Language::Zh, "bob  在线", "bob  最后在线：昨天 11:59"),
    ] {
        let mut chat = Chat::sized(language, 110, 24);
        let wanted = chat.enter("/to bob");
        assert!(wanted.contains(&Effect::Follow(user("bob"), true)), "{wanted:?}");
        told(&mut chat, "carol", Presence::Online);
        assert_eq!(chat.lines_with(online).len(), 0, "somebody else is");
        told(&mut chat, "bob", Presence::Online);
        assert_eq!(chat.lines_with(online).len(), 1, "{:?}", chat.screen());
        let last_seen = UnixMs(NOON - 24 * 3_600_000 - 60_000);
        told(&mut chat, "bob", Presence::Offline { last_seen });
        assert_eq!(chat.lines_with(seen).len(), 1, "{:?}", chat.screen());
        chat.step(Input::Link(Link::Waiting {
            retry_at: Some(Duration::from_secs(200)),
            reason: Refusal::new(ErrorCode::Unreachable),
        }));
        assert_eq!(chat.lines_with(seen).len(), 0, "nobody would say when it changes");
        chat.step(Input::Link(Link::Connected));
        told(&mut chat, "bob", Presence::Unknown);
        assert_eq!(chat.lines_with(seen).len(), 0);
        let wanted = chat.enter("/to carol");
        assert!(wanted.contains(&Effect::Follow(user("bob"), false)), "{wanted:?}");
        assert!(wanted.contains(&Effect::Follow(user("carol"), true)), "{wanted:?}");
        let wanted = chat.enter("/to alice");
        assert!(!wanted.contains(&Effect::Follow(user("alice"), true)), "not oneself");
    }
}

#[test]
fn who_is_online_as_commands_print_it() {
    let one = |presence| UserPresence { user: user("bob"), presence };
    let line = |presence| presence_line(&one(presence), &LocalTimes::utc());
    assert_eq!(line(Presence::Online), "bob (online)");
    assert_eq!(line(Presence::Unknown), "bob (unknown)");
    assert_eq!(line(Presence::Offline { last_seen: UnixMs(0) }), "bob (offline)");
    let last = Presence::Offline { last_seen: UnixMs(NOON) };
    assert_eq!(line(last), "bob (last seen 2026-11-20 12:00:00)");
    assert_eq!(
        presence_json(&one(last)),
        json!({ "user": "bob", "presence": "offline", "last_seen_ms": NOON })
    );
    assert_eq!(
        presence_json(&one(Presence::Online)),
        json!({ "user": "bob", "presence": "online", "last_seen_ms": null })
    );
}

#[test]
fn ones_devices_as_commands_print_them() {
    let device = OwnDevice {
        device: DeviceNo(3),
        class: DeviceClass::Phone,
        name: "my phone".to_owned(),
        signed_in_at: UnixMs(NOON - 1_000),
        expires_at: UnixMs(NOON + 1_000),
        online: false,
        last_seen: Some(UnixMs(NOON)),
        current: false,
    };
    let line = |device: &OwnDevice| device_line(device, &LocalTimes::utc());
    assert_eq!(line(&device), "3  phone \"my phone\" (last seen 2026-11-20 12:00:00)");
    let this = OwnDevice { online: true, current: true, ..device.clone() };
    assert_eq!(line(&this), "3  phone \"my phone\" (online, this one)");
    let never = OwnDevice { last_seen: None, ..device.clone() };
    assert_eq!(line(&never), "3  phone \"my phone\" (signed in 2026-11-20 11:59:59)");
    assert_eq!(
        device_json(&device),
        json!({
            "device_no": 3, "class": "phone", "name": "my phone", "signed_in_ms": NOON - 1_000,
            "expires_at_ms": NOON + 1_000, "online": false, "last_seen_ms": NOON, "current": false,
        })
    );
}

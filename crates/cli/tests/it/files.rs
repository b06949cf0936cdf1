//! Files: attached, shown, opened and saved in the chat, and what they are called here.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anser_cli::chat::carrying::Shown;
use anser_cli::chat::moving::{Attachment, Stage, Use};
use anser_cli::chat::slash::{Slash, parse};
use anser_cli::chat::step::{Effect, Input};
use anser_cli::chat::texts::Language;
use anser_cli::files::{Wanted, downloads, free_path, line, safe_name, typed_path};
use anser_sdk::store::ChatMessage;
use anser_sdk::{Client, FileInfo, ShowAs};
use anser_types::{ErrorCode, FileId, Look, Refusal, Seq, Sha256, Target, UnixMs};
use crossterm::event::KeyCode;

use crate::support::{Chat, direct, said, user};

fn shown(chat: &Chat) -> String {
    chat.screen().join("\n")
}

fn picture(id: u8) -> FileInfo {
    FileInfo {
        id: FileId([id; 16]),
        name: "海边 sunset.png".to_owned(),
        media_type: "image/png".to_owned(),
        bytes: 1_600_000,
        sha256: Sha256([id; 32]),
        look: Some(Look { width: 640, height: 480, ..Look::default() }),
        created_at: UnixMs(1),
    }
}

fn with_file(seq: u64, file: &FileInfo) -> ChatMessage {
    let mut message = said("bob", seq, "");
    message.content = Some(Client::create_file_message_of(file, ShowAs::WhatItIs, "").unwrap());
    message
}

fn begun(effects: &[Effect]) -> u64 {
    match effects {
        [Effect::Attach(no, _) | Effect::Fetch(no, _)] => *no,
        other => panic!("{other:?}"),
    }
}

#[test]
fn requirement_h4_a_picture_is_shown_with_what_is_known_of_it_before_it_is_fetched() {
    let mut chat = Chat::new();
    chat.with_bob(vec![with_file(1, &picture(1))]);
    let screen = shown(&chat);
    assert!(screen.contains("[image] 海边 sunset.png (640×480, 1.5 MiB)"), "{screen}");
    let mut film = picture(2);
    film.media_type = "video/mp4".to_owned();
    film.look = Some(Look { duration_ms: 61_000, ..film.look.unwrap() });
    chat.load("bob", vec![with_file(1, &film)], false);
    let screen = shown(&chat);
    assert!(screen.contains("[video] 海边 sunset.png (1:01, 640×480, 1.5 MiB)"), "{screen}");
}

#[test]
fn requirement_h1_a_file_is_attached_with_progress_and_cancelled_by_escape() {
    let mut chat = Chat::new();
    chat.with_bob(vec![said("bob", 1, "hi")]);
    let effects = chat.enter("/attach \"/tmp/at the lake.png\" look at this");
    let what = Attachment {
        to: Target::User(user("bob")),
        path: PathBuf::from("/tmp/at the lake.png"),
        caption: "look at this".to_owned(),
    };
    let no = begun(&effects);
    assert_eq!(effects, [Effect::Attach(no, what)]);
    assert!(shown(&chat).contains("reading at the lake.png…"), "{}", shown(&chat));
    chat.step(Input::Moving(no, Stage::Going(1 << 20, Some(4 << 20))));
    let screen = shown(&chat);
    assert!(screen.contains("sending at the lake.png: 1.0 MiB / 4.0 MiB (25 %)"), "{screen}");
    let away = Refusal::new(ErrorCode::Unreachable);
    chat.step(Input::Moving(no, Stage::Waiting(Duration::from_secs(8), away)));
    chat.pass(Duration::from_secs(3));
    let screen = shown(&chat);
    assert!(screen.contains("at the lake.png: again in 5 s (The se"), "{screen}");
    chat.effects.clear();
    chat.press(KeyCode::Esc);
    assert_eq!(chat.effects, [Effect::StopMoving(no)]);
    assert!(shown(&chat).contains("at the lake.png: cancelled"), "{}", shown(&chat));
    // Its end is no news.
    let cancelled = Refusal::new(ErrorCode::FileIncomplete);
    chat.step(Input::NotMoved(no, "/attach", cancelled));
    assert!(shown(&chat).contains("at the lake.png: cancelled"), "{}", shown(&chat));
}

#[test]
fn escape_puts_a_notice_away_before_it_cancels_what_that_hides() {
    let mut chat = Chat::new();
    chat.with_bob(vec![said("bob", 1, "hi")]);
    let no = begun(&chat.enter("/attach /tmp/a.bin"));
    chat.step(Input::Fetched(99, PathBuf::from("/tmp/x"), Shown::Saved));
    chat.effects.clear();
    chat.press(KeyCode::Esc);
    assert_eq!(chat.effects, []);
    chat.press(KeyCode::Esc);
    assert_eq!(chat.effects, [Effect::StopMoving(no)]);
}

#[test]
fn a_file_that_was_refused_is_told_with_the_code_and_what_to_do() {
    let refused = |language, words: &[&str]| {
        let mut chat = Chat::sized(language, 140, 24);
        chat.with_bob(vec![said("bob", 1, "hi")]);
        let no = begun(&chat.enter("/attach /tmp/film.mp4"));
        chat.step(Input::NotMoved(no, "/attach", Refusal::new(ErrorCode::FileTooLarge)));
        let screen = shown(&chat);
        for word in words {
            assert!(screen.replace(' ', "").contains(&word.replace(' ', "")), "{word}\n{screen}");
        }
    };
    refused(
        Language::En,
        &["/attach: The file is larger than this server takes", "FILE_TOO_LARGE", "Send a smaller"],
    );
    refused(Language::Zh, &["文件超过服务器限制", "FILE_TOO_LARGE", "请发送较小的文件"]);
}

#[test]
fn a_message_with_a_file_is_shown_once_it_is_queued() {
    let mut chat = Chat::new();
    chat.with_bob(vec![said("bob", 1, "hi")]);
    let no = begun(&chat.enter("/attach /tmp/a.bin"));
    chat.effects.clear();
    chat.step(Input::Attached(no, Target::User(user("bob"))));
    let again =
        |effect: &Effect| matches!(effect, Effect::LoadTimeline { id, .. } if *id == direct("bob"));
    assert!(chat.effects.iter().any(again), "{:?}", chat.effects);
    assert!(!shown(&chat).contains("a.bin"));
}

#[test]
fn the_last_file_on_the_screen_is_opened_or_saved() {
    let mut chat = Chat::new();
    chat.with_bob(vec![said("bob", 1, "hi")]);
    assert_eq!(chat.enter("/open"), []);
    assert!(shown(&chat).contains("no message here has a file"), "{}", shown(&chat));
    let mut messages = vec![with_file(1, &picture(1))];
    messages.extend((2..60).map(|seq| said("bob", seq, "words")));
    messages.push(with_file(60, &picture(2)));
    messages.push(said("bob", 61, "the end"));
    chat.load("bob", messages, false);
    let fetched = |effects: &[Effect]| match effects {
        [Effect::Fetch(_, wish)] => wish.clone(),
        other => panic!("{other:?}"),
    };
    let wish = fetched(&chat.enter("/open"));
    assert_eq!((wish.file.file, wish.then), (FileId([2; 16]), Use::Open));
    assert_eq!((wish.file.at, wish.file.sha256), (Some(direct("bob")), Some(Sha256([2; 32]))));
    // The one that is looked at, when the reader has scrolled up.
    chat.press_with(crossterm::event::KeyModifiers::CONTROL, KeyCode::Home);
    let wish = fetched(&chat.enter("/save /tmp/here.png"));
    assert_eq!(wish.file.file, FileId([1; 16]));
    assert_eq!(wish.then, Use::Save(PathBuf::from("/tmp/here.png")));
    assert_eq!(wish.name, "海边 sunset.png");
}

#[test]
fn commands_about_files_are_read() {
    let attach = Slash::Attach { path: "a.png".into(), caption: "two words".to_owned() };
    assert_eq!(parse("/attach a.png two words"), Ok(attach));
    assert_eq!(parse("/open"), Ok(Slash::Open));
    assert_eq!(parse("/save \"two words\""), Ok(Slash::Save("two words".into())));
    assert!(parse("/attach").is_err() && parse("/save").is_err() && parse("/open x").is_err());
    let home = |name: &str| (name == "HOME").then(|| "/home/alice".to_owned());
    assert_eq!(typed_path("~/a.png", &home), Path::new("/home/alice/a.png"));
    assert_eq!(typed_path("./~/a.png", &home), Path::new("./~/a.png"));
}

#[test]
fn a_name_somebody_gave_leads_nowhere_else() {
    let id = FileId([9; 16]);
    let safe = |name: &str| safe_name(name, id);
    assert_eq!(safe("holiday.jpg"), "holiday.jpg");
    assert_eq!(safe("../../.ssh/authorized_keys"), "authorized_keys");
    assert_eq!(safe("..\\..\\evil.exe"), "evil.exe");
    assert_eq!(safe(".bashrc"), "bashrc");
    assert_eq!(safe("-rf"), "rf");
    assert_eq!(safe("a\u{202e}gnp.exe"), "agnp.exe");
    assert_eq!(safe("two\nlines"), "two lines");
    assert_eq!(safe(""), id.to_string());
    assert_eq!(safe("/"), id.to_string());
    let long = safe(&format!("{}.pdf", "文".repeat(200)));
    assert!(long.len() <= 200 && long.ends_with(".pdf"), "{long}");
}

#[test]
fn what_is_wanted_is_a_file_or_the_one_of_a_message() {
    let id = "000102030405060708090a0b0c0d0e0f";
    assert_eq!(id.parse(), Ok(Wanted::File(id.parse().unwrap())));
    let message = Wanted::Message(Target::User(user("bob#1")), Seq(3));
    assert_eq!("bob#1#3".parse(), Ok(message));
    let group = Wanted::Message(Target::Conversation(id.parse().unwrap()), Seq(7));
    assert_eq!(format!("{id}#7").parse(), Ok(group));
    for wrong in ["", "bob", "bob#0", "bob#x", "#3"] {
        assert!(wrong.parse::<Wanted>().is_err(), "{wrong}");
    }
}

#[test]
fn downloads_go_where_the_desktop_has_them_and_over_nothing() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().display().to_string();
    let environment = |name: &str| (name == "HOME").then(|| path.clone());
    assert_eq!(downloads(&environment).unwrap(), home.path().join("Downloads"));
    std::fs::create_dir(home.path().join(".config")).unwrap();
    let told = "# comment\nXDG_DESKTOP_DIR=\"$HOME/Desktop\"\nXDG_DOWNLOAD_DIR=\"$HOME/下载\"\n";
    std::fs::write(home.path().join(".config/user-dirs.dirs"), told).unwrap();
    assert_eq!(downloads(&environment).unwrap(), home.path().join("下载"));
    assert_eq!(downloads(&|_| None).unwrap_err().code, ErrorCode::ConfigInvalid);

    let free = || free_path(home.path(), "a.tar.gz");
    assert_eq!(free(), home.path().join("a.tar.gz"));
    std::fs::write(free(), "").unwrap();
    assert_eq!(free(), home.path().join("a.tar (2).gz"));
}

#[test]
fn a_file_in_a_line() {
    assert_eq!(
        line(&picture(1)),
        "01010101010101010101010101010101 海边 sunset.png (image/png, 1.5 MiB, 640×480)"
    );
}

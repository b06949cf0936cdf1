//! What contents hold: every kind comes back as it was written, and what is beyond a limit is named.

use anser_proto::values::bodies::{read, write};
use anser_types::body::{Body, Custom, FileRef, Location, MergedEntry, Picture, Voice};
use anser_types::{MessageKind, UnixMs, UserId, limits};
use bytes::Bytes;
use proptest::prelude::*;

fn file() -> FileRef {
    FileRef {
        file: "https://example.org/a.png".into(),
        name: "a.png".into(),
        media_type: "image/png".into(),
        bytes: 70_000,
        sha256: Some([7; 32]),
    }
}

fn picture() -> Picture {
    Picture {
        file: file(),
        width: 640,
        height: 480,
        thumbnail: Bytes::from_static(&[1, 2, 3]),
        caption: "海边".into(),
    }
}

fn place(latitude_e7: i32, longitude_e7: i32) -> Location {
    Location { latitude_e7, longitude_e7, name: "外滩".into(), address: "上海".into() }
}

fn entry(kind: MessageKind, body: Bytes) -> MergedEntry {
    MergedEntry {
        sender: UserId::new("carol").unwrap(),
        said_at: UnixMs(1_800_000_000_000),
        kind,
        body,
    }
}

fn merged(entries: Vec<MergedEntry>) -> Body {
    Body::Merged("Tea".into(), entries)
}

#[test]
fn requirement_g3_every_kind_of_content_comes_back_as_it_was_written() {
    let unknown = entry(MessageKind::Unknown(77), Bytes::from_static(&[0, 255]));
    let bodies = [
        Body::Text("你好".into()),
        Body::Image(picture()),
        Body::Voice(Voice { file: file(), duration_ms: 900, waveform: Bytes::from_static(&[9]) }),
        Body::Video(picture(), 12_000),
        Body::File(file(), "read this".into()),
        Body::Location(place(312_304_000, -1_214_737_000)),
        Body::Card(UserId::new("bob").unwrap(), "Bobby".into()),
        Body::Custom(Custom {
            kind: "org.example.vote".into(),
            data: Bytes::from_static(&[0, 255]),
            summary: "a vote".into(),
        }),
        Body::System("restarted".into()),
        merged(vec![entry(MessageKind::Text, "hi".into()), unknown]),
        Body::Unknown(77, Bytes::from_static(&[0, 255])),
    ];
    for body in bodies {
        let content = write(&body).unwrap();
        assert_eq!(read(body.kind(), &content), Ok(body));
    }
}

#[test]
fn what_is_beyond_a_limit_or_makes_no_sense_is_named() {
    let thumbnail = Bytes::from(vec![0; limits::THUMBNAIL_MAX_BYTES + 1]);
    let waveform = Bytes::from(vec![0; limits::WAVEFORM_MAX_BYTES + 1]);
    let no_file = FileRef { file: String::new(), ..file() };
    let many = vec![entry(MessageKind::Text, "x".into()); limits::MERGED_MAX + 1];
    let huge = vec![entry(MessageKind::Text, vec![b'x'; 40_000].into()); 2];
    let refused = [
        (Body::Image(Picture { thumbnail, ..picture() }), "thumbnail"),
        (Body::Voice(Voice { file: file(), duration_ms: 1, waveform }), "waveform"),
        (Body::File(no_file, String::new()), "file"),
        (Body::File(FileRef { name: "x".repeat(300), ..file() }, String::new()), "name"),
        (Body::Location(place(900_000_001, 0)), "latitude_e7"),
        (Body::Location(place(0, -1_800_000_001)), "longitude_e7"),
        (Body::Custom(Custom::default()), "type"),
        (merged(Vec::new()), "entries"),
        (merged(many), "entries"),
        (merged(huge), "content"),
    ];
    for (body, field) in refused {
        assert_eq!(write(&body).unwrap_err().field, field, "{body:?}");
    }
    assert_eq!(read(MessageKind::Text, &Bytes::from_static(&[255])).unwrap_err().field, "content");
}

#[test]
fn forwarded_within_forwarded_goes_only_so_deep() {
    let mut body = merged(vec![entry(MessageKind::Text, "the first".into())]);
    for _ in 1..limits::MERGED_DEPTH_MAX {
        body = merged(vec![entry(MessageKind::Merged, write(&body).unwrap())]);
    }
    let deepest = write(&body).unwrap();
    let deeper = merged(vec![entry(MessageKind::Merged, deepest)]);
    assert_eq!(write(&deeper).unwrap_err().field, "entries");
    // What cannot be read is carried on all the same.
    write(&merged(vec![entry(MessageKind::Merged, Bytes::from_static(&[255]))])).unwrap();
}

proptest! {
    #[test]
    fn garbage_is_refused_or_read_but_breaks_nothing(
        kind in 0_u32..12,
        content in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let kind = MessageKind::from_code(kind);
        if let Ok(body) = read(kind, &Bytes::from(content)) {
            prop_assert_eq!(body.kind(), kind);
            prop_assert_eq!(read(kind, &write(&body).unwrap()), Ok(body));
        }
    }
}

//! What a file is by its first bytes.

use anser_media::{MediaType, sniff};
use anser_types::may_be_shown;

use crate::samples::{gif, jpeg, photo, png, webp};

#[test]
fn pictures_sound_and_films_may_be_shown() {
    let picture = photo(8, 8);
    let mut webm =
        b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm"
            .to_vec();
    webm.resize(300, 0);
    for (head, name) in [
        (jpeg(&picture), "image/jpeg"),
        (png(picture.clone()), "image/png"),
        (gif(std::slice::from_ref(&picture)), "image/gif"),
        (webp(&picture, 0, &[]), "image/webp"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0".to_vec(), "video/mp4"),
        (b"\0\0\0\x18ftypisom\0\0\0\0".to_vec(), "video/mp4"),
        (webm, "video/webm"),
        (b"ID3\x03\0\0\0\0\0\0".to_vec(), "audio/mpeg"),
        (b"OggS\0\x02\0\0\0\0\0\0".to_vec(), "audio/ogg"),
        (b"RIFF\x24\0\0\0WAVEfmt ".to_vec(), "audio/wav"),
        (b"\0\0\0\x1cftypM4A \0\0\0\0".to_vec(), "audio/mp4"),
        (b"\xff\xf1\x50\x80".to_vec(), "audio/aac"),
        (b"fLaC\0\0\0\x22".to_vec(), "audio/flac"),
    ] {
        assert_eq!(sniff(&head), MediaType { name });
        assert!(may_be_shown(name), "{name}");
    }
}

#[test]
fn everything_else_is_a_download() {
    for head in [
        "<!DOCTYPE html><script>alert(1)</script>",
        "  <html><body>",
        "<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\"/>",
        "<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>",
        "%PDF-1.7",
        "PK\x03\x04\x14\0\0\0\x08\0",
        "\x7fELF\x02\x01\x01\0",
        "MZ\0\0",
        "#!/bin/sh\nrm -rf /",
        "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\nfile:///etc/passwd",
        "GIF8",
        "alert('hello')",
        "\0\0\0\x1cftypavif\0\0\0\0",
        "\0\0\0\x18ftypheic\0\0\0\0",
        "\0\0\0\x14ftypqt  \0\0\0\0",
        "BM\0\0\0\0\0\0\0\0",
        "",
    ] {
        assert!(!may_be_shown(sniff(head.as_bytes()).name), "{head}");
    }
}

#[test]
fn text_is_what_reads_as_text() {
    for text in ["hello", "今天下午\r\n", "a\ttable", &"汉".repeat(20_000)] {
        assert_eq!(sniff(text.as_bytes()).name, "text/plain; charset=utf-8");
    }
    for data in [b"\0\x01\x02\x03".as_slice(), b"\xfe\xfe\xfe", b"", b"text\0text"] {
        assert_eq!(sniff(data), MediaType::UNKNOWN);
    }
}

#[test]
fn a_file_that_only_begins_as_a_picture_has_no_name_that_invites() {
    assert_eq!(sniff(b"\xff\xd8\xff\xe0").of_plain_file(), MediaType::UNKNOWN);
    let film = sniff(b"\0\0\0\x18ftypmp42\0\0\0\0");
    assert_eq!(film.of_plain_file(), film);
}

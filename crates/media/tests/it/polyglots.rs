//! Pictures that are something else as well.

use anser_media::{Foreign, MediaType, Original, Refused, look, sniff};

use crate::samples::{
    gif, jpeg, photo, png, progressive_jpeg, webp, with_blocks, with_chunks, with_segments,
};

const ZIP: &[u8] = b"PK\x03\x04\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0a\
    PK\x01\x02\x0a\0\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0a\
    PK\x05\x06\0\0\0\0\x01\0\x01\0\x2f\0\0\0\x1f\0\0\0\0\0";

fn assert_refused(bytes: &[u8], foreign: Foreign) {
    assert_eq!(look(bytes, Original::Clean), Err(Refused::AlsoSomethingElse(foreign)));
    assert_eq!(look(bytes, Original::Keep), Ok(None));
    assert_eq!(sniff(bytes).of_plain_file(), MediaType::UNKNOWN);
}

fn every_format() -> [Vec<u8>; 4] {
    let picture = photo(20, 20);
    [
        jpeg(&picture),
        png(picture.clone()),
        gif(std::slice::from_ref(&picture)),
        webp(&picture, 0, &[]),
    ]
}

#[test]
fn what_another_program_opens_is_refused_behind_every_picture() {
    for bare in every_format() {
        for (tail, foreign) in [
            (ZIP, Foreign::Archive),
            (b"Rar!\x1a\x07\x01\0", Foreign::Archive),
            (b"7z\xbc\xaf\x27\x1c\0\x04", Foreign::Archive),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0\0", Foreign::Archive),
            (b"\n%PDF-1.7\n", Foreign::Pdf),
            (b"\x7fELF\x02\x01\x01", Foreign::Program),
            (b"MZ\x90\0", Foreign::Program),
            (b"\0asm\x01\0\0\0", Foreign::Program),
            (b"<HTML><body>", Foreign::Page),
            (b"something <ScRiPt>alert(1)</script>", Foreign::Page),
            (b"<?php system($_GET[0]);", Foreign::Php),
        ] {
            assert_refused(&[&bare, tail].concat(), foreign);
            assert_refused(&[&bare, b"\0\0\0".as_slice(), tail].concat(), foreign);
        }
    }
}

#[test]
fn what_another_program_opens_is_refused_within_metadata() {
    let page = b"*/<script>alert(document.domain)</script>";
    let [jpeg, png, gif, webp_of] = every_format();
    for marker in [0xe0, 0xe1, 0xed, 0xfe] {
        assert_refused(&with_segments(&jpeg, &[(marker, page)]), Foreign::Page);
        assert_refused(&with_segments(&jpeg, &[(marker, ZIP)]), Foreign::Archive);
    }
    assert_refused(&with_segments(&jpeg, &[(0xfe, b"x %PDF-1.4")]), Foreign::Pdf);
    assert_refused(&with_chunks(&png, &[(b"tEXt", b"a\0<?PHP echo 1;")]), Foreign::Php);
    let comment = [b"\x21\xfe\x29".as_slice(), page, b"\0"].concat();
    assert_refused(&with_blocks(&gif, &comment), Foreign::Page);
    assert_refused(&webp(&photo(20, 20), 4, &[(b"XMP ", page)]), Foreign::Page);
    assert!(look(&webp_of, Original::Clean).is_ok());
}

#[test]
fn an_archive_is_found_wherever_its_parts_are() {
    let bare = jpeg(&photo(20, 20));
    // Entries in a comment, the list of them behind the end.
    let (entries, list) = ZIP.split_at(31);
    let apart = [with_segments(&bare, &[(0xfe, entries)]), list.to_vec()].concat();
    assert_refused(&apart, Foreign::Archive);
    // Everything among the pixels, in a scan that is never shown, with what follows as the archive's comment.
    let mut end = list[list.len() - 22..].to_vec();
    end[20] = 2;
    let mut among_pixels = progressive_jpeg(&photo(20, 20), 4);
    let at = among_pixels.len() - 2;
    among_pixels.splice(at..at, end);
    assert_refused(&among_pixels, Foreign::Archive);
}

#[test]
fn chance_is_not_taken_for_more() {
    let bare = jpeg(&photo(20, 20));
    // Two bytes of a program in the middle, four bytes of an archive alone, and XML as every camera writes it.
    let xmp = b"http://ns.adobe.com/xap/1.0/\0<?xpacket begin=''?><x:xmpmeta xmlns:x='adobe:ns:meta/'>MZ PK\x01\x02";
    let sent = with_segments(&bare, &[(0xe1, xmp)]);
    assert_eq!(look(&sent, Original::Clean).unwrap().unwrap().clean, Some(bare));
    assert!(look(&sent, Original::Keep).unwrap().is_some());
}

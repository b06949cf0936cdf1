//! What is taken out of a picture, and that its pixels stay as they were.

use anser_media::{Original, look};

use crate::samples::{
    SECRET, decoded, exif, exif_segment, gif, holds, jpeg, noise, photo, png, profile,
    progressive_jpeg, webp, with_blocks, with_chunks, with_segments,
};

fn clean(bytes: &[u8]) -> Option<Vec<u8>> {
    look(bytes, Original::Clean).unwrap().unwrap().clean
}

#[test]
fn requirement_h4_nothing_is_changed_where_nothing_has_to_be() {
    let picture = photo(70, 50);
    for sent in [
        jpeg(&picture),
        progressive_jpeg(&picture, 6),
        png(picture.clone()),
        webp(&picture, 0, &[]),
        gif(&[picture.clone(), noise(70, 50)]),
    ] {
        assert_eq!(clean(&sent), None);
    }
}

#[test]
fn a_jpeg_is_rewritten_without_loss_and_keeps_what_it_needs() {
    let bare = jpeg(&noise(120, 90));
    let icc = [b"ICC_PROFILE\0\x01\x01".as_slice(), &profile(b"RGB ")].concat();
    let adobe = b"Adobe\0\x64\0\0\0\0\x01";
    let kept = with_segments(&bare, &[(0xe2, &icc), (0xee, adobe)]);
    let long = SECRET.repeat(2_000);
    let secrets: Vec<(u8, &[u8])> =
        [0xe1, 0xe2, 0xe3, 0xe4, 0xe7, 0xec, 0xed, 0xef, 0xf0, 0xfe].map(|m| (m, &*long)).to_vec();
    let exif = exif_segment(1);
    let mpf = [b"MPF\0".as_slice(), SECRET].concat();
    let sent = with_segments(&kept, &[secrets, vec![(0xe1, &exif), (0xe2, &mpf)]].concat());
    assert_eq!(clean(&sent), Some(kept));
}

#[test]
fn an_embedded_thumbnail_is_not_kept() {
    let bare = jpeg(&photo(40, 40));
    let rest = [&bare[..2], &bare[20..]].concat();
    let mut jfif = b"JFIF\0\x01\x02\x00\x00\x01\x00\x01\x02\x02".to_vec();
    jfif.extend_from_slice(SECRET);
    let sent = with_segments(&rest, &[(0xe0, &jfif), (0xe0, b"JFXX\0\x10secret-place")]);
    let clean = clean(&sent).unwrap();
    assert!(!holds(&clean, SECRET));
    assert!(holds(&clean, b"\xff\xe0\x00\x10JFIF\0\x01\x02\x00\x00\x01\x00\x01\x00\x00"));
}

#[test]
fn what_stands_between_segments_and_behind_the_end_is_cut() {
    let bare = jpeg(&noise(64, 64));
    // A motion photo's film, padded; a further picture (MPF); and bytes where none belong.
    let film = b"\0\0\0\x18ftypmp42\0\0\0\0isommp42\0\0\0\x08mdatMotionPhoto_Data".as_slice();
    for tail in [film, &jpeg(&photo(20, 20)), b"\0\0\0\0", b"\xff\xd9"] {
        let sent = [&bare, tail].concat();
        assert_eq!(clean(&sent).as_deref(), Some(&*bare));
    }
    let sent = [&bare[..20], b"stray", &bare[20..]].concat();
    assert_eq!(clean(&sent).as_deref(), Some(&*bare));
}

#[test]
fn a_png_keeps_its_colours_and_loses_its_texts() {
    let bare = png(noise(40, 30));
    let kept = with_chunks(
        &bare,
        &[(b"gAMA", &[0, 0, 0xb1, 0x8f]), (b"sRGB", &[0]), (b"pHYs", &[0, 0, 1, 0, 0, 0, 1, 0, 1])],
    );
    let mut sent = with_chunks(
        &kept,
        &[
            (b"tEXt", b"Comment\0secret-place"),
            (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0secret-place"),
            (b"zTXt", b"Comment\0\0secret-place"),
            (b"eXIf", &exif(1)),
            (b"tIME", &[7, 0xea, 1, 1, 1, 1, 1]),
            (b"prVt", SECRET),
        ],
    );
    sent.extend_from_slice(SECRET);
    assert_eq!(clean(&sent), Some(kept));
}

#[test]
fn a_transparent_png_stays_transparent() {
    let glass = crate::samples::glass(64);
    let sent = with_chunks(&png(glass.clone()), &[(b"tEXt", b"Comment\0x")]);
    assert_eq!(decoded(&clean(&sent).unwrap()).to_rgba8(), glass);
}

#[test]
fn a_webp_loses_exif_xmp_and_what_nobody_knows() {
    let picture = photo(33, 21);
    let colours = profile(b"RGB ");
    let sent = webp(
        &picture,
        0x2c,
        &[(b"EXIF", &exif(1)), (b"XMP ", b"secret-place!"), (b"note", SECRET)],
    );
    let clean = clean(&[&sent, SECRET].concat()).unwrap();
    assert_eq!(clean, webp(&picture, 0x20, &[]));
    assert_eq!(decoded(&clean).to_rgb8(), picture);
    let with_profile = webp(&picture, 0x20, &[(b"ICCP", &colours)]);
    let again = look(&with_profile, Original::Clean).unwrap().unwrap();
    assert_eq!(again.clean, None);
}

#[test]
fn a_gif_loses_comments_texts_and_other_applications() {
    let bare = gif(&[photo(30, 20), noise(30, 20)]);
    let mut blocks = b"\x21\xfe\x0csecret-place\0".to_vec();
    blocks.extend_from_slice(b"\x21\xff\x0bXMP DataXMP\x0csecret-place\0");
    blocks.extend_from_slice(b"\x21\x01\x0c0123456789ab\x0csecret-place\0");
    let sent = [with_blocks(&bare, &blocks), SECRET.to_vec()].concat();
    assert_eq!(clean(&sent), Some(bare));
}

//! Pictures that move keep their frames.

use anser_media::{Original, Refused, look};
use image::AnimationDecoder as _;
use image::codecs::gif::GifDecoder;
use image::codecs::webp::WebPDecoder;

use crate::samples::{
    SECRET, chunk, decoded, exif, gif, holds, moving_webp, noise, photo, png, with_blocks,
    with_chunks,
};

fn three() -> [image::RgbImage; 3] {
    [photo(48, 32), noise(48, 32), photo(48, 32)]
}

#[test]
fn requirement_h4_a_gif_keeps_its_frames_and_their_times() {
    let sent = with_blocks(&gif(&three()), b"\x21\xfe\x0csecret-place\0");
    let picture = look(&sent, Original::Clean).unwrap().unwrap();
    let clean = picture.clean.unwrap();
    let frames = |bytes: &[u8]| {
        let decoder = GifDecoder::new(std::io::Cursor::new(bytes.to_vec())).unwrap();
        let frames = decoder.into_frames().collect_frames().unwrap();
        frames.iter().map(|f| (f.delay(), f.buffer().clone())).collect::<Vec<_>>()
    };
    assert_eq!(frames(&clean).len(), 3);
    assert!(frames(&clean) == frames(&sent));
    assert!(holds(&clean, b"NETSCAPE2.0") && !holds(&clean, SECRET));
    assert_eq!((picture.look.width, picture.look.height), (48, 32));
    assert_eq!(picture.look.duration_ms, 300);
}

#[test]
fn a_moving_webp_keeps_its_frames_and_how_it_is_turned() {
    for orientation in [1, 6] {
        let sent = moving_webp(&three(), &[(b"EXIF", &exif(orientation))]);
        let picture = look(&sent, Original::Clean).unwrap().unwrap();
        let clean = picture.clean.unwrap();
        assert!(!holds(&clean, SECRET));
        let decoder = WebPDecoder::new(std::io::Cursor::new(&clean)).unwrap();
        assert_eq!(decoder.into_frames().collect_frames().unwrap().len(), 3);
        assert_eq!(picture.look.duration_ms, 300);
        let size = if orientation == 1 { (48, 32) } else { (32, 48) };
        assert_eq!((picture.look.width, picture.look.height), size);
        let (_, small) = &picture.thumbnails[0];
        assert_eq!((decoded(small).width(), decoded(small).height()), size);
        // It tells how it is turned and nothing else, so that it needs no further change.
        let again = look(&clean, Original::Clean).unwrap().unwrap();
        assert_eq!((again.clean, again.look), (None, picture.look));
    }
}

/// A PNG that shows its picture twice.
fn moving_png(orientation: u8) -> Vec<u8> {
    let still = png(photo(16, 8));
    let control = |number: u8| {
        let mut control = vec![0, 0, 0, number, 0, 0, 0, 16, 0, 0, 0, 8];
        control.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 4, 0, 0]);
        control
    };
    let at = still.windows(4).position(|window| window == b"IDAT").unwrap() - 4;
    let length = u32::from_be_bytes(still[at..at + 4].try_into().unwrap()) as usize;
    let data = [&[0, 0, 0, 2], &still[at + 8..at + 8 + length]].concat();
    let mut moving = still[..still.len() - 12].to_vec();
    moving.extend(chunk(b"fcTL", &control(1)));
    moving.extend(chunk(b"fdAT", &data));
    moving.extend(chunk(b"IEND", b""));
    let told = exif(orientation);
    with_chunks(
        &moving,
        &[(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]), (b"fcTL", &control(0)), (b"eXIf", &told)],
    )
}

#[test]
fn a_moving_png_keeps_its_frames_and_how_it_is_turned() {
    for (orientation, size) in [(1, (16, 8)), (8, (8, 16))] {
        let sent = moving_png(orientation);
        let picture = look(&sent, Original::Clean).unwrap().unwrap();
        let clean = picture.clean.unwrap();
        assert!(holds(&clean, b"fdAT") && !holds(&clean, SECRET));
        assert_eq!(holds(&clean, b"eXIf"), orientation != 1);
        assert_eq!((picture.look.width, picture.look.height), size);
        assert_eq!(picture.look.duration_ms, 500);
        assert_eq!(look(&clean, Original::Clean).unwrap().unwrap().clean, None);
    }
}

#[test]
fn what_moves_for_too_long_is_refused_before_it_is_unpacked() {
    // Frames of 6,000 x 6,000 that hold nothing: 25 bytes each.
    let mut sent = b"GIF89a\x70\x17\x70\x17\0\0\0".to_vec();
    for _ in 0..60 {
        sent.extend_from_slice(b"\x2c\0\0\0\0\x70\x17\x70\x17\0\x02\x01\x2c\0");
    }
    sent.push(0x3b);
    assert_eq!(look(&sent, Original::Clean), Err(Refused::TooManyFrames));
    assert_eq!(look(&sent, Original::Keep), Ok(None));
}

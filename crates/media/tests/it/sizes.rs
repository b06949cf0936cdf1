//! Thumbnails, previews, and pictures that are too large.

use anser_media::{Original, Picture, Refused, look};
use anser_types::{ThumbnailSize, limits};
use image::DynamicImage;

use crate::samples::{
    decoded, gif, glass, jpeg, noise, photo, png, png_of_size, profile, progressive_jpeg, webp,
    with_segments,
};

fn seen(bytes: &[u8]) -> Picture {
    look(bytes, Original::Clean).unwrap().unwrap()
}

fn sizes(picture: &Picture) -> Vec<(ThumbnailSize, u32, u32)> {
    let all = picture.thumbnails.iter().map(|(size, jpeg)| {
        assert!(jpeg.starts_with(&[0xff, 0xd8]));
        (*size, decoded(jpeg).width(), decoded(jpeg).height())
    });
    all.collect()
}

#[test]
fn requirement_h4_thumbnails_fit_their_square_and_are_never_enlarged() {
    use ThumbnailSize::{Large, Medium, Small};
    for ((width, height), expected) in [
        ((1600, 1200), vec![(Small, 160, 120), (Medium, 480, 360), (Large, 1280, 960)]),
        ((1280, 800), vec![(Small, 160, 100), (Medium, 480, 300)]),
        ((481, 20), vec![(Small, 160, 7), (Medium, 480, 20)]),
        ((300, 480), vec![(Small, 100, 160)]),
        ((160, 160), vec![(Small, 160, 160)]),
        ((3, 2), vec![(Small, 3, 2)]),
        ((1, 1), vec![(Small, 1, 1)]),
        ((2000, 1), vec![(Small, 160, 1), (Medium, 480, 1), (Large, 1280, 1)]),
    ] {
        for sent in [jpeg(&photo(width, height)), png(photo(width, height))] {
            let picture = seen(&sent);
            assert_eq!(sizes(&picture), expected);
            let named: Vec<ThumbnailSize> = expected.iter().map(|(size, ..)| *size).collect();
            assert_eq!(picture.look.thumbnails, named);
            assert_eq!((picture.look.width, picture.look.height), (width, height));
        }
    }
}

#[test]
fn requirement_h4_a_preview_travels_within_a_message_whatever_it_shows() {
    for picture in [noise(1000, 1000), noise(1000, 300), photo(1000, 700), noise(20, 20)] {
        let picture = seen(&png(picture));
        let preview = &picture.look.preview;
        assert!(preview.len() <= limits::THUMBNAIL_MAX_BYTES, "{}", preview.len());
        let side = decoded(preview).width().max(decoded(preview).height());
        assert!((20..=200).contains(&side), "{side}");
        assert!((5..=40).contains(&picture.look.thumbhash.len()));
    }
}

#[test]
fn a_thumbhash_paints_the_picture() {
    let picture = seen(&png(photo(400, 300)));
    let (width, height, blur) = thumbhash::thumb_hash_to_rgba(&picture.look.thumbhash).unwrap();
    let corner = |x: usize, y: usize| &blur[(y * width + x) * 4..][..3];
    assert!(width > height);
    assert!(corner(1, 1)[0] > corner(1, 1)[2], "red at the left above");
    assert!(corner(1, height - 2)[2] > corner(1, height - 2)[0], "blue at the left below");
}

#[test]
fn transparent_pictures_stand_on_white() {
    let small = DynamicImage::ImageRgba8(glass(600));
    for sent in [png(small.clone()), png(small.to_rgba16()), png(small.to_luma_alpha8())] {
        for (_, jpeg) in &seen(&sent).thumbnails {
            let shown = decoded(jpeg).to_rgb8();
            let middle = shown.get_pixel(shown.width() / 2, shown.height() / 2);
            assert!(shown.get_pixel(0, 0).0.iter().all(|colour| *colour > 248));
            assert!(middle.0.iter().all(|colour| *colour < 40));
        }
    }
}

#[test]
fn thumbnails_are_shown_in_the_colours_of_the_picture() {
    let icc = [b"ICC_PROFILE\0\x01\x01".as_slice(), &profile(b"RGB ")].concat();
    let picture = seen(&with_segments(&jpeg(&photo(800, 600)), &[(0xe2, &icc)]));
    let told = |jpeg: &[u8]| crate::samples::holds(jpeg, &icc);
    assert!(picture.thumbnails.iter().all(|(_, jpeg)| told(jpeg)));
    assert!(!told(&picture.look.preview));
}

#[test]
fn requirement_h4_every_format_is_looked_at() {
    let picture = photo(200, 100);
    for (sent, media_type) in [
        (jpeg(&picture), "image/jpeg"),
        (png(picture.clone()), "image/png"),
        (gif(std::slice::from_ref(&picture)), "image/gif"),
        (webp(&picture, 0, &[]), "image/webp"),
    ] {
        let seen = seen(&sent);
        assert_eq!(seen.media_type, media_type);
        assert_eq!(sizes(&seen), [(ThumbnailSize::Small, 160, 80)]);
    }
    for sent in [b"".as_slice(), b"hello", b"\xff\xd8", b"%PDF-1.4", b"<svg/>"] {
        assert_eq!(look(sent, Original::Clean), Ok(None));
    }
}

#[test]
fn what_is_too_large_is_refused_by_its_header() {
    let too_many = |width, height| Err(Refused::TooManyPixels { width, height });
    assert_eq!(look(&png_of_size(60_000, 60_000), Original::Clean), too_many(60_000, 60_000));
    assert_eq!(look(&png_of_size(8_000, 5_001), Original::Clean), too_many(8_000, 5_001));
    assert_eq!(look(&png_of_size(65_536, 1), Original::Clean), too_many(65_536, 1));
    assert_eq!(look(&png_of_size(u32::MAX, u32::MAX), Original::Keep), Ok(None));
    let mut wide = jpeg(&photo(8, 8));
    let at = wide.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
    wide[at + 5..at + 9].fill(0xff);
    assert_eq!(look(&wide, Original::Clean), too_many(65_535, 65_535));
    let mut wide = webp(&photo(8, 8), 0, &[]);
    wide[24..30].fill(0xff);
    assert_eq!(look(&wide, Original::Clean), too_many(1 << 24, 1 << 24));
    let wide = b"GIF89a\xff\xff\xff\xff\0\0\0\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3b";
    assert_eq!(look(wide, Original::Clean), too_many(65_535, 65_535));
}

#[test]
fn a_frame_larger_than_the_screen_it_is_on_is_refused_by_its_header() {
    let wide = b"GIF89a\x01\0\x01\0\0\0\0\x2c\0\0\0\0\xff\xff\xff\xff\0\x02\x02\x44\x01\0\x3b";
    let refused = Err(Refused::TooManyPixels { width: 65_535, height: 65_535 });
    assert_eq!(look(wide, Original::Clean), refused);
}

#[test]
fn a_picture_of_too_many_bytes_is_a_plain_file() {
    let mut sent = jpeg(&photo(8, 8));
    sent.resize(usize::try_from(limits::PICTURE_MAX_BYTES).unwrap() + 1, 0);
    assert_eq!(look(&sent, Original::Clean), Ok(None));
}

#[test]
fn a_jpeg_of_too_many_scans_is_refused() {
    let sent = progressive_jpeg(&photo(8, 8), 10);
    assert!(look(&sent, Original::Clean).is_ok());
    let scan = sent.windows(2).rposition(|w| w == [0xff, 0xda]).unwrap();
    let (before, last) = sent.split_at(scan);
    let (last, end) = last.split_at(last.len() - 2);
    let sent = [before, &last.repeat(limits::PICTURE_SCANS_MAX), end].concat();
    assert_eq!(look(&sent, Original::Clean), Err(Refused::TooManyScans));
}

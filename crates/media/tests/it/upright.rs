//! What EXIF turns is kept and shown upright.

use anser_media::{Original, Picture, look};
use image::DynamicImage;
use image::metadata::Orientation;

use crate::samples::{
    SECRET, decoded, exif, exif_segment, holds, jpeg, jpeg_of_inks, jpeg_of_three_scans, photo,
    png, profile, progressive_jpeg, webp, with_chunks, with_segments, worst_difference,
};

/// The picture as it is to be seen.
fn upright(width: u32, height: u32, orientation: u8) -> image::RgbImage {
    let mut seen = DynamicImage::ImageRgb8(photo(width, height));
    seen.apply_orientation(Orientation::from_exif(orientation).unwrap());
    seen.to_rgb8()
}

fn cleaned(bytes: &[u8]) -> Picture {
    look(bytes, Original::Clean).unwrap().unwrap()
}

fn assert_smaller_ones_are_upright(picture: &Picture, seen: &image::RgbImage) {
    assert_eq!((picture.look.width, picture.look.height), seen.dimensions());
    let previews = picture.thumbnails.iter().map(|(_, jpeg)| jpeg.as_slice());
    for small in previews.chain([picture.look.preview.as_ref()]) {
        let small = decoded(small).to_rgb8();
        let expected = DynamicImage::ImageRgb8(seen.clone())
            .resize_exact(small.width(), small.height(), image::imageops::FilterType::Triangle)
            .to_rgb8();
        assert!(worst_difference(&small, &expected) < 24);
    }
}

#[test]
fn requirement_h4_jpegs_of_all_orientations_are_upright_and_tell_no_place() {
    for orientation in 1..=8 {
        let sent = with_segments(&jpeg(&photo(200, 120)), &[(0xe1, &exif_segment(orientation))]);
        assert!(holds(&sent, SECRET));
        let seen = upright(200, 120, orientation);
        let picture = cleaned(&sent);
        let clean = picture.clean.as_deref().unwrap();
        assert!(!holds(clean, SECRET) && !holds(clean, b"Exif"), "orientation {orientation}");
        assert!(worst_difference(&decoded(clean).to_rgb8(), &seen) < 12, "{orientation}");
        assert_smaller_ones_are_upright(&picture, &seen);
        assert_eq!(cleaned(clean).clean, None, "what is clean stays as it is");
    }
}

#[test]
fn jpegs_of_every_kind_show_the_colours_that_were_meant() {
    let meant = photo(333, 222);
    for (bare, kind) in [
        (jpeg(&meant), "one scan"),
        (jpeg_of_three_scans(&meant), "three scans"),
        (progressive_jpeg(&meant, 6), "progressive"),
        (jpeg_of_inks(&meant), "inks"),
    ] {
        let as_it_is = cleaned(&bare);
        assert_eq!(as_it_is.clean, None);
        assert_smaller_ones_are_upright(&as_it_is, &meant);
        let turned = cleaned(&with_segments(&bare, &[(0xe1, &exif_segment(6))]));
        let seen = upright(333, 222, 6);
        assert!(worst_difference(&decoded(&turned.clean.unwrap()).to_rgb8(), &seen) < 20, "{kind}");
    }
}

#[test]
fn a_gray_jpeg_is_turned_as_a_gray_one() {
    let gray = DynamicImage::ImageRgb8(photo(90, 40)).to_luma8();
    let mut sent = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut sent, 90);
    encoder.encode(&gray, 90, 40, jpeg_encoder::ColorType::Luma).unwrap();
    let sent = with_segments(&sent, &[(0xe1, &exif_segment(6))]);
    let clean = cleaned(&sent).clean.unwrap();
    assert_eq!(decoded(&clean).color(), image::ColorType::L8);
    assert_eq!((decoded(&clean).width(), decoded(&clean).height()), (40, 90));
}

#[test]
fn pngs_and_webps_of_all_orientations_are_turned_without_loss() {
    for orientation in 2..=8 {
        let seen = upright(162, 84, orientation);
        let told = exif(orientation);
        let as_png = with_chunks(&png(photo(162, 84)), &[(b"eXIf", &told), (b"sRGB", &[0])]);
        let as_webp = webp(&photo(162, 84), 0x08, &[(b"EXIF", &told)]);
        for sent in [as_png, as_webp] {
            let picture = cleaned(&sent);
            let clean = picture.clean.as_deref().unwrap();
            assert_eq!(decoded(clean).to_rgb8(), seen, "{}", picture.media_type);
            assert!(!holds(clean, SECRET));
            assert_eq!(holds(&sent, b"sRGB"), holds(clean, b"sRGB"));
            assert_smaller_ones_are_upright(&picture, &seen);
        }
    }
}

#[test]
fn a_deep_png_keeps_its_depth_when_it_is_turned() {
    let deep = DynamicImage::ImageRgb8(photo(20, 10)).to_rgba16();
    let sent = with_chunks(&png(deep.clone()), &[(b"eXIf", &exif(3))]);
    let clean = decoded(&cleaned(&sent).clean.unwrap());
    assert_eq!(clean, DynamicImage::ImageRgba16(image::imageops::rotate180(&deep)));
}

#[test]
fn a_turned_picture_keeps_its_colour_profile() {
    let colours = profile(b"RGB ");
    let icc = [b"ICC_PROFILE\0\x01\x01".as_slice(), &colours].concat();
    let sent = with_segments(&jpeg(&photo(64, 32)), &[(0xe1, &exif_segment(8)), (0xe2, &icc)]);
    assert!(holds(&cleaned(&sent).clean.unwrap(), &icc));
    let of_inks = [b"ICC_PROFILE\0\x01\x01".as_slice(), &profile(b"CMYK")].concat();
    let sent = with_segments(&jpeg(&photo(64, 32)), &[(0xe1, &exif_segment(8)), (0xe2, &of_inks)]);
    assert!(!holds(&cleaned(&sent).clean.unwrap(), b"ICC_PROFILE"));
}

#[test]
fn a_picture_sent_as_a_file_is_not_changed_but_shown_upright() {
    let sent = with_segments(&jpeg(&photo(200, 120)), &[(0xe1, &exif_segment(6))]);
    let picture = look(&sent, Original::Keep).unwrap().unwrap();
    assert_eq!(picture.clean, None);
    assert_smaller_ones_are_upright(&picture, &upright(200, 120, 6));
    assert!(picture.thumbnails.iter().all(|(_, jpeg)| !holds(jpeg, SECRET)));
}

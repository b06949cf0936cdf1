//! Whatever the bytes are: no panic, and what is taken for a picture is one.

use std::io::Write as _;
use std::sync::LazyLock;

use anser_media::{Original, Picture, Refused, look, sniff};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use proptest::prelude::*;

use crate::samples::{
    chunk, exif, exif_segment, gif, glass, jpeg, jpeg_of_inks, jpeg_of_three_scans, moving_webp,
    noise, photo, png, progressive_jpeg, webp, with_chunks, with_segments,
};

static SAMPLES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let picture = photo(24, 16);
    vec![
        with_segments(&jpeg(&picture), &[(0xe1, &exif_segment(6))]),
        progressive_jpeg(&picture, 5),
        jpeg_of_three_scans(&picture),
        jpeg_of_inks(&photo(16, 8)),
        with_chunks(&png(picture.clone()), &[(b"eXIf", &exif(5))]),
        png(glass(16)),
        gif(&[picture.clone(), noise(24, 16)]),
        webp(&picture, 0x08, &[(b"EXIF", &exif(7))]),
        moving_webp(&[picture.clone(), noise(24, 16)], &[(b"EXIF", &exif(3))]),
    ]
});

/// Whatever is taken can be looked at again, and needs no further change.
fn try_out(bytes: &[u8]) {
    let _type = sniff(bytes);
    let kept = look(bytes, Original::Keep).unwrap();
    match look(bytes, Original::Clean) {
        Ok(Some(picture)) => {
            let size = |picture: &Picture| (picture.look.width, picture.look.height);
            assert_eq!(kept.as_ref().map(size), Some(size(&picture)));
            let Some(clean) = &picture.clean else { return };
            let again = look(clean, Original::Clean).unwrap().unwrap();
            assert_eq!(again.clean, None);
            assert_eq!(size(&again), size(&picture));
        }
        Ok(None) | Err(_) => assert_eq!(kept, None),
    }
}

#[test]
fn a_picture_cut_off_anywhere_is_damaged() {
    for sample in SAMPLES.iter() {
        assert!(look(sample, Original::Clean).unwrap().is_some());
        for end in 0..sample.len() {
            match look(&sample[..end], Original::Clean) {
                // Too short to begin as a picture.
                Ok(None) => assert!(end < 12),
                Err(Refused::Damaged(_)) => {}
                other => panic!("cut at {end} of {}: {other:?}", sample.len()),
            }
        }
    }
}

#[test]
fn every_byte_may_be_another() {
    for sample in SAMPLES.iter() {
        for at in 0..sample.len() {
            for value in [0xff, sample[at] ^ 0x80] {
                let mut changed = sample.clone();
                changed[at] = value;
                try_out(&fixed(&changed));
            }
        }
    }
}

/// A PNG whose checksums are right again: others would never come past them.
fn fixed(bytes: &[u8]) -> Vec<u8> {
    let Some(mut rest) = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n") else { return bytes.to_vec() };
    let mut fixed = b"\x89PNG\r\n\x1a\n".to_vec();
    while let Some((head, more)) = rest.split_first_chunk::<8>() {
        let length = u32::from_be_bytes(head[..4].try_into().unwrap()) as usize;
        let Some((data, more)) = more.split_at_checked(length) else { break };
        fixed.extend(chunk(head[4..].try_into().unwrap(), data));
        rest = more.get(4..).unwrap_or_default();
    }
    fixed
}

#[test]
fn a_little_data_cannot_take_long() {
    // A picture of one row whose pixels go on for a gigabyte: a thousand times what is sent. Where it ends it is broken.
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::best());
    for _ in 0..1 << 10 {
        packer.write_all(&[0; 1 << 20]).unwrap();
    }
    let mut zeros = packer.finish().unwrap();
    let end = zeros.len() - 64;
    zeros[end..].fill(0xff);
    let mut header = [1_000u32.to_be_bytes(), 1u32.to_be_bytes()].concat();
    header.extend_from_slice(&[8, 2, 0, 0, 0]);
    let mut sent = b"\x89PNG\r\n\x1a\n".to_vec();
    sent.extend(chunk(b"IHDR", &header));
    sent.extend(chunk(b"IDAT", &zeros));
    sent.extend(chunk(b"IEND", b""));
    // Whoever unpacks all of it comes to that.
    let found = look(&sent, Original::Clean).unwrap().unwrap().look;
    assert_eq!((found.width, found.height), (1_000, 1));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn random_changes_do_no_harm(
        sample in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let mut changed = sample.get(&SAMPLES).clone();
        for (at, value) in &changes {
            *at.get_mut(&mut changed) = *value;
        }
        try_out(&fixed(&changed));
    }

    #[test]
    fn parts_put_together_do_no_harm(
        (one, two) in any::<(prop::sample::Index, prop::sample::Index)>(),
        (from, to) in any::<(prop::sample::Index, prop::sample::Index)>(),
    ) {
        let (one, two) = (one.get(&SAMPLES), two.get(&SAMPLES));
        let mixed = [&one[..from.index(one.len())], &two[to.index(two.len())..]].concat();
        try_out(&fixed(&mixed));
    }

    #[test]
    fn noise_behind_a_signature_does_no_harm(
        sample in any::<prop::sample::Index>(),
        noise in prop::collection::vec(any::<u8>(), 0..400),
    ) {
        let sample = sample.get(&SAMPLES);
        for kept in [3, 8, 12, 30, 60] {
            try_out(&[&sample[..kept], &noise].concat());
        }
        try_out(&noise);
    }
}

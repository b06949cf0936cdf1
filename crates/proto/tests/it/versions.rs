//! Agreeing on a version: whatever two releases speak, neighbours share one and strangers are told.

use std::ops::RangeInclusive;

use anser_proto::session::server::{Request, ServerSession};
use anser_proto::v1::{self, client_frame::Frame};
use anser_proto::version::{SUPPORTED, negotiate};
use anser_types::ErrorCode;
use bytes::Bytes;
use proptest::prelude::*;
use prost::Message;

fn range() -> impl Strategy<Value = RangeInclusive<u32>> {
    (0_u32..12, 0_u32..12).prop_map(|(one, other)| one..=other)
}

proptest! {
    #[test]
    fn both_sides_come_to_the_same_version_which_both_speak(one in range(), other in range()) {
        let agreed = negotiate(&one, &other);
        prop_assert_eq!(agreed, negotiate(&other, &one));
        let shared = (1..12).rev().find(|version| one.contains(version) && other.contains(version));
        prop_assert_eq!(agreed, shared, "the highest that both speak");
    }

    #[test]
    fn guarantee_g24_a_release_and_the_next_always_agree(release in 1_u32..1_000) {
        let (older, newer) = (release.saturating_sub(1).max(1)..=release, release..=release + 1);
        prop_assert_eq!(negotiate(&older, &newer), Some(release));
    }

    #[test]
    fn a_server_agrees_or_names_what_it_speaks(lowest in any::<u32>(), highest in any::<u32>()) {
        let hello = v1::Hello { version_min: lowest, version_max: highest, ..Default::default() };
        let frame = v1::ClientFrame { frame: Some(Frame::Hello(hello)) };
        let mut session = ServerSession::new();
        match session.receive(&Bytes::from(frame.encode_to_vec())) {
            Ok(Request::Hello(_)) => {
                prop_assert!(SUPPORTED.contains(&session.version()));
                prop_assert!((lowest..=highest).contains(&session.version()));
            }
            Ok(other) => prop_assert!(false, "{other:?}"),
            Err(reason) => {
                prop_assert_eq!(reason.code, ErrorCode::UnsupportedVersion);
                prop_assert!(!SUPPORTED.clone().any(|ours| (lowest..=highest).contains(&ours)));
            }
        }
    }
}

//! Close codes and what a client does about them.

use anser_proto::close::{Advice, CloseReason, advice, advice_of, code_of};
use anser_proto::codec::CodecError;
use anser_proto::errors;
use anser_proto::session::client::Incoming;
use anser_proto::v1::{self, Reconnect};
use anser_types::{ErrorCode, Refusal};
use bytes::BytesMut;

use crate::samples::{active, only_frame};

#[test]
fn advice_by_code() {
    use ErrorCode as E;
    let table = [
        (Reconnect::Now, vec![E::Silent, E::TimedOut, E::LogBehindClient]),
        (
            Reconnect::After,
            vec![
                E::BadFrame,
                E::FrameTooLarge,
                E::WrongPhase,
                E::Overloaded,
                E::RateLimited,
                E::TooManyConnections,
                E::StorageFull,
                E::StoreFailed,
                E::StoreDamaged,
                E::Draining,
                E::Internal,
            ],
        ),
        (
            Reconnect::SignIn,
            vec![E::TokenInvalid, E::TokenExpired, E::SignedOut, E::WrongCredentials],
        ),
        (Reconnect::Never, vec![E::Replaced, E::UnsupportedVersion, E::CertificateRefused]),
    ];
    for (expected, codes) in table {
        for code in codes {
            assert_eq!(advice(code).reconnect, expected, "{code}");
        }
    }
}

#[test]
fn whoever_is_told_to_wait_is_told_how_long_and_nobody_else_is() {
    for code in ErrorCode::ALL {
        let Advice { reconnect, retry_after_ms } = advice(*code);
        assert_eq!(reconnect == Reconnect::After, retry_after_ms > 0, "{code}");
        if code.retryable() {
            assert!(matches!(reconnect, Reconnect::Now | Reconnect::After), "{code}");
        }
    }
}

#[test]
fn every_reason_arrives_with_its_advice() {
    for code in ErrorCode::ALL {
        let (mut client, mut server) = active();
        let reason = CloseReason::because(*code, "why");
        let mut out = BytesMut::new();
        server.close(&reason, &mut out);
        let Incoming::Close(close) = client.receive(&only_frame(&out)).unwrap() else {
            panic!("not a close")
        };
        assert_eq!(code_of(&close), Some(*code));
        assert_eq!(advice_of(&close), reason.advice());
        assert_eq!(close.detail, "why");
    }
}

#[test]
fn a_given_time_replaces_the_usual_one() {
    let refusal = Refusal::new(ErrorCode::Overloaded).retry_after(42);
    assert_eq!(
        CloseReason::from(refusal).advice(),
        Advice { reconnect: Reconnect::After, retry_after_ms: 42 }
    );
    let silent = Refusal::new(ErrorCode::Silent).retry_after(42);
    assert_eq!(CloseReason::from(silent).advice().reconnect, Reconnect::After);
    // Replaced by another device is for good, by one's own device for a while.
    let by_itself = Refusal::new(ErrorCode::Replaced).retry_after(5_000);
    let advice = CloseReason::from(by_itself).advice();
    assert_eq!((advice.reconnect, advice.retry_after_ms), (Reconnect::After, 5_000));
    let expired = Refusal::new(ErrorCode::TokenExpired).retry_after(5_000);
    assert_eq!(CloseReason::from(expired).advice().reconnect, Reconnect::SignIn);
}

#[test]
fn alternatives_send_elsewhere_only_those_who_may_come_back() {
    let with = |code| CloseReason {
        alternatives: vec!["chat2.example:7411".into()],
        ..CloseReason::because(code, "")
    };
    assert_eq!(with(ErrorCode::Draining).advice().reconnect, Reconnect::Elsewhere);
    assert_eq!(with(ErrorCode::Replaced).advice().reconnect, Reconnect::Never);
    assert_eq!(with(ErrorCode::TokenExpired).advice().reconnect, Reconnect::SignIn);
    assert_eq!(with(ErrorCode::Draining).to_close().alternatives, ["chat2.example:7411"]);
}

#[test]
fn a_close_of_a_newer_version_means_come_back_after_a_pause() {
    let close = v1::Close { code: 99_999, reconnect: 77, ..Default::default() };
    assert_eq!(code_of(&close), None);
    assert_eq!(advice_of(&close), Advice { reconnect: Reconnect::After, retry_after_ms: 5_000 });
}

#[test]
fn a_broken_stream_closes_with_its_code() {
    let large = CloseReason::from(CodecError::TooLarge { announced: 9, max: 5 });
    assert_eq!(large.code, ErrorCode::FrameTooLarge);
    assert_eq!(large.detail, "a frame of 9 bytes was announced, the limit is 5");
    assert_eq!(CloseReason::from(CodecError::BadLength).code, ErrorCode::BadFrame);
}

#[test]
fn an_error_of_a_newer_version_keeps_its_class() {
    for code in ErrorCode::ALL {
        assert_eq!(errors::nearest(u32::from(code.number())), *code);
    }
    for (number, retryable) in
        [(0, false), (199, false), (499, false), (599, true), (799, false), (999, true)]
    {
        assert_eq!(errors::nearest(number).retryable(), retryable, "{number}");
    }
    assert!(!errors::nearest(u32::MAX).retryable());
    assert!(!errors::nearest(65_536 + 500).retryable(), "numbers are not cut to 16 bits");
}

//! Exit statuses of every `anser` command: stable, few, and the same for server and client commands.

use crate::error::ErrorCode;

/// Done.
pub const OK: u8 = 0;
/// Something unforeseen; the text says what.
pub const UNEXPECTED: u8 = 1;
/// The command line itself was wrong (given by the argument parser).
pub const USAGE: u8 = 2;
/// The configuration is not valid.
pub const CONFIG: u8 = 3;
/// Not signed in, wrong password, wrong key, wrong certificate.
pub const AUTHENTICATION: u8 = 4;
/// Understood and refused; trying again unchanged does not help.
pub const REFUSED: u8 = 5;
/// Unreachable, overloaded or too slow; trying again later can help.
pub const TRY_AGAIN: u8 = 6;
/// A store cannot be opened: in use, damaged, too new.
pub const STORE: u8 = 7;
/// Writing to the disk failed while running.
pub const STORE_FAILED: u8 = 8;
/// An address to listen on is taken or not allowed.
pub const LISTEN: u8 = 9;
/// `anser doctor` found at least one FAIL.
pub const DOCTOR: u8 = 10;

/// Every status with its meaning, in order; the documentation is made from it.
pub const ALL: &[(u8, &str)] = &[
    (OK, "done"),
    (UNEXPECTED, "something unforeseen; the text says what"),
    (USAGE, "the command line was wrong"),
    (CONFIG, "the configuration is not valid"),
    (AUTHENTICATION, "not signed in, wrong password, wrong key or wrong certificate"),
    (REFUSED, "refused; trying again unchanged does not help"),
    (TRY_AGAIN, "unreachable, overloaded or too slow; trying again later can help"),
    (STORE, "a store cannot be opened: in use, damaged or too new"),
    (STORE_FAILED, "writing to the disk failed while running"),
    (LISTEN, "an address to listen on is taken or not allowed"),
    (DOCTOR, "`anser doctor` found at least one FAIL"),
];

/// The exit status of a program that ends because of this error.
#[must_use]
pub const fn status_of(code: ErrorCode) -> u8 {
    match code {
        ErrorCode::ListenFailed => LISTEN,
        ErrorCode::ConfigInvalid => CONFIG,
        ErrorCode::CommandLineInvalid => USAGE,
        ErrorCode::CertificateRefused | ErrorCode::ClientCertificateRefused => AUTHENTICATION,
        ErrorCode::Unreachable
        | ErrorCode::TimedOut
        | ErrorCode::Silent
        | ErrorCode::OutOfOrder
        | ErrorCode::Stale => TRY_AGAIN,
        ErrorCode::StoreFailed | ErrorCode::StorageFull | ErrorCode::LocalDiskFull => STORE_FAILED,
        _ => match code.number() {
            200..=299 => AUTHENTICATION,
            100..=199 | 300..=499 => REFUSED,
            500..=599 => TRY_AGAIN,
            600..=699 => STORE,
            _ => UNEXPECTED,
        },
    }
}

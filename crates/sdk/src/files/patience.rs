//! What follows a refusal: at once again, later again, or the end.

use std::time::Duration;

use anser_client::Levels;
use anser_types::{ErrorCode, Refusal};

/// Times in a row that something is done about a refusal and tried again at once.
const MENDED_MAX: u32 = 3;
/// Times in a row that a token is refused until nobody is expected to bring another one.
const TOKENS_MAX: u32 = 5;
/// Times in a row that the server fails in ways it does not explain.
const UNEXPLAINED_MAX: u32 = 8;
/// The least time over which transfers spread that were told when to go on.
const SPREAD_MIN: Duration = Duration::from_millis(250);

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Again,
    After(Duration),
    Never,
}

/// Whether what ends a transfer says nothing of the file: it may succeed when its user tries again.
pub(super) const fn says_nothing_of_the_file(code: ErrorCode) -> bool {
    use ErrorCode::{
        CertificateRefused, ClientCertificateRefused, Internal, InvalidArgument, SignedOut,
        TokenExpired, TokenInvalid, TokenReused,
    };
    matches!(
        code,
        // A file that cannot be read: the disk it is on may be back later.
        InvalidArgument
            | Internal
            | SignedOut
            | TokenExpired
            | TokenInvalid
            | TokenReused
            | CertificateRefused
            | ClientCertificateRefused
    )
}

/// Counts what went wrong since the transfer got on last.
#[derive(Debug, Default)]
pub(super) struct Patience {
    levels: Levels,
    mended: u32,
    tokens: u32,
    unexplained: u32,
}

impl Patience {
    /// It got on: what went wrong before counts no more.
    pub(super) fn got_on(&mut self) {
        *self = Self::default();
    }

    /// Decides. `mended`: what was refused will be done in another way.
    pub(super) fn after(&mut self, refusal: &Refusal, mended: bool) -> Next {
        use ErrorCode::{Internal, SignedOut, TokenExpired, TokenInvalid, TokenReused};
        if mended {
            self.mended += 1;
            return match (self.mended <= MENDED_MAX, refusal.code) {
                (true, _) => Next::Again,
                (false, ErrorCode::UploadConflict) => self.later(refusal),
                (false, _) => Next::Never,
            };
        }
        let counted = match refusal.code {
            // The client takes a new token or device by itself where it can.
            TokenInvalid | TokenExpired | TokenReused | SignedOut => {
                self.tokens += 1;
                self.tokens <= TOKENS_MAX
            }
            Internal => {
                self.unexplained += 1;
                self.unexplained <= UNEXPLAINED_MAX
            }
            code => code.retryable(),
        };
        if counted { self.later(refusal) } else { Next::Never }
    }

    /// As the client reconnects; a time given by the server is a lower bound.
    fn later(&mut self, refusal: &Refusal) -> Next {
        let least = refusal.retry_after_ms.map(|ms| Duration::from_millis(ms.into()));
        Next::After(self.levels.delay(|| 1.0 - rand::random::<f64>(), least, SPREAD_MIN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_end_by_itself_is_waited_for_and_what_cannot_ends_it() {
        let mut patience = Patience::default();
        let away = Refusal::new(ErrorCode::Unreachable);
        for level in 0..40 {
            let Next::After(wait) = patience.after(&away, false) else { panic!("gave up") };
            assert!(!wait.is_zero() && wait <= Duration::from_secs(1 << level.min(5)));
        }
        let full = Refusal::new(ErrorCode::QuotaExceeded);
        assert_eq!(patience.after(&full, false), Next::Never);
        let busy = Refusal::new(ErrorCode::UploadBusy).retry_after(2_000);
        patience.got_on();
        let Next::After(wait) = patience.after(&busy, false) else { panic!("gave up") };
        assert!(wait >= Duration::from_secs(2));
    }

    #[test]
    fn what_was_mended_is_tried_at_once_but_not_for_ever() {
        let mut patience = Patience::default();
        let wrong = Refusal::new(ErrorCode::ChecksumMismatch);
        for _ in 0..MENDED_MAX {
            assert_eq!(patience.after(&wrong, true), Next::Again);
        }
        assert_eq!(patience.after(&wrong, true), Next::Never);
        patience.got_on();
        assert_eq!(patience.after(&wrong, true), Next::Again);
    }

    #[test]
    fn a_refused_token_is_given_time_to_be_renewed() {
        let mut patience = Patience::default();
        let expired = Refusal::new(ErrorCode::TokenExpired);
        for _ in 0..TOKENS_MAX {
            assert!(matches!(patience.after(&expired, false), Next::After(_)));
        }
        assert_eq!(patience.after(&expired, false), Next::Never);
    }
}

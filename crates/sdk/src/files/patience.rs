//! What follows a refusal: at once again, later again, or the end.

use std::time::Duration;

use anser_types::{ErrorCode, Refusal};

/// Times in a row that something is done about a refusal and tried again at once.
const MENDED_MAX: u32 = 3;
/// Times in a row that a token is refused until nobody is expected to bring another one.
const TOKENS_MAX: u32 = 5;
/// Times in a row that the server fails in ways it does not explain.
const UNEXPLAINED_MAX: u32 = 8;
/// The last level; it is repeated.
const TOP_LEVEL: u32 = 5;

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Again,
    After(Duration),
    Never,
}

/// Counts what went wrong since the transfer got on last.
#[derive(Debug, Default)]
pub(super) struct Patience {
    level: u32,
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

    /// As the client reconnects: uniform in (0,1], (1,2] … (16,32] seconds, one level further each time; a time given by
    /// the server is a lower bound, with jitter on top.
    fn later(&mut self, refusal: &Refusal) -> Next {
        let high = f64::from(1_u32 << self.level);
        let low = if self.level == 0 { 0.0 } else { high / 2.0 };
        let drawn = Duration::from_secs_f64(low + (high - low) * rand::random::<f64>());
        self.level = (self.level + 1).min(TOP_LEVEL);
        Next::After(match refusal.retry_after_ms {
            None => drawn,
            Some(ms) => {
                let least = Duration::from_millis(ms.into());
                let spread = (least / 2).max(Duration::from_millis(250));
                drawn.max(least + spread.mul_f64(rand::random()))
            }
        })
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
            assert!(wait <= Duration::from_secs(1 << level.min(TOP_LEVEL)));
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

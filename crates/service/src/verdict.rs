//! What the ledger's word means for whoever asked.

use anser_backend::Appended;
use anser_types::{Answer, CommandNo, ErrorCode, Refusal, limits};

use crate::api::Answered;
use crate::writer::publish::Ending;

/// How often the rules of one command run again before the client is told that the conversation does not hold still.
pub(crate) const AGAIN_MAX: u8 = 8;

/// What the client is told; `None` means that the rules run again.
pub(crate) fn verdict(
    command_no: CommandNo,
    ending: Ending,
    earlier_waits: bool,
    stale: &mut u8,
) -> Option<Answered> {
    let refused = |refusal: Refusal, expected| Answered::Refused { command_no, refusal, expected };
    let simply = |code: ErrorCode| Some(refused(Refusal::new(code), None));
    match ending {
        Ending::Refused(refusal) => Some(refused(refusal, None)),
        Ending::Ledger(appended, stored_offline) => match appended {
            Appended::Committed(committed) => Some(match committed.answer {
                Some(answer) => Answered::Final { answer, duplicate: false, stored_offline },
                None => {
                    tracing::error!(%command_no, "the store committed a command without an answer");
                    refused(Refusal::new(ErrorCode::Internal), None)
                }
            }),
            Appended::Duplicate(answer) => {
                Some(Answered::Final { answer, duplicate: true, stored_offline: false })
            }
            Appended::Conflict => simply(ErrorCode::Conflict),
            Appended::AnswerForgotten => simply(ErrorCode::AnswerForgotten),
            // A newer session of the same device: see `Registry::supersede`.
            Appended::Fenced => {
                let pause = limits::REPLACED_PAUSE_MS;
                Some(refused(Refusal::new(ErrorCode::Replaced).retry_after(pause), None))
            }
            Appended::OutOfOrder { .. } if earlier_waits => None,
            Appended::OutOfOrder { expected } => {
                Some(refused(Refusal::new(ErrorCode::OutOfOrder), Some(expected)))
            }
            Appended::Stale if *stale < AGAIN_MAX => {
                *stale += 1;
                None
            }
            Appended::Stale => Some(refused(Refusal::new(ErrorCode::Stale).retry_after(100), None)),
        },
    }
}

/// An answer, whether it is a repetition's, and whether nobody who gets the message was connected: for callers without a
/// lane.
pub(crate) fn as_answer(ending: Ending) -> Result<(Answer, bool, bool), Refusal> {
    let mut stale = AGAIN_MAX;
    match verdict(CommandNo::ZERO, ending, false, &mut stale) {
        Some(Answered::Final { answer, duplicate, stored_offline }) => {
            Ok((answer, duplicate, stored_offline))
        }
        Some(Answered::Refused { refusal, .. }) => Err(refusal),
        None => Err(Refusal::new(ErrorCode::Stale)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_that_does_not_hold_still_is_said_to_the_client_in_the_end() {
        let mut stale = 0;
        let mut again = || {
            let ending = Ending::Ledger(Appended::Stale, false);
            verdict(CommandNo(1), ending, false, &mut stale)
        };
        for _ in 0..AGAIN_MAX {
            assert!(again().is_none(), "the rules run again");
        }
        let Some(Answered::Refused { refusal, .. }) = again() else { panic!() };
        assert_eq!(refusal.code, ErrorCode::Stale);
        assert!(refusal.code.retryable());
    }
}

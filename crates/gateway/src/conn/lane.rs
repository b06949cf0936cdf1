//! The commands of one session: handed to the service in order, answered in order.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use anser_proto::close::CloseReason;
use anser_service::{Answered, CommandRequest, Pending, Session};
use anser_types::limits::COMMANDS_IN_FLIGHT;
use anser_types::{Command, ErrorCode, Refusal};
use tokio::time::Instant;

use super::actor::Stop;
use crate::translate::replies::Asked;

type Submission = Pin<Box<dyn Future<Output = (Box<Session>, Pending)> + Send>>;

/// Who holds the session: the lane, or the command that is being handed in.
enum Hands {
    Free(Box<Session>),
    Submitting {
        asked: Asked,
        deadline: Instant,
        submission: Submission,
    },
    /// Only for the moment in which the session passes from one hand to the other.
    Passing,
}

/// The commands that are not yet answered; at most [`COMMANDS_IN_FLIGHT`].
pub(super) struct Lane {
    hands: Hands,
    waiting: VecDeque<(Asked, Instant, CommandRequest)>,
    pending: VecDeque<(Asked, Instant, Pending)>,
}

impl Lane {
    pub(super) fn new(session: Session) -> Self {
        Self {
            hands: Hands::Free(Box::new(session)),
            waiting: VecDeque::new(),
            pending: VecDeque::new(),
        }
    }

    /// Whether everything is answered.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
            && self.pending.is_empty()
            && !matches!(self.hands, Hands::Submitting { .. })
    }

    fn in_flight(&self) -> usize {
        let submitting = usize::from(matches!(self.hands, Hands::Submitting { .. }));
        self.waiting.len() + submitting + self.pending.len()
    }

    /// Takes one more command.
    ///
    /// # Errors
    /// More are unanswered than Welcome allowed: the client does not follow the protocol.
    pub(super) fn add(&mut self, request: CommandRequest, deadline: Instant) -> Result<(), Stop> {
        if self.in_flight() >= COMMANDS_IN_FLIGHT {
            return Err(Stop::Close(CloseReason::because(
                ErrorCode::OutOfOrder,
                format!("more than {COMMANDS_IN_FLIGHT} commands without an answer"),
            )));
        }
        let asked = Asked {
            command_no: request.command_no.0,
            sent_at: request.sent_at,
            names_conversation: matches!(request.command, Command::CreateGroup { .. }),
        };
        self.waiting.push_back((asked, deadline, request));
        Ok(())
    }

    /// Hands commands to the service as far as it takes them. True if something moved.
    pub(super) fn poll_submit(&mut self, cx: &mut Context<'_>) -> bool {
        let mut moved = false;
        loop {
            match &mut self.hands {
                Hands::Submitting { asked, deadline, submission } => {
                    let Poll::Ready((session, pending)) = submission.as_mut().poll(cx) else {
                        return moved;
                    };
                    self.pending.push_back((*asked, *deadline, pending));
                    self.hands = Hands::Free(session);
                }
                Hands::Free(_) => {
                    let Some((asked, deadline, request)) = self.waiting.pop_front() else {
                        return moved;
                    };
                    if let Hands::Free(session) = std::mem::replace(&mut self.hands, Hands::Passing)
                    {
                        let submission = Box::pin(submit(session, request));
                        self.hands = Hands::Submitting { asked, deadline, submission };
                    }
                }
                Hands::Passing => return moved,
            }
            moved = true;
        }
    }

    /// The next answer, in the order of the commands.
    pub(super) fn poll_answer(&mut self, cx: &mut Context<'_>) -> Option<(Asked, Answered)> {
        let (asked, _, pending) = self.pending.front_mut()?;
        let Poll::Ready(answered) = Pin::new(pending).poll(cx) else {
            return None;
        };
        let asked = *asked;
        self.pending.pop_front();
        Some((asked, answered))
    }

    /// When the oldest command must be answered.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let submitting = match &self.hands {
            Hands::Submitting { deadline, .. } => Some(*deadline),
            Hands::Free(_) | Hands::Passing => None,
        };
        self.pending.front().map(|(_, deadline, _)| *deadline).or(submitting)
    }

    /// A command whose answer is overdue. It may still be executed: the client asks again with the same number.
    ///
    /// # Errors
    /// The service does not even take commands: the session cannot go on.
    pub(super) fn overdue(&mut self, now: Instant) -> Result<Option<(Asked, Refusal)>, Stop> {
        let late = Refusal::new(ErrorCode::TimedOut);
        if let Some((asked, deadline, _)) = self.pending.front()
            && *deadline <= now
        {
            let asked = *asked;
            self.pending.pop_front();
            return Ok(Some((asked, late)));
        }
        match &self.hands {
            Hands::Submitting { deadline, .. } if *deadline <= now => {
                Err(Stop::Close(CloseReason::from(late)))
            }
            _ => Ok(None),
        }
    }

    /// Gives back memory that a burst needed.
    pub(super) fn shrink(&mut self) {
        if self.waiting.is_empty() {
            self.waiting = VecDeque::new();
        }
        if self.pending.is_empty() {
            self.pending = VecDeque::new();
        }
    }
}

async fn submit(mut session: Box<Session>, request: CommandRequest) -> (Box<Session>, Pending) {
    let pending = session.submit(request).await;
    (session, pending)
}

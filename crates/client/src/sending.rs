//! The outbox on the wire: numbers, transmissions, attempts and their limits.
//!
//! A number is given when a command is first to be put on the wire; it leaves when it is durable. After Welcome
//! everything numbered is settled by arithmetic (`settle_numbers`), so nothing parked ever blocks what is behind it.

use std::time::Duration;

use anser_types::{CommandNo, ErrorCode, LocalNo, Refusal};

use crate::core::Core;
use crate::io::{AppEvent, MessageState, Now};
use crate::outbox::{FAILED_AFTER, Numbering, TRIES_MAX};
use crate::records::{OutboxState, Record, Settled};
use crate::session::{Link, Then as AfterLink};
use crate::store::Then;

/// Bounds of the time an answer may take before the link is checked.
const ATTEMPT: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(10));

impl Core {
    /// Numbers what waits, as far as the window reaches, and gives what was just composed to the store.
    pub(crate) fn give_numbers(&mut self) {
        let settling =
            self.inbox.settle_until.is_some() || self.inbox.is_between_logs(self.store.confirmed());
        if let Link::Up(up) = &self.link
            && self.outbox.paused_until.is_none()
            && !settling
            && !self.outbox.awaits_old_answers()
        {
            while self.outbox.in_flight.len() < up.in_flight_max
                && let Some(local_no) = self.outbox.queue.pop_first()
            {
                let no = self.outbox.next_no;
                self.outbox.next_no = no.next();
                self.outbox.highest_used = self.outbox.highest_used.max(no);
                self.outbox.in_flight.insert(no, local_no);
                self.outbox.numberings.0 += 1;
                let numbering = self.outbox.numberings;
                let Some(entry) = self.outbox.entries.get_mut(&local_no) else { continue };
                entry.item.state = OutboxState::Numbered(no);
                (entry.numbering, entry.durable, entry.counts) = (numbering, false, true);
                // When it was sent under an earlier number says nothing about this one.
                entry.sent_at = None;
                self.store.put(if std::mem::take(&mut entry.unstored) {
                    Record::OutboxPut(entry.item.clone())
                } else {
                    Record::OutboxState { local_no, state: entry.item.state.clone() }
                });
                self.store.after(Then::Number(local_no, numbering));
            }
        }
        for local_no in std::mem::take(&mut self.outbox.fresh) {
            if let Some(entry) = self.outbox.entries.get_mut(&local_no)
                && std::mem::take(&mut entry.unstored)
            {
                self.store.put(Record::OutboxPut(entry.item.clone()));
            }
        }
    }

    /// The number is in the store: the command may go on the wire. Not if it was freed since, and given again: that it
    /// was used is stored anew then.
    pub(crate) fn number_is_durable(&mut self, local_no: LocalNo, numbering: Numbering) {
        if let Some(entry) = self.outbox.entries.get_mut(&local_no)
            && let OutboxState::Numbered(no) = entry.item.state
            && entry.numbering == numbering
            && !entry.durable
        {
            entry.durable = true;
            if self.link.is_up() {
                self.outbox.due.insert(no);
            }
        }
    }

    /// Transmits what is due, in order of the numbers.
    pub(crate) fn transmit_due(&mut self, now: Now) {
        if !self.link.is_up() || self.outbox.paused_until.is_some() {
            return;
        }
        let answered_up_to = self.store.confirmed().answered_up_to;
        while let Some(no) = self.outbox.due.first().copied() {
            if self.outbox.blocked_on.is_some_and(|blocked| no > blocked) {
                return;
            }
            self.outbox.due.remove(&no);
            let executed = no <= self.outbox.executed_up_to;
            let Some(entry) = self.outbox.by_number(no) else { continue };
            if !entry.durable {
                // It becomes due when its number is stored.
                continue;
            }
            if entry.item.delete_wanted && !executed {
                // Not to be said (again): only a new session can free the number.
                let reason = Refusal::because(ErrorCode::OutOfOrder, "a command was withdrawn");
                return self.settle_by_new_session(reason, now);
            }
            entry.sent_at = Some(now.mono);
            entry.transmissions += 1;
            let first_try = entry.first_tried.is_none();
            let first = *entry.first_tried.get_or_insert(now.mono);
            if std::mem::take(&mut entry.counts) {
                entry.tries += 1;
            }
            let body = entry.item.body.clone();
            let event = (first_try && matches!(entry.item.state, OutboxState::Numbered(_)))
                .then_some((entry.item.id, entry.item.conversation));
            self.outbox.limit_check.get_or_insert(first + FAILED_AFTER);
            if let Some((id, Some(conversation))) = event {
                let state = MessageState::Sending;
                self.tell(AppEvent::MessageStateChanged { id, conversation, state });
            }
            let lag = no.0 - 1 - answered_up_to.0.min(no.0 - 1);
            self.say(now, |session, out| session.command(no, lag, &body, out));
        }
    }

    fn attempt_timeout(&self) -> Duration {
        (self.clock.rtt() * 4).clamp(ATTEMPT.0, ATTEMPT.1)
    }

    fn attempt_deadline(&self) -> Option<Duration> {
        if !self.link.is_up() || !self.outbox.is_waiting() {
            return None;
        }
        Some(self.outbox.oldest_sent_at()? + self.attempt_timeout())
    }

    /// When the outbox needs attention.
    pub(crate) fn outbox_timer(&self) -> Option<Duration> {
        [self.attempt_deadline(), self.outbox.paused_until, self.outbox.limit_check]
            .into_iter()
            .flatten()
            .min()
    }

    /// Time has passed.
    pub(crate) fn outbox_time_passed(&mut self, now: Now) {
        if self.outbox.paused_until.is_some_and(|until| until <= now.mono) {
            self.outbox.paused_until = None;
        }
        if self.attempt_deadline().is_some_and(|at| at <= now.mono) {
            self.outbox.resend_on_life = true;
            self.check_link(now);
        }
        if self.outbox.limit_check.is_some_and(|at| at <= now.mono) {
            self.fail_overdue(now);
        }
    }

    /// The link was found alive: if an answer is overdue all the same, ask for it again.
    pub(crate) fn link_is_alive(&mut self, now: Now) {
        if !std::mem::take(&mut self.outbox.resend_on_life) {
            return;
        }
        let timeout = self.attempt_timeout();
        let overdue: Vec<_> = self
            .outbox
            .in_flight
            .iter()
            .filter(|(_, local_no)| {
                let entry = self.outbox.entries.get(local_no);
                entry.and_then(|e| e.sent_at).is_some_and(|at| at + timeout <= now.mono)
            })
            .map(|(no, local_no)| (*no, *local_no))
            .collect();
        let mut spent = false;
        for (no, local_no) in overdue {
            spent |= !self.try_again(no, local_no, &Refusal::new(ErrorCode::TimedOut));
        }
        if spent {
            self.settle_by_new_session(Refusal::new(ErrorCode::TimedOut), now);
        }
    }

    /// Transmits once more. `false` if that was the last try: only a new session can settle the number then.
    fn try_again(&mut self, no: CommandNo, local_no: LocalNo, reason: &Refusal) -> bool {
        let Some(entry) = self.outbox.entries.get_mut(&local_no) else { return true };
        if entry.tries < TRIES_MAX {
            entry.counts = true;
            self.outbox.due.insert(no);
            return true;
        }
        if entry.is_message() {
            self.mark_failed(local_no, reason.clone(), Some(no));
        } else {
            // Not a message: nobody is asked whether to go on, the queue keeps it.
            entry.tries = 0;
        }
        false
    }

    /// Ends the session: the next Welcome says what was executed, and what was not is free of its number.
    pub(crate) fn settle_by_new_session(&mut self, reason: Refusal, now: Now) {
        self.end_link(reason, AfterLink::Retry(None), now);
    }

    /// The server cannot execute it now: pause, then the same number again.
    pub(crate) fn try_later(&mut self, no: CommandNo, refusal: Refusal, now: Now) {
        let Some(local_no) = self.outbox.in_flight.get(&no).copied() else { return };
        let tries = self.outbox.entries.get(&local_no).map_or(1, |entry| entry.tries.max(1));
        if !self.try_again(no, local_no, &refusal) {
            return self.settle_by_new_session(refusal, now);
        }
        let own = Duration::from_millis(500) * 2_u32.pow(tries.min(TRIES_MAX));
        let least = Duration::from_millis(refusal.retry_after_ms.unwrap_or(0).into());
        let pause = least.max(own) + (own / 2).mul_f64(self.rng.fraction());
        let until = now.mono + pause;
        self.outbox.paused_until = Some(self.outbox.paused_until.map_or(until, |at| at.max(until)));
    }

    /// A lower number is missing at the server: this one again once that is answered.
    pub(crate) fn out_of_order(&mut self, no: CommandNo, expected: CommandNo, now: Now) {
        if expected < no && self.outbox.in_flight.contains_key(&expected) {
            self.outbox.due.insert(no);
            let blocked = self.outbox.blocked_on.map_or(expected, |on| on.min(expected));
            self.outbox.blocked_on = Some(blocked);
        } else {
            let detail = format!("the server waits for {expected}, which is not on its way");
            self.settle_by_new_session(Refusal::because(ErrorCode::OutOfOrder, detail), now);
        }
    }

    /// After Welcome: numbers up to `h` were executed, their answers are asked for; higher ones were not and never can
    /// be, they go back to the queue. `false` if the numbers prove that this store is an old copy.
    #[must_use]
    pub(crate) fn settle_numbers(&mut self, h: CommandNo) -> bool {
        if h > self.outbox.highest_used {
            return false;
        }
        let numbered: Vec<_> = self.outbox.in_flight.iter().map(|(n, l)| (*n, *l)).collect();
        for (no, local_no) in numbered {
            let Some(entry) = self.outbox.entries.get_mut(&local_no) else { continue };
            if no <= h {
                if !entry.durable {
                    return false;
                }
                entry.counts = false;
                self.outbox.due.insert(no);
            } else {
                self.outbox.release(no);
                self.back_to_queue(local_no);
            }
        }
        (self.outbox.next_no, self.outbox.executed_up_to) = (h.next(), h);
        // Numbers above `h` are free again. A copy of the store made from here on must know that: otherwise one of them,
        // given to another command later, would not show that the copy is old.
        self.outbox.highest_used = h;
        true
    }

    /// It was not executed, and its number is gone.
    fn back_to_queue(&mut self, local_no: LocalNo) {
        let Some(entry) = self.outbox.entries.get_mut(&local_no) else { return };
        if entry.item.delete_wanted {
            return self.leave_outbox(local_no, Settled::Deleted);
        }
        match &entry.item.state {
            OutboxState::Failed { reason, .. } => {
                let reason = reason.clone();
                self.mark_failed(local_no, reason, None);
            }
            _ if entry.is_message() && entry.tries >= TRIES_MAX => {
                self.mark_failed(local_no, Refusal::new(ErrorCode::TimedOut), None);
            }
            _ => {
                let state = OutboxState::Queued;
                entry.item.state = state.clone();
                self.store.put(Record::OutboxState { local_no, state });
                self.outbox.queue.insert(local_no);
            }
        }
    }

    /// Messages that were tried for too long wait for the user now.
    fn fail_overdue(&mut self, now: Now) {
        let mut overdue = Vec::new();
        let mut next = None::<Duration>;
        for (local_no, entry) in &self.outbox.entries {
            let parked = matches!(entry.item.state, OutboxState::Failed { .. });
            let Some(first) = entry.first_tried.filter(|_| entry.is_message() && !parked) else {
                continue;
            };
            let limit = first + FAILED_AFTER;
            if limit <= now.mono {
                overdue.push((*local_no, entry.number()));
            } else {
                next = Some(next.map_or(limit, |at| at.min(limit)));
            }
        }
        self.outbox.limit_check = next;
        let mut blocks = false;
        for (local_no, number) in overdue {
            blocks |= number.is_some();
            self.outbox.queue.remove(&local_no);
            self.mark_failed(local_no, Refusal::new(ErrorCode::TimedOut), number);
        }
        if blocks && self.link.is_up() {
            self.settle_by_new_session(Refusal::new(ErrorCode::TimedOut), now);
        }
    }

    /// The message waits for the user.
    pub(crate) fn mark_failed(
        &mut self,
        local_no: LocalNo,
        reason: Refusal,
        unconfirmed: Option<CommandNo>,
    ) {
        let Some(entry) = self.outbox.entries.get_mut(&local_no) else { return };
        entry.item.state = OutboxState::Failed { reason: reason.clone(), unconfirmed };
        let (id, conversation, state) =
            (entry.item.id, entry.item.conversation, entry.item.state.clone());
        self.store.put(Record::OutboxState { local_no, state });
        if let Some(conversation) = conversation {
            let state = MessageState::Failed { reason, unconfirmed: unconfirmed.is_some() };
            self.store.after(Then::Tell(AppEvent::MessageStateChanged { id, conversation, state }));
        }
    }
}

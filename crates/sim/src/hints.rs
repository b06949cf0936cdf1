//! A ledger that is watched, and that may lose hints: what was committed is then told to nobody who is connected.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anser_backend::{Append, Appended, Boxed, Ledger, StoreError, TrimPolicy, TrimReport};
use anser_types::Outcome;

use crate::audit::Audit;
use crate::bend::BendLedger;
use crate::coverage::{Coverage, Rare};
use crate::entropy::Seeded;

/// Counts how appends end, writes them down, and loses hints with a chance that can be changed.
pub struct Hints {
    random: Arc<Seeded>,
    coverage: Coverage,
    audit: Arc<Audit>,
    lost: AtomicU64,
}

impl Hints {
    /// Loses nothing yet.
    #[must_use]
    pub const fn new(random: Arc<Seeded>, coverage: Coverage, audit: Arc<Audit>) -> Self {
        Self { random, coverage, audit, lost: AtomicU64::new(0) }
    }

    /// Whether any are lost now.
    #[must_use]
    pub fn are_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed) > 0
    }

    /// From now on this many of 100 committed appends are told to nobody: not even the last one of a conversation that
    /// is quiet afterwards.
    pub fn lose(&self, percent: u64) {
        self.lost.store(percent, Ordering::Relaxed);
    }

    fn watch(&self, appended: &mut Appended) {
        match appended {
            Appended::Committed(committed) => {
                let refused = |o: &Outcome| matches!(o, Outcome::Refused(_));
                if committed.answer.as_ref().is_some_and(|answer| refused(&answer.outcome)) {
                    self.coverage.note(Rare::CommandRefused);
                }
                let percent = self.lost.load(Ordering::Relaxed);
                if !committed.assigned.is_empty() && percent > 0 && self.random.chance(percent) {
                    // The fan-out pairs numbers with receivers and followers: without numbers there is nobody to tell.
                    committed.inbox.clear();
                    committed.assigned.clear();
                    self.coverage.note(Rare::HintLost);
                }
            }
            Appended::Duplicate(_) => self.coverage.note(Rare::AnswerRepeated),
            Appended::Stale => self.coverage.note(Rare::RulesRanAgain),
            Appended::Fenced => self.coverage.note(Rare::SessionFenced),
            Appended::OutOfOrder { .. } => self.coverage.note(Rare::OutOfOrder),
            Appended::Conflict | Appended::AnswerForgotten => {}
        }
    }
}

impl BendLedger for Hints {
    fn append_batch<'a>(
        &'a self,
        inner: &'a dyn Ledger,
        batch: Vec<Append>,
    ) -> Boxed<'a, Result<Vec<Appended>, StoreError>> {
        Box::pin(async move {
            let begun = self.audit.begin(&batch);
            let mut results = inner.append_batch(batch).await?;
            self.audit.end(begun, &results);
            results.iter_mut().for_each(|appended| self.watch(appended));
            Ok(results)
        })
    }

    fn trim<'a>(
        &'a self,
        inner: &'a dyn Ledger,
        policy: TrimPolicy,
    ) -> Boxed<'a, Result<TrimReport, StoreError>> {
        Box::pin(async move {
            let report = inner.trim(policy).await?;
            if report.entries > 0 {
                self.coverage.note(Rare::InboxTrimmed);
            }
            Ok(report)
        })
    }
}

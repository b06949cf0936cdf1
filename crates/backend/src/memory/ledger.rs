//! The writer's port: batches, sessions, soft positions, trimming, removing keys.

use std::ops::Bound;

use anser_types::{InboxSeq, UnixMs, UserNo};

use super::apply::apply;
use super::backend::{Machine, MemoryBackend};
use super::gate::{CommitKind, PendingCommit};
use super::staging::Staged;
use super::state::Inbox;
use crate::Boxed;
use crate::append::{Append, Appended};
use crate::ledger::{
    DeviceKey, ExpiryPolicy, ExpiryReport, Ledger, LedgerStatus, SessionOpened, SoftPosition,
    StoreError, TrimPolicy, TrimReport,
};

impl Ledger for MemoryBackend {
    fn append_batch(&self, batch: Vec<Append>) -> Boxed<'_, Result<Vec<Appended>, StoreError>> {
        Box::pin(self.append(batch))
    }

    fn open_session(&self, device: DeviceKey) -> Boxed<'_, Result<SessionOpened, StoreError>> {
        Box::pin(async move {
            // Behind the batch in flight: it may hold a command of this device.
            let _turn = self.writer().await;
            self.alter(|Machine { durable, process }| SessionOpened {
                epoch: process.open_session(device),
                last_command_no: durable
                    .devices
                    .get(&device)
                    .map(|d| d.highest)
                    .unwrap_or_default(),
                inbox: durable.inbox_bounds(device.user),
                cursor: process.soft.cursor(durable, device),
            })
        })
    }

    fn note_positions(&self, positions: &[SoftPosition]) {
        // A store that is closed or poisoned has no use for hints; whoever holds it learns that by its next call.
        self.alter(|machine| {
            for position in positions {
                machine.process.soft.note(*position);
            }
        })
        .unwrap_or_default();
    }

    fn flush_positions(&self) -> Boxed<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let turn = self.writer().await;
            let soft = self.read(|machine| machine.process.soft.clone())?;
            if soft.is_empty() {
                return Ok(());
            }
            let pending = PendingCommit { kind: CommitKind::Positions, appends: 0 };
            self.commit(&turn, pending, |machine| {
                machine.process.soft.forget(&soft);
                soft.write_to(&mut machine.durable);
            })
            .await
        })
    }

    fn trim(&self, policy: TrimPolicy) -> Boxed<'_, Result<TrimReport, StoreError>> {
        Box::pin(self.trim_step(policy))
    }

    fn expire_keys(&self, policy: ExpiryPolicy) -> Boxed<'_, Result<ExpiryReport, StoreError>> {
        Box::pin(self.expiry_step(policy))
    }

    fn status(&self) -> LedgerStatus {
        self.peek(|Machine { durable, process }| LedgerStatus {
            log_epoch: durable.log_epoch,
            commit_no: durable.commit_no,
            full: process.full.clone(),
            poisoned: process.poisoned.clone(),
        })
    }
}

impl MemoryBackend {
    async fn append(&self, batch: Vec<Append>) -> Result<Vec<Appended>, StoreError> {
        let turn = self.writer().await;
        let prepared = self.read(|Machine { durable, process }| {
            let mut staged = Staged::default();
            let results = batch
                .iter()
                .map(|append| apply(durable, process, &mut staged, append))
                .collect::<Result<Vec<_>, _>>()?;
            Ok((staged, results, process.soft.clone()))
        })?;
        let (staged, results, soft) = prepared
            .map_err(|dangling: super::apply::DanglingEntry| self.poison(dangling.to_string()))?;
        if staged.effective == 0 {
            return Ok(results);
        }
        let pending = PendingCommit { kind: CommitKind::Batch, appends: staged.effective };
        self.commit(&turn, pending, |machine| {
            staged.merge_into(&mut machine.durable);
            machine.process.soft.forget(&soft);
            soft.write_to(&mut machine.durable);
        })
        .await?;
        Ok(results)
    }

    async fn trim_step(&self, policy: TrimPolicy) -> Result<TrimReport, StoreError> {
        let turn = self.writer().await;
        let (due, report, last) = self.read(|Machine { durable, process }| {
            let behind = process.trimmed_up_to;
            let mut rest =
                durable.inboxes.range(UserNo(behind.0.saturating_add(1))..).map(|(no, i)| (*no, i));
            let mut due = Vec::new();
            let mut report = TrimReport::default();
            let mut last = behind;
            for (user, inbox) in rest.by_ref().take(policy.inboxes) {
                let entries = superfluous(inbox, policy);
                report.inboxes += 1;
                report.entries += entries as u64;
                last = user;
                if entries > 0 {
                    due.push((user, entries));
                }
            }
            report.finished = rest.next().is_none();
            (due, report, last)
        })?;
        let after = if report.finished { UserNo(0) } else { last };
        if due.is_empty() {
            self.alter(|machine| machine.process.trimmed_up_to = after)?;
            return Ok(report);
        }
        let pending = PendingCommit { kind: CommitKind::Trim, appends: 0 };
        self.commit(&turn, pending, |machine| {
            for (user, entries) in due {
                let inbox = machine.durable.inboxes.entry(user).or_default();
                inbox.entries.drain(..entries);
                inbox.floor = InboxSeq(inbox.floor.0 + entries as u64);
            }
            machine.process.trimmed_up_to = after;
        })
        .await?;
        Ok(report)
    }
}

impl MemoryBackend {
    async fn expiry_step(&self, policy: ExpiryPolicy) -> Result<ExpiryReport, StoreError> {
        let turn = self.writer().await;
        let (due, report, last) = self.read(|Machine { durable, process }| {
            let behind = process.expired_up_to.as_ref();
            let behind = behind.map_or(Bound::Unbounded, Bound::Excluded);
            let mut rest = durable.keys.range((behind, Bound::Unbounded));
            let looked_at: Vec<_> = rest.by_ref().take(policy.keys).collect();
            let old = looked_at.iter().filter(|(_, record)| record.at <= policy.used_until);
            let due: Vec<_> = old.map(|(key, _)| (*key).clone()).collect();
            let report = ExpiryReport {
                keys: looked_at.len(),
                removed: due.len() as u64,
                finished: rest.next().is_none(),
            };
            (due, report, looked_at.last().map(|(key, _)| (*key).clone()))
        })?;
        let after = if report.finished { None } else { last };
        if due.is_empty() {
            self.alter(|machine| machine.process.expired_up_to = after)?;
            return Ok(report);
        }
        let pending = PendingCommit { kind: CommitKind::Expiry, appends: 0 };
        self.commit(&turn, pending, |machine| {
            for key in due {
                machine.durable.keys.remove(&key);
            }
            machine.process.expired_up_to = after;
        })
        .await?;
        Ok(report)
    }
}

/// How many of the oldest entries may go: all beyond `keep` and all too old, but never the newest.
fn superfluous(inbox: &Inbox, policy: TrimPolicy) -> usize {
    let newest_excepted = inbox.entries.len().saturating_sub(1);
    let keep = usize::try_from(policy.keep).unwrap_or(usize::MAX);
    let beyond = inbox.entries.len().saturating_sub(keep);
    let oldest_kept = UnixMs(policy.now.0.saturating_sub(policy.keep_ms));
    let old = inbox.entries.iter().take_while(|row| row.at < oldest_kept).count();
    beyond.max(old).min(newest_excepted)
}

//! The writer's port.

use anser_backend::{
    Append, Appended, Boxed, DeviceKey, ExpiryPolicy, ExpiryReport, Ledger, LedgerStatus, Position,
    SessionOpened, SoftPosition, StoreError, TrimPolicy, TrimReport,
};
use anser_types::limits::BATCH_MAX_OPERATIONS;
use anser_types::{CommitNo, InboxSeq, Seq, UserNo};

use crate::codec::{LastSeen, read_number, write_number};
use crate::expiring;
use crate::keys;
use crate::pending::Scope;
use crate::store::EmbeddedStore;
use crate::trimming::{next_inbox, superfluous};
use crate::writer::{self, Fault, Handle, Stage};

impl Ledger for EmbeddedStore {
    fn append_batch(&self, batch: Vec<Append>) -> Boxed<'_, Result<Vec<Appended>, StoreError>> {
        Box::pin(async move {
            let job = move |stage: &mut Stage<'_>| {
                batch.iter().map(|append| writer::append(stage, append)).collect()
            };
            self.inner.writer()?.run(true, job).await
        })
    }

    fn open_session(&self, device: DeviceKey) -> Boxed<'_, Result<SessionOpened, StoreError>> {
        Box::pin(async move {
            let job = move |stage: &mut Stage<'_>| open_session(stage, device);
            self.inner.writer()?.run(false, job).await
        })
    }

    fn note_positions(&self, positions: &[SoftPosition]) {
        let mut soft = self.inner.core.soft.lock();
        positions.iter().for_each(|position| soft.note(*position));
    }

    fn flush_positions(&self) -> Boxed<'_, Result<(), StoreError>> {
        Box::pin(async move {
            let writer = self.inner.writer()?;
            self.flush_with(&writer).await
        })
    }

    fn trim(&self, policy: TrimPolicy) -> Boxed<'_, Result<TrimReport, StoreError>> {
        Box::pin(self.trim_step(policy))
    }

    fn expire_keys(&self, policy: ExpiryPolicy) -> Boxed<'_, Result<ExpiryReport, StoreError>> {
        Box::pin(self.expiry_step(policy))
    }

    fn status(&self) -> LedgerStatus {
        let core = &self.inner.core;
        let failed = core.check().err();
        LedgerStatus {
            log_epoch: core.log_epoch,
            commit_no: CommitNo(core.durable()),
            full: core.full(),
            poisoned: failed
                .filter(|error| *error != StoreError::Closed)
                .map(|error| error.to_string()),
        }
    }
}

fn open_session(stage: &mut Stage<'_>, device: DeviceKey) -> Result<SessionOpened, Fault> {
    let last_command_no = stage.last_command(device)?;
    let inbox = stage.inbox(device.user)?;
    let noted = stage.core().soft.lock().cursor(device);
    let cursor = stored_cursor(stage, device)?.max(noted);
    let epoch = stage.devices().open_session(device);
    Ok(SessionOpened { epoch, last_command_no, inbox, cursor })
}

fn stored_cursor(stage: &Stage<'_>, device: DeviceKey) -> Result<InboxSeq, Fault> {
    let row = stage.row(&keys::cursor(device))?;
    Ok(InboxSeq(row.map(|row| read_number(&row)).transpose()?.unwrap_or(0)))
}

fn write_positions(stage: &mut Stage<'_>, positions: &[SoftPosition]) -> Result<(), Fault> {
    for position in positions {
        match *position {
            SoftPosition::Cursor { device, up_to } => {
                if up_to > stored_cursor(stage, device)? {
                    stage.put_row(keys::cursor(device), |out| write_number(out, up_to.0));
                }
            }
            SoftPosition::Delivered { conversation, user, up_to } => {
                let least = Position { delivered: up_to, read: Seq::ZERO };
                stage.raise(conversation, user, least)?;
            }
            SoftPosition::Seen { device, at } => {
                let row = stage.row(&keys::seen(device.user))?;
                let row = row.map(|row| LastSeen::read(&row)).transpose()?;
                let mut seen = row.unwrap_or_default();
                if seen.raise(device.device, at) {
                    stage.put_row(keys::seen(device.user), |out| seen.write(out));
                }
            }
        }
    }
    Ok(())
}

impl EmbeddedStore {
    /// Writes everything noted so far, a commit's worth at a time.
    pub(crate) async fn flush_with(&self, writer: &Handle) -> Result<(), StoreError> {
        let mut left = self.inner.core.soft.lock().len();
        while left > 0 {
            let positions = self.inner.core.soft.lock().first(BATCH_MAX_OPERATIONS);
            if positions.is_empty() {
                break;
            }
            left = left.saturating_sub(positions.len());
            let staged = positions.clone();
            writer.run(true, move |stage| write_positions(stage, &staged)).await?;
            self.inner.core.soft.lock().forget(&positions);
        }
        Ok(())
    }

    async fn trim_step(&self, policy: TrimPolicy) -> Result<TrimReport, StoreError> {
        let writer = self.inner.writer()?;
        let mut report = TrimReport::default();
        self.sound()?.pending.settle(Scope::Everything).await?;
        let mut behind = *self.inner.trimmed_up_to.lock();
        while report.inboxes < policy.inboxes {
            let Some(user) = self.read(|core| next_inbox(core, behind))? else { break };
            report.inboxes += 1;
            behind = user;
            let plan = move |core: &crate::core::Core| superfluous(core, user, policy);
            let floor = self.scan(Scope::User(user), plan).await?;
            report.entries += self.trim_to(&writer, user, floor).await?;
        }
        report.finished = self.read(|core| next_inbox(core, behind))?.is_none();
        *self.inner.trimmed_up_to.lock() = if report.finished { UserNo(0) } else { behind };
        Ok(report)
    }

    async fn expiry_step(&self, policy: ExpiryPolicy) -> Result<ExpiryReport, StoreError> {
        let writer = self.inner.writer()?;
        let behind = self.inner.expired_up_to.lock().clone();
        let plan = move |core: &crate::core::Core| expiring::look(core, behind.as_ref(), policy);
        let expiring::Look { mut report, due, last } = self.scan(Scope::Everything, plan).await?;
        // In commits of their own, so that nobody waits long behind them.
        for some in due.chunks(BATCH_MAX_OPERATIONS / 2) {
            let some = some.to_vec();
            let removing =
                move |stage: &mut Stage<'_>| expiring::remove(stage, some, policy.used_until);
            report.removed += writer.run(false, removing).await?;
        }
        *self.inner.expired_up_to.lock() = last;
        Ok(report)
    }

    /// Removes entries in commits of their own, so that nobody waits long behind them.
    async fn trim_to(
        &self,
        writer: &Handle,
        user: UserNo,
        floor: InboxSeq,
    ) -> Result<u64, StoreError> {
        let mut removed = 0;
        loop {
            let step = writer.run(false, move |stage| {
                let reach = stage.inbox(user)?.floor.0 + BATCH_MAX_OPERATIONS as u64 / 2;
                stage.trim(user, floor.min(InboxSeq(reach)))
            });
            match step.await? {
                0 => return Ok(removed),
                some => removed += some,
            }
        }
    }
}

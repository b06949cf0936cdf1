//! Disks change bytes and lose them. Everything kept is read again, a little at a time, so that it is found out; what is
//! known not to be the file is given to nobody. It is set aside, so that the first who sends the same bytes again mends it for
//! everybody (guarantee G21).

use std::ops::Range;
use std::sync::Weak;
use std::time::Duration;

use anser_backend::{BlobError, Condition, Reading, Variant};
use anser_types::{ErrorCode, Refusal, Sha256};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Filing, bytes_refusal, store_refusal};
use crate::metrics::{self, Harm};
use crate::service::Service;
use crate::trim::{ticked, ticks};

/// Between two steps of a round.
const STEP: Duration = Duration::from_secs(60);
/// Bytes that are read in a step: some 4 MiB a second, or 387 GB a day.
const BYTES_A_STEP: u64 = 256 << 20;
/// A smaller file counts as so many: looking for it costs as much.
const BYTES_A_FILE: u64 = 256 << 10;
/// Hashes that are listed at a time.
const TOGETHER: usize = 100;

/// Reads everything that is kept in rounds, each begun so long after the one before, or at once if that took longer.
pub(crate) async fn run(service: Weak<Service>, every: Duration, stop: CancellationToken) {
    let mut ticks = ticks(STEP);
    // After a start everybody comes back at once: not then.
    ticks.reset();
    // The first round begins anywhere: a server that is started anew every day comes to everything all the same.
    let mut after = match service.upgrade() {
        Some(service) => {
            let mut hash = [0; 32];
            service.entropy().fill(&mut hash);
            Some(Sha256(hash))
        }
        None => return,
    };
    let mut next_round = Instant::now();
    while ticked(&mut ticks, &stop).await {
        let begins = after.is_none();
        if begins && Instant::now() < next_round {
            continue;
        }
        let Some(service) = service.upgrade() else { return };
        let verified = tokio::select! {
            // A large file on a slow disk: nobody waits for it.
            () = stop.cancelled() => return,
            verified = service.verify_files(after, BYTES_A_STEP) => verified,
        };
        match verified {
            Ok(up_to) => {
                if begins {
                    next_round = Instant::now() + every;
                }
                after = up_to;
            }
            Err(refusal) => tracing::warn!(%refusal, "kept files were not read again"),
        }
    }
}

impl Service {
    /// Reads kept bytes again, those with hashes behind `after` and about so many, and sets aside what is damaged. Returns
    /// the hash up to which it came, `None` at the end. Done again and again by itself.
    ///
    /// # Errors
    /// What the store or the place of files says.
    pub async fn verify_files(
        &self,
        mut after: Option<Sha256>,
        bytes: u64,
    ) -> Result<Option<Sha256>, Refusal> {
        let filing = self.filing()?;
        let mut left = bytes;
        loop {
            let contents = filing.known.contents(after, TOGETHER).await.map_err(store_refusal)?;
            if contents.is_empty() {
                return Ok(None);
            }
            for (sha256, bytes) in contents {
                filing.verify(sha256, bytes).await?;
                after = Some(sha256);
                left = left.saturating_sub(bytes.max(BYTES_A_FILE));
                if left == 0 {
                    return Ok(after);
                }
            }
        }
    }
}

impl Filing {
    async fn verify(&self, sha256: Sha256, bytes: u64) -> Result<(), Refusal> {
        let condition =
            || async { self.bytes.condition(sha256, bytes).await.map_err(bytes_refusal) };
        if condition().await? == Condition::Intact {
            metrics::file_bytes_verified(bytes);
            return Ok(());
        }
        // Once more, while nobody keeps or removes them: they may just have come or gone.
        let _bytes = self.enter_bytes(sha256).await;
        if self.known.content(sha256).await.map_err(store_refusal)?.is_none() {
            return Ok(());
        }
        match condition().await? {
            Condition::Intact => metrics::file_bytes_verified(bytes),
            Condition::Missing => tell(sha256, Harm::Missing, "it is not there"),
            Condition::Unreadable(why) => tell(sha256, Harm::Unreadable, &why),
            Condition::Damaged => {
                tell(sha256, Harm::Damaged, "it does not have its hash and is set aside");
                if let Err(error) = self.bytes.set_aside(sha256).await {
                    tracing::error!(%sha256, %error, "it stays where it was");
                }
            }
        }
        Ok(())
    }

    /// Opens bytes that a file has: of the whole, `known` many.
    ///
    /// # Errors
    /// `FILE_DAMAGED` when they are not there or not as many; `FILE_UNKNOWN` when the file went meanwhile.
    pub(super) async fn open(
        &self,
        (sha256, known): (Sha256, u64),
        variant: Variant,
        range: Option<Range<u64>>,
    ) -> Result<Reading, Refusal> {
        let not_all = |bytes| (Harm::Damaged, format!("{bytes} of its {known} bytes are there"));
        let (how, why) = match self.bytes.read(sha256, variant, range).await {
            Err(BlobError::Unknown) => (Harm::Missing, "it is not there".to_owned()),
            Err(BlobError::Outside(bytes)) => not_all(bytes),
            Ok((bytes, _)) if variant == Variant::Whole && bytes != known => not_all(bytes),
            read => return read.map_err(bytes_refusal),
        };
        if self.known.content(sha256).await.map_err(store_refusal)?.is_none() {
            return Err(Refusal::new(ErrorCode::FileUnknown));
        }
        tell(sha256, how, &why);
        Err(Refusal::new(ErrorCode::FileDamaged))
    }
}

fn tell(sha256: Sha256, how: Harm, why: &str) {
    metrics::file_damaged(how);
    tracing::error!(%sha256, why, next = ErrorCode::FileDamaged.next_step(), "a kept file is damaged");
}

//! A transfer in the foreground: a bar on a terminal, paused by Ctrl+C, given up when nothing moves.

use std::time::{Duration, Instant};

use anser_sdk::{FileInfo, Transfer, TransferProgress, TransferState};
use anser_types::{ErrorCode, Failure, Refusal};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::kinds::size;
use crate::{plain, signals};

/// How often the countdown of a transfer that waits moves.
const TICK: Duration = Duration::from_secs(1);

/// How a transfer is watched.
#[derive(Clone, Copy, Debug)]
pub struct Watching<'a> {
    /// What is moved, for people.
    pub name: &'a str,
    /// Whether a bar is drawn, if there is a terminal.
    pub bar: bool,
    /// For so long it may stand still.
    pub patience: Duration,
    /// How to go on with one that was paused.
    pub go_on: &'a str,
}

/// Waits until a transfer is done.
///
/// # Errors
/// Why it ended; `FILE_INCOMPLETE` when it was paused by a signal, and the reason it waits for when nothing moved for too
/// long: both say how to go on.
pub async fn watch(transfer: &Transfer, how: Watching<'_>) -> anyhow::Result<FileInfo> {
    let mut bar = Bar::new(&how);
    let mut progress = transfer.watch();
    let mut moved = (0, Instant::now());
    let asked_to_end = signals::asked_to_end();
    tokio::pin!(asked_to_end);
    loop {
        let now = progress.borrow_and_update().clone();
        bar.show(&now);
        match &now.state {
            TransferState::Done(file) => {
                bar.clear();
                return Ok((**file).clone());
            }
            TransferState::Failed(refusal) => {
                bar.clear();
                return Err(refusal.clone().into());
            }
            TransferState::Waiting { reason, .. }
                if now.moved <= moved.0 && moved.1.elapsed() >= how.patience =>
            {
                bar.clear();
                return Err(paused(transfer, reason.clone(), &now, &how).into());
            }
            _ => {}
        }
        if now.moved != moved.0 {
            moved = (now.moved, Instant::now());
        }
        tokio::select! {
            biased;
            () = &mut asked_to_end => {
                bar.clear();
                let reason = Refusal::new(ErrorCode::FileIncomplete);
                return Err(paused(transfer, reason, &now, &how).into());
            }
            changed = progress.changed() => {
                if changed.is_err() {
                    return Err(Refusal::from(anser_sdk::Error::Closed).into());
                }
            }
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

/// Pauses it, and says how far it is and how to go on.
fn paused(
    transfer: &Transfer,
    reason: Refusal,
    now: &TransferProgress,
    how: &Watching<'_>,
) -> Failure {
    transfer.pause();
    let of = now.total.map_or_else(String::new, |total| format!(" of {}", size(total)));
    let paused = format!("{}: paused after {}{of}", plain::one_line(how.name), size(now.moved));
    let mut failure = Failure::from(reason).next(format!("Go on with {}.", how.go_on));
    failure.detail = format!("{}\n{paused}", failure.detail).trim().to_owned();
    failure
}

/// The bar; drawn on standard error, and only on a terminal.
struct Bar {
    bar: ProgressBar,
    /// What it was doing when it was shown last.
    state: Option<std::mem::Discriminant<TransferState>>,
}

impl Bar {
    fn new(how: &Watching<'_>) -> Self {
        let target =
            if how.bar { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        let style =
            "{prefix} {bar:24} {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} {msg}";
        match ProgressStyle::with_template(style) {
            Ok(style) => bar.set_style(style.progress_chars("━╸─")),
            Err(error) => tracing::debug!(%error, "the bar is drawn as usual"),
        }
        bar.set_prefix(plain::one_line(how.name));
        Self { bar, state: None }
    }

    fn show(&mut self, now: &TransferProgress) {
        if let Some(total) = now.total {
            self.bar.set_length(total);
        }
        self.bar.set_position(now.moved);
        // What was there before tells nothing of how fast it is.
        let state = Some(std::mem::discriminant(&now.state));
        if self.state != state {
            (self.state, _) = (state, self.bar.reset_eta());
        }
        self.bar.set_message(match &now.state {
            TransferState::Hashing => "reading".to_owned(),
            TransferState::Paused => "paused".to_owned(),
            TransferState::Waiting { retry_at, reason } => {
                let left = retry_at.saturating_duration_since(Instant::now());
                format!("{}: again in {} s", reason.code.name(), left.as_millis().div_ceil(1_000))
            }
            _ => String::new(),
        });
    }

    fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

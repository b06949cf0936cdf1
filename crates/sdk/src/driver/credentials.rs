//! The task that keeps a client's credentials good: renews the token before it ends, and gets a new device when the
//! token has ended or the store was found restored.

use std::sync::Arc;
use std::time::Duration;

use anser_types::{Clock, Refusal, UnixMs};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{mpsc, oneshot};

use super::completions::answer;
use super::requests::Request;
use crate::client::DeviceSource;
use crate::events::{Event, EventQueue};
use crate::http::{AccountClient, SignedIn};
use crate::store::Store;

/// A wall clock may jump, so nothing sleeps longer than this by it.
const LOOK_AGAIN: Duration = Duration::from_secs(600);
/// Pauses after a failed renewal or sign-in: the first, and the longest.
const RETRY: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(600));

/// Why this task is woken.
#[derive(Debug)]
pub(crate) enum Need {
    /// The token is not accepted any more.
    Token(Refusal),
    /// The device id may not be used any more.
    Device,
    /// The app brings credentials. Answered when they are in use.
    Given { signed_in: SignedIn, reply: oneshot::Sender<()> },
}

/// The present token as far as this task needs it.
#[derive(Clone, Debug)]
pub(crate) struct Credentials {
    pub(crate) token: SecretString,
    /// When to renew it; `None` if it is not known when it ends.
    pub(crate) renew_at: Option<UnixMs>,
}

impl Credentials {
    /// Renewal is due when two thirds of the token's life from now have passed.
    pub(crate) fn fresh(signed_in: &SignedIn, now: UnixMs) -> Self {
        let life = u64::try_from(signed_in.expires_at.since(now)).unwrap_or(0);
        let renew_at = UnixMs(now.0.saturating_add(life / 3 * 2));
        Self { token: signed_in.token.clone(), renew_at: Some(renew_at) }
    }
}

/// The task and what it works with.
pub(crate) struct CredentialsTask {
    pub(crate) credentials: Credentials,
    pub(crate) account: Option<AccountClient>,
    pub(crate) source: Option<Arc<dyn DeviceSource>>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) store: Store,
    pub(crate) queue: Arc<EventQueue>,
    pub(crate) needs: mpsc::Receiver<Need>,
    /// Weak: this task must not keep a client open that nobody holds.
    pub(crate) requests: mpsc::WeakSender<Request>,
}

impl CredentialsTask {
    /// Runs until the driver ends.
    pub(crate) async fn run(mut self) {
        let mut failures = 0;
        loop {
            let pause = self.pause(failures);
            tokio::select! {
                biased;
                need = self.needs.recv() => match need {
                    Some(need) => {
                        if !self.meet(need).await {
                            return;
                        }
                    }
                    None => return,
                },
                () = tokio::time::sleep(pause) => {
                    failures = match self.renew_if_due().await {
                        Renewal::NotDue | Renewal::Done => 0,
                        Renewal::Failed => failures + 1,
                    };
                }
            }
        }
    }

    fn pause(&self, failures: u32) -> Duration {
        if failures > 0 {
            return backoff(failures);
        }
        let Some(renew_at) = self.credentials.renew_at.filter(|_| self.account.is_some()) else {
            return LOOK_AGAIN;
        };
        let remaining = u64::try_from(renew_at.since(self.clock.now())).unwrap_or(0);
        Duration::from_millis(remaining).min(LOOK_AGAIN)
    }

    async fn renew_if_due(&mut self) -> Renewal {
        let (Some(account), Some(renew_at)) = (&self.account, self.credentials.renew_at) else {
            return Renewal::NotDue;
        };
        if renew_at > self.clock.now() {
            return Renewal::NotDue;
        }
        match account.renew(&self.credentials.token).await {
            Ok(signed_in) => self.use_renewed(signed_in).await,
            Err(refusal) if refusal.code.retryable() => {
                tracing::warn!(%refusal, "the token could not be renewed yet");
                Renewal::Failed
            }
            Err(refusal) => {
                // The session will be told the same, which leads to a new device or to the app.
                tracing::warn!(%refusal, "the token cannot be renewed any more");
                self.credentials.renew_at = None;
                Renewal::NotDue
            }
        }
    }

    /// Stores the new token before anything uses it: its first use ends the old one, and a process that is killed right
    /// after must find the one that is good.
    async fn use_renewed(&mut self, signed_in: SignedIn) -> Renewal {
        let renew_at = Credentials::fresh(&signed_in, self.clock.now()).renew_at;
        let token = signed_in.token.expose_secret().to_owned();
        if let Err(error) = self.store.keep_renewed_token(signed_in.device, token, renew_at).await {
            tracing::warn!(%error, "the renewed token cannot be stored: the old one goes on");
            return Renewal::Failed;
        }
        self.take(signed_in).await;
        self.queue.push(Event::TokenRenewed);
        Renewal::Done
    }

    /// Deals with a need; false when the client is gone.
    async fn meet(&mut self, mut need: Need) -> bool {
        let mut failures = 0;
        loop {
            let source = match need {
                Need::Given { signed_in, reply } => {
                    self.take(signed_in).await;
                    answer(reply, ());
                    return true;
                }
                Need::Token(_) | Need::Device => self.source.clone(),
            };
            let Some(source) = source else {
                self.tell(need);
                return true;
            };
            match source.new_device().await {
                Ok(signed_in) => {
                    self.take(signed_in).await;
                    return true;
                }
                Err(refusal) if refusal.code.retryable() => {
                    failures += 1;
                    tracing::warn!(%refusal, "no new device could be had yet");
                }
                Err(refusal) => {
                    self.tell(if let Need::Token(_) = need { Need::Token(refusal) } else { need });
                    return true;
                }
            }
            tokio::select! {
                biased;
                newer = self.needs.recv() => match newer {
                    Some(newer) => need = newer,
                    None => return false,
                },
                () = tokio::time::sleep(backoff(failures)) => {}
            }
        }
    }

    fn tell(&self, need: Need) {
        match need {
            Need::Token(reason) => self.queue.push(Event::TokenExpired { reason }),
            Need::Device => self.queue.push(Event::StoreWasRestored),
            Need::Given { .. } => {}
        }
    }

    async fn take(&mut self, signed_in: SignedIn) {
        self.credentials = Credentials::fresh(&signed_in, self.clock.now());
        // Without it the token is renewed at the next start: earlier than needed, never too late.
        if let Err(error) = self.store.keep_renewal(self.credentials.renew_at).await {
            tracing::warn!(%error, "the time of the next renewal is not stored");
        }
        let Some(requests) = self.requests.upgrade() else { return };
        let (reply, taken) = oneshot::channel();
        if requests.send(Request::UseCredentials { signed_in, reply }).await.is_ok() {
            // An error means that the client closes; the store then has what it had.
            drop(taken.await);
        }
    }
}

enum Renewal {
    NotDue,
    Done,
    Failed,
}

fn backoff(failures: u32) -> Duration {
    RETRY.0.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))).min(RETRY.1)
}

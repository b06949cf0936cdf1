//! Keeps the certificate fresh: looks every hour, orders when it is time, and after a failure waits longer each time.

use std::fs;
use std::time::Duration;

use anser_gateway::TlsSource;
use anser_types::{Clock, UnixMs};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::{error, info};
use x509_parser::extensions::GeneralName;
use x509_parser::pem::parse_x509_pem;

use super::order::obtain;
use super::terms::Terms;
use crate::failure::Failure;

const LOOK: Duration = Duration::from_secs(3600);
/// After the first failure. Public authorities refuse whoever fails more than five times an hour for one name.
const FIRST_PAUSE: Duration = Duration::from_secs(15 * 60);
/// The longest pause: the last third of a life of weeks has room for many of them.
const LONGEST_PAUSE: Duration = Duration::from_secs(12 * 3600);

/// Tells of certificates that were fetched. Dropping it ends the keeping.
pub struct Renewals(Option<(mpsc::Receiver<()>, JoinHandle<()>)>);

impl Renewals {
    /// Waits for the next one, which is in its file; for ever where no certificate is asked for.
    pub async fn next(&mut self) {
        let fetched = match &mut self.0 {
            Some((fetched, _)) => fetched.recv().await,
            None => None,
        };
        if fetched.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Renewals {
    fn drop(&mut self) {
        if let Some((_, task)) = &self.0 {
            task.abort();
        }
    }
}

/// Keeps the certificate of these terms fresh, on a task of its own.
#[must_use = "dropping it ends the keeping"]
pub fn keep(
    terms: Option<Terms>,
    source: Option<TlsSource>,
    clock: impl Clock + 'static,
) -> Renewals {
    Renewals(terms.zip(source).map(|(terms, source)| {
        let (tell, fetched) = mpsc::channel(1);
        (fetched, tokio::spawn(run(terms, source, clock, tell)))
    }))
}

async fn run(terms: Terms, source: TlsSource, clock: impl Clock, tell: mpsc::Sender<()>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let wait = if needs_another(&terms, clock.now()) {
            match obtain(&terms, &source).await {
                Ok(()) => {
                    info!(domains = ?terms.domains, "the authority has made a certificate");
                    pause = FIRST_PAUSE;
                    if tell.send(()).await.is_err() {
                        return;
                    }
                    LOOK
                }
                Err(failure) => {
                    told(&failure, pause);
                    let wait = pause;
                    pause = LONGEST_PAUSE.min(pause * 2);
                    wait
                }
            }
        } else {
            LOOK
        };
        tokio::time::sleep(wait).await;
    }
}

fn told(failure: &Failure, pause: Duration) {
    let minutes = pause.as_secs() / 60;
    error!(%failure, next = failure.next_step, "no new certificate; tried again in {minutes} minutes");
}

/// Whether the certificate in the file is missing, of other names, or old.
fn needs_another(terms: &Terms, now: UnixMs) -> bool {
    let Ok(file) = fs::read(&terms.certificate) else { return true };
    let Ok((_, pem)) = parse_x509_pem(&file) else { return true };
    let Ok(certificate) = pem.parse_x509() else { return true };
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let names: Vec<&str> = alternative
        .iter()
        .flat_map(|names| &names.value.general_names)
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(*name),
            _ => None,
        })
        .collect();
    let same = names.len() == terms.domains.len()
        && terms.domains.iter().all(|domain| names.contains(&domain.as_str()));
    let validity = certificate.validity();
    let at = |seconds: i64| UnixMs(u64::try_from(seconds).unwrap_or(0).saturating_mul(1000));
    !same || is_due(at(validity.not_before.timestamp()), at(validity.not_after.timestamp()), now)
}

/// Whether a certificate with this life is to be renewed: an hour before two thirds of it are over, since it is looked at
/// every hour. One that lives for less than three hours is renewed after half of its life.
#[must_use]
pub fn is_due(not_before: UnixMs, not_after: UnixMs, now: UnixMs) -> bool {
    let life = not_after.0.saturating_sub(not_before.0);
    let look = u64::try_from(LOOK.as_millis()).unwrap_or(u64::MAX);
    let early = (life / 3 * 2).saturating_sub(look).max(life / 2);
    now.0 >= not_before.0.saturating_add(early)
}

//! `anser serve`: from an empty directory to a ready server, and back to a quiet disk.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anser_service::{Ports, Service};
use anser_types::ErrorCode;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time;
use tracing::{error, info, warn};

use crate::announcement::Announcement;
use crate::app::App;
use crate::backup::Door;
use crate::failure::Failure;
use crate::machine::{SystemClock, SystemEntropy, host_name};
use crate::setup::Setup;
use crate::voice::{Event, Voice};
use crate::{
    acme, files, first_start, listeners, moderation, open_files, search, store, telemetry,
};

/// Sockets that are taken up at once. The runtime looks at sockets again after 61 steps: were it given more than it does
/// until then, what other threads have finished, such as commits, would stand behind all of them. The rest waits in the
/// system.
const EVENTS_AT_ONCE: usize = 61;

/// How often the store is asked whether it has failed.
const LOOK_AT_STORE: Duration = Duration::from_millis(250);

/// How often it is looked whether the list of servers is old. Its time is an hour or more.
const LOOK_AT_GATEWAYS: Duration = Duration::from_secs(600);

/// How long refusals may take to leave when the store has failed.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Serves until SIGTERM or SIGINT, or until the store fails.
///
/// # Errors
/// Whatever keeps it from starting; `STORE_FAILED` when writing failed while running.
pub fn serve(setup: &Setup, voice: Voice) -> Result<(), Failure> {
    let begun = Instant::now();
    let config = &setup.loaded.config;
    listeners::from_config(config)?;
    let made = first_start::prepare(
        &setup.data_dir,
        config,
        host_name().as_deref(),
        &SystemClock,
        &SystemEntropy,
    )?;
    telemetry::start_logging(&config.log)?;
    let metrics = telemetry::start_metrics()?;
    for made in &made {
        tell(voice, &Event::Made(made));
    }
    raise_open_files(setup, voice);
    let start = Start { begun, first: !made.is_empty() };
    runtime(setup)?.block_on(run(setup, voice, metrics, start))
}

/// What is told about the start once it is over.
struct Start {
    begun: Instant,
    /// Something was made: somebody new is at the keyboard.
    first: bool,
}

fn runtime(setup: &Setup) -> Result<Runtime, Failure> {
    let mut builder = Builder::new_multi_thread();
    let threads = setup.loaded.config.process.worker_threads.as_usize();
    if threads > 0 {
        builder.worker_threads(threads);
    }
    builder
        .thread_name("anser")
        .max_io_events_per_tick(EVENTS_AT_ONCE)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(ErrorCode::Internal, format!("no threads: {error}")))
}

async fn run(
    setup: &Setup,
    voice: Voice,
    metrics: PrometheusHandle,
    start: Start,
) -> Result<(), Failure> {
    // Taken before anything is open, so that no signal can end the process without a clean stop.
    let mut signals = Signals::take()?;
    let opened = store::open(&setup.data_dir.store(), &setup.loaded.config)?;
    let search = search::start(setup, &opened)?;
    let kept = files::open(setup)?;
    if let Some(kept) = kept.clone() {
        tokio::spawn(files::tell_if_unreachable(kept));
    }
    let ports = Ports {
        ledger: opened.ledger(),
        conversations: opened.conversations(),
        lists: opened.lists(),
        accounts: opened.accounts(),
        search: search.clone().map(|search| search as _),
        files: kept.as_ref().map(|kept| files::ports(kept, &opened)),
    };
    let backups = Arc::new(Door::new(opened.clone(), Arc::new(SystemClock)));
    let mut app = App::start(setup, ports, metrics, backups).await?;
    announce(setup, &app)?;
    for (kind, address) in app.addresses() {
        tell(voice, &Event::Listening { kind, address });
    }
    warn_about_open_doors(setup);
    let started_in_ms = u64::try_from(start.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    tell(voice, &Event::Ready { started_in_ms });
    if start.first {
        tell(
            voice,
            &Event::Next("anser chat --as alice   (in another terminal; --as bob in a third)"),
        );
    }

    let terms = acme::Terms::of(&setup.loaded.config, &setup.data_dir);
    let mut certificates = acme::keep(terms, app.tls().cloned(), SystemClock);
    let end = until_the_end(setup, &mut app, &mut signals, &mut certificates, voice).await;
    drop(certificates);
    if let End::Asked = end {
        let sessions = app.service().status().sessions;
        tell(voice, &Event::Draining { sessions });
        tokio::select! {
            biased;
            () = signals.stop.asked() => warn!("asked again: stopping without waiting"),
            () = app.drain() => {}
        }
    }
    if let End::StoreFailed(_) = end {
        // Everybody was refused; the refusals are on their way. Who does not take them in time finds a closed door.
        if time::timeout(LAST_WORDS, app.drain()).await.is_err() {
            warn!("stopping before everybody has heard that the store failed");
        }
    }
    let service = app.service().clone();
    app.stop().await;
    if let Some(kept) = kept {
        kept.close().await;
    }
    if let Some(search) = search {
        search.stop();
    }
    let end = match (end, service.status().failed) {
        (End::Asked, Some(reason)) => End::StoreFailed(reason),
        (end, _) => end,
    };
    match end {
        End::Asked => {
            store::close(opened).await?;
            tell(voice, &Event::Stopped);
            Ok(())
        }
        End::StoreFailed(reason) => Err(Failure::new(ErrorCode::StoreFailed, reason).next(
            "Look at the disk ('dmesg', free space), then start the server again: it recovers from its log. \
             Nothing that was acknowledged is lost; what was not is sent again by the clients.",
        )),
    }
}

/// Why a server ends.
enum End {
    /// A signal asked for it.
    Asked,
    /// Writing failed: nothing more may be acknowledged.
    StoreFailed(String),
}

async fn until_the_end(
    setup: &Setup,
    app: &mut App,
    signals: &mut Signals,
    certificates: &mut acme::Renewals,
    voice: Voice,
) -> End {
    let service = app.service().clone();
    // What was read at the start is fresh.
    let mut renewals = time::interval_at(time::Instant::now() + LOOK_AT_GATEWAYS, LOOK_AT_GATEWAYS);
    loop {
        tokio::select! {
            biased;
            reason = store_failed(&service) => {
                error!(%reason, "the store failed; stopping");
                return End::StoreFailed(reason);
            }
            () = signals.stop.asked() => return End::Asked,
            _ = signals.hang_up.recv() => reload(setup, app, voice),
            () = certificates.next() => reload_certificate(setup, app, voice),
            _ = renewals.tick() => {
                if let Err(failure) = app.renew_gateways(setup) {
                    error!(%failure, next = failure.next_step, "the list of servers cannot be renewed");
                }
            }
        }
    }
}

/// Ends when the store has failed, whoever met it first: the writer says so at once, a write to an account only
/// leaves its mark on the store.
async fn store_failed(service: &Service) -> String {
    let marked = async {
        let mut looks = time::interval(LOOK_AT_STORE);
        loop {
            looks.tick().await;
            if let Some(reason) = service.status().failed {
                return reason;
            }
        }
    };
    tokio::select! {
        biased;
        reason = service.store_failed() => reason,
        reason = marked => reason,
    }
}

fn reload(setup: &Setup, app: &mut App, voice: Voice) {
    match moderation::load(setup) {
        Ok(words) => {
            let count = words.as_ref().map(|words| words.count());
            app.service().set_words(words);
            // Told once it is so.
            if let Some(words) = count {
                tell(voice, &Event::WordsReloaded { words });
            }
        }
        Err(failure) => {
            error!(%failure, next = failure.next_step, "SIGHUP: the old list of words stays in use");
        }
    }
    reload_gateways(setup, app, voice);
    reload_certificate(setup, app, voice);
}

fn reload_certificate(setup: &Setup, app: &mut App, voice: Voice) {
    match app.reload_certificate(setup) {
        Ok(None) => info!("no listener needs a certificate"),
        Ok(Some(sha256)) => {
            if let Err(failure) = announce(setup, app) {
                error!(%failure, "server.json could not be written");
            }
            tell(voice, &Event::Reloaded { certificate_sha256: &hex::encode(sha256) });
        }
        Err(failure) => {
            error!(%failure, next = failure.next_step, "the old certificate stays in use");
        }
    }
}

fn reload_gateways(setup: &Setup, app: &App, voice: Voice) {
    match app.reload_gateways(setup) {
        Ok(None) => {}
        Ok(Some(gateways)) => tell(voice, &Event::GatewaysReloaded { gateways }),
        Err(failure) => {
            error!(%failure, next = failure.next_step, "SIGHUP: the old list of servers stays in use");
        }
    }
}

fn announce(setup: &Setup, app: &App) -> Result<(), Failure> {
    let key_file = setup.data_dir.resolve(&setup.loaded.config.app.key_file);
    let path = setup.data_dir.announcement();
    std::path::absolute(key_file)
        .and_then(|key_file| {
            Announcement::new(&app.addresses(), app.certificate_sha256(), key_file).write(&path)
        })
        .map_err(|error| {
            Failure::new(ErrorCode::Internal, format!("{}: {error}", path.display()))
                .next("Give this user the right to write in the data directory.")
        })
}

fn raise_open_files(setup: &Setup, voice: Voice) {
    let connections = setup.loaded.config.limits.connections.get();
    match open_files::raise(connections) {
        Ok(files) => tell(voice, &Event::OpenFiles(files)),
        Err(error) => {
            warn!(%error, "the open-file limit could not be raised");
            tell(voice, &Event::OpenFiles(open_files::look(connections)));
        }
    }
}

fn warn_about_open_doors(setup: &Setup) {
    let config = &setup.loaded.config;
    if config.accounts.development {
        warn!("a development server: whoever is on this machine gets tokens for any user");
    }
    if config.accounts.registration && listeners::beyond_this_machine(config) {
        warn!(
            "anybody who reaches this server can register; set accounts.registration = false unless that is meant"
        );
    }
}

/// A server whose standard output is closed serves on; the log says so.
fn tell(voice: Voice, event: &Event<'_>) {
    if let Err(error) = voice.tell(event) {
        warn!(%error, ?event, "standard output is closed");
    }
}

/// The signals a server listens to.
struct Signals {
    stop: StopSignals,
    hang_up: Signal,
}

impl Signals {
    fn take() -> Result<Self, Failure> {
        let take = |kind| {
            signal(kind).map_err(|error: io::Error| {
                Failure::new(ErrorCode::Internal, format!("signals: {error}"))
            })
        };
        let stop = StopSignals {
            terminate: take(SignalKind::terminate())?,
            interrupt: take(SignalKind::interrupt())?,
        };
        Ok(Self { stop, hang_up: take(SignalKind::hangup())? })
    }
}

/// SIGTERM and SIGINT mean the same.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    async fn asked(&mut self) {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

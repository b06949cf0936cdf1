//! A town comes back at once: how soon everybody is there again, and what those notice who were there all the time.

use std::rc::Rc;
use std::thread::JoinHandle;
use std::time::Duration;

use anser_types::Target;
use anyhow::{Context, Result, anyhow};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::client::{Pace, Phase, Plan};
use super::fleet::{Fleet, make_identities};
use super::options::BenchOptions;
use super::report::{Latency, Report};
use super::scenarios::{fill, finish, listeners, rss_per_connection};
use super::server::Server;

/// Pairs who talk all the time.
const TALKING_PAIRS: usize = 20;
/// One of them says something so often.
const TALK_EVERY: Duration = Duration::from_millis(5);
/// Steps of priority the fleet that comes back goes down: it then gets about a tenth of what those who talk need.
const GIVES_WAY: i32 = 10;

/// Every connection is cut at the same moment, or the server is killed, and everybody comes back at once.
pub async fn storm(options: &BenchOptions, server: &mut Server) -> Result<Report> {
    let (fleet, before) = listeners(options, server).await?;
    let mut report = Report { scenario: options.scenario.name(), ..Report::default() };
    report.server_rss_per_connection = rss_per_connection(server, before, fleet.len());
    // Who talks to a server that is killed was not there all the time.
    let mut talkers = (!options.kill).then(|| Talkers::start(server, options.body_bytes));
    if let Some(talkers) = &mut talkers {
        talkers.measured().await.context("nobody talks")?;
        sleep(Duration::from_secs(options.secs)).await;
        report.calm_ack_us = Some(talkers.measured().await?);
    }
    give_way();
    let all = fleet.len() as u64;
    let start = fleet.tally.total();
    let cpu = server.cpu();
    fleet.tally.measure(true);
    let from = tokio::time::Instant::now();
    if options.kill {
        server.kill_and_restart().await?;
    } else {
        fleet.enter(Phase::Cut);
    }
    let back = |counts: super::measure::Counts| counts.connected >= start.connected + all;
    fleet.wait_for("everybody to be back", back).await?;
    let took = from.elapsed();
    fleet.tally.measure(false);
    if let Some(mut talkers) = talkers {
        report.storm_ack_us = Some(talkers.measured().await?);
        talkers.stop()?;
    }
    fill(&mut report, server, cpu, &fleet, took);
    report.server_cpu_us_per_message = None;
    report.turned_away = Some(fleet.tally.total().turned_away - start.turned_away);
    report.settled_ms = Some(took.as_secs_f64() * 1_000.0);
    finish(options, vec![fleet], &mut report, 0).await?;
    Ok(report)
}

/// This thread, which is that of the fleet that comes back, gives way to those who talk: they share a core.
fn give_way() {
    use rustix::process::{getpriority_process, setpriority_process};
    let thread = Some(rustix::thread::gettid());
    let lowered = getpriority_process(thread)
        .and_then(|present| setpriority_process(thread, present.saturating_add(GIVES_WAY)));
    if let Err(error) = lowered {
        tracing::warn!(%error, "the fleet does not give way to those who talk; they seem slower than they are");
    }
}

/// Pairs on a thread of their own: what they notice is the server's doing, not that of the fleet that comes back.
struct Talkers {
    thread: JoinHandle<Result<()>>,
    ask: mpsc::Sender<()>,
    told: mpsc::Receiver<Latency>,
}

impl Talkers {
    fn start(server: &Server, body_bytes: usize) -> Self {
        let (ask, asked) = mpsc::channel(1);
        let (tell, told) = mpsc::channel(1);
        let server = server.as_running();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let talking = talk(&server, body_bytes, asked, tell);
            tokio::task::LocalSet::new().block_on(&runtime, talking)
        });
        Self { thread, ask, told }
    }

    /// Send to acknowledgement since this was asked last.
    async fn measured(&mut self) -> Result<Latency> {
        let gone = || anyhow!("those who talk have ended");
        self.ask.send(()).await.map_err(|_| gone())?;
        self.told.recv().await.ok_or_else(gone)
    }

    fn stop(self) -> Result<()> {
        let Self { thread, ask, told } = self;
        drop((ask, told));
        thread.join().map_err(|_| anyhow!("those who talk have panicked"))?
    }
}

/// Talks until nobody asks any more, then checks that nothing was lost.
async fn talk(
    server: &Server,
    body_bytes: usize,
    mut asked: mpsc::Receiver<()>,
    tell: mpsc::Sender<Latency>,
) -> Result<()> {
    let identities = make_identities(server, TALKING_PAIRS * 2).await?;
    let mut fleet = Fleet::new(server, body_bytes);
    let mut paces = Vec::new();
    for pair in identities.chunks_exact(2) {
        let pace = Rc::new(Pace::default());
        let to = Target::User(pair[1].user.clone());
        fleet.launch(pair[1].clone(), Plan::Listen)?;
        fleet.launch(pair[0].clone(), Plan::Paced { to, pace: Rc::clone(&pace) })?;
        paces.push(pace);
    }
    fleet.connected().await?;
    fleet.enter(Phase::Run);
    let mut ticks = interval(TALK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for pace in paces.iter().cycle() {
        tokio::select! {
            biased;
            question = asked.recv() => {
                let Some(()) = question else { break };
                let latency = fleet.tally.latencies().1;
                fleet.tally.measure(true);
                tell.send(latency).await.context("nobody waits for what was measured")?;
            }
            _ = ticks.tick() => {
                pace.due.borrow_mut().push_back(fleet.tally.now_ns());
                pace.bell.notify_one();
            }
        }
    }
    fleet.enter(Phase::Quiet);
    let tally = Rc::clone(&fleet.tally);
    fleet.wait_for("what is on its way", |_| tally.is_settled(1)).await?;
    fleet.stop().await.map(|_| ())
}

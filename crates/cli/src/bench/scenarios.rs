//! The scenarios: who sends what to whom, and what is measured meanwhile.

use std::rc::Rc;
use std::time::Duration;

use anser_client::io::Identity;
use anser_types::{ConversationId, Target, UserId};
use anyhow::{Context, Result, ensure};
use tokio::task::{JoinHandle, spawn_local};
use tokio::time::sleep;

use super::client::{Pace, Phase, Plan};
use super::fleet::{Fleet, make_identities, make_users, new_device};
use super::measure::Tally;
use super::options::{BenchOptions, Scenario};
use super::pacer::due_times;
use super::report::Report;
use super::server::Server;
use super::storm::storm;
use super::verify::judge;

/// Messages per second of all pairs together, unless it is said.
const PAIRS_RATE: u64 = 5_000;
/// Messages per second of the one who speaks in a channel, unless it is said.
const CHANNEL_RATE: u64 = 20;
/// Members of a group, unless it is said: as many as an ordinary one may have.
const GROUP_MEMBERS: usize = 200;
/// Members of a channel, unless it is said.
const CHANNEL_MEMBERS: usize = 1_000;
/// How long a group may take until everybody is in it; a hundred thousand come in by five hundred invitations.
const MAKE_WITHIN: Duration = Duration::from_secs(180);

/// Runs one scenario to its report.
///
/// # Errors
/// The server cannot be reached or started, or the fleet did not get where it was waited for.
pub fn run(options: &BenchOptions) -> Result<Report> {
    raise_open_file_limit();
    let mut server = match (&options.server, &options.api_key_file) {
        (Some(tcp), Some(file)) => Server::running(tcp, &options.http, file)?,
        _ => {
            ensure!(
                options.spawn,
                "name a server with --server and --api-key-file, or use --spawn"
            );
            Server::spawn(options.spawn_dir.as_deref(), options.transport())?
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, scenario(options, &mut server))
}

async fn scenario(options: &BenchOptions, server: &mut Server) -> Result<Report> {
    match options.scenario {
        Scenario::Pairs => pairs(options, server, false).await,
        Scenario::Rate => pairs(options, server, true).await,
        Scenario::Group => group(options, server).await,
        Scenario::Channel => channel(options, server).await,
        Scenario::Idle => idle(options, server).await,
        Scenario::Offline => offline(options, server).await,
        Scenario::Storm => storm(options, server).await,
    }
}

/// Half of the users send, each to one of the other half.
async fn pairs(options: &BenchOptions, server: &Server, paced: bool) -> Result<Report> {
    let identities = make_identities(server, options.pairs * 2).await?;
    let before = server.rss();
    let mut fleet = Fleet::new(server, options.body_bytes);
    let mut paces = Vec::new();
    for identity in &identities[options.pairs..] {
        fleet.launch(identity.clone(), Plan::Listen)?;
    }
    for (index, identity) in identities[..options.pairs].iter().enumerate() {
        let to = Target::User(identities[options.pairs + index].user.clone());
        let plan = if paced {
            let pace = Rc::new(Pace::default());
            paces.push(Rc::clone(&pace));
            Plan::Paced { to, pace }
        } else {
            Plan::Window { to, window: options.window, total: u64::MAX }
        };
        fleet.launch(identity.clone(), plan)?;
    }
    fleet.connected().await?;
    let mut report = Report { scenario: options.scenario.name(), ..Report::default() };
    report.server_rss_per_connection = rss_per_connection(server, before, fleet.len());
    let rate = options.rate.unwrap_or(PAIRS_RATE);
    let pacer = paced.then(|| keep_pace(&fleet.tally, paces, rate)).transpose()?;
    measure(options, server, &fleet, &mut report).await?;
    if let Some(pacer) = pacer {
        pacer.abort();
    }
    finish(options, vec![fleet], &mut report, 1).await?;
    Ok(report)
}

/// Rings one sender after the other at the total rate, whatever the server does, until it is aborted.
fn keep_pace(tally: &Tally, paces: Vec<Rc<Pace>>, rate: u64) -> Result<JoinHandle<()>> {
    let mut due = due_times(tally.started, rate)?;
    Ok(spawn_local(async move {
        for pace in paces.iter().cycle() {
            let Some(due) = due.recv().await else { break };
            pace.due.borrow_mut().push_back(due);
            pace.bell.notify_one();
        }
    }))
}

/// One member sends, all others receive.
async fn group(options: &BenchOptions, server: &Server) -> Result<Report> {
    let members = options.members.unwrap_or(GROUP_MEMBERS);
    ensure!(members >= 2, "a group needs at least two members");
    let identities = make_identities(server, members).await?;
    let others = identities[1..].iter().map(|identity| identity.user.clone()).collect();
    let id = make_group(options, server, &identities[0], others, false).await?;
    let before = server.rss();
    let mut fleet = Fleet::new(server, options.body_bytes);
    for identity in &identities[1..] {
        fleet.launch(identity.clone(), Plan::Listen)?;
    }
    let to = Target::Conversation(id);
    let plan = Plan::Window { to, window: options.window, total: u64::MAX };
    fleet.launch(new_device(server, &identities[0]).await?, plan)?;
    fleet.connected().await?;
    let mut report = Report { scenario: options.scenario.name(), ..Report::default() };
    report.server_rss_per_connection = rss_per_connection(server, before, fleet.len());
    measure(options, server, &fleet, &mut report).await?;
    finish(options, vec![fleet], &mut report, members as u64 - 1).await?;
    Ok(report)
}

/// One member sends at a fixed rate, all others who are online receive; the rest is only in it.
async fn channel(options: &BenchOptions, server: &Server) -> Result<Report> {
    let (members, online) = (options.members.unwrap_or(CHANNEL_MEMBERS), options.online);
    ensure!(online >= 2, "a channel needs at least two members online");
    ensure!(members >= online, "more are to be online than are in the channel");
    let identities = make_identities(server, online).await?;
    let mut others: Vec<_> = identities[1..].iter().map(|one| one.user.clone()).collect();
    others.extend(make_users(server, members - online).await?);
    let id = make_group(options, server, &identities[0], others, true).await?;
    let before = server.rss();
    let receivers = online as u64 - 1;
    let mut fleet = Fleet::new(server, options.body_bytes);
    fleet.tally.wait_for_the_last_of(receivers);
    for identity in &identities[1..] {
        fleet.launch(identity.clone(), Plan::Listen)?;
    }
    let (to, pace) = (Target::Conversation(id), Rc::new(Pace::default()));
    let plan = Plan::Paced { to, pace: Rc::clone(&pace) };
    fleet.launch(new_device(server, &identities[0]).await?, plan)?;
    fleet.connected().await?;
    // Who knows of the channel follows it.
    let all = online as u64;
    fleet.wait_for("everybody to know of the channel", |counts| counts.synced >= all).await?;
    let mut report = Report { scenario: options.scenario.name(), ..Report::default() };
    report.server_rss_per_connection = rss_per_connection(server, before, fleet.len());
    let rate = options.rate.unwrap_or(CHANNEL_RATE);
    let pacer = keep_pace(&fleet.tally, vec![pace], rate)?;
    measure(options, server, &fleet, &mut report).await?;
    pacer.abort();
    report.last_latency_us = fleet.tally.last_latency();
    finish(options, vec![fleet], &mut report, receivers).await?;
    Ok(report)
}

/// The maker makes the group of all, or the channel.
async fn make_group(
    options: &BenchOptions,
    server: &Server,
    maker: &Identity,
    members: Vec<UserId>,
    channel: bool,
) -> Result<ConversationId> {
    let mut fleet = Fleet::new(server, options.body_bytes);
    let made = fleet.launch(maker.clone(), Plan::MakeGroup { members, channel })?;
    fleet.connected().await?;
    fleet.enter(Phase::Run);
    let from = tokio::time::Instant::now();
    while made.borrow().is_none() && fleet.tally.total().failed == 0 && from.elapsed() < MAKE_WITHIN
    {
        sleep(Duration::from_millis(10)).await;
    }
    let id = *made.borrow();
    fleet.stop().await?;
    id.context("the group was not made")
}

/// So many clients, all connected, who say nothing; and the server's memory before they came.
pub(super) async fn listeners(
    options: &BenchOptions,
    server: &Server,
) -> Result<(Fleet, Option<u64>)> {
    let identities = make_identities(server, options.connections).await?;
    let before = server.rss();
    let mut fleet = Fleet::new(server, options.body_bytes);
    for identity in identities {
        fleet.launch(identity, Plan::Listen)?;
    }
    fleet.connected().await?;
    Ok((fleet, before))
}

/// Nothing but heartbeats.
async fn idle(options: &BenchOptions, server: &Server) -> Result<Report> {
    let (fleet, before) = listeners(options, server).await?;
    let mut report = Report { scenario: options.scenario.name(), ..Report::default() };
    let cpu = server.cpu();
    measure(options, server, &fleet, &mut report).await?;
    if let (Some(before), Some(after)) = (cpu, server.cpu()) {
        report.server_cpu_ms_per_connection_hour =
            Some(per_connection_hour(after.saturating_sub(before), options, fleet.len()));
    }
    report.server_rss_per_connection = rss_per_connection(server, before, fleet.len());
    finish(options, vec![fleet], &mut report, 0).await?;
    Ok(report)
}

/// A backlog is sent while the receiver is away; then it comes back.
async fn offline(options: &BenchOptions, server: &Server) -> Result<Report> {
    let identities = make_identities(server, 3).await?;
    let to = Target::User(identities[1].user.clone());
    let sending = |total| Plan::Window { to: to.clone(), window: options.window, total };
    // It was here and got a message before, and it comes back as itself: what it misses is read from its cursor on. (A
    // client made anew with the same token has no cursor and would rebuild from conversation heads.)
    let mut receiver = Fleet::new(server, options.body_bytes);
    receiver.launch(identities[1].clone(), Plan::Listen)?;
    receiver.connected().await?;
    let mut greeter = receiver.beside();
    greeter.launch(identities[2].clone(), sending(1))?;
    greeter.enter(Phase::Run);
    greeter
        .wait_for("a first message", |counts| counts.delivered >= 1 && counts.acked >= 1)
        .await?;
    receiver.enter(Phase::Away);
    let mut fleet = greeter.beside();
    fleet.launch(identities[0].clone(), sending(options.backlog as u64))?;
    fleet.enter(Phase::Run);
    let backlog = options.backlog as u64 + 1;
    fleet.wait_for("the backlog to be acknowledged", |counts| counts.acked >= backlog).await?;
    fleet.enter(Phase::Quiet);
    let mut report = Report { scenario: options.scenario.name(), ..Report::default() };
    let cpu = server.cpu();
    fleet.tally.measure(true);
    receiver.enter(Phase::Ready);
    let took =
        fleet.wait_for("the backlog to be drained", |counts| counts.delivered >= backlog).await?;
    fleet.tally.measure(false);
    fill(&mut report, server, cpu, &fleet, took);
    report.settled_ms = Some(took.as_secs_f64() * 1_000.0);
    finish(options, vec![fleet, greeter, receiver], &mut report, 1).await?;
    Ok(report)
}

/// Warm-up, then the measured window.
async fn measure(
    options: &BenchOptions,
    server: &Server,
    fleet: &Fleet,
    report: &mut Report,
) -> Result<()> {
    fleet.enter(Phase::Run);
    sleep(Duration::from_secs(options.warmup)).await;
    let cpu = server.cpu();
    fleet.tally.measure(true);
    let from = tokio::time::Instant::now();
    sleep(Duration::from_secs(options.secs)).await;
    fleet.tally.measure(false);
    fill(report, server, cpu, fleet, from.elapsed());
    fleet.enter(Phase::Quiet);
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "rates and means are shown rounded")]
pub(super) fn fill(
    report: &mut Report,
    server: &Server,
    cpu: Option<Duration>,
    fleet: &Fleet,
    took: Duration,
) {
    let counts = fleet.tally.window();
    let messages = counts.delivered.max(1) as f64;
    report.secs = took.as_secs_f64();
    report.connections = fleet.len();
    report.delivered_per_s = counts.delivered as f64 / report.secs;
    report.acked_per_s = counts.acked as f64 / report.secs;
    report.wire_bytes_per_message = counts.bytes as f64 / messages;
    (report.latency_us, report.ack_latency_us) = fleet.tally.latencies();
    if let (Some(before), Some(after), true) = (cpu, server.cpu(), counts.delivered > 0) {
        report.server_cpu_us_per_message =
            Some(after.saturating_sub(before).as_secs_f64() * 1e6 / messages);
    }
}

/// Milliseconds of the processor for an hour of one connection's beats.
#[expect(clippy::cast_precision_loss, reason = "a mean is shown rounded")]
fn per_connection_hour(cpu: Duration, options: &BenchOptions, connections: usize) -> f64 {
    let hours = (options.warmup + options.secs) as f64 / 3_600.0;
    cpu.as_secs_f64() * 1_000.0 / hours / connections.max(1) as f64
}

#[expect(clippy::cast_precision_loss, reason = "a mean is shown rounded")]
pub(super) fn rss_per_connection(
    server: &Server,
    before: Option<u64>,
    connections: usize,
) -> Option<f64> {
    Some(server.rss()?.saturating_sub(before?) as f64 / connections.max(1) as f64)
}

/// Waits for what is on its way, reads history if asked to, and judges.
pub(super) async fn finish(
    options: &BenchOptions,
    fleets: Vec<Fleet>,
    report: &mut Report,
    receivers: u64,
) -> Result<()> {
    let Some(fleet) = fleets.first() else { return Ok(()) };
    // What does not arrive in time is reported as lost below: the wait itself is no verdict.
    let tally = Rc::clone(&fleet.tally);
    let settled = fleet.wait_for("what is on its way", |_| tally.is_settled(receivers)).await;
    if let Err(error) = settled {
        tracing::warn!("{error:#}");
    }
    let senders = match options.scenario {
        Scenario::Pairs | Scenario::Rate => options.pairs as u64,
        Scenario::Group | Scenario::Channel => 1,
        // The one who greets, and the one who fills the backlog.
        Scenario::Offline => 2,
        Scenario::Idle | Scenario::Storm => 0,
    };
    if options.verify {
        fleets.iter().for_each(|fleet| fleet.enter(Phase::Verify));
        fleet.wait_for("history to be read", |counts| counts.verified >= senders).await?;
    }
    let failed = fleet.tally.total().failed;
    ensure!(failed == 0, "{failed} messages were refused or failed; the warnings say why");
    let mut outcomes = Vec::new();
    for fleet in fleets {
        outcomes.extend(fleet.stop().await?);
    }
    judge(report, &outcomes, receivers, options.verify);
    Ok(())
}

/// Thousands of sockets need as many file descriptors: take all the system allows.
fn raise_open_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the open-file limit stays as it is");
    }
}

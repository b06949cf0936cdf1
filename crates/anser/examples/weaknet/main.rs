//! The weak-network lab: the real server, and people whose phones reach it through emulated bad networks.
//! `cargo xtask weaknet` runs it; `docs/weak-network.md` says what is modelled and what came out.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool speaks to a terminal"
)]

mod chart;
mod datagrams;
mod figures;
mod flow;
mod idle;
mod link;
mod packets;
mod page;
mod person;
mod profile;
mod program;
mod reconnects;
mod record;
mod scene;
mod script;
mod streams;
mod table;
mod tally;
mod translator;
mod transport;
#[cfg(test)]
mod trial;
mod weather;
mod wire;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Parser;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::figures::Outcome;
use crate::profile::{PROFILES, Profile};
use crate::program::Server;
use crate::scene::Scene;
use crate::transport::Transport;

/// People talk over emulated bad networks; every message must arrive once and in order.
#[derive(Parser)]
struct Arguments {
    /// One network; otherwise all, side by side.
    #[arg(long, value_parser = profile)]
    profile: Option<&'static Profile>,
    /// One transport; otherwise all, side by side.
    #[arg(long)]
    transport: Option<Transport>,
    /// Seconds of talking, and as many of silence after it.
    #[arg(long, default_value_t = 90)]
    secs: u64,
    /// What happens when, and to which packet.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only how soon clients are back after a cut, in round trips.
    #[arg(long, conflicts_with_all = ["profile", "transport", "secs", "seed"])]
    reconnects: bool,
    /// The directory of the documentation, to write tables and charts there.
    #[arg(long)]
    write: Option<PathBuf>,
}

fn profile(name: &str) -> Result<&'static Profile, String> {
    Profile::named(name).ok_or_else(|| {
        let names: Vec<_> = PROFILES.iter().map(|profile| profile.name).collect();
        format!("there are {}", names.join(", "))
    })
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if arguments.reconnects {
        let returns = reconnects::measure().await?;
        print!("{}", table::returns(&returns));
        return match &arguments.write {
            Some(docs) => page::write_returns(docs, &returns),
            None => Ok(()),
        };
    }
    let outcomes = play(&arguments).await?;
    print!("{}\n{}", table::tables(&outcomes), idle::table(&outcomes));
    if let Some(docs) = &arguments.write {
        page::write(docs, &outcomes)?;
    }
    let mut broken = 0;
    for outcome in &outcomes {
        for verdict in &outcome.verdicts {
            broken += 1;
            println!("{} {}: {verdict}", outcome.profile.name, outcome.transport.name());
        }
    }
    ensure!(broken == 0, "{broken} broken promises; --seed {} tries it again", arguments.seed);
    Ok(())
}

/// All scenes side by side; in the order of the tables.
async fn play(arguments: &Arguments) -> anyhow::Result<Vec<Outcome>> {
    let mut scenes = Vec::new();
    for profile in &PROFILES {
        for transport in Transport::ALL {
            let wanted = arguments.profile.is_none_or(|wanted| wanted.name == profile.name)
                && arguments.transport.is_none_or(|wanted| wanted == transport);
            let phase = Duration::from_secs(arguments.secs);
            // Each network has its own chances, and the same ones with every transport.
            let seed = arguments.seed ^ fingerprint(profile.name);
            scenes.extend(wanted.then_some(Scene { profile, transport, phase, seed }));
        }
    }
    let server = Arc::new(Server::start().await?);
    let ready = Arc::new(Barrier::new(scenes.len()));
    let mut playing = JoinSet::new();
    for (n, scene) in scenes.into_iter().enumerate() {
        let play = scene.play(Arc::clone(&server), Arc::clone(&ready));
        playing.spawn(async move {
            let outcome = play.await.with_context(|| {
                format!("{} over {}", scene.profile.name, scene.transport.name())
            })?;
            anyhow::Ok((n, outcome))
        });
    }
    let mut outcomes = Vec::new();
    while let Some(played) = playing.join_next().await {
        outcomes.push(played??);
    }
    outcomes.sort_by_key(|(n, _)| *n);
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}

/// A number for a name (FNV-1a).
fn fingerprint(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

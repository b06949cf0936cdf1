//! `anser presence`: who is online, and when they were last; once, or on and on.

use anser_sdk::{Client, Event};
use anser_types::{Presence, Refusal, UnixMs, UserId, UserPresence};
use clap::Args;
use serde_json::{Value, json};

use crate::chat::times::LocalTimes;
use crate::identity::Common;
use crate::{plain, say, session, signals};

/// Print who is online
#[derive(Args, Clone, Debug)]
pub struct PresenceOptions {
    /// As whom, and how.
    #[command(flatten)]
    pub common: Common,
    /// Whom
    #[arg(value_name = "USER", required = true)]
    pub users: Vec<UserId>,
    /// Go on: print every change
    #[arg(short, long)]
    pub follow: bool,
}

/// How a user is, as JSON.
#[must_use]
pub fn presence_json(one: &UserPresence) -> Value {
    let (state, last) = match one.presence {
        Presence::Unknown => ("unknown", None),
        Presence::Online => ("online", None),
        Presence::Offline { last_seen } => ("offline", Some(last_seen)),
    };
    let last = last.filter(|at| *at > UnixMs(0)).map(|at| at.0);
    json!({ "user": one.user.as_str(), "presence": state, "last_seen_ms": last })
}

/// How a user is, on a line.
#[must_use]
pub fn presence_line(one: &UserPresence, times: &LocalTimes) -> String {
    let state = match one.presence {
        Presence::Unknown => "unknown".to_owned(),
        Presence::Online => "online".to_owned(),
        Presence::Offline { last_seen: UnixMs(0) } => "offline".to_owned(),
        Presence::Offline { last_seen } => format!("last seen {}", times.stamp(last_seen)),
    };
    plain::one_line(&format!("{} ({state})", one.user))
}

/// Runs the command.
///
/// # Errors
/// What the server says.
pub async fn run(options: PresenceOptions) -> anyhow::Result<()> {
    let Common { who, timeout, json } = options.common.clone();
    session::with_client(&who, async |client| {
        session::connected(&client, session::seconds(timeout)).await?;
        if options.follow {
            tokio::select! {
                biased;
                result = follow(&client, &options.users, json) => result,
                () = signals::asked_to_end() => Ok(()),
            }
        } else {
            for one in client.presence(&options.users).await.map_err(Refusal::from)? {
                print(&one, json)?;
            }
            Ok(())
        }
    })
    .await
}

async fn follow(client: &Client, users: &[UserId], json: bool) -> anyhow::Result<()> {
    let mut events = client.events();
    client.subscribe_presence(users).await.map_err(Refusal::from)?;
    while let Some(delivery) = events.next().await {
        match delivery.event() {
            Event::PresenceChanged { user, presence } => {
                print(&UserPresence { user: user.clone(), presence: *presence }, json)?;
            }
            Event::PresenceRefused { reason, .. } => return Err(reason.clone().into()),
            Event::Disconnected { .. } => say::aside("not connected: what is printed may be old")?,
            Event::KickedOffline { reason } | Event::TokenExpired { reason } => {
                return Err(reason.clone().into());
            }
            _ => {}
        }
    }
    Ok(())
}

fn print(one: &UserPresence, json: bool) -> std::io::Result<()> {
    if json {
        say::object(&presence_json(one))
    } else {
        say::line(&presence_line(one, &LocalTimes::system()))
    }
}

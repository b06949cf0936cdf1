//! `anser readers`: who has read a message, and who has not.

use anser_sdk::Client;
use anser_types::{ErrorCode, Refusal, Seq, Target, UserId};
use serde_json::{Value, json};

use crate::alter::Which;
use crate::send::target;
use crate::{group, plain, say, session};

/// Names of each side that are fetched at the most; nobody reads more.
pub const LISTED_MAX: usize = 10_000;
/// Names fetched at a time.
const PAGE: u32 = 500;

/// Who has read a message, and who has not, as far as they let that be known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readers {
    /// They have read it.
    pub read: Vec<UserId>,
    /// They have not.
    pub unread: Vec<UserId>,
    /// How many have; more than are listed, where they are very many.
    pub read_count: usize,
    /// How many have not.
    pub unread_count: usize,
}

impl Readers {
    /// As JSON.
    #[must_use]
    pub fn json(&self, seq: Seq) -> Value {
        let names = |users: &[UserId]| users.iter().map(ToString::to_string).collect::<Vec<_>>();
        json!({
            "seq": seq.0,
            "read": names(&self.read),
            "unread": names(&self.unread),
            "read_count": self.read_count,
            "unread_count": self.unread_count,
        })
    }

    /// A line for each, and how many there are if those are not all.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let line = |user: &UserId, what: &str| plain::one_line(&format!("{user} ({what})"));
        let read = self.read.iter().map(|user| line(user, "read"));
        let unread = self.unread.iter().map(|user| line(user, "not read"));
        let mut lines: Vec<String> = read.chain(unread).collect();
        let (read, unread) = (self.read_count, self.unread_count);
        if lines.len() < read + unread {
            lines.push(format!("{read} read it, {unread} did not; not all are listed"));
        }
        lines
    }
}

/// Asks who has read a message. Of a group the server counts and lists, page by page.
///
/// # Errors
/// What the server says.
pub async fn readers(client: &Client, at: &Target, seq: Seq) -> Result<Readers, anser_sdk::Error> {
    let mut found = Readers::default();
    match at {
        Target::User(peer) => {
            found.read = client.readers(at.clone(), seq).await?;
            if found.read.is_empty() {
                found.unread.push(peer.clone());
            }
            (found.read_count, found.unread_count) = (found.read.len(), found.unread.len());
        }
        Target::Conversation(channel) if group::is_channel(client, *channel).await? => {
            let detail = "in a channel nobody's read position is told";
            return Err(Refusal::because(ErrorCode::InvalidArgument, detail).into());
        }
        Target::Conversation(group) => {
            for unread in [false, true] {
                let mut after = None;
                loop {
                    let page = client.readers_page(*group, seq, unread, after, PAGE).await?;
                    (found.read_count, found.unread_count) = (page.read, page.unread);
                    let side = if unread { &mut found.unread } else { &mut found.read };
                    side.extend(page.users);
                    match page.next {
                        Some(next) if side.len() < LISTED_MAX => after = Some(next),
                        _ => break,
                    }
                }
            }
        }
    }
    Ok(found)
}

/// Runs `anser readers`.
///
/// # Errors
/// What the server says.
pub async fn run(which: Which) -> anyhow::Result<()> {
    let at = target(which.with.as_ref(), which.group)?;
    let seq = Seq(which.seq);
    let found = session::with_client(&which.who, async |client| {
        session::up_to_date(&client, session::seconds(which.timeout)).await?;
        Ok(readers(&client, &at, seq).await.map_err(Refusal::from)?)
    })
    .await?;
    if which.json {
        say::object(&found.json(seq))?;
    } else {
        for line in found.lines() {
            say::line(&line)?;
        }
    }
    Ok(())
}

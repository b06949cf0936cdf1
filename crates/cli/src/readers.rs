//! `anser readers`: who has read a message, and who has not.

use anser_sdk::Client;
use anser_types::{ConversationId, ErrorCode, Refusal, Seq, Target, UserId};
use serde_json::{Value, json};

use crate::alter::Which;
use crate::send::target;
use crate::{plain, say, session};

/// Who of the others has read a message, and who has not, as far as they let that be known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readers {
    /// They have read it.
    pub read: Vec<UserId>,
    /// They have not, or do not tell.
    pub unread: Vec<UserId>,
}

impl Readers {
    /// As JSON.
    #[must_use]
    pub fn json(&self, seq: Seq) -> Value {
        let names = |users: &[UserId]| users.iter().map(ToString::to_string).collect::<Vec<_>>();
        json!({ "seq": seq.0, "read": names(&self.read), "unread": names(&self.unread) })
    }

    /// A line for each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let line = |user: &UserId, what: &str| plain::one_line(&format!("{user} ({what})"));
        let read = self.read.iter().map(|user| line(user, "read"));
        read.chain(self.unread.iter().map(|user| line(user, "not read"))).collect()
    }
}

/// Asks who has read a message. In a group read positions of its present members are asked of the server.
///
/// # Errors
/// What the server says.
pub async fn readers(client: &Client, at: &Target, seq: Seq) -> Result<Readers, anser_sdk::Error> {
    let mut found = Readers::default();
    match at {
        Target::User(peer) => {
            let read = client.readers(at.clone(), seq).await?;
            found = if read.is_empty() {
                Readers { read, unread: vec![peer.clone()] }
            } else {
                Readers { read, unread: Vec::new() }
            };
        }
        Target::Conversation(channel) if is_channel(client, *channel).await? => {
            let detail = "in a channel nobody's read position is told";
            return Err(Refusal::because(ErrorCode::InvalidArgument, detail).into());
        }
        Target::Conversation(group) => {
            for member in client.group_members(*group).await? {
                if member.user == *client.user() {
                    continue;
                }
                let side =
                    if member.read_up_to >= seq { &mut found.read } else { &mut found.unread };
                side.push(member.user);
            }
        }
    }
    found.read.sort();
    found.unread.sort();
    Ok(found)
}

async fn is_channel(client: &Client, id: ConversationId) -> Result<bool, anser_sdk::Error> {
    Ok(client.conversation(id).await?.is_some_and(|row| row.channel))
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

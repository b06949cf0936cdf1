//! `anser group members`: who is in a group, and page by page who is in a channel.

use anser_sdk::{Client, MemberState, SystemClock};
use anser_types::{Clock, UserId};
use clap::Args;

use super::carry_out::Printed;
use super::{One, rows};
use crate::chat::times::LocalTimes;
use crate::people;

/// A group, and which of its members.
#[derive(Args, Clone, Debug)]
pub struct MembersOptions {
    #[command(flatten)]
    pub one: One,
    /// Of a channel: only those after this member, in the server's order
    #[arg(long, value_name = "USER")]
    pub after: Option<UserId>,
    /// Of a channel: at most so many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
}

/// Those with more rights first; of a channel, whose members are many, in the order in which the server gives them.
pub(super) async fn list(
    client: &Client,
    options: MembersOptions,
) -> Result<Vec<Printed>, anser_sdk::Error> {
    let group = options.one.group;
    let members = if super::is_channel(client, group).await? {
        of_channel(client, options).await?
    } else {
        rows::by_rank(client.group_members(group).await?)
    };
    let (now, times) = (SystemClock.now(), LocalTimes::system());
    Ok(members
        .iter()
        .map(|one| (people::member_line(one, now, &times), people::member_json(one, now)))
        .collect())
}

async fn of_channel(
    client: &Client,
    options: MembersOptions,
) -> Result<Vec<MemberState>, anser_sdk::Error> {
    let MembersOptions { one, mut after, limit } = options;
    let mut wanted = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let mut found = Vec::new();
    loop {
        // 0: as many as the server gives at a time.
        let page_limit = u32::try_from(wanted).unwrap_or(0);
        let page = client.channel_members(one.group, after, page_limit).await?;
        let more = page.more && page.members.len() < wanted;
        wanted = wanted.saturating_sub(page.members.len());
        after = page.members.last().map(|member| member.user.clone());
        found.extend(page.members);
        if !more || after.is_none() {
            return Ok(found);
        }
    }
}

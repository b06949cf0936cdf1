//! Who is in a group, for those who are in it: all at once, of a channel page by page.

use anser_backend::Whom;
use anser_types::{
    ConversationId, ErrorCode, Member, Refusal, Seq, UserId, UserNo, Version, limits,
};

use crate::api::{Caller, MemberState, Reply};
use crate::directory::View;
use crate::fanout::route::present;
use crate::lists::settings;
use crate::rules::member_roster;
use crate::service::Service;
use crate::sync::inbox::page_size;

/// Former members passed over in one page of a channel: whoever asks goes on behind them.
const LOOKED_AT_MAX: usize = 10 * limits::PAGE_MAX;

/// What part of a list is asked for.
pub(crate) struct Wanted {
    /// The version the caller has (0: none).
    pub(crate) known: Version,
    /// In a channel: continue after this member.
    pub(crate) after: Option<UserId>,
    /// In a channel: members wanted.
    pub(crate) limit: usize,
}

/// The present members with their read positions.
pub(crate) async fn page(
    service: &Service,
    caller: &Caller,
    conversation: ConversationId,
    wanted: Wanted,
) -> Result<Reply, Refusal> {
    let directory = service.directory();
    let roster = member_roster(directory, caller.user_no, conversation, View::Fresh).await?;
    let version = roster.version();
    if version == wanted.known {
        return Ok(Reply::Members { version, members: None, more: false });
    }
    if roster.conversation.channel().is_some() {
        let (members, more) = of_channel(service, conversation, &wanted).await?;
        // How far each of so many has read is nobody's question.
        let members = Some(members.iter().map(|member| state(member, Seq::ZERO)).collect());
        return Ok(Reply::Members { version, members, more });
    }
    let present: Vec<&Member> = present(&roster).collect();
    let members = member_states(service, caller, conversation, &present).await?;
    Ok(Reply::Members { version, members: Some(members), more: false })
}

/// A page of a channel's present members, and whether there are more.
async fn of_channel(
    service: &Service,
    conversation: ConversationId,
    wanted: &Wanted,
) -> Result<(Vec<Member>, bool), Refusal> {
    let refused = |error| service.store_refusal(&error);
    let mut after = match &wanted.after {
        None => UserNo(0),
        Some(user) => service
            .directory()
            .user(user)
            .await
            .map_err(refused)?
            .ok_or_else(|| Refusal::because(ErrorCode::UserUnknown, user.as_str()))?,
    };
    let limit = page_size(wanted.limit);
    let (mut members, mut looked_at): (Vec<Member>, usize) = (Vec::new(), 0);
    loop {
        let whom = Whom::After { after, limit: limit + 1 };
        let page = service.conversations().members(conversation, whom).await.map_err(refused)?;
        let Some(last) = page.last() else { return Ok((members, false)) };
        after = last.user_no;
        looked_at += page.len();
        for member in page.into_iter().filter(Member::is_present) {
            if members.len() == limit {
                return Ok((members, true));
            }
            members.push(member);
        }
        // Many have left: a short page, which the caller goes on behind.
        if looked_at > LOOKED_AT_MAX && !members.is_empty() {
            return Ok((members, true));
        }
    }
}

/// Members with their read positions, as far as each of them lets the caller see.
pub(crate) async fn member_states(
    service: &Service,
    caller: &Caller,
    conversation: ConversationId,
    members: &[&Member],
) -> Result<Vec<MemberState>, Refusal> {
    let users: Vec<UserNo> = members.iter().map(|member| member.user_no).collect();
    let positions = service
        .conversations()
        .positions(conversation, &users)
        .await
        .map_err(|error| service.store_refusal(&error))?;
    let mut states = Vec::with_capacity(members.len());
    for (member, position) in members.iter().zip(positions) {
        let own = member.user_no == caller.user_no;
        let shown = own || settings::shows_read(service, member.user_no, &member.user).await?;
        states.push(state(member, if shown { position.read } else { Seq::ZERO }));
    }
    Ok(states)
}

fn state(member: &Member, read: Seq) -> MemberState {
    MemberState {
        user: member.user.clone(),
        role: member.role,
        read,
        alias: member.alias.clone(),
        muted_until: member.muted_until,
    }
}

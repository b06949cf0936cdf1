//! Who has read a message of a group, and who has not: counted, and listed page by page.

use anser_types::{
    ConversationId, ConversationKind, ErrorCode, Member, Refusal, Seq, UserId, UserNo,
};

use crate::api::{Caller, Reply};
use crate::directory::View;
use crate::fanout::route::present;
use crate::history;
use crate::lists::settings;
use crate::rules::member_roster;
use crate::service::Service;
use crate::sync::inbox::page_size;
use crate::visible;

/// Members looked at before others get a turn: a large group must not hold a thread.
const STEP: usize = 256;

/// What somebody wants to know.
pub(crate) struct Asked {
    pub(crate) conversation: ConversationId,
    pub(crate) seq: Seq,
    pub(crate) unread: bool,
    pub(crate) after: Option<UserId>,
    pub(crate) limit: usize,
}

/// Counted are present members other than the sender who may see the message and let others see how far they have read.
pub(crate) async fn page(
    service: &Service,
    caller: &Caller,
    asked: Asked,
) -> Result<Reply, Refusal> {
    let refused = |error| service.store_refusal(&error);
    let directory = service.directory();
    let roster = member_roster(directory, caller.user_no, asked.conversation, View::Fresh).await?;
    let detail = match &roster.conversation.kind {
        ConversationKind::Direct { .. } => {
            Some("between two people, ask for the receipts of the conversation")
        }
        ConversationKind::Group(group) if group.channel.is_some() => {
            Some("a channel keeps no list of its readers")
        }
        ConversationKind::Group(_) => None,
    };
    if let Some(detail) = detail {
        return Err(Refusal::because(ErrorCode::InvalidArgument, detail));
    }
    let heads = service.conversations().heads(asked.conversation).await.map_err(refused)?;
    let me = roster.member(caller.user_no);
    if !me.is_some_and(|me| visible::message(me, heads, asked.seq)) {
        return Err(Refusal::new(ErrorCode::TargetMissing));
    }
    let message = history::message_at(service.conversations(), asked.conversation, asked.seq);
    let message = message.await.map_err(refused)?;
    let sender = message.as_ref().map(|message| &message.sender);
    let concerned = present(&roster)
        .filter(|member| member.sees_message(asked.seq) && Some(&member.user) != sender);
    let concerned: Vec<&Member> = concerned.collect();
    let (mut read, mut unread) = (Vec::new(), Vec::new());
    for members in concerned.chunks(STEP) {
        let users: Vec<UserNo> = members.iter().map(|member| member.user_no).collect();
        let positions =
            service.conversations().positions(asked.conversation, &users).await.map_err(refused)?;
        for (member, position) in members.iter().zip(positions) {
            let own = member.user_no == caller.user_no;
            if !own && !settings::shows_read(service, member.user_no, &member.user).await? {
                continue;
            }
            let side = if position.read >= asked.seq { &mut read } else { &mut unread };
            side.push(&member.user);
        }
        tokio::task::yield_now().await;
    }
    let (counted_read, counted_unread) = (read.len(), unread.len());
    let mut listed = if asked.unread { unread } else { read };
    // By id, so that a page goes on at the same place whoever comes, leaves or reads meanwhile.
    listed.sort_unstable();
    let from = asked.after.map_or(0, |after| listed.partition_point(|user| **user <= after));
    let rest = listed.split_off(from);
    let limit = page_size(asked.limit);
    let users: Vec<UserId> = rest.iter().take(limit).map(|user| UserId::clone(user)).collect();
    let next = if rest.len() > limit { users.last().cloned() } else { None };
    Ok(Reply::Readers { read: counted_read, unread: counted_unread, users, next })
}

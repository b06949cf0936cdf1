//! The shape every change of a group has: the row with its next version, the membership writes, the change record,
//! and one inbox entry for each user it concerns.

use std::sync::Arc;

use anser_backend::{InboxEntry, InboxWrite, MemberWrite, Record, Roster};
use anser_types::{
    ChangeKind, Conversation, ConversationId, ConversationKind, ErrorCode, Refusal, UserId, UserNo,
    limits,
};

use crate::directory::View;
use crate::fanout::route::{Route, present};
use crate::messages::request::Actor;
use crate::rules::{No, Plan, member_roster};
use crate::service::Service;

/// A group the actor is in.
pub(crate) struct Group {
    pub(crate) roster: Arc<Roster>,
    pub(crate) title: String,
    pub(crate) history_for_new_members: bool,
}

impl Group {
    /// The group, if it is one and the actor is in it.
    pub(crate) async fn of(
        service: &Service,
        actor: &Actor,
        id: ConversationId,
        view: View,
    ) -> Result<Self, No> {
        let roster = member_roster(service.directory(), actor, id, view).await?;
        match &roster.conversation.kind {
            ConversationKind::Group { title, history_for_new_members } => Ok(Self {
                title: title.clone(),
                history_for_new_members: *history_for_new_members,
                roster: Arc::clone(&roster),
            }),
            ConversationKind::Direct { .. } => {
                let detail = "a direct conversation keeps its two members";
                Err(No::here(&roster, Refusal::because(ErrorCode::NotAllowed, detail)))
            }
        }
    }

    /// Everybody in it now.
    pub(crate) fn present(&self) -> Vec<(UserNo, UserId)> {
        present(&self.roster).map(|member| (member.user_no, member.user.clone())).collect()
    }

    /// A "no" decided on the group as it is.
    pub(crate) fn refuse(&self, code: ErrorCode, detail: impl Into<String>) -> No {
        No::here(&self.roster, Refusal::because(code, detail))
    }

    /// The append of one change.
    pub(crate) fn change(
        self,
        actor: &Actor,
        writes: Vec<MemberWrite>,
        kind: ChangeKind,
        audience: Vec<(UserNo, UserId)>,
    ) -> Plan {
        let before = &self.roster.conversation;
        let row = Conversation { version: before.version.next(), ..before.clone() };
        let expects = vec![(before.id, before.version)];
        Plan { expects, ..plan(row, writes, kind, actor, audience) }
    }
}

/// Row, members, change and inbox entries, in this order. Expects nothing yet.
pub(crate) fn plan(
    row: Conversation,
    writes: Vec<MemberWrite>,
    kind: ChangeKind,
    actor: &Actor,
    audience: Vec<(UserNo, UserId)>,
) -> Plan {
    let conversation = row.id;
    let mut records = Vec::with_capacity(writes.len() + 2);
    records.push(Record::Conversation(row));
    records.extend(writes.into_iter().map(|write| Record::Member { conversation, write }));
    let record = records.len();
    records.push(Record::Change { conversation, actor: actor.id.clone(), kind: kind.clone() });
    let inbox = audience
        .iter()
        .map(|(user, _)| InboxWrite { user: *user, entry: InboxEntry::Record(record) })
        .collect();
    Plan {
        expects: Vec::new(),
        records,
        inbox,
        route: Route::Change { conversation, actor: actor.id.clone(), kind, audience },
    }
}

/// Resolves the users named by a command, each once, without the actor.
pub(crate) async fn named(
    service: &Service,
    actor: &Actor,
    users: &[UserId],
) -> Result<Vec<(UserNo, UserId)>, No> {
    check_count(users)?;
    let mut found: Vec<(UserNo, UserId)> = Vec::with_capacity(users.len());
    for user in users {
        if *user == actor.id || found.iter().any(|(_, known)| known == user) {
            continue;
        }
        match service.directory().user(user).await? {
            Some(no) => found.push((no, user.clone())),
            None => return Err(No::because(ErrorCode::UserUnknown, user.as_str())),
        }
    }
    Ok(found)
}

/// One command names a bounded number of users.
pub(crate) fn check_count(users: &[UserId]) -> Result<(), No> {
    if users.len() > limits::MEMBERS_PER_COMMAND {
        let detail = format!("at most {} users at once", limits::MEMBERS_PER_COMMAND);
        return Err(No::because(ErrorCode::InvalidArgument, detail));
    }
    Ok(())
}

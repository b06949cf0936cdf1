//! What every change of a group begins with: the group as the actor finds it, and the users a command names.

use std::sync::Arc;

use anser_backend::{MemberWrite, Roster};
use anser_types::{
    ChangeKind, Conversation, ConversationId, ConversationKind, ErrorCode, Group, Member, Refusal,
    Role, UserId, UserNo, limits,
};

use crate::directory::View;
use crate::fanout::route::{audience, present};
use crate::groups::channel;
use crate::messages::request::Actor;
use crate::rules::{Draft, No, member_roster};
use crate::service::Service;

/// A group the actor is in.
pub(crate) struct Found {
    pub(crate) roster: Arc<Roster>,
    /// The group's own state.
    pub(crate) group: Group,
    /// The actor's rights.
    pub(crate) role: Role,
}

impl Found {
    /// The group, if it is one and the actor is in it. Of a channel the memberships of these users are found besides.
    pub(crate) async fn by(
        service: &Service,
        actor: &Actor,
        id: ConversationId,
        concerned: &[UserId],
        view: View,
    ) -> Result<Self, No> {
        let directory = service.directory();
        let mut roster = member_roster(directory, actor.no, id, view).await?;
        if roster.conversation.channel().is_some() {
            let mut numbers = Vec::with_capacity(concerned.len());
            for user in concerned {
                numbers.extend(directory.user(user).await?);
            }
            roster = directory.with(roster, &numbers).await?;
        }
        let Some(group) = roster.conversation.group().cloned() else {
            let detail = "a direct conversation keeps its two members";
            return Err(No::here(&roster, Refusal::because(ErrorCode::NotAllowed, detail)));
        };
        let role = roster.member(actor.no).map_or(Role::Member, |member| member.role);
        Ok(Self { roster, group, role })
    }

    /// Everybody in it now.
    pub(crate) fn present(&self) -> Vec<(UserNo, UserId)> {
        audience(&self.roster)
    }

    /// Owner and admins.
    pub(crate) fn admins(&self) -> Vec<(UserNo, UserId)> {
        channel::admins(&self.roster, &self.group)
    }

    /// A present member by name.
    pub(crate) fn member(&self, user: &UserId) -> Result<&Member, No> {
        let found = present(&self.roster).find(|member| member.user == *user);
        found.ok_or_else(|| self.refuse(ErrorCode::UserUnknown, format!("{user} is not in it")))
    }

    /// A "no" decided on the group as it is.
    pub(crate) fn refuse(&self, code: ErrorCode, detail: impl Into<String>) -> No {
        No::here(&self.roster, Refusal::because(code, detail))
    }

    /// Refuses those without at least these rights.
    pub(crate) fn demand(&self, role: Role, what: &str) -> Result<(), No> {
        if self.role >= role {
            return Ok(());
        }
        let who = if role == Role::Owner { "only the owner" } else { "only the owner and admins" };
        Err(self.refuse(ErrorCode::NotAllowed, format!("{who} may {what}")))
    }

    /// The beginning of a change: the row with the next version and this state of the group.
    pub(crate) fn draft_with(&self, actor: &Actor, group: Group) -> Draft {
        let mut draft = Draft::by(actor);
        next_row(&mut draft, &self.roster, group);
        draft
    }

    /// Its id.
    pub(crate) fn id(&self) -> ConversationId {
        self.roster.conversation.id
    }

    /// A change that everybody in it hears of: by their inboxes, or in a channel by its log; those whom it concerns by
    /// their inboxes anyhow.
    pub(crate) fn tell_all(
        &self,
        draft: &mut Draft,
        kind: ChangeKind,
        concerned: Vec<(UserNo, UserId)>,
    ) {
        match self.group.channel {
            Some(_) => draft.channel_change(self.id(), kind, concerned),
            None => draft.change(self.id(), kind, self.present()),
        }
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

/// The row with the next version and this state of the group.
pub(crate) fn next_row(draft: &mut Draft, roster: &Roster, group: Group) {
    let before = &roster.conversation;
    draft.expect(before.id, before.version);
    draft.row(Conversation {
        kind: ConversationKind::Group(group),
        version: before.version.next(),
        ..before.clone()
    });
}

/// New memberships, told to everybody in the group and to the newcomers. The row counts them already.
pub(crate) fn let_in(
    draft: &mut Draft,
    roster: &Roster,
    group: &Group,
    newcomers: Vec<(UserNo, UserId)>,
) {
    let id = roster.conversation.id;
    for (user_no, user) in &newcomers {
        let sees_history = group.history_for_new_members;
        let (user_no, user, role) = (*user_no, user.clone(), Role::Member);
        draft.member(id, MemberWrite::Join { user_no, user, role, sees_history });
    }
    let users = newcomers.iter().map(|(_, user)| user.clone()).collect();
    let (title, channel) = (group.title.clone(), group.channel.is_some());
    let kind = ChangeKind::MembersJoined { title, users, channel };
    if group.channel.is_some() {
        return draft.channel_change(id, kind, newcomers);
    }
    let mut audience = audience(roster);
    audience.extend(newcomers);
    draft.change(id, kind, audience);
}

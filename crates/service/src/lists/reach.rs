//! Whether somebody may begin to talk to a user, or bring them into a group: the user's own rule, and whom they block.

use anser_types::{
    Audience, ConversationId, ErrorCode, Refusal, Relation, UserId, UserNo, Version,
};

use crate::lists::own::Own;
use crate::messages::request::Actor;
use crate::rules::No;
use crate::service::Service;

/// What was decided, and on which version of the other one's lists.
pub(crate) struct Reach {
    pub(crate) allowed: bool,
    pub(crate) expects: (ConversationId, Version),
}

/// Looks at the other one's lists. Who is blocked and who is a stranger to somebody who wants none get the same answer.
pub(crate) async fn check(
    service: &Service,
    actor: &Actor,
    no: UserNo,
    user: &UserId,
) -> Result<Reach, No> {
    let theirs = Own::of(service, no, user).await?;
    let contact = theirs.contact(&actor.id).await?;
    let blocked = contact.as_ref().is_some_and(|contact| contact.blocked);
    let known = contact.is_some_and(|contact| contact.relation == Relation::Contact);
    let open = match theirs.settings().await?.write_first {
        Audience::Everybody => true,
        Audience::Contacts => known,
        Audience::Nobody => false,
    };
    // Where an app keeps the relations it also decides who talks to whom.
    let open = open || service.settings().relations_by_app;
    Ok(Reach { allowed: open && !blocked, expects: theirs.expects() })
}

/// Whether all of these may be brought into a group: what that was decided on, or the refusal of the first who may not.
pub(crate) async fn all(
    service: &Service,
    actor: &Actor,
    users: &[(UserNo, UserId)],
) -> Result<Vec<(ConversationId, Version)>, No> {
    let mut decided_on = Vec::with_capacity(users.len());
    for (no, user) in users {
        decided_on.push(check(service, actor, *no, user).await?.ok_or_refuse(user)?);
    }
    Ok(decided_on)
}

impl Reach {
    /// What the "yes" was decided on, or the one refusal for all reasons.
    pub(crate) fn ok_or_refuse(self, user: &UserId) -> Result<(ConversationId, Version), No> {
        if self.allowed {
            Ok(self.expects)
        } else {
            Err(No::Final(refused(user), vec![self.expects]))
        }
    }
}

/// They take nothing from the one who asks; why is nobody's business.
pub(crate) fn refused(user: &UserId) -> Refusal {
    Refusal::because(ErrorCode::SenderRefused, user.as_str())
}

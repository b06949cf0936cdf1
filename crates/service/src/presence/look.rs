//! What somebody may see of another user's presence, and what there is to see.

use anser_types::{Audience, ErrorCode, Refusal, Relation, UnixMs, UserId, UserNo};

use crate::api::{Caller, Presence, Reply, UserPresence};
use crate::directory::View;
use crate::lists::own::Own;
use crate::rules::No;
use crate::service::Service;

/// Whether a user lets another one see when they are and were here: by their setting, and not where one of the two
/// blocks the other. Oneself always.
pub(crate) async fn sees(
    service: &Service,
    theirs: &Own<'_>,
    audience: Audience,
    user: &UserId,
    watcher: &(UserNo, UserId),
) -> Result<bool, No> {
    let (no, id) = watcher;
    if id == user {
        return Ok(true);
    }
    let contact = theirs.contact(id).await?;
    if contact.as_ref().is_some_and(|contact| contact.blocked) {
        return Ok(false);
    }
    let open = match audience {
        Audience::Everybody => true,
        Audience::Contacts => contact.is_some_and(|contact| contact.relation == Relation::Contact),
        Audience::Nobody => false,
    };
    if !open {
        return Ok(false);
    }
    // Whom one blocks one does not follow either: typing and receipts stop both ways as well.
    let own = Own::seen(service, *no, id, View::Cached).await?;
    Ok(!own.contact(user).await?.is_some_and(|contact| contact.blocked))
}

/// How somebody who is not here is shown: when their last device was connected, if that was ever noted.
pub(crate) async fn gone(service: &Service, user: UserNo) -> Result<Presence, No> {
    let seen = service.accounts().last_seen(user).await?;
    let last = seen.into_iter().map(|(_, at)| at).max().unwrap_or(UnixMs(0));
    // A clock that was ahead once must not show somebody in the future.
    Ok(Presence::Offline { last_seen: last.min(service.clock().now()) })
}

/// How these users are now, in the order asked. Who may not be seen and who does not exist are `Unknown`.
pub(crate) async fn query(
    service: &Service,
    caller: &Caller,
    of: Vec<UserId>,
) -> Result<Reply, Refusal> {
    let most = service.settings().presence_per_session;
    if of.len() > most {
        let detail = format!("{} users in one query, the limit is {most}", of.len());
        return Err(Refusal::because(ErrorCode::InvalidArgument, detail));
    }
    let me = (caller.user_no, caller.user.clone());
    let mut found = Vec::with_capacity(of.len());
    for user in of {
        let presence = of_one(service, &me, &user).await?;
        found.push(UserPresence { user, presence });
    }
    Ok(Reply::Presence(found))
}

async fn of_one(
    service: &Service,
    me: &(UserNo, UserId),
    user: &UserId,
) -> Result<Presence, Refusal> {
    let found = service.directory().user(user).await;
    let Some(no) = found.map_err(|error| service.store_refusal(&error))? else {
        return Ok(Presence::Unknown);
    };
    let theirs = Own::seen(service, no, user, View::Cached).await?;
    let audience = theirs.settings().await?.last_seen;
    if !sees(service, &theirs, audience, user, me).await? {
        return Ok(Presence::Unknown);
    }
    if service.board().is_here(no) {
        return Ok(Presence::Online);
    }
    Ok(gone(service, no).await?)
}

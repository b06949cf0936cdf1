//! Make a group, with oneself as its owner.

use anser_backend::MemberWrite;
use anser_types::{
    ChangeKind, Conversation, ConversationId, ConversationKind, ErrorCode, Group, Role, UserId,
    Version,
};

use crate::groups::change;
use crate::groups::update::check_title;
use crate::lists;
use crate::messages::request::Actor;
use crate::rules::{Draft, No, Plan};
use crate::service::Service;

/// A new group with a fresh id.
pub(crate) async fn plan(
    service: &Service,
    actor: &Actor,
    title: &str,
    members: &[UserId],
    history_for_new_members: bool,
) -> Result<Plan, No> {
    check_title(title)?;
    let mut audience = vec![(actor.no, actor.id.clone())];
    audience.extend(change::named(service, actor, members).await?);
    let limit = service.settings().group_members;
    if audience.len() > limit {
        let detail = format!("{} of at most {limit} members", audience.len());
        return Err(No::because(ErrorCode::GroupFull, detail));
    }
    let decided_on = lists::reach::all(service, actor, &audience[1..]).await?;
    let id = fresh_id(service);
    let group = Group { title: title.to_owned(), history_for_new_members, ..Group::default() };
    let mut draft = Draft::by(actor);
    draft.expect(id, Version::ZERO);
    // Who blocks in this instant is not brought in all the same.
    decided_on.into_iter().for_each(|(id, version)| draft.expect(id, version));
    let kind = ConversationKind::Group(group);
    draft.row(Conversation::first(id, kind, service.clock().now()));
    for (user_no, user) in &audience {
        let role = if *user_no == actor.no { Role::Owner } else { Role::Member };
        let (user_no, user, sees_history) = (*user_no, user.clone(), history_for_new_members);
        draft.member(id, MemberWrite::Join { user_no, user, role, sees_history });
    }
    let members = audience.iter().map(|(_, user)| user.clone()).collect();
    let kind = ChangeKind::GroupCreated { title: title.to_owned(), members };
    draft.change(id, kind, audience);
    Ok(draft.plan())
}

/// A UUIDv7 from the service's clock and entropy, with the kind bit set.
fn fresh_id(service: &Service) -> ConversationId {
    let mut random = [0; 10];
    service.entropy().fill(&mut random);
    let uuid =
        uuid::Builder::from_unix_timestamp_millis(service.clock().now().0, &random).into_uuid();
    ConversationId::group(uuid.into_bytes())
}

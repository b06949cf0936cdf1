//! Make a group, with oneself as its owner.

use anser_backend::MemberWrite;
use anser_types::{
    ChangeKind, Conversation, ConversationId, ConversationKind, ErrorCode, Role, UserId, Version,
    limits,
};

use crate::groups::change;
use crate::messages::request::Actor;
use crate::rules::{No, Plan};
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
    let now = service.clock().now();
    let row = Conversation {
        id: fresh_id(service),
        kind: ConversationKind::Group { title: title.to_owned(), history_for_new_members },
        version: Version(1),
        created_at: now,
        cuts: Vec::new(),
        pinned: Vec::new(),
    };
    let writes = audience
        .iter()
        .map(|(user_no, user)| MemberWrite::Join {
            user_no: *user_no,
            user: user.clone(),
            role: if *user_no == actor.no { Role::Owner } else { Role::Member },
            sees_history: history_for_new_members,
        })
        .collect();
    let kind = ChangeKind::GroupCreated {
        title: title.to_owned(),
        members: audience.iter().map(|(_, user)| user.clone()).collect(),
    };
    let expects = vec![(row.id, Version::ZERO)];
    Ok(Plan { expects, ..change::plan(row, writes, kind, actor, audience) })
}

fn check_title(title: &str) -> Result<(), No> {
    let bad = if title.trim().is_empty() {
        "a group needs a title".to_owned()
    } else if title.len() > limits::TITLE_MAX_BYTES {
        format!("a title has at most {} bytes", limits::TITLE_MAX_BYTES)
    } else if title.chars().any(char::is_control) {
        "a title may not contain control characters".to_owned()
    } else {
        return Ok(());
    };
    Err(No::because(ErrorCode::InvalidArgument, bad))
}

/// A UUIDv7 from the service's clock and entropy, with the kind bit set.
fn fresh_id(service: &Service) -> ConversationId {
    let mut random = [0; 10];
    service.entropy().fill(&mut random);
    let uuid =
        uuid::Builder::from_unix_timestamp_millis(service.clock().now().0, &random).into_uuid();
    ConversationId::group(uuid.into_bytes())
}

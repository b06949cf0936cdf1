//! Pages of items: one's own lists, and for owner and admins the requests to join their group.

use anser_backend::PageLimit;
use anser_types::{
    ConversationId, ErrorCode, Item, ItemKey, ItemKind, Member, Refusal, Role, limits,
};

use crate::api::{Caller, Reply};
use crate::directory::View;
use crate::service::Service;
use crate::sync::inbox::page_size;

/// Items by key, each as its last change.
pub(crate) async fn items(
    service: &Service,
    caller: &Caller,
    of: Option<ConversationId>,
    prefix: ItemKey,
    after: ItemKey,
    limit: usize,
) -> Result<Reply, Refusal> {
    if prefix.0.len().max(after.0.len()) > ItemKey::MAX_BYTES {
        let detail = format!("an item's key has at most {} bytes", ItemKey::MAX_BYTES);
        return Err(Refusal::because(ErrorCode::InvalidArgument, detail));
    }
    let own = ConversationId::own(&caller.user);
    let id = of.unwrap_or(own);
    if id != own {
        check_group(service, caller, id, &prefix).await?;
    }
    let refused = |error| service.store_refusal(&error);
    // The head first: no item of the page can be missing below it.
    let change_head = service.conversations().heads(id).await.map_err(refused)?.change_no;
    let room = PageLimit { entries: page_size(limit), bytes: limits::PAGE_MAX_BYTES };
    let items = service.lists().items(id, prefix.clone(), after, room).await.map_err(refused)?;
    let last = items.last().and_then(|change| change.item()).map(Item::key);
    let one = PageLimit { entries: 1, bytes: limits::PAGE_MAX_BYTES };
    let next = match last {
        Some(last) => {
            let more =
                service.lists().items(id, prefix, last.clone(), one).await.map_err(refused)?;
            (!more.is_empty()).then_some(last)
        }
        None => None,
    };
    Ok(Reply::Items { items, next, change_head })
}

async fn check_group(
    service: &Service,
    caller: &Caller,
    id: ConversationId,
    prefix: &ItemKey,
) -> Result<(), Refusal> {
    let roster = service
        .directory()
        .roster(id, &[caller.user_no], View::Fresh)
        .await
        .map_err(|error| service.store_refusal(&error))?;
    let role = roster
        .as_ref()
        .and_then(|roster| roster.member(caller.user_no))
        .filter(|member| Member::is_present(member))
        .map(|member| member.role);
    match role {
        None => Err(Refusal::new(ErrorCode::ConversationUnknown)),
        Some(role) if role < Role::Admin => {
            let detail = "only the owner and admins see who asks to join";
            Err(Refusal::because(ErrorCode::NotAllowed, detail))
        }
        Some(_) if !prefix.0.starts_with(&[ItemKind::JoinRequest as u8]) => {
            let detail = "a group's lists hold requests to join only";
            Err(Refusal::because(ErrorCode::InvalidArgument, detail))
        }
        Some(_) => Ok(()),
    }
}

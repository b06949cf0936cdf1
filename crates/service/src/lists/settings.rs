//! Change what one lets others do and see.

use anser_types::{ChangeKind, ConversationId, Item, ItemKey, Refusal, SetSettings, UserId};

use crate::directory::View;
use crate::lists::own::Own;
use crate::messages::request::Actor;
use crate::rules::{Draft, No, Plan};
use crate::service::Service;

/// Whether a user lets others see how far they have read. Costs one look at memory for those who have no lists.
pub(crate) async fn shows_read(service: &Service, user: &UserId) -> Result<bool, Refusal> {
    let refused = |error| service.store_refusal(&error);
    let own = ConversationId::own(user);
    if service.directory().roster(own, View::Cached).await.map_err(refused)?.is_none() {
        return Ok(true);
    }
    let found = service.lists().item(own, ItemKey::settings()).await.map_err(refused)?;
    Ok(match found.map(|change| change.kind.clone()) {
        Some(ChangeKind::Item(Item::Settings(settings))) => settings.show_read,
        _ => true,
    })
}

/// The settings with what is new.
pub(crate) async fn plan(service: &Service, actor: &Actor, set: SetSettings) -> Result<Plan, No> {
    let own = Own::of(service, actor.no, &actor.id).await?;
    let before = own.settings().await?;
    let settings = before.with(set);
    if settings == before {
        return Ok(Plan::nothing());
    }
    let mut draft = Draft::by(actor);
    own.change(&mut draft, Item::Settings(settings));
    Ok(draft.plan())
}

//! Change what one lets others do and see.

use anser_types::{Item, SetSettings, UserId, UserNo};

use crate::directory::View;
use crate::lists::own::Own;
use crate::messages::request::Actor;
use crate::rules::{Draft, No, Plan};
use crate::service::Service;

/// Whether a user lets others see how far they have read. For those who have no lists this is one look whether there are
/// any.
pub(crate) async fn shows_read(service: &Service, no: UserNo, user: &UserId) -> Result<bool, No> {
    let own = Own::seen(service, no, user, View::Cached).await?;
    Ok(own.settings().await?.show_read)
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

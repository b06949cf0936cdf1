//! Change what one lets others do and see.

use anser_types::{Item, SetSettings};

use crate::lists::own::Own;
use crate::messages::request::Actor;
use crate::rules::{Draft, No, Plan};
use crate::service::Service;

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

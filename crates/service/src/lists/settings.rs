//! Change what one lets others do and see.

use anser_types::{Item, SetSettings, UserId, UserNo};

use crate::directory::View;
use crate::lists::own::Own;
use crate::messages::request::Actor;
use crate::rules::{Draft, No, Plan};
use crate::service::Service;

/// Whether a user lets others see how far they have read; from memory, if it was asked before.
pub(crate) async fn shows_read(service: &Service, no: UserNo, user: &UserId) -> Result<bool, No> {
    let cache = service.directory().shows_read();
    let changes = match cache.get(no) {
        Ok(shows) => return Ok(shows),
        Err(changes) => changes,
    };
    let own = Own::seen(service, no, user, View::Cached).await?;
    let shows = own.settings().await?.show_read;
    cache.put(no, shows, changes);
    Ok(shows)
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

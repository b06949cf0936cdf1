//! Dissolve a group: everybody's membership ends with the change that says so, and nobody comes back.

use anser_backend::MemberWrite;
use anser_types::{ChangeKind, ConversationId, Group, Role};

use crate::directory::View;
use crate::groups::change::Found;
use crate::messages::request::Actor;
use crate::rules::{No, Plan};
use crate::service::Service;

/// The end of every period; what was said stays readable for those who were there.
pub(crate) async fn plan(
    service: &Service,
    actor: &Actor,
    id: ConversationId,
    view: View,
) -> Result<Plan, No> {
    let found = Found::by(service, actor, id, &[], view).await?;
    found.demand(Role::Owner, "dissolve the group")?;
    let group = Group { dismissed: true, ..found.group.clone() };
    let mut draft = found.draft_with(actor, group);
    // Of a channel the row says it for everybody.
    if found.group.channel.is_none() {
        for (user_no, _) in found.present() {
            draft.member(id, MemberWrite::End { user_no });
        }
    }
    found.tell_all(&mut draft, ChangeKind::GroupDismissed, Vec::new());
    Ok(draft.plan())
}

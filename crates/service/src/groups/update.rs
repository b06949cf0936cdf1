//! Change what a group is: name, picture, announcement, who comes in, who may speak. Owner and admins may.

use anser_types::{ChangeKind, ConversationId, ErrorCode, Group, Role, SetGroup, limits};

use crate::directory::View;
use crate::groups::change::Found;
use crate::groups::channel;
use crate::messages::request::Actor;
use crate::rules::{No, Plan, check_line};
use crate::service::Service;

/// The row with what is new; what is so already is no part of the change.
pub(crate) async fn plan(
    service: &Service,
    actor: &Actor,
    id: ConversationId,
    set: &SetGroup,
    view: View,
) -> Result<Plan, No> {
    check(set)?;
    let found = Found::by(service, actor, id, &[], view).await?;
    found.demand(Role::Admin, "change the group")?;
    let set = news(&found.group, set);
    if set == SetGroup::default() {
        return Ok(Plan::nothing());
    }
    let mut group = found.group.clone().with(&set);
    if set.channel {
        // There is no way back, so it is the owner's to decide.
        found.demand(Role::Owner, "make the group a channel")?;
        group.channel = Some(channel::of(&found)?);
    }
    let mut draft = found.draft_with(actor, group);
    // The last that comes by everybody's inbox: it says where the channel begins for them.
    found.tell_all(&mut draft, ChangeKind::GroupUpdated(set), Vec::new());
    Ok(draft.plan())
}

/// A group's name.
pub(crate) fn check_title(title: &str) -> Result<(), No> {
    if title.trim().is_empty() {
        return Err(No::because(ErrorCode::InvalidArgument, "a group needs a title"));
    }
    check_line("a title", title, limits::TITLE_MAX_BYTES)
}

fn check(set: &SetGroup) -> Result<(), No> {
    if let Some(title) = &set.title {
        check_title(title)?;
    }
    if let Some(avatar) = &set.avatar {
        check_line("an avatar", avatar, limits::AVATAR_MAX_BYTES)?;
    }
    match &set.announcement {
        Some(text) if text.len() > limits::ANNOUNCEMENT_MAX_BYTES => {
            let detail =
                format!("an announcement has at most {} bytes", limits::ANNOUNCEMENT_MAX_BYTES);
            Err(No::because(ErrorCode::InvalidArgument, detail))
        }
        _ => Ok(()),
    }
}

/// What of it is not so already.
fn news(group: &Group, set: &SetGroup) -> SetGroup {
    fn other<T: PartialEq + Clone>(set: &Option<T>, is: &T) -> Option<T> {
        set.clone().filter(|set| set != is)
    }
    SetGroup {
        title: other(&set.title, &group.title),
        avatar: other(&set.avatar, &group.avatar),
        announcement: other(&set.announcement, &group.announcement),
        history_for_new_members: other(
            &set.history_for_new_members,
            &group.history_for_new_members,
        ),
        join: other(&set.join, &group.join),
        admins_invite: other(&set.admins_invite, &group.admins_invite),
        muted: other(&set.muted, &group.muted),
        channel: set.channel && group.channel.is_none(),
    }
}

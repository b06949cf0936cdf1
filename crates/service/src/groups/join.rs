//! Come into a group without being invited: walk in where it is open, else ask; and the answer to who asked.

use std::ops::ControlFlow;

use anser_backend::Roster;
use anser_types::{
    ChangeKind, ConversationId, ErrorCode, Group, Item, ItemKey, ItemKind, JoinMode, JoinRequest,
    JoinState, Member, Refusal, Role, UserId, UserNo, Version, limits,
};

use crate::directory::View;
use crate::groups::change::{Found, let_in, next_row};
use crate::groups::channel;
use crate::groups::invite::check_room;
use crate::lists::pages::each_item;
use crate::messages::request::Actor;
use crate::rules::{Draft, No, Plan, check_line};
use crate::service::Service;

/// A new period of membership, or a request that owner and admins hear of.
pub(crate) async fn plan(
    service: &Service,
    actor: &Actor,
    id: ConversationId,
    greeting: &str,
    view: View,
) -> Result<Plan, No> {
    check_line("a greeting", greeting, limits::GREETING_MAX_BYTES)?;
    let unknown = || Refusal::new(ErrorCode::ConversationUnknown);
    let Some(roster) = service.directory().roster(id, &[actor.no], view).await? else {
        return Err(No::Final(unknown(), vec![(id, Version::ZERO)]));
    };
    let Some(group) = roster.conversation.group().cloned().filter(|group| !group.dismissed) else {
        return Err(No::here(&roster, unknown()));
    };
    if roster.member(actor.no).is_some_and(Member::is_present) {
        return Ok(Plan::nothing());
    }
    match group.join {
        JoinMode::Invited => {
            let detail = "this group takes in only who is invited";
            Err(No::here(&roster, Refusal::because(ErrorCode::NotAllowed, detail)))
        }
        JoinMode::Open => {
            let newcomer = (actor.no, actor.id.clone());
            let mut draft = Draft::by(actor);
            next_row(&mut draft, &roster, channel::recounted(&group, 1, &[]));
            take_in(service, &roster, &group, &mut draft, newcomer)?;
            Ok(draft.plan())
        }
        JoinMode::Approval => ask(service, actor, &roster, &group, greeting).await,
    }
}

/// The newcomer's period, told to everybody and to them.
fn take_in(
    service: &Service,
    roster: &Roster,
    group: &Group,
    draft: &mut Draft,
    newcomer: (UserNo, UserId),
) -> Result<(), No> {
    check_room(service, roster, group, 1)?;
    let_in(draft, roster, group, vec![newcomer]);
    Ok(())
}

async fn ask(
    service: &Service,
    actor: &Actor,
    roster: &Roster,
    group: &Group,
    greeting: &str,
) -> Result<Plan, No> {
    let id = roster.conversation.id;
    let request = JoinRequest {
        user: actor.id.clone(),
        greeting: greeting.to_owned(),
        state: JoinState::Waiting,
    };
    let before = request_of(service, id, &actor.id).await?;
    if before.as_ref() == Some(&request) {
        return Ok(Plan::nothing());
    }
    let waits_already = before.is_some_and(|before| before.state == JoinState::Waiting);
    if !waits_already && waiting(service, id).await? >= limits::JOIN_REQUESTS_MAX {
        let detail = format!("{} requests wait already", limits::JOIN_REQUESTS_MAX);
        return Err(No::here(roster, Refusal::because(ErrorCode::LimitReached, detail)));
    }
    let mut draft = Draft::by(actor);
    draft.next_version(&roster.conversation);
    let mut audience = channel::admins(roster, group);
    audience.push((actor.no, actor.id.clone()));
    draft.change(id, ChangeKind::Item(Item::JoinRequest(request)), audience);
    Ok(draft.plan())
}

/// Let somebody in who asked, or refuse. Owner and admins may; they and the one who asked hear of it.
pub(crate) async fn answer(
    service: &Service,
    actor: &Actor,
    id: ConversationId,
    user: &UserId,
    accept: bool,
    view: View,
) -> Result<Plan, No> {
    let found = Found::by(service, actor, id, std::slice::from_ref(user), view).await?;
    found.demand(Role::Admin, "answer requests to join")?;
    let request =
        request_of(service, id, user).await?.filter(|request| request.state == JoinState::Waiting);
    let Some(request) = request else {
        let detail = format!("no request of {user} waits");
        return Err(found.refuse(ErrorCode::TargetMissing, detail));
    };
    let Some(user_no) = service.directory().user(user).await? else {
        return Err(found.refuse(ErrorCode::UserUnknown, user.as_str()));
    };
    let newcomer = (user_no, user.clone());
    let is_in = found.roster.member(user_no).is_some_and(Member::is_present);
    let came = usize::from(accept && !is_in);
    let mut draft = found.draft_with(actor, channel::recounted(&found.group, came, &[]));
    if came > 0 {
        take_in(service, &found.roster, &found.group, &mut draft, newcomer.clone())?;
    }
    let state = if accept { JoinState::Accepted } else { JoinState::Refused };
    let mut audience = found.admins();
    if !audience.contains(&newcomer) {
        audience.push(newcomer);
    }
    let item = Item::JoinRequest(JoinRequest { state, ..request });
    draft.change(id, ChangeKind::Item(item), audience);
    Ok(draft.plan())
}

async fn request_of(
    service: &Service,
    id: ConversationId,
    user: &UserId,
) -> Result<Option<JoinRequest>, No> {
    let found = service.lists().item(id, ItemKey::join_request(user)).await?;
    Ok(match found.as_ref().and_then(|change| change.item()) {
        Some(Item::JoinRequest(request)) => Some(request.clone()),
        _ => None,
    })
}

async fn waiting(service: &Service, id: ConversationId) -> Result<usize, No> {
    let mut count = 0;
    let prefix = ItemKey::all(ItemKind::JoinRequest);
    each_item(service, id, prefix, ItemKey::default(), |item| {
        let waits = matches!(item, Item::JoinRequest(one) if one.state == JoinState::Waiting);
        count += usize::from(waits);
        ControlFlow::Continue(())
    })
    .await?;
    Ok(count)
}

//! Do something about one member: give rights, hand the group over, forbid to speak, name.

use anser_backend::MemberWrite;
use anser_types::{
    ChangeKind, ConversationId, ErrorCode, Member, MemberAct, Role, UserId, UserNo, limits,
};

use crate::directory::View;
use crate::groups::change::Found;
use crate::groups::channel;
use crate::messages::request::Actor;
use crate::rules::{No, Plan, check_line};
use crate::service::Service;

/// The membership with what is new, told to everybody in the group.
pub(crate) async fn plan(
    service: &Service,
    actor: &Actor,
    id: ConversationId,
    user: &UserId,
    act: &MemberAct,
    view: View,
) -> Result<Plan, No> {
    if let MemberAct::Alias(alias) = act {
        check_line("a name", alias, limits::ALIAS_MAX_BYTES)?;
    }
    let found = Found::by(service, actor, id, std::slice::from_ref(user), view).await?;
    let member = found.member(user)?;
    may(&found, actor, member, act)?;
    let mut altered = member.clone();
    altered.alter(act);
    if altered == *member {
        return Ok(Plan::nothing());
    }
    let group = channel::altered(&found, (member.user_no, user), act)?;
    let mut draft = found.draft_with(actor, group);
    let alter = |user_no: UserNo, act: MemberAct| MemberWrite::Alter { user_no, act };
    if *act == MemberAct::Role(Role::Owner) {
        draft.member(id, alter(actor.no, MemberAct::Role(Role::Admin)));
    }
    draft.member(id, alter(member.user_no, act.clone()));
    let kind = ChangeKind::MemberAltered { user: user.clone(), act: act.clone() };
    let concerned = vec![(member.user_no, user.clone())];
    found.tell_all(&mut draft, kind, concerned);
    Ok(draft.plan())
}

/// Rights are the owner's to give; admins silence and name those below them; everybody names themselves.
fn may(found: &Found, actor: &Actor, member: &Member, act: &MemberAct) -> Result<(), No> {
    let is_self = member.user_no == actor.no;
    match act {
        MemberAct::Role(_) => {
            found.demand(Role::Owner, "give rights or hand the group over")?;
            if is_self {
                let detail = "the owner's place is given by making somebody else the owner";
                return Err(found.refuse(ErrorCode::InvalidArgument, detail));
            }
            Ok(())
        }
        MemberAct::Alias(_) if is_self => Ok(()),
        MemberAct::Alias(_) | MemberAct::MuteUntil(_) => {
            found.demand(Role::Admin, "do this to others")?;
            if member.role >= found.role {
                let detail = "only those who stand above a member may do this";
                return Err(found.refuse(ErrorCode::NotAllowed, detail));
            }
            Ok(())
        }
    }
}

//! Whether a member may say something in a conversation now. Reads nothing but the roster that every send has at hand.

use anser_types::{ConversationKind, ErrorCode, Refusal, Role};

use crate::lists::reach;
use crate::messages::request::Actor;
use crate::rules::{No, Place};
use crate::service::Service;

/// Refuses who is muted, and whom the other one does not want to hear.
pub(crate) fn may(service: &Service, actor: &Actor, place: &Place) -> Result<(), No> {
    let roster = &place.roster;
    let no = |refusal| Err(No::Final(refusal, place.expects()));
    let Some(me) = roster.member(actor.no) else {
        return no(Refusal::new(ErrorCode::ConversationUnknown));
    };
    match &roster.conversation.kind {
        ConversationKind::Direct { .. } => {
            let other = roster.members.iter().find(|member| member.user_no != actor.no);
            if let Some(other) = other.filter(|other| other.refuses) {
                return no(reach::refused(&other.user));
            }
            if me.refuses {
                let detail = "you take nothing from this user; unblock them first";
                return no(Refusal::because(ErrorCode::NotAllowed, detail));
            }
            Ok(())
        }
        ConversationKind::Group(group) => {
            if group.muted && me.role < Role::Admin {
                let detail = "only the owner and admins speak in this group";
                return no(Refusal::because(ErrorCode::Muted, detail));
            }
            let left_ms = me.muted_until.0.saturating_sub(service.clock().now().0);
            if left_ms > 0 {
                let refusal = Refusal::new(ErrorCode::Muted);
                return no(refusal.retry_after(u32::try_from(left_ms).unwrap_or(u32::MAX)));
            }
            Ok(())
        }
    }
}

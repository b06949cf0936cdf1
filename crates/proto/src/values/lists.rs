//! Items of lists and what is done about them.

use anser_types::{
    Audience, Contact, ContactAct, Item, JoinRequest, JoinState, Notify, Options, Relation, Seq,
    SetOptions, SetSettings, Settings, Target, UserId,
};

use super::{Unreadable, case, conversation, id_bytes, target, user};
use crate::v1;
use v1::change::Kind;

/// An item as a change carries it; `None` of one that no client is told.
#[must_use]
pub fn item(item: &Item) -> Option<Kind> {
    Some(match item {
        Item::Contact(contact) => Kind::Contact(v1::Contact {
            user: contact.user.to_string(),
            relation: u32::from(contact.relation.code()),
            remark: contact.remark.clone(),
            blocked: contact.blocked,
            greeting: contact.greeting.clone(),
        }),
        Item::Options(options) => Kind::Options(v1::Options {
            conversation: id_bytes(options.conversation),
            pinned: options.pinned,
            notify: u32::from(options.notify.code()),
            hidden_up_to: options.hidden_up_to.0,
            cleared_up_to: options.cleared_up_to.0,
            draft: options.draft.clone(),
        }),
        Item::Settings(settings) => Kind::Settings(v1::Settings {
            write_first: u32::from(settings.write_first.code()),
            last_seen: u32::from(settings.last_seen.code()),
            show_read: settings.show_read,
        }),
        Item::Hidden { conversation, seq } => {
            Kind::Hidden(v1::Hidden { conversation: id_bytes(*conversation), seq: seq.0 })
        }
        Item::JoinRequest(request) => Kind::JoinRequest(v1::JoinRequest {
            user: request.user.to_string(),
            greeting: request.greeting.clone(),
            state: u32::from(request.state.code()),
        }),
        Item::Report(_) => return None,
    })
}

/// A contact, read.
///
/// # Errors
/// A field that cannot be read, here and below.
pub fn read_contact(wire: v1::Contact) -> Result<Item, Unreadable> {
    Ok(Item::Contact(Contact {
        user: user("user", &wire.user)?,
        relation: case("relation", wire.relation, Relation::from_code)?,
        remark: wire.remark,
        blocked: wire.blocked,
        greeting: wire.greeting,
    }))
}

/// Options, read.
///
/// # Errors
/// See [`read_contact`].
pub fn read_options(wire: v1::Options) -> Result<Item, Unreadable> {
    Ok(Item::Options(Options {
        conversation: conversation("conversation", &wire.conversation)?,
        pinned: wire.pinned,
        notify: case("notify", wire.notify, Notify::from_code)?,
        hidden_up_to: Seq(wire.hidden_up_to),
        cleared_up_to: Seq(wire.cleared_up_to),
        draft: wire.draft,
    }))
}

/// Settings, read.
///
/// # Errors
/// See [`read_contact`].
pub fn read_settings(wire: v1::Settings) -> Result<Item, Unreadable> {
    Ok(Item::Settings(Settings {
        write_first: case("write_first", wire.write_first, Audience::from_code)?,
        last_seen: case("last_seen", wire.last_seen, Audience::from_code)?,
        show_read: wire.show_read,
    }))
}

/// A hidden message, read.
///
/// # Errors
/// See [`read_contact`].
pub fn read_hidden(wire: &v1::Hidden) -> Result<Item, Unreadable> {
    let conversation = conversation("conversation", &wire.conversation)?;
    Ok(Item::Hidden { conversation, seq: Seq(wire.seq) })
}

/// A request to join, read.
///
/// # Errors
/// See [`read_contact`].
pub fn read_join_request(wire: v1::JoinRequest) -> Result<Item, Unreadable> {
    Ok(Item::JoinRequest(JoinRequest {
        user: user("user", &wire.user)?,
        greeting: wire.greeting,
        state: case("state", wire.state, JoinState::from_code)?,
    }))
}

/// What somebody does about another user.
#[must_use]
pub fn contact_act(user: &UserId, act: &ContactAct) -> v1::ContactAct {
    use v1::contact_act::Act;
    let act = match act {
        ContactAct::Apply { greeting } => Act::Apply(greeting.clone()),
        ContactAct::Accept => Act::Accept(true),
        ContactAct::Refuse => Act::Refuse(true),
        ContactAct::Remark(remark) => Act::Remark(remark.clone()),
        ContactAct::Remove => Act::Remove(true),
        ContactAct::Block => Act::Block(true),
        ContactAct::Unblock => Act::Unblock(true),
    };
    v1::ContactAct { user: user.to_string(), act: Some(act) }
}

/// The same, read; `None` if it is something this version does not know.
///
/// # Errors
/// See [`read_contact`].
pub fn read_contact_act(wire: v1::ContactAct) -> Result<Option<(UserId, ContactAct)>, Unreadable> {
    use v1::contact_act::Act;
    let Some(act) = wire.act else { return Ok(None) };
    let act = match act {
        Act::Apply(greeting) => ContactAct::Apply { greeting },
        Act::Accept(_) => ContactAct::Accept,
        Act::Refuse(_) => ContactAct::Refuse,
        Act::Remark(remark) => ContactAct::Remark(remark),
        Act::Remove(_) => ContactAct::Remove,
        Act::Block(_) => ContactAct::Block,
        Act::Unblock(_) => ContactAct::Unblock,
    };
    Ok(Some((user("user", &wire.user)?, act)))
}

/// Which options are changed, and of which conversation.
#[must_use]
pub fn set_options(at: &Target, set: &SetOptions) -> v1::SetOptions {
    use v1::set_options::At;
    v1::SetOptions {
        at: Some(match at {
            Target::User(id) => At::User(id.to_string()),
            Target::Conversation(id) => At::Conversation(id_bytes(*id)),
        }),
        pinned: set.pinned,
        notify: set.notify.map(|notify| u32::from(notify.code())),
        hidden_up_to: set.hidden_up_to.map(|seq| seq.0),
        cleared_up_to: set.cleared_up_to.map(|seq| seq.0),
        draft: set.draft.clone(),
    }
}

/// The same, read.
///
/// # Errors
/// See [`read_contact`].
pub fn read_set_options(wire: v1::SetOptions) -> Result<(Target, SetOptions), Unreadable> {
    use v1::set_options::At;
    let at = match &wire.at {
        Some(At::User(id)) => target(Some(id), None)?,
        Some(At::Conversation(id)) => target(None, Some(id))?,
        None => target(None, None)?,
    };
    let set = SetOptions {
        pinned: wire.pinned,
        notify: wire.notify.map(|code| case("notify", code, Notify::from_code)).transpose()?,
        hidden_up_to: wire.hidden_up_to.map(Seq),
        cleared_up_to: wire.cleared_up_to.map(Seq),
        draft: wire.draft,
    };
    Ok((at, set))
}

/// Which settings are changed.
#[must_use]
pub fn set_settings(set: SetSettings) -> v1::SetSettings {
    v1::SetSettings {
        write_first: set.write_first.map(|audience| u32::from(audience.code())),
        last_seen: set.last_seen.map(|audience| u32::from(audience.code())),
        show_read: set.show_read,
    }
}

/// The same, read.
///
/// # Errors
/// See [`read_contact`].
pub fn read_set_settings(wire: v1::SetSettings) -> Result<SetSettings, Unreadable> {
    let audience = |field, code: Option<u32>| {
        code.map(|code| case(field, code, Audience::from_code)).transpose()
    };
    Ok(SetSettings {
        write_first: audience("write_first", wire.write_first)?,
        last_seen: audience("last_seen", wire.last_seen)?,
        show_read: wire.show_read,
    })
}

/// Which messages are removed for oneself.
#[must_use]
pub fn hide(at: &Target, seqs: &[Seq]) -> v1::Hide {
    use v1::hide::At;
    v1::Hide {
        at: Some(match at {
            Target::User(id) => At::User(id.to_string()),
            Target::Conversation(id) => At::Conversation(id_bytes(*id)),
        }),
        seqs: seqs.iter().map(|seq| seq.0).collect(),
    }
}

/// The same, read.
///
/// # Errors
/// See [`read_contact`].
pub fn read_hide(wire: v1::Hide) -> Result<(Target, Vec<Seq>), Unreadable> {
    use v1::hide::At;
    let at = match &wire.at {
        Some(At::User(id)) => target(Some(id), None)?,
        Some(At::Conversation(id)) => target(None, Some(id))?,
        None => target(None, None)?,
    };
    Ok((at, wire.seqs.into_iter().map(Seq).collect()))
}

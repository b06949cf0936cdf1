//! Contacts: applying, answering, naming, ending, blocking. Both lists change in one commit, so that two users always
//! agree on what they are to each other.

use std::ops::ControlFlow;
use std::sync::Arc;

use anser_backend::{MemberWrite, Roster};
use anser_types::{
    Audience, Contact, ContactAct, ConversationId, ErrorCode, Item, ItemKey, ItemKind, Refusal,
    Relation, UserId, UserNo, Version, limits,
};

use crate::directory::View;
use crate::lists::own::Own;
use crate::lists::pages::each_item;
use crate::lists::reach;
use crate::messages::request::Actor;
use crate::rules::{Draft, No, Plan, check_line};
use crate::service::Service;

/// The two lists, and the two users' direct conversation where blocking shows.
pub(crate) async fn plan(
    service: &Service,
    actor: &Actor,
    user: &UserId,
    act: &ContactAct,
) -> Result<Plan, No> {
    check(service, actor, user, act)?;
    let Some(user_no) = service.directory().user(user).await? else {
        return Err(No::because(ErrorCode::UserUnknown, user.as_str()));
    };
    let direct = service
        .directory()
        .roster(ConversationId::direct(&actor.id, user), &[], View::Fresh)
        .await?;
    let (mine, theirs) =
        (Own::of(service, actor.no, &actor.id).await?, Own::of(service, user_no, user).await?);
    let stranger = |of: &UserId| Contact::stranger(of.clone());
    let case = Case {
        service,
        actor,
        user,
        my: mine.contact(user).await?,
        their: theirs.contact(&actor.id).await?.unwrap_or_else(|| stranger(&actor.id)),
        direct,
        mine,
        theirs,
    };
    match act {
        ContactAct::Apply { greeting } => {
            if case.my().relation == Relation::None {
                service.paces().meet(actor, user_no)?;
            }
            case.apply(greeting).await
        }
        ContactAct::Accept => case.accept(),
        ContactAct::Refuse => case.refuse(),
        ContactAct::Remark(remark) => Ok(case.remark(remark)),
        ContactAct::Remove => case.remove().await,
        ContactAct::Block => Ok(case.block(true)),
        ContactAct::Unblock => Ok(case.block(false)),
    }
}

fn check(service: &Service, actor: &Actor, user: &UserId, act: &ContactAct) -> Result<(), No> {
    if *user == actor.id {
        return Err(No::because(ErrorCode::InvalidArgument, "this is yourself"));
    }
    match act {
        ContactAct::Apply { greeting } => {
            check_line("a greeting", greeting, limits::GREETING_MAX_BYTES)?;
        }
        ContactAct::Remark(remark) => check_line("a name", remark, limits::ALIAS_MAX_BYTES)?,
        _ => {}
    }
    let relates = matches!(
        act,
        ContactAct::Apply { .. } | ContactAct::Accept | ContactAct::Refuse | ContactAct::Remove
    );
    if relates && service.settings().relations_by_app {
        let detail = "this server leaves it to its app who is whose contact";
        return Err(No::because(ErrorCode::NotAllowed, detail));
    }
    Ok(())
}

/// Two users, as each sees the other.
struct Case<'a> {
    service: &'a Service,
    actor: &'a Actor,
    user: &'a UserId,
    mine: Own<'a>,
    theirs: Own<'a>,
    my: Option<Contact>,
    their: Contact,
    direct: Option<Arc<Roster>>,
}

impl Case<'_> {
    /// What they are to me.
    fn my(&self) -> Contact {
        self.my.clone().unwrap_or_else(|| Contact::stranger(self.user.clone()))
    }

    fn no(&self, refusal: Refusal) -> No {
        No::Final(refusal, vec![self.mine.expects(), self.theirs.expects()])
    }

    fn draft(&self) -> Draft {
        let mut draft = Draft::by(self.actor);
        for (id, version) in [self.mine.expects(), self.theirs.expects()] {
            draft.expect(id, version);
        }
        draft
    }

    /// The change of both lists; the actor's own first, for the answer speaks of that.
    fn both(&self, draft: &mut Draft, my: Contact, their: Contact) {
        if Some(&my) != self.my.as_ref() {
            self.mine.change(draft, Item::Contact(my));
        }
        if their != self.their {
            self.theirs.change(draft, Item::Contact(their));
        }
    }

    async fn apply(self, greeting: &str) -> Result<Plan, No> {
        let my = self.my();
        if my.blocked {
            let detail = format!("you block {}; unblock first", self.user);
            return Err(self.no(Refusal::because(ErrorCode::NotAllowed, detail)));
        }
        let settings = self.theirs.settings().await?;
        if self.their.blocked || settings.write_first == Audience::Nobody {
            return Err(self.no(reach::refused(self.user)));
        }
        match my.relation {
            Relation::Contact => return Ok(Plan::nothing()),
            Relation::Asked => return self.accept(),
            Relation::Applied if my.greeting == greeting => return Ok(Plan::nothing()),
            Relation::None | Relation::Applied | Relation::Refused => {}
        }
        if self.my.is_none()
            && contacts(self.service, &self.actor.id).await? >= limits::CONTACTS_MAX
        {
            let detail = format!("at most {} contacts", limits::CONTACTS_MAX);
            return Err(self.no(Refusal::because(ErrorCode::LimitReached, detail)));
        }
        let greeting = greeting.to_owned();
        let mut draft = self.draft();
        let mine = Contact { relation: Relation::Applied, greeting: greeting.clone(), ..my };
        let theirs = Contact { relation: Relation::Asked, greeting, ..self.their.clone() };
        self.both(&mut draft, mine, theirs);
        Ok(draft.plan())
    }

    fn asked(&self) -> Result<Contact, No> {
        let my = self.my();
        if my.relation == Relation::Asked {
            return Ok(my);
        }
        let detail = format!("no application of {} waits", self.user);
        Err(self.no(Refusal::because(ErrorCode::TargetMissing, detail)))
    }

    fn accept(self) -> Result<Plan, No> {
        if self.my().relation == Relation::Contact {
            return Ok(Plan::nothing());
        }
        let my = self.asked()?;
        let mut draft = self.draft();
        let my = Contact { relation: Relation::Contact, ..my };
        let their = Contact { relation: Relation::Contact, ..self.their.clone() };
        let refusing = [(&my, &self.actor.id), (&their, self.user)]
            .map(|(contact, who)| (who.clone(), contact.blocked));
        self.both(&mut draft, my, their);
        self.refuse_in_direct(&mut draft, &refusing);
        Ok(draft.plan())
    }

    fn refuse(self) -> Result<Plan, No> {
        let my = self.asked()?;
        let mut draft = self.draft();
        let my = Contact { relation: Relation::None, ..my };
        let their = Contact { relation: Relation::Refused, ..self.their.clone() };
        self.both(&mut draft, my, their);
        Ok(draft.plan())
    }

    fn remark(self, remark: &str) -> Plan {
        let my = Contact { remark: remark.to_owned(), ..self.my() };
        let mut draft = self.draft();
        self.both(&mut draft, my, self.their.clone());
        draft.plan()
    }

    /// Ends it for both. Whoever takes messages from contacts only takes none from the other one any more.
    async fn remove(self) -> Result<Plan, No> {
        let my = self.my();
        match my.relation {
            Relation::None => return Ok(Plan::nothing()),
            Relation::Asked => return self.refuse(),
            Relation::Contact | Relation::Applied | Relation::Refused => {}
        }
        let was_contact = my.relation == Relation::Contact;
        let mut refusing = Vec::new();
        for (own, contact, who) in
            [(&self.mine, &my, &self.actor.id), (&self.theirs, &self.their, self.user)]
        {
            let contacts_only = own.settings().await?.write_first != Audience::Everybody;
            if was_contact && contacts_only && !contact.blocked {
                refusing.push((who.clone(), true));
            }
        }
        let mut draft = self.draft();
        let my = Contact { relation: Relation::None, greeting: String::new(), ..my };
        let their = match self.their.relation {
            Relation::Contact | Relation::Asked => {
                Contact { relation: Relation::None, greeting: String::new(), ..self.their.clone() }
            }
            Relation::None | Relation::Applied | Relation::Refused => self.their.clone(),
        };
        self.both(&mut draft, my, their);
        self.refuse_in_direct(&mut draft, &refusing);
        Ok(draft.plan())
    }

    fn block(self, on: bool) -> Plan {
        let my = self.my();
        if my.blocked == on {
            return Plan::nothing();
        }
        let mut draft = self.draft();
        self.both(&mut draft, Contact { blocked: on, ..my }, self.their.clone());
        self.refuse_in_direct(&mut draft, &[(self.actor.id.clone(), on)]);
        draft.plan()
    }

    /// Where messages are decided only the direct conversation is read: it says who takes nothing more. Nobody is told.
    fn refuse_in_direct(&self, draft: &mut Draft, refusing: &[(UserId, bool)]) {
        let Some(direct) = &self.direct else {
            // One that begins meanwhile must hear of it too.
            if !refusing.is_empty() {
                draft.expect(ConversationId::direct(&self.actor.id, self.user), Version::ZERO);
            }
            return;
        };
        let wishes: Vec<(UserNo, bool)> = refusing
            .iter()
            .filter_map(|(who, on)| {
                let member = direct.members.iter().find(|member| member.user == *who)?;
                (member.refuses != *on).then_some((member.user_no, *on))
            })
            .collect();
        if wishes.is_empty() {
            return;
        }
        draft.next_version(&direct.conversation);
        for (user_no, on) in wishes {
            draft.member(direct.conversation.id, MemberWrite::Refuse { user_no, on });
        }
    }
}

/// How many users stand in the list.
async fn contacts(service: &Service, user: &UserId) -> Result<usize, No> {
    let (id, prefix) = (ConversationId::own(user), ItemKey::all(ItemKind::Contact));
    let mut count = 0;
    each_item(service, id, prefix, ItemKey::default(), |_| {
        count += 1;
        ControlFlow::Continue(())
    })
    .await?;
    Ok(count)
}

//! What rules decide: the effect of a command, or an honest "no".

use std::sync::Arc;

use anser_backend::{InboxEntry, InboxWrite, MemberWrite, Record, Roster, StoreError};
use anser_types::{
    ChangeKind, Conversation, ConversationId, ConversationKind, ErrorCode, Member, Period, Refusal,
    Role, Seq, Target, UnixMs, UserId, UserNo, Version,
};

use crate::directory::{Directory, View};
use crate::fanout::route::{Route, Told};
use crate::messages::request::Actor;
use crate::service::Service;
use crate::writer::publish::refusal_of;

/// What a command writes and whom it concerns.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Versions it was decided on.
    pub(crate) expects: Vec<(ConversationId, Version)>,
    /// What is written.
    pub(crate) records: Vec<Record>,
    /// Whose inboxes hear of it.
    pub(crate) inbox: Vec<InboxWrite>,
    /// Whose sessions hear of it.
    pub(crate) route: Route,
}

impl Plan {
    /// Executed without effect: only the answer is kept.
    pub(crate) const fn nothing() -> Self {
        Self { expects: Vec::new(), records: Vec::new(), inbox: Vec::new(), route: Route::Nobody }
    }
}

/// Why a command has no effect.
#[derive(Debug)]
pub(crate) enum No {
    /// For good: kept as the answer. With the versions the "no" was decided on.
    Final(Refusal, Vec<(ConversationId, Version)>),
    /// A condition of the whole server: the number stays free.
    Passing(Refusal),
}

impl From<StoreError> for No {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a rule could not read");
        Self::Passing(refusal_of(&error))
    }
}

impl From<No> for Refusal {
    fn from(no: No) -> Self {
        match no {
            No::Final(refusal, _) | No::Passing(refusal) => refusal,
        }
    }
}

impl No {
    /// A "no" that depends on no conversation.
    pub(crate) const fn plain(code: ErrorCode) -> Self {
        Self::Final(Refusal::new(code), Vec::new())
    }

    /// The same with what exactly was wrong.
    pub(crate) fn because(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self::Final(Refusal::because(code, detail), Vec::new())
    }

    /// A "no" decided on a conversation as it is in `roster`.
    pub(crate) fn here(roster: &Roster, refusal: Refusal) -> Self {
        Self::Final(refusal, vec![(roster.conversation.id, roster.version())])
    }
}

/// A conversation somebody may act in: they are a present member of it.
#[derive(Debug)]
pub(crate) struct Place {
    /// Row and members (of a conversation to be made: as they will be).
    pub(crate) roster: Arc<Roster>,
    /// It does not exist yet; the append makes it.
    pub(crate) is_new: bool,
}

impl Place {
    /// What the append must find unchanged.
    pub(crate) fn expects(&self) -> Vec<(ConversationId, Version)> {
        let version = if self.is_new { Version::ZERO } else { self.roster.version() };
        vec![(self.roster.conversation.id, version)]
    }
}

/// Resolves a target in which the actor must be a present member.
pub(crate) async fn place(
    directory: &Directory,
    actor: &Actor,
    target: &Target,
    view: View,
) -> Result<Place, No> {
    match target {
        Target::Conversation(id) => {
            let roster = member_roster(directory, actor.no, *id, view).await?;
            Ok(Place { roster, is_new: false })
        }
        Target::User(peer) => {
            let id = ConversationId::direct(&actor.id, peer);
            if let Some(roster) = directory.roster(id, &[], view).await? {
                // The id is a hash: the row has the last word.
                if roster.conversation.peer_of(&actor.id) != Some(peer)
                    || roster.member(actor.no).is_none()
                {
                    return Err(No::here(&roster, Refusal::new(ErrorCode::ConversationUnknown)));
                }
                return Ok(Place { roster, is_new: false });
            }
            let Some(peer_no) = directory.user(peer).await? else {
                return Err(No::because(ErrorCode::UserUnknown, peer.as_str()));
            };
            let roster = Arc::new(new_direct(id, (actor.no, &actor.id), (peer_no, peer)));
            Ok(Place { roster, is_new: true })
        }
    }
}

/// Row and members of an existing conversation somebody is a present member of.
pub(crate) async fn member_roster(
    directory: &Directory,
    who: UserNo,
    id: ConversationId,
    view: View,
) -> Result<Arc<Roster>, No> {
    let Some(roster) = directory.roster(id, &[who], view).await? else {
        let expects = vec![(id, Version::ZERO)];
        return Err(No::Final(Refusal::new(ErrorCode::ConversationUnknown), expects));
    };
    if roster.member(who).is_some_and(Member::is_present) {
        Ok(roster)
    } else {
        Err(No::here(&roster, Refusal::new(ErrorCode::ConversationUnknown)))
    }
}

/// A conversation somebody has to do with, as it is now: a member, a former one. `None`: a direct conversation with a user
/// who exists, in which nothing was said yet.
pub(crate) async fn known(
    directory: &Directory,
    (no, me): (UserNo, &UserId),
    of: &Target,
) -> Result<(ConversationId, Option<Arc<Roster>>), No> {
    let id = match of {
        Target::Conversation(id) => *id,
        Target::User(peer) => ConversationId::direct(me, peer),
    };
    // Fresh: somebody who was removed must not be shown what memory says they may see.
    let roster = directory.roster(id, &[no], View::Fresh).await?;
    match (roster, of) {
        (Some(roster), _) if roster.member(no).is_some() => Ok((id, Some(roster))),
        (Some(roster), _) => Err(No::here(&roster, Refusal::new(ErrorCode::ConversationUnknown))),
        (None, Target::User(peer)) => match directory.user(peer).await? {
            Some(_) => Ok((id, None)),
            None => Err(No::because(ErrorCode::UserUnknown, peer.as_str())),
        },
        (None, Target::Conversation(_)) => {
            let expects = vec![(id, Version::ZERO)];
            Err(No::Final(Refusal::new(ErrorCode::ConversationUnknown), expects))
        }
    }
}

/// A direct conversation of two, or of one with oneself, as its first message or change makes it.
pub(crate) fn new_direct(
    id: ConversationId,
    one: (UserNo, &UserId),
    other: (UserNo, &UserId),
) -> Roster {
    let (a, b) = if one.1 <= other.1 { (one.1, other.1) } else { (other.1, one.1) };
    let member = |(user_no, user): (UserNo, &UserId)| {
        Member::plain(user_no, user.clone(), Role::Member, vec![Period::default()])
    };
    let mut members = vec![member(one)];
    if other.0 != one.0 {
        members.push(member(other));
        members.sort_by_key(|member| member.user_no);
    }
    let kind = ConversationKind::Direct { a: a.clone(), b: b.clone() };
    let conversation = Conversation::first(id, kind, UnixMs(0));
    Roster { conversation, members }
}

/// What makes a direct conversation that is to begin now: its row, and who is in it.
pub(crate) fn founding(service: &Service, roster: &Roster) -> (Conversation, Vec<MemberWrite>) {
    let created_at = service.clock().now();
    let mut row = Conversation { created_at, ..roster.conversation.clone() };
    // There may have been one before, in a log that a restore replaced.
    row.cut(service.ledger().status().log_epoch, Seq::ZERO);
    let joins = roster.members.iter().map(|member| MemberWrite::Join {
        user_no: member.user_no,
        user: member.user.clone(),
        role: Role::Member,
        sees_history: true,
    });
    (row, joins.collect())
}

/// Changes in the making: rows, memberships, numbered changes, and who is told of each.
#[derive(Debug)]
pub(crate) struct Draft {
    actor: UserId,
    expects: Vec<(ConversationId, Version)>,
    records: Vec<Record>,
    inbox: Vec<InboxWrite>,
    rows: Vec<(ConversationId, Version)>,
    told: Vec<Told>,
}

impl Draft {
    /// Nothing yet, by this actor.
    pub(crate) fn by(actor: &Actor) -> Self {
        Self {
            actor: actor.id.clone(),
            expects: Vec::new(),
            records: Vec::new(),
            inbox: Vec::new(),
            rows: Vec::new(),
            told: Vec::new(),
        }
    }

    /// What the append must find unchanged; the same conversation may be named more than once.
    pub(crate) fn expect(&mut self, id: ConversationId, version: Version) {
        if !self.expects.contains(&(id, version)) {
            self.expects.push((id, version));
        }
    }

    /// Whether the conversation's row is written already.
    pub(crate) fn writes(&self, id: ConversationId) -> bool {
        self.rows.iter().any(|(row, _)| *row == id)
    }

    /// The conversation's row as it will be.
    pub(crate) fn row(&mut self, row: Conversation) {
        self.rows.push((row.id, row.version));
        self.records.push(Record::Conversation(row));
    }

    /// The row as it is, with its next version.
    pub(crate) fn next_version(&mut self, before: &Conversation) {
        self.expect(before.id, before.version);
        self.row(Conversation { version: before.version.next(), ..before.clone() });
    }

    /// What happens to a membership.
    pub(crate) fn member(&mut self, conversation: ConversationId, write: MemberWrite) {
        self.records.push(Record::Member { conversation, write });
    }

    /// A change, and who is told of it.
    pub(crate) fn change(
        &mut self,
        conversation: ConversationId,
        kind: ChangeKind,
        audience: Vec<(UserNo, UserId)>,
    ) {
        self.told(conversation, kind, audience, false);
    }

    /// A change of a channel: those who follow it are told, and these by their inboxes.
    pub(crate) fn channel_change(
        &mut self,
        conversation: ConversationId,
        kind: ChangeKind,
        audience: Vec<(UserNo, UserId)>,
    ) {
        self.told(conversation, kind, audience, true);
    }

    fn told(
        &mut self,
        conversation: ConversationId,
        kind: ChangeKind,
        audience: Vec<(UserNo, UserId)>,
        in_channel: bool,
    ) {
        let record = self.records.len();
        let actor = self.actor.clone();
        self.records.push(Record::Change { conversation, actor, kind: kind.clone() });
        let entry = InboxEntry::Record(record);
        self.inbox.extend(audience.iter().map(|(user, _)| InboxWrite { user: *user, entry }));
        self.told.push(Told { conversation, kind, audience, in_channel });
    }

    /// What goes to the writer; without a change nothing does, and only the answer is kept.
    pub(crate) fn plan(self) -> Plan {
        let Self { actor, expects, records, inbox, rows, told } = self;
        let route =
            if records.is_empty() { Route::Nobody } else { Route::Changes { actor, rows, told } };
        Plan { expects, records, inbox, route }
    }
}

/// One inbox entry per present member, pointing at a record.
pub(crate) fn inbox_of_members(roster: &Roster, record: usize) -> Vec<InboxWrite> {
    crate::fanout::route::present(roster)
        .map(|member| InboxWrite { user: member.user_no, entry: InboxEntry::Record(record) })
        .collect()
}

/// One line of text that people see: within its limit, without control characters.
pub(crate) fn check_line(what: &str, text: &str, max_bytes: usize) -> Result<(), No> {
    let bad = if text.len() > max_bytes {
        format!("{what} has at most {max_bytes} bytes")
    } else if text.chars().any(char::is_control) {
        format!("{what} may not contain control characters")
    } else {
        return Ok(());
    };
    Err(No::because(ErrorCode::InvalidArgument, bad))
}

//! Memberships within one append: periods begin at the heads before it and end at the heads after it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anser_backend::{Append, Heads, MemberWrite, Position, Record, Roster, StoreError};
use anser_types::{
    Conversation, ConversationId, Member, Period, Role, Seq, UserId, UserNo, Version,
};

use super::stage::{Fault, Stage};
use crate::codec::write_member;
use crate::keys;

/// See the module.
#[derive(Debug, Default)]
pub struct Members {
    /// Heads as they were before this append.
    before: BTreeMap<ConversationId, Heads>,
    /// Versions as they are after this append: what its changes carry.
    after: BTreeMap<ConversationId, Version>,
    /// Periods that end with this append.
    ending: Vec<(ConversationId, UserNo)>,
    /// Rows to write at the end.
    altered: BTreeSet<(ConversationId, UserNo)>,
}

impl Members {
    /// Looks at everything an append touches before any of it is written.
    pub fn before(stage: &mut Stage<'_>, append: &Append) -> Result<Self, Fault> {
        let mut members = Self::default();
        let plain = |record: &Record| {
            matches!(record, Record::Message { .. } | Record::ReadPosition { .. })
        };
        // Nearly every append is a message alone: it needs none of this.
        if append.records.iter().all(plain) {
            return Ok(members);
        }
        for record in &append.records {
            let id = record.conversation();
            let staged = stage.conversation(id)?;
            members.before.insert(id, staged.heads());
            members.after.insert(id, staged.version());
        }
        for record in &append.records {
            if let Record::Conversation(row) = record {
                members.after.insert(row.id, row.version);
            }
        }
        Ok(members)
    }

    /// The version of a conversation's row after the append.
    pub fn version_after(&self, id: ConversationId) -> Version {
        self.after.get(&id).copied().unwrap_or_default()
    }

    /// Creates or replaces a row.
    pub fn set_row(&self, stage: &mut Stage<'_>, row: &Conversation) -> Result<(), Fault> {
        let staged = stage.conversation(row.id)?;
        staged.touch();
        match &mut staged.roster {
            Some(roster) => Arc::make_mut(roster).conversation = row.clone(),
            None => {
                let roster = Roster { conversation: row.clone(), members: Vec::new() };
                staged.roster = Some(Arc::new(roster));
            }
        }
        Ok(())
    }

    /// Alters one membership.
    pub fn write(
        &mut self,
        stage: &mut Stage<'_>,
        id: ConversationId,
        write: &MemberWrite,
    ) -> Result<(), Fault> {
        match write {
            MemberWrite::Join { user_no, user, role, sees_history } => {
                self.join(stage, id, *user_no, user, *role, *sees_history)
            }
            MemberWrite::End { user_no } => {
                self.ending.push((id, *user_no));
                Ok(())
            }
            MemberWrite::Alter { user_no, act } => {
                if let Some(member) = member(stage, id, *user_no)? {
                    member.alter(act);
                    self.altered.insert((id, *user_no));
                }
                Ok(())
            }
            MemberWrite::Refuse { user_no, on } => {
                if let Some(member) = member(stage, id, *user_no)? {
                    member.refuses = *on;
                    self.altered.insert((id, *user_no));
                }
                Ok(())
            }
        }
    }

    fn join(
        &mut self,
        stage: &mut Stage<'_>,
        id: ConversationId,
        user_no: UserNo,
        user: &UserId,
        role: Role,
        sees_history: bool,
    ) -> Result<(), Fault> {
        let heads = self.before.get(&id).copied().unwrap_or_default();
        let begin = if sees_history { Heads::default() } else { heads };
        let period = Period { after_seq: begin.seq, after_change: begin.change_no, until: None };
        match member(stage, id, user_no)? {
            Some(member) => {
                member.role = role;
                if !member.is_present() {
                    member.periods.push(period);
                }
            }
            None => {
                let member = Member::plain(user_no, user.clone(), role, vec![period]);
                let members = &mut roster(stage, id)?.members;
                let at = members.partition_point(|other| other.user_no < user_no);
                members.insert(at, member);
                stage.list(user_no, id);
            }
        }
        self.altered.insert((id, user_no));
        stage.raise(id, user_no, Position { read: heads.seq, delivered: Seq::ZERO })
    }

    /// Ends the periods of those who go, at the heads after everything else was written, and writes the rows.
    pub fn finish(mut self, stage: &mut Stage<'_>) -> Result<(), Fault> {
        for (id, user) in std::mem::take(&mut self.ending) {
            let heads = stage.conversation(id)?.heads();
            let period = member(stage, id, user)?.and_then(|member| member.periods.last_mut());
            if let Some(period) = period
                && period.until.is_none()
            {
                period.until = Some((heads.seq, heads.change_no));
                self.altered.insert((id, user));
            }
        }
        for (id, user) in self.altered {
            if let Some(member) = member(stage, id, user)?.cloned() {
                // By itself, because members of channels are read one by one.
                stage.put_row(keys::member(id, user), |out| write_member(out, &member));
            }
        }
        Ok(())
    }
}

fn roster<'a>(stage: &'a mut Stage<'_>, id: ConversationId) -> Result<&'a mut Roster, Fault> {
    let staged = stage.conversation(id)?;
    staged.touch();
    staged.roster.as_mut().map(Arc::make_mut).ok_or_else(|| {
        StoreError::Failed(format!("a membership of conversation {id}, which has no row")).into()
    })
}

fn member<'a>(
    stage: &'a mut Stage<'_>,
    id: ConversationId,
    user: UserNo,
) -> Result<Option<&'a mut Member>, Fault> {
    if stage.conversation(id)?.roster.is_none() {
        return Ok(None);
    }
    stage.fetch_member(id, user)?;
    let members = &mut roster(stage, id)?.members;
    let at = members.binary_search_by_key(&user, |member| member.user_no);
    Ok(at.ok().map(|at| &mut members[at]))
}

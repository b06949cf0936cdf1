//! Receipts against what was stored and read at the time; unread counts against what they count.

use std::collections::BTreeMap;

use anser_types::limits::UNREAD_COUNT_MAX;
use anser_types::{ConversationId, Seq, UserId};

use super::check::{About, Found};
use super::evidence::UnreadReading;
use super::index::Index;
use super::journal::{Journal, What};
use super::verdict::Kind;

/// How far somebody was in a conversation, by time: the highest seq so far at each instant it rose.
#[derive(Default)]
struct Progress(BTreeMap<u64, Seq>);

impl Progress {
    fn by(&self, at_ns: u64) -> Seq {
        self.0.range(..=at_ns).next_back().map(|(_, seq)| *seq).unwrap_or_default()
    }
}

type ProgressOf<'a> = BTreeMap<(ConversationId, &'a UserId), Progress>;

/// Which receipt an entry shows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Receipt {
    Delivered,
    Read,
}

/// Every receipt that was shown was true then, and none went back.
pub(super) fn check_receipts(index: &Index<'_>, found: &mut Found<'_>) {
    let stored = progress(index, |journal, what| match what {
        // (Of what was taken back before it came, a device shows its place.)
        What::Received { conversation, seq, .. } | What::Shows { conversation, seq, .. } => {
            Some((*conversation, *seq))
        }
        What::Ok { local_no, seq, .. } => {
            index.sent.get(&journal.key(*local_no)).map(|sent| (sent.conversation, *seq))
        }
        _ => None,
    });
    let read = progress(index, |_, what| match what {
        What::MarkRead { conversation, up_to } => Some((*conversation, *up_to)),
        _ => None,
    });
    for journal in &index.evidence.journals {
        let mut shown: BTreeMap<(Receipt, ConversationId, &UserId), Seq> = BTreeMap::new();
        // Shown of the log that is followed now: an earlier one's read positions went back with it.
        let mut lasting = BTreeMap::new();
        for entry in &journal.entries {
            let (receipt, id, who, up_to) = match &entry.what {
                What::NotOnServer { conversation, above } => {
                    let here = shown.iter_mut().filter(|((_, id, _), _)| id == conversation);
                    here.for_each(|(_, up_to)| *up_to = above.min(up_to).to_owned());
                    continue;
                }
                What::OtherLog { .. } => {
                    lasting.clear();
                    continue;
                }
                What::SawDelivered { conversation, who, up_to } => {
                    (Receipt::Delivered, *conversation, who, *up_to)
                }
                What::SawRead { conversation, who, up_to } => {
                    (Receipt::Read, *conversation, who, *up_to)
                }
                _ => continue,
            };
            let before = shown.entry((receipt, id, who)).or_default();
            if up_to < *before && !went_back(index, receipt, id, who, up_to) {
                let text = format!(
                    "{}/{} was shown {who} at seq {up_to} after seq {before}",
                    journal.user, journal.device
                );
                found.add(Kind::BackwardReceipt, &About::seq(id, up_to), text);
            }
            *before = up_to.max(*before);
            let latest: &mut Seq = lasting.entry((receipt, id, who)).or_default();
            *latest = up_to.max(*latest);
            let known = index.evidence.journals.iter().any(|journal| journal.user == *who);
            let (done, reached) = match receipt {
                Receipt::Delivered => ("stored", reached(&stored, id, who, entry.at_ns)),
                Receipt::Read => {
                    ("read", reached(&read, id, who, entry.at_ns).max(began_at(index, id, who)))
                }
            };
            let shown = match receipt {
                Receipt::Delivered => reached,
                Receipt::Read => reached_when_shown(index, &read, id, who, entry.at_ns),
            };
            if known && up_to > shown && up_to <= reached {
                let text = format!(
                    "{}/{} was shown that {who} had read up to seq {up_to}; they show it to nobody since seq {shown}",
                    journal.user, journal.device
                );
                found.add(Kind::ReadTold, &About::seq(id, up_to), text);
            }
            if known && up_to > reached {
                let text = format!(
                    "{}/{} was shown that {who} had {done} up to seq {up_to}; it was {reached}",
                    journal.user, journal.device
                );
                found.add(Kind::FalseReceipt, &About::seq(id, up_to), text);
            }
        }
        // A device that did not come back was shown what a restore has put back since.
        if journal.caught_up || index.evidence.restores.is_empty() {
            check_final_reads(index, journal, &lasting, found);
        }
    }
}

/// Whether a restore from a backup put somebody's position back this far. (Of the delivered ones the raw store says
/// nothing.)
fn went_back(
    index: &Index<'_>,
    receipt: Receipt,
    id: ConversationId,
    who: &UserId,
    to: Seq,
) -> bool {
    index.evidence.restores.iter().any(|restore| {
        let log = restore.kept.iter().find(|log| log.id == id);
        let member = log.and_then(|log| log.members.iter().find(|member| member.user == *who));
        receipt == Receipt::Delivered || member.is_none_or(|member| member.read <= to)
    })
}

/// A read receipt that was shown is still true in the store.
fn check_final_reads(
    index: &Index<'_>,
    journal: &Journal,
    shown: &BTreeMap<(Receipt, ConversationId, &UserId), Seq>,
    found: &mut Found<'_>,
) {
    for ((receipt, id, who), up_to) in shown {
        let member = index.logs.get(id).and_then(|log| log.members.get(who));
        if let (Receipt::Read, Some(member)) = (receipt, member)
            && member.read < *up_to
        {
            let text = format!(
                "{}/{} was shown that {who} had read up to seq {up_to}; the store says {}",
                journal.user, journal.device, member.read
            );
            found.add(Kind::BackwardReceipt, &About::seq(*id, *up_to), text);
        }
    }
}

fn progress<'a>(
    index: &Index<'a>,
    position: impl Fn(&Journal, &What) -> Option<(ConversationId, Seq)>,
) -> ProgressOf<'a> {
    let mut points: BTreeMap<(ConversationId, &UserId), Vec<(u64, Seq)>> = BTreeMap::new();
    for (journal, entry) in index.evidence.entries() {
        if let Some((id, seq)) = position(journal, &entry.what) {
            points.entry((id, &journal.user)).or_default().push((entry.at_ns, seq));
        }
    }
    points
        .into_iter()
        .map(|(of, mut points)| {
            points.sort_unstable();
            let mut highest = Seq::ZERO;
            let risen = points.into_iter().map(|(at_ns, seq)| {
                highest = highest.max(seq);
                (at_ns, highest)
            });
            (of, Progress(risen.collect()))
        })
        .collect()
}

fn reached(all: &ProgressOf<'_>, id: ConversationId, who: &UserId, at_ns: u64) -> Seq {
    all.get(&(id, who)).map(|progress| progress.by(at_ns)).unwrap_or_default()
}

/// How far somebody was when they let others see it last.
fn reached_when_shown(
    index: &Index<'_>,
    read: &ProgressOf<'_>,
    id: ConversationId,
    who: &UserId,
    at_ns: u64,
) -> Seq {
    let shown_at = index.certain.last_shown(who, at_ns);
    reached(read, id, who, shown_at).max(began_at(index, id, who))
}

/// Joining sets the read position to where the membership begins.
fn began_at(index: &Index<'_>, id: ConversationId, who: &UserId) -> Seq {
    let logs = index.lost_logs.iter().chain([&index.logs]);
    let members = logs.filter_map(|logs| logs.get(&id)?.members.get(who));
    members.flat_map(|member| &member.periods).map(|p| p.after_seq).max().unwrap_or_default()
}

/// Unread = visible messages above the read position that others sent and the user has not put away.
pub(super) fn check_unread(index: &Index<'_>, found: &mut Found<'_>) {
    for UnreadReading { user, conversation, count } in &index.evidence.unread {
        let log = index.logs.get(conversation);
        let member = log.and_then(|log| log.members.get(user));
        let unread = log.into_iter().flat_map(|log| log.at.values()).filter(|message| {
            member.is_some_and(|m| message.seq > m.read && m.sees(message.seq))
                && message.key.sender != *user
                && !index.has_put_away(user, *conversation, message.seq)
        });
        let expected = (unread.count() as u64).min(UNREAD_COUNT_MAX);
        if (*count).min(UNREAD_COUNT_MAX) != expected {
            let read = member.map(|member| member.read).unwrap_or_default();
            let text = format!(
                "{user} was shown {count} unread; the store holds {expected} above seq {read}"
            );
            found.add(Kind::UnreadWrong, &About::seq(*conversation, read), text);
        }
    }
}

//! The suite is worth what it catches: stores with one bug each fail it, in a named property and in random runs.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use anser_backend::conformance::{
    Harness, MemoryHarness, Ports, Settings, Subject, alterations, channels, exactly_once, keys,
    lists, membership, numbering, pages, random,
};
use anser_backend::{
    Append, Appended, Boxed, Conversations, DeviceKey, ExpiryPolicy, ExpiryReport, Heads,
    InboxBounds, InboxPage, Ledger, LedgerStatus, Listing, Lists, Order, Origin, PageLimit,
    Position, Roster, SessionOpened, SoftPosition, StoreError, TrimPolicy, TrimReport, Whom,
};
use anser_types::{
    Change, ChangeKind, ChangeNo, CommandNo, ConversationId, Edition, InboxSeq, ItemKey, Member,
    Message, Seq, SessionEpoch, UnixMs, UserNo,
};
use parking_lot::Mutex;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bug {
    /// The clean twin.
    None,
    /// Answers are kept in memory only.
    AnswersForgottenByRestart,
    /// A repetition is executed again.
    NoDedupe,
    /// Other bytes under a used number get the first answer.
    NoConflict,
    /// Older sessions may go on.
    NoFence,
    /// Appends decided on an old version go through.
    NoVersions,
    /// The head is taken from the last entry, and trimming takes that too.
    HeadLostByTrim,
    /// Pages are as long as they like.
    EndlessPages,
    /// The newest messages come oldest first.
    WrongDirection,
    /// Soft positions are dropped by a flush.
    FlushForgotten,
    /// Positions of a user whose number is the prefix of another's are mixed up.
    PositionsMixed,
    /// Lists hide conversations that were left.
    LeftOnesHidden,
    /// An idempotency key of one user is everybody's.
    KeysShared,
    /// Removing old idempotency keys takes young ones too.
    YoungKeysRemoved,
    /// What a message said before it was edited is gone.
    ContentsForgotten,
    /// Messages expire before their time.
    ExpiredTooEarly,
    /// An item stays as its first change made it.
    ItemsFrozen,
    /// Pages of members end early and do not say so.
    MembersCutShort,
}

#[derive(Clone)]
struct Sabotaged {
    bug: Bug,
    sound: Ports,
    /// Commands this run of the store has executed.
    executed: Arc<Mutex<BTreeSet<(DeviceKey, CommandNo)>>>,
    trimmed: Arc<Mutex<bool>>,
}

impl Sabotaged {
    fn has(&self, bug: Bug) -> bool {
        self.bug == bug
    }

    fn bend(&self, append: &mut Append) {
        if self.has(Bug::NoVersions) {
            append.expects.clear();
        }
        match &mut append.origin {
            Origin::Device { epoch, .. } if self.has(Bug::NoFence) => *epoch = SessionEpoch::MAX,
            Origin::Device { hash, .. } | Origin::Key { hash, .. } if self.has(Bug::NoConflict) => {
                *hash = [0; 16];
            }
            Origin::Key { user, .. } if self.has(Bug::KeysShared) => *user = UserNo(0),
            _ => {}
        }
    }

    async fn append(&self, mut batch: Vec<Append>) -> Result<Vec<Appended>, StoreError> {
        batch.iter_mut().for_each(|append| self.bend(append));
        let mut results = self.sound.ledger.append_batch(batch.clone()).await?;
        for (append, result) in batch.into_iter().zip(&mut results) {
            let Origin::Device { device, command_no, .. } = append.origin else { continue };
            let here = self.executed.lock().contains(&(device, command_no));
            match result {
                Appended::Committed(_) => drop(self.executed.lock().insert((device, command_no))),
                Appended::Duplicate(_) if self.has(Bug::AnswersForgottenByRestart) && !here => {
                    *result = Appended::AnswerForgotten;
                }
                Appended::Duplicate(_) if self.has(Bug::NoDedupe) => {
                    let again = Append { origin: Origin::Internal, ..append };
                    let again = self.sound.ledger.append_batch(vec![again]).await?;
                    *result = again.into_iter().next().unwrap();
                }
                _ => {}
            }
        }
        Ok(results)
    }

    fn limit(&self, limit: PageLimit) -> PageLimit {
        if self.has(Bug::EndlessPages) {
            PageLimit { entries: usize::MAX, bytes: usize::MAX }
        } else {
            limit
        }
    }
}

impl Ledger for Sabotaged {
    fn append_batch(&self, batch: Vec<Append>) -> Boxed<'_, Result<Vec<Appended>, StoreError>> {
        Box::pin(self.append(batch))
    }

    fn open_session(&self, device: DeviceKey) -> Boxed<'_, Result<SessionOpened, StoreError>> {
        self.sound.ledger.open_session(device)
    }

    fn note_positions(&self, positions: &[SoftPosition]) {
        self.sound.ledger.note_positions(positions);
    }

    fn flush_positions(&self) -> Boxed<'_, Result<(), StoreError>> {
        if self.has(Bug::FlushForgotten) {
            return Box::pin(std::future::ready(Ok(())));
        }
        self.sound.ledger.flush_positions()
    }

    fn trim(&self, policy: TrimPolicy) -> Boxed<'_, Result<TrimReport, StoreError>> {
        *self.trimmed.lock() |= policy.keep == 0;
        self.sound.ledger.trim(policy)
    }

    fn expire_keys(&self, policy: ExpiryPolicy) -> Boxed<'_, Result<ExpiryReport, StoreError>> {
        let everything = self.has(Bug::YoungKeysRemoved);
        let used_until = if everything { UnixMs(u64::MAX) } else { policy.used_until };
        self.sound.ledger.expire_keys(ExpiryPolicy { used_until, ..policy })
    }

    fn status(&self) -> LedgerStatus {
        self.sound.ledger.status()
    }
}

impl Conversations for Sabotaged {
    fn roster(&self, id: ConversationId) -> Boxed<'_, Result<Option<Arc<Roster>>, StoreError>> {
        self.sound.conversations.roster(id)
    }

    fn members(
        &self,
        id: ConversationId,
        whom: Whom,
    ) -> Boxed<'_, Result<Vec<Member>, StoreError>> {
        let whom = match whom {
            Whom::After { after, limit } if self.has(Bug::MembersCutShort) => {
                Whom::After { after, limit: limit.min(2) }
            }
            whom => whom,
        };
        self.sound.conversations.members(id, whom)
    }

    fn heads(&self, id: ConversationId) -> Boxed<'_, Result<Heads, StoreError>> {
        self.sound.conversations.heads(id)
    }

    fn messages(
        &self,
        id: ConversationId,
        after: Seq,
        up_to: Seq,
        order: Order,
        limit: PageLimit,
    ) -> Boxed<'_, Result<Vec<Arc<Message>>, StoreError>> {
        let order = if self.has(Bug::WrongDirection) { Order::OldestFirst } else { order };
        self.sound.conversations.messages(id, after, up_to, order, self.limit(limit))
    }

    fn editions(
        &self,
        id: ConversationId,
        seq: Seq,
    ) -> Boxed<'_, Result<Vec<Edition>, StoreError>> {
        let found = self.sound.conversations.editions(id, seq);
        let forgotten = self.has(Bug::ContentsForgotten);
        Box::pin(async move { if forgotten { Ok(Vec::new()) } else { found.await } })
    }

    fn changes(
        &self,
        id: ConversationId,
        after: ChangeNo,
        limit: PageLimit,
    ) -> Boxed<'_, Result<Vec<Arc<Change>>, StoreError>> {
        self.sound.conversations.changes(id, after, limit)
    }

    fn expiring(
        &self,
        until: UnixMs,
        limit: usize,
    ) -> Boxed<'_, Result<Vec<(ConversationId, Seq)>, StoreError>> {
        let until = if self.has(Bug::ExpiredTooEarly) { UnixMs(u64::MAX) } else { until };
        self.sound.conversations.expiring(until, limit)
    }

    fn inbox(
        &self,
        user: UserNo,
        after: InboxSeq,
        limit: PageLimit,
    ) -> Boxed<'_, Result<InboxPage, StoreError>> {
        self.sound.conversations.inbox(user, after, self.limit(limit))
    }

    fn inbox_bounds(&self, user: UserNo) -> Boxed<'_, Result<InboxBounds, StoreError>> {
        if self.has(Bug::HeadLostByTrim) && *self.trimmed.lock() {
            return Box::pin(std::future::ready(Ok(InboxBounds::default())));
        }
        self.sound.conversations.inbox_bounds(user)
    }

    fn listings(
        &self,
        user: UserNo,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Boxed<'_, Result<Vec<Listing>, StoreError>> {
        Box::pin(async move {
            let mut page = self.sound.conversations.listings(user, after, limit).await?;
            page.retain(|listing| !self.has(Bug::LeftOnesHidden) || listing.member.is_present());
            Ok(page)
        })
    }

    fn positions(
        &self,
        id: ConversationId,
        users: &[UserNo],
    ) -> Boxed<'_, Result<Vec<Position>, StoreError>> {
        let mixed = self.has(Bug::PositionsMixed);
        let users: Vec<UserNo> =
            users.iter().map(|no| if mixed { UserNo(no.0.min(1)) } else { *no }).collect();
        Box::pin(async move { self.sound.conversations.positions(id, &users).await })
    }
}

/// The first change of each item among all changes.
async fn first_of(store: &Sabotaged, id: ConversationId) -> Result<Vec<Arc<Change>>, StoreError> {
    let whole = PageLimit { entries: usize::MAX, bytes: usize::MAX };
    let changes = store.sound.conversations.changes(id, ChangeNo::ZERO, whole).await?;
    let mut first = std::collections::BTreeMap::new();
    for change in changes {
        if let ChangeKind::Item(item) = &change.kind {
            first.entry(item.key()).or_insert(change);
        }
    }
    Ok(first.into_values().collect())
}

impl Lists for Sabotaged {
    fn item(
        &self,
        id: ConversationId,
        key: ItemKey,
    ) -> Boxed<'_, Result<Option<Arc<Change>>, StoreError>> {
        if !self.has(Bug::ItemsFrozen) {
            return self.sound.lists.item(id, key);
        }
        let has_key = move |change: &Arc<Change>| matches!(&change.kind, ChangeKind::Item(item) if item.key() == key);
        Box::pin(async move { Ok(first_of(self, id).await?.into_iter().find(has_key)) })
    }

    fn items(
        &self,
        id: ConversationId,
        prefix: ItemKey,
        after: ItemKey,
        limit: PageLimit,
    ) -> Boxed<'_, Result<Vec<Arc<Change>>, StoreError>> {
        if self.has(Bug::ItemsFrozen) {
            return Box::pin(async move { first_of(self, id).await });
        }
        self.sound.lists.items(id, prefix, after, limit)
    }
}

struct SabotagedHarness {
    sound: MemoryHarness,
    store: Sabotaged,
}

impl SabotagedHarness {
    fn with(bug: Bug) -> Self {
        let sound = MemoryHarness::default();
        let ports = sound.ports();
        let trimmed = Arc::default();
        let store = Sabotaged { bug, sound: ports, executed: Arc::default(), trimmed };
        Self { sound, store }
    }

    fn restarted(&mut self) {
        self.store.sound = self.sound.ports();
        self.store.executed.lock().clear();
    }
}

impl Harness for SabotagedHarness {
    fn ports(&self) -> Ports {
        let store = Arc::new(self.store.clone());
        Ports {
            ledger: Arc::clone(&store) as Arc<dyn Ledger>,
            conversations: Arc::clone(&store) as Arc<dyn Conversations>,
            lists: store,
            ..self.store.sound.clone()
        }
    }

    fn kill(&mut self) {
        self.sound.kill();
        self.restarted();
    }

    fn reopen(&mut self) {
        self.sound.reopen();
        self.restarted();
    }
}

type Property = fn(&mut Subject<SabotagedHarness>);

#[test]
fn every_planted_bug_is_caught_by_a_property_and_by_random_runs() {
    let table: [(Bug, Property); 17] = [
        (Bug::AnswersForgottenByRestart, exactly_once::a_repetition_gets_its_first_answer),
        (Bug::NoDedupe, exactly_once::a_repetition_gets_its_first_answer),
        (Bug::NoConflict, exactly_once::other_bytes_under_a_used_number_conflict),
        (Bug::NoFence, exactly_once::a_newer_session_fences_the_older),
        (Bug::NoVersions, exactly_once::a_stale_append_uses_no_number),
        (Bug::HeadLostByTrim, numbering::numbers_go_on_after_everything_was_trimmed),
        (Bug::EndlessPages, pages::message_pages_respect_bounds_and_order),
        (Bug::WrongDirection, pages::message_pages_respect_bounds_and_order),
        (Bug::FlushForgotten, membership::soft_positions_show_at_once_and_last_when_flushed),
        (Bug::PositionsMixed, membership::read_positions_move_forward_only),
        (Bug::LeftOnesHidden, membership::conversations_are_listed_in_pages),
        (Bug::ContentsForgotten, alterations::replaced_contents_are_kept),
        (Bug::ItemsFrozen, lists::an_item_is_its_last_change),
        (Bug::MembersCutShort, channels::a_group_becomes_a_channel_and_keeps_everybody),
        (Bug::KeysShared, keys::keys_of_different_users_never_meet),
        (Bug::ExpiredTooEarly, alterations::what_is_over_is_found_and_erased),
        (Bug::YoungKeysRemoved, keys::old_keys_are_removed_and_younger_ones_stay),
    ];
    let settings = Settings { cases: 64, steps: 40 };
    let fails = |run: &mut dyn FnMut()| catch_unwind(AssertUnwindSafe(run)).is_err();
    for (bug, property) in table {
        let mut named = || property(&mut Subject::over(SabotagedHarness::with(bug)));
        assert!(fails(&mut named), "the named property misses {bug:?}");
        let make = || SabotagedHarness::with(bug);
        let mut runs = || random::stores_agree_with_the_reference(settings, &make);
        assert!(fails(&mut runs), "random runs miss {bug:?}");
        // The same store without its bug passes.
        property(&mut Subject::over(SabotagedHarness::with(Bug::None)));
    }
    let sound = || SabotagedHarness::with(Bug::None);
    random::stores_agree_with_the_reference(settings, &sound);
}

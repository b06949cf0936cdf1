//! A store under test with short, waiting calls, so that properties read as sentences.

use std::sync::Arc;

use anser_types::limits::PAGE_MAX_BYTES;
use anser_types::{
    Change, ChangeNo, CommandNo, ConversationId, Event, InboxSeq, Member, Message, Seq,
    SessionEpoch, UnixMs, UserNo,
};

use super::harness::{Harness, Ports};
use crate::accounts::CreateUser;
use crate::append::{Append, Appended, Committed};
use crate::ledger::{
    DeviceKey, ExpiryPolicy, InboxBounds, SessionOpened, SoftPosition, StoreError, TrimPolicy,
};
use crate::reads::{Heads, InboxPage, Listing, Order, PageLimit, Position, Roster, Whom};
use crate::testing::{AppendBuilder, Person};

/// A limit that no test reaches.
pub const WHOLE: PageLimit = PageLimit { entries: 10_000, bytes: 64 << 20 };

/// A page of this many entries, with the product's bound on bytes.
#[must_use]
pub const fn page_of(entries: usize) -> PageLimit {
    PageLimit { entries, bytes: PAGE_MAX_BYTES }
}

/// A store under test.
pub struct Subject<H: Harness> {
    harness: H,
}

impl<H: Harness> Subject<H> {
    /// Over a fresh, empty store.
    pub const fn over(harness: H) -> Self {
        Self { harness }
    }

    /// Calls a port and waits; the store must be able to answer.
    ///
    /// # Panics
    /// If the store fails.
    pub fn call<T>(
        &self,
        call: impl for<'a> FnOnce(&'a Ports) -> crate::Boxed<'a, Result<T, StoreError>>,
    ) -> T {
        let ports = self.harness.ports();
        let result = self.harness.block_on(call(&ports));
        match result {
            Ok(value) => value,
            Err(error) => panic!("the store failed: {error}"),
        }
    }

    /// Kills the store and opens it again.
    pub fn kill(&mut self) {
        self.harness.kill();
    }

    /// Stops the store in order and opens it again.
    pub fn reopen(&mut self) {
        self.flush();
        self.harness.reopen();
    }

    /// The store's ports, for what the short calls do not offer.
    pub fn ports(&self) -> Ports {
        self.harness.ports()
    }

    /// Four people whose ids are prefixes of each other: `a`, `ab`, `abc`, `abcd`.
    ///
    /// # Panics
    /// If they exist already.
    pub fn people(&self) -> [Person; 4] {
        ["a", "ab", "abc", "abcd"].map(|id| self.person(id))
    }

    /// A new person.
    ///
    /// # Panics
    /// If they exist already.
    pub fn person(&self, id: &str) -> Person {
        let public = Person::new(UserNo(0), id).id;
        match self.call(|ports| ports.accounts.create_user(public, None, UnixMs(1))) {
            CreateUser::Created(user) => Person { no: user.no, id: user.id },
            CreateUser::Exists(user) => panic!("{} exists already", user.id),
        }
    }

    /// A batch; one result per append.
    ///
    /// # Panics
    /// If the number of results differs.
    pub fn append(&self, batch: Vec<Append>) -> Vec<Appended> {
        let expected = batch.len();
        let results = self.call(|ports| ports.ledger.append_batch(batch));
        assert_eq!(results.len(), expected, "one result per append");
        results
    }

    /// A batch of one.
    pub fn append_one(&self, append: AppendBuilder) -> Appended {
        let mut results = self.append(vec![append.build()]);
        results.remove(0)
    }

    /// A batch of one that must take effect.
    ///
    /// # Panics
    /// If it does not.
    pub fn commit(&self, append: AppendBuilder) -> Committed {
        committed(self.append_one(append))
    }

    /// Opens a session.
    pub fn open(&self, device: DeviceKey) -> SessionOpened {
        self.call(|ports| ports.ledger.open_session(device))
    }

    /// Opens a session of a device and writes commands with it.
    pub fn pen(&self, device: DeviceKey) -> Pen {
        let opened = self.open(device);
        Pen { device, epoch: opened.epoch, last: opened.last_command_no }
    }

    /// Notes soft positions.
    pub fn note(&self, positions: &[SoftPosition]) {
        self.harness.ports().ledger.note_positions(positions);
    }

    /// Writes the noted positions.
    pub fn flush(&self) {
        self.call(|ports| ports.ledger.flush_positions());
    }

    /// Trims every inbox and returns how many entries went.
    ///
    /// # Panics
    /// If it never reaches the last inbox.
    pub fn trim_all(&self, policy: TrimPolicy) -> u64 {
        let mut removed = 0;
        for _ in 0..1000 {
            let report = self.call(|ports| ports.ledger.trim(policy));
            assert!(report.inboxes <= policy.inboxes, "a step looks at no more than it is told");
            removed += report.entries;
            if report.finished {
                return removed;
            }
        }
        panic!("trimming never reached the last inbox");
    }

    /// Trims every inbox down to `keep` entries, whatever their age.
    pub fn trim_to(&self, keep: u64) -> u64 {
        self.trim_all(TrimPolicy { now: UnixMs(0), keep, keep_ms: u64::MAX, inboxes: 2 })
    }

    /// Removes keys, two at a time, and returns how many went.
    ///
    /// # Panics
    /// If it never reaches the last key.
    pub fn expire_keys(&self, used_until: u64) -> u64 {
        let policy = ExpiryPolicy { used_until: UnixMs(used_until), keys: 2 };
        let mut removed = 0;
        for _ in 0..1000 {
            let report = self.call(|ports| ports.ledger.expire_keys(policy));
            assert!(report.keys <= policy.keys, "a step looks at no more than it is told");
            removed += report.removed;
            if report.finished {
                return removed;
            }
        }
        panic!("removing keys never reached the last one");
    }

    /// Row and members.
    pub fn roster(&self, id: ConversationId) -> Option<Arc<Roster>> {
        self.call(|ports| ports.conversations.roster(id))
    }

    /// Memberships.
    pub fn members(&self, id: ConversationId, whom: &Whom) -> Vec<Member> {
        self.call(|ports| ports.conversations.members(id, whom.clone()))
    }

    /// Last numbers.
    pub fn heads(&self, id: ConversationId) -> Heads {
        self.call(|ports| ports.conversations.heads(id))
    }

    /// All messages, ascending.
    pub fn messages(&self, id: ConversationId) -> Vec<Arc<Message>> {
        self.messages_within(id, (Seq::ZERO, Seq::MAX), Order::OldestFirst, WHOLE)
    }

    /// Some messages.
    pub fn messages_within(
        &self,
        id: ConversationId,
        (after, up_to): (Seq, Seq),
        order: Order,
        limit: PageLimit,
    ) -> Vec<Arc<Message>> {
        self.call(|ports| ports.conversations.messages(id, after, up_to, order, limit))
    }

    /// All changes, ascending.
    pub fn changes(&self, id: ConversationId) -> Vec<Arc<Change>> {
        self.call(|ports| ports.conversations.changes(id, ChangeNo::ZERO, WHOLE))
    }

    /// A page of an inbox.
    pub fn inbox_page(&self, who: &Person, after: InboxSeq, limit: PageLimit) -> InboxPage {
        let user = who.no;
        self.call(|ports| ports.conversations.inbox(user, after, limit))
    }

    /// Everything an inbox holds.
    ///
    /// # Panics
    /// If the page does not begin where it should.
    pub fn inbox(&self, who: &Person) -> Vec<Event> {
        let bounds = self.bounds(who);
        let page = self.inbox_page(who, bounds.floor, WHOLE);
        assert_eq!(page.bounds, bounds);
        if !page.events.is_empty() {
            assert_eq!(page.first, bounds.floor.next(), "a page begins behind what was asked for");
        }
        page.events
    }

    /// What an inbox holds.
    pub fn bounds(&self, who: &Person) -> InboxBounds {
        let user = who.no;
        self.call(|ports| ports.conversations.inbox_bounds(user))
    }

    /// A page of somebody's conversations.
    pub fn listings(
        &self,
        who: &Person,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Vec<Listing> {
        let user = who.no;
        self.call(|ports| ports.conversations.listings(user, after, limit))
    }

    /// How far people are.
    pub fn positions(&self, id: ConversationId, people: &[&Person]) -> Vec<Position> {
        let users: Vec<UserNo> = people.iter().map(|who| who.no).collect();
        self.call(|ports| ports.conversations.positions(id, &users))
    }
}

/// The numbers of an append that must have taken effect.
///
/// # Panics
/// If it did not.
#[must_use]
pub fn committed(result: Appended) -> Committed {
    match result {
        Appended::Committed(committed) => committed,
        other => panic!("expected a commit, got {other:?}"),
    }
}

/// Writes the numbered commands of one device's session.
#[derive(Clone, Copy, Debug)]
pub struct Pen {
    /// The device.
    pub device: DeviceKey,
    /// Its session.
    pub epoch: SessionEpoch,
    /// The last number used.
    pub last: CommandNo,
}

impl Pen {
    /// The next command.
    pub fn command(&mut self) -> AppendBuilder {
        self.last = self.last.next();
        self.number(self.last.0)
    }

    /// A command with any number.
    pub fn number(&self, command_no: u64) -> AppendBuilder {
        AppendBuilder::command(self.device, self.epoch, CommandNo(command_no))
    }
}

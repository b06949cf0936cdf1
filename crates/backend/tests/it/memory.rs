//! The reference's crash model: what a commit in flight, a full disk, a failed write and a crash leave behind.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Waker};

use anser_backend::memory::{CommitDecision, CommitGate, CommitKind, PendingCommit};
use anser_backend::testing::{AppendBuilder, Person};
use anser_backend::{
    Accounts, Appended, Boxed, Conversations, CreateUser, InboxBounds, Ledger, MemoryBackend,
    SoftPosition, StoreError, conformance::block_on,
};
use anser_types::event::UnavailableReason;
use anser_types::{CommandNo, Event, InboxSeq, Seq, SessionEpoch, UnixMs, UserNo};
use futures::channel::oneshot;
use parking_lot::Mutex;

/// Asks the test how each commit ends; commits without a plan end at once.
#[derive(Default)]
struct Planned {
    decisions: Mutex<VecDeque<oneshot::Receiver<CommitDecision>>>,
    seen: Mutex<Vec<PendingCommit>>,
}

impl Planned {
    /// The next commit without a plan waits for this sender.
    fn hold(&self) -> oneshot::Sender<CommitDecision> {
        let (decide, decision) = oneshot::channel();
        self.decisions.lock().push_back(decision);
        decide
    }

    fn next(&self, decision: CommitDecision) {
        self.hold().send(decision).unwrap();
    }
}

impl CommitGate for Planned {
    fn decide(&self, commit: PendingCommit) -> Boxed<'_, CommitDecision> {
        self.seen.lock().push(commit);
        let planned = self.decisions.lock().pop_front();
        Box::pin(async move {
            match planned {
                Some(decision) => decision.await.unwrap(),
                None => CommitDecision::Commit,
            }
        })
    }
}

struct Scene {
    gate: Arc<Planned>,
    store: MemoryBackend,
    alice: Person,
    bob: Person,
    epoch: SessionEpoch,
}

impl Scene {
    /// Alice and bob have said one thing; alice's device has executed nothing yet.
    fn new() -> Self {
        let gate = Arc::new(Planned::default());
        let store = MemoryBackend::with_gate(Arc::clone(&gate) as Arc<dyn CommitGate>);
        let (alice, bob) = (Person::new(UserNo(1), "alice"), Person::new(UserNo(2), "bob"));
        let opened = AppendBuilder::internal().opens_direct(&alice, &bob);
        let first = opened.says(alice.direct(&bob), &bob, 1, "first", &[&alice, &bob]);
        block_on(store.append_batch(vec![first.build()])).unwrap();
        gate.seen.lock().clear();
        let mut scene = Self { gate, store, alice, bob, epoch: SessionEpoch::ZERO };
        scene.open();
        scene
    }

    fn open(&mut self) -> CommandNo {
        let opened = block_on(self.store.open_session(self.alice.device(1))).unwrap();
        self.epoch = opened.epoch;
        opened.last_command_no
    }

    fn hello(&self) -> AppendBuilder {
        let device = self.alice.device(1);
        AppendBuilder::command(device, self.epoch, CommandNo(1)).says(
            self.alice.direct(&self.bob),
            &self.alice,
            1,
            "hello",
            &[&self.bob, &self.alice],
        )
    }

    fn send(&self) -> Boxed<'_, Result<Vec<Appended>, StoreError>> {
        self.store.append_batch(vec![self.hello().build()])
    }

    fn head(&self) -> Result<Seq, StoreError> {
        block_on(self.store.heads(self.alice.direct(&self.bob))).map(|heads| heads.seq)
    }

    fn restart(&mut self) -> CommandNo {
        self.store = self.store.reopen();
        self.open()
    }
}

fn is_pending<T>(future: &mut Boxed<'_, T>) -> bool {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending()
}

#[test]
fn a_commit_in_flight_is_invisible_and_new_sessions_wait_for_it() {
    let scene = Scene::new();
    let decide = scene.gate.hold();
    let mut sent = scene.send();
    assert!(is_pending(&mut sent));
    assert_eq!(scene.head(), Ok(Seq(1)));
    let bounds = block_on(scene.store.inbox_bounds(scene.bob.no)).unwrap();
    assert_eq!(bounds, InboxBounds { floor: InboxSeq(0), head: InboxSeq(1) });
    let mut opened = scene.store.open_session(scene.alice.device(1));
    assert!(is_pending(&mut opened), "a Hello is ordered behind the device's commands");
    decide.send(CommitDecision::Commit).unwrap();
    assert!(matches!(block_on(sent).unwrap()[0], Appended::Committed(_)));
    assert_eq!(block_on(opened).unwrap().last_command_no, CommandNo(1));
    assert_eq!(scene.head(), Ok(Seq(2)));
    let commit = PendingCommit { kind: CommitKind::Batch, appends: 1 };
    assert_eq!(*scene.gate.seen.lock(), [commit]);
}

#[test]
fn a_crash_loses_the_commit_in_flight_and_nothing_else() {
    let mut scene = Scene::new();
    let decide = scene.gate.hold();
    let mut sent = scene.send();
    assert!(is_pending(&mut sent));
    scene.store.crash();
    decide.send(CommitDecision::Commit).unwrap();
    assert_eq!(block_on(sent), Err(StoreError::Closed), "too late: the process is gone");
    assert_eq!(scene.head(), Err(StoreError::Closed));
    assert_eq!(scene.restart(), CommandNo::ZERO);
    assert_eq!(scene.head(), Ok(Seq(1)));
    assert!(matches!(block_on(scene.send()).unwrap()[0], Appended::Committed(_)));
}

#[test]
fn requirement_a4_a_resend_after_a_crash_behind_the_commit_gets_the_first_answer() {
    let mut scene = Scene::new();
    scene.gate.next(CommitDecision::Crash { kept: true });
    assert_eq!(block_on(scene.send()), Err(StoreError::Closed));
    assert_eq!(scene.restart(), CommandNo(1), "Hello finds it executed");
    assert_eq!(scene.head(), Ok(Seq(2)));
    assert!(matches!(block_on(scene.send()).unwrap()[0], Appended::Duplicate(_)));
    assert_eq!(scene.head(), Ok(Seq(2)));

    let mut scene = Scene::new();
    scene.gate.next(CommitDecision::Crash { kept: false });
    assert_eq!(block_on(scene.send()), Err(StoreError::Closed));
    assert_eq!(scene.restart(), CommandNo::ZERO);
    assert!(matches!(block_on(scene.send()).unwrap()[0], Appended::Committed(_)));
    assert_eq!(scene.head(), Ok(Seq(2)));
}

#[test]
fn a_full_disk_refuses_the_batch_whole_and_the_store_goes_on() {
    let scene = Scene::new();
    scene.gate.next(CommitDecision::Full("3 bytes left".into()));
    assert_eq!(block_on(scene.send()), Err(StoreError::Full("3 bytes left".into())));
    assert_eq!(scene.store.status().full.as_deref(), Some("3 bytes left"));
    assert_eq!(scene.head(), Ok(Seq(1)), "reads go on");
    assert!(matches!(block_on(scene.send()).unwrap()[0], Appended::Committed(_)));
    assert_eq!(scene.store.status().full, None);
    assert_eq!(scene.head(), Ok(Seq(2)));
}

#[test]
fn a_failed_write_poisons_the_store_until_it_is_reopened() {
    for kept in [false, true] {
        let mut scene = Scene::new();
        scene.gate.next(CommitDecision::Fail { kept });
        assert!(matches!(block_on(scene.send()), Err(StoreError::Failed(_))));
        assert!(matches!(block_on(scene.send()), Err(StoreError::Failed(_))));
        assert!(matches!(scene.head(), Err(StoreError::Failed(_))));
        let opened = block_on(scene.store.open_session(scene.alice.device(1)));
        assert!(matches!(opened, Err(StoreError::Failed(_))));
        assert!(scene.store.status().poisoned.is_some());
        assert_eq!(scene.restart(), CommandNo(u64::from(kept)));
        assert_eq!(scene.head(), Ok(Seq(1 + u64::from(kept))));
        assert_eq!(scene.store.status().poisoned, None);
    }
}

#[test]
fn a_repetition_needs_no_commit() {
    let scene = Scene::new();
    block_on(scene.send()).unwrap();
    let commits = (scene.store.status().commit_no, scene.gate.seen.lock().len());
    assert!(matches!(block_on(scene.send()).unwrap()[0], Appended::Duplicate(_)));
    assert_eq!((scene.store.status().commit_no, scene.gate.seen.lock().len()), commits);
}

#[test]
fn soft_positions_are_lost_by_a_crash_unless_a_batch_carried_them() {
    let mut scene = Scene::new();
    let device = scene.alice.device(1);
    let cursor = |scene: &Scene| block_on(scene.store.open_session(device)).unwrap().cursor;
    scene.store.note_positions(&[SoftPosition::Cursor { device, up_to: InboxSeq(1) }]);
    assert_eq!(cursor(&scene), InboxSeq(1));
    scene.restart();
    assert_eq!(cursor(&scene), InboxSeq::ZERO);
    scene.store.note_positions(&[SoftPosition::Cursor { device, up_to: InboxSeq(1) }]);
    scene.open();
    block_on(scene.send()).unwrap();
    scene.restart();
    assert_eq!(cursor(&scene), InboxSeq(1));
}

#[test]
fn an_account_is_durable_only_after_its_commit() {
    let scene = Scene::new();
    let id = scene.alice.id.clone();
    let decide = scene.gate.hold();
    let mut made = scene.store.create_user(id.clone(), None, UnixMs(1));
    assert!(is_pending(&mut made));
    assert_eq!(block_on(scene.store.user(id.clone())), Ok(None));
    decide.send(CommitDecision::Commit).unwrap();
    assert!(matches!(block_on(made).unwrap(), CreateUser::Created(_)));
    assert!(block_on(scene.store.user(id)).unwrap().is_some());
}

#[test]
fn an_erased_message_keeps_its_seq_and_a_damaged_one_is_named() {
    let scene = Scene::new();
    let id = scene.alice.direct(&scene.bob);
    block_on(scene.send()).unwrap();
    assert!(scene.store.erase(id, Seq(2)));
    assert!(scene.store.damage(id, Seq(1)));
    assert!(!scene.store.erase(id, Seq(1)) && !scene.store.damage(id, Seq(3)));
    let limit = anser_backend::PageLimit { entries: 10, bytes: 1000 };
    let page = block_on(scene.store.inbox(scene.bob.no, InboxSeq(0), limit)).unwrap();
    let Event::Unavailable(missing) = &page.events[0] else { panic!("{:?}", page.events[0]) };
    assert_eq!((missing.conversation, missing.from, missing.to), (id, Seq(1), Seq(1)));
    assert_eq!(missing.reason, UnavailableReason::Damaged);
    let Event::Message(tombstone) = &page.events[1] else { panic!("{:?}", page.events[1]) };
    assert_eq!((tombstone.seq, &tombstone.content), (Seq(2), &None));
    assert_eq!(scene.head(), Ok(Seq(2)));
}

#[test]
fn an_inbox_entry_that_points_nowhere_is_refused_before_anything_is_written() {
    let scene = Scene::new();
    let mut append = scene.hello().build();
    append.records.clear();
    let failed = block_on(scene.store.append_batch(vec![append]));
    assert!(matches!(failed, Err(StoreError::Failed(_))), "{failed:?}");
    assert!(scene.gate.seen.lock().is_empty());
}

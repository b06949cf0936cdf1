//! What holds after every step of a random run of the reference: command windows, trimming, receipts. The conformance
//! suite compares every other store with the reference, so it holds for them as well.

use anser_backend::testing::{AppendBuilder, Person};
use anser_backend::{
    Appended, Conversations, Ledger, MemoryBackend, SoftPosition, TrimPolicy, conformance::block_on,
};
use anser_types::{Answer, CommandNo, InboxSeq, Outcome, Seq, SessionEpoch, UnixMs, UserNo};
use proptest::prelude::*;

/// Answers that are kept at the most.
const WINDOW: u64 = 64;

#[derive(Clone, Debug)]
enum Step {
    /// The next command, once more one that lies so many numbers back, or one that skips numbers.
    Command(Number),
    /// Bob has stored, or read, up to so many messages below the head.
    Delivered(u64),
    Read(u64),
    Trim {
        keep: u64,
    },
    Restart,
}

#[derive(Clone, Debug)]
enum Number {
    Next { unanswered: u64 },
    Again { back: u64, other_bytes: bool },
    Skip { ahead: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let number = prop_oneof![
        6 => (0_u64..70).prop_map(|unanswered| Number::Next { unanswered }),
        3 => (0_u64..80, any::<bool>())
            .prop_map(|(back, other_bytes)| Number::Again { back, other_bytes }),
        1 => (2_u64..5).prop_map(|ahead| Number::Skip { ahead }),
    ];
    prop_oneof![
        12 => number.prop_map(Step::Command),
        2 => (0_u64..20).prop_map(Step::Delivered),
        2 => (0_u64..20).prop_map(Step::Read),
        1 => (0_u64..20).prop_map(|keep| Step::Trim { keep }),
        1 => Just(Step::Restart),
    ]
}

/// Alice writes to bob with numbered commands; everything known of what must be.
struct Run {
    store: MemoryBackend,
    alice: Person,
    bob: Person,
    epoch: SessionEpoch,
    executed: u64,
    answered: u64,
    floor: InboxSeq,
    delivered: Seq,
    read: Seq,
}

impl Run {
    fn new() -> Self {
        let (alice, bob) = (Person::new(UserNo(1), "alice"), Person::new(UserNo(2), "bob"));
        let store = MemoryBackend::new();
        let opened = AppendBuilder::internal().opens_direct(&alice, &bob).build();
        block_on(store.append_batch(vec![opened])).unwrap();
        let mut run = Self {
            store,
            alice,
            bob,
            epoch: SessionEpoch::ZERO,
            executed: 0,
            answered: 0,
            floor: InboxSeq(0),
            delivered: Seq(0),
            read: Seq(0),
        };
        run.open();
        run
    }

    fn open(&mut self) {
        let opened = block_on(self.store.open_session(self.alice.device(1))).unwrap();
        assert!(opened.epoch > self.epoch, "epochs only grow");
        assert_eq!(opened.last_command_no.0, self.executed, "the window knows what was executed");
        self.epoch = opened.epoch;
    }

    fn say(&self, no: u64, answered: u64, bytes: u64) -> Appended {
        let id = self.alice.direct(&self.bob);
        let append = AppendBuilder::command(self.alice.device(1), self.epoch, CommandNo(no))
            .answered(CommandNo(answered))
            .bytes(bytes)
            .says(id, &self.alice, no, "text", &[&self.alice, &self.bob]);
        block_on(self.store.append_batch(vec![append.build()])).unwrap().remove(0)
    }

    fn command(&mut self, number: &Number) {
        match number {
            Number::Next { unanswered } => {
                let no = self.executed + 1;
                let answered = (no - 1).saturating_sub(*unanswered);
                let Appended::Committed(committed) = self.say(no, answered, no) else {
                    panic!("{no} is the next one")
                };
                self.executed = no;
                self.answered = self.answered.max(answered);
                let seq = seq_of(&committed.answer.unwrap());
                assert_eq!(seq, Seq(no), "no hole, none twice");
            }
            Number::Again { back, other_bytes } => {
                let Some(no) = self.executed.checked_sub(*back).filter(|no| *no > 0) else {
                    return;
                };
                let bytes = if *other_bytes { no + 1_000_000 } else { no };
                let kept = no > self.answered && no + WINDOW > self.executed;
                match self.say(no, 0, bytes) {
                    Appended::Duplicate(answer) => {
                        assert!(kept && !other_bytes, "{no} again");
                        assert_eq!(seq_of(&answer), Seq(no), "its first answer");
                    }
                    Appended::Conflict => assert!(kept && *other_bytes, "{no} with other bytes"),
                    Appended::Committed(_) => panic!("{no} was executed twice"),
                    _ => assert!(!kept, "{no} is within the window"),
                }
            }
            Number::Skip { ahead } => {
                let skipped = self.say(self.executed + ahead, 0, 0);
                assert!(matches!(skipped, Appended::OutOfOrder { .. }), "numbers are not skipped");
            }
        }
    }

    fn step(&mut self, step: &Step) {
        let id = self.alice.direct(&self.bob);
        match step {
            Step::Command(number) => self.command(number),
            Step::Delivered(below) => {
                let up_to = Seq(self.executed.saturating_sub(*below));
                self.delivered = self.delivered.max(up_to);
                let position =
                    SoftPosition::Delivered { conversation: id, user: self.bob.no, up_to };
                self.store.note_positions(&[position]);
            }
            Step::Read(below) => {
                let up_to = Seq(self.executed.saturating_sub(*below));
                self.read = self.read.max(up_to);
                let read = AppendBuilder::internal().reads(id, &self.bob, up_to).build();
                block_on(self.store.append_batch(vec![read])).unwrap();
            }
            Step::Trim { keep } => {
                let policy =
                    TrimPolicy { now: UnixMs(0), keep: *keep, keep_ms: u64::MAX, inboxes: 100 };
                block_on(self.store.trim(policy)).unwrap();
            }
            Step::Restart => {
                block_on(self.store.flush_positions()).unwrap();
                self.store = self.store.reopen();
                self.open();
            }
        }
    }

    /// What must hold now.
    fn check(&mut self) {
        let id = self.alice.direct(&self.bob);
        let bounds = block_on(self.store.open_session(self.bob.device(1))).unwrap().inbox;
        assert!(bounds.floor >= self.floor, "what was trimmed stays trimmed");
        assert!(bounds.floor < bounds.head || bounds.head == InboxSeq(0), "the newest entry stays");
        self.floor = bounds.floor;
        let bob = block_on(self.store.positions(id, &[self.bob.no])).unwrap()[0];
        assert_eq!((bob.delivered, bob.read), (self.delivered, self.read), "forward, never back");
    }
}

fn seq_of(answer: &Answer) -> Seq {
    match &answer.outcome {
        Outcome::Done(done) => done.seq,
        Outcome::Refused(refusal) => panic!("{refusal}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn windows_trimming_and_receipts_keep_their_promises(
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut run = Run::new();
        for step in &steps {
            run.step(step);
            run.check();
        }
    }
}

//! Commands take effect exactly once and in order, whatever is repeated, altered, skipped, killed or overtaken.

use anser_types::limits::COMMANDS_IN_FLIGHT;
use anser_types::{CommandNo, ErrorCode, Outcome, Seq, Version};

use super::harness::Harness;
use super::subject::{Pen, Subject, committed};
use crate::append::Appended;
use crate::testing::{AppendBuilder, Person};

/// A message from the first person to the second.
fn hello(command: AppendBuilder, people: &[Person; 4], text: &str) -> AppendBuilder {
    let [a, b, ..] = people;
    command.says(a.direct(b), a, 1, text, &[b, a])
}

/// Two people with an open direct conversation (its first message said by a device of its own), and a fresh pen.
fn two_who_know_each_other<H: Harness>(on: &Subject<H>) -> ([Person; 4], Pen) {
    let people = on.people();
    let [a, b, ..] = &people;
    let opened = on.pen(a.device(9)).command().opens_direct(a, b);
    on.commit(opened.says(a.direct(b), a, 1, "first", &[b, a]));
    let pen = on.pen(a.device(1));
    (people, pen)
}

/// Numbers 1, 2, 3 execute; a gap is named with the number that is missing, and nothing is written.
pub fn commands_execute_in_order<H: Harness>(on: &mut Subject<H>) {
    let (people, mut pen) = two_who_know_each_other(on);
    let id = people[0].direct(&people[1]);
    for n in 1..=3 {
        let answer =
            on.commit(hello(pen.command(), &people, "in order")).answer.expect("an answer");
        assert_eq!(answer.command_no, CommandNo(n));
        let Outcome::Done(done) = answer.outcome else { panic!("refused") };
        assert_eq!((done.conversation, done.seq), (Some(id), Seq(n + 1)));
        assert_eq!(done.inbox_seq, on.bounds(&people[0]).head);
    }
    for ahead in [5, 6, 1000] {
        let early = on.append_one(hello(pen.number(ahead), &people, "too early"));
        assert_eq!(early, Appended::OutOfOrder { expected: CommandNo(4) });
    }
    assert_eq!(on.heads(id).seq, Seq(4));
    on.commit(hello(pen.command(), &people, "now"));
    assert_eq!(on.heads(id).seq, Seq(5));
}

/// The same bytes under the same number give the original answer, also after kills, and write nothing.
pub fn a_repetition_gets_its_first_answer<H: Harness>(on: &mut Subject<H>) {
    let (people, mut pen) = two_who_know_each_other(on);
    let first = on.commit(hello(pen.command(), &people, "once"));
    let second = on.commit(pen.command().reads(people[0].direct(&people[1]), &people[0], Seq(1)));
    let before = (on.messages(people[0].direct(&people[1])), on.inbox(&people[0]));
    for round in 0..3 {
        let again = on.append(vec![
            hello(pen.number(1), &people, "once").build(),
            pen.number(2).build(),
            hello(pen.number(1), &people, "once").build(),
        ]);
        let first = Appended::Duplicate(first.answer.clone().expect("an answer"));
        let second = Appended::Duplicate(second.answer.clone().expect("an answer"));
        assert_eq!(again, [first.clone(), second, first], "round {round}");
        let after = (on.messages(people[0].direct(&people[1])), on.inbox(&people[0]));
        assert_eq!(after, before, "a repetition writes nothing");
        on.kill();
        pen.epoch = on.open(pen.device).epoch;
    }
}

/// Other bytes under a used number are a conflict and write nothing.
pub fn other_bytes_under_a_used_number_conflict<H: Harness>(on: &mut Subject<H>) {
    let (people, mut pen) = two_who_know_each_other(on);
    on.commit(hello(pen.command(), &people, "the original"));
    let heads = on.heads(people[0].direct(&people[1]));
    for _ in 0..2 {
        let altered = hello(pen.number(1), &people, "altered").bytes(77);
        assert_eq!(on.append_one(altered), Appended::Conflict);
        assert_eq!(on.heads(people[0].direct(&people[1])), heads);
        on.kill();
        pen.epoch = on.open(pen.device).epoch;
    }
}

/// What the client confirmed is forgotten and never executed again; what it did not confirm is kept.
pub fn confirmed_answers_are_forgotten<H: Harness>(on: &mut Subject<H>) {
    let (people, mut pen) = two_who_know_each_other(on);
    on.commit(hello(pen.command(), &people, "one"));
    on.commit(hello(pen.command(), &people, "two"));
    let third = on.commit(hello(pen.command(), &people, "three").answered(CommandNo(2)));
    let kept = Appended::Duplicate(third.answer.expect("an answer"));
    for _ in 0..2 {
        let again = (1..=3).map(|n| pen.number(n).answered(CommandNo(2)).build()).collect();
        let forgotten = Appended::AnswerForgotten;
        assert_eq!(on.append(again), [forgotten.clone(), forgotten, kept.clone()]);
        on.kill();
        pen.epoch = on.open(pen.device).epoch;
    }
    // An older confirmation does not bring answers back, and the numbers go on.
    on.commit(hello(pen.command(), &people, "four").answered(CommandNo::ZERO));
    assert_eq!(on.append_one(pen.number(2)), Appended::AnswerForgotten);
    assert!(matches!(on.append_one(pen.number(3)), Appended::Duplicate(_)));
}

/// A repetition writes nothing at all: not even its confirmation counts.
pub fn a_repetition_confirms_nothing<H: Harness>(on: &mut Subject<H>) {
    let (people, mut pen) = two_who_know_each_other(on);
    on.commit(hello(pen.command(), &people, "one"));
    on.commit(hello(pen.command(), &people, "two"));
    let repeated = on.append_one(pen.number(2).answered(CommandNo(1)));
    assert!(matches!(repeated, Appended::Duplicate(_)));
    assert!(matches!(on.append_one(pen.number(1)), Appended::Duplicate(_)));
}

/// A client that claims to have answers it cannot have loses none by it.
pub fn a_false_confirmation_forgets_nothing_new<H: Harness>(on: &mut Subject<H>) {
    let (people, mut pen) = two_who_know_each_other(on);
    on.commit(hello(pen.command(), &people, "one").answered(CommandNo(99)));
    assert!(matches!(on.append_one(pen.number(1)), Appended::Duplicate(_)));
    on.commit(hello(pen.command(), &people, "two").answered(CommandNo(u64::MAX)));
    assert_eq!(on.append_one(pen.number(1)), Appended::AnswerForgotten);
    assert!(matches!(on.append_one(pen.number(2)), Appended::Duplicate(_)));
    on.commit(hello(pen.command(), &people, "three"));
}

/// As many answers are kept as commands may be in flight; older ones are forgotten even unconfirmed.
pub fn as_many_answers_are_kept_as_may_be_in_flight<H: Harness>(on: &mut Subject<H>) {
    let (people, mut pen) = two_who_know_each_other(on);
    let total = COMMANDS_IN_FLIGHT + 5;
    let batch = (0..total).map(|_| hello(pen.command(), &people, "many").build()).collect();
    on.append(batch).into_iter().for_each(|result| drop(committed(result)));
    on.kill();
    pen.epoch = on.open(pen.device).epoch;
    let again = on.append((1..=total as u64).map(|n| pen.number(n).build()).collect());
    for (at, result) in again.iter().enumerate() {
        let kept = at >= total - COMMANDS_IN_FLIGHT;
        assert_eq!(matches!(result, Appended::Duplicate(_)), kept, "number {}", at + 1);
        assert_eq!(*result == Appended::AnswerForgotten, !kept, "number {}", at + 1);
    }
}

/// A permanent refusal is the answer to its number, for ever; it writes nothing else.
pub fn a_permanent_refusal_uses_its_number<H: Harness>(on: &mut Subject<H>) {
    let (people, mut pen) = two_who_know_each_other(on);
    let heads = on.heads(people[0].direct(&people[1]));
    let refused = on.commit(pen.command().refused(ErrorCode::NotAllowed));
    let answer = refused.answer.expect("an answer");
    let Outcome::Refused(refusal) = &answer.outcome else { panic!("not refused") };
    assert_eq!(refusal.code, ErrorCode::NotAllowed);
    assert!(refused.assigned.is_empty() && refused.inbox.is_empty());
    on.kill();
    pen.epoch = on.open(pen.device).epoch;
    assert_eq!(on.append_one(pen.number(1)), Appended::Duplicate(answer));
    assert_eq!(on.heads(people[0].direct(&people[1])), heads);
    on.commit(hello(pen.command(), &people, "the next one"));
}

/// A newer session of a device shuts the older one out, whatever it asks; other devices do not notice.
pub fn a_newer_session_fences_the_older<H: Harness>(on: &mut Subject<H>) {
    let (people, mut old) = two_who_know_each_other(on);
    let mut other_device = on.pen(people[0].device(2));
    on.commit(hello(old.command(), &people, "from the old session"));
    let mut new = on.pen(old.device);
    assert!(new.epoch > old.epoch, "epochs grow");
    assert_eq!(new.last, CommandNo(1), "Hello finds what was executed");
    let repeated = old.number(1);
    let altered = old.number(1).bytes(5);
    let too_early = old.number(9);
    let late = [repeated, altered, too_early, hello(old.command(), &people, "too late")];
    let results = on.append(late.into_iter().map(AppendBuilder::build).collect());
    assert!(results.iter().all(|r| *r == Appended::Fenced), "{results:?}");
    on.commit(hello(new.command(), &people, "from the new session"));
    on.commit(hello(other_device.command(), &people, "from another device"));
}

/// Session epochs grow across kills and clean restarts, so a session of an earlier start stays fenced.
pub fn session_epochs_grow_across_restarts<H: Harness>(on: &mut Subject<H>) {
    let (people, mut pen) = two_who_know_each_other(on);
    let mut earlier = vec![pen.epoch];
    for round in 0..4 {
        on.commit(hello(pen.command(), &people, "once per start"));
        if round % 2 == 0 {
            on.kill();
        } else {
            on.reopen();
        }
        let opened = on.open(pen.device);
        assert!(earlier.iter().all(|e| opened.epoch > *e), "{earlier:?} then {opened:?}");
        assert_eq!(opened.last_command_no, pen.last);
        assert_eq!(opened.inbox, on.bounds(&people[0]));
        let stale = Pen { epoch: pen.epoch, ..pen }.command();
        assert_eq!(on.append_one(hello(stale, &people, "ghost")), Appended::Fenced);
        earlier.push(opened.epoch);
        pen.epoch = opened.epoch;
    }
}

/// Numbering is looked at before versions, and `Stale` uses no number.
pub fn a_stale_append_uses_no_number<H: Harness>(on: &mut Subject<H>) {
    let (people, mut pen) = two_who_know_each_other(on);
    let id = people[0].direct(&people[1]);
    let heads = on.heads(id);
    for wrong in [Version::ZERO, Version(2)] {
        let stale = hello(pen.number(1), &people, "stale").expecting(id, wrong);
        assert_eq!(on.append_one(stale), Appended::Stale);
    }
    let early = hello(pen.number(2), &people, "both").expecting(id, Version(2));
    assert_eq!(on.append_one(early), Appended::OutOfOrder { expected: CommandNo(1) });
    let refused = pen.number(1).refused(ErrorCode::NotAllowed).expecting(id, Version(9));
    assert_eq!(on.append_one(refused), Appended::Stale, "a refusal was decided on a version too");
    assert_eq!(on.heads(id), heads);
    on.commit(hello(pen.command(), &people, "fresh").expecting(id, Version(1)));
    let repeated = pen.number(1).expecting(id, Version(9));
    assert!(matches!(on.append_one(repeated), Appended::Duplicate(_)));
}

/// Consecutive commands of one device in one batch; a repetition and a conflict of a command of the same batch.
pub fn a_batch_sees_its_own_earlier_appends<H: Harness>(on: &mut Subject<H>) {
    let (people, mut pen) = two_who_know_each_other(on);
    let id = people[0].direct(&people[1]);
    let first = hello(pen.command(), &people, "first of the batch").build();
    let second = hello(pen.command(), &people, "second of the batch").build();
    let mut results = on.append(vec![
        first.clone(),
        second.clone(),
        first,
        pen.number(2).bytes(5).build(),
        hello(pen.number(4), &people, "too early").build(),
        hello(pen.command(), &people, "third of the batch").answered(CommandNo(1)).build(),
        pen.number(1).build(),
        second,
    ]);
    let last = results.split_off(2);
    let answers: Vec<_> = results.into_iter().map(|r| committed(r).answer.expect("kept")).collect();
    assert_eq!(last[0], Appended::Duplicate(answers[0].clone()));
    assert_eq!(last[1], Appended::Conflict);
    assert_eq!(last[2], Appended::OutOfOrder { expected: CommandNo(3) });
    let third = committed(last[3].clone());
    assert_eq!(third.inbox.len(), 2);
    assert_eq!(last[4], Appended::AnswerForgotten);
    assert_eq!(last[5], Appended::Duplicate(answers[1].clone()));
    assert_eq!(on.heads(id).seq, Seq(4));
}

/// One append of a batch is refused, its neighbours go through, and the version it lost against is seen at once.
pub fn a_refused_append_leaves_its_neighbours_alone<H: Harness>(on: &mut Subject<H>) {
    let (people, mut pen) = two_who_know_each_other(on);
    let [a, b, ..] = &people;
    let mut other = on.pen(b.device(1));
    let id = a.direct(b);
    let mut row = on.roster(id).expect("a row").conversation.clone();
    row.version = Version(2);
    let results = on.append(vec![
        hello(pen.command(), &people, "before").expecting(id, Version(1)).build(),
        other.command().row(row).expecting(id, Version(1)).build(),
        hello(pen.command(), &people, "overtaken").expecting(id, Version(1)).build(),
        other.command().says(id, b, 1, "after", &[a, b]).expecting(id, Version(2)).build(),
    ]);
    assert_eq!(results[2], Appended::Stale);
    for n in [0, 1, 3] {
        drop(committed(results[n].clone()));
    }
    let said: Vec<_> = on.messages(id).iter().filter_map(|m| m.content.clone()).collect();
    let said: Vec<_> = said.iter().map(|c| std::str::from_utf8(&c.body).expect("text")).collect();
    assert_eq!(said, ["first", "before", "after"]);
}

/// Devices number by themselves: those of one user, and equal numbers of different users.
pub fn devices_number_by_themselves<H: Harness>(on: &mut Subject<H>) {
    let people = on.people();
    let [a, b, ..] = &people;
    for device in [a.device(1), a.device(2), a.device(256), b.device(1)] {
        let mut pen = on.pen(device);
        assert_eq!(pen.last, CommandNo::ZERO);
        on.commit(pen.command());
        on.commit(pen.command());
    }
    on.kill();
    assert_eq!(on.open(a.device(1)).last_command_no, CommandNo(2));
    assert_eq!(on.open(a.device(256)).last_command_no, CommandNo(2));
    assert_eq!(on.open(b.device(2)).last_command_no, CommandNo::ZERO);
}

/// A batch whose caller goes away is found whole or not at all.
pub fn a_batch_cut_short_is_whole_or_absent<H: Harness>(on: &mut Subject<H>) {
    let (people, mut pen) = two_who_know_each_other(on);
    let id = people[0].direct(&people[1]);
    for _ in 0..3 {
        let before = (on.heads(id).seq, on.bounds(&people[1]).head);
        let batch = vec![
            hello(pen.command(), &people, "x").build(),
            hello(pen.command(), &people, "y").build(),
        ];
        {
            let ports = on.ports();
            let mut cut = ports.ledger.append_batch(batch);
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            // Polled once and dropped: whatever was under way is in doubt now.
            let _in_doubt = cut.as_mut().poll(&mut context);
        }
        on.kill();
        let opened = on.open(pen.device);
        let written = opened.last_command_no == pen.last;
        let by = if written { 2 } else { 0 };
        assert_eq!(on.heads(id).seq.0, before.0.0 + by);
        assert_eq!(on.bounds(&people[1]).head.0, before.1.0 + by);
        assert_eq!(opened.last_command_no.0, pen.last.0 - 2 + by);
        pen = Pen { device: pen.device, epoch: opened.epoch, last: opened.last_command_no };
    }
}

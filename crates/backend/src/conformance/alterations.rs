//! Messages as changes make them: present state, replaced contents, and nothing left once they are taken back.

use anser_types::{
    Alteration, ChangeKind, Content, ConversationId, Edition, Event, Message, Seq, UnixMs,
};

use super::harness::Harness;
use super::subject::{Subject, committed};
use crate::testing::{AppendBuilder, Person, group};

fn edit(text: &str) -> Alteration {
    Alteration::Edit(Content::text(text))
}

fn react(emoji: &str, on: bool) -> Alteration {
    Alteration::React { emoji: emoji.to_owned(), on }
}

/// A group of two in which `a` has said "one" at time 100.
fn said<H: Harness>(subject: &Subject<H>) -> (ConversationId, Person, Person) {
    let [a, ab, ..] = subject.people();
    let id = group(1);
    let append = AppendBuilder::internal().at(100).creates_group(id, "g", &a, &[&ab]);
    subject.commit(append.says(id, &a, 1, "one", &[&a, &ab]));
    (id, a, ab)
}

fn message<H: Harness>(subject: &Subject<H>, id: ConversationId, seq: u64) -> Message {
    let found = subject.messages(id).into_iter().find(|message| message.seq == Seq(seq));
    found.expect("the message is there").as_ref().clone()
}

fn editions<H: Harness>(subject: &Subject<H>, id: ConversationId, seq: u64) -> Vec<Edition> {
    subject.call(|ports| ports.conversations.editions(id, Seq(seq)))
}

fn texts(editions: &[Edition]) -> Vec<Content> {
    editions.iter().map(|edition| edition.content.clone()).collect()
}

/// A message shows what the changes made of it, in its log and in every inbox, also after a kill.
pub fn a_message_shows_what_changes_made_of_it<H: Harness>(subject: &mut Subject<H>) {
    let (id, a, ab) = said(subject);
    let all = [&a, &ab];
    let edited =
        subject.commit(AppendBuilder::internal().at(200).alters(id, &a, Seq(1), edit("two"), &all));
    subject.commit(AppendBuilder::internal().at(300).alters(
        id,
        &ab,
        Seq(1),
        react("👍", true),
        &all,
    ));
    assert_eq!(edited.inbox.len(), 2, "both hear of it");
    for _ in 0..2 {
        let message = message(subject, id, 1);
        assert_eq!(message.content, Some(Content::text("two")));
        let altered = message.altered.clone().expect("it was altered");
        assert_eq!((altered.edits, altered.edited_at), (1, Some(UnixMs(200))));
        assert_eq!(altered.by, subject.heads(id).change_no);
        assert!(altered.has_reaction("👍", &ab.id));
        let events = subject.inbox(&ab);
        let shown: Vec<_> = events
            .iter()
            .filter_map(|e| if let Event::Message(m) = e { Some(m) } else { None })
            .collect();
        assert_eq!(shown.len(), 1);
        assert_eq!(**shown[0], message, "an entry of an inbox shows the present state");
        subject.kill();
    }
    assert_eq!(subject.heads(id).seq, Seq(1), "an alteration is no message");
}

/// The contents a message had are kept in their order, with the change that ended each.
pub fn replaced_contents_are_kept<H: Harness>(subject: &mut Subject<H>) {
    let (id, a, ab) = said(subject);
    let mut ends = Vec::new();
    for (at, text) in [(200, "two"), (300, "three")] {
        let alters = AppendBuilder::internal().at(at).alters(id, &a, Seq(1), edit(text), &[&ab]);
        subject.commit(alters);
        ends.push(subject.heads(id).change_no);
    }
    subject.kill();
    let found = editions(subject, id, 1);
    assert_eq!(texts(&found), [Content::text("one"), Content::text("two")]);
    assert_eq!(found.iter().map(|one| one.until).collect::<Vec<_>>(), ends);
    assert_eq!(found.iter().map(|one| one.since).collect::<Vec<_>>(), [UnixMs(100), UnixMs(200)]);
    assert!(editions(subject, id, 2).is_empty(), "there is no second message");
}

/// Once a message is taken back nothing of it is left: not its content, not what it said before, not its edits.
pub fn a_revocation_leaves_nothing<H: Harness>(subject: &mut Subject<H>) {
    let (id, a, ab) = said(subject);
    for alteration in
        [edit("two"), react("👍", true), edit("three"), Alteration::Revoke, edit("four")]
    {
        subject.commit(AppendBuilder::internal().at(200).alters(
            id,
            &a,
            Seq(1),
            alteration,
            &[&ab],
        ));
    }
    for _ in 0..2 {
        let message = message(subject, id, 1);
        assert_eq!(message.content, None);
        let altered = message.altered.expect("it was altered");
        assert_eq!(altered.revoked_by, Some(a.id.clone()));
        assert!(altered.reactions.is_empty());
        assert!(editions(subject, id, 1).is_empty());
        let told: Vec<ChangeKind> =
            subject.changes(id).iter().skip(1).map(|change| change.kind.clone()).collect();
        let told_of = |alteration| ChangeKind::MessageAltered { seq: Seq(1), alteration };
        assert_eq!(told[0], told_of(Alteration::Gone));
        assert_eq!(told[1], told_of(react("👍", true)));
        assert_eq!(told[2], told_of(Alteration::Gone));
        assert_eq!(told[3], told_of(Alteration::Revoke));
        subject.kill();
    }
}

/// Alterations of one batch build on each other, also on a message of the same batch.
pub fn alterations_of_a_batch_see_each_other<H: Harness>(subject: &mut Subject<H>) {
    let (id, a, ab) = said(subject);
    let alters = |who: &Person, seq: u64, alteration: Alteration| {
        AppendBuilder::internal().at(200).alters(id, who, Seq(seq), alteration, &[&ab]).build()
    };
    let results = subject.append(vec![
        alters(&a, 1, edit("two")),
        alters(&ab, 1, react("👍", true)),
        alters(&a, 1, react("👍", true)),
        AppendBuilder::internal().at(200).says(id, &a, 2, "new", &[&ab]).build(),
        alters(&a, 2, edit("newer")),
        alters(&a, 2, edit("newest")),
        AppendBuilder::internal().at(200).says(id, &a, 3, "mistake", &[&ab]).build(),
        alters(&a, 3, edit("worse")),
        alters(&a, 3, Alteration::Revoke),
    ]);
    results.into_iter().for_each(|result| drop(committed(result)));
    for _ in 0..2 {
        let first = message(subject, id, 1);
        assert_eq!(first.content, Some(Content::text("two")));
        assert_eq!(first.altered.map(|altered| altered.reactions[0].users.len()), Some(2));
        assert_eq!(message(subject, id, 2).content, Some(Content::text("newest")));
        let kept = texts(&editions(subject, id, 2));
        assert_eq!(kept, [Content::text("new"), Content::text("newer")]);
        assert_eq!(message(subject, id, 3).content, None);
        assert!(editions(subject, id, 3).is_empty());
        subject.kill();
    }
}

/// A change that names a message which does not exist is recorded and alters nothing.
pub fn a_missing_target_is_left_alone<H: Harness>(subject: &mut Subject<H>) {
    let (id, a, ab) = said(subject);
    subject.commit(AppendBuilder::internal().at(200).alters(id, &a, Seq(9), edit("two"), &[&ab]));
    assert_eq!(subject.messages(id).len(), 1);
    assert_eq!(message(subject, id, 1).altered, None);
    subject.commit(AppendBuilder::internal().at(300).says(id, &a, 2, "next", &[&ab]));
    assert_eq!(message(subject, id, 2).content, Some(Content::text("next")));
}

/// The messages whose time is over are found by it, in its order, until nothing is left of them.
pub fn what_is_over_is_found_and_erased<H: Harness>(subject: &mut Subject<H>) {
    let (id, a, ab) = said(subject);
    let until = |content: Content, at| Content { expires_at: Some(UnixMs(at)), ..content };
    for (local_no, at) in [(2, 900), (3, 700)] {
        let content = until(Content::text(format!("until {at}")), at);
        let append = AppendBuilder::internal().at(200);
        subject.commit(append.says_content(id, &a, local_no, content, &[&a, &ab]));
    }
    let alters = |seq, alteration| {
        AppendBuilder::internal().at(300).alters(id, &a, Seq(seq), alteration, &[&ab])
    };
    // An edit keeps the time of its message; burning sets one, the earlier of two.
    subject.commit(alters(2, Alteration::Edit(Content::text("edited"))));
    for at in [800, 850] {
        subject.commit(alters(1, Alteration::Burn(UnixMs(at))));
    }
    subject.commit(alters(3, Alteration::Burn(UnixMs(750))));
    let over = |subject: &Subject<H>, at| {
        subject.call(|ports| ports.conversations.expiring(UnixMs(at), 2))
    };
    for _ in 0..2 {
        assert!(over(subject, 699).is_empty());
        assert_eq!(over(subject, 700), [(id, Seq(3))]);
        assert_eq!(over(subject, 900), [(id, Seq(3)), (id, Seq(1))]);
        subject.kill();
    }
    subject.commit(alters(3, Alteration::Expire));
    subject.commit(alters(1, Alteration::Revoke));
    subject.commit(alters(2, Alteration::Expire));
    for _ in 0..2 {
        assert!(over(subject, u64::MAX).is_empty());
        assert!(editions(subject, id, 2).is_empty(), "nor is anything it said before");
        let message = message(subject, id, 2);
        let altered = message.altered.expect("it was altered");
        assert_eq!((message.content, altered.edits, altered.revoked_by), (None, 0, None));
        subject.kill();
    }
}

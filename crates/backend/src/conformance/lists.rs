//! The lists kept beside conversations: each item is its last change, found by key and by page; and what is kept of
//! members beside their periods.

use anser_types::{
    Change, ChangeKind, Contact, ConversationId, Item, ItemKey, ItemKind, MemberAct, Outcome,
    Relation, Role, Seq, Settings, UnixMs, UserId, Version,
};
use std::sync::Arc;

use super::harness::Harness;
use super::subject::{Subject, WHOLE, committed, page_of};
use crate::append::{MemberWrite, Record};
use crate::testing::{AppendBuilder, Person, group};

fn contact(name: &str, remark: &str) -> Item {
    let user = UserId::new(name).expect("a valid id");
    let relation = Relation::Contact;
    Item::Contact(Contact { relation, remark: remark.to_owned(), ..Contact::stranger(user) })
}

/// Somebody's own conversation, with these items.
fn lists<H: Harness>(subject: &Subject<H>, who: &Person, items: &[Item]) -> ConversationId {
    let id = who.direct(who);
    let opened = AppendBuilder::internal().at(100).opens_direct(who, who);
    subject.commit(items.iter().fold(opened, |append, item| {
        append.changes(id, who, ChangeKind::Item(item.clone()), &[who])
    }));
    id
}

fn changes_item<H: Harness>(subject: &Subject<H>, id: ConversationId, who: &Person, item: Item) {
    let kind = ChangeKind::Item(item);
    subject.commit(AppendBuilder::internal().at(200).changes(id, who, kind, &[who]));
}

fn item_of(change: &Arc<Change>) -> Item {
    match &change.kind {
        ChangeKind::Item(item) => item.clone(),
        other => panic!("{other:?} is no item"),
    }
}

/// The last change of an item is the item, also within one commit and after a kill; an item that is not there is none.
pub fn an_item_is_its_last_change<H: Harness>(subject: &mut Subject<H>) {
    let [a, ..] = subject.people();
    let id = lists(subject, &a, &[contact("b", "old"), contact("c", ""), contact("b", "new")]);
    let found = |subject: &Subject<H>, name: &str| {
        let key = ItemKey::contact(&UserId::new(name).expect("a valid id"));
        subject.call(|ports| ports.lists.item(id, key))
    };
    for _ in 0..2 {
        let change = found(subject, "b").expect("b is in the list");
        assert_eq!(item_of(&change), contact("b", "new"));
        assert_eq!(subject.changes(id).last(), Some(&change), "its last change, whole");
        assert_eq!(found(subject, "d"), None);
        subject.kill();
    }
    changes_item(subject, id, &a, contact("b", "newest"));
    assert_eq!(found(subject, "b").map(|change| item_of(&change)), Some(contact("b", "newest")));
    subject.reopen();
    assert_eq!(found(subject, "b").map(|change| item_of(&change)), Some(contact("b", "newest")));
}

/// Items come in the order of their keys, those of one kind by their prefix, page by page without doubles or gaps; the
/// lists of another conversation are not among them.
pub fn items_come_in_pages_by_key<H: Harness>(subject: &mut Subject<H>) {
    let [a, ab, ..] = subject.people();
    let elsewhere = a.direct(&ab);
    let hidden = |seq| Item::Hidden { conversation: elsewhere, seq: Seq(seq) };
    let (ones, settings) = ([contact("ab", ""), contact("abc", ""), contact("b", "")], {
        Item::Settings(Settings::default())
    });
    let mut all: Vec<Item> = vec![hidden(256), settings.clone(), hidden(1), hidden(2)];
    all.extend(ones.iter().rev().cloned());
    let id = lists(subject, &a, &all);
    lists(subject, &ab, &[contact("a", "")]);
    subject.kill();
    let read = |subject: &Subject<H>, prefix: &ItemKey, after: ItemKey, entries| {
        let found =
            subject.call(|ports| ports.lists.items(id, prefix.clone(), after, page_of(entries)));
        found.iter().map(item_of).collect::<Vec<_>>()
    };
    all.sort_by_key(Item::key);
    let nothing = ItemKey::default();
    let whole =
        subject.call(|ports| ports.lists.items(id, nothing.clone(), nothing.clone(), WHOLE));
    assert_eq!(whole.iter().map(item_of).collect::<Vec<_>>(), all);
    assert_eq!(read(subject, &ItemKey::all(ItemKind::Contact), nothing.clone(), 9), ones);
    assert_eq!(read(subject, &ItemKey::settings(), nothing.clone(), 9), [settings]);
    let (mut paged, mut after) = (Vec::new(), nothing.clone());
    loop {
        let page = read(subject, &nothing, after, 2);
        let Some(last) = page.last() else { break };
        assert!(page.len() <= 2, "a page respects its bound");
        after = last.key();
        paged.extend(page);
    }
    assert_eq!(paged, all);
    let of_two = ItemKey::all_hidden(elsewhere);
    assert_eq!(
        read(subject, &of_two, ItemKey::hidden(elsewhere, Seq(1)), 9),
        [hidden(2), hidden(256)]
    );
    assert!(read(subject, &of_two, ItemKey::hidden(elsewhere, Seq(256)), 9).is_empty());
}

/// One append may change two people's lists: its answer speaks of the conversation of its first record.
pub fn an_answer_speaks_of_its_own_conversation<H: Harness>(subject: &mut Subject<H>) {
    let [a, ab, ..] = subject.people();
    let (own, other) = (lists(subject, &a, &[]), lists(subject, &ab, &[contact("x", "")]));
    let mut pen = subject.pen(a.device(1));
    let append = pen
        .command()
        .changes(own, &a, ChangeKind::Item(contact("ab", "")), &[&a])
        .changes(other, &a, ChangeKind::Item(contact("a", "")), &[&ab]);
    let answer = committed(subject.append_one(append)).answer.expect("a command has an answer");
    let Outcome::Done(done) = answer.outcome else { panic!("it was executed") };
    assert_eq!((done.conversation, done.change_no), (Some(own), subject.heads(own).change_no));
    assert_eq!(subject.heads(other).change_no.0, 2);
}

/// What is kept of a member beside their periods stays until it is changed.
pub fn what_is_said_of_members_is_kept<H: Harness>(subject: &mut Subject<H>) {
    let [a, ab, ..] = subject.people();
    let id = group(1);
    subject.commit(AppendBuilder::internal().creates_group(id, "g", &a, &[&ab]));
    let write = |write| Record::Member { conversation: id, write };
    for act in [
        MemberAct::Alias("Goose".to_owned()),
        MemberAct::MuteUntil(UnixMs(5_000)),
        MemberAct::Role(Role::Admin),
    ] {
        let alter = write(MemberWrite::Alter { user_no: ab.no, act });
        subject.commit(AppendBuilder::internal().record(alter));
    }
    let refuse = write(MemberWrite::Refuse { user_no: ab.no, on: true });
    subject.commit(AppendBuilder::internal().record(refuse));
    for _ in 0..2 {
        let roster = subject.roster(id).expect("the group is there");
        assert_eq!(roster.version(), Version(1), "the row is written by whoever raises it");
        let member = roster.member(ab.no).expect("a member");
        assert_eq!((member.alias.as_str(), member.muted_until), ("Goose", UnixMs(5_000)));
        assert_eq!((member.role, member.refuses), (Role::Admin, true));
        assert!(member.is_present());
        subject.kill();
    }
}

//! Channels: members are read one by one or in pages, never all at once; nothing of what was a group is lost.

use anser_types::{
    ChangeKind, Channel, ConversationId, ConversationKind, Group, Member, Role, Seq, SetGroup,
    Staff, UserNo, Version,
};

use super::harness::Harness;
use super::subject::{Subject, committed};
use crate::reads::Whom;
use crate::testing::{AppendBuilder, Person, group, group_row};

/// The row of a channel whose owner is the first of these.
fn channel_row(
    id: ConversationId,
    version: Version,
    owner: &Person,
    members: u64,
    dismissed: bool,
) -> anser_types::Conversation {
    let staff = vec![Staff { user_no: owner.no, user: owner.id.clone() }];
    let channel = Some(Channel { members, staff });
    let group = Group { title: "tea".into(), channel, dismissed, ..Group::default() };
    anser_types::Conversation {
        kind: ConversationKind::Group(group),
        ..group_row(id, "tea", version)
    }
}

fn everybody<H: Harness>(on: &Subject<H>, id: ConversationId) -> Vec<Member> {
    on.members(id, &Whom::After { after: UserNo(0), limit: 100 })
}

/// A group of three that the first of them makes a channel.
fn becomes_a_channel<H: Harness>(on: &mut Subject<H>) -> (ConversationId, [Person; 4]) {
    let people = on.people();
    let [a, b, c, _] = &people;
    let id = group(1);
    on.commit(AppendBuilder::internal().creates_group(id, "tea", a, &[b, c]));
    on.commit(AppendBuilder::internal().says(id, a, 1, "as a group", &[a, b, c]));
    let set = SetGroup { channel: true, ..SetGroup::default() };
    let switch = AppendBuilder::internal()
        .expecting(id, Version(1))
        .row(channel_row(id, Version(2), a, 3, false))
        .changes(id, a, ChangeKind::GroupUpdated(set), &[a, b, c]);
    on.commit(switch);
    (id, people)
}

/// Members, log and numbers go on; the roster holds the row alone from now on.
pub fn a_group_becomes_a_channel_and_keeps_everybody<H: Harness>(on: &mut Subject<H>) {
    let (id, [a, b, c, _]) = becomes_a_channel(on);
    on.commit(AppendBuilder::internal().says(id, &b, 2, "as a channel", &[]));
    for _ in 0..2 {
        let roster = on.roster(id).expect("a row");
        assert_eq!(roster.conversation, channel_row(id, Version(2), &a, 3, false));
        assert!(roster.members.is_empty(), "a channel's members are not at hand");
        let users: Vec<UserNo> = everybody(on, id).iter().map(|member| member.user_no).collect();
        assert_eq!(users, [a.no, b.no, c.no]);
        assert_eq!(on.messages(id).len(), 2);
        assert_eq!(on.inbox(&c).len(), 3, "what a channel says is in nobody's inbox");
        let listing = on.listings(&c, None, 10).into_iter().find(|l| l.conversation.id == id);
        let listing = listing.expect("it is in everybody's list");
        assert_eq!((listing.heads.seq, listing.member.user_no), (Seq(2), c.no));
        on.kill();
    }
}

/// Whoever comes, goes and is altered is found, alone and in pages, also within one batch and after a crash.
pub fn members_of_a_channel_come_one_by_one_and_in_pages<H: Harness>(on: &mut Subject<H>) {
    let (id, [a, b, c, d]) = becomes_a_channel(on);
    let come = AppendBuilder::internal()
        .expecting(id, Version(2))
        .row(channel_row(id, Version(3), &a, 4, false))
        .joins(id, &d, Role::Member, false);
    let alter = AppendBuilder::internal()
        .expecting(id, Version(3))
        .row(channel_row(id, Version(4), &a, 4, false))
        .sets_role(id, &d, Role::Admin)
        .sets_role(id, &b, Role::Admin);
    let go = AppendBuilder::internal()
        .expecting(id, Version(4))
        .row(channel_row(id, Version(5), &a, 3, false))
        .ends(id, &c);
    let together = on.append([come, alter, go].map(AppendBuilder::build).into());
    together.into_iter().for_each(|one| drop(committed(one)));
    for _ in 0..2 {
        let these = Whom::These(vec![d.no, c.no, d.no, UserNo(u64::MAX)]);
        let found = on.members(id, &these);
        assert_eq!(found.len(), 2, "each once, and nobody who never was a member");
        let of = |who: &Person| found.iter().find(|member| member.user_no == who.no);
        let (c, d) = (of(&c).expect("a former member"), of(&d).expect("a member"));
        assert!(!c.is_present() && c.sees_message(Seq(1)));
        assert_eq!((d.role, d.is_present(), d.sees_message(Seq(1))), (Role::Admin, true, false));
        let (mut all, mut after) = (Vec::new(), UserNo(0));
        loop {
            let page = on.members(id, &Whom::After { after, limit: 3 });
            assert!(page.len() <= 3);
            let Some(last) = page.last() else { break };
            after = last.user_no;
            all.extend(page);
        }
        assert_eq!(all.len(), 4);
        assert!(all.is_sorted_by_key(|member| member.user_no));
        assert_eq!(all, everybody(on, id));
        on.kill();
    }
}

/// Nobody is in a dissolved channel any more, although nothing was written about each; what was said stays visible.
pub fn a_dissolved_channel_has_nobody_in_it<H: Harness>(on: &mut Subject<H>) {
    let (id, [a, b, ..]) = becomes_a_channel(on);
    let end = AppendBuilder::internal()
        .expecting(id, Version(2))
        .row(channel_row(id, Version(3), &a, 0, true))
        .changes(id, &a, ChangeKind::GroupDismissed, &[]);
    on.commit(end);
    for _ in 0..2 {
        let members = everybody(on, id);
        assert_eq!(members.len(), 3);
        for member in members {
            assert!(!member.is_present() && member.sees_message(Seq(1)));
        }
        let listing = on.listings(&b, None, 10).into_iter().find(|l| l.conversation.id == id);
        assert!(!listing.expect("it stays in the list").member.is_present());
        on.kill();
    }
}

//! What a group is and what its members may, in the local store: by changes, by a rebuild, and read again.

use anser_client::records::{ConversationRow, Record, RowUpdate};
use anser_sdk::store::{Arrival, ArrivalNo, Conversation, Store};
use anser_types::{
    Change, ChangeKind, ChangeNo, ConversationId, Group, InboxSeq, Item, JoinMode, JoinRequest,
    JoinState, MemberAct, Role, Seq, SetGroup, UnixMs, Version,
};
use bytes::Bytes;
use tempfile::tempdir;

use crate::store_rows::{apply, identity, open};
use crate::world::id;

fn group() -> ConversationId {
    ConversationId::group([3; 16])
}

fn change(no: u64, actor: &str, kind: ChangeKind) -> Change {
    Change {
        conversation: group(),
        change_no: ChangeNo(no),
        after_seq: Seq(0),
        version: Version(no),
        actor: id(actor),
        at: UnixMs(3_000 + no),
        kind,
    }
}

/// A change as the inbox gives it: the row first.
fn came(change: Change) -> Vec<Record> {
    let title = match &change.kind {
        ChangeKind::GroupCreated { title, .. } | ChangeKind::MembersJoined { title, .. } => {
            Some(title.clone())
        }
        ChangeKind::GroupUpdated(set) => set.title.clone(),
        _ => None,
    };
    let member = change.kind != ChangeKind::GroupDismissed;
    let update = RowUpdate::Group { title, version: change.version, member };
    let row = ConversationRow { conversation: group(), peer: None, update };
    let inbox_seq = InboxSeq(change.change_no.0);
    vec![
        Record::ConversationUpserted(row),
        Record::ChangeStored { change, inbox_seq: Some(inbox_seq) },
    ]
}

fn made() -> Change {
    let members = vec![id("alice"), id("bob"), id("carol")];
    change(1, "alice", ChangeKind::GroupCreated { title: "friends".to_owned(), members })
}

fn becomes(user: &str, role: Role) -> ChangeKind {
    ChangeKind::MemberAltered { user: id(user), act: MemberAct::Role(role) }
}

async fn shown(store: &Store) -> Conversation {
    store.conversation(group()).await.unwrap().unwrap()
}

#[tokio::test]
async fn requirement_g1_changes_of_groups_and_members_are_applied_told_and_read_again() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let set = SetGroup {
        title: Some("close friends".to_owned()),
        announcement: Some("Friday!".to_owned()),
        join: Some(JoinMode::Approval),
        muted: Some(true),
        ..SetGroup::default()
    };
    let alias = MemberAct::Alias("Robert".to_owned());
    let changes = vec![
        made(),
        change(2, "alice", ChangeKind::GroupUpdated(set)),
        change(3, "alice", becomes("bob", Role::Admin)),
        change(4, "bob", ChangeKind::MemberAltered { user: id("bob"), act: alias }),
        change(
            5,
            "bob",
            ChangeKind::MemberAltered { user: id("carol"), act: MemberAct::MuteUntil(UnixMs(99)) },
        ),
        change(6, "alice", becomes("bob", Role::Owner)),
    ];
    apply(&store, vec![identity("alice")]).await;
    apply(&store, changes.iter().cloned().flat_map(came).collect()).await;
    let now = shown(&store).await;
    assert_eq!(
        (now.title.as_str(), now.role, now.members),
        ("close friends", Role::Admin, Some(3))
    );
    assert_eq!(now.group, None, "who made it was not told how it was made");
    let (told, _) = store.arrivals_after(ArrivalNo(0), 50).await.unwrap();
    let told: Vec<_> = told.into_iter().map(|(_, arrival)| arrival).collect();
    assert_eq!(told, changes.iter().cloned().map(Arrival::Change).collect::<Vec<_>>());
    store.close().await;
    let store = open(directory.path()).await;
    assert_eq!(store.changes(group()).await.unwrap(), changes);

    apply(&store, came(change(7, "bob", becomes("alice", Role::Member)))).await;
    assert_eq!(shown(&store).await.role, Role::Member);
    apply(&store, came(change(8, "bob", ChangeKind::GroupDismissed))).await;
    let gone = shown(&store).await;
    assert_eq!((gone.member, gone.members), (false, Some(0)));
    assert_eq!(
        store.changes(group()).await.unwrap().last().unwrap().kind,
        ChangeKind::GroupDismissed
    );
}

#[tokio::test]
async fn requirement_g1_a_rebuild_tells_all_of_a_group_and_an_older_change_undoes_nothing() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let told = Group {
        title: "friends".to_owned(),
        avatar: "file:1".to_owned(),
        announcement: "at nine".to_owned(),
        history_for_new_members: true,
        join: JoinMode::Open,
        admins_invite: true,
        muted: false,
        dismissed: false,
        channel: None,
    };
    let state = anser_client::records::ConversationState {
        group: Some(told.clone()),
        version: Version(6),
        head: Seq::ZERO,
        change_head: ChangeNo(6),
        read_up_to: Seq::ZERO,
        unread: 0,
        mentioned: Seq::ZERO,
        pinned: Vec::new(),
        last_message: None,
        last_at: UnixMs(0),
        peer_delivered: Seq::ZERO,
        peer_read: Seq::ZERO,
        member: true,
        members: 3,
        role: Role::Member,
        cuts: Vec::new(),
        log_epoch: anser_types::LogEpoch(1),
    };
    let update = RowUpdate::Full(Box::new(state));
    let row = ConversationRow { conversation: group(), peer: None, update };
    apply(&store, vec![identity("alice"), Record::ConversationUpserted(row)]).await;
    assert_eq!(shown(&store).await.group, Some(told.clone()));
    let older = SetGroup {
        title: Some("strangers".to_owned()),
        announcement: Some("at eight".to_owned()),
        ..SetGroup::default()
    };
    apply(&store, came(change(5, "bob", ChangeKind::GroupUpdated(older)))).await;
    assert_eq!(shown(&store).await.group, Some(told.clone()));
    let newer = SetGroup { announcement: Some("at ten".to_owned()), ..SetGroup::default() };
    apply(&store, came(change(7, "bob", ChangeKind::GroupUpdated(newer)))).await;
    let expected = Group { announcement: "at ten".to_owned(), ..told };
    assert_eq!(shown(&store).await.group, Some(expected));
}

#[tokio::test]
async fn requirement_g1_a_request_to_join_is_no_event_of_the_group_and_the_count_goes_on() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let ask = |no, state| {
        let request = JoinRequest { user: id("dave"), greeting: "me too".to_owned(), state };
        let change = change(no, "dave", ChangeKind::Item(Item::JoinRequest(request)));
        Record::ChangeStored { inbox_seq: Some(InboxSeq(change.change_no.0)), change }
    };
    apply(&store, vec![identity("alice")]).await;
    let before = apply(&store, came(made())).await;
    assert_eq!(apply(&store, vec![ask(2, JoinState::Waiting)]).await, before);
    let joined = ChangeKind::MembersJoined {
        title: "friends".to_owned(),
        users: vec![id("dave")],
        channel: false,
    };
    apply(&store, came(change(3, "alice", joined))).await;
    let answered = Record::ChangeStored {
        change: Change {
            version: Version(3),
            ..change(
                4,
                "alice",
                ChangeKind::Item(Item::JoinRequest(JoinRequest {
                    user: id("dave"),
                    greeting: "me too".to_owned(),
                    state: JoinState::Accepted,
                })),
            )
        },
        inbox_seq: Some(InboxSeq(4)),
    };
    apply(&store, vec![answered, ask(2, JoinState::Waiting)]).await;
    let request = store.join_request(group(), id("dave")).await.unwrap().unwrap();
    assert_eq!(request.state, JoinState::Accepted);
    assert_eq!(shown(&store).await.members, Some(4));
    assert_eq!(store.changes(group()).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_change_that_an_earlier_version_kept_unread_is_read_after_an_upgrade() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let unread = ChangeKind::Unknown { kind: 23, raw: Bytes::from_static(b"raw") };
    apply(&store, vec![identity("alice")]).await;
    apply(&store, came(made())).await;
    apply(&store, came(change(2, "alice", unread.clone()))).await;
    assert_eq!(store.changes(group()).await.unwrap()[1].kind, unread);
    apply(&store, came(change(2, "alice", ChangeKind::GroupDismissed))).await;
    assert_eq!(store.changes(group()).await.unwrap()[1].kind, ChangeKind::GroupDismissed);
    assert!(!shown(&store).await.member);
}

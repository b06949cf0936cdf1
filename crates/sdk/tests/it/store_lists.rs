//! The user's own lists in the local store: each item once, the newer one, replaced by a rebuild; and what they make of
//! the list of conversations.

use anser_client::records::{ConversationRow, ConversationState, Record, RowUpdate};
use anser_sdk::PageBounds;
use anser_sdk::store::{ArrivalNo, Conversation, Store, TotalUnread};
use anser_types::{
    Audience, Change, ChangeKind, ChangeNo, Contact, ConversationId, InboxSeq, Item, JoinRequest,
    JoinState, LogEpoch, Notify, Options, Relation, Role, Seq, Settings, UnixMs, Version,
};
use tempfile::tempdir;

use crate::store_rows::{apply, identity, message, open, stored, stored_own, with_bob};
use crate::world::id;

/// A change of a list of alice's.
pub fn change(change_no: u64, item: Item) -> Change {
    Change {
        conversation: ConversationId::own(&id("alice")),
        change_no: ChangeNo(change_no),
        after_seq: Seq(0),
        version: Version(change_no),
        actor: id("alice"),
        at: UnixMs(7_000 + change_no),
        kind: ChangeKind::Item(item),
    }
}

fn came(change_no: u64, item: Item) -> Record {
    Record::ChangeStored { change: change(change_no, item), inbox_seq: Some(InboxSeq(change_no)) }
}

fn contact(user: &str, relation: Relation, remark: &str) -> Item {
    Item::Contact(Contact { relation, remark: remark.to_owned(), ..Contact::stranger(id(user)) })
}

fn options(set: impl FnOnce(&mut Options)) -> Item {
    let mut options = Options::usual(with_bob());
    set(&mut options);
    Item::Options(options)
}

fn hidden(seq: u64) -> Item {
    Item::Hidden { conversation: with_bob(), seq: Seq(seq) }
}

async fn names(store: &Store) -> Vec<String> {
    let contacts = store.contacts().await.unwrap();
    contacts.iter().map(|contact| format!("{} {}", contact.user, contact.remark)).collect()
}

async fn list(store: &Store) -> Vec<Conversation> {
    store.conversations().await.unwrap()
}

/// With bob, as a rebuild tells it: twelve messages, of which ten are unread; none is stored here but the last.
fn row_of_twelve() -> Record {
    let state = ConversationState {
        group: None,
        version: Version(1),
        head: Seq(12),
        change_head: ChangeNo(0),
        read_up_to: Seq(2),
        mentioned: Seq(11),
        pinned: Vec::new(),
        unread: 10,
        last_message: Some(message(12, &id("bob"), "the last")),
        last_at: UnixMs(0),
        peer_delivered: Seq::ZERO,
        peer_read: Seq::ZERO,
        member: true,
        members: 2,
        role: Role::Member,
        cuts: Vec::new(),
        log_epoch: LogEpoch(1),
    };
    let update = RowUpdate::Full(Box::new(state));
    let peer = Some(id("bob"));
    Record::ConversationUpserted(ConversationRow { conversation: with_bob(), peer, update })
}

#[tokio::test]
async fn requirement_g2_an_item_counts_once_and_an_older_one_changes_nothing() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let narrow = Settings { write_first: Audience::Contacts, ..Settings::default() };
    let records = vec![
        identity("alice"),
        came(2, contact("bob", Relation::Contact, "Bobby")),
        came(1, contact("bob", Relation::Asked, "")),
        came(2, contact("bob", Relation::Contact, "told again")),
        came(4, Item::Settings(narrow)),
        came(3, Item::Settings(Settings::default())),
        came(6, options(|options| options.pinned = true)),
        came(5, options(|options| options.draft = "older".to_owned())),
    ];
    apply(&store, records).await;
    let shown = async |store: &Store| {
        let options = store.conversation_options(with_bob()).await.unwrap();
        (names(store).await, store.settings().await.unwrap(), options.pinned, options.draft)
    };
    let expected = (vec!["bob Bobby".to_owned()], narrow, true, String::new());
    assert_eq!(shown(&store).await, expected);
    store.close().await;
    let store = open(directory.path()).await;
    assert_eq!(shown(&store).await, expected, "also after a restart");
}

#[tokio::test]
async fn requirement_c4_a_rebuild_replaces_the_lists_and_forgets_no_request_to_join() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let group = ConversationId::group([3; 16]);
    let request =
        JoinRequest { user: id("carol"), greeting: "hi".to_owned(), state: JoinState::Waiting };
    let asked = Change { conversation: group, ..change(9, Item::JoinRequest(request.clone())) };
    let before = vec![
        identity("alice"),
        Record::MessageStored(stored(1, "removed", Some(1))),
        came(3, contact("bob", Relation::Contact, "")),
        came(4, contact("carol", Relation::Asked, "")),
        came(5, Item::Settings(Settings { show_read: false, ..Settings::default() })),
        came(6, options(|options| options.pinned = true)),
        came(7, hidden(1)),
        Record::ChangeStored { change: asked, inbox_seq: Some(InboxSeq(8)) },
    ];
    apply(&store, before).await;
    // The restored server knows an older state of one contact, and of nothing else.
    let older = change(1, contact("bob", Relation::Applied, ""));
    apply(&store, vec![Record::ItemsForgotten, Record::ItemStored(older)]).await;
    assert_eq!(store.contact(id("bob")).await.unwrap().unwrap().relation, Relation::Applied);
    assert_eq!(store.contact(id("carol")).await.unwrap(), None);
    assert_eq!(store.settings().await.unwrap(), Settings::default());
    assert!(!store.conversation_options(with_bob()).await.unwrap().pinned);
    assert_eq!(store.join_request(group, id("carol")).await.unwrap(), Some(request));
    let page = store.history(with_bob(), PageBounds::newest(10)).await.unwrap();
    assert!(page.messages.is_empty(), "what was removed is not shown meanwhile");
    // What comes after it is newer again.
    apply(&store, vec![came(2, contact("bob", Relation::Contact, "again"))]).await;
    assert_eq!(names(&store).await, ["bob again"]);
}

#[tokio::test]
async fn an_item_makes_no_conversation_and_is_no_part_of_a_timeline() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let own = ConversationId::own(&id("alice"));
    let records = vec![
        identity("alice"),
        came(1, contact("bob", Relation::Asked, "")),
        came(2, options(|options| options.draft = "begun".to_owned())),
        came(3, hidden(4)),
    ];
    assert_eq!(apply(&store, records).await, ArrivalNo(0));
    assert!(list(&store).await.is_empty());
    assert_eq!(store.conversation(own).await.unwrap(), None);
    assert!(store.changes(own).await.unwrap().is_empty());
    assert_eq!(store.conversation_options(with_bob()).await.unwrap().draft, "begun");
    let waiting = store.contact_applications().await.unwrap();
    assert_eq!(waiting.iter().map(|who| who.user.as_str()).collect::<Vec<_>>(), ["bob"]);
    // A note makes one's own conversation one to show.
    let mut note = stored_own(1, 1, "buy milk");
    note.message.conversation = own;
    note.peer = Some(id("alice"));
    apply(&store, vec![Record::MessageStored(note)]).await;
    assert_eq!(list(&store).await[0].id, own);
}

#[tokio::test]
async fn requirement_d2_pinned_conversations_stand_first_and_hidden_ones_wait_for_a_message() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let mut of_carol = stored(9, "from carol", Some(2));
    of_carol.message.conversation = ConversationId::direct(&id("alice"), &id("carol"));
    of_carol.peer = Some(id("carol"));
    let records = vec![
        identity("alice"),
        Record::MessageStored(stored(1, "from bob", Some(1))),
        Record::MessageStored(of_carol),
    ];
    apply(&store, records).await;
    let order =
        async |store: &Store| list(store).await.iter().map(Conversation::name).collect::<Vec<_>>();
    assert_eq!(order(&store).await, ["carol", "bob"], "the newest first");
    let silent = |options: &mut Options| (options.pinned, options.notify) = (true, Notify::Nothing);
    apply(&store, vec![came(1, options(silent))]).await;
    assert_eq!(order(&store).await, ["bob", "carol"]);
    let total = TotalUnread::of(&list(&store).await);
    assert_eq!((total.unread, total.muted), (1, 1));
    apply(&store, vec![came(2, options(|options| options.hidden_up_to = Seq(1)))]).await;
    assert_eq!(order(&store).await, ["carol"]);
    let hidden = store.conversation(with_bob()).await.unwrap().unwrap();
    assert!(hidden.options.hidden);
    assert_eq!(TotalUnread::of(&list(&store).await).muted, 0);
    apply(&store, vec![Record::MessageStored(stored(2, "again", Some(3)))]).await;
    assert_eq!(order(&store).await, ["carol", "bob"], "the next message shows it");
}

#[tokio::test]
async fn requirement_d2_what_was_cleared_away_is_shown_counted_and_found_nowhere() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let mut records = vec![identity("alice")];
    for (seq, text) in [(1, "walrus one"), (2, "walrus two"), (3, "walrus three")] {
        records.push(Record::MessageStored(stored(seq, text, Some(seq))));
    }
    records.push(came(1, options(|options| options.cleared_up_to = Seq(2))));
    apply(&store, records).await;
    let only = list(&store).await.remove(0);
    assert_eq!((only.unread, only.options.cleared_up_to), (1, Seq(2)));
    let texts = async |store: &Store| {
        let page = store.history(with_bob(), PageBounds::newest(10)).await.unwrap();
        assert!(page.complete && !page.more);
        page.messages.iter().filter_map(|one| one.text().map(str::to_owned)).collect::<Vec<_>>()
    };
    assert_eq!(texts(&store).await, ["walrus three"]);
    assert_eq!(store.search("walrus", None, 10).await.unwrap().len(), 1);
    assert_eq!(store.search("wa", None, 10).await.unwrap().len(), 1, "short words too");
    let (told, _) = store.arrivals_after(ArrivalNo(0), 10).await.unwrap();
    assert_eq!(told.len(), 1, "what waited to be told of the rest is not told any more");
    apply(&store, vec![came(2, options(|options| options.cleared_up_to = Seq(3)))]).await;
    let empty = list(&store).await.remove(0);
    assert_eq!((empty.unread, empty.last_message), (0, None));
    assert!(texts(&store).await.is_empty());
}

#[tokio::test]
async fn requirement_d2_a_message_removed_for_oneself_is_shown_counted_and_found_nowhere() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    apply(&store, vec![identity("alice"), row_of_twelve()]).await;
    assert_eq!(
        (list(&store).await[0].unread, list(&store).await[0].mentioned),
        (10, Some(Seq(11)))
    );
    // Of what the server counted: one that is stored here, one that is not, and the last that calls her; each once.
    let removed = vec![came(1, hidden(12)), came(2, hidden(7)), came(3, hidden(11))];
    apply(&store, removed.clone()).await;
    apply(&store, removed).await;
    let only = list(&store).await.remove(0);
    assert_eq!((only.unread, only.mentioned, only.last_message), (7, None, None));
    assert!(store.search("the last", None, 10).await.unwrap().is_empty());
    // It comes again (a page of history) and stays removed.
    apply(&store, vec![Record::MessageStored(stored(12, "the last", None))]).await;
    assert!(store.search("the last", None, 10).await.unwrap().is_empty());
    assert_eq!(list(&store).await[0].last_message, None);
    // A rebuild counts without them and gives them again.
    let Record::ConversationUpserted(mut row) = row_of_twelve() else { unreachable!() };
    let RowUpdate::Full(state) = &mut row.update else { unreachable!() };
    (state.unread, state.last_message) = (7, None);
    let again = [12, 7, 11].map(|seq| Record::ItemStored(change(seq, hidden(seq))));
    let mut rebuild = vec![Record::ConversationUpserted(row), Record::ItemsForgotten];
    rebuild.extend(again);
    apply(&store, rebuild).await;
    assert_eq!(list(&store).await[0].unread, 7);
}

#[tokio::test]
async fn messages_removed_for_oneself_take_no_place_in_a_page() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let mut records = vec![identity("alice")];
    for (seq, text) in [(1, "one"), (2, "two"), (3, "three"), (4, "four"), (5, "five")] {
        records.push(Record::MessageStored(stored(seq, text, Some(seq))));
    }
    records.extend([1, 3, 4].map(|seq| came(seq, hidden(seq))));
    apply(&store, records).await;
    let page = async |bounds| {
        let page = store.history(with_bob(), bounds).await.unwrap();
        let texts = page.messages.iter().filter_map(|one| one.text().map(str::to_owned));
        (texts.collect::<Vec<_>>().join(" "), page.range, page.complete, page.more)
    };
    let of = |text: &str, from, to, more| (text.to_owned(), Some((Seq(from), Seq(to))), true, more);
    assert_eq!(page(PageBounds::newest(2)).await, of("two five", 2, 5, true));
    assert_eq!(page(PageBounds::before(Seq(5), 1)).await, of("two", 2, 4, true));
    assert_eq!(page(PageBounds::after(Seq(2), 1)).await, of("five", 3, 5, false));
    assert_eq!(page(PageBounds::newest(10)).await, of("two five", 1, 5, false));
}

#[tokio::test]
async fn a_place_that_a_restored_server_gives_again_is_not_hidden() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let mut other = stored(1, "another", Some(2));
    other.message.id.local_no = anser_types::LocalNo(77);
    let records = vec![
        identity("alice"),
        Record::MessageStored(stored(1, "one", Some(1))),
        came(1, hidden(1)),
        Record::NotOnServer { conversation: with_bob(), above: Seq(0) },
    ];
    apply(&store, records).await;
    assert_eq!(list(&store).await[0].last_message, None, "what was removed stays so");
    apply(&store, vec![Record::MessageStored(other)]).await;
    let shown = list(&store).await.remove(0).last_message.unwrap();
    assert_eq!(shown.text(), Some("another"));
}

/// The lists come in pages: until the one with the options is here, what was cleared must not be shown again.
#[tokio::test]
async fn what_was_cleared_stays_so_while_a_rebuild_gives_the_lists_again() {
    let directory = tempdir().unwrap();
    let store = open(directory.path()).await;
    let cleared = |up_to, no| came(no, options(|options| options.cleared_up_to = Seq(up_to)));
    let before = vec![
        identity("alice"),
        Record::MessageStored(stored(1, "one", Some(1))),
        Record::MessageStored(stored(2, "two", Some(2))),
        Record::MessageStored(stored(3, "three", Some(3))),
        cleared(2, 40),
    ];
    apply(&store, before).await;
    let shown = async || {
        let page = store.history(with_bob(), PageBounds::newest(10)).await.unwrap();
        page.messages.iter().filter_map(|one| one.seq).collect::<Vec<_>>()
    };
    assert_eq!(shown().await, [Seq(3)]);
    let first_page = Record::ItemStored(change(1, contact("bob", Relation::Contact, "")));
    apply(&store, vec![Record::ItemsForgotten, first_page]).await;
    assert_eq!(shown().await, [Seq(3)], "the page with the options has not come");
    let options = store.conversation_options(with_bob()).await.unwrap();
    assert_eq!((options.cleared_up_to, options.pinned), (Seq(2), false));
    // Whatever comes is newer, be it of a restored server that numbers anew.
    apply(&store, vec![cleared(3, 2)]).await;
    assert_eq!(shown().await, []);
    // What stands there in its log was not cleared.
    let lost = Record::NotOnServer { conversation: with_bob(), above: Seq(1) };
    let mut other = stored(2, "another", Some(9));
    other.message.id.local_no = anser_types::LocalNo(77);
    apply(&store, vec![lost, Record::MessageStored(other)]).await;
    assert_eq!(shown().await, [Seq(2)]);
}

//! A backup holds everything of one moment, a restore brings all of it back, and clients are told.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anser_backend::archive::{Reader, Subject, Summary};
use anser_backend::testing::{AppendBuilder, Person, group};
use anser_backend::{
    Appended, CreateUser, DeviceKey, NewToken, Order, Others, PageLimit, PutFile, SoftPosition,
    StoreError, TrimPolicy, Usage,
};
use anser_embedded::{EmbeddedStore, RestoreError, RestoreOptions, Restored, restore};
use anser_types::{
    Alteration, ChangeKind, CommandNo, Content, Cut, DeviceClass, ErrorCode, FileId, InboxSeq,
    Item, LogEpoch, Seq, SessionEpoch, Settings, Sha256, StoredFile, UnixMs, UserId, Version,
};

use crate::conformance::small;
use crate::talk::{Talk, said, texts};

const ALL: PageLimit = PageLimit { entries: 100_000, bytes: usize::MAX };

fn options() -> RestoreOptions {
    RestoreOptions { least_log_epoch: LogEpoch(0), verify: true, store: small() }
}

async fn back_up(store: &EmbeddedStore) -> (Vec<u8>, Summary) {
    let snapshot = store.snapshot().await.unwrap();
    snapshot.write_archive(Vec::new(), UnixMs(5)).unwrap()
}

fn bring_back(archive: &[u8], dir: &Path) -> Result<Restored, RestoreError> {
    // A thread of its own: a restore blocks.
    std::thread::scope(|scope| scope.spawn(|| restore(archive, dir, &options())).join().unwrap())
}

/// A store in which there is something of everything.
struct Town {
    store: EmbeddedStore,
    alice: Person,
    bob: Person,
    device: DeviceKey,
    epoch: SessionEpoch,
    _dir: tempfile::TempDir,
}

const HELD: FileId = FileId([1; 16]);
const UNHELD: FileId = FileId([2; 16]);

fn file(id: FileId, owner: &Person) -> StoredFile {
    StoredFile {
        id,
        owner: owner.no,
        name: "map.txt".into(),
        media_type: "text/plain".into(),
        bytes: 300,
        sent_bytes: 300,
        sha256: Sha256([id.0[0]; 32]),
        look: None,
        created_at: UnixMs(3),
    }
}

async fn person(store: &EmbeddedStore, id: &str) -> Person {
    let made = store.accounts().create_user(UserId::new(id).unwrap(), None, UnixMs(1)).await;
    let Ok(CreateUser::Created(user)) = made else { panic!("{made:?}") };
    Person { no: user.no, id: user.id }
}

impl Town {
    async fn build() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::open(&dir.path().join("store"), small()).unwrap();
        let (alice, bob) = (person(&store, "alice").await, person(&store, "bob").await);
        let token = NewToken {
            user: alice.no,
            device: None,
            others: Others::End,
            class: DeviceClass::Cli,
            name: "box".into(),
            hash: [7; 32],
            created_at: UnixMs(1),
            expires_at: UnixMs(9),
        };
        let device = store.accounts().put_token(token).await.unwrap();
        let device = alice.device(device.0);
        let ledger = store.ledger();
        let epoch = ledger.open_session(device).await.unwrap().epoch;
        let town = Self { store, alice, bob, device, epoch, _dir: dir };
        let first = AppendBuilder::command(device, epoch, CommandNo(1))
            .opens_direct(&town.alice, &town.bob)
            .build();
        let made = AppendBuilder::internal()
            .creates_group(group(1), "team", &town.alice, &[&town.bob])
            .build();
        let read = AppendBuilder::internal()
            .reads(town.alice.direct(&town.bob), &town.bob, Seq(1))
            .build();
        for number in [HELD, UNHELD] {
            let put = town.store.files().put_file(file(number, &town.alice), 1_000).await;
            assert_eq!(put, Ok(PutFile::Stored));
        }
        let holding = Content { files: vec![HELD], ..Content::text("by key") };
        let keyed = AppendBuilder::keyed(&town.alice, "key-1")
            .says_content(group(1), &town.alice, 1, holding, &[&town.alice, &town.bob])
            .build();
        let edited = AppendBuilder::internal()
            .alters(
                group(1),
                &town.alice,
                Seq(1),
                Alteration::Edit(Content::text("by hand")),
                &[&town.bob],
            )
            .alters(group(1), &town.alice, Seq(1), Alteration::Burn(UnixMs(5_000)), &[])
            .build();
        let settings = ChangeKind::Item(Item::Settings(Settings::default()));
        let listed = AppendBuilder::internal()
            .opens_direct(&town.alice, &town.alice)
            .changes(town.alice.direct(&town.alice), &town.alice, settings, &[])
            .build();
        let batch = vec![first, town.message(2), made, read, keyed, edited, listed];
        ledger.append_batch(batch).await.unwrap();
        for n in 3..=40 {
            ledger.append_batch(vec![town.message(n)]).await.unwrap();
        }
        let policy = TrimPolicy { now: UnixMs(0), keep: 10, keep_ms: u64::MAX, inboxes: 100 };
        assert!(ledger.trim(policy).await.unwrap().entries > 0);
        let up_to = InboxSeq(30);
        let seen = SoftPosition::Seen { device, at: UnixMs(40) };
        ledger.note_positions(&[SoftPosition::Cursor { device, up_to }, seen]);
        town
    }

    fn message(&self, n: u64) -> anser_backend::Append {
        let id = self.alice.direct(&self.bob);
        AppendBuilder::command(self.device, self.epoch, CommandNo(n))
            .expecting(id, Version(1))
            .says(id, &self.alice, n, &said(n), &[&self.alice, &self.bob])
            .build()
    }
}

#[tokio::test]
async fn what_is_restored_is_what_was_backed_up() {
    let town = Town::build().await;
    let (archive, summary) = back_up(&town.store).await;
    let dir = tempfile::tempdir().unwrap();
    let restored = bring_back(&archive, &dir.path().join("store")).unwrap();
    assert_eq!(restored.archive, summary);
    let same = restored.store.unwrap();
    assert_eq!((same.root, same.counts), (summary.root, summary.counts));
    for subject in Subject::ALL {
        assert!(summary.counts.of(subject) > 0, "the test has no {}", subject.name());
    }

    let store = EmbeddedStore::open(&dir.path().join("store"), small()).unwrap();
    let (one, other) = (town.store.conversations(), store.conversations());
    for id in town.store.inspect().conversation_ids(None, 10).await.unwrap() {
        let (before, after) = (one.roster(id).await.unwrap(), other.roster(id).await.unwrap());
        let (before, mut after) = (before.unwrap(), (*after.unwrap()).clone());
        assert_eq!(after.conversation.cuts.len(), 1, "its log goes on from here");
        after.conversation.cuts.clear();
        assert_eq!(*before, after);
        assert_eq!(one.heads(id).await, other.heads(id).await);
        let all = |port: Arc<dyn anser_backend::Conversations>| async move {
            port.messages(id, Seq::ZERO, Seq::MAX, Order::OldestFirst, ALL).await.unwrap()
        };
        assert_eq!(all(one.clone()).await, all(other.clone()).await);
        let users = [town.alice.no, town.bob.no];
        assert_eq!(one.positions(id, &users).await, other.positions(id, &users).await);
    }
    let over = other.expiring(UnixMs(5_000), 10).await.unwrap();
    assert_eq!(over, [(group(1), Seq(1))], "it is known when what was said expires");
    for user in [town.alice.no, town.bob.no] {
        let bounds = one.inbox_bounds(user).await.unwrap();
        assert!(bounds.floor > InboxSeq::ZERO);
        let inbox = one.inbox(user, bounds.floor, ALL).await.unwrap();
        assert_eq!(Ok(inbox), other.inbox(user, bounds.floor, ALL).await);
        let mut listings = other.listings(user, None, 10).await.unwrap();
        listings.iter_mut().for_each(|listing| listing.conversation.cuts.clear());
        assert_eq!(one.listings(user, None, 10).await, Ok(listings));
        let devices = town.store.accounts().devices(user).await;
        assert_eq!(devices, store.accounts().devices(user).await);
    }
    let (before, after) = (town.store.files(), store.files());
    for id in [HELD, UNHELD] {
        assert_eq!(before.file(id).await, after.file(id).await);
        assert_eq!(before.holds(id, None, 10).await, after.holds(id, None, 10).await);
    }
    assert_eq!(after.unheld(UnixMs(3), 10).await, Ok(vec![UNHELD]));
    let usage = after.usage(town.alice.no).await;
    assert_eq!(usage, Ok(Usage { files: 2, bytes: 600 }));
    let found = store.accounts().token([7; 32]).await.unwrap().unwrap();
    assert_eq!((found.device, found.user_id), (town.device, town.alice.id.clone()));
    assert_eq!(store.accounts().user(town.bob.id.clone()).await.unwrap().unwrap().no, town.bob.no);
}

#[tokio::test]
async fn a_restored_store_goes_on_where_the_backup_ended() {
    let town = Town::build().await;
    let (archive, _) = back_up(&town.store).await;
    let dir = tempfile::tempdir().unwrap();
    bring_back(&archive, &dir.path().join("store")).unwrap();
    let store = EmbeddedStore::open(&dir.path().join("store"), small()).unwrap();
    let ledger = store.ledger();
    let opened = ledger.open_session(town.device).await.unwrap();
    assert!(opened.epoch > town.epoch, "sessions of the lost store are fenced off");
    assert_eq!((opened.last_command_no, opened.cursor), (CommandNo(40), InboxSeq(30)));
    // Answers and keys are kept: what was sent before is not sent again.
    let again = Town { epoch: opened.epoch, store: store.clone(), ..town };
    let repeated = ledger.append_batch(vec![again.message(40)]).await.unwrap();
    assert!(matches!(repeated[0], Appended::Duplicate(_)), "{repeated:?}");
    let keyed = AppendBuilder::keyed(&again.alice, "key-1").build();
    let keyed = ledger.append_batch(vec![keyed]).await.unwrap();
    assert!(matches!(keyed[0], Appended::Duplicate(_)), "{keyed:?}");
    let next = ledger.append_batch(vec![again.message(41)]).await.unwrap();
    let Appended::Committed(next) = &next[0] else { panic!("{next:?}") };
    assert_eq!(next.inbox, [InboxSeq(42), InboxSeq(44)]);
    assert_eq!(person(&store, "carol").await.no.0, 3, "no user number is given twice");
}

#[tokio::test]
async fn a_restore_raises_the_log_epoch_every_time() {
    let town = Town::build().await;
    assert_eq!(town.store.ledger().status().log_epoch, LogEpoch(1));
    let (archive, _) = back_up(&town.store).await;
    let dir = tempfile::tempdir().unwrap();
    let first = dir.path().join("first");
    assert_eq!(bring_back(&archive, &first).unwrap().log_epoch, LogEpoch(2));
    let store = EmbeddedStore::open(&first, small()).unwrap();
    assert_eq!(store.ledger().status().log_epoch, LogEpoch(2));
    let (later, _) = back_up(&store).await;
    assert_eq!(bring_back(&later, &dir.path().join("second")).unwrap().log_epoch, LogEpoch(3));
    let timed = RestoreOptions { least_log_epoch: LogEpoch(1_780_000_000), ..options() };
    let third = dir.path().join("third");
    let restored = std::thread::spawn(move || restore(&archive[..], &third, &timed).unwrap());
    assert_eq!(restored.join().unwrap().log_epoch, LogEpoch(1_780_000_000));
}

/// A device that followed an earlier log learns from it what the two share, through any number of restores.
#[tokio::test]
async fn a_restored_store_knows_where_each_log_was_cut() {
    let town = Town::build().await;
    let (archive, _) = back_up(&town.store).await;
    let dir = tempfile::tempdir().unwrap();
    let first = dir.path().join("first");
    bring_back(&archive, &first).unwrap();
    let shared = async |store: &EmbeddedStore, since: u64| {
        let listed = store.conversations().listings(town.alice.no, None, 100).await.unwrap();
        let each = listed.iter().map(|listing| {
            let cuts =
                listing.conversation.cuts_since(LogEpoch(since), store.ledger().status().log_epoch);
            (Cut::shared(&cuts, LogEpoch(since)), listing.heads.seq)
        });
        each.collect::<Vec<_>>()
    };
    let before = shared(&town.store, 1).await;
    assert!(before.iter().all(|(shared, _)| shared.is_none()), "{before:?}");
    let store = EmbeddedStore::open(&first, small()).unwrap();
    let heads: Vec<Seq> = before.iter().map(|(_, head)| *head).collect();
    let expected: Vec<_> = heads.iter().map(|head| (Some(*head), *head)).collect();
    assert_eq!(shared(&store, 1).await, expected);
    // More is said in the restored log, which is backed up and restored as well.
    let direct = town.alice.direct(&town.bob);
    let (alice, bob) = (&town.alice, &town.bob);
    let more = AppendBuilder::internal().says(direct, alice, 900, "more", &[alice, bob]).build();
    store.ledger().append_batch(vec![more]).await.unwrap();
    let (later, _) = back_up(&store).await;
    let second = dir.path().join("second");
    bring_back(&later, &second).unwrap();
    let store = EmbeddedStore::open(&second, small()).unwrap();
    let (since_first, since_second) = (shared(&store, 1).await, shared(&store, 2).await);
    let cut_at = |all: &[(Option<Seq>, Seq)]| all.iter().map(|(at, _)| *at).collect::<Vec<_>>();
    assert_eq!(cut_at(&since_first), heads.iter().copied().map(Some).collect::<Vec<_>>());
    assert!(since_second.iter().all(|(shared, head)| *shared == Some(*head)), "{since_second:?}");
    assert_ne!(since_first, since_second);
}

#[tokio::test]
async fn the_same_content_has_the_same_root_hash() {
    let town = Town::build().await;
    let (_, first) = back_up(&town.store).await;
    let (_, again) = back_up(&town.store).await;
    assert_eq!(first.root, again.root);
    town.store.ledger().append_batch(vec![town.message(41)]).await.unwrap();
    let (archive, more) = back_up(&town.store).await;
    assert_ne!(first.root, more.root);
    let (_, read) = Reader::begin(&archive[..]).unwrap().verify().unwrap();
    assert_eq!(read, more);
}

#[test]
fn a_backup_under_load_is_of_one_moment() {
    let talk = Talk::begin_with(true);
    let goes_on = AtomicBool::new(true);
    let mut archives = Vec::new();
    let said_in_all = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let ledger = talk.store.ledger();
            let mut said = 0;
            while goes_on.load(Ordering::Relaxed) || said < 100 {
                said += 1;
                runtime.block_on(ledger.append_batch(vec![talk.message(said)])).unwrap();
            }
            said
        });
        for _ in 0..8 {
            archives.push(talk.runtime.block_on(back_up(&talk.store)));
        }
        goes_on.store(false, Ordering::Relaxed);
        writer.join().unwrap()
    });
    archives.push(talk.runtime.block_on(back_up(&talk.store)));
    let mut last = 0;
    for (archive, summary) in &archives {
        let (header, _) = Reader::begin(&archive[..]).unwrap().verify().unwrap();
        // Commits: the start, the opening, then one for each message (sessions are no commits).
        let messages = header.commit_no.0 - 2;
        assert!(messages >= last);
        last = messages;
        let counts = summary.counts;
        assert_eq!(counts.of(Subject::Message), messages);
        assert_eq!(counts.of(Subject::InboxEntry), 2 * messages);
        let dir = tempfile::tempdir().unwrap();
        restore(&archive[..], &dir.path().join("store"), &options()).unwrap();
        let store = EmbeddedStore::open(&dir.path().join("store"), small()).unwrap();
        assert_eq!(
            crate::talk::history(&talk.runtime, &store, &talk.alice, &talk.bob),
            texts(last)
        );
        let hello = store.ledger();
        let opened = talk.runtime.block_on(hello.open_session(talk.alice.device(1))).unwrap();
        assert_eq!(opened.last_command_no.0, messages, "answers are of the same moment");
    }
    assert_eq!(last, said_in_all);
}

#[test]
fn a_damaged_archive_leaves_nothing_behind() {
    let talk = Talk::begin();
    talk.say(1).unwrap();
    let (archive, _) = talk.runtime.block_on(back_up(&talk.store));
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("store");
    let refused = |bytes: &[u8], what: &str| {
        let error = restore(bytes, &target, &options()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ArchiveDamaged, "{what}: {error}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "{what} left something");
    };
    for at in (0..archive.len()).step_by(23) {
        let mut flipped = archive.clone();
        flipped[at] ^= 0x20;
        refused(&flipped, &format!("byte {at}"));
    }
    for cut in [0, 8, 30, archive.len() / 2, archive.len() - 1] {
        refused(&archive[..cut], &format!("cut at {cut}"));
    }
    restore(&archive[..], &target, &options()).unwrap();
    let error = restore(&archive[..], &target, &options()).unwrap_err();
    assert!(matches!(error, RestoreError::NotEmpty(_)), "{error}");
    assert_eq!(error.code(), ErrorCode::NotEmpty);
}

#[test]
fn what_a_killed_restore_left_is_no_store_and_is_cleared_away() {
    let talk = Talk::begin();
    talk.say(1).unwrap();
    let (archive, _) = talk.runtime.block_on(back_up(&talk.store));
    let dir = tempfile::tempdir().unwrap();
    let left = dir.path().join("store.restoring");
    std::fs::create_dir_all(left.join("tables")).unwrap();
    std::fs::write(left.join("format"), "half of it").unwrap();
    restore(&archive[..], &dir.path().join("store"), &options()).unwrap();
    assert!(!left.exists());
}

#[test]
fn a_failed_or_closed_store_gives_no_backup() {
    let talk = Talk::begin();
    talk.disk.fail_syncs();
    assert!(talk.say(1).is_err());
    let error = talk.runtime.block_on(talk.store.snapshot()).unwrap_err();
    assert!(matches!(error, StoreError::Failed(_)), "{error}");
    let talk = Talk::begin();
    talk.runtime.block_on(talk.store.close()).unwrap();
    let error = talk.runtime.block_on(talk.store.snapshot()).unwrap_err();
    assert_eq!(error, StoreError::Closed);
}

//! Files: who may have how much of them, which messages hold them, and when they may go.

use anser_types::{
    Alteration, ChangeNo, Content, ConversationId, FileId, Look, Seq, Sha256, StoredFile,
    ThumbnailSize, UnixMs,
};
use bytes::Bytes;

use super::harness::Harness;
use super::subject::Subject;
use crate::append::Appended;
use crate::files::{Hold, PutFile, Usage};
use crate::testing::{AppendBuilder, Person, group};

const ROOM: u64 = 1_000;

fn file(number: u8, owner: &Person, bytes: u64) -> StoredFile {
    StoredFile {
        id: FileId([number; 16]),
        owner: owner.no,
        name: format!("file {number}"),
        media_type: "image/png".to_owned(),
        bytes,
        sent_bytes: bytes + 7,
        // Files of the same size have the same bytes here.
        sha256: Sha256([u8::try_from(bytes % 251).expect("small"); 32]),
        look: Some(Look {
            width: 640,
            height: 480,
            duration_ms: 0,
            thumbhash: Bytes::from_static(b"hash"),
            preview: Bytes::from_static(b"preview"),
            thumbnails: vec![ThumbnailSize::Small, ThumbnailSize::Medium],
        }),
        created_at: UnixMs(50),
    }
}

fn put<H: Harness>(subject: &Subject<H>, file: &StoredFile) -> PutFile {
    subject.call(|ports| ports.files.put_file(file.clone(), ROOM))
}

fn with(files: &[&StoredFile]) -> Content {
    Content { files: files.iter().map(|file| file.id).collect(), ..Content::text("look") }
}

fn holds<H: Harness>(subject: &Subject<H>, file: &StoredFile) -> Vec<Hold> {
    subject.call(|ports| ports.files.holds(file.id, None, 100))
}

fn contents<H: Harness>(
    subject: &Subject<H>,
    after: Option<Sha256>,
    limit: usize,
) -> Vec<(Sha256, u64)> {
    subject.call(|ports| ports.files.contents(after, limit))
}

fn hold(conversation: ConversationId, seq: u64, since: u64) -> Hold {
    Hold { conversation, seq: Seq(seq), since: ChangeNo(since) }
}

fn unheld<H: Harness>(subject: &Subject<H>, until: u64) -> Vec<FileId> {
    subject.call(|ports| ports.files.unheld(UnixMs(until), 100))
}

/// A group of two, and a file of the first one.
fn beginning<H: Harness>(subject: &Subject<H>) -> (ConversationId, Person, StoredFile) {
    let [a, ab, ..] = subject.people();
    let id = group(1);
    subject.commit(AppendBuilder::internal().creates_group(id, "g", &a, &[&ab]));
    let picture = file(1, &a, 100);
    assert_eq!(put(subject, &picture), PutFile::Stored);
    (id, a, picture)
}

/// What was put is there, also after a kill; putting it again changes nothing.
pub fn a_file_is_kept_as_it_was_put<H: Harness>(subject: &mut Subject<H>) {
    let (_, a, picture) = beginning(subject);
    subject.kill();
    assert_eq!(subject.call(|ports| ports.files.file(picture.id)), Some(picture.clone()));
    assert_eq!(put(subject, &picture), PutFile::Exists);
    let usage = subject.call(|ports| ports.files.usage(a.no));
    assert_eq!(usage, Usage { files: 1, bytes: 100 });
    let content = subject.call(|ports| ports.files.content(picture.sha256)).expect("known bytes");
    assert_eq!((content.bytes, content.look), (100, picture.look));
    assert_eq!(subject.call(|ports| ports.files.file(FileId([9; 16]))), None);
}

/// Nobody's files take more room than they may; others are not concerned.
pub fn nobody_takes_more_room_than_they_may<H: Harness>(subject: &mut Subject<H>) {
    let [a, ab, ..] = subject.people();
    assert_eq!(put(subject, &file(1, &a, 600)), PutFile::Stored);
    let taken = Usage { files: 1, bytes: 600 };
    assert_eq!(put(subject, &file(2, &a, 401)), PutFile::OverQuota(taken));
    assert_eq!(put(subject, &file(3, &a, 400)), PutFile::Stored);
    assert_eq!(put(subject, &file(4, &ab, 600)), PutFile::Stored);
    assert_eq!(subject.call(|ports| ports.files.file(FileId([2; 16]))), None);
}

/// A message holds what it names, an edit adds, and both hold after a kill; a file that is held may not go.
pub fn messages_hold_their_files<H: Harness>(subject: &mut Subject<H>) {
    let (id, a, picture) = beginning(subject);
    let second = file(2, &a, 200);
    put(subject, &second);
    assert_eq!(unheld(subject, 49), []);
    assert_eq!(unheld(subject, 50), [picture.id, second.id]);
    let says = AppendBuilder::internal().at(100);
    subject.commit(says.says_content(id, &a, 1, with(&[&picture]), &[&a]));
    let edit = Alteration::Edit(with(&[&picture, &second]));
    subject.commit(AppendBuilder::internal().at(200).alters(id, &a, Seq(1), edit, &[&a]));
    subject.kill();
    assert_eq!(holds(subject, &picture), [hold(id, 1, 0)]);
    let edited_by = subject.heads(id).change_no.0;
    assert_eq!(holds(subject, &second), [hold(id, 1, edited_by)]);
    let elsewhere = subject.call(|ports| ports.files.holds(second.id, Some(group(2)), 100));
    assert_eq!(elsewhere, []);
    assert_eq!(unheld(subject, u64::MAX), []);
    let ids = vec![picture.id, second.id];
    assert_eq!(subject.call(|ports| ports.files.remove_files(ids, UnixMs(u64::MAX))), 0);
}

/// Once the message is taken back it holds nothing, nor do the contents it had before.
pub fn what_is_taken_back_holds_nothing<H: Harness>(subject: &mut Subject<H>) {
    let (id, a, picture) = beginning(subject);
    let second = file(2, &a, 200);
    put(subject, &second);
    let says = AppendBuilder::internal().at(100);
    // All of it in one batch, and once more in batches of their own.
    let first = says.clone().says_content(id, &a, 1, with(&[&picture]), &[&a]);
    let edit = Alteration::Edit(with(&[&second]));
    let edited = |seq| AppendBuilder::internal().at(200).alters(id, &a, seq, edit.clone(), &[&a]);
    let revoke = Alteration::Revoke;
    let revoked =
        |seq| AppendBuilder::internal().at(300).alters(id, &a, seq, revoke.clone(), &[&a]);
    let batch = [first, edited(Seq(1)), revoked(Seq(1))].map(AppendBuilder::build);
    assert!(subject.append(batch.into()).iter().all(|one| matches!(one, Appended::Committed(_))));
    subject.commit(says.says_content(id, &a, 2, with(&[&picture]), &[&a]));
    subject.commit(edited(Seq(2)));
    assert_eq!(holds(subject, &picture), [hold(id, 2, 0)]);
    subject.commit(revoked(Seq(2)));
    subject.kill();
    assert_eq!((holds(subject, &picture), holds(subject, &second)), (vec![], vec![]));
    assert_eq!(unheld(subject, 299), []);
    assert_eq!(unheld(subject, 300), [picture.id, second.id]);
}

/// A message that names a file that is not there is not written: its rules must look again.
pub fn a_missing_file_is_held_by_nothing<H: Harness>(subject: &mut Subject<H>) {
    let (id, a, picture) = beginning(subject);
    let missing = file(9, &a, 1);
    let says = AppendBuilder::internal().at(100);
    let content = with(&[&picture, &missing]);
    let result = subject.append_one(says.says_content(id, &a, 1, content, &[&a]));
    assert_eq!(result, Appended::Stale);
    assert_eq!(subject.heads(id).seq, Seq(0));
    assert_eq!(holds(subject, &picture), []);
}

/// What is known of bytes is listed by their hashes, once for all files that have them, from any hash on.
pub fn bytes_are_listed_by_their_hashes<H: Harness>(subject: &mut Subject<H>) {
    let (_, a, picture) = beginning(subject);
    for (number, bytes) in [(2, 100), (3, 30), (4, 150), (5, 1)] {
        put(subject, &file(number, &a, bytes));
    }
    subject.kill();
    let sha256 = |bytes: u64| file(0, &a, bytes).sha256;
    assert_eq!(picture.sha256, sha256(100));
    let all: Vec<_> = [1, 30, 100, 150].into_iter().map(|bytes| (sha256(bytes), bytes)).collect();
    assert_eq!(contents(subject, None, 100), all);
    assert_eq!(contents(subject, None, 2), all[..2]);
    assert_eq!(contents(subject, Some(sha256(30)), 1), all[2..3]);
    assert_eq!(
        contents(subject, Some(sha256(29)), 100),
        all[1..],
        "also behind one that is not there"
    );
    assert_eq!(contents(subject, Some(sha256(150)), 100), []);
}

/// Files that nobody holds go, with their room; their bytes are doomed once no other file has them, and only until one does.
pub fn unheld_files_go_with_their_bytes<H: Harness>(subject: &mut Subject<H>) {
    let (_, a, picture) = beginning(subject);
    let same = file(2, &a, 100);
    put(subject, &same);
    assert_eq!(same.sha256, picture.sha256);
    let remove = |subject: &Subject<H>, id, until| {
        subject.call(|ports| ports.files.remove_files(vec![id], UnixMs(until)))
    };
    let doomed = |subject: &Subject<H>| subject.call(|ports| ports.files.doomed(100));
    assert_eq!(remove(subject, picture.id, 49), 0, "it has not been unheld for that long");
    assert_eq!(remove(subject, picture.id, 50), 1);
    assert_eq!(remove(subject, picture.id, 50), 0);
    assert_eq!(doomed(subject), [], "another file has these bytes");
    assert_eq!(contents(subject, None, 9), [(same.sha256, 100)]);
    assert_eq!(remove(subject, same.id, 50), 1);
    subject.kill();
    assert_eq!(doomed(subject), [same.sha256]);
    assert_eq!(contents(subject, None, 9), []);
    assert_eq!(subject.call(|ports| ports.files.content(same.sha256)), None);
    assert_eq!(subject.call(|ports| ports.files.usage(a.no)), Usage::default());
    assert_eq!(put(subject, &picture), PutFile::Stored);
    assert_eq!(doomed(subject), [], "a file has them again");
    remove(subject, picture.id, 50);
    subject.call(|ports| ports.files.bytes_removed(picture.sha256));
    subject.kill();
    assert_eq!(doomed(subject), []);
}

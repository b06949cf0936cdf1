//! What every store of bytes must do ([`crate::Blobs`]), as named properties: `blob_conformance_tests!(make)` gives one
//! test for each.

use std::ops::Range;
use std::sync::Arc;

use anser_types::{FileId, Sha256, ThumbnailSize, UnixMs, UserNo};
use bytes::Bytes;
use sha2::Digest as _;

use super::harness::block_on;
use crate::Boxed;
use crate::blobs::{BlobError, Blobs, Condition, Upload, UploadState, UploadWriter, Variant};
use crate::memory::MemoryBlobs;

/// More than a store collects before it writes, and no round number.
const LONG: usize = 1_700_001;

/// One store under test.
pub trait BlobsHarness {
    /// The running store.
    fn blobs(&self) -> Arc<dyn Blobs>;

    /// Ends the store without any farewell and opens what it left.
    fn kill(&mut self);

    /// Waits for a port's future. Stores whose futures need a runtime bring it here.
    fn block_on<T>(&self, future: Boxed<'_, T>) -> T {
        block_on(future)
    }
}

/// The reference itself under test.
#[derive(Debug, Default)]
pub struct MemoryBlobsHarness(MemoryBlobs);

impl BlobsHarness for MemoryBlobsHarness {
    fn blobs(&self) -> Arc<dyn Blobs> {
        Arc::new(self.0.clone())
    }

    fn kill(&mut self) {
        self.0.crash();
    }
}

/// A store under test, and what tests say to it.
pub struct BlobsSubject<H>(pub H);

/// What an upload of so many bytes announces.
#[must_use]
pub fn announced(id: u8, length: Option<usize>) -> Upload {
    Upload {
        id: FileId([id; 16]),
        owner: UserNo(1),
        name: format!("upload {id}"),
        metadata: String::new(),
        length: length.map(|length| length as u64),
        sha256: None,
        original: false,
        part: false,
        created_at: UnixMs(10),
    }
}

/// So many bytes in which no two places look alike; another seed gives others.
#[must_use]
pub fn some_bytes(seed: u32, length: usize) -> Bytes {
    let mut state = u64::from(seed) << 20 | 0x9e37;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        bytes.extend_from_slice(&(state >> 8).to_le_bytes()[..7]);
    }
    bytes.truncate(length);
    bytes.into()
}

/// Their hash.
#[must_use]
pub fn hash_of(bytes: &[u8]) -> Sha256 {
    Sha256(sha2::Sha256::digest(bytes).into())
}

type Taken<T> = Result<T, BlobError>;

impl<H: BlobsHarness> BlobsSubject<H> {
    fn begin(&self, id: u8, length: Option<usize>) -> FileId {
        let upload = announced(id, length);
        let (id, blobs) = (upload.id, self.0.blobs());
        self.0.block_on(blobs.begin(upload)).expect("an upload begins");
        id
    }

    fn writer(&self, id: FileId, offset: usize) -> Taken<Box<dyn UploadWriter>> {
        let blobs = self.0.blobs();
        self.0.block_on(blobs.write(id, offset as u64, None, UnixMs(20)))
    }

    fn take(&self, writer: &mut dyn UploadWriter, bytes: &Bytes) -> Taken<()> {
        self.0.block_on(writer.write(bytes.clone()))
    }

    fn finish(&self, writer: Box<dyn UploadWriter>) -> Taken<u64> {
        self.0.block_on(writer.finish())
    }

    /// Writes in pieces of 64 KiB and finishes.
    fn send(&self, id: FileId, offset: usize, bytes: &Bytes) -> u64 {
        let mut writer = self.writer(id, offset).expect("a writer");
        for piece in bytes.chunks(64 << 10) {
            self.take(&mut *writer, &bytes.slice_ref(piece)).expect("bytes are taken");
        }
        self.finish(writer).expect("bytes are durable")
    }

    fn state(&self, id: FileId) -> Option<UploadState> {
        let blobs = self.0.blobs();
        self.0.block_on(blobs.upload(id)).expect("an upload is told")
    }

    fn offset(&self, id: FileId) -> usize {
        usize::try_from(self.state(id).expect("an upload").offset).expect("a small upload")
    }

    fn listed(&self) -> Vec<UploadState> {
        let blobs = self.0.blobs();
        self.0.block_on(blobs.uploads()).expect("uploads are listed")
    }

    fn examine(&self, id: FileId) -> Taken<crate::Examined> {
        let blobs = self.0.blobs();
        self.0.block_on(blobs.examine(id))
    }

    fn keep(&self, id: FileId) -> Sha256 {
        let (blobs, examined) = (self.0.blobs(), self.examine(id).expect("a good upload"));
        let sha256 = examined.sha256;
        self.0.block_on(blobs.keep(id, examined)).expect("bytes are kept");
        sha256
    }

    fn read(&self, sha256: Sha256, range: Option<Range<u64>>) -> Taken<(u64, Vec<u8>)> {
        let blobs = self.0.blobs();
        let (all, mut reader) = self.0.block_on(blobs.read(sha256, Variant::Whole, range))?;
        let mut read = Vec::new();
        while let Some(part) = self.0.block_on(reader.read())? {
            assert!((1..=512 << 10).contains(&part.len()), "some hundred KiB: {}", part.len());
            read.extend_from_slice(&part);
        }
        assert_eq!(self.0.block_on(reader.read()), Ok(None), "the end stays the end");
        Ok((all, read))
    }

    fn give_up(&self, id: FileId) {
        let blobs = self.0.blobs();
        self.0.block_on(blobs.give_up(id)).expect("an upload is forgotten");
    }

    fn remove(&self, sha256: Sha256) {
        let blobs = self.0.blobs();
        self.0.block_on(blobs.remove(sha256)).expect("bytes are removed");
    }

    fn condition(&self, sha256: Sha256, bytes: u64) -> Condition {
        let blobs = self.0.blobs();
        self.0.block_on(blobs.condition(sha256, bytes)).expect("bytes can be looked at")
    }

    fn set_aside(&self, sha256: Sha256) {
        let blobs = self.0.blobs();
        self.0.block_on(blobs.set_aside(sha256)).expect("bytes are set aside");
    }

    fn join(&self, id: FileId, parts: &[FileId]) -> Taken<()> {
        let blobs = self.0.blobs();
        self.0.block_on(blobs.join(id, parts.to_vec(), UnixMs(30)))
    }

    fn kept(&self, id: u8, bytes: &Bytes) -> Sha256 {
        let id = self.begin(id, Some(bytes.len()));
        self.send(id, 0, bytes);
        self.keep(id)
    }
}

macro_rules! blob_properties {
    ($d:tt $($name:ident)*) => {
        /// Runs every property, each on a fresh store.
        ///
        /// # Panics
        /// With the first property that does not hold.
        pub fn run_all<H: BlobsHarness>(make: impl Fn() -> H) {
            $($name(&mut BlobsSubject(make()));)*
        }

        /// One test per property for the store that `make()` gives.
        #[macro_export]
        macro_rules! blob_conformance_tests {
            ($d make:expr) => {
                $(
                    #[test]
                    fn $name() {
                        let mut subject = $crate::conformance::blobs::BlobsSubject($d make());
                        $crate::conformance::blobs::$name(&mut subject);
                    }
                )*
            };
        }
    };
}

blob_properties! { $
    an_upload_begins_with_nothing
    a_name_begins_once
    what_was_finished_survives_a_kill
    another_offset_is_refused
    no_more_than_announced_is_taken
    a_length_may_become_known_later
    what_a_dropped_writer_took_stays
    a_newer_writer_takes_over
    who_asks_takes_over_and_who_lists_does_not
    what_is_undone_never_was
    parts_become_a_whole
    what_does_not_fit_together_is_not_joined
    only_what_is_complete_is_examined
    examining_twice_gives_the_same
    kept_bytes_are_read_in_ranges
    the_same_bytes_are_kept_once
    kept_bytes_outlive_their_upload
    bytes_that_are_set_aside_can_be_kept_again
    what_is_given_up_is_forgotten
    nothing_is_a_file_too
}

/// Nothing is there at first; an upload that began is there after a kill.
pub fn an_upload_begins_with_nothing<H: BlobsHarness>(on: &mut BlobsSubject<H>) {
    assert_eq!(on.listed(), []);
    assert_eq!(on.state(FileId([1; 16])), None);
    assert_eq!(on.writer(FileId([1; 16]), 0).err(), Some(BlobError::Unknown));
    let upload = Upload {
        name: "Gruß aus München.png".into(),
        metadata: "filename R3J1w58=,mood aGFwcHk=,empty".into(),
        sha256: Some(Sha256([7; 32])),
        original: true,
        part: true,
        ..announced(2, Some(100))
    };
    let blobs = on.0.blobs();
    on.0.block_on(blobs.begin(upload.clone())).expect("an upload begins");
    drop(blobs);
    on.begin(3, None);
    on.0.kill();
    let fresh = |upload| UploadState { upload, offset: 0, touched_at: UnixMs(10), kept_as: None };
    let listed = [fresh(upload.clone()), fresh(announced(3, None))];
    assert_eq!(on.listed(), listed);
    assert_eq!(on.state(FileId([2; 16])), Some(fresh(upload)));
}

/// A second upload of a name does not touch the first.
pub fn a_name_begins_once<H: BlobsHarness>(on: &mut BlobsSubject<H>) {
    let id = on.begin(1, Some(3));
    on.send(id, 0, &some_bytes(1, 2));
    let blobs = on.0.blobs();
    let again = on.0.block_on(blobs.begin(announced(1, Some(9))));
    assert!(matches!(again, Err(BlobError::Failed(_))), "{again:?}");
    assert_eq!(on.offset(id), 2);
}

/// An acknowledged offset is never lower later, and the bytes before it are right.
pub fn what_was_finished_survives_a_kill<H: BlobsHarness>(on: &mut BlobsSubject<H>) {
    let bytes = some_bytes(1, LONG);
    let id = on.begin(1, Some(LONG));
    let (first, second) = (700_000, 1_100_000);
    assert_eq!(on.send(id, 0, &bytes.slice(..first)), first as u64);
    on.0.kill();
    assert_eq!(on.offset(id), first);
    assert_eq!(on.state(id).expect("an upload").touched_at, UnixMs(20));
    assert_eq!(on.send(id, first, &bytes.slice(first..second)), second as u64);
    let mut writer = on.writer(id, second).expect("a writer");
    on.take(&mut *writer, &bytes.slice(second..)).expect("bytes are taken");
    on.0.kill();
    drop(writer);
    let now = on.offset(id);
    assert!((second..=LONG).contains(&now), "{now}");
    assert_eq!(on.send(id, now, &bytes.slice(now..)), LONG as u64);
    let examined = on.examine(id).expect("a good upload");
    assert_eq!((examined.sha256, examined.bytes), (hash_of(&bytes), LONG as u64));
}

/// Bytes go on where the upload ends, nowhere else.
pub fn another_offset_is_refused<H: BlobsHarness>(on: &mut BlobsSubject<H>) {
    let id = on.begin(1, Some(100));
    on.send(id, 0, &some_bytes(1, 40));
    for wrong in [0, 39, 41, 100, 1000] {
        assert_eq!(on.writer(id, wrong).err(), Some(BlobError::OtherOffset(40)), "{wrong}");
    }
    assert_eq!(on.send(id, 40, &some_bytes(2, 60)), 100);
    assert_eq!(on.send(id, 100, &Bytes::new()), 100, "nothing more is fine");
}

/// What exceeds the announced length is refused; what came before stays.
pub fn no_more_than_announced_is_taken<H: BlobsHarness>(on: &mut BlobsSubject<H>) {
    let id = on.begin(1, Some(LONG));
    let bytes = some_bytes(1, LONG);
    let mut writer = on.writer(id, 0).expect("a writer");
    on.take(&mut *writer, &bytes.slice(..LONG - 5)).expect("bytes are taken");
    let more = on.take(&mut *writer, &some_bytes(2, 6));
    assert_eq!(more, Err(BlobError::TooLong(LONG as u64)));
    assert_eq!(on.finish(writer), Ok(LONG as u64 - 5));
    assert_eq!(on.send(id, LONG - 5, &bytes.slice(LONG - 5..)), LONG as u64);
    assert_eq!(on.examine(id).expect("a good upload").sha256, hash_of(&bytes));
}

/// An upload without a length is complete when its length is told, and the length does not change again.
pub fn a_length_may_become_known_later<H: BlobsHarness>(on: &mut BlobsSubject<H>) {
    let id = on.begin(1, None);
    assert_eq!(on.send(id, 0, &some_bytes(1, 50)), 50);
    assert_eq!(on.examine(id), Err(BlobError::Incomplete(50)));
    let blobs = on.0.blobs();
    let told = |length| on.0.block_on(blobs.write(id, 50, Some(length), UnixMs(30)));
    assert_eq!(told(49).err(), Some(BlobError::TooLong(49)), "it has more already");
    assert_eq!(on.finish(told(50).expect("a writer")), Ok(50));
    assert_eq!(told(60).err(), Some(BlobError::TooLong(50)), "it is known");
    drop(blobs);
    on.0.kill();
    let state = on.state(id).expect("an upload");
    assert!(state.is_complete(), "{state:?}");
    assert_eq!(on.examine(id).expect("a good upload").bytes, 50);
}

/// A connection that broke loses nothing of what was taken from it.
pub fn what_a_dropped_writer_took_stays<H: BlobsHarness>(on: &mut BlobsSubject<H>) {
    let bytes = some_bytes(1, LONG);
    let id = on.begin(1, Some(LONG));
    let mut writer = on.writer(id, 0).expect("a writer");
    on.take(&mut *writer, &bytes.slice(..1_000_000)).expect("bytes are taken");
    drop(writer);
    assert_eq!(on.offset(id), 1_000_000);
    on.0.kill();
    assert_eq!(on.send(id, 1_000_000, &bytes.slice(1_000_000..)), LONG as u64);
    assert_eq!(on.examine(id).expect("a good upload").sha256, hash_of(&bytes));
}

/// A later writer begins where the earlier one was; the earlier one can do no harm any more.
pub fn a_newer_writer_takes_over<H: BlobsHarness>(on: &mut BlobsSubject<H>) {
    let bytes = some_bytes(1, LONG);
    let id = on.begin(1, Some(LONG));
    let mut older = on.writer(id, 0).expect("a writer");
    on.take(&mut *older, &bytes.slice(..900_000)).expect("bytes are taken");
    assert_eq!(on.writer(id, 0).err(), Some(BlobError::OtherOffset(900_000)));
    let mut newer = on.writer(id, 900_000).expect("a writer");
    assert_eq!(on.take(&mut *older, &some_bytes(2, 100)), Err(BlobError::TakenOver));
    on.take(&mut *newer, &bytes.slice(900_000..1_200_000)).expect("bytes are taken");
    assert_eq!(on.finish(older), Err(BlobError::TakenOver));
    on.take(&mut *newer, &bytes.slice(1_200_000..)).expect("bytes are taken");
    assert_eq!(on.finish(newer), Ok(LONG as u64));
    assert_eq!(on.examine(id).expect("a good upload").sha256, hash_of(&bytes));
}

/// Asking for the offset gives the last word; a list gives what is noted and disturbs nobody.
pub fn who_asks_takes_over_and_who_lists_does_not<H: BlobsHarness>(on: &mut BlobsSubject<H>) {
    let id = on.begin(1, Some(100));
    let mut writer = on.writer(id, 0).expect("a writer");
    on.take(&mut *writer, &some_bytes(1, 30)).expect("bytes are taken");
    assert!(on.listed()[0].offset <= 30);
    on.take(&mut *writer, &some_bytes(1, 30)).expect("bytes are taken");
    assert_eq!(on.offset(id), 60);
    assert_eq!(on.listed()[0].offset, 60);
    assert_eq!(on.take(&mut *writer, &some_bytes(1, 30)), Err(BlobError::TakenOver));
    assert_eq!(on.0.block_on(writer.undo()), Err(BlobError::TakenOver));
    assert_eq!(on.offset(id), 60);
}

/// Undoing leaves the upload as the writer found it, also after a kill.
pub fn what_is_undone_never_was<H: BlobsHarness>(on: &mut BlobsSubject<H>) {
    let bytes = some_bytes(1, LONG);
    let id = on.begin(1, Some(LONG));
    on.send(id, 0, &bytes.slice(..600_000));
    let mut writer = on.writer(id, 600_000).expect("a writer");
    on.take(&mut *writer, &some_bytes(2, 1_000_000)).expect("bytes are taken");
    assert_eq!(on.0.block_on(writer.undo()), Ok(()));
    assert_eq!(on.offset(id), 600_000);
    on.0.kill();
    assert_eq!(on.offset(id), 600_000);
    let writer = on.writer(id, 600_000).expect("a writer");
    assert_eq!(on.0.block_on(writer.undo()), Ok(()), "nothing is undone");
    on.send(id, 600_000, &bytes.slice(600_000..));
    assert_eq!(on.examine(id).expect("a good upload").sha256, hash_of(&bytes));
    let id = on.begin(2, Some(LONG));
    on.send(id, 0, &bytes.slice(..600_000));
    let mut writer = on.writer(id, 600_000).expect("a writer");
    on.take(&mut *writer, &some_bytes(2, LONG - 600_000)).expect("bytes are taken");
    assert_eq!(on.0.block_on(writer.undo()), Ok(()));
    on.send(id, 600_000, &bytes.slice(600_000..));
    let examined = on.examine(id).expect("a good upload");
    assert_eq!(examined.sha256, hash_of(&bytes), "also without a kill");
}

/// Parts are put together in the order that is named, and stay.
pub fn parts_become_a_whole<H: BlobsHarness>(on: &mut BlobsSubject<H>) {
    let parts: Vec<Bytes> = vec![some_bytes(1, LONG), some_bytes(2, 3), some_bytes(3, 70_000)];
    let mut ids = Vec::new();
    for (number, part) in (1..).zip(&parts) {
        let id = on.begin(number, Some(part.len()));
        on.send(id, 0, part);
        ids.push(id);
    }
    let whole = on.begin(9, None);
    on.join(whole, &[ids[2], ids[0], ids[1]]).expect("parts are joined");
    let wanted = [&parts[2][..], &parts[0], &parts[1]].concat();
    let state = on.state(whole).expect("an upload");
    assert!(state.is_complete(), "{state:?}");
    on.0.kill();
    let sha256 = on.keep(whole);
    assert_eq!(sha256, hash_of(&wanted));
    assert_eq!(on.read(sha256, None), Ok((wanted.len() as u64, wanted)));
    assert_eq!(on.offset(ids[0]), LONG, "the parts stay");
}

/// Parts that are missing, incomplete, too many or too few make no whole.
pub fn what_does_not_fit_together_is_not_joined<H: BlobsHarness>(on: &mut BlobsSubject<H>) {
    let full = on.begin(1, Some(10));
    on.send(full, 0, &some_bytes(1, 10));
    let half = on.begin(2, Some(10));
    on.send(half, 0, &some_bytes(2, 4));
    let whole = on.begin(3, Some(15));
    let unknown = FileId([99; 16]);
    assert_eq!(on.join(whole, &[full, unknown]), Err(BlobError::Unknown));
    assert_eq!(on.join(unknown, &[full]), Err(BlobError::Unknown));
    assert_eq!(on.join(whole, &[full, half]), Err(BlobError::Incomplete(4)));
    assert_eq!(on.join(whole, &[full, full]), Err(BlobError::TooLong(15)));
    assert_eq!(on.join(whole, &[full]), Err(BlobError::Incomplete(10)));
    assert_eq!(on.join(half, &[full]), Err(BlobError::OtherOffset(4)));
    assert_eq!((on.offset(whole), on.offset(half), on.offset(full)), (0, 4, 10));
}

/// What is not complete, or not what was announced, is no file.
pub fn only_what_is_complete_is_examined<H: BlobsHarness>(on: &mut BlobsSubject<H>) {
    let bytes = some_bytes(1, LONG);
    assert_eq!(on.examine(FileId([1; 16])), Err(BlobError::Unknown));
    let right = Upload { sha256: Some(hash_of(&bytes)), ..announced(1, Some(LONG)) };
    let wrong = Upload { sha256: Some(Sha256([9; 32])), ..announced(2, Some(LONG)) };
    for upload in [right, wrong] {
        let (id, announced, blobs) = (upload.id, upload.sha256, on.0.blobs());
        on.0.block_on(blobs.begin(upload)).expect("an upload begins");
        on.send(id, 0, &bytes.slice(..LONG - 1));
        assert_eq!(on.examine(id), Err(BlobError::Incomplete(LONG as u64 - 1)));
        on.send(id, LONG - 1, &bytes.slice(LONG - 1..));
        match on.examine(id) {
            Ok(examined) => assert_eq!(Some(examined.sha256), announced),
            Err(error) => {
                assert_eq!(error, BlobError::OtherHash(hash_of(&bytes)));
                assert_ne!(Some(hash_of(&bytes)), announced);
            }
        }
    }
    assert_eq!(on.read(hash_of(&bytes), None), Err(BlobError::Unknown), "nothing was kept");
}

/// Examining changes nothing, not even over a kill; nothing else than what it gave is kept.
pub fn examining_twice_gives_the_same<H: BlobsHarness>(on: &mut BlobsSubject<H>) {
    let bytes = some_bytes(1, 5_000);
    let id = on.begin(1, Some(bytes.len()));
    on.send(id, 0, &bytes);
    let first = on.examine(id).expect("a good upload");
    assert_eq!(on.examine(id), Ok(first.clone()));
    on.0.kill();
    let blobs = on.0.blobs();
    let other = crate::Examined { sha256: Sha256([3; 32]), ..first.clone() };
    let refused = on.0.block_on(blobs.keep(id, other));
    assert_eq!(refused, Err(BlobError::OtherHash(first.sha256)));
    // Examined before the kill, kept after it.
    on.0.block_on(blobs.keep(id, first.clone())).expect("bytes are kept");
    drop(blobs);
    assert_eq!(on.examine(id), Ok(first.clone()));
    on.0.kill();
    assert_eq!(on.examine(id), Ok(first));
}

/// Every range that lies inside is read, and none that does not.
pub fn kept_bytes_are_read_in_ranges<H: BlobsHarness>(on: &mut BlobsSubject<H>) {
    let bytes = some_bytes(1, LONG);
    let sha256 = on.kept(1, &bytes);
    let all = LONG as u64;
    for range in [0..all, 0..1, all - 1..all, 5..1_000_000, 262_143..262_145, 7..7, all..all] {
        let place = |at: u64| usize::try_from(at).expect("a small file");
        let wanted = bytes[place(range.start)..place(range.end)].to_vec();
        assert_eq!(on.read(sha256, Some(range.clone())), Ok((all, wanted)), "{range:?}");
    }
    assert_eq!(on.read(sha256, None).expect("bytes").1, bytes);
    #[expect(clippy::reversed_empty_ranges, reason = "refused like any other nonsense")]
    for range in [0..all + 1, all + 1..all + 1, 5..4] {
        assert_eq!(on.read(sha256, Some(range.clone())), Err(BlobError::Outside(all)), "{range:?}");
    }
    let blobs = on.0.blobs();
    let small = Variant::Thumbnail(ThumbnailSize::Small);
    let small = on.0.block_on(blobs.read(sha256, small, None));
    assert_eq!(small.err(), Some(BlobError::Unknown), "there is no picture of it");
    assert_eq!(on.read(Sha256([1; 32]), None), Err(BlobError::Unknown));
}

/// Two uploads of the same bytes are one file, which goes when it is removed.
pub fn the_same_bytes_are_kept_once<H: BlobsHarness>(on: &mut BlobsSubject<H>) {
    let bytes = some_bytes(1, LONG);
    let sha256 = on.kept(1, &bytes);
    assert_eq!(on.kept(2, &bytes), sha256);
    on.give_up(FileId([1; 16]));
    assert_eq!(on.read(sha256, None).expect("bytes").1, bytes);
    on.remove(sha256);
    assert_eq!(on.read(sha256, None), Err(BlobError::Unknown));
    on.remove(sha256);
    let again = on.state(FileId([2; 16])).expect("an upload");
    assert_eq!((again.offset, again.kept_as), (LONG as u64, Some(sha256)));
    assert_eq!(on.keep(FileId([2; 16])), sha256, "the upload is there to be kept again");
    assert_eq!(on.read(sha256, None).expect("bytes").1, bytes);
}

/// Kept bytes are durable, and need their upload no more.
pub fn kept_bytes_outlive_their_upload<H: BlobsHarness>(on: &mut BlobsSubject<H>) {
    let (bytes, other) = (some_bytes(1, LONG), some_bytes(2, 10));
    let sha256 = on.kept(1, &bytes);
    let second = on.kept(2, &other);
    on.0.kill();
    assert_eq!(on.state(FileId([1; 16])).expect("an upload").kept_as, Some(sha256));
    on.give_up(FileId([1; 16]));
    on.give_up(FileId([2; 16]));
    on.0.kill();
    assert_eq!(on.listed(), []);
    assert_eq!(on.read(sha256, None).expect("bytes").1, bytes);
    on.remove(second);
    on.0.kill();
    assert_eq!(on.read(second, None), Err(BlobError::Unknown));
    assert_eq!(on.read(sha256, Some(1..4)).expect("bytes").1, bytes[1..4]);
}

/// Bytes are in the condition in which they were kept. Those that are set aside are there no more until they are kept again.
pub fn bytes_that_are_set_aside_can_be_kept_again<H: BlobsHarness>(on: &mut BlobsSubject<H>) {
    let bytes = some_bytes(1, LONG);
    let (sha256, all) = (on.kept(1, &bytes), LONG as u64);
    assert_eq!(on.condition(sha256, all), Condition::Intact);
    assert_eq!(on.condition(sha256, all + 1), Condition::Damaged, "there should be more");
    assert_eq!(on.condition(Sha256([1; 32]), all), Condition::Missing);
    on.set_aside(sha256);
    on.0.kill();
    assert_eq!(on.condition(sha256, all), Condition::Missing);
    assert_eq!(on.read(sha256, None), Err(BlobError::Unknown));
    on.set_aside(sha256);
    assert_eq!(on.kept(2, &bytes), sha256);
    assert_eq!(on.condition(sha256, all), Condition::Intact);
    on.remove(sha256);
    assert_eq!(on.condition(sha256, all), Condition::Missing);
}

/// An upload that was given up is as if it had never been, for whoever still writes to it too.
pub fn what_is_given_up_is_forgotten<H: BlobsHarness>(on: &mut BlobsSubject<H>) {
    let id = on.begin(1, Some(100));
    let mut writer = on.writer(id, 0).expect("a writer");
    on.take(&mut *writer, &some_bytes(1, 30)).expect("bytes are taken");
    on.give_up(id);
    assert_eq!(on.take(&mut *writer, &some_bytes(1, 30)), Err(BlobError::Unknown));
    assert_eq!(on.finish(writer), Err(BlobError::Unknown));
    assert_eq!(on.state(id), None);
    on.give_up(id);
    assert_eq!(on.begin(1, Some(5)), id, "its name is free");
    on.send(id, 0, &some_bytes(1, 5));
    on.0.kill();
    assert_eq!(on.offset(id), 5);
    on.give_up(id);
    on.0.kill();
    assert_eq!(on.listed(), []);
}

/// A file may have no bytes.
pub fn nothing_is_a_file_too<H: BlobsHarness>(on: &mut BlobsSubject<H>) {
    let id = on.begin(1, Some(0));
    assert!(on.state(id).expect("an upload").is_complete());
    let sha256 = on.keep(id);
    assert_eq!(sha256, hash_of(&[]));
    assert_eq!(on.read(sha256, None), Ok((0, vec![])));
    assert_eq!(on.read(sha256, Some(0..0)), Ok((0, vec![])));
}

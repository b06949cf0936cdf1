//! Errors that need a store, or a place of files, which misbehaves: what a session or an uploader is told then.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use anser_backend::memory::MemoryBackend;
use anser_backend::{
    Append, Appended, BlobError, Blobs, Boxed, Condition, DeviceKey, Examined, ExpiryPolicy,
    ExpiryReport, Ledger, LedgerStatus, MemoryBlobs, Origin, Reading, SessionOpened, SoftPosition,
    StoreError, TrimPolicy, TrimReport, Upload, UploadState, UploadWriter, Variant,
};
use anser_service::{FilePorts, NewUpload, Ports, Service, UploadProgress};
use anser_types::{DeviceClass, ErrorCode, FileId, InboxSeq, Refusal, Sha256, UnixMs};
use bytes::Bytes;

use crate::world::{Device, World, not_executed, quick_settings, send, to};

/// How a store answers commands of devices.
#[derive(Clone, Copy, Debug)]
enum Habit {
    /// Every conversation has changed since the rules looked at it.
    NeverHoldsStill,
    /// It loses the results of a batch.
    ForgetsResults,
}

struct Misbehaving {
    store: MemoryBackend,
    habit: Habit,
}

impl Ledger for Misbehaving {
    fn append_batch(&self, batch: Vec<Append>) -> Boxed<'_, Result<Vec<Appended>, StoreError>> {
        Box::pin(async move {
            let is_command = |append: &Append| matches!(append.origin, Origin::Device { .. });
            match self.habit {
                _ if !batch.iter().any(is_command) => self.store.append_batch(batch).await,
                Habit::NeverHoldsStill => Ok(batch.iter().map(|_| Appended::Stale).collect()),
                Habit::ForgetsResults => Ok(Vec::new()),
            }
        })
    }

    fn open_session(&self, device: DeviceKey) -> Boxed<'_, Result<SessionOpened, StoreError>> {
        self.store.open_session(device)
    }

    fn note_positions(&self, positions: &[SoftPosition]) {
        self.store.note_positions(positions);
    }

    fn flush_positions(&self) -> Boxed<'_, Result<(), StoreError>> {
        self.store.flush_positions()
    }

    fn trim(&self, policy: TrimPolicy) -> Boxed<'_, Result<TrimReport, StoreError>> {
        self.store.trim(policy)
    }

    fn expire_keys(&self, policy: ExpiryPolicy) -> Boxed<'_, Result<ExpiryReport, StoreError>> {
        self.store.expire_keys(policy)
    }

    fn status(&self) -> LedgerStatus {
        self.store.status()
    }
}

/// A world whose devices talk to a service on a misbehaving store.
async fn alice_on(world: &World, habit: Habit) -> Device {
    world.user("bob").await;
    let signed_in = world.token("alice", DeviceClass::Cli).await;
    let store = Arc::new(world.store.clone());
    let ports = Ports {
        ledger: Arc::new(Misbehaving { store: world.store.clone(), habit }),
        conversations: Arc::clone(&store) as _,
        lists: Arc::clone(&store) as _,
        accounts: store,
        files: None,
        search: None,
    };
    let entropy = Arc::new(crate::world::Counter::default());
    let service = Service::start(ports, Arc::clone(&world.clock) as _, entropy, quick_settings());
    Device::connect(&service, &signed_in, InboxSeq::ZERO).await
}

#[tokio::test(start_paused = true)]
async fn a_conversation_that_never_holds_still_is_said_to_be_stale_and_may_be_tried_again() {
    let world = World::new();
    let mut alice = alice_on(&world, Habit::NeverHoldsStill).await;
    let refusal = not_executed(alice.run(send(to("bob"), "hello")).await);
    assert_eq!(refusal.code, ErrorCode::Stale);
    assert!(refusal.code.retryable() && refusal.retry_after_ms.is_some());
    assert_eq!(world.direct_head("alice", "bob").await.0, 0, "nothing was written");
}

#[tokio::test(start_paused = true)]
async fn results_that_are_missing_are_an_error_of_the_server_and_never_an_acknowledgement() {
    let world = World::new();
    let mut alice = alice_on(&world, Habit::ForgetsResults).await;
    let refusal = not_executed(alice.run(send(to("bob"), "hello")).await);
    assert_eq!(refusal.code, ErrorCode::Internal);
    assert!(refusal.code.retryable(), "the same number settles it later");
}

/// A place of files that says this of what it looks at, and cannot be read from. What it has it does not come to an end
/// with, if it can be reached at all.
struct Unhelpful {
    blobs: MemoryBlobs,
    says: BlobError,
}

impl Blobs for Unhelpful {
    fn begin(&self, upload: Upload) -> Boxed<'_, Result<(), BlobError>> {
        self.blobs.begin(upload)
    }

    fn upload(&self, id: FileId) -> Boxed<'_, Result<Option<UploadState>, BlobError>> {
        self.blobs.upload(id)
    }

    fn uploads(&self) -> Boxed<'_, Result<Vec<UploadState>, BlobError>> {
        self.blobs.uploads()
    }

    fn write(
        &self,
        id: FileId,
        offset: u64,
        length: Option<u64>,
        at: UnixMs,
    ) -> Boxed<'_, Result<Box<dyn UploadWriter>, BlobError>> {
        self.blobs.write(id, offset, length, at)
    }

    fn join(&self, _: FileId, _: Vec<FileId>, _: UnixMs) -> Boxed<'_, Result<(), BlobError>> {
        Box::pin(async { Err(self.says.clone()) })
    }

    fn examine(&self, _: FileId) -> Boxed<'_, Result<Examined, BlobError>> {
        Box::pin(async { Err(self.says.clone()) })
    }

    fn keep(&self, id: FileId, examined: Examined) -> Boxed<'_, Result<(), BlobError>> {
        self.blobs.keep(id, examined)
    }

    fn give_up(&self, id: FileId) -> Boxed<'_, Result<(), BlobError>> {
        self.blobs.give_up(id)
    }

    fn read(
        &self,
        _: Sha256,
        _: Variant,
        _: Option<Range<u64>>,
    ) -> Boxed<'_, Result<Reading, BlobError>> {
        Box::pin(async { Err(BlobError::Failed("the cable is out".into())) })
    }

    fn is_clean(&self, sha256: Sha256) -> Boxed<'_, Result<bool, BlobError>> {
        self.blobs.is_clean(sha256)
    }

    fn condition(&self, _: Sha256, _: u64) -> Boxed<'_, Result<Condition, BlobError>> {
        Box::pin(async {
            match &self.says {
                BlobError::Failed(_) => Err(self.says.clone()),
                _ => std::future::pending().await,
            }
        })
    }

    fn set_aside(&self, sha256: Sha256) -> Boxed<'_, Result<(), BlobError>> {
        self.blobs.set_aside(sha256)
    }

    fn remove(&self, sha256: Sha256) -> Boxed<'_, Result<(), BlobError>> {
        self.blobs.remove(sha256)
    }
}

/// The service with such a place.
fn service_where(world: &World, says: BlobError) -> Arc<Service> {
    let store = Arc::new(world.store.clone());
    let place = Arc::new(Unhelpful { blobs: world.blobs.clone(), says });
    let ports = Ports {
        ledger: Arc::clone(&store) as _,
        conversations: Arc::clone(&store) as _,
        lists: Arc::clone(&store) as _,
        accounts: Arc::clone(&store) as _,
        files: Some(FilePorts { known: store, bytes: place }),
        search: None,
    };
    let entropy = Arc::new(crate::world::Counter::default());
    Service::start(ports, Arc::clone(&world.clock) as _, entropy, quick_settings())
}

/// What becomes of an upload at such a place, and what is left of it.
async fn uploaded_where(says: BlobError) -> (Refusal, Result<UploadProgress, ErrorCode>) {
    let world = World::new();
    let alice = crate::files::caller(&world, "alice").await;
    let service = service_where(&world, says);
    let new = NewUpload { length: Some(3), ..NewUpload::default() };
    let id = service.begin_upload(&alice, new).await.unwrap().id;
    let mut into = service.write_upload(&alice, id, 0, None).await.unwrap();
    into.write(Bytes::from_static(b"abc")).await.unwrap();
    let refusal = into.finish().await.unwrap_err();
    (refusal, service.upload(&alice, id).await.map_err(|refusal| refusal.code))
}

#[tokio::test]
async fn what_is_no_safe_picture_is_thrown_away() {
    let why = "it is an archive in disguise";
    let (refusal, left) = uploaded_where(BlobError::Refused(why.into())).await;
    assert_eq!((refusal.code, &*refusal.detail), (ErrorCode::PictureRefused, why));
    assert_eq!(left, Err(ErrorCode::FileUnknown));
}

#[tokio::test]
async fn a_place_of_files_that_is_out_of_reach_loses_nothing_and_may_be_tried_again() {
    let (refusal, left) = uploaded_where(BlobError::Failed("the cable is out".into())).await;
    assert_eq!(refusal.code, ErrorCode::FilesUnreachable);
    assert!(refusal.code.retryable() && refusal.retry_after_ms.is_some());
    assert!(!refusal.detail.contains("cable"), "what it is about is the operator's");
    assert_eq!(left, Err(ErrorCode::FilesUnreachable), "it is still there");
}

#[tokio::test]
async fn a_place_of_files_that_is_out_of_reach_is_not_taken_for_a_damaged_one() {
    let world = World::new();
    let alice = crate::files::caller(&world, "alice").await;
    let file = crate::files::upload(&world, &alice, b"a film of geese").await;
    let service = service_where(&world, BlobError::Failed("the cable is out".into()));
    let refusal = service.verify_files(None, u64::MAX).await.unwrap_err();
    assert_eq!(refusal.code, ErrorCode::FilesUnreachable, "it is looked at another time");
    assert_eq!(world.blobs.condition(file.sha256, file.bytes).await, Ok(Condition::Intact));
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_does_not_answer_holds_up_no_stop() {
    let world = World::new();
    let alice = crate::files::caller(&world, "alice").await;
    crate::files::upload(&world, &alice, b"a film of geese").await;
    let service = service_where(&world, BlobError::Busy);
    // It has begun to read what is kept.
    tokio::time::sleep(Duration::from_secs(600)).await;
    tokio::time::timeout(Duration::from_secs(60), service.stop()).await.unwrap();
}

#[tokio::test]
async fn parts_that_cannot_be_joined_stay_and_leave_no_empty_upload() {
    let world = World::new();
    let alice = crate::files::caller(&world, "alice").await;
    let service = service_where(&world, BlobError::Failed("the cable is out".into()));
    let part = NewUpload { length: Some(3), part: true, ..NewUpload::default() };
    let id = service.begin_upload(&alice, part).await.unwrap().id;
    let mut into = service.write_upload(&alice, id, 0, None).await.unwrap();
    into.write(Bytes::from_static(b"abc")).await.unwrap();
    into.finish().await.unwrap();
    let refusal = service.join_uploads(&alice, NewUpload::default(), vec![id]).await.unwrap_err();
    assert_eq!(refusal.code, ErrorCode::FilesUnreachable);
    let left = world.blobs.uploads().await.unwrap();
    assert_eq!(
        left.iter().map(|state| (state.upload.id, state.offset)).collect::<Vec<_>>(),
        [(id, 3)]
    );
}

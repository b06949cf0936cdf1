//! Complete bytes in a bucket of an S3-like store: an object is there whole, under its hash, or not at all. What travels is
//! signed with its hash, so the store refuses what was damaged on the way.

use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anser_backend::{BlobError, BlobReader, Boxed, Condition, Reading, Variant};
use anser_types::{Sha256, ThumbnailSize};
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as Key;
use object_store::{
    ClientOptions, Error, GetOptions, GetRange, MultipartUpload, ObjectStore as _,
    ObjectStoreExt as _, PutPayload, RetryConfig,
};
use secrecy::ExposeSecret as _;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{is_whole, name, name_aside};
use crate::READ_BYTES;
use crate::disk::failure;
use crate::reading::{FileReader, Ranged, within};
use crate::settings::BucketSettings;
use crate::store::Shared;
use crate::upload::Kept;

/// Bytes of a part, at the least; stores take no less than 5 MiB, and no more than [`PARTS_MAX`] of them.
const PART_BYTES: u64 = 8 << 20;
/// Parts of an object.
const PARTS_MAX: u64 = 10_000;
/// Parts of one file on their way while the next is read: all a file has in memory is three.
const PARTS_AT_ONCE: usize = 2;
/// Files on their way into the bucket; the others wait in the spool.
const KEEPS_AT_ONCE: usize = 3;
/// How long the store may say nothing, and how long a part may take.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// No try begins later than this after the first.
const RETRY_TIMEOUT: Duration = Duration::from_secs(20);
const RETRIES_MAX: usize = 4;

/// The bucket.
#[derive(Debug)]
pub(super) struct Bucket {
    store: AmazonS3,
    prefix: Key,
    keeps: Semaphore,
}

impl Bucket {
    /// Asks nobody: a bucket that cannot be reached is found out by whoever needs it first.
    pub fn open(settings: &BucketSettings) -> io::Result<Self> {
        let client = ClientOptions::new()
            .with_allow_http(settings.allow_http)
            .with_connect_timeout(CONNECT_TIMEOUT)
            .with_read_timeout(SILENCE_TIMEOUT)
            // A large file takes as long as it takes.
            .with_timeout_disabled();
        let retry = RetryConfig {
            max_retries: RETRIES_MAX,
            retry_timeout: RETRY_TIMEOUT,
            ..RetryConfig::default()
        };
        let store = AmazonS3Builder::new()
            .with_endpoint(settings.endpoint.as_str())
            .with_bucket_name(settings.bucket.as_str())
            .with_region(settings.region.as_str())
            .with_access_key_id(settings.access_key.as_str())
            .with_secret_access_key(settings.secret_key.expose_secret())
            .with_client_options(client)
            .with_retry(retry)
            // Not every store knows how to delete many at once, and four are not many.
            .with_disable_bulk_delete(true)
            .build()
            .map_err(io::Error::other)?;
        let prefix = Key::parse(&settings.prefix).map_err(io::Error::other)?;
        Ok(Self { store, prefix, keeps: Semaphore::new(KEEPS_AT_ONCE) })
    }

    fn key(&self, sha256: Sha256, variant: Variant) -> Key {
        self.named(&name(sha256, variant))
    }

    fn named(&self, name: &str) -> Key {
        name.split('/').fold(self.prefix.clone(), |key, part| key.join(part))
    }

    /// Asks whether the bucket can be used.
    pub async fn check(&self) -> Result<(), BlobError> {
        let mut objects = self.store.list(Some(&self.prefix));
        objects.next().await.transpose().map(drop).map_err(refusal)
    }

    /// Keeps the files of an upload; the whole file last.
    pub async fn keep(
        &self,
        shared: &Arc<Shared>,
        sha256: Sha256,
        kept: &Kept,
    ) -> Result<(), BlobError> {
        let _place = self.keeps.acquire().await.map_err(|_| crate::lanes::closed())?;
        for (size, thumbnail) in &kept.thumbnails {
            let key = self.key(sha256, Variant::Thumbnail(*size));
            // Named by the hash of the whole file: one that was made at another time may differ, and is as good.
            if self.bytes_of(&key).await?.is_none() {
                let file = open(shared, thumbnail).await?;
                self.put(shared, file, &key).await?;
            }
        }
        let file = open(shared, &kept.whole).await?;
        let bytes = file.bytes;
        is_whole(bytes, kept.bytes)?;
        let key = self.key(sha256, Variant::Whole);
        match self.bytes_of(&key).await? {
            Some(there) if there == bytes => return Ok(()),
            Some(there) => {
                // These bytes have just been compared with the hash; those cannot have it.
                tracing::error!(%key, there, bytes, "a kept file was damaged; it is replaced");
            }
            None => {}
        }
        self.put(shared, file, &key).await
    }

    /// How many bytes an object has, if there is one.
    async fn bytes_of(&self, key: &Key) -> Result<Option<u64>, BlobError> {
        match self.store.head(key).await {
            Ok(there) => Ok(Some(there.size)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(refusal(error)),
        }
    }

    async fn put(&self, shared: &Arc<Shared>, file: Ranged, key: &Key) -> Result<(), BlobError> {
        let bytes = file.bytes;
        let part_bytes = PART_BYTES.max(bytes.div_ceil(PARTS_MAX));
        let mut reader = FileReader::new(Arc::clone(shared), file);
        if bytes <= part_bytes {
            // The part may be larger by less than a block, never smaller: this is all of it.
            let whole = next_part(&mut reader, part_bytes).await?;
            return self.store.put(key, whole).await.map(drop).map_err(refusal);
        }
        let mut upload = self.store.put_multipart(key).await.map_err(refusal)?;
        let put = put_parts(&mut *upload, &mut reader, part_bytes).await;
        if put.is_err()
            && let Err(error) = upload.abort().await
        {
            tracing::warn!(%key, %error, "parts of a file that was not kept stay in the bucket");
        }
        put
    }

    /// Opens bytes that are kept.
    pub async fn read(
        &self,
        sha256: Sha256,
        variant: Variant,
        range: Option<Range<u64>>,
    ) -> Result<Reading, BlobError> {
        let key = self.key(sha256, variant);
        if range.as_ref().is_some_and(Range::is_empty) {
            // Nothing cannot be asked for.
            let bytes = self.store.head(&key).await.map_err(refusal)?.size;
            within(range, bytes)?;
            return Ok((
                bytes,
                Box::new(BucketReader(futures::stream::empty().boxed(), Bytes::new())),
            ));
        }
        let options =
            GetOptions { range: range.clone().map(GetRange::Bounded), ..GetOptions::default() };
        let found = match self.store.get_opts(&key, options).await {
            Err(error) if range.is_some() => {
                // What lies behind the end is an error of the store's.
                let bytes = self.bytes_of(&key).await?.ok_or(BlobError::Unknown)?;
                within(range, bytes)?;
                return Err(refusal(error));
            }
            found => found.map_err(refusal)?,
        };
        let bytes = found.meta.size;
        within(range, bytes)?;
        let stream = found.into_stream();
        Ok((bytes, Box::new(BucketReader(stream, Bytes::new()))))
    }

    /// Asks for how many bytes there are; their hash is the store's to look after.
    pub async fn condition(&self, sha256: Sha256, bytes: u64) -> Result<Condition, BlobError> {
        Ok(match self.bytes_of(&self.key(sha256, Variant::Whole)).await? {
            None => Condition::Missing,
            Some(there) if there == bytes => Condition::Intact,
            Some(_) => Condition::Damaged,
        })
    }

    /// Gives a damaged object another name.
    pub async fn set_aside(&self, sha256: Sha256) -> Result<(), BlobError> {
        let aside = self.named(&name_aside(sha256));
        there_or_not(self.store.rename(&self.key(sha256, Variant::Whole), &aside).await)
    }

    /// Removes a file with its smaller pictures; the whole file goes first.
    pub async fn remove(&self, sha256: Sha256) -> Result<(), BlobError> {
        let thumbnails = ThumbnailSize::ALL.map(Variant::Thumbnail);
        for variant in [Variant::Whole].into_iter().chain(thumbnails) {
            there_or_not(self.store.delete(&self.key(sha256, variant)).await)?;
        }
        there_or_not(self.store.delete(&self.named(&name_aside(sha256))).await)
    }
}

async fn open(shared: &Arc<Shared>, path: &Path) -> Result<Ranged, BlobError> {
    let path = path.to_owned();
    shared.lanes.reads.run(move || Ranged::open(&path, None)).await
}

/// The next part of a file, as the blocks in which it was read.
async fn next_part(reader: &mut FileReader, part_bytes: u64) -> Result<PutPayload, BlobError> {
    let (mut blocks, mut bytes) = (Vec::new(), 0);
    // Stores want parts of one size: a part is as many whole blocks as it takes.
    while bytes < part_bytes {
        let Some(block) = reader.read().await? else { break };
        bytes += block.len() as u64;
        blocks.push(block);
    }
    Ok(PutPayload::from_iter(blocks))
}

async fn put_parts(
    upload: &mut dyn MultipartUpload,
    reader: &mut FileReader,
    part_bytes: u64,
) -> Result<(), BlobError> {
    let mut under_way = JoinSet::new();
    loop {
        let part = next_part(reader, part_bytes).await?;
        if part.content_length() == 0 {
            break;
        }
        while under_way.len() >= PARTS_AT_ONCE {
            ended(under_way.join_next().await)?;
        }
        under_way.spawn(upload.put_part(part));
    }
    while !under_way.is_empty() {
        ended(under_way.join_next().await)?;
    }
    upload.complete().await.map(drop).map_err(refusal)
}

type Joined = Result<object_store::Result<()>, tokio::task::JoinError>;

fn ended(part: Option<Joined>) -> Result<(), BlobError> {
    match part {
        None => Ok(()),
        Some(Ok(put)) => put.map_err(refusal),
        Some(Err(error)) => Err(failure("sending a part of a file")(io::Error::other(error))),
    }
}

/// What was done to an object; one that is not there is as well.
fn there_or_not(done: object_store::Result<()>) -> Result<(), BlobError> {
    match done {
        Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(refusal(error)),
    }
}

fn refusal(error: Error) -> BlobError {
    match error {
        Error::NotFound { .. } => BlobError::Unknown,
        error => BlobError::Failed(error.to_string()),
    }
}

/// What comes from the store, and what of it was not given out yet.
struct BucketReader(BoxStream<'static, object_store::Result<Bytes>>, Bytes);

impl BlobReader for BucketReader {
    fn read(&mut self) -> Boxed<'_, Result<Option<Bytes>, BlobError>> {
        Box::pin(async move {
            while self.1.is_empty() {
                match self.0.next().await.transpose().map_err(refusal)? {
                    Some(bytes) => self.1 = bytes,
                    None => return Ok(None),
                }
            }
            Ok(Some(self.1.split_to(self.1.len().min(READ_BYTES))))
        })
    }
}

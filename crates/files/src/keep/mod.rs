//! Where complete bytes are kept, named by their hash.

mod bucket;
mod directory;
mod looking;

use std::ops::Range;
use std::sync::Arc;

use anser_backend::{BlobError, BlobReader, Condition, Reading, Variant};
use anser_types::Sha256;
use tokio::sync::{Mutex, MutexGuard};

use crate::lanes::Lane;
use crate::settings::Keep;
use crate::store::Shared;
use crate::upload::Kept;
use bucket::Bucket;
use directory::Directory;

/// Hashes whose bytes are kept or removed at the same time; two that share a place wait for each other.
const PLACES: usize = 64;

/// See the module.
#[derive(Debug)]
pub(crate) struct Keeper {
    place: Place,
    /// The same bytes are not kept and removed at once.
    turns: Vec<Mutex<()>>,
}

#[derive(Debug)]
enum Place {
    Directory(Arc<Directory>),
    Bucket(Arc<Bucket>),
}

impl Keeper {
    /// Opens the place, making it if needed.
    pub fn open(keep: &Keep, disk: Arc<dyn crate::Disk>, spare: u64) -> std::io::Result<Self> {
        let place = match keep {
            Keep::Directory(path) => {
                Place::Directory(Arc::new(Directory::open(path, disk, spare)?))
            }
            Keep::Bucket(settings) => Place::Bucket(Arc::new(Bucket::open(settings)?)),
        };
        Ok(Self { place, turns: (0..PLACES).map(|_| Mutex::default()).collect() })
    }

    /// Asks whether the place can be reached.
    pub async fn check(&self) -> Result<(), BlobError> {
        match &self.place {
            Place::Directory(_) => Ok(()),
            Place::Bucket(bucket) => bucket.check().await,
        }
    }

    async fn turn(&self, sha256: Sha256) -> MutexGuard<'_, ()> {
        self.turns[usize::from(sha256.0[0]) % PLACES].lock().await
    }

    /// Keeps the files of an upload, durably.
    pub async fn keep(
        &self,
        shared: &Arc<Shared>,
        sha256: Sha256,
        kept: Kept,
    ) -> Result<(), BlobError> {
        let _turn = self.turn(sha256).await;
        match &self.place {
            Place::Directory(directory) => {
                let directory = Arc::clone(directory);
                shared.lanes.uploads.run(move || directory.keep(sha256, &kept)).await
            }
            Place::Bucket(bucket) => bucket.keep(shared, sha256, &kept).await,
        }
    }

    /// Opens bytes that are kept; also says how many there are in all.
    pub async fn read(
        &self,
        shared: &Arc<Shared>,
        sha256: Sha256,
        variant: Variant,
        range: Option<Range<u64>>,
    ) -> Result<Reading, BlobError> {
        match &self.place {
            Place::Directory(directory) => {
                let directory = Arc::clone(directory);
                let open = move || directory.open_file(sha256, variant, range);
                let file = shared.lanes.reads.run(open).await?;
                let bytes = file.bytes;
                let reader = crate::reading::FileReader::new(Arc::clone(shared), file);
                Ok((bytes, Box::new(reader) as Box<dyn BlobReader>))
            }
            Place::Bucket(bucket) => bucket.read(sha256, variant, range).await,
        }
    }

    /// Looks how the whole of kept bytes is; changes nothing.
    pub async fn condition(
        &self,
        reads: &Lane,
        sha256: Sha256,
        bytes: u64,
    ) -> Result<Condition, BlobError> {
        match &self.place {
            Place::Directory(directory) => {
                let path = directory.path_of(sha256, Variant::Whole);
                looking::condition(reads, path, sha256, bytes).await
            }
            Place::Bucket(bucket) => bucket.condition(sha256, bytes).await,
        }
    }

    /// Takes damaged bytes out of the way, durably.
    pub async fn set_aside(&self, shared: &Arc<Shared>, sha256: Sha256) -> Result<(), BlobError> {
        let _turn = self.turn(sha256).await;
        match &self.place {
            Place::Directory(directory) => {
                let directory = Arc::clone(directory);
                shared.lanes.uploads.run(move || directory.set_aside(sha256)).await
            }
            Place::Bucket(bucket) => bucket.set_aside(sha256).await,
        }
    }

    /// Removes bytes with their smaller pictures, durably.
    pub async fn remove(&self, shared: &Arc<Shared>, sha256: Sha256) -> Result<(), BlobError> {
        let _turn = self.turn(sha256).await;
        match &self.place {
            Place::Directory(directory) => {
                let directory = Arc::clone(directory);
                shared.lanes.uploads.run(move || directory.remove(sha256)).await
            }
            Place::Bucket(bucket) => bucket.remove(sha256).await,
        }
    }
}

/// `ab/cd/<hash>`, with the size of a smaller picture behind it.
fn name(sha256: Sha256, variant: Variant) -> String {
    let [first, second, ..] = sha256.0;
    let size = match variant {
        Variant::Whole => String::new(),
        Variant::Thumbnail(size) => format!(".{}", size.name()),
    };
    format!("{first:02x}/{second:02x}/{sha256}{size}")
}

/// What damaged bytes are called that were set aside.
fn name_aside(sha256: Sha256) -> String {
    format!("{}.damaged", name(sha256, Variant::Whole))
}

/// Fails if an upload does not have the bytes any more that it had when it was examined.
fn is_whole(there: u64, examined: u64) -> Result<(), BlobError> {
    if there == examined {
        return Ok(());
    }
    Err(BlobError::Failed(format!("{there} bytes of an upload are left of {examined}")))
}

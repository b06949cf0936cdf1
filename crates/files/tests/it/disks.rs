//! A disk that does what a test tells it: it fails a sync, is full, lets writes wait, and remembers what was synced.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::sync::Arc;

use anser_files::{Disk, SystemDisk};
use parking_lot::{Condvar, Mutex};

use crate::places::Place;

/// What a crash leaves.
#[derive(Clone, Copy, Debug)]
pub enum Left {
    /// The process was killed: everything that was written.
    Seen,
    /// The power failed: what was synced, and nothing else.
    Synced,
    /// The power failed when notes had reached the disk by chance, and other files had not.
    NotesFirst,
}

/// See the module. Clones are the same disk.
#[derive(Clone, Debug, Default)]
pub struct WildDisk(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    will: Mutex<Will>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Will {
    /// So many syncs fail from now on.
    failing_syncs: u64,
    /// Bytes that fit; everything if it says nothing.
    room: Option<u64>,
    held: bool,
    /// Writes that wait.
    waiting: usize,
    /// By number of the file, what it had when it was synced last.
    synced: BTreeMap<u64, Vec<u8>>,
}

impl WildDisk {
    pub fn fail_syncs(&self, count: u64) {
        self.0.will.lock().failing_syncs = count;
    }

    /// Only so many bytes fit from now on.
    pub fn set_room(&self, room: Option<u64>) {
        self.0.will.lock().room = room;
    }

    /// Every write waits until it is let go.
    pub fn hold(&self) {
        self.0.will.lock().held = true;
    }

    pub fn let_go(&self) {
        self.0.will.lock().held = false;
        self.0.changed.notify_all();
    }

    /// Returns when a write waits.
    pub fn wait_for_writes(&self) {
        let mut will = self.0.will.lock();
        while will.waiting == 0 {
            self.0.changed.wait(&mut will);
        }
    }

    /// What a crash would leave of a place now.
    pub fn image(&self, of: &Place, left: Left) -> Place {
        let image = of.image();
        if !matches!(left, Left::Seen) {
            let will = self.0.will.lock();
            for directory in [of.spool(), of.files()] {
                lose(&will, &directory, of, &image, left);
            }
        }
        image
    }
}

/// Takes from every file in a directory what was not synced.
fn lose(will: &Will, directory: &Path, of: &Place, image: &Place, left: Left) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            lose(will, &path, of, image, left);
            continue;
        }
        let is_note = path.extension().is_some_and(|extension| extension == "note");
        if is_note && matches!(left, Left::NotesFirst) {
            continue;
        }
        let number = std::fs::metadata(&path).unwrap().ino();
        let synced = will.synced.get(&number).cloned().unwrap_or_default();
        std::fs::write(image.same(of, &path), synced).unwrap();
    }
}

impl Disk for WildDisk {
    fn write_at(&self, file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut will = self.0.will.lock();
        will.waiting += 1;
        self.0.changed.notify_all();
        while will.held {
            self.0.changed.wait(&mut will);
        }
        will.waiting -= 1;
        // What is overwritten has its room already.
        let is_new = offset + bytes.len() as u64 > file.metadata()?.len();
        if let Some(room) = will.room.as_mut().filter(|_| is_new) {
            if (*room) < bytes.len() as u64 {
                let fits = usize::try_from(*room).unwrap();
                file.write_all_at(&bytes[..fits], offset)?;
                *room = 0;
                return Err(io::ErrorKind::StorageFull.into());
            }
            *room -= bytes.len() as u64;
        }
        drop(will);
        SystemDisk.write_at(file, offset, bytes)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        let mut will = self.0.will.lock();
        if will.failing_syncs > 0 {
            will.failing_syncs -= 1;
            return Err(io::Error::other("the disk is broken"));
        }
        let about = file.metadata()?;
        let mut now = vec![0; usize::try_from(about.len()).unwrap()];
        file.read_exact_at(&mut now, 0)?;
        will.synced.insert(about.ino(), now);
        Ok(())
    }

    fn sync_names(&self, _directory: &File) -> io::Result<()> {
        Ok(())
    }

    fn free_bytes(&self, _file: &File) -> io::Result<u64> {
        Ok(u64::MAX)
    }
}

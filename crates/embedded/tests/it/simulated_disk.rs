//! A disk in memory that remembers what was synced, and that fails when told to.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use anser_embedded::disk::{Disk, LogFile};
use parking_lot::Mutex;

/// A file: what a power failure would leave, and what processes see.
#[derive(Clone, Debug, Default)]
struct Content {
    synced: Vec<u8>,
    seen: Vec<u8>,
    /// What the next sync writes. A failed one forgets it, as Linux does: the bytes are seen and never written.
    dirty: Vec<Range<usize>>,
}

/// One thing done to a disk.
#[derive(Clone, Debug)]
pub enum Done {
    /// A file has this content, durably: it was made or replaced.
    Put(String, Vec<u8>),
    /// Bytes were written at an offset.
    Written(String, usize, Vec<u8>),
    /// What was written to a file is durable.
    Synced(String),
    Removed(String),
    /// The test's own mark: so many messages are acknowledged.
    Acknowledged(u64),
}

#[derive(Clone, Debug)]
struct State {
    files: BTreeMap<String, Content>,
    free_bytes: u64,
    /// Files whose name begins so cannot be synced.
    fail_syncs: Option<String>,
    /// The next write stops after this many bytes and fails.
    short_write: Option<usize>,
    creates_fail: bool,
    /// Everything done since recording began.
    recorded: Option<Vec<Done>>,
}

impl State {
    fn record(&mut self, done: impl FnOnce() -> Done) {
        if let Some(recorded) = &mut self.recorded {
            recorded.push(done());
        }
    }
}

/// See the module. Clones are the same disk.
#[derive(Clone, Debug)]
pub struct SimulatedDisk(Arc<Mutex<State>>);

impl SimulatedDisk {
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            files: BTreeMap::new(),
            free_bytes: u64::MAX,
            fail_syncs: None,
            short_write: None,
            creates_fail: false,
            recorded: None,
        })))
    }

    /// Every sync fails from now on, as EIO does.
    pub fn fail_syncs(&self) {
        self.fail_syncs_of("");
    }

    /// The same for files whose name begins so.
    pub fn fail_syncs_of(&self, beginning: &str) {
        self.0.lock().fail_syncs = Some(beginning.to_owned());
    }

    /// The next write stops after `bytes` and fails.
    pub fn cut_next_write(&self, bytes: usize) {
        self.0.lock().short_write = Some(bytes);
    }

    pub fn set_free_bytes(&self, bytes: u64) {
        self.0.lock().free_bytes = bytes;
    }

    /// Making files fails for lack of space, or works again.
    pub fn refuse_files(&self, refuse: bool) {
        self.0.lock().creates_fail = refuse;
    }

    /// The disk as a power failure leaves it now: synced bytes only.
    pub fn after_power_failure(&self) -> Self {
        let image = Self::new();
        for (name, content) in &self.0.lock().files {
            image.put(name, content.synced.clone());
        }
        image
    }

    /// The disk as a kill of the process leaves it now: everything written is seen, synced or not.
    pub fn after_kill(&self) -> Self {
        let image = Self::new();
        image.0.lock().files = self.0.lock().files.clone();
        image
    }

    /// As if everything written since `earlier` were seen, and nothing of it had reached the disk or ever would.
    pub fn unsynced_since(&self, earlier: &Self) -> Self {
        let image = self.after_kill();
        let earlier = earlier.0.lock();
        for (name, content) in &mut image.0.lock().files {
            let synced = earlier.files.get(name).map(|before| before.synced.clone());
            content.synced = synced.unwrap_or_else(|| vec![0; content.seen.len()]);
            content.dirty.clear();
        }
        image
    }

    /// From now on everything done is recorded, on top of an image of now.
    pub fn begin_recording(&self) -> Self {
        self.0.lock().recorded = Some(Vec::new());
        self.after_power_failure()
    }

    /// So many messages are acknowledged.
    pub fn acknowledge(&self, messages: u64) {
        self.0.lock().record(|| Done::Acknowledged(messages));
    }

    /// Everything done since recording began.
    pub fn recorded(&self) -> Vec<Done> {
        self.0.lock().recorded.clone().unwrap()
    }

    /// Does what was recorded once more, here; of a write only so many bytes.
    pub fn redo(&self, done: &Done, bytes: usize) {
        let open = |name: &String| OpenFile { disk: self.clone(), name: name.clone() };
        match done {
            Done::Put(name, content) => self.put(name, content.clone()),
            Done::Written(name, at, content) => {
                open(name).write_at(*at as u64, &content[..bytes.min(content.len())]).unwrap();
            }
            Done::Synced(name) => open(name).sync().unwrap(),
            Done::Removed(name) => self.delete(name),
            Done::Acknowledged(_) => {}
        }
    }

    pub fn names(&self) -> Vec<String> {
        self.0.lock().files.keys().cloned().collect()
    }

    pub fn content(&self, name: &str) -> Vec<u8> {
        self.0.lock().files[name].seen.clone()
    }

    pub fn put(&self, name: &str, bytes: Vec<u8>) {
        let content = Content { synced: bytes.clone(), seen: bytes, dirty: Vec::new() };
        let mut state = self.0.lock();
        state.record(|| Done::Put(name.to_owned(), content.seen.clone()));
        state.files.insert(name.to_owned(), content);
    }

    pub fn delete(&self, name: &str) {
        let mut state = self.0.lock();
        state.record(|| Done::Removed(name.to_owned()));
        state.files.remove(name);
    }
}

#[derive(Debug)]
struct OpenFile {
    disk: SimulatedDisk,
    name: String,
}

impl LogFile for OpenFile {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        let short = state.short_write.take();
        let taken = short.map_or(bytes, |most| &bytes[..most.min(bytes.len())]);
        let content = state.files.get_mut(&self.name).ok_or(io::ErrorKind::NotFound)?;
        let at = usize::try_from(offset).unwrap();
        let end = at + taken.len();
        if content.seen.len() < end {
            content.seen.resize(end, 0);
        }
        content.seen[at..end].copy_from_slice(taken);
        content.dirty.push(at..end);
        state.record(|| Done::Written(self.name.clone(), at, taken.to_vec()));
        short.map_or(Ok(()), |_| Err(io::Error::other("the write was cut short")))
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.0.lock();
        let fails = state.fail_syncs.as_ref().is_some_and(|these| self.name.starts_with(these));
        let content = state.files.get_mut(&self.name).ok_or(io::ErrorKind::NotFound)?;
        let dirty = std::mem::take(&mut content.dirty);
        if fails {
            return Err(io::Error::other("input/output error"));
        }
        content.synced.resize(content.seen.len(), 0);
        for range in dirty {
            content.synced[range.clone()].copy_from_slice(&content.seen[range]);
        }
        state.record(|| Done::Synced(self.name.clone()));
        Ok(())
    }
}

impl Disk for SimulatedDisk {
    fn create(&self, name: &str, bytes: u64) -> io::Result<Box<dyn LogFile>> {
        if self.0.lock().creates_fail {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.put(name, vec![0; usize::try_from(bytes).unwrap()]);
        self.open(name)
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn LogFile>> {
        Ok(Box::new(OpenFile { disk: self.clone(), name: name.to_owned() }))
    }

    fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.0.lock().files.get(name).map(|content| content.seen.clone()))
    }

    fn replace(&self, name: &str, content: &[u8]) -> io::Result<()> {
        self.put(name, content.to_vec());
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.delete(name);
        Ok(())
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.names())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        Ok(self.0.lock().free_bytes)
    }
}

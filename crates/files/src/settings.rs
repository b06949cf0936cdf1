//! How a store of files is set up.

use std::path::PathBuf;

/// How a store of files is set up; there is no clock in it: times are passed in.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The directory of uploads on their way. Best on the same file system as [`Keep::Directory`]: nothing is copied then.
    pub spool: PathBuf,
    /// Where complete bytes are kept.
    pub keep: Keep,
    /// Threads that write what arrives, and as many that read; at least one of each. One more looks at pictures.
    pub workers: usize,
    /// Called by each thread when it starts: to lower its priority.
    pub on_worker_start: fn(),
    /// Nothing is taken that would leave less free.
    pub min_free_bytes: u64,
}

/// Where complete bytes are kept.
#[derive(Clone, Debug)]
pub enum Keep {
    /// A local directory.
    Directory(PathBuf),
}

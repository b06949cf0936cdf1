//! How a store of files is set up.

use std::path::PathBuf;

use secrecy::SecretString;

/// How a store of files is set up; there is no clock in it: times are passed in.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The directory of uploads on their way. Best on the same file system as [`Keep::Directory`]: nothing is copied then.
    pub spool: PathBuf,
    /// Where complete bytes are kept.
    pub keep: Keep,
    /// Threads that write what arrives, as many that hash it, and as many that read; at least one of each. One more looks
    /// at pictures.
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
    /// A bucket; see the lifecycle rule that ADR 0007 asks for.
    Bucket(BucketSettings),
}

/// A bucket of an S3-like store.
#[derive(Clone, Debug)]
pub struct BucketSettings {
    /// Where the store is, as in `https://s3.example.org`; the bucket's name is put behind it as a path.
    pub endpoint: String,
    /// The bucket, which must be there.
    pub bucket: String,
    /// Its region; stores that have none take any, as in `us-east-1`.
    pub region: String,
    /// Who asks.
    pub access_key: String,
    /// What proves it.
    pub secret_key: SecretString,
    /// What the name of every object begins with, without a slash at its ends; may be empty.
    pub prefix: String,
    /// Without TLS: for a store on the same machine.
    pub allow_http: bool,
}

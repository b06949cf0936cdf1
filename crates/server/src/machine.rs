//! What the real machine gives: wall-clock time, random bytes, threads and its name.

use std::time::{SystemTime, UNIX_EPOCH};

use anser_types::{Clock, ErrorCode, UnixMs};
use tokio::runtime::{Builder, Runtime};

use crate::failure::Failure;

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixMs {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMs(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }
}

/// The operating system's random numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl anser_service::Entropy for SystemEntropy {
    /// # Panics
    /// When the operating system has no random numbers: no secret may be made from anything else.
    fn fill(&self, bytes: &mut [u8]) {
        if let Err(error) = getrandom::fill(bytes) {
            panic!("the operating system gives no random numbers: {error}");
        }
    }
}

/// Threads for a command that asks or reads for a moment.
///
/// # Errors
/// `INTERNAL`: the system gives none.
pub fn runtime() -> Result<Runtime, Failure> {
    Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(ErrorCode::Internal, format!("no threads: {error}")))
}

/// The machine's host name, if it has one that can stand in a certificate.
#[must_use]
pub fn host_name() -> Option<String> {
    let uname = rustix::system::uname();
    let name = uname.nodename().to_str().ok()?;
    let usable = !name.is_empty()
        && name != "localhost"
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'));
    usable.then(|| name.to_owned())
}

/// Steps of priority a thread goes down when it gives way: it then gets about a tenth of what another one gets.
#[cfg(target_os = "linux")]
const GIVES_WAY: i32 = 10;

/// Lets this thread give way to all others of the process, for good: on a busy machine they come first, on an idle one
/// nothing changes. For work that may wait, such as searching and hashing passwords (guarantee G17: a storm of sign-ins must not slow
/// those who are in). Without effect where only whole processes have a priority.
pub fn give_way() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{getpriority_process, setpriority_process};
        let thread = Some(rustix::thread::gettid());
        let lowered = getpriority_process(thread)
            .and_then(|present| setpriority_process(thread, present.saturating_add(GIVES_WAY)));
        if let Err(error) = lowered {
            tracing::warn!(%error, "a thread cannot give way to the others");
        }
    }
}

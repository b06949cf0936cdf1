//! What happened in a run, in order, with its virtual time: a hash that is always kept, and the text on request.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::Instant;

/// The trace of one run. Clones share it.
#[derive(Clone)]
pub struct Trace(Arc<Mutex<State>>);

struct State {
    started: Option<Instant>,
    hash: Hash,
    lines: Option<Vec<String>>,
}

impl Trace {
    /// An empty trace. Keeping the text costs memory; the hash is kept in any case.
    #[must_use]
    pub fn new(with_text: bool) -> Self {
        let lines = with_text.then(Vec::new);
        Self(Arc::new(Mutex::new(State { started: None, hash: Hash::new(), lines })))
    }

    /// Time counts from now on.
    pub fn begin(&self) {
        self.0.lock().started = Some(Instant::now());
    }

    /// Writes a line: `trace.note(format_args!(…))`.
    pub fn note(&self, what: fmt::Arguments<'_>) {
        let mut state = self.0.lock();
        let at = state.started.map(|started| started.elapsed()).unwrap_or_default();
        if let Some(lines) = &mut state.lines {
            lines.push(format!("{:>12.6} {what}", at.as_secs_f64()));
        }
        // A hash takes whatever it is given.
        let _infallible = writeln!(state.hash, "{}|{what}", at.as_nanos());
    }

    /// The hash of everything so far.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.0.lock().hash.0
    }

    /// The lines so far; none unless the text is kept.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.0.lock().lines.clone().unwrap_or_default()
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Trace({:016x})", self.hash())
    }
}

/// FNV-1a over what is written to it: the same in every process and version.
struct Hash(u64);

impl Hash {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl fmt::Write for Hash {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}

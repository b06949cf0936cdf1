//! What happened in a run, in order, with its virtual time: as a hash, as text, or not kept at all.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::time::Instant;

/// What is kept of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Keep {
    /// Nothing: writing everything down costs as much as the run itself.
    #[default]
    Nothing,
    /// A hash, to compare runs.
    Hash,
    /// Every line, and the hash.
    Text,
}

/// The trace of one run. Clones share it.
#[derive(Clone, Default)]
pub struct Trace(Option<Arc<Mutex<State>>>);

struct State {
    started: Option<Instant>,
    hash: Hash,
    lines: Option<Vec<String>>,
}

impl Trace {
    /// An empty trace.
    #[must_use]
    pub fn new(keep: Keep) -> Self {
        if keep == Keep::Nothing {
            return Self(None);
        }
        let lines = (keep == Keep::Text).then(Vec::new);
        Self(Some(Arc::new(Mutex::new(State { started: None, hash: Hash::new(), lines }))))
    }

    /// Time counts from now on.
    pub fn begin(&self) {
        if let Some(state) = &self.0 {
            state.lock().started = Some(Instant::now());
        }
    }

    /// Writes a line: `trace.note(format_args!(…))`.
    pub fn note(&self, what: fmt::Arguments<'_>) {
        let Some(state) = &self.0 else { return };
        let mut state = state.lock();
        let at = state.started.map(|started| started.elapsed()).unwrap_or_default();
        if let Some(lines) = &mut state.lines {
            lines.push(format!("{:>12.6} {what}", at.as_secs_f64()));
        }
        // A hash takes whatever it is given.
        let _infallible = writeln!(state.hash, "{}|{what}", at.as_nanos());
    }

    /// The hash of everything so far; zero when nothing is kept.
    #[must_use]
    pub fn hash(&self) -> u64 {
        self.0.as_ref().map_or(0, |state| state.lock().hash.0)
    }

    /// The lines so far; none unless the text is kept.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.0.as_ref().and_then(|state| state.lock().lines.clone()).unwrap_or_default()
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

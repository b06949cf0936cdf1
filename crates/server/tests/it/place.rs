//! A data directory that goes away with the test, a clock that stands, and secrets that differ.

use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};

use anser_server::config::{Layers, Loaded, Problem, load};
use anser_server::data_dir::DataDir;
use anser_server::setup::Setup;
use anser_types::{Clock, UnixMs};

/// 2026-06-01.
pub const NOW: UnixMs = UnixMs(1_780_272_000_000);

#[derive(Debug)]
pub struct Standing;

impl Clock for Standing {
    fn now(&self) -> UnixMs {
        NOW
    }
}

/// Every fill gives other bytes.
#[derive(Debug, Default)]
pub struct Counting(AtomicU8);

impl anser_service::Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0.fetch_add(1, Ordering::Relaxed));
    }
}

pub struct Place {
    _directory: tempfile::TempDir,
    pub data_dir: DataDir,
}

impl Place {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data_dir = DataDir::new(directory.path().join("server"));
        Self { _directory: directory, data_dir }
    }

    pub fn root(&self) -> &Path {
        self.data_dir.root()
    }

    pub fn write_config(&self, text: &str) {
        self.data_dir.create().unwrap();
        std::fs::write(self.data_dir.config_file(), text).unwrap();
    }

    pub fn layers(&self) -> Layers {
        Layers { file: Some(self.data_dir.config_file()), ..Layers::default() }
    }

    pub fn load(&self) -> Result<Loaded, Vec<Problem>> {
        load(&self.layers())
    }

    pub fn setup(&self) -> Setup {
        Setup { data_dir: self.data_dir.clone(), loaded: self.load().unwrap() }
    }
}

pub fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

//! The in-memory reference keeps every property it is the measure of.

use anser_backend::conformance::{MemoryHarness, Settings};

anser_backend::conformance_tests!(MemoryHarness::default, Settings { cases: 64, steps: 40 });

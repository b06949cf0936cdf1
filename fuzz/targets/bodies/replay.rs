//! Runs every input of a kept corpus again, as an ordinary test.
#![allow(clippy::disallowed_methods, reason = "the core reads no files, its tests do")]
#![allow(clippy::print_stdout, reason = "shown only if an input fails")]

use std::path::Path;

/// Runs each, in the order of their names; a corpus that is not found or empty is an error.
pub fn replay(corpus: &str, run: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(corpus);
    let entries =
        std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut inputs: Vec<_> =
        entries.map(|entry| entry.expect("a readable folder").path()).collect();
    inputs.sort_unstable();
    assert!(!inputs.is_empty(), "{} is empty", folder.display());
    for input in inputs {
        println!("{}", input.display());
        run(&std::fs::read(&input).expect("a readable input"));
    }
}

//! How the dictionary is made: the same bytes each time.

use super::frames::Maker;

/// Of the frames to train with.
const SEED: u64 = 1;
/// Frames to train with; zstd advises a hundred times the size of the dictionary.
const FRAMES: usize = 1_500;
/// Bytes of the dictionary; a larger one did not shrink pages by more than a hundredth further.
const DICTIONARY_BYTES: usize = 32 * 1024;

/// Trains the dictionary.
///
/// # Errors
/// What zstd says.
pub fn train() -> std::io::Result<Vec<u8>> {
    let mut maker = Maker::new(SEED);
    let frames: Vec<Vec<u8>> = (0..FRAMES).map(|_| maker.frame()).collect();
    zstd::dict::from_samples(&frames, DICTIONARY_BYTES)
}

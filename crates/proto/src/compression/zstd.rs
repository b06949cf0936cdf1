//! Zstandard (RFC 8878) with a dictionary: short frames of the protocol resemble each other more than themselves.

use std::cell::RefCell;
use std::sync::LazyLock;

use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};

/// Made by `cargo xtask dictionary`. Never changed: another one gets another method's number, and this one stays as long
/// as there are clients that name it.
pub(super) const DICTIONARY: &[u8] = include_bytes!("dictionary.bin");
/// Shrinks pages as far as level 3 in less time and half the memory, and further than level 1 (docs/adr/0006).
const LEVEL: i32 = 2;

static ENCODING: LazyLock<EncoderDictionary<'static>> =
    LazyLock::new(|| EncoderDictionary::copy(DICTIONARY, LEVEL));
static DECODING: LazyLock<DecoderDictionary<'static>> =
    LazyLock::new(|| DecoderDictionary::copy(DICTIONARY));

struct Packer {
    compressor: Compressor<'static>,
    packed: Vec<u8>,
}

thread_local! {
    // Without a context (there is no memory for one) frames go out as they are, and compressed ones cannot be read.
    static PACKER: RefCell<Option<Packer>> = RefCell::new(
        Compressor::with_prepared_dictionary(&ENCODING)
            .ok()
            .map(|compressor| Packer { compressor, packed: Vec::new() }),
    );
    static UNPACKER: RefCell<Option<Decompressor<'static>>> =
        RefCell::new(Decompressor::with_prepared_dictionary(&DECODING).ok());
}

/// Gives `whole` compressed to `take` if it takes at most `room` bytes.
pub(super) fn pack<T>(whole: &[u8], room: usize, take: impl FnOnce(&[u8]) -> T) -> Option<T> {
    PACKER.with_borrow_mut(|packer| {
        let Packer { compressor, packed } = packer.as_mut()?;
        packed.clear();
        packed.reserve_exact(room);
        let bytes = compressor.compress_to_buffer(whole, packed).ok()?;
        (bytes <= room).then(|| take(packed))
    })
}

/// Fills `whole` with at most `bytes`; false if `packed` is damaged or holds more.
pub(super) fn unpack(packed: &[u8], bytes: usize, whole: &mut Vec<u8>) -> bool {
    UNPACKER.with_borrow_mut(|unpacker| {
        let Some(decompressor) = unpacker else { return false };
        whole.reserve_exact(bytes);
        decompressor.decompress_to_buffer(packed, whole).is_ok()
    })
}

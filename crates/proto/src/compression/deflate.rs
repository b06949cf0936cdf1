//! Raw deflate (RFC 1951).

use std::cell::RefCell;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// Beyond it a page shrinks by some hundredths more, and takes twice the time (docs/adr/0006).
const LEVEL: u32 = 1;

struct Packer {
    compress: Compress,
    packed: Vec<u8>,
}

thread_local! {
    static PACKER: RefCell<Packer> =
        RefCell::new(Packer { compress: Compress::new(Compression::new(LEVEL), false), packed: Vec::new() });
    static UNPACKER: RefCell<Decompress> = RefCell::new(Decompress::new(false));
}

/// Gives `whole` compressed to `take` if it takes at most `room` bytes.
pub(super) fn pack<T>(whole: &[u8], room: usize, take: impl FnOnce(&[u8]) -> T) -> Option<T> {
    PACKER.with_borrow_mut(|Packer { compress, packed }| {
        compress.reset();
        packed.clear();
        packed.reserve_exact(room);
        let status = compress.compress_vec(whole, packed, FlushCompress::Finish);
        let fits = status.is_ok_and(|status| status == Status::StreamEnd) && packed.len() <= room;
        fits.then(|| take(packed))
    })
}

/// Fills what `whole` has room for; false unless `packed` ends there and then.
pub(super) fn unpack(packed: &[u8], whole: &mut Vec<u8>) -> bool {
    UNPACKER.with_borrow_mut(|decompress| {
        decompress.reset(false);
        let status = decompress.decompress_vec(packed, whole, FlushDecompress::Finish);
        let ended = status.is_ok_and(|status| status == Status::StreamEnd);
        ended && usize::try_from(decompress.total_in()).is_ok_and(|read| read == packed.len())
    })
}

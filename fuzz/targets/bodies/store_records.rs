//! Everything a store reads back from a disk: rows, commits, the commit log, archives. Whatever the bytes are, they are
//! understood or refused with a reason; what is understood is written again as the same bytes.

#[path = "store/archive.rs"]
mod archive;
#[path = "store/log.rs"]
mod log;
#[path = "store/rows.rs"]
mod rows;

/// One input.
pub fn run(data: &[u8]) {
    let [what, bytes @ ..] = data else { return };
    match what {
        0 => archive::raw(bytes),
        1 => archive::sealed(bytes),
        2 => log::raw(bytes),
        3 => log::scripted(bytes),
        4 => log::commit(bytes),
        5 => log::marks(bytes),
        row => rows::row(row - 6, bytes),
    }
}

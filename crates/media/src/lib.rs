//! Pictures from strangers: what a file is, what a picture looks like, and the picture without what its taker did not
//! mean to tell (docs/adr/0008-pictures-in-a-crate.md).
//!
//! [`sniff`] and [`look`] are pure functions of bytes. They see no store, no socket, no clock and no async runtime, and
//! never panic, whatever the bytes are: the server calls them on a thread that may take its time. [`Posters`] asks another
//! program for a picture out of a film, within limits of time, memory and output.
//!
//! **Memory.** One call of [`look`] takes at most [`anser_types::limits::PICTURE_UNPACKED_MAX_BYTES`] (500 MB) for pixels and
//! what decoders need beside them, which is estimated from the headers before anything is unpacked; and, beside its input, a
//! copy without metadata of at most [`anser_types::limits::PICTURE_MAX_BYTES`] (32 MiB). The decoder of JPEGs runs a thread
//! for each colour while it works, and may queue up to 240 MB more for them if they fall far behind, which was never seen. A
//! photograph of 12 megapixels takes some 25 MB, 75 MB if it is turned, 145 MB if it is progressive as well. Who calls bounds
//! how many calls run at a time.

mod decode;
mod foreign;
mod formats;
mod look;
mod posters;
mod reading;
mod refused;
mod run;
mod shrink;
mod sniff;
mod turn;

pub use look::{Original, Picture, look};
pub use posters::{NoPoster, Poster, Posters};
pub use refused::{Foreign, Refused};
pub use sniff::{HEAD_BYTES, MediaType, sniff};

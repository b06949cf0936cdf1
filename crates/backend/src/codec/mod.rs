//! How values become bytes, for stores that keep rows and for archives: a small reader and writer, and one file per
//! family of rows.
//!
//! Every row begins with a format-version byte; every decoder refuses what it does not understand and never panics.

mod accounts;
mod answers;
mod files;
mod lists;
mod messages;
mod primitives;
mod rows;
#[cfg(test)]
mod tests;

pub use accounts::{Devices, LastSeen, Superseded, read_token, read_user, write_token, write_user};
pub use answers::{DeviceRecord, Kept, KeyRow, read_delta, write_delta};
pub use files::{ContentRow, FileRow, read_usage, write_usage};
pub use messages::{read_edition, read_message, write_edition, write_message, write_new_message};
pub use primitives::{
    Malformed, Reader, put_bytes, put_text, put_varint, read_number, write_number,
};
pub use rows::{
    Pointed, Pointer, read_change, read_conversation, read_member, read_pointer, read_position,
    write_change, write_conversation, write_member, write_pointer, write_position,
};

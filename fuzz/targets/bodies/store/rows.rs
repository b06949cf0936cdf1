//! Rows: each reader against its writer.

use std::fmt::Debug;

use anser_backend::codec::{
    DeviceRecord, Devices, KeyRow, LastSeen, Malformed, read_change, read_conversation, read_delta,
    read_edition, read_member, read_message, read_number, read_pointer, read_position, read_token,
    read_user, write_change, write_conversation, write_delta, write_edition, write_member,
    write_message, write_number, write_pointer, write_position, write_token, write_user,
};
use anser_types::{ChangeNo, ConversationId, Seq, UserNo};

const HERE: ConversationId = ConversationId([7; 16]);

/// What was understood is written again as the same bytes.
fn again<T: Debug>(bytes: &[u8], read: Result<T, Malformed>, write: impl FnOnce(&mut Vec<u8>, &T)) {
    let Ok(value) = read else { return };
    let mut written = Vec::new();
    write(&mut written, &value);
    assert_eq!(written, bytes, "{value:?}");
}

/// Bytes as a row of the `kind`-th kind.
pub fn row(kind: u8, bytes: &[u8]) {
    match kind % 15 {
        0 => again(bytes, read_message(HERE, Seq(1), bytes), write_message),
        1 => again(bytes, read_change(HERE, ChangeNo(1), bytes), write_change),
        2 => again(bytes, read_conversation(HERE, bytes), write_conversation),
        3 => again(bytes, read_member(UserNo(1), bytes), write_member),
        4 => again(bytes, read_position(bytes), |out, position| write_position(out, *position)),
        5 => again(bytes, read_pointer(bytes), write_pointer),
        6 => again(bytes, read_user(UserNo(1), bytes), write_user),
        7 => again(bytes, Devices::read(bytes), |out, devices| devices.write(out)),
        8 => again(bytes, read_token(bytes), write_token),
        9 => again(bytes, DeviceRecord::read(bytes), |out, record| record.write(out)),
        10 => again(bytes, read_delta(bytes), |out, (up_to, kept)| write_delta(out, *up_to, kept)),
        11 => again(bytes, KeyRow::read(bytes), |out, row| row.write(out)),
        12 => again(bytes, read_number(bytes), |out, number| write_number(out, *number)),
        13 => again(bytes, LastSeen::read(bytes), |out, seen| seen.write(out)),
        _ => again(bytes, read_edition(ChangeNo(1), bytes), |out, edition| {
            write_edition(out, edition.since, &edition.content);
        }),
    }
}

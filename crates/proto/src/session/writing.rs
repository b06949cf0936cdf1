//! Writes frames by hand where building the generated envelope would copy: a case's number, its length, its message.

use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint, key_len};

/// Appends a whole frame that holds one case.
#[expect(
    clippy::expect_used,
    reason = "encoding fails only for lack of room, and a BytesMut grows"
)]
pub(super) fn put_case(number: u32, message: &impl Message, out: &mut BytesMut) {
    start_case(number, message.encoded_len(), out);
    message.encode(out).expect("a BytesMut has room for any message");
}

/// Appends the start of a frame whose one case has `length` bytes; the caller appends exactly those.
pub(super) fn start_case(number: u32, length: usize, out: &mut BytesMut) {
    let frame = nested_len(number, length);
    out.reserve(frame + encoded_len_varint(frame as u64));
    encode_varint(frame as u64, out);
    start_nested(number, length, out);
}

/// Bytes of a field with a body of this length.
pub(super) const fn nested_len(number: u32, length: usize) -> usize {
    key_len(number) + encoded_len_varint(length as u64) + length
}

/// Bytes of an integer field; an absent one (0) has none.
pub(super) const fn integer_len(number: u32, value: u64) -> usize {
    if value == 0 { 0 } else { key_len(number) + encoded_len_varint(value) }
}

/// Appends the start of a field with a body.
pub(super) fn start_nested(number: u32, length: usize, out: &mut BytesMut) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(length as u64, out);
}

/// Appends a field with a body.
pub(super) fn put_nested(number: u32, body: &Bytes, out: &mut BytesMut) {
    start_nested(number, body.len(), out);
    out.put_slice(body);
}

/// Appends an integer field unless it is 0.
pub(super) fn put_integer(number: u32, value: u64, out: &mut BytesMut) {
    if value != 0 {
        encode_key(number, WireType::Varint, out);
        encode_varint(value, out);
    }
}

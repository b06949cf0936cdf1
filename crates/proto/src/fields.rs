//! Reads protobuf fields without knowing their message: needed where bytes must be kept exactly as received (command
//! bodies, raw events) and where a case is newer than this version.

use bytes::Bytes;

/// What stands at the start of some bytes, read as a varint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Varint {
    /// A whole one.
    Value {
        /// Its value.
        value: u64,
        /// Bytes it took.
        width: usize,
    },
    /// More bytes are needed.
    Incomplete,
    /// Longer than allowed or, where it took several bytes, than needed.
    Malformed,
}

impl Varint {
    /// Reads a varint in its shortest form and of at most `max_width` bytes (9 or less).
    pub(crate) fn read(bytes: &[u8], max_width: usize) -> Self {
        let mut value = 0_u64;
        for (i, byte) in bytes.iter().take(max_width).enumerate() {
            value |= u64::from(byte & 0x7f) << (7 * i);
            if byte & 0x80 == 0 {
                let needless = i > 0 && *byte == 0;
                return if needless {
                    Self::Malformed
                } else {
                    Self::Value { value, width: i + 1 }
                };
            }
        }
        if bytes.len() < max_width { Self::Incomplete } else { Self::Malformed }
    }
}

/// The bytes are no protobuf message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are no protobuf message")]
pub struct Malformed;

/// One field of a message, as received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Its number.
    pub number: u32,
    /// Its value.
    pub value: Value<'a>,
    /// The whole field: tag and value.
    pub raw: &'a [u8],
}

/// A field's value, by wire type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Integers, booleans and enums.
    Varint(u64),
    /// Strings, bytes, messages and packed lists.
    Bytes(&'a [u8]),
    /// Eight bytes.
    Fixed64,
    /// Four bytes.
    Fixed32,
}

/// The fields of a message in received order. Ends after the first [`Malformed`].
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The fields of this message.
    #[must_use]
    pub const fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn read(&mut self) -> Result<Field<'a>, Malformed> {
        let whole = self.rest;
        let tag = self.varint()?;
        let number = u32::try_from(tag >> 3).map_err(|_| Malformed)?;
        if number == 0 || number >= 1 << 29 {
            return Err(Malformed);
        }
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => self.take(8).map(|_| Value::Fixed64)?,
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| Malformed)?;
                Value::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Value::Fixed32)?,
            // Groups (3 and 4) do not exist in proto3; 6 and 7 exist nowhere.
            _ => return Err(Malformed),
        };
        Ok(Field { number, value, raw: &whole[..whole.len() - self.rest.len()] })
    }

    /// Unlike frame lengths, varints inside messages may be longer than needed: protobuf allows it.
    fn varint(&mut self) -> Result<u64, Malformed> {
        prost::encoding::decode_varint(&mut self.rest).map_err(|_| Malformed)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

/// The last field with a body whose number satisfies `wanted`: how to find the case of a `oneof` that this version does
/// not know. `None` when there is none, or when the bytes are no message. Shares the message's bytes.
#[must_use]
pub fn last_case(message: &Bytes, wanted: impl Fn(u32) -> bool) -> Option<(u32, Bytes)> {
    let mut found = None;
    for field in Fields::of(message) {
        match field.ok()? {
            Field { number, value: Value::Bytes(body), .. } if wanted(number) => {
                found = Some((number, message.slice_ref(body)));
            }
            _ => {}
        }
    }
    found
}

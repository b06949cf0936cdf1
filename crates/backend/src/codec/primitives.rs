//! The primitives of every row: varints, length-prefixed bytes and texts.

use anser_types::{ConversationId, UserId};

/// The format of every row this version writes.
pub const ROW_FORMAT: u8 = 1;

/// Bytes that no row of this format has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a stored row is malformed: {0}")]
pub struct Malformed(pub &'static str);

/// Appends an unsigned LEB128 number.
pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7f) as u8);
}

/// Appends a length and that many bytes.
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Appends a length and a text.
pub fn put_text(out: &mut Vec<u8>, text: &str) {
    put_bytes(out, text.as_bytes());
}

/// Appends a count and that many user ids.
pub fn put_users(out: &mut Vec<u8>, users: &[UserId]) {
    put_varint(out, users.len() as u64);
    for user in users {
        put_text(out, user.as_str());
    }
}

/// Appends a row that is one number.
pub fn write_number(out: &mut Vec<u8>, number: u64) {
    out.push(ROW_FORMAT);
    put_varint(out, number);
}

/// Reads a row that is one number.
pub fn read_number(bytes: &[u8]) -> Result<u64, Malformed> {
    let mut reader = Reader::row(bytes)?;
    let number = reader.varint()?;
    reader.end()?;
    Ok(number)
}

/// Reads what the functions above wrote; never past the end, never allocating more than there is.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Reads a row: checks its format byte first.
    pub fn row(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Self::new(bytes);
        if reader.u8()? == ROW_FORMAT { Ok(reader) } else { Err(Malformed("unknown row format")) }
    }

    /// Reads a row that may be of another format too; says whether it is.
    pub fn row_or(other: u8, bytes: &'a [u8]) -> Result<(Self, bool), Malformed> {
        if bytes.first() == Some(&other) {
            return Ok((Self::new(&bytes[1..]), true));
        }
        Ok((Self::row(bytes)?, false))
    }

    /// The next `n` bytes.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(n).ok_or(Malformed("it ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next `N` bytes as an array.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(self.array::<1>()?[0])
    }

    /// A number of fixed width, as keys have them: eight bytes, big-endian.
    pub fn u64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    /// A varint in its only form: the shortest one. So the same value always has the same bytes.
    pub fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return Err(Malformed("a number is too large"));
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                if bits == 0 && shift > 0 {
                    return Err(Malformed("a number is longer than it need be"));
                }
                return Ok(value);
            }
        }
        Err(Malformed("a number is too long"))
    }

    /// A count of things that take at least one byte each: never more than there are bytes left.
    pub fn count(&mut self) -> Result<usize, Malformed> {
        let count =
            usize::try_from(self.varint()?).map_err(|_| Malformed("a count is too large"))?;
        if count > self.rest.len() { Err(Malformed("it ends too early")) } else { Ok(count) }
    }

    /// Length-prefixed bytes.
    pub fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.count()?;
        self.take(len)
    }

    /// A length-prefixed text.
    pub fn text(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed("a text is not UTF-8"))
    }

    /// A user id.
    pub fn user(&mut self) -> Result<UserId, Malformed> {
        UserId::new(self.text()?).map_err(|_| Malformed("a user id is not valid"))
    }

    /// Several user ids.
    pub fn users(&mut self) -> Result<Vec<UserId>, Malformed> {
        let count = self.count()?;
        (0..count).map(|_| self.user()).collect()
    }

    /// A user id or none, written as a list.
    pub fn at_most_one_user(&mut self) -> Result<Option<UserId>, Malformed> {
        let mut users = self.users()?;
        if users.len() > 1 {
            return Err(Malformed("there are two users where one may be"));
        }
        Ok(users.pop())
    }

    /// A conversation id.
    pub fn conversation(&mut self) -> Result<ConversationId, Malformed> {
        Ok(ConversationId(self.array()?))
    }

    /// Bytes that are left.
    pub const fn len(&self) -> usize {
        self.rest.len()
    }

    /// Whether nothing is left.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Nothing may be left.
    pub fn end(self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed("something follows its end")) }
    }
}

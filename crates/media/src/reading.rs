//! Numbers and stretches out of bytes that may end anywhere.

use crate::refused::Refused;

/// What is still to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading<'a>(pub(crate) &'a [u8]);

impl<'a> Reading<'a> {
    /// The next bytes, or that the file is cut off.
    pub(crate) fn take(&mut self, bytes: usize) -> Result<&'a [u8], Refused> {
        let (taken, rest) = self.0.split_at_checked(bytes).ok_or_else(Refused::cut_off)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Refused> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or_else(Refused::cut_off)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Refused> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16_be(&mut self) -> Result<u16, Refused> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn u16_le(&mut self) -> Result<u16, Refused> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u24_le(&mut self) -> Result<u32, Refused> {
        self.array().map(|[a, b, c]| u32::from_le_bytes([a, b, c, 0]))
    }

    pub(crate) fn u32_be(&mut self) -> Result<u32, Refused> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u32_le(&mut self) -> Result<u32, Refused> {
        self.array().map(u32::from_le_bytes)
    }
}

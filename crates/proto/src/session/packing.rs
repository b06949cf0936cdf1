//! What one side of a session compresses, and what it reads of the other's.

use anser_types::ErrorCode;
use anser_types::limits::FRAME_MAX_BYTES;
use bytes::{Bytes, BytesMut};
use prost::Message;

use super::writing::put_case;
use crate::close::CloseReason;
use crate::codec::LENGTH_MAX_BYTES;
use crate::compression::{Method, THRESHOLD_BYTES};
use crate::fields::Varint;
use crate::v1;

/// The methods one side speaks, and the one that both agreed on.
#[derive(Debug)]
pub(super) struct Packing {
    ours: &'static [Method],
    agreed: Option<Method>,
}

impl Packing {
    /// Nothing is agreed yet.
    pub(super) const fn speaking(ours: &'static [Method]) -> Self {
        Self { ours, agreed: None }
    }

    /// What the client's Hello says.
    pub(super) fn offer(&self) -> Vec<u32> {
        self.ours.iter().map(|method| method.number()).collect()
    }

    /// What the server's Welcome says to this offer; holds from then on.
    pub(super) fn choose(&mut self, offered: &[u32]) {
        self.agreed = Method::choose(offered, self.ours);
    }

    /// The number that Welcome says; 0 for none.
    pub(super) const fn agreed(&self) -> u32 {
        match self.agreed {
            Some(method) => method.number(),
            None => 0,
        }
    }

    /// Takes the server's word.
    pub(super) fn take(&mut self, chosen: u32) -> Result<(), CloseReason> {
        self.agreed = Method::choose(&[chosen], self.ours);
        if chosen != 0 && self.agreed.is_none() {
            let detail = format!("the server chose compression {chosen}, which was not offered");
            return Err(CloseReason::because(ErrorCode::BadFrame, detail));
        }
        Ok(())
    }

    /// Compresses the frame that begins at `start` and ends `out`, if that was agreed and pays. A frame that is too large
    /// stays as it is: compressed it would be too large as well.
    pub(super) fn shrink(&self, start: usize, case: u32, out: &mut BytesMut) {
        let length = out.len() - start;
        if length <= THRESHOLD_BYTES || length > FRAME_MAX_BYTES {
            return;
        }
        let Some(method) = self.agreed else { return };
        let Varint::Value { width, .. } = Varint::read(&out[start..], LENGTH_MAX_BYTES) else {
            return;
        };
        let whole = &out[start + width..];
        let Ok(bytes) = u32::try_from(whole.len()) else { return };
        let body = method.pack(whole, Bytes::copy_from_slice);
        if let Some(body) = body {
            out.truncate(start);
            put_case(case, &v1::Compressed { bytes, body }, out);
        }
    }

    /// The frame in a compressed one.
    pub(super) fn open(&self, body: Bytes) -> Result<Bytes, CloseReason> {
        let Some(method) = self.agreed else {
            let detail = "no compression was agreed";
            return Err(CloseReason::because(ErrorCode::BadFrame, detail));
        };
        let v1::Compressed { bytes, body } = v1::Compressed::decode(body)?;
        Ok(Bytes::from(method.unpack(&body, bytes)?))
    }
}

/// The fault of a compressed frame in a compressed frame.
pub(super) fn nested() -> CloseReason {
    CloseReason::because(ErrorCode::BadFrame, "a compressed frame holds a compressed frame")
}

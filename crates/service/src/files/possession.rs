//! Instant upload: who shows that they have bytes the server has need not send them (requirement H3).
//!
//! The server names places of the file that nobody could know before, and the client answers with a hash over what stands
//! there: so who knows nothing but a file's hash gets nothing, and is not told either whether the server has it.

use std::ops::Range;

use anser_backend::{BlobError, Variant};
use anser_types::limits::FILE_NAME_MAX_BYTES;
use anser_types::{ErrorCode, Refusal, StoredFile, UnixMs};
use hmac::Mac;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::complete::Named;
use super::{Filing, bytes_refusal, store_refusal};
use crate::api::Caller;
use crate::service::Service;

/// A file up to this size is asked for as a whole.
const WHOLE_BYTES: u64 = 256 * 1024;
/// Places of a larger file that are asked for. Who has nine tenths of it gets through one time in 150.
const PLACES: u64 = 48;
/// Bytes at each of them.
const PLACE_BYTES: u64 = 2 * 1024;
/// How long a challenge may be answered, in milliseconds: a phone hashes a film meanwhile.
const CHALLENGE_LIFE_MS: u64 = 60_000;

/// What the server wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// Stands in front of what is hashed, so that no answer serves twice.
    pub nonce: [u8; 16],
    /// The places, in the order in which they are hashed.
    pub places: Vec<Range<u64>>,
    /// Until when it may be answered.
    pub expires_at: UnixMs,
    /// Comes back with the answer.
    pub seal: [u8; 32],
}

/// An answer to a [`Challenge`].
#[derive(Clone, Debug)]
pub struct Claim {
    /// The hash of the file.
    pub sha256: anser_types::Sha256,
    /// Its bytes.
    pub bytes: u64,
    /// As in the challenge.
    pub nonce: [u8; 16],
    /// As in the challenge.
    pub expires_at: UnixMs,
    /// As in the challenge.
    pub seal: [u8; 32],
    /// SHA-256 of the nonce and the bytes at the places.
    pub proof: [u8; 32],
    /// What the file is called.
    pub name: String,
    /// As in [`NewUpload`](super::NewUpload): a picture that is not clean is given to nobody who would have sent it to be
    /// cleaned.
    pub original: bool,
}

/// The places that a nonce asks for.
fn places(nonce: &[u8; 16], bytes: u64) -> Vec<Range<u64>> {
    if bytes <= WHOLE_BYTES {
        return std::iter::once(0..bytes).collect();
    }
    let starts = bytes - PLACE_BYTES + 1;
    let place = |n: u64| {
        let hash = Sha256::new().chain_update(nonce).chain_update(n.to_be_bytes()).finalize();
        let mut number = [0; 8];
        number.copy_from_slice(&hash[..8]);
        let start = u64::from_be_bytes(number) % starts;
        start..start + PLACE_BYTES
    };
    (0..PLACES).map(place).collect()
}

impl Filing {
    fn seal(
        &self,
        caller: &Caller,
        claim: (anser_types::Sha256, u64),
        nonce: &[u8; 16],
        at: UnixMs,
    ) -> hmac::Hmac<Sha256> {
        let (sha256, bytes) = claim;
        let numbers = [caller.user_no.0, bytes, at.0].map(u64::to_be_bytes);
        self.key.mac(&[b"anser possession 1", &sha256.0, nonce, numbers.as_flattened()])
    }

    /// The hash over a nonce and what stands at the places that it names.
    async fn proof_of(&self, claim: &Claim) -> Result<[u8; 32], Refusal> {
        let mut hash = Sha256::new().chain_update(claim.nonce);
        for place in places(&claim.nonce, claim.bytes) {
            let kept = (claim.sha256, claim.bytes);
            let (_, mut reader) = self.open(kept, Variant::Whole, Some(place)).await?;
            while let Some(bytes) = reader.read().await.map_err(bytes_refusal)? {
                hash.update(&bytes);
            }
        }
        Ok(hash.finalize().into())
    }
}

impl Service {
    /// Asks for proof that the caller has a file with this hash and length. Says nothing of whether the server has it.
    ///
    /// # Errors
    /// `FILE_TOO_LARGE`.
    pub fn challenge(
        &self,
        caller: &Caller,
        sha256: anser_types::Sha256,
        bytes: u64,
    ) -> Result<Challenge, Refusal> {
        let filing = self.filing()?;
        filing.check_size(bytes)?;
        let mut nonce = [0; 16];
        self.entropy().fill(&mut nonce);
        let expires_at = UnixMs(self.clock().now().0 + CHALLENGE_LIFE_MS);
        let seal = filing.seal(caller, (sha256, bytes), &nonce, expires_at);
        let seal = seal.finalize().into_bytes().into();
        Ok(Challenge { nonce, places: places(&nonce, bytes), expires_at, seal })
    }

    /// Makes a file of bytes that the server has, for a caller who has them too.
    ///
    /// # Errors
    /// `NOT_IN_POSSESSION` when the server does not have them, the answer is wrong or late, or it is a picture that tells
    /// something beside its pixels and is not wanted as it is: upload them then. `QUOTA_EXCEEDED`, `INVALID_ARGUMENT`.
    pub async fn claim_file(&self, caller: &Caller, claim: Claim) -> Result<StoredFile, Refusal> {
        let filing = self.filing()?;
        let refused = || Refusal::new(ErrorCode::NotInPossession);
        let sealed =
            filing.seal(caller, (claim.sha256, claim.bytes), &claim.nonce, claim.expires_at);
        sealed.verify_slice(&claim.seal).map_err(|_| refused())?;
        if claim.name.len() > FILE_NAME_MAX_BYTES || claim.expires_at <= self.clock().now() {
            return Err(refused());
        }
        // Nobody removes these bytes meanwhile.
        let _bytes = filing.enter_bytes(claim.sha256).await;
        let known = filing.known.content(claim.sha256).await;
        let known = known.map_err(store_refusal)?;
        let content = known.filter(|content| content.bytes == claim.bytes).ok_or_else(refused)?;
        let proof = match filing.proof_of(&claim).await {
            // Whoever sends them now mends the file.
            Err(refusal) if refusal.code == ErrorCode::FileDamaged => return Err(refused()),
            proof => proof?,
        };
        if !bool::from(proof.ct_eq(&claim.proof)) {
            return Err(refused());
        }
        // Somebody may have sent it as an original, with what it tells beside its pixels.
        let to_be_clean = content.media_type.starts_with("image/") && !claim.original;
        if to_be_clean {
            match filing.bytes.is_clean(claim.sha256).await {
                Ok(true) => {}
                Ok(false) | Err(BlobError::Unknown) => return Err(refused()),
                Err(error) => return Err(bytes_refusal(error)),
            }
        }
        let named = Named { id: self.new_file_id(), owner: caller.user_no, name: claim.name };
        let now = self.clock().now();
        let file = named.with(content, claim.bytes, now);
        filing.put(&file).await?;
        Ok(file)
    }
}

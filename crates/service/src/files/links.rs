//! Links to files for programs that send no token, such as a page's `<img>`: short-lived, signed, for one user and one file.
//! Whether that user may see the file is asked again whenever the link is used.

use anser_types::limits::FILE_LINK_LIFE_MS;
use anser_types::{ConversationId, ErrorCode, FileId, Refusal, StoredFile, UnixMs, UserNo};
use hmac::Mac;

use crate::api::Caller;
use crate::service::Service;

/// Time, user, conversation, and half of a hash.
const LINK_BYTES: usize = 8 + 8 + 16 + 16;

/// A link that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileLink {
    /// What goes into the address: letters and digits that end with the link.
    pub signature: String,
    /// When it ends.
    pub expires_at: UnixMs,
}

impl Service {
    /// Makes a link for the caller to a file they may see.
    ///
    /// # Errors
    /// As [`Service::file`].
    pub async fn link_to_file(
        &self,
        caller: &Caller,
        id: FileId,
        at: Option<ConversationId>,
    ) -> Result<(StoredFile, FileLink), Refusal> {
        let file = self.file(caller, id, at).await?;
        let expires_at = UnixMs(self.clock().now().0 + FILE_LINK_LIFE_MS);
        let mut link = Vec::with_capacity(LINK_BYTES);
        link.extend_from_slice(&expires_at.0.to_be_bytes());
        link.extend_from_slice(&caller.user_no.0.to_be_bytes());
        // No conversation has this id: it would be direct, and zero is the hash of nothing known.
        link.extend_from_slice(&at.map_or([0; 16], |at| at.0));
        let mac = self.filing()?.key.mac(&[LINK, &id.0, &link]).finalize().into_bytes();
        link.extend_from_slice(&mac[..16]);
        Ok((file, FileLink { signature: hex::encode(link), expires_at }))
    }

    /// The file of a link, if who it was made for may still see it.
    ///
    /// # Errors
    /// `LINK_INVALID`, or as [`Service::file`].
    pub async fn file_by_link(&self, id: FileId, signature: &str) -> Result<StoredFile, Refusal> {
        let invalid = || Refusal::new(ErrorCode::LinkInvalid);
        let mut link = [0; LINK_BYTES];
        hex::decode_to_slice(signature, &mut link).map_err(|_| invalid())?;
        let (said, mac) = link.split_at(LINK_BYTES - 16);
        let expected = self.filing()?.key.mac(&[LINK, &id.0, said]);
        expected.verify_truncated_left(mac).map_err(|_| invalid())?;
        let (expires_at, rest) = said.split_at(8);
        let (user, at) = rest.split_at(8);
        let number = |bytes: &[u8]| bytes.try_into().map(u64::from_be_bytes).unwrap_or_default();
        if number(expires_at) <= self.clock().now().0 {
            return Err(invalid());
        }
        let at = at.try_into().ok().filter(|at| *at != [0; 16]).map(ConversationId);
        self.file_for(UserNo(number(user)), id, at).await
    }
}

const LINK: &[u8] = b"anser file link 1";

//! What contents hold, for the rules that look into them.

use anser_proto::values::bodies;
use anser_types::MessageKind;
use anser_types::body::Body;
use bytes::Bytes;

/// What a content of this kind holds, as clients read it; `None` where they cannot. An [`anser_service::ReadBody`].
#[must_use]
pub fn read_body(kind: MessageKind, content: &Bytes) -> Option<Body> {
    bodies::read(kind, content).ok()
}

//! What is in a content of any kind, whoever wrote it: understood or refused with a reason, never more than the limits; what
//! is understood is written again with the same meaning, and what is written is always understood.

use anser_proto::values::bodies::{read, write};
use anser_types::MessageKind;
use anser_types::body::Body;
use anser_types::limits::{CONTENT_MAX_BYTES, MERGED_MAX};
use bytes::Bytes;

/// Merged messages lie at most so deep in each other; deeper ones must have been refused.
const DEEPEST: usize = 3;

/// One input: the kind, then the content.
pub fn run(data: &[u8]) {
    let [kind, content @ ..] = data else { return };
    let kind = MessageKind::from_code(u32::from(*kind));
    let content = Bytes::copy_from_slice(content);
    let Ok(body) = read(kind, &content) else { return };
    assert_eq!(body.kind(), kind);
    assert!(depth(&body) <= DEEPEST, "{body:?}");
    if content.len() > CONTENT_MAX_BYTES {
        return;
    }
    // What was written in a longer way than needed comes back shorter, never longer: unknown fields are left out.
    let again = write(&body).expect("what is understood can be written");
    assert_eq!(read(kind, &again).as_ref(), Ok(&body), "and means the same");
}

fn depth(body: &Body) -> usize {
    let Body::Merged(_, entries) = body else { return 0 };
    assert!((1..=MERGED_MAX).contains(&entries.len()));
    let within = entries.iter().filter(|entry| entry.kind == MessageKind::Merged);
    let deepest = within.filter_map(|entry| read(entry.kind, &entry.body).ok());
    1 + deepest.map(|body| depth(&body)).max().unwrap_or(0)
}

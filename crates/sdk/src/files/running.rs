//! Which uploads of the store go on in this process: each of them once.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::store::UploadNo;

/// The uploads that go on.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunningUploads(Arc<Mutex<BTreeSet<UploadNo>>>);

/// An upload goes on as long as this lives.
#[derive(Debug)]
pub(crate) struct RunningUpload {
    no: UploadNo,
    all: RunningUploads,
}

impl RunningUploads {
    /// From now on it goes on, unless it does already.
    pub(crate) fn begin(&self, no: UploadNo) -> Option<RunningUpload> {
        self.0.lock().insert(no).then(|| RunningUpload { no, all: self.clone() })
    }

    /// Whether it goes on now.
    pub(crate) fn has(&self, no: UploadNo) -> bool {
        self.0.lock().contains(&no)
    }
}

impl RunningUpload {
    /// Names it in the store.
    pub(crate) const fn no(&self) -> UploadNo {
        self.no
    }
}

impl Drop for RunningUpload {
    fn drop(&mut self) {
        self.all.0.lock().remove(&self.no);
    }
}

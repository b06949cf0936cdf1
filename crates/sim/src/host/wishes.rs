//! What a user wants of a device that is on.

use anser_client::queries::{Query, Reply};
use anser_types::{Command, LocalNo, Refusal};
use tokio::sync::oneshot;

use super::{Device, Wish};

impl Device {
    /// Composes a command. `None` while the device is off (or died before it could).
    pub async fn compose(&self, command: Command) -> Option<Result<LocalNo, Refusal>> {
        let (reply, answer) = oneshot::channel();
        self.process.as_ref()?.wishes.send(Wish::Compose(command, reply)).await.ok()?;
        answer.await.ok()
    }

    /// The user sends again every message that failed but was not refused for good.
    pub async fn retry_failed(&self) {
        if let Some(process) = &self.process {
            // A device that dies meanwhile is asked again by its user.
            let _gone = process.wishes.send(Wish::RetryFailed).await;
        }
    }

    /// The user deletes a message that is not settled.
    pub async fn delete(&self, local_no: LocalNo) {
        if let Some(process) = &self.process {
            // A device that dies meanwhile is asked again by its user.
            let _gone = process.wishes.send(Wish::Delete(local_no)).await;
        }
    }

    /// Asks the server. `None` while the device is off.
    pub async fn ask(&self, query: Query) -> Option<Result<Reply, Refusal>> {
        let (reply, answer) = oneshot::channel();
        self.process.as_ref()?.wishes.send(Wish::Ask(query, reply)).await.ok()?;
        answer.await.ok()
    }
}

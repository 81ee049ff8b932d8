//! The weekly reading, as far as it needs the store's thread.

use msap_shared::document::DocId;
use tokio::sync::oneshot;

use super::{Desk, Job};
use crate::core::Input;
use crate::upkeep::Keeper;

impl Keeper for Desk {
    async fn due(&self) -> Option<DocId> {
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job::Due(reply)).await.ok()?;
        answer.await.ok()?
    }

    async fn found(&self, document: DocId, problems: Vec<String>) {
        // Stopping: it is read again another day.
        self.link(Input::ReadBack(document, problems)).await.ok();
    }
}

//! The rest of a request that is still written when its response begins.

use tokio::task::{AbortHandle, JoinHandle};

/// The task that writes it. Nobody needs it once the response is whole or given up: the task ends with this.
#[derive(Debug)]
pub(super) struct Upload(AbortHandle);

impl Upload {
    pub(super) fn new(task: &JoinHandle<()>) -> Self {
        Self(task.abort_handle())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.0.abort();
    }
}

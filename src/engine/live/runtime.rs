//! The runtime of one thread.

use std::io;

use tokio::runtime::{Builder, LocalOptions, LocalRuntime};

/// A runtime for the thread that calls this, and for no other: what its tasks hold need not be movable between threads.
///
/// Its tasks stand in one queue with the sockets and alarms that wake them. A set of local tasks on a common runtime would
/// be a second queue inside the first, and would look after the task that everything started from at each wake-up.
pub(crate) fn local_runtime() -> io::Result<LocalRuntime> {
    Builder::new_current_thread().enable_all().build_local(LocalOptions::default())
}

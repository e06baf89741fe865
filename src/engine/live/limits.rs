//! What the system allows a process, as far as a run needs more than it allows at first.

use std::net::TcpListener;

/// Connections that may wait to be accepted. One that finds no place tries again after a second, which would look like a
/// slow client.
pub(super) const BACKLOG: u32 = 4_096;

/// Open files to ask for: each connection takes one at either end, and both ends are in this process.
#[cfg(unix)]
const OPEN_FILES: u64 = 32_768;

/// Makes room for a burst of connections in front of a listener. Where the system refuses, it stays as it was.
pub(super) fn widen_backlog(listener: &TcpListener) {
    #[cfg(unix)]
    let _ = rustix::net::listen(listener, BACKLOG.cast_signed());
    #[cfg(not(unix))]
    let _ = listener;
}

/// Raises the limit of open files as far as needed and allowed. Where the system refuses, it stays as it was.
pub(crate) fn allow_many_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        let wanted = limit.maximum.map_or(OPEN_FILES, |maximum| maximum.min(OPEN_FILES));
        if limit.current.is_some_and(|current| current < wanted) {
            let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum });
        }
    }
}

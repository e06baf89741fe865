//! Ctrl-C and a polite request to end: both stop the run, and what there is so far is kept.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::Control;
use crate::run::live_view;

/// Signals that come this soon after the first are the same request: `timeout`, for one, sends it to the process and to its group.
const SAME_REQUEST: Duration = Duration::from_millis(500);
/// A terminal that takes longer than this to be wiped may stay as it is.
const WIPES_WITHIN: Duration = Duration::from_millis(100);

/// Stops a run at the first SIGINT or SIGTERM, and kills the process at one that comes later, when it still has not ended.
pub(super) fn watch(control: Arc<Control>) {
    watch_with(move || control.stop());
}

/// The same for whatever is to be stopped.
pub(super) fn watch_with(stop: impl FnOnce() + Send + 'static) {
    let wait = move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            use tokio::signal::unix::{SignalKind, signal};
            let (Ok(mut interrupt), Ok(mut terminate)) =
                (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
            else {
                return;
            };
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            stop();
            let same = tokio::time::sleep(SAME_REQUEST);
            tokio::pin!(same);
            loop {
                tokio::select! {
                    biased;
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                    () = &mut same => break,
                }
            }
            // Keeping what there is takes milliseconds. Whoever asks again means it.
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            let wiped = tokio::task::spawn_blocking(live_view::wipe);
            let _ = tokio::time::timeout(WIPES_WITHIN, wiped).await;
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        });
    };
    // Without this thread Ctrl-C ends the process at once, which is a fair way to fail.
    let _ = std::thread::Builder::new().name("signals".into()).spawn(wait);
}

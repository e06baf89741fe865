//! Ctrl-C and a polite request to end: both stop the run, and what there is so far is kept.

use std::sync::Arc;

use crate::engine::Control;

/// Stops a run at SIGINT or SIGTERM, for as long as the process lives.
pub(super) fn watch(control: Arc<Control>) {
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
            control.stop();
        });
    };
    // Without this thread Ctrl-C ends the process at once, which is a fair way to fail.
    let _ = std::thread::Builder::new().name("signals".into()).spawn(wait);
}

//! A progress bar, or a line that says how things stand, on standard error where that is a terminal.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::engine::Control;

/// Shows how far a run is until it is dropped.
pub(super) struct Progress {
    bar: ProgressBar,
    done: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// Between two looks at the run.
const TICK: Duration = Duration::from_millis(100);

impl Progress {
    /// Starts to show a run that amounts to `total` nanoseconds over all its parts.
    pub(super) fn start(label: &str, total: u64, control: Arc<Control>, quiet: bool) -> Self {
        let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(Some(total.max(1)), target);
        let style = ProgressStyle::with_template("{msg} {wide_bar} {percent:>3} %  {eta} to go");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(label.to_owned());
        let done = Arc::new(AtomicBool::new(false));
        let thread = (!bar.is_hidden()).then(|| {
            let (bar, done) = (bar.clone(), done.clone());
            std::thread::spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    bar.set_position(control.done.load(Ordering::Relaxed));
                    std::thread::park_timeout(TICK);
                }
            })
        });
        Self { bar, done, thread }
    }
}

/// A line that is drawn anew whenever there is something new to say, and stays where it is in the end.
pub(super) struct StatusLine {
    bar: ProgressBar,
}

impl StatusLine {
    /// A line without a word on it; none where standard error is no terminal.
    pub(super) fn start() -> Option<Self> {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style = ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
        bar.set_style(style);
        (!bar.is_hidden()).then(|| Self { bar })
    }

    /// Says something else from now on, as much of it as fits.
    pub(super) fn say(&self, text: String) {
        self.bar.set_message(text);
        self.bar.tick();
    }
}

impl Drop for StatusLine {
    fn drop(&mut self) {
        self.bar.abandon();
        // What comes next begins on a line of its own.
        super::tell("");
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
        self.bar.finish_and_clear();
    }
}

//! The live view: both lanes as they happen, on standard error where that is a terminal.
//!
//! The threads of the run tell what they see and never wait for anybody ([`live::Broadcast`]). A thread of its own looks on
//! and makes a [`scene::Scene`] of it; a few times a second that is drawn into a buffer ([`drawing`]) and put onto the
//! terminal ([`screen`]).

mod course;
mod drawing;
mod lane;
mod layout;
mod look;
mod rate;
mod scene;
mod screen;
mod words;

use std::ffi::OsStr;
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::engine::{Setup, live};
use drawing::View;
use layout::Layout;
use look::Look;
use scene::Scene;
use screen::Screen;
pub(super) use screen::wipe;

/// Between two paintings.
const PAINTS_EVERY: Duration = Duration::from_millis(100);
/// So much is taken in between two looks at the clock.
const SIGHTS_IN_A_ROW: usize = 1 << 16;

/// Shows a live run until it is dropped.
pub(super) struct LiveView {
    done: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// What the terminal behind standard error can show of a live run; none if it can show nothing that moves.
pub(super) fn look(colour: bool) -> Option<Look> {
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var_os(name).filter(|value| !value.is_empty()));
    let unicode = locale.is_some_and(|locale| is_utf_8(&locale));
    (std::io::stderr().is_terminal() && !is_dumb).then_some(Look { colour, unicode })
}

/// Whether a locale writes in UTF-8.
fn is_utf_8(locale: &OsStr) -> bool {
    let locale = locale.to_string_lossy().to_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

impl LiveView {
    /// Starts to show what a spectator sees of a run; none if there is no thread for it.
    pub(super) fn start(title: &str, setup: &Setup, look: Look, spectator: live::Spectator) -> Option<Self> {
        let scene = Scene::new(title, setup);
        let done = Arc::new(AtomicBool::new(false));
        let is_done = Arc::clone(&done);
        let watch = move || watch(scene, look, &spectator, &is_done);
        let thread = std::thread::Builder::new().name("live-view".into()).spawn(watch).ok()?;
        Some(Self { done, thread: Some(thread) })
    }
}

impl Drop for LiveView {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // One that has panicked has said so.
            let _ = thread.join();
        }
    }
}

fn watch(mut scene: Scene, look: Look, spectator: &live::Spectator, done: &AtomicBool) {
    step_back();
    let mut screen = Screen::take();
    while !done.load(Ordering::Relaxed) {
        let sights = std::iter::from_fn(|| spectator.next_sight());
        sights.take(SIGHTS_IN_A_ROW).for_each(|sight| scene.take(sight));
        scene.advance(spectator.now(), spectator.missed());
        let layout = |rows_max| Layout::of(scene.lanes.len(), rows_max);
        if screen.paint(|rows_max| View { scene: &scene, look, layout: layout(rows_max) }).is_err() {
            // A terminal that has gone needs no view.
            return;
        }
        std::thread::park_timeout(PAINTS_EVERY);
    }
}

/// Lets every thread of the run go first, where threads have priorities of their own.
fn step_back() {
    #[cfg(target_os = "linux")]
    {
        // Where this is refused, the view takes little time all the same.
        let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), 10);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales_say_whether_they_are_in_utf_8() {
        for (locale, expected) in [("C.UTF-8", true), ("de_DE.utf8", true), ("C", false), ("en_US.ISO-8859-1", false)] {
            assert_eq!(is_utf_8(OsStr::new(locale)), expected, "{locale}");
        }
    }
}

//! How long a server waits for the head of a request, and for its body.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};

/// The timer of one connection, for waits that follow each other and each end later than the one before.
///
/// Nearly every head comes in time. So the runtime's timer is set with the first wait, and then only when it has rung: to
/// set it anew for each request would take about as long as to read the request.
#[derive(Clone, Debug, Default)]
pub(super) struct Patience {
    // Shared by the waits of one connection, which one thread polls: never contended. The HTTP library wants it to be
    // movable between threads all the same.
    bell: Arc<Mutex<Option<Pin<Box<tokio::time::Sleep>>>>>,
}

/// One wait.
struct Until {
    deadline: Instant,
    patience: Patience,
}

impl Timer for Patience {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Until { deadline, patience: self.clone() })
    }
}

impl Sleep for Until {}

impl Future for Until {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let deadline = self.deadline;
        let mut bell = self.patience.bell.lock().unwrap_or_else(PoisonError::into_inner);
        let bell = bell.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline.into())));
        loop {
            ready!(bell.as_mut().poll(context));
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            // It rang for a wait that is long over.
            bell.as_mut().reset(deadline.into());
        }
    }
}

/// Waits for an instant at which something is too late that nearly always comes at once.
///
/// The runtime's timer is set, and the time begins, only when that has not come by the second look.
pub(super) struct Late {
    duration: Duration,
    timer: Option<Pin<Box<tokio::time::Sleep>>>,
    is_second_look: bool,
}

impl Late {
    pub(super) fn after(duration: Duration) -> Self {
        Self { duration, timer: None, is_second_look: false }
    }
}

impl Future for Late {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if !self.is_second_look {
            self.is_second_look = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let duration = self.duration;
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(duration)));
        timer.as_mut().poll(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_wait_ends_early_however_many_were_given_up_before() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.expect("a runtime").block_on(async {
            let (patience, length) = (Patience::default(), Duration::from_millis(40));
            for _ in 0..10 {
                let given_up = patience.sleep(length);
                let _ = tokio::time::timeout(Duration::from_millis(7), given_up).await;
            }
            let begin = Instant::now();
            patience.sleep(length).await;
            assert!(begin.elapsed() >= length, "{:?}", begin.elapsed());
        });
    }

    #[test]
    fn what_is_late_is_so_after_its_time_and_not_before() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.expect("a runtime").block_on(async {
            let length = Duration::from_millis(30);
            let begin = Instant::now();
            Late::after(length).await;
            assert!(begin.elapsed() >= length, "{:?}", begin.elapsed());
            assert!(begin.elapsed() < Duration::from_secs(30));
        });
    }
}

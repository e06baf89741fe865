//! Lets the events of all consumers occur at their times.

use std::rc::Rc;

use super::api::History;
use super::driver::Driver;
use crate::deadlines::Deadlines;
use crate::engine::Setup;
use crate::measure::fact::Fact;
use crate::peer::{Event, Input};
use crate::policy::provider::Provider;

/// After so many events in a row that were due already, other tasks get a turn.
const EVENTS_IN_A_ROW: u32 = 32;

/// Tells every client's provider of each event when it is due, until there are no more.
///
/// Only the next event of each consumer is held, however many there will be.
pub(super) async fn publish(setup: &Setup, driver: &Rc<Driver<Provider>>, history: &History) {
    let mut events: Vec<_> = (0..setup.consumers).map(|consumer| setup.workload.events(consumer)).collect();
    let mut upcoming: Vec<Option<Event>> = events.iter_mut().map(Iterator::next).collect();
    let mut due = Deadlines::new(upcoming.len());
    for (event, consumer) in upcoming.iter().zip(0..) {
        due.set(consumer, event.map(|event| event.occurred_at));
    }
    let mut in_a_row = 0;
    while let Some((at, consumer)) = due.earliest() {
        if at >= setup.frame.duration {
            announce_end(driver);
        }
        if at > driver.clock.now() {
            driver.pacer.wait(at).await;
        } else {
            in_a_row += 1;
            if in_a_row % EVENTS_IN_A_ROW == 0 {
                tokio::task::yield_now().await;
            }
        }
        let index = consumer as usize;
        if let Some(event) = upcoming[index].take() {
            occur(driver, history, event);
        }
        // Drawn only now: it would make the event late.
        upcoming[index] = events[index].next();
        due.set(consumer, upcoming[index].map(|event| event.occurred_at));
    }
    announce_end(driver);
}

fn occur(driver: &Rc<Driver<Provider>>, history: &History, event: Event) {
    driver.lags.borrow_mut().record(driver.clock.now().since(event.occurred_at));
    history.publish(event);
    // Every client's books come first, lest one waits for what another client's provider does about the event.
    for line in driver.lines() {
        line.record(event.occurred_at, Fact::Occurred(event));
    }
    for (_, index) in driver.lines().iter().zip(0..) {
        driver.tell(index, Input::Occurred(event));
    }
}

fn announce_end(driver: &Rc<Driver<Provider>>) {
    driver.lines().iter().for_each(|line| line.board.all_occurred());
}

//! Lets the consumers of one client open their records at their times.

use std::rc::Rc;

use super::driver::Driver;
use crate::engine::openings::Openers;
use crate::engine::{ClientSetup, Setup};
use crate::peer::Input;
use crate::policy::consumer::Consumer;

/// After so many openings in a row that were due already, other tasks get a turn.
const OPENINGS_IN_A_ROW: u32 = 32;

/// Tells each consumer of a record when it opens it, until there are no more; none where the client polls no records.
pub(super) async fn open_records(setup: &Setup, client: &ClientSetup, driver: &Rc<Driver<Consumer>>) {
    if !client.polls_records() {
        return;
    }
    let mut openers = Openers::new(setup, 0..setup.consumers);
    let mut in_a_row = 0;
    while let Some((at, consumer)) = openers.next() {
        let now = driver.clock.now();
        if at > now {
            driver.pacer.wait(at).await;
        } else {
            in_a_row += 1;
            if in_a_row % OPENINGS_IN_A_ROW == 0 {
                tokio::task::yield_now().await;
            }
        }
        driver.lags.borrow_mut().record(driver.clock.now().since(at));
        if let Some(record) = openers.take(consumer) {
            driver.tell(consumer, Input::Opened(record));
        }
    }
}

//! Takes an endpoint down and up again when the scenario says so.

use std::rc::Rc;

use super::door::Door;
use super::driver::Driver;
use crate::fault::{Connections, Faults};
use crate::policy::consumer::Consumer;

/// Goes through all outages of a client's endpoint.
pub(super) async fn go_through_outages(faults: &Faults, driver: &Rc<Driver<Consumer>>, door: &Door, consumers: u32) {
    let crashes = faults.crashes();
    for at in faults.receiver_changes() {
        driver.pacer.wait(at).await;
        let down = |consumer: &u32| faults.receiver_down(at, *consumer);
        if crashes.contains(&at) {
            (0..consumers).filter(|consumer| down(consumer).is_some()).for_each(|consumer| driver.crash(consumer));
        }
        // Where packets vanish the opener of each exchange sees to it: a connection that is refused would be an answer.
        door.set_open(!(0..consumers).all(|consumer| down(&consumer) == Some(Connections::Reset)));
    }
}

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
        let down = faults.receiver_down(at);
        if down.is_some() && crashes.contains(&at) {
            (0..consumers).for_each(|consumer| driver.crash(consumer));
        }
        // Where packets vanish the opener of each exchange sees to it: a connection that is refused would be an answer.
        door.set_open(down != Some(Connections::Reset));
    }
}

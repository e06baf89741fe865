//! Takes an endpoint or System B down and up again when the scenario says so.

use std::rc::Rc;

use super::door::Door;
use super::driver::Driver;
use crate::engine::Setup;
use crate::fault::{Connections, Faults};
use crate::policy::consumer::Consumer;
use crate::policy::provider::Provider;
use crate::time::Time;

/// Goes through all outages of a client's endpoint.
pub(super) async fn of_endpoint(faults: &Faults, driver: &Rc<Driver<Consumer>>, door: &Door, consumers: u32) {
    let crashes = faults.crashes();
    for at in faults.receiver_changes() {
        driver.pacer.wait(at).await;
        let down = |consumer: &u32| faults.receiver_down(at, *consumer);
        if crashes.contains(&at) {
            let those = (0..consumers).filter(|consumer| down(consumer).is_some());
            those.for_each(|consumer| driver.crash(consumer, |_| true));
        }
        // Where packets vanish the opener of each exchange sees to it: a connection that is refused would be an answer.
        // Where others are up, each connection is reset by itself.
        door.set_open(!(0..consumers).all(|consumer| down(&consumer) == Some(Connections::Reset)));
    }
}

/// Goes through all outages of System B, as each client meets them. Its listener is closed while everybody meets one.
pub(super) async fn of_provider(setup: &Setup, driver: &Rc<Driver<Provider>>, door: &Door) {
    let changes = setup.clients.iter().flat_map(|client| client.faults.provider_changes());
    let mut changes: Vec<Time> = changes.collect();
    changes.sort_unstable();
    changes.dedup();
    for at in changes {
        driver.pacer.wait(at).await;
        for (client, index) in setup.clients.iter().zip(0..) {
            if client.faults.provider_crashes().contains(&at) {
                driver.crash(index, |consumer| client.faults.provider_down(at, consumer).is_some());
            }
        }
        let is_shut_for = |faults: &Faults| {
            (0..setup.consumers).all(|consumer| faults.provider_down(at, consumer) == Some(Connections::Reset))
        };
        door.set_open(!setup.clients.iter().all(|client| is_shut_for(&client.faults)));
    }
}

//! What a sweep takes, before it is played.

use std::ops::{Add, AddAssign};

use crate::engine::Setup;
use crate::evaluation::pilot;
use crate::report::human;
use crate::scenario::{EngineChoice, Scenario};
use crate::theory;

/// What one or more units take.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// HTTP requests of all clients.
    pub exchanges: f64,
    /// Seconds on one core, or for the live engine of the clock. A rough figure, but as rough for one point as for another.
    pub seconds: f64,
}

/// Seconds that a core takes for an exchange in virtual time, and for an event: what an optimised build takes on a server of
/// 2026.
const EXCHANGE: f64 = 0.6e-6;
/// Seconds that a core takes to set a unit up and to write it down.
const UNIT: f64 = 300e-6;
/// Seconds that a core takes to set up a consumer of a client.
const CONSUMER: f64 = 2e-6;

/// What a point takes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PointCost {
    /// One run, with every engine that plays it.
    pub run: Cost,
    /// One run in virtual time, as the search for crossovers plays it.
    pub in_virtual_time: Cost,
    /// The pilot run that finds its warm-up, where it asks for that; its requests are none of those that are counted.
    pub pilot: Cost,
}

impl PointCost {
    /// What the point of a scenario takes.
    pub fn of(scenario: &Scenario) -> Self {
        let in_virtual_time = Cost::in_virtual_time(&scenario.setup);
        let live = scenario.setup.frame.duration.as_nanos() as f64 / 1e9;
        let run = match scenario.engine {
            EngineChoice::Sim => in_virtual_time,
            EngineChoice::Live => Cost { seconds: live, ..in_virtual_time },
            EngineChoice::Both => {
                Cost { exchanges: in_virtual_time.exchanges * 2.0, seconds: in_virtual_time.seconds + live }
            }
        };
        let pilot = scenario.seeks_warmup.then(|| Cost::in_virtual_time(&pilot::setup(scenario)).seconds);
        Self { run, in_virtual_time, pilot: Cost { exchanges: 0.0, seconds: pilot.unwrap_or(0.0) } }
    }

    /// What so many replications of the point take, with what comes before them.
    pub fn replicated(&self, replications: f64) -> Cost {
        self.run.times(replications) + self.pilot
    }
}

impl Cost {
    /// What one run of a scenario takes.
    pub fn of(scenario: &Scenario) -> Self {
        PointCost::of(scenario).run
    }

    fn in_virtual_time(setup: &Setup) -> Self {
        let mut cost = Self { exchanges: 0.0, seconds: UNIT };
        for client in 0..setup.clients.len() {
            let volume = theory::volume(setup, client);
            let exchanges = volume.polls + volume.attempts + volume.fetches + volume.forged;
            cost.exchanges += exchanges;
            cost.seconds += (exchanges + volume.events) * EXCHANGE + f64::from(setup.consumers) * CONSUMER;
        }
        cost
    }

    /// The requests, with three significant digits: they are an estimate, and are not to look exact.
    pub fn requests(self) -> String {
        human::number(format!("{:.2e}", self.exchanges).parse().unwrap_or(self.exchanges))
    }

    /// What so many units of that cost take.
    #[must_use]
    pub fn times(self, units: f64) -> Self {
        Self { exchanges: self.exchanges * units, seconds: self.seconds * units }
    }
}

impl Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { exchanges: self.exchanges + other.exchanges, seconds: self.seconds + other.seconds }
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

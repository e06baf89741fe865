//! What a sweep takes, before it is played.

use std::ops::{Add, AddAssign};

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

impl Cost {
    /// What one run of a scenario takes.
    pub fn of(scenario: &Scenario) -> Self {
        let setup = &scenario.setup;
        let mut cost = Self { exchanges: 0.0, seconds: UNIT };
        for client in 0..setup.clients.len() {
            let volume = theory::volume(setup, client);
            let exchanges = volume.polls + volume.attempts + volume.fetches + volume.forged;
            cost.exchanges += exchanges;
            cost.seconds += (exchanges + volume.events) * EXCHANGE + f64::from(setup.consumers) * CONSUMER;
        }
        let live = setup.frame.duration.as_nanos() as f64 / 1e9;
        match scenario.engine {
            EngineChoice::Sim => cost,
            EngineChoice::Live => Self { seconds: live, ..cost },
            EngineChoice::Both => Self { exchanges: cost.exchanges * 2.0, seconds: cost.seconds + live },
        }
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

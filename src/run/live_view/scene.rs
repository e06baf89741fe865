//! All that the view shows of a run, made of what was seen of it so far: facts in, figures and marks out.

use super::lane::Lane;
use crate::engine::Setup;
use crate::engine::live::Sight;
use crate::measure::tally::Frame;
use crate::time::{SECOND, Span, Time};

/// The narrowest column of the axis of time: no eye follows anything faster.
const NARROWEST: Span = Span::from_millis(100);

/// A run is looked at in so many columns at least.
const COLUMNS_MIN: u64 = 60;

/// What is still open is judged so often.
const TIDIES_EVERY: Span = Span::from_secs(1);

/// A run as it is seen while it goes on.
#[derive(Clone, Debug)]
pub(super) struct Scene {
    /// The name of the scenario.
    pub(super) title: String,
    /// The stretches of the run.
    pub(super) frame: Frame,
    /// The clients, in the order of the scenario.
    pub(super) lanes: Vec<Lane>,
    /// The instant that is shown; none before the start.
    pub(super) now: Option<Time>,
    /// How much was not seen, because the view could not keep up.
    pub(super) missed: u64,
    tidied: Time,
}

impl Scene {
    /// A run that has not started.
    pub(super) fn new(title: &str, setup: &Setup) -> Self {
        let (frame, width) = (setup.frame, column_width(setup));
        let lanes = setup.clients.iter().map(|client| Lane::new(client, frame, width)).collect();
        Self { title: title.to_owned(), frame, lanes, now: None, missed: 0, tidied: Time::ZERO }
    }

    /// Takes in what was seen.
    pub(super) fn take(&mut self, sight: Sight) {
        if let Some(lane) = self.lanes.get_mut(sight.client as usize) {
            lane.take(sight.at, sight.glimpse);
        }
    }

    /// Goes on to an instant up to which so much was missed.
    pub(super) fn advance(&mut self, now: Option<Time>, missed: u64) {
        self.now = now;
        self.missed = missed;
        if let Some(now) = now {
            self.lanes.iter_mut().flat_map(|lane| &mut lane.loads).for_each(|rate| rate.look(now));
        }
        if let Some(now) = now.filter(|now| now.since(self.tidied) >= TIDIES_EVERY) {
            self.tidied = now;
            self.lanes.iter_mut().for_each(|lane| lane.tidy(now));
        }
    }

    /// What was missed, or was too much to be followed.
    pub(super) fn overlooked(&self) -> u64 {
        self.lanes.iter().fold(self.missed, |sum, lane| sum.saturating_add(lane.unfollowed))
    }
}

/// The roundest width of a column in which polls and events can be told apart, as far as eyes can, and the run is not over
/// before there is something to see.
fn column_width(setup: &Setup) -> Span {
    let polls = setup.clients.iter().filter_map(|client| client.pull.as_ref()).map(|pull| pull.every);
    let events = setup.workload.expected_before(setup.frame.duration);
    let gap = (events > 0.0).then(|| Span::from_nanos_f64(setup.frame.duration.as_nanos() as f64 / events));
    let shortest = polls.filter(|every| !every.is_zero()).chain(gap).min().unwrap_or(Span::ZERO);
    // Each consumer has polls and events of its own.
    let shortest = shortest.as_nanos() / u64::from(setup.consumers.max(1));
    let whole = setup.frame.duration.as_nanos() / COLUMNS_MIN;
    let widest = Span::from_nanos((shortest / 2).min(whole));
    let seconds = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400];
    let round =
        [200, 500].into_iter().map(Span::from_millis).chain(seconds.into_iter().map(|s| Span::from_nanos(s * SECOND)));
    round.take_while(|width| *width <= widest).last().unwrap_or(NARROWEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Template;
    use std::path::Path;

    fn width(text: &str) -> Span {
        let template = Template::parse(text, "test", Path::new("."), &crate::scenario::Changes::default()).unwrap();
        column_width(&template.into_base().setup)
    }

    #[test]
    fn columns_are_as_wide_as_the_run_asks_for() {
        let scenario = |duration: &str, rate: &str, every: &str| {
            width(&format!(
                "schema = 1\nduration = \"{duration}\"\nwarmup = \"0s\"\n[events]\narrivals = \"poisson\"\nrate = \"{rate}\"\n\
                 [[client]]\nname = \"a\"\n[client.pull]\nevery = \"{every}\"\n"
            ))
        };
        assert_eq!(scenario("13s", "3/s", "200ms"), Span::from_millis(100));
        assert_eq!(scenario("1m", "1000/s", "5s"), Span::from_millis(100));
        assert_eq!(scenario("10m", "0.01/s", "30s"), Span::from_secs(10));
        assert_eq!(scenario("10d", "0.000001/s", "1h"), Span::from_secs(1_800));
    }
}

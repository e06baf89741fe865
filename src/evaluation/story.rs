//! Which clients and which stretch of a scenario show best how an event comes to be known.

use crate::engine::live::{self, LiveError};
use crate::engine::{ClientSetup, Control, Setup, sim};
use crate::measure::chronicle::{Chronicle, Stretch};
use crate::measure::story::{Lane, Story, Way};
use crate::measure::tally::Frame;
use crate::policy::poller::Strategy;
use crate::time::{Span, Time};

/// The most exchanges of a client, and the most events, that are looked through.
const MOST: usize = 50_000;
/// The first guess of how long the last event takes to be known.
const FIRST_GUESS: Span = Span::from_secs(1);
/// Each guess that was too short makes the next one so many times as long.
const GROWTH: u64 = 4;
/// What a run over real HTTP is given beyond what virtual time took.
const SLACK: Span = Span::from_millis(500);

/// The clients that are shown side by side, by their position in the setup: at most one for each way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Who asks.
    pub pull: Option<usize>,
    /// Who is called.
    pub push: Option<usize>,
}

/// Why clients cannot be shown side by side.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShownError {
    /// Two of them need the same place.
    #[error("{first:?} and {second:?} cannot stand side by side: there is room for one client that {way}, not for two")]
    SamePlace {
        /// The first client.
        first: String,
        /// The other one.
        second: String,
        /// What both do.
        way: &'static str,
    },
}

impl Shown {
    /// The clients that show the difference best: one that only asks and one that is only called, or else a hybrid.
    pub fn best(clients: &[ClientSetup]) -> Self {
        let find = |pull: bool, push: bool| {
            clients.iter().position(|client| client.pull.is_some() == pull && client.push.is_some() == push)
        };
        let (pull, push, hybrid) = (find(true, false), find(false, true), find(true, true));
        match (pull, push, hybrid) {
            (Some(_), Some(_), _) | (_, _, None) => Self { pull, push },
            (_, _, hybrid) => Self { pull: hybrid, push: hybrid },
        }
    }

    /// These clients.
    ///
    /// # Errors
    ///
    /// If two of them need the same place.
    pub fn these(clients: &[ClientSetup], chosen: &[usize]) -> Result<Self, ShownError> {
        let mut shown = Self { pull: None, push: None };
        for &index in chosen {
            let ways = [
                (clients[index].pull.is_some(), &mut shown.pull, "asks"),
                (clients[index].push.is_some(), &mut shown.push, "is called"),
            ];
            for (has_way, place, way) in ways {
                match *place {
                    Some(other) if has_way && other != index => {
                        let [first, second] = [other, index].map(|index| clients[index].name.clone());
                        return Err(ShownError::SamePlace { first, second, way });
                    }
                    _ if has_way => *place = Some(index),
                    _ => {}
                }
            }
        }
        Ok(shown)
    }

    /// Each client once.
    fn clients(self) -> Vec<usize> {
        let mut all: Vec<usize> = self.pull.into_iter().chain(self.push).collect();
        all.dedup();
        all
    }
}

/// What happened to the clients that are shown, as much of it as a story needs.
#[derive(Clone, Debug)]
pub struct Material {
    /// The clients.
    pub shown: Shown,
    /// From when on.
    pub from: Time,
    /// How many events are followed.
    pub count: usize,
    /// What happened to each client, by its position in the setup.
    chronicles: Vec<(usize, Chronicle)>,
}

/// Why there is no story to tell.
#[derive(Debug, thiserror::Error)]
pub enum StoryError {
    /// Nothing occurs.
    #[error(
        "no event occurs in this scenario from {0} on; --from tells from an earlier time on, and --set events.rate=... makes more"
    )]
    Nothing(String),
    /// More consumers share something than can be looked at in passing.
    #[error(
        "the {0} consumers of this scenario share System B, which is too many to look at one of them; try --set consumers=1000"
    )]
    Crowd(u32),
    /// It was stopped.
    #[error("stopped before there was anything to show")]
    Stopped,
    /// The live engine cannot run.
    #[error(transparent)]
    Live(#[from] LiveError),
}

impl Material {
    /// Plays the first consumer in virtual time, for as long as it takes until the clients know of the first `count` events
    /// from an instant on.
    ///
    /// # Errors
    ///
    /// If nothing occurs, or it cannot be looked at.
    pub fn in_virtual_time(
        setup: &Setup,
        shown: Shown,
        from: Time,
        count: usize,
        control: &Control,
    ) -> Result<Self, StoryError> {
        let instants = setup.workload.events(0).map(|event| event.occurred_at).skip_while(|at| *at < from);
        let Some(last) = instants.take(count).last() else { return Err(StoryError::Nothing(seconds(from))) };
        let end = setup.frame.end.max(setup.frame.duration);
        let mut beyond = FIRST_GUESS;
        loop {
            let until = (last + beyond).min(end);
            let stretch = Stretch { consumers: 0..1, from, until, most: MOST };
            let mut material = Self { shown, from, count, chronicles: Vec::new() };
            for client in shown.clients() {
                let told = sim::chronicle(setup, client, &stretch, control);
                let is_stopped = control.is_stopped();
                let missing = || if is_stopped { StoryError::Stopped } else { StoryError::Crowd(setup.consumers) };
                material.chronicles.push((client, told.ok_or_else(missing)?));
            }
            if until >= end || material.is_enough(setup) {
                return Ok(material);
            }
            beyond = beyond.times(GROWTH);
        }
    }

    /// Plays a setup over real HTTP, for only as long as virtual time has taken.
    ///
    /// # Errors
    ///
    /// If the live engine cannot run.
    pub fn over_http(self, setup: &Setup, control: &Control) -> Result<Self, StoryError> {
        let short = self.shortened(setup);
        let stretch = Stretch { consumers: 0..1, from: self.from, until: short.frame.end, most: MOST };
        let options = live::Options { tells: Some(stretch), ..live::Options::default() };
        let run = live::run(&short, &options, control)?;
        if run.stopped_at.is_some() {
            return Err(StoryError::Stopped);
        }
        let shown = self.shown.clients();
        let told = run.clients.into_iter().enumerate().filter(|(client, _)| shown.contains(client));
        let chronicles = told.filter_map(|(client, run)| Some((client, run.chronicle?))).collect();
        Ok(Self { chronicles, ..self })
    }

    /// What has been told of a run already.
    pub fn told(shown: Shown, from: Time, count: usize, opening: &[Option<Chronicle>]) -> Self {
        let of = |client: usize| Some((client, opening.get(client)?.clone()?));
        let chronicles = shown.clients().into_iter().filter_map(of).collect();
        Self { shown, from, count, chronicles }
    }

    /// A setup that ends as soon as the story has been told.
    pub fn shortened(&self, setup: &Setup) -> Setup {
        let story = self.story(setup);
        let last = story.events.last().map_or(self.from, |told| told.event.occurred_at);
        let end = story.steps.last().map_or(last, |step| step.at) + SLACK;
        let duration = (last + Span::from_nanos(1)).min(setup.frame.duration);
        let frame = Frame::new(setup.frame.warmup.min(self.from), duration, end.min(setup.frame.end.max(duration)));
        Setup { frame, ..setup.clone() }
    }

    /// What happened, told of one event after the other.
    pub fn story<'a>(&'a self, setup: &'a Setup) -> Story<'a> {
        let lane = |(client, way): (Option<usize>, Way)| {
            let (index, chronicle) = self.chronicles.iter().find(|(index, _)| Some(*index) == client)?;
            let client = &setup.clients[*index];
            Some(Lane {
                name: &client.name,
                chronicle,
                way,
                is_hybrid: client.pull.is_some() && client.push.is_some(),
                is_thin: client.push.as_ref().is_some_and(|push| push.receive.fetch.is_some()),
                is_held: client.pull.as_ref().is_some_and(|pull| matches!(pull.strategy, Strategy::LongPoll { .. })),
            })
        };
        let lanes: Vec<_> =
            [(self.shown.pull, Way::Pull), (self.shown.push, Way::Push)].into_iter().filter_map(lane).collect();
        Story::of(&lanes, self.from, self.count)
    }

    fn is_enough(&self, setup: &Setup) -> bool {
        let story = self.story(setup);
        story.is_complete || story.is_cut
    }
}

/// An instant as people write it.
fn seconds(at: Time) -> String {
    crate::scenario::units::format_span(at.since(Time::ZERO))
}

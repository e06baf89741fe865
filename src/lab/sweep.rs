//! Many runs along the rate of events: what each client needs for an event, and where the two lines cross.

use serde_json::{Value, json};

use super::answer;
use super::charts::Width;
use super::facts::{self, Fact, Facts};
use super::lessons::{Lesson, Say};
use super::parameters::{Name, Role, State, TABLE, Value as Setting, plain};
use super::play::{self, PlayError};
use super::scenario;
use super::start::Start;
use crate::engine::{Control, sim};
use crate::evaluation;
use crate::evaluation::crossing::{self, Difference, Scale};
use crate::evaluation::play::RunError;
use crate::measure::dimension::Dimension;
use crate::measure::sample::Estimate;
use crate::measure::summary::Summary;
use crate::report::Report;
use crate::report::chart::{
    Axis, Client as Owner, CrossoverMark, Scale as AxisScale, SweepLine, SweepLines, SweepPoint, sweep_lines,
};
use crate::seed::replicated;

/// The rates that are played, per minute: from one event in ten minutes to four in a second.
const RATES: [f64; 12] = [0.1, 0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 240.0];
/// The most runs for one answer.
const RUNS_MAX: f64 = 400.0;

/// Everything that the page shows of the runs along the rate of events.
///
/// # Errors
///
/// A run is no scenario, or the runs are too much together, or `control` has stopped them.
pub(super) fn answer(
    start: &Start,
    state: &State,
    control: &Control,
    (lesson, width): (Option<&Lesson>, Width),
) -> Result<Value, PlayError> {
    let played = play::play(start, state, control)?;
    let mut along = Along { start, state, control, runs: 0 };
    along.check_size()?;
    let mut points = Vec::new();
    for rate in RATES {
        points.push((rate, along.run(rate, 0)?));
    }
    let crossing = along.crossing(&points)?;
    let mut facts = facts::of(start, state, &played.report);
    tell(&mut facts, &along, crossing.as_ref().map(|crossing| crossing.at));
    let chart = chart(&played.report, &along, &points, crossing.as_ref());
    Ok(json!({
        "facts": facts::json(&facts),
        "prediction": lesson.map(|lesson| answer::prediction(lesson, &facts)),
        "question": lesson.map(|lesson| (lesson.question)(&Say(&facts)).into_string()),
        "text": lesson.map(|lesson| (lesson.tell)(&Say(&facts)).into_string()),
        "charts": { "sweep": sweep_lines(&chart, &width.canvas("sweep", "Requests for each event along the rate of events")).into_string() },
    }))
}

/// What polling and the webhook need: all requests, and those for each event, of which there are none where nothing happened.
type Pair = [Option<(u64, Option<f64>)>; 2];

/// Runs that differ from a state in the rate of events alone.
struct Along<'a> {
    start: &'a Start,
    state: &'a State,
    control: &'a Control,
    runs: u32,
}

impl Along<'_> {
    fn with_rate(&self, rate: f64) -> State {
        let mut state = self.state.clone();
        state.set(Name::Rate, Setting::Number(rate));
        state
    }

    /// The runs that close in on the crossing are smaller than the largest one, and few.
    fn check_size(&self) -> Result<(), PlayError> {
        let most = RATES.into_iter().fold(0.0, f64::max);
        play::check_size(&scenario::of(self.start, &self.with_rate(most))?.scenario, 3.0)
    }

    /// Plays a rate, in one of several replications counted from 0. Only requests are looked at, so nothing else is reckoned.
    fn run(&mut self, rate: f64, replication: u32) -> Result<Pair, PlayError> {
        self.runs += 1;
        if f64::from(self.runs) > RUNS_MAX {
            return Err(PlayError::Stopped);
        }
        let scenario = scenario::of(self.start, &self.with_rate(rate))?.scenario;
        let scenario = scenario.reseeded(replicated(scenario.seed, replication));
        let runs = sim::run(&scenario.setup, self.control);
        if self.control.is_stopped() {
            return Err(PlayError::Stopped);
        }
        let summaries = evaluation::summarise(&scenario.setup, runs).map_err(RunError::from)?;
        Ok([Role::Pull, Role::Push].map(|role| {
            let is_of = |summary: &&Summary| self.start.role_of(&summary.terms.client) == Some(role);
            summaries.iter().find(is_of).map(|summary| (summary.requests(), summary.requests_per_event()))
        }))
    }

    /// Where the two need the same, between the first two rates between which the lines cross.
    fn crossing(&mut self, points: &[(f64, Pair)]) -> Result<Option<crossing::Crossing>, PlayError> {
        let known: Vec<(f64, f64)> =
            points.iter().filter_map(|(rate, pair)| Some((*rate, difference(pair)?))).collect();
        let bracket = known.windows(2).find(|pair| (pair[0].1 > 0.0) != (pair[1].1 > 0.0));
        let Some(&[low, high]) = bracket else { return Ok(None) };
        crossing::find(self, Scale::Logarithmic, 1, [low, high])
    }
}

impl Difference for Along<'_> {
    type Error = PlayError;

    fn at(&mut self, value: f64, replications: u32) -> Result<Option<Estimate>, PlayError> {
        let mut differences = Vec::new();
        for replication in 0..replications {
            let Some(of_run) = difference(&self.run(value, replication)?) else { return Ok(None) };
            differences.push(of_run);
        }
        Ok(Estimate::of(&differences))
    }

    fn representable(&self, value: f64) -> f64 {
        plain(value).parse().unwrap_or(value)
    }

    fn allows(&self, value: f64) -> bool {
        value > 0.0
    }
}

/// How many requests polling needs beyond those of the webhook, for the same events.
fn difference(pair: &Pair) -> Option<f64> {
    let [(pull, _), (push, _)] = [pair[0]?, pair[1]?];
    Some(pull as f64 - push as f64)
}

/// What there is to say of the runs.
fn tell(facts: &mut Facts, along: &Along<'_>, crossing: Option<f64>) {
    let mut say = |name: &str, fact: Fact| facts.insert(name.to_owned(), fact);
    let rate = |rate: f64| Fact { text: TABLE[Name::Rate as usize].show(Setting::Number(rate)), value: Some(rate) };
    say("sweep.runs", Fact::of(Dimension::Number, along.runs.into()));
    say("sweep.least", rate(RATES[0]));
    say("sweep.most", rate(RATES[RATES.len() - 1]));
    if let Some(at) = crossing {
        say("crossing_per_minute", Fact::of(Dimension::Number, at));
        let per_interval = at / 60.0 * along.state.number(Name::Every);
        say("crossing_per_interval", Fact::of(Dimension::Number, per_interval));
    }
}

fn chart(
    report: &Report,
    along: &Along<'_>,
    points: &[(f64, Pair)],
    crossing: Option<&crossing::Crossing>,
) -> SweepLines {
    let clients = report.engines.first().map(|engine| facts::clients(along.start, engine)).unwrap_or_default();
    let line = |(place, role): (usize, Role)| {
        let client = clients.iter().find(|client| client.role == role)?;
        let point = |(rate, pair): &(f64, Pair)| Some(SweepPoint { x: *rate, y: pair[place]?.1?, interval: None });
        let owner = Owner::new(&client.summary.terms.client, client.index);
        Some(SweepLine { client: owner, points: points.iter().filter_map(point).collect() })
    };
    let axis = |label: &str| Axis { label: label.into(), dimension: Dimension::Number, scale: AxisScale::Logarithmic };
    let mark = |crossing: &crossing::Crossing| CrossoverMark {
        x: crossing.at,
        y: None,
        label: format!("{} a minute", facts::show(Dimension::Number, crossing.at)),
    };
    SweepLines {
        x: axis("events a minute"),
        y: axis("requests for each event"),
        lines: [Role::Pull, Role::Push].into_iter().enumerate().filter_map(line).collect(),
        crossovers: crossing.map(mark).into_iter().collect(),
    }
}

//! What lessons say of a run: names with a text for people and a number, all from the engine and from what it was asked.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::parameters::{Name, Role, State, TABLE, Value as Setting};
use super::start::Start;
use super::story;
use crate::measure::dimension::Dimension;
use crate::measure::summary::Summary;
use crate::report::columns::{Cell, MEASURES, Row};
use crate::report::{EngineReport, Report, human};

/// Facts by their names.
pub(super) type Facts = BTreeMap<String, Fact>;

/// Something that a lesson says.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fact {
    /// For people.
    pub(super) text: String,
    /// The number behind it, if it is one.
    pub(super) value: Option<f64>,
}

impl Fact {
    /// A number of some dimension.
    pub(super) fn of(dimension: Dimension, value: f64) -> Self {
        Self { text: show(dimension, value), value: Some(value) }
    }

    fn json(&self) -> Value {
        json!({ "text": self.text, "value": self.value })
    }
}

/// The facts as JSON.
pub(super) fn json(facts: &Facts) -> Value {
    facts.iter().map(|(name, fact)| (name.clone(), fact.json())).collect::<serde_json::Map<_, _>>().into()
}

/// A number of some dimension, for people.
pub(super) fn show(dimension: Dimension, value: f64) -> String {
    match dimension {
        Dimension::Time => human::duration_ms(value),
        Dimension::Share => human::percent(value),
        Dimension::Size => human::bytes(value as u64),
        Dimension::Rate => format!("{} a second", human::number(value)),
        Dimension::Number => human::number(value),
    }
}

/// A client as the lab knows it: its role, and what became of it.
#[derive(Clone, Copy)]
pub(super) struct Client<'a> {
    pub(super) role: Role,
    pub(super) index: usize,
    pub(super) summary: &'a Summary,
}

/// The clients of a run that have a role in the lab.
pub(super) fn clients<'a>(start: &Start, engine: &'a EngineReport) -> Vec<Client<'a>> {
    let client = |(index, summary): (usize, &'a Summary)| {
        Some(Client { role: start.role_of(&summary.terms.client)?, index, summary })
    };
    engine.summaries.iter().enumerate().filter_map(client).collect()
}

/// Everything that lessons may say of a run.
pub(super) fn of(start: &Start, state: &State, report: &Report) -> Facts {
    let mut facts = Facts::new();
    for parameter in TABLE {
        let value = match state.get(parameter.name) {
            Setting::Number(number) => Some(number),
            Setting::Choice(_) => None,
        };
        facts.insert(format!("set.{}", parameter.key), Fact { text: state.show(parameter.name), value });
    }
    let Some(engine) = report.engines.first() else { return facts };
    let clients = clients(start, engine);
    for client in &clients {
        let row = Row { scenario: &report.scenario, engine, summary: client.summary, partial: report.partial };
        for column in MEASURES {
            let cell = (column.cell)(row);
            facts.insert(format!("{}.{}", client.role.key(), column.name), of_cell(column.name, &cell));
        }
        for verification in engine.theory.iter().filter(|theory| theory.client == client.summary.terms.client) {
            let name = verification.prediction.figure.name();
            let (dimension, _) = Dimension::of_column(&name).unwrap_or((Dimension::Number, 1.0));
            let fact = Fact::of(dimension, verification.prediction.value);
            facts.insert(format!("theory.{}.{name}", client.role.key()), fact);
        }
    }
    let subject = Subject { state, engine, clients: &clients };
    for (name, dimension, value) in DERIVED {
        if let Some(value) = value(&subject).filter(|value| value.is_finite()) {
            facts.insert((*name).to_owned(), Fact::of(*dimension, value));
        }
    }
    facts
}

fn of_cell(name: &str, cell: &Cell) -> Fact {
    let value = cell.value();
    let text = match (cell, value, Dimension::of_column(name)) {
        (Cell::Count(count), _, Some((Dimension::Number, _))) => human::count(*count),
        (_, Some(value), Some((dimension, factor))) => show(dimension, value * factor),
        (Cell::Empty, ..) => "–".to_owned(),
        _ => cell.text(),
    };
    Fact { text, value }
}

/// What is known of a run.
struct Subject<'a> {
    state: &'a State,
    engine: &'a EngineReport,
    clients: &'a [Client<'a>],
}

impl Subject<'_> {
    fn client(&self, role: Role) -> Option<&Summary> {
        self.clients.iter().find(|client| client.role == role).map(|client| client.summary)
    }

    /// How many exchanges of a client in the animated stretch System A opened, and how many System B.
    fn openers(&self, role: Role) -> Option<[u64; 2]> {
        let index = self.clients.iter().find(|client| client.role == role)?.index;
        self.engine.opening.get(index)?.as_ref().map(story::openers)
    }
}

/// The share of exchanges that one of the two sides opened.
fn share_of(openers: [u64; 2], side: usize) -> f64 {
    openers[side] as f64 / (openers[0] + openers[1]) as f64
}

fn ratio(above: Option<f64>, below: Option<f64>) -> Option<f64> {
    Some(above? / below?)
}

/// The share of a client's events that were lost.
fn lost(subject: &Subject<'_>, role: Role) -> Option<f64> {
    let summary = subject.client(role)?;
    Some(summary.lost_total() as f64 / summary.events as f64)
}

/// The share of a client's requests that failed.
fn failed(subject: &Subject<'_>, role: Role) -> Option<f64> {
    let summary = subject.client(role)?;
    Some(summary.outcomes.failed as f64 / summary.requests() as f64)
}

/// A fact that is reckoned from others: its name, what kind of quantity it is, and how it is found.
type Derived = (&'static str, Dimension, fn(&Subject<'_>) -> Option<f64>);

/// Everything that is reckoned from the figures of a run.
const DERIVED: &[Derived] = &[
    ("events", Dimension::Number, |s| Some(s.engine.summaries.first()?.events as f64)),
    ("half_interval", Dimension::Time, |s| Some(s.state.number(Name::Every) * 500.0)),
    ("interval", Dimension::Time, |s| Some(s.state.number(Name::Every) * 1e3)),
    ("events_per_interval", Dimension::Number, |s| {
        Some(s.state.number(Name::Rate) / 60.0 * s.state.number(Name::Every))
    }),
    ("one_event_per_interval", Dimension::Number, |s| Some(60.0 / s.state.number(Name::Every))),
    ("pull.nothing_new", Dimension::Number, |s| {
        let outcomes = s.client(Role::Pull)?.outcomes;
        Some((outcomes.empty + outcomes.not_modified) as f64)
    }),
    ("pull.nothing_new_ratio", Dimension::Share, |s| {
        let summary = s.client(Role::Pull)?;
        Some((summary.outcomes.empty + summary.outcomes.not_modified) as f64 / summary.requests() as f64)
    }),
    ("pull.opened_by_a", Dimension::Share, |s| Some(share_of(s.openers(Role::Pull)?, 0))),
    ("push.opened_by_b", Dimension::Share, |s| Some(share_of(s.openers(Role::Push)?, 1))),
    ("pull.times_later", Dimension::Number, |s| {
        ratio(s.client(Role::Pull)?.latency_mean_ms, s.client(Role::Push)?.latency_mean_ms)
    }),
    ("pull.times_requests", Dimension::Number, |s| {
        ratio(Some(s.client(Role::Pull)?.requests() as f64), Some(s.client(Role::Push)?.requests() as f64))
    }),
    ("push.times_requests", Dimension::Number, |s| {
        ratio(Some(s.client(Role::Push)?.requests() as f64), Some(s.client(Role::Pull)?.requests() as f64))
    }),
    ("pull.lost_ratio", Dimension::Share, |s| lost(s, Role::Pull)),
    ("push.lost_ratio", Dimension::Share, |s| lost(s, Role::Push)),
    ("both.lost_ratio", Dimension::Share, |s| lost(s, Role::Both)),
    ("pull.failed_ratio", Dimension::Share, |s| failed(s, Role::Pull)),
    ("push.failed_ratio", Dimension::Share, |s| failed(s, Role::Push)),
    ("push.forged", Dimension::Number, |s| {
        let summary = s.client(Role::Push)?;
        Some((summary.forged_accepted + summary.forged_rejected) as f64)
    }),
    ("push.believed_ratio", Dimension::Share, |s| {
        let summary = s.client(Role::Push)?;
        let all = summary.forged_accepted + summary.forged_rejected;
        Some(summary.forged_accepted as f64 / all as f64)
    }),
    ("pull.peak_times_mean", Dimension::Number, |s| {
        let load = &s.client(Role::Pull)?.provider;
        ratio(load.rps_peak.map(f64::from), Some(load.rps_mean))
    }),
    ("both.extra_requests", Dimension::Number, |s| {
        Some(s.client(Role::Both)?.requests() as f64 - s.client(Role::Push)?.requests() as f64)
    }),
];

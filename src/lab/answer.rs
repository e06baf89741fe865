//! The answer to a question of the page, as JSON.

use serde_json::{Map, Value, json};

use super::charts::{self, Width};
use super::facts::{self, Facts};
use super::lessons::{Lesson, Say};
use super::parameters::State;
use super::play::Played;
use super::start::Start;
use super::story;
use crate::report::columns::{MEASURES, Row};
use crate::report::{EngineReport, Report, verdict};

/// Everything that the page shows of a run. `lesson` is the one that asks, if it is one.
pub(super) fn of(start: &Start, state: &State, played: &Played, lesson: Option<&Lesson>, width: Width) -> Value {
    let Played { written, report } = played;
    let facts = facts::of(start, state, report);
    let Some(engine) = report.engines.first() else { return Value::Null };
    let clients = facts::clients(start, engine);
    // What takes many runs to say has an answer of its own.
    let single = lesson.filter(|lesson| !lesson.is_swept());
    json!({
        "query": state.query(&start.state),
        "scenario": { "name": report.scenario.name, "title": report.scenario.title, "sha256": report.scenario.sha256 },
        "clients": figures(start, report, engine),
        "verdict": verdict::sentences(engine),
        "facts": facts::json(&facts),
        "prediction": single.map(|lesson| prediction(lesson, &facts)),
        "question": single.map(|lesson| (lesson.question)(&Say(&facts)).into_string()),
        "text": single.map(|lesson| (lesson.tell)(&Say(&facts)).into_string()),
        "story": story::json(start, &written.scenario, report),
        "charts": charts::json(&written.scenario.setup, &clients, width),
    })
}

/// What the lesson's question has for an answer.
pub(super) fn prediction(lesson: &Lesson, facts: &Facts) -> Value {
    lesson.answer(facts).map_or(Value::Null, |answer| answer.json())
}

/// The figures of every client, each as it stands in `summary.csv`.
fn figures(start: &Start, report: &Report, engine: &EngineReport) -> Vec<Value> {
    let client = |(index, summary): (usize, &crate::measure::summary::Summary)| {
        let row = Row { scenario: &report.scenario, engine, summary, partial: report.partial };
        let cells = MEASURES.iter().map(|column| (column.name.to_owned(), (column.cell)(row).text().into()));
        json!({
            "index": index,
            "name": summary.terms.client,
            "mode": summary.terms.mode.name(),
            "role": start.role_of(&summary.terms.client).map(|role| role.key()),
            "isOverloaded": engine.is_overloaded(index),
            "figures": cells.collect::<Map<_, _>>(),
        })
    };
    engine.summaries.iter().enumerate().map(client).collect()
}

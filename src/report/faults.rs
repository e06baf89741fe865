//! What each fault did: its file, its part of the table and of the JSON, and a fault in plain words.

use std::fmt::Write as _;

use crate::fault::{Connections, Fault, FaultKind, ForgeryKind, Whom};
use crate::measure::fault_report::FaultTally;
use crate::measure::histogram::Latencies;
use crate::report::columns::{Cell, IDENTITY, Row};
use crate::report::table::{Style, WIDTH, pad_left, pad_right, wrap};
use crate::report::{EngineReport, Report, csv, human};
use crate::time::{Span, Time};

/// One column of `faults.csv`, behind those that identify a row of `summary.csv`.
#[derive(Clone, Copy, Debug)]
pub struct FaultColumn {
    /// Its name, with the unit in it.
    pub name: &'static str,
    /// What it means, for the documentation.
    pub meaning: &'static str,
    /// Its cell, for the fault of that position among the client's, from 1.
    pub cell: fn(u64, &FaultTally) -> Cell,
}

const fn column(name: &'static str, meaning: &'static str, cell: fn(u64, &FaultTally) -> Cell) -> FaultColumn {
    FaultColumn { name, meaning, cell }
}

type Group = Option<Box<Latencies<u64>>>;

fn count(group: &Group) -> Cell {
    group.as_ref().map_or(0, |latencies| latencies.count()).into()
}

fn mean(group: &Group) -> Cell {
    group.as_ref().and_then(|latencies| latencies.mean_ms()).into()
}

fn quantile(group: &Group, quantile: f64) -> Cell {
    group.as_ref().and_then(|latencies| latencies.quantile_ms(quantile)).into()
}

fn longest(group: &Group) -> Cell {
    group.as_ref().and_then(|latencies| latencies.max_ms()).into()
}

fn seconds(at: Time) -> f64 {
    at.since(Time::ZERO).as_secs_f64()
}

/// What is told of each fault.
pub const COLUMNS: &[FaultColumn] = &[
    column("fault", "position of the fault among those that the client meets, attacks apart, from 1", |n, _| n.into()),
    column("kind", "what broke", |_, t| t.fault.kind.name().into()),
    column("from_s", "when it began, in seconds since the start of the run", |_, t| seconds(t.fault.from).into()),
    column("until_s", "when it was over", |_, t| seconds(t.fault.until).into()),
    column("events", "events that occurred while it lasted, to the consumers that met it", |_, t| t.events.into()),
    column("inside_latency_n", "of these, those that were seen", |_, t| count(&t.inside)),
    column("inside_latency_mean_ms", "mean latency of these", |_, t| mean(&t.inside)),
    column("inside_latency_p50_ms", "half of these came within", |_, t| quantile(&t.inside, 0.5)),
    column("inside_latency_p95_ms", "95 % of these came within", |_, t| quantile(&t.inside, 0.95)),
    column("inside_latency_p99_ms", "99 % of these came within", |_, t| quantile(&t.inside, 0.99)),
    column("inside_latency_max_ms", "longest latency of these", |_, t| longest(&t.inside)),
    column(
        "after_latency_n",
        "events that were seen and had occurred after it, to a consumer that still waited for one from before its end",
        |_, t| count(&t.after),
    ),
    column("after_latency_mean_ms", "mean latency of these", |_, t| mean(&t.after)),
    column("after_latency_p50_ms", "half of these came within", |_, t| quantile(&t.after, 0.5)),
    column("after_latency_p95_ms", "95 % of these came within", |_, t| quantile(&t.after, 0.95)),
    column("after_latency_p99_ms", "99 % of these came within", |_, t| quantile(&t.after, 0.99)),
    column("after_latency_max_ms", "longest latency of these", |_, t| longest(&t.after)),
    column(
        "backlog_max",
        "the most events that had occurred and were neither seen nor lost, looked at 1,000 times while it lasted and as often again for three times its length",
        |_, t| t.backlog_max().into(),
    ),
    column(
        "catch_up_s",
        "from its end until all that had occurred before its end was seen or lost for good; empty if never",
        |_, t| t.catch_up().map(Span::as_secs_f64).into(),
    ),
    column("lost", "events that occurred while it lasted and are lost for good", |_, t| t.lost.into()),
    column("failed", "requests that were opened while it lasted and failed", |_, t| t.failed.into()),
];

/// Whether there is anything to tell.
pub fn has_any(report: &Report) -> bool {
    csv::rows(report).any(|row| !row.summary.tally.faults.is_empty())
}

/// `faults.csv`: one row for each fault of each client and engine.
pub fn file(report: &Report) -> Vec<u8> {
    let header = IDENTITY.iter().map(|column| column.name).chain(COLUMNS.iter().map(|column| column.name));
    let of_client = |row: Row<'_>| {
        let cells = |(number, tally): (u64, &FaultTally)| {
            let identity = IDENTITY.iter().map(|column| (column.cell)(row));
            identity.chain(COLUMNS.iter().map(|column| (column.cell)(number, tally))).collect()
        };
        (1..).zip(&row.summary.tally.faults).map(cells).collect::<Vec<Vec<Cell>>>()
    };
    csv::table(header, csv::rows(report).flat_map(of_client))
}

/// What each fault did to one client, as JSON.
pub fn json(faults: &[FaultTally]) -> serde_json::Value {
    let of_fault = |(number, tally): (u64, &FaultTally)| {
        let cells = COLUMNS.iter().map(|column| (column.name.to_owned(), (column.cell)(number, tally).json()));
        let what = ("what".to_owned(), describe(&tally.fault, None).into());
        serde_json::Value::Object(cells.chain([what]).collect())
    };
    (1..).zip(faults).map(of_fault).collect()
}

/// The figures in the table and the columns that each takes; what they leave is for the name of a client.
const FIGURES: [(&str, usize); 6] =
    [("mean", 9), ("longest", 9), ("backlog", 10), ("caught up", 11), ("lost", 8), ("failed", 8)];
const INDENT: usize = 2;

/// The faults of an engine's run, each with a line for every client that met it; nothing without any.
pub fn table(engine: &EngineReport, style: Style) -> String {
    let mut faults: Vec<Fault> = Vec::new();
    for tally in engine.summaries.iter().flat_map(|summary| &summary.tally.faults) {
        if !faults.contains(&tally.fault) {
            faults.push(tally.fault);
        }
    }
    if faults.is_empty() {
        return String::new();
    }
    faults.sort_by_key(|fault| (fault.from, fault.until));
    let mut text = format!("\n{}\n", style.bold("Faults"));
    let figures_width: usize = FIGURES.iter().map(|(_, width)| width).sum();
    let name_width = WIDTH - 2 * INDENT - figures_width;
    for fault in faults {
        for line in wrap(&describe(&fault, None), WIDTH - INDENT) {
            let _ = writeln!(text, "{:INDENT$}{line}", "");
        }
        let names = line(&FIGURES.map(|(name, _)| name.to_owned()));
        let _ = writeln!(text, "{}", style.dim(&format!("{:1$}{names}", "", 2 * INDENT + name_width)));
        for summary in &engine.summaries {
            for tally in summary.tally.faults.iter().filter(|tally| tally.fault == fault) {
                let mut name = wrap(&summary.terms.client, name_width);
                let last = name.pop().unwrap_or_default();
                name.iter().for_each(|part| {
                    let _ = writeln!(text, "{:1$}{part}", "", 2 * INDENT);
                });
                let figures = line(&figures_of(tally));
                let _ = writeln!(text, "{:1$}{2}{figures}", "", 2 * INDENT, pad_right(&last, name_width));
            }
        }
    }
    text
}

/// The cells of a line, each as wide as its figure.
fn line(cells: &[String; FIGURES.len()]) -> String {
    cells.iter().zip(FIGURES).map(|(cell, (_, width))| pad_left(cell, width)).collect()
}

fn figures_of(tally: &FaultTally) -> [String; FIGURES.len()] {
    let of_inside = |what: fn(&Latencies<u64>) -> Option<f64>| {
        tally.inside.as_deref().and_then(what).map_or_else(|| "-".into(), human::duration_ms)
    };
    [
        of_inside(Latencies::mean_ms),
        of_inside(Latencies::max_ms),
        human::count(tally.backlog_max()),
        tally.catch_up().map_or_else(|| "never".into(), |span| human::duration_secs(span.as_secs_f64())),
        human::count(tally.lost),
        human::count(tally.failed),
    ]
}

/// A fault in plain words. `end` is when no more events happen, if that is to be named.
pub fn describe(fault: &Fault, end: Option<Time>) -> String {
    let time = |span: Span| human::duration_secs(span.as_secs_f64());
    let at = |instant: Time| time(instant.since(Time::ZERO));
    let until = if Some(fault.until) == end { "the end".to_owned() } else { at(fault.until) };
    let vanishing = |connections, who: &str| match connections {
        Connections::Reset => format!("{who} is down"),
        Connections::Drop => format!("{who} is down, and packets to it vanish"),
    };
    let times = |factor: f64| human::number(factor);
    let what = match fault.kind {
        FaultKind::ReceiverDown { connections } => vanishing(connections, "the receiver"),
        FaultKind::ProviderDown { connections } => vanishing(connections, "System B"),
        FaultKind::PollerDown => "the poller is down".to_owned(),
        FaultKind::NetworkLoss { loss } => format!("the network loses {} of the messages", human::percent(loss)),
        FaultKind::NetworkSlow { factor } => format!("messages travel {} times as long", times(factor)),
        FaultKind::ReceiverSlow { factor } => format!("the handler takes {} times as long", times(factor)),
        FaultKind::ReceiverErrors { status, share, retry_after } => {
            let share = if share < 1.0 { human::percent(share) } else { "everything".to_owned() };
            let wait = retry_after.map_or_else(String::new, |wait| format!(", Retry-After {}", time(wait)));
            format!("the receiver answers {share} with {status}{wait}")
        }
        FaultKind::ForgedWebhooks { gap_nanos, mix } => {
            let kinds = ForgeryKind::ALL.into_iter().zip(mix).filter(|(_, weight)| *weight > 0);
            let kinds: Vec<_> = kinds.map(|(kind, _)| kind.name()).collect();
            let kinds = if kinds.len() == mix.len() { "all kinds".to_owned() } else { kinds.join(", ") };
            format!("a forged webhook every {} ({kinds})", human::duration_ms(gap_nanos / 1e6))
        }
    };
    let whom = match fault.whom {
        Whom::All => String::new(),
        Whom::Some { share, .. } => format!(", for {} of the consumers", human::percent(share)),
    };
    format!("{} to {until}: {what}{whom}", at(fault.from))
}

//! The side-by-side table of several replications: means, and how sure they are.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use crate::measure::sample::{Estimate, Paired};
use crate::report::replications::Replications;
use crate::report::table::{
    LABEL_WIDTH, RATIO_WIDTH, SECTION_WIDTH, Style, WIDTH, header, pad_left, pad_right, title, wrap,
};
use crate::report::{EngineReport, Report, human};

/// Columns of figures are no narrower than this.
const COLUMN_WIDTH_MIN: usize = 12;
/// Between two columns.
const GAP: usize = 2;

/// One line of the table.
pub(in crate::report) struct Line {
    pub(in crate::report) section: &'static str,
    pub(in crate::report) label: &'static str,
    /// The column of `summary.csv`.
    pub(in crate::report) metric: &'static str,
    show: fn(f64, f64) -> String,
    /// Left out where it is zero or undefined for every client.
    pub(in crate::report) optional: bool,
}

const fn line(section: &'static str, label: &'static str, metric: &'static str, show: fn(f64, f64) -> String) -> Line {
    Line { section, label, metric, show, optional: false }
}

const fn optional(
    section: &'static str,
    label: &'static str,
    metric: &'static str,
    show: fn(f64, f64) -> String,
) -> Line {
    Line { section, label, metric, show, optional: true }
}

/// The lines of the table, in their order.
pub(in crate::report) const LINES: &[Line] = &[
    line("Latency", "mean", "latency_mean_ms", human::estimate_ms),
    line("Latency", "half within", "latency_p50_ms", human::estimate_ms),
    line("Latency", "95 % within", "latency_p95_ms", human::estimate_ms),
    line("Latency", "99 % within", "latency_p99_ms", human::estimate_ms),
    line("Latency", "longest", "latency_max_ms", human::estimate_ms),
    line("", "time out of date", "staleness_ratio", human::estimate_percent),
    line("", "out of date for", "staleness_age_mean_ms", human::estimate_ms),
    line("", "age of the newest", "age_mean_ms", human::estimate_ms),
    line("Requests", "all", "requests", human::estimate_number),
    line("Requests", "useful", "useful", human::estimate_number),
    optional("Requests", "throttled (429)", "throttled", human::estimate_number),
    optional("Requests", "failed", "failed", human::estimate_number),
    line("Requests", "wasted", "wasted_ratio", human::estimate_percent),
    line("Requests", "per event", "requests_per_event", human::estimate_number),
    line("Events", "occurred", "events", human::estimate_number),
    line("Events", "delivered", "delivered", human::estimate_number),
    optional("Events", "pending", "pending", human::estimate_number),
    optional("Events", "lost", "lost", human::estimate_number),
    optional("Events", "came again", "duplicates", human::estimate_number),
    optional("Events", "out of order", "reordered", human::estimate_number),
    optional("Records", "opened", "records_opened", human::estimate_number),
    optional("Records", "known to be final", "records_known", human::estimate_number),
    optional("Records", "mean time to know", "know_mean_ms", human::estimate_ms),
    optional("Records", "95 % within", "know_p95_ms", human::estimate_ms),
    optional("Records", "polls, mean", "polls_per_record_mean", human::estimate_number),
    optional("Forged", "rejected", "forged_rejected", human::estimate_number),
    optional("Forged", "believed", "forged_accepted", human::estimate_number),
    line("System B", "requests a second", "provider_rps_mean", human::estimate_number),
    line("System B", "in the busiest second", "provider_rps_peak", human::estimate_number),
    line("System B", "received", "provider_bytes_in", human::estimate_bytes),
    line("System B", "sent", "provider_bytes_out", human::estimate_bytes),
    optional("System B", "workers busy", "provider_busy_ratio", human::estimate_percent),
    line("System A", "in the busiest second", "consumer_rps_peak", human::estimate_number),
    optional("System A", "workers busy", "consumer_busy_ratio", human::estimate_percent),
    optional("System A", "deepest queue", "consumer_queue_max", human::estimate_number),
    optional(COST, "requests, System B", "cost_requests_provider", human::estimate_amount),
    optional(COST, "requests, System A", "cost_requests_consumer", human::estimate_amount),
    optional(COST, "bytes sent, both", "cost_egress", human::estimate_amount),
    optional(COST, "CPU time", "cost_cpu", human::estimate_amount),
    optional(COST, "in all", "cost_total", human::estimate_amount),
    optional(COST, "a million events", "cost_per_million_events", human::estimate_amount),
];

/// The section whose figures have a currency behind them, if the scenario names one.
const COST: &str = "Cost";

/// The heading and the tables of every engine of several replications; the report is that of the first.
pub fn render(report: &Report, replications: &Replications, style: Style) -> String {
    let mut text = title(report, style);
    for engine in &report.engines {
        for line in subtitle(report, engine, replications) {
            let _ = writeln!(text, "{}", style.dim(&line));
        }
        text.push('\n');
        let clients: Vec<&str> = engine.summaries.iter().map(|summary| summary.terms.client.as_str()).collect();
        let currency = report.scenario.prices.as_ref().and_then(|prices| prices.currency.as_deref());
        let cells = cells(engine.engine, &clients, replications, currency);
        let widest = cells.iter().flat_map(|(_, cells)| cells).flatten().map(|cell| cell.width()).max().unwrap_or(0);
        let width = (widest + GAP).max(COLUMN_WIDTH_MIN);
        let fit = ((WIDTH - LABEL_WIDTH) / width).max(1);
        let with_ratio = clients.len() == 2 && LABEL_WIDTH + 2 * width + RATIO_WIDTH <= WIDTH;
        for first in (0..clients.len()).step_by(fit) {
            if first > 0 {
                text.push('\n');
            }
            let shown = first..clients.len().min(first + fit);
            text.push_str(&header(&clients[shown.clone()], width, with_ratio, style));
            let mut section = "";
            for (line, cells) in &cells {
                text.push_str(&start(line, &mut section, style));
                for cell in &cells[shown.clone()] {
                    let _ = write!(text, "{}", pad_left(cell.as_deref().unwrap_or("-"), width));
                }
                if with_ratio {
                    let paired = replications.comparison(engine.engine, clients[1], line.metric);
                    let is_known = !replications.is_overloaded(engine.engine, clients[0])
                        && !replications.is_overloaded(engine.engine, clients[1]);
                    let ratio = paired.as_ref().filter(|_| is_known || line.label != "mean").and_then(ratio);
                    let _ = write!(text, "{}", style.dim(&pad_left(&ratio.unwrap_or_default(), RATIO_WIDTH)));
                }
                text.truncate(text.trim_end_matches(' ').len());
                text.push('\n');
            }
        }
        if report.engines.len() > 1 {
            text.push('\n');
        }
    }
    text
}

/// The lines that are shown, each with the cell of every client.
fn cells(
    engine: &str,
    clients: &[&str],
    replications: &Replications,
    currency: Option<&str>,
) -> Vec<(&'static Line, Vec<Option<String>>)> {
    let of_line = |line: &'static Line| {
        let estimates: Vec<Option<Estimate>> =
            clients.iter().map(|client| replications.estimate(engine, client, line.metric)).collect();
        if line.optional && estimates.iter().flatten().all(|estimate| estimate.mean == 0.0) {
            return None;
        }
        let cell = |(client, estimate): (&&str, &Option<Estimate>)| {
            if line.metric == "latency_mean_ms" && replications.is_overloaded(engine, client) {
                return Some("no limit *".to_owned());
            }
            let shown = estimate.map(|estimate| (line.show)(estimate.mean, estimate.half_width.unwrap_or(0.0)))?;
            let currency = currency.filter(|_| line.section == COST);
            Some(currency.map_or_else(|| shown.clone(), |currency| format!("{shown} {currency}")))
        };
        Some((line, clients.iter().zip(&estimates).map(cell).collect()))
    };
    LINES.iter().filter_map(of_line).collect()
}

/// The start of a line: the section's name where it is the first of it, and the label.
fn start(line: &Line, section: &mut &'static str, style: Style) -> String {
    let label = pad_right(line.label, LABEL_WIDTH - SECTION_WIDTH);
    if line.section == *section || line.section.is_empty() {
        return format!("{:SECTION_WIDTH$}{label}", "");
    }
    *section = line.section;
    format!("\n{}{label}", style.bold(&pad_right(line.section, SECTION_WIDTH)))
}

fn ratio(paired: &Paired) -> Option<String> {
    paired.ratio.map(|ratio| human::factor(ratio.ratio))
}

fn subtitle(report: &Report, engine: &EngineReport, replications: &Replications) -> Vec<String> {
    let kind = match engine.engine {
        "live" => "real HTTP on loopback",
        _ => "virtual time",
    };
    let measured = engine.summaries.iter().map(|summary| summary.measured_s).reduce(f64::max).unwrap_or(0.0);
    let consumers = human::things(report.scenario.consumers.into(), "consumer", "consumers");
    let count = replications.count();
    let what = match count {
        1 => "a single replication, which says nothing of how sure its figures are".to_owned(),
        _ => format!(
            "means of {} replications{}; ± half of the 95 % confidence interval of the mean",
            human::count(count as u64),
            if replications.stopped_early { ", stopped early" } else { "" },
        ),
    };
    let first =
        format!("{kind}, {} measured each, {consumers}, seed {}", human::duration_secs(measured), report.scenario.seed);
    [first, what].iter().flat_map(|line| wrap(line, WIDTH)).collect()
}

//! The side-by-side table for people, at most 80 columns wide.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use crate::fault::ForgeryKind;
use crate::measure::prices::Costs;
use crate::measure::records::RecordSummary;
use crate::measure::summary::Summary;
use crate::peer::LossCause;
use crate::report::{EngineReport, Identity, Report};
use crate::report::{costs, faults, human};

/// The widest line.
pub const WIDTH: usize = 80;
/// The columns that sections and labels take.
pub(super) const LABEL_WIDTH: usize = 31;
/// The columns that sections take of these.
pub(super) const SECTION_WIDTH: usize = 9;
/// The columns that a ratio takes.
pub(super) const RATIO_WIDTH: usize = 11;
const COLUMN_WIDTH_MIN: usize = 12;
/// Clients that fit beside each other without a ratio.
const CLIENTS_PER_TABLE: usize = 4;

/// Whether text may carry terminal colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Plain text.
    Plain,
    /// With bold type and colours.
    Coloured,
}

impl Style {
    /// Text in bold type.
    pub fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// Text that stands back.
    pub fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    /// Text with a terminal's code for its looks.
    pub(super) fn paint(self, code: &str, text: &str) -> String {
        match self {
            Self::Coloured if !text.trim().is_empty() => format!("\x1b[{code}m{text}\x1b[0m"),
            _ => text.to_owned(),
        }
    }
}

/// One line of the table: a section's name on its first line, a label, where its figure stands in files, and how to show and
/// compare a client's value.
pub(super) struct Line {
    pub(super) section: &'static str,
    pub(super) label: &'static str,
    /// The column of `summary.csv`, or the kind of forgery.
    pub(super) column: &'static str,
    show: fn(&Summary) -> Option<String>,
    /// The number behind it, where a ratio makes sense.
    value: Option<fn(&Summary) -> Option<f64>>,
    /// Left out where it is zero or undefined for every client.
    pub(super) optional: bool,
}

const fn latency(
    label: &'static str,
    column: &'static str,
    value: fn(&Summary) -> Option<f64>,
    show: fn(&Summary) -> Option<String>,
) -> Line {
    Line { section: "Latency", label, column, show, value: Some(value), optional: false }
}

const fn count(
    section: &'static str,
    label: &'static str,
    column: &'static str,
    optional: bool,
    value: fn(&Summary) -> Option<f64>,
    show: fn(&Summary) -> Option<String>,
) -> Line {
    Line { section, label, column, show, value: Some(value), optional }
}

macro_rules! counted {
    ($section:literal, $label:literal, $column:expr, $optional:literal, $value:expr) => {
        count(
            $section,
            $label,
            $column,
            $optional,
            |s| {
                let value: fn(&Summary) -> u64 = $value;
                Some(value(s) as f64)
            },
            |s| {
                let value: fn(&Summary) -> u64 = $value;
                Some(human::count(value(s)))
            },
        )
    };
}

/// A figure of the records, where System A opens any.
macro_rules! record {
    ($label:literal, $column:literal, $value:expr, $show:expr) => {
        count(
            "Records",
            $label,
            $column,
            true,
            |s| {
                let value: fn(&RecordSummary) -> Option<f64> = $value;
                s.records.as_ref().and_then(value)
            },
            |s| {
                let value: fn(&RecordSummary) -> Option<f64> = $value;
                s.records.as_ref().and_then(value).map($show)
            },
        )
    };
}

/// A whole number.
fn human_count(value: f64) -> String {
    human::count(value as u64)
}

/// Forgeries of one kind that were believed; of those that were rejected the total says enough.
macro_rules! forged {
    ($label:literal, $kind:ident) => {
        counted!("Forged", $label, ForgeryKind::$kind.name(), true, |s| s.tally.forged[ForgeryKind::$kind as usize]
            .accepted)
    };
}

/// The lines of the table, in their order.
pub(super) const LINES: &[Line] = &[
    latency("mean", "latency_mean_ms", |s| s.latency_mean_ms, |s| s.latency_mean_ms.map(human::duration_ms)),
    latency("half within", "latency_p50_ms", |s| s.latency_p50_ms, |s| s.latency_p50_ms.map(human::duration_ms)),
    latency("95 % within", "latency_p95_ms", |s| s.latency_p95_ms, |s| s.latency_p95_ms.map(human::duration_ms)),
    latency("99 % within", "latency_p99_ms", |s| s.latency_p99_ms, |s| s.latency_p99_ms.map(human::duration_ms)),
    latency("longest", "latency_max_ms", |s| s.latency_max_ms, |s| s.latency_max_ms.map(human::duration_ms)),
    count(
        "",
        "time out of date",
        "staleness_ratio",
        false,
        |s| s.staleness_ratio,
        |s| s.staleness_ratio.map(human::percent),
    ),
    count(
        "",
        "out of date for",
        "staleness_age_mean_ms",
        false,
        |s| s.staleness_age_mean_ms,
        |s| s.staleness_age_mean_ms.map(human::duration_ms),
    ),
    count("", "age of the newest", "age_mean_ms", false, |s| s.age_mean_ms, |s| s.age_mean_ms.map(human::duration_ms)),
    counted!("Requests", "all", "requests", false, Summary::requests),
    counted!("Requests", "useful", "useful", false, |s| s.outcomes.useful),
    counted!("Requests", "nothing new", "empty", false, |s| s.outcomes.empty),
    counted!("Requests", "not modified (304)", "not_modified", true, |s| s.outcomes.not_modified),
    counted!("Requests", "only known events", "duplicate", true, |s| s.outcomes.duplicate),
    counted!("Requests", "throttled (429)", "throttled", true, |s| s.outcomes.throttled),
    counted!("Requests", "failed", "failed", true, |s| s.outcomes.failed),
    counted!("Requests", "fetches", "fetches", true, |s| s.fetches),
    count("Requests", "wasted", "wasted_ratio", false, Summary::wasted_ratio, |s| s.wasted_ratio().map(human::percent)),
    count("Requests", "per event", "requests_per_event", false, Summary::requests_per_event, |s| {
        s.requests_per_event().map(human::number)
    }),
    counted!("Events", "occurred", "events", false, |s| s.events),
    counted!("Events", "delivered", "delivered", false, |s| s.delivered),
    counted!("Events", "pending", "pending", true, |s| s.pending),
    counted!("Events", "lost", "lost", true, Summary::lost_total),
    counted!("Events", "  never retried", "lost_never_retried", true, |s| s.lost_by(LossCause::NeverRetried)),
    counted!("Events", "  retries exhausted", "lost_retries_exhausted", true, |s| s
        .lost_by(LossCause::RetriesExhausted)),
    counted!("Events", "  endpoint disabled", "lost_endpoint_disabled", true, |s| s
        .lost_by(LossCause::EndpointDisabled)),
    counted!("Events", "  never handled", "lost_unhandled", true, |s| s.lost_by(LossCause::Unhandled)),
    counted!("Events", "  aged out", "lost_aged_out", true, |s| s.lost_by(LossCause::AgedOut)),
    counted!("Events", "  superseded", "lost_superseded", true, |s| s.lost_by(LossCause::Superseded)),
    counted!("Events", "  polls exhausted", "lost_polls_exhausted", true, |s| s.lost_by(LossCause::PollsExhausted)),
    counted!("Events", "came again", "duplicates", true, |s| s.duplicates),
    counted!("Events", "handled again", "reprocessed", true, |s| s.reprocessed),
    counted!("Events", "out of order", "reordered", true, |s| s.reordered),
    record!("opened", "records_opened", |r| Some(r.opened as f64), human_count),
    record!("final", "records_final", |r| Some(r.finals as f64), human_count),
    record!("known to be final", "records_known", |r| Some(r.known as f64), human_count),
    record!("mean time to know", "know_mean_ms", |r| r.know_mean_ms, human::duration_ms),
    record!("half within", "know_p50_ms", |r| r.know_p50_ms, human::duration_ms),
    record!("95 % within", "know_p95_ms", |r| r.know_p95_ms, human::duration_ms),
    record!("99 % within", "know_p99_ms", |r| r.know_p99_ms, human::duration_ms),
    record!("polls, mean", "polls_per_record_mean", |r| r.polls_mean, human::number),
    record!("polls, most", "polls_per_record_max", |r| r.polls_max.map(f64::from), human_count),
    counted!("Forged", "rejected", "forged_rejected", true, |s| s.forged_rejected),
    counted!("Forged", "believed", "forged_accepted", true, |s| s.forged_accepted),
    forged!("  unsigned", Unsigned),
    forged!("  wrongly signed", WronglySigned),
    forged!("  stale", Stale),
    forged!("  replayed", Replayed),
    forged!("  tampered with", Tampered),
    forged!("  oversized", Oversized),
    forged!("  too slow", Slow),
    count(
        "System B",
        "requests a second",
        "provider_rps_mean",
        false,
        |s| Some(s.provider.rps_mean),
        |s| Some(human::number(s.provider.rps_mean)),
    ),
    count(
        "System B",
        "in the busiest second",
        "provider_rps_peak",
        false,
        |s| s.provider.rps_peak.map(f64::from),
        |s| s.provider.rps_peak.map(|peak| human::count(peak.into())),
    ),
    count(
        "System B",
        "received",
        "provider_bytes_in",
        false,
        |s| Some(s.provider.bytes_in as f64),
        |s| Some(human::bytes(s.provider.bytes_in)),
    ),
    count(
        "System B",
        "sent",
        "provider_bytes_out",
        false,
        |s| Some(s.provider.bytes_out as f64),
        |s| Some(human::bytes(s.provider.bytes_out)),
    ),
    counted!("System B", "endpoints disabled", "endpoint_disabled", true, |s| s.disabled),
    counted!("System B", "breaker opened", "breaker_opened", true, |s| s.breaker_opened),
    count(
        "System B",
        "workers busy",
        "provider_busy_ratio",
        true,
        |s| s.provider.busy_ratio,
        |s| s.provider.busy_ratio.map(human::percent),
    ),
    count(
        "System A",
        "in the busiest second",
        "consumer_rps_peak",
        false,
        |s| s.consumer.rps_peak.map(f64::from),
        |s| s.consumer.rps_peak.map(|peak| human::count(peak.into())),
    ),
    count(
        "System A",
        "workers busy",
        "consumer_busy_ratio",
        true,
        |s| s.consumer.busy_ratio,
        |s| s.consumer.busy_ratio.map(human::percent),
    ),
    counted!("System A", "deepest queue", "consumer_queue_max", true, |s| s.consumer.queue_max.into()),
    count(
        "System A",
        "CPU time",
        "consumer_cpu_s",
        true,
        |s| s.consumer.cpu_s,
        |s| s.consumer.cpu_s.map(human::duration_secs),
    ),
];

/// The heading and the tables of every engine of a report.
pub fn render(report: &Report, style: Style) -> String {
    let mut text = title(report, style);
    for engine in &report.engines {
        let _ = writeln!(text, "{}\n", style.dim(&subtitle(report, engine)));
        for (index, clients) in engine.summaries.chunks(CLIENTS_PER_TABLE).enumerate() {
            if index > 0 {
                text.push('\n');
            }
            let first = index * CLIENTS_PER_TABLE;
            text.push_str(&table(engine, first, clients, &report.scenario, style));
        }
        text.push_str(&faults::table(engine, style));
        if report.engines.len() > 1 {
            text.push('\n');
        }
    }
    text
}

/// The name and the title of the scenario.
pub(super) fn title(report: &Report, style: Style) -> String {
    let lines = wrap(&format!("{}: {}", report.scenario.name, report.scenario.title), WIDTH);
    lines.iter().map(|line| format!("{}\n", style.bold(line))).collect()
}

fn subtitle(report: &Report, engine: &EngineReport) -> String {
    let kind = match engine.engine {
        "live" => "real HTTP on loopback",
        _ => "virtual time",
    };
    let measured = engine.summaries.iter().map(|summary| summary.measured_s).reduce(f64::max).unwrap_or(0.0);
    let up_to = if engine.cut_unevenly { "up to " } else { "" };
    let consumers = match report.scenario.consumers {
        1 => "1 consumer".into(),
        n => format!("{} consumers", human::count(n.into())),
    };
    let partial = if report.partial { ", stopped early" } else { "" };
    format!(
        "{kind}, {up_to}{} measured, {consumers}, seed {}{partial}",
        human::duration_secs(measured),
        report.scenario.seed
    )
}

fn table(engine: &EngineReport, first: usize, clients: &[Summary], scenario: &Identity, style: Style) -> String {
    let with_ratio = clients.len() == 2 && !engine.cut_unevenly;
    let room = WIDTH - LABEL_WIDTH - if with_ratio { RATIO_WIDTH } else { 0 };
    let width = (room / clients.len().max(1)).clamp(COLUMN_WIDTH_MIN, 20);
    let names: Vec<&str> = clients.iter().map(|summary| summary.terms.client.as_str()).collect();
    let mut text = header(&names, width, with_ratio, style);
    let mut section = "";
    for line in LINES {
        let values: Vec<Option<f64>> = clients.iter().map(|s| line.value.and_then(|value| value(s))).collect();
        if line.optional && values.iter().all(|value| value.is_none_or(|v| v == 0.0)) {
            continue;
        }
        let heading = (line.section != section && !line.section.is_empty()).then_some(line.section);
        section = heading.unwrap_or(section);
        let show = |(index, summary): (usize, &Summary)| {
            let diverges = line.label == "mean" && engine.is_overloaded(first + index);
            if diverges { Some("no limit *".into()) } else { (line.show)(summary) }
        };
        let shown: Vec<_> = clients.iter().enumerate().map(show).collect();
        let any_diverges = line.label == "mean" && (0..clients.len()).any(|index| engine.is_overloaded(first + index));
        let ratio = (with_ratio && !any_diverges).then(|| ratio(&values)).flatten();
        write_line(&mut text, heading, line.label, &shown, ratio, width, style);
    }
    let costs: Vec<Costs> = clients.iter().filter_map(|summary| costs::of(scenario, summary)).collect();
    let mut heading = Some("Cost");
    for line in costs::LINES {
        let values: Vec<Option<f64>> = costs.iter().map(line.value).collect();
        if values.iter().all(Option::is_none) {
            continue;
        }
        let shown: Vec<_> = values.iter().map(|value| value.map(|amount| costs::money(scenario, amount))).collect();
        let ratio = with_ratio.then(|| ratio(&values)).flatten();
        write_line(&mut text, heading.take(), line.label, &shown, ratio, width, style);
    }
    text
}

/// Writes a line, below the name of its section if it opens one.
fn write_line(
    text: &mut String,
    heading: Option<&str>,
    label: &str,
    shown: &[Option<String>],
    ratio: Option<f64>,
    width: usize,
    style: Style,
) {
    match heading {
        Some(heading) => {
            let _ = write!(text, "\n{}", style.bold(&pad_right(heading, SECTION_WIDTH)));
        }
        None => {
            let _ = write!(text, "{:SECTION_WIDTH$}", "");
        }
    }
    let _ = write!(text, "{}", pad_right(label, LABEL_WIDTH - SECTION_WIDTH));
    for value in shown {
        let _ = write!(text, "{}", pad_left(value.as_deref().unwrap_or("-"), width));
    }
    if let Some(ratio) = ratio {
        let _ = write!(text, "{}", style.dim(&pad_left(&human::factor(ratio), RATIO_WIDTH)));
    }
    while text.ends_with(' ') {
        text.pop();
    }
    text.push('\n');
}

fn ratio(values: &[Option<f64>]) -> Option<f64> {
    match values {
        // As in comparison.csv: the second client against the first.
        [Some(first), Some(second)] if *first != 0.0 => Some(second / first),
        _ => None,
    }
}

/// The lines with the names of the clients.
pub(super) fn header(clients: &[&str], width: usize, with_ratio: bool, style: Style) -> String {
    let names: Vec<Vec<String>> = clients.iter().map(|client| wrap(client, width - 2)).collect();
    let height = names.iter().map(Vec::len).max().unwrap_or(0);
    let mut text = String::new();
    for row in 0..height {
        let mut line = " ".repeat(LABEL_WIDTH);
        for name in &names {
            // Names stand on the last line, so that a short one is next to its numbers.
            let blank = height - name.len();
            let part = row.checked_sub(blank).and_then(|index| name.get(index)).map_or("", String::as_str);
            line.push_str(&pad_left(part, width));
        }
        if with_ratio && row + 1 == height {
            line.push_str(&pad_left("ratio", RATIO_WIDTH));
        }
        let _ = writeln!(text, "{}", style.bold(line.trim_end()));
    }
    text
}

/// Text at the right end of a column.
pub(crate) fn pad_left(text: &str, width: usize) -> String {
    format!("{}{text}", " ".repeat(width.saturating_sub(text.width())))
}

/// Text at the left end of a column.
pub(crate) fn pad_right(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// Breaks text into lines of at most `width` columns, between words where it can.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    // Only at spaces proper: a no-break space keeps what it joins together.
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let mut rest = word;
        loop {
            // There is always a line.
            let line = lines.last_mut().expect("there is always a line");
            let gap = usize::from(!line.is_empty());
            if line.width() + gap + rest.width() <= width {
                if gap > 0 {
                    line.push(' ');
                }
                line.push_str(rest);
                break;
            }
            if !line.is_empty() {
                lines.push(String::new());
                continue;
            }
            // A word longer than a line is cut.
            let mut end = 0;
            for (index, character) in rest.char_indices() {
                let next = index + character.len_utf8();
                if rest[..next].width() > width && index > 0 {
                    break;
                }
                end = next;
            }
            line.push_str(&rest[..end]);
            rest = &rest[end..];
            if rest.is_empty() {
                break;
            }
            lines.push(String::new());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_broken_between_words_and_long_words_are_cut() {
        assert_eq!(wrap("poll every ten seconds", 10), ["poll every", "ten", "seconds"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("日本語の名前", 6), ["日本語", "の名前"]);
        assert_eq!(wrap("", 5), [""]);
    }
}

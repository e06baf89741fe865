//! The table of a sweep for people: one line a point, at most 80 columns wide.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use crate::report::human;
use crate::report::table::{Style, WIDTH};
use crate::sweep::header::Header;
use crate::sweep::plan::Plan;
use crate::sweep::results::Point;
use crate::sweep::shard::Shard;

/// The width of the two figures of a client, with the gap before each.
const REQUESTS_WIDTH: usize = 10;
const LATENCY_WIDTH: usize = 10;
const CLIENT_WIDTH: usize = REQUESTS_WIDTH + LATENCY_WIDTH;
/// The widest column of values; a wider one is cut.
const VALUE_WIDTH_MAX: usize = 16;

/// What stands behind the number of a point that misses a threshold.
const MARK: &str = "!";
/// What stands behind the latency of a client that is overloaded.
const OVERLOADED: char = '*';

/// A table that grows by a line with every point.
#[derive(Debug)]
pub struct Table<'a> {
    columns: Columns<'a>,
    style: Style,
    /// How many units are missing.
    missing: u64,
    /// The engines and clients of each part, and its lines so far; what does not fit beside each other stands below.
    parts: Vec<(Vec<(String, String)>, String)>,
    /// Whether a point misses a threshold.
    has_misses: bool,
    /// Whether a client is overloaded at a point.
    has_overloads: bool,
    /// How many points are not as precise as they were to be.
    imprecise: u64,
}

/// The columns that say which point a line is of.
#[derive(Debug)]
struct Columns<'a> {
    header: &'a Header,
    /// The width of the number of a point.
    number: usize,
    /// The width of each axis; none if there is no room for them.
    axes: Vec<usize>,
}

impl<'a> Columns<'a> {
    fn new(header: &'a Header, room: usize) -> Self {
        let number = header.points.to_string().len().max(2);
        let width = |axis: &super::header::AxisPart| {
            let values = axis.values.iter().map(|value| value.text.width());
            values.chain([short(&axis.key).width()]).max().unwrap_or(0).min(VALUE_WIDTH_MAX)
        };
        let axes: Vec<usize> = header.axes.iter().map(width).collect();
        let total = number + axes.iter().map(|width| width + 2).sum::<usize>();
        Self { header, number, axes: if total <= room { axes } else { Vec::new() } }
    }

    fn width(&self) -> usize {
        self.number + self.axes.iter().map(|width| width + 2).sum::<usize>()
    }

    fn line<'t>(&self, number: &str, mark: &str, texts: impl Iterator<Item = &'t str>) -> String {
        let mut line = format!("{number:>width$}{mark}", width = self.number);
        for (index, (text, width)) in texts.zip(&self.axes).enumerate() {
            let text = cut(text, *width);
            let gap = if index == 0 { 2 - mark.len() } else { 2 };
            let _ = write!(line, "{:gap$}{text}{}", "", " ".repeat(width.saturating_sub(text.width())));
        }
        line
    }

    fn head(&self) -> String {
        self.line("", "", self.header.axes.iter().map(|axis| short(&axis.key)))
    }

    fn point(&self, number: u64, is_marked: bool) -> String {
        let values = self.header.values(number);
        self.line(
            &(number + 1).to_string(),
            if is_marked { MARK } else { "" },
            values.iter().map(|value| value.text.as_str()),
        )
    }
}

/// What varies, a line for each key.
pub fn axes(header: &Header) -> String {
    let mut text = String::new();
    for axis in &header.axes {
        let count = human::things(axis.values.len() as f64, "value", "values");
        let ends = match axis.values.as_slice() {
            [only] => format!("{count}: {}", only.text),
            [first, .., last] => format!("{count} from {} to {}", first.text, last.text),
            [] => count,
        };
        let _ = writeln!(text, "{}", cut(&format!("{}: {ends}", axis.key), WIDTH));
    }
    let points = human::things(header.points as f64, "point", "points");
    let combined = if header.combine == "zip" && header.axes.len() > 1 { ", values one by one" } else { "" };
    let replications = match (header.rule(), header.replications) {
        (Some(rule), most) => format!(
            ", {} to {} replications each, until figures are known to {}",
            human::count(rule.minimum().into()),
            human::count(most.into()),
            human::percent(rule.precision)
        ),
        (None, 1) => String::new(),
        (None, more) => format!(", {} each", human::things(more.into(), "replication", "replications")),
    };
    let _ = writeln!(text, "{points}{combined}{replications}");
    text
}

impl<'a> Table<'a> {
    /// A table without a line, of a sweep in which so many units are missing.
    pub fn new(header: &'a Header, missing: u64, style: Style) -> Self {
        Self {
            columns: Columns::new(header, WIDTH - CLIENT_WIDTH),
            style,
            missing,
            parts: Vec::new(),
            has_misses: false,
            has_overloads: false,
            imprecise: 0,
        }
    }

    /// Adds the line of a point, with a mark if it misses a threshold.
    pub fn add(&mut self, point: &Point<'_>, misses: bool) {
        self.has_misses |= misses;
        let header = self.columns.header;
        self.imprecise += u64::from(header.rule().and_then(|rule| point.stop(rule)).is_some_and(|stop| !stop.reached));
        if self.parts.is_empty() {
            // The last mark stands behind all columns.
            let together = ((WIDTH - 1 - self.columns.width()) / CLIENT_WIDTH).max(1);
            self.parts = point.series().chunks(together).map(|part| (part.to_vec(), String::new())).collect();
        }
        for (series, lines) in &mut self.parts {
            let mut line = self.columns.point(point.number, misses);
            let mut mark = 0;
            for (engine, client) in series.iter() {
                let requests = point.mean(engine, client, "requests_per_event").map(human::number);
                let latency = point.mean(engine, client, "latency_p95_ms").map(human::duration_ms);
                // A mark takes the place of a space before the next column.
                for (cell, width) in [(requests, REQUESTS_WIDTH - mark), (latency, LATENCY_WIDTH)] {
                    push_right(&mut line, &cell.unwrap_or_else(|| "-".to_owned()), width);
                }
                let is_overloaded = point.is_overloaded(engine, client);
                line.extend(is_overloaded.then_some(OVERLOADED));
                mark = usize::from(is_overloaded);
                self.has_overloads |= is_overloaded;
            }
            let _ = writeln!(lines, "{line}");
        }
    }

    /// The whole table.
    pub fn render(&self) -> String {
        let header = self.columns.header;
        let mut text = format!("{}\n\n{}", self.style.bold(&cut(&header.scenario.title, WIDTH)), axes(header));
        if self.missing > 0 {
            let (missing, all) = (header.count_of_units(self.missing), human::count(header.units()));
            let _ = writeln!(text, "{}", self.style.bold(&format!("stopped early: {missing} of {all} missing")));
        }
        let has_both = header.scenario.engine == "both";
        for (series, lines) in &self.parts {
            let mut names = self.columns.line("", "", std::iter::repeat_n("", self.columns.axes.len()));
            let mut units = self.columns.head();
            for (engine, client) in series {
                let name = if has_both { format!("{client} ({engine})") } else { client.clone() };
                push_right(&mut names, &cut(&name, CLIENT_WIDTH - 2), CLIENT_WIDTH);
                push_right(&mut units, "req/event", REQUESTS_WIDTH);
                push_right(&mut units, "p95", LATENCY_WIDTH);
            }
            let _ = write!(text, "\n{}\n{}\n{lines}", self.style.bold(&names), self.style.dim(&units));
        }
        if self.columns.axes.is_empty() && !header.axes.is_empty() {
            text.push_str("\nThe values of each point stand in summary.csv: there are too many keys for this table.\n");
        }
        text.push_str("\nreq/event: polls and webhooks an event; p95: 95 % of events are heard within\n");
        if header.is_replicated() {
            text.push_str("All are means of the replications; their intervals stand in statistics.csv.\n");
        }
        if self.imprecise > 0 {
            let points = human::things(self.imprecise as f64, "point is", "points are");
            let _ = writeln!(text, "{points} not as precise as asked for after the last replication.");
        }
        if self.has_overloads {
            let _ = writeln!(
                text,
                "{OVERLOADED} overloaded: it turns work away or falls ever further behind, so its figures\n\
                 say more about the length of the run than about the client."
            );
        }
        if self.has_misses {
            let _ = writeln!(text, "{MARK} misses a threshold; all of them stand in thresholds.csv.");
        }
        text
    }
}

/// What a sweep would be: a line for each point, with what it takes, and what looking for crossovers takes then: how many runs,
/// and seconds on one core.
pub fn dry_run(plan: &Plan, threads: usize, shard: Option<Shard>, search: Option<(f64, f64)>) -> String {
    let header = &plan.header;
    let columns = Columns::new(header, WIDTH - CLIENT_WIDTH);
    let mut text = axes(header);
    let mut head = columns.head();
    push_right(&mut head, "requests", REQUESTS_WIDTH + 2);
    let _ = writeln!(text, "\n{head}");
    let least = plan.repeat.least();
    for point in 0..header.points {
        let mut line = columns.point(point, false);
        push_right(&mut line, &plan.cost_of_point(point).run.times(least.into()).requests(), REQUESTS_WIDTH + 2);
        let _ = writeln!(text, "{line}");
    }
    let workers = threads.max(1);
    let cores = if header.scenario.engine == "sim" { workers } else { 1 };
    let threads = human::things(cores as f64, "thread", "threads");
    let total = |replications: u32| {
        let cost = plan.total(replications);
        let runs = header.points as f64 * f64::from(replications);
        let seconds = human::duration_secs(cost.seconds / cores as f64);
        (cost.requests(), human::things(runs, "run", "runs"), seconds)
    };
    let (requests, runs, seconds) = total(least);
    let _ = if header.precision.is_some() {
        let (most_requests, most_runs, most_seconds) = total(plan.repeat.most());
        writeln!(
            text,
            "\nAt least {requests} requests in {runs}, some {seconds} on {threads},\n\
             at most {most_requests} requests in {most_runs}, some {most_seconds}."
        )
    } else {
        writeln!(text, "\nAbout {requests} requests in {runs}, some {seconds} on {threads}.")
    };
    if let Some((runs, seconds)) = search {
        let seconds = human::duration_secs(seconds / workers as f64);
        let runs = human::things(libm::ceil(runs), "run", "runs");
        let _ = writeln!(text, "Looking for crossovers then takes up to about {runs}, some {seconds}.");
    }
    if let Some(shard) = shard {
        let part = header.count_of_units(shard.count(header.units()));
        let _ = writeln!(text, "Shard {shard} is {part} of it.");
    }
    text
}

/// What a key is called above a column: its last name.
pub(super) fn short(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

fn push_right(line: &mut String, text: &str, width: usize) {
    line.push_str(&" ".repeat(width.saturating_sub(text.width()).max(1)));
    line.push_str(text);
}

/// A text that is no wider than this; one that is cut ends in two dots.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut short = String::new();
    for character in text.chars() {
        if short.width() + 2 + character.to_string().width() > width {
            break;
        }
        short.push(character);
    }
    short + ".."
}

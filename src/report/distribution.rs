//! The distribution of a client's latencies as HdrHistogram's own tools write it, for those who plot such files.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use hdrhistogram::Counter;

use crate::measure::histogram::Latencies;
use crate::report::{EngineReport, Report, TOOL_VERSION};

/// The ending of such a file's name.
const ENDING: &str = ".hgrm";
/// How its last line begins, by which this program knows its own files.
const SIGN: &str = "#[Tool    = pushpull";
/// Lines from one halving of the rest to the next.
const STEPS_PER_HALVING: u32 = 5;
/// The longest name of a file, without its ending.
const NAME_MAX: usize = 100;

/// The name and the content of a file for each client; with several engines, for each client and engine.
pub fn files(report: &Report) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let names = names(report.engines.iter().flat_map(|engine| &engine.summaries).map(|s| s.terms.client.as_str()));
    for engine in &report.engines {
        let suffix = if report.engines.len() > 1 { format!(".{}", engine.engine) } else { String::new() };
        for summary in &engine.summaries {
            let client = summary.terms.client.as_str();
            let name = names.iter().find(|(known, _)| known == client).map_or("client", |(_, name)| name);
            let content = file(report, engine, client, &summary.tally.latencies);
            files.push((format!("{name}{suffix}{ENDING}"), content.into_bytes()));
        }
    }
    files
}

/// The files of this kind in a folder that this program has written.
pub(super) fn files_in(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(ENDING) && is_own(&folder.join(name)))
        .collect();
    names.sort();
    names
}

fn is_own(path: &Path) -> bool {
    std::fs::read_to_string(path).is_ok_and(|text| text.lines().last().is_some_and(|line| line.starts_with(SIGN)))
}

/// A name for each client that is safe as the name of a file, and different from the others whatever the file system.
fn names<'a>(clients: impl Iterator<Item = &'a str>) -> Vec<(String, String)> {
    let (mut names, mut taken): (Vec<(String, String)>, BTreeSet<String>) = (Vec::new(), BTreeSet::new());
    for client in clients {
        if names.iter().any(|(known, _)| known == client) {
            continue;
        }
        let safe = safe(client);
        let numbered = (2_u64..).map(|number| format!("{safe}-{number}"));
        let mut candidates = std::iter::once(safe.clone()).chain(numbered);
        if let Some(name) = candidates.find(|name| taken.insert(name.to_lowercase())) {
            names.push((client.to_owned(), name));
        }
    }
    names
}

/// Letters and digits of a name, with a dash for whatever stands between them.
fn safe(name: &str) -> String {
    let dashed: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect();
    let parts: Vec<&str> = dashed.split('-').filter(|part| !part.is_empty()).collect();
    let mut safe: String = parts.join("-").chars().take(NAME_MAX).collect();
    if safe.is_empty() {
        safe = "client".into();
    }
    safe
}

fn file<C: Counter>(report: &Report, engine: &EngineReport, client: &str, latencies: &Latencies<C>) -> String {
    let mut text = format!("{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
    for step in latencies.distribution(STEPS_PER_HALVING) {
        let _ = write!(text, "{:12.3} {:2.12} {:10}", step.ms, step.quantile, step.count);
        let _ = match step.quantile < 1.0 {
            true => writeln!(text, " {:14.2}", 1.0 / (1.0 - step.quantile)),
            false => writeln!(text),
        };
    }
    let (mean, deviation) = (latencies.mean_ms().unwrap_or(0.0), latencies.deviation_ms().unwrap_or(0.0));
    let (max, count) = (latencies.max_ms().unwrap_or(0.0), latencies.count());
    let (buckets, cells) = latencies.buckets();
    let _ = writeln!(text, "#[Mean    = {mean:12.3}, StdDeviation   = {deviation:12.3}]");
    let _ = writeln!(text, "#[Max     = {max:12.3}, Total count    = {count:12}]");
    let _ = writeln!(text, "#[Buckets = {buckets:12}, SubBuckets     = {cells:12}]");
    let (scenario, seed) = (&report.scenario.name, report.scenario.seed);
    let (name, of) = (client.replace(['\n', '\r'], " "), engine.engine);
    let _ = writeln!(text, "{SIGN} {TOOL_VERSION}, milliseconds, {scenario}, {of}, seed {seed}, client {name:?}]");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_have_names_of_their_own_that_are_safe() {
        let clients = ["poll every 200 ms", "Poll: every 200 ms!", "../../etc/passwd", "日本", "", "a.sim", "a-sim"];
        let names: Vec<String> = names(clients.into_iter()).into_iter().map(|(_, name)| name).collect();
        let expected =
            ["poll-every-200-ms", "Poll-every-200-ms-2", "etc-passwd", "client", "client-2", "a-sim", "a-sim-2"];
        assert_eq!(names, expected);
        assert_eq!(safe(&"x".repeat(500)).len(), NAME_MAX);
    }
}

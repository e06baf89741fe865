//! All charts of real runs on one page, to be looked at: `target/tmp/charts.html`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod plays;

use std::fmt::Write as _;
use std::path::Path;

use pushpull::measure::dimension::Dimension;
use pushpull::measure::summary::Summary;
use pushpull::report::chart::{
    self, Axis, Canvas, Client, CrossoverMark, HeatMap, Scale, SweepLine, SweepLines, SweepPoint, Target,
};
use pushpull::report::palette;
use pushpull::scenario::Scenario;

use plays::{backlogs, built_in, latencies, loads, outcomes, play, scenario, strip};

const HEAD: &str = "
*{box-sizing:border-box}
body{margin:0 auto;padding:16px;max-width:912px;background:var(--background);color:var(--ink);font-family:var(--font)}
h2{font-size:18px;margin:40px 0 4px}p{margin:0 0 16px;color:var(--muted);font-size:15px}
.narrow{display:none}@media(max-width:879px){.wide{display:none}.narrow{display:block}}
";

/// The page so far.
struct Page {
    body: String,
    count: usize,
}

impl Page {
    fn add(&mut self, title: &str, text: &str, chart: impl Fn(&Canvas) -> maud::Markup) {
        self.count += 1;
        let _ = write!(self.body, "<h2>{title}</h2><p>{text}</p>");
        for (class, width) in [("wide", Canvas::WIDE), ("narrow", Canvas::NARROW)] {
            let canvas = Canvas::new(&format!("chart{}-{class}", self.count), title, width);
            let svg = chart(&canvas).into_string();
            assert!(!svg.contains("NaN") && !svg.contains("inf\""), "{title}");
            assert_eq!(svg, chart(&canvas).into_string(), "{title}: the same data give the same bytes");
            let _ = write!(self.body, "<div class={class}>{svg}</div>");
        }
    }
}

const SIX: &str = r#"
schema = 1
duration = "30m"
[events]
arrivals = "poisson"
rate = "0.2/s"
[network]
latency = { lognormal = { median = "60ms", p99 = "400ms" } }
[[client]]
name = "poll every 30 s"
[client.pull]
every = "30s"
[[client]]
name = "webhook"
[client.push]
[client.receiver]
service_time = "20ms"
[[client]]
name = "poll every 5 s"
[client.pull]
every = "5s"
[[client]]
name = "long poll"
[client.pull]
every = "1s"
strategy = "long-poll"
[[client]]
name = "webhook + poll every minute"
[client.push]
[client.pull]
every = "1m"
[[client]]
name = "thin webhook"
[client.push]
payload = "thin"
"#;

const PAIR: &str = r#"
schema = 1
duration = "2m"
[events]
arrivals = "poisson"
rate = "0.1/s"
[network]
latency = "60ms"
[[client]]
name = "poll every 30 s"
[client.pull]
every = "30s"
phase = "aligned"
[[client]]
name = "webhook"
[client.push]
retry = { delays = ["7s", "15s", "30s"] }
[[fault]]
kind = "receiver-errors"
client = "webhook"
status = 503
at = "30s"
for = "20s"
"#;

const TWO: &str = r#"
schema = 1
duration = "20m"
[events]
arrivals = "poisson"
rate = "0.1/s"
[[client]]
name = "poll every 10 s"
[client.pull]
every = "10s"
[[client]]
name = "webhook"
[client.push]
"#;

fn sweep() -> SweepLines {
    let rates = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0];
    let names = ["poll every 10 s", "webhook"];
    let mut lines: Vec<_> =
        (0..2).map(|index| SweepLine { client: Client::new(names[index], index), points: Vec::new() }).collect();
    for rate in rates {
        let runs: Vec<Vec<Summary>> = (1..=4)
            .map(|seed| play(&scenario(TWO, &[&format!("events.rate={rate}/s"), &format!("seed={seed}")])))
            .collect();
        for (index, line) in lines.iter_mut().enumerate() {
            let values: Vec<f64> = runs.iter().map(|run| run[index].requests_per_event().unwrap()).collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            let spread = values.iter().map(|value| (value - mean).abs()).fold(0.0, f64::max);
            let interval = Some((mean - spread, mean + spread));
            line.points.push(SweepPoint { x: rate, y: mean, interval });
        }
    }
    SweepLines {
        x: Axis { label: "events.rate".into(), dimension: Dimension::Rate, scale: Scale::Logarithmic },
        y: Axis { label: "requests per event".into(), dimension: Dimension::Number, scale: Scale::Logarithmic },
        lines,
        crossovers: vec![CrossoverMark { x: 0.1, y: Some(1.0), label: "equal at 0.1/s".into() }],
    }
}

fn heat() -> HeatMap {
    let rates = ["0.01/s", "0.03/s", "0.1/s", "0.3/s", "1/s", "3/s"];
    let intervals = ["1s", "3s", "10s", "30s", "100s"];
    let ratio = |interval: &str, rate: &str| {
        let every = format!("client.poll every 10 s.pull.every={interval}");
        let summaries = play(&scenario(TWO, &[&format!("events.rate={rate}"), &every]));
        Some(summaries[1].requests_per_event()? / summaries[0].requests_per_event()?)
    };
    let cells = intervals.iter().map(|interval| rates.iter().map(|rate| ratio(interval, rate)).collect()).collect();
    HeatMap {
        figure: "requests per event".into(),
        client: "webhook".into(),
        baseline: "poll every 10 s".into(),
        x_label: "events.rate".into(),
        x_values: rates.map(Into::into).to_vec(),
        y_label: "interval between polls".into(),
        y_values: intervals.map(Into::into).to_vec(),
        cells,
        frontier: vec![vec![[0.0, 4.0], [1.0, 3.0], [2.0, 2.0], [3.0, 1.0], [4.0, 0.0]]],
    }
}

/// Clients whose names are no names, all with the same latencies.
fn oddities(summaries: &[Summary]) -> Vec<Summary> {
    let names = [
        "<script>alert(\"1\")</script>".to_owned(),
        "very ".repeat(40),
        "🚀🚀 launch".to_owned(),
        "استطلاع كل دقيقة".to_owned(),
        "x".to_owned(),
        "\"quotes' & more".to_owned(),
        "中文名字的客户端".to_owned(),
        String::new(),
    ];
    let renamed = |(index, name): (usize, String)| {
        let mut summary = summaries[index % 2 + 1].clone();
        summary.terms.client = name;
        summary
    };
    names.into_iter().enumerate().map(renamed).collect()
}

fn of_run(page: &mut Page, name: &str, scenario: &Scenario, target: Option<Target>) -> Vec<Summary> {
    let summaries = play(scenario);
    let of = |what: &str| format!("{what} ({name})");
    page.add(&of("Latency"), "Share of events known within a given time.", |canvas| {
        chart::latency_distribution(&latencies(&summaries, target.clone()), canvas)
    });
    page.add(&of("Requests"), "Requests over time by outcome.", |canvas| {
        chart::requests(&outcomes(&summaries), canvas)
    });
    page.add(&of("Load"), "Exchanges per second.", |canvas| chart::load(&loads(&summaries), canvas));
    page.add(&of("Backlog"), "Events not heard of yet.", |canvas| chart::backlog(&backlogs(&summaries), canvas));
    summaries
}

#[test]
fn all_charts_of_real_runs() {
    let mut page = Page { body: String::new(), count: 0 };
    let pair = strip(&scenario(PAIR, &[]), 125.0);
    page.add("Second by second", "One webhook was refused and came again.", |canvas| chart::timeline(&pair, canvas));
    let target = Some(Target { ms: 2e3, label: "target 2 s".into() });
    let six = of_run(&mut page, "six clients", &scenario(SIX, &[]), target);
    let many = strip(&scenario(SIX, &[]), 60.0);
    page.add("Six clients", "Hybrid clients have two lanes.", |canvas| chart::timeline(&many, canvas));
    let three = [six[0].clone(), six[1].clone(), six[2].clone()];
    page.add("Three clients", "No target.", |canvas| chart::latency_distribution(&latencies(&three, None), canvas));
    page.add("Along one key", "Means of four runs.", |canvas| chart::sweep_lines(&sweep(), canvas));
    page.add("Over two keys", "Ratios.", |canvas| chart::heat_map(&heat(), canvas));
    for name in ["stripe-outage", "rate-limited"] {
        of_run(&mut page, name, &built_in(name), None);
    }
    let odd = oddities(&six);
    page.add("Odd names", "Eight equal curves.", |canvas| chart::latency_distribution(&latencies(&odd, None), canvas));
    page.add("Odd names", "Panels.", |canvas| chart::requests(&outcomes(&odd), canvas));
    page.add("Odd names", "Ends.", |canvas| chart::load(&loads(&odd), canvas));
    page.add("Nothing", "No client.", |canvas| chart::latency_distribution(&latencies(&[], None), canvas));
    page.add("Nothing", "No client.", |canvas| chart::load(&loads(&[]), canvas));
    let style = format!("{}{}{HEAD}", palette::css(), chart::css());
    let html = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>Charts</title><style>{style}</style><body>{}",
        page.body
    );
    assert!(!html.contains("<script"), "names are escaped");
    assert!(html.contains("&lt;script&gt;"));
    std::fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("charts.html"), html).unwrap();
}

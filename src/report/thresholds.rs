//! What became of the thresholds: sentences, a part of the table, `thresholds.csv`, and a part of `run.json`.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::measure::dimension::Dimension;
use crate::measure::judgement::{Comparison, Judgement};
use crate::report::columns::Cell;
use crate::report::table::{Style, WIDTH, wrap};
use crate::report::{Report, csv, human};

/// The columns of `thresholds.csv`.
pub const HEADER: [&str; 9] =
    ["expect", "engine", "client", "value", "comparison", "limit", "unit", "holds", "difference"];

/// The cells of a judgement, one for each of [`HEADER`].
pub fn cells(judgement: &Judgement) -> Vec<Cell> {
    let difference = judgement.value.zip(judgement.limit).map(|(value, limit)| value - limit);
    vec![
        judgement.expect.as_str().into(),
        judgement.engine.as_str().into(),
        judgement.client.as_deref().into(),
        judgement.value.into(),
        judgement.comparison.sign().into(),
        judgement.limit.into(),
        judgement.dimension.unit().into(),
        judgement.holds().to_string().as_str().into(),
        difference.into(),
    ]
}

/// `thresholds.csv`: every threshold, its two sides, and whether it holds.
pub fn file(report: &Report) -> Vec<u8> {
    csv::table(HEADER.into_iter(), report.judgements.iter().map(cells))
}

/// The same for `run.json`.
pub fn json(judgement: &Judgement) -> Value {
    let number = |value: Option<f64>| Cell::from(value).json();
    json!({
        "expect": judgement.expect, "engine": judgement.engine, "client": judgement.client,
        "value": number(judgement.value), "comparison": judgement.comparison.sign(), "limit": number(judgement.limit),
        "unit": judgement.dimension.unit(), "holds": judgement.holds(), "unknown": judgement.unknown,
        "dimension": judgement.dimension.word(), "sentence": sentence(judgement, false),
    })
}

/// The part of the table, broken at its width; empty without thresholds.
pub fn render(judgements: &[Judgement], style: Style) -> String {
    if judgements.is_empty() {
        return String::new();
    }
    let mut text = format!("{}\n", style.bold("Thresholds"));
    let several = several_engines(judgements);
    for judgement in judgements {
        let word = if judgement.holds() { "holds " } else { "MISSED" };
        for (index, line) in wrap(&sentence(judgement, several), WIDTH - 10).iter().enumerate() {
            let before = if index == 0 { style.bold(word) } else { "      ".to_owned() };
            let _ = writeln!(text, "  {before}  {line}");
        }
    }
    text
}

/// What to say on standard error: a sentence for each threshold that is missed.
pub fn misses(judgements: &[Judgement]) -> Vec<String> {
    let several = several_engines(judgements);
    let missed = judgements.iter().filter(|judgement| !judgement.holds());
    missed.map(|judgement| format!("threshold missed: {}", sentence(judgement, several))).collect()
}

fn several_engines(judgements: &[Judgement]) -> bool {
    judgements.iter().any(|judgement| judgement.engine != judgements[0].engine)
}

/// What was expected and what is, such as `webhook.latency_p95 < 2s: is 2.31 s, 15.5 % too much`.
pub fn sentence(judgement: &Judgement, with_engine: bool) -> String {
    let engine = if with_engine { format!(", {}", judgement.engine) } else { String::new() };
    let client = judgement.client.as_ref().map_or_else(String::new, |client| format!(", \"{client}\""));
    let before = format!("{}{client}{engine}", judgement.expect);
    let (Some(value), Some(limit)) = (judgement.value, judgement.limit) else {
        let why = judgement.unknown.as_deref().unwrap_or("it is beyond all numbers");
        return format!("{before}: cannot be judged: {why}");
    };
    let show = |value| quantity(judgement.dimension, value);
    let than = if judgement.is_plain { String::new() } else { format!(" against {}", show(limit)) };
    let is = format!("{before}: is {}{than}", show(value));
    if judgement.holds() { is } else { format!("{is}, {}", excess(judgement, value, limit)) }
}

/// By how much a threshold is missed.
fn excess(judgement: &Judgement, value: f64, limit: f64) -> String {
    let too = match judgement.comparison {
        Comparison::Less | Comparison::AtMost => "too much",
        Comparison::More | Comparison::AtLeast => "too little",
        Comparison::Equal if value > limit => "too much",
        Comparison::Equal => "too little",
        Comparison::Unequal => return "which it must not be".to_owned(),
    };
    let ratio = value / limit;
    let percent = human::percent((ratio - 1.0).abs());
    match ratio {
        1.0 => format!("just {too}"),
        ratio if !ratio.is_finite() || ratio < 0.0 => {
            format!("{} {too}", quantity(judgement.dimension, (value - limit).abs()))
        }
        ratio if ratio >= FACTOR_FROM => format!("{} times the limit", human::number(ratio)),
        _ if percent == "0 %" => format!("by a hair {too}"),
        _ => format!("{percent} {too}"),
    }
}

/// From this factor on it says more than percents do.
const FACTOR_FROM: f64 = 3.0;

/// A value with its unit, as people read it.
pub fn quantity(dimension: Dimension, value: f64) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    match dimension {
        Dimension::Number => human::number(value),
        Dimension::Share => human::percent(value),
        Dimension::Time => format!("{sign}{}", human::duration_ms(value.abs())),
        Dimension::Size => format!("{sign}{}", human::bytes(libm::round(value.abs()) as u64)),
        Dimension::Rate => format!("{}/s", human::number(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judgement(comparison: Comparison, value: f64, limit: f64) -> Judgement {
        Judgement {
            expect: "x".into(),
            engine: "sim".into(),
            client: None,
            comparison,
            dimension: Dimension::Time,
            value: Some(value),
            limit: Some(limit),
            is_plain: true,
            unknown: None,
        }
    }

    #[test]
    fn a_miss_says_by_how_much() {
        use Comparison::{AtLeast, Equal, Less, More, Unequal};
        let cases = [
            (Less, 2_310.0, 2_000.0, "x: is 2.31 s, 15.5 % too much"),
            (Less, 2_000.0, 2_000.0, "x: is 2 s, just too much"),
            (Less, 2_000.000_001, 2_000.0, "x: is 2 s, by a hair too much"),
            (Less, 20_000.0, 2_000.0, "x: is 20 s, 10 times the limit"),
            (Less, 5.0, 0.0, "x: is 5 ms, 5 ms too much"),
            (AtLeast, 1_500.0, 2_000.0, "x: is 1.5 s, 25 % too little"),
            (More, 0.0, 2_000.0, "x: is 0 s, 100 % too little"),
            (Equal, 1_500.0, 2_000.0, "x: is 1.5 s, 25 % too little"),
            (Unequal, 7.0, 7.0, "x: is 7 ms, which it must not be"),
            (Less, 1_000.0, 2_000.0, "x: is 1 s"),
        ];
        for (comparison, value, limit, expected) in cases {
            assert_eq!(sentence(&judgement(comparison, value, limit), false), expected);
        }
        let from_other = Judgement { is_plain: false, ..judgement(Less, 3_000.0, 2_000.0) };
        assert_eq!(sentence(&from_other, true), "x, sim: is 3 s against 2 s, 50 % too much");
        let unknown = Judgement { value: None, unknown: Some("y is empty".into()), ..from_other };
        assert!(!unknown.holds());
        assert_eq!(sentence(&unknown, false), "x: cannot be judged: y is empty");
    }

    #[test]
    fn what_holds_and_what_is_missed_stand_below_each_other() {
        let held = judgement(Comparison::Less, 1.0, 2.0);
        let missed = Judgement { engine: "live".into(), ..judgement(Comparison::Less, 3.0, 2.0) };
        let text = render(&[held.clone(), missed.clone()], Style::Plain);
        assert_eq!(text, "Thresholds\n  holds   x, sim: is 1 ms\n  MISSED  x, live: is 3 ms, 50 % too much\n");
        assert_eq!(misses(&[held, missed]), ["threshold missed: x, live: is 3 ms, 50 % too much"]);
        assert_eq!(render(&[], Style::Plain), "");
    }
}

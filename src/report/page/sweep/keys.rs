//! The keys that vary: what their values are, and where a value lies among them.

use crate::measure::dimension::Dimension;
use crate::report::chart::Scale;
use crate::report::page::figure::row_key;
use crate::report::page::sweep::saved::{Axis, SavedSweep};

/// Values above zero of which the largest is more than this many times the smallest are shown on a logarithmic axis.
const WIDE: f64 = 8.0;

impl Axis {
    /// Its values as numbers; none where one is a word, or there are less than two.
    pub(super) fn numbers(&self) -> Option<Vec<f64>> {
        let numbers: Option<Vec<f64>> = self.values.iter().map(|value| value.number.value()).collect();
        numbers.filter(|numbers| numbers.len() > 1)
    }

    /// What kind of quantity its values are, which their units say.
    pub(super) fn dimension(&self) -> Dimension {
        let text = self.values.first().map_or("", |value| value.text.as_str());
        let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || "+-._ ".contains(c));
        match unit {
            "" => Dimension::Number,
            "%" => Dimension::Share,
            unit if unit.contains('/') => Dimension::Rate,
            unit if unit.ends_with('B') => Dimension::Size,
            unit if ["ns", "us", "µs", "ms", "s", "m", "min", "h", "d", "w"].contains(&unit) => Dimension::Time,
            _ => Dimension::Number,
        }
    }

    /// A number of the key as charts take it: times in milliseconds.
    pub(super) fn charted(&self, number: f64) -> f64 {
        if self.dimension() == Dimension::Time { number * 1e3 } else { number }
    }

    /// How its values are spaced.
    pub(super) fn scale(&self) -> Scale {
        scale(self.numbers().unwrap_or_default())
    }

    /// Where a number lies among the values, counted in values from 0; none beyond them.
    pub(super) fn place(&self, number: f64) -> Option<f64> {
        let numbers = self.numbers()?;
        let by = |value: f64| if self.scale() == Scale::Logarithmic { libm::log(value) } else { value };
        numbers.windows(2).enumerate().find_map(|(index, pair)| {
            let [from, to] = [pair[0], pair[1]];
            let is_between = (from.min(to)..=from.max(to)).contains(&number) && from != to;
            is_between.then(|| index as f64 + (by(number) - by(from)) / (by(to) - by(from)))
        })
    }
}

/// How values are best spaced on an axis.
pub(super) fn scale(values: impl IntoIterator<Item = f64>) -> Scale {
    let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
    for value in values {
        (low, high) = (low.min(value), high.max(value));
    }
    if low > 0.0 && low.is_finite() && high > low * WIDE { Scale::Logarithmic } else { Scale::Linear }
}

/// What a key is called: its last name.
pub(super) fn short(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

/// What identifies the rows of a point, whatever the client.
pub(super) fn point_key(saved: &SavedSweep, values: &[String]) -> String {
    let names: Vec<String> = saved.head.axes.iter().map(|axis| format!("param_{}", axis.key)).collect();
    row_key(&names.iter().map(String::as_str).zip(values.iter().map(String::as_str)).collect::<Vec<_>>())
}

/// What identifies the row of a client at any point.
pub(super) fn series_key(saved: &SavedSweep, (engine, client): &(String, String), metric: &str) -> String {
    let metric = saved.is_replicated.then_some(("metric", metric));
    let whose = [("engine", engine.as_str()), ("client", client.as_str())];
    row_key(&whose.into_iter().chain(metric).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::columns::Cell;
    use crate::report::page::sweep::saved::AxisValue;

    fn axis(values: &[(&str, f64)]) -> Axis {
        let value = |(text, number): &(&str, f64)| AxisValue { text: (*text).into(), number: Cell::from(*number) };
        Axis { key: "a.b".into(), values: values.iter().map(value).collect() }
    }

    #[test]
    fn a_key_knows_what_its_values_are() {
        let cases = [
            (axis(&[("1s", 1.0), ("1m", 60.0)]), Dimension::Time, Scale::Logarithmic),
            (axis(&[("0.5/s", 0.5), ("1/s", 1.0)]), Dimension::Rate, Scale::Linear),
            (axis(&[("1 KiB", 1_024.0), ("2 KiB", 2_048.0)]), Dimension::Size, Scale::Linear),
            (axis(&[("0", 0.0), ("100", 100.0)]), Dimension::Number, Scale::Linear),
        ];
        for (axis, dimension, scale) in cases {
            assert_eq!((axis.dimension(), axis.scale()), (dimension, scale), "{axis:?}");
        }
        assert_eq!(axis(&[("1s", 1.0), ("1m", 60.0)]).charted(60.0), 60_000.0);
    }

    #[test]
    fn a_value_between_two_lies_between_them() {
        let rates = axis(&[("0.01/s", 0.01), ("0.1/s", 0.1), ("1/s", 1.0)]);
        let place = |number| rates.place(number).map(|place| (place * 1e6).round() / 1e6);
        assert_eq!([place(0.1), place(0.316_227_766), place(2.0)], [Some(1.0), Some(1.5), None]);
        assert_eq!(axis(&[("a", f64::NAN), ("b", 1.0)]).place(1.0), None, "a word has no place");
    }
}

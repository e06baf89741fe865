//! What the values of a key measure, so that other values can lie between two of them.

use crate::scenario::bandwidth::{self, format_bandwidth};
use crate::scenario::keys::{Key, Kind};
use crate::scenario::kinds::{self, Parsed};
use crate::scenario::problems::Problem;
use crate::scenario::tree::{Node, Value};
use crate::scenario::units::{self, Rate, format_size, format_span, parse_rate};
use crate::time::{SECOND, Span};

/// What the values of a key measure. Each has a base unit in which it is a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// A duration, in seconds.
    Time,
    /// Events per second.
    Rate,
    /// A size in bytes.
    Size,
    /// Bytes per second.
    Bandwidth,
    /// A whole number.
    Whole,
    /// A number.
    Number,
}

/// The significant digits that values between two others are rounded to, at first; more where fewer do not tell them apart.
pub(super) const DIGITS: [u32; 4] = [6, 9, 12, 20];

impl Quantity {
    /// What the values of a key measure, if they are numbers of something.
    pub(super) const fn of(kind: Kind) -> Option<Self> {
        Some(match kind {
            Kind::Span | Kind::SpanOr(_) | Kind::Time | Kind::TimeOrLegs => Self::Time,
            Kind::Rate | Kind::RateOrTable(_) => Self::Rate,
            Kind::Size(_) | Kind::SizeOr(..) | Kind::Sizes(_) => Self::Size,
            Kind::Bandwidth | Kind::BandwidthOrLegs => Self::Bandwidth,
            Kind::Integer(..) | Kind::IntegerOrTable(..) | Kind::Limit(_) => Self::Whole,
            Kind::Number(..) | Kind::NumberOr(..) | Kind::NumberOrLegs(..) => Self::Number,
            _ => return None,
        })
    }

    /// Whether its values are written with a unit, so that only their number can be plotted.
    pub const fn has_unit(self) -> bool {
        matches!(self, Self::Time | Self::Rate | Self::Size | Self::Bandwidth)
    }

    /// The number of a value in base units.
    pub(super) fn number(self, node: &Node, key: &Key) -> Parsed<f64> {
        match self {
            Self::Time => kinds::span(node, key).map(Span::as_secs_f64),
            Self::Rate => kinds::rate_or_zero(node, key).map(per_second),
            Self::Size => kinds::size(node, key).map(f64::from),
            Self::Bandwidth => match bandwidth::bandwidth(node, key)? {
                Some(bytes) => Ok(bytes as f64),
                None => Err(Problem::new(format!("`{}` is no number", node.value.written()))
                    .at(node.place.as_ref())
                    .help("write a bandwidth, such as \"10 Mbit/s\"")),
            },
            Self::Whole => kinds::integer(node, key).map(|whole| whole as f64),
            Self::Number => kinds::number(node, key),
        }
    }

    /// The value nearest to a number of base units that has at most so many significant digits, where a key can hold one.
    ///
    /// Whole numbers, sizes and bandwidths have all the digits that they need.
    pub(super) fn value(self, number: f64, digits: u32) -> Option<Value> {
        let whole =
            || Some(libm::round(number)).filter(|whole| (0.0..1.8e19).contains(whole)).map(|whole| whole as u64);
        Some(match self {
            Self::Time => Value::Text(decimal_span(span(number, digits)?)),
            Self::Rate => Value::Text(decimal_rate(number, digits)?),
            Self::Size => Value::Text(format_size(whole()?)),
            Self::Bandwidth => Value::Text(format_bandwidth(Some(whole()?))),
            Self::Whole => Value::Integer(whole()?.into()),
            Self::Number => Value::Float(rounded(number, digits)),
        })
    }
}

fn per_second(rate: Rate) -> f64 {
    let (events, span) = rate.fraction();
    events as f64 / span.as_secs_f64()
}

/// A number with so many significant digits.
fn rounded(number: f64, digits: u32) -> f64 {
    let decimals = digits.saturating_sub(1) as usize;
    format!("{number:.decimals$e}").parse().unwrap_or(number)
}

/// So many seconds, with so many significant digits, and to the nanosecond.
fn span(seconds: f64, digits: u32) -> Option<Span> {
    let nanos = libm::round(seconds * SECOND as f64);
    if !(0.0..1.8e19).contains(&nanos) {
        return None;
    }
    let nanos = nanos as u64;
    let surplus = nanos.checked_ilog10().map_or(0, |last| (last + 1).saturating_sub(digits));
    let step = 10u64.pow(surplus);
    Some(Span::from_nanos(nanos.checked_add(step / 2)? / step * step))
}

/// A duration as people write it: whole seconds in the unit that fits, anything else as a decimal.
fn decimal_span(span: Span) -> String {
    let nanos = span.as_nanos();
    let unit = [(SECOND, "s"), (SECOND / 1_000, "ms"), (SECOND / 1_000_000, "us")];
    match unit.into_iter().find(|(size, _)| nanos >= *size) {
        Some((size, name)) if !nanos.is_multiple_of(size) => {
            let decimals = size.ilog10() as usize;
            let text = format!("{}.{:0decimals$}", nanos / size, nanos % size);
            format!("{}{name}", text.trim_end_matches('0'))
        }
        _ => format_span(span),
    }
}

/// A rate as people write it: a decimal per second, or per a longer time where that is too small, or one per so much time.
fn decimal_rate(per_second: f64, digits: u32) -> Option<String> {
    let decimal = |(unit, seconds): (&str, f64)| {
        let text = format!("{}/{unit}", rounded(per_second * seconds, digits.min(15)));
        parse_rate(&text).is_ok_and(|rate| !rate.is_zero()).then_some(text)
    };
    if per_second == 0.0 {
        return Some("0/s".to_owned());
    }
    let per = [("s", 1.0), ("m", 60.0), ("h", 3_600.0), ("d", 86_400.0)];
    per.into_iter()
        .find_map(decimal)
        .or_else(|| Some(format!("1/{}", decimal_span(span(1.0 / per_second, digits)?))))
        .filter(|text| units::parse_rate(text).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(quantity: Quantity, number: f64) -> String {
        match quantity.value(number, DIGITS[0]) {
            Some(Value::Text(text)) => text,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn values_are_written_as_people_write_them() {
        for (seconds, expected) in [
            (0.0, "0s"),
            (60.0, "1m"),
            (90.0, "90s"),
            (3_600.0, "1h"),
            (1.5, "1.5s"),
            (2.783_157_683, "2.78316s"),
            (0.25, "250ms"),
            (0.012_345_678_9, "12.3457ms"),
            (1e-9, "1ns"),
        ] {
            assert_eq!(text(Quantity::Time, seconds), expected);
        }
        for (rate, expected) in [
            (10.0, "10/s"),
            (0.002_154_434_69, "0.00215443/s"),
            (1.0 / 3.0, "0.333333/s"),
            (1.0 / (30.0 * 86_400.0), "1/30d"),
            (1e6, "1000000/s"),
        ] {
            assert_eq!(text(Quantity::Rate, rate), expected);
        }
        assert_eq!(text(Quantity::Size, 1_536.2), "1536 B");
        assert_eq!(text(Quantity::Bandwidth, 1_250_000.0), "10 Mbit/s");
    }

    proptest! {
        #[test]
        fn what_is_written_is_close_to_what_was_meant(exponent in -7.0..6.0f64) {
            let number = libm::exp10(exponent);
            for quantity in [Quantity::Time, Quantity::Rate] {
                let written = text(quantity, number);
                let node = Node { place: None, value: Value::Text(written.clone()) };
                let key = Key {
                    path: "demo",
                    kind: Kind::Span,
                    absent: crate::scenario::keys::Absent::Nothing,
                    doc: "",
                };
                let read = quantity.number(&node, &key).unwrap();
                // Six digits, or the nanosecond where that is coarser.
                let error = if quantity == Quantity::Time { 5e-6 * number + 1e-9 } else { 5e-6 * number };
                prop_assert!((read - number).abs() <= error, "{} is {}, not {}", written, read, number);
            }
        }
    }
}

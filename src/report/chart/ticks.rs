//! Where an axis has marks, and what they are called.

use crate::measure::dimension::Dimension;
use crate::report::chart::scale::{Mapping, Scale};
use crate::report::human;

/// A mark of an axis.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tick {
    /// Its value.
    pub(super) value: f64,
    /// What it is called.
    pub(super) label: String,
}

const SECOND: f64 = 1e3;
const MINUTE: f64 = 60.0 * SECOND;
const HOUR: f64 = 60.0 * MINUTE;
const DAY: f64 = 24.0 * HOUR;

/// Units of time in milliseconds, the largest first.
const UNITS: [(f64, &str); 6] = [(DAY, "d"), (HOUR, "h"), (MINUTE, "min"), (SECOND, "s"), (1.0, "ms"), (1e-3, "µs")];

/// Times that people count in, in milliseconds: about ten to one.
const TIMES: [f64; 15] = [
    1e-3,
    1e-2,
    0.1,
    1.0,
    10.0,
    100.0,
    SECOND,
    10.0 * SECOND,
    MINUTE,
    10.0 * MINUTE,
    HOUR,
    10.0 * HOUR,
    DAY,
    10.0 * DAY,
    100.0 * DAY,
];

/// More of them, where a scale is short.
const FINE_TIMES: [f64; 29] = [
    2e-3,
    5e-3,
    2e-2,
    5e-2,
    0.2,
    0.5,
    2.0,
    5.0,
    20.0,
    50.0,
    200.0,
    500.0,
    2.0 * SECOND,
    5.0 * SECOND,
    20.0 * SECOND,
    30.0 * SECOND,
    2.0 * MINUTE,
    5.0 * MINUTE,
    20.0 * MINUTE,
    30.0 * MINUTE,
    2.0 * HOUR,
    5.0 * HOUR,
    12.0 * HOUR,
    2.0 * DAY,
    5.0 * DAY,
    20.0 * DAY,
    50.0 * DAY,
    200.0 * DAY,
    365.0 * DAY,
];

/// Steps between times on a linear axis, in milliseconds.
const TIME_STEPS: [f64; 27] = [
    1.0,
    2.0,
    5.0,
    10.0,
    20.0,
    50.0,
    100.0,
    200.0,
    500.0,
    SECOND,
    2.0 * SECOND,
    5.0 * SECOND,
    10.0 * SECOND,
    20.0 * SECOND,
    30.0 * SECOND,
    MINUTE,
    2.0 * MINUTE,
    5.0 * MINUTE,
    10.0 * MINUTE,
    15.0 * MINUTE,
    30.0 * MINUTE,
    HOUR,
    2.0 * HOUR,
    3.0 * HOUR,
    4.0 * HOUR,
    6.0 * HOUR,
    12.0 * HOUR,
];

/// The marks of an axis: about `wanted`, sorted, all within the stretch of values.
pub(super) fn ticks(mapping: &Mapping, dimension: Dimension, wanted: usize) -> Vec<Tick> {
    match (mapping.scale(), dimension) {
        (Scale::Linear, Dimension::Time) => times(mapping.domain(), wanted),
        (Scale::Linear, _) => linear(mapping.domain(), dimension, wanted),
        (Scale::Logarithmic, Dimension::Time) => {
            let fine = || TIMES.into_iter().chain(FINE_TIMES).collect();
            logarithmic(mapping, dimension, TIMES.to_vec(), fine)
        }
        (Scale::Logarithmic, Dimension::Size) => {
            let powers = |step: i32| (-40..60).step_by(step.unsigned_abs() as usize).map(|n| libm::exp2(f64::from(n)));
            logarithmic(mapping, dimension, powers(5).collect(), || powers(1).collect())
        }
        (Scale::Logarithmic, _) => {
            let powers = |factors: &[f64]| decades(mapping.domain(), factors);
            logarithmic(mapping, dimension, powers(&[1.0]), || powers(&[1.0, 2.0, 5.0]))
        }
    }
}

/// The marks of a logarithmic scale: the coarse ones where there are three of them, and otherwise the fine ones.
fn logarithmic(mapping: &Mapping, dimension: Dimension, coarse: Vec<f64>, fine: impl Fn() -> Vec<f64>) -> Vec<Tick> {
    let within = |mut values: Vec<f64>| {
        values.retain(|value| mapping.contains(*value));
        values.sort_by(f64::total_cmp);
        values
    };
    let mut values = within(coarse);
    if values.len() < 3 {
        values = within(fine());
    }
    if values.len() < 2 {
        // A stretch without a round value is named by its ends.
        values = mapping.domain().to_vec();
    }
    values.into_iter().map(|value| Tick { value, label: label(value, dimension) }).collect()
}

/// Powers of ten around a stretch, each with these factors.
fn decades([low, high]: [f64; 2], factors: &[f64]) -> Vec<f64> {
    let exponents = libm::floor(libm::log10(low)) as i32..=libm::ceil(libm::log10(high)) as i32;
    exponents.flat_map(|exponent| factors.iter().map(move |factor| power_of_ten(exponent, *factor))).collect()
}

/// `factor` times a power of ten, as near as a number can be.
fn power_of_ten(exponent: i32, factor: f64) -> f64 {
    format!("{factor}e{exponent}").parse().unwrap_or(factor)
}

/// Round multiples of 1, 2 or 5 times a power of ten.
fn linear([low, high]: [f64; 2], dimension: Dimension, wanted: usize) -> Vec<Tick> {
    let raw = (high - low) / wanted.max(1) as f64;
    let step = match dimension {
        // Bytes are told in binary units, so their round numbers are powers of two.
        Dimension::Size if raw >= 1.0 => libm::exp2(libm::ceil(libm::log2(raw))),
        _ => round_step(raw),
    };
    multiples([low, high], step).map(|value| Tick { value, label: label(value, dimension) }).collect()
}

/// The round number that is next to a step from above.
pub(super) fn round_step(raw: f64) -> f64 {
    let raw = raw.max(1e-15);
    let exponent = libm::floor(libm::log10(raw)) as i32;
    let candidates = [1.0, 2.0, 5.0, 10.0].map(|factor| power_of_ten(exponent, factor));
    candidates.into_iter().find(|step| *step >= raw * 0.999_999).unwrap_or(raw)
}

/// The round number next to a value from above, for the end of a scale.
pub(super) fn round_up(value: f64) -> f64 {
    let exponent = libm::floor(libm::log10(value.max(1e-15))) as i32;
    let candidates = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0].map(|factor| power_of_ten(exponent, factor));
    candidates.into_iter().find(|round| *round >= value).unwrap_or(value)
}

/// At most so many marks are ever made.
const TICKS_MAX: usize = 100;

fn multiples([low, high]: [f64; 2], step: f64) -> impl Iterator<Item = f64> {
    let first = libm::ceil(low / step - 1e-9);
    (0..TICKS_MAX)
        .map(move |index| (first + index as f64) * step)
        // A sum of rounded numbers may end just beside the end.
        .map(move |value| if (value - high).abs() < step * 1e-9 { high } else { value.max(low) })
        .take_while(move |value| *value <= high)
}

/// Times on a linear axis, all in the largest unit of which the step is a whole multiple.
fn times([low, high]: [f64; 2], wanted: usize) -> Vec<Tick> {
    let raw = (high - low) / wanted.max(1) as f64;
    let days = || round_step(raw / DAY).max(0.5) * DAY;
    let step = match raw < 1.0 {
        true => round_step(raw),
        false => TIME_STEPS.into_iter().find(|step| *step >= raw * 0.999_999).unwrap_or_else(days),
    };
    let is_whole = |(in_ms, _): &(f64, &str)| is_multiple(step, *in_ms);
    let (in_ms, unit) = UNITS.into_iter().find(is_whole).unwrap_or((1.0, "ms"));
    let tick = |value: f64| Tick { value, label: format!("{} {unit}", human::number(value / in_ms)) };
    multiples([low, high], step).map(tick).collect()
}

fn is_multiple(value: f64, of: f64) -> bool {
    let ratio = value / of;
    ratio > 0.999_999 && (ratio - libm::round(ratio)).abs() < 1e-6
}

/// What a round value is called.
pub(super) fn label(value: f64, dimension: Dimension) -> String {
    match dimension {
        Dimension::Number => human::amount(value),
        Dimension::Share => human::percent(value),
        Dimension::Size => human::bytes(value.max(0.0) as u64),
        Dimension::Rate => format!("{}/s", human::amount(value)),
        Dimension::Time => {
            let is_whole = |(in_ms, _): &(f64, &str)| is_multiple(value, *in_ms);
            let whole = |(in_ms, unit)| format!("{} {unit}", human::number(value / in_ms));
            UNITS.into_iter().find(is_whole).map_or_else(|| human::duration_ms(value), whole)
        }
    }
}

#[cfg(test)]
mod tests;

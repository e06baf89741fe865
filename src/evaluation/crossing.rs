//! Where a difference changes its sign along a swept value: found between two points, with an interval.
//!
//! The difference is that of two clients in the same run, or of a figure and what it is to stay below. All values of the
//! swept key meet the same luck (common random numbers), so the difference is smooth enough to look for its root; what is
//! left of chance is told by replications.

use crate::measure::statistics::student_t_975;

/// How distances along the swept value are measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// By their difference.
    Linear,
    /// By their ratio; for values above zero.
    Logarithmic,
}

/// Where the difference changes its sign.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crossing {
    /// The value of the key.
    pub at: f64,
    /// Its 95 % interval; none where the replications do not tell, since the difference is the same on either side.
    pub interval: Option<(f64, f64)>,
    /// Whether the difference grows with the value.
    pub rises: bool,
    /// The replications that the interval comes from.
    pub replications: u32,
}

/// A difference that can be looked at for any value of the swept key.
pub trait Difference {
    /// Why it could not be told.
    type Error;

    /// The difference at a value of the key, in each of the first so many replications; none where it is not defined.
    ///
    /// # Errors
    ///
    /// If a run fails or is stopped.
    fn at(&mut self, value: f64, replications: u32) -> Result<Option<Vec<f64>>, Self::Error>;

    /// The value that the key can hold which is nearest to this one.
    fn representable(&self, value: f64) -> f64;
}

/// The bracket is closed in on until its ends differ by less than this share.
const WIDTH: f64 = 1e-3;
/// The slope is taken over this share of the value to both sides.
const STEP: f64 = 0.02;
/// A value in the middle that is off the line between its neighbours by more than this share of their distance jumps.
const JUMP: f64 = 0.25;
/// At most so many looks at each bracket; halving alone brings a bracket of three decades below the width in 13.
const LOOKS_MAX: u32 = 40;
/// Fewer replications than this make a wide interval.
pub const REPLICATIONS_MIN: u32 = 10;

/// Looks for the root of a difference between two neighbouring points, given with the mean difference at each: in all of
/// `replications` runs to close in on it, in at least [`REPLICATIONS_MIN`] to say how sure it is.
///
/// None where the difference does not change its sign there, or is not defined on the way.
///
/// # Errors
///
/// If a run fails or is stopped.
pub fn find<D: Difference>(
    difference: &mut D,
    scale: Scale,
    replications: u32,
    ends: [(f64, f64); 2],
) -> Result<Option<Crossing>, D::Error> {
    let [(low, at_low), (high, at_high)] = ends;
    if !changes_sign(at_low, at_high) {
        return Ok(None);
    }
    let closed_in =
        close_in(difference, scale, replications, [(scale.forth(low), at_low), (scale.forth(high), at_high)])?;
    let Some(root) = closed_in else { return Ok(None) };
    let rises = at_high > at_low;
    let samples = replications.max(REPLICATIONS_MIN);
    let neighbours = neighbours(difference, scale, scale.back(root), [low.min(high), low.max(high)]);
    let at = difference.representable(scale.back(root));
    let (Some(here), [Some(below), Some(above)]) =
        (difference.at(at, samples)?, [difference.at(neighbours[0], samples)?, difference.at(neighbours[1], samples)?])
    else {
        return Ok(Some(Crossing { at, interval: None, rises, replications: samples }));
    };
    let rise = mean(&above) - mean(&below);
    let slope = rise / (scale.forth(neighbours[1]) - scale.forth(neighbours[0]));
    // Where it jumps there is no slope to go by: the value lies within the bracket, and that is all.
    let jumps = (mean(&here) - f64::midpoint(mean(&above), mean(&below))).abs() > JUMP * rise.abs();
    if !slope.is_finite() || slope == 0.0 || (slope > 0.0) != rises || jumps {
        return Ok(Some(Crossing { at, interval: None, rises, replications: samples }));
    }
    // More replications than closed in on it move the root a little: one step of Newton's method, but not out of the bracket.
    let within = |place: f64| scale.back(place).clamp(low.min(high), low.max(high));
    let centre = scale.forth(at) - mean(&here) / slope;
    let half = half_width(&here) / slope.abs();
    let at = within(centre);
    // Where few replications put the bracket beside the root of more, the interval reaches from the one to the other.
    let interval = (half > 0.0).then(|| (scale.back(centre - half).min(at), scale.back(centre + half).max(at)));
    Ok(Some(Crossing { at, interval, rises, replications: samples }))
}

/// The place of the root after closing in on it from two places with a difference of either sign: the Illinois variant of
/// regula falsi (Dowell and Jarratt 1971), which halves instead where that does not halve the bracket in three looks.
fn close_in<D: Difference>(
    difference: &mut D,
    scale: Scale,
    replications: u32,
    ends: [(f64, f64); 2],
) -> Result<Option<f64>, D::Error> {
    let [mut a, mut b] = ends;
    // The end that stays twice counts for half as much in the next chord, so that it does not stay for ever.
    let mut weights = [1.0, 1.0];
    let (mut moved, mut looks_since_halved, mut last_width) = (None, 0, (b.0 - a.0).abs());
    let chord = |a: (f64, f64), b: (f64, f64)| (a.0 * b.1 - b.0 * a.1) / (b.1 - a.1);
    for _ in 0..LOOKS_MAX {
        if let Some((place, _)) = [a, b].into_iter().find(|(_, value)| *value == 0.0) {
            return Ok(Some(place));
        }
        if scale.is_narrow(a.0, b.0) {
            break;
        }
        let place = chord((a.0, a.1 * weights[0]), (b.0, b.1 * weights[1]));
        let is_between = place > a.0.min(b.0) && place < a.0.max(b.0);
        let place = if looks_since_halved >= 3 || !is_between { f64::midpoint(a.0, b.0) } else { place };
        let place = scale.forth(difference.representable(scale.back(place)));
        if place == a.0 || place == b.0 {
            break;
        }
        let Some(values) = difference.at(scale.back(place), replications)? else { return Ok(None) };
        let value = mean(&values);
        let end = usize::from(changes_sign(a.1, value));
        if end == 1 {
            b = (place, value)
        } else {
            a = (place, value)
        }
        weights[end] = 1.0;
        weights[1 - end] = if moved == Some(end) { weights[1 - end] / 2.0 } else { 1.0 };
        moved = Some(end);
        let width = (b.0 - a.0).abs();
        if width <= last_width / 2.0 {
            (last_width, looks_since_halved) = (width, 0);
        } else {
            looks_since_halved += 1;
        }
    }
    Ok(Some(chord(a, b)))
}

/// Values to both sides of a place that the key can hold, within the bracket.
fn neighbours<D: Difference>(difference: &D, scale: Scale, at: f64, [low, high]: [f64; 2]) -> [f64; 2] {
    let step = match scale {
        Scale::Linear => STEP * at.abs().max((high - low) * STEP),
        Scale::Logarithmic => STEP * at,
    };
    let side = |value: f64, end: f64| {
        let near = difference.representable(value.clamp(low, high));
        // A key of whole numbers may not have any that near.
        if near == difference.representable(at) { end } else { near }
    };
    [side(at - step, low), side(at + step, high)]
}

impl Scale {
    fn forth(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Logarithmic => libm::log(value),
        }
    }

    fn back(self, place: f64) -> f64 {
        match self {
            Self::Linear => place,
            Self::Logarithmic => libm::exp(place),
        }
    }

    fn is_narrow(self, a: f64, b: f64) -> bool {
        let width = (b - a).abs();
        match self {
            Self::Linear => width <= WIDTH * a.abs().max(b.abs()),
            Self::Logarithmic => width <= WIDTH,
        }
    }
}

fn changes_sign(a: f64, b: f64) -> bool {
    (a <= 0.0 && b > 0.0) || (a < 0.0 && b >= 0.0) || (a >= 0.0 && b < 0.0) || (a > 0.0 && b <= 0.0)
}

/// The mean of some values; not a number if there are none.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Half the width of the 95 % interval of the mean.
fn half_width(values: &[f64]) -> f64 {
    let (count, centre) = (values.len() as f64, mean(values));
    let squares: f64 = values.iter().map(|value| (value - centre) * (value - centre)).sum();
    student_t_975(values.len().saturating_sub(1)) * (squares / (count - 1.0) / count).sqrt()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;
    use crate::seed::{Purpose, Seed};

    /// A function with noise that is the same at every value.
    struct Noisy<F> {
        function: F,
        noise: f64,
        step: f64,
        seed: u64,
        looks: u32,
    }

    impl<F: Fn(f64) -> f64> Difference for Noisy<F> {
        type Error = Infallible;

        fn at(&mut self, value: f64, replications: u32) -> Result<Option<Vec<f64>>, Infallible> {
            self.looks += 1;
            let luck = |r: u32| Seed::new(self.seed).draw(Purpose::Replication, [r.into(), 0, 0]).unit() - 0.5;
            Ok(Some((0..replications).map(|r| (self.function)(value) + self.noise * luck(r)).collect()))
        }

        fn representable(&self, value: f64) -> f64 {
            if self.step > 0.0 { (value / self.step).round() * self.step } else { value }
        }
    }

    fn crossing(
        function: impl Fn(f64) -> f64,
        noise: f64,
        step: f64,
        scale: Scale,
        ends: [f64; 2],
    ) -> (Option<Crossing>, u32) {
        let ends = ends.map(|end| (end, function(end)));
        let mut noisy = Noisy { function, noise, step, seed: 5, looks: 0 };
        let Ok(found) = find(&mut noisy, scale, 1, ends);
        (found, noisy.looks)
    }

    proptest! {
        #[test]
        fn a_root_of_a_power_law_is_found_wherever_it_lies(root in 1e-3f64..1e3, power in 0.2f64..4.0, below in 1.1f64..50.0, above in 1.1f64..50.0) {
            let difference = |x: f64| libm::pow(x / root, power) - 1.0;
            let (found, looks) = crossing(difference, 0.0, 0.0, Scale::Logarithmic, [root / below, root * above]);
            let found = found.expect("there is one");
            prop_assert!((found.at / root - 1.0).abs() < 1e-3, "{} for {root}", found.at);
            prop_assert!(found.rises && found.interval.is_none());
            prop_assert!(looks <= 35, "{looks} looks");
        }

        #[test]
        fn a_step_is_found_as_well(root in 1.0f64..1e4) {
            let (found, looks) = crossing(|x| if x < root { 1.0 } else { -7.0 }, 0.0, 0.0, Scale::Logarithmic, [0.5, 2e4]);
            let found = found.expect("there is one");
            prop_assert!((found.at / root - 1.0).abs() < 2e-3 && !found.rises);
            prop_assert!(looks <= LOOKS_MAX + 3);
        }
    }

    #[test]
    fn where_there_is_none_none_is_found() {
        assert_eq!(crossing(|x| x + 1.0, 0.0, 0.0, Scale::Linear, [0.0, 9.0]).0, None);
        assert_eq!(crossing(|_| 0.0, 0.0, 0.0, Scale::Linear, [0.0, 9.0]).0, None);
    }

    #[test]
    fn whole_numbers_stay_whole_numbers() {
        let (found, looks) = crossing(|x| x - 7.4, 0.0, 1.0, Scale::Linear, [1.0, 100.0]);
        // Between 7 and 8 nothing can be tried, but the line says where the root would be.
        assert!(found.is_some_and(|found| (found.at - 7.4).abs() < 0.5), "{found:?}");
        assert!(looks < 20);
    }

    #[test]
    fn the_interval_is_as_wide_as_the_noise_and_holds_the_root_as_often_as_it_says() {
        let runs = 1_000;
        let mut held = 0;
        for seed in 0..runs {
            let function = |x: f64| 10.0 * (x / 3.0 - 1.0);
            let mut noisy = Noisy { function, noise: 1.0, step: 0.0, seed, looks: 0 };
            let Ok(found) = find(&mut noisy, Scale::Logarithmic, 1, [(1.0, function(1.0)), (10.0, function(10.0))]);
            let found = found.expect("there is one");
            let (low, high) = found.interval.expect("with replications");
            assert!(low < found.at && found.at < high && found.replications == REPLICATIONS_MIN, "{found:?}");
            held += u32::from(low < 3.0 && high > 3.0);
            // The noise is uniform, 1 wide, seen ten times, on a slope of 10 for each factor of e.
            let expected = student_t_975(9) * (1.0f64 / 12.0 / 10.0).sqrt() / 10.0 * 3.0;
            let half = (high - low) / 2.0;
            assert!((0.2..2.5).contains(&(half / expected)), "{half} for {expected}");
        }
        // The standard error of a share of 95 % in a thousand is 0.7 %.
        assert!((0.925..0.975).contains(&(f64::from(held) / runs as f64)), "{held}");
    }
}

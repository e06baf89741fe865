//! Where a difference changes its sign along a swept value: found between two points, with an interval.
//!
//! The difference is that of two clients in the same run, or of a figure and what it is to stay below. All values of the
//! swept key meet the same luck (common random numbers), so the difference is smooth enough to look for its root; what is
//! left of chance is told by replications.

use crate::measure::sample::Estimate;

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
    /// Its 95 % interval, which has no width where chance plays no part; none where the runs do not tell, since the difference
    /// jumps from one side to the other.
    pub interval: Option<(f64, f64)>,
    /// Whether the difference grows with the value.
    pub rises: bool,
    /// The replications of each value that it comes from.
    pub replications: u32,
}

/// A difference that can be looked at for any value of the swept key.
pub trait Difference {
    /// Why it could not be told.
    type Error;

    /// The difference at a value of the key, as the first so many replications have it; none where it is not defined, or the
    /// key cannot have the value. One that is no difference at all but has a side to which it belongs is [`LEAN`] to that side.
    ///
    /// # Errors
    ///
    /// If a run fails or is stopped.
    fn at(&mut self, value: f64, replications: u32) -> Result<Option<Estimate>, Self::Error>;

    /// The value that the key can hold which is nearest to this one.
    fn representable(&self, value: f64) -> f64;

    /// Whether the key can have a value.
    fn allows(&self, value: f64) -> bool;
}

/// A place along the swept value with the mean difference there.
type Place = (f64, f64);

/// A difference that is zero and leans to one side: it says on which side it is, and nothing of how far.
pub const LEAN: f64 = f64::MIN_POSITIVE;
/// The bracket is closed in on until its ends differ by less than this share.
const WIDTH: f64 = 1e-3;
/// Or, where the root may be zero, by less than this share of what the bracket was.
const WIDTH_OF_BRACKET: f64 = 1e-6;
/// The slope is taken over this share of the value to both sides.
const STEP: f64 = 0.02;
/// A value in the middle that is off the line between its neighbours by more than this share of their distance jumps.
const JUMP: f64 = 0.25;
/// At most so many looks at each bracket; halving alone brings a bracket of three decades below the width in 13.
const LOOKS_MAX: u32 = 40;
/// So many are usual.
pub const LOOKS: u32 = 8;
/// A slope is taken again, at most so often, where the root turns out to lie beyond the values that it was taken from.
const SLOPES_MAX: u32 = 3;
/// Fewer replications than this make a wide interval.
pub const REPLICATIONS_MIN: u32 = 10;

/// Looks for the root of a difference between two neighbouring points, given with the mean difference at each: in all of
/// `replications` runs to close in on it, in at least [`REPLICATIONS_MIN`] to say how sure it is.
///
/// More runs than closed in on it may put the root beyond the points. None where the difference does not change its sign
/// there, or is not defined on the way.
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
    let crossing = Crossing {
        at: difference.representable(scale.back(root)),
        interval: None,
        rises: at_high > at_low,
        replications,
    };
    // Where there is no difference on one side, no line through it leads to the root.
    if is_lean(at_low) || is_lean(at_high) {
        return Ok(Some(crossing));
    }
    let bracket = [low.min(high), low.max(high)];
    Ok(Some(sampled(difference, scale, bracket, crossing)?.unwrap_or(crossing)))
}

/// The root where more replications have it: a step of Newton's method from where the first ones do, with the interval that the
/// spread of the difference and its slope come to. None where there is no slope to go by.
fn sampled<D: Difference>(
    difference: &mut D,
    scale: Scale,
    bracket: [f64; 2],
    crossing: Crossing,
) -> Result<Option<Crossing>, D::Error> {
    let samples = crossing.replications.max(REPLICATIONS_MIN);
    let mut at = crossing.at;
    for slopes in 1.. {
        let Some(here) = difference.at(at, samples)? else { return Ok(None) };
        let place = scale.forth(at);
        let [below, above] = neighbours(difference, scale, at, bracket, samples)?;
        let [below, above] = [below, above].map(|side| side.unwrap_or((place, here.mean)));
        let Some(slope) = slope(below, (place, here.mean), above) else { return Ok(None) };
        if (slope > 0.0) != crossing.rises {
            return Ok(None);
        }
        let centre = place - here.mean / slope;
        let within = scale.back(centre).clamp(bracket[0], bracket[1]);
        let next = if difference.allows(scale.back(centre)) { scale.back(centre) } else { within };
        // A line says nothing certain of what lies far beyond the values that it was drawn through.
        let is_beyond = centre < below.0 - (place - below.0) || centre > above.0 + (above.0 - place);
        if is_beyond && slopes < SLOPES_MAX {
            at = difference.representable(next);
            continue;
        }
        let half = here.half_width.unwrap_or(0.0) / slope.abs();
        // Where the key cannot have the value itself, the interval reaches to the one nearest to it.
        let interval = (scale.back(centre - half).min(next), scale.back(centre + half).max(next));
        return Ok(Some(Crossing { at: next, interval: Some(interval), replications: samples, ..crossing }));
    }
    Ok(None)
}

/// The slope through three places with their means, in rising order; none where it jumps, or there is none.
fn slope(below: Place, here: Place, above: Place) -> Option<f64> {
    let (run, rise) = (above.0 - below.0, above.1 - below.1);
    let slope = rise / run;
    let share = (here.0 - below.0) / run;
    let off = (here.1 - (below.1 + rise * share)).abs();
    // A jump is less far off the line where the value is nearer to one side.
    let jumps = off > JUMP * 4.0 * share * (1.0 - share) * rise.abs();
    (slope.is_finite() && slope != 0.0 && !jumps).then_some(slope)
}

/// The place of the root after closing in on it from two places with a difference of either sign: the Illinois variant of
/// regula falsi (Dowell and Jarratt 1971), which halves instead where that does not halve the bracket in three looks, and
/// where an end does not say how far it is.
fn close_in<D: Difference>(
    difference: &mut D,
    scale: Scale,
    replications: u32,
    ends: [(f64, f64); 2],
) -> Result<Option<f64>, D::Error> {
    let [mut a, mut b] = ends;
    let whole = (b.0 - a.0).abs();
    // The end that stays twice counts for half as much in the next chord, so that it does not stay for ever.
    let mut weights = [1.0, 1.0];
    let (mut moved, mut looks_since_halved, mut last_width) = (None, 0, whole);
    for _ in 0..LOOKS_MAX {
        if let Some((place, _)) = [a, b].into_iter().find(|(_, value)| *value == 0.0) {
            return Ok(Some(place));
        }
        if scale.is_narrow(a.0, b.0, whole) {
            break;
        }
        let place = chord((a.0, a.1 * weights[0]), (b.0, b.1 * weights[1]));
        let is_between = place > a.0.min(b.0) && place < a.0.max(b.0);
        let halves = looks_since_halved >= 3 || !is_between || is_lean(a.1) || is_lean(b.1);
        let place = if halves { f64::midpoint(a.0, b.0) } else { place };
        let place = scale.forth(difference.representable(scale.back(place)));
        if place == a.0 || place == b.0 {
            break;
        }
        let Some(value) = difference.at(scale.back(place), replications)? else { return Ok(None) };
        let end = usize::from(changes_sign(a.1, value.mean));
        if end == 1 {
            b = (place, value.mean)
        } else {
            a = (place, value.mean)
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
    Ok(Some(if is_lean(a.1) || is_lean(b.1) { f64::midpoint(a.0, b.0) } else { chord(a, b) }))
}

/// Where the line through two places with a difference is zero.
fn chord(a: Place, b: Place) -> f64 {
    (a.0 * b.1 - b.0 * a.1) / (b.1 - a.1)
}

/// Places to both sides of a value with the mean there: as near as the slope asks for, and otherwise the ends of the bracket.
/// None where there is no other value to a side.
fn neighbours<D: Difference>(
    difference: &mut D,
    scale: Scale,
    at: f64,
    [low, high]: [f64; 2],
    samples: u32,
) -> Result<[Option<Place>; 2], D::Error> {
    let least = match scale {
        Scale::Linear => STEP * at.abs().max((high - low) * STEP),
        Scale::Logarithmic => STEP * at,
    };
    let mut side = |direction: f64, end: f64| {
        // A key of whole numbers may not have any that near.
        let steps = std::iter::successors(Some(least), |step| Some(step * 2.0))
            .take_while(|step| *step <= least.max(high - low));
        let near = steps.map(|step| difference.representable(at + direction * step)).find(|near| *near != at);
        for value in near.into_iter().chain([end]).filter(|value| (value - at) * direction > 0.0) {
            if let Some(there) = difference.at(value, samples)? {
                return Ok(Some((scale.forth(value), there.mean)));
            }
        }
        Ok(None)
    };
    Ok([side(-1.0, low)?, side(1.0, high)?])
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

    fn is_narrow(self, a: f64, b: f64, whole: f64) -> bool {
        let width = (b - a).abs();
        match self {
            Self::Linear => width <= (WIDTH * a.abs().max(b.abs())).max(WIDTH_OF_BRACKET * whole),
            Self::Logarithmic => width <= WIDTH,
        }
    }
}

fn is_lean(difference: f64) -> bool {
    difference.abs() <= LEAN
}

fn changes_sign(a: f64, b: f64) -> bool {
    (a <= 0.0 && b > 0.0) || (a < 0.0 && b >= 0.0) || (a >= 0.0 && b < 0.0) || (a > 0.0 && b <= 0.0)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;
    use crate::measure::statistics::student_t_975;
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

        fn at(&mut self, value: f64, replications: u32) -> Result<Option<Estimate>, Infallible> {
            self.looks += 1;
            let luck = |r: u32| Seed::new(self.seed).draw(Purpose::Replication, [r.into(), 0, 0]).unit() - 0.5;
            let values: Vec<_> = (0..replications).map(|r| (self.function)(value) + self.noise * luck(r)).collect();
            Ok(Estimate::of(&values).filter(|_| self.allows(value)))
        }

        fn representable(&self, value: f64) -> f64 {
            if self.step > 0.0 { (value / self.step).round() * self.step } else { value }
        }

        fn allows(&self, value: f64) -> bool {
            value >= 0.0
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
            prop_assert!(found.rises && found.interval == Some((found.at, found.at)), "{found:?}");
            prop_assert!(looks <= 35, "{looks} looks");
        }

        #[test]
        fn a_step_is_found_as_well(root in 1.0f64..1e4) {
            let (found, looks) = crossing(|x| if x < root { 1.0 } else { -7.0 }, 0.0, 0.0, Scale::Logarithmic, [0.5, 2e4]);
            let found = found.expect("there is one");
            prop_assert!((found.at / root - 1.0).abs() < 2e-3 && !found.rises);
            prop_assert_eq!((found.interval, found.replications), (None, 1));
            prop_assert!(looks <= LOOKS_MAX + 3);
        }
    }

    /// A root of a straight line with noise, looked for between two points.
    fn noisy_root(root: f64, noise: f64, seed: u64, scale: Scale, ends: [f64; 2]) -> Option<Crossing> {
        let function = |x: f64| 10.0 * (x / root - 1.0);
        let mut noisy = Noisy { function, noise, step: 0.0, seed, looks: 0 };
        // The points are known from the one run that closes in on the root as well.
        let mut at = |value: f64| {
            let Ok(found) = noisy.at(value, 1);
            (value, found.expect("a value that is allowed").mean)
        };
        let ends = ends.map(&mut at);
        let Ok(found) = find(&mut noisy, scale, 1, ends);
        found
    }

    proptest! {
        #[test]
        fn a_point_near_the_root_changes_nothing(
            seed in any::<u64>(), near in -0.1f64..0.1, is_linear in any::<bool>(), is_below in any::<bool>(),
        ) {
            let scale = if is_linear { Scale::Linear } else { Scale::Logarithmic };
            let far = noisy_root(3.0, 1.0, seed, scale, [1.0, 10.0]).expect("there is one");
            let at = far.at * (1.0 + near);
            // Of the two brackets that the point makes there is one in which a single run has the root.
            let single = 3.0 * (1.0 - 0.1 * (Seed::new(seed).draw(Purpose::Replication, [0, 0, 0]).unit() - 0.5));
            prop_assume!((at - single).abs() > 1e-6 && is_below == (at < single));
            let ends = if at < single { [at, 10.0] } else { [1.0, at] };
            let close = noisy_root(3.0, 1.0, seed, scale, ends).expect("there is one");
            let (low, high) = far.interval.expect("noise has a spread");
            let (near_low, near_high) = close.interval.expect("it has one with the point as well");
            // A straight line is not quite one on the other scale, and is looked at from another place.
            let width = high - low;
            prop_assert!((close.at - far.at).abs() < 0.1 * width, "{close:?} and {far:?}");
            prop_assert!((near_low - low).abs() < 0.1 * width && (near_high - high).abs() < 0.1 * width);
            prop_assert_eq!((close.replications, far.replications), (REPLICATIONS_MIN, REPLICATIONS_MIN));
        }

        #[test]
        fn where_there_is_no_difference_up_to_a_value_that_value_is_found(root in 2e-4f64..0.4, slope in 1e-3f64..1e6) {
            // As of failures: none at first, and then more and more.
            let function = |x: f64| if x <= root { -LEAN } else { slope * (x - root) + 1.0 };
            let (found, looks) = crossing(function, 0.0, 0.0, Scale::Linear, [0.0, 0.5]);
            let found = found.expect("there is one");
            prop_assert!((found.at - root).abs() <= (WIDTH * root).max(WIDTH_OF_BRACKET * 0.5), "{found:?} for {root}");
            prop_assert_eq!((found.interval, found.replications), (None, 1), "a single run does not say how sure it is");
            prop_assert!(looks <= 24, "{} looks", looks);
        }

        #[test]
        fn a_jump_is_none_the_less_one_where_a_point_is_near(root in 1.0f64..1e2, near in 0.001f64..0.05) {
            let function = |x: f64| if x < root { -3.0 } else { 5.0 };
            for ends in [[root * (1.0 - near), 1e3], [0.5, root * (1.0 + near)]] {
                let found = crossing(function, 0.0, 0.0, Scale::Logarithmic, ends).0.expect("there is one");
                prop_assert_eq!((found.interval, found.replications), (None, 1), "{:?}", found);
                prop_assert!((found.at / root - 1.0).abs() < 2e-3);
            }
        }
    }

    #[test]
    fn a_value_that_a_key_cannot_have_is_no_crossing() {
        // One run has the root above zero, and for some of them ten have it below, where the key has no values.
        let found: Vec<_> =
            (0..200).filter_map(|seed| noisy_root(1e-3, 100.0, seed, Scale::Linear, [0.0, 5.0])).collect();
        assert!(found.iter().all(|found| found.at >= 0.0), "{found:?}");
        assert!(
            found.iter().any(|found| found.interval.is_some_and(|(low, _)| low < 0.0 && found.at == 0.0)),
            "{found:?}"
        );
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

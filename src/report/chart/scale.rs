//! From values to pixels.

/// How distances are measured along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// By differences.
    Linear,
    /// By ratios; values that are not above zero stand at the low end.
    Logarithmic,
}

/// The smallest value on a logarithmic scale.
const TINY: f64 = 1e-12;
/// The largest value on any scale.
const HUGE: f64 = 1e18;

/// A stretch of values laid on a stretch of pixels. Whatever it is asked, it answers with a pixel of its stretch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mapping {
    scale: Scale,
    domain: [f64; 2],
    pixels: [f64; 2],
}

impl Mapping {
    /// Values from `domain[0]` to `domain[1]` on the pixels from `pixels[0]` to `pixels[1]`.
    pub(super) fn new(scale: Scale, domain: [f64; 2], pixels: [f64; 2]) -> Self {
        let [low, high] = domain.map(|value| if value.is_finite() { value.clamp(-HUGE, HUGE) } else { 0.0 });
        let domain = match scale {
            Scale::Linear if high > low => [low, high],
            Scale::Linear => [low, low + low.abs().max(1.0)],
            Scale::Logarithmic => {
                let low = low.max(TINY);
                [low, if high > low * 1.000_001 { high } else { low * 10.0 }]
            }
        };
        Self { scale, domain, pixels }
    }

    /// The stretch of values.
    pub(super) const fn domain(&self) -> [f64; 2] {
        self.domain
    }

    /// The stretch of pixels.
    pub(super) const fn pixels(&self) -> [f64; 2] {
        self.pixels
    }

    /// How distances are measured.
    pub(super) const fn scale(&self) -> Scale {
        self.scale
    }

    /// Where a value stands; one outside of the stretch stands at its end.
    pub(super) fn at(&self, value: f64) -> f64 {
        let [low, high] = self.domain;
        let value = if value.is_finite() { value.clamp(low, high) } else { low };
        let share = match self.scale {
            Scale::Linear => (value - low) / (high - low),
            Scale::Logarithmic => libm::log(value / low) / libm::log(high / low),
        };
        let [from, to] = self.pixels;
        from + share.clamp(0.0, 1.0) * (to - from)
    }

    /// Whether a value lies in the stretch.
    pub(super) fn contains(&self, value: f64) -> bool {
        value >= self.domain[0] && value <= self.domain[1]
    }
}

/// The smallest and the largest of the finite values; none without any.
pub(super) fn extent(values: impl IntoIterator<Item = f64>) -> Option<[f64; 2]> {
    values.into_iter().filter(|value| value.is_finite()).fold(None, |extent, value| match extent {
        None => Some([value, value]),
        Some([low, high]) => Some([low.min(value), high.max(value)]),
    })
}

/// The same for a logarithmic scale, where only what is above zero has a place.
pub(super) fn positive_extent(values: impl IntoIterator<Item = f64>) -> Option<[f64; 2]> {
    extent(values.into_iter().filter(|value| *value > 0.0))
}

use proptest::prelude::*;

use super::*;

fn labels(scale: Scale, domain: [f64; 2], dimension: Dimension) -> Vec<String> {
    let mapping = Mapping::new(scale, domain, [0.0, 800.0]);
    ticks(&mapping, dimension, 5).into_iter().map(|tick| tick.label).collect()
}

#[test]
fn times_are_those_that_people_count_in() {
    assert_eq!(
        labels(Scale::Logarithmic, [0.5, 2e6], Dimension::Time),
        ["1 ms", "10 ms", "100 ms", "1 s", "10 s", "1 min", "10 min"]
    );
    assert_eq!(labels(Scale::Logarithmic, [5e6, 2e9], Dimension::Time), ["10 h", "1 d", "10 d"]);
    assert_eq!(labels(Scale::Logarithmic, [15.0, 400.0], Dimension::Time), ["20 ms", "50 ms", "100 ms", "200 ms"]);
    assert_eq!(labels(Scale::Linear, [0.0, 120e3], Dimension::Time), ["0 s", "30 s", "60 s", "90 s", "120 s"]);
    assert_eq!(labels(Scale::Linear, [0.0, 86.4e6], Dimension::Time), ["0 h", "6 h", "12 h", "18 h", "24 h"]);
}

#[test]
fn numbers_are_round() {
    assert_eq!(labels(Scale::Linear, [0.0, 1.0], Dimension::Share), ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]);
    assert_eq!(labels(Scale::Logarithmic, [0.01, 30.0], Dimension::Rate), ["0.01/s", "0.1/s", "1/s", "10/s"]);
    assert_eq!(labels(Scale::Logarithmic, [3.0, 30.0], Dimension::Number), ["5", "10", "20"]);
    assert_eq!(labels(Scale::Linear, [0.0, 3.0 * 1_024.0], Dimension::Size), ["0 B", "1 KiB", "2 KiB", "3 KiB"]);
}

proptest! {
    #[test]
    fn marks_are_sorted_and_lie_within_the_scale(
        low in prop_oneof![-1e6..1e6, (-12.0..17.0).prop_map(|exponent| libm::pow(10.0, exponent)), any::<f64>()],
        ratio in 1.0..1e9,
        is_log in any::<bool>(),
        dimension in prop::sample::select(vec![
            Dimension::Number, Dimension::Share, Dimension::Time, Dimension::Size, Dimension::Rate,
        ]),
    ) {
        let scale = if is_log { Scale::Logarithmic } else { Scale::Linear };
        let mapping = Mapping::new(scale, [low, low + low.abs() * ratio], [0.0, 800.0]);
        let ticks = ticks(&mapping, dimension, 6);
        prop_assert!(ticks.len() <= TICKS_MAX);
        prop_assert!(ticks.iter().all(|tick| mapping.contains(tick.value)), "{ticks:?} in {mapping:?}");
        prop_assert!(ticks.windows(2).all(|pair| pair[0].value < pair[1].value), "{ticks:?}");
        let pixels: Vec<f64> = ticks.iter().map(|tick| mapping.at(tick.value)).collect();
        prop_assert!(pixels.iter().all(|pixel| (0.0..=800.0).contains(pixel)));
    }
}

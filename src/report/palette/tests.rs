use super::*;

/// Linear light of red, green and blue, from 0 to 1.
type Light = [f64; 3];

fn light(colour: &str) -> Light {
    let channel = |from: usize| {
        let value = f64::from(u8::from_str_radix(&colour[from..from + 2], 16).unwrap()) / 255.0;
        if value <= 0.040_45 { value / 12.92 } else { libm::pow((value + 0.055) / 1.055, 2.4) }
    };
    [channel(1), channel(3), channel(5)]
}

/// The contrast of two colours as WCAG 2 reckons it.
fn contrast(a: &str, b: &str) -> f64 {
    let [a, b] = [a, b].map(|colour| {
        let [red, green, blue] = light(colour);
        0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05
    });
    a.max(b) / a.min(b)
}

fn times(matrix: [[f64; 3]; 3], light: Light) -> Light {
    matrix.map(|row| row.iter().zip(light).map(|(factor, value)| factor * value).sum::<f64>().clamp(0.0, 1.0))
}

/// What is seen by readers without cones for green, and without cones for red (the matrices of Machado and others, 2009).
const DEUTERANOPIA: [[f64; 3]; 3] =
    [[0.367_322, 0.860_646, -0.227_968], [0.280_085, 0.672_501, 0.047_413], [-0.011_820, 0.042_940, 0.968_881]];
const PROTANOPIA: [[f64; 3]; 3] =
    [[0.152_286, 1.052_583, -0.204_868], [0.114_503, 0.786_281, 0.099_216], [-0.003_882, -0.048_116, 1.051_998]];
const NONE: [[f64; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

/// The distance of two colours in the Oklab space: 1 lies between black and white.
fn distance(a: Light, b: Light) -> f64 {
    let lab = |light: Light| {
        let cones = times(
            [
                [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
                [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
                [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
            ],
            light,
        )
        .map(libm::cbrt);
        [
            [0.210_454_255_3, 0.793_617_785_0, -0.004_072_046_8],
            [1.977_998_495_1, -2.428_592_205_0, 0.450_593_709_9],
            [0.025_904_037_1, 0.782_771_766_2, -0.808_675_766_0],
        ]
        .map(|row| row.iter().zip(cones).map(|(factor, value)| factor * value).sum::<f64>())
    };
    let (a, b) = (lab(a), lab(b));
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt()
}

fn colour(theme: Theme, name: &str) -> &'static str {
    theme.properties().into_iter().find(|(property, _)| property == name).unwrap_or_else(|| panic!("no {name}")).1
}

#[test]
fn lines_and_text_stand_out_from_what_is_behind_them() {
    for theme in [Theme::Light, Theme::Dark] {
        for behind in ["background", "surface"].map(|name| colour(theme, name)) {
            let mut shapes: Vec<String> = (1..=CLIENT_COLOURS).map(|number| format!("client-{number}")).collect();
            shapes.extend(["duplicate", "throttled", "failed", "fault"].map(Into::into));
            let mut texts: Vec<String> = (1..=CLIENT_COLOURS).map(|number| format!("client-{number}-text")).collect();
            texts.extend(
                ["ink", "muted", "fault-text", "duplicate-text", "throttled-text", "failed-text"].map(Into::into),
            );
            for (names, least) in [(shapes, 3.0), (texts, 4.5)] {
                for name in names {
                    let contrast = contrast(colour(theme, &name), behind);
                    assert!(contrast >= least, "{theme:?}: {name} has a contrast of {contrast:.2} on {behind}");
                }
            }
        }
        for number in 1..=HEAT.len() {
            let [cell, ink] = ["", "-ink"].map(|kind| colour(theme, &format!("heat-{number}{kind}")));
            assert!(contrast(cell, ink) >= 4.5, "{theme:?}: heat {number}: {:.2}", contrast(cell, ink));
        }
    }
}

#[test]
fn clients_can_be_told_apart_by_all_readers() {
    for theme in [Theme::Light, Theme::Dark] {
        for (name, sight) in [("normal", NONE), ("deuteranopia", DEUTERANOPIA), ("protanopia", PROTANOPIA)] {
            for a in 1..=CLIENT_COLOURS {
                for b in 1..a {
                    let [one, other] = [a, b].map(|n| times(sight, light(colour(theme, &format!("client-{n}")))));
                    let distance = distance(one, other);
                    assert!(distance >= 0.08, "{theme:?}, {name}: clients {b} and {a} are only {distance:.3} apart");
                }
            }
        }
    }
}

#[test]
fn neighbours_of_the_heat_scale_differ_and_its_ends_do_so_most() {
    for theme in [Theme::Light, Theme::Dark] {
        for sight in [NONE, DEUTERANOPIA, PROTANOPIA] {
            let cells: Vec<_> =
                (1..=HEAT.len()).map(|n| times(sight, light(colour(theme, &format!("heat-{n}"))))).collect();
            for pair in cells.windows(2) {
                assert!(distance(pair[0], pair[1]) >= 0.04, "{theme:?}: {:.3}", distance(pair[0], pair[1]));
            }
            assert!(distance(cells[0], cells[8]) > 0.15);
        }
    }
}

#[test]
fn the_style_sheet_gives_every_property_in_every_theme() {
    let css = css();
    let names = Theme::Light.properties().len();
    assert_eq!(names, Theme::Dark.properties().len());
    // On light, on dark, either by the attribute, and on paper.
    assert_eq!(css.matches(";--background:").count(), 5);
    for (name, _) in Theme::Light.properties() {
        assert_eq!(css.matches(&format!(";--{name}:")).count(), 5, "{name}");
    }
    assert!(css.trim_end().ends_with("}}"), "paper comes last");
    assert_eq!((client(0), client_text(9)), ("var(--client-1)".into(), "var(--client-2-text)".into()));
}

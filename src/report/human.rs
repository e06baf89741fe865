//! Numbers as people read them: three significant digits and a unit that fits.

/// A length of time, from milliseconds.
pub fn duration_ms(ms: f64) -> String {
    let (in_seconds, unit) = time_unit(ms);
    // Scaled in one step, up or down: a number that is divided twice may end in another digit.
    let seconds = ms / 1e3;
    let value = if in_seconds < 1.0 { seconds * (1.0 / in_seconds) } else { seconds / in_seconds };
    format!("{} {unit}", three_digits(value))
}

/// The unit in which a length of time is not small: how many seconds it has, and what it is called.
fn time_unit(ms: f64) -> (f64, &'static str) {
    match ms / 1e3 {
        0.0 => (1.0, "s"),
        s if s < 0.999_5e-3 => (1e-6, "µs"),
        s if s < 0.999_5 => (1e-3, "ms"),
        s if s < 119.95 => (1.0, "s"),
        s if s < 7_197.0 => (60.0, "min"),
        s if s < 172_728.0 => (3_600.0, "h"),
        _ => (86_400.0, "d"),
    }
}

/// A mean length of time from milliseconds, and how far it may be off: `5.02 ± 0.13 s`.
pub fn estimate_ms(mean: f64, half_width: f64) -> String {
    let (in_seconds, unit) = time_unit(mean);
    let scaled = |ms: f64| ms / 1e3 / in_seconds;
    format!("{} {unit}", plus_minus(scaled(mean), scaled(half_width)))
}

/// A mean share as a percentage, and how far it may be off.
pub fn estimate_percent(mean: f64, half_width: f64) -> String {
    format!("{} %", plus_minus(mean * 100.0, half_width * 100.0))
}

/// A mean number, and how far it may be off.
pub fn estimate_number(mean: f64, half_width: f64) -> String {
    plus_minus(mean, half_width)
}

/// A mean number of bytes, and how far it may be off.
pub fn estimate_bytes(mean: f64, half_width: f64) -> String {
    let (in_bytes, unit) = byte_unit(mean);
    format!("{} {unit}", plus_minus(mean / in_bytes, half_width / in_bytes))
}

/// A mean amount of something that may be as small as it likes, and how far it may be off.
pub fn estimate_amount(mean: f64, half_width: f64) -> String {
    if is_exact(mean, half_width) { amount(mean) } else { plus_minus(mean, half_width) }
}

/// Files hold nine digits: what may be off by less is not known to be.
const ROUNDING: f64 = 1e-9;
/// As many digits behind the point as a number has.
const DECIMALS_MAX: i32 = 15;
/// With more digits behind the point than this, an error is shown with one digit alone.
const DECIMALS_WIDE: i32 = 6;
/// Of a value that is surer than so many digits tell, one digit less is shown.
const DIGITS_MAX: i32 = 6;

fn is_exact(value: f64, half_width: f64) -> bool {
    half_width <= ROUNDING * value.abs()
}

/// A number and how far it may be off, in as many digits as that allows; by itself where it cannot be off.
fn plus_minus(value: f64, half_width: f64) -> String {
    if is_exact(value, half_width) {
        return number(value);
    }
    // Two digits of the error where it begins with a small one and otherwise one, and the value to the same place.
    let magnitude = magnitude(half_width);
    let is_small = half_width / libm::pow(10.0, f64::from(magnitude)) < 3.55;
    let decimals = i32::from(is_small) - magnitude;
    let decimals = if decimals > DECIMALS_WIDE { (decimals - 1).max(DECIMALS_WIDE) } else { decimals };
    // Nobody reads ten digits: those that are shown are sure.
    let before = self::magnitude(value) + 1;
    let enough = if before + decimals > DIGITS_MAX { (DIGITS_MAX - 1 - before).max(0) } else { decimals };
    let enough = enough.clamp(0, DECIMALS_MAX) as usize;
    let last = libm::pow(10.0, -(enough as f64));
    let error = if half_width < last / 2.0 { format!("< {}", fixed(last, enough)) } else { fixed(half_width, enough) };
    format!("{} ± {error}", fixed(value, enough))
}

/// The power of ten of the first digit of a number; that of the units for 0.
fn magnitude(value: f64) -> i32 {
    if value == 0.0 { 0 } else { libm::floor(libm::log10(value.abs())) as i32 }
}

/// A number with so many digits behind the point; from a thousand on those before it are grouped.
fn fixed(value: f64, decimals: usize) -> String {
    if decimals == 0 {
        return number(libm::round(value));
    }
    let text = format!("{value:.decimals$}");
    let (whole, rest) = text.split_at(text.len() - decimals - 1);
    match whole.trim_start_matches('-').parse::<u64>() {
        Ok(size) if size >= 1_000 => format!("{}{}{rest}", if value < 0.0 { "-" } else { "" }, count(size)),
        _ => text,
    }
}

/// A length of time, from seconds.
pub fn duration_secs(seconds: f64) -> String {
    duration_ms(seconds * 1e3)
}

/// A whole number with a thin gap between thousands: 1,234,567.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number with about three significant digits, and no exponent.
pub fn number(value: f64) -> String {
    match value.abs() {
        v if (999.5..1e18).contains(&v) => {
            let sign = if value < 0.0 { "-" } else { "" };
            format!("{sign}{}", count(libm::round(v) as u64))
        }
        _ => three_digits(value),
    }
}

/// An amount of something that may be as small as it likes: three significant digits, and no exponent.
pub fn amount(value: f64) -> String {
    match value.abs() {
        v if v >= 999.5 => number(value),
        _ => format!("{value:.2e}").parse::<f64>().map_or_else(|_| String::new(), |rounded| rounded.to_string()),
    }
}

/// A share as a percentage.
pub fn percent(share: f64) -> String {
    format!("{} %", three_digits(share * 100.0))
}

/// Beyond this, it does not matter how large a factor is.
const FACTOR_MAX: f64 = 999_999.5;

/// A factor: `6.6 x`, and below a tenth the other way round: `1/66`.
pub fn factor(value: f64) -> String {
    match value {
        v if v >= FACTOR_MAX => "> 10^6 x".into(),
        v if v > 0.0 && v <= 1.0 / FACTOR_MAX => "< 1/10^6".into(),
        v if v > 0.0 && v < 0.0995 => format!("1/{}", number(1.0 / v)),
        v => format!("{} x", number(v)),
    }
}

/// A number of things, in the singular where it is one.
pub fn things(value: f64, one: &str, many: &str) -> String {
    let text = number(value);
    format!("{text} {}", if text == "1" { one } else { many })
}

/// A number of bytes, in binary units.
pub fn bytes(bytes: u64) -> String {
    let (in_bytes, unit) = byte_unit(bytes as f64);
    format!("{} {unit}", three_digits(bytes as f64 / in_bytes))
}

/// The binary unit in which a number of bytes is not large: how many bytes it has, and what it is called.
fn byte_unit(bytes: f64) -> (f64, &'static str) {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let (mut in_bytes, mut unit) = (1.0, 0);
    while bytes / in_bytes >= 999.5 && unit + 1 < UNITS.len() {
        in_bytes *= 1_024.0;
        unit += 1;
    }
    (in_bytes, UNITS[unit])
}

/// How often events happen, in the shortest unit of time in which the number is not small: `5 events a second`.
pub fn event_rate(per_second: f64) -> String {
    let (value, unit) = match per_second {
        r if r >= 0.1 || r == 0.0 => (r, "a second"),
        r if r >= 0.995 / 60.0 => (r * 60.0, "a minute"),
        r if r >= 0.995 / 3_600.0 => (r * 3_600.0, "an hour"),
        r => (r * 86_400.0, "a day"),
    };
    format!("{} {unit}", things(value, "event", "events"))
}

fn three_digits(value: f64) -> String {
    let magnitude = value.abs();
    let decimals = match magnitude {
        m if m == 0.0 || m >= 99.95 => 0,
        m if m >= 9.995 => 1,
        m if m >= 0.995 => 2,
        m if m >= 0.0995 => 3,
        m if m >= 0.00995 => 4,
        _ => 5,
    };
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_take_the_unit_that_fits() {
        let cases = [
            (0.0, "0 s"),
            (0.0215, "21.5 µs"),
            (0.9996, "1 ms"),
            (22.04, "22 ms"),
            (152.4, "152 ms"),
            (5_021.0, "5.02 s"),
            (59_450.0, "59.5 s"),
            (150_250.0, "2.5 min"),
            (7_200_000.0, "2 h"),
            (864_000_000.0, "10 d"),
        ];
        for (ms, text) in cases {
            assert_eq!(duration_ms(ms), text);
        }
    }

    #[test]
    fn an_error_says_how_many_digits_count() {
        let times = [
            ((5_021.3, 130.0), "5.02 ± 0.13 s"),
            ((152.4, 12.3), "152 ± 12 ms"),
            ((60_000.0, 0.0), "60 s"),
            ((60_000.0, 0.1), "60.000 ± < 0.001 s"),
            ((732.4, 1.6e-3), "732.40 ± < 0.01 ms"),
            ((150_250.0, 61_000.0), "2.5 ± 1.0 min"),
        ];
        for ((mean, half), text) in times {
            assert_eq!(estimate_ms(mean, half), text);
        }
        assert_eq!(estimate_number(12_345.6, 123.0), "12,346 ± 123");
        assert_eq!(estimate_number(1_234.0, 5.25), "1,234 ± 5");
        assert_eq!(estimate_number(1_234.0, 0.0123), "1,234.0 ± < 0.1");
        assert_eq!(estimate_percent(8.3e-7, 2e-9), "0.0000830 ± 0.0000002 %");
        assert_eq!(estimate_amount(8.3e-7, 2.1e-9), "0.000000830 ± 0.000000002");
        assert_eq!((estimate_amount(8.3e-7, 0.0), estimate_amount(12.34, 1e-9)), ("0.00000083".into(), "12.3".into()));
        assert_eq!((estimate_number(1.0, 0.0), estimate_number(0.0, 0.0)), ("1".into(), "0".into()));
        assert_eq!(estimate_percent(0.9851, 0.0023), "98.51 ± 0.23 %");
        assert_eq!(estimate_bytes(1_536.0, 100.0), "1.50 ± 0.10 KiB");
        assert_eq!(estimate_bytes(34_213.9, 1.6), "33.4120 ± 0.0016 KiB");
    }

    proptest! {
        #[test]
        fn what_is_shown_as_sure_is_sure(value in -1e9..1e9f64, share in 1e-8..10.0f64) {
            let half = value.abs() * share;
            prop_assume!(half > 1e-12);
            let text = estimate_number(value, half);
            let (shown, error) = text.split_once(" ± ").expect("it may be off");
            let read = |text: &str| text.replace(',', "").parse::<f64>().expect("a number");
            let shown = read(shown);
            match error.strip_prefix("< ") {
                // Of what is surer than anybody reads, all digits that are shown are sure.
                Some(last) => prop_assert!(half < read(last) / 2.0 && (shown - value).abs() <= 0.51 * read(last), "{text}"),
                // The error is shown with one or two digits, and the value to the same place.
                None => {
                    prop_assert!((read(error) / half - 1.0).abs() <= 0.5, "{text} for {half}");
                    prop_assert!((shown - value).abs() <= 1.01 * half, "{text} for {value}");
                }
            }
        }
    }

    #[test]
    fn numbers_are_short() {
        let numbers =
            [(0.0, "0"), (0.0151, "0.0151"), (1.0, "1"), (66.165, "66.2"), (0.5, "0.5"), (12_345.6, "12,346")];
        for (value, text) in numbers {
            assert_eq!(number(value), text);
        }
        assert_eq!((factor(6.61), factor(0.138), factor(0.0151)), ("6.61 x".into(), "0.138 x".into(), "1/66.2".into()));
        assert_eq!((things(1.0, "poll", "polls"), things(0.5, "poll", "polls")), ("1 poll".into(), "0.5 polls".into()));
        assert_eq!((count(999), count(1_234_567)), ("999".into(), "1,234,567".into()));
        assert_eq!(
            (amount(0.000_001_234), amount(12.345), amount(0.0)),
            ("0.00000123".into(), "12.3".into(), "0".into())
        );
        assert_eq!((amount(999.9), amount(1_234_567.0)), ("1,000".into(), "1,234,567".into()));
        assert_eq!((percent(0.985), percent(1.0), percent(0.0)), ("98.5 %".into(), "100 %".into(), "0 %".into()));
        assert_eq!(
            (bytes(0), bytes(1_023), bytes(1_536), bytes(5 << 20)),
            ("0 B".into(), "1 KiB".into(), "1.5 KiB".into(), "5 MiB".into())
        );
        assert_eq!((event_rate(4.0), event_rate(1.0 / 60.0)), ("4 events a second".into(), "1 event a minute".into()));
        assert_eq!((event_rate(0.003), factor(2e9)), ("10.8 events an hour".into(), "> 10^6 x".into()));
    }
}

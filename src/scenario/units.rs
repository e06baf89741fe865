//! Durations, rates and sizes as people write them, and back.
//!
//! Everything is exact: decimals are scaled as integers, and what does not come out whole is an error. The formatters give
//! the one canonical text of a value, which parses back to the same value.

use std::fmt;

use crate::time::{SECOND, Span};

/// Why a text is not a duration, rate or size: what is wrong with it, as the end of a sentence, and what to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitError {
    /// The end of a sentence whose subject is the text, such as "has no unit".
    pub what: String,
    /// What to write instead.
    pub help: String,
}

impl fmt::Display for UnitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.help)
    }
}

impl std::error::Error for UnitError {}

/// A text that is wrong in this way, and what to write instead.
pub(super) fn error(what: impl Into<String>, help: impl Into<String>) -> UnitError {
    UnitError { what: what.into(), help: help.into() }
}

/// The regular expression of a duration, for the JSON Schema.
pub const SPAN_PATTERN: &str = r"^\s*([0-9]+(\.[0-9]+)?\s*(ns|us|µs|μs|ms|s|m|min|h|d)\s*)+$";
/// The regular expression of a rate, for the JSON Schema.
pub const RATE_PATTERN: &str =
    r"^\s*[0-9]+(\.[0-9]+)?\s*/\s*([0-9]+(\.[0-9]+)?\s*)?(ns|us|µs|μs|ms|s|m|min|h|d)(\s*[0-9][0-9.]*\s*[a-zµμ]+)*\s*$";
/// The regular expression of a size, for the JSON Schema.
pub const SIZE_PATTERN: &str = r"^\s*[0-9]+(\.[0-9]+)?\s*(B|kB|KB|KiB|MB|MiB)\s*$";

const SPAN_HELP: &str = r#"write a number and a unit, such as "10s", "250ms" or "1h 30m""#;
const SPAN_UNITS_HELP: &str = "the units are ns, us, ms, s, m, h and d";
const RATE_HELP: &str = r#"write a number per time, such as "10/s", "3/h" or "1/10s""#;
const SIZE_HELP: &str = r#"write a number and a unit, such as "512 B", "1 KiB" or "2 kB""#;

/// The longest duration and the largest size that advice offers: nothing in a scenario file may be beyond them.
const ADVISED_SPAN_MAX: Span = Span::from_secs(3_650 * 86_400);
const ADVISED_SIZE_MAX: u64 = 1 << 20;

/// Nanoseconds in one of a unit.
fn span_unit(unit: &str) -> Option<u64> {
    Some(match unit {
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
        "ms" => 1_000_000,
        "s" => SECOND,
        "m" | "min" => 60 * SECOND,
        "h" => 3_600 * SECOND,
        "d" => 86_400 * SECOND,
        _ => return None,
    })
}

/// Nanoseconds in one of a unit, also under the other words that people have for it.
pub(super) fn unit_nanos(unit: &str) -> Option<u64> {
    span_unit(unit).or_else(|| span_unit(meant_unit(unit)?))
}

/// The unit that somebody who writes another word for it means.
fn meant_unit(unit: &str) -> Option<&'static str> {
    Some(match unit.to_lowercase().as_str() {
        "nsec" | "nanos" | "nanosecond" | "nanoseconds" => "ns",
        "usec" | "micros" | "microsecond" | "microseconds" => "us",
        "msec" | "msecs" | "milli" | "millis" | "millisecond" | "milliseconds" => "ms",
        "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "m" | "min" | "mins" | "minute" | "minutes" => "m",
        "h" | "hr" | "hrs" | "hour" | "hours" => "h",
        "d" | "day" | "days" => "d",
        _ => return None,
    })
}

/// A decimal number without sign: `mantissa / 10^scale`.
#[derive(Clone, Copy)]
pub(super) struct Decimal {
    mantissa: u128,
    scale: u32,
}

/// Why a decimal is not a whole number of something.
pub(super) enum Inexact {
    /// A fraction would be left.
    TooPrecise,
    /// There is no room for it.
    TooLarge,
}

impl Decimal {
    /// The number at the start of a text, and the rest of the text; none if there is no number.
    pub(super) fn take(text: &str) -> Option<(Result<Self, Inexact>, &str, &str)> {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let whole = digits(text);
        if whole == 0 {
            return None;
        }
        let mut end = whole;
        let mut fraction = "";
        if let Some(after) = text[whole..].strip_prefix('.') {
            let decimals = digits(after);
            if decimals == 0 {
                return None;
            }
            fraction = after[..decimals].trim_end_matches('0');
            end += 1 + decimals;
        }
        let number = Self::from_digits(&text[..whole], fraction);
        Some((number, &text[..end], &text[end..]))
    }

    fn from_digits(whole: &str, fraction: &str) -> Result<Self, Inexact> {
        let mut mantissa = 0u128;
        for digit in whole.bytes().chain(fraction.bytes()) {
            let shifted = mantissa.checked_mul(10).and_then(|m| m.checked_add(u128::from(digit - b'0')));
            // Digits past the thirty-eighth make a number too long before the point, too precise behind it.
            mantissa = shifted.ok_or(if whole.len() > 30 { Inexact::TooLarge } else { Inexact::TooPrecise })?;
        }
        Ok(Self { mantissa, scale: u32::try_from(fraction.len()).map_err(|_| Inexact::TooPrecise)? })
    }

    /// The number times `unit`, if that is a whole number.
    pub(super) fn times(self, unit: u64) -> Result<u64, Inexact> {
        let product = self.mantissa.checked_mul(unit.into()).ok_or(Inexact::TooLarge)?;
        let divisor = 10u128.checked_pow(self.scale).ok_or(Inexact::TooPrecise)?;
        if !product.is_multiple_of(divisor) {
            return Err(Inexact::TooPrecise);
        }
        u64::try_from(product / divisor).map_err(|_| Inexact::TooLarge)
    }
}

/// Splits letters off the start of a text.
fn take_word(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len()))
}

/// Reads a duration: one or more numbers with a unit each, which are added.
///
/// # Errors
///
/// What is wrong with the text: no unit, an unknown one, a negative or malformed number, more precision than one
/// nanosecond, or more than 584 years.
pub fn parse_span(text: &str) -> Result<Span, UnitError> {
    let mut rest = text.trim();
    if rest.starts_with('-') {
        return Err(error("is negative", "write a duration of zero or more"));
    }
    let mut total = 0u64;
    loop {
        let Some((number, written, after)) = Decimal::take(rest) else {
            return Err(error("is not a duration", SPAN_HELP));
        };
        let (unit, after) = take_word(after.trim_start());
        let nanos = span_unit(unit).ok_or_else(|| unknown_unit(written, unit, after))?;
        let part = number.and_then(|number| number.times(nanos)).map_err(|inexact| inexact_span(&inexact))?;
        total = total.checked_add(part).ok_or_else(|| inexact_span(&Inexact::TooLarge))?;
        rest = after.trim_start();
        if rest.is_empty() {
            return Ok(Span::from_nanos(total));
        }
    }
}

fn unknown_unit(number: &str, unit: &str, after: &str) -> UnitError {
    let advice = |unit: &str| {
        let text = format!("{number}{unit}");
        let is_good = parse_span(&text).is_ok_and(|span| span <= ADVISED_SPAN_MAX);
        if is_good { format!("write \"{text}\"") } else { SPAN_HELP.to_owned() }
    };
    match (unit, meant_unit(unit)) {
        ("", _) if after.trim().is_empty() => error("has no unit", advice("s")),
        ("", _) => error("is not a duration", SPAN_HELP),
        (_, Some(meant)) => error(format!("has the unknown unit `{unit}`"), advice(meant)),
        (_, None) => error(format!("has the unknown unit `{unit}`"), SPAN_UNITS_HELP),
    }
}

fn inexact_span(inexact: &Inexact) -> UnitError {
    match inexact {
        Inexact::TooPrecise => error("is more precise than a nanosecond", "write a whole number of nanoseconds"),
        Inexact::TooLarge => error("is too long", "the longest duration is 584 years"),
    }
}

/// The canonical text of a duration: a whole number of the largest unit that needs no fraction.
pub fn format_span(span: Span) -> String {
    let nanos = span.as_nanos();
    if nanos == 0 {
        return "0s".to_owned();
    }
    let units = ["d", "h", "m", "s", "ms", "us"];
    let unit = units.into_iter().find(|unit| span_unit(unit).is_some_and(|size| nanos.is_multiple_of(size)));
    let unit = unit.unwrap_or("ns");
    format!("{}{unit}", nanos / span_unit(unit).unwrap_or(1))
}

/// So many events in so much time, as a fraction in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    events: u64,
    nanos: u64,
}

impl Rate {
    /// So many events per span; none if the span is zero.
    pub fn new(events: u64, per: Span) -> Option<Self> {
        Self::from_fraction(events.into(), per.as_nanos().into())
    }

    fn from_fraction(events: u128, nanos: u128) -> Option<Self> {
        if nanos == 0 {
            return None;
        }
        let divisor = greatest_common_divisor(events, nanos).max(1);
        let part = |value: u128| u64::try_from(value / divisor).ok();
        Some(Self { events: part(events)?, nanos: part(nanos)? })
    }

    /// So many events, and the time that they take: the fraction in lowest terms.
    pub const fn fraction(self) -> (u64, Span) {
        (self.events, Span::from_nanos(self.nanos))
    }

    /// Whether nothing ever happens at this rate.
    pub const fn is_zero(self) -> bool {
        self.events == 0
    }

    /// The mean gap between events in nanoseconds; infinite at a rate of zero.
    pub fn gap_nanos(self) -> f64 {
        self.nanos as f64 / self.events as f64
    }

    /// The expected number of events in a span.
    pub fn expected_in(self, span: Span) -> f64 {
        span.as_nanos() as f64 * (self.events as f64 / self.nanos as f64)
    }

    /// The rate times so many nanoseconds and `10^decimals`, if that is a whole number.
    fn whole(self, nanos: u64, decimals: u32) -> Option<u128> {
        let scaled = u128::from(self.events).checked_mul(nanos.into())?.checked_mul(10u128.checked_pow(decimals)?)?;
        scaled.is_multiple_of(self.nanos.into()).then(|| scaled / u128::from(self.nanos))
    }
}

const fn greatest_common_divisor(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Reads a rate: a number, a slash, and a unit of time or a duration.
///
/// # Errors
///
/// What is wrong with the text: no unit, a negative or malformed number, or a time that is none.
pub fn parse_rate(text: &str) -> Result<Rate, UnitError> {
    let text = text.trim();
    if text.starts_with('-') {
        return Err(error("is negative", "write a rate above zero"));
    }
    let Some((number, written, rest)) = Decimal::take(text) else {
        return Err(error("is not a rate", RATE_HELP));
    };
    let rest = rest.trim_start();
    if rest.is_empty() {
        return Err(error("has no unit", rate_advice(written, "s")));
    }
    let Some(per) = rest.strip_prefix('/').map(str::trim) else {
        return Err(error("is not a rate", RATE_HELP));
    };
    let per = match span_unit(per) {
        Some(nanos) => Span::from_nanos(nanos),
        None => match meant_unit(per) {
            Some(meant) => {
                return Err(error(format!("has the unknown unit `{per}`"), rate_advice(written, meant)));
            }
            None => parse_span(per).map_err(|_| error("is not a rate", RATE_HELP))?,
        },
    };
    if per.is_zero() {
        return Err(error("is a rate per no time", RATE_HELP));
    }
    let out_of_range = || error("is out of range", "write a rate with fewer digits");
    let Decimal { mantissa, scale } = number.map_err(|_| out_of_range())?;
    let nanos = 10u128.checked_pow(scale).and_then(|power| power.checked_mul(per.as_nanos().into()));
    nanos.and_then(|nanos| Rate::from_fraction(mantissa, nanos)).ok_or_else(out_of_range)
}

/// The advice to write so much per unit, if that is a rate at which anything happens.
fn rate_advice(number: &str, unit: &str) -> String {
    let text = format!("{number}/{unit}");
    let is_good = parse_rate(&text).is_ok_and(|rate| !rate.is_zero());
    if is_good { format!("write \"{text}\"") } else { RATE_HELP.to_owned() }
}

/// The canonical text of a rate: per second if that takes at most three decimals, else per longest unit that divides it.
pub fn format_rate(rate: Rate) -> String {
    if let Some(thousandths) = rate.whole(SECOND, 3) {
        let text = format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000);
        return format!("{}/s", text.trim_end_matches('0').trim_end_matches('.'));
    }
    for unit in ["m", "h", "d"] {
        if let Some(count) = span_unit(unit).and_then(|nanos| rate.whole(nanos, 0)) {
            return format!("{count}/{unit}");
        }
    }
    format!("{}/{}", rate.events, format_span(Span::from_nanos(rate.nanos)))
}

/// Bytes in one of a unit.
fn size_unit(unit: &str) -> Option<u64> {
    Some(match unit {
        "B" => 1,
        "kB" | "KB" => 1_000,
        "KiB" => 1 << 10,
        "MB" => 1_000_000,
        "MiB" => 1 << 20,
        _ => return None,
    })
}

/// Reads a size in bytes: a number and a unit.
///
/// # Errors
///
/// What is wrong with the text: no unit, an unknown one, a negative or malformed number, or a fraction of a byte.
pub fn parse_size(text: &str) -> Result<u64, UnitError> {
    let text = text.trim();
    if text.starts_with('-') {
        return Err(error("is negative", "write a size of zero or more"));
    }
    let Some((number, written, rest)) = Decimal::take(text) else {
        return Err(error("is not a size", SIZE_HELP));
    };
    let unit = rest.trim();
    if unit.is_empty() {
        let texts = ["B", "KiB"].map(|unit| format!("{written} {unit}"));
        let is_good = |text: &&String| parse_size(text).is_ok_and(|size| size <= ADVISED_SIZE_MAX);
        let good: Vec<_> = texts.iter().filter(is_good).map(|text| format!("\"{text}\"")).collect();
        let help = if good.is_empty() { SIZE_HELP.to_owned() } else { format!("write {}", good.join(" or ")) };
        return Err(error("has no unit", help));
    }
    let Some(bytes) = size_unit(unit) else {
        return Err(error(format!("has the unknown unit `{unit}`"), "the units are B, kB, KiB, MB and MiB"));
    };
    number.and_then(|number| number.times(bytes)).map_err(|inexact| match inexact {
        Inexact::TooPrecise => error("is not a whole number of bytes", SIZE_HELP),
        Inexact::TooLarge => error("is too large", SIZE_HELP),
    })
}

/// The canonical text of a size: a whole number of the largest unit that needs no fraction.
pub fn format_size(bytes: u64) -> String {
    if bytes == 0 {
        return "0 B".to_owned();
    }
    let units = ["MiB", "KiB", "MB", "kB"];
    let unit = units.into_iter().find(|unit| size_unit(unit).is_some_and(|size| bytes.is_multiple_of(size)));
    let unit = unit.unwrap_or("B");
    format!("{} {unit}", bytes / size_unit(unit).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn nanos(text: &str) -> Result<u64, String> {
        parse_span(text).map(Span::as_nanos).map_err(|error| error.to_string())
    }

    #[test]
    fn durations_are_read_exactly() {
        for (text, expected) in [
            ("250ms", 250_000_000),
            ("1.5s", 1_500_000_000),
            ("1h 30m", 5_400_000_000_000),
            ("1h30min", 5_400_000_000_000),
            ("0.000000001s", 1),
            ("1.10 ms", 1_100_000),
            ("3 µs", 3_000),
            (" 2d ", 172_800_000_000_000),
            ("0s", 0),
        ] {
            assert_eq!(nanos(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_says_why() {
        for (text, expected) in [
            ("10", "has no unit: write \"10s\""),
            ("10 seconds", "has the unknown unit `seconds`: write \"10s\""),
            ("99999999999999999999", "has no unit: write a number and a unit"),
            ("9999999999", "has no unit: write a number and a unit"),
            ("1.0000000001", "has no unit: write a number and a unit"),
            ("99999999999999999999 hours", "has the unknown unit `hours`: write a number and a unit"),
            ("10 fortnights", "has the unknown unit `fortnights`"),
            ("-1s", "is negative"),
            ("1.5ns", "is more precise than a nanosecond"),
            ("1000y", "has the unknown unit `y`"),
            ("300000d", "is too long"),
            ("99999999999999999999999999999999999999999999s", "is too long"),
            ("", "is not a duration"),
            ("soon", "is not a duration"),
            ("1.s", "is not a duration"),
            ("1h,30m", "is not a duration"),
        ] {
            let error = nanos(text).expect_err(text);
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }

    #[test]
    fn rates_are_fractions() {
        for (text, canonical) in [
            ("10/s", "10/s"),
            ("0.1/s", "0.1/s"),
            ("1/10s", "0.1/s"),
            ("600/min", "10/s"),
            ("3/h", "3/h"),
            ("1/7s", "1/7s"),
            ("2.5/h", "60/d"),
            ("0.0001/s", "1/10000s"),
            ("1/1h 30m", "16/d"),
        ] {
            assert_eq!(parse_rate(text).map(format_rate).as_deref(), Ok(canonical), "{text}");
        }
        assert!(parse_rate("0/s").is_ok_and(Rate::is_zero));
        for (text, help) in [
            ("10", "write \"10/s\""),
            ("0", RATE_HELP),
            ("99999999999999999999", RATE_HELP),
            ("5/sec", "write \"5/s\""),
        ] {
            assert_eq!(parse_rate(text).map_err(|error| error.help), Err(help.to_owned()), "{text}");
        }
        for text in ["10", "10/", "/s", "-1/s", "1/0s", "10 per s", "1/s/s", "1/sec", "9e9/s"] {
            assert!(parse_rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_whole_bytes() {
        for (text, bytes) in [("1 KiB", 1_024), ("1KB", 1_000), ("1.5 KiB", 1_536), ("2 MB", 2_000_000), ("0 B", 0)] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        for (text, help) in [
            ("1024", "write \"1024 B\" or \"1024 KiB\""),
            ("2000", "write \"2000 B\""),
            ("0.5", "write \"0.5 KiB\""),
            ("9999999999", SIZE_HELP),
        ] {
            assert_eq!(parse_size(text).map_err(|error| error.help), Err(help.to_owned()), "{text}");
        }
        for text in ["1", "1 kb", "0.5 B", "-1 B", "big", "1 GiB"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn canonical_texts_parse_back(value in any::<u64>(), power in 0u32..10, per in 1u64..1 << 50) {
            let span = Span::from_nanos(value / 10u64.pow(power));
            prop_assert_eq!(parse_span(&format_span(span)), Ok(span));
            prop_assert_eq!(parse_size(&format_size(value >> power)), Ok(value >> power));
            let rate = Rate::new(value >> 20, Span::from_nanos(per)).expect("time passes");
            prop_assert_eq!(parse_rate(&format_rate(rate)), Ok(rate));
        }

        #[test]
        fn no_text_panics(text in "[ -~µ]{0,20}", numbers in "[0-9./ smhd]{0,60}") {
            let pattern = |text: &str| {
                let _ = (parse_span(text), parse_rate(text), parse_size(text));
            };
            pattern(&text);
            pattern(&numbers);
        }
    }
}

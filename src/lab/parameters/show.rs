//! Values of parameters in words.

use super::{Name, Numbers, Parameter, Quantity, State, TABLE, Value, Values, plain};

/// Seconds of a minute, an hour and a day, with what they are called.
const LONG: [(f64, &str); 3] = [(86_400.0, "d"), (3_600.0, "h"), (60.0, "min")];

impl Parameter {
    /// A value as people read it.
    pub(in crate::lab) fn show(&self, value: Value) -> String {
        match (&self.values, value) {
            (Values::Choice { options, .. }, Value::Choice(place)) => {
                options.get(place).map_or("", |option| option.label).to_owned()
            }
            (Values::Number(numbers), Value::Number(number)) => numbers.show(number),
            _ => String::new(),
        }
    }
}

impl State {
    /// A value of this state as people read it.
    pub(in crate::lab) fn show(&self, name: Name) -> String {
        TABLE[name as usize].show(self.get(name))
    }
}

impl Numbers {
    /// Which numbers are taken, as the end of a sentence.
    pub(super) fn expected(&self) -> String {
        let [least, most] = self.range.map(plain);
        let whole = if self.is_whole() { "a whole number" } else { "a number" };
        format!("it is {whole} from {least} to {most}{}", self.quantity.unit())
    }

    /// A number as people read it.
    pub(super) fn show(&self, number: f64) -> String {
        if let (true, Some(zero)) = (number == 0.0, self.zero) {
            return zero.to_owned();
        }
        match self.quantity {
            Quantity::PerMinute => per_minute(number),
            Quantity::Seconds => seconds(number),
            Quantity::Milliseconds => seconds(number / 1e3),
            Quantity::Minutes => seconds(number * 60.0),
            Quantity::Percent => format!("{} %", plain(number)),
            Quantity::Whole => crate::report::human::count(number as u64),
        }
    }
}

impl Quantity {
    /// The unit in which numbers stand in addresses, as the end of a sentence.
    pub(in crate::lab) const fn unit(self) -> &'static str {
        match self {
            Self::PerMinute => " a minute",
            Self::Seconds => " seconds",
            Self::Milliseconds => " milliseconds",
            Self::Minutes => " minutes",
            Self::Percent => " percent",
            Self::Whole => "",
        }
    }
}

/// So many a minute: often in a second, or one in a longer time.
fn per_minute(number: f64) -> String {
    match number {
        0.0 => "none".to_owned(),
        n if n < 1.0 => format!("one every {}", seconds(60.0 / n)),
        n if n >= 60.0 => format!("{} a second", plain(n / 60.0)),
        n => format!("{} a minute", plain(n)),
    }
}

/// A length of time in the largest unit of which it is a whole number, or else in seconds.
pub(super) fn seconds(number: f64) -> String {
    if number > 0.0 && number < 1.0 {
        return format!("{} ms", plain(number * 1e3));
    }
    let whole = LONG.into_iter().find(|(unit, _)| number >= *unit && number % unit == 0.0);
    whole.map_or_else(|| format!("{} s", plain(number)), |(unit, name)| format!("{} {name}", plain(number / unit)))
}

//! What a reader can move: one table defines every parameter, and the controls of the page, the query of its address, the
//! check of what comes in and the scenario are all made from it.

mod show;
mod table;

use std::collections::BTreeMap;

pub(super) use table::TABLE;

/// One parameter.
#[derive(Debug)]
pub(super) struct Parameter {
    /// Which one; its place in the table.
    pub(super) name: Name,
    /// What it is called in the address of the page.
    pub(super) key: &'static str,
    /// What it is called on the page.
    pub(super) label: &'static str,
    /// One plain sentence about it.
    pub(super) help: &'static str,
    /// With which others it stands in the sandbox.
    pub(super) group: Group,
    /// Which values it takes.
    pub(super) values: Values,
    /// What it says in a scenario, given the values of all.
    pub(super) settings: fn(&State) -> Vec<Setting>,
    /// Where a scenario file says it, for a lab that starts from one; none for what no single key says.
    pub(super) read_at: Option<(At, &'static str)>,
}

/// The names of the parameters, in the order of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Rate,
    Arrivals,
    Burst,
    Silence,
    Every,
    Strategy,
    Phase,
    Retries,
    Signature,
    Workers,
    Work,
    Queue,
    Reconcile,
    Latency,
    Loss,
    OutageAt,
    Outage,
    Forged,
    Consumers,
    ApiWorkers,
    ApiTime,
    Duration,
    Seed,
}

/// Parameters that stand together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    Events,
    Polling,
    Webhooks,
    Trouble,
    Crowd,
    Run,
}

impl Group {
    /// All of them, in their order on the page.
    pub(super) const ALL: [Self; 6] =
        [Self::Events, Self::Polling, Self::Webhooks, Self::Trouble, Self::Crowd, Self::Run];

    /// What stands above them.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Events => "What happens at System B",
            Self::Polling => "Polling: System A asks",
            Self::Webhooks => "Webhooks: System A is told",
            Self::Trouble => "Network, failures, strangers",
            Self::Crowd => "How many System A’s",
            Self::Run => "The run",
        }
    }
}

/// Which values a parameter takes.
#[derive(Debug)]
pub(super) enum Values {
    /// A number.
    Number(Numbers),
    /// One of these.
    Choice {
        /// All of them.
        options: &'static [Choice],
        /// The place of the one that holds where nothing is said.
        default: usize,
    },
}

/// One of several choices.
#[derive(Debug)]
pub(super) struct Choice {
    /// Its name in addresses.
    pub(super) key: &'static str,
    /// Its name on the page.
    pub(super) label: &'static str,
}

/// Numbers within a range.
#[derive(Debug)]
pub(super) struct Numbers {
    /// What they count.
    pub(super) quantity: Quantity,
    /// The least and the greatest.
    pub(super) range: [f64; 2],
    /// What is said in place of zero, where that is special.
    pub(super) zero: Option<&'static str>,
    /// The values at which the control rests.
    pub(super) stops: &'static [f64],
    /// The one that holds where nothing is said.
    pub(super) default: f64,
}

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantity {
    PerMinute,
    Seconds,
    Milliseconds,
    Minutes,
    Percent,
    Whole,
}

/// A value of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value {
    /// A number.
    Number(f64),
    /// The place of a choice.
    Choice(usize),
}

/// A line of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Setting {
    /// In which table it stands.
    pub(super) at: At,
    /// The key.
    pub(super) key: &'static str,
    /// The value, as TOML.
    pub(super) value: String,
}

/// A table of a scenario, in the order in which tables stand in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum At {
    Top,
    Events,
    Api,
    Network,
    Client(Role, Part),
    Fault(Trouble),
}

/// A client of the lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Pull,
    Push,
    Both,
}

impl Role {
    /// All of them, in the order of the scenario.
    pub(super) const ALL: [Self; 3] = [Self::Pull, Self::Push, Self::Both];

    /// Its name in facts.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Both => "both",
        }
    }

    /// The name of the client in the lab's own scenario.
    pub(super) const fn client(self) -> &'static str {
        match self {
            Self::Pull => "polling",
            Self::Push => "webhook",
            Self::Both => "webhook + slow poll",
        }
    }
}

/// A table of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    Pull,
    Push,
    Receiver,
}

impl Part {
    /// Its name in a scenario.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Receiver => "receiver",
        }
    }
}

/// A fault of a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trouble {
    ReceiverDown,
    PollerDown,
    Forged,
}

impl Trouble {
    /// Its kind in a scenario.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::ReceiverDown => "receiver-down",
            Self::PollerDown => "poller-down",
            Self::Forged => "forged-webhooks",
        }
    }
}

/// A parameter of an address that cannot be taken, in a sentence for whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct BadParameter(pub(super) String);

impl Parameter {
    /// The parameter of that name in an address.
    pub(super) fn find(key: &str) -> Option<&'static Self> {
        TABLE.iter().find(|parameter| parameter.key == key)
    }

    /// The one that holds where nothing is said.
    pub(super) const fn default(&self) -> Value {
        match &self.values {
            Values::Number(numbers) => Value::Number(numbers.default),
            Values::Choice { default, .. } => Value::Choice(*default),
        }
    }

    /// Reads a value as it stands in an address.
    pub(super) fn read(&self, text: &str) -> Result<Value, BadParameter> {
        let refuse = |expected: String| BadParameter(format!("{} is {}: {expected}", self.key, quoted(text)));
        match &self.values {
            Values::Number(numbers) => {
                let [least, most] = numbers.range;
                let number = text.parse::<f64>().ok().filter(|number| (least..=most).contains(number));
                let number = number.filter(|number| !numbers.is_whole() || number.fract() == 0.0);
                number.map(thousandths).map(Value::Number).ok_or_else(|| refuse(numbers.expected()))
            }
            Values::Choice { options, .. } => {
                let place = options.iter().position(|option| option.key == text);
                let names: Vec<_> = options.iter().map(|option| option.key).collect();
                place.map(Value::Choice).ok_or_else(|| refuse(format!("it is one of {}", names.join(", "))))
            }
        }
    }

    /// A value as it stands in an address.
    pub(super) fn write(&self, value: Value) -> String {
        match (&self.values, value) {
            (Values::Choice { options, .. }, Value::Choice(place)) => {
                options.get(place).map_or("", |option| option.key).to_owned()
            }
            (_, Value::Number(number)) => plain(number),
            (Values::Number(_), Value::Choice(_)) => String::new(),
        }
    }
}

impl Numbers {
    /// Whether fractions make no sense.
    pub(super) const fn is_whole(&self) -> bool {
        matches!(self.quantity, Quantity::Whole)
    }
}

/// What somebody wrote, short enough for a sentence.
fn quoted(text: &str) -> String {
    let start: String = text.chars().filter(|c| !c.is_control()).take(40).collect();
    if start.len() < text.len() { format!("\"{start}…\"") } else { format!("\"{start}\"") }
}

/// A number without trailing zeros, to a thousandth.
pub(super) fn plain(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The nearest whole number of thousandths, which is as finely as scenarios are made.
fn thousandths(number: f64) -> f64 {
    libm::round(number * 1e3) / 1e3
}

/// A value of every parameter, in the order of the table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct State(Vec<Value>);

impl Default for State {
    fn default() -> Self {
        Self(TABLE.iter().map(Parameter::default).collect())
    }
}

impl State {
    /// This state with what the pairs of an address change in it.
    ///
    /// # Errors
    ///
    /// A pair names no parameter, one twice, or a value that it does not take.
    pub(super) fn changed<'a>(
        &self,
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, BadParameter> {
        let mut seen = BTreeMap::new();
        let mut state = self.clone();
        for (key, text) in pairs {
            let parameter = Parameter::find(key).ok_or_else(|| unknown(key))?;
            if seen.insert(parameter.key, ()).is_some() {
                return Err(BadParameter(format!("{} is given twice: give it once", parameter.key)));
            }
            state.set(parameter.name, parameter.read(text)?);
        }
        Ok(state)
    }

    /// The value of a parameter.
    pub(super) fn get(&self, name: Name) -> Value {
        self.0.get(name as usize).copied().unwrap_or(Value::Number(0.0))
    }

    /// Gives a parameter another value.
    pub(super) fn set(&mut self, name: Name, value: Value) {
        if let Some(place) = self.0.get_mut(name as usize) {
            *place = value;
        }
    }

    /// The value of a parameter that is a number.
    pub(super) fn number(&self, name: Name) -> f64 {
        match self.get(name) {
            Value::Number(number) => number,
            Value::Choice(_) => 0.0,
        }
    }

    /// The value of a parameter that is a choice, as it stands in addresses.
    pub(super) fn choice(&self, name: Name) -> &'static str {
        match (self.get(name), &TABLE[name as usize].values) {
            (Value::Choice(place), Values::Choice { options, .. }) => {
                options.get(place).map_or("", |option| option.key)
            }
            _ => "",
        }
    }

    /// The query that gives this state again where the other one is taken for granted.
    pub(super) fn query(&self, granted: &Self) -> String {
        let differs = |parameter: &&Parameter| self.get(parameter.name) != granted.get(parameter.name);
        let pair = |parameter: &Parameter| format!("{}={}", parameter.key, parameter.write(self.get(parameter.name)));
        TABLE.iter().filter(differs).map(pair).collect::<Vec<_>>().join("&")
    }
}

fn unknown(key: &str) -> BadParameter {
    let names: Vec<_> = TABLE.iter().map(|parameter| parameter.key).collect();
    BadParameter(format!("there is no parameter {}: there are {}", quoted(key), names.join(", ")))
}

#[cfg(test)]
mod tests;

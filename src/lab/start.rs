//! From what the lab starts: its own scenario, or a file of the user's, of which the parameters show what they can.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::parameters::{At, Name, Parameter, Part, Quantity, Role, Setting, State, TABLE, Trouble, Value, Values};
use super::scenario;
use crate::engine::ClientSetup;
use crate::scenario::axes::Axes;
use crate::scenario::{Changes, EngineChoice, Problems, Scenario, Template, units};
use crate::time::Span;

/// What holds where an address says nothing.
#[derive(Debug, Default)]
pub(super) struct Start {
    /// The values of the parameters.
    pub(super) state: State,
    /// The file, if there is one.
    pub(super) file: Option<File>,
}

/// A scenario file of the user's.
#[derive(Debug)]
pub(super) struct File {
    /// Its name, without the folder.
    pub(super) name: String,
    text: String,
    dir: PathBuf,
    /// The values that it has.
    state: State,
    /// The names of the clients of each role, if there is one.
    clients: [Option<String>; Role::ALL.len()],
    /// The parameters that show something of it.
    shown: Vec<Name>,
}

impl Start {
    /// The lab with a scenario file in its sandbox.
    ///
    /// # Errors
    ///
    /// The file cannot be run in virtual time.
    pub(super) fn from_file(template: &Template, dir: &Path) -> Result<Self, Problems> {
        let scenario = plain(template.base());
        let resolved = scenario.to_json();
        let clients = Role::ALL.map(|role| client_of(&scenario, role));
        let mut state = State::default();
        let mut shown = Vec::new();
        for parameter in TABLE {
            if let Some(value) = value_in(parameter, &resolved, &clients) {
                state.set(parameter.name, value);
                shown.push(parameter.name);
            }
        }
        if resolved.get("fault").is_none() && clients[Role::Push as usize].is_some() {
            shown.push(Name::Forged);
            if clients[Role::Pull as usize].is_some() {
                shown.extend([Name::OutageAt, Name::Outage]);
            }
        }
        let text = scenario.to_toml();
        let file = File { name: template.file_name(), text, dir: dir.to_owned(), state: state.clone(), clients, shown };
        Ok(Self { state, file: Some(file) })
    }

    /// Whether a parameter can be moved.
    pub(super) fn shows(&self, name: Name) -> bool {
        self.file.as_ref().is_none_or(|file| file.shown.contains(&name))
    }

    /// The role of a client by its name.
    pub(super) fn role_of(&self, client: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| match &self.file {
            Some(file) => file.clients[*role as usize].as_deref() == Some(client),
            None => role.client() == client,
        })
    }
}

impl File {
    /// Where files are looked for that it names.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The file with the values of a state, as far as they differ from its own.
    ///
    /// # Errors
    ///
    /// The values do not fit the rest of the file.
    pub(super) fn text(&self, state: &State) -> Result<String, Problems> {
        let is_moved = |parameter: &&Parameter| {
            self.shown.contains(&parameter.name) && state.get(parameter.name) != self.state.get(parameter.name)
        };
        let moved: Vec<Setting> =
            TABLE.iter().filter(is_moved).flat_map(|parameter| (parameter.settings)(state)).collect();
        let name = |role: Role| self.clients[role as usize].clone();
        let sets = moved.iter().filter_map(|line| Some(format!("{}={}", scenario::path(line, name)?, line.value)));
        let mut sets: Vec<String> = sets.collect();
        sets.extend(faults(&moved));
        let changes = Changes { sets, ..Changes::default() };
        Ok(Template::parse(&self.text, &format!("{}.toml", scenario::NAME), &self.dir, &changes)?.into_base().to_toml())
    }
}

/// The faults among some settings, as one `--set`; none where there is no fault.
fn faults(settings: &[Setting]) -> Option<String> {
    let all = [Trouble::ReceiverDown, Trouble::PollerDown, Trouble::Forged];
    let tables = all.into_iter().filter_map(|trouble| {
        let of = |line: &&Setting| line.at == At::Fault(trouble);
        let lines: Vec<_> = settings.iter().filter(of).map(|line| format!(", {} = {}", line.key, line.value)).collect();
        (!lines.is_empty()).then(|| format!("{{ kind = \"{}\"{} }}", trouble.kind(), lines.concat()))
    });
    let tables: Vec<_> = tables.collect();
    (!tables.is_empty()).then(|| format!("fault=[{}]", tables.join(", ")))
}

/// The scenario as it is run once, in virtual time and from its first instant on.
fn plain(scenario: &Scenario) -> Scenario {
    let mut plain = scenario.clone();
    if plain.seeks_warmup {
        plain = plain.with_warmup(Span::ZERO);
    }
    plain.engine = EngineChoice::Sim;
    (plain.replications, plain.precision) = (None, None);
    (plain.axes, plain.thresholds) = (Axes::default(), Vec::new());
    plain
}

/// The name of the first client of a role.
fn client_of(scenario: &Scenario, role: Role) -> Option<String> {
    let plays = |client: &&ClientSetup| match role {
        Role::Pull => client.pull.is_some() && client.push.is_none(),
        Role::Push => client.pull.is_none() && client.push.is_some(),
        Role::Both => client.pull.is_some() && client.push.is_some(),
    };
    scenario.setup.clients.iter().find(plays).map(|client| client.name.clone())
}

/// The value of a parameter in a scenario; none where the scenario says something that it does not take.
fn value_in(parameter: &Parameter, resolved: &Json, clients: &[Option<String>]) -> Option<Value> {
    let (at, key) = parameter.read_at?;
    let table = match at {
        At::Top => resolved,
        At::Events => resolved.get("events")?,
        At::Api => resolved.get("provider")?.get("api")?,
        At::Network => resolved.get("network")?,
        At::Client(role, part) => {
            let name = clients[role as usize].as_deref()?;
            let client = resolved.get("client")?.as_array()?.iter().find(|client| client["name"] == name)?;
            client.get(Part::key(part))?
        }
        At::Fault(_) => return None,
    };
    let said = table.get(key)?;
    match &parameter.values {
        Values::Choice { .. } => parameter.read(said.as_str()?).ok(),
        Values::Number(numbers) => {
            let number = match (said, numbers.quantity) {
                (Json::Number(number), Quantity::Percent) => number.as_f64()? * 100.0,
                (Json::Number(number), _) => number.as_f64()?,
                (Json::String(text), _) if text == "unlimited" && numbers.zero.is_some() => 0.0,
                (Json::String(text), quantity) => in_unit(text, quantity)?,
                _ => return None,
            };
            let value = parameter.read(&super::parameters::plain(number)).ok()?;
            // What a thousandth cannot hold is not shown as something else.
            matches!(value, Value::Number(read) if (read - number).abs() <= 1e-9 * number.abs()).then_some(value)
        }
    }
}

/// A text of a scenario in the unit of a quantity.
fn in_unit(text: &str, quantity: Quantity) -> Option<f64> {
    let seconds = || units::parse_span(text).ok().map(Span::as_secs_f64);
    Some(match quantity {
        Quantity::PerMinute => 60e9 / units::parse_rate(text).ok()?.gap_nanos(),
        Quantity::Seconds => seconds()?,
        Quantity::Milliseconds => seconds()? * 1e3,
        Quantity::Minutes => seconds()? / 60.0,
        Quantity::Percent | Quantity::Whole => return None,
    })
}

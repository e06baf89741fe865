//! From the values of the parameters to the text of a scenario file. What is run is this very text, read as the command line
//! reads it.

use std::fmt::Write as _;
use std::path::Path;

use super::parameters::{At, Part, Role, Setting, State, TABLE};
use super::start::Start;
use crate::scenario::{Changes, Problems, Scenario, Template};

/// The name of the file, without its ending.
pub(super) const NAME: &str = "lab";

/// What stands above every scenario of the lab.
const HEADING: &str =
    "# A scenario from `pushpull lab`; `pushpull run lab.toml` gives the same figures.\n\nschema = 1\n";

/// A scenario, and the text that it was read from.
#[derive(Clone, Debug)]
pub(super) struct Written {
    /// The text.
    pub(super) text: String,
    /// What it says.
    pub(super) scenario: Scenario,
}

/// The scenario of a state.
///
/// # Errors
///
/// What the values say together makes no sense.
pub(super) fn of(start: &Start, state: &State) -> Result<Written, Problems> {
    let text = match &start.file {
        Some(file) => file.text(state)?,
        None => text(state),
    };
    let dir = start.file.as_ref().map_or(Path::new("."), |file| file.dir());
    let scenario = Template::parse(&text, &format!("{NAME}.toml"), dir, &Changes::default())?.into_base();
    Ok(Written { text, scenario })
}

/// What the parameters say, line by line, in the order of the file.
pub(super) fn settings(state: &State) -> Vec<Setting> {
    let mut settings: Vec<_> = TABLE.iter().flat_map(|parameter| (parameter.settings)(state)).collect();
    settings.sort_by_key(|setting| (setting.at, rank(setting)));
    settings
}

/// What a reader wants to know first stands first, where several parameters write into the same table.
fn rank(setting: &Setting) -> usize {
    let first = ["duration", "drain", "seed", "consumers"];
    first.iter().position(|key| *key == setting.key).unwrap_or(first.len())
}

/// The text of the lab's own scenario.
fn text(state: &State) -> String {
    let mut text = HEADING.to_owned();
    let mut last = (At::Top, None::<Role>);
    let _ = writeln!(text, "title = {}", toml_text(&title(state)));
    for Setting { at, key, value } in settings(state) {
        if at != last.0 {
            let role = begin(&mut text, at, last.1);
            last = (at, role);
        }
        let _ = writeln!(text, "{key} = {value}");
    }
    text
}

/// Begins a table; a client and a fault begin with their own. Gives back whose client's it is.
fn begin(text: &mut String, at: At, last: Option<Role>) -> Option<Role> {
    text.push('\n');
    let _ = match at {
        At::Top => Ok(()),
        At::Events => writeln!(text, "[events]"),
        At::Api => writeln!(text, "[provider.api]"),
        At::Network => writeln!(text, "[network]"),
        At::Client(role, part) => {
            if last != Some(role) {
                let _ = writeln!(text, "[[client]]\nname = {}\n", toml_text(role.client()));
            }
            let _ = writeln!(text, "[client.{}]", part.key());
            return Some(role);
        }
        At::Fault(trouble) => writeln!(text, "[[fault]]\nkind = \"{}\"", trouble.kind()),
    };
    None
}

/// A client that polls as long as System B holds its questions has no key of its own for that.
fn title(state: &State) -> String {
    use super::parameters::Name::{Every, Rate, Strategy};
    let asking = match state.choice(Strategy) {
        "long-poll" => "ask and be kept waiting".to_owned(),
        _ => format!("ask every {}", state.show(Every)),
    };
    format!("Events: {}. {}, or be told?", state.show(Rate), capital(&asking))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A text as TOML; of the lab's own texts none has a character that JSON writes otherwise.
fn toml_text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The path of a setting as `--set` takes it, given the names of the clients; none for a client that there is not, and for
/// faults, which have no names.
pub(super) fn path(setting: &Setting, client: impl Fn(Role) -> Option<String>) -> Option<String> {
    let key = setting.key;
    match setting.at {
        At::Top => Some(key.to_owned()),
        At::Events => Some(format!("events.{key}")),
        At::Api => Some(format!("provider.api.{key}")),
        At::Network => Some(format!("network.{key}")),
        At::Client(role, part) => Some(format!("client.{}.{}.{key}", client(role)?, Part::key(part))),
        At::Fault(_) => None,
    }
}

//! What is needed to repeat a sweep.

use maud::html;

use crate::report::page::repeat::shell_word;
use crate::report::page::shell::Section;
use crate::report::page::sweep::saved::SavedSweep;

/// The scenario as it was written, and the command that plays it.
pub(super) fn section(saved: &SavedSweep) -> Section {
    let source = &saved.head.source;
    let file = file(saved);
    let body = html! {
        p { "Save the scenario below as " code { (file) } " and run" }
        pre class="command" tabindex="0" { code { (command(saved)) } }
        dl class="identity" {
            div { dt { "seed" } dd { code { (saved.head.scenario.seed) } } }
            div { dt { "pushpull" } dd { code { (saved.head.tool_version) } } }
            div { dt { "scenario" } dd { code class="hash" { "sha256 " (saved.head.scenario.sha256) } } }
        }
        details {
            summary { "The scenario" }
            pre tabindex="0" { code { (source.text) } }
        }
    };
    Section::new("repeat", "Repeat this sweep", body)
}

/// The name of the scenario file; a built-in scenario has none of its own.
fn file(saved: &SavedSweep) -> String {
    let name = &saved.head.source.file;
    if name.contains('.') { name.clone() } else { format!("{name}.toml") }
}

/// The command with all that makes the sweep what it is.
fn command(saved: &SavedSweep) -> String {
    let (source, search) = (&saved.head.source, &saved.head.search);
    let mut words = vec!["pushpull".to_owned(), "sweep".to_owned(), file(saved)];
    let options = [
        ("set", source.sets.as_slice()),
        ("vary", &source.varied),
        ("threshold", &source.thresholds),
        ("target", &search.targets),
        ("along", search.along.as_slice()),
    ];
    words.extend(options.iter().flat_map(|(name, values)| values.iter().map(move |value| format!("--{name}={value}"))));
    words.extend(source.zip.then(|| "--zip".to_owned()));
    words.extend(search.is_off.then(|| "--no-crossover".to_owned()));
    words.iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" ")
}

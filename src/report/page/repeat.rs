//! What is needed to repeat a run.

use maud::html;

use crate::report::page::saved::Saved;
use crate::report::page::shell::Section;

/// The scenario in full, and the command that plays it.
pub(super) fn section(saved: &Saved) -> Section {
    let scenario = &saved.scenario;
    let file = format!("{}.toml", scenario.name);
    let is_exact = saved.engines.iter().all(|engine| engine.engine == "sim");
    let body = html! {
        p {
            "Save the scenario below as " code { (file) } " and run"
        }
        pre class="command" tabindex="0" { code { "pushpull run " (shell_word(&file)) } }
        p class="note" {
            @if is_exact { "With the same version, the result files are the same to the last byte." }
            @else { "In virtual time the result files are the same to the last byte; over real HTTP, events and luck are the same, and times differ as the machine goes." }
        }
        dl class="identity" {
            div { dt { "seed" } dd { code { (scenario.seed) } } }
            div { dt { "pushpull" } dd { code { (saved.tool_version) } } }
            div { dt { "scenario" } dd { code class="hash" { "sha256 " (scenario.sha256) } } }
        }
        details {
            summary { "The resolved scenario: every key with the value in effect" }
            pre tabindex="0" { code { (scenario.text) } }
        }
    };
    Section::new("repeat", "Repeat this run", body)
}

/// A word of a command for a POSIX shell; one that cannot be such a word stands as it is.
pub(super) fn shell_word(word: &str) -> String {
    shlex::try_quote(word).map_or_else(|_| word.to_owned(), std::borrow::Cow::into_owned)
}

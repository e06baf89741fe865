//! The scenarios that come with the program.

use std::path::Path;

/// A scenario that comes with the program.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    /// Its name.
    pub name: &'static str,
    /// Its file.
    pub text: &'static str,
}

macro_rules! builtin {
    ($($name:literal),* $(,)?) => {
        /// All of them, in the order in which they are best read.
        pub const ALL: &[Builtin] =
            &[$(Builtin { name: $name, text: include_str!(concat!("../../scenarios/", $name, ".toml")) }),*];
    };
}

builtin!(
    "quickstart",
    "rare-events",
    "busy-feed",
    "crossover-sweep",
    "flaky-network",
    "many-consumers",
    "thundering-herd",
    "daily-rhythm",
    "rate-limited",
    "hybrid",
    "long-poll",
    "conditional",
    "adaptive",
    "retention-gap",
    "stripe-outage",
    "provider-outage",
    "github-no-retries",
    "retry-storm",
    "fifo-blocking",
    "thin-webhooks",
    "burst",
    "forged",
    "order-status",
    "tls",
    "budget",
);

impl Builtin {
    /// The name of its file.
    pub fn file_name(&self) -> String {
        format!("{}.toml", self.name)
    }

    /// The question it asks: the first line of its opening comment.
    pub fn question(&self) -> &'static str {
        self.text.lines().next().unwrap_or_default().trim_start_matches(['#', ' '])
    }
}

/// The scenario of that name, unless there is a file of that name.
pub fn find(file: &Path) -> Option<&'static Builtin> {
    let name = file.to_str()?;
    ALL.iter().find(|builtin| builtin.name == name && !file.is_file())
}

/// The scenario whose name comes nearest to a misspelt one, if any is near.
pub fn nearest(file: &Path) -> Option<&'static str> {
    let name = file.to_str()?;
    let limit = (name.chars().count() / 3).max(1);
    let near = ALL.iter().map(|builtin| (strsim::damerau_levenshtein(name, builtin.name), builtin.name));
    near.filter(|(distance, _)| *distance <= limit).min().map(|(_, name)| name)
}

/// A line for each: its name and its question.
pub fn list() -> String {
    let width = ALL.iter().map(|builtin| builtin.name.len()).max().unwrap_or(0);
    ALL.iter().map(|builtin| format!("{:width$}  {}\n", builtin.name, builtin.question())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_file_comes_with_the_program_and_opens_with_its_question() {
        let mut files: Vec<_> = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".toml"))
            .collect();
        files.sort();
        let mut names: Vec<_> = ALL.iter().map(Builtin::file_name).collect();
        names.sort();
        assert_eq!(files, names);
        for builtin in ALL {
            assert!(builtin.text.starts_with("# ") && builtin.question().ends_with('?'), "{}", builtin.name);
            assert!(builtin.name.len() + 2 + builtin.question().len() <= 80, "{}", builtin.name);
        }
    }
}

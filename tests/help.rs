//! What the program says of itself: help, examples, completions, manual pages. It goes through whatever commands there are.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

use clap::{CommandFactory as _, Parser as _};
use pushpull::cli::Cli;

const PROGRAM: &str = env!("CARGO_BIN_EXE_pushpull");

fn run_in(folder: &Path, arguments: &[String]) -> Output {
    Command::new(PROGRAM).args(arguments).current_dir(folder).stdin(Stdio::null()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Every command with its help.
fn commands() -> Vec<(String, String)> {
    let mut program = Cli::command();
    program.build();
    let commands =
        program.get_subcommands_mut().filter(|command| command.get_name() != "help" && !command.is_hide_set());
    commands.map(|command| (command.get_name().to_owned(), command.render_long_help().to_string())).collect()
}

/// The calls of the program among the lines of a help, as arguments.
fn examples(help: &str) -> Vec<Vec<String>> {
    let Some((_, examples)) = help.split_once("Examples:\n") else { return Vec::new() };
    let joined = examples.replace("\\\n", " ");
    let calls = joined.lines().filter(|line| line.starts_with("  ")).filter_map(|line| {
        // Behind a variable or inside a substitution it is a call as well, but a word in a sentence is none.
        let start = line.find("pushpull ").filter(|start| {
            let before = line[..*start].trim();
            before.is_empty() || before.ends_with("<(") || before.contains('=')
        })?;
        let call = &line[start..];
        // What follows is for the shell, or for the reader.
        let substituted = if start >= 2 && line[..start].ends_with("<(") { ")" } else { " > " };
        let ends = [" > ", " | ", "  (", substituted].into_iter().filter_map(|end| call.find(end));
        let call = &call[..ends.min().unwrap_or(call.len())];
        Some(shlex::split(call).unwrap_or_else(|| panic!("{call} is not a line for a shell")))
    });
    calls.collect()
}

#[test]
fn every_command_has_examples_and_all_of_them_are_understood() {
    let commands = commands();
    assert!(commands.len() >= 13, "{commands:?}");
    for (name, help) in commands {
        let calls = examples(&help);
        let own = calls.iter().filter(|call| call.get(1).is_some_and(|command| *command == name)).count();
        assert!(own > 0, "`pushpull {name} --help` has no example of its own:\n{help}");
        for call in calls {
            let parsed = Cli::try_parse_from(&call);
            assert!(parsed.is_ok(), "{name}: {call:?}\n{}", parsed.unwrap_err());
        }
    }
}

/// Commands whose examples need what the reader has, or take a while: they are only parsed.
const NOT_PLAYED: [&str; 8] = ["run", "sweep", "merge", "diff", "provider", "receiver", "report", "lab"];

#[test]
fn examples_that_need_nothing_do_what_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let mut played = 0;
    // First those that make files that others need.
    let mut all: Vec<Vec<String>> = commands().iter().flat_map(|(_, help)| examples(help)).collect();
    all.sort_by_key(|call| call.get(1).is_none_or(|command| command != "init"));
    all.dedup();
    for call in all {
        let is_played = call.get(1).is_some_and(|command| !NOT_PLAYED.contains(&command.as_str()));
        if !is_played || call.iter().any(|word| word == "live" || word.starts_with('~')) {
            continue;
        }
        let output = run_in(folder.path(), &call[1..]);
        assert!(output.status.success(), "{call:?}: {}", text(&output.stderr));
        assert!(!output.stdout.is_empty(), "{call:?}");
        played += 1;
    }
    assert!(played >= 10, "{played}");
}

#[test]
fn a_misspelt_command_or_option_is_answered_with_the_right_one() {
    let folder = tempfile::tempdir().unwrap();
    for (call, expected) in [
        (&["rum", "quickstart"][..], "'run'"),
        (&["run", "quickstart", "--replication", "3"], "'--replications'"),
        (&["trace", "quickstart", "--engine", "simm"], "'sim'"),
        (&["completions", "bsh"], "'bash'"),
        (&["run", "quikstart"], "\"quickstart\""),
    ] {
        let arguments: Vec<String> = call.iter().map(|word| (*word).to_owned()).collect();
        let output = run_in(folder.path(), &arguments);
        assert_eq!(output.status.code(), Some(2), "{call:?}");
        assert!(text(&output.stderr).contains(expected), "{call:?}: {}", text(&output.stderr));
    }
}

#[test]
fn bash_completes_commands_and_options() {
    let script = r#"source <("$0" completions bash)
        complete_line() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
            _pushpull pushpull "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"; echo "${COMPREPLY[@]}"; }
        complete_line pushpull ru
        complete_line pushpull run quickstart --timel
        complete_line pushpull trace --engine l"#;
    let output = Command::new("bash").args(["-c", script, PROGRAM]).output();
    let Ok(output) = output else { return };
    assert_eq!(text(&output.stdout), "run\n--timeline\nlive\n", "{}", text(&output.stderr));
    let folder = tempfile::tempdir().unwrap();
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        let script = run_in(folder.path(), &["completions".to_owned(), shell.to_owned()]);
        let script = text(&script.stdout);
        assert!(commands().iter().all(|(name, _)| script.contains(name.as_str())), "{shell}");
    }
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("man1");
    let written = run_in(folder.path(), &["man".into(), "--out".into(), out.to_str().unwrap().into()]);
    assert!(written.status.success(), "{}", text(&written.stderr));
    let mut names: Vec<String> = commands().iter().map(|(name, _)| format!("pushpull-{name}.1")).collect();
    names.push("pushpull.1".into());
    assert_eq!(text(&written.stdout).lines().count(), names.len());
    for name in &names {
        let page = std::fs::read_to_string(out.join(name)).unwrap();
        assert!(page.contains(".SH NAME") && page.contains(".SH SYNOPSIS"), "{name}");
        let formatted = Command::new("groff").args(["-man", "-ww", "-Tutf8"]).arg(out.join(name)).output();
        if let Ok(formatted) = formatted {
            assert!(formatted.status.success() && !formatted.stdout.is_empty(), "{name}");
        }
    }
    let run = std::fs::read_to_string(out.join("pushpull-run.1")).unwrap();
    assert!(run.contains("Examples:") && run.contains("timeline"), "{run}");
    let alone = run_in(folder.path(), &["man".into()]);
    assert_eq!(
        text(&alone.stdout),
        std::fs::read_to_string(out.join("pushpull.1")).unwrap(),
        "the same page either way"
    );
}

//! The live view on a real terminal: what is seen while a run goes on, and what is left of it afterwards. The terminal is one
//! of tmux's.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::disallowed_methods, reason = "a bound on how long to wait for a screen to change")]

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// So long a screen may take to show what is waited for.
const PATIENCE: Duration = Duration::from_secs(120);
/// What the shell says when it waits for a command.
const PROMPT: &str = "ready> ";
/// What only the view says.
const VIEW: &str = "not yet heard";
/// The signs of a poll that found nothing, of a webhook and of an event.
const SIGNS: [char; 3] = ['○', '▲', '●'];
/// What only the table says.
const TABLE: &str = "half within";

/// Whether there is a tmux. Where tests have to be complete there must be one.
fn has_tmux() -> bool {
    let has = Command::new("tmux").arg("-V").stdout(Stdio::null()).status().is_ok_and(|status| status.success());
    assert!(has || std::env::var_os("CI").is_none(), "tmux is missing");
    if !has {
        eprintln!("skipped, because tmux is missing");
    }
    has
}

/// Whether a poll, a webhook and an event are seen on their rows.
fn shows(screen: &str, [poll, webhook, event]: [char; 3]) -> bool {
    let has =
        |label: &str, sign| screen.lines().any(|line| line.strip_prefix(label).is_some_and(|row| row.contains(sign)));
    has("  asks", poll) && has("  is told", webhook) && has("events at B", event)
}

/// A terminal with a shell in it, in a folder of its own.
struct Terminal {
    folder: TempDir,
}

impl Terminal {
    fn new((width, height): (u16, u16), variables: &[(&str, &str)]) -> Self {
        let terminal = Self { folder: tempfile::tempdir().unwrap() };
        let programs = Path::new(env!("CARGO_BIN_EXE_pushpull")).parent().unwrap();
        let path = std::env::join_paths(
            [programs.to_owned()].into_iter().chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
        );
        let mut tmux = terminal.command();
        for name in ["NO_COLOR", "ENV", "TMUX", "LC_CTYPE", "LANG"] {
            tmux.env_remove(name);
        }
        tmux.env("PATH", path.unwrap()).env("LC_ALL", "C.UTF-8").envs(variables.iter().copied());
        let (width, height) = (width.to_string(), height.to_string());
        tmux.args(["-u", "new-session", "-d", "-x", &width, "-y", &height, "-c"]).arg(terminal.folder.path()).arg("sh");
        assert!(tmux.status().unwrap().success());
        // In two halves, so that the command does not look like what it sets.
        let (half, other) = PROMPT.split_at(3);
        terminal.tmux(&["send-keys", "-l", &format!("PS1='{half}''{other}'")]);
        terminal.tmux(&["send-keys", "Enter"]);
        terminal.wait_for(PROMPT.trim_end());
        terminal
    }

    fn command(&self) -> Command {
        let mut tmux = Command::new("tmux");
        tmux.arg("-S").arg(self.folder.path().join("socket")).args(["-f", "/dev/null"]).stdin(Stdio::null());
        tmux
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let output = self.command().args(arguments).output().unwrap();
        assert!(output.status.success(), "tmux {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Has the shell do something, and then say with which code it ended.
    fn enter(&self, command: &str) {
        self.tmux(&["send-keys", "-l", &format!("{command}; echo exit=$?")]);
        self.tmux(&["send-keys", "Enter"]);
    }

    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// The screen and what has scrolled off it.
    fn history(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-S", "-"])
    }

    fn wait(&self, what: &str, is_there: impl Fn(&str) -> bool) -> String {
        let started = Instant::now();
        loop {
            let screen = self.screen();
            if is_there(&screen) {
                return screen;
            }
            assert!(started.elapsed() < PATIENCE, "no {what} on\n{screen}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn wait_for(&self, text: &str) -> String {
        self.wait(text, |screen| screen.contains(text))
    }

    /// Waits until the shell says how a command ended, and gives back what is on the screen then.
    fn wait_for_end(&self, code: u8) -> String {
        self.wait(&format!("end with {code}"), |screen| {
            screen.lines().any(|line| line == format!("exit={code}")) && screen.trim_end().ends_with(PROMPT.trim_end())
        })
    }

    /// Makes sure that the terminal is as it was before: the view has gone, the prompt stands on a line of its own behind a
    /// cursor that is seen, and what is typed is seen as well.
    fn assert_sane(&self) {
        let history = self.history();
        for leftover in [VIEW, "▌", "to go", "events at B"] {
            assert!(!history.contains(leftover), "{leftover:?} is left on\n{history}");
        }
        let state = self.tmux(&["display-message", "-p", "#{cursor_flag} #{alternate_on} #{cursor_x}"]);
        assert_eq!(state.trim(), format!("1 0 {}", PROMPT.len()), "{history}");
        self.enter("clear; stty -a");
        let settings = self.wait_for_end(0);
        for setting in ["echo", "icanon", "isig", "opost"] {
            assert!(settings.split([' ', '\n', ';']).any(|word| word == setting), "no {setting} in\n{settings}");
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.command().arg("kill-server").stderr(Stdio::null()).status();
    }
}

#[test]
fn both_lanes_are_seen_while_they_happen_and_the_table_afterwards() {
    if !has_tmux() {
        return;
    }
    for size in [(80, 24), (200, 50)] {
        let terminal = Terminal::new(size, &[]);
        terminal.enter("echo what was there before");
        terminal.wait_for_end(0);
        // The thresholds of the machine's speed are no part of this.
        terminal.enter("pushpull run quickstart --set duration=5s --out results | cat; echo piped");
        let view = terminal.wait("marks of both lanes", |screen| shows(screen, SIGNS));
        for part in
            ["pushpull quickstart", "of 5 s", "events at B", VIEW, "polls:", "webhooks:", "System A", "System B"]
        {
            assert!(view.contains(part), "no {part:?} on\n{view}");
        }
        assert!(!view.contains(TABLE), "{view}");
        terminal.wait_for("piped");
        terminal.wait_for_end(0);
        let history = terminal.history();
        assert!(history.contains(TABLE) && history.contains("what was there before"), "{history}");
        terminal.assert_sane();
    }
}

#[test]
fn an_interrupted_run_leaves_its_results_and_a_sane_terminal() {
    if !has_tmux() {
        return;
    }
    let run = "pushpull run quickstart --set duration=1h --out results --format csv > table.csv";
    for ends_politely in [false, true] {
        let terminal = Terminal::new((80, 24), &[]);
        terminal.enter(&format!("sh -c 'echo $$ > pid; exec {run}'"));
        // The warm-up is over, so that there is something to keep.
        let counted = |screen: &str| {
            let counts = |line: &str| line.contains(" last ") && !line.contains(" 0 of ");
            screen.lines().filter(|line| counts(line)).count() == 2
        };
        terminal.wait("events of both lanes that count", counted);
        if ends_politely {
            let pid = fs::read_to_string(terminal.folder.path().join("pid")).unwrap();
            assert!(Command::new("kill").args(["-TERM", pid.trim()]).status().unwrap().success());
        } else {
            terminal.tmux(&["send-keys", "C-c"]);
        }
        terminal.wait_for_end(130);
        let table = fs::read_to_string(terminal.folder.path().join("table.csv")).unwrap();
        assert!(table.lines().count() == 3 && !table.contains('\x1b'), "standard output is data only: {table}");
        let kept = fs::read_to_string(terminal.folder.path().join("results/run.json")).unwrap();
        assert!(kept.contains("\"partial\": true"), "{kept}");
        terminal.assert_sane();
    }
}

#[test]
fn without_colours_and_without_unicode_shapes_say_it_all() {
    if !has_tmux() {
        return;
    }
    let seen = |variables: &[(&str, &str)], arguments: &str, signs: [char; 3]| {
        let terminal = Terminal::new((80, 24), variables);
        terminal.enter(&format!("pushpull run quickstart --set duration=1h {arguments}"));
        terminal.wait("marks of both lanes", |screen| shows(screen, signs));
        let coloured = terminal.tmux(&["capture-pane", "-p", "-e"]);
        terminal.tmux(&["send-keys", "C-c"]);
        terminal.wait_for_end(130);
        terminal.assert_sane();
        coloured
    };
    assert!(seen(&[], "", SIGNS).contains("\x1b[38;5;"), "colours are seen where they may be");
    assert!(!seen(&[("NO_COLOR", "1")], "", SIGNS).contains('\x1b'));
    assert!(!seen(&[], "--no-color", SIGNS).contains('\x1b'));
    assert!(seen(&[("LC_ALL", "C")], "", ['o', '^', '*']).is_ascii());
}

#[test]
fn whoever_wants_no_view_gets_none() {
    if !has_tmux() {
        return;
    }
    let cases: [(&str, &str, bool); 4] =
        [("", "--plain", true), ("", "--quiet", false), ("TERM=dumb ", "", true), ("", "2> errors", false)];
    for (before, after, has_bar) in cases {
        let terminal = Terminal::new((80, 24), &[]);
        let run = format!("{before}pushpull run quickstart --set duration=3s --out results > table {after}");
        terminal.enter(&run);
        let is_over = |screen: &str| screen.lines().any(|line| line.starts_with("exit="));
        terminal.wait("end without a view", |screen| {
            assert!(!screen.contains(VIEW), "a view with {run}:\n{screen}");
            is_over(screen)
        });
        let errors = fs::read_to_string(terminal.folder.path().join("errors")).unwrap_or_default();
        assert!(!errors.contains('\x1b'), "{errors}");
        assert!(fs::read_to_string(terminal.folder.path().join("table")).unwrap().contains(TABLE));
        assert_eq!(terminal.history().contains("results in"), has_bar, "{}", terminal.history());
    }
}

#[test]
fn a_terminal_may_change_its_size_and_be_typed_on() {
    if !has_tmux() {
        return;
    }
    let terminal = Terminal::new((80, 24), &[]);
    terminal.tmux(&["set-option", "-g", "window-size", "manual"]);
    terminal.enter("pushpull run quickstart --set duration=1h --out results");
    terminal.wait_for(VIEW);
    for (width, height) in [("20", "5"), ("120", "40"), ("7", "3"), ("60", "15"), ("80", "24")] {
        terminal.tmux(&["resize-window", "-x", width, "-y", height]);
        let columns: usize = width.parse().unwrap();
        if columns < 8 {
            continue;
        }
        // Whatever there is room for is drawn anew, once.
        terminal.wait("view of the new size", |screen| {
            let titles: Vec<&str> = screen.lines().filter(|line| line.contains("pushpull quick")).collect();
            matches!(titles[..], [title] if title.chars().count() == columns - 1)
        });
        terminal.tmux(&["send-keys", "-l", "typed"]);
        terminal.tmux(&["send-keys", "Enter"]);
        terminal.wait("view without what was typed", |screen| !screen.contains("typed"));
    }
    terminal.wait("view of the new size", |screen| screen.contains(VIEW) && !screen.contains("typed"));
    terminal.tmux(&["send-keys", "C-c"]);
    let screen = terminal.wait_for_end(130);
    assert!(![VIEW, "▌", "events at B"].iter().any(|part| screen.contains(part)), "{screen}");
}

#[test]
fn an_error_is_told_where_the_view_was() {
    if !has_tmux() {
        return;
    }
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let terminal = Terminal::new((80, 24), &[]);
    terminal.enter(&format!("pushpull run quickstart --api-port {}", taken.local_addr().unwrap().port()));
    assert!(terminal.wait_for_end(3).contains("error: cannot listen on 127.0.0.1"));
    terminal.assert_sane();
}

//! Runs the two roles as processes, and what a test needs to talk to them.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// A process whose output goes to files, so that it can be looked at while it runs.
pub(crate) struct Process {
    child: Option<Child>,
    pub(crate) folder: TempDir,
}

/// A process that has ended.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) folder: TempDir,
}

impl Process {
    /// Starts a command of the program; its results go to `out` in a folder of its own, where `files` are put first.
    pub(crate) fn start(arguments: &[&str], files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_pushpull"));
        command.args(arguments).args(["--out", "out"]);
        Self::spawn(command, folder)
    }

    /// Starts any command, in a folder of its own.
    pub(crate) fn spawn(mut command: Command, folder: TempDir) -> Self {
        let file = |name: &str| fs::File::create(folder.path().join(name)).unwrap();
        command.current_dir(folder.path()).env_remove("PUSHPULL_SECRET").env_remove("NO_COLOR").stdin(Stdio::null());
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command.stdout(file("stdout")).stderr(file("stderr")).spawn();
        let child = child.unwrap_or_else(|error| panic!("{program}, which this test needs, cannot be run: {error}"));
        Self { child: Some(child), folder }
    }

    pub(crate) fn stderr(&self) -> String {
        fs::read_to_string(self.folder.path().join("stderr")).unwrap()
    }

    /// Waits for a line on standard error that begins so, and gives back the rest of it.
    pub(crate) fn line(&mut self, start: &str) -> String {
        let mut found = None;
        wait_until(&format!("{start:?} on standard error"), || {
            let text = self.stderr();
            let complete = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
            found = complete.lines().find_map(|line| line.strip_prefix(start).map(str::to_owned));
            let has_ended = self.child.as_mut().unwrap().try_wait().unwrap().is_some();
            assert!(found.is_some() || !has_ended, "it has ended: {text}");
            found.is_some()
        });
        found.unwrap()
    }

    /// The URL of a receiver, without the slash at its end.
    pub(crate) fn url(&mut self) -> String {
        self.line("listening on ").trim_end_matches('/').to_owned()
    }

    /// The address of a receiver.
    pub(crate) fn address(&mut self) -> SocketAddr {
        self.url().trim_start_matches("http://").parse().unwrap()
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Ended {
        let mut child = self.child.take().unwrap();
        let code = child.wait().unwrap().code().unwrap();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        let text = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        Ended { code, stdout: text("stdout"), stderr: text("stderr"), folder }
    }

    /// Presses Ctrl-C and waits for its end.
    pub(crate) fn interrupt(self) -> Ended {
        let id = self.child.as_ref().unwrap().id();
        assert!(Command::new("sh").args(["-c", &format!("kill -INT {id}")]).status().unwrap().success());
        self.wait()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Ended {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("out").join(name)
    }

    /// The rows of a CSV file of its results, by column.
    pub(crate) fn rows(&self, name: &str) -> Vec<BTreeMap<String, String>> {
        let text =
            fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}: {}", self.stderr));
        assert!(text.ends_with('\n') && !text.contains("NaN") && !text.contains('\r'), "{text}");
        csv::Reader::from_reader(text.as_bytes()).deserialize().map(Result::unwrap).collect()
    }

    /// The only row of a CSV file.
    pub(crate) fn row(&self, name: &str) -> Row {
        let mut rows = self.rows(name);
        assert_eq!(rows.len(), 1, "{name}");
        Row(rows.remove(0))
    }

    /// That a provider has come to its end, on whatever machine.
    pub(crate) fn assert_done(&self) {
        // A busy machine may be late, which says nothing about what this test looks at.
        let is_late = self.code == 3 && self.stderr.contains("did not keep the schedule");
        assert!(self.code == 0 || is_late, "{}: {}", self.code, self.stderr);
    }

    /// That a text stands nowhere in what the process left.
    pub(crate) fn assert_silent_about(&self, secret: &str) {
        let mut seen = 0;
        for entry in walk(self.folder.path()) {
            if entry.ends_with("secret.txt") {
                continue;
            }
            seen += 1;
            let text = String::from_utf8_lossy(&fs::read(&entry).unwrap()).into_owned();
            assert!(!text.contains(secret), "{} tells the secret", entry.display());
        }
        assert!(seen >= 4, "only {seen} files were looked at");
    }
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(walk(&path)) } else { files.push(path) }
    }
    files
}

/// A row of a CSV file, by column.
#[derive(Debug)]
pub(crate) struct Row(pub(crate) BTreeMap<String, String>);

impl Row {
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.get(name).unwrap_or_else(|| panic!("no column {name}"))
    }

    pub(crate) fn count(&self, name: &str) -> u64 {
        self.text(name).parse().unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// That some counts are these.
    pub(crate) fn assert(&self, expected: &[(&str, u64)]) {
        let actual: Vec<_> = expected.iter().map(|(name, _)| (*name, self.count(name))).collect();
        assert_eq!(actual, expected, "{self:?}");
    }

    /// That the identities of a provider's row hold.
    pub(crate) fn assert_provider_adds_up(&self) {
        let sum = |names: &[&str]| names.iter().map(|name| self.count(name)).sum::<u64>();
        assert_eq!(self.count("events"), sum(&["accepted", "pending", "given_up"]));
        let statuses = ["status_2xx", "status_3xx", "status_4xx", "status_5xx"];
        let ends = [&statuses[..], &["timeouts", "refused_connections", "bad_answers", "unfinished"]].concat();
        assert_eq!(self.count("attempts"), sum(&ends));
        assert_eq!(self.count("attempts"), sum(&["first_attempts", "retries"]));
    }

    /// That the identities of a receiver's row hold.
    pub(crate) fn assert_receiver_adds_up(&self) {
        let sum = |names: &[&str]| names.iter().map(|name| self.count(name)).sum::<u64>();
        assert_eq!(self.count("requests"), sum(&["accepted", "refused", "rejected", "unfinished"]));
        let reasons = ["signature", "too_large", "too_slow", "unreadable", "wrong_method"];
        let reasons: Vec<_> = reasons.iter().map(|reason| format!("rejected_{reason}")).collect();
        assert_eq!(self.count("rejected"), sum(&reasons.iter().map(String::as_str).collect::<Vec<_>>()));
    }
}

/// Looks again and again until something has happened.
pub(crate) fn wait_until(what: &str, mut happened: impl FnMut() -> bool) {
    for _ in 0..1_200 {
        if happened() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{what} did not happen within a minute");
}

/// A scenario with one push client, and about so many events a second.
pub(crate) fn scenario(signature: &str, duration: &str, rate: &str, push: &str) -> String {
    format!(
        "duration = \"{duration}\"\ndrain = \"60s\"\nseed = 11\n[events]\nrate = \"{rate}\"\npayload = \"64 B\"\n\
         [[client]]\nname = \"webhook\"\n[client.push]\nsignature = \"{signature}\"\n{push}\n"
    )
}

/// A retry schedule that is over soon.
pub(crate) const QUICK_RETRY: &str = "timeout = \"10s\"\nretry = { base = \"50ms\", factor = 1, max = 30 }";

/// Sends a request as it stands, and gives back everything that is answered until the connection ends.
pub(crate) fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = connect(address);
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    // A connection that is reset has answered all that it will.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// A connection that waits for a minute at most.
pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// A POST of a JSON body.
pub(crate) fn post(path: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// A scheme with the secret of the sender and what the receiver checks with. None of them is used anywhere else.
pub(crate) fn schemes() -> [(&'static str, &'static str, &'static str); 6] {
    let pair = "6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
    let p256 = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgXvvK7e5D+v5jVnpt+jSGd7230FkuLYX3fuEXP7Jk9wmhRANCAAQB0NB50NQO\
                i1wza5cx7g5n8KvspAGmpj7UP6StfB/eqylwOvaSZydvDzJSIH/OOcyaURm3H4E0Ke9TlruMtMHW";
    let p256_public = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEAdDQedDUDotcM2uXMe4OZ/Cr7KQBpqY+1D+krXwf3qspcDr2kmcnbw8yUiB/zjnMmlEZtx+\
                       BNCnvU5a7jLTB1g==";
    let whsk: &'static str = Box::leak(format!("whsk_{pair}").into_boxed_str());
    [
        ("none", "", ""),
        ("standard-webhooks", STANDARD, STANDARD),
        ("standard-webhooks-ed25519", whsk, "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="),
        ("stripe", "whsec_u7Yh3bN0qPz5RkWd", "whsec_u7Yh3bN0qPz5RkWd"),
        ("github", "a long walk on a short pier", "a long walk on a short pier"),
        ("sendgrid", p256, p256_public),
    ]
}

/// A secret of Standard Webhooks.
pub(crate) const STANDARD: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

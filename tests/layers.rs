//! The layers of ARCHITECTURE.md, held against the imports of the code.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};

/// A module imports only from its own line or from lines above it.
const LAYERS: &[&[&str]] = &[
    &["time", "seed", "distribution", "window", "deadlines"],
    &["peer"],
    &["policy", "fault", "workload", "link", "wire", "measure"],
    &["engine"],
    &["theory"],
    &["report"],
    &["scenario"],
    &["evaluation"],
    &["roles", "sweep", "lab"],
    &["cli", "run", "main"],
];

/// Crates that only one part of the program may know, and where.
const CONFINED: &[(&str, &[&str])] = &[
    ("tokio", &["engine/live", "roles", "lab", "run/interrupt.rs"]),
    ("hyper", &["engine/live", "roles", "lab"]),
    ("maud", &["report", "lab"]),
    ("ratatui", &["run/live_view"]),
    ("clap_complete", &["cli.rs", "cli"]),
    ("clap_mangen", &["cli.rs", "cli"]),
    ("hyper_util", &["engine/live"]),
    ("flate2", &["engine/live"]),
    ("rustls", &["engine/live"]),
    ("tokio_rustls", &["engine/live"]),
    ("rustls_native_certs", &["engine/live"]),
    ("rcgen", &["engine/live"]),
    ("toml", &["scenario"]),
    ("clap", &["cli.rs", "cli", "main.rs"]),
    ("indicatif", &["run/progress.rs", "run/sweep/progress.rs"]),
    ("rand", &["engine/live"]),
    ("rayon", &["engine/sim", "run/play.rs", "run/replicate.rs", "sweep"]),
    ("annotate_snippets", &["scenario"]),
    ("hmac", &["policy/signature"]),
    ("ecdsa", &["policy/signature"]),
    ("p256", &["policy/signature"]),
    ("ed25519_dalek", &["policy/signature"]),
];

fn sources() -> Vec<(PathBuf, String)> {
    fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, files);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                files.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    files
        .into_iter()
        .map(|file| (file.strip_prefix(&root).unwrap().to_owned(), std::fs::read_to_string(&file).unwrap()))
        .collect()
}

/// The code of a file without comments and without its test module.
fn code(text: &str) -> String {
    let lines = text.split("#[cfg(test)]").next().unwrap_or_default().lines();
    lines.filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// The modules named behind `crate::`, also inside braces.
fn imports(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for part in code.split("crate::").skip(1) {
        let list = part.strip_prefix('{').and_then(|rest| rest.split('}').next()).unwrap_or(part);
        let items: Vec<&str> = if part.starts_with('{') { list.split(',').collect() } else { vec![list] };
        for item in items {
            let name: String = item.trim().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            if !name.is_empty() {
                names.push(name);
            }
        }
    }
    names
}

#[test]
fn imports_go_one_way() {
    let mut seen = 0;
    for (file, text) in sources() {
        let first = file.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        let module = first.trim_end_matches(".rs");
        if module == "lib" || file.ends_with("tests.rs") {
            continue;
        }
        let layer = layer_of(module).unwrap_or_else(|| panic!("{} belongs to no layer", file.display()));
        for import in imports(&code(&text)) {
            let Some(imported) = layer_of(&import) else { continue };
            seen += 1;
            assert!(imported <= layer, "{} imports `{import}` from a layer above it", file.display());
        }
    }
    assert!(seen > 100, "only {seen} imports were found, so this test sees nothing");
}

#[test]
fn crates_stay_where_they_belong() {
    let mut seen = 0;
    for (file, text) in sources() {
        for (name, places) in CONFINED {
            let used = code(&text)
                .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))
                .any(|word| word == *name || word.strip_prefix(name).is_some_and(|rest| rest.starts_with("::")));
            if used && code(&text).contains(&format!("{name}::")) {
                seen += 1;
                let allowed =
                    places.iter().any(|place| file.starts_with(place) || file.to_string_lossy().starts_with(place));
                assert!(allowed, "{} knows {name}", file.display());
            }
        }
    }
    assert!(seen > 5, "only {seen} uses were found, so this test sees nothing");
}

#[test]
fn policies_cannot_fail_and_read_no_clock() {
    for (file, text) in sources().into_iter().filter(|(file, _)| file.starts_with("policy")) {
        let code = code(&text);
        for word in ["io::Error", "std::time", "std::fs", "std::net", "async fn", "Result<"] {
            assert!(!code.contains(word), "{} mentions {word}", file.display());
        }
    }
}

#[test]
fn only_main_ends_the_process() {
    for (file, text) in sources() {
        assert!(!code(&text).contains("process::exit"), "{} ends the process", file.display());
    }
}

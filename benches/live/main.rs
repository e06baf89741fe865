//! What the live engine costs on top of the HTTP library that it stands on, and how well it keeps its schedule.
//!
//! `cargo bench --bench live` runs all parts; `cargo bench --bench live -- polls` one of them. Ratios are the figures: times
//! belong to a machine and its hour.
//!
//! * `polls`: how many polls a second the engine gets done, against a bare HTTP client and server.
//! * `webhooks`: the same for signed webhooks with a payload of 1 KiB, against requests of the same bytes.
//! * `paced`: 5,000 webhooks a second for half a minute, and other rates for a few seconds: how late they leave, and how
//!   late they come.
#![allow(clippy::disallowed_methods, reason = "a benchmark runs by the real clock")]

mod bare;
mod closed;
#[path = "../../tests/common/mod.rs"]
mod common;
mod paced;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let parts: [(&str, fn()); 3] = [("polls", closed::polls), ("webhooks", closed::webhooks), ("paced", paced::run)];
    for (name, part) in parts {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            part();
        }
    }
}

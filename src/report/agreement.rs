//! Whether the two engines agree, figure by figure.

use std::fmt::Write as _;

use crate::measure::agreement::Agreement;
use crate::report::columns::significant;
use crate::report::human;
use crate::report::table::{Style, wrap};

/// The table of agreements, and a closing sentence.
pub fn render(agreements: &[Agreement], style: Style) -> String {
    let mut text = String::new();
    let head = format!("{:<24}{:<17}{:>10}{:>10}{:>11}   ", "Do the engines agree?", "", "sim", "live", "may differ");
    let _ = writeln!(text, "{}", style.bold(head.trim_end()));
    let mut client = "";
    let known = |agreement: &&Agreement| agreement.sim.is_some() || agreement.live.is_some();
    for agreement in agreements.iter().filter(known) {
        let name = if agreement.client == client { "" } else { &agreement.client };
        client = &agreement.client;
        let name = wrap(name, 22).swap_remove(0);
        let value = |value: Option<f64>| value.map_or_else(|| "-".into(), |value| show(&agreement.metric, value));
        let _ = writeln!(
            text,
            "{name:<24}{:<17}{:>10}{:>10}{:>11}   {}",
            agreement.metric,
            value(agreement.sim),
            value(agreement.live),
            show(&agreement.metric, agreement.tolerance),
            if agreement.holds() { "yes" } else { "NO" },
        );
    }
    let broken = agreements.iter().filter(|agreement| !agreement.holds()).count();
    let _ = match broken {
        0 => writeln!(text, "The engines agree on all {} figures.", agreements.len()),
        n => writeln!(text, "The engines disagree on {n} of {} figures.", agreements.len()),
    };
    text
}

fn show(metric: &str, value: f64) -> String {
    if metric.ends_with("_ms") { human::number(value) } else { significant(libm::round(value)) }
}

//! What a webhook provider does, in plain words: that of a scenario for each of its clients, and the presets.

use crate::engine::{ClientSetup, PushSetup, Setup};
use crate::policy::dispatcher::{BatchPolicy, DisablePolicy, Order, WhileDisabled};
use crate::policy::retry::{RetryJitter, RetryPolicy};
use crate::report::{human, table};
use crate::scenario::names::{SCHEMES, SHAPES, name};
use crate::scenario::presets::{self, Preset};
use crate::time::Span;
use crate::wire::Payload;

/// Columns of the word that a line begins with.
const LABEL_WIDTH: usize = 12;
/// Columns that are left for the text, behind the comment sign, the indentation and the label.
const TEXT_WIDTH: usize = table::WIDTH - LABEL_WIDTH - 6;

/// The webhooks of every push client, line by line; nothing if there are none.
pub(super) fn describe(setup: &Setup) -> Vec<String> {
    let of_client = |client: &ClientSetup| Some((client.name.clone(), lines(client.push.as_ref()?)));
    let clients: Vec<_> = setup.clients.iter().filter_map(of_client).collect();
    if clients.is_empty() {
        return Vec::new();
    }
    let mut text = vec!["System B's webhooks".to_owned()];
    for (name, lines) in clients {
        text.push(format!("  {name}:"));
        for (label, words) in lines {
            for (index, words) in table::wrap(&words, TEXT_WIDTH).into_iter().enumerate() {
                let label = if index == 0 { label } else { "" };
                text.push(format!("    {label:LABEL_WIDTH$}{words}"));
            }
        }
    }
    text.push(String::new());
    text
}

fn lines(push: &PushSetup) -> Vec<(&'static str, String)> {
    let dispatch = &push.dispatch;
    let mut lines = vec![("signature", signature(push))];
    lines.push(("payload", payload(push)));
    lines.push(("timeout", time(dispatch.timeout)));
    lines.push(("retries", retries(&dispatch.retry)));
    if dispatch.batch != BatchPolicy::SINGLE {
        lines.push(("batches", batches(dispatch.batch)));
    }
    if dispatch.order == Order::Fifo {
        lines.push(("order", "one at a time to each endpoint, in the order of the events".to_owned()));
    }
    if !dispatch.spacing.is_zero() {
        lines.push(("rate limit", format!("at least {} between attempts to an endpoint", time(dispatch.spacing))));
    }
    lines.push(("disabled", disabled(dispatch.disable)));
    if let Some(breaker) = dispatch.breaker {
        lines.push((
            "breaker",
            format!(
                "opens for {} once {} of at least {} attempts within {} failed",
                time(breaker.cool_down),
                human::percent(breaker.failure_share),
                human::count(breaker.minimum.into()),
                time(breaker.window)
            ),
        ));
    }
    if let Some(redeliver) = dispatch.redeliver {
        let (every, within) = (time(redeliver.every), time(redeliver.within));
        lines.push(("redelivery", format!("every {every} of what was given up, for events of the last {within}")));
    }
    lines
}

fn signature(push: &PushSetup) -> String {
    let (scheme, shape) = (name(SCHEMES, &push.scheme), name(SHAPES, &push.envelope.shape));
    match scheme {
        "none" => format!("none; shaped like {shape}"),
        scheme if scheme == shape => scheme.to_owned(),
        scheme => format!("{scheme}; shaped like {shape}"),
    }
}

fn payload(push: &PushSetup) -> String {
    let one = match push.envelope.is_list {
        true => "a list of events",
        false => "one event",
    };
    match (push.envelope.payload, push.receive.fetch) {
        (Payload::Thin, Some(fetch)) => {
            let tries = human::things(fetch.tries.into(), "try", "tries");
            format!("{one}, by name; System A fetches each, in at most {tries} of {}", time(fetch.timeout))
        }
        _ => format!("{one}, whole"),
    }
}

fn time(span: Span) -> String {
    human::duration_secs(span.as_secs_f64())
}

fn total(policy: &RetryPolicy) -> Span {
    policy.delays.iter().fold(Span::ZERO, |sum, delay| sum + *delay)
}

/// The delays that are named one by one; more would not be read.
const DELAYS_SHOWN: usize = 5;

fn retries(policy: &RetryPolicy) -> String {
    if policy.delays.is_empty() {
        return "none: what fails once is given up".to_owned();
    }
    let shown: Vec<_> = policy.delays.iter().take(DELAYS_SHOWN).map(|delay| time(*delay)).collect();
    let last = policy.delays.last().filter(|_| policy.delays.len() > DELAYS_SHOWN);
    let last = last.map_or_else(String::new, |last| format!(" .. {}", time(*last)));
    let count = policy.delays.len();
    let mut text = format!("{count}, over {}: after {}{last}", time(total(policy)), shown.join(", "));
    match policy.jitter {
        RetryJitter::None => {}
        RetryJitter::Symmetric(share) => text.push_str(&format!(", give or take {}", human::percent(share))),
        RetryJitter::Full => text.push_str(", each cut short at random"),
    }
    if let Some(within) = policy.within {
        text.push_str(&format!("; none later than {} after the event", time(within)));
    }
    if policy.retry_after_max.is_zero() {
        text.push_str("; Retry-After is not heard");
    }
    text
}

fn batches(policy: BatchPolicy) -> String {
    let size = policy.bytes.map_or_else(String::new, |bytes| format!(" or {}", human::bytes(bytes.into())));
    let events = human::things(policy.max.into(), "event", "events");
    format!("up to {events}{size}; the first waits up to {} for others", time(policy.wait))
}

fn disabled(policy: DisablePolicy) -> String {
    let causes = [
        policy.on_gone.then(|| "on the answer 410".to_owned()),
        policy.after.map(|after| format!("after {} of nothing but failures", time(after))),
        policy.failures.map(|failures| {
            format!("after {} in a row", human::things(failures.into(), "failed attempt", "failed attempts"))
        }),
    ];
    let causes: Vec<_> = causes.into_iter().flatten().collect();
    if causes.is_empty() {
        return "never".to_owned();
    }
    let events = match policy.meanwhile {
        WhileDisabled::Lose => "its events are lost",
        WhileDisabled::Keep => "its events wait",
    };
    let enabled =
        policy.enable_after.map_or_else(String::new, |after| format!("; enabled again {} later", time(after)));
    format!("{}; {events}{enabled}", causes.join(", or "))
}

/// The presets as a table.
pub(super) fn presets() -> String {
    let head = ["preset", "signature", "waits", "retries", "batch", "disabled"].map(str::to_owned);
    let rows: Vec<_> = std::iter::once(head).chain(presets::all().iter().map(row)).collect();
    let mut widths = [0; 6];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let line = |row: &[String; 6]| {
        let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    let table: String = rows.iter().map(line).collect();
    format!("\nDefaults that preset = \"..\" under [provider] takes from a vendor:\n\n{table}")
}

fn row(preset: &Preset) -> [String; 6] {
    let retries = match preset.retry.delays.len() {
        0 => "never".to_owned(),
        count => format!("{count}, {}", time(total(&preset.retry))),
    };
    let batch = match preset.batch {
        BatchPolicy { max: 1, .. } => "1".to_owned(),
        BatchPolicy { wait, bytes: Some(bytes), .. } => format!("{}/{}", time(wait), human::bytes(bytes.into())),
        BatchPolicy { wait, .. } => time(wait),
    };
    let DisablePolicy { after, on_gone, .. } = preset.disable;
    let disabled = match (on_gone, after) {
        (true, Some(after)) => format!("410, {}", time(after)),
        (true, None) => "410".to_owned(),
        (false, Some(after)) => time(after),
        (false, None) => "never".to_owned(),
    };
    let scheme = name(SCHEMES, &preset.scheme).to_owned();
    [preset.name.to_owned(), scheme, time(preset.timeout), retries, batch, disabled]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_presets_fit_a_terminal() {
        let text = presets();
        assert!(text.lines().all(|line| line.chars().count() <= table::WIDTH), "{text}");
        assert!(presets::all().iter().all(|preset| text.contains(preset.name)), "{text}");
    }
}

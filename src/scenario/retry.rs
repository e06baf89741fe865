//! What `client.push.retry` says: when a failed webhook is sent again.

use crate::policy::retry::{RetryJitter, RetryPolicy};
use crate::scenario::keys::{self, Key};
use crate::scenario::kinds::{self, Parsed};
use crate::scenario::names::RETRIES;
use crate::scenario::problems::Problem;
use crate::scenario::read::{Reader, Section};
use crate::scenario::sections::positive;
use crate::scenario::tree::{Node, Value};
use crate::scenario::units::format_span;
use crate::scenario::waits::{WAIT_MAX, wait};
use crate::time::Span;

/// Reads the retry schedule; what is not written is as in the preset.
pub(super) fn retry(reader: &mut Reader, push: &Section<'_>, preset: &RetryPolicy) -> Option<RetryPolicy> {
    if !push.has_table("retry") {
        let name = reader.get_if_written(push, "retry", retry_name)?;
        return match name {
            Some(name) => RETRIES.iter().find(|(other, _)| *other == name).map(|(_, policy)| policy()),
            None => Some(preset.clone()),
        };
    }
    let section = push.sub("client.push.retry");
    let base = schedule(reader, &section, preset);
    let jitter = reader.get_if_written(&section, "jitter", kinds::number_or_word);
    let within = reader.get_if_written(&section, "within", positive);
    let retry_after_max = reader.get_if_written(&section, "retry_after_max", wait);
    let mut policy = base?;
    match jitter? {
        Some(Some(share)) => policy.jitter = RetryJitter::symmetric(share),
        Some(None) => policy.jitter = RetryJitter::Full,
        None => {}
    }
    policy.within = within?.or(policy.within);
    policy.retry_after_max = retry_after_max?.unwrap_or(policy.retry_after_max);
    if let Some(longest) = policy.delays.iter().max().filter(|delay| **delay > WAIT_MAX) {
        reader.problem(too_long_a_delay(*longest).at(section.place));
        return None;
    }
    // Jitter of nothing is no jitter; so one schedule has one form.
    if policy.delays.is_empty() {
        policy.jitter = RetryJitter::None;
    }
    Some(policy)
}

/// The delays of a table: a list, or delays that grow, or those of the preset with all that belongs to them.
fn schedule(reader: &mut Reader, section: &Section<'_>, preset: &RetryPolicy) -> Option<RetryPolicy> {
    const GROWING: [&str; 3] = ["base", "factor", "max"];
    let plain = |delays| RetryPolicy::new(delays, RetryJitter::None);
    if section.node("delays").is_some() {
        for name in GROWING {
            if let Some(node) = section.node(name) {
                let problem = Problem::new(format!("`{name}` means nothing beside `delays`"));
                reader.problem(problem.at(node.place.as_ref()).help("remove one of the two"));
            }
        }
        return reader.get(section, "delays", kinds::spans).map(plain);
    }
    if !GROWING.iter().any(|name| section.node(name).is_some()) {
        return Some(preset.clone());
    }
    let base = reader.get(section, "base", kinds::span);
    let factor = reader.get(section, "factor", kinds::number);
    let max = reader.get(section, "max", kinds::small_integer);
    Some(RetryPolicy::exponential(base?, factor?, max?, RetryJitter::None))
}

/// Reads the name of a retry schedule; what is no name may be meant as a part of a schedule.
fn retry_name(node: &Node, key: &Key) -> Parsed<&'static str> {
    let max = Node { place: None, ..node.clone() };
    let is_max = keys::find("client.push.retry.max").is_some_and(|key| kinds::small_integer(&max, key).is_ok());
    let help = match &node.value {
        Value::Integer(attempts) if is_max => {
            format!("write retry = {{ max = {attempts} }}: the most attempts, the first included")
        }
        Value::List(_) => "write retry = { delays = [..] }".to_owned(),
        Value::Text(_) => return kinds::choice(node, key),
        _ => "write a name such as \"generic\", or a table such as { max = 3 }".to_owned(),
    };
    let message = format!("`{}` takes a name or a table, not {}", key.name(), node.value.kind());
    Err(Problem::new(message).at(node.place.as_ref()).help(help))
}

/// The problem with a delay before a retry that is longer than any may be.
fn too_long_a_delay(longest: Span) -> Problem {
    let most = format_span(WAIT_MAX);
    let days = (longest.as_secs_f64() / 86_400.0).round();
    // Delays that grow end at the longest span there is, which says nothing of the schedule.
    let length = if longest == Span::MAX || Span::from_secs_f64(days * 86_400.0) <= WAIT_MAX {
        format!("more than {most}")
    } else {
        format!("about {days:.0} days")
    };
    let problem = Problem::new(format!("the longest delay before a retry is {length}"));
    problem.help(format!("keep every delay within {most}: shorter delays, fewer attempts or a smaller factor"))
}

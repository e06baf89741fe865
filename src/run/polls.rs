//! How each pull client polls, in plain words, where it is more than a fixed interval.

use crate::engine::{ClientSetup, Setup};
use crate::policy::poller::{Aim, Jitter, Phase, PollPolicy, Strategy, Target, Timing};
use crate::report::{human, table};
use crate::time::{SECOND, Span};

/// Columns that are left for the text, behind the comment sign and the indentation.
const TEXT_WIDTH: usize = table::WIDTH - 6;

/// The polls of every client that does more than to poll at a fixed interval; nothing if there is none.
pub(super) fn describe(setup: &Setup) -> Vec<String> {
    let of_client = |client: &ClientSetup| {
        let sentences = sentences(setup, client.pull.as_ref()?);
        (!sentences.is_empty()).then(|| (client.name.clone(), sentences))
    };
    let clients: Vec<_> = setup.clients.iter().filter_map(of_client).collect();
    if clients.is_empty() {
        return Vec::new();
    }
    let mut text = vec!["System A's polls".to_owned()];
    for (name, sentences) in clients {
        text.push(format!("  {name}:"));
        let lines = sentences.iter().flat_map(|sentence| table::wrap(sentence, TEXT_WIDTH));
        text.extend(lines.map(|line| format!("    {line}")));
    }
    text.push(String::new());
    text
}

fn sentences(setup: &Setup, policy: &PollPolicy) -> Vec<String> {
    let mut sentences: Vec<_> = strategy(setup, policy).into_iter().collect();
    sentences.extend(crowd(setup, policy));
    if policy.conditional {
        sentences.push("asks whether anything has changed (If-None-Match), and may be answered 304".to_owned());
    }
    if let Target::Feed { overlap } = policy.target
        && !overlap.is_zero()
    {
        sentences.push(format!("asks again for the {} before the newest event it knows", time(overlap)));
    }
    sentences
}

/// What System B meets in one second where the polls of all consumers begin together.
fn crowd(setup: &Setup, policy: &PollPolicy) -> Option<String> {
    let stays_together = policy.strategy == Strategy::Fixed
        && policy.timing == Timing::FixedRate
        && policy.phase == Phase::Aligned
        && matches!(policy.target, Target::Feed { .. });
    if !stays_together || setup.consumers < 2 {
        return None;
    }
    let all = human::count(setup.consumers.into());
    let seconds = policy.every.as_nanos() as f64 / SECOND as f64;
    let each = (1.0 / seconds).ceil().max(1.0);
    let peak = human::number(f64::from(setup.consumers) * each);
    match policy.jitter {
        Jitter::None => Some(format!(
            "for all {all} consumers at the same instants: {peak} requests within one second; `jitter` spreads them, and so does phase = \"random\""
        )),
        Jitter::Grid(spread) if spread * seconds >= 1.0 => Some(format!(
            "for all {all} consumers within {} of the same instants: about {} requests in each second of it",
            time(policy.every.scale(spread)),
            human::number(f64::from(setup.consumers) / (spread * seconds))
        )),
        // Gaps that vary drive consumers apart, but not from the first polls.
        Jitter::Grid(_) | Jitter::Gap(_) | Jitter::Exponential => None,
    }
}

fn strategy(setup: &Setup, policy: &PollPolicy) -> Option<String> {
    let every = time(policy.every);
    Some(match policy.strategy {
        Strategy::Fixed => return None,
        Strategy::Hint => format!("every {every}, or as much later as System B wishes"),
        Strategy::Backoff { factor, max } => format!(
            "every {every} while events come; with each poll that brings none {} times as long, up to {}",
            human::number(factor),
            time(max)
        ),
        Strategy::Adaptive { aim, min, max, .. } => {
            let aim = match aim {
                Aim::UsefulShare(share) => format!("{} of the polls bring something", human::percent(share)),
                Aim::EventsPerPoll(events) => format!("{} events come with each poll", human::number(events)),
            };
            format!(
                "so that {aim}, at first every {every}, at most every {} and at least every {}",
                time(min),
                time(max)
            )
        }
        Strategy::LongPoll { hold } => {
            let next = if policy.every.is_zero() { "at once".to_owned() } else { format!("{every} later") };
            let cut = setup.api.idle_cut.filter(|cut| *cut < hold);
            let cut = cut.map_or_else(String::new, |cut| {
                format!("; but a proxy cuts off each after {} and answers 504: write a `hold` below that", time(cut))
            });
            format!("held by System B for up to {} until there is something to tell, the next {next}{cut}", time(hold))
        }
    })
}

fn time(span: Span) -> String {
    human::duration_secs(span.as_secs_f64())
}

//! What a sequence chart comes to, in a few sentences.

use crate::measure::story::{Account, Story, Way};
use crate::report::human;
use crate::report::sequence::words;

/// What each client did in what was shown, and what was left out.
pub(super) fn sentences(story: &Story<'_>) -> Vec<String> {
    let mut sentences = Vec::new();
    let mut parts: Vec<String> = Vec::new();
    for (lane, account) in story.lanes.iter().zip(&story.accounts) {
        let is_same = !parts.is_empty() && lane.is_hybrid;
        let name = if is_same { "it".to_owned() } else { format!("\"{}\"", lane.name) };
        parts.push(match lane.way {
            Way::Pull => asked(&name, account),
            Way::Push => called(&name, account),
        });
    }
    if !parts.is_empty() {
        sentences.push(format!("In these {}, {}.", words::span(story.length()), parts.join("; ")));
    }
    sentences.extend(story.accounts.iter().filter_map(|account| strangers(account.forged)));
    sentences.extend(unfinished(story));
    sentences
}

fn asked(name: &str, account: &Account) -> String {
    let times = times(account.polls);
    let in_vain = match account.in_vain {
        0 => "never for nothing".into(),
        n if n == account.polls && n > 1 => "always for nothing".into(),
        n => format!("{} for nothing", self::times(n)),
    };
    format!("{name} asked {times}, {in_vain}, {}", heard(account))
}

fn called(name: &str, account: &Account) -> String {
    let times = times(account.calls);
    let mut asides = Vec::new();
    for (count, what) in [(account.failed, "in vain"), (account.known, "with what was known")] {
        if count > 0 {
            asides.push(format!("{} {what}", self::times(count)));
        }
    }
    if account.fetches > 0 {
        asides.push(format!("then asked {} what had happened", self::times(account.fetches)));
    }
    let comma = if asides.is_empty() { "" } else { "," };
    let asides = asides.iter().map(|aside| format!(", {aside}")).collect::<String>();
    format!("{name} was called {times}{asides}{comma} {}", heard(account))
}

fn heard(account: &Account) -> String {
    match (account.heard, account.late_ms) {
        (0, _) | (_, None) => "and heard of no event that way".into(),
        (1, Some(late)) => format!("and heard of 1 event, {} late", human::duration_ms(late)),
        (n, Some(late)) => {
            format!("and heard of {} events, {} late on average", human::count(n), human::duration_ms(late))
        }
    }
}

fn strangers([refused, believed]: [u64; 2]) -> Option<String> {
    let all = refused + believed;
    let call = match believed {
        _ if all == 0 => return None,
        0 => "none was believed".into(),
        n if n == all => "every one was believed".into(),
        n => format!("{} believed", human::things(n as f64, "was", "were")),
    };
    Some(format!("Strangers called {}: {call}.", times(all)))
}

fn unfinished(story: &Story<'_>) -> Option<String> {
    if story.is_cut {
        return Some("The chart stops here because there is too much to show; fewer --events show less.".into());
    }
    if !story.is_complete {
        return Some("The run ended before all of these events were known.".into());
    }
    story.has_more.then(|| "Later events are left out, and what was sent only for them.".into())
}

fn times(count: u64) -> String {
    match count {
        1 => "once".into(),
        2 => "twice".into(),
        n => format!("{} times", human::count(n)),
    }
}

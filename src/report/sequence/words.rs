//! What stands on the arrows of a sequence chart. Each text comes in several lengths, the longest first.

use crate::measure::chronicle::{Asked, Entry, Told};
use crate::measure::fact::End;
use crate::measure::story::{Lane, News, Next};
use crate::report::human;
use crate::time::{Span, Time};

/// The same said at greater or lesser length, the longest first.
pub(super) type Phrases = Vec<String>;

/// More serials than this are not listed one by one.
const LISTED: usize = 3;

/// What happened at System B.
pub(super) fn occurred(told: &Told) -> Phrases {
    let (serial, record) = (told.event.serial, told.event.record);
    vec![format!("event {serial}: record {record} changes"), format!("event {serial}")]
}

/// What an opener asks, where it asks something.
pub(super) fn question(lane: &Lane<'_>, entry: &Entry) -> Phrases {
    match entry.asked {
        Asked::Feed { page: 0 } if lane.is_held => vec!["tell me once there is news".into(), "any news? I wait".into()],
        Asked::Feed { page: 0 } => vec!["anything new?".into()],
        Asked::Feed { .. } => vec!["and what else?".into(), "what else?".into()],
        Asked::Record(record) => vec![format!("has record {record} changed?"), format!("record {record}?")],
        Asked::Fetch => vec![format!("what is {}?", serials(&entry.events))],
        Asked::Webhook { .. } | Asked::Forged(_) => Vec::new(),
    }
}

/// What a webhook says on its way to System A, without how late that is.
pub(super) fn webhook(lane: &Lane<'_>, entry: &Entry, news: &News) -> Phrases {
    let attempt = match entry.asked {
        Asked::Webhook { attempt } if attempt > 1 => format!(", {} attempt", ordinal(attempt)),
        _ => String::new(),
    };
    let heading = if lane.is_thin { "there is " } else { "" };
    let known = if news.is_known { ", known already" } else { "" };
    let [long, spare, short] = carried(news);
    let mut phrases: Phrases =
        [&long, &spare, &short].map(|events| format!("{heading}{events}{attempt}{known}")).into();
    phrases.push(if news.is_known { format!("{short}{known}") } else { format!("{short}{attempt}") });
    phrases.push(short);
    phrases
}

/// What an answer says, without how late that is; for a webhook's also what comes next.
pub(super) fn answer(entry: &Entry, news: &News, next: Next) -> Phrases {
    let carries = !news.followed.is_empty() || news.others > 0;
    match entry.end {
        Some(End::Answered | End::Fetched) if carries => {
            let known = if news.is_known { ", known already" } else { "" };
            let [long, spare, short] = carried(news);
            vec![format!("{long}{known}"), format!("{spare}{known}"), format!("{short}{known}"), short]
        }
        Some(End::Answered | End::Fetched) => vec!["no".into()],
        Some(End::Accepted) => vec!["ok".into()],
        Some(End::Refused(304)) => vec!["no (304, as before)".into(), "no (304)".into()],
        Some(End::Refused(status)) => followed_by(&refusal(status), next),
        _ => Vec::new(),
    }
}

/// What an opener knows that hears nothing.
pub(super) fn silence(entry: &Entry, next: Next) -> Phrases {
    let waited = entry.ended.map_or(Span::ZERO, |ended| ended.since(entry.opened));
    let Some(End::TimedOut) = entry.end else { return followed_by("unreachable", next) };
    let sentence = format!("no answer for {}", span(waited));
    let mut phrases = followed_by(&sentence, next);
    if let Asked::Webhook { .. } = entry.asked {
        // Several webhooks may be under way at the same time.
        let which = serials(&entry.events);
        let with = |phrase: &String| format!("{which}: {phrase}");
        // What comes next is worth more than how long it took to know.
        let short = followed_by("no answer", next);
        let first = phrases.first().into_iter().chain(short.first().filter(|_| next != Next::Nothing));
        let named: Phrases = first.chain(phrases.last()).map(with).collect();
        phrases.splice(0..0, named);
    }
    phrases
}

/// How late that was which became known with a message; none where nothing did.
pub(super) fn lateness(news: &News) -> Option<Phrases> {
    let told = |spans: &[Span]| listed(spans.iter().map(|late| span(*late)).collect());
    let worst = span(news.late.iter().max().copied()?);
    let worst = if news.late.len() > 1 { format!("up to {worst} late") } else { format!("{worst} late") };
    let all = (news.late.len() <= LISTED).then(|| format!("{} late", told(&news.late)));
    Some(all.into_iter().chain([worst]).collect())
}

/// What was to be sent where nobody was there to take it.
pub(super) fn unsent(lane: &Lane<'_>, entry: &Entry) -> Phrases {
    let mut phrases = question(lane, entry);
    if phrases.is_empty() {
        let followed = entry.events.iter().take(LISTED).copied().collect::<Vec<_>>();
        let others = (entry.events.len() - followed.len()) as u64;
        phrases = webhook(lane, entry, &News { followed, others, ..News::default() });
    }
    phrases
}

/// Several polls that went alike.
pub(super) fn repeated(count: u64, end: Option<End>) -> Phrases {
    let polls = human::things(count as f64, "poll", "polls");
    let found = match end {
        Some(End::TimedOut) => "no answer".into(),
        Some(End::Unreachable) => "unreachable".into(),
        Some(End::Refused(status)) if status != 304 => refusal(status),
        _ => "nothing new".into(),
    };
    vec![format!("{polls}, {found}")]
}

/// A stranger's webhook, and what became of it.
pub(super) fn forged(entry: &Entry) -> Phrases {
    let kind = match entry.asked {
        Asked::Forged(Some(kind)) => kind.name(),
        _ => "stranger's",
    };
    let fate = match (entry.is_believed, entry.end) {
        (true, _) => "BELIEVED".to_owned(),
        (false, Some(End::Refused(status))) => format!("rejected ({status})"),
        (false, _) => "rejected".into(),
    };
    vec![format!("forged, {kind}: {fate}"), format!("forged: {fate}"), "forged".into()]
}

/// System B gives up on an event.
pub(super) fn gave_up(told: &Told) -> Phrases {
    vec![format!("gives up on event {}", told.event.serial)]
}

/// An answer that its opener never heard.
pub(super) fn unheard(entry: &Entry) -> Phrases {
    match entry.asked {
        Asked::Webhook { .. } => vec!["ok".into()],
        _ => vec!["the answer".into()],
    }
}

/// An instant as the column of time shows it.
pub(super) fn instant(at: Time, clock: Clock) -> String {
    let nanos = at.as_nanos();
    let seconds = nanos / 1_000_000_000;
    let (hours, minutes, rest) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let (millis, micros) = (nanos / 1_000_000 % 1_000, nanos / 1_000 % 1_000_000);
    match clock {
        Clock::Micros => format!("{seconds}.{micros:06}"),
        Clock::Seconds => format!("{seconds}.{millis:03}"),
        Clock::Hours => format!("{hours}:{minutes:02}:{rest:02}.{millis:03}"),
        Clock::Days => format!("{}d {:02}:{minutes:02}:{rest:02}", hours / 24, hours % 24),
    }
}

/// How instants are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clock {
    /// Seconds to the microsecond.
    Micros,
    /// Seconds to the millisecond.
    Seconds,
    /// Hours, minutes and seconds.
    Hours,
    /// Days as well.
    Days,
}

impl Clock {
    /// The one that suits a stretch.
    pub(super) fn of(first: Time, last: Time) -> Self {
        let (length, last) = (last.since(first), last.since(Time::ZERO));
        match () {
            () if length < Span::from_millis(100) && last < Span::from_secs(1_000) => Self::Micros,
            () if last < Span::from_secs(1_000) => Self::Seconds,
            () if last < Span::from_secs(100 * 3_600) => Self::Hours,
            () => Self::Days,
        }
    }

    /// What stands above the column.
    pub(super) const fn heading(self) -> &'static str {
        match self {
            Self::Micros | Self::Seconds => "seconds",
            Self::Hours | Self::Days => "time",
        }
    }
}

fn followed_by(what: &str, next: Next) -> Phrases {
    match next {
        Next::Nothing => vec![what.to_owned()],
        Next::Again(after) => {
            let after = span(after);
            vec![format!("{what}; again in {after}"), what.to_owned()]
        }
        Next::GivesUp => vec![format!("{what}; gives up"), what.to_owned()],
    }
}

fn refusal(status: u16) -> String {
    match status {
        401 | 403 => format!("{status}, not allowed"),
        404 => "404, not there".into(),
        413 => "413, too large".into(),
        429 => "429, too many requests".into(),
        503 => "503, not now".into(),
        500..=599 => format!("{status}, an error"),
        _ => format!("{status}"),
    }
}

/// The events of a message, at length, without a word that may be spared, and as a number.
fn carried(news: &News) -> [String; 3] {
    let all = news.followed.len() as u64 + news.others;
    let count = human::things(all as f64, "event", "events");
    if news.followed.is_empty() {
        let others = human::things(news.others as f64, "later event", "later events");
        return [others, count.clone(), count];
    }
    let own = serials(&news.followed);
    let spare = own.trim_start_matches("events ").to_owned();
    match news.others {
        0 if all == 1 => [own.clone(), own.clone(), own],
        0 => [own, spare, count],
        others => {
            let more = human::count(others);
            [format!("{own}, {more} more"), format!("{spare}, {more} more"), count]
        }
    }
}

fn serials(serials: &[u32]) -> String {
    match serials {
        [] => "nothing".into(),
        [one] => format!("event {one}"),
        [first, .., last] if serials.len() > LISTED && is_run(serials) => format!("events {first} to {last}"),
        several => {
            format!("events {}", listed(several.iter().map(u32::to_string).collect()))
        }
    }
}

/// Several things one after the other: `a, b and c`.
fn listed(mut things: Vec<String>) -> String {
    let last = things.pop().unwrap_or_default();
    if things.is_empty() { last } else { format!("{} and {last}", things.join(", ")) }
}

fn is_run(serials: &[u32]) -> bool {
    serials.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1]))
}

fn ordinal(number: u32) -> String {
    let ending = match (number % 100, number % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// A length of time for people.
pub(super) fn span(span: Span) -> String {
    human::duration_ms(span.as_millis_f64())
}

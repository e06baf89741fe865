//! What the view says in words.

use super::course::Mark;
use super::lane::Lane;
use crate::measure::expected::{Polls, Ways};
use crate::measure::tally::{Frame, Outcomes};
use crate::report::human;
use crate::time::{SECOND, Span, Time};

/// From so many seconds on the clock shows minutes.
const MINUTES_FROM: u64 = 120;

/// How far a run has come; and the same in short.
pub(super) fn status(frame: Frame, now: Option<Time>) -> [String; 2] {
    let Some(now) = now else { return ["about to start".into(), String::new()] };
    let whole = frame.duration.since(Time::ZERO);
    if now < frame.duration {
        let (elapsed, left) = (clock(now.since(Time::ZERO)), clock(frame.duration.since(now)));
        let warm = if now < frame.warmup { "warming up, not counted yet; " } else { "" };
        let whole = human::duration_secs(whole.as_secs_f64());
        return [format!("{warm}{elapsed} of {whole}, {left} to go"), format!("{left} to go")];
    }
    let left = clock(frame.end.since(now));
    [format!("no more events; waiting for what is under way, {left} at most"), format!("over in {left} at most")]
}

/// A length of time on a clock: it changes its last digit and nothing else.
fn clock(span: Span) -> String {
    let seconds = span.as_nanos() / SECOND;
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        _ if seconds < MINUTES_FROM => format!("{:.1} s", libm::floor(span.as_secs_f64() * 10.0) / 10.0),
        (0, minutes, seconds) => format!("{minutes}:{seconds:02} min"),
        (hours, minutes, seconds) => format!("{hours}:{minutes:02}:{seconds:02} h"),
    }
}

/// An instant on the axis of time.
pub(super) fn instant(at: Span) -> String {
    match at.as_nanos() / SECOND {
        seconds if seconds < MINUTES_FROM => human::duration_secs(at.as_secs_f64()),
        seconds if seconds < 3_600 => format!("{}:{:02}", seconds / 60, seconds % 60),
        seconds => format!("{}:{:02}h", seconds / 3_600, seconds / 60 % 60),
    }
}

/// How a client hears of events.
pub(super) const fn way(ways: Ways) -> &'static str {
    match (ways.polls, ways.push) {
        (Polls::Feed, false) => "System A asks again and again: anything new?",
        (Polls::Records, false) => "System A asks for each record again and again",
        (Polls::None, _) => "System B tells System A of each event",
        (Polls::Feed | Polls::Records, true) => "System B tells of each event; System A asks too",
    }
}

/// The same in a word or two, for the front of a row.
pub(super) const fn does(ways: Ways) -> &'static str {
    match (ways.polls, ways.push) {
        (Polls::Feed | Polls::Records, false) => "  asks",
        (Polls::None, _) => "  is told",
        (Polls::Feed | Polls::Records, true) => "  is told, asks",
    }
}

/// How late a client has heard of events, in short.
pub(super) fn latency(lane: &Lane) -> String {
    let Some(mean) = lane.latencies.mean_ms() else { return "has heard of nothing yet".into() };
    let within = lane.latencies.quantile_ms(0.95);
    let within = within.map_or_else(String::new, |ms| format!(", 95 % within {}", human::duration_ms(ms)));
    format!("hears after {} on average{within}", human::duration_ms(mean))
}

/// How late a client has heard of events, and of how many.
pub(super) fn heard(lane: &Lane) -> String {
    let show = |ms: Option<f64>| ms.map_or_else(|| "-".to_owned(), human::duration_ms);
    let lost = if lane.lost > 0 { format!(", {} lost", human::count(lane.lost)) } else { String::new() };
    format!(
        "mean {:<8} 95 % {:<8} last {:<8} {} of {}{lost}",
        show(lane.latencies.mean_ms()),
        show(lane.latencies.quantile_ms(0.95)),
        show(lane.last.map(Span::as_millis_f64)),
        human::count(lane.heard),
        human::things(lane.occurred as f64, "event", "events"),
    )
}

/// What a client's requests came to.
pub(super) fn requests(lane: &Lane) -> String {
    let mut parts = Vec::new();
    if lane.ways.polls != Polls::None {
        let Outcomes { useful, empty, .. } = lane.polls;
        let all = human::things(lane.polls.total() as f64, "poll", "polls");
        let first = format!("{all}: {} with news, {} found nothing", human::count(useful), human::count(empty));
        parts.push(first + &rarely(&lane.polls));
    }
    if lane.ways.push {
        let all = human::things(lane.webhooks.total() as f64, "webhook", "webhooks");
        let retried =
            if lane.retries > 0 { format!(", {} retried", human::count(lane.retries)) } else { String::new() };
        let first = format!("{all}: {} with news", human::count(lane.webhooks.useful));
        parts.push(first + &rarely(&lane.webhooks) + &retried);
    }
    if lane.fetches.total() > 0 {
        parts.push(human::things(lane.fetches.total() as f64, "fetch", "fetches") + &rarely(&lane.fetches));
    }
    let [forged, believed] = lane.forged;
    if forged > 0 {
        parts.push(format!("{} forged, {} believed", human::count(forged), human::count(believed)));
    }
    parts.join("; ")
}

/// The outcomes that not every run has.
fn rarely(outcomes: &Outcomes) -> String {
    let kinds = [
        (outcomes.not_modified, "not modified"),
        (outcomes.duplicate, "known"),
        (outcomes.throttled, "throttled"),
        (outcomes.failed, "failed"),
    ];
    let some = kinds.into_iter().filter(|(count, _)| *count > 0);
    some.map(|(count, what)| format!(", {} {what}", human::count(count))).collect()
}

/// Requests a second.
pub(super) fn rate(per_second: f64) -> String {
    match per_second {
        rate if rate < 0.1 => human::number(rate),
        rate if rate < 99.95 => format!("{rate:.1}"),
        rate => human::count(libm::round(rate) as u64),
    }
}

/// Requests a second of both sides, in short.
pub(super) fn rates(lane: &Lane) -> String {
    let [consumer, provider] = &lane.loads;
    format!("A {}/s  B {}/s", rate(consumer.latest()), rate(provider.latest()))
}

/// That there are clients which are not shown.
pub(super) fn more(clients: usize) -> String {
    format!("and {} that this screen has no room for", human::things(clients as f64, "more client", "more clients"))
}

/// That something was overlooked.
pub(super) fn overlooked(count: u64) -> String {
    format!(
        "too fast to be watched: {} missed here, but not in the results",
        human::things(count as f64, "fact", "facts")
    )
}

/// What a mark stands for, and whose client it is an example of; none if no client has any use for it so far.
pub(super) fn meaning(mark: Mark, lanes: &[Lane]) -> Option<(&'static str, usize)> {
    let (meaning, is_used): (_, fn(&Lane) -> bool) = match mark {
        Mark::Empty => ("asked, nothing new", |lane| lane.ways.polls != Polls::None),
        Mark::NotModified => ("not modified", |lane| any(lane, |outcomes| outcomes.not_modified)),
        Mark::Known => ("known", |lane| any(lane, |outcomes| outcomes.duplicate)),
        Mark::Brought => ("asked, news", |lane| lane.ways.polls != Polls::None),
        Mark::Fetched => ("fetched", |lane| lane.fetches.useful > 0),
        Mark::Told => ("told", |lane| lane.ways.push),
        Mark::ToldLater => ("told on retry", |lane| lane.retries > 0),
        Mark::Throttled => ("throttled", |lane| any(lane, |outcomes| outcomes.throttled)),
        Mark::Forged => ("forged", |lane| lane.forged[0] > 0),
        Mark::Failed => ("failed", |lane| any(lane, |outcomes| outcomes.failed)),
    };
    lanes.iter().position(is_used).map(|client| (meaning, client))
}

/// Whether exchanges of any kind had an outcome.
fn any(lane: &Lane, count: fn(&Outcomes) -> u64) -> bool {
    [&lane.polls, &lane.webhooks, &lane.fetches].into_iter().any(|outcomes| count(outcomes) > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_goes_evenly() {
        let clocks =
            [(0, "0.0 s"), (12_390, "12.3 s"), (119_990, "119.9 s"), (120_000, "2:00 min"), (7_325_000, "2:02:05 h")];
        for (millis, text) in clocks {
            assert_eq!(clock(Span::from_millis(millis)), text);
        }
        assert_eq!((instant(Span::from_secs(61)), instant(Span::from_secs(3_660))), ("61 s".into(), "1:01h".into()));
        assert_eq!((rate(0.0), rate(4.96), rate(1_234.5)), ("0".into(), "5.0".into(), "1,235".into()));
    }

    #[test]
    fn the_status_says_what_the_run_waits_for() {
        let at = |seconds| Time::ZERO + Span::from_secs(seconds);
        let frame = Frame::new(at(1), at(13), at(18));
        assert_eq!(status(frame, None)[0], "about to start");
        assert_eq!(status(frame, Some(at(0)))[0], "warming up, not counted yet; 0.0 s of 13 s, 13.0 s to go");
        assert_eq!(status(frame, Some(at(5)))[0], "5.0 s of 13 s, 8.0 s to go");
        assert_eq!(status(frame, Some(at(14)))[0], "no more events; waiting for what is under way, 4.0 s at most");
    }
}

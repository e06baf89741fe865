//! A few events from the instant at which they occur until the clients know of them, as a list of what happened one after
//! the other.

use crate::measure::chronicle::{Asked, Chronicle, Entry, Told};
use crate::measure::fact::End;
use crate::measure::tally::OutcomeKind;
use crate::peer::{Exchange, LossCause, Side};
use crate::time::{Span, Time};

/// The most steps that are told.
const STEPS_MAX: usize = 400;

/// In which way news comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// System A asks.
    Pull,
    /// System B calls.
    Push,
}

/// One way of one client.
#[derive(Clone, Copy, Debug)]
pub struct Lane<'a> {
    /// The client's name.
    pub name: &'a str,
    /// What happened to the client.
    pub chronicle: &'a Chronicle,
    /// Which of its ways this is.
    pub way: Way,
    /// Whether the client has both ways.
    pub is_hybrid: bool,
    /// Whether its webhooks only name events.
    pub is_thin: bool,
    /// Whether System B may hold its polls until there is news.
    pub is_held: bool,
}

/// The story of the first events of a stretch.
#[derive(Clone, Debug)]
pub struct Story<'a> {
    /// The ways in which the events come.
    pub lanes: Vec<Lane<'a>>,
    /// The events that are followed, in the order of time.
    pub events: Vec<Told>,
    /// What happened, in the order of time.
    pub steps: Vec<Step<'a>>,
    /// What each lane did in it.
    pub accounts: Vec<Account>,
    /// Whether everything that was to become known became known, or was given up.
    pub is_complete: bool,
    /// Whether there was more than can be told.
    pub is_cut: bool,
    /// Whether later events occurred meanwhile, which are not followed.
    pub has_more: bool,
}

/// Something that happened at an instant.
#[derive(Clone, Debug)]
pub struct Step<'a> {
    /// When.
    pub at: Time,
    /// What.
    pub what: What<'a>,
}

/// What happened. A number of a lane is its position in [`Story::lanes`].
#[derive(Clone, Debug)]
pub enum What<'a> {
    /// An event occurred.
    Occurred(Told),
    /// A request came to the other side, or set out and was lost.
    Asked(usize, &'a Entry, News),
    /// An answer came back.
    Answered(usize, &'a Entry, News, Next),
    /// An answer set out and was not heard.
    Unheard(usize, &'a Entry),
    /// The opener learnt that it would get no answer.
    Unanswered(usize, &'a Entry, Next),
    /// Polls that went as one before, one after the other.
    Repeated {
        /// Which lane's.
        lane: usize,
        /// How many.
        count: u64,
        /// How each of them ended.
        end: Option<End>,
    },
    /// A stranger's webhook came.
    Forged(&'a Entry),
    /// System B gave up on an event.
    GaveUp(Told),
}

/// Which events a message carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// Those that are followed, by their serials.
    pub followed: Vec<u32>,
    /// How many others.
    pub others: u64,
    /// How late each of those was known that became known with this message.
    pub late: Vec<Span>,
    /// Whether the client knew all of them before.
    pub is_known: bool,
}

/// What follows an attempt that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing that is known of.
    Nothing,
    /// Another attempt after so long.
    Again(Span),
    /// System B gives up.
    GivesUp,
}

/// What one lane did in a story.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Account {
    /// Polls.
    pub polls: u64,
    /// Polls that brought nothing new.
    pub in_vain: u64,
    /// Webhooks.
    pub calls: u64,
    /// Webhooks that failed.
    pub failed: u64,
    /// Webhooks that only told what was known.
    pub known: u64,
    /// Requests for what thin webhooks named.
    pub fetches: u64,
    /// Of the events that are followed, those that became known in this way.
    pub heard: u64,
    /// How late they were known on average, in milliseconds; none without any.
    pub late_ms: Option<f64>,
    /// A stranger's webhooks, and those of them that were believed.
    pub forged: [u64; 2],
}

impl<'a> Story<'a> {
    /// Follows the first `count` events from an instant on through each lane.
    pub fn of(lanes: &[Lane<'a>], from: Time, count: usize) -> Self {
        let all: &[Told] = lanes.first().map_or(&[], |lane| &lane.chronicle.events);
        let followed = || all.iter().skip_while(|told| told.event.occurred_at < from);
        let events: Vec<Told> = followed().take(count).copied().collect();
        let views: Vec<View<'_>> = lanes.iter().enumerate().map(|(n, lane)| View::new(n, lane, &events)).collect();
        let horizons: Vec<Option<Time>> = views.iter().map(View::horizon).collect();
        let is_complete = horizons.iter().all(Option::is_some);
        let mut steps: Vec<Step<'a>> =
            events.iter().map(|told| Step { at: told.event.occurred_at, what: What::Occurred(*told) }).collect();
        let last = horizons.iter().map(|at| at.unwrap_or(Time::NEVER)).max().unwrap_or(Time::ZERO);
        let mut accounts = Vec::new();
        for (view, horizon) in views.iter().zip(&horizons) {
            let entries = view.entries(horizon.unwrap_or(Time::NEVER), last);
            accounts.push(view.account(&entries));
            entries.iter().for_each(|entry| view.tell(entry, &mut steps));
            view.tell_given_up(&mut steps);
        }
        steps.sort_by_key(|step| (step.at, rank(&step.what)));
        let mut steps = fold(steps);
        let is_cut = steps.len() > STEPS_MAX || lanes.iter().any(|lane| lane.chronicle.is_cut && !is_complete);
        steps.truncate(STEPS_MAX);
        let end = steps.last().map_or(from, |step| step.at);
        let has_more = followed().nth(count).is_some_and(|told| told.event.occurred_at <= end);
        Self { lanes: lanes.to_vec(), events, steps, accounts, is_complete, is_cut, has_more }
    }

    /// How long it takes.
    pub fn length(&self) -> Span {
        let ends = self.steps.first().zip(self.steps.last());
        ends.map_or(Span::ZERO, |(first, last)| last.at.since(first.at))
    }
}

/// Causes before effects, where both happen at the same instant.
const fn rank(what: &What<'_>) -> u8 {
    match what {
        What::Occurred(_) => 0,
        What::Asked(..) | What::Forged(_) => 1,
        What::Answered(..) | What::Unheard(..) => 2,
        What::Unanswered(..) => 3,
        What::GaveUp(_) => 4,
        What::Repeated { .. } => 5,
    }
}

/// Puts polls together that went as one before, where nothing else happens between them.
fn fold(steps: Vec<Step<'_>>) -> Vec<Step<'_>> {
    let mut folded: Vec<Step<'_>> = Vec::with_capacity(steps.len());
    for step in steps {
        if let What::Repeated { lane, end, .. } = &step.what
            && let Some(Step { what: What::Repeated { lane: before, count, end: same }, .. }) = folded.last_mut()
            && (*before, *same) == (*lane, *end)
        {
            *count += 1;
            continue;
        }
        folded.push(step);
    }
    folded
}

/// A lane with the events that are followed, as the lane's client knew of them.
struct View<'a> {
    number: usize,
    lane: Lane<'a>,
    events: Vec<Told>,
    /// The first fetch that brought each event, where webhooks are thin.
    fetched_by: Vec<(u32, Exchange)>,
}

impl<'a> View<'a> {
    fn new(number: usize, lane: &Lane<'a>, followed: &[Told]) -> Self {
        let own = |told: &Told| {
            let is_it =
                |own: &&Told| own.event.serial == told.event.serial && own.event.consumer == told.event.consumer;
            lane.chronicle.events.iter().find(is_it).copied().unwrap_or(Told { seen: None, ..*told })
        };
        let mut fetched_by: Vec<(u32, Exchange)> = Vec::new();
        let fetches = lane.chronicle.exchanges.iter().filter(|entry| entry.asked == Asked::Fetch);
        for entry in fetches.filter(|entry| entry.end == Some(End::Fetched)) {
            for serial in &entry.events {
                if fetched_by.iter().all(|(known, _)| known != serial) {
                    fetched_by.push((*serial, entry.exchange));
                }
            }
        }
        Self { number, lane: *lane, events: followed.iter().map(own).collect(), fetched_by }
    }

    fn exchanges(&self) -> impl Iterator<Item = &'a Entry> {
        let chronicle: &'a Chronicle = self.lane.chronicle;
        chronicle.exchanges.iter()
    }

    /// Whether an entry is of this way, and not a stranger's.
    fn is_own(&self, entry: &Entry) -> bool {
        match entry.asked {
            Asked::Feed { .. } | Asked::Record(_) => self.lane.way == Way::Pull,
            Asked::Webhook { .. } | Asked::Fetch => self.lane.way == Way::Push,
            Asked::Forged(_) => false,
        }
    }

    fn follows(&self, serial: u32) -> bool {
        self.events.iter().any(|told| told.event.serial == serial)
    }

    /// When this lane has nothing more to tell of the events; none if that cannot be said yet.
    fn horizon(&self) -> Option<Time> {
        match self.lane.way {
            Way::Pull if self.lane.is_hybrid => self.first_answer_after_all(),
            Way::Pull => self.events.iter().map(Self::settled).try_fold(Time::ZERO, |last, at| Some(last.max(at?))),
            Way::Push => {
                let mut settled = self.events.iter().map(|told| self.delivered(told));
                settled.try_fold(Time::ZERO, |last, at| Some(last.max(at?)))
            }
        }
    }

    fn settled(told: &Told) -> Option<Time> {
        told.seen.or(told.given_up.map(|(at, _)| at))
    }

    /// When the first poll was answered that must have told of all events, if any was still to be told of.
    fn first_answer_after_all(&self) -> Option<Time> {
        let last = self.events.last()?.event.occurred_at;
        let has_answer = |entry: &&Entry| matches!(entry.end, Some(End::Answered | End::Refused(304)));
        let polls = self.exchanges().filter(|entry| self.is_own(entry)).filter(has_answer);
        polls.filter(|entry| entry.replied.is_some_and(|at| at >= last)).find_map(|entry| entry.ended)
    }

    /// When the dispatcher was done with an event and the client knew of it, or never would in this way.
    fn delivered(&self, told: &Told) -> Option<Time> {
        if let Some((at, _)) = told.given_up {
            return Some(at.max(told.seen.unwrap_or(at)));
        }
        let carries = |entry: &&Entry| self.is_own(entry) && entry.events.contains(&told.event.serial);
        let accepted = self.exchanges().filter(carries).find(|entry| entry.end == Some(End::Accepted));
        // What a hybrid's poll brings is told there.
        let seen = if self.lane.is_hybrid { told.seen.or(accepted?.ended) } else { told.seen };
        Some(accepted?.ended?.max(seen?))
    }

    /// The exchanges that belong to the story: those up to this lane's own horizon, and strangers' up to the last one's.
    fn entries(&self, horizon: Time, last: Time) -> Vec<&'a Entry> {
        let belongs = |entry: &&'a Entry| match entry.asked {
            Asked::Forged(_) => self.lane.way == Way::Push && entry.opened <= last,
            _ => {
                let is_carrier = || entry.events.iter().any(|serial| self.follows(*serial));
                // What is asked for only once all is known belongs to the next story.
                let is_in = entry.opened < horizon || entry.ended.is_some_and(|ended| ended <= horizon);
                self.is_own(entry) && is_in && (self.lane.way == Way::Pull || is_carrier())
            }
        };
        self.exchanges().filter(belongs).collect()
    }

    fn account(&self, entries: &[&Entry]) -> Account {
        let mut account = Account::default();
        let mut late = Vec::new();
        for entry in entries {
            let is_useful = entry.outcome == Some(OutcomeKind::Useful);
            match entry.asked {
                Asked::Feed { .. } | Asked::Record(_) => {
                    account.polls += 1;
                    account.in_vain += u64::from(!is_useful && entry.fresh == 0);
                }
                Asked::Webhook { .. } => {
                    account.calls += 1;
                    account.failed += u64::from(entry.outcome == Some(OutcomeKind::Failed));
                    account.known += u64::from(entry.outcome == Some(OutcomeKind::Duplicate));
                }
                Asked::Fetch => account.fetches += 1,
                Asked::Forged(_) => account.forged[usize::from(entry.is_believed)] += 1,
            }
            late.extend(self.news(entry).late);
        }
        account.heard = late.len() as u64;
        let sum: f64 = late.iter().map(|late| late.as_millis_f64()).sum();
        account.late_ms = (!late.is_empty()).then(|| sum / late.len() as f64);
        account
    }

    /// Which events an exchange carries.
    fn news(&self, entry: &Entry) -> News {
        let mut news = News::default();
        for serial in &entry.events {
            if self.follows(*serial) {
                news.followed.push(*serial);
            } else {
                news.others += 1;
            }
        }
        let brings = |told: &&Told| match self.lane.is_thin && self.lane.way == Way::Push {
            true => {
                let fetch = self.fetched_by.iter().find(|(serial, _)| *serial == told.event.serial);
                let by_poll = told.brought_by.is_some_and(|by| self.is_poll(by));
                fetch.is_some_and(|(_, by)| *by == entry.exchange) && !by_poll
            }
            false => told.brought_by == Some(entry.exchange),
        };
        let seen = self.events.iter().filter(brings).filter_map(|told| Some(told.seen?.since(told.event.occurred_at)));
        news.late.extend(seen);
        news.is_known = entry.outcome == Some(OutcomeKind::Duplicate);
        news
    }

    fn is_poll(&self, exchange: Exchange) -> bool {
        self.exchanges().any(|entry| entry.exchange == exchange && entry.asked.is_poll())
    }

    /// Tells an exchange step by step.
    fn tell(&self, entry: &'a Entry, steps: &mut Vec<Step<'a>>) {
        if matches!(entry.asked, Asked::Forged(_)) {
            return steps.push(Step { at: entry.opened, what: What::Forged(entry) });
        }
        if self.is_repeated(entry) {
            let what = What::Repeated { lane: self.number, count: 1, end: entry.end };
            return steps.push(Step { at: entry.ended.unwrap_or(entry.opened), what });
        }
        let news = self.news(entry);
        let carries = entry.exchange.opener == Side::Provider;
        let asked = if carries { news.clone() } else { News::default() };
        // Who finds nobody there has not sent anything.
        if entry.end != Some(End::Unreachable) {
            let at = entry.arrived.unwrap_or(entry.opened);
            steps.push(Step { at, what: What::Asked(self.number, entry, asked) });
        }
        let Some(ended) = entry.ended else { return };
        let next = self.next(entry, ended);
        match entry.end {
            Some(End::TimedOut | End::Unreachable) => {
                if let Some(at) = entry.replied.filter(|at| *at <= ended) {
                    steps.push(Step { at, what: What::Unheard(self.number, entry) });
                }
                steps.push(Step { at: ended, what: What::Unanswered(self.number, entry, next) });
            }
            _ => {
                let news = if carries { News::default() } else { news };
                steps.push(Step { at: ended, what: What::Answered(self.number, entry, news, next) });
            }
        }
    }

    /// Whether a poll brought nothing and went as an earlier one of the story did.
    fn is_repeated(&self, entry: &Entry) -> bool {
        if !entry.asked.is_poll() || entry.ended.is_none() || !entry.events.is_empty() || entry.fresh > 0 {
            return false;
        }
        let is_alike = |other: &&Entry| other.end == entry.end && other.events.is_empty() && self.is_own(other);
        self.exchanges().find(is_alike).is_some_and(|first| first.exchange != entry.exchange)
    }

    /// What follows an exchange that ended without success.
    fn next(&self, entry: &Entry, ended: Time) -> Next {
        let Asked::Webhook { attempt } = entry.asked else { return Next::Nothing };
        if entry.end == Some(End::Accepted) {
            return Next::Nothing;
        }
        let carries = |serial: &u32| entry.events.contains(serial);
        let given_up = self.events.iter().filter(|told| carries(&told.event.serial)).filter_map(|told| told.given_up);
        if given_up.into_iter().any(|(at, _)| at == ended) {
            return Next::GivesUp;
        }
        let is_next = |other: &&Entry| {
            other.opened >= ended
                && matches!(other.asked, Asked::Webhook { attempt: number } if number > attempt)
                && other.events.first() == entry.events.first()
        };
        self.exchanges().find(is_next).map_or(Next::Nothing, |next| Next::Again(next.opened.since(ended)))
    }

    /// Tells where System B gave up on an event without another attempt.
    fn tell_given_up(&self, steps: &mut Vec<Step<'a>>) {
        for told in &self.events {
            let Some((at, cause)) = told.given_up else { continue };
            if (cause == LossCause::AgedOut) != (self.lane.way == Way::Pull) {
                continue;
            }
            let is_said = steps.iter().any(|step| {
                let says = |entry: &Entry| entry.events.contains(&told.event.serial);
                step.at == at
                    && match step.what {
                        What::Answered(_, entry, _, Next::GivesUp) | What::Unanswered(_, entry, Next::GivesUp) => {
                            says(entry)
                        }
                        What::GaveUp(other) => other.event == told.event,
                        _ => false,
                    }
            });
            if !is_said {
                steps.push(Step { at, what: What::GaveUp(*told) });
            }
        }
    }
}

//! Where everything stands in a sequence chart: the columns of the lifelines, and what each step is drawn as.

use unicode_width::UnicodeWidthStr as _;

use crate::measure::chronicle::Entry;
use crate::measure::fact::End;
use crate::measure::story::{News, Next, Story, Way, What};
use crate::peer::Side;
use crate::report::sequence::canvas::{Canvas, Fate, Tone};
use crate::report::sequence::words::{self, Clock, Phrases};
use crate::time::Time;

/// The columns from one lifeline to the next, if there is room for more.
const APART_MAX: usize = 46;
/// The columns between the time and the first lifeline.
const GAP: usize = 3;

/// The columns of a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// How wide the whole is.
    pub(super) width: usize,
    /// How wide the column of time is.
    pub(super) time: usize,
    /// How instants are written.
    pub(super) clock: Clock,
    /// Where the client is that asks, if there is one.
    pub(super) pull: Option<usize>,
    /// Where System B is.
    pub(super) provider: usize,
    /// Where the client is that is called, if there is one.
    pub(super) push: Option<usize>,
}

impl Layout {
    /// The columns for a story.
    pub(super) fn of(story: &Story<'_>, width: usize) -> Self {
        let ends = story.steps.first().zip(story.steps.last());
        let (first, last) = ends.map_or((Time::ZERO, Time::ZERO), |(first, last)| (first.at, last.at));
        let clock = Clock::of(first, last);
        let instants = story.steps.iter().map(|step| words::instant(step.at, clock).len());
        let time = instants.chain([clock.heading().len()]).max().unwrap_or(0);
        let left = time + GAP;
        let has = |way| story.lanes.iter().any(|lane| lane.way == way);
        let (has_pull, has_push) = (has(Way::Pull), has(Way::Push));
        // To the right of System B there are words in any case.
        let share = if has_pull { 2 } else { 1 };
        let apart = (width.saturating_sub(left + 2) / share).min(APART_MAX);
        let provider = if has_pull { left + apart } else { left };
        Self {
            width,
            time,
            clock,
            pull: has_pull.then_some(left),
            provider,
            push: has_push.then_some(provider + apart),
        }
    }

    /// The columns of all lifelines.
    pub(super) fn lifelines(&self) -> impl Iterator<Item = usize> {
        [self.pull, Some(self.provider), self.push].into_iter().flatten()
    }

    /// A line with nothing but lifelines.
    pub(super) fn blank(&self) -> Canvas {
        Canvas::new(self.width, self.lifelines())
    }

    /// The lifeline of a client.
    fn client(&self, way: Way) -> usize {
        let own = match way {
            Way::Pull => self.pull,
            Way::Push => self.push,
        };
        own.unwrap_or(self.provider)
    }

    /// To which side of System B there is room for words: where webhooks go, or would go.
    fn room(&self) -> usize {
        self.push.unwrap_or(self.width)
    }

    /// The lines of a step.
    pub(super) fn draw(&self, story: &Story<'_>, what: &What<'_>) -> Vec<Canvas> {
        let mut line = self.blank();
        match what {
            What::Occurred(told) => line.mark(self.provider, self.room(), &words::occurred(told)),
            What::Asked(lane, entry, news) => {
                let (lane, (from, to)) = (&story.lanes[*lane], self.ends(story.lanes[*lane].way, entry));
                let carries = entry.exchange.opener == Side::Provider;
                let words = if carries { words::webhook(lane, entry, news) } else { words::question(lane, entry) };
                match entry.arrived {
                    Some(_) => return self.carried(from, to, &words, news),
                    None if entry.ended.is_some() => line.arrow(from, to, &lost(&words), Fate::Ends, Tone::Plain),
                    // It is still on its way when the chart ends.
                    None => line.arrow(from, to, &words, Fate::Arrives, Tone::Dim),
                }
            }
            What::Answered(lane, entry, news, next) => {
                let (to, from) = self.ends(story.lanes[*lane].way, entry);
                let words = words::answer(entry, news, *next);
                match entry.end {
                    Some(End::Refused(status)) if status != 304 => {
                        line.arrow(from, to, &words, Fate::Arrives, Tone::Bad);
                    }
                    _ => return self.carried(from, to, &words, news),
                }
            }
            What::Unheard(lane, entry) => {
                let (to, from) = self.ends(story.lanes[*lane].way, entry);
                line.arrow(from, to, &lost(&words::unheard(entry)), Fate::Ends, Tone::Plain);
            }
            What::Unanswered(lane, entry, next) => return self.unanswered(story, *lane, entry, *next),
            What::Repeated { lane, count, end } => {
                let client = self.client(story.lanes[*lane].way);
                let words = words::repeated(*count, *end);
                let dotted = words.iter().flat_map(|words| [format!("··· {words} ···"), format!("· {words} ·")]);
                line.between(client, self.provider, &dotted.chain(words.clone()).collect(), Tone::Dim);
            }
            What::Forged(entry) => {
                let (fate, tone) = if entry.is_believed { (Fate::Arrives, Tone::Bad) } else { (Fate::Ends, Tone::Dim) };
                let endpoint = self.client(Way::Push);
                line.stray(self.provider, endpoint, &words::forged(entry), fate, tone);
            }
            What::GaveUp(told) => line.beside(self.provider, self.room(), &words::gave_up(told), Tone::Bad),
        }
        vec![line]
    }

    /// A message that comes to the other side, and how late its news is: on the arrow if there is room, and else below.
    fn carried(&self, from: usize, to: usize, words: &Phrases, news: &News) -> Vec<Canvas> {
        let mut line = self.blank();
        let Some(lateness) = words::lateness(news) else {
            line.arrow(from, to, words, Fate::Arrives, Tone::Plain);
            return vec![line];
        };
        let all: Phrases = words.iter().flat_map(|w| lateness.iter().map(move |late| format!("{w}, {late}"))).collect();
        let fits = |words: &String| words.width() <= Canvas::room(from, to);
        if news.late.len() == 1 && all.iter().any(fits) {
            line.arrow(from, to, &all, Fate::Arrives, Tone::Good);
            return vec![line];
        }
        line.arrow(from, to, words, Fate::Arrives, Tone::Good);
        let mut below = self.blank();
        below.between(from, to, &lateness, Tone::Good);
        vec![line, below]
    }

    /// What an opener learns that hears nothing; where it found nobody there, also what it had wanted to send.
    fn unanswered(&self, story: &Story<'_>, lane: usize, entry: &Entry, next: Next) -> Vec<Canvas> {
        let lane = &story.lanes[lane];
        let (from, to) = self.ends(lane.way, entry);
        let mut lines = Vec::new();
        if entry.end == Some(End::Unreachable) {
            let mut sent = self.blank();
            sent.arrow(from, to, &words::unsent(lane, entry), Fate::Ends, Tone::Plain);
            lines.push(sent);
        }
        let mut learnt = self.blank();
        learnt.beside(from, to, &words::silence(entry, next), Tone::Bad);
        lines.push(learnt);
        lines
    }

    /// From which lifeline to which a request goes.
    fn ends(&self, way: Way, entry: &Entry) -> (usize, usize) {
        let client = self.client(way);
        match entry.exchange.opener {
            Side::Provider => (self.provider, client),
            Side::Consumer | Side::Stranger => (client, self.provider),
        }
    }
}

/// What was said, and that it was lost.
fn lost(words: &Phrases) -> Phrases {
    words.iter().map(|words| format!("{words} (lost)")).chain(words.last().cloned()).collect()
}

//! Crossovers for people: a sentence each, or a list where there is one for each value of other keys.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use crate::report::human;
use crate::report::table::{Style, WIDTH, pad_right, wrap};
use crate::report::verdict::paragraphs;
use crate::sweep::crossover::question::{Criterion, Figure, Question};
use crate::sweep::crossover::{Answer, Crossovers, Line, Spot};
use crate::sweep::table::{cut, short};

/// Of more lines than this, only the first and the last stand in a list, so many of them.
const LINES_MAX: usize = 12;
/// The widest text before the values in a list.
const LABEL_MAX: usize = 36;
/// The significant digits of a value: the least, which one without an interval has, and the most.
const DIGITS: u32 = 3;
const DIGITS_MAX: u32 = 6;
/// More points than this are counted and not named.
const PLACES_MAX: usize = 3;

/// A stretch of values, from a crossover to the next; none where it begins before the first point or ends behind the last.
type Stretch<'a> = [Option<&'a Spot>; 2];

/// What was found, below each other, at most 80 columns wide; empty where there was nothing to look for.
pub fn render(crossovers: &Crossovers<'_>, style: Style) -> String {
    if crossovers.lines.is_empty() {
        return String::new();
    }
    let mut text = format!("{}\n", style.bold("Crossovers"));
    for (question, answers) in &crossovers.answers {
        let is_of_both = crossovers.header.scenario.engine == "both";
        let engine = if is_of_both { format!("{}: ", question.engine) } else { String::new() };
        // Where nothing changes on any line there is nothing to list.
        let is_steady = answers.windows(2).all(|pair| pair[0] == pair[1]);
        match answers.as_slice() {
            [answer, more @ ..] if more.is_empty() || (is_steady && answer.spots.is_empty()) => {
                let sentence = format!(
                    "{engine}{}{}",
                    crossovers.sentence(question, answer),
                    crossovers.unknown(question, answer)
                );
                let _ = writeln!(text, "{}", paragraphs(&[sentence]));
            }
            answers => {
                let key = &crossovers.along.axis.key;
                let head = format!("{engine}{} where {key} is", claim(question));
                let _ = writeln!(text, "{}", paragraphs(&[head]));
                text.push_str(&crossovers.list(question, answers));
            }
        }
    }
    if let Some(legend) = crossovers.legend() {
        let _ = writeln!(text, "{}", style.dim(&paragraphs(&[legend])));
    }
    text
}

impl Crossovers<'_> {
    /// What was found on the only line, as a sentence.
    fn sentence(&self, question: &Question, answer: &Answer) -> String {
        let key = &self.along.axis.key;
        match (answer.spots.as_slice(), &question.criterion) {
            ([], _) => self.without(question, answer),
            ([spot], Criterion::Less { figure, .. }) => {
                let [below, above] = [!spot.rises, spot.rises].map(|above| question.word(above));
                let (at, verb) = (self.value(spot), verb(*figure));
                format!("Up to {key} = {at} \"{below}\" {verb} than \"{above}\", beyond that \"{above}\" does.")
            }
            ([spot], Criterion::Target { .. }) => {
                let (claim, at) = (claim(question), self.value(spot));
                match question.holds(spot.rises) {
                    true => format!("{claim} from {key} = {at} on."),
                    false => format!("{claim} up to {key} = {at}."),
                }
            }
            _ => format!("{} where {key} is {}.", claim(question), self.phrase(question, answer)),
        }
    }

    /// What was found on each line, below each other.
    fn list(&self, question: &Question, answers: &[Answer]) -> String {
        let label = |line: &Line| {
            let values = self.fixed(line);
            let parts: Vec<_> =
                self.others().zip(values).map(|((_, key), value)| format!("{} = {value}", self.name(key))).collect();
            cut(&parts.join(", "), LABEL_MAX)
        };
        let labels: Vec<_> = self.lines.iter().map(label).collect();
        let width = labels.iter().map(|label| label.width()).max().unwrap_or(0) + 4;
        let left_out = if labels.len() > LINES_MAX { LINES_MAX / 2..labels.len() - LINES_MAX / 2 } else { 0..0 };
        let mut text = String::new();
        for (number, (label, answer)) in labels.iter().zip(answers).enumerate() {
            if number == left_out.start && !left_out.is_empty() {
                let _ = writeln!(text, "  .. {} more in crossover.csv", left_out.len());
            }
            if left_out.contains(&number) {
                continue;
            }
            for (row, part) in wrap(&self.phrase(question, answer), WIDTH - width).iter().enumerate() {
                let before = if row == 0 { format!("  {label}") } else { String::new() };
                let _ = writeln!(text, "{}{part}", pad_right(&before, width));
            }
        }
        text
    }

    /// The values at which something is so.
    fn phrase(&self, question: &Question, answer: &Answer) -> String {
        if answer.starts_above.is_none() {
            return match answer.is_known() {
                true => "(the same everywhere in the sweep)".to_owned(),
                false => "(not known)".to_owned(),
            };
        }
        let unknown = match answer.unknown.len() {
            0 => String::new(),
            count => format!(", not known at {}", human::things(count as f64, "point", "points")),
        };
        let phrase = |stretch: &Stretch<'_>| match *stretch {
            [None, None] => "(anywhere in the sweep)".to_owned(),
            [None, Some(to)] => format!("below {}", self.value(to)),
            [Some(from), None] => format!("above {}", self.value(from)),
            [Some(from), Some(to)] => format!("from {} to {}", self.value(from), self.value(to)),
        };
        let stretches: Vec<_> = stretches(question, answer).iter().map(phrase).collect();
        let text = match stretches.split_last() {
            None => "(nowhere in the sweep)".to_owned(),
            Some((only, [])) => only.clone(),
            Some((last, first)) => format!("{} or {last}", first.join(", ")),
        };
        text + &unknown
    }

    /// A value with as many digits as are known, and its interval.
    fn value(&self, spot: &Spot) -> String {
        let Some((low, high)) = spot.interval else {
            let about = if spot.is_refined { "" } else { "about " };
            return format!("{about}{}", self.along.written(spot.at, DIGITS));
        };
        if low >= high {
            return self.along.written(spot.at, DIGITS);
        }
        // Two digits of half the interval.
        let certain = libm::ceil(libm::log10(2.0 * spot.at.abs() / (high - low))) + 1.0;
        let digits = certain.clamp(DIGITS.into(), DIGITS_MAX.into()) as u32;
        let [at, low, high] = [spot.at, low, high].map(|value| self.along.written(value, digits));
        if low == high { at } else { format!("{at} ({low} to {high})") }
    }

    /// What a key is called: its last name where no other has the same.
    fn name<'k>(&self, key: &'k str) -> &'k str {
        let alike = self.header.axes.iter().filter(|axis| short(&axis.key) == short(key)).count();
        if alike > 1 { key } else { short(key) }
    }

    /// Values of points, as they are written; how many there are where they are too many.
    fn places(&self, values: &[f64]) -> String {
        let key = &self.along.axis.key;
        let written: Vec<_> =
            values.iter().take(PLACES_MAX).map(|value| self.along.written(*value, DIGITS_MAX)).collect();
        match written.split_last() {
            _ if values.len() > PLACES_MAX => format!("{} points", human::count(values.len() as u64)),
            None => String::new(),
            Some((only, [])) => format!("{key} = {only}"),
            Some((last, first)) => format!("{key} = {} and {last}", first.join(", ")),
        }
    }

    /// At which points nothing is known, after what is known of the others.
    fn unknown(&self, question: &Question, answer: &Answer) -> String {
        if answer.unknown.is_empty() || !answer.is_known() {
            return String::new();
        }
        format!(" At {} that is not known: {} is empty.", self.places(&answer.unknown), question.subject())
    }

    /// What was found where the answer is the same at all points.
    fn without(&self, question: &Question, answer: &Answer) -> String {
        let text = question.text();
        match (&question.criterion, answer.starts_above) {
            (_, None) if !answer.is_known() => match question.clients() {
                [Some(a), Some(b)] => {
                    format!("\"{a}\" and \"{b}\" cannot be compared: {text} is empty at every point.")
                }
                _ => format!("Nothing is known of {text}: a column of it is empty at every point."),
            },
            (Criterion::Less { figure, baseline, client }, None) => {
                format!("\"{baseline}\" and \"{client}\" {} throughout the sweep.", same(*figure))
            }
            (Criterion::Less { figure, .. }, Some(above)) => {
                let [less, more] = [above, !above].map(|above| question.word(above));
                self.throughout(answer, *figure, [less, more])
            }
            (Criterion::Target { .. }, above) => {
                let where_so = match question.holds(above == Some(true)) {
                    true if answer.unknown.is_empty() => "throughout the sweep",
                    true => "at every point where it is known",
                    false if answer.unknown.is_empty() => "at no point of the sweep",
                    false => "at no point where it is known",
                };
                format!("{} {where_so}.", claim(question))
            }
        }
    }

    /// Who has less wherever there is a difference, and where there may be none.
    fn throughout(&self, answer: &Answer, figure: Figure, [less, more]: [&str; 2]) -> String {
        let verb = verb(figure);
        let all = human::things(answer.runs.into(), "replication", "replications");
        match (answer.unsure.as_slice(), answer.unknown.as_slice()) {
            ([], []) => format!("Within the sweep \"{less}\" always {verb} than \"{more}\"."),
            ([], _) => format!("Wherever it is known, \"{less}\" {verb} than \"{more}\"."),
            (unsure, _) if answer.runs == 1 => format!(
                "Within the sweep \"{less}\" {verb} than \"{more}\", but at {} they {}.",
                self.places(unsure),
                same(figure)
            ),
            (unsure, _) => format!(
                "Within the sweep \"{less}\" {verb} than \"{more}\", but at {} the difference is within the error of {all}.",
                self.places(unsure)
            ),
        }
    }

    /// What the figures are, for those that stand there.
    fn legend(&self) -> Option<String> {
        let spots = || self.answers.iter().flat_map(|(_, answers)| answers).flat_map(|answer| &answer.spots);
        let runs = |spot: &Spot| match spot.replications {
            1 => "a single run".to_owned(),
            several => format!("{} runs", human::count(several.into())),
        };
        let has_interval = |spot: &&Spot| spot.interval.is_some_and(|(low, high)| low < high);
        let interval = spots()
            .find(has_interval)
            .map(|spot| format!("In brackets: 95 % intervals, from {} of each value that was tried.", runs(spot)));
        let bare = spots().find(|spot| spot.is_refined && spot.interval.is_none()).map(|spot| {
            format!("Without brackets: from {} of each value, which does not say how sure it is.", runs(spot))
        });
        let about = spots().any(|spot| !spot.is_refined);
        let about = about.then(|| "About: on the straight line between two points.".to_owned());
        let parts: Vec<_> = interval.into_iter().chain(bare).chain(about).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }
}

impl Answer {
    /// Whether the difference is known at any point.
    const fn is_known(&self) -> bool {
        self.runs > 0
    }
}

/// Where what is asked is so.
fn stretches<'a>(question: &Question, answer: &'a Answer) -> Vec<Stretch<'a>> {
    let starts_above = answer.spots.first().map_or(answer.starts_above == Some(true), |first| !first.rises);
    let mut open = question.holds(starts_above).then_some(None);
    let mut stretches = Vec::new();
    for spot in &answer.spots {
        if question.holds(spot.rises) {
            open = Some(Some(spot));
        } else if let Some(from) = open.take() {
            stretches.push([from, Some(spot)]);
        }
    }
    stretches.extend(open.map(|from| [from, None]));
    stretches
}

/// What is asked, as a statement.
fn claim(question: &Question) -> String {
    match &question.criterion {
        Criterion::Less { figure, baseline, client } => format!("\"{client}\" {} than \"{baseline}\"", verb(*figure)),
        Criterion::Target { expect, client: Some(client) } => format!("\"{client}\" keeps {expect}"),
        Criterion::Target { expect, client: None } => format!("{expect} holds"),
    }
}

const fn verb(figure: Figure) -> &'static str {
    match figure {
        Figure::Requests => "needs fewer requests",
        Figure::Cost => "costs less",
    }
}

const fn same(figure: Figure) -> &'static str {
    match figure {
        Figure::Requests => "need the same number of requests",
        Figure::Cost => "cost the same",
    }
}

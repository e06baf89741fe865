//! Crossovers for people: a sentence each, or a list where there is one for each value of other keys.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

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
                let sentence = format!("{engine}{}", crossovers.sentence(question, answer));
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
            ([], _) => without(question, answer),
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
            return if answer.is_known {
                "(the same everywhere in the sweep)".to_owned()
            } else {
                "(not known)".to_owned()
            };
        }
        let phrase = |stretch: &Stretch<'_>| match *stretch {
            [None, None] => "(anywhere in the sweep)".to_owned(),
            [None, Some(to)] => format!("below {}", self.value(to)),
            [Some(from), None] => format!("above {}", self.value(from)),
            [Some(from), Some(to)] => format!("from {} to {}", self.value(from), self.value(to)),
        };
        let stretches: Vec<_> = stretches(question, answer).iter().map(phrase).collect();
        match stretches.split_last() {
            None => "(nowhere in the sweep)".to_owned(),
            Some((only, [])) => only.clone(),
            Some((last, first)) => format!("{} or {last}", first.join(", ")),
        }
    }

    /// A value with as many digits as are known, and its interval.
    fn value(&self, spot: &Spot) -> String {
        let Some((low, high)) = spot.interval else {
            let about = if spot.is_refined { "" } else { "about " };
            return format!("{about}{}", self.along.written(spot.at, DIGITS));
        };
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

    /// What the figures are, for those that stand there.
    fn legend(&self) -> Option<String> {
        let spots = || self.answers.iter().flat_map(|(_, answers)| answers).flat_map(|answer| &answer.spots);
        let interval = spots().find(|spot| spot.interval.is_some()).map(|spot| {
            format!("In brackets: 95 % intervals, from {} runs of each value that was tried.", spot.replications)
        });
        let about = spots().any(|spot| !spot.is_refined);
        let about = about.then(|| "About: on the straight line between two points.".to_owned());
        let parts: Vec<_> = interval.into_iter().chain(about).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
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

/// What was found where the answer is the same at all points.
fn without(question: &Question, answer: &Answer) -> String {
    let text = question.text();
    match (&question.criterion, answer.starts_above) {
        (_, None) if !answer.is_known => match question.clients() {
            [Some(a), Some(b)] => format!("\"{a}\" and \"{b}\" cannot be compared: {text} is empty at every point."),
            _ => format!("Nothing is known of {text}: a column of it is empty at every point."),
        },
        (Criterion::Less { figure, baseline, client }, None) => {
            let same = match figure {
                Figure::Requests => "need the same number of requests",
                Figure::Cost => "cost the same",
            };
            format!("\"{baseline}\" and \"{client}\" {same} throughout the sweep.")
        }
        (Criterion::Less { figure, .. }, Some(above)) => {
            let [less, more] = [above, !above].map(|above| question.word(above));
            format!("Within the sweep \"{less}\" always {} than \"{more}\".", verb(*figure))
        }
        (Criterion::Target { .. }, above) => match question.holds(above == Some(true)) {
            true => format!("{} throughout the sweep.", claim(question)),
            false => format!("{} at no point of the sweep.", claim(question)),
        },
    }
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

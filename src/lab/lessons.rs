//! The lessons: one idea each, a state to start from, the parameters that matter to it, something to predict, and what is to
//! be said of whatever the engine finds. No figure is written here; all of them are facts of a run.

mod asking;
mod cheaper;
mod choosing;
mod crowds;
mod down;
mod forged;
mod late;
mod nothing;

use maud::{Markup, html};
use serde_json::{Value, json};

use super::facts::Facts;
use super::parameters::{Name, State};

/// The name of the place where every parameter can be moved, which comes after the lessons.
pub(super) const SANDBOX: &str = "sandbox";

/// A lesson.
#[derive(Debug)]
pub(super) struct Lesson {
    /// Its name in addresses.
    pub(super) key: &'static str,
    /// Its title.
    pub(super) title: &'static str,
    /// Its idea before anything is shown, in a few sentences.
    pub(super) lead: &'static str,
    /// The query of the state that it starts from.
    pub(super) start: &'static str,
    /// The parameters that matter to it.
    pub(super) controls: &'static [Name],
    /// Other states worth a look: a name and a query each.
    pub(super) presets: &'static [(&'static str, &'static str)],
    /// The charts that it shows.
    pub(super) charts: &'static [Chart],
    /// What is asked before anything is told.
    pub(super) ask: Ask,
    /// The question in words.
    pub(super) question: fn(&Say<'_>) -> Markup,
    /// What there is to say, once it is asked.
    pub(super) tell: fn(&Say<'_>) -> Markup,
}

/// A chart of a lesson, and what stands above it.
#[derive(Debug)]
pub(super) struct Chart {
    /// Which one.
    pub(super) key: &'static str,
    /// What stands above it.
    pub(super) title: &'static str,
}

pub(super) const LATENCY: Chart = Chart { key: "latency", title: "How much of the news is known within which time" };
pub(super) const REQUESTS: Chart = Chart { key: "requests", title: "All requests of the run, by what they brought" };
pub(super) const BACKLOG: Chart = Chart { key: "backlog", title: "Events that System A does not know of yet" };
/// Made by many runs, so it has an answer of its own.
pub(super) const SWEEP: Chart = Chart { key: "sweep", title: "Requests for each event, from rare events to many" };

/// What a reader predicts.
#[derive(Debug)]
pub(super) enum Ask {
    /// One of several answers.
    Choice {
        /// The answers.
        options: &'static [&'static str],
        /// The place of the one that is right in a run.
        right: fn(&Say<'_>) -> Option<usize>,
    },
    /// A number.
    Guess {
        /// The fact that it is held against.
        fact: &'static str,
        /// How many of the guess's unit one of the fact's is.
        factor: f64,
        /// The least and the greatest guess.
        range: [f64; 2],
        /// What it is counted in, as it stands behind the number.
        unit: &'static str,
    },
}

/// What a question has for an answer in a run.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Answer {
    /// The place of the choice that is right.
    Choice(usize),
    /// The number, and how it reads.
    Number(f64, String),
}

impl Answer {
    /// It as JSON.
    pub(super) fn json(&self) -> Value {
        match self {
            Self::Choice(right) => json!({ "right": right }),
            Self::Number(value, text) => json!({ "value": value, "text": text }),
        }
    }
}

/// Every lesson, in order.
pub(super) const ALL: [Lesson; 8] = [
    asking::LESSON,
    nothing::LESSON,
    late::LESSON,
    cheaper::LESSON,
    down::LESSON,
    forged::LESSON,
    crowds::LESSON,
    choosing::LESSON,
];

impl Lesson {
    /// The lesson of that name.
    pub(super) fn find(key: &str) -> Option<&'static Self> {
        static LESSONS: [Lesson; 8] = ALL;
        LESSONS.iter().find(|lesson| lesson.key == key)
    }

    /// The state that it starts from.
    pub(super) fn state(&self) -> State {
        let pairs = self.start.split('&').filter_map(|pair| pair.split_once('='));
        // A test reads every lesson's start.
        State::default().changed(pairs).unwrap_or_default()
    }

    /// Whether what it says takes many runs.
    pub(super) fn is_swept(&self) -> bool {
        self.charts.iter().any(|chart| chart.key == SWEEP.key)
    }

    /// What its question has for an answer in a run.
    pub(super) fn answer(&self, facts: &Facts) -> Option<Answer> {
        match &self.ask {
            Ask::Choice { right, .. } => right(&Say(facts)).map(Answer::Choice),
            Ask::Guess { fact, factor, .. } => {
                let fact = facts.get(*fact)?;
                Some(Answer::Number(fact.value? * factor, fact.text.clone()))
            }
        }
    }
}

/// The facts of a run, as lessons speak of them.
pub(super) struct Say<'a>(pub(super) &'a Facts);

impl Say<'_> {
    /// A fact in words; its colour is that of the client that it is about.
    pub(super) fn fact(&self, name: &str) -> Markup {
        let whose = name.trim_start_matches("theory.").split('.').next().unwrap_or_default();
        let role = if matches!(whose, "pull" | "push" | "both") { whose } else { "plain" };
        let text = self.0.get(name).map_or("–", |fact| fact.text.as_str());
        html! { b class={ "fact " (role) } data-fact=(name) { (text) } }
    }

    /// The number behind a fact; NaN, which is neither above nor below anything, where there is none.
    pub(super) fn value(&self, name: &str) -> f64 {
        self.0.get(name).and_then(|fact| fact.value).unwrap_or(f64::NAN)
    }

    /// Whether a fact says so.
    pub(super) fn is(&self, name: &str, text: &str) -> bool {
        self.0.get(name).is_some_and(|fact| fact.text == text)
    }
}

//! What is wrong with a scenario, where, and what to write instead.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

/// A text that a scenario is read from: the file, or one `--set`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What the text is called, such as the path of the file; none for the command line.
    pub label: Option<String>,
    /// The text itself.
    pub text: String,
}

/// A stretch of one of the texts that a scenario is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which text: 0 is the file, 1 and up are the `--set`s in their order, and then the `--vary`s.
    pub source: usize,
    /// The bytes of it.
    pub span: Range<usize>,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong.
    pub message: String,
    /// Where; none if it is something that is not there.
    pub place: Option<Place>,
    /// What to write instead.
    pub help: Option<String>,
}

impl Problem {
    /// A problem without a place and without advice.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), place: None, help: None }
    }

    /// The same problem, at a place.
    #[must_use]
    pub fn at(mut self, place: Option<&Place>) -> Self {
        self.place = place.cloned();
        self
    }

    /// The same problem, with advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Everything that is wrong with a scenario: at least one problem.
#[derive(Clone, PartialEq, Eq)]
pub struct Problems {
    sources: Arc<[Source]>,
    list: Vec<Problem>,
}

impl Problems {
    /// The problems of these texts; none if there is no problem.
    pub fn new(sources: &Arc<[Source]>, list: Vec<Problem>) -> Option<Self> {
        (!list.is_empty()).then(|| Self { sources: Arc::clone(sources), list })
    }

    /// A single problem that no text shows.
    pub fn single(message: impl Into<String>) -> Self {
        Self { sources: Arc::new([]), list: vec![Problem::new(message)] }
    }

    /// The problems, in the order in which they were found.
    pub fn list(&self) -> &[Problem] {
        &self.list
    }

    /// The problems as text for people, with the lines that they are about.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let problems: Vec<_> = self.list.iter().map(|problem| self.render_one(problem, &renderer)).collect();
        problems.join("\n\n")
    }

    fn render_one(&self, problem: &Problem, renderer: &Renderer) -> String {
        let title = Level::ERROR.primary_title(&problem.message);
        let place = problem.place.as_ref().and_then(|place| Some((place, self.sources.get(place.source)?)));
        let mut group = match (place, self.sources.first()) {
            (Some((place, source)), _) => {
                let span = within(&source.text, &place.span);
                let snippet = Snippet::source(&source.text)
                    .path(source.label.as_deref())
                    .line_numbering(source.label.is_some())
                    .annotation(AnnotationKind::Primary.span(span));
                title.element(snippet)
            }
            (None, Some(Source { label: Some(label), .. })) => title.element(Origin::path(label)),
            (None, _) => Group::with_title(title),
        };
        if let Some(help) = &problem.help {
            group = group.element(Level::HELP.message(help));
        }
        renderer.render(&[group])
    }
}

/// The span, cut to what the text has, on character boundaries, and to its first line.
fn within(text: &str, span: &Range<usize>) -> Range<usize> {
    let start = text.floor_char_boundary(span.start.min(text.len()));
    let end = text.ceil_char_boundary(span.end.clamp(start, text.len()));
    let line = text[start..end].find('\n').map_or(end, |length| start + length);
    start..line
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl fmt::Debug for Problems {
    /// The text for people: a failed `expect` should show what is wrong, not how it is kept.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{self}")
    }
}

impl std::error::Error for Problems {}

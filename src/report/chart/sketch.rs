//! The paper that charts draw on: shapes, and text of which it is known where it stands.

use maud::{Markup, html};

use crate::report::chart::canvas::Canvas;
use crate::report::chart::text::{self, ASCENT, DESCENT};

/// A rectangle in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Area {
    pub(super) const fn new(left: f64, top: f64, right: f64, bottom: f64) -> Self {
        Self { left, top, right, bottom }
    }

    pub(super) fn width(&self) -> f64 {
        self.right - self.left
    }

    pub(super) fn height(&self) -> f64 {
        self.bottom - self.top
    }

    /// Whether the two share more than an edge.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }

    /// The same with so much more on each side.
    pub(super) fn grown(&self, by: f64) -> Self {
        Self::new(self.left - by, self.top - by, self.right + by, self.bottom + by)
    }
}

/// Which end of a text stands at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// One line of text.
#[derive(Clone, Debug)]
pub(super) struct Line<'a> {
    pub(super) at: [f64; 2],
    pub(super) anchor: Anchor,
    pub(super) size: f64,
    pub(super) is_bold: bool,
    /// Classes that give it its colour.
    pub(super) class: &'a str,
    /// Shown where it is pointed at, where the text is short for something.
    pub(super) whole: Option<&'a str>,
}

impl<'a> Line<'a> {
    /// Quiet text: what stands at axes.
    pub(super) const fn muted(x: f64, baseline: f64, anchor: Anchor) -> Self {
        Self { at: [x, baseline], anchor, size: text::SMALL, is_bold: false, class: "muted", whole: None }
    }

    /// A name in the colour of its class.
    pub(super) const fn name(x: f64, baseline: f64, anchor: Anchor, class: &'a str) -> Self {
        Self { at: [x, baseline], anchor, size: text::NORMAL, is_bold: true, class, whole: None }
    }
}

/// What has been drawn.
#[derive(Debug)]
pub(super) struct Sketch {
    canvas: Canvas,
    height: f64,
    description: String,
    patterns: Vec<Markup>,
    shapes: Vec<Markup>,
    texts: Vec<Markup>,
    boxes: Vec<(Area, String)>,
}

impl Sketch {
    pub(super) fn new(canvas: &Canvas, height: f64, description: String) -> Self {
        Self {
            canvas: canvas.clone(),
            height: height.round(),
            description,
            patterns: Vec::new(),
            shapes: Vec::new(),
            texts: Vec::new(),
            boxes: Vec::new(),
        }
    }

    pub(super) fn width(&self) -> f64 {
        self.canvas.width()
    }

    pub(super) const fn height(&self) -> f64 {
        self.height
    }

    /// The name of something that the chart defines, unique on its page.
    pub(super) fn id(&self, name: &str) -> String {
        format!("{}-{name}", self.canvas.id())
    }

    /// Something to fill shapes with.
    pub(super) fn define(&mut self, pattern: Markup) {
        self.patterns.push(pattern);
    }

    /// Any shape, under all text.
    pub(super) fn shape(&mut self, shape: Markup) {
        self.shapes.push(shape);
    }

    pub(super) fn line(&mut self, class: &str, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2]) {
        self.shape(html! { line class=(class) x1=(px(x1)) y1=(px(y1)) x2=(px(x2)) y2=(px(y2)) {} });
    }

    pub(super) fn path(&mut self, class: &str, outline: &str) {
        if !outline.is_empty() {
            self.shape(html! { path class=(class) d=(outline) {} });
        }
    }

    pub(super) fn rectangle(&mut self, class: &str, area: Area) {
        self.shape(html! {
            rect class=(class) x=(px(area.left)) y=(px(area.top)) width=(px(area.width().max(0.0)))
                height=(px(area.height().max(0.0))) {}
        });
    }

    pub(super) fn circle(&mut self, class: &str, [x, y]: [f64; 2], radius: f64) {
        self.shape(html! { circle class=(class) cx=(px(x)) cy=(px(y)) r=(px(radius)) {} });
    }

    /// A path that says something where it is pointed at.
    pub(super) fn told_path(&mut self, class: &str, outline: &str, told: &str) {
        if !outline.is_empty() {
            self.shape(html! { path class=(class) d=(outline) { title { (told) } } });
        }
    }

    /// A circle that says something where it is pointed at.
    pub(super) fn told_circle(&mut self, class: &str, [x, y]: [f64; 2], radius: f64, told: &str) {
        self.shape(html! { circle class=(class) cx=(px(x)) cy=(px(y)) r=(px(radius)) { title { (told) } } });
    }

    /// Says in the middle of a plot why there is nothing in it.
    pub(super) fn say(&mut self, what: &str, plot: Area) {
        let middle = (plot.left + plot.right) / 2.0;
        let class = "halo muted";
        self.text(what, &Line { class, ..Line::muted(middle, (plot.top + plot.bottom) / 2.0 - 8.0, Anchor::Middle) });
    }

    /// Writes text, and remembers where. Text that would leave the chart is moved, and shortened if it is wider.
    pub(super) fn text(&mut self, content: &str, line: &Line<'_>) {
        let Line { at: [x, y], anchor, size, is_bold, class, whole } = *line;
        if content.is_empty() {
            return;
        }
        let shown = text::shorten(content, self.width() - 2.0, size, is_bold);
        let width = text::width(&shown, size, is_bold);
        let left = match anchor {
            Anchor::Start => x,
            Anchor::Middle => x - width / 2.0,
            Anchor::End => x - width,
        };
        let moved = left.clamp(0.0, (self.width() - width).max(0.0)) - left;
        let (x, left) = (x + moved, left + moved);
        let anchored = match anchor {
            Anchor::Start => None,
            Anchor::Middle => Some("middle"),
            Anchor::End => Some("end"),
        };
        let classes = format!("{class}{}{}", if is_bold { " name" } else { "" }, size_class(size));
        let whole = whole.or((shown != content).then_some(content));
        self.texts.push(html! {
            text class=(classes) x=(px(x)) y=(px(y)) text-anchor=[anchored] {
                @if let Some(whole) = whole { title { (whole) } }
                (shown)
            }
        });
        self.boxes.push((Area::new(left, y - ASCENT * size, left + width, y + DESCENT * size), shown));
    }

    /// Where text stands.
    #[cfg(test)]
    pub(super) fn boxes(&self) -> &[(Area, String)] {
        &self.boxes
    }

    /// The chart.
    pub(super) fn into_svg(self) -> Markup {
        let [title, description] = ["title", "desc"].map(|name| self.id(name));
        let (width, height) = (self.canvas.width(), self.height);
        html! {
            svg xmlns="http://www.w3.org/2000/svg" class="chart" role="img" width=(px(width)) height=(px(height))
                viewBox=(format!("0 0 {} {}", px(width), px(height))) aria-labelledby=(format!("{title} {description}")) {
                title id=(title) { (self.canvas.title()) }
                desc id=(description) { (self.description) }
                @if !self.patterns.is_empty() { defs { @for pattern in &self.patterns { (pattern) } } }
                @for shape in &self.shapes { (shape) }
                @for text in &self.texts { (text) }
            }
        }
    }
}

/// The class of text of a size other than the normal one.
fn size_class(size: f64) -> &'static str {
    if size < text::NORMAL { " small" } else { "" }
}

/// A coordinate with two decimals at most. What is not a number would be no coordinate; it is drawn at zero.
pub(super) fn px(value: f64) -> String {
    let value = if value.is_finite() { value } else { 0.0 };
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// The class that gives shapes and text the colour of a client.
pub(super) fn client_class(index: usize) -> String {
    format!("c{}", index % crate::report::palette::CLIENT_COLOURS + 1)
}

//! For which place a chart is made, and whose line it shows.

/// Fewer pixels than this leave no room for a plot beside its labels.
const WIDTH_MIN: f64 = 280.0;
/// Nothing is gained by a chart that is wider than any screen.
const WIDTH_MAX: f64 = 4_000.0;
/// Charts below this width are made for a phone held upright.
const NARROW_BELOW: f64 = 600.0;

/// The place that a chart is made for.
#[derive(Clone, Debug, PartialEq)]
pub struct Canvas {
    id: String,
    title: String,
    width: f64,
}

impl Canvas {
    /// The width of a chart for a page on a desk, in pixels.
    pub const WIDE: f64 = 880.0;
    /// The width of a chart for a phone held upright, in pixels.
    pub const NARROW: f64 = 358.0;

    /// A place of so many pixels. All ids of the chart begin with `id`, which is to be unique on its page; of its characters
    /// only ASCII letters, digits, `-` and `_` are kept. `title` is read out by screen readers.
    pub fn new(id: &str, title: &str, width: f64) -> Self {
        let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        let width = if width.is_finite() { width.clamp(WIDTH_MIN, WIDTH_MAX) } else { Self::WIDE };
        Self { id: id.chars().filter(is_plain).collect(), title: title.to_owned(), width: width.round() }
    }

    /// A place on a page on a desk.
    pub fn wide(id: &str, title: &str) -> Self {
        Self::new(id, title, Self::WIDE)
    }

    /// A place on a phone held upright.
    pub fn narrow(id: &str, title: &str) -> Self {
        Self::new(id, title, Self::NARROW)
    }

    /// What all ids in the chart begin with.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What the chart is called.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Its width in pixels.
    pub const fn width(&self) -> f64 {
        self.width
    }

    /// Whether it is made for a phone.
    pub fn is_narrow(&self) -> bool {
        self.width < NARROW_BELOW
    }
}

/// Whose line it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its name in the scenario.
    pub name: String,
    /// Its place in the scenario, from 0, which gives it its colour everywhere.
    pub index: usize,
}

impl Client {
    /// A client by name and by its place in the scenario, from 0.
    pub fn new(name: &str, index: usize) -> Self {
        Self { name: name.to_owned(), index }
    }
}

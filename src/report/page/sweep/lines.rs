//! How figures go along one key.

use maud::{Markup, html};

use crate::measure::dimension::Dimension;
use crate::report::chart::{self, CrossoverMark, SweepLine, SweepLines, SweepPoint, sweep_lines};
use crate::report::columns::Cell;
use crate::report::human;
use crate::report::page::charts::{CHARTED_MAX, framed};
use crate::report::page::figure::{number, quoted, show, sourced};
use crate::report::page::shell::Section;
use crate::report::page::sweep::crossovers::Answer;
use crate::report::page::sweep::keys::{point_key, scale, series_key};
use crate::report::page::sweep::saved::{Axis, FIGURES, Figure, Point, SavedSweep};
use crate::report::page::{capital, scrolling};

/// Rows of a table behind a chart.
const ROWS_MAX: usize = 200;

/// The points that differ in one key alone.
struct Along<'a> {
    saved: &'a SavedSweep,
    axis: &'a Axis,
    /// Each with its number of the key.
    points: Vec<(f64, &'a Point)>,
    /// What the other keys are, where there are any.
    fixed: Vec<(&'a str, &'a str)>,
}

/// The charts; none where no key takes numbers, or two keys make a map.
pub(super) fn section(saved: &SavedSweep) -> Option<Section> {
    if super::heat::is_map(saved) {
        return None;
    }
    let along = Along::of(saved)?;
    let figures: Vec<Markup> = (0..FIGURES.len()).filter_map(|figure| along.figure(figure)).collect();
    if figures.is_empty() {
        return None;
    }
    let body = html! {
        @if !along.fixed.is_empty() {
            p class="note" {
                "Where " @for (index, (key, value)) in along.fixed.iter().enumerate() { @if index > 0 { ", " } code { (key) } " = " (value) }
                ". All points stand in the table."
            }
        }
        @if saved.series.len() > CHARTED_MAX {
            p class="note" { "The charts show the first " (CHARTED_MAX) " of " (saved.series.len()) " clients." }
        }
        @for sentence in along.overloads() { p class="note" { (sentence) } }
        @for figure in figures { (figure) }
    };
    Some(Section::new("lines", format!("Along {}", along.axis.key), body))
}

impl<'a> Along<'a> {
    fn of(saved: &'a SavedSweep) -> Option<Self> {
        let axes = &saved.head.axes;
        let asked = Answer::all(saved).first().map(|answer| answer.get("key"));
        let is_asked = |axis: &&Axis| asked.is_none_or(|key| key == axis.key);
        let numeric = || axes.iter().filter(|axis| axis.numbers().is_some());
        let axis = numeric().find(is_asked).or_else(|| numeric().next())?;
        let index = axes.iter().position(|other| other.key == axis.key)?;
        let first = saved.points.first()?;
        let is_zipped = saved.head.combine == "zip";
        let others = |point: &'a Point| point.values.iter().enumerate().filter(move |(other, _)| *other != index);
        let is_on = |point: &&'a Point| is_zipped || others(point).eq(others(first));
        let at = |point: &'a Point| {
            let text = point.values.get(index)?;
            let value = axis.values.iter().find(|value| value.text == *text)?;
            Some((value.number.value()?, point))
        };
        let mut points: Vec<_> = saved.points.iter().filter(is_on).filter_map(at).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let fixed = others(first).filter(|_| !is_zipped);
        let fixed = fixed.filter_map(|(other, value)| Some((axes.get(other)?.key.as_str(), value.as_str()))).collect();
        (points.len() > 1).then_some(Self { saved, axis, points, fixed })
    }

    fn series(&self) -> impl Iterator<Item = (usize, &'a (String, String))> + use<'a> {
        self.saved.series.iter().take(CHARTED_MAX).enumerate()
    }

    /// Which clients are overloaded at which of the points.
    fn overloads(&self) -> Vec<String> {
        let sentence = |(index, series): (usize, &(String, String))| {
            let at: Vec<_> = self.points.iter().filter(|(_, point)| point.overloaded.contains(&index)).collect();
            let place = self.saved.head.axes.iter().position(|axis| axis.key == self.axis.key)?;
            let value = |(_, point): &&(f64, &Point)| point.values.get(place).cloned();
            let where_so = match (at.first().and_then(value), at.last().and_then(value), at.len()) {
                (Some(only), _, 1) => format!("at {} = {only}", self.axis.key),
                (Some(first), Some(last), count) => {
                    format!("at {} points from {} = {first} to {last}", human::count(count as u64), self.axis.key)
                }
                _ => return None,
            };
            Some(format!(
                "{} is overloaded {where_so}: there its figures say more about the length of the run than about the client.",
                quoted(&self.saved.name(series))
            ))
        };
        self.series().filter_map(sentence).collect()
    }

    /// The chart of one of the figures; none where it says nothing.
    fn figure(&self, figure: usize) -> Option<Markup> {
        let (column, name) = FIGURES.get(figure)?;
        let values = || self.series().flat_map(|(index, _)| self.line(index, figure)).map(|(_, figure)| figure);
        let numbers: Vec<f64> = values().filter_map(|figure| figure.number()).collect();
        if numbers.iter().all(|value| *value == 0.0) {
            return None;
        }
        let (dimension, unit) = Dimension::of_column(column).unwrap_or((Dimension::Number, 1.0));
        let line = |(index, series): (usize, &(String, String))| {
            let point = |(x, figure): (f64, &Figure)| {
                let y = figure.number()? * unit;
                let interval = figure.interval().map(|(low, high)| (low * unit, high * unit));
                Some(SweepPoint { x: self.axis.charted(x), y, interval })
            };
            let client = chart::Client::new(&self.saved.name(series), index);
            SweepLine { client, points: self.line(index, figure).filter_map(point).collect() }
        };
        let chart = SweepLines {
            x: chart::Axis { label: self.axis.key.clone(), dimension: self.axis.dimension(), scale: self.axis.scale() },
            y: chart::Axis { label: (*name).to_owned(), dimension, scale: scale(numbers) },
            lines: self.series().map(line).collect(),
            crossovers: self.crossovers(column),
        };
        let what = format!("{} along {}", capital(name), self.axis.key);
        let id = format!("along-{figure}");
        Some(framed(&id, &self.headline(figure), &what, |canvas| sweep_lines(&chart, canvas), &self.numbers(figure)))
    }

    /// The figure of a client at each of the points.
    fn line(&self, series: usize, figure: usize) -> impl Iterator<Item = (f64, &'a Figure)> {
        let of = move |(x, point): &(f64, &'a Point)| Some((*x, point.figures.get(series)?.get(figure)?));
        self.points.iter().filter_map(of)
    }

    /// Where lines cross, in the charts of what was compared.
    fn crossovers(&self, column: &str) -> Vec<CrossoverMark> {
        let kind = match column {
            "requests_per_event" => "requests",
            "cost_per_million_events" => "cost",
            _ => return Vec::new(),
        };
        let is_here = |answer: &Answer<'_>| {
            let matches = |(key, value): &(&str, &str)| answer.get(&format!("param_{key}")) == *value;
            answer.get("kind") == kind && answer.get("key") == self.axis.key && self.fixed.iter().all(matches)
        };
        let answers = Answer::all(self.saved).into_iter().filter(is_here);
        let mark = |answer: Answer<'_>| {
            Some(CrossoverMark { x: self.axis.charted(answer.at()?), y: None, label: answer.value() })
        };
        let mut marks: Vec<_> = answers.filter_map(mark).collect();
        marks.truncate(MARKS_MAX);
        marks
    }

    fn cell(&self, series: &(String, String), point: &Point, figure: usize, value: &Figure) -> Markup {
        let Some((column, _)) = FIGURES.get(figure) else { return html! {} };
        let (file, mean) = self.saved.origin();
        let row = format!("{}&{}", series_key(self.saved, series, column), point_key(self.saved, &point.values));
        let shown = shown(self.saved, column, &value.value);
        sourced(file, &row, mean.unwrap_or(column), &Cell::from(value.value.as_str()), &shown)
    }

    /// From where to where the figure of each client goes.
    fn headline(&self, figure: usize) -> Markup {
        let name = FIGURES.get(figure).map_or("", |(_, name)| name);
        let known = |index: usize| {
            let of = move |(_, point): &(f64, &'a Point)| {
                let value = point.figures.get(index)?.get(figure)?;
                value.number().map(|_| (*point, value))
            };
            self.points.iter().filter_map(of)
        };
        let goes: Vec<Markup> = self
            .series()
            .take(NAMED_MAX)
            .filter_map(|(index, series)| {
                let ((first, from), (last, to)) = (known(index).next()?, known(index).next_back()?);
                let client = quoted(&self.saved.name(series));
                let is_same = shown(self.saved, FIGURES[figure].0, &from.value) == shown(self.saved, FIGURES[figure].0, &to.value);
                Some(match is_same {
                    true => html! { (client) " stays at " (self.cell(series, first, figure, from)) },
                    false => html! {
                        (client) " goes from " (self.cell(series, first, figure, from)) " to " (self.cell(series, last, figure, to))
                    },
                })
            })
            .collect();
        html! { (capital(name)) ": " @for (index, part) in goes.iter().enumerate() { @if index > 0 { ", " } (part) } }
    }

    fn numbers(&self, figure: usize) -> Markup {
        let Some((column, name)) = FIGURES.get(figure) else { return html! {} };
        let (file, mean) = self.saved.origin();
        let series: Vec<_> = self.series().collect();
        let param = format!("param_{}", self.axis.key);
        let index = self.saved.head.axes.iter().position(|axis| axis.key == self.axis.key).unwrap_or(0);
        let table = html! {
            table data-file=(file) {
                caption { (capital(name)) }
                thead {
                    tr {
                        th scope="col" { (self.axis.key) }
                        @for (_, series) in &series { th scope="col" colspan=[self.saved.is_replicated.then_some("3")] { (self.saved.name(series)) } }
                    }
                }
                tbody {
                    @for (_, point) in self.points.iter().take(ROWS_MAX) {
                        tr data-row=(point_key(self.saved, &point.values)) {
                            th scope="row" data-column=(param) {
                                @let text = point.values.get(index).map_or("", String::as_str);
                                (number(&Cell::from(text), text))
                            }
                            @for (index, series) in &series {
                                @let value = point.figures.get(*index).and_then(|figures| figures.get(figure)).cloned().unwrap_or_default();
                                @let key = series_key(self.saved, series, column);
                                td data-row=(key) data-column=(mean.unwrap_or(column)) { (text_cell(self.saved, column, &value.value)) }
                                @if self.saved.is_replicated {
                                    td data-row=(key) data-column="ci_low" { (text_cell(self.saved, column, &value.low)) }
                                    td data-row=(key) data-column="ci_high" { (text_cell(self.saved, column, &value.high)) }
                                }
                            }
                        }
                    }
                }
            }
        };
        html! {
            (scrolling(name, &table))
            @if self.saved.is_replicated { p class="note" { "Of each client the mean, and the ends of its 95 % interval." } }
        }
    }
}

/// More clients than this are not told of in a headline.
const NAMED_MAX: usize = 3;
/// More crossovers than this cannot be told apart in a chart.
const MARKS_MAX: usize = 12;

/// A number of a table of figures; nothing where it is not defined.
pub(super) fn text_cell(saved: &SavedSweep, column: &str, text: &str) -> Markup {
    let cell = if text.is_empty() { Cell::Empty } else { Cell::from(text) };
    number(&cell, &shown(saved, column, text))
}

/// A figure as people read it.
pub(super) fn shown(saved: &SavedSweep, column: &str, text: &str) -> String {
    let cell = text.parse::<u64>().map(Cell::Count).or_else(|_| text.parse::<f64>().map(Cell::from));
    cell.map_or_else(|_| text.to_owned(), |cell| show(column, &cell, saved.head.scenario.currency()))
}

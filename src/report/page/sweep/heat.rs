//! Two keys as a map: for each pair of values, the figure of a later client divided by that of the first.

use maud::{Markup, html};

use crate::report::chart::{HeatMap, heat_map};
use crate::report::columns::{Cell, significant};
use crate::report::human;
use crate::report::page::charts::framed;
use crate::report::page::figure::{NOTHING, quoted};
use crate::report::page::shell::Section;
use crate::report::page::sweep::crossovers::Answer;
use crate::report::page::sweep::keys::{point_key, series_key};
use crate::report::page::sweep::saved::{Axis, FIGURES, Point, SavedSweep};
use crate::report::page::{capital, scrolling};

/// The figures that have maps: which of [`FIGURES`], and what less of it means.
const MAPPED: [(usize, &str); 2] = [(0, "needs fewer requests"), (1, "hears sooner")];
/// A key with more values than this makes cells that nobody can see.
const VALUES_MAX: usize = 60;
/// Later clients that are compared.
const CLIENTS_MAX: usize = 3;

/// Whether a sweep is shown as a map: two keys that meet in every pair of values, and two clients.
pub(super) fn is_map(saved: &SavedSweep) -> bool {
    let axes = &saved.head.axes;
    let sizes = axes.iter().map(|axis| axis.values.len());
    axes.len() == 2
        && saved.head.combine != "zip"
        && sizes.into_iter().all(|size| (2..=VALUES_MAX).contains(&size))
        && pairs(saved).count() > 0
}

/// The first client of an engine and each later one, by their places.
fn pairs(saved: &SavedSweep) -> impl Iterator<Item = (usize, usize)> {
    let first_of = |engine: &str| saved.series.iter().position(|(other, _)| other == engine);
    let pair = move |(index, (engine, _)): (usize, &(String, String))| {
        Some((first_of(engine)?, index)).filter(|(first, later)| first < later)
    };
    saved.series.iter().enumerate().filter_map(pair).take(CLIENTS_MAX)
}

/// The maps of a sweep; none where it is none of two keys.
pub(super) fn section(saved: &SavedSweep) -> Option<Section> {
    if !is_map(saved) {
        return None;
    }
    let maps: Vec<Markup> = pairs(saved)
        .flat_map(|pair| MAPPED.iter().map(move |mapped| (pair, *mapped)))
        .filter_map(|((baseline, client), mapped)| Map::of(saved, baseline, client, mapped)?.figure())
        .collect();
    (!maps.is_empty()).then(|| Section::new("map", "The map", html! { @for map in maps { (map) } }))
}

/// The map of one figure of two clients.
struct Map<'a> {
    saved: &'a SavedSweep,
    baseline: usize,
    client: usize,
    figure: usize,
    less: &'static str,
    /// The places of the keys that go to the right and up.
    right: usize,
    up: usize,
    axes: [&'a Axis; 2],
}

impl<'a> Map<'a> {
    fn of(
        saved: &'a SavedSweep,
        baseline: usize,
        client: usize,
        (figure, less): (usize, &'static str),
    ) -> Option<Self> {
        let [first, second] = saved.head.axes.as_slice() else { return None };
        // The key with more values has more room to the right.
        let (right, up, axes) =
            if first.values.len() > second.values.len() { (0, 1, [first, second]) } else { (1, 0, [second, first]) };
        Some(Self { saved, baseline, client, figure, less, right, up, axes })
    }

    fn name(&self, series: usize) -> String {
        self.saved.series.get(series).map(|series| self.saved.name(series)).unwrap_or_default()
    }

    /// The point of a pair of values.
    fn point(&self, right: &str, up: &str) -> Option<&'a Point> {
        let is_it = |point: &&Point| {
            point.values.get(self.right).is_some_and(|value| value == right)
                && point.values.get(self.up).is_some_and(|value| value == up)
        };
        self.saved.points.iter().find(is_it)
    }

    fn number(&self, point: &Point, series: usize) -> Option<f64> {
        point.figures.get(series)?.get(self.figure)?.number()
    }

    fn ratio(&self, point: &Point) -> Option<f64> {
        let (baseline, client) = (self.number(point, self.baseline)?, self.number(point, self.client)?);
        (baseline > 0.0).then(|| client / baseline)
    }

    /// The points, a row for each value of the key that goes up.
    fn grid(&self) -> Vec<Vec<Option<&'a Point>>> {
        let [right, up] = self.axes;
        let row = |up: &str| right.values.iter().map(|value| self.point(&value.text, up)).collect();
        up.values.iter().map(|value| row(&value.text)).collect()
    }

    fn figure(&self) -> Option<Markup> {
        let (_, name) = FIGURES.get(self.figure)?;
        let grid = self.grid();
        let cells: Vec<Vec<Option<f64>>> = grid
            .iter()
            .map(|row| row.iter().map(|point| point.and_then(|point| self.ratio(point))).collect())
            .collect();
        let ratios: Vec<f64> = cells.iter().flatten().flatten().copied().collect();
        if ratios.is_empty() {
            return None;
        }
        let texts = |axis: &Axis| axis.values.iter().map(|value| value.text.clone()).collect();
        let chart = HeatMap {
            figure: (*name).to_owned(),
            client: self.name(self.client),
            baseline: self.name(self.baseline),
            x_label: self.axes[0].key.clone(),
            x_values: texts(self.axes[0]),
            y_label: self.axes[1].key.clone(),
            y_values: texts(self.axes[1]),
            cells,
            frontier: if self.figure == 0 { self.frontier() } else { Vec::new() },
        };
        let less = ratios.iter().filter(|ratio| **ratio < 1.0).count();
        let headline = html! {
            (quoted(&chart.client)) " " (self.less) " than " (quoted(&chart.baseline)) " at " (less) " of "
            (human::things(ratios.len() as f64, "point", "points"))
        };
        let [client, baseline] = [&chart.client, &chart.baseline].map(|name| quoted(name));
        let what = format!("{} of {client} divided by that of {baseline}", capital(name));
        let id = format!("map-{}-{}", self.client, self.figure);
        Some(framed(&id, &headline, &what, |canvas| heat_map(&chart, canvas), &self.numbers(&grid)))
    }

    /// The values at which both need as many requests, as places between cells.
    fn frontier(&self) -> Vec<Vec<[f64; 2]>> {
        let [right, up] = self.axes;
        let Some((engine, client)) = self.saved.series.get(self.client) else { return Vec::new() };
        let is_it = |answer: &Answer<'_>| {
            answer.get("kind") == "requests" && answer.get("engine") == engine && answer.get("client") == client
        };
        let answers: Vec<_> = Answer::all(self.saved).into_iter().filter(is_it).collect();
        let goes_right = answers.first().is_some_and(|answer| answer.get("key") == right.key);
        let (along, other) = if goes_right { (right, up) } else { (up, right) };
        let mut lines: Vec<Vec<[f64; 2]>> = vec![Vec::new()];
        for (index, value) in other.values.iter().enumerate() {
            let name = format!("param_{}", other.key);
            let here: Vec<f64> = answers
                .iter()
                .filter(|answer| answer.get(&name) == value.text)
                .filter_map(|answer| along.place(answer.at()?))
                .collect();
            match (here.as_slice(), lines.last_mut()) {
                // Where it changes not at all, or several times, the line is broken.
                ([place], Some(line)) => {
                    line.push(if goes_right { [*place, index as f64] } else { [index as f64, *place] })
                }
                _ => lines.push(Vec::new()),
            }
        }
        lines.retain(|line| line.len() > 1);
        lines
    }

    fn numbers(&self, grid: &[Vec<Option<&Point>>]) -> Markup {
        let [right, up] = self.axes;
        let (Some((column, name)), Some(baseline), Some(client)) =
            (FIGURES.get(self.figure), self.saved.series.get(self.baseline), self.saved.series.get(self.client))
        else {
            return html! {};
        };
        let (file, mean) = self.saved.origin();
        let key = |series| series_key(self.saved, series, column);
        let cell = |point: &Point| {
            let ratio = self.ratio(point)?;
            let of_point = point_key(self.saved, &point.values);
            Some(html! {
                data value=(Cell::from(significant(ratio).as_str()).text()) data-row=(format!("{}&{of_point}", key(client)))
                    data-divided-by=(format!("{}&{of_point}", key(baseline))) { (human::factor(ratio)) }
            })
        };
        let table = html! {
            table data-file=(file) data-column=(mean.unwrap_or(column)) {
                caption { (capital(name)) " of " (quoted(&self.name(self.client))) " divided by that of " (quoted(&self.name(self.baseline))) }
                thead { tr { th scope="col" { (up.key) " \\ " (right.key) } @for value in &right.values { th scope="col" { (value.text) } } } }
                tbody {
                    @for (row, value) in grid.iter().zip(&up.values) {
                        tr {
                            th scope="row" { (value.text) }
                            @for point in row { td { (point.and_then(&cell).unwrap_or_else(|| html! { (NOTHING) })) } }
                        }
                    }
                }
            }
        };
        scrolling(name, &table)
    }
}

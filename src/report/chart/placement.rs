//! Where labels stand: near what they name, off each other, and off the lines as far as may be.

use crate::report::chart::sketch::Area;

/// The paper is looked at in squares of so many pixels.
const SQUARE: f64 = 4.0;
/// Labels keep so much room between them.
const APART: f64 = 4.0;
/// A label that is farther from its dot than this is not seen to belong to it.
const FAR: f64 = 90.0;
/// Labels stand so far off lines where they can.
const CLEAR: f64 = 4.0;
/// How far a label stands from its dot when it stands right beside it.
pub(super) const BESIDE_DOT: f64 = 9.0;
/// A label that is farther away than this needs a line to its dot.
pub(super) const NEEDS_LEADER: f64 = 16.0;

/// A picture of where something is drawn already.
#[derive(Debug)]
pub(super) struct Field {
    columns: usize,
    rows: usize,
    is_busy: Vec<bool>,
}

impl Field {
    pub(super) fn new(width: f64, height: f64) -> Self {
        let [columns, rows] = [width, height].map(|length| (length / SQUARE).ceil().max(1.0) as usize);
        Self { columns, rows, is_busy: vec![false; columns * rows] }
    }

    /// Draws a line through points.
    pub(super) fn draw(&mut self, points: &[[f64; 2]]) {
        for pair in points.windows(2) {
            let [[x1, y1], [x2, y2]] = [pair[0], pair[1]];
            let steps = ((x2 - x1).abs().max((y2 - y1).abs()) / (SQUARE / 2.0)).ceil().clamp(1.0, 1e4) as usize;
            for step in 0..=steps {
                let share = step as f64 / steps as f64;
                self.mark([x1 + share * (x2 - x1), y1 + share * (y2 - y1)]);
            }
        }
    }

    fn square(&self, [x, y]: [f64; 2]) -> [usize; 2] {
        let index = |value: f64, count: usize| ((value / SQUARE).floor().max(0.0) as usize).min(count - 1);
        [index(x, self.columns), index(y, self.rows)]
    }

    fn mark(&mut self, point: [f64; 2]) {
        let [column, row] = self.square(point);
        self.is_busy[row * self.columns + column] = true;
    }

    /// How many squares of an area are drawn on.
    fn busy(&self, area: Area) -> usize {
        let [left, top] = self.square([area.left, area.top]);
        let [right, bottom] = self.square([area.right, area.bottom]);
        let row = |row: usize| &self.is_busy[row * self.columns + left..=row * self.columns + right];
        (top..=bottom).map(|y| row(y).iter().filter(|is_busy| **is_busy).count()).sum()
    }
}

/// A label that looks for its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// What it names.
    pub(super) dot: [f64; 2],
    /// Its width and height.
    pub(super) size: [f64; 2],
}

/// Whether labels can be read at these places: all have one, on hardly any line and not far off.
pub(super) fn is_readable(labels: &[Wanted], places: &[Option<Area>], field: &Field) -> bool {
    let is_fine = |(label, place): (&Wanted, &Option<Area>)| {
        place.is_some_and(|area| field.busy(area) <= 2 && distance(label, area) <= FAR)
    };
    labels.iter().zip(places).all(is_fine)
}

/// A place for each label within `bounds`, in the order given; none for one that no place is left for.
pub(super) fn place(labels: &[Wanted], bounds: Area, field: &Field) -> Vec<Option<Area>> {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by(|a, b| labels[*a].dot[0].total_cmp(&labels[*b].dot[0]));
    let dots: Vec<Area> = labels.iter().map(|label| around(label.dot, 5.0)).collect();
    let mut places = vec![None; labels.len()];
    // A second look at each, when all others have their places.
    for _ in 0..3 {
        for &index in &order {
            places[index] = None;
            let taken: Vec<(Area, [f64; 2])> =
                places.iter().zip(labels).filter_map(|(place, label)| Some(((*place)?, label.dot))).collect();
            places[index] = best(&labels[index], bounds, field, &taken, &dots);
        }
    }
    places
}

fn around([x, y]: [f64; 2], by: f64) -> Area {
    Area::new(x - by, y - by, x + by, y + by)
}

/// The best place for one label.
fn best(label: &Wanted, bounds: Area, field: &Field, taken: &[(Area, [f64; 2])], dots: &[Area]) -> Option<Area> {
    let mut best: Option<(f64, Area)> = None;
    for area in candidates(label, bounds) {
        // Most places are worse by their distance alone.
        if best.is_some_and(|(least, _)| distance_cost(distance(label, area)) >= least) {
            continue;
        }
        let hits = |other: &Area| area.grown(APART).overlaps(other);
        if taken.iter().any(|(other, _)| hits(other)) || dots.iter().any(|dot| area.overlaps(dot)) {
            continue;
        }
        let cost = cost(label, area, field, taken) + 60.0 * dots_crossed(label, area, dots);
        if best.is_none_or(|(least, _)| cost < least) {
            best = Some((cost, area));
        }
    }
    best.map(|(_, area)| area)
}

/// Right beside the dot, left of it, and everywhere else.
fn candidates(label: &Wanted, bounds: Area) -> impl Iterator<Item = Area> {
    let Wanted { dot: [x, y], size: [width, height] } = *label;
    let at = move |left: f64, top: f64| Area::new(left, top, left + width, top + height);
    let beside = (-9..=9).flat_map(move |shift| {
        let top = y - height / 2.0 + f64::from(shift) * height / 8.0;
        [at(x + BESIDE_DOT, top), at(x - BESIDE_DOT - width, top)]
    });
    let [columns, rows] =
        [bounds.width() - width, bounds.height() - height].map(|room| (room / 6.0).floor().max(-1.0) as i32);
    let everywhere = (0..=rows).flat_map(move |row| {
        (0..=columns).map(move |column| at(bounds.left + f64::from(column) * 6.0, bounds.top + f64::from(row) * 6.0))
    });
    beside.chain(everywhere).filter(move |area| {
        area.left >= bounds.left && area.right <= bounds.right && area.top >= bounds.top && area.bottom <= bounds.bottom
    })
}

/// How far a label would be from its dot.
fn distance(label: &Wanted, area: Area) -> f64 {
    let [x, y] = nearest(area, label.dot);
    libm::hypot(x - label.dot[0], y - label.dot[1])
}

/// What is bad about a distance: nothing is gained by standing nearer than right beside the dot.
fn distance_cost(distance: f64) -> f64 {
    distance.max(BESIDE_DOT) * 1.2
}

/// What is bad about a place: lines under it, its distance, lines and labels that its leader crosses.
fn cost(label: &Wanted, area: Area, field: &Field, taken: &[(Area, [f64; 2])]) -> f64 {
    let [x, y] = label.dot;
    let end = nearest(area, label.dot);
    let distance = distance(label, area);
    let lines = field.busy(area.grown(CLEAR)) as f64;
    let is_left = area.right <= x;
    let off_middle = ((area.top + area.bottom) / 2.0 - y).abs();
    let mut cost = lines * 10.0 + distance_cost(distance) + off_middle * 0.15 + if is_left { 6.0 } else { 0.0 };
    if distance > NEEDS_LEADER {
        cost += 25.0 + crossings(label.dot, end, field) * 1.5;
    }
    for (other, dot) in taken {
        if is_crossed(label.dot, end, other.grown(2.0)) || is_crossed(*dot, nearest(*other, *dot), area.grown(2.0)) {
            cost += 400.0;
        }
    }
    cost
}

/// How many dots of others a leader would pass: it would seem to be theirs.
fn dots_crossed(label: &Wanted, area: Area, dots: &[Area]) -> f64 {
    let [x, y] = label.dot;
    let is_own = |dot: &Area| dot.left <= x && x <= dot.right && dot.top <= y && y <= dot.bottom;
    let end = nearest(area, label.dot);
    dots.iter().filter(|dot| !is_own(dot) && is_crossed(label.dot, end, **dot)).count() as f64
}

/// How many squares that are drawn on a leader passes, off the dot.
fn crossings(from: [f64; 2], to: [f64; 2], field: &Field) -> f64 {
    along(from, to).skip(2).filter(|point| field.busy(around(*point, 0.0)) > 0).count() as f64
}

fn is_crossed(from: [f64; 2], to: [f64; 2], area: Area) -> bool {
    along(from, to).any(|[x, y]| x > area.left && x < area.right && y > area.top && y < area.bottom)
}

fn along([x1, y1]: [f64; 2], [x2, y2]: [f64; 2]) -> impl Iterator<Item = [f64; 2]> {
    let steps = (libm::hypot(x2 - x1, y2 - y1) / SQUARE).ceil().clamp(1.0, 1e3) as usize;
    (0..=steps).map(move |step| {
        let share = step as f64 / steps as f64;
        [x1 + share * (x2 - x1), y1 + share * (y2 - y1)]
    })
}

/// The point of an area that is nearest to a point.
pub(super) fn nearest(area: Area, [x, y]: [f64; 2]) -> [f64; 2] {
    [x.clamp(area.left, area.right.max(area.left)), y.clamp(area.top, area.bottom.max(area.top))]
}

/// Tops for labels of these heights that would like to have their middles at these places: in the order of the places,
/// off each other, as near as may be, and between `low` and `high` if there is room.
pub(super) fn spread(wanted: &[(f64, f64)], low: f64, high: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|a, b| wanted[*a].0.total_cmp(&wanted[*b].0));
    // Labels that touch are moved as one group, to where its members are least off on average.
    let mut groups: Vec<Group> = Vec::new();
    for &index in &order {
        let (middle, height) = wanted[index];
        let mut group = Group { first_tops: middle - height / 2.0, count: 1.0, height, members: vec![index] };
        while let Some(last) = groups.pop() {
            if last.top(low, high) + last.height <= group.top(low, high) {
                groups.push(last);
                break;
            }
            group = last.joined(group);
        }
        groups.push(group);
    }
    let mut tops = vec![low; wanted.len()];
    for group in &groups {
        let mut top = group.top(low, high);
        for &index in &group.members {
            tops[index] = top;
            top += wanted[index].1;
        }
    }
    tops
}

/// Labels one below the other.
#[derive(Debug)]
struct Group {
    /// The sum over its members of where the group's top would be if it went by that member alone.
    first_tops: f64,
    count: f64,
    height: f64,
    members: Vec<usize>,
}

impl Group {
    fn top(&self, low: f64, high: f64) -> f64 {
        (self.first_tops / self.count).min(high - self.height).max(low)
    }

    fn joined(mut self, below: Self) -> Self {
        self.first_tops += below.first_tops - below.count * self.height;
        self.count += below.count;
        self.height += below.height;
        self.members.extend(below.members);
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_label_stands_beside_its_dot_where_nothing_is_in_the_way() {
        let field = Field::new(400.0, 300.0);
        let bounds = Area::new(0.0, 0.0, 400.0, 300.0);
        let label = Wanted { dot: [100.0, 150.0], size: [80.0, 30.0] };
        let places = place(&[label], bounds, &field);
        assert_eq!(places, [Some(Area::new(109.0, 135.0, 189.0, 165.0))]);
        // At the right end it stands where there is room, as near.
        let label = Wanted { dot: [390.0, 150.0], ..label };
        let fits = |area: Area| area.right <= 400.0 && distance(&label, area) <= NEEDS_LEADER;
        assert!(place(&[label], bounds, &field)[0].is_some_and(fits));
    }

    #[test]
    fn a_label_keeps_off_lines() {
        let mut field = Field::new(400.0, 300.0);
        field.draw(&[[100.0, 150.0], [400.0, 150.0]]);
        let label = Wanted { dot: [100.0, 150.0], size: [80.0, 30.0] };
        let places = place(&[label], Area::new(0.0, 0.0, 400.0, 300.0), &field);
        assert!(places[0].is_some_and(|area| area.right < 100.0 || area.bottom < 150.0 || area.top > 150.0));
        assert!(is_readable(&[label], &places, &field));
        assert!(!is_readable(&[label], &[None], &field));
    }

    proptest! {
        #[test]
        fn labels_that_are_spread_do_not_touch_and_stay_within(
            wanted in prop::collection::vec((0.0..300.0, 10.0..30.0), 0..10),
        ) {
            let tops = spread(&wanted, 0.0, 300.0);
            let mut places: Vec<_> = tops.iter().zip(&wanted).map(|(top, (_, height))| (*top, top + height)).collect();
            places.sort_by(|a, b| a.0.total_cmp(&b.0));
            prop_assert!(places.windows(2).all(|pair| pair[0].1 <= pair[1].0 + 1e-9), "{places:?}");
            prop_assert!(places.iter().all(|(top, bottom)| *top >= -1e-9 && *bottom <= 300.0 + 1e-9), "{places:?}");
            for (index, (middle, height)) in wanted.iter().enumerate() {
                // One that is alone stands where it wants to.
                if wanted.len() == 1 && (height / 2.0..=300.0 - height / 2.0).contains(middle) {
                    prop_assert!((tops[index] + height / 2.0 - middle).abs() < 1e-9);
                }
            }
        }
    }
}

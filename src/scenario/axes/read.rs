//! Reads `[sweep]`, joins it with what the command line says, and makes sure that the axes fit together.

use std::collections::BTreeSet;

use crate::scenario::Changes;
use crate::scenario::axes::range::{RangeKeys, Scale, check_points};
use crate::scenario::axes::{AXES_MAX, AXIS_MAX, Axes, Axis, AxisValue, Combine, canonical, unsuitable, vary};
use crate::scenario::keys::{self, nearest};
use crate::scenario::kinds;
use crate::scenario::overrides::{Target, resolve};
use crate::scenario::problems::{Place, Problem};
use crate::scenario::tree::{Entry, Node, Table, Value};

/// The keys of a range.
const RANGE: [&str; 4] = ["from", "to", "points", "scale"];
/// The key that is no axis.
const COMBINE: &str = "combine";

/// Takes `[sweep]` out of the tree of a scenario, and reads it and every `--vary`.
pub(in crate::scenario) fn take(root: &mut Table, changes: &Changes, problems: &mut Vec<Problem>) -> Axes {
    let position = root.entries.iter().position(|entry| entry.key == "sweep");
    let sweep = position.map(|index| root.entries.remove(index));
    let mut axes = Axes::default();
    match sweep.map(|entry| entry.node) {
        None => {}
        Some(Node { value: Value::Table(table), .. }) => {
            for entry in &table.entries {
                match (entry.key.as_str(), keys::find("sweep.combine")) {
                    (COMBINE, Some(key)) => match kinds::choice(&entry.node, key) {
                        Ok(name) => axes.combine = if name == "zip" { Combine::Zip } else { Combine::Product },
                        Err(problem) => problems.push(problem),
                    },
                    _ => flatten(root, "", entry, &mut axes.list, problems),
                }
            }
        }
        Some(Node { value, place }) => {
            let problem = Problem::new(format!("`sweep` is a table, not {}", value.kind())).at(place.as_ref());
            problems.push(problem.help("write its keys under [sweep]"));
        }
    }
    if changes.zip {
        axes.combine = Combine::Zip;
    }
    // Only what is said twice in the same place is a mistake: the command line goes before the file.
    repeated(&axes.list, problems);
    let mut varied = Vec::new();
    for (index, text) in changes.varied.iter().enumerate() {
        match vary::axis(root, text, 1 + changes.sets.len() + index) {
            Ok(axis) => varied.push(axis),
            Err(problem) => problems.push(problem),
        }
    }
    repeated(&varied, problems);
    for axis in varied {
        match axes.list.iter_mut().find(|other| other.target.steps == axis.target.steps) {
            Some(other) => *other = axis,
            None => axes.list.push(axis),
        }
    }
    check(&axes, problems);
    axes
}

/// Reads an entry of `[sweep]`: an axis, or where its key was written without quotes, a table that leads to one.
fn flatten(root: &Table, path: &str, entry: &Entry, axes: &mut Vec<Axis>, problems: &mut Vec<Problem>) {
    let path = keys::join(path, &entry.key);
    match &entry.node.value {
        Value::Table(table) if !table.entries.is_empty() && !is_range(table) => {
            table.entries.iter().for_each(|entry| flatten(root, &path, entry, axes, problems));
        }
        _ => match axis(root, &path, entry) {
            Ok(axis) => axes.push(axis),
            Err(problem) => problems.push(problem),
        },
    }
}

fn is_range(table: &Table) -> bool {
    RANGE.iter().any(|name| table.get(name).is_some())
}

fn axis(root: &Table, path: &str, entry: &Entry) -> Result<Axis, Problem> {
    let target = target(root, path, entry.place.as_ref())?;
    let place = entry.node.place.as_ref();
    match &entry.node.value {
        Value::List(nodes) => of_list(root, target, nodes.clone(), place, entry.place.as_ref()),
        Value::Table(table) => {
            let range = range(table, path, place)?;
            of_range(root, target, range, place, entry.place.as_ref())
        }
        other => {
            let problem = Problem::new(format!("`{path}` varies, so it takes a list of values, not {}", other.kind()));
            Err(problem.at(place).help(format!("write a list such as [{}, ..], or {RANGE_EXAMPLE}", other.written())))
        }
    }
}

const RANGE_EXAMPLE: &str = "{ from = .., to = .., points = 5, scale = \"log\" }";

/// Where the key of an axis leads.
pub(super) fn target(root: &Table, path: &str, place: Option<&Place>) -> Result<Target, Problem> {
    let resolved = resolve(root, path).map_err(|problem| {
        // What is said of `--set` is no advice here.
        let help = problem.help.clone().filter(|help| !help.starts_with("write --set"));
        Problem { help: help.or_else(|| Some("name the key of one value, such as events.rate".to_owned())), ..problem }
    });
    let target = resolved.map_err(|problem| problem.at(place))?;
    match unsuitable(&target) {
        Some(problem) => Err(problem.at(place)),
        None => Ok(target),
    }
}

/// An axis of values that are written one by one. `place` is where they stand, `named` where the key does.
pub(super) fn of_list(
    root: &Table,
    target: Target,
    nodes: Vec<Node>,
    place: Option<&Place>,
    named: Option<&Place>,
) -> Result<Axis, Problem> {
    let path = &target.path;
    if nodes.is_empty() {
        let problem = Problem::new(format!("`{path}` has no values to take")).at(place.or(named));
        return Err(problem.help("write at least one value"));
    }
    if nodes.len() > AXIS_MAX {
        let problem = Problem::new(format!("`{path}` takes {} values", nodes.len())).at(place);
        return Err(problem.help(format!("write at most {AXIS_MAX}")));
    }
    let mut seen = BTreeSet::new();
    let mut values = Vec::with_capacity(nodes.len());
    for node in nodes {
        let value = AxisValue::new(node, &target);
        // Two texts of one number are one value.
        let same = (value.number.map(f64::to_bits), value.number.map_or_else(|| value.text.clone(), |_| String::new()));
        if !seen.insert(same) {
            let problem = Problem::new(format!("`{path}` takes the value {} twice", value.text));
            return Err(problem.at(value.node.place.as_ref()).help("write each value once"));
        }
        values.push(value);
    }
    Ok(axis_of(root, target, values, None, named))
}

/// An axis of the values of a range.
pub(super) fn of_range(
    root: &Table,
    target: Target,
    range: RangeKeys,
    place: Option<&Place>,
    named: Option<&Place>,
) -> Result<Axis, Problem> {
    let values = range.values(&target, place)?;
    Ok(axis_of(root, target, values, Some(range), named))
}

fn axis_of(
    root: &Table,
    target: Target,
    values: Vec<AxisValue>,
    range: Option<RangeKeys>,
    named: Option<&Place>,
) -> Axis {
    Axis {
        key: canonical(root, &target),
        quantity: target.key().and_then(|key| super::Quantity::of(key.kind)),
        target,
        place: named.cloned(),
        values,
        range,
    }
}

/// Reads the table of a range.
fn range(table: &Table, path: &str, place: Option<&Place>) -> Result<RangeKeys, Problem> {
    if let Some(entry) = table.entries.iter().find(|entry| !RANGE.contains(&entry.key.as_str())) {
        let problem = Problem::new(format!("a range has no key `{}`", entry.key)).at(entry.place.as_ref());
        return Err(match nearest(&entry.key, RANGE) {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem.help("its keys are `from`, `to`, `points` and `scale`"),
        });
    }
    let required = |name: &str| {
        let missing = || Problem::new(format!("the range of `{path}` lacks `{name}`")).at(place);
        table.get(name).ok_or_else(|| missing().help(format!("write {RANGE_EXAMPLE}")))
    };
    let (from, to, points) = (required("from")?, required("to")?, required("points")?);
    let Value::Integer(count) = points.value else {
        let problem = Problem::new(format!("`points` takes a whole number, not {}", points.value.kind()));
        return Err(problem.at(points.place.as_ref()).help("write how many values there are, both ends included"));
    };
    let count = check_points(count, points.place.as_ref())?;
    let scale = match table.get("scale") {
        None => Scale::Linear,
        Some(node) => {
            let unknown = || Problem::new(format!("`scale = {}` is not a scale", node.value.written()));
            let named = if let Value::Text(name) = &node.value { Scale::named(name) } else { None };
            named.ok_or_else(|| unknown().at(node.place.as_ref()).help("write \"linear\" or \"log\""))?
        }
    };
    Ok(RangeKeys::new([from.clone(), to.clone()], count, scale))
}

/// Notes every key that stands twice in one list.
fn repeated(list: &[Axis], problems: &mut Vec<Problem>) {
    for (index, axis) in list.iter().enumerate() {
        if list[..index].iter().any(|other| other.target.steps == axis.target.steps) {
            let problem = Problem::new(format!("`{}` varies twice", axis.key)).at(axis.place.as_ref());
            problems.push(problem.help("keep one of the two"));
        }
    }
}

/// What has to hold between the axes.
fn check(axes: &Axes, problems: &mut Vec<Problem>) {
    let list = &axes.list;
    for (index, axis) in list.iter().enumerate() {
        for other in &list[..index] {
            let (steps, others) = (&axis.target.steps, &other.target.steps);
            if steps.len() != others.len() && (steps.starts_with(others) || others.starts_with(steps)) {
                let (outer, inner) = if steps.len() < others.len() { (axis, other) } else { (other, axis) };
                let problem = Problem::new(format!("`{}` holds `{}`, and both vary", outer.key, inner.key));
                problems.push(problem.at(axis.place.as_ref()).help("vary one of the two"));
            }
        }
    }
    if let Some(axis) = list.get(AXES_MAX) {
        let problem = Problem::new(format!("{} keys vary", list.len())).at(axis.place.as_ref());
        problems.push(problem.help(format!("vary at most {AXES_MAX}")));
    }
    let (Combine::Zip, Some(first)) = (axes.combine, list.first()) else { return };
    for axis in &list[1..] {
        if axis.values.len() != first.values.len() {
            let [long, short] = [first, axis].map(|axis| axis.values.len());
            let problem = Problem::new(format!("`{}` takes {long} values and `{}` takes {short}", first.key, axis.key));
            let help = "where values meet one by one (zip), every key needs as many as the others";
            problems.push(problem.at(axis.place.as_ref()).help(help));
        }
    }
}

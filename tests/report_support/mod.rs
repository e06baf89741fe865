//! Reading a page as a browser does, as far as the pages of this program need it, and holding its numbers against files.
#![allow(dead_code, reason = "each test takes what it needs")]

use std::collections::BTreeMap;
use std::path::Path;

/// An element of a page with what is in it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: BTreeMap<String, String>,
    pub(crate) children: Vec<Node>,
}

/// A part of a page.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Element(Element),
    Text(String),
}

/// Elements that have no end.
const VOID: [&str; 3] = ["meta", "link", "br"];

fn decoded(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// The elements of a page, below one that stands for all of it.
///
/// # Panics
///
/// If an element is not closed where it should be: then a browser would show something else.
pub(crate) fn parse(page: &str) -> Element {
    let mut open = vec![Element::default()];
    let mut rest = page.strip_prefix("<!DOCTYPE html>").expect("a page begins with its doctype");
    while !rest.is_empty() {
        let Some(tag) = rest.strip_prefix('<') else {
            let end = rest.find('<').unwrap_or(rest.len());
            open.last_mut().unwrap().children.push(Node::Text(decoded(&rest[..end])));
            rest = &rest[end..];
            continue;
        };
        let end = tag.find('>').expect("a tag ends");
        let (inside, after) = (&tag[..end], &tag[end + 1..]);
        rest = after;
        if let Some(name) = inside.strip_prefix('/') {
            let done = open.pop().unwrap();
            assert_eq!(done.name, name, "closed without having been opened");
            open.last_mut().unwrap().children.push(Node::Element(done));
            continue;
        }
        let element = element(inside);
        if element.name == "style" {
            let end = rest.find("</style>").expect("a style ends");
            rest = &rest[end + "</style>".len()..];
        } else if VOID.contains(&element.name.as_str()) {
            open.last_mut().unwrap().children.push(Node::Element(element));
        } else {
            open.push(element);
        }
    }
    assert_eq!(open.len(), 1, "{:?} are not closed", open.iter().map(|element| &element.name).collect::<Vec<_>>());
    open.pop().unwrap()
}

fn element(tag: &str) -> Element {
    let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
    let mut attributes = BTreeMap::new();
    while !rest.is_empty() {
        let (key, after) = rest.split_once("=\"").unwrap_or_else(|| panic!("{tag}"));
        let (value, after) = after.split_once('"').unwrap_or_else(|| panic!("{tag}"));
        assert!(attributes.insert(key.trim().to_owned(), decoded(value)).is_none(), "{key} stands twice in {tag}");
        rest = after.trim_start();
    }
    Element { name: name.to_owned(), attributes, children: Vec::new() }
}

impl Element {
    /// An attribute; empty without one.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    /// Everything in it that is not in elements of these names.
    pub(crate) fn text_without(&self, left_out: &[&str]) -> String {
        let text = |node: &Node| match node {
            Node::Text(text) => text.clone(),
            Node::Element(element) if left_out.contains(&element.name.as_str()) => String::new(),
            Node::Element(element) => element.text_without(left_out),
        };
        self.children.iter().map(text).collect()
    }

    /// All text in it.
    pub(crate) fn text(&self) -> String {
        self.text_without(&[])
    }

    /// Looks at each element in it with what is around it, the outermost first.
    pub(crate) fn walk<'a>(&'a self, around: &mut Vec<&'a Self>, look: &mut dyn FnMut(&'a Self, &[&'a Self])) {
        around.push(self);
        for child in &self.children {
            if let Node::Element(child) = child {
                look(child, around);
                child.walk(around, look);
            }
        }
        around.pop();
    }

    /// All elements of a name in it.
    pub(crate) fn all(&self, name: &str) -> Vec<&Self> {
        let mut found = Vec::new();
        self.walk(&mut Vec::new(), &mut |element, _| {
            if element.name == name {
                found.push(element);
            }
        });
        found
    }
}

/// What a number says it comes from.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) file: String,
    pub(crate) row: BTreeMap<String, String>,
    pub(crate) column: String,
    pub(crate) pointer: String,
    pub(crate) divided_by: Option<BTreeMap<String, String>>,
}

fn row(text: &str) -> BTreeMap<String, String> {
    let part = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or_else(|| panic!("{text}"));
        (plain(name), plain(value))
    };
    text.split('&').filter(|part| !part.is_empty()).map(part).collect()
}

/// A text without percent signs.
fn plain(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            bytes.push(u8::from_str_radix(std::str::from_utf8(&after[..2]).unwrap(), 16).unwrap());
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).unwrap()
}

impl Origin {
    /// What an element and what is around it say together.
    pub(crate) fn of(element: &Element, around: &[&Element]) -> Self {
        let all: Vec<&Element> = around.iter().copied().chain([element]).collect();
        let nearest = |name: &str| all.iter().rev().map(|e| e.get(name)).find(|text| !text.is_empty()).unwrap_or("");
        let rows = all.iter().flat_map(|e| row(e.get("data-row"))).collect();
        let divided_by = element.attributes.get("data-divided-by").map(|text| row(text));
        let pointer = all.iter().map(|e| e.get("data-pointer")).collect();
        Self {
            file: nearest("data-file").into(),
            row: rows,
            column: nearest("data-column").into(),
            pointer,
            divided_by,
        }
    }
}

/// A CSV file: rows by the names of their columns.
pub(crate) struct Table(Vec<BTreeMap<String, String>>);

impl Table {
    pub(crate) fn read(path: &Path) -> Self {
        let mut reader = csv::Reader::from_path(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let header = reader.headers().unwrap().clone();
        let rows = reader.records().map(|record| {
            let record = record.unwrap();
            header.iter().zip(&record).map(|(name, cell)| (name.to_owned(), cell.to_owned())).collect()
        });
        Self(rows.collect())
    }

    /// The cell of a column in the rows that are so: in one row, or, where it says which point they are of, in several.
    pub(crate) fn cell(&self, key: &BTreeMap<String, String>, column: &str) -> String {
        let is_it = |row: &&BTreeMap<String, String>| key.iter().all(|(name, value)| row.get(name) == Some(value));
        let cells: Vec<_> = self
            .0
            .iter()
            .filter(is_it)
            .map(|row| row.get(column).cloned().unwrap_or_else(|| panic!("no {column}")))
            .collect();
        assert!(!cells.is_empty() && cells.iter().all(|cell| *cell == cells[0]), "{key:?} names {cells:?}");
        cells[0].clone()
    }

    /// The one row that is so.
    pub(crate) fn row(&self, key: &BTreeMap<String, String>) -> &BTreeMap<String, String> {
        let is_it = |row: &&BTreeMap<String, String>| key.iter().all(|(name, value)| row.get(name) == Some(value));
        let found: Vec<_> = self.0.iter().filter(is_it).collect();
        assert_eq!(found.len(), 1, "{key:?} names {} rows", found.len());
        found[0]
    }
}

/// What a text for people says, in the base of its unit: milliseconds, bytes, a share, or a plain number; with the half of the
/// last digit that is shown.
fn said(text: &str) -> (f64, f64) {
    let (digits, unit) = text.split_once(' ').unwrap_or((text, ""));
    let digits = digits.replace(',', "");
    let value: f64 = digits.parse().unwrap_or_else(|_| panic!("{text:?} is no number"));
    let decimals = digits.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let unit = match unit {
        "µs" => 1e-3,
        "ms" => 1.0,
        "s" => 1e3,
        "min" => 6e4,
        "h" => 3.6e6,
        "d" => 8.64e7,
        "%" => 1e-2,
        "KiB" => 1_024.0,
        "MiB" => 1_048_576.0,
        "GiB" => 1_073_741_824.0,
        "" | "B" | "x" | "USD" => 1.0,
        other => panic!("{other:?} is no unit"),
    };
    (value * unit, 0.5 * unit / (0..decimals).fold(1.0, |power, _| power * 10.0))
}

/// Whether a text is what people read for a number of a column.
pub(crate) fn is_formatting(shown: &str, raw: &str, column: &str) -> bool {
    let Ok(raw) = raw.parse::<f64>() else { return shown == raw };
    if shown == "> 10^6 x" || shown == "< 1/10^6" {
        return !(1e-6..1e6).contains(&raw);
    }
    let (shown, raw) = match shown.strip_prefix("1/") {
        Some(inverse) => (inverse.to_owned(), 1.0 / raw),
        None => (shown.to_owned(), raw),
    };
    let (value, half) = said(shown.trim_end_matches("/s"));
    let in_seconds = column.ends_with("_s");
    let raw = if in_seconds { raw * 1e3 } else { raw };
    let difference = (value - raw).abs();
    // Three digits or more are shown, unless there are none behind the fifth decimal; whole numbers are exact.
    difference <= half * 1.000_001 && (difference <= raw.abs() * 0.006 || raw.abs() < 1e-3)
}

/// Holds every number of a page against the files in a folder; gives back how many there were.
pub(crate) fn check_numbers(page: &Element, folder: &Path) -> usize {
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    let json: Option<serde_json::Value> =
        std::fs::read(folder.join("run.json")).ok().map(|text| serde_json::from_slice(&text).unwrap());
    let mut count = 0;
    page.walk(&mut Vec::new(), &mut |element, around| {
        if element.name != "data" {
            return;
        }
        count += 1;
        let origin = Origin::of(element, around);
        let (raw, shown) = (element.get("value"), element.text());
        if !origin.pointer.is_empty() {
            assert_eq!(origin.file, "run.json");
            let value = json.as_ref().unwrap().pointer(&origin.pointer).unwrap_or_else(|| panic!("{origin:?}"));
            assert_eq!(value.as_f64(), raw.parse().ok(), "{origin:?}");
            let column = if shown.ends_with(" s") { "at_s" } else { "count" };
            assert!(is_formatting(&shown, raw, column), "{shown:?} for {raw:?}: {origin:?}");
            return;
        }
        let table = tables.entry(origin.file.clone()).or_insert_with(|| Table::read(&folder.join(&origin.file)));
        if origin.column.starts_with("param_") {
            assert_eq!([raw, shown.as_str()], [&*table.cell(&origin.row, &origin.column); 2], "{origin:?}");
            return;
        }
        let found = table.row(&origin.row);
        let cell =
            |row: &BTreeMap<String, String>| row.get(&origin.column).cloned().unwrap_or_else(|| panic!("{origin:?}"));
        let expected = match &origin.divided_by {
            None => cell(found),
            Some(other) => {
                let mut key = origin.row.clone();
                key.extend(other.clone());
                let quotient = cell(found).parse::<f64>().unwrap() / cell(table.row(&key)).parse::<f64>().unwrap();
                assert!((raw.parse::<f64>().unwrap() - quotient).abs() <= quotient.abs() * 1e-8, "{origin:?}");
                raw.to_owned()
            }
        };
        assert_eq!(raw, expected, "{origin:?}");
        let metric = match &origin.divided_by {
            Some(_) => "ratio".to_owned(),
            None => found.get("metric").cloned().unwrap_or(origin.column.clone()),
        };
        let is_with_unit = origin.column == "value" && origin.file == "crossover.csv";
        // Ends of intervals of a key are in its base unit, which is the second for times.
        let is_time = origin.file == "crossover.csv"
            && ["µs", "ms", "s", "min", "h", "d"].iter().any(|unit| shown.ends_with(&format!(" {unit}")));
        let metric = if is_time { "at_s".to_owned() } else { metric };
        assert!(
            if is_with_unit { is_same_quantity(&shown, raw) } else { is_formatting(&shown, raw, &metric) },
            "{shown:?} for {raw:?}: {origin:?}"
        );
    });
    count
}

/// Whether two texts are the same number of the same unit, as far as the first one says it.
fn is_same_quantity(shown: &str, raw: &str) -> bool {
    let split = |text: &str| {
        let end = text.find(|c: char| !(c.is_ascii_digit() || "-.,".contains(c))).unwrap_or(text.len());
        (text[..end].replace(',', "").parse::<f64>().ok(), text[end..].to_owned())
    };
    let ((shown_number, shown_unit), (raw_number, raw_unit)) = (split(shown), split(raw));
    match (shown_number, raw_number) {
        (Some(a), Some(b)) => shown_unit == raw_unit && (a - b).abs() <= b.abs() * 0.006,
        _ => shown == raw,
    }
}

/// No number stands in a table without saying where it is from: what is not in a `data` element has no digit, but for words
/// and names.
pub(crate) fn check_tables(page: &Element) {
    for table in page.all("table") {
        for cell in table.all("td").into_iter().filter(|cell| cell.get("class") != "text") {
            let rest = cell.text_without(&["data"]);
            assert!(!rest.contains(|c: char| c.is_ascii_digit()), "{rest:?} in a table says not where it is from");
        }
    }
}

/// What makes a page usable without eyes or a mouse, and safe to be opened.
pub(crate) fn check_structure(page: &Element) {
    assert_eq!(page.all("html")[0].get("lang"), "en");
    let mut ids = std::collections::BTreeSet::new();
    let mut level = 0;
    page.walk(&mut Vec::new(), &mut |element, _| {
        let id = element.get("id");
        assert!(id.is_empty() || ids.insert(id.to_owned()), "id {id} stands twice");
        if let Some(next) = element.name.strip_prefix('h').and_then(|number| number.parse::<u32>().ok()) {
            assert!(next <= level + 1, "a heading of level {next} below one of level {level}");
            level = next;
        }
        assert!(
            !["script", "iframe", "img", "object", "form", "input"].contains(&element.name.as_str()),
            "{}",
            element.name
        );
        assert!(element.attributes.keys().all(|name| !name.starts_with("on")), "{element:?}");
        assert!(
            !element.get("href").contains(':') || element.get("href").starts_with("data:image/svg+xml,"),
            "{element:?}"
        );
    });
    assert_eq!(page.all("h1").len(), 1);
    assert_eq!([page.all("header").len(), page.all("main").len(), page.all("footer").len()], [1, 1, 1]);
    for table in page.all("table") {
        assert_eq!(table.all("caption").len(), 1);
        assert!(table.all("th").iter().all(|cell| !cell.get("scope").is_empty()), "a heading without a scope");
    }
    for link in page.all("a") {
        if let Some(id) = link.get("href").strip_prefix('#') {
            assert!(ids.contains(id), "a link to {id}, which is nowhere");
        }
    }
    let policy = page.all("meta").into_iter().find(|meta| meta.get("http-equiv") == "Content-Security-Policy");
    assert!(policy.unwrap().get("content").starts_with("default-src 'none'; style-src 'unsafe-inline'; img-src data:"));
}

//! The JSON Schema of a scenario file, for editors.

use serde_json::{Map, Value, json};

use crate::scenario::axes::AXIS_MAX;
use crate::scenario::bandwidth::{BANDWIDTH_PATTERN, UNLIMITED};
use crate::scenario::keys::{self, Absent, Key, Kind, LIST_MAX};
use crate::scenario::percent::PERCENT_PATTERN;
use crate::scenario::tree::{self, read_value};
use crate::scenario::units::{RATE_PATTERN, SIZE_PATTERN, SPAN_PATTERN};

/// The JSON Schema (draft 2020-12) of a scenario file.
pub fn schema() -> Value {
    let mut schema = table("");
    let head = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "pushpull scenario",
        "description": "Compares polling an API with receiving webhooks",
    });
    if let (Value::Object(head), Value::Object(body)) = (head, &mut schema) {
        let body = std::mem::take(body);
        return head.into_iter().chain(body).chain([("$defs".to_owned(), definitions())]).collect();
    }
    schema
}

/// A size in bytes.
fn size() -> Value {
    json!({ "type": "string", "pattern": SIZE_PATTERN, "examples": ["512 B", "1 KiB"] })
}

fn definitions() -> Value {
    let span = json!({ "$ref": "#/$defs/duration" });
    let with = |value: &Value, names: &[&str], optional: &[&str]| {
        let both = names.iter().chain(optional);
        let properties: Map<_, _> = both.map(|name| ((*name).to_owned(), value.clone())).collect();
        json!({ "type": "object", "properties": properties, "required": names, "additionalProperties": false })
    };
    let parameters = |names: &[&str]| with(&span, names, &[]);
    let one = |name: &str, schema: Value| json!({ "type": "object", "properties": { name: schema }, "required": [name], "additionalProperties": false });
    let text = json!({ "type": "string", "minLength": 1 });
    let file_and_column = json!({
        "type": "object",
        "properties": { "file": text, "column": text },
        "required": ["file"],
        "additionalProperties": false,
    });
    let end = json!({ "type": ["string", "number"] });
    // What a key is called may hold dots, which TOML then reads as tables in tables.
    let axis = json!({ "anyOf": [
        { "type": "array", "minItems": 1 },
        {
            "type": "object",
            "properties": {
                "from": end,
                "to": end,
                "points": { "type": "integer", "minimum": 2, "maximum": AXIS_MAX },
                "scale": { "enum": ["linear", "log"] },
            },
            "required": ["from", "to", "points"],
            "additionalProperties": false,
        },
        { "type": "object", "not": { "required": ["points"] }, "additionalProperties": { "$ref": "#/$defs/axis" } },
    ] });
    json!({
        "axis": axis,
        "duration": { "type": "string", "pattern": SPAN_PATTERN, "examples": ["10s", "250ms", "1h 30m"] },
        "time": { "anyOf": [
            span,
            one("constant", span.clone()),
            one("uniform", parameters(&["min", "max"])),
            one("exponential", parameters(&["mean"])),
            one("lognormal", parameters(&["median", "p99"])),
            one("empirical", json!({ "anyOf": [text, file_and_column] })),
        ] },
        "size": { "anyOf": [
            size(),
            one("constant", size()),
            one("uniform", with(&size(), &["min", "max"], &[])),
            one("exponential", with(&size(), &["mean"], &["max"])),
            one("lognormal", with(&size(), &["median", "p99"], &["max"])),
        ] },
    })
}

/// The schema of a table with the keys in it.
fn table(path: &str) -> Value {
    let keys = || keys::in_table(path);
    let properties: Map<_, _> = keys().map(|key| (key.name().to_owned(), property(key))).collect();
    let required: Vec<_> = keys().filter(|key| key.absent == Absent::Required).map(Key::name).collect();
    let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if let Value::Object(schema) = &mut schema {
        if !required.is_empty() {
            schema.insert("required".to_owned(), required.into());
        }
        schema.extend(conditions(path));
    }
    schema
}

/// What holds between the keys of a table.
fn conditions(path: &str) -> Map<String, Value> {
    let conditions = match path {
        "events" => {
            let arrivals =
                |name: &str| json!({ "properties": { "arrivals": { "const": name } }, "required": ["arrivals"] });
            let absent = |name: &str| json!({ "not": { "required": [name] } });
            json!({ "allOf": [
                { "if": { "anyOf": [arrivals("trace"), arrivals("phases")] }, "then": absent("rate"), "else": { "required": ["rate"] } },
                { "if": arrivals("trace"), "then": { "required": ["trace"] }, "else": absent("trace") },
                { "if": arrivals("bursts"), "then": { "required": ["bursts"] }, "else": absent("bursts") },
                { "if": arrivals("daily"), "else": absent("daily") },
                { "if": arrivals("phases"), "then": { "required": ["phases"] }, "else": { "allOf": [absent("phases"), absent("repeat")] } },
            ] })
        }
        "events.batch" => json!({ "oneOf": [{ "required": ["mean"] }, { "required": ["pareto"] }] }),
        "events.phases" => json!({
            "oneOf": [{ "required": ["rate"] }, { "required": ["from", "to"] }],
            "dependentRequired": { "from": ["to"], "to": ["from"] },
        }),
        "client" => json!({
            "anyOf": [{ "required": ["pull"] }, { "required": ["push"] }],
            "dependentRequired": { "receiver": ["push"] },
        }),
        "client.push.retry" => json!({
            "dependentSchemas": { "delays": { "properties": { "base": false, "factor": false, "max": false } } },
        }),
        _ => json!({}),
    };
    match conditions {
        Value::Object(conditions) => conditions,
        _ => Map::new(),
    }
}

fn property(key: &Key) -> Value {
    let mut schema = json!({ "description": key.doc });
    if let (Value::Object(schema), Value::Object(kind)) = (&mut schema, kind(key)) {
        schema.extend(kind);
        schema.extend(key.default().map(|text| ("default".to_owned(), json_of(text))));
    }
    schema
}

fn kind(key: &Key) -> Value {
    let span = || json!({ "$ref": "#/$defs/duration" });
    let time = || json!({ "$ref": "#/$defs/time" });
    let rate = || json!({ "type": "string", "pattern": RATE_PATTERN, "examples": ["10/s", "3/h", "1/10s"] });
    let bandwidth = || {
        let rate = json!({ "type": "string", "pattern": BANDWIDTH_PATTERN, "examples": ["10 Mbit/s", "500 KiB/s"] });
        json!({ "anyOf": [{ "const": UNLIMITED }, rate] })
    };
    let number = |min: f64, max: f64| json!({ "type": "number", "minimum": min, "maximum": max });
    match key.kind {
        Kind::Span => span(),
        Kind::SpanOr(word) => json!({ "anyOf": [{ "const": word }, span()] }),
        Kind::Time => time(),
        Kind::TimeOrLegs => json!({ "anyOf": [time(), table(key.path)] }),
        Kind::Rate => rate(),
        Kind::RateOrTable(word) => json!({ "anyOf": [{ "const": word }, rate(), table(key.path)] }),
        Kind::TableOr(word) => json!({ "anyOf": [{ "const": word }, table(key.path)] }),
        Kind::Size(_) => size(),
        Kind::Sizes(_) => json!({ "$ref": "#/$defs/size" }),
        Kind::SizeOr(_, word) => json!({ "anyOf": [{ "const": word }, size()] }),
        Kind::Integer(min, max) => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Kind::IntegerOrTable(min, max) => {
            json!({ "anyOf": [{ "type": "integer", "minimum": min, "maximum": max }, table(key.path)] })
        }
        Kind::Limit(max) => {
            json!({ "anyOf": [{ "const": "unlimited" }, { "type": "integer", "minimum": 1, "maximum": max }] })
        }
        Kind::Number(min, max) => number(min, max),
        Kind::NumberOr(min, max, word) => json!({ "anyOf": [{ "const": word }, number(min, max)] }),
        Kind::NumberOrLegs(min, max) => json!({ "anyOf": [number(min, max), table(key.path)] }),
        Kind::Percent(..) => json!({ "type": "string", "pattern": PERCENT_PATTERN, "examples": ["2%", "0.5%"] }),
        Kind::Bandwidth => bandwidth(),
        Kind::BandwidthOrLegs => json!({ "anyOf": [bandwidth(), table(key.path)] }),
        Kind::Text(max) => text(key, max),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::FlagOrTable => json!({ "anyOf": [{ "type": "boolean" }, table(key.path)] }),
        Kind::Choice(names, _) => json!({ "enum": names }),
        Kind::ChoiceOrTable(names, _) => json!({ "anyOf": [{ "enum": names }, table(key.path)] }),
        Kind::Spans(max) => json!({ "type": "array", "items": span(), "maxItems": max }),
        Kind::Section | Kind::Table => table(key.path),
        Kind::Sections => {
            json!({ "type": "array", "items": table(key.path), "minItems": 1, "maxItems": LIST_MAX })
        }
        Kind::Sweep => {
            let mut schema = table(key.path);
            schema["additionalProperties"] = json!({ "$ref": "#/$defs/axis" });
            schema
        }
    }
}

fn text(key: &Key, max: usize) -> Value {
    // A client's name stands in quotes wherever it is shown.
    let pattern = if key.path == "client.name" {
        r#"^[^\u0000-\u001f\u007f-\u009f"]+$"#
    } else {
        r"^[^\u0000-\u001f\u007f-\u009f]+$"
    };
    json!({ "type": "string", "minLength": 1, "maxLength": max, "pattern": pattern })
}

/// A TOML value as JSON.
fn json_of(text: &str) -> Value {
    match read_value(text, 0, 0).value {
        tree::Value::Text(text) | tree::Value::Date(text) => text.into(),
        tree::Value::Integer(integer) => i64::try_from(integer).map_or(Value::Null, Value::from),
        tree::Value::Float(float) => float.into(),
        tree::Value::Flag(flag) => flag.into(),
        tree::Value::List(_) | tree::Value::Table(_) | tree::Value::Durations(_) => Value::Null,
    }
}

//! The JSON Schema takes what the program takes.

use pushpull::scenario::{Scenario, keys, schema};

use crate::good_files;
use crate::mistakes::mistakes;

fn json_of(text: &str) -> serde_json::Value {
    let table: toml::Table = toml::from_str(text).expect("it is TOML");
    serde_json::to_value(table).expect("every value has its JSON")
}

#[test]
fn the_schema_takes_good_files_and_no_others() {
    let schema = schema();
    assert!(jsonschema::meta::is_valid(&schema));
    let validator = jsonschema::validator_for(&schema).expect("it is a schema");
    for (name, text, dir) in good_files() {
        // The seed of this test is beyond what the TOML crate's own reader takes.
        let text = text.replace("18446744073709551615", "7");
        let errors: Vec<_> = validator.iter_errors(&json_of(&text)).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
        let resolved = Scenario::parse(&text, &name, &dir, &[]).expect("it is valid").to_json();
        let errors: Vec<_> = validator.iter_errors(&resolved).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name} resolved: {errors:?}");
    }
    for (text, _) in mistakes().into_iter().take(16) {
        if let Ok(table) = toml::from_str::<toml::Table>(&text) {
            let json = serde_json::to_value(table).expect("every value has its JSON");
            // Equal names and the order of quantiles are beyond a schema.
            let is_beyond = text.matches("\"webhook\"").count() > 1
                || text.contains("factor = 10")
                || text.contains("p99 = \"4ms\"");
            assert!(is_beyond || !validator.is_valid(&json), "{text}");
        }
    }
}

/// The paths of every property of a schema.
fn properties(schema: &serde_json::Value, path: &str, found: &mut Vec<String>) {
    let inner = [schema, &schema["items"]].into_iter().chain(schema["anyOf"].as_array().into_iter().flatten());
    for (name, property) in inner.filter_map(|schema| schema["properties"].as_object()).flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        properties(property, &path, found);
        found.push(path);
    }
}

#[test]
fn the_schema_has_the_keys_that_are_supported() {
    let mut found = Vec::new();
    properties(&schema(), "", &mut found);
    found.sort();
    let mut supported: Vec<_> = keys().iter().map(|key| key.path.to_owned()).collect();
    supported.sort();
    assert_eq!(found, supported);
}

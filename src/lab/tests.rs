//! Whether the parts of the lab fit together: the table, the lessons and the scenarios.

use super::lessons;
use super::parameters::{Parameter, State, TABLE, Value, Values};
use super::scenario;
use super::start::Start;

#[test]
fn every_value_of_every_parameter_is_a_valid_scenario() {
    for parameter in TABLE {
        let values: Vec<Value> = match &parameter.values {
            Values::Number(numbers) => numbers.stops.iter().chain(&numbers.range).copied().map(Value::Number).collect(),
            Values::Choice { options, .. } => (0..options.len()).map(Value::Choice).collect(),
        };
        for value in values {
            let mut state = State::default();
            state.set(parameter.name, value);
            let text = parameter.write(value);
            assert_eq!(parameter.read(&text), Ok(value), "{} = {text}", parameter.key);
            let written = scenario::of(&Start::default(), &state);
            assert!(
                written.is_ok(),
                "{} = {text}: {}",
                parameter.key,
                written.err().map(|e| e.render(false)).unwrap_or_default()
            );
        }
    }
}

#[test]
fn a_state_comes_back_from_its_query() {
    for lesson in &lessons::ALL {
        let state = lesson.state();
        let query = state.query(&State::default());
        assert!(!query.is_empty(), "{}", lesson.key);
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        assert_eq!(State::default().changed(pairs), Ok(state), "{}", lesson.key);
        // Nothing of the start is ignored.
        assert_eq!(query.split('&').count(), lesson.start.split('&').filter(|pair| !is_default(pair)).count());
    }
}

fn is_default(pair: &str) -> bool {
    let (key, text) = pair.split_once('=').unwrap();
    let parameter = Parameter::find(key).unwrap_or_else(|| panic!("{key}"));
    parameter.read(text).unwrap() == parameter.default()
}

#[test]
fn presets_and_controls_of_lessons_are_of_the_table() {
    for lesson in &lessons::ALL {
        for (name, query) in lesson.presets {
            let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap());
            let state = lesson.state().changed(pairs).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(scenario::of(&Start::default(), &state).is_ok(), "{name}");
        }
        assert!((2..=6).contains(&lesson.controls.len()), "{}: few controls", lesson.key);
        assert!(lessons::Lesson::find(lesson.key).is_some());
    }
}

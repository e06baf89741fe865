use super::*;

#[test]
fn the_table_is_in_the_order_of_its_names() {
    for (place, parameter) in TABLE.iter().enumerate() {
        assert_eq!(parameter.name as usize, place, "{}", parameter.key);
        assert!(parameter.key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'));
        assert!(parameter.help.ends_with('.'), "{}", parameter.key);
        if let Values::Number(numbers) = &parameter.values {
            let [least, most] = numbers.range;
            assert!(numbers.stops.windows(2).all(|pair| pair[0] < pair[1]), "{}", parameter.key);
            assert!(numbers.stops.iter().all(|stop| (least..=most).contains(stop)), "{}", parameter.key);
            assert!(numbers.stops.contains(&numbers.default), "{}", parameter.key);
        }
    }
}

#[test]
fn what_cannot_be_taken_is_refused_with_its_name_and_range() {
    let read = |key: &str, text: &str| State::default().changed([(key, text)]).map_err(|error| error.0);
    let refused = |key, text| read(key, text).unwrap_err();
    assert_eq!(refused("every", "0"), "every is \"0\": it is a number from 0.1 to 86400 seconds");
    assert_eq!(refused("consumers", "1.5"), "consumers is \"1.5\": it is a whole number from 1 to 5000");
    assert_eq!(refused("phase", "x"), "phase is \"x\": it is one of random, aligned");
    assert!(refused("ever", "1").starts_with("there is no parameter \"ever\": there are rate, "));
    for text in ["", "NaN", "inf", "-1", "1e400", "1,5", " 1", &"9".repeat(400)] {
        assert!(read("rate", text).is_err(), "{text}");
    }
    assert!(State::default().changed([("rate", "1"), ("rate", "2")]).unwrap_err().0.contains("twice"));
}

#[test]
fn values_are_shown_as_people_say_them() {
    let show = |key: &str, text: &str| {
        let parameter = Parameter::find(key).unwrap();
        parameter.show(parameter.read(text).unwrap())
    };
    let cases = [
        ("rate", "12", "12 a minute"),
        ("rate", "120", "2 a second"),
        ("rate", "0.5", "one every 2 min"),
        ("every", "0.5", "500 ms"),
        ("every", "90", "90 s"),
        ("every", "600", "10 min"),
        ("reconcile", "0", "there is none"),
        ("loss", "0.5", "0.5 %"),
        ("work", "0", "no time"),
        ("duration", "1440", "1 d"),
        ("consumers", "1000", "1,000"),
        ("retries", "none", "is forgotten"),
    ];
    for (key, text, expected) in cases {
        assert_eq!(show(key, text), expected, "{key}={text}");
    }
}

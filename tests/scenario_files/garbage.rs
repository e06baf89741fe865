//! No text does harm, whatever it is.

use proptest::prelude::*;
use pushpull::scenario::keys;

use crate::{SMALLEST, parse};

#[test]
fn depth_and_length_do_no_harm() {
    let deep = "[".repeat(50_000);
    let path = format!("network.latency{}=1", ".x".repeat(50_000));
    let inline = format!("network.latency={}1", "{a=".repeat(50_000));
    for text in [format!("a = {deep}"), deep, format!("title = \"{}\"", "x".repeat(100_000))] {
        assert!(parse(&text, &[&path, &inline]).is_err());
    }
    assert!(parse(SMALLEST, &[&path]).is_err());
    assert!(parse(SMALLEST, &[&inline]).is_err());
    assert!(parse(&SMALLEST.replace('\n', "\r\n"), &[]).is_ok());
}

/// Pieces of scenario files, so that garbage gets further than its first character.
fn pieces() -> impl Strategy<Value = String> {
    let pieces = vec![
        "[events]\n",
        "rate = ",
        "\"1/s\"\n",
        "[[client]]\n",
        "name = \"a\"\n",
        "[client.pull]\n",
        "every = ",
        "\"10s\"\n",
        "[client]\n",
        "client",
        "=",
        ".",
        "[",
        "]",
        "{",
        "}",
        "\"",
        "'",
        "\n",
        ",",
        "1",
        "-1",
        "1e999",
        "nan",
        "\u{0}",
        "é",
        "[network]\n",
        "latency = ",
        "{ uniform = { min = \"9ms\", max = \"1ms\" } }\n",
        "trace",
        "retry",
        "jitter",
        "\r\n",
        "99999999999999999999999999999999999999999",
        "true\n",
        "2026-01-31",
        "\u{feff}",
        "#",
        "\u{2028}",
        "\t",
    ];
    proptest::collection::vec(proptest::sample::select(pieces), 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn garbage_never_panics(text in any::<String>(), pieces in pieces(), set in any::<String>()) {
        let key_like = format!("client.a.pull.every={set}");
        for text in [&text, &pieces] {
            for sets in [vec![], vec![set.as_str(), &key_like], vec![text.as_str()]] {
                let _ = parse(text, &sets);
            }
        }
        let _ = parse(SMALLEST, &[&set, &pieces, &format!("{pieces}={set}"), &key_like]);
    }

    #[test]
    fn sets_of_any_key_never_panic(which in any::<proptest::sample::Index>(), value in pieces(), client in "poll|webhook|\"poll\"|x") {
        let key = which.get(keys()).path;
        let path = key.strip_prefix("client.").map_or_else(|| key.to_owned(), |rest| format!("client.{client}.{rest}"));
        let _ = parse(SMALLEST, &[&format!("{path}={value}")]);
        let _ = parse(SMALLEST, &[&format!("{path}.{value}")]);
    }
}

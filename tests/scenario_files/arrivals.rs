//! When events occur, how many at once, and how big they are: what may be written, and what is said of mistakes.

use pushpull::time::{Span, Time};
use pushpull::workload::{Arrivals, BatchSize, PAYLOAD_MAX, RatePhase, SizeDistribution};

use crate::{DAILY, PHASES, SMALLEST, parse};

#[test]
fn a_day_has_its_peak_and_its_trough() {
    let workload = parse(DAILY, &[]).unwrap().setup.workload;
    let Arrivals::Daily { gap_nanos, peak_at, trough } = workload.arrivals else { panic!("not daily") };
    assert_eq!((peak_at, trough), (Span::from_secs(48_600), 0.25));
    // The rate is that of events; batches of five come a fifth as often.
    assert!((gap_nanos / (3.0 / 7.0 * 3_600e9 * 5.0) - 1.0).abs() < 1e-12, "{gap_nanos}");
    assert_eq!(workload.payload, SizeDistribution::Exponential { mean: 2_048, max: 16_384 });
    let plain = parse(SMALLEST, &["events.arrivals=daily"]).unwrap().setup.workload;
    let expected = Arrivals::Daily { gap_nanos: 1e10, peak_at: Span::from_secs(50_400), trough: 0.1 };
    assert_eq!((plain.arrivals, plain.batch), (expected, BatchSize::SINGLE));
}

#[test]
fn phases_are_steps_and_ramps() {
    let scenario = parse(PHASES, &[]).unwrap();
    assert_eq!(scenario.rate, None);
    let workload = scenario.setup.workload;
    let phase = |seconds, from, to| RatePhase { length: Span::from_secs(seconds), from, to };
    let phases = [phase(600, 0.4, 0.4), phase(300, 0.4, 4.0), phase(3_600, 0.0, 0.0)];
    assert_eq!(workload.arrivals, Arrivals::Phases { phases: phases.into(), repeat: true });
    assert_eq!(workload.batch, BatchSize::Geometric { mean: 2.5 });
    assert_eq!(workload.payload, SizeDistribution::LogNormal { median: 1_024, p99: 30_720, max: PAYLOAD_MAX });
    // Ten minutes of 1/s, and five from 1/s to 10/s.
    assert!((workload.expected_before(Time::ZERO + Span::from_secs(3_600)) - (600.0 + 1_650.0)).abs() < 1e-6);
}

#[test]
fn every_mistake_is_named_with_what_to_write() {
    let daily = "events.arrivals=daily";
    let phases = "events.arrivals=phases";
    let cases: [(&str, &[&str]); 21] = [
        (DAILY, &["events.daily.peak_at=24h"]),
        (DAILY, &["events.daily.peak_at=14"]),
        (DAILY, &["events.daily.trough=1.5"]),
        (SMALLEST, &["events.daily={trough=0.5}"]),
        (SMALLEST, &[daily, "events.bursts={on='1s', off='1s'}"]),
        (SMALLEST, &[phases]),
        (PHASES, &["events.rate=1/s"]),
        (PHASES, &["events.phases=[]"]),
        (PHASES, &["events.phases=[{for='1m', rate='0/s'}]"]),
        (PHASES, &["events.phases=[{for='1m', rate='1/s', to='2/s'}]"]),
        (PHASES, &["events.phases=[{for='1m', from='1/s'}]"]),
        (PHASES, &["events.phases=[{for='0s', rate='1/s'}]"]),
        (PHASES, &["events.phases=[{rate='1/s'}]"]),
        (SMALLEST, &["events.repeat=true"]),
        (SMALLEST, &["events.batch=0"]),
        (SMALLEST, &["events.batch={mean=0.5}"]),
        (SMALLEST, &["events.batch={mean=2, pareto={mean=2}}"]),
        (SMALLEST, &["events.batch={pareto={mean=50, max=20}}"]),
        (SMALLEST, &["events.payload={uniform={min='4 KiB', max='1 KiB'}}"]),
        (SMALLEST, &["events.payload={exponential={mean='2 MiB'}}"]),
        (SMALLEST, &["events.payload={gamma={mean='2 KiB'}}"]),
    ];
    let mut said = String::new();
    for (text, sets) in cases {
        let problem = parse(text, sets).expect_err(&format!("{sets:?} is wrong"));
        said.push_str(&format!("{}\n{problem}\n\n", sets.join(" ")));
    }
    insta::assert_snapshot!(said);
}

#[test]
fn room_is_made_for_the_largest_payload_and_not_for_the_mean() {
    let body = |sets: &[&str]| {
        let sets = [&["client.webhook.push.batch={max=50, wait='1s', size='unlimited'}"], sets].concat();
        let scenario = parse(SMALLEST, &sets).unwrap_or_else(|problems| panic!("{problems}"));
        scenario.setup.clients[1].push.as_ref().map(|push| push.receive.limits.body).unwrap()
    };
    assert!(body(&["events.payload={exponential={mean='1 KiB', max='100 kB'}}"]) > 50 * 100_000);
    let sized = "client.webhook.push.batch.size=1 MiB";
    let with_size = body(&["events.payload={uniform={min='1 kB', max='500 kB'}}", sized]);
    // Full at a mebibyte, and one event more, however many small ones there are.
    assert!((1_500_000..2_000_000).contains(&with_size), "{with_size}");
}

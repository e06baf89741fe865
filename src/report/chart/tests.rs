use proptest::prelude::*;

use super::sketch::{Area, Sketch};
use super::*;
use crate::measure::dimension::Dimension;
use crate::measure::tally::{OutcomeKind, Outcomes};

/// What every chart keeps to.
#[track_caller]
fn hold(sketch: Sketch) -> String {
    let paper = Area::new(0.0, 0.0, sketch.width(), sketch.height());
    let boxes = sketch.boxes().to_vec();
    for (area, text) in &boxes {
        let inside = area.left >= -0.01 && area.right <= paper.right + 0.01;
        assert!(
            inside && area.top >= -1.0 && area.bottom <= paper.bottom + 0.01,
            "{text:?} leaves the chart: {area:?}"
        );
    }
    for (index, (a, text)) in boxes.iter().enumerate() {
        for (b, other) in &boxes[..index] {
            // Boxes are somewhat larger than the ink in them.
            assert!(!a.grown(-1.0).overlaps(&b.grown(-1.0)), "{text:?} at {a:?} lies on {other:?} at {b:?}");
        }
    }
    let svg = sketch.into_svg().into_string();
    for tag in svg.split('<').filter_map(|tag| tag.split('>').next()) {
        assert!(!tag.contains("NaN") && !tag.contains("inf"), "{tag}");
    }
    assert_well_formed(&svg);
    svg
}

/// Every element is closed, in the order in which they were opened, and ids are told apart.
#[track_caller]
fn assert_well_formed(svg: &str) {
    let mut open: Vec<&str> = Vec::new();
    for tag in svg.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap();
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "closed without having been opened"),
            None => open.push(tag.split(' ').next().unwrap()),
        }
    }
    assert!(open.is_empty(), "{open:?} are not closed");
    let mut ids: Vec<&str> = svg.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "an id stands for two things");
}

fn canvas(width: f64) -> Canvas {
    Canvas::new("chart", "A chart", width)
}

fn steps(values: &[f64]) -> Vec<Step> {
    let step = |(index, value): (usize, &f64)| Step {
        from_s: index as f64 * 10.0,
        until_s: (index + 1) as f64 * 10.0,
        value: *value,
    };
    values.iter().enumerate().map(step).collect()
}

fn pair() -> [Client; 2] {
    [Client::new("poll every 30 s", 0), Client::new("webhook", 1)]
}

fn small_latency() -> LatencyDistribution {
    let [poll, webhook] = pair();
    LatencyDistribution {
        curves: vec![
            LatencyCurve { client: poll, steps: vec![(5e3, 0.25), (15e3, 0.5), (30e3, 1.0)] },
            LatencyCurve { client: webhook, steps: vec![(100.0, 0.4), (146.0, 0.6), (900.0, 0.95)] },
        ],
        target: Some(Target { ms: 2e3, label: "target 2 s".into() }),
    }
}

fn small_requests() -> Requests {
    let [poll, webhook] = pair();
    let bar = |from_s: f64, outcomes: Outcomes| Bar { from_s, until_s: from_s + 60.0, outcomes };
    let polls = Outcomes { useful: 3, empty: 7, not_modified: 2, throttled: 1, ..Outcomes::default() };
    let attempts = Outcomes { useful: 4, duplicate: 1, failed: 2, ..Outcomes::default() };
    Requests {
        panels: vec![
            RequestsPanel { client: poll, bars: vec![bar(0.0, polls), bar(60.0, polls)] },
            RequestsPanel { client: webhook, bars: vec![bar(0.0, attempts), bar(60.0, Outcomes::default())] },
        ],
    }
}

fn small_load() -> Load {
    let [poll, webhook] = pair();
    Load {
        dimension: Dimension::Rate,
        lines: vec![
            LoadLine { client: poll, provider: steps(&[0.2, 0.4, 0.2]), consumer: steps(&[0.0, 0.0, 0.0]) },
            LoadLine { client: webhook, provider: steps(&[0.0, 0.1, 0.0]), consumer: steps(&[1.0, 1.5, 0.5]) },
        ],
    }
}

fn small_backlog() -> Backlog {
    let [poll, webhook] = pair();
    Backlog {
        lines: vec![
            BacklogLine { client: poll, steps: steps(&[0.0, 3.0, 1.0]) },
            BacklogLine { client: webhook, steps: steps(&[0.0, 12.0, 0.0]) },
        ],
        faults: vec![
            FaultBand { label: "receiver-down".into(), from_s: 8.0, until_s: 18.0 },
            FaultBand { label: "network-loss".into(), from_s: 12.0, until_s: 20.0 },
        ],
    }
}

fn small_sweep() -> SweepLines {
    let [poll, webhook] = pair();
    let point = |x: f64, y: f64| SweepPoint { x, y, interval: Some((y * 0.8, y * 1.2)) };
    SweepLines {
        x: Axis { label: "events.rate".into(), dimension: Dimension::Rate, scale: Scale::Logarithmic },
        y: Axis { label: "requests per event".into(), dimension: Dimension::Number, scale: Scale::Logarithmic },
        lines: vec![
            SweepLine { client: poll, points: vec![point(0.01, 10.0), point(0.1, 1.0), point(1.0, 0.1)] },
            SweepLine { client: webhook, points: vec![point(0.01, 1.0), point(0.1, 1.0), point(1.0, 1.0)] },
        ],
        crossovers: vec![CrossoverMark { x: 0.1, y: Some(1.0), label: "equal at 0.1/s".into() }],
    }
}

fn small_heat() -> HeatMap {
    HeatMap {
        figure: "requests per event".into(),
        client: "webhook".into(),
        baseline: "poll".into(),
        x_label: "events.rate".into(),
        x_values: vec!["0.1/s".into(), "1/s".into(), "10/s".into()],
        y_label: "interval".into(),
        y_values: vec!["1 s".into(), "10 s".into()],
        cells: vec![vec![Some(0.05), Some(0.5), Some(1.0)], vec![Some(1.0), Some(10.0), None]],
        frontier: vec![vec![[0.0, 1.0], [2.0, 0.0]]],
    }
}

fn small_timeline() -> Timeline {
    let [poll, webhook] = pair();
    let mark = |at_s: f64, outcome| Mark { at_s, until_s: Some(at_s + 0.2), outcome, told: format!("at {at_s} s") };
    let arc = |from_s: f64, to_s: f64| Arc { from_s, to_s, told: format!("{} s", to_s - from_s) };
    Timeline {
        from_s: 0.0,
        until_s: 60.0,
        events: [4.0, 33.0].map(|at_s| EventDot { at_s, told: "an event".into() }).to_vec(),
        lanes: vec![
            Lane {
                client: poll,
                side: Side::Pull,
                marks: vec![mark(0.0, OutcomeKind::Empty), mark(30.0, OutcomeKind::Useful)],
                arcs: vec![arc(4.0, 30.1), arc(33.0, 60.1)],
            },
            Lane {
                client: webhook,
                side: Side::Push,
                marks: vec![
                    mark(4.0, OutcomeKind::Useful),
                    mark(33.0, OutcomeKind::Failed),
                    mark(40.0, OutcomeKind::Useful),
                    mark(50.0, OutcomeKind::Duplicate),
                ],
                arcs: vec![arc(4.0, 4.1), arc(33.0, 40.1)],
            },
        ],
    }
}

/// One element a line, so that changes can be read.
fn lines(svg: &str) -> String {
    svg.replace("><", ">\n<")
}

#[test]
fn charts_are_drawn_like_this() {
    let canvas = canvas(Canvas::NARROW);
    let charts = [
        ("latency", hold(latency::sketch(&small_latency(), &canvas))),
        ("requests", hold(requests::sketch(&small_requests(), &canvas))),
        ("load", hold(load::sketch(&small_load(), &canvas))),
        ("backlog", hold(backlog::sketch(&small_backlog(), &canvas))),
        ("sweep", hold(sweep::sketch(&small_sweep(), &canvas))),
        ("heat", hold(heat::sketch(&small_heat(), &canvas))),
        ("timeline", hold(timeline::sketch(&small_timeline(), &canvas))),
    ];
    for (name, svg) in charts {
        insta::assert_snapshot!(name, lines(&svg));
    }
}

#[test]
fn nothing_is_a_chart_too() {
    for width in [Canvas::WIDE, Canvas::NARROW, 0.0, f64::NAN] {
        let canvas = canvas(width);
        hold(latency::sketch(&LatencyDistribution { curves: Vec::new(), target: None }, &canvas));
        hold(requests::sketch(&Requests { panels: Vec::new() }, &canvas));
        hold(load::sketch(&Load { dimension: Dimension::Size, lines: Vec::new() }, &canvas));
        hold(backlog::sketch(&Backlog { lines: Vec::new(), faults: Vec::new() }, &canvas));
        let sweep = SweepLines { lines: Vec::new(), crossovers: Vec::new(), ..small_sweep() };
        hold(sweep::sketch(&sweep, &canvas));
        let heat = HeatMap { x_values: Vec::new(), y_values: Vec::new(), cells: Vec::new(), ..small_heat() };
        hold(heat::sketch(&heat, &canvas));
        let timeline = Timeline { from_s: 0.0, until_s: 0.0, events: Vec::new(), lanes: Vec::new() };
        hold(timeline::sketch(&timeline, &canvas));
    }
}

#[test]
fn names_are_text_and_nothing_else() {
    let name = "<script>alert(\"1\")</script>'&";
    let client = Client::new(name, 0);
    let curve = LatencyCurve { client: client.clone(), steps: vec![(1.0, 1.0)] };
    let chart = LatencyDistribution { curves: vec![curve], target: Some(Target { ms: 1.0, label: name.into() }) };
    let svg = hold(latency::sketch(&chart, &Canvas::new("a\"b c", name, Canvas::WIDE)));
    assert!(!svg.contains("<script"));
    assert!(svg.contains("&lt;script&gt;"));
    assert!(svg.contains("id=\"abc-title\""));
    let mut timeline = small_timeline();
    timeline.lanes[0].client = client.clone();
    timeline.events[0].told = name.into();
    timeline.lanes[0].arcs[0].told = name.into();
    assert!(!hold(timeline::sketch(&timeline, &canvas(Canvas::WIDE))).contains("<script"));
    let mut heat = small_heat();
    (heat.client, heat.x_label, heat.x_values[0]) = (name.into(), name.into(), name.into());
    assert!(!hold(heat::sketch(&heat, &canvas(Canvas::NARROW))).contains("<script"));
}

#[test]
fn long_values_at_both_edges_of_a_map_leave_each_other_room() {
    let long = "a value that is far too long for its column";
    for columns in 1..12 {
        for width in [Canvas::NARROW, Canvas::WIDE] {
            let heat = HeatMap {
                x_values: vec![long.to_owned(); columns],
                cells: vec![vec![Some(1.0); columns]; 2],
                ..small_heat()
            };
            hold(heat::sketch(&heat, &canvas(width)));
        }
    }
}

#[test]
fn a_long_name_is_shortened_where_it_stands_and_whole_where_it_is_pointed_at() {
    let name = "a very long name of a client ".repeat(7);
    let curve = LatencyCurve { client: Client::new(&name, 0), steps: vec![(1.0, 1.0)] };
    let svg =
        hold(latency::sketch(&LatencyDistribution { curves: vec![curve], target: None }, &canvas(Canvas::NARROW)));
    assert!(svg.contains(&format!("<title>{name}</title>a very long")));
    assert!(svg.contains('…'));
}

#[test]
fn what_screen_readers_read_has_the_key_figures() {
    let svg = hold(latency::sketch(&small_latency(), &canvas(Canvas::WIDE)));
    assert!(svg.contains("role=\"img\""));
    assert!(svg.contains("aria-labelledby=\"chart-title chart-desc\""));
    assert!(svg.contains("poll every 30 s: half within 15 s; webhook: half within 146 ms."));
    let svg = hold(requests::sketch(&small_requests(), &canvas(Canvas::WIDE)));
    assert!(svg.contains("webhook: 4 useful, 1 duplicate, 2 failed."));
}

#[test]
fn every_class_of_a_chart_has_a_rule() {
    let css = css();
    let canvas = canvas(Canvas::WIDE);
    let charts = [
        latency_distribution(&small_latency(), &canvas),
        requests(&small_requests(), &canvas),
        load(&small_load(), &canvas),
        backlog(&small_backlog(), &canvas),
        sweep_lines(&small_sweep(), &canvas),
        heat_map(&small_heat(), &canvas),
        timeline(&small_timeline(), &canvas),
    ];
    for chart in charts {
        for classes in chart.0.split(" class=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            for class in classes.split_whitespace() {
                assert!(css.contains(&format!(".{class}")), "no rule for {class}");
            }
        }
    }
    assert!(!css.contains('#'), "colours are those of the palette");
}

/// Names as people and others may give them.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z ]{0,20}",
        "\\PC{0,200}",
        Just("<b>\"&'</b>".to_owned()),
        Just("استطلاع كل دقيقة".to_owned()),
        Just("🚀🚀🚀".to_owned()),
    ]
}

/// Numbers of any size, and what is no number.
fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => 0.0..1e4,
        2 => (-12.0..18.0).prop_map(|exponent| libm::pow(10.0, exponent)),
        1 => any::<f64>(),
        1 => Just(0.0),
    ]
}

fn width() -> impl Strategy<Value = f64> {
    prop_oneof![Just(Canvas::WIDE), Just(Canvas::NARROW), 280.0..1_200.0]
}

fn clients(max: usize) -> impl Strategy<Value = Vec<Client>> {
    prop::collection::vec(name(), 0..=max)
        .prop_map(|names| names.iter().enumerate().map(|(index, name)| Client::new(name, index)).collect())
}

fn series() -> impl Strategy<Value = Vec<Step>> {
    let step = (any_number(), any_number(), any_number());
    prop_oneof![
        prop::collection::vec(any_number(), 0..30).prop_map(|values| steps(&values)),
        prop::collection::vec(step, 0..10).prop_map(|steps| {
            steps.into_iter().map(|(from_s, until_s, value)| Step { from_s, until_s, value }).collect()
        }),
    ]
}

fn outcome() -> impl Strategy<Value = OutcomeKind> {
    prop::sample::select(marks::OUTCOMES.to_vec())
}

fn outcomes() -> impl Strategy<Value = Outcomes> {
    prop_oneof![prop::array::uniform6(0u64..50), prop::array::uniform6(any::<u64>())].prop_map(
        |[useful, empty, not_modified, duplicate, throttled, failed]| Outcomes {
            useful,
            empty,
            not_modified,
            duplicate,
            throttled,
            failed,
        },
    )
}

fn scale() -> impl Strategy<Value = Scale> {
    prop_oneof![Just(Scale::Linear), Just(Scale::Logarithmic)]
}

fn dimension() -> impl Strategy<Value = Dimension> {
    use Dimension::{Number, Rate, Share, Size, Time};
    prop::sample::select(vec![Number, Share, Time, Size, Rate])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn latencies_of_any_clients_can_be_shown(
        clients in clients(8),
        steps in prop::collection::vec(prop::collection::vec((any_number(), any_number()), 0..20), 8),
        same in any::<bool>(),
        target in prop::option::of((any_number(), name())),
        width in width(),
    ) {
        let of = |index: usize| steps[if same { 0 } else { index }].clone();
        let curves = clients.into_iter().enumerate().map(|(index, client)| LatencyCurve { client, steps: of(index) });
        let target = target.map(|(ms, label)| Target { ms, label });
        hold(latency::sketch(&LatencyDistribution { curves: curves.collect(), target }, &canvas(width)));
    }

    #[test]
    fn requests_of_any_clients_can_be_shown(
        clients in clients(8),
        bars in prop::collection::vec((any_number(), any_number(), outcomes()), 0..20),
        width in width(),
    ) {
        let bars: Vec<_> =
            bars.into_iter().map(|(from_s, until_s, outcomes)| Bar { from_s, until_s, outcomes }).collect();
        let panels = clients.into_iter().map(|client| RequestsPanel { client, bars: bars.clone() });
        hold(requests::sketch(&Requests { panels: panels.collect() }, &canvas(width)));
    }

    #[test]
    fn any_load_and_any_backlog_can_be_shown(
        clients in clients(8),
        series in prop::collection::vec(series(), 8),
        faults in prop::collection::vec((name(), any_number(), any_number()), 0..5),
        width in width(),
    ) {
        let canvas = canvas(width);
        let line = |(client, steps): (&Client, &Vec<Step>)| LoadLine {
            client: client.clone(),
            provider: steps.clone(),
            consumer: series[0].clone(),
        };
        for dimension in [Dimension::Rate, Dimension::Size] {
            hold(load::sketch(&Load { dimension, lines: clients.iter().zip(&series).map(line).collect() }, &canvas));
        }
        let line =
            |(client, steps): (&Client, &Vec<Step>)| BacklogLine { client: client.clone(), steps: steps.clone() };
        let faults = faults.into_iter().map(|(label, from_s, until_s)| FaultBand { label, from_s, until_s });
        let lines = clients.iter().zip(&series).map(line).collect();
        hold(backlog::sketch(&Backlog { lines, faults: faults.collect() }, &canvas));
    }

    #[test]
    fn any_sweep_can_be_shown(
        clients in clients(8),
        points in prop::collection::vec((any_number(), any_number(), prop::option::of((any_number(), any_number()))), 0..12),
        axes in prop::array::uniform2((name(), dimension(), scale())),
        marks in prop::collection::vec((any_number(), prop::option::of(any_number()), name()), 0..4),
        width in width(),
    ) {
        let [x, y] = axes.map(|(label, dimension, scale)| Axis { label, dimension, scale });
        let points: Vec<_> = points.into_iter().map(|(x, y, interval)| SweepPoint { x, y, interval }).collect();
        let lines = clients.into_iter().map(|client| SweepLine { client, points: points.clone() }).collect();
        let crossovers = marks.into_iter().map(|(x, y, label)| CrossoverMark { x, y, label }).collect();
        hold(sweep::sketch(&SweepLines { x, y, lines, crossovers }, &canvas(width)));
    }

    #[test]
    fn any_two_keys_can_be_shown(
        x_values in prop::collection::vec(name(), 0..14),
        y_values in prop::collection::vec(name(), 0..14),
        cells in prop::collection::vec(prop::collection::vec(prop::option::of(any_number()), 0..14), 0..14),
        frontier in prop::collection::vec(prop::array::uniform2(any_number()), 0..9),
        texts in prop::array::uniform5(name()),
        width in width(),
    ) {
        let [figure, client, baseline, x_label, y_label] = texts;
        let frontier = vec![frontier];
        let heat = HeatMap { figure, client, baseline, x_label, x_values, y_label, y_values, cells, frontier };
        hold(heat::sketch(&heat, &canvas(width)));
    }

    #[test]
    fn any_timeline_can_be_shown(
        span in (any_number(), any_number()),
        events in prop::collection::vec(any_number(), 0..20),
        lanes in prop::collection::vec(
            (name(), any::<bool>(), prop::collection::vec((any_number(), prop::option::of(any_number()), outcome()), 0..9)),
            0..9,
        ),
        width in width(),
    ) {
        let lane = |(index, (name, is_push, marks)): (usize, (String, bool, Vec<_>))| {
            let mark = |(at_s, until_s, outcome)| Mark { at_s, until_s, outcome, told: name.clone() };
            let arcs = events.iter().map(|from_s| Arc { from_s: *from_s, to_s: from_s + 3.0, told: name.clone() });
            Lane {
                client: Client::new(&name, index),
                side: if is_push { Side::Push } else { Side::Pull },
                marks: marks.into_iter().map(mark).collect(),
                arcs: arcs.collect(),
            }
        };
        let lanes = lanes.into_iter().enumerate().map(lane).collect();
        let events = events.iter().map(|at_s| EventDot { at_s: *at_s, told: "an event".into() }).collect();
        hold(timeline::sketch(&Timeline { from_s: span.0, until_s: span.1, events, lanes }, &canvas(width)));
    }
}

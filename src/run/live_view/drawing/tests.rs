use std::path::Path;

use insta::assert_snapshot;
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::engine::live::Sight;
use crate::engine::{ClientSetup, sim};
use crate::measure::glimpse::Glimpse;
use crate::run::builtin;
use crate::scenario::{Changes, Template};
use crate::time::{Span, Time};

/// A built-in scenario as it is seen at an instant, in virtual time; its clients as often as asked for.
fn scene(name: &str, millis: u64, copies: usize) -> Scene {
    let text = builtin::find(Path::new(name)).unwrap().text;
    let mut setup = Template::parse(text, name, Path::new("."), &Changes::default()).unwrap().into_base().setup;
    let clients: Vec<ClientSetup> = setup.clients.iter().cycle().take(setup.clients.len() * copies).cloned().collect();
    setup.clients = clients;
    let now = Time::ZERO + Span::from_millis(millis);
    let mut scene = Scene::new(name, &setup);
    for client in 0..setup.clients.len() {
        let facts = sim::trace(&setup, client, 0).1.into_iter().filter(|(at, _)| *at <= now);
        for (at, fact) in facts {
            let glimpses = Glimpse::of(&fact).into_iter().flatten();
            glimpses.for_each(|glimpse| scene.take(Sight { at, client: client as u32, glimpse }));
        }
    }
    scene.advance(Some(now), 0);
    scene
}

const UNICODE: Look = Look { colour: true, unicode: true };
const ASCII: Look = Look { colour: false, unicode: false };

fn drawn(scene: &Scene, look: Look, (width, height): (u16, u16)) -> String {
    let layout = Layout::of(scene.lanes.len(), height);
    let mut terminal = Terminal::new(TestBackend::new(width, layout.rows)).unwrap();
    terminal.draw(|frame| frame.render_widget(View { scene, look, layout }, frame.area())).unwrap();
    terminal.backend().to_string()
}

#[test]
fn the_quickstart_fits_on_a_small_screen_and_on_a_large_one() {
    let scene = scene("quickstart", 8_340, 1);
    assert_snapshot!("quickstart-80x24", drawn(&scene, UNICODE, (79, 23)));
    assert_snapshot!("quickstart-80x24-ascii", drawn(&scene, ASCII, (79, 23)));
    assert_snapshot!("quickstart-200x50", drawn(&scene, UNICODE, (199, 49)));
    assert_snapshot!("quickstart-40x10", drawn(&scene, UNICODE, (39, 9)));
    assert_snapshot!("quickstart-20x5", drawn(&scene, UNICODE, (19, 4)));
}

#[test]
fn nothing_is_seen_before_the_start() {
    let mut scene = scene("quickstart", 0, 1);
    scene.advance(None, 0);
    assert_snapshot!("about-to-start-80x24", drawn(&scene, UNICODE, (79, 23)));
}

#[test]
fn what_goes_wrong_has_signs_of_its_own() {
    let scene = scene("flaky-network", 300_000, 1);
    assert_snapshot!("flaky-network-80x24", drawn(&scene, UNICODE, (79, 23)));
}

#[test]
fn more_clients_take_less_room_each() {
    assert_snapshot!("four-clients-80x24", drawn(&scene("quickstart", 8_340, 2), UNICODE, (79, 23)));
    let crowd = scene("quickstart", 8_340, 13);
    assert_snapshot!("many-clients-80x24", drawn(&crowd, UNICODE, (79, 23)));
}

#[test]
fn what_was_overlooked_is_said() {
    let mut scene = scene("quickstart", 3_000, 1);
    scene.advance(scene.now, 1_234);
    let text = drawn(&scene, UNICODE, (79, 23));
    assert!(text.contains("1,234 facts missed here, but not in the results"), "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever the size and the instant, something is drawn and nothing breaks.
    #[test]
    fn any_size_will_do(width in 1_u16..220, height in 1_u16..60, millis in 0_u64..20_000, copies in 0_usize..4) {
        let scene = scene("quickstart", millis, copies);
        for look in [UNICODE, ASCII] {
            prop_assert!(drawn(&scene, look, (width, height)).contains('p'));
        }
    }
}

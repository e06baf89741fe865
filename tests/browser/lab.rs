//! The lab, as somebody uses it who moves sliders and walks through lessons.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use fantoccini::Locator;
use serde_json::Value;

use crate::driver::{Browser, LOOKS, with_browser};
use crate::is_clean;

const PROGRAM: &str = env!("CARGO_BIN_EXE_pushpull");

/// The lab while it runs.
struct Lab {
    process: Child,
    url: String,
}

impl Lab {
    fn start() -> Self {
        let mut process = Command::new(PROGRAM).arg("lab").stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map(Result::unwrap);
        let url =
            lines.find_map(|line| line.strip_prefix("lab at ").map(str::to_owned)).expect("the lab says where it is");
        // What it says later has to go somewhere.
        std::thread::spawn(move || lines.for_each(drop));
        Self { process, url }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Waits until the page shows what the engine says of where a lesson starts.
async fn opened(browser: &Browser, lesson: &str) {
    let script = format!(
        "return document.body.dataset.ready !== undefined && \
         document.querySelector('[data-testid=\"lesson-{lesson}\"]').hidden === false"
    );
    browser.wait_until(lesson, &script).await;
}

/// Clicks on the element with this test id.
async fn click(browser: &Browser, id: &str) {
    let selector = format!("[data-testid='{id}']");
    let element = browser.client.find(Locator::Css(&selector)).await.unwrap_or_else(|error| panic!("{id}: {error}"));
    browser.ask(&format!("document.querySelector(\"{selector}\").scrollIntoView({{ block: 'center' }})")).await;
    element.click().await.unwrap_or_else(|error| panic!("{id}: {error}"));
}

/// Moves the slider of a parameter to a place as a hand does, and gives back the parameters of the state then.
async fn move_slider(browser: &Browser, parameter: &str, place: usize) -> String {
    let script = format!(
        "delete document.body.dataset.ready;
         const slider = document.querySelector('[data-testid=\"input-{parameter}\"]');
         slider.value = {place};
         slider.dispatchEvent(new Event('input', {{ bubbles: true }}));
         slider.dispatchEvent(new Event('change', {{ bubbles: true }}));
         return location.search"
    );
    browser.ask(&script).await;
    browser.wait_until("an answer", "return document.body.dataset.ready !== undefined").await;
    browser.ask("return location.search").await.as_str().unwrap_or_default().trim_start_matches('?').to_owned()
}

/// The figures that the page has in its table, by client and column, as cells.
async fn shown(browser: &Browser, section: &str) -> Value {
    let script = format!(
        "const table = document.querySelector('[data-testid=\"figures-{section}\"]');
         const clients = [...table.querySelectorAll('thead th')].map((head) => head.textContent);
         const cells = {{}};
         for (const row of table.querySelectorAll('tbody tr'))
           [...row.querySelectorAll('td[data-figure]')].forEach((cell, place) => {{
             cells[`${{clients[place]}}/${{cell.dataset.figure}}`] = cell.dataset.value;
           }});
         return cells"
    );
    browser.ask(&script).await
}

/// The rows of `summary.csv` that the command line makes of a scenario that was downloaded.
fn from_the_command_line(folder: &Path, scenario: &str) -> Vec<std::collections::BTreeMap<String, String>> {
    std::fs::write(folder.join("lab.toml"), scenario).unwrap();
    let output = Command::new(PROGRAM)
        .args(["run", "lab.toml", "--quiet", "--format", "csv"])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    csv::Reader::from_reader(&output.stdout[..]).deserialize().map(Result::unwrap).collect()
}

#[test]
fn a_slider_is_moved_and_the_numbers_are_those_of_the_command_line() {
    let lab = Lab::start();
    let folder = tempfile::tempdir().unwrap();
    with_browser(async |browser| {
        browser.open(&format!("{}?lesson=sandbox", lab.url)).await;
        opened(&browser, "sandbox").await;
        let before = shown(&browser, "sandbox").await;
        move_slider(&browser, "every", 3).await;
        let query = move_slider(&browser, "rate", 10).await;
        let after = shown(&browser, "sandbox").await;
        assert_ne!(before, after, "the figures follow the slider");
        let download = browser.client.find(Locator::Css("[data-testid='download']")).await.unwrap();
        let address = download.attr("href").await.unwrap().unwrap();
        assert!(address.ends_with(&query), "{address} downloads what {query} shows");
        let scenario = browser.ask(&format!("return (async () => (await fetch({address:?})).text())()")).await;
        let rows = from_the_command_line(folder.path(), scenario.as_str().unwrap());
        let mut compared = 0;
        for (name, cell) in after.as_object().unwrap() {
            let (client, column) = name.split_once('/').unwrap();
            let row = rows.iter().find(|row| row["client"] == client).unwrap_or_else(|| panic!("no client {client}"));
            assert_eq!(cell.as_str().unwrap(), row[column], "{name} of {query}");
            compared += 1;
        }
        assert!(compared >= 10, "only {compared} figures are shown");
        // The link of a state brings it back.
        let link = browser.client.current_url().await.unwrap();
        browser.open("about:blank").await;
        browser.open(link.as_str()).await;
        browser.wait_until("an answer", "return document.body.dataset.ready !== undefined").await;
        assert_eq!(shown(&browser, "sandbox").await, after, "{link}");
        is_clean(&browser, "the sandbox").await;
        browser
    });
}

#[test]
fn a_lesson_is_walked_through_and_its_claim_is_the_engines() {
    let lab = Lab::start();
    with_browser(async |browser| {
        browser.open(&lab.url).await;
        let first = browser.ask("return document.querySelector('.contents a[aria-current]').dataset.lesson").await;
        opened(&browser, first.as_str().unwrap()).await;
        let second = browser.ask("return document.querySelectorAll('.contents a')[1].dataset.lesson").await;
        let lesson = second.as_str().unwrap().to_owned();
        click(&browser, &format!("nav-{lesson}")).await;
        opened(&browser, &lesson).await;
        let is_hidden = format!("return document.querySelector('[data-testid=\"after-{lesson}\"]').hidden");
        assert_eq!(browser.ask(&is_hidden).await, true, "no answer before a prediction");
        let guess = format!(
            "const slider = document.querySelector('[data-testid=\"guess-{lesson}\"]');
             if (slider) {{ slider.value = slider.min; slider.dispatchEvent(new Event('input', {{ bubbles: true }})); }}
             else document.querySelector('[data-testid=\"choice-{lesson}-0\"]').click()"
        );
        browser.ask(&guess).await;
        click(&browser, &format!("predict-{lesson}")).await;
        let is_shown = format!(
            "return document.querySelector('[data-testid=\"after-{lesson}\"]').hidden === false && \
             document.querySelector('[data-testid=\"text-{lesson}\"]').textContent.length > 50 && \
             document.querySelector('[data-testid=\"outcome-{lesson}\"]').hidden === false"
        );
        browser.wait_until("what the engine finds", &is_shown).await;
        let before = browser.text(&format!("text-{lesson}")).await;
        assert!(before.chars().any(|c| c.is_ascii_digit()), "{before}");
        let parameter = browser
            .ask("return [...document.querySelectorAll('.control:not([hidden]) input[type=range]')].map((slider) => slider.dataset.testid)[0].slice(6)")
            .await;
        move_slider(&browser, parameter.as_str().unwrap(), 1).await;
        assert_ne!(browser.text(&format!("text-{lesson}")).await, before, "the claim follows the parameters");
        is_clean(&browser, "a lesson").await;
        browser
    });
}

#[test]
fn every_lesson_is_whole_in_every_look() {
    let lab = Lab::start();
    with_browser(async |browser| {
        browser.open(&lab.url).await;
        let keys =
            browser.ask("return [...document.querySelectorAll('.contents a')].map((a) => a.dataset.lesson)").await;
        let keys: Vec<String> = keys.as_array().unwrap().iter().map(|key| key.as_str().unwrap().to_owned()).collect();
        assert_eq!(keys.len(), 9, "eight lessons and the sandbox");
        for key in &keys {
            for look in LOOKS {
                browser.look(look).await;
                browser.open(&format!("{}?lesson={key}", lab.url)).await;
                opened(&browser, key).await;
                if browser.ask(&format!("return !!document.querySelector('[data-testid=\"skip-{key}\"]')")).await
                    == true
                {
                    click(&browser, &format!("skip-{key}")).await;
                }
                let has_charts = format!(
                    "return [...document.querySelectorAll('#lesson-{key} [data-chart]')].every((box) => box.querySelector('svg'))"
                );
                browser.wait_until("the charts", &has_charts).await;
                let flaws = browser.flaws().await;
                assert!(flaws.is_empty(), "{key} at {look:?}: {flaws:#?}");
            }
        }
        is_clean(&browser, "the lessons").await;
        browser
    });
}

#[test]
fn nothing_moves_where_that_is_asked_for() {
    let lab = Lab::start();
    with_browser(async |browser| {
        let time = "return document.querySelector('[data-testid=\"time\"]').textContent";
        browser.look(LOOKS[0]).await;
        browser.open(&lab.url).await;
        browser.wait_until("an answer", "return document.body.dataset.ready !== undefined").await;
        let start = browser.ask(time).await;
        let moves = format!("return ({}) !== {start}", time.trim_start_matches("return "));
        browser.wait_until("something that moves", &moves).await;
        browser.reduce_motion().await;
        browser.open(&lab.url).await;
        browser.wait_until("an answer", "return document.body.dataset.ready !== undefined").await;
        let still = browser.ask(time).await;
        // Long enough for a hundred pictures.
        browser.ask("return new Promise((done) => setTimeout(done, 1500))").await;
        assert_eq!(browser.ask(time).await, still);
        click(&browser, "play").await;
        let moves = format!("return ({}) !== {still}", time.trim_start_matches("return "));
        browser.wait_until("what was started by hand", &moves).await;
        browser
    });
}

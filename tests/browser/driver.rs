//! Headless Chromium, driven through ChromeDriver, and what a page is asked in it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};

const CHROMIUM: &str = "/usr/bin/chromium";
const CHROMEDRIVER: &str = "/usr/bin/chromedriver";

/// How long a page may take for anything, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Does something with a browser; where there is none, says that it was skipped, except with `CI=true`, where that fails.
pub(crate) fn with_browser<F>(task: impl FnOnce(Browser) -> F)
where
    F: Future<Output = Browser>,
{
    let missing: Vec<_> =
        [CHROMIUM, CHROMEDRIVER].into_iter().filter(|path| !std::path::Path::new(path).exists()).collect();
    if !missing.is_empty() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "missing: {missing:?}");
        return eprintln!("skipped: there is no {}", missing.join(" and no "));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let browser = task(Browser::start().await).await;
        browser.end().await;
    });
}

/// A browser window.
pub(crate) struct Browser {
    pub(crate) client: Client,
    driver: Driver,
    _profile: tempfile::TempDir,
}

/// The process that drives the browser.
struct Driver(Child);

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How a page is looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) width: u32,
    pub(crate) scheme: &'static str,
}

/// Wide and narrow, light and dark.
pub(crate) const LOOKS: [Look; 4] = [
    Look { width: 1280, scheme: "light" },
    Look { width: 1280, scheme: "dark" },
    Look { width: 390, scheme: "light" },
    Look { width: 390, scheme: "dark" },
];

impl Browser {
    async fn start() -> Self {
        let mut child =
            Command::new(CHROMEDRIVER).arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let driver = Driver(child);
        let mut lines = output.lines().map(Result::unwrap);
        let port = lines.find_map(|line| {
            let (_, rest) = line.split_once("started successfully on port ")?;
            rest.trim_end_matches('.').parse::<u16>().ok()
        });
        let port = port.expect("ChromeDriver tells its port");
        // What it says later has to go somewhere.
        std::thread::spawn(move || lines.for_each(drop));
        let profile = tempfile::tempdir().unwrap();
        let data = format!("--user-data-dir={}", profile.path().display());
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
            // Whatever else a page asks for does not exist; that it asked is found in the log.
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            &data,
        ];
        let capabilities = json!({
            "goog:chromeOptions": { "binary": CHROMIUM, "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        });
        let Value::Object(capabilities) = capabilities else { unreachable!("an object is written above") };
        let connector = hyper_util::client::legacy::connect::HttpConnector::new();
        let address = format!("http://127.0.0.1:{port}");
        let client = ClientBuilder::new(connector).capabilities(capabilities).connect(&address).await;
        let client = client.expect("ChromeDriver starts Chromium");
        let browser = Self { client, driver, _profile: profile };
        // What the browser shows of its own at the start is nothing that is asked about.
        browser.open("about:blank").await;
        browser.console().await;
        browser.requests().await;
        browser
    }

    async fn end(self) {
        let Self { client, driver, .. } = self;
        client.close().await.unwrap();
        drop(driver);
    }

    /// Opens a page and waits until it has loaded.
    pub(crate) async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// Looks at the page in another way.
    pub(crate) async fn look(&self, look: Look) {
        let metrics = json!({ "width": look.width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": look.scheme }] });
        self.devtools("Emulation.setEmulatedMedia", media).await;
    }

    /// Asks that nothing moves.
    pub(crate) async fn reduce_motion(&self) {
        let media = json!({ "features": [{ "name": "prefers-reduced-motion", "value": "reduce" }] });
        self.devtools("Emulation.setEmulatedMedia", media).await;
    }

    /// What a script in the page gives back.
    pub(crate) async fn ask(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// The text of the element with this test id.
    pub(crate) async fn text(&self, id: &str) -> String {
        let selector = format!("[data-testid='{id}']");
        let element = self.client.find(Locator::Css(&selector)).await.unwrap_or_else(|error| panic!("{id}: {error}"));
        element.text().await.unwrap()
    }

    /// Waits until a script in the page gives back something that is true.
    pub(crate) async fn wait_until(&self, what: &str, script: &str) {
        let wait = async {
            while self.ask(script).await != Value::Bool(true) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, wait).await.is_ok(), "waited for {what}");
    }

    /// What has come up in the console since it was last looked at.
    pub(crate) async fn console(&self) -> Vec<String> {
        let entries = self.log("browser").await;
        entries.iter().map(|entry| entry["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The addresses that the page has asked for since they were last looked at.
    pub(crate) async fn requests(&self) -> Vec<String> {
        let message = |entry: &Value| serde_json::from_str::<Value>(entry["message"].as_str()?).ok();
        let entries: Vec<Value> = self.log("performance").await.iter().filter_map(message).collect();
        let sent = entries.iter().filter(|entry| entry["message"]["method"] == "Network.requestWillBeSent");
        sent.map(|entry| entry["message"]["params"]["request"]["url"].as_str().unwrap_or_default().to_owned()).collect()
    }

    async fn log(&self, kind: &str) -> Vec<Value> {
        let entries = self.command("se/log", json!({ "type": kind })).await;
        entries.as_array().cloned().unwrap_or_default()
    }

    async fn devtools(&self, command: &str, parameters: Value) {
        self.command("goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await;
    }

    async fn command(&self, path: &'static str, body: Value) -> Value {
        let answer = self.client.issue_cmd(Extension { path, body }).await;
        answer.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// What lies outside of the page or over something else: texts of drawings that overlap or are cut, and a page that is
    /// wider than its window.
    pub(crate) async fn flaws(&self) -> Vec<String> {
        let flaws = self.ask(include_str!("flaws.js")).await;
        let text = |flaw: &Value| flaw.as_str().unwrap_or_default().to_owned();
        flaws.as_array().expect("a list of flaws").iter().map(text).collect()
    }
}

/// A command that ChromeDriver has beyond the standard.
#[derive(Debug)]
struct Extension {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}

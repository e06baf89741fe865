//! The report and the lab in a real browser: headless Chromium, as Debian packages it.
//!
//! Needs Debian's chromium and chromium-driver, which `.ci/run` installs. Where they are missing the tests say that they were
//! skipped, except with `CI=true`, where they fail.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod driver;
mod lab;
mod report;

use driver::Browser;

/// Nothing came up in the console, and nothing was asked for that is not here.
async fn is_clean(browser: &Browser, page: &str) {
    let console = browser.console().await;
    assert!(console.is_empty(), "{page}: {console:#?}");
    let is_here =
        |url: &String| ["file:", "data:", "blob:", "http://127.0.0.1:"].iter().any(|start| url.starts_with(start));
    let requests = browser.requests().await;
    assert!(!requests.is_empty(), "{page}: the log of requests is not kept, so this sees nothing");
    assert!(requests.iter().all(is_here), "{page}: {requests:#?}");
}

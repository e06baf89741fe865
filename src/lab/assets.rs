//! The files of the page that are the same for everybody: styles, scripts and the icon, all in the program itself.

use std::sync::OnceLock;

use crate::report::{chart, palette};

/// A file of the page.
#[derive(Debug)]
pub(super) struct Asset {
    path: &'static str,
    /// Its media type.
    pub(super) kind: &'static str,
    /// What is in it.
    pub(super) body: String,
}

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// The scripts by their paths.
const SCRIPTS: &[(&str, &str)] = &[
    ("/lab.js", include_str!("assets/lab.js")),
    ("/lab/address.js", include_str!("assets/address.js")),
    ("/lab/controls.js", include_str!("assets/controls.js")),
    ("/lab/counters.js", include_str!("assets/counters.js")),
    ("/lab/engine.js", include_str!("assets/engine.js")),
    ("/lab/exchanges.js", include_str!("assets/exchanges.js")),
    ("/lab/figures.js", include_str!("assets/figures.js")),
    ("/lab/player.js", include_str!("assets/player.js")),
    ("/lab/prediction.js", include_str!("assets/prediction.js")),
    ("/lab/stage.js", include_str!("assets/stage.js")),
    ("/lab/strip.js", include_str!("assets/strip.js")),
    ("/lab/svg.js", include_str!("assets/svg.js")),
    ("/lab/travellers.js", include_str!("assets/travellers.js")),
];

/// The rules of the page; those of the palette and of the charts come before them.
const STYLES: [&str; 3] =
    [include_str!("assets/page.css"), include_str!("assets/stage.css"), include_str!("assets/controls.css")];

/// The file at a path.
pub(super) fn find(path: &str) -> Option<&'static Asset> {
    static ASSETS: OnceLock<Vec<Asset>> = OnceLock::new();
    ASSETS.get_or_init(all).iter().find(|asset| asset.path == path)
}

fn all() -> Vec<Asset> {
    let style = [palette::css(), chart::css()].into_iter().chain(STYLES.map(str::to_owned)).collect();
    let icon = include_str!("assets/icon.svg").to_owned();
    let mut assets = vec![
        Asset { path: "/lab.css", kind: STYLE, body: style },
        Asset { path: "/favicon.svg", kind: "image/svg+xml", body: icon },
    ];
    assets.extend(SCRIPTS.iter().map(|(path, body)| Asset { path, kind: SCRIPT, body: (*body).to_owned() }));
    assets
}

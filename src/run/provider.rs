//! `pushpull provider`: from arguments to a run of System B alone, its report and its exit code.

use std::path::PathBuf;
use std::sync::Arc;

use super::play::{behind_schedule, event_gap};
use super::progress::Progress;
use super::{Failure, INTERRUPTED, Options, TOO_SLOW, interrupt, load, print, style, tell};
use crate::cli::{ProviderArguments, RoleFormat};
use crate::distribution::Distribution;
use crate::engine::live::{Alone, Destination};
use crate::engine::{Control, Setup};
use crate::evaluation::identity;
use crate::link::Leg;
use crate::policy::signature::Keys;
use crate::report::files::{self, Streamed};
use crate::report::human;
use crate::roles::provider::{self, AttemptLog, Outcome, Played};
use crate::roles::secrets::{self, Use};
use crate::roles::{check_bind, url};
use crate::scenario::Scenario;
use crate::wire::api_key;

/// Plays System B of a scenario against a receiver of the user's own.
pub(super) fn provide(arguments: &ProviderArguments) -> Result<u8, Failure> {
    let scenario = load(&arguments.scenario, Options::default())?;
    let usage = |error: &dyn std::error::Error| Failure::Usage(error.to_string());
    let client =
        provider::choose_client(&scenario.setup, arguments.client.as_deref()).map_err(|error| usage(&error))?;
    let destination = url::resolve(&arguments.webhook_url, arguments.allow_remote, arguments.ca_file.as_deref())
        .map_err(|error| usage(&error))?;
    check_bind(arguments.bind, arguments.allow_remote).map_err(|error| usage(&error))?;
    let push = scenario.setup.clients.get(client).and_then(|client| client.push.as_ref());
    let scheme = push.map_or(crate::policy::signature::Scheme::None, |push| push.scheme);
    let keys = secrets::keys(scheme, Use::Sign, arguments.secret_file.as_deref(), super::secret_variable())
        .map_err(|error| usage(&error))?;
    let folder = arguments.out.clone().unwrap_or_else(|| PathBuf::from("results").join(&scenario.name));
    files::prepare(&folder)?;
    let attempts = Streamed::begin(&folder, "attempts.csv")?;
    let alone = Alone::bind(&scenario.setup, client, arguments.bind, arguments.api_port)?;
    if !arguments.quiet {
        introduce(&scenario.setup, client, &alone, &destination);
    }
    let played = play(alone, destination.clone(), keys, attempts, &scenario, arguments.quiet)?;
    report(played, &scenario, client, &destination, &folder, arguments)
}

/// Says what the user has to know to join in.
fn introduce(setup: &Setup, client: usize, alone: &Alone, destination: &Destination) {
    let link = &setup.link;
    let has_network = [&link.request, &link.response].iter().any(|leg| **leg != Leg::new(Distribution::ZERO, 0.0));
    if has_network {
        tell("the scenario's network latency and loss are left out: the network here is yours");
    }
    if !setup.clients.iter().all(|client| client.faults.0.is_empty()) {
        tell("the scenario's faults are left out: what goes wrong here is up to your receiver");
    }
    tell(&format!("API at http://{}/events", alone.api_address()));
    let last = setup.consumers.saturating_sub(1);
    match last {
        0 => tell(&format!("API key: {}", api_key(0, 0))),
        _ => tell(&format!("API keys: {} to {}, one for each consumer", api_key(0, 0), api_key(0, last))),
    }
    let name = setup.clients.get(client).map_or("", |client| &client.name);
    tell(&format!("webhooks of {name:?} go to {}", url::show(destination)));
}

fn play(
    alone: Alone,
    destination: Destination,
    keys: Keys,
    attempts: Streamed,
    scenario: &Scenario,
    quiet: bool,
) -> Result<Played, Failure> {
    let control = Arc::new(Control::default());
    interrupt::watch(Arc::clone(&control));
    let total = scenario.setup.frame.duration.as_nanos();
    let progress = Progress::start("provider", total, Arc::clone(&control), quiet);
    let played = provider::play(alone, destination, keys, AttemptLog::new(attempts), &control)?;
    drop(progress);
    Ok(played)
}

fn report(
    played: Played,
    scenario: &Scenario,
    client: usize,
    destination: &Destination,
    folder: &std::path::Path,
    arguments: &ProviderArguments,
) -> Result<u8, Failure> {
    let client = scenario.setup.clients.get(client);
    let scheme = client.and_then(|client| client.push.as_ref()).map(|push| push.scheme);
    let outcome = Outcome {
        scenario: identity(scenario),
        client: client.map_or_else(String::new, |client| client.name.clone()),
        signature: scheme.map_or("none", secrets::name),
        score: played.score,
        ended_at: played.run.ended_at,
        lag: played.run.lag,
        partial: played.run.is_stopped,
    };
    let (out_of_files, not_trusted) = (outcome.score.out_of_files, outcome.score.not_trusted);
    let csv = provider::csv(&outcome);
    let written = [
        ("provider.csv", csv.clone()),
        ("polls.csv", provider::polls_csv(&outcome)),
        ("provider.json", provider::json(&outcome)),
    ];
    files::write_with(folder, &written, played.attempts)?;
    print(&match arguments.format {
        RoleFormat::Csv => csv,
        RoleFormat::Json => provider::json(&outcome),
        RoleFormat::Table => provider::table(&outcome, &url::show(destination), style(arguments.no_color)).into_bytes(),
    })?;
    let late = event_gap(&scenario.setup)
        .and_then(|gap| behind_schedule(outcome.lag, gap, "or a lower rate with --set events.rate=..."));
    if !arguments.quiet {
        let lag = [outcome.lag.p50, outcome.lag.p99].map(|lag| human::duration_ms(lag.as_millis_f64()));
        tell(&format!("schedule kept to {} (99 % to {}); results in {}", lag[0], lag[1], folder.display()));
    }
    if out_of_files > 0 {
        let count = human::count(out_of_files);
        tell(&format!(
            "warning: {count} attempts found no connection because this process may open no more files, which says \
             nothing of the receiver; raise the limit (ulimit -n)"
        ));
    }
    if not_trusted > 0 {
        let count = human::count(not_trusted);
        tell(&format!(
            "warning: {count} attempts found nobody who could prove over TLS to be {}: no certificate for that name that is \
             trusted here; --ca-file names the certificates to trust",
            destination.host
        ));
    }
    if let Some(warning) = &late {
        tell(&format!("warning: {warning}"));
    }
    Ok(match late {
        _ if outcome.partial => INTERRUPTED,
        Some(_) => TOO_SLOW,
        None => 0,
    })
}

//! `pushpull receiver`: from arguments to System A's endpoint alone, its report and its exit code.

use std::sync::Arc;

use super::progress::StatusLine;
use super::{Failure, INTERRUPTED, interrupt, print, secret_variable, style, tell};
use crate::cli::{ReceiverArguments, RoleFormat, Signature};
use crate::engine::Control;
use crate::policy::receiver::Limits;
use crate::policy::signature::{Scheme, TOLERANCE_SECONDS};
use crate::report::columns::Cell;
use crate::report::files::{self, Streamed};
use crate::roles::check_bind;
use crate::roles::receiver::{self, Counts, Endpoint, Outcome, Pointers, SECOND_FIGURES, Second, Terms};
use crate::roles::secrets::{self, Use};
use crate::time::SECOND;

/// Plays System A's endpoint for a sender of the user's own.
pub(super) fn receive(arguments: &ReceiverArguments) -> Result<u8, Failure> {
    let terms = terms(arguments)?;
    let scheme = terms.keys.scheme;
    files::prepare(&arguments.out)?;
    let mut seconds = Streamed::begin(&arguments.out, "receiver_seconds.csv")?;
    seconds.write_row(SECOND_FIGURES.iter().map(|figure| Cell::from(figure.name)));
    let endpoint = Endpoint::bind(arguments.bind, arguments.port)?;
    let control = Arc::new(Control::default());
    interrupt::watch(Arc::clone(&control));
    tell(&format!("listening on http://{}/", endpoint.address()));
    let live = LiveLine::new(arguments.quiet);
    let received = endpoint.play(terms, &control, |second, counts| {
        seconds.write_row(SECOND_FIGURES.iter().map(|figure| (figure.cell)(second)));
        live.show(second, counts);
    })?;
    drop(live);
    let outcome = Outcome {
        signature: secrets::name(scheme),
        listened: received.listened,
        counts: received.counts,
        partial: received.is_stopped && arguments.duration.is_some(),
    };
    let csv = receiver::csv(&outcome);
    let written = [("receiver.csv", csv.clone()), ("receiver.json", receiver::json(&outcome))];
    files::write_with(&arguments.out, &written, Some(seconds))?;
    print(&match arguments.format {
        RoleFormat::Csv => csv,
        RoleFormat::Json => receiver::json(&outcome),
        RoleFormat::Table => receiver::table(&outcome, style(arguments.no_color)).into_bytes(),
    })?;
    if !arguments.quiet {
        tell(&format!("results in {}", arguments.out.display()));
    }
    Ok(if received.is_stopped { INTERRUPTED } else { 0 })
}

fn terms(arguments: &ReceiverArguments) -> Result<Terms, Failure> {
    let usage = |error: &dyn std::error::Error| Failure::Usage(error.to_string());
    check_bind(arguments.bind, arguments.allow_remote).map_err(|error| usage(&error))?;
    let scheme = scheme(arguments.signature);
    if arguments.tolerance.is_some() && !scheme.has_tolerance() {
        let name = secrets::name(scheme);
        return Err(Failure::Usage(format!("--tolerance says nothing with signature {name}, which knows no age")));
    }
    if arguments.read_time.is_zero() {
        return Err(Failure::Usage("--read-time is zero, in which no request can come; write 10s, say".into()));
    }
    let keys = secrets::keys(scheme, Use::Check, arguments.secret_file.as_deref(), secret_variable())
        .map_err(|error| usage(&error))?;
    Ok(Terms {
        keys,
        tolerance: arguments.tolerance.map_or(TOLERANCE_SECONDS, |tolerance| tolerance.as_nanos() / SECOND),
        service_time: arguments.service_time,
        refusal: arguments.status.map(|status| (status, arguments.status_share.unwrap_or(1.0))),
        pointers: Pointers { timestamp: arguments.timestamp.clone(), sequence: arguments.sequence.clone() },
        limits: Limits {
            header: arguments.limit_header,
            body: arguments.limit_body,
            read_time: arguments.read_time,
            connections: arguments.connections,
        },
        duration: arguments.duration,
    })
}

const fn scheme(signature: Signature) -> Scheme {
    match signature {
        Signature::None => Scheme::None,
        Signature::StandardWebhooks => Scheme::StandardWebhooks,
        Signature::StandardWebhooksEd25519 => Scheme::StandardWebhooksEd25519,
        Signature::Stripe => Scheme::Stripe,
        Signature::Github => Scheme::GitHub,
        Signature::Sendgrid => Scheme::SendGrid,
    }
}

/// What is shown on standard error while webhooks come.
enum LiveLine {
    /// Nothing.
    Silent,
    /// One line that is drawn anew each second.
    Redrawn(StatusLine),
    /// A line for each second in which something came.
    Logged,
}

impl LiveLine {
    fn new(quiet: bool) -> Self {
        if quiet { Self::Silent } else { StatusLine::start().map_or(Self::Logged, Self::Redrawn) }
    }

    fn show(&self, second: &Second, counts: &Counts) {
        match self {
            Self::Silent => {}
            Self::Redrawn(line) => line.say(receiver::line(second, counts)),
            Self::Logged if second.plain == receiver::Plain::default() => {}
            Self::Logged => tell(&receiver::line(second, counts)),
        }
    }
}

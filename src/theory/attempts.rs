//! How many attempts webhooks take where exchanges get lost and endpoints break.

use crate::engine::{ClientSetup, PushSetup, Setup};
use crate::fault::{Connections, Fault, FaultKind, Whom};
use crate::policy::dispatcher::Order;
use crate::theory::exchange_loss;
use crate::theory::push::attempts;
use crate::time::Span;

/// The attempts that so many webhooks of one consumer take in all, as far as can be known before a run.
///
/// Messages are lost independently. A fault fails each attempt that leaves while it lasts with the fault's share, and
/// webhooks are spread evenly over the run; so the k-th retry of a webhook is made if the delays before it fit into what
/// is left of the fault. What is asked for or redelivered by a script is not among them.
pub fn expected(setup: &Setup, client: &ClientSetup, push: &PushSetup, webhooks: f64) -> f64 {
    let most = webhooks * f64::from(push.dispatch.retry.attempts_max());
    let usual = webhooks * attempts(setup, push);
    let more: f64 = client.faults.0.iter().map(|fault| more_attempts(setup, push, fault, webhooks)).sum();
    let all = (usual + more).min(most);
    let spacing = push.dispatch.spacing.as_secs_f64();
    if spacing > 0.0 { all.min(usual.max(seconds(setup) / spacing)) } else { all }
}

/// The attempts that a fault adds to those of so many webhooks over the whole run.
fn more_attempts(setup: &Setup, push: &PushSetup, fault: &Fault, webhooks: f64) -> f64 {
    let dispatch = &push.dispatch;
    let (share, asked, timeout) = match fault.kind {
        FaultKind::ReceiverErrors { status: 410, .. } if dispatch.disable.on_gone => return 0.0,
        FaultKind::ReceiverErrors { share, retry_after, .. } => (share, retry_after.unwrap_or(Span::ZERO), Span::ZERO),
        FaultKind::ReceiverDown { connections: Connections::Drop } => (1.0, Span::ZERO, dispatch.timeout),
        FaultKind::ReceiverDown { connections: Connections::Reset } => (1.0, Span::ZERO, Span::ZERO),
        FaultKind::NetworkLoss { loss } => (1.0 - (1.0 - loss) * (1.0 - loss), Span::ZERO, dispatch.timeout),
        FaultKind::NetworkSlow { factor } if round_trip(setup).scale(factor) > dispatch.timeout => {
            (1.0, Span::ZERO, dispatch.timeout)
        }
        // While System B is down nothing leaves. Only what is under way when it goes down is sent again.
        FaultKind::ReceiverSlow { .. }
        | FaultKind::PollerDown
        | FaultKind::ProviderDown { .. }
        | FaultKind::NetworkSlow { .. }
        | FaultKind::ForgedWebhooks { .. } => return 0.0,
    };
    // An endpoint that is left alone because it fails gets few attempts.
    if dispatch.breaker.is_some() || dispatch.disable.failures.is_some() {
        return 0.0;
    }
    let disabled = dispatch.disable.after.map_or(fault.until, |after| fault.until.min(fault.from + after));
    let until = disabled.min(setup.frame.end);
    let (longest, occurring) = (until.since(fault.from), until.min(setup.frame.duration).since(fault.from));
    if occurring.is_zero() {
        return 0.0;
    }
    let (longest, occurring) = (longest.as_secs_f64(), occurring.as_secs_f64());
    let victims = match fault.whom {
        Whom::All => 1.0,
        Whom::Some { share, .. } => share,
    };
    let webhooks = webhooks * victims * occurring / seconds(setup);
    let loss = exchange_loss(setup);
    let failing = 1.0 - (1.0 - share) * (1.0 - loss);
    let asked = asked.min(dispatch.retry.retry_after_max).as_secs_f64();
    let within = dispatch.retry.within.map_or(f64::INFINITY, Span::as_secs_f64);
    // How long after the event the present attempt leaves, and how likely all before it and itself have failed.
    let (mut left, mut failed, mut lost) = (0.0, 1.0, 1.0);
    let (mut each, mut in_a_row) = (0.0, 0.0);
    for delay in &dispatch.retry.delays {
        failed *= failing;
        lost *= loss;
        if left >= longest || left > within {
            break;
        }
        each += ((longest - left) / occurring).min(1.0) * (failed - lost);
        in_a_row += failed - lost;
        left += (delay.as_secs_f64() * dispatch.retry.jitter.mean()).max(asked) + timeout.as_secs_f64();
    }
    match dispatch.order {
        Order::None => webhooks * each,
        // The others wait for the one that is tried again.
        Order::Fifo => webhooks * each.min(in_a_row * (longest / left.max(f64::MIN_POSITIVE)).max(1.0) / webhooks),
    }
}

/// How long a message is on its way there and another back, on average.
fn round_trip(setup: &Setup) -> Span {
    Span::from_secs_f64(setup.link.request.latency.mean_secs() + setup.link.response.latency.mean_secs())
}

/// How long events occur, in seconds.
fn seconds(setup: &Setup) -> f64 {
    setup.frame.duration.as_nanos() as f64 / 1e9
}

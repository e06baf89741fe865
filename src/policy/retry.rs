//! When a failed webhook is tried again, and when it is given up.

use crate::peer::Event;
use crate::seed::{Purpose, Seed};
use crate::time::{Span, Time};

/// How long a receiver that says when to come back is left alone at most, where a policy does not say otherwise.
pub const RETRY_AFTER_MAX: Span = Span::from_secs(3_600);

/// A retry schedule: a delay for each retry, perhaps with jitter.
#[derive(Clone, Debug, PartialEq)]
pub struct RetryPolicy {
    /// The delay before attempt 2, 3 and so on, from the moment the sender knows that the attempt before it failed.
    pub delays: Vec<Span>,
    /// How delays vary.
    pub jitter: RetryJitter,
    /// No retry leaves later than this after the event, if there is such an end.
    pub within: Option<Span>,
    /// How long a receiver is left alone at most when it asks for that (`Retry-After`); zero means that it is not heard.
    pub retry_after_max: Span,
}

/// How the delays before retries vary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RetryJitter {
    /// Not at all.
    None,
    /// Each delay is drawn uniformly within this share of itself, up and down; above 0, at most 1.
    Symmetric(f64),
    /// Each delay is drawn uniformly between nothing and itself.
    Full,
}

impl RetryJitter {
    /// Jitter by a share of the delay, up and down; a share of nothing is no jitter.
    pub fn symmetric(share: f64) -> Self {
        if share > 0.0 { Self::Symmetric(share) } else { Self::None }
    }

    /// The longest delay, as a multiple of the one that varies.
    pub const fn most(self) -> f64 {
        match self {
            Self::None | Self::Full => 1.0,
            Self::Symmetric(share) => 1.0 + share,
        }
    }

    /// The mean delay, as a multiple of the one that varies.
    pub const fn mean(self) -> f64 {
        match self {
            Self::None | Self::Symmetric(_) => 1.0,
            Self::Full => 0.5,
        }
    }
}

impl RetryPolicy {
    /// A schedule without an end other than its last delay.
    pub const fn new(delays: Vec<Span>, jitter: RetryJitter) -> Self {
        Self { delays, jitter, within: None, retry_after_max: RETRY_AFTER_MAX }
    }

    /// One attempt and no more: GitHub says that it never retries.
    pub const fn never() -> Self {
        Self::new(Vec::new(), RetryJitter::None)
    }

    /// Delays that start at `base` and grow by `factor`, with `attempts` attempts in all.
    pub fn exponential(base: Span, factor: f64, attempts: u32, jitter: RetryJitter) -> Self {
        let delay = |retry: u32| base.scale(libm::pow(factor, f64::from(retry)));
        Self::new((0..attempts.saturating_sub(1)).map(delay).collect(), jitter)
    }

    /// The example schedule of the Standard Webhooks specification 1.0.0: ten attempts over 75 h 35 min 5 s.
    pub fn standard_webhooks() -> Self {
        let seconds = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
        Self::new(seconds.into_iter().map(Span::from_secs).collect(), RetryJitter::None)
    }

    /// As Stripe retries in live mode: again and again until three days after the event, ever more rarely.
    ///
    /// Published is only that it goes on for up to three days with exponential back-off. Assumed are the delays: 5 min,
    /// 30 min, 2 h, 5 h, 10 h, 12 h, and from there on every 12 h, without jitter. Ten attempts fit.
    pub fn stripe() -> Self {
        let seconds = [300, 1_800, 7_200, 18_000, 36_000].into_iter().chain(std::iter::repeat(43_200));
        Self::until(seconds.map(Span::from_secs), Span::from_secs(3 * 86_400))
    }

    /// As SendGrid retries its event webhook: ever more rarely, until a day after the event.
    ///
    /// Published is only that the delays grow and that it ends 24 h after the event. Assumed are the delays: a minute,
    /// doubled each time up to 4 h, without jitter. Thirteen attempts fit.
    pub fn sendgrid() -> Self {
        let seconds = std::iter::successors(Some(60), |&delay: &u64| Some(delay.saturating_mul(2).min(14_400)));
        Self::until(seconds.map(Span::from_secs), Span::from_secs(86_400))
    }

    /// As many of these delays, which must not be all zero, as fit into a stretch that begins with the event.
    fn until(delays: impl Iterator<Item = Span>, within: Span) -> Self {
        let fits = |total: &mut Span, delay: Span| {
            *total += delay;
            (*total <= within).then_some(delay)
        };
        let delays = delays.scan(Span::ZERO, fits).collect();
        Self { within: Some(within), ..Self::new(delays, RetryJitter::None) }
    }

    /// How many attempts an event gets at most, the first included.
    pub fn attempts_max(&self) -> u32 {
        u32::try_from(self.delays.len()).map_or(u32::MAX, |retries| retries.saturating_add(1))
    }

    /// How long to wait after attempt number `failed` (counted from 1) of an event, or none to give up.
    pub fn delay_after(&self, failed: u32, seed: Seed, consumer: u32, event: u32) -> Option<Span> {
        let delay = *self.delays.get(failed.checked_sub(1)? as usize)?;
        let draw = || seed.draw(Purpose::RetryJitter, [consumer.into(), event.into(), failed.into()]).unit();
        Some(match self.jitter {
            RetryJitter::None => delay,
            RetryJitter::Symmetric(share) => delay.scale(1.0 + share * (2.0 * draw() - 1.0)),
            RetryJitter::Full => delay.scale(draw()),
        })
    }

    /// When a delivery leaves again whose attempt number `failed` (counted from 1) has ended just now, or none to give
    /// it up. `oldest` is the oldest of its events; `retry_after` is how long the answer asked to be left alone.
    pub fn next_attempt(
        &self,
        now: Time,
        failed: u32,
        oldest: &Event,
        retry_after: Option<Span>,
        seed: Seed,
    ) -> Option<Time> {
        let delay = self.delay_after(failed, seed, oldest.consumer, oldest.serial)?;
        let asked = retry_after.unwrap_or(Span::ZERO).min(self.retry_after_max);
        let at = now + delay.max(asked);
        self.may_leave(at, oldest.occurred_at).then_some(at)
    }

    /// Whether a retry of an event that occurred then may leave at this instant.
    pub fn may_leave(&self, at: Time, occurred_at: Time) -> bool {
        self.within.is_none_or(|within| at <= occurred_at + within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_ends_after_the_last_delay() {
        let policy = RetryPolicy::exponential(Span::from_secs(1), 2.0, 4, RetryJitter::None);
        let delays: Vec<_> = (1..=5).map(|n| policy.delay_after(n, Seed::new(1), 0, 1)).collect();
        assert_eq!(delays, [Some(Span::from_secs(1)), Some(Span::from_secs(2)), Some(Span::from_secs(4)), None, None]);
        assert_eq!(policy.attempts_max(), 4);
        assert_eq!(RetryPolicy::never().delay_after(1, Seed::new(1), 0, 1), None);
        assert_eq!(policy.delay_after(0, Seed::new(1), 0, 1), None);
    }

    #[test]
    fn standard_webhooks_ends_where_its_specification_says() {
        let total: u64 = RetryPolicy::standard_webhooks().delays.iter().map(|d| d.as_nanos()).sum();
        assert_eq!(Span::from_nanos(total), Span::from_secs(75 * 3_600 + 35 * 60 + 5));
    }

    #[test]
    fn jitter_spreads_a_delay_evenly_and_no_further_than_it_says() {
        let policy = RetryPolicy::new(vec![Span::from_secs(10)], RetryJitter::Symmetric(0.2));
        let n = 10_000u32;
        let draw = |i| policy.delay_after(1, Seed::new(9), 0, i).map_or(0.0, Span::as_secs_f64);
        assert!((0..n).map(draw).all(|d| (8.0..=12.0).contains(&d)));
        let mean = (0..n).map(draw).sum::<f64>() / f64::from(n);
        // Uniform over 4 s: standard deviation 4 / sqrt(12).
        assert!((mean - 10.0).abs() < 4.0 * 4.0 / (12.0 * f64::from(n)).sqrt());
    }
}

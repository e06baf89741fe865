//! How many requests the API lets in: token buckets and quotas, checked before any worker has a request.
//!
//! Everything is counted in whole numbers, so that a limit lets through exactly what it says for however long it runs.

use smallvec::SmallVec;

use crate::peer::{Exchange, Quota, Response};
use crate::policy::fixed_window::FixedWindow;
use crate::time::{SECOND, Span, Time};

/// How many requests the API lets in; others are answered 429 before any worker has them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ApiLimits {
    /// What one consumer may ask for: each has a key of its own.
    pub consumer: Option<RateLimit>,
    /// What all consumers of a client may ask for together: they share an account.
    pub account: Option<RateLimit>,
    /// What one consumer may ask for in a window of time.
    pub quota: Option<QuotaPolicy>,
}

impl ApiLimits {
    /// Everybody is let in.
    pub const NONE: Self = Self { consumer: None, account: None, quota: None };
}

/// A token bucket: a request takes a token, and tokens come back at a rate, which is kept as a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// So many tokens come back ..
    pub requests: u64,
    /// .. in this time. Both are above zero.
    pub per: Span,
    /// The most tokens that lie ready; above zero. At the start all of them do.
    pub burst: u32,
}

impl RateLimit {
    /// So many requests in a time, with [`Self::default_burst`].
    pub fn new(requests: u64, per: Span) -> Self {
        Self { requests, per, burst: Self::default_burst(requests, per) }
    }

    /// What comes back in one second, and at least one: who asks evenly spread never notices, and who asks for a second's
    /// worth at once is let in.
    pub fn default_burst(requests: u64, per: Span) -> u32 {
        let in_a_second = u128::from(requests) * u128::from(SECOND) / u128::from(per.as_nanos().max(1));
        u32::try_from(in_a_second).unwrap_or(u32::MAX).max(1)
    }

    /// Requests per second in the long run.
    pub fn per_second(&self) -> f64 {
        self.requests as f64 / self.per.as_secs_f64()
    }
}

/// A quota for each window of time. A window begins with the first request after the one before has ended, as GitHub's do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaPolicy {
    /// Requests allowed in a window; above zero.
    pub requests: u32,
    /// The length of a window; above zero.
    pub window: Span,
    /// Whether an answer 304 takes from the quota. GitHub's do not.
    pub counts_not_modified: bool,
}

/// The tokens of one caller, by the virtual scheduling form of the generic cell rate algorithm (ITU-T I.371): what is kept
/// is not how many tokens there are but when the bucket will be full again. Instants are in parts of a nanosecond, as many
/// parts as `requests`, so that a token takes a whole number of them to come back: `per`.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    limit: RateLimit,
    /// When the bucket is full again.
    full_at: u128,
}

impl Bucket {
    /// A full bucket.
    pub const fn new(limit: RateLimit) -> Self {
        Self { limit, full_at: 0 }
    }

    fn parts(&self, at: Time) -> u128 {
        u128::from(at.as_nanos()) * u128::from(self.limit.requests)
    }

    /// How long until there is a token; zero if there is one.
    pub fn wait(&self, now: Time) -> Span {
        let spare = u128::from(self.limit.burst.saturating_sub(1)) * u128::from(self.limit.per.as_nanos());
        let missing = self.full_at.saturating_sub(self.parts(now)).saturating_sub(spare);
        let nanos = missing.div_ceil(u128::from(self.limit.requests.max(1)));
        Span::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    /// Takes a token. Call it only where [`Self::wait`] is zero.
    fn take(&mut self, now: Time) {
        self.full_at = self.full_at.max(self.parts(now)).saturating_add(self.limit.per.as_nanos().into());
    }

    /// Takes a token, if there is one; false if there is none.
    pub fn try_take(&mut self, now: Time) -> bool {
        let is_there = self.wait(now).is_zero();
        if is_there {
            self.take(now);
        }
        is_there
    }
}

/// What is left to one consumer.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    bucket: Option<Bucket>,
    quota: Option<FixedWindow>,
}

/// The limits of an API at work: for each consumer, and for all of them together.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    limits: ApiLimits,
    poll_interval: Option<Span>,
    first: u32,
    account: Option<Bucket>,
    /// One for each consumer, where consumers have limits of their own.
    allowances: Vec<Allowance>,
}

impl Gate {
    /// A gate through which nobody has come, for `consumers` consumers from number `first` on.
    pub(super) fn new(limits: ApiLimits, poll_interval: Option<Span>, first: u32, consumers: u32) -> Self {
        let ApiLimits { consumer, account, quota } = limits;
        let allowance = Allowance {
            bucket: consumer.map(Bucket::new),
            quota: quota.map(|quota| FixedWindow::new(quota.requests, quota.window)),
        };
        let own = if consumer.is_some() || quota.is_some() { consumers as usize } else { 0 };
        Self { limits, poll_interval, first, account: account.map(Bucket::new), allowances: vec![allowance; own] }
    }

    /// What a request that comes now is answered if it is beyond a limit; none if it is let in. What is turned away takes
    /// nothing from any limit.
    ///
    /// The wait that it is told is rounded up to whole seconds, which is how it stands in a header.
    #[inline]
    pub(super) fn turned_away(&mut self, now: Time, exchange: Exchange) -> Option<Response> {
        let has_limits = self.account.is_some() || !self.allowances.is_empty();
        has_limits.then(|| self.limited(now, exchange)).flatten()
    }

    fn limited(&mut self, now: Time, exchange: Exchange) -> Option<Response> {
        let Self { account, allowances, first, .. } = self;
        let own = exchange.consumer.checked_sub(*first).and_then(|index| allowances.get_mut(index as usize));
        let (own, mut quota) = own.map_or((None, None), |own| (own.bucket.as_mut(), own.quota.as_mut()));
        let mut buckets: SmallVec<[&mut Bucket; 2]> = account.iter_mut().chain(own).collect();
        let mut wait = buckets.iter().map(|bucket| bucket.wait(now)).max().unwrap_or(Span::ZERO);
        if let Some(quota) = &mut quota
            && quota.used(now) >= quota.limit()
        {
            wait = wait.max(quota.ends_at(now).since(now));
        }
        if !wait.is_zero() {
            let retry_after = Some(whole_seconds(wait));
            return Some(Response::Refused { status: TOO_MANY_REQUESTS, retry_after });
        }
        buckets.iter_mut().for_each(|bucket| bucket.take(now));
        if let Some(quota) = quota {
            quota.take(now);
        }
        None
    }

    /// An answer leaves to a request that was let in at `asked_at`: puts on it what the API says of when to ask again. A 304
    /// gives back what its request took from the quota, unless such answers count. When the quota starts anew is told in whole
    /// seconds too.
    #[inline]
    pub(super) fn answered(&mut self, now: Time, asked_at: Time, exchange: Exchange, response: &mut Response) {
        let is_free = matches!(response, Response::NotModified { .. })
            && self.limits.quota.is_some_and(|quota| !quota.counts_not_modified);
        let (Response::Page { advice, .. } | Response::Record { advice, .. } | Response::NotModified { advice }) =
            response
        else {
            return;
        };
        advice.poll_interval = self.poll_interval;
        if self.allowances.is_empty() {
            return;
        }
        let own = exchange.consumer.checked_sub(self.first).and_then(|own| self.allowances.get_mut(own as usize));
        let Some(quota) = own.and_then(|own| own.quota.as_mut()) else { return };
        if is_free {
            quota.give_back(now, asked_at);
        }
        let (limit, remaining) = (quota.limit(), quota.limit().saturating_sub(quota.used(now)));
        advice.quota = Some(Quota { limit, remaining, resets_in: whole_seconds(quota.ends_at(now).since(now)) });
    }
}

/// Rounded up: to come back too early is worse than too late.
const fn whole_seconds(span: Span) -> Span {
    Span::from_secs(span.as_nanos().div_ceil(SECOND))
}

/// HTTP status for a request beyond a limit.
const TOO_MANY_REQUESTS: u16 = 429;

//! Randomness as data: a draw is a hash of what it is about.
//!
//! There is no generator whose state moves on. The same seed, purpose and subject give the same draw wherever, whenever
//! and however often it is asked for, so no result depends on the order of calls, on threads, on the engine, or on which
//! other clients a scenario has. Clients are not part of a subject: two clients that differ in one option meet the same
//! luck, which makes their difference sharper (common random numbers).

mod exponential;

pub use exponential::exponentials;

/// What a draw decides. Draws for different purposes are independent of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// The gap before an event.
    ArrivalGap = 1,
    /// Where the first event or the first burst lies.
    ArrivalPhase = 2,
    /// How long an on or off period of a burst source lasts.
    BurstPeriod = 3,
    /// Which record an event falls on.
    Record = 4,
    /// The phase of a poller.
    PollPhase = 5,
    /// The jitter of one poll.
    PollJitter = 6,
    /// Whether a request is lost in the network.
    RequestLoss = 7,
    /// How long a request travels.
    RequestLatency = 8,
    /// Whether a response is lost in the network.
    ResponseLoss = 9,
    /// How long a response travels.
    ResponseLatency = 10,
    /// How long the provider's API works on a request.
    ApiService = 11,
    /// How long the receiver's handler works on a webhook.
    HandlerService = 12,
    /// How long a poller's handler works on a page.
    PageService = 13,
    /// The jitter of one retry.
    RetryJitter = 14,
    /// How long the dispatcher takes from the event to the first attempt.
    DispatchDelay = 15,
    /// Whether a failing receiver answers a webhook with an error.
    ReceiverError = 16,
    /// When a forged webhook comes, of which kind it is, and what it copies.
    Forgery = 17,
    /// Which consumers meet a fault.
    FaultVictim = 18,
    /// When a poller that was down, or waits for a new window, asks again.
    PollRestart = 19,
    /// How long it takes from one change of a record to the next.
    RecordChange = 20,
    /// The phase of the polls of one record.
    RecordPhase = 21,
    /// The size of a payload.
    PayloadSize = 22,
    /// How many events occur at the same instant.
    BatchSize = 23,
    /// How long a message travels there while a connection is opened.
    HandshakeRequest = 24,
    /// How long a message travels back while a connection is opened.
    HandshakeResponse = 25,
    /// The seed of a replication.
    Replication = 26,
}

/// The seed of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(u64);

impl Seed {
    /// Wraps the number that a scenario gives.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The draw for a purpose and its subject: usually the consumer, then the event or poll, then the attempt or page.
    #[inline]
    pub const fn draw(self, purpose: Purpose, subject: [u64; 3]) -> Draw {
        let [first, second, third] = subject;
        self.series(purpose, first).draw(second, third)
    }

    /// The draws for a purpose whose subjects begin alike, usually with the same consumer.
    #[inline]
    pub const fn series(self, purpose: Purpose, first: u64) -> Series {
        Series(further(mix(self.0 ^ mix(purpose as u64)), first))
    }
}

/// Draws that have their purpose and the first part of their subject in common: what those two come to is worked out once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Series(u64);

impl Series {
    /// The draw for the rest of the subject; the same as [`Seed::draw`] gives for all of it.
    #[inline]
    pub const fn draw(self, second: u64, third: u64) -> Draw {
        Draw(further(further(self.0, second), third))
    }
}

/// Takes a further part of a subject into a draw.
#[inline]
const fn further(state: u64, part: u64) -> u64 {
    mix(state.wrapping_add(GOLDEN) ^ part)
}

/// The number to wrap for a replication of a run, counted from 0: the first is the run itself, the others are independent
/// of it and of each other. It is the same for every point of a sweep, so that points meet the same luck, and it can be given
/// to a run by itself to see that replication alone.
pub const fn replicated(seed: u64, replication: u32) -> u64 {
    // Files hold whole numbers up to 2^53 - 1 without loss everywhere.
    match replication {
        0 => seed,
        other => Seed(seed).draw(Purpose::Replication, [other as u64, 0, 0]).0 >> 11,
    }
}

/// 2^64 divided by the golden ratio: the increment of the SplitMix64 generator.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014, variant 13 of Stafford): a bijection in which every input bit
/// changes about half of the output bits.
#[inline]
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// 64 uniformly distributed bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw(u64);

impl Draw {
    /// Uniform in [0, 1), in steps of 2^-53.
    #[inline]
    pub fn unit(self) -> f64 {
        (self.0 >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in (0, 1): never an end point, so that a logarithm or a quantile of it is finite.
    #[inline]
    pub fn open_unit(self) -> f64 {
        ((self.0 >> 12) as f64 + 0.5) * (1.0 / (1u64 << 52) as f64)
    }

    /// Exponential with mean 1.
    #[inline]
    pub fn exponential(self) -> f64 {
        -libm::log(self.open_unit())
    }

    /// Uniform among the whole numbers below `bound`; 0 where `bound` is 0.
    #[inline]
    pub fn below(self, bound: u64) -> u64 {
        // Multiply-shift: its bias is at most bound / 2^64, far below anything a run could see.
        ((u128::from(self.0) * u128::from(bound)) >> 64) as u64
    }

    /// True with the given probability.
    #[inline]
    pub fn chance(self, probability: f64) -> bool {
        self.unit() < probability
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_uniform_and_uncorrelated_across_neighbouring_subjects() {
        let seed = Seed::new(7);
        let n = 100_000u64;
        let draw = |i| seed.draw(Purpose::ArrivalGap, [0, i, 0]).unit();
        let mean = (0..n).map(draw).sum::<f64>() / n as f64;
        // The mean of n uniforms has standard error 1 / sqrt(12 n); 4 of them.
        assert!((mean - 0.5).abs() < 4.0 / (12.0 * n as f64).sqrt(), "mean {mean}");
        let lag = (0..n - 1).map(|i| (draw(i) - 0.5) * (draw(i + 1) - 0.5)).sum::<f64>() * 12.0 / (n - 1) as f64;
        assert!(lag.abs() < 4.0 / (n as f64).sqrt(), "correlation of neighbours {lag}");
        let mut cells = [0u32; 16];
        for i in 0..n {
            cells[seed.draw(Purpose::Record, [i, 3, 0]).below(16) as usize] += 1;
        }
        let expected = n as f64 / 16.0;
        let chi2: f64 = cells.iter().map(|&c| (f64::from(c) - expected) * (f64::from(c) - expected) / expected).sum();
        // 15 degrees of freedom: the 99.99 % point is 44.3.
        assert!(chi2 < 44.3, "chi squared {chi2}");
    }

    #[test]
    fn every_part_of_the_subject_matters() {
        let base = Seed::new(1).draw(Purpose::RequestLoss, [1, 2, 3]);
        assert_ne!(base, Seed::new(2).draw(Purpose::RequestLoss, [1, 2, 3]));
        assert_ne!(base, Seed::new(1).draw(Purpose::ResponseLoss, [1, 2, 3]));
        for other in [[0, 2, 3], [1, 3, 2], [2, 1, 3], [1, 2, 4]] {
            assert_ne!(base, Seed::new(1).draw(Purpose::RequestLoss, other));
        }
    }

    #[test]
    fn the_ends_of_the_open_interval_are_never_drawn() {
        assert!(Draw(0).open_unit() > 0.0);
        assert!(Draw(u64::MAX).open_unit() < 1.0);
        assert!(Draw(u64::MAX).unit() < 1.0);
        assert_eq!(Draw(u64::MAX).below(10), 9);
        assert_eq!(Draw(u64::MAX).below(0), 0);
    }
}

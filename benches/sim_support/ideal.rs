//! The reference model as a tight loop written by hand: one subscriber after the other, events merged with polls.
//!
//! It knows nothing but this model, keeps nothing but two histograms, sums and counts, and sets the mark for the engine.

use hdrhistogram::Histogram;

use super::model::{ATTEMPTS_MAX, EVERY, FAILS, GAP, LATENCY, Totals};

/// xoshiro256++ (Blackman and Vigna 2019).
struct Xoshiro([u64; 4]);

impl Xoshiro {
    /// A generator for one subscriber, its state filled by SplitMix64.
    fn new(subscriber: u64) -> Self {
        let mut state = subscriber.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self([(); 4].map(|()| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            mix(state)
        }))
    }

    fn next(&mut self) -> u64 {
        let Self([a, b, c, d]) = self;
        let result = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// Uniform in (0, 1).
    fn open_unit(&mut self) -> f64 {
        ((self.next() >> 12) as f64 + 0.5) * (1.0 / (1u64 << 52) as f64)
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "the fastest logarithm sets the mark; no result depends on its last bit"
    )]
    fn gap(&mut self) -> u64 {
        (GAP as f64 * -self.open_unit().ln()) as u64
    }
}

const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Whether an attempt fails: a hash of whose it is, so that no generator moves on.
fn fails(subscriber: u64, event: u64, attempt: u32) -> bool {
    let draw = mix(mix(subscriber ^ event.wrapping_mul(0x9e37_79b9_7f4a_7c15)) ^ u64::from(attempt));
    ((draw >> 11) as f64 * (1.0 / (1u64 << 53) as f64)) < FAILS
}

fn latencies() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 3_600_000_000, 3).expect("the bounds are valid")
}

/// Plays so many subscribers for so many nanoseconds.
pub(crate) fn ideal_merge(subscribers: u32, horizon: u64) -> Totals {
    let mut totals = Totals::default();
    let (mut pull, mut push) = (latencies(), latencies());
    for subscriber in 0..u64::from(subscribers) {
        let mut random = Xoshiro::new(subscriber);
        let mut poll = (random.open_unit() * EVERY as f64) as u64;
        let mut event = random.gap();
        let mut serial = 0;
        loop {
            let (served, received) = (poll + LATENCY, poll + 2 * LATENCY);
            let before = serial;
            while event <= served && event < horizon {
                let latency = received - event;
                pull.saturating_record(latency / 1_000);
                totals.pull_sum += u128::from(latency);
                let (mut left, mut attempt) = (event, 1);
                while fails(subscriber, serial, attempt) && attempt <= ATTEMPTS_MAX {
                    left += 2 * LATENCY + (1_000_000_000 << (attempt - 1));
                    attempt += 1;
                }
                totals.attempts += u64::from(attempt.min(ATTEMPTS_MAX));
                if attempt <= ATTEMPTS_MAX {
                    let latency = left + LATENCY - event;
                    push.saturating_record(latency / 1_000);
                    totals.push_sum += u128::from(latency);
                } else {
                    totals.lost += 1;
                }
                serial += 1;
                event += random.gap();
            }
            if poll >= horizon {
                break;
            }
            totals.polls += 1;
            totals.empty += u64::from(serial == before);
            poll += EVERY;
        }
        totals.events += serial;
    }
    (totals.pulled, totals.pushed) = (pull.len(), push.len());
    totals
}

//! Closed forms for waiting in front of workers.

use crate::distribution::Distribution;

/// The mean wait in seconds in front of a single worker with Poisson arrivals (Pollaczek-Khinchine); none at or above
/// capacity.
pub fn single_worker_wait(rate: f64, service: &Distribution) -> Option<f64> {
    let load = rate * service.mean_secs();
    (load < 1.0).then(|| rate * service.second_moment_secs2() / (2.0 * (1.0 - load)))
}

/// The probability that a job finds all of `workers` busy, with Poisson arrivals and exponential service (Erlang C); none at
/// or above capacity. `offered` is the arrival rate times the mean service time.
pub fn erlang_c(workers: u32, offered: f64) -> Option<f64> {
    let count = f64::from(workers);
    if offered >= count {
        return None;
    }
    // Erlang B by its recurrence, which neither overflows nor cancels.
    let blocked = (1..=workers).fold(1.0, |b, n| offered * b / (f64::from(n) + offered * b));
    Some(blocked / (1.0 - offered / count * (1.0 - blocked)))
}

/// The mean wait in seconds in front of several workers with Poisson arrivals and exponential service; none at or above
/// capacity.
pub fn many_workers_wait(workers: u32, rate: f64, mean_service: f64) -> Option<f64> {
    let spare = f64::from(workers) / mean_service - rate;
    erlang_c(workers, rate * mean_service).map(|waits| waits / spare)
}

/// The share of jobs that are turned away where `places` hold the jobs in service and those that wait together, with
/// Poisson arrivals and exponential service (M/M/c/K). `offered` is the arrival rate times the mean service time; it may be
/// beyond what the workers can take. `places` below `workers` count as as many.
pub fn blocked_share(workers: u32, places: u32, offered: f64) -> f64 {
    let next = |blocked: f64, ratio: f64| ratio * blocked / (1.0 + ratio * blocked);
    let without_queue = (1..=workers).fold(1.0, |blocked, n| next(blocked, offered / f64::from(n)));
    (workers..places).fold(without_queue, |blocked, _| next(blocked, offered / f64::from(workers)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    #[test]
    fn worked_numbers() {
        let near =
            |value: Option<f64>, expected: f64| value.is_some_and(|v| (v - expected).abs() < 5e-7 * expected.max(1.0));
        let exponential = Distribution::Exponential { mean: Span::from_secs_f64(0.125) };
        assert!(near(single_worker_wait(5.0, &exponential), 0.208_333_3));
        assert!(near(single_worker_wait(0.8, &Distribution::Constant(Span::from_secs(1))), 2.0));
        let uniform = Distribution::Uniform { min: Span::from_millis(500), max: Span::from_millis(1_500) };
        assert!(near(single_worker_wait(0.6, &uniform), 0.8125));
        assert!(near(erlang_c(3, 2.0), 0.444_444_4));
        assert!(near(many_workers_wait(3, 0.2, 10.0), 4.444_444_4));
        assert!(near(many_workers_wait(4, 0.2, 10.0), 0.869_565_2));
        assert!(near(many_workers_wait(10, 40.0, 0.2), 0.040_918_0));
        // M/M/1/K at a load of one: every number of jobs is as likely as any other.
        assert!((blocked_share(1, 4, 1.0) - 0.2).abs() < 1e-12);
        // M/M/1/2 at a load of one half: 1/4 of 1 + 1/2 + 1/4.
        assert!((blocked_share(1, 2, 0.5) - 1.0 / 7.0).abs() < 1e-12);
        // Erlang B with two workers at an offered load of one.
        assert!((blocked_share(2, 2, 1.0) - 0.2).abs() < 1e-12);
        assert!((blocked_share(1, 200, 2.0) - 0.5).abs() < 1e-12, "half of twice the capacity");
        assert_eq!(erlang_c(2, 2.0), None);
        assert_eq!(single_worker_wait(1.0, &Distribution::Constant(Span::from_secs(1))), None);
    }
}

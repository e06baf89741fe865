//! Which figures of a run are quotients: of several runs, such a figure is the quotient of the sums.
//!
//! The mean of the quotients of many runs is another number, and a run without anything to divide by would have none. Requests
//! per event are all requests divided by all events, those of runs without events among them.

/// What a figure of a run is the quotient of, by columns of `summary.csv`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Quotient {
    /// One column, times a factor, divided by another.
    Of {
        /// What is divided.
        numerator: &'static str,
        /// What it is divided by.
        denominator: &'static str,
        /// By how much the quotient is multiplied.
        factor: f64,
    },
    /// A mean over so many things of a run as that column counts.
    MeanOver(&'static str),
}

const fn of(numerator: &'static str, denominator: &'static str) -> Quotient {
    Quotient::Of { numerator, denominator, factor: 1.0 }
}

impl Quotient {
    /// What the figure of that name is the quotient of; none where it is none, as a count, a percentile or a peak, or where all
    /// runs divide by the same, as what is averaged over time.
    pub fn of_figure(name: &str) -> Option<Self> {
        Some(match name {
            "latency_mean_ms" => Self::MeanOver("latency_n"),
            "wasted_ratio" => of("wasted", "requests"),
            "empty_ratio" => of("empty", "requests"),
            "requests_per_event" => of("requests", "events"),
            "superseded_ratio" => of("lost_superseded", "events"),
            "know_mean_ms" => Self::MeanOver("records_known"),
            "polls_per_record_mean" => Self::MeanOver("records_opened"),
            "cost_per_million_events" => {
                Self::Of { numerator: "cost_total", denominator: "events", factor: 1_000_000.0 }
            }
            _ => return None,
        })
    }
}

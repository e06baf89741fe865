//! The verdict on several replications in plain sentences: what they show, and what is within their error.

use crate::measure::sample::Paired;
use crate::measure::summary::Summary;
use crate::report::replications::Replications;
use crate::report::{EngineReport, Report, costs, human, verdict};

/// What the replications amount to, in a few sentences: each later client against the first, with the first engine.
pub fn sentences(report: &Report, replications: &Replications) -> Vec<String> {
    let mut sentences = Vec::new();
    if let Some(engine) = report.engines.first() {
        sentences = Verdict { engine, replications }.sentences();
        sentences.extend(cheaper(report, engine, replications));
    }
    sentences.extend(replications.precision.map(|(precision, reached)| precise(replications, precision, reached)));
    sentences
}

/// Which client is cheaper on average, and how sure that is: each later one against the first.
fn cheaper(report: &Report, engine: &EngineReport, replications: &Replications) -> Vec<String> {
    let sentence = |baseline: &str, client: &str| {
        let paired = replications.comparison(engine.engine, client, "cost_per_million_events")?;
        let costs = [(baseline, paired.baseline), (client, paired.client)];
        let sentence = costs::cheaper(&report.scenario, costs[0], costs[1]);
        let [baseline, client] = costs.map(|(_, cost)| costs::money(&report.scenario, cost));
        let doubt = Verdict::doubt(&paired, &|cost| costs::money(&report.scenario, cost));
        Some(if baseline == client { sentence } else { format!("{sentence}{doubt}") })
    };
    let name = |summary: &Summary| summary.terms.client.clone();
    let Some((baseline, clients)) = engine.summaries.split_first() else { return Vec::new() };
    clients.iter().filter_map(|client| sentence(&name(baseline), &name(client))).collect()
}

/// The sentences as a paragraph each, broken at the width of the table.
pub fn render(report: &Report, replications: &Replications) -> String {
    verdict::paragraphs(&sentences(report, replications))
}

struct Verdict<'a> {
    engine: &'a EngineReport,
    replications: &'a Replications,
}

impl Verdict<'_> {
    fn sentences(&self) -> Vec<String> {
        let clients: Vec<&str> = self.engine.summaries.iter().map(|summary| summary.terms.client.as_str()).collect();
        let Some((baseline, others)) = clients.split_first() else { return Vec::new() };
        if self.mean(baseline, "events") == 0.0 {
            return vec!["No event occurred in any replication, so there is nothing to compare.".into()];
        }
        let mut sentences: Vec<_> = clients.iter().filter_map(|client| self.losses(client)).collect();
        for client in others {
            let pair = [*baseline, *client];
            let is_overloaded = pair.iter().any(|client| self.replications.is_overloaded(self.engine.engine, client));
            sentences.extend(self.latency(pair).filter(|_| !is_overloaded));
            sentences.extend(self.requests(pair));
        }
        if others.is_empty() {
            sentences.extend(self.alone(baseline));
        }
        sentences.extend(clients.iter().filter_map(|client| self.deceived(client)));
        sentences.extend(clients.iter().filter_map(|client| self.overloaded(client)));
        sentences
    }

    /// The mean of a figure over the replications; 0 where none has it.
    fn mean(&self, client: &str, metric: &str) -> f64 {
        let estimate = self.replications.estimate(self.engine.engine, client, metric);
        estimate.map_or(0.0, |estimate| estimate.mean)
    }

    fn count(&self) -> String {
        several(self.replications.count())
    }

    fn latency(&self, pair: [&str; 2]) -> Option<String> {
        let paired = self.replications.comparison(self.engine.engine, pair[1], "latency_mean_ms")?;
        let Ranked { names: [fast, slow], values: [sooner, later] } = Ranked::of(pair, &paired);
        let [fast_ms, slow_ms] = [sooner, later].map(human::duration_ms);
        let certainty = Certainty::of(&paired);
        let loses = |client: &str| self.mean(client, "lost") > 0.0;
        let either = if pair.into_iter().any(loses) { ", if at all," } else { "" };
        if later <= sooner * verdict::SAME && certainty != Certainty::Uncertain {
            return Some(format!(
                "\"{fast}\" and \"{slow}\" hear of an event{either} equally late, after {fast_ms} on average."
            ));
        }
        if certainty == Certainty::Uncertain && later <= sooner * verdict::ALIKE {
            return Some(format!(
                "\"{fast}\" and \"{slow}\" hear of an event{either} equally late, within the error of {}: after {fast_ms} and \
                 {slow_ms} on average.",
                several(paired.difference.n as usize)
            ));
        }
        let if_at_all = if loses(fast) { ", if at all," } else { "" };
        let times = match later / sooner {
            ratio if ratio.is_finite() => format!(", {} times as long", human::number(ratio)),
            _ => String::new(),
        };
        let doubt = Self::doubt(&paired, &human::duration_ms);
        Some(format!(
            "\"{fast}\" hears of an event{if_at_all} after {fast_ms} on average, {} sooner than \"{slow}\" \
             ({slow_ms}{times}).{doubt}",
            human::duration_ms(later - sooner),
        ))
    }

    fn requests(&self, pair: [&str; 2]) -> Option<String> {
        let paired = self.replications.comparison(self.engine.engine, pair[1], "requests_per_event")?;
        let Ranked { names: [less, more], values: [fewer, further] } = Ranked::of(pair, &paired);
        let certainty = Certainty::of(&paired);
        if certainty == Certainty::Uncertain && further <= fewer * verdict::ALIKE {
            return Some(format!(
                "\"{less}\" and \"{more}\" need equally many requests, within the error of {}: {} and {} an event.",
                several(paired.difference.n as usize),
                human::number(fewer),
                human::number(further),
            ));
        }
        if further <= fewer * verdict::SAME && certainty != Certainty::Uncertain {
            let each = human::things(fewer, "request", "requests");
            return Some(format!("\"{less}\" and \"{more}\" need equally many requests: {each} an event."));
        }
        let wasted = |client: &str| match self.mean(client, "wasted_ratio") {
            0.0 => "none wasted".to_owned(),
            share => format!("{} wasted", human::percent(share)),
        };
        Some(format!(
            "\"{less}\" needs {} an event ({}), \"{more}\" {} ({}).{}",
            human::things(fewer, "request", "requests"),
            wasted(less),
            human::number(further),
            wasted(more),
            Self::doubt(&paired, &human::number),
        ))
    }

    /// How sure a difference is, and from how many replications that is known.
    fn doubt(paired: &Paired, show: &dyn Fn(f64) -> String) -> String {
        match Certainty::of(paired) {
            Certainty::Exact => String::new(),
            Certainty::Single => " A single replication does not say how sure that is.".to_owned(),
            Certainty::Uncertain => {
                format!(" The difference is within the error of {}.", several(paired.difference.n as usize))
            }
            // Ends that look the same add nothing to the two means.
            Certainty::Between(low, high) if show(low) == show(high) => String::new(),
            Certainty::Between(low, high) => {
                format!(" The difference is between {} and {} with 95 % confidence.", show(low), show(high))
            }
        }
    }

    fn losses(&self, client: &str) -> Option<String> {
        let (lost, events) = (self.mean(client, "lost"), self.mean(client, "events"));
        let rest = if self.mean(client, "delivered") > 0.0 {
            "; its latencies are those of the events that arrived"
        } else {
            ""
        };
        (lost > 0.0).then(|| {
            format!(
                "\"{client}\" lost {} of {} events in a replication on average ({}){rest}.",
                human::number(lost),
                human::number(events),
                human::percent(lost / events.max(f64::MIN_POSITIVE)),
            )
        })
    }

    fn deceived(&self, client: &str) -> Option<String> {
        let [believed, rejected] = ["forged_accepted", "forged_rejected"].map(|metric| self.mean(client, metric));
        (believed > 0.0).then(|| {
            format!(
                "\"{client}\" believed {} of {} forged webhooks in a replication on average: its handler ran because of what a \
                 stranger sent.",
                human::number(believed),
                human::number(believed + rejected),
            )
        })
    }

    fn overloaded(&self, client: &str) -> Option<String> {
        let count = self.replications.overloaded(self.engine.engine, client);
        (count > 0).then(|| {
            format!(
                "* \"{client}\" is overloaded in {} of {}: it turns work away or falls ever further behind, so a mean says more \
                 about the length of the run than about the client.",
                human::count(count as u64),
                self.count(),
            )
        })
    }

    fn alone(&self, client: &str) -> Option<String> {
        let is_overloaded = self.replications.is_overloaded(self.engine.engine, client);
        let estimate = |metric| self.replications.estimate(self.engine.engine, client, metric);
        let (latency, requests) = (estimate("latency_mean_ms")?, estimate("requests_per_event")?);
        (!is_overloaded).then(|| {
            format!(
                "\"{client}\" hears of an event after {} on average, with {} an event.",
                human::duration_ms(latency.mean),
                human::things(requests.mean, "request", "requests"),
            )
        })
    }
}

fn precise(replications: &Replications, precision: f64, reached: bool) -> String {
    let percent = human::percent(precision);
    let count = several(replications.count());
    if reached {
        return format!(
            "After {count} the mean latency and the requests per event of every client are known to {percent}."
        );
    }
    format!(
        "After {count} the mean latency or the requests per event of some client are not yet known to {percent}. \
         What helps: more `replications`, a longer `duration`, or a coarser `precision`."
    )
}

fn several(replications: usize) -> String {
    human::things(replications as f64, "replication", "replications")
}

/// Two clients, the one with the smaller mean first.
struct Ranked<'a> {
    names: [&'a str; 2],
    values: [f64; 2],
}

impl<'a> Ranked<'a> {
    fn of([baseline, client]: [&'a str; 2], paired: &Paired) -> Self {
        if paired.client < paired.baseline {
            Self { names: [client, baseline], values: [paired.client, paired.baseline] }
        } else {
            Self { names: [baseline, client], values: [paired.baseline, paired.client] }
        }
    }
}

/// How sure the sign of a difference is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Certainty {
    /// It is the same in every replication.
    Exact,
    /// Only one replication has both, and says nothing of that.
    Single,
    /// Its 95 % interval holds 0.
    Uncertain,
    /// Its size is between these with 95 % confidence.
    Between(f64, f64),
}

impl Certainty {
    fn of(paired: &Paired) -> Self {
        match paired.difference.interval() {
            Some((low, high)) if low == high => Self::Exact,
            Some((low, high)) if low > 0.0 || high < 0.0 => {
                Self::Between(low.abs().min(high.abs()), low.abs().max(high.abs()))
            }
            Some(_) => Self::Uncertain,
            None => Self::Single,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_pair_is_no_difference_within_an_error() {
        let certainty = |pairs: &[(f64, f64)]| Certainty::of(&Paired::of(pairs).unwrap());
        assert_eq!(certainty(&[(1.0, 2.0)]), Certainty::Single);
        assert_eq!(certainty(&[(1.0, 2.0), (3.0, 2.0)]), Certainty::Uncertain);
        assert_eq!(certainty(&[(1.0, 2.0), (3.0, 4.0)]), Certainty::Exact);
        assert_eq!((several(1), several(2)), ("1 replication".to_owned(), "2 replications".to_owned()));
    }
}

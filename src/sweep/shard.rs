//! A part of a sweep, for one of several machines.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::report::human;

/// The variable with the number of a task in a Slurm array, which counts as `--array` says: from 1 to the number of shards.
pub const SLURM: &str = "SLURM_ARRAY_TASK_ID";
/// The variable with the number of a pod in a Kubernetes Indexed Job, which counts from 0.
pub const KUBERNETES: &str = "JOB_COMPLETION_INDEX";

/// A sweep has at most so many parts: more than any scheduler takes.
pub const SHARDS_MAX: u32 = 1_000_000;

/// One of several parts of a sweep: unit k belongs to the one whose number, counted from 0, is k modulo their count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Shard {
    /// Its number, counted from 1.
    pub shard: u32,
    /// How many there are.
    pub of: u32,
}

/// Why a text names no shard.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ShardError(String);

impl Shard {
    /// Reads `I/N`, or `auto/N` with the number from the variable of a scheduler. `variable` looks one up.
    ///
    /// # Errors
    ///
    /// What is wrong with the text or the variables, as a sentence.
    pub fn parse(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self, ShardError> {
        let malformed = || {
            ShardError(format!(
                "--shard {text} names no shard: write its number and how many there are, such as --shard 2/5, or \
                 --shard auto/5 where a scheduler counts"
            ))
        };
        let (number, of) = text.split_once('/').ok_or_else(malformed)?;
        let of: u32 = of.trim().parse().map_err(|_| malformed())?;
        if of > SHARDS_MAX {
            let most = human::count(SHARDS_MAX.into());
            return Err(ShardError(format!(
                "--shard {text}: a sweep has at most {most} shards; write fewer than {of}"
            )));
        }
        let number = match number.trim() {
            "auto" => automatic(text, of, variable)?,
            number => number.parse().map_err(|_| malformed())?,
        };
        let beyond = || {
            let numbers = if of == 0 {
                "there is no shard at all".to_owned()
            } else {
                format!("shards go from 1/{of} to {of}/{of}")
            };
            ShardError(format!("--shard {text}: there is no shard {number} of {of}; {numbers}"))
        };
        let shard = u32::try_from(number).ok().filter(|number| (1..=of).contains(number)).ok_or_else(beyond)?;
        Ok(Self { shard, of })
    }

    /// Whether a unit belongs to this shard.
    pub fn has(self, unit: u64) -> bool {
        unit % u64::from(self.of.max(1)) + 1 == u64::from(self.shard)
    }

    /// How many of so many units belong to this shard.
    pub fn count(self, units: u64) -> u64 {
        let (of, before) = (u64::from(self.of.max(1)), u64::from(self.shard.max(1)) - 1);
        units.saturating_sub(before).div_ceil(of)
    }

    /// The name of its file.
    pub fn file_name(self) -> String {
        format!("{}.jsonl", self.stem())
    }

    /// The name of its file without the ending.
    pub fn stem(self) -> String {
        format!("shard-{}-of-{}", self.shard, self.of)
    }

    /// The shard that a file of that name would hold.
    pub fn of_file_name(name: &str) -> Option<Self> {
        let (shard, of) = name.strip_prefix("shard-")?.strip_suffix(".jsonl")?.split_once("-of-")?;
        let shard = Self { shard: shard.parse().ok()?, of: of.parse().ok()? };
        (shard.file_name() == name && (1..=shard.of).contains(&shard.shard)).then_some(shard)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.shard, self.of)
    }
}

/// The number of the shard, counted from 1, as the variables of schedulers say.
fn automatic(text: &str, of: u32, variable: impl Fn(&str) -> Option<String>) -> Result<u64, ShardError> {
    let read = |name: &str| {
        let Some(value) = variable(name).filter(|value| !value.is_empty()) else { return Ok(None) };
        let malformed = || ShardError(format!("--shard {text}: {name} is {value:?}, which is not a whole number"));
        value.trim().parse::<u64>().map(Some).map_err(|_| malformed())
    };
    let (slurm, kubernetes) = (read(SLURM)?, read(KUBERNETES)?.map(|index| index.saturating_add(1)));
    match (slurm, kubernetes) {
        (Some(slurm), Some(kubernetes)) if slurm != kubernetes => Err(ShardError(format!(
            "--shard {text}: {SLURM} says shard {slurm} and {KUBERNETES} says shard {kubernetes}; unset one of them"
        ))),
        (Some(0), _) => Err(ShardError(format!(
            "--shard {text}: {SLURM} is 0, but shards count from 1: submit the array with --array=1-{of}"
        ))),
        (Some(number), _) | (None, Some(number)) => Ok(number),
        (None, None) => Err(ShardError(format!(
            "--shard {text}: neither {SLURM} nor {KUBERNETES} says which shard this is; write its number, such as \
             --shard 1/{of}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str, variables: &[(&str, &str)]) -> Result<Shard, String> {
        let variable =
            |name: &str| variables.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned());
        Shard::parse(text, variable).map_err(|error| error.to_string())
    }

    #[test]
    fn shards_are_named_by_number_or_by_a_scheduler() {
        let shard = |shard, of| Ok(Shard { shard, of });
        assert_eq!(parse("2/5", &[]), shard(2, 5));
        assert_eq!(parse("auto/5", &[(SLURM, "5")]), shard(5, 5));
        assert_eq!(parse("auto/5", &[(KUBERNETES, "0")]), shard(1, 5));
        assert_eq!(parse("auto/5", &[(SLURM, "3"), (KUBERNETES, "2")]), shard(3, 5));
        assert_eq!(parse("auto/5", &[(SLURM, ""), (KUBERNETES, "4")]), shard(5, 5));
        let cases: &[(&str, &[(&str, &str)])] = &[
            ("7/5", &[]),
            ("0/5", &[]),
            ("1/0", &[]),
            ("-1/5", &[]),
            ("a/5", &[]),
            ("5", &[]),
            ("1/5/6", &[]),
            ("4294967297/5", &[]),
            ("1/4294967295", &[]),
            ("auto/5", &[]),
            ("auto/5", &[(SLURM, "0")]),
            ("auto/5", &[(SLURM, "6")]),
            ("auto/5", &[(KUBERNETES, "5")]),
            ("auto/5", &[(SLURM, "x")]),
            ("auto/5", &[(SLURM, "1"), (KUBERNETES, "1")]),
            ("auto/5", &[(KUBERNETES, "18446744073709551615")]),
        ];
        let said: Vec<_> = cases.iter().map(|(text, variables)| parse(text, variables).expect_err(text)).collect();
        insta::assert_snapshot!(said.join("\n"));
    }

    proptest! {
        #[test]
        fn every_unit_belongs_to_one_shard(of in 1..40u32, units in 0..500u64) {
            let shards: Vec<_> = (1..=of).map(|shard| Shard { shard, of }).collect();
            for unit in 0..units {
                prop_assert_eq!(shards.iter().filter(|shard| shard.has(unit)).count(), 1);
            }
            for shard in shards {
                let has = (0..units).filter(|unit| shard.has(*unit)).count() as u64;
                prop_assert_eq!(shard.count(units), has);
                prop_assert_eq!(Shard::of_file_name(&shard.file_name()), Some(shard));
            }
        }
    }
}

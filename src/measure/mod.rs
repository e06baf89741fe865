//! What a run means in numbers.
//!
//! A [`ledger::Ledger`] folds the facts of a run into a [`tally::Tally`], which merges with others. Everything that is
//! printed is derived from tallies here, once: reports only format it.

pub mod age;
pub mod agreement;
pub mod chronicle;
pub mod comparison;
pub mod dimension;
pub mod expected;
pub mod fact;
pub mod fault_report;
mod forgeries;
pub mod glimpse;
pub mod histogram;
pub mod judgement;
pub mod ledger;
pub mod prices;
pub mod quotient;
pub mod records;
pub mod rhythm;
pub mod sample;
pub mod seconds;
pub mod statistics;
pub mod story;
pub mod summary;
pub mod tally;
mod view;
pub mod warmup;
pub mod worth;

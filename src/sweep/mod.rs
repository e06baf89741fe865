//! Many runs of one scenario whose keys take other values from point to point.
//!
//! A [`plan::Plan`] says which units there are: unit k is a point and a replication, k = point x replications + replication.
//! What a unit comes to depends on nothing but the plan and k, so units can be played in any order, on any number of
//! threads, and on any number of machines ([`shard`]). Each becomes one line of a file with a checksum ([`units`]), as
//! soon as it is played; every result file is made from these lines, in the order of the units ([`files`]).

pub mod crossover;
pub mod difference;
pub mod emit;
pub mod estimate;
pub mod files;
pub mod header;
mod json;
pub mod merge;
pub mod plan;
pub mod play;
pub mod results;
pub mod shard;
pub mod table;
pub mod unit;
pub mod units;

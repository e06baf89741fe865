//! pushpull
#![warn(missing_docs)]

pub mod distribution;
pub mod engine;
pub mod link;
pub mod measure;
pub mod peer;
pub mod policy;
pub mod scenario;
pub mod seed;
pub mod time;
pub mod window;
pub mod wire;
pub mod workload;

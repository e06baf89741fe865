//! Poll the API, or take webhooks? pushpull plays both against the very same events and says what each costs.
//!
//! The heart is sans-IO: [`policy`] holds pure state machines that own every decision, and two engines drive them,
//! [`engine::sim`] in virtual time and [`engine::live`] over real HTTP. `ARCHITECTURE.md` shows the layers and where to
//! change what; a test holds the imports against it.
#![warn(missing_docs)]

pub mod cli;
pub mod deadlines;
pub mod distribution;
pub mod engine;
pub mod evaluation;
pub mod fault;
pub mod lab;
pub mod link;
pub mod measure;
pub mod peer;
pub mod policy;
pub mod report;
pub mod roles;
pub mod run;
pub mod scenario;
pub mod seed;
pub mod sweep;
pub mod theory;
pub mod time;
pub mod window;
pub mod wire;
pub mod workload;

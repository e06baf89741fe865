//! Every decision that System A and System B take, as pure state machines.
//!
//! A part (poller, feed, dispatcher, receiver) is told what happened and when, and says what to do next. It knows no
//! socket, no clock, no engine and no file, and it cannot fail. [`consumer::Consumer`] and [`provider::Provider`] join the
//! parts to the two peers that an engine drives.

mod answers;
pub mod consumer;
pub mod dedupe;
pub mod dispatcher;
pub mod feed;
pub mod fixed_window;
pub mod forger;
pub mod held;
pub mod inbox;
pub mod limits;
mod numbers;
mod outage;
pub mod poller;
pub mod provider;
pub mod receiver;
pub mod record_poller;
mod retention;
pub mod retry;
pub mod signature;
pub mod workers;

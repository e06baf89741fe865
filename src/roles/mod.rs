//! One side alone, against a system of the user's own: [`provider`] is System B, [`receiver`] is System A's endpoint.
//!
//! Neither keeps what it saw: counts and histograms are all that stays of an exchange, so a run may take as long as it likes.

pub mod fields;
mod lines;
pub mod provider;
pub mod receiver;
pub mod secrets;
pub mod url;

use std::net::IpAddr;

/// Why a role that is to meet others than this machine's own was not started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{address} is not a loopback address, so that others than this machine could call; --allow-remote says that they may"
)]
pub struct NotLoopback {
    /// The address.
    pub address: IpAddr,
}

/// Whether a server may bind to an address.
///
/// # Errors
///
/// If it is not a loopback address and others are not allowed.
pub fn check_bind(address: IpAddr, allow_remote: bool) -> Result<(), NotLoopback> {
    if address.is_loopback() || allow_remote { Ok(()) } else { Err(NotLoopback { address }) }
}

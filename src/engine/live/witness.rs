//! Who watches System B when it plays alone, and where its webhooks go then.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::ServerName;

use super::pool::Connecting;
use super::tls::Trust;
use crate::measure::fact::Fact;
use crate::peer::Exchange;
use crate::time::Time;
use crate::wire::vendor_api::Worth;
use crate::wire::{Message, Start};

/// Watches a provider that plays alone. It is told everything as it happens, and keeps what it wants to.
pub trait Witness {
    /// The run starts at this Unix time, in nanoseconds.
    fn starts(&self, epoch_nanos: i128);

    /// Something happened.
    fn saw(&self, at: Time, fact: &Fact);

    /// A webhook was answered with this HTTP status. That its exchange has ended is told after this.
    fn answered(&self, exchange: Exchange, status: u16);

    /// A webhook brought no answer. That its exchange has ended is told after this.
    fn failed(&self, exchange: Exchange, failure: Failure);

    /// Somebody who is not a client of the run called the API.
    fn called(&self, call: &Call<'_>);

    /// Whether nothing that has occurred is still to be delivered.
    fn is_settled(&self) -> bool;
}

/// Why an attempt brought no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nobody took the connection.
    NoConnection,
    /// There was no connection because too many files are open here; nothing is known of the other side.
    OutOfFiles,
    /// Somebody took the connection, but could not prove over TLS to be the one who was called.
    NotTrusted,
    /// There was a connection, but no whole answer in HTTP came over it.
    BadAnswer,
}

/// A request to the API of a provider that plays alone, with its answer.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Its path, without the query.
    pub path: &'a str,
    /// The size of the request on the wire.
    pub bytes_in: u64,
    /// The HTTP status of the answer.
    pub status: u16,
    /// What the answer is worth to whoever called.
    pub worth: Worth,
    /// The size of the answer on the wire.
    pub bytes_out: u64,
}

/// Where webhooks go.
#[derive(Clone, Debug)]
pub struct Destination {
    /// Where to connect to.
    pub address: SocketAddr,
    /// What the `Host` header says.
    pub host: String,
    /// The path, with the query if there is one.
    pub path: String,
    /// Over TLS, whom to trust, and whose certificate it has to be.
    pub tls: Option<(Trust, String)>,
}

impl Destination {
    /// How webhooks connect to it.
    pub(super) fn connecting(&self) -> io::Result<Connecting> {
        let Some((trust, name)) = &self.tls else { return Ok(Connecting::PLAIN) };
        let name = ServerName::try_from(name.clone()).map_err(io::Error::other)?;
        Ok(Connecting { tls: Some(Arc::clone(&trust.0)), name: Some(name), ..Connecting::PLAIN })
    }

    /// Puts this destination into a request.
    pub(super) fn address(&self, message: &mut Message) {
        if let Start::Request(_, path) = &mut message.start {
            path.clone_from(&self.path);
        }
        for (_, value) in message.headers.iter_mut().filter(|(name, _)| *name == "host") {
            *value = self.host.clone().into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_goes_where_the_user_said_and_is_otherwise_the_same() {
        let address = ([127, 0, 0, 1], 8080).into();
        let destination =
            Destination { address, host: "localhost:8080".into(), path: "/hooks?tenant=7".into(), tls: None };
        let headers = vec![("host", "consumer.localhost".into()), ("user-agent", "pushpull".into())];
        let start = Start::Request("POST", "/webhooks/0".into());
        let mut message = Message { start, headers, body: b"{}".to_vec() };
        destination.address(&mut message);
        assert_eq!(message.start, Start::Request("POST", "/hooks?tenant=7".into()));
        assert_eq!(message.headers, [("host", "localhost:8080".into()), ("user-agent", "pushpull".into())]);
        assert_eq!(message.body, b"{}");
    }
}

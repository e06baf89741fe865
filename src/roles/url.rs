//! The address that a user gives for webhooks: where it leads to, and whether they may go there.

use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use http::Uri;

use crate::engine::live::Destination;

/// How long to try each address of a name that has several.
const PROBE: Duration = Duration::from_secs(1);

/// Why no webhooks can go to an address.
#[derive(Debug, thiserror::Error)]
pub enum UrlError {
    /// It is no URL.
    #[error("--webhook-url is not a URL with a host; write one such as http://127.0.0.1:8080/webhooks")]
    Malformed,
    /// It names no host.
    #[error("--webhook-url names no host before the port; write one such as http://127.0.0.1:8080/webhooks")]
    NoHost,
    /// Its port is 0.
    #[error("--webhook-url has port 0, where nobody can listen; write the port on which the receiver listens")]
    PortZero,
    /// It asks for TLS.
    #[error(
        "--webhook-url begins with https, which pushpull does not speak; give the http address behind the TLS proxy, on \
         this machine"
    )]
    Https,
    /// It is for another protocol.
    #[error("--webhook-url begins with {0}; pushpull sends webhooks over http")]
    OtherScheme(String),
    /// It holds a user name.
    #[error("--webhook-url holds a user name or password, which webhooks do not send; leave it out")]
    UserInfo,
    /// Its host has no address.
    #[error("--webhook-url: no address is known for the host {host}: {source}")]
    Unknown {
        /// The host.
        host: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// It leads to another machine.
    #[error(
        "--webhook-url leads to {address}, which is not this machine's loopback; webhooks to a system that is not yours \
         are an attack. If it is yours, --allow-remote says so"
    )]
    Remote {
        /// Where it leads.
        address: SocketAddr,
    },
}

/// Finds where a URL leads to. From then on that is where webhooks go, whatever its name may stand for later.
///
/// # Errors
///
/// If it is not an http URL, or leads to another machine and may not.
pub fn resolve(text: &str, allow_remote: bool) -> Result<Destination, UrlError> {
    if text.strip_prefix("http://").is_some_and(|rest| rest.starts_with(':')) {
        return Err(UrlError::NoHost);
    }
    let uri: Uri = text.parse().map_err(|_| UrlError::Malformed)?;
    match uri.scheme_str() {
        Some("http") => {}
        Some("https") => return Err(UrlError::Https),
        Some(other) => return Err(UrlError::OtherScheme(other.to_owned())),
        None => return Err(UrlError::Malformed),
    }
    let authority = uri.authority().ok_or(UrlError::Malformed)?;
    if authority.as_str().contains('@') {
        return Err(UrlError::UserInfo);
    }
    // The library takes a port that is too large for none.
    let port = match authority.as_str().strip_prefix(authority.host()) {
        Some("") => 80,
        Some(rest) => rest.strip_prefix(':').and_then(|port| port.parse().ok()).ok_or(UrlError::Malformed)?,
        None => return Err(UrlError::Malformed),
    };
    if port == 0 {
        return Err(UrlError::PortZero);
    }
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    let unknown = |source| UrlError::Unknown { host: host.to_owned(), source };
    let addresses: Vec<SocketAddr> = (host, port).to_socket_addrs().map_err(unknown)?.collect();
    if let Some(&address) = addresses.iter().find(|address| !address.ip().is_loopback() && !allow_remote) {
        return Err(UrlError::Remote { address });
    }
    let address = choose(&addresses).ok_or_else(|| unknown(std::io::ErrorKind::NotFound.into()))?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    Ok(Destination { address, host: authority.as_str().to_owned(), path: path.to_owned() })
}

/// The first address that takes a connection, or else the first. A single one is not tried.
fn choose(addresses: &[SocketAddr]) -> Option<SocketAddr> {
    let takes = |address: &&SocketAddr| TcpStream::connect_timeout(address, PROBE).is_ok();
    match addresses {
        [] | [_] => addresses.first(),
        several => several.iter().find(takes).or(several.first()),
    }
    .copied()
}

/// A destination as people read it. What stands in its query may be meant for the receiver alone.
pub fn show(destination: &Destination) -> String {
    let (path, query) = destination.path.split_once('?').map_or((&*destination.path, ""), |(path, _)| (path, "?..."));
    format!("http://{}{path}{query}", destination.host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_and_query_are_kept() {
        let destination = resolve("http://127.0.0.1:8080/hooks/a?token=1", false).unwrap();
        assert_eq!(destination.address, ([127, 0, 0, 1], 8080).into());
        assert_eq!((&*destination.host, &*destination.path), ("127.0.0.1:8080", "/hooks/a?token=1"));
        assert_eq!(show(&destination), "http://127.0.0.1:8080/hooks/a?...");
        let bare = resolve("http://[::1]", false).unwrap();
        assert_eq!((bare.address, &*bare.path), ("[::1]:80".parse().unwrap(), "/"));
    }

    #[test]
    fn other_machines_are_refused_unless_allowed() {
        assert!(matches!(resolve("http://192.0.2.1/", false), Err(UrlError::Remote { .. })));
        assert!(resolve("http://192.0.2.1/", true).is_ok());
        assert!(matches!(resolve("http://0.0.0.0:80/", false), Err(UrlError::Remote { .. })));
    }

    #[test]
    fn what_is_no_http_url_is_refused() {
        for text in ["", "x y", "/hooks", "localhost:8080", "http://", "http://127.0.0.1:/", "http://127.0.0.1:99999/"]
        {
            assert!(resolve(text, true).is_err(), "{text}");
        }
        assert!(matches!(resolve("http://:9/", true), Err(UrlError::NoHost)));
        assert!(matches!(resolve("http://127.0.0.1:0/", true), Err(UrlError::PortZero)));
        assert!(matches!(resolve("https://localhost/", true), Err(UrlError::Https)));
        assert!(matches!(resolve("ftp://localhost/", true), Err(UrlError::OtherScheme(_))));
        assert!(matches!(resolve("http://me:secret@localhost/", true), Err(UrlError::UserInfo)));
    }
}

//! The address that a user gives for webhooks: where it leads to, and whether they may go there.

use std::fs::File;
use std::io::{self, Read as _};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Uri;

use crate::engine::live::{Destination, Trust};

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
    /// It asks for TLS, and nobody is known to trust.
    #[error(
        "--webhook-url begins with https, but this system trusts no certification authority: {0}; name one that the \
         receiver's certificate goes back to with --ca-file"
    )]
    NobodyToTrust(std::io::Error),
    /// The file with those to trust is none.
    #[error("cannot read certificates from {}: {source}; --ca-file takes a PEM file", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: std::io::Error,
    },
    /// There is nobody to be trusted.
    #[error("--ca-file means nothing for an http URL, whose receiver proves nothing; leave it out or write https")]
    CaFileWithoutTls,
    /// Its host cannot stand in a certificate.
    #[error("--webhook-url has the host {0}, which no certificate can be made out to")]
    NoName(String),
    /// It is for another protocol.
    #[error("--webhook-url begins with {0}; pushpull sends webhooks over http and https")]
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
/// If it is not an http or https URL, or leads to another machine and may not, or https is asked for and nobody can be
/// trusted. `ca_file` names the only certificates to trust; without it those are trusted that this system trusts.
pub fn resolve(text: &str, allow_remote: bool, ca_file: Option<&Path>) -> Result<Destination, UrlError> {
    if text.split_once("://").is_some_and(|(scheme, rest)| scheme.starts_with("http") && rest.starts_with(':')) {
        return Err(UrlError::NoHost);
    }
    let uri: Uri = text.parse().map_err(|_| UrlError::Malformed)?;
    let is_encrypted = match uri.scheme_str() {
        Some("http") => false,
        Some("https") => true,
        Some(other) => return Err(UrlError::OtherScheme(other.to_owned())),
        None => return Err(UrlError::Malformed),
    };
    if ca_file.is_some() && !is_encrypted {
        return Err(UrlError::CaFileWithoutTls);
    }
    let authority = uri.authority().ok_or(UrlError::Malformed)?;
    if authority.as_str().contains('@') {
        return Err(UrlError::UserInfo);
    }
    // The library takes a port that is too large for none.
    let port = match authority.as_str().strip_prefix(authority.host()) {
        Some("") if is_encrypted => 443,
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
    let tls = if is_encrypted { Some((trust(ca_file)?, host.to_owned())) } else { None };
    if tls.is_some() && !Trust::can_name(host) {
        return Err(UrlError::NoName(host.to_owned()));
    }
    Ok(Destination { address, host: authority.as_str().to_owned(), path: path.to_owned(), tls })
}

/// The largest file of certificates that is read.
const CA_FILE_MAX: u64 = 16 << 20;

/// Whom to trust: those in the file, or else those that this system trusts.
fn trust(ca_file: Option<&Path>) -> Result<Trust, UrlError> {
    let Some(path) = ca_file else { return Trust::of_the_system().map_err(UrlError::NobodyToTrust) };
    let read = || {
        let mut pem = Vec::new();
        File::open(path)?.take(CA_FILE_MAX + 1).read_to_end(&mut pem)?;
        if pem.len() as u64 > CA_FILE_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        Trust::only(&pem)
    };
    read().map_err(|source| UrlError::CaFile { path: path.to_owned(), source })
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
    let scheme = if destination.tls.is_some() { "https" } else { "http" };
    format!("{scheme}://{}{path}{query}", destination.host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_and_query_are_kept() {
        let destination = resolve("http://127.0.0.1:8080/hooks/a?token=1", false, None).unwrap();
        assert_eq!(destination.address, ([127, 0, 0, 1], 8080).into());
        assert_eq!((&*destination.host, &*destination.path), ("127.0.0.1:8080", "/hooks/a?token=1"));
        assert_eq!(show(&destination), "http://127.0.0.1:8080/hooks/a?...");
        let bare = resolve("http://[::1]", false, None).unwrap();
        assert_eq!((bare.address, &*bare.path), ("[::1]:80".parse().unwrap(), "/"));
    }

    #[test]
    fn other_machines_are_refused_unless_allowed() {
        assert!(matches!(resolve("http://192.0.2.1/", false, None), Err(UrlError::Remote { .. })));
        assert!(resolve("http://192.0.2.1/", true, None).is_ok());
        assert!(matches!(resolve("http://0.0.0.0:80/", false, None), Err(UrlError::Remote { .. })));
    }

    #[test]
    fn what_is_no_http_url_is_refused() {
        for text in ["", "x y", "/hooks", "localhost:8080", "http://", "http://127.0.0.1:/", "http://127.0.0.1:99999/"]
        {
            assert!(resolve(text, true, None).is_err(), "{text}");
        }
        assert!(matches!(resolve("http://:9/", true, None), Err(UrlError::NoHost)));
        assert!(matches!(resolve("http://127.0.0.1:0/", true, None), Err(UrlError::PortZero)));
        let ca_file = Some(Path::new("none.pem"));
        assert!(matches!(resolve("https://localhost/", true, ca_file), Err(UrlError::CaFile { .. })));
        assert!(matches!(resolve("http://localhost/", true, ca_file), Err(UrlError::CaFileWithoutTls)));
        assert!(matches!(resolve("ftp://localhost/", true, None), Err(UrlError::OtherScheme(_))));
        assert!(matches!(resolve("http://me:secret@localhost/", true, None), Err(UrlError::UserInfo)));
    }
}

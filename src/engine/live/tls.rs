//! Real TLS for a run: a certificate that is made when the run is set up, and that nobody but this run's clients trusts.
//!
//! Only TLS 1.3 is spoken, every handshake is a whole one (RFC 8446, section 2), and the clients verify what the servers
//! show: that the certificate is the run's own, and that it names the address they called.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use rcgen::CertifiedKey;
use rustls::client::Resumption;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

/// How both ends of the connections of a run encrypt them.
#[derive(Clone, Debug)]
pub(super) struct Tls {
    pub(super) server: Arc<ServerConfig>,
    pub(super) client: Arc<ClientConfig>,
    /// The certificate as text (PEM), for whoever else wants to call this run.
    pub(super) certificate: String,
}

/// The only implementation of the ciphers that is compiled in.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

impl Tls {
    /// Makes a key and a certificate for this machine's loopback and for the address that the servers bind to.
    ///
    /// # Errors
    ///
    /// The system has refused randomness.
    pub(super) fn new(bind: IpAddr) -> io::Result<Self> {
        let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
        if !bind.is_loopback() && !bind.is_unspecified() {
            names.push(bind.to_string());
        }
        let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(names).map_err(io::Error::other)?;
        let key = PrivatePkcs8KeyDer::from(signing_key.serialize_der());
        let server = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key.into()));
        let mut server = server.map_err(io::Error::other)?;
        // A ticket would let a client shorten its next handshake.
        server.send_tls13_tickets = 0;
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).map_err(io::Error::other)?;
        Ok(Self { server: Arc::new(server), client: Arc::new(client(roots)?), certificate: cert.pem() })
    }
}

/// A client that trusts these roots and no others.
fn client(roots: RootCertStore) -> io::Result<ClientConfig> {
    let builder = ClientConfig::builder_with_provider(provider()).with_protocol_versions(&[&rustls::version::TLS13]);
    let mut client = builder.map_err(io::Error::other)?.with_root_certificates(roots).with_no_client_auth();
    client.resumption = Resumption::disabled();
    Ok(client)
}

/// Whom a client trusts that calls a system of the user's own over TLS.
#[derive(Clone, Debug)]
pub struct Trust(pub(super) Arc<ClientConfig>);

impl Trust {
    /// The certification authorities that this system trusts.
    ///
    /// # Errors
    ///
    /// None are to be found.
    pub fn of_the_system() -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        let loaded = rustls_native_certs::load_native_certs();
        let (added, _) = roots.add_parsable_certificates(loaded.certs);
        if added == 0 {
            let because = loaded.errors.into_iter().next();
            return Err(because.map_or_else(|| io::ErrorKind::NotFound.into(), io::Error::other));
        }
        Self::new(roots)
    }

    /// The certificates in a text (PEM), and no others.
    ///
    /// # Errors
    ///
    /// It is no such text, or holds no certificate.
    pub fn only(pem: &[u8]) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            roots.add(certificate.map_err(io::Error::other)?).map_err(io::Error::other)?;
        }
        if roots.is_empty() {
            return Err(io::Error::other("there is no certificate in it"));
        }
        Self::new(roots)
    }

    /// Whether a certificate can be made out to this host name or address.
    pub fn can_name(host: &str) -> bool {
        ServerName::try_from(host).is_ok()
    }

    /// Systems of the user's own may be older than TLS 1.3.
    fn new(roots: RootCertStore) -> io::Result<Self> {
        let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        let client = builder.map_err(io::Error::other)?.with_root_certificates(roots).with_no_client_auth();
        Ok(Self(Arc::new(client)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;
    use tokio::net::{TcpListener, TcpStream};

    /// Whether a client of one run can talk to a server of another, or of its own, that it knows by this name.
    fn meet(server: &Tls, client: &Tls, name: &'static str) -> io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let address = listener.local_addr()?;
            let acceptor = tokio_rustls::TlsAcceptor::from(Arc::clone(&server.server));
            let connector = tokio_rustls::TlsConnector::from(Arc::clone(&client.client));
            let accept = async { acceptor.accept(listener.accept().await?.0).await };
            let connect = async {
                let name = ServerName::try_from(name).map_err(io::Error::other)?;
                connector.connect(name, TcpStream::connect(address).await?).await
            };
            let (accepted, connected) = tokio::join!(accept, connect);
            let version = connected?.get_ref().1.protocol_version();
            assert_eq!(version, Some(rustls::ProtocolVersion::TLSv1_3));
            accepted.map(drop)
        })
    }

    #[test]
    fn a_run_trusts_itself_and_nobody_else() {
        let [own, other] = [(); 2].map(|()| Tls::new(Ipv4Addr::LOCALHOST.into()).expect("randomness"));
        assert!(own.certificate.starts_with("-----BEGIN CERTIFICATE-----"));
        for name in ["localhost", "127.0.0.1", "::1"] {
            meet(&own, &own, name).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        let refused = meet(&own, &other, "localhost").expect_err("another run's certificate");
        assert!(refused.to_string().starts_with("invalid peer certificate"), "{refused}");
        let refused = meet(&own, &own, "example.com").expect_err("another name");
        assert!(refused.to_string().contains("not valid for name"), "{refused}");
        assert!(Trust::only(own.certificate.as_bytes()).is_ok());
        assert!(Trust::only(b"nothing").is_err() && Trust::only(b"").is_err());
    }
}

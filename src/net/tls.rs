//! A TLS handshake that asks one thing only: does the certificate name this host, and does the peer hold its key?
//!
//! There is no chain of trust, and no date is looked at: a company's intercepting proxy, whose authority only its own
//! machines know, still leads to the internet, and a node's clock may be wrong. So nothing secret may travel here.

use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned,
};

use super::stream::Trouble;

/// Why the peer is not the host that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its certificate names these, or nothing at all.
    Names(String),
    /// What answers speaks no TLS.
    NotTls,
    /// There was no whole handshake.
    Trouble(Trouble),
}

/// Whether a certificate can name this host: a name of letters, digits, dots and dashes, or an address.
pub fn is_host(host: &str) -> bool {
    ServerName::try_from(host).is_ok()
}

/// The stream with TLS in it, where the peer is this host.
pub fn over<S: Read + Write>(mut stream: S, host: &str) -> Result<StreamOwned<ClientConnection, S>, Refusal> {
    let trouble = |error: Error| Refusal::Trouble(Trouble::Other(error.to_string()));
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| Refusal::Trouble(Trouble::Other(format!("{host} is no host name"))))?;
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(trouble)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(NameOnly(provider)))
        .with_no_client_auth();
    let mut connection = ClientConnection::new(Arc::new(config), name).map_err(trouble)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream).map_err(|error| refusal(&error))?;
    }
    Ok(StreamOwned::new(connection, stream))
}

fn refusal(error: &io::Error) -> Refusal {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::InvalidCertificate(CertificateError::NotValidForNameContext { presented, .. })) => {
            // Each comes as `DnsName("portal.local")`.
            let names = presented.iter().map(|name| name.split('"').nth(1).unwrap_or(name));
            Refusal::Names(printable(&names.take(3).collect::<Vec<_>>().join(", ")))
        }
        Some(Error::InvalidCertificate(CertificateError::NotValidForName)) => Refusal::Names(String::new()),
        Some(Error::InvalidMessage(_)) => Refusal::NotTls,
        Some(error) => Refusal::Trouble(Trouble::Other(format!("the TLS handshake fails: {error}"))),
        None => Refusal::Trouble(error.into()),
    }
}

/// A stranger's text without what would drive the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).take(200).collect()
}

/// Looks at the name in the certificate and at the handshake's signature.
#[derive(Debug)]
struct NameOnly(Arc<CryptoProvider>);

impl ServerCertVerifier for NameOnly {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        verify_server_name(&ParsedCertificate::try_from(certificate)?, name).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::clock;
    use crate::net::stream;
    use std::net::TcpListener;
    use std::time::Duration;

    #[test]
    fn hosts_are_names_and_addresses() {
        for right in ["huggingface.co", "a", "127.0.0.1", "::1", "my_host.local"] {
            assert!(is_host(right), "{right}");
        }
        for wrong in ["", "a b", "käse.de", "a..b", "[::1]", "fe80::1%eth0", "a/b"] {
            assert!(!is_host(wrong), "{wrong}");
        }
    }

    #[test]
    fn what_speaks_no_tls_or_nothing_is_told_apart() {
        let answers: [(&[u8], Refusal); 2] =
            [(b"HTTP/1.1 400 Bad Request\r\n\r\n", Refusal::NotTls), (b"", Refusal::Trouble(Trouble::Closed))];
        for (answer, wanted) in answers {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = listener.local_addr().unwrap();
            let server = std::thread::spawn(move || {
                let (mut peer, _) = listener.accept().unwrap();
                let _ = peer.read(&mut [0; 4096]);
                let _ = peer.write_all(answer);
            });
            let stream = stream::connect(address, clock::now() + Duration::from_secs(5)).unwrap();
            assert_eq!(over(stream, "huggingface.co").err(), Some(wanted));
            server.join().unwrap();
        }
    }
}

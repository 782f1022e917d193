//! TLS with a peer that somebody vouches for: the system's authorities, those of a file, or nobody at all.
//!
//! Beside [`super::tls`], which asks for a name alone and to which nothing secret may be said: here a key may travel.

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    StreamOwned,
};

use super::stream::Trouble;
use crate::host::{Host, files};

/// Where distributions keep the authorities that they trust: Debian, Red Hat, SUSE, older Red Hat, Alpine.
const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Why the peer is not spoken with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Distrust {
    /// Its certificate is not good enough: a short sentence.
    Certificate(String),
    /// What answers speaks no TLS.
    NotTls,
    /// There was no whole handshake.
    Trouble(Trouble),
}

/// Whose word counts.
#[derive(Clone, Debug)]
pub struct Trust(Arc<ClientConfig>);

impl Trust {
    /// The authorities of the system: `SSL_CERT_FILE`, else the first bundle that is there.
    ///
    /// # Errors
    /// A sentence: there are none, or a file that cannot be read.
    pub fn of_system(host: &Host) -> Result<Self, String> {
        let named = host.nonempty("SSL_CERT_FILE").map(|path| host.locate(Path::new(&path)));
        let usual = || BUNDLES.iter().map(|path| host.locate(Path::new(path))).find(|path| files::exists(path));
        let file = named.or_else(usual).ok_or("this system has no bundle of certificate authorities")?;
        Self::of_file(&file)
    }

    /// The certificates of a PEM file: authorities, or the very certificate that a server shows.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub fn of_file(file: &Path) -> Result<Self, String> {
        let told = |why: &str| format!("{}: {why}", file.display());
        let text = files::read(file).map_err(|error| told(&error.to_string()))?;
        let known: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(&text).collect::<Result<_, _>>().map_err(|_| told("it is no PEM file"))?;
        let mut roots = RootCertStore::empty();
        // A bundle may hold one that cannot be read; what is no authority is good for itself.
        roots.add_parsable_certificates(known.iter().cloned());
        if known.is_empty() {
            return Err(told("there is no certificate in it"));
        }
        let provider = Arc::new(ring::default_provider());
        let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().ok();
        Self::made(Peer { provider, whom: Some((known, chain)) })
    }

    /// Whoever answers.
    ///
    /// # Errors
    /// A sentence; never, as the program is built.
    pub fn of_anybody() -> Result<Self, String> {
        Self::made(Peer { provider: Arc::new(ring::default_provider()), whom: None })
    }

    fn made(peer: Peer) -> Result<Self, String> {
        let config = ClientConfig::builder_with_provider(Arc::clone(&peer.provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(peer))
            .with_no_client_auth();
        Ok(Self(Arc::new(config)))
    }

    /// The stream with TLS in it, where the peer is this host by the word of those who count.
    ///
    /// # Errors
    /// [`Distrust`]
    pub fn over<S: Read + Write>(
        &self,
        mut stream: S,
        host: &str,
    ) -> Result<StreamOwned<ClientConnection, S>, Distrust> {
        let other = |why: String| Distrust::Trouble(Trouble::Other(why));
        let name = ServerName::try_from(host.to_owned()).map_err(|_| other(format!("{host} is no host name")))?;
        let mut connection =
            ClientConnection::new(Arc::clone(&self.0), name).map_err(|error| other(error.to_string()))?;
        while connection.is_handshaking() {
            connection.complete_io(&mut stream).map_err(|error| distrust(&error, host))?;
        }
        Ok(StreamOwned::new(connection, stream))
    }
}

fn distrust(error: &io::Error, host: &str) -> Distrust {
    let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
        return Distrust::Trouble(error.into());
    };
    match inner {
        Error::InvalidCertificate(why) => Distrust::Certificate(match why {
            CertificateError::UnknownIssuer => "its certificate is signed by nobody whom this node trusts".into(),
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "its certificate has expired".to_owned()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "its certificate is not valid yet, by this node's clock".into()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                format!("its certificate does not name {host}")
            }
            why => format!("its certificate is not good: {why}"),
        }),
        Error::InvalidMessage(_) => Distrust::NotTls,
        error => Distrust::Trouble(Trouble::Other(format!("the TLS handshake fails: {error}"))),
    }
}

/// Decides about a certificate.
#[derive(Debug)]
struct Peer {
    provider: Arc<CryptoProvider>,
    /// These certificates themselves, and what those among them vouch for that are authorities; `None`: anybody.
    whom: Option<(Vec<CertificateDer<'static>>, Option<Arc<WebPkiServerVerifier>>)>,
}

impl ServerCertVerifier for Peer {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match &self.whom {
            None => Ok(ServerCertVerified::assertion()),
            // A certificate that a server has signed itself is no authority to webpki, whatever it says of itself.
            Some((known, _)) if known.iter().any(|known| known.as_ref() == certificate.as_ref()) => {
                let parsed = ParsedCertificate::try_from(certificate)?;
                verify_server_name(&parsed, name).map(|()| ServerCertVerified::assertion())
            }
            Some((_, Some(authorities))) => authorities.verify_server_cert(certificate, chain, name, ocsp, now),
            Some((_, None)) => Err(CertificateError::UnknownIssuer.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::disallowed_methods)] // a file of the test's own
    fn what_holds_no_certificate_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("ca.pem");
        assert!(Trust::of_file(&file).unwrap_err().contains("ca.pem: "));
        std::fs::write(&file, "# nothing\n").unwrap();
        assert!(Trust::of_file(&file).unwrap_err().ends_with("ca.pem: there is no certificate in it"));
        std::fs::write(&file, "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n").unwrap();
        assert!(Trust::of_file(&file).unwrap_err().ends_with("ca.pem: it is no PEM file"));
        assert!(Trust::of_anybody().is_ok());
        let host = Host::pretend(dir.path(), &[], Box::new(io::sink()), Box::new(io::sink()));
        assert_eq!(Trust::of_system(&host).err().unwrap(), "this system has no bundle of certificate authorities");
    }
}

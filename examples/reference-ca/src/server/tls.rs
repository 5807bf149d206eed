use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime},
    server::danger::{ClientCertVerified, ClientCertVerifier},
    time_provider::TimeProvider,
};
use tokio_rustls::TlsAcceptor;
use x509_cert::der::Encode;

use super::ServerError;
use crate::House;

/// TLS 1.2 and 1.3 with the house's server certificate; a client certificate is asked for and not demanded.
pub(super) fn acceptor(
    house: &House,
    clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
) -> Result<TlsAcceptor, ServerError> {
    let (key, chain) = house.tls_identity()?;
    let key = key.to_pkcs8().map_err(|_| Error::General("the key cannot be exported".into()))?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.to_vec()));
    let chain = chain.into_iter().map(|certificate| CertificateDer::from(certificate.der)).collect();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let holders = Arc::new(Holders::new(house, &provider));
    let mut config = rustls::ServerConfig::builder_with_details(provider, Arc::new(Clock(clock)))
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(holders)
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Admits every certificate whose key signed the handshake, and leaves it to the CA's rules what it is worth: a certificate
/// that has expired, or is another CA's, gets an answer that says so instead of a TLS alert.
///
/// Nobody is let in by that. What a connection may do is decided by [`obnova_ca::Ca::login`] and [`obnova_ca::Ca::answer`],
/// which look the certificate up, byte for byte, among those that the CA issued.
#[derive(Debug)]
struct Holders {
    issuers: Vec<DistinguishedName>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Holders {
    fn new(house: &House, provider: &CryptoProvider) -> Self {
        let issuers = house.ca().certificates().filter_map(|certificate| {
            let subject = certificate.certificate.tbs_certificate().subject().to_der().ok()?;
            Some(DistinguishedName::from(subject))
        });
        Self { issuers: issuers.collect(), algorithms: provider.signature_verification_algorithms }
    }
}

impl ClientCertVerifier for Holders {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.issuers
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl TimeProvider for Clock {
    fn current_time(&self) -> Option<UnixTime> {
        (self.0)().duration_since(UNIX_EPOCH).ok().map(UnixTime::since_unix_epoch)
    }
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

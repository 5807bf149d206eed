use std::sync::Arc;

use obnova_algorithm::verify_digest;
use obnova_card::SignDigest;
use rustls::{
    OtherError, SignatureAlgorithm, SignatureScheme,
    pki_types::SubjectPublicKeyInfoDer,
    sign::{Signer, SigningKey},
};

use crate::{CardKey, LoginError, PinSource, PinUse, login::Record, scheme::CardScheme};

/// The key as rustls sees it.
#[derive(Clone)]
pub(crate) struct CardSigningKey {
    key: CardKey,
    pins: Arc<dyn PinSource>,
    record: Record,
}

impl CardSigningKey {
    pub(crate) fn new(key: CardKey, pins: Arc<dyn PinSource>, record: Record) -> Self {
        Self { key, pins, record }
    }
}

impl SigningKey for CardSigningKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let scheme = self.key.choose(offered)?;
        Some(Box::new(CardSigner { signing: self.clone(), scheme }))
    }

    fn public_key(&self) -> Option<SubjectPublicKeyInfoDer<'_>> {
        Some(self.key.public_key_der())
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        use obnova_algorithm::SignatureAlgorithm::Ecdsa;
        match self.key.choose(&self.key.schemes()).map(|scheme| scheme.card) {
            Some(Ecdsa(_)) => SignatureAlgorithm::ECDSA,
            _ => SignatureAlgorithm::RSA,
        }
    }
}

struct CardSigner {
    signing: CardSigningKey,
    scheme: CardScheme,
}

impl Signer for CardSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rustls::Error> {
        let record = &self.signing.record;
        let result = match record.failure() {
            Some(error) => Err(error),
            None => self.sign_with_card(message).map_err(Arc::new),
        };
        match result {
            Ok(signature) => {
                record.signed(self.scheme.tls);
                Ok(signature)
            }
            Err(error) => {
                record.failed(error.clone());
                Err(OtherError(error).into())
            }
        }
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme.tls
    }
}

impl CardSigner {
    fn sign_with_card(&self, message: &[u8]) -> Result<Vec<u8>, LoginError> {
        let key = &self.signing.key;
        let algorithm = self.scheme.card;
        let digest = algorithm.digest().of(message);
        // The PIN first, the card after: nobody holds the card while a person thinks.
        let pin = self.signing.pins.pin(&PinUse { password: key.password(), slot: key.slot(), role: key.role() })?;
        let signatures = key.token().sign(&[SignDigest { slot: key.slot(), algorithm, digest }], &pin)?;
        drop(pin);
        let signature = signatures.into_iter().next().unwrap_or_default();
        verify_digest(key.public_key(), algorithm, &digest, &signature).map_err(LoginError::WrongSignature)?;
        Ok(signature)
    }
}

impl std::fmt::Debug for CardSigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CardSigningKey").field("key", &self.key).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for CardSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CardSigner").field("scheme", &self.scheme.tls).finish_non_exhaustive()
    }
}

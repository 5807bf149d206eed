use obnova_algorithm::{DigestValue, SignatureAlgorithm};
use obnova_apdu::StatusWord;
use obnova_profile::{KeyRole, command, reference};

use super::keys::Reference;
use super::{Card, Outcome, Refusal, Request, answer, done};
use crate::key_pair::{KeyFailure, KeyPair};
use crate::session::{Environment, Scheme};

impl Card {
    /// MANAGE SECURITY ENVIRONMENT (§5.7).
    pub(super) fn set_environment(&mut self, request: &Request<'_>) -> Outcome {
        let (p1, p2) = command::SET_SIGNATURE;
        request.expect(p1, p2)?;
        self.session.environment = None;
        if !self.state.is_active() {
            return Err(StatusWord::CONDITIONS_NOT_SATISFIED.into());
        }
        let reference = Reference::read(request.data)?;
        let algorithm = reference.algorithm.ok_or(StatusWord::INCORRECT_DATA)?;
        // MyEID names the key by its file, the profile by its slot.
        let (slot, scheme) = match reference.file {
            Some(file) => (file.slot_of_key(), myeid_scheme(algorithm)),
            None => (reference.slot, reference::signature_from(algorithm).map(Scheme::Hash)),
        };
        let slot = slot.ok_or(StatusWord::REFERENCED_DATA_NOT_FOUND)?;
        let key = self.key(slot).ok_or(StatusWord::REFERENCED_DATA_NOT_FOUND)?;
        let scheme = scheme.filter(|scheme| fits(*scheme, key)).ok_or(StatusWord::FUNCTION_NOT_SUPPORTED)?;
        self.session.environment = Some(Environment { slot, scheme });
        done()
    }

    /// PERFORM SECURITY OPERATION: compute digital signature (§5.7).
    pub(super) fn sign(&mut self, request: &Request<'_>) -> Outcome {
        let (p1, p2) = command::COMPUTE_SIGNATURE;
        request.expect(p1, p2)?;
        let environment = self.session.environment.filter(|_| self.state.is_active());
        let Environment { slot, scheme } = environment.ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
        let stored = self.state.slot(slot).and_then(|slot| slot.key.as_ref());
        let role = stored.ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?.role();
        if !self.session.is_verified(role.password()) {
            return Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED.into());
        }
        if role == KeyRole::Signature {
            self.session.set_verified(role.password(), false);
        }
        let key = self.key(slot).ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
        answer(signature(key, scheme, request.data)?)
    }
}

fn signature(key: &KeyPair, scheme: Scheme, data: &[u8]) -> Result<Vec<u8>, Refusal> {
    let result = match scheme {
        Scheme::Block => key.sign_block(data),
        Scheme::DigestInfo => key.sign_digest_info(data),
        Scheme::Ecdsa if data.is_empty() => Err(KeyFailure),
        Scheme::Ecdsa => key.sign_ecdsa(data),
        Scheme::Hash(algorithm) => {
            let hash = DigestValue::from_bytes(algorithm.digest(), data).ok_or(StatusWord::INCORRECT_DATA)?;
            match algorithm {
                SignatureAlgorithm::RsaPkcs1(_) => key.sign_pkcs1(&hash),
                SignatureAlgorithm::RsaPss(_) => key.sign_pss(&hash),
                SignatureAlgorithm::Ecdsa(_) => key.sign_ecdsa(hash.as_bytes()),
            }
        }
    };
    result.map_err(|KeyFailure| StatusWord::INCORRECT_DATA.into())
}

fn myeid_scheme(algorithm: u8) -> Option<Scheme> {
    match algorithm {
        reference::MYEID_RSA_RAW => Some(Scheme::Block),
        reference::MYEID_RSA_PKCS1 => Some(Scheme::DigestInfo),
        reference::MYEID_ECDSA => Some(Scheme::Ecdsa),
        _ => None,
    }
}

fn fits(scheme: Scheme, key: &KeyPair) -> bool {
    match scheme {
        Scheme::Hash(algorithm) => algorithm.fits(key.algorithm()),
        Scheme::Block | Scheme::DigestInfo => key.algorithm().is_rsa(),
        Scheme::Ecdsa => !key.algorithm().is_rsa(),
    }
}

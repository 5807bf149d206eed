//! A first request: nobody's old key vouches for it, a one-time password does.

use std::collections::BTreeSet;

use const_oid::db::rfc5912::ID_CCT_PKI_DATA;
use der::{Decode, Encode};
use obnova_pkcs10::CertificationRequest;
use x509_cert::ext::pkix::SubjectKeyIdentifier;

use super::{
    BodyPartId, BuildError, IdentityProof, MessageToSign, Nonce, ProofKey, RequestError, SealedPassword, TransactionId,
    UserId,
    controls::Controls,
    identity, received,
    request::{Draft, check_count, pki_data_of, tagged},
    syntax::ReceivedData,
};
use crate::signed::{RequestKey, SignatureError, SignedMessage};

/// Puts certification requests of somebody without a certificate into one Full PKI Request: the user id and the proof of
/// the one-time password speak for them (RFC 5272 §6.2), and the keys they are about sign the message themselves.
///
/// RFC 5272 §3.2 lets the key of a request sign the message, named by the subjectKeyIdentifier that the request asks for
/// ([`RequestBuilder::key_identifier`](obnova_pkcs10::RequestBuilder::key_identifier)). Of the two ways to send such a message
/// this is the one taken here, and not id-alg-noSignature, since the proof of identity covers the requests alone: the
/// signature binds transaction, nonce and everything else to them. With more than one request *each* key signs, beyond that
/// clause, which has one signer: so nobody can put another's request beside his own and have his name put on it.
///
/// ```
/// use aws_lc_rs::{encoding::AsDer, rand::SystemRandom, signature as sig};
/// use obnova_algorithm::{Digest, SignatureAlgorithm, SubjectPublicKeyInfoOwned, spki::der::Decode};
/// use obnova_enroll::{Secret, cmc::{FirstRequestBuilder, Nonce, ProofKey, Received, TransactionId, UserId}};
/// use obnova_pkcs10::RequestBuilder;
///
/// // The CA hands out a user id and a one-time password; what it keeps of the password, encrypted, is this key.
/// let (user, password) = (UserId::new("jana")?, Secret::from_bytes(b"MZXW6YTBOI5FA2LC")?);
/// let kept = ProofKey::derive(Digest::Sha256, &password, &user);
///
/// // The holder has made a key and types both.
/// # let card = sig::EcdsaKeyPair::generate(&sig::ECDSA_P256_SHA256_ASN1_SIGNING)?;
/// # let public = SubjectPublicKeyInfoOwned::from_der(sig::KeyPair::public_key(&card).as_der()?.as_ref())?;
/// let request = RequestBuilder::new("CN=Jana Novakova,C=CZ".parse()?, public, SignatureAlgorithm::Ecdsa(Digest::Sha256));
/// let request = request.key_identifier().finalize()?;
/// let request = request.assemble(card.sign(&SystemRandom::new(), request.bytes())?.as_ref())?;
/// let (transaction, nonce) = (TransactionId::from_random([1; 16]), Nonce::from_random([2; 16])); // from a random generator
/// let proof = ProofKey::derive(Digest::Sha256, &password, &user);
/// let message = FirstRequestBuilder::new(transaction, nonce).request(request).finalize(&user, &proof)?;
/// let message = message.sign_with(|to_sign| card.sign(&SystemRandom::new(), &to_sign.bytes).map(|it| it.as_ref().to_vec()))?;
///
/// // The CA.
/// let Received::First(received) = Received::parse(&message)? else { unreachable!() };
/// assert_eq!(received.user, user); // whose key it looks up
/// received.proof.verify(&kept)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct FirstRequestBuilder(Draft);

impl FirstRequestBuilder {
    /// The first message of `transaction`; the answer has to carry `nonce`.
    #[must_use]
    pub const fn new(transaction: TransactionId, nonce: Nonce) -> Self {
        Self(Draft::new(transaction, nonce))
    }

    /// Adds a request, which asks for a subjectKeyIdentifier.
    #[must_use]
    pub fn request(mut self, request: CertificationRequest) -> Self {
        self.0.requests.push(request);
        self
    }

    /// Sets the revocation password of the certificates that are asked for (in regInfo).
    #[must_use]
    pub fn revocation_password(mut self, password: SealedPassword) -> Self {
        self.0.revocation_password = Some(password);
        self
    }

    /// Ends the message, with the proof that `key` makes for `user`. [`MessageToSign::to_sign`] has one entry for each
    /// request, in their order, for that request's key.
    ///
    /// # Errors
    /// [`BuildError`] when there is no request, too many, two for one key, or one that asks for no subjectKeyIdentifier.
    pub fn finalize(self, user: &UserId, key: &ProofKey) -> Result<MessageToSign, BuildError> {
        let mut controls = self.0.begin()?;
        controls.identification(user)?;
        // The proof is over the requests as they will stand there, numbers and all, so they are made before it.
        let requests = tagged(&self.0.requests, controls.next_part() + 1)?;
        controls.identity_proof(&key.prove(&requests.to_der()?)?)?;
        by_keys_of(&self.0.requests, pki_data_of(controls, requests)?)
    }

    /// A message that was [ended](Self::finalize) before, from its [content](MessageToSign::content) and its requests: for who
    /// waited for signatures and was interrupted. It takes no password, and what was signed before stays good.
    ///
    /// # Errors
    /// [`BuildError::NotThatContent`] when it is the content of another message; as [`finalize`](Self::finalize).
    pub fn resume(content: &[u8], requests: &[CertificationRequest]) -> Result<MessageToSign, BuildError> {
        check_count(requests)?;
        let data = ReceivedData::from_der(content).map_err(|_| BuildError::NotThatContent)?;
        let known = data.requests.iter().copied().map(received::request);
        let same = known.zip(requests).all(|(known, request)| known.is_ok_and(|(_, known)| known == *request));
        if !same || data.requests.len() != requests.len() {
            return Err(BuildError::NotThatContent);
        }
        by_keys_of(requests, content.to_vec())
    }
}

/// A message with this content, to be signed by the keys of its requests.
fn by_keys_of(requests: &[CertificationRequest], content: Vec<u8>) -> Result<MessageToSign, BuildError> {
    let identifiers = requests.iter().map(key_identifier).collect::<Vec<_>>();
    let mut keys = Vec::new();
    for (index, (request, identifier)) in requests.iter().zip(&identifiers).enumerate() {
        let identifier = identifier.as_deref().ok_or(BuildError::NoKeyIdentifier { index })?;
        let algorithm = request.signature_algorithm().map_err(|_| BuildError::NoKeyIdentifier { index })?;
        keys.push(RequestKey { key: request.public_key(), algorithm, identifier });
    }
    MessageToSign::by_request_keys(ID_CCT_PKI_DATA, content, &keys)
}

/// A first request as a CA received it: every key in it has signed the whole message. What was *not* checked: the proof
/// of identity ([`IdentityProof::verify`], with what is kept for [`user`](Self::user)), whether its password still works, and
/// the requests' own proofs of possession ([`CertificationRequest::verify`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstRequest {
    /// The transaction it belongs to.
    pub transaction: TransactionId,
    /// What the answer has to carry.
    pub nonce: Nonce,
    /// Who says to ask.
    pub user: UserId,
    /// The proof of it.
    pub proof: IdentityProof,
    /// What is asked for: all of them or none, at least one.
    pub requests: Vec<(BodyPartId, CertificationRequest)>,
    /// The revocation password that the certificates are to have, still sealed.
    pub revocation_password: Option<SealedPassword>,
}

impl FirstRequest {
    /// Checks that all keys of `requests`, and nobody else, have signed `message`.
    pub(super) fn check(
        message: &SignedMessage<'_>,
        content: &[u8],
        controls: Controls,
        requests: Vec<(BodyPartId, CertificationRequest)>,
    ) -> Result<Self, RequestError> {
        let user = controls.identification.ok_or(RequestError::NoIdentification)?;
        let proof = controls.identity_proof.ok_or(RequestError::NoIdentityProof)?;
        let proof =
            IdentityProof::new(&proof, identity::request_sequence(content)?).map_err(RequestError::ProofAlgorithm)?;
        if requests.is_empty() {
            return Err(RequestError::Empty);
        }
        let mut signed = BTreeSet::new();
        for signer in &message.signers {
            let identifier = signer.key_identifier().ok_or(RequestError::CertificateBesideProof)?;
            let mut named =
                requests.iter().filter(|(_, request)| key_identifier(request).as_deref() == Some(identifier));
            let (part, request) = match (named.next(), named.next()) {
                (Some(one), None) => one,
                (Some(_), Some(_)) => return Err(RequestError::KeyIdentifierTwice),
                (None, _) => return Err(SignatureError::UnknownSigner.into()),
            };
            message.verify_key(signer, request.public_key())?;
            if !signed.insert(*part) {
                return Err(RequestError::SignerTwice);
            }
        }
        if let Some((part, _)) = requests.iter().find(|(part, _)| !signed.contains(part)) {
            return Err(RequestError::KeyDidNotSign { part: *part });
        }
        Ok(Self {
            transaction: controls.transaction.ok_or(RequestError::NoTransaction)?,
            nonce: controls.sender_nonce.ok_or(RequestError::NoNonce)?,
            user,
            proof,
            requests,
            revocation_password: controls.revocation_password,
        })
    }
}

/// The subjectKeyIdentifier that a request asks for.
fn key_identifier(request: &CertificationRequest) -> Option<Vec<u8>> {
    let (_, identifier) = request.extension::<SubjectKeyIdentifier>().ok()??;
    Some(identifier.0.as_bytes().to_vec())
}

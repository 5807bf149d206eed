use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::PrivateKey,
    encoding::AsDer,
    key_wrap::{AES_256, AesKek, KeyWrap},
    rsa::{
        OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512, OaepPrivateDecryptingKey,
        PrivateDecryptingKey,
    },
};
use cms::{
    authenveloped_data::AuthEnvelopedData,
    content_info::ContentInfo,
    enveloped_data::{
        KeyAgreeRecipientIdentifier, KeyAgreeRecipientInfo, KeyTransRecipientInfo, OriginatorIdentifierOrKey,
        RecipientIdentifier, RecipientInfo,
    },
};
use const_oid::{
    ObjectIdentifier,
    db::rfc5911::{ID_CT_AUTH_ENVELOPED_DATA, ID_DATA},
};
use der::{Decode, Encode};
use obnova_algorithm::{Digest, KeyAlgorithm};
use x509_cert::Certificate;
use zeroize::Zeroizing;

use super::{
    agreement::{curve, wrapping_key},
    algorithms::{CONTENT_KEY, agreement_digest, gcm_nonce, oaep_digest},
};
use crate::{
    FramingError,
    limits::MAX_MESSAGE,
    signed::{has_key_identifier, is_issuer_and_serial},
};

/// The private key of the certificate that envelopes are sealed for, in memory. It cannot be shown: there is no `Debug`;
/// aws-lc-rs has it, which clears what it frees.
pub struct OpeningKey {
    key: Key,
    certificate: Certificate,
}

enum Key {
    Rsa(OaepPrivateDecryptingKey),
    Curve(PrivateKey),
}

impl OpeningKey {
    /// From a PKCS#8 PrivateKeyInfo (RFC 5208), which the caller wipes, and its certificate.
    ///
    /// # Errors
    /// [`OpenError::Key`] when it is no such key, or not the certificate's.
    pub fn from_pkcs8(der: &[u8], certificate: Certificate) -> Result<Self, OpenError> {
        let public = certificate.tbs_certificate().subject_public_key_info();
        let kind = KeyAlgorithm::try_from(public).map_err(|_| OpenError::Key)?;
        let (key, fits) = match curve(kind) {
            Some((algorithm, _)) => {
                let key = PrivateKey::from_private_key_der(algorithm, der).map_err(|_| OpenError::Key)?;
                let own = key.compute_public_key().map_err(|_| OpenError::Key)?;
                (Key::Curve(key), own.as_ref() == public.subject_public_key.raw_bytes())
            }
            None => {
                let key = PrivateDecryptingKey::from_pkcs8(der).map_err(|_| OpenError::Key)?;
                let own = key.public_key().as_der().map_err(|_| OpenError::Key)?;
                let fits = public.to_der().is_ok_and(|public| public == own.as_ref());
                (Key::Rsa(OaepPrivateDecryptingKey::new(key).map_err(|_| OpenError::Key)?), fits)
            }
        };
        if fits { Ok(Self { key, certificate }) } else { Err(OpenError::Key) }
    }

    /// Opens what was [sealed](super::seal) for this key. DER only.
    ///
    /// # Errors
    /// [`OpenError`]. Whatever was wrong inside, it is [`OpenError::Wrong`]: who sends bad envelopes learns nothing from
    /// how each was bad.
    pub fn open(&self, envelope: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let data = parse(envelope)?;
        let info = data.auth_encrypted_content_info;
        if info.content_type != ID_DATA {
            return Err(OpenError::Content { found: info.content_type });
        }
        let nonce = gcm_nonce(&info.content_enc_alg).ok_or(OpenError::Unsupported)?;
        let attributes = data.auth_attrs.map_or(Ok(Vec::new()), |attributes| attributes.to_der())?;
        let encrypted = info.encrypted_content.ok_or(OpenError::Unsupported)?;
        let key = self.content_key(data.recip_infos.0.as_slice())?;

        let gcm = UnboundKey::new(&AES_256_GCM, key.as_slice()).map_err(|_| OpenError::Wrong)?;
        let mut content = Zeroizing::new(encrypted.into_bytes().into_vec());
        let nonce = Nonce::assume_unique_for_key(nonce);
        let opened = LessSafeKey::new(gcm).open_in_place_separate_tag(
            nonce,
            Aad::from(attributes),
            data.mac.as_bytes(),
            &mut content,
        );
        opened.map_err(|_| OpenError::Wrong)?;
        Ok(content)
    }

    /// The key of the content, out of the part that is for this certificate.
    fn content_key(&self, recipients: &[RecipientInfo]) -> Result<Zeroizing<[u8; CONTENT_KEY]>, OpenError> {
        for recipient in recipients {
            match (recipient, &self.key) {
                (RecipientInfo::Ktri(info), Key::Rsa(key)) if self.is_meant(&info.rid) => {
                    return transported(info, key);
                }
                (RecipientInfo::Kari(info), Key::Curve(key)) => {
                    let mut keys = info.recipient_enc_keys.iter();
                    if let Some(wrapped) = keys.find(|one| self.is_meant_by_agreement(&one.rid)) {
                        return agreed(info, wrapped.enc_key.as_bytes(), key);
                    }
                }
                _ => {}
            }
        }
        Err(OpenError::OtherRecipient)
    }

    fn is_meant(&self, recipient: &RecipientIdentifier) -> bool {
        match recipient {
            RecipientIdentifier::IssuerAndSerialNumber(id) => is_issuer_and_serial(&self.certificate, id),
            RecipientIdentifier::SubjectKeyIdentifier(id) => has_key_identifier(&self.certificate, id),
        }
    }

    fn is_meant_by_agreement(&self, recipient: &KeyAgreeRecipientIdentifier) -> bool {
        match recipient {
            KeyAgreeRecipientIdentifier::IssuerAndSerialNumber(id) => is_issuer_and_serial(&self.certificate, id),
            KeyAgreeRecipientIdentifier::RKeyId(id) => {
                has_key_identifier(&self.certificate, &id.subject_key_identifier)
            }
        }
    }
}

fn parse(envelope: &[u8]) -> Result<AuthEnvelopedData, OpenError> {
    if envelope.len() > MAX_MESSAGE {
        return Err(FramingError::TooLong { size: envelope.len() }.into());
    }
    let info = ContentInfo::from_der(envelope)?;
    if info.content_type != ID_CT_AUTH_ENVELOPED_DATA {
        return Err(OpenError::NotAnEnvelope { oid: info.content_type });
    }
    Ok(info.content.decode_as::<AuthEnvelopedData>()?)
}

/// That these bytes are an envelope, for whomever.
pub(crate) fn check(envelope: &[u8]) -> Result<(), OpenError> {
    parse(envelope).map(drop)
}

fn transported(
    info: &KeyTransRecipientInfo,
    key: &OaepPrivateDecryptingKey,
) -> Result<Zeroizing<[u8; CONTENT_KEY]>, OpenError> {
    let algorithm = match oaep_digest(&info.key_enc_alg).ok_or(OpenError::Unsupported)? {
        Digest::Sha256 => &OAEP_SHA256_MGF1SHA256,
        Digest::Sha384 => &OAEP_SHA384_MGF1SHA384,
        Digest::Sha512 => &OAEP_SHA512_MGF1SHA512,
    };
    let mut room = Zeroizing::new(vec![0; key.min_output_size()]);
    let decrypted = key.decrypt(algorithm, info.enc_key.as_bytes(), &mut room, None).map_err(|_| OpenError::Wrong)?;
    Ok(Zeroizing::new((&*decrypted).try_into().map_err(|_| OpenError::Wrong)?))
}

fn agreed(
    info: &KeyAgreeRecipientInfo,
    wrapped: &[u8],
    key: &PrivateKey,
) -> Result<Zeroizing<[u8; CONTENT_KEY]>, OpenError> {
    let (digest, wrap) = agreement_digest(&info.key_enc_alg).ok_or(OpenError::Unsupported)?;
    let OriginatorIdentifierOrKey::OriginatorKey(originator) = &info.originator else {
        return Err(OpenError::Unsupported);
    };
    let theirs = originator.public_key.raw_bytes();
    let wrapping = wrapping_key(key, theirs, digest, &wrap, info.ukm.as_ref()).ok_or(OpenError::Wrong)?;
    let wrapping = AesKek::new(&AES_256, wrapping.as_slice()).map_err(|_| OpenError::Wrong)?;
    // Room for what the sender wraps, which need not be what fits.
    let mut room = Zeroizing::new(vec![0; wrapped.len()]);
    let unwrapped = wrapping.unwrap(wrapped, &mut room).map_err(|_| OpenError::Wrong)?;
    Ok(Zeroizing::new((&*unwrapped).try_into().map_err(|_| OpenError::Wrong)?))
}

/// Why an envelope does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The private key is of an unknown kind, or not that of the certificate.
    #[error("the key for opening envelopes is of an unknown kind, or is not its certificate's")]
    Key,
    /// Longer than is read.
    #[error(transparent)]
    Framing(#[from] FramingError),
    /// Not the structure it should be.
    #[error("the envelope is malformed: {0}")]
    Malformed(#[from] der::Error),
    /// A ContentInfo of another type.
    #[error("the message is of type {oid}, and not AuthEnvelopedData")]
    NotAnEnvelope {
        /// Its type.
        oid: ObjectIdentifier,
    },
    /// Another type of content than is expected here.
    #[error("the envelope holds content of type {found}, which does not belong here")]
    Content {
        /// What it holds.
        found: ObjectIdentifier,
    },
    /// It is sealed for somebody else.
    #[error("the envelope is not for this certificate")]
    OtherRecipient,
    /// Another algorithm than AES-256-GCM with ECDH by SHA-2 and AES-256 key wrap, or with RSA-OAEP by SHA-2.
    #[error("the envelope uses an algorithm that is not supported")]
    Unsupported,
    /// It was altered, or was never sealed for this key.
    #[error("the envelope does not open: it was altered, or sealed for another key")]
    Wrong,
}

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::PrivateKey,
    error::Unspecified,
    key_wrap::{AES_256, AesKek, KeyWrap},
    rand,
    rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey},
};
use cms::{
    authenveloped_data::AuthEnvelopedData,
    cert::IssuerAndSerialNumber,
    content_info::{CmsVersion, ContentInfo},
    enveloped_data::{
        EncryptedContentInfo, KeyAgreeRecipientIdentifier, KeyAgreeRecipientInfo, KeyTransRecipientInfo,
        OriginatorIdentifierOrKey, OriginatorPublicKey, RecipientEncryptedKey, RecipientIdentifier, RecipientInfo,
        RecipientInfos,
    },
};
use const_oid::db::{
    rfc5911::{ID_CT_AUTH_ENVELOPED_DATA, ID_DATA},
    rfc5912::ID_EC_PUBLIC_KEY,
};
use der::{
    Encode,
    asn1::{Any, BitString, OctetString},
};
use obnova_algorithm::{Digest, KeyAlgorithm, KeyError};
use spki::AlgorithmIdentifierOwned;
use x509_cert::{Certificate, ext::pkix::KeyUsage};
use zeroize::Zeroizing;

use super::{
    agreement::{curve, wrapping_key},
    algorithms::{self, CONTENT_KEY, NONCE, agreement_digest},
};

/// Seals `content` for the key of `recipient`: a DER ContentInfo with AuthEnvelopedData. The same content sealed twice gives
/// two envelopes that have nothing in common.
///
/// # Errors
/// [`SealError`] when the certificate's key is not for that, or not of a kind that is known.
pub fn seal(content: &[u8], recipient: &Certificate) -> Result<Vec<u8>, SealError> {
    let mut key = Zeroizing::new([0; CONTENT_KEY]);
    let mut nonce = [0; NONCE];
    rand::fill(key.as_mut_slice())?;
    rand::fill(&mut nonce)?;
    let recipient = recipient_info(&key, recipient)?;

    let gcm = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_slice())?);
    let mut encrypted = content.to_vec();
    let tag = gcm.seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut encrypted)?;
    let data = AuthEnvelopedData {
        version: CmsVersion::V0,
        originator_info: None,
        recip_infos: RecipientInfos::try_from(vec![recipient])?,
        auth_encrypted_content_info: EncryptedContentInfo {
            content_type: ID_DATA,
            content_enc_alg: algorithms::gcm(&nonce)?,
            encrypted_content: Some(OctetString::new(encrypted)?),
        },
        auth_attrs: None,
        mac: OctetString::new(tag.as_ref())?,
        unauth_attrs: None,
    };
    let info = ContentInfo { content_type: ID_CT_AUTH_ENVELOPED_DATA, content: Any::encode_from(&data)? };
    Ok(info.to_der()?)
}

/// The content key for the holder of a certificate (RFC 5652 §6.2).
fn recipient_info(key: &[u8; CONTENT_KEY], recipient: &Certificate) -> Result<RecipientInfo, SealError> {
    let tbs = recipient.tbs_certificate();
    let public = tbs.subject_public_key_info();
    let kind = KeyAlgorithm::try_from(public)?;
    let usage = tbs.get_extension::<KeyUsage>().map_err(SealError::Encode)?.map(|(_, usage)| usage);
    let name = IssuerAndSerialNumber { issuer: tbs.issuer().clone(), serial_number: tbs.serial_number().clone() };
    let Some((algorithm, digest)) = curve(kind) else {
        if usage.is_some_and(|usage| !usage.key_encipherment()) {
            return Err(SealError::NotForEncryption);
        }
        let public = PublicEncryptingKey::from_der(&public.to_der()?).map_err(|_| KeyError::Malformed)?;
        return Ok(RecipientInfo::Ktri(KeyTransRecipientInfo {
            version: CmsVersion::V0,
            rid: RecipientIdentifier::IssuerAndSerialNumber(name),
            key_enc_alg: algorithms::oaep(Digest::Sha256)?,
            enc_key: OctetString::new(transport(key, public)?)?,
        }));
    };
    if usage.is_some_and(|usage| !usage.key_agreement()) {
        return Err(SealError::NotForEncryption);
    }
    let ephemeral = PrivateKey::generate(algorithm)?;
    let scheme = algorithms::agreement(digest)?;
    let (_, wrap) = agreement_digest(&scheme).ok_or(Unspecified)?;
    let theirs = public.subject_public_key.raw_bytes();
    let wrapping = wrapping_key(&ephemeral, theirs, digest, &wrap, None).ok_or(KeyError::Malformed)?;
    let mut wrapped = [0; CONTENT_KEY + 8];
    let wrapped = AesKek::new(&AES_256, wrapping.as_slice())?.wrap(key, &mut wrapped)?;
    Ok(RecipientInfo::Kari(KeyAgreeRecipientInfo {
        version: CmsVersion::V3,
        originator: OriginatorIdentifierOrKey::OriginatorKey(OriginatorPublicKey {
            algorithm: AlgorithmIdentifierOwned { oid: ID_EC_PUBLIC_KEY, parameters: None },
            public_key: BitString::from_bytes(ephemeral.compute_public_key()?.as_ref())?,
        }),
        ukm: None,
        key_enc_alg: scheme,
        recipient_enc_keys: vec![RecipientEncryptedKey {
            rid: KeyAgreeRecipientIdentifier::IssuerAndSerialNumber(name),
            enc_key: OctetString::new(&*wrapped)?,
        }],
    }))
}

fn transport(key: &[u8; CONTENT_KEY], public: PublicEncryptingKey) -> Result<Vec<u8>, Unspecified> {
    let public = OaepPublicEncryptingKey::new(public)?;
    let mut encrypted = vec![0; public.ciphertext_size()];
    let size = public.encrypt(&OAEP_SHA256_MGF1SHA256, key, &mut encrypted, None)?.len();
    encrypted.truncate(size);
    Ok(encrypted)
}

/// Why nothing was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The recipient's certificate has a keyUsage without keyEncipherment (RSA) or keyAgreement (curves).
    #[error("the recipient's certificate is not for encryption: take the one that the CA publishes for it")]
    NotForEncryption,
    /// The recipient's key is malformed or of an unknown kind.
    #[error("nothing can be encrypted to the recipient: {0}")]
    Key(#[from] KeyError),
    /// A part cannot be written as DER.
    #[error("the envelope cannot be encoded: {0}")]
    Encode(#[from] der::Error),
    /// The random source or the cipher failed.
    #[error("the system's random source or cipher failed")]
    Crypto,
}

impl From<Unspecified> for SealError {
    fn from(_: Unspecified) -> Self {
        Self::Crypto
    }
}

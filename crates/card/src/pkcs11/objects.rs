//! What is on a token, read without a PIN.

use std::collections::BTreeMap;

use cryptoki::{
    mechanism::MechanismType,
    object::{Attribute, AttributeType, CertificateType, KeyType, ObjectClass, ObjectHandle},
};
use der::Decode;
use obnova_algorithm::{KeyAlgorithm, SubjectPublicKeyInfoOwned, key_id};
use x509_cert::{
    Certificate,
    ext::pkix::{BasicConstraints, KeyUsage},
};

use super::{
    convention::{CertificateLabel, KeyLabel, Stage},
    conversation::Conversation,
    keys, sign,
};
use crate::{
    CertificateEntry, KeyEntry, KeyRole, PasswordKind, Slot, SlotId, TokenError,
    check::{certified_key, same_key},
};

/// A key pair with its certificates.
pub(super) struct Pair {
    pub(super) id: Vec<u8>,
    /// `None` where only a certificate tells of the pair.
    pub(super) public: Option<ObjectHandle>,
    pub(super) key: SubjectPublicKeyInfoOwned,
    pub(super) algorithm: KeyAlgorithm,
    pub(super) label: KeyLabel,
    pub(super) certificates: Vec<CertificateObject>,
}

/// A certificate on a token, told once however often it is there: two programs may have written it.
pub(super) struct CertificateObject {
    pub(super) handles: Vec<ObjectHandle>,
    /// It is superseded when each of its objects says so.
    pub(super) label: CertificateLabel,
    pub(super) der: Vec<u8>,
}

/// Every pair, in the order of CKA_ID.
pub(super) fn pairs(card: &Conversation) -> Result<Vec<Pair>, TokenError> {
    let mut pairs = public_keys(card)?;
    for (id, certificate) in certificates(card)? {
        if let Some(known) =
            pairs.iter_mut().flat_map(|pair| &mut pair.certificates).find(|it| it.der == certificate.der)
        {
            known.handles.extend(certificate.handles);
            known.label.superseded &= certificate.label.superseded;
            continue;
        }
        let Some(key) = certified_key(&certificate.der) else {
            // What is no certificate is shown with the key whose identifier it has.
            if let Some(pair) = pairs.iter_mut().find(|pair| pair.id == id) {
                pair.certificates.push(certificate);
            }
            continue;
        };
        // By public key, never by identifier or name: other programs choose both as they like.
        if let Some(pair) = pairs.iter_mut().find(|pair| same_key(&pair.key, &key)) {
            pair.certificates.push(certificate);
        } else if let Ok(algorithm) = KeyAlgorithm::try_from(&key)
            && !id.is_empty()
            && !is_of_a_ca(&certificate.der)
        {
            let label = KeyLabel::parse(&certificate.label.text);
            pairs.push(Pair { id, public: None, key, algorithm, label, certificates: vec![certificate] });
        }
    }
    pairs.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(pairs)
}

fn public_keys(card: &Conversation) -> Result<Vec<Pair>, TokenError> {
    use AttributeType as A;
    let wanted = [A::Id, A::Label, A::KeyType, A::Modulus, A::PublicExponent, A::EcParams, A::EcPoint];
    let mut pairs = Vec::new();
    for handle in card.find(ObjectClass::PUBLIC_KEY, &[])? {
        let mut found = read(card, handle, &wanted)?;
        let kind = found.kind;
        let mut take = |kind: AttributeType| found.bytes.remove(&order(kind)).unwrap_or_default();
        let key = match kind {
            Some(KeyType::RSA) => keys::rsa(&take(A::Modulus), &take(A::PublicExponent)),
            Some(KeyType::EC) => keys::elliptic(&take(A::EcParams), &take(A::EcPoint)),
            _ => None,
        };
        // Keys of other kinds are no business of ours.
        let Some(key) = key else { continue };
        let Ok(algorithm) = KeyAlgorithm::try_from(&key) else { continue };
        let label = KeyLabel::parse(&String::from_utf8_lossy(&take(A::Label)));
        let (id, public) = (take(A::Id), Some(handle));
        pairs.push(Pair { id, public, key, algorithm, label, certificates: Vec::new() });
    }
    Ok(pairs)
}

fn certificates(card: &Conversation) -> Result<Vec<(Vec<u8>, CertificateObject)>, TokenError> {
    use AttributeType as A;
    let mut certificates = Vec::new();
    for handle in card.find(ObjectClass::CERTIFICATE, &[Attribute::CertificateType(CertificateType::X_509)])? {
        let mut found = read(card, handle, &[A::Id, A::Label, A::Value])?;
        let mut take = |kind: AttributeType| found.bytes.remove(&order(kind)).unwrap_or_default();
        let label = CertificateLabel::parse(&String::from_utf8_lossy(&take(A::Label)));
        certificates.push((take(A::Id), CertificateObject { handles: vec![handle], label, der: take(A::Value) }));
    }
    Ok(certificates)
}

/// The private key of the pair in a slot; needs to be logged in. It has the identifier in common with the public key and
/// nothing else that every module tells, so where several have it none is taken: it might be the wrong one that is removed.
pub(super) fn private_key(card: &Conversation, slot: SlotId, pair: &Pair) -> Result<Option<ObjectHandle>, TokenError> {
    match with_id(card, &pair.id)?.as_slice() {
        [] => Ok(None),
        [private] => Ok(Some(*private)),
        _ => Err(TokenError::Slot {
            slot,
            problem: "several private keys have its identifier (CKA_ID): give each its own, then try again",
        }),
    }
}

/// The private keys of a pair that is not whole: while it is made its identifier changes, the private key's first.
pub(super) fn private_keys(card: &Conversation, pair: &Pair) -> Result<Vec<ObjectHandle>, TokenError> {
    let mut found = with_id(card, &pair.id)?;
    if let Ok(id) = key_id(&pair.key)
        && id.as_slice() != pair.id
    {
        found.extend(with_id(card, &id)?);
    }
    Ok(found)
}

fn with_id(card: &Conversation, id: &[u8]) -> Result<Vec<ObjectHandle>, TokenError> {
    card.find(ObjectClass::PRIVATE_KEY, &[Attribute::Id(id.to_vec())])
}

/// Whether a private key asks for the PIN at each signature.
pub(super) fn always_asks(card: &Conversation, private: ObjectHandle) -> Result<bool, TokenError> {
    let attributes = card.attributes(private, &[AttributeType::AlwaysAuthenticate])?;
    Ok(attributes.contains(&Attribute::AlwaysAuthenticate(true)))
}

#[derive(Default)]
struct Found {
    kind: Option<KeyType>,
    bytes: BTreeMap<usize, Vec<u8>>,
}

/// The attributes that a token has of those that are wanted.
fn read(card: &Conversation, handle: ObjectHandle, wanted: &[AttributeType]) -> Result<Found, TokenError> {
    let mut found = Found::default();
    for attribute in card.attributes(handle, wanted)? {
        let kind = attribute.attribute_type();
        match attribute {
            Attribute::KeyType(kind) => found.kind = Some(kind),
            Attribute::Id(bytes)
            | Attribute::Label(bytes)
            | Attribute::Value(bytes)
            | Attribute::Modulus(bytes)
            | Attribute::PublicExponent(bytes)
            | Attribute::EcParams(bytes)
            | Attribute::EcPoint(bytes) => {
                found.bytes.insert(order(kind), bytes);
            }
            _ => {}
        }
    }
    Ok(found)
}

/// AttributeType has no order of its own.
fn order(kind: AttributeType) -> usize {
    use AttributeType as A;
    [A::Id, A::Label, A::Value, A::Modulus, A::PublicExponent, A::EcParams, A::EcPoint]
        .iter()
        .position(|known| *known == kind)
        .unwrap_or(usize::MAX)
}

fn is_of_a_ca(der: &[u8]) -> bool {
    extension::<BasicConstraints>(der).is_some_and(|constraints| constraints.ca)
}

fn extension<E>(der: &[u8]) -> Option<E>
where
    E: for<'a> Decode<'a> + der::oid::AssociatedOid,
{
    let certificate = Certificate::from_der(der).ok()?;
    certificate.tbs_certificate().get_extension::<E>().ok()?.map(|(_, extension)| extension)
}

impl Pair {
    /// It is what was left where the making or the removing of a pair was interrupted, and no key that can be used: its slot
    /// is empty for everybody but the driver, who takes it up when a key is made there.
    pub(super) fn is_left_over(&self) -> bool {
        self.label.stage != Stage::Whole && self.certificates.is_empty()
    }

    pub(super) fn role(&self) -> KeyRole {
        if let Some((role, _)) = self.label.place {
            return role;
        }
        let binds = |certificate: &CertificateObject| {
            extension::<KeyUsage>(&certificate.der).is_some_and(|usage| usage.non_repudiation())
        };
        let is_named = self.label.text.to_lowercase().contains("sign");
        if self.certificates.iter().any(binds) || is_named { KeyRole::Signature } else { KeyRole::Authentication }
    }

    pub(super) fn slot(&self, id: SlotId, mechanisms: &[MechanismType]) -> Slot {
        if self.is_left_over() {
            return Slot { id, key: None, certificates: Vec::new(), left_over: true };
        }
        let key = KeyEntry {
            role: self.role(),
            algorithm: self.algorithm,
            signs: sign::algorithms(self.algorithm, mechanisms),
            password: PasswordKind::AuthenticationPin,
            id: self.id.clone(),
            public_key: Some(self.key.clone()),
        };
        let entry = |certificate: &CertificateObject| CertificateEntry {
            label: certificate.label.text.clone(),
            der: certificate.der.clone(),
            superseded: certificate.label.superseded,
        };
        Slot { id, key: Some(key), certificates: self.certificates.iter().map(entry).collect(), left_over: false }
    }
}

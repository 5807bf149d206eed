use const_oid::{
    ObjectIdentifier,
    db::rfc5912::{
        ID_CMC_CONFIRM_CERT_ACCEPTANCE, ID_CMC_IDENTIFICATION, ID_CMC_QUERY_PENDING, ID_CMC_RECIPIENT_NONCE,
        ID_CMC_REG_INFO, ID_CMC_REVOKE_REQUEST, ID_CMC_SENDER_NONCE, ID_CMC_STATUS_INFO, ID_CMC_STATUS_INFO_V_2,
        ID_CMC_TRANSACTION_ID,
    },
};
use der::{
    Choice, Decode, DecodeValue, Tag, Tagged,
    asn1::{Any, AnyRef, OctetStringRef, SetOfVec, UintRef, Utf8StringRef},
};

use super::{
    BodyPartId, CertificateId, Nonce, PendToken, Revocation, SealedPassword, TransactionId, UserId,
    status::StatusInfo,
    syntax::{IdentityProofV2, ReceivedControl, RevokeRequest, StatusInfoV2, TaggedAttribute},
};
use crate::limits::MAX_CONTROLS;

/// RFC 5272 §6.2.1 and its module. The database has the number of RFC 5912, which took popLinkWitnessV2's by mistake.
const ID_CMC_IDENTITY_PROOF_V2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.7.34");

/// Writes controls, numbered from 1.
#[derive(Default)]
pub(super) struct ControlWriter {
    controls: Vec<TaggedAttribute>,
}

impl ControlWriter {
    pub(super) fn transaction(&mut self, id: &TransactionId) -> der::Result<()> {
        self.push(ID_CMC_TRANSACTION_ID, Any::encode_from(&UintRef::new(id.as_bytes())?)?)
    }

    pub(super) fn sender_nonce(&mut self, nonce: &Nonce) -> der::Result<()> {
        self.push(ID_CMC_SENDER_NONCE, OctetStringRef::new(nonce.as_bytes())?.into())
    }

    pub(super) fn recipient_nonce(&mut self, nonce: &Nonce) -> der::Result<()> {
        self.push(ID_CMC_RECIPIENT_NONCE, OctetStringRef::new(nonce.as_bytes())?.into())
    }

    pub(super) fn query_pending(&mut self, token: &PendToken) -> der::Result<()> {
        self.push(ID_CMC_QUERY_PENDING, OctetStringRef::new(token.as_bytes())?.into())
    }

    pub(super) fn confirm(&mut self, certificate: &CertificateId) -> der::Result<()> {
        self.push(ID_CMC_CONFIRM_CERT_ACCEPTANCE, Any::encode_from(certificate)?)
    }

    pub(super) fn identification(&mut self, user: &UserId) -> der::Result<()> {
        self.push(ID_CMC_IDENTIFICATION, Utf8StringRef::new(user.as_str())?.into())
    }

    pub(super) fn identity_proof(&mut self, proof: &IdentityProofV2) -> der::Result<()> {
        self.push(ID_CMC_IDENTITY_PROOF_V2, Any::encode_from(proof)?)
    }

    pub(super) fn revocation_password(&mut self, sealed: &SealedPassword) -> der::Result<()> {
        self.push(ID_CMC_REG_INFO, OctetStringRef::new(sealed.der())?.into())
    }

    pub(super) fn revoke(&mut self, revocation: &RevokeRequest<'_>) -> der::Result<()> {
        self.push(ID_CMC_REVOKE_REQUEST, Any::encode_from(revocation)?)
    }

    pub(super) fn status(&mut self, status: &StatusInfoV2<'_>) -> der::Result<()> {
        self.push(ID_CMC_STATUS_INFO_V_2, Any::encode_from(status)?)
    }

    /// The number for the next part of the message.
    pub(super) fn next_part(&self) -> BodyPartId {
        self.controls.len() as BodyPartId + 1
    }

    pub(super) fn finish(self) -> Vec<TaggedAttribute> {
        self.controls
    }

    fn push(&mut self, oid: ObjectIdentifier, value: Any) -> der::Result<()> {
        let values = SetOfVec::try_from([value])?;
        self.controls.push(TaggedAttribute { part: self.next_part(), oid, values });
        Ok(())
    }
}

/// The controls of one message that are understood here.
#[derive(Default)]
pub(super) struct Controls {
    pub(super) transaction: Option<TransactionId>,
    pub(super) sender_nonce: Option<Nonce>,
    pub(super) recipient_nonce: Option<Nonce>,
    pub(super) query_pending: Option<PendToken>,
    pub(super) confirmed: Vec<CertificateId>,
    pub(super) statuses: Vec<StatusInfo>,
    pub(super) identification: Option<UserId>,
    pub(super) identity_proof: Option<IdentityProofV2>,
    pub(super) revocation_password: Option<SealedPassword>,
    pub(super) revocations: Vec<Revocation>,
    /// Types of controls that are not understood.
    pub(super) unknown: Vec<ObjectIdentifier>,
    /// Numbers of all controls.
    pub(super) parts: Vec<BodyPartId>,
}

impl Controls {
    /// Reads a controlSequence.
    pub(super) fn read(list: &[ReceivedControl<'_>]) -> Result<Self, ControlError> {
        if list.len() > MAX_CONTROLS {
            return Err(ControlError::TooMany);
        }
        let mut controls = Self::default();
        list.iter().try_for_each(|control| controls.take(control))?;
        Ok(controls)
    }

    fn take(&mut self, control: &ReceivedControl<'_>) -> Result<(), ControlError> {
        self.parts.push(control.part);
        let oid = control.oid;
        let octets = || single::<&OctetStringRef>(control).map(OctetStringRef::as_bytes);
        match oid {
            ID_CMC_TRANSACTION_ID => {
                let id = single::<UintRef<'_>>(control)?;
                once(&mut self.transaction, oid, TransactionId::from_bytes(id.as_bytes()))
            }
            ID_CMC_SENDER_NONCE => once(&mut self.sender_nonce, oid, Nonce::from_bytes(octets()?)),
            ID_CMC_RECIPIENT_NONCE => once(&mut self.recipient_nonce, oid, Nonce::from_bytes(octets()?)),
            ID_CMC_QUERY_PENDING => once(&mut self.query_pending, oid, PendToken::from_bytes(octets()?)),
            ID_CMC_CONFIRM_CERT_ACCEPTANCE => {
                self.confirmed.push(single(control)?);
                Ok(())
            }
            ID_CMC_IDENTIFICATION => {
                let name = single::<Utf8StringRef<'_>>(control)?;
                once(&mut self.identification, oid, UserId::new(name.as_str()))
            }
            ID_CMC_IDENTITY_PROOF_V2 => once(&mut self.identity_proof, oid, Ok::<_, ControlError>(single(control)?)),
            ID_CMC_REG_INFO => once(&mut self.revocation_password, oid, SealedPassword::from_der(octets()?)),
            ID_CMC_REVOKE_REQUEST => {
                let revocation = Revocation::try_from(single::<RevokeRequest<'_>>(control)?);
                self.revocations.push(revocation.map_err(|_| ControlError::PassphraseInClear)?);
                Ok(())
            }
            ID_CMC_STATUS_INFO | ID_CMC_STATUS_INFO_V_2 => {
                let status = StatusInfo::try_from(single::<StatusInfoV2<'_>>(control)?);
                self.statuses.push(status.map_err(|_| ControlError::Malformed { oid })?);
                Ok(())
            }
            _ => {
                self.unknown.push(oid);
                Ok(())
            }
        }
    }
}

fn once<T, E>(place: &mut Option<T>, oid: ObjectIdentifier, value: Result<T, E>) -> Result<(), ControlError> {
    match place.replace(value.map_err(|_| ControlError::Malformed { oid })?) {
        None => Ok(()),
        Some(_) => Err(ControlError::Twice { oid }),
    }
}

/// The one value of a control that has one.
fn single<'a, T>(control: &ReceivedControl<'a>) -> Result<T, ControlError>
where
    T: Choice<'a> + DecodeValue<'a, Error = der::Error>,
{
    let malformed = ControlError::Malformed { oid: control.oid };
    if control.values.tag() != Tag::Set {
        return Err(malformed);
    }
    AnyRef::from_der(control.values.value()).and_then(AnyRef::decode_as).map_err(|_| malformed)
}

/// Why the controls of a message cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// The list itself is malformed.
    #[error("the controls are malformed: {0}")]
    List(#[from] der::Error),
    /// A control's value is malformed, empty, too long, or not one.
    #[error("the control {oid} is malformed")]
    Malformed {
        /// Which.
        oid: ObjectIdentifier,
    },
    /// A revocation password that is not sealed. Its content is kept out of this error.
    #[error("the passphrase of a revokeRequest is not in an envelope: a password travels encrypted only")]
    PassphraseInClear,
    /// A control stands twice.
    #[error("the control {oid} stands there twice")]
    Twice {
        /// Which.
        oid: ObjectIdentifier,
    },
    /// More than [`MAX_CONTROLS`].
    #[error("more than {MAX_CONTROLS} controls")]
    TooMany,
}

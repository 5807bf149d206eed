use const_oid::{
    ObjectIdentifier,
    db::rfc5912::{
        ID_CMC_CONFIRM_CERT_ACCEPTANCE, ID_CMC_QUERY_PENDING, ID_CMC_RECIPIENT_NONCE, ID_CMC_SENDER_NONCE,
        ID_CMC_STATUS_INFO, ID_CMC_STATUS_INFO_V_2, ID_CMC_TRANSACTION_ID,
    },
};
use der::{
    Decode, Encode, Reader, SliceReader, Tag, Tagged,
    asn1::{AnyRef, OctetStringRef, UintRef},
};

use super::{BodyPartId, CertificateId, Nonce, PendToken, TransactionId, status::StatusInfo};
use crate::{
    encode::{element, sequence, tag, unsigned},
    limits::MAX_CONTROLS,
};

/// Writes `TaggedAttribute`s (RFC 5272 §3.2.1.1), numbered from 1.
#[derive(Default)]
pub(super) struct ControlWriter {
    encoded: Vec<Vec<u8>>,
}

impl ControlWriter {
    pub(super) fn transaction(&mut self, id: &TransactionId) -> der::Result<()> {
        self.push(ID_CMC_TRANSACTION_ID, &unsigned(id.as_bytes()))
    }

    pub(super) fn sender_nonce(&mut self, nonce: &Nonce) -> der::Result<()> {
        self.push(ID_CMC_SENDER_NONCE, &element(tag::OCTET_STRING, &[nonce.as_bytes()]))
    }

    pub(super) fn recipient_nonce(&mut self, nonce: &Nonce) -> der::Result<()> {
        self.push(ID_CMC_RECIPIENT_NONCE, &element(tag::OCTET_STRING, &[nonce.as_bytes()]))
    }

    pub(super) fn query_pending(&mut self, token: &PendToken) -> der::Result<()> {
        self.push(ID_CMC_QUERY_PENDING, &element(tag::OCTET_STRING, &[token.as_bytes()]))
    }

    pub(super) fn confirm(&mut self, certificate: &CertificateId) -> der::Result<()> {
        self.push(ID_CMC_CONFIRM_CERT_ACCEPTANCE, &certificate.to_der()?)
    }

    pub(super) fn status(&mut self, status: &StatusInfo) -> der::Result<()> {
        self.push(ID_CMC_STATUS_INFO_V_2, &status.to_der()?)
    }

    /// The number for the next part of the message.
    pub(super) fn next_part(&self) -> BodyPartId {
        self.encoded.len() as BodyPartId + 1
    }

    pub(super) fn finish(self) -> Vec<Vec<u8>> {
        self.encoded
    }

    fn push(&mut self, oid: ObjectIdentifier, value: &[u8]) -> der::Result<()> {
        let part = unsigned(&self.next_part().to_be_bytes());
        self.encoded.push(sequence(&[&part, &oid.to_der()?, &element(tag::SET, &[value])]));
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
    /// Types of controls that are not understood.
    pub(super) unknown: Vec<ObjectIdentifier>,
    /// Numbers of all controls.
    pub(super) parts: Vec<BodyPartId>,
}

impl Controls {
    /// Reads a controlSequence.
    pub(super) fn decode(reader: &mut SliceReader<'_>) -> Result<Self, ControlError> {
        let mut controls = Self::default();
        reader.sequence(|list| {
            while !list.is_finished() {
                if controls.parts.len() == MAX_CONTROLS {
                    return Err(ControlError::TooMany);
                }
                controls.take(list)?;
            }
            Ok(())
        })?;
        Ok(controls)
    }

    fn take(&mut self, list: &mut SliceReader<'_>) -> Result<(), ControlError> {
        let (part, oid, values) = list.sequence(|fields| {
            Ok::<_, der::Error>((fields.decode::<BodyPartId>()?, fields.decode()?, fields.decode::<AnyRef<'_>>()?))
        })?;
        self.parts.push(part);
        if values.tag() != Tag::Set {
            return Err(ControlError::Malformed { oid });
        }
        let value = values.value();
        match oid {
            ID_CMC_TRANSACTION_ID => once(
                &mut self.transaction,
                oid,
                TransactionId::from_bytes(single::<UintRef<'_>>(oid, value)?.as_bytes()),
            ),
            ID_CMC_SENDER_NONCE => once(&mut self.sender_nonce, oid, Nonce::from_bytes(octets(oid, value)?)),
            ID_CMC_RECIPIENT_NONCE => once(&mut self.recipient_nonce, oid, Nonce::from_bytes(octets(oid, value)?)),
            ID_CMC_QUERY_PENDING => once(&mut self.query_pending, oid, PendToken::from_bytes(octets(oid, value)?)),
            ID_CMC_CONFIRM_CERT_ACCEPTANCE => {
                self.confirmed.push(single(oid, value)?);
                Ok(())
            }
            ID_CMC_STATUS_INFO | ID_CMC_STATUS_INFO_V_2 => {
                let status = StatusInfo::from_der(value).map_err(|_| ControlError::Malformed { oid })?;
                self.statuses.push(status);
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

/// The one value of a SET OF with one member: from_der refuses what follows it.
fn single<'a, T: Decode<'a, Error = der::Error>>(oid: ObjectIdentifier, value: &'a [u8]) -> Result<T, ControlError> {
    T::from_der(value).map_err(|_| ControlError::Malformed { oid })
}

fn octets(oid: ObjectIdentifier, value: &[u8]) -> Result<&[u8], ControlError> {
    Ok(single::<&OctetStringRef>(oid, value)?.as_bytes())
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

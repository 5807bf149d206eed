//! Certificates that are written, and what is removed, in such an order that whatever is interrupted can be repeated.

use cryptoki::object::{Attribute, CertificateType, ObjectClass, ObjectHandle};

use super::{
    convention::{CertificateLabel, KeyLabel, Stage},
    conversation::Conversation,
    names::names,
    objects::{Pair, private_key, private_keys},
};
use crate::{InstallCertificate, Removal, SlotId, TokenError};

/// Writes certificates, then marks what they supersede: stopped between the two, both look valid, and both are. What is
/// there already is not written again.
pub(super) fn install(
    card: &Conversation,
    numbered: &[(SlotId, Pair)],
    jobs: &[InstallCertificate],
    superseded: &[SlotId],
) -> Result<(), TokenError> {
    let mut written = Vec::new();
    for job in jobs {
        let missing =
            TokenError::Slot { slot: job.slot, problem: "there is no such slot: take one that Token::slots names" };
        let pair = find(numbered, job.slot).ok_or(missing)?;
        if pair.certificates.iter().any(|certificate| certificate.der == job.certificate) {
            // It was installed before something tore the rest.
            continue;
        }
        match write(card, pair, job) {
            Ok(certificate) => written.push(certificate),
            Err(error) => {
                // All or nothing, as far as PKCS#11 lets us.
                for certificate in written {
                    let _ = card.destroy("a certificate without its twin", certificate);
                }
                return Err(error);
            }
        }
    }
    for (_, pair) in numbered.iter().filter(|(number, _)| superseded.contains(number)) {
        let is_new = |der: &[u8]| jobs.iter().any(|job| job.certificate == der);
        let unmarked = pair.certificates.iter().filter(|certificate| !certificate.label.superseded);
        for certificate in unmarked.filter(|certificate| !is_new(&certificate.der)) {
            let label = CertificateLabel { superseded: true, ..certificate.label.clone() };
            let label = Attribute::Label(label.to_string().into_bytes());
            for handle in &certificate.handles {
                card.set(*handle, "superseded", std::slice::from_ref(&label))?;
            }
        }
    }
    Ok(())
}

fn write(card: &Conversation, pair: &Pair, job: &InstallCertificate) -> Result<ObjectHandle, TokenError> {
    let problem = "what is to be installed is no X.509 certificate: give the DER of one";
    let names = names(&job.certificate).ok_or(TokenError::Slot { slot: job.slot, problem })?;
    let label = CertificateLabel { text: job.label.clone(), superseded: false };
    let template = [
        Attribute::Token(true),
        Attribute::Private(false),
        Attribute::Class(ObjectClass::CERTIFICATE),
        Attribute::CertificateType(CertificateType::X_509),
        Attribute::Id(pair.id.clone()),
        Attribute::Label(label.to_string().into_bytes()),
        Attribute::Subject(names.subject),
        Attribute::Issuer(names.issuer),
        Attribute::SerialNumber(names.serial_number),
        Attribute::Value(job.certificate.clone()),
    ];
    card.create(&format!("a certificate of {} bytes for slot {}", job.certificate.len(), job.slot), &template)
}

/// What goes, found before anything does.
#[derive(Default)]
pub(super) struct Going<'p> {
    certificates: Vec<ObjectHandle>,
    pairs: Vec<(SlotId, &'p Pair)>,
}

impl<'p> Going<'p> {
    pub(super) fn find(numbered: &'p [(SlotId, Pair)], what: &[Removal]) -> Result<Self, TokenError> {
        let mut going = Self::default();
        for removal in what {
            let (Removal::Slot(slot) | Removal::Certificate(slot, _)) = *removal;
            let missing = |problem| TokenError::Slot { slot, problem };
            let pair = find(numbered, slot).ok_or(missing("there is nothing in it: read the slots again"))?;
            match *removal {
                Removal::Slot(_) => going.pairs.push((slot, pair)),
                Removal::Certificate(_, index) => {
                    let missing = missing("it has no certificate of this number: read the slots again");
                    going.certificates.extend(&pair.certificates.get(index).ok_or(missing)?.handles);
                }
            }
        }
        Ok(going)
    }

    /// Of a pair the public key goes last, with a label that says so since before its certificates went: where this is
    /// interrupted no private key is left that nobody sees, and nobody takes half a pair for one that waits.
    pub(super) fn remove(self, card: &Conversation) -> Result<(), TokenError> {
        let mut privates = Vec::with_capacity(self.pairs.len());
        for (slot, pair) in &self.pairs {
            privates.push(match pair.is_left_over() {
                true => private_keys(card, pair)?,
                false => private_key(card, *slot, pair)?.into_iter().collect(),
            });
        }
        for certificate in self.certificates {
            card.destroy("a certificate", certificate)?;
        }
        for ((_, pair), private) in self.pairs.into_iter().zip(privates) {
            let private = private.into_iter().map(|private| ("a private key", private));
            let certificates = pair.certificates.iter().flat_map(|certificate| &certificate.handles);
            let certificates = certificates.map(|handle| ("a certificate", *handle));
            let objects: Vec<_> = match pair.public {
                Some(public) => {
                    let label = KeyLabel { stage: Stage::BeingRemoved, ..pair.label.clone() };
                    card.set(public, "being removed", &[Attribute::Label(label.to_string().into_bytes())])?;
                    certificates.chain(private).chain([("a public key", public)]).collect()
                }
                // Its certificate is all that is seen of it.
                None => private.chain(certificates).collect(),
            };
            for (about, object) in objects {
                card.destroy(about, object)?;
            }
        }
        Ok(())
    }
}

fn find(numbered: &[(SlotId, Pair)], slot: SlotId) -> Option<&Pair> {
    numbered.iter().find(|(number, _)| *number == slot).map(|(_, pair)| pair)
}

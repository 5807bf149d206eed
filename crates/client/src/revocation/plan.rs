use std::time::SystemTime;

use obnova_card::{KeyEntry, KeyRole, SlotId};
use obnova_renewal::{CardView, ParsedCertificate, SlotView, serial_digits};

use super::RevocationError;
use crate::{EstConnection, HttpExchange};

/// Who speaks on a card for a certificate that is to end.
#[derive(Clone, Debug)]
pub struct RevocationPlan {
    revoked: Option<ParsedCertificate>,
    /// The best first.
    speakers: Vec<Speaker>,
    is_own: bool,
    same_key: Vec<ParsedCertificate>,
}

/// A key with a certificate.
#[derive(Clone, Debug)]
pub(super) struct Speaker {
    pub(super) slot: SlotId,
    pub(super) key: KeyEntry,
    pub(super) certificate: ParsedCertificate,
}

impl RevocationPlan {
    /// The certificate's own key, where it is on the card; it may have expired. Else another key of the holder with a certificate
    /// that is valid `now`, one for logins first, and of these the one that lives longest.
    ///
    /// A certificate that is not on the card (any more) is no more than its number here, and its key is not known:
    /// [`of_certificate`](Self::of_certificate).
    ///
    /// # Errors
    /// [`RevocationError::NoSigner`].
    pub fn make(card: &CardView, serial: &str, now: SystemTime) -> Result<Self, RevocationError> {
        let wanted = serial_digits(serial);
        let is_it = |one: &&ParsedCertificate| wanted.as_ref() == Some(&one.serial());
        let revoked: Vec<_> = certificates(card).filter(is_it).collect();
        Self::of(card, &revoked, now)
    }

    /// The same for a certificate that need not be on the card: its key may be there all the same, with another certificate.
    ///
    /// # Errors
    /// [`RevocationError::NoSigner`].
    pub fn of_certificate(
        card: &CardView,
        certificate: &ParsedCertificate,
        now: SystemTime,
    ) -> Result<Self, RevocationError> {
        Self::of(card, &[certificate], now)
    }

    /// Several, where issuers gave out the same number.
    fn of(card: &CardView, revoked: &[&ParsedCertificate], now: SystemTime) -> Result<Self, RevocationError> {
        let (mut own, mut others) = (Vec::new(), Vec::new());
        for slot in &card.slots {
            let Some(key) = slot.key.as_ref().filter(|key| !key.signs.is_empty()) else { continue };
            let speaker = |certificate: &ParsedCertificate| Speaker {
                slot: slot.id,
                key: key.clone(),
                certificate: certificate.clone(),
            };
            own.extend(revoked.iter().filter(|one| is_key_of(slot, one)).map(|one| speaker(one)));
            let fitting =
                slot.certificates.iter().filter(|view| view.fits_key).filter_map(|view| view.certificate.as_ref());
            others.extend(fitting.filter(|one| one.is_valid_at(now)).map(speaker));
        }
        let revoked = revoked.last().map(|one| (*one).clone());
        let is_own = !own.is_empty();
        let mut speakers = if is_own { own } else { others };
        speakers.sort_by_key(|one| (one.key.role == KeyRole::Authentication, one.certificate.not_after()));
        speakers.reverse();
        if speakers.is_empty() {
            return Err(RevocationError::NoSigner);
        }
        let same_key = revoked.as_ref().map(|revoked| on_same_key(card, revoked, now)).unwrap_or_default();
        Ok(Self { revoked, speakers, is_own, same_key })
    }

    /// Whether the revocation password has to speak too, at every CA. Some want it from the certificate's own key as well.
    #[must_use]
    pub const fn wants_password(&self) -> bool {
        !self.is_own
    }

    /// The certificate that is to end, where it is on the card or was given.
    #[must_use]
    pub const fn revoked(&self) -> Option<&ParsedCertificate> {
        self.revoked.as_ref()
    }

    /// The other certificates on the card that its issuer gave out for the same key, and that have not expired. They end with it where
    /// the reason is one of the [key](super::RevocationReason::ends_key).
    #[must_use]
    pub fn same_key(&self) -> &[ParsedCertificate] {
        &self.same_key
    }

    /// The best one with a certificate of this CA's, which is given too.
    pub(super) fn speaker<H: HttpExchange>(
        &self,
        ca: &mut EstConnection<H>,
    ) -> Result<(&Speaker, ParsedCertificate), RevocationError> {
        for speaker in &self.speakers {
            if let Some(issuer) = ca.issuer_of(&speaker.certificate)? {
                return Ok((speaker, issuer));
            }
        }
        Err(if self.is_own { RevocationError::NotOfIssuer } else { RevocationError::NoSigner })
    }
}

fn certificates(card: &CardView) -> impl Iterator<Item = &ParsedCertificate> {
    card.slots.iter().flat_map(|slot| &slot.certificates).filter_map(|view| view.certificate.as_ref())
}

/// Whether the key in this slot is that of a certificate, which may be gone from there. Some tokens tell a key by its certificates
/// only.
fn is_key_of(slot: &SlotView, certificate: &ParsedCertificate) -> bool {
    let told = slot.key.as_ref().and_then(|key| key.public_key.as_ref());
    let fitting = slot.certificates.iter().filter(|view| view.fits_key).filter_map(|view| view.certificate.as_ref());
    told.into_iter().chain(fitting.map(ParsedCertificate::public_key)).any(|key| key == certificate.public_key())
}

/// Each once, wherever on the card it is.
fn on_same_key(card: &CardView, revoked: &ParsedCertificate, now: SystemTime) -> Vec<ParsedCertificate> {
    let mut found: Vec<ParsedCertificate> = Vec::new();
    for certificate in certificates(card) {
        let is_of_it = certificate.public_key() == revoked.public_key() && certificate.issuer() == revoked.issuer();
        let serial = certificate.serial();
        let is_new = serial != revoked.serial() && !found.iter().any(|one| one.serial() == serial);
        if is_of_it && is_new && certificate.not_after() > now {
            found.push(certificate.clone());
        }
    }
    found
}

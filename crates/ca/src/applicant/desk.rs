use std::{sync::Arc, time::SystemTime};

use obnova_enroll::{
    cmc::UserId,
    names::{same_mailbox, same_name_in_any_order},
};
use obnova_profile::TransportPinModel;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use x509_cert::name::Name;
use zeroize::Zeroizing;

use super::{ApplicantData, ApplicantError, Stage, Step, error::MAX_NOTE};
use crate::{
    CardCertificateError, FirstError, IssuedCertificate, KeyFileError, Letter, LinkDesk, LinkError, LinkPurpose,
    LinkToken, Mail, MailAddress, MailKind, MailLink, OpenLink, PickUpSecret, RegistrationPolicy, SqliteStore,
    StoreError, Subject, Texts,
    notice::email,
    revocation::ToHolders,
    sealed::Seal,
    store::{ApplicantRecord, By, Effect, StepNote},
    transaction::{from_hex, to_hex},
};

/// Leads applicants from the form to the hand-over. Each step is taken in its turn or refused by name; what was done, when and by
/// whom is kept, and stands in the audit log without names.
///
/// The transport PIN of the card is kept encrypted, under a key that is not in the database, and shown once: to whoever follows the
/// link that was mailed after the hand-over to the address that was confirmed before the identity check. When it is shown it is
/// wiped, in the same transaction: two who ask at once do not both see it.
pub struct ApplicantDesk {
    policy: RegistrationPolicy,
    store: Arc<SqliteStore>,
    links: LinkDesk,
    seal: Seal,
    texts: Arc<dyn Texts>,
}

/// Who an applicant is, for everybody who deals with it: random, and no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ApplicantId(pub(crate) [u8; ApplicantId::SIZE]);

impl ApplicantId {
    const SIZE: usize = 16;
}

impl std::fmt::Display for ApplicantId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&to_hex(&self.0))
    }
}

impl std::str::FromStr for ApplicantId {
    type Err = ApplicantError;

    fn from_str(text: &str) -> Result<Self, ApplicantError> {
        let bytes = from_hex(text, Self::SIZE).and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or(ApplicantError::Unknown)
    }
}

/// Somebody who has registered.
pub struct Registered {
    /// Who.
    pub id: ApplicantId,
    /// What they show to see and correct their data; the database has only its hash.
    pub secret: Zeroizing<String>,
}

/// A card that was made for an applicant.
pub struct Personalised {
    /// Its serial number, as it is printed on it.
    pub card: String,
    /// Serial numbers of the certificates on it.
    pub certificates: Vec<Vec<u8>>,
    /// What it is activated with.
    pub transport_pin: TransportPin,
}

/// What a card is activated with: printable ASCII characters, as many as on a card of some
/// [model](TransportPinModel::secret_lengths). Not shown by `Debug`, and wiped.
#[derive(Clone)]
pub struct TransportPin(Zeroizing<String>);

impl zeroize::ZeroizeOnDrop for TransportPin {}

impl TransportPin {
    /// `None` when it is none.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let (shortest, longest) = TransportPinModel::secret_lengths();
        Self::kept(text).filter(|_| (shortest.into()..=longest.into()).contains(&text.len()))
    }

    /// One that was taken before, be it by an older version, which took others.
    fn kept(text: &str) -> Option<Self> {
        text.bytes().all(|byte| byte.is_ascii_graphic()).then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The PIN itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

const SECRET: usize = 20;

impl ApplicantDesk {
    /// A desk whose links and encryption come from the CA's secret.
    ///
    /// # Errors
    /// [`KeyFileError::Crypto`].
    pub fn new(
        policy: RegistrationPolicy,
        secret: &PickUpSecret,
        store: Arc<SqliteStore>,
        texts: Arc<dyn Texts>,
    ) -> Result<Self, KeyFileError> {
        let seal = Seal::new(&secret.derive_bytes(b"obnova transport pin 1"))?;
        Ok(Self { policy, links: LinkDesk::new(secret, store.clone()), store, seal, texts })
    }

    /// What policy says.
    #[must_use]
    pub const fn policy(&self) -> &RegistrationPolicy {
        &self.policy
    }

    /// Takes down somebody who applies, and mails a link to confirm the address.
    ///
    /// # Errors
    /// [`ApplicantError::TooMany`], [`ApplicantError::Store`].
    pub fn register(&self, data: &ApplicantData, now: SystemTime) -> Result<Registered, ApplicantError> {
        self.take_down(data, Some(self.policy), now)
    }

    /// The same by an operator, whom no limit keeps from it: who registers over the network reaches them for everybody.
    ///
    /// # Errors
    /// [`ApplicantError::Store`].
    pub fn register_by_operator(&self, data: &ApplicantData, now: SystemTime) -> Result<Registered, ApplicantError> {
        self.take_down(data, None, now)
    }

    fn take_down(
        &self,
        data: &ApplicantData,
        limits: Option<RegistrationPolicy>,
        now: SystemTime,
    ) -> Result<Registered, ApplicantError> {
        let id = ApplicantId(random()?);
        let secret = Zeroizing::new(to_hex(Zeroizing::new(random::<SECRET>()?).as_slice()));
        let mail = self.confirmation(id, data, now)?;
        let hash = Sha256::digest(secret.as_bytes()).into();
        self.store.add_applicant(id, hash, data.clone(), mail, limits, now)??;
        Ok(Registered { id, secret })
    }

    /// An applicant, for who shows the secret. Who does not is told that there is none.
    ///
    /// # Errors
    /// [`ApplicantError::Unknown`], [`ApplicantError::Store`].
    pub fn own(&self, id: ApplicantId, secret: &str) -> Result<ApplicantRecord, ApplicantError> {
        let (record, hash) = self.store.registered(id)?.ok_or(ApplicantError::Unknown)?;
        let shown: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        if bool::from(shown.ct_eq(&hash)) { Ok(record) } else { Err(ApplicantError::Unknown) }
    }

    /// Corrects the data; possible until the identity check, five times. Another address has to be confirmed, and the link to the old
    /// one is dead; one to the same address stays good. The same data again are no correction: while the address is not confirmed they ask
    /// for that mail once more, ten times.
    ///
    /// # Errors
    /// [`ApplicantError`].
    pub fn correct(
        &self,
        id: ApplicantId,
        secret: &str,
        data: &ApplicantData,
        now: SystemTime,
    ) -> Result<ApplicantRecord, ApplicantError> {
        self.own(id, secret)?;
        self.take_correction(id, data, StepNote::default(), By::Applicant(self.policy), now)
    }

    /// The same by an operator, who has found a slip, and whom no limit keeps from it. `seen` is the
    /// [fingerprint](ApplicantData::fingerprint) of the data in which it was found: all of them are replaced, and what the applicant
    /// corrected meanwhile is not undone.
    ///
    /// # Errors
    /// [`ApplicantError::Changed`] when they are others now; [`ApplicantError`].
    pub fn correct_by_operator(
        &self,
        id: ApplicantId,
        operator: &str,
        seen: &str,
        data: &ApplicantData,
        now: SystemTime,
    ) -> Result<ApplicantRecord, ApplicantError> {
        self.take_correction(id, data, note(operator, None)?, By::Operator { seen: seen.to_owned() }, now)
    }

    fn take_correction(
        &self,
        id: ApplicantId,
        data: &ApplicantData,
        note: StepNote,
        by: By,
        now: SystemTime,
    ) -> Result<ApplicantRecord, ApplicantError> {
        let mail = self.confirmation(id, data, now)?;
        let effect = Effect::Correct { data: data.clone(), mail, by };
        self.store.applicant_step(id, Step::Correct, note, effect, now)?
    }

    /// Whether a link confirms an address, without confirming it.
    ///
    /// # Errors
    /// [`ApplicantError::Link`].
    pub fn look_at_confirmation(&self, token: &LinkToken, now: SystemTime) -> Result<(), ApplicantError> {
        let open = self.links.look(token, LinkPurpose::Confirm, now)?;
        let (id, address) = about(&open)?;
        let (record, _) = self.store.registered(id)?.ok_or(LinkError::Unknown)?;
        if hash_of(record.data.email()) == address { Ok(()) } else { Err(LinkError::Corrected.into()) }
    }

    /// Confirms the address that a link was mailed to.
    ///
    /// # Errors
    /// [`ApplicantError`].
    pub fn confirm(&self, token: &LinkToken, now: SystemTime) -> Result<ApplicantRecord, ApplicantError> {
        self.look_at_confirmation(token, now)?;
        let open = self.links.look(token, LinkPurpose::Confirm, now)?;
        let (id, address) = about(&open)?;
        let effect = Effect::Confirm { link: open.id, address: address.to_vec() };
        self.store.applicant_step(id, Step::Confirm, StepNote::default(), effect, now)?
    }

    /// An operator has seen who it is. `seen` is the [fingerprint](ApplicantData::fingerprint) of the data that were compared with the
    /// papers: applicants may correct them until then.
    ///
    /// # Errors
    /// [`ApplicantError::Changed`] when they are others now.
    pub fn identify(
        &self,
        id: ApplicantId,
        operator: &str,
        seen: &str,
        now: SystemTime,
    ) -> Result<ApplicantRecord, ApplicantError> {
        let effect = Effect::Identify { seen: seen.to_owned() };
        self.store.applicant_step(id, Step::Identify, note(operator, None)?, effect, now)?
    }

    /// The contract is signed.
    ///
    /// # Errors
    /// [`ApplicantError`].
    pub fn contract(
        &self,
        id: ApplicantId,
        operator: &str,
        reference: &str,
        now: SystemTime,
    ) -> Result<ApplicantRecord, ApplicantError> {
        self.plain(id, Step::Contract, operator, Some(reference), now)
    }

    /// It is paid.
    ///
    /// # Errors
    /// [`ApplicantError`].
    pub fn pay(
        &self,
        id: ApplicantId,
        operator: &str,
        reference: &str,
        now: SystemTime,
    ) -> Result<ApplicantRecord, ApplicantError> {
        self.plain(id, Step::Pay, operator, Some(reference), now)
    }

    /// In place of a card: takes the applicant down as somebody who may ask for first certificates, with the name and the address that
    /// were checked, under a user id in a module of the service ([`FirstDesk::issue`](crate::FirstDesk::issue) makes the password). Who
    /// gets certificates by it is kept as one who has a card.
    ///
    /// # Errors
    /// [`ApplicantError::Entry`] with [`FirstError::Bound`] where the user id stands for somebody else; [`ApplicantError`].
    pub fn enter(
        &self,
        id: ApplicantId,
        operator: &str,
        (user, module): (&UserId, &str),
        now: SystemTime,
    ) -> Result<ApplicantRecord, ApplicantError> {
        let note = note(operator, None)?;
        let (record, _) = self.store.registered(id)?.ok_or(ApplicantError::Unknown)?;
        record.stage.after(Step::Enter)?;
        let name = record.data.distinguished_name().parse().map_err(|_| FirstError::Name)?;
        let email = record.data.email().as_str().to_owned();
        let subject = Subject { user: user.clone(), module: module.to_owned(), name, email }.checked()?;
        let note = StepNote { reference: Some(format!("{module}/{}", user.as_str())), ..note };
        self.store.applicant_step(id, Step::Enter, note, Effect::Enter { subject }, now)?
    }

    /// Somebody for whom a card may be made: who paid. The certificates for it say what stands in these data.
    ///
    /// # Errors
    /// [`ApplicantError`]: it is not the turn of a card.
    pub fn to_personalise(&self, id: ApplicantId) -> Result<ApplicantRecord, ApplicantError> {
        let record = self.get(id)?;
        record.stage.after(Step::Personalise)?;
        Ok(record)
    }

    /// A card was made. The certificates on it are this CA's, valid, and say the applicant's name,
    /// country, number and address, and nothing else of a person.
    ///
    /// What was issued together is taken down together, unless it was revoked or is over: what nobody names nobody would revoke with the card.
    ///
    /// Where the card before was lost or spoilt, another card is made in the same way; where it was not handed over yet, or its transport PIN
    /// is gone, since it was shown, or forgotten after its last link, this one may be personalised again, too: what was on it and is not on the
    /// other one, also what its holder renewed since, is revoked as superseded, in one transaction with that, and its holder is told. Then it is
    /// handed over anew.
    ///
    /// # Errors
    /// [`ApplicantError::CertificateMissing`]; [`ApplicantError`].
    pub fn personalise(
        &self,
        id: ApplicantId,
        operator: &str,
        made: &Personalised,
        now: SystemTime,
    ) -> Result<ApplicantRecord, ApplicantError> {
        let note = note(operator, Some(&made.card))?;
        let (record, _) = self.store.registered(id)?.ok_or(ApplicantError::Unknown)?;
        record.takes_a_card(&made.card)?;
        if made.certificates.is_empty() {
            return Err(ApplicantError::Certificate(CardCertificateError::None));
        }
        for serial in &made.certificates {
            self.fits(&record, serial, now)
                .map_err(|error| error.map_or_else(ApplicantError::Store, ApplicantError::Certificate))?;
        }
        let sealed = self.seal.seal(made.transport_pin.reveal().as_bytes(), &pin_of(id, &made.card))?;
        let letters = Arc::new(ToHolders(self.texts.clone()));
        let (card, certificates) = (made.card.clone(), made.certificates.clone());
        let effect = Effect::Personalise { card, certificates, sealed, letters };
        self.store.applicant_step(id, Step::Personalise, note, effect, now)?
    }

    /// The card is handed over; a link to the transport PIN is mailed. Done again it mails another link, and the one before it ends,
    /// as long as the PIN is kept.
    ///
    /// # Errors
    /// [`ApplicantError::PinGone`] when it is not; [`ApplicantError::CardOver`]; [`ApplicantError`].
    pub fn hand_over(
        &self,
        id: ApplicantId,
        operator: &str,
        now: SystemTime,
    ) -> Result<ApplicantRecord, ApplicantError> {
        let note = note(operator, None)?;
        let (record, _) = self.store.registered(id)?.ok_or(ApplicantError::Unknown)?;
        record.stage.after(Step::HandOver)?;
        let card = record.card.as_deref().unwrap_or_default();
        let expires = now + self.policy.transport_pin;
        let text = self.texts.compose(&Letter::TransportPin { name: record.data.name(), expires });
        let link = MailLink::Signed { purpose: LinkPurpose::TransportPin, about: pin_of(id, card), expires };
        let key = format!("transport-pin/{id}/{}", to_hex(&random::<8>()?));
        let mail = Mail::new(key, MailKind::TransportPin, record.data.email().clone(), text)?;
        let mail = mail.named(record.data.name())?.with_link(link);
        self.store.applicant_step(id, Step::HandOver, note, Effect::HandOver { mail }, now)?
    }

    /// Whether a link shows a transport PIN, without showing it.
    ///
    /// # Errors
    /// [`ApplicantError::Link`].
    pub fn look_at_transport_pin(&self, token: &LinkToken, now: SystemTime) -> Result<(), ApplicantError> {
        self.links.look(token, LinkPurpose::TransportPin, now)?;
        Ok(())
    }

    /// Shows the transport PIN, once, and forgets it.
    ///
    /// # Errors
    /// [`ApplicantError`]: it was not shown.
    pub fn show_transport_pin(&self, token: &LinkToken, now: SystemTime) -> Result<TransportPin, ApplicantError> {
        let open = self.links.look(token, LinkPurpose::TransportPin, now)?;
        let (id, _) = about(&open)?;
        // Looked at before it is wiped: what cannot be opened is not lost.
        let sealed = self.store.sealed_pin(id)?.ok_or(LinkError::Used)?;
        let pin = self.seal.open(&sealed, &open.about).ok_or(ApplicantError::Sealed)?;
        let pin = std::str::from_utf8(&pin).ok().and_then(TransportPin::kept).ok_or(ApplicantError::Sealed)?;
        let effect = Effect::ShowPin { link: open.id, sealed };
        self.store.applicant_step(id, Step::ShowPin, StepNote::default(), effect, now)??;
        // What was kept of it stands in the log until that is written over. It is shown all the same where the log cannot go now.
        let _ = self.store.clear_log();
        Ok(pin)
    }

    /// An applicant, for an operator.
    ///
    /// # Errors
    /// [`ApplicantError::Unknown`], [`ApplicantError::Store`].
    pub fn get(&self, id: ApplicantId) -> Result<ApplicantRecord, ApplicantError> {
        self.store.registered(id)?.map(|(record, _)| record).ok_or(ApplicantError::Unknown)
    }

    /// Applicants, the newest first, at most `limit`, in one stage or in all.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn list(&self, stage: Option<Stage>, limit: u32) -> Result<Vec<ApplicantRecord>, StoreError> {
        self.store.applicants(stage, limit)
    }

    fn plain(
        &self,
        id: ApplicantId,
        step: Step,
        operator: &str,
        reference: Option<&str>,
        now: SystemTime,
    ) -> Result<ApplicantRecord, ApplicantError> {
        self.store.applicant_step(id, step, note(operator, reference)?, Effect::None, now)?
    }

    fn confirmation(&self, id: ApplicantId, data: &ApplicantData, now: SystemTime) -> Result<Mail, ApplicantError> {
        let expires = now + self.policy.confirm;
        let text = self.texts.compose(&Letter::Confirm { name: data.name(), expires });
        let about = [id.0.as_slice(), &hash_of(data.email())].concat();
        let link = MailLink::Signed { purpose: LinkPurpose::Confirm, about, expires };
        let key = format!("confirm/{id}/{}", to_hex(&random::<8>()?));
        let mail = Mail::new(key, MailKind::Confirm, data.email().clone(), text)?;
        Ok(mail.named(data.name())?.with_link(link))
    }

    fn fits(
        &self,
        record: &ApplicantRecord,
        serial: &[u8],
        now: SystemTime,
    ) -> Result<(), Result<CardCertificateError, StoreError>> {
        use crate::Store as _;
        let kept = self.store.certificate(serial).map_err(Err)?.ok_or(Ok(CardCertificateError::Unknown))?;
        if kept.revoked || kept.not_after <= now {
            return Err(Ok(CardCertificateError::NotValid));
        }
        let certificate = IssuedCertificate::from_der(&kept.der).map_err(|_| Ok(CardCertificateError::Unknown))?;
        let asked: Result<Name, _> = record.data.distinguished_name().parse();
        let subject = certificate.certificate.tbs_certificate().subject();
        let name = asked.is_ok_and(|asked| same_name_in_any_order(&asked, subject));
        let address = email(&certificate.certificate);
        let address = address.is_some_and(|address| same_mailbox(&address, record.data.email().as_str()));
        if name && address { Ok(()) } else { Err(Ok(CardCertificateError::OtherHolder)) }
    }
}

/// What a link says of an address, without the address: the link stays when the applicant is forgotten.
pub(crate) fn hash_of(address: &MailAddress) -> [u8; 32] {
    Sha256::digest(address.as_str().as_bytes()).into()
}

fn random<const N: usize>() -> Result<[u8; N], KeyFileError> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes)?;
    Ok(bytes)
}

/// What a transport PIN and its link belong to.
fn pin_of(id: ApplicantId, card: &str) -> Vec<u8> {
    [id.0.as_slice(), card.as_bytes()].concat()
}

fn about(open: &OpenLink) -> Result<(ApplicantId, &[u8]), LinkError> {
    let (id, rest) = open.about.split_first_chunk().ok_or(LinkError::Unknown)?;
    Ok((ApplicantId(*id), rest))
}

fn note(operator: &str, reference: Option<&str>) -> Result<StepNote, ApplicantError> {
    for text in [Some(operator), reference].into_iter().flatten() {
        let length = text.chars().count();
        if !(1..=MAX_NOTE).contains(&length) || text.chars().any(char::is_control) {
            return Err(ApplicantError::Note);
        }
    }
    Ok(StepNote { operator: Some(operator.to_owned()), reference: reference.map(str::to_owned) })
}

impl std::fmt::Debug for ApplicantDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApplicantDesk").field("policy", &self.policy).finish_non_exhaustive()
    }
}

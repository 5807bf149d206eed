use obnova_algorithm::verify_digest;
use obnova_card::{KeyEntry, KeyRole, PasswordKind, PasswordStatus, Pin, SignDigest, SlotId, TokenError, Tries};
use obnova_card_rustls::SharedToken;
use obnova_enroll::cmc::{Signer, ToSign};
use obnova_renewal::{ByRole, Completion, MANAGING_PASSWORD, ParsedCertificate, PinUse, SlotView};

use crate::{
    CaError, EstConnection, HttpExchange, Login, LoginError, LoginProof, PickUpLink, PinRequest, Prompt, Question,
    RunError,
    look::lock,
    pins::{Asker, ask, at_pad, note_wrong, retry},
};

/// What is done when certificates came without a journal, in this order: they are put on the card, they are proven, and the
/// issuer is told that they are there. That is last, since a link opens nothing any more then: after a stop before that it can be
/// followed once more, and all of it is done. Each step can be left out. What a PIN is asked for is named beforehand, so that it
/// is asked for once.
pub struct Finish<'a> {
    token: &'a SharedToken,
    prompt: &'a mut dyn Prompt,
    certificates: &'a ByRole<ParsedCertificate>,
    /// After they were put on the card.
    ahead: Vec<PinUse>,
    held: Vec<(PasswordKind, Pin)>,
    card: Option<Card>,
}

/// What is known of the card.
struct Card {
    label: String,
    statuses: Vec<PasswordStatus>,
    /// A wrong password spent tries, or the last one was risked; a right one after it gave them back, so they are read again.
    spent: bool,
    pad: bool,
    keys: ByRole<(SlotId, KeyEntry)>,
}

/// How a receipt is signed.
type Sign<'s> = &'s mut dyn FnMut(&ToSign) -> Result<Vec<u8>, ReceiptError>;

impl<'a> Finish<'a> {
    /// Of these certificates. `ahead` is what will be done when they are on the card.
    #[must_use]
    pub fn new(
        token: &'a SharedToken,
        prompt: &'a mut dyn Prompt,
        certificates: &'a ByRole<ParsedCertificate>,
        ahead: &[PinUse],
    ) -> Self {
        Self { token, prompt, certificates, ahead: ahead.to_vec(), held: Vec::new(), card: None }
    }

    /// Puts them on the card, and reads them back. What is there already is not written again, and takes no PIN. First ones are
    /// shown to the holder before.
    ///
    /// # Errors
    /// [`RunError`]; [`RunError::NotOnCard`] when the card does not show what was written, [`RunError::Declined`] when the holder
    /// does not agree to the certificates.
    pub fn install(&mut self, completion: &Completion) -> Result<(), RunError> {
        if completion.is_done() {
            return Ok(());
        }
        let question = Question::Certificates(&completion.certificates);
        if completion.confirm_certificates && !self.prompt.confirm(&question)? {
            return Err(RunError::Declined);
        }
        self.ahead.insert(0, PinUse::Install);
        self.with_pin(PinUse::Install, MANAGING_PASSWORD, |token, pin| {
            Ok(lock(token).install(&completion.jobs, &completion.superseded, pin)?)
        })?;
        let slots: Vec<SlotView> = lock(self.token).slots()?.into_iter().map(SlotView::from).collect();
        let there =
            completion.certificates.iter().all(|(_, certificate)| slots.iter().any(|slot| slot.holds(certificate)));
        if there { Ok(()) } else { Err(RunError::NotOnCard) }
    }

    /// Tells the issuer that what came by this link is on the card, signed by a key of the new certificates: that one for logging in,
    /// where there is one. The link opens nothing any more then. Whoever has the link only cannot do this, so that nobody takes it
    /// away before the certificates are on the card.
    ///
    /// Where none of them came by it, nothing is done. After whatever stop and whatever error it may be done again.
    ///
    /// # Errors
    /// [`ReceiptError`]. The certificates stay where they are.
    pub fn close<H: HttpExchange>(&mut self, link: &PickUpLink<H>) -> Result<(), ReceiptError> {
        let certificates = self.certificates;
        let came: Vec<_> = certificates.iter().filter(|(_, one)| link.brought(one)).collect();
        let Some((role, certificate)) = came.first().copied() else { return Ok(()) };
        let came: Vec<_> = came.into_iter().map(|(_, one)| one).collect();
        self.signed(role, certificate, |signer, sign| link.receive(&came, signer, sign))
    }

    /// Tells the issuer the same where the certificates came as files: what link it mailed opens nothing any more then.
    ///
    /// # Errors
    /// As [`close`](Self::close).
    pub fn confirm<H: HttpExchange>(&mut self, ca: &mut EstConnection<H>) -> Result<(), ReceiptError> {
        let certificates = self.certificates;
        let Some((role, certificate)) = certificates.iter().next() else { return Ok(()) };
        let all: Vec<_> = certificates.iter().map(|(_, one)| one).collect();
        self.signed(role, certificate, |signer, sign| ca.receive(&all, signer, sign))
    }

    /// Sends a receipt that the key of this certificate signs.
    fn signed(
        &mut self,
        role: KeyRole,
        certificate: &ParsedCertificate,
        send: impl FnOnce(Signer, Sign<'_>) -> Result<(), ReceiptError>,
    ) -> Result<(), ReceiptError> {
        let (slot, key) = self.key(role)?;
        let algorithm = *key.signs.first().ok_or_else(|| no_algorithm(slot))?;
        let signer = Signer { certificate: certificate.certificate().clone(), algorithm };
        send(signer, &mut |to_sign: &ToSign| {
            let job = SignDigest { slot, algorithm, digest: to_sign.digest };
            Ok(self.sign(PinUse::Receipt, key.password, job)?)
        })
    }

    /// Logs in with the new authentication certificate, and says whom the server saw; nothing where there is none.
    ///
    /// # Errors
    /// [`RunError`].
    pub fn prove_login(&mut self, proof: &mut dyn LoginProof) -> Result<Option<String>, RunError> {
        let Some(certificate) = &self.certificates.authentication else { return Ok(None) };
        let (slot, key) = self.key(KeyRole::Authentication)?;
        let seen = self.with_pin(PinUse::Login, key.password, |token, pin| {
            proof.login(&Login { token, slot, key: &key, certificate, pin: pin.clone() }).map_err(|error| match error {
                LoginError::Token(error) => RunError::Token(error),
                error => RunError::Login(error),
            })
        })?;
        Ok(Some(seen))
    }

    /// Makes a signature with the new signature key, and verifies it; `false` where there is none.
    ///
    /// # Errors
    /// [`RunError`].
    pub fn prove_signature(&mut self) -> Result<bool, RunError> {
        let Some(certificate) = &self.certificates.signature else { return Ok(false) };
        let (slot, key) = self.key(KeyRole::Signature)?;
        let algorithm = *key.signs.first().ok_or_else(|| no_algorithm(slot))?;
        let text = format!("Obnova: this signature proves the certificate {}.\n", certificate.serial());
        let digest = algorithm.digest().of(text.as_bytes());
        let signature = self.sign(PinUse::TestSignature, key.password, SignDigest { slot, algorithm, digest })?;
        verify_digest(certificate.public_key(), algorithm, &digest, &signature)
            .map_err(|error| RunError::Process(error.into()))?;
        Ok(true)
    }

    fn sign(&mut self, one: PinUse, password: PasswordKind, job: SignDigest) -> Result<Vec<u8>, RunError> {
        let jobs = [job];
        let made = self.with_pin(one, password, |token, pin| Ok(lock(token).sign(&jobs, pin)?))?;
        Ok(made.into_iter().next().unwrap_or_default())
    }

    /// Where the key of one of the certificates is, and what the card says of it.
    fn key(&mut self, role: KeyRole) -> Result<(SlotId, KeyEntry), RunError> {
        let found = self.card()?.keys.get(role).cloned();
        found.ok_or(RunError::NotOnCard)
    }

    fn card(&mut self) -> Result<&Card, RunError> {
        if self.card.is_none() {
            let mut token = lock(self.token);
            let slots: Vec<SlotView> = token.slots()?.into_iter().map(SlotView::from).collect();
            let (label, statuses) = (token.identity()?.label, token.passwords()?);
            drop(token);
            let of = |certificate: &ParsedCertificate| {
                let is_its = |key: &&KeyEntry| key.public_key.as_ref() == Some(certificate.public_key());
                slots.iter().find_map(|slot| Some((slot.id, slot.key.as_ref().filter(is_its)?.clone())))
            };
            let keys = ByRole {
                authentication: self.certificates.authentication.as_ref().and_then(of),
                signature: self.certificates.signature.as_ref().and_then(of),
            };
            let pad = at_pad(self.token, self.prompt)?;
            self.card = Some(Card { label, statuses, spent: false, pad, keys });
        }
        self.card.as_ref().ok_or(RunError::NoCard)
    }

    /// Does something that needs a password: the one that was given for it, or one that is asked for now, for all that is ahead.
    fn with_pin<T>(
        &mut self,
        one: PinUse,
        password: PasswordKind,
        mut act: impl FnMut(&SharedToken, &Pin) -> Result<T, RunError>,
    ) -> Result<T, RunError> {
        if !self.ahead.contains(&one) {
            self.ahead.insert(0, one);
        }
        self.card()?;
        let token = self.token;
        let outcome = retry(self, password, |_, pin| act(token, pin));
        self.ahead.retain(|ahead| *ahead != one);
        let needed: Vec<_> = self.ahead.iter().map(|one| self.password_for(*one)).collect();
        // After an error nobody goes on by himself.
        self.held.retain(|(held, _)| outcome.is_ok() && needed.contains(&Some(*held)));
        outcome
    }

    /// The password that something ahead takes.
    fn password_for(&self, one: PinUse) -> Option<PasswordKind> {
        let keys = &self.card.as_ref()?.keys;
        let of = |key: Option<&(SlotId, KeyEntry)>| key.map(|(_, key)| key.password);
        match one {
            PinUse::Login => of(keys.authentication.as_ref()),
            PinUse::TestSignature => of(keys.signature.as_ref()),
            PinUse::Receipt => of(keys.authentication.as_ref().or(keys.signature.as_ref())),
            _ => Some(MANAGING_PASSWORD),
        }
    }
}

impl Asker for Finish<'_> {
    fn pin(&mut self, wrong: u32, password: PasswordKind) -> Result<Pin, RunError> {
        if let Some((_, pin)) = self.held.iter().find(|(held, _)| *held == password) {
            return Ok(pin.clone());
        }
        let uses: Vec<_> = self.ahead.iter().copied().filter(|one| self.password_for(*one) == Some(password)).collect();
        let Some(card) = &mut self.card else { return Err(RunError::NoCard) };
        if card.spent && wrong == 0 {
            card.statuses = lock(self.token).passwords()?;
            card.spent = false;
        }
        let request = PinRequest::new(card.label.clone(), password, None, uses);
        let pin = ask(self.token, self.prompt, &card.statuses, request, wrong, card.pad)?;
        // If it was right, there are all tries again.
        card.spent |= pin.keep_tries == 0;
        if !pin.at_pad {
            self.held.push((password, pin.clone()));
        }
        Ok(pin)
    }

    fn wrong(&mut self, password: PasswordKind, tries: Tries) {
        self.held.retain(|(held, _)| *held != password);
        if let Some(card) = &mut self.card {
            card.spent = true;
            note_wrong(&mut card.statuses, password, tries);
        }
    }
}

fn no_algorithm(slot: SlotId) -> RunError {
    TokenError::Slot { slot, problem: "its key makes no signature" }.into()
}

/// Why the issuer does not know that the certificates are on the card, where they are.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptError {
    /// The issuer takes none there.
    #[error("the issuer takes no receipt there (HTTP status {status})")]
    NotTaken {
        /// What its server answered.
        status: u16,
    },
    /// The link was closed meanwhile.
    #[error("the issuer has the receipt already")]
    Spent,
    /// The issuer refused it, signed.
    #[error("the issuer refused the receipt: {reason} {text}")]
    Refused {
        /// As RFC 5272 names it.
        reason: String,
        /// In its words.
        text: String,
    },
    /// The issuer did not answer, or its answer is not believed.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// The card, or the holder.
    #[error(transparent)]
    Run(#[from] RunError),
}

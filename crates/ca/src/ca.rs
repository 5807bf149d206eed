use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use der::Encode;
use obnova_enroll::cmc::ReceivedCertificate;
use obnova_pkcs10::CertificationRequest;
use x509_cert::Certificate;

use crate::{
    English, FirstDesk, FirstPair, IssueError, IssuedCertificate, Issuer, KeyHash, Order, PickUpSecret, PickUpToken,
    Policy, Profile, Refusal, RevocationDesk, Store, StoreError, Texts, Transaction,
    certificate::Made,
    order::{self, alt_name, issued_here},
    pair::holder_extensions,
    policy::Approval,
    recent::Recent,
    store::{CertificateRecord, NewOrder, OrderRecord, OrderState, Repeat, RequestRecord, Submission},
};

/// Certificates on one key that are issued within this time of each other end one second apart at least.
const AT_ONCE: Duration = Duration::from_secs(60);

/// A CA: policy, keys and memory together. Every call says what time it is, and may come from any thread.
pub struct Ca {
    policy: Policy,
    /// Of the certificates of each profile, in the order of [`Profile::ALL`]; what is wrong with policy shows when one is made.
    extensions: [der::Result<Vec<Vec<u8>>>; 2],
    pub(crate) issuer: Issuer,
    secret: PickUpSecret,
    store: Box<dyn Store>,
    pub(crate) recent: Recent,
    pub(crate) first: Option<FirstDesk>,
    revocations: Option<RevocationDesk>,
    pub(crate) letters: Option<Arc<dyn Texts>>,
}

/// What became of an order. `Debug` leaves the token out.
#[derive(Clone)]
pub enum Outcome {
    /// Here are the certificates, in the order of the requests.
    Issued(Vec<IssuedCertificate>),
    /// It waits for an operator. The token asks again, with neither card nor PIN.
    Pending {
        /// Opens the certificates when they are there.
        token: PickUpToken,
        /// When to ask again.
        retry_after: Duration,
    },
}

/// An order before anything of it is kept.
pub(crate) enum Prepared {
    /// It was kept before, and this became of it.
    Decided(Outcome),
    /// To be kept. Without certificates it waits then, and this picks it up.
    New(Box<NewOrder>, PickUpToken),
}

impl std::fmt::Debug for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Issued(certificates) => f.debug_tuple("Issued").field(certificates).finish(),
            Self::Pending { token: _, retry_after } => {
                f.debug_struct("Pending").field("retry_after", retry_after).finish_non_exhaustive()
            }
        }
    }
}

impl Ca {
    /// Brings a CA to life.
    #[must_use]
    pub fn new(policy: Policy, issuer: Issuer, secret: PickUpSecret, store: Box<dyn Store>) -> Self {
        let extensions = Profile::ALL.map(|profile| holder_extensions(profile, policy.profile(profile)));
        // The first random bytes of a process take 20 milliseconds, for which no holder has to wait. Whether they can be had is
        // seen whenever they are needed.
        let _ = aws_lc_rs::rand::fill(&mut [0]);
        Self {
            policy,
            extensions,
            issuer,
            secret,
            store,
            recent: Recent::default(),
            first: None,
            revocations: None,
            letters: None,
        }
    }

    /// Ends certificates too, when their holders say so.
    #[must_use]
    pub fn with_revocations(mut self, desk: RevocationDesk) -> Self {
        self.revocations = Some(desk);
        self
    }

    /// What ends certificates.
    #[must_use]
    pub const fn revocations(&self) -> Option<&RevocationDesk> {
        self.revocations.as_ref()
    }

    /// Its policy.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Its certificate and those above it, up to the root.
    pub fn certificates(&self) -> impl Iterator<Item = &IssuedCertificate> {
        self.issuer.chain()
    }

    /// Issues the pair that a card is personalised with, on the caller's word that the holder was identified and that both
    /// private keys are on the card.
    ///
    /// # Errors
    /// [`CaError::Refused`] when a key is not of a kind that policy takes, is both, or is certified already.
    pub fn issue_first_pair(&self, pair: &FirstPair) -> Result<[IssuedCertificate; 2], CaError> {
        let hash = |profile| KeyHash::of(pair.key(profile)).map_err(CaError::Key);
        let hashes = [hash(Profile::Authentication)?, hash(Profile::Signature)?];
        if hashes[0] == hashes[1] {
            return Err(Refusal::SharedKey.into());
        }
        let names = pair.subject_alt_name().and_then(|names| names.to_der()).map_err(IssueError::from)?;
        let holder = pair.subject.to_der().map_err(IssueError::from)?;
        let issue = |profile| {
            let key = pair.key(profile);
            let kind = obnova_algorithm::KeyAlgorithm::try_from(key).map_err(CaError::Key)?;
            order::accepted(&self.policy, profile, kind)?;
            self.certify(profile, &holder, key, Some(&names), (pair.not_before, pair.not_after))
        };
        let [authentication, signature] = [issue(Profile::Authentication)?, issue(Profile::Signature)?];
        let subject = pair.subject.to_string();
        let records = [
            record(Profile::Authentication, hashes[0], &subject, authentication),
            record(Profile::Signature, hashes[1], &subject, signature),
        ];
        let read = |record: &CertificateRecord| IssuedCertificate::from_der(&record.der).map_err(IssueError::from);
        let issued = [read(&records[0])?, read(&records[1])?];
        match self.store.add(records.to_vec()) {
            Ok(()) => Ok(issued),
            Err(StoreError::KeyTaken(profile)) => Err(Refusal::KeyTaken(profile).into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes an order whose signatures were verified. The same message again gives the same answer, also after a crash, until
    /// the receipt is confirmed: then it opens nothing any more, as its token.
    ///
    /// Another message by the same old keys for the very same new ones is no second order: it is told what became of the one
    /// that stands, also when its receipt was confirmed before. A revocation password in it takes the place of the one before while the
    /// order waits, and not when its certificates are out. Who signs with both old keys proves more than the token does,
    /// and does so when everything that was written down of the order was lost.
    ///
    /// # Errors
    /// [`CaError::Refused`] with the rule that is broken, or with the operator's reason; [`Refusal::TokenSpent`].
    pub fn place(&self, order: &Order, peer: Option<&Certificate>, now: SystemTime) -> Result<Outcome, CaError> {
        self.keep(&order.transaction, self.prepare(order, peer, now)?)
    }

    /// Keeps what was prepared, and waits until it is on disk.
    pub(crate) fn keep(&self, transaction: &Transaction, prepared: Prepared) -> Result<Outcome, CaError> {
        match prepared {
            Prepared::Decided(outcome) => Ok(outcome),
            Prepared::New(new, _) => self.submitted(transaction, self.store.submit(*new)?),
        }
    }

    /// What [`place`](Self::place) does before anything is kept.
    pub(crate) fn prepare(
        &self,
        order: &Order,
        peer: Option<&Certificate>,
        now: SystemTime,
    ) -> Result<Prepared, CaError> {
        let known = self.store.look_up(&order::asked(order))?;
        if let Some(known) = known.order {
            let repeat = self.repeat_of(&known, &order.transaction, &order.message)?;
            self.check_sender(order, peer, now)?;
            return self.opened(&known, repeat.as_ref()).map(Prepared::Decided);
        }
        let checked = order::check(order, &self.policy, &known.certificates, now)?;
        self.check_sender(order, peer, now)?;
        let (mut new, token) =
            self.new_order(order.transaction.clone(), &order.message, checked.holder, checked.requests, now)?;
        // What is ordered already is not signed once more.
        if self.policy.approval == Approval::Automatic && !known.replaced {
            for ((request, kept), old) in order.requests.iter().zip(&new.requests).zip(checked.old) {
                let made = self.renewed(kept.profile, request, old, now)?;
                new.certificates.push(record(kept.profile, kept.key, &new.holder, made));
            }
        }
        Ok(Prepared::New(Box::new(new), token))
    }

    /// An order that waits, with what picks it up.
    pub(crate) fn new_order(
        &self,
        transaction: Transaction,
        message: &[u8],
        holder: String,
        requests: Vec<RequestRecord>,
        now: SystemTime,
    ) -> Result<(NewOrder, PickUpToken), CaError> {
        let mut token_salt = [0; 16];
        aws_lc_rs::rand::fill(&mut token_salt).map_err(crate::KeyFileError::from)?;
        let token = self.secret.token(&transaction, &token_salt);
        let new = NewOrder {
            transaction,
            message: message.to_vec(),
            holder,
            requests,
            token_salt,
            token_hash: token.hash(),
            received: now,
            certificates: Vec::new(),
            credential: None,
            revocation_password: None,
        };
        Ok((new, token))
    }

    /// What became of an order that was prepared, as the store has it.
    pub(crate) fn submitted(&self, transaction: &Transaction, submission: Submission) -> Result<Outcome, CaError> {
        match submission {
            Submission::Accepted(record) | Submission::Repeated(record) => self.outcome(&record),
            Submission::Known(record) => self.opened(&record, self.store.repeat(transaction)?.as_ref()),
            Submission::TransactionTaken => Err(Refusal::TransactionTaken.into()),
            Submission::KeyTaken(profile) => Err(Refusal::KeyTaken(profile).into()),
            Submission::KeyCompromised(profile) => Err(Refusal::KeyCompromised(profile).into()),
            Submission::AlreadyOrdered(other) => Err(Refusal::AlreadyOrdered(other).into()),
            Submission::Revoked(profile) => Err(Refusal::Revoked(profile).into()),
            Submission::PasswordUsed => Err(Refusal::PasswordUsed.into()),
        }
    }

    /// What became of the order that the token opens. Needs neither card nor PIN, and may be repeated until the receipt is
    /// confirmed.
    ///
    /// # Errors
    /// [`CaError::Refused`]: [`Refusal::UnknownToken`], [`Refusal::TokenSpent`], [`Refusal::Rejected`], [`Refusal::Lapsed`].
    pub fn pick_up(&self, token: &PickUpToken) -> Result<Outcome, CaError> {
        self.opened(&self.order_of(token)?, None)
    }

    /// Like [`pick_up`](Self::pick_up), for a client that also names the transaction.
    ///
    /// # Errors
    /// As [`pick_up`](Self::pick_up); a token of another transaction is [`Refusal::UnknownToken`].
    pub fn pick_up_of(&self, transaction: &Transaction, token: &PickUpToken) -> Result<Outcome, CaError> {
        let order = self.order_of(token)?;
        let named = self.store.order(transaction)?.is_some_and(|named| named.transaction == order.transaction);
        if !named {
            return Err(Refusal::UnknownToken.into());
        }
        self.opened(&order, self.store.repeat(transaction)?.as_ref())
    }

    /// Issues a pending order, named by itself or by a repeat, if the certificates that vouch for it are still valid.
    ///
    /// # Errors
    /// [`CaError::Decided`] when it is not pending any more, as when they were revoked; [`CaError::Refused`] with [`Refusal::Revoked`]
    /// when they are on hold, also since a moment ago: it waits on; with [`Refusal::Expired`] when it waited too long: it is turned down
    /// by [`RevocationDesk::turn_down_lapsed`](crate::RevocationDesk::turn_down_lapsed); [`StoreError::NoSuchOrder`].
    pub fn approve(&self, transaction: &Transaction, now: SystemTime) -> Result<OrderRecord, CaError> {
        let pending = self.pending(transaction)?;
        let certificates = self.certificates_for(&pending, now)?;
        let made: Vec<_> = certificates.iter().map(|certificate| certificate.serial.clone()).collect();
        let mail = self.ready(&pending, &certificates)?;
        let record = match self.store.issue_and_tell(&pending.transaction, certificates, mail, now) {
            Err(StoreError::Revoked(profile)) => return Err(Refusal::Revoked(profile).into()),
            decided => decided?,
        };
        // Somebody else may have decided between the two steps; then what was signed here was never given out.
        let ours = record.certificates.iter().map(|certificate| &certificate.serial).eq(made.iter());
        if ours { Ok(record) } else { Err(CaError::Decided { state: record.state }) }
    }

    /// Turns a pending order down, with a reason that the holder reads: when the client asks again, and by mail where
    /// [letters](Self::with_letters) are written.
    ///
    /// # Errors
    /// As [`approve`](Self::approve).
    pub fn reject(&self, transaction: &Transaction, reason: &str, now: SystemTime) -> Result<OrderRecord, CaError> {
        let pending = self.pending(transaction)?;
        let mail = self.turned_down(&pending, reason)?;
        let record = self.store.reject_and_tell(&pending.transaction, reason, mail, now)?;
        let ours = record.state == OrderState::Rejected && record.reason.as_deref() == Some(reason);
        if ours { Ok(record) } else { Err(CaError::Decided { state: record.state }) }
    }

    /// Turns down each first order that waits longer than policy has it ([`FirstPolicy::decision`](crate::FirstPolicy::decision)), as
    /// [`reject`](Self::reject) does, in the words of [`Texts::undecided`]. Done each day; says how many. The one-time password is used up:
    /// who still wants certificates asks for another one.
    ///
    /// # Errors
    /// [`CaError`]: what was turned down until then is.
    pub fn turn_down_undecided(&self, now: SystemTime) -> Result<u64, CaError> {
        let (Some(desk), waits) = (&self.first, self.policy.first.decision) else { return Ok(0) };
        let reason = match &self.letters {
            Some(letters) => letters.undecided(waits),
            None => English.undecided(waits),
        };
        let mut turned_down = 0;
        for order in desk.undecided(now.checked_sub(waits).unwrap_or(SystemTime::UNIX_EPOCH))? {
            match self.reject(&order, &reason, now) {
                Ok(_) => turned_down += 1,
                // Meanwhile an operator did.
                Err(CaError::Decided { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(turned_down)
    }

    /// Orders, the newest first, at most `limit`, of one state or of all. It takes as long as the list is, however much is kept;
    /// there is no way to go on behind the last one, so a list of all orders holds all of them at once.
    ///
    /// # Errors
    /// [`CaError::Store`].
    pub fn list(&self, state: Option<OrderState>, limit: u32) -> Result<Vec<OrderRecord>, CaError> {
        Ok(self.store.orders(state, limit)?)
    }

    /// An order by its name, or by that of a message that was taken for its repeat.
    ///
    /// # Errors
    /// [`CaError::Store`].
    pub fn order(&self, transaction: &Transaction) -> Result<Option<OrderRecord>, CaError> {
        Ok(self.store.order(transaction)?)
    }

    /// A certificate that this CA issued to a holder, by the content of its serial number.
    ///
    /// # Errors
    /// [`CaError::Store`].
    pub fn certificate(&self, serial: &[u8]) -> Result<Option<CertificateRecord>, CaError> {
        Ok(self.store.certificate(serial)?)
    }

    /// Looks through everything that is kept, for damage that nobody has come across yet: see [`Store::check`].
    ///
    /// # Errors
    /// [`CaError::Store`].
    pub fn check_store(&self) -> Result<(), CaError> {
        Ok(self.store.check()?)
    }

    /// The pick-up token of an order, for the link in a mail.
    #[must_use]
    pub fn token(&self, order: &OrderRecord) -> PickUpToken {
        self.secret.token(&order.transaction, &order.token_salt)
    }

    /// Who logs in with a TLS client certificate. The login is the receipt of an order that this is the only certificate of: its
    /// pick-up token is dead from here on.
    ///
    /// # Errors
    /// [`CaError::Refused`] when it is not an authentication certificate of this CA, valid now.
    pub fn login(&self, peer: &Certificate, now: SystemTime) -> Result<CertificateRecord, CaError> {
        let kept = self.check_peer(peer, now)?;
        if kept.profile != Profile::Authentication {
            return Err(Refusal::PeerNotForLogin.into());
        }
        self.arrived(&kept, now)?;
        Ok(kept)
    }

    /// A certificate that was issued here, whatever became of it.
    pub(crate) fn known_peer(&self, peer: &Certificate) -> Result<CertificateRecord, CaError> {
        let serial = peer.tbs_certificate().serial_number().as_bytes();
        let der = peer.to_der().map_err(|_| Refusal::UnknownPeer)?;
        let kept = self.store.certificate(serial)?.filter(|kept| issued_here(&der, kept));
        Ok(kept.ok_or(Refusal::UnknownPeer)?)
    }

    pub(crate) fn check_peer(&self, peer: &Certificate, now: SystemTime) -> Result<CertificateRecord, CaError> {
        let kept = self.known_peer(peer)?;
        let validity = peer.tbs_certificate().validity();
        if now < validity.not_before.to_system_time() {
            return Err(Refusal::PeerNotYetValid { from: validity.not_before.to_string() }.into());
        }
        if now >= validity.not_after.to_system_time() + Duration::from_secs(1) {
            return Err(Refusal::PeerExpired { at: validity.not_after.to_string() }.into());
        }
        if kept.revoked {
            return Err(Refusal::PeerRevoked.into());
        }
        Ok(kept)
    }

    pub(crate) fn ending(
        &self,
        from: SystemTime,
        until: SystemTime,
        limit: u32,
    ) -> Result<Vec<CertificateRecord>, CaError> {
        Ok(self.store.ending(from, until, limit)?)
    }

    pub(crate) fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    pub(crate) fn order_of(&self, token: &PickUpToken) -> Result<OrderRecord, CaError> {
        let found = self.store.order_by_token(&token.hash())?;
        found.filter(|order| token.matches(&order.token_hash)).ok_or_else(|| Refusal::UnknownToken.into())
    }

    fn pending(&self, transaction: &Transaction) -> Result<OrderRecord, CaError> {
        let order = self.store.order(transaction)?.ok_or_else(|| StoreError::NoSuchOrder(transaction.clone()))?;
        if order.state == OrderState::Pending { Ok(order) } else { Err(CaError::Decided { state: order.state }) }
    }

    /// The holder himself, where the connection says who it is.
    fn check_sender(&self, order: &Order, peer: Option<&Certificate>, now: SystemTime) -> Result<(), CaError> {
        let Some(peer) = peer else { return Ok(()) };
        self.check_peer(peer, now)?;
        let subject = peer.tbs_certificate().subject().to_der().map_err(IssueError::from)?;
        let his = order.signers.first().is_some_and(|one| one.subject() == subject);
        if his { Ok(()) } else { Err(Refusal::OtherPeer.into()) }
    }

    /// The repeat of the known order that goes by this name, if it is one's: this is its message, else it is the order's own.
    pub(crate) fn repeat_of(
        &self,
        known: &OrderRecord,
        transaction: &Transaction,
        message: &[u8],
    ) -> Result<Option<Repeat>, CaError> {
        let repeat = self.store.repeat(transaction)?;
        match *repeat.as_ref().map_or(&known.message, |repeat| &repeat.message) == message {
            true => Ok(repeat),
            false => Err(Refusal::TransactionTaken.into()),
        }
    }

    /// What became of an order that is asked for again, by its own message or by a repeat: who has confirmed the receipt is
    /// not told any more.
    pub(crate) fn opened(&self, record: &OrderRecord, repeat: Option<&Repeat>) -> Result<Outcome, CaError> {
        let confirmed = repeat.map_or(record.state == OrderState::Confirmed, |repeat| repeat.confirmed.is_some());
        if confirmed { Err(Refusal::TokenSpent.into()) } else { self.outcome(record) }
    }

    fn outcome(&self, record: &OrderRecord) -> Result<Outcome, CaError> {
        match record.state {
            OrderState::Pending => {
                Ok(Outcome::Pending { token: self.token(record), retry_after: self.policy.retry_after })
            }
            OrderState::Rejected => Err(match record.lapse {
                Some(lapse) => Refusal::Lapsed(lapse),
                None => Refusal::Rejected(record.reason.clone().unwrap_or_default()),
            }
            .into()),
            OrderState::Issued | OrderState::Confirmed => {
                let read = |record: &CertificateRecord| IssuedCertificate::from_der(&record.der);
                let certificates = record.certificates.iter().map(read).collect::<Result<_, _>>();
                Ok(Outcome::Issued(certificates.map_err(IssueError::from)?))
            }
        }
    }

    /// The certificates of an order that passed the rules, in the order of its requests.
    fn certificates_for(&self, order: &OrderRecord, now: SystemTime) -> Result<Vec<CertificateRecord>, CaError> {
        if order.requests.iter().all(|kept| kept.replaces.is_none()) {
            return self.first_certificates(order, now);
        }
        let issue = |kept: &RequestRecord| {
            let damaged = |what: String| StoreError::Damaged(format!("a kept request: {what}"));
            let request = CertificationRequest::from_der(&kept.request).map_err(|error| damaged(error.to_string()))?;
            let replaces = kept.replaces.as_deref().unwrap_or_default();
            let old = self.store.certificate(replaces)?.ok_or_else(|| damaged("what it replaces is gone".into()))?;
            if old.revoked {
                return Err(Refusal::Revoked(kept.profile).into());
            }
            let subject = &old.subject;
            let old = ReceivedCertificate::from_der(&old.der).map_err(|error| damaged(error.to_string()))?;
            order::valid(kept.profile, &old, now)?;
            Ok(record(kept.profile, kept.key, subject, self.renewed(kept.profile, &request, &old, now)?))
        };
        order.requests.iter().map(issue).collect()
    }

    /// The certificate that follows an old one, which is valid.
    fn renewed(
        &self,
        profile: Profile,
        request: &CertificationRequest,
        old: &ReceivedCertificate,
        now: SystemTime,
    ) -> Result<Made, CaError> {
        // Subject and names are the old certificate's own, which the request's say too.
        let (from, mut until) = self.validity_from(now, profile);
        let after_old = old.validity().not_after.to_system_time() + Duration::from_secs(1);
        let at_once = after_old.duration_since(until).is_ok_and(|ahead| ahead <= AT_ONCE);
        if at_once && request.public_key() == old.public_key() {
            // Where the key stays, clients take for new what ends later.
            until = after_old;
        }
        let names = alt_name(old).map(|names| names.der);
        self.certify(profile, old.subject(), request.public_key(), names, (from, until))
    }

    /// A certificate that is valid from now on, as long as policy says. `subject` and `names` are DER.
    pub(crate) fn certify_from(
        &self,
        now: SystemTime,
        profile: Profile,
        subject: &[u8],
        key: &obnova_algorithm::SubjectPublicKeyInfoOwned,
        names: Option<&[u8]>,
    ) -> Result<Made, CaError> {
        self.certify(profile, subject, key, names, self.validity_from(now, profile))
    }

    fn validity_from(&self, now: SystemTime, profile: Profile) -> (SystemTime, SystemTime) {
        let from = self.begin_of_validity(now);
        (from, from + self.policy.profile(profile).validity - Duration::from_secs(1))
    }

    /// Backdated for clocks that are behind, but not to before the CA itself was.
    fn begin_of_validity(&self, now: SystemTime) -> SystemTime {
        let own = self.issuer.certificate().certificate.tbs_certificate().validity().not_before.to_system_time();
        now.checked_sub(self.policy.backdate).unwrap_or(SystemTime::UNIX_EPOCH).max(own.min(now))
    }

    fn certify(
        &self,
        profile: Profile,
        subject: &[u8],
        key: &obnova_algorithm::SubjectPublicKeyInfoOwned,
        names: Option<&[u8]>,
        validity: (SystemTime, SystemTime),
    ) -> Result<Made, CaError> {
        let extensions = self.extensions[profile as usize].as_ref().map_err(|error| IssueError::from(*error))?;
        let extensions: Vec<_> = extensions.iter().map(Vec::as_slice).chain(names).collect();
        Ok(self.issuer.certify(subject, key, validity, &extensions)?)
    }
}

impl std::fmt::Debug for Ca {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let subject = self.issuer.certificate().certificate.tbs_certificate().subject().to_string();
        f.debug_struct("Ca").field("subject", &subject).finish_non_exhaustive()
    }
}

/// `subject` is the certificate's, readable: to write it out costs more than the rest.
pub(crate) fn record(profile: Profile, key: KeyHash, subject: &str, made: Made) -> CertificateRecord {
    let Made { der, serial, not_after } = made;
    CertificateRecord { serial, profile, key, subject: subject.to_owned(), not_after, der, revoked: false }
}

/// Why the CA did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum CaError {
    /// A rule says no: for the client to read.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The order is decided, and a decision stands.
    #[error("the order is {state} already")]
    Decided {
        /// What it is.
        state: OrderState,
    },
    /// A public key cannot be used.
    #[error(transparent)]
    Key(obnova_algorithm::KeyError),
    /// The CA could not remember: nothing was promised.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The CA could not sign.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

impl From<crate::KeyFileError> for CaError {
    fn from(error: crate::KeyFileError) -> Self {
        Self::Issue(error.into())
    }
}

//! What a first order must be like. Subject and names are what the CA knows of the applicant; a request may repeat them, written as
//! its program does, or leave them out.

use std::time::{Duration, SystemTime};

use const_oid::{AssociatedOid, db::rfc5912::ID_CE_SUBJECT_ALT_NAME};
use der::Encode;
use obnova_algorithm::SignatureAlgorithm;
use obnova_enroll::{
    Secret as Password,
    cmc::{FirstRequest, ReceivedCertificate, UserId},
    est::{CsrAttributes, CsrAttrsError},
    names::{same_alt_names, same_name},
};
use obnova_pkcs10::CertificationRequest;
use sha2::{Digest, Sha256};
use x509_cert::{Certificate, ext::pkix::KeyUsage};

use super::{FirstDesk, desk::Known};
use crate::{
    Ca, CaError, IssueError, KeyHash, Order, Outcome, Profile, Refusal, StoreError, Transaction,
    ca::Prepared,
    certificate::extension,
    order,
    policy::Approval,
    refusal::shown,
    store::{CertificateRecord, CredentialRecord, OrderRecord, OrderState, PasswordVerifier, RequestRecord},
};

/// How long who asks for the same by plain EST is told that it was turned down: longer than anybody waits between two questions.
const TURNED_DOWN: Duration = Duration::from_secs(24 * 60 * 60);

/// What somebody asks for who has shown who he is.
struct Asked<'a> {
    transaction: Transaction,
    message: &'a [u8],
    requests: &'a [CertificationRequest],
    credential: CredentialRecord,
    revocation_password: Option<PasswordVerifier>,
    /// It came by plain EST.
    plain: bool,
}

impl Ca {
    /// Takes first orders too, and revocation passwords.
    #[must_use]
    pub fn with_first(mut self, desk: FirstDesk) -> Self {
        self.first = Some(desk);
        self
    }

    /// The desk for first certificates.
    #[must_use]
    pub const fn first(&self) -> Option<&FirstDesk> {
        self.first.as_ref()
    }

    /// Plain EST, `/simpleenroll` (RFC 7030 §4.2.1), for a service of one certificate: a first certificate for who has the
    /// one-time password. `module` is the label in the path, [`Subject::MODULE`](crate::Subject::MODULE) without one. The same request again, with the same password, is the same order and
    /// gets the same answer. So does a request for the same key with a later password of the same person in the same module, which takes
    /// the place of the one before: that one is worth nothing from then on; the very same request by another user id or in another module is
    /// [`Refusal::OtherUser`], and the order stands. It sets no revocation password: where policy demands one, it is refused, unless policy
    /// says that it may come later.
    ///
    /// # Errors
    /// [`CaError::Refused`] with the rule that is broken; [`Refusal::WrongPassword`] is to be answered by asking for another one.
    pub fn enroll(
        &self,
        request: &CertificationRequest,
        (user, password): (&UserId, &Password),
        module: Option<&str>,
        now: SystemTime,
    ) -> Result<Outcome, CaError> {
        let desk = self.first().ok_or(Refusal::WrongPassword)?;
        // Another password makes it another message: of the order that stands, or of a new one.
        let named = |credential: &CredentialRecord| name_of("enroll", &credential.id, request);
        let is_of = |used: &CredentialRecord| {
            let asked = self.store().order(&named(used))?;
            Ok(asked.is_some_and(|asked| used.order.as_ref() == Some(&asked.transaction)))
        };
        let credential = desk.check_password(user, password, module, is_of, now)?;
        let transaction = named(&credential);
        if let Some(known) = self.store().order(&transaction)? {
            return self.opened(&known, self.store().repeat(&transaction)?.as_ref());
        }
        let key = KeyHash::of(request.public_key()).map_err(CaError::Key)?;
        if let Some((stands, subject)) = desk.store.first_order_of_request(&key, request.der())? {
            // What holds of it was looked at when it came first. Who waits for it loses it by no rule that came since, and nobody ends
            // it whose it is not.
            if credential.subject.id != subject {
                return Err(Refusal::OtherUser.into());
            }
            usable(&credential, now)?;
            let (holder, requests) = (stands.holder, stands.requests);
            let (mut new, token) = self.new_order(transaction.clone(), request.der(), holder, requests, now)?;
            new.credential = Some(credential.id);
            return self.keep(&transaction, Prepared::New(Box::new(new), token));
        }
        let asked = Asked {
            transaction: transaction.clone(),
            message: request.der(),
            requests: std::slice::from_ref(request),
            credential,
            revocation_password: None,
            plain: true,
        };
        self.keep(&transaction, self.prepare_first(desk, asked, now)?)
    }

    /// Plain EST, `/simplereenroll` (RFC 7030 §4.2.2), for a service of one certificate: another certificate in place of `peer`, that
    /// the TLS client logged in with: renewed with the same key or re-keyed, as the request has it and policy allows. The rules are
    /// those of every renewal. The same request again is the same order, also when `peer` has ended meanwhile, until a day after an operator turned it down: from then on it is
    /// another one.
    ///
    /// # Errors
    /// [`CaError::Refused`] with the rule that is broken.
    pub fn reenroll(
        &self,
        request: &CertificationRequest,
        peer: &Certificate,
        now: SystemTime,
    ) -> Result<Outcome, CaError> {
        self.known_peer(peer)?;
        let serial = peer.tbs_certificate().serial_number().as_bytes();
        let transaction = self.name_to_reenroll(serial, request, now)?;
        // Whose certificate was good when he ordered is told what came of it: it may have ended while he waited.
        if let Some(known) = self.store().order(&transaction)? {
            return self.opened(&known, self.store().repeat(&transaction)?.as_ref());
        }
        self.login(peer, now)?;
        let order = Order {
            transaction,
            message: request.der().to_vec(),
            requests: vec![request.clone()],
            // Its key signed the handshake, over which the request came.
            signers: vec![ReceivedCertificate::try_from(peer).map_err(|_| Refusal::UnknownPeer)?],
        };
        self.place(&order, Some(peer), now)
    }

    /// The same request is the same order: whoever waits for it sends it again, and is told when it was turned down. A day after that the
    /// same request is another order, since who signs deterministically has no other one.
    fn name_to_reenroll(
        &self,
        serial: &[u8],
        request: &CertificationRequest,
        now: SystemTime,
    ) -> Result<Transaction, StoreError> {
        let mut name = name_of("reenroll", serial, request);
        for again in 1_u32.. {
            let before = self.store().order(&name)?.filter(|order| order.state == OrderState::Rejected);
            if before.is_none_or(|before| before.decided.is_none_or(|decided| now < decided + TURNED_DOWN)) {
                break;
            }
            name = name_of(&format!("reenroll {again}"), serial, request);
        }
        Ok(name)
    }

    /// What a request for plain EST should be like (RFC 7030 §4.5): the kinds of keys that policy takes and, where the service has
    /// one certificate, its keyUsage.
    ///
    /// # Errors
    /// [`CsrAttrsError`], of the encoder.
    pub fn csr_attributes(&self) -> Result<CsrAttributes, CsrAttrsError> {
        let service = &self.policy().first.profiles;
        let mut keys: Vec<_> =
            service.iter().flat_map(|profile| self.policy().profile(*profile).keys.clone()).collect();
        keys.sort_unstable_by_key(|key| (key.is_rsa(), key.bits()));
        keys.dedup();
        let mut attributes = CsrAttributes::new();
        for key in &keys {
            attributes = attributes.key(*key)?;
        }
        let mut signatures: Vec<_> = keys.iter().map(|key| SignatureAlgorithm::default_for(*key)).collect();
        signatures.dedup();
        attributes = signatures.into_iter().fold(attributes, CsrAttributes::signature);
        match service.as_slice() {
            [only] => attributes.extensions(&[extension(true, &only.key_usage())?]),
            _ => Ok(attributes),
        }
    }

    /// A first order that came as CMC: every new key has signed it. Another message for the same keys, by a later password of the same
    /// person in the same module, is told what became of the order that stands.
    pub(crate) fn prepare_first_request(
        &self,
        desk: &FirstDesk,
        transaction: &Transaction,
        message: &[u8],
        request: FirstRequest,
        module: Option<&str>,
        now: SystemTime,
    ) -> Result<Prepared, CaError> {
        if let Some(decided) = self.repeated(transaction, message)? {
            return Ok(Prepared::Decided(decided));
        }
        let credential = desk.check_proof(&request.user, &request.proof, module, now)?;
        if credential.order.is_some()
            && let Some(decided) = self.repeated(transaction, message)?
        {
            // He sent it twice, since he heard nothing, and the first one was kept meanwhile.
            return Ok(Prepared::Decided(decided));
        }
        usable(&credential, now)?;
        let requests: Vec<_> = request.requests.into_iter().map(|(_, request)| request).collect();
        let revocation_password = desk.revocation_password(request.revocation_password.as_ref())?;
        let transaction = transaction.clone();
        self.prepare_first(
            desk,
            Asked { transaction, message, requests: &requests, credential, revocation_password, plain: false },
            now,
        )
    }

    /// What became of this message, if it is known. What its very same bytes prove was looked at when they came first.
    fn repeated(&self, transaction: &Transaction, message: &[u8]) -> Result<Option<Outcome>, CaError> {
        let Some(known) = self.store().order(transaction)? else { return Ok(None) };
        let repeat = self.repeat_of(&known, transaction, message)?;
        self.opened(&known, repeat.as_ref()).map(Some)
    }

    fn prepare_first(&self, desk: &FirstDesk, asked: Asked<'_>, now: SystemTime) -> Result<Prepared, CaError> {
        usable(&asked.credential, now)?;
        let wanted = self.policy().first.revocation_password;
        if asked.revocation_password.is_none() && wanted.required && !(asked.plain && wanted.later) {
            return Err(Refusal::NoRevocationPassword.into());
        }
        let known = desk.known(&asked.credential.subject)?;
        let mut requests = Vec::new();
        for (request, profile) in asked.requests.iter().zip(order::profiles(asked.requests, self.policy())?) {
            about(&known, profile, request)?;
            let kind = request.verify().map_err(|reason| Refusal::Request { profile, reason })?;
            order::accepted(self.policy(), profile, kind)?;
            let key = KeyHash::of(request.public_key()).map_err(CaError::Key)?;
            requests.push(RequestRecord {
                profile,
                request: request.der().to_vec(),
                key,
                same_key: false,
                replaces: None,
            });
        }
        order::no_shared_key(&requests)?;
        let (mut new, token) = self.new_order(asked.transaction, asked.message, known.holder.clone(), requests, now)?;
        // What is ordered already is not signed once more.
        let known_key = |one: &RequestRecord| self.store().key_is_taken(&one.key);
        let ordered = new.requests.iter().map(known_key).collect::<Result<Vec<_>, _>>()?.contains(&true);
        if self.policy().first.approval == Approval::Automatic && !ordered {
            let made = asked
                .requests
                .iter()
                .zip(&new.requests)
                .map(|(request, kept)| self.first_certificate(&known, kept, request, now));
            new.certificates = made.collect::<Result<_, _>>()?;
        }
        new.credential = Some(asked.credential.id);
        new.revocation_password = asked.revocation_password;
        Ok(Prepared::New(Box::new(new), token))
    }

    /// The certificates of a first order that an operator approves: of what the CA knew of the applicant when it
    /// issued his password.
    pub(crate) fn first_certificates(
        &self,
        order: &OrderRecord,
        now: SystemTime,
    ) -> Result<Vec<CertificateRecord>, CaError> {
        let damaged = |what: String| StoreError::Damaged(format!("a kept request: {what}"));
        let desk = self.first().ok_or_else(|| damaged("this CA has no desk for first certificates".into()))?;
        let applicant = desk.subject_of(&order.transaction)?.ok_or_else(|| damaged("nobody asked for it".into()))?;
        let known = desk.known(&applicant)?;
        let certificate = |kept: &RequestRecord| {
            let request = CertificationRequest::from_der(&kept.request).map_err(|error| damaged(error.to_string()))?;
            about(&known, kept.profile, &request)?;
            self.first_certificate(&known, kept, &request, now)
        };
        order.requests.iter().map(certificate).collect()
    }

    fn first_certificate(
        &self,
        known: &Known,
        kept: &RequestRecord,
        request: &CertificationRequest,
        now: SystemTime,
    ) -> Result<CertificateRecord, CaError> {
        let (name, names) = (known.name.to_der(), known.names.to_der());
        let (name, names) = (name.map_err(IssueError::from)?, names.map_err(IssueError::from)?);
        let made = self.certify_from(now, kept.profile, &name, request.public_key(), Some(&names))?;
        Ok(crate::ca::record(kept.profile, kept.key, &known.holder, made))
    }
}

/// The password is one for an order that is not there yet.
fn usable(credential: &CredentialRecord, now: SystemTime) -> Result<(), Refusal> {
    if credential.order.is_some() {
        return Err(Refusal::PasswordUsed);
    }
    if now >= credential.expires {
        return Err(Refusal::PasswordExpired { at: shown(&credential.expires) });
    }
    Ok(())
}

/// The request is about the applicant, or leaves to the CA whom it is about.
fn about(known: &Known, profile: Profile, request: &CertificationRequest) -> Result<(), Refusal> {
    if !request.subject().is_empty() && !same_name(request.subject(), &known.name) {
        return Err(Refusal::OtherSubject(profile));
    }
    let mut names = request.extensions().iter().filter(|one| one.extn_id == ID_CE_SUBJECT_ALT_NAME);
    let same = names.all(|names| same_alt_names(names.extn_value.as_bytes(), known.names.extn_value.as_bytes()));
    if same { Ok(()) } else { Err(Refusal::OtherNames(profile)) }
}

/// Names an order of plain EST, whose messages have no name: the same request by the same password or
/// certificate is the same order.
fn name_of(operation: &str, by: &[u8], request: &CertificationRequest) -> Transaction {
    let mut hash = Sha256::new();
    for part in [b"obnova est 1", operation.as_bytes(), by, request.der()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    Transaction::of_hash(hash.finalize().into())
}

/// Whether a request says what it is for.
pub(crate) fn has_key_usage(request: &CertificationRequest) -> bool {
    request.extensions().iter().any(|one| one.extn_id == KeyUsage::OID)
}

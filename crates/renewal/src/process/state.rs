use std::time::{Duration, SystemTime};

use obnova_algorithm::{DigestValue, KeyAlgorithm, SignatureAlgorithm, SubjectPublicKeyInfoOwned, verify_digest};
use obnova_card::{KeyRole, PasswordKind, SlotId};
use obnova_pkcs10::{CertificationRequest, RequestBuilder, RequestToSign};
use x509_cert::{ext::pkix::KeyUsage, name::Name};

use super::{
    ProcessError, Stage,
    next::{asks_standing, vouches_to_make},
};
use crate::{
    ByRole, Consent, Expected, Fact, Failure, Message, Order, OrderedRequest, ParsedCertificate, Phase, PickUp, PinUse,
    Plan, Prepared, Receipt, Refusal, Source, Terms, Voucher, Vouching, check_certificates, view::SlotView,
};

/// What a CA says of a key that it certifies no more: failInfo noKeyReuse (RFC 5272 §6.1.4).
const NO_KEY_REUSE: &str = "noKeyReuse";

/// Everything the journal knows. It changes by [`apply`](State::apply) and by nothing else, so that a process which is
/// running and one which is read back cannot differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) id: String,
    pub(super) plan: Plan,
    /// When it was told that the old certificates may be renewed.
    pub(super) stood: Option<SystemTime>,
    pub(super) terms: Option<Terms>,
    pub(super) keys: ByRole<Key>,
    pub(super) prepared: Option<Prepared>,
    pub(super) vouches: Vec<Option<Vec<u8>>>,
    pub(super) sealed: Option<Message>,
    pub(super) pick_ups: Vec<Fetch>,
    pub(super) accepted: Option<ByRole<ParsedCertificate>>,
    pub(super) installing: bool,
    pub(super) logged_in: Option<String>,
    pub(super) failed: Option<Failure>,
    pub(super) history: Vec<(SystemTime, &'static str)>,
    pub(super) unacknowledged: Vec<Receipt>,
    agreed_to_risk: bool,
    agreed_to_plan: bool,
    link_used: bool,
    agreed_to_certificates: bool,
    arrived: Vec<Vec<u8>>,
    installed: bool,
    signature_proven: bool,
    /// What came on another way is on the card.
    pub(super) found: bool,
}

/// How far a new key has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) generating: bool,
    pub(super) public: Option<SubjectPublicKeyInfoOwned>,
    pub(super) request: Option<Vec<u8>>,
}

/// Who signs an order.
pub(super) struct Signer<'a> {
    pub(super) slot: SlotId,
    pub(super) password: PasswordKind,
    pub(super) algorithms: &'a [SignatureAlgorithm],
    pub(super) key: &'a SubjectPublicKeyInfoOwned,
    pub(super) pin_use: PinUse,
}

/// Whether files sufficed, or one of them completed what was fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FilesWay {
    Alone,
    WithFetched,
}

/// A pick-up and whether it was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fetch {
    pub(super) pick_up: PickUp,
    pub(super) done: bool,
}

impl State {
    pub(super) fn new(id: String, plan: Plan, now: SystemTime) -> Self {
        Self {
            keys: plan.new.map(|_, new| Key { public: new.waiting.clone(), ..Key::default() }),
            id,
            plan,
            stood: None,
            terms: None,
            prepared: None,
            vouches: Vec::new(),
            sealed: None,
            pick_ups: Vec::new(),
            accepted: None,
            installing: false,
            logged_in: None,
            failed: None,
            history: vec![(now, "started")],
            unacknowledged: Vec::new(),
            agreed_to_risk: false,
            agreed_to_plan: false,
            link_used: false,
            agreed_to_certificates: false,
            arrived: Vec::new(),
            installed: false,
            signature_proven: false,
            found: false,
        }
    }

    pub(super) fn stage(&self) -> Stage {
        match &self.accepted {
            _ if self.failed.is_some() => Stage::Failed,
            None => self.stage_before_certificates(),
            Some(_) if self.found => Stage::Done,
            Some(_) if self.plan.confirm_certificates && !self.agreed_to_certificates => Stage::AskCertificates,
            Some(_) if !self.installed => Stage::Install,
            Some(_) if !self.unacknowledged.is_empty() => Stage::Acknowledge,
            Some(_) if self.is_ahead(PinUse::Login) => Stage::ProveLogin,
            Some(_) if self.is_ahead(PinUse::TestSignature) => Stage::ProveSignature,
            Some(_) => Stage::Done,
        }
    }

    fn stage_before_certificates(&self) -> Stage {
        let first = |open: fn(&Key) -> bool| self.keys.iter().find(|(_, key)| open(key)).map(|(role, _)| role);
        let (without_key, without_request) = (first(|key| key.public.is_none()), first(|key| key.request.is_none()));
        match (without_key, without_request) {
            _ if self.plan.risk.is_some() && !self.agreed_to_risk => Stage::AskRisk,
            _ if !self.agreed_to_plan => Stage::AskPlan,
            _ if self.plan.notice.is_some() && !self.link_used => Stage::UseLink,
            _ if self.terms.is_none() => Stage::Terms,
            (Some(role), _) => Stage::Generate(role),
            (None, Some(role)) => Stage::Request(role),
            _ if self.prepared.is_none() => Stage::Prepare,
            _ if self.vouches.iter().any(Option::is_none) => Stage::Vouch,
            _ if self.sealed.is_none() => Stage::Seal,
            _ if self.pick_ups.is_empty() => Stage::Send,
            _ => Stage::PickUp,
        }
    }

    /// Whether the new certificates are where they belong.
    pub(super) const fn is_on_card(&self) -> bool {
        self.installed || self.found
    }

    /// Whether anything was agreed to.
    pub(super) const fn has_begun(&self) -> bool {
        self.agreed_to_risk || self.agreed_to_plan
    }

    /// What must be written down before the next action, and is not yet.
    pub(super) fn intent(&self) -> Option<Fact> {
        match self.stage() {
            Stage::Generate(role) if !self.is_generating(role) => Some(Fact::Generating(role)),
            Stage::Install if !self.installing => Some(Fact::Installing),
            _ => None,
        }
    }

    /// Takes one fact in, if it follows from what is known.
    pub(super) fn apply(&mut self, fact: &Fact, at: SystemTime) -> Result<(), ProcessError> {
        let stage = self.stage();
        match (fact, stage) {
            // Journals have whole seconds.
            (Fact::Standing(_), _) if asks_standing(self, at.checked_add(Duration::from_secs(2)).unwrap_or(at)) => {
                self.stood = Some(at);
            }
            (Fact::Agreed(_), _) if self.stood.is_none() && asks_standing(self, at) => {
                return Err(ProcessError::Unexpected { what: fact.name(), stage });
            }
            (Fact::Agreed(Consent::Risk), Stage::AskRisk) => self.agreed_to_risk = true,
            (Fact::Agreed(Consent::Plan), Stage::AskPlan) => self.agreed_to_plan = true,
            (Fact::Agreed(Consent::Certificates), Stage::AskCertificates) => self.agreed_to_certificates = true,
            (Fact::Agreed(Consent::Certificates), Stage::Failed) if self.declined().is_some() => {
                (self.failed, self.agreed_to_certificates) = (None, true);
            }
            (Fact::LinkUsed, Stage::UseLink) => self.link_used = true,
            (Fact::Terms(terms), Stage::Terms) => self.terms = Some(checked_terms(terms)?),
            (Fact::Generating(role), Stage::Generate(due)) if *role == due && !self.is_generating(due) => {
                self.key_mut(due)?.generating = true;
            }
            (Fact::KeyMade { role, public_key, .. }, Stage::Generate(due))
                if *role == due && self.is_generating(due) =>
            {
                self.check_key(due, public_key)?;
                self.key_mut(due)?.public = Some(public_key.clone());
            }
            (Fact::Requested { role, request }, Stage::Request(due)) if *role == due => {
                self.check_request(*role, request)?;
                self.key_mut(*role)?.request = Some(request.clone());
            }
            (Fact::Prepared(prepared), Stage::Prepare) => self.prepare(prepared)?,
            (Fact::Vouched { index, signature }, Stage::Vouch) => self.vouch(*index, signature)?,
            (Fact::Sealed(message), Stage::Seal) => self.sealed = Some(message.clone()),
            (Fact::Pending(pick_ups), Stage::Send) if !pick_ups.is_empty() => {
                self.pick_ups = pick_ups.iter().map(|one| Fetch { pick_up: one.clone(), done: false }).collect();
            }
            (Fact::PickUpReplaced { index, by }, Stage::PickUp) => match self.pick_ups.get_mut(*index) {
                Some(fetch) if !fetch.done => fetch.pick_up = by.clone(),
                _ => return Err(ProcessError::Unexpected { what: fact.name(), stage }),
            },
            (Fact::Arrived { from, certificates, receipt }, _) => {
                self.arrive(*from, certificates, receipt.as_ref(), at)?
            }
            (Fact::Installing, Stage::Install) if !self.installing => self.installing = true,
            (Fact::Installed, Stage::Install) if self.installing => self.installed = true,
            (Fact::Acknowledged, Stage::Acknowledge) => drop(self.unacknowledged.remove(0)),
            (Fact::LoggedIn(name), Stage::ProveLogin) => self.logged_in = Some(name.clone()),
            (Fact::SignatureProven, Stage::ProveSignature) => self.signature_proven = true,
            (Fact::Failed(failure), stage) if !stage.is_end() => self.failed = Some(failure.clone()),
            (Fact::Found(certificates), Stage::Failed) if self.may_have_come_elsewhere() => {
                self.accepted = Some(self.check(certificates, at)?);
                (self.failed, self.found) = (None, true);
                self.unacknowledged.clear();
            }
            (fact, stage) => return Err(ProcessError::Unexpected { what: fact.name(), stage }),
        }
        self.history.push((at, fact.name()));
        Ok(())
    }

    fn is_generating(&self, role: KeyRole) -> bool {
        self.keys.get(role).is_some_and(|key| key.generating)
    }

    fn key_mut(&mut self, role: KeyRole) -> Result<&mut Key, ProcessError> {
        self.keys.get_mut(role).ok_or(ProcessError::WrongKey { role })
    }

    fn check_key(&self, role: KeyRole, key: &SubjectPublicKeyInfoOwned) -> Result<(), ProcessError> {
        let old = self.plan.old.iter().any(|(_, old)| old.certificate.public_key() == key);
        let other = self.keys.iter().any(|(_, known)| known.public.as_ref() == Some(key));
        let kind = KeyAlgorithm::try_from(key);
        if old || other || self.plan.new.get(role).is_none_or(|new| kind != Ok(new.algorithm)) {
            return Err(ProcessError::WrongKey { role });
        }
        Ok(())
    }

    fn check_request(&self, role: KeyRole, request: &[u8]) -> Result<(), ProcessError> {
        let foreign = || ProcessError::ForeignRequest { role };
        let request = CertificationRequest::from_der(request).map_err(|_| foreign())?;
        let key = self.keys.get(role).and_then(|key| key.public.as_ref());
        let ours = Some(request.public_key()) == key && *request.subject() == self.subject(role);
        if !ours || request.verify().is_err() {
            return Err(foreign());
        }
        Ok(())
    }

    fn prepare(&mut self, prepared: &Prepared) -> Result<(), ProcessError> {
        for job in &prepared.to_sign {
            let signer = self.signer(job.voucher);
            let offered = signer.is_some_and(|signer| signer.algorithms.contains(&job.algorithm));
            if !offered || job.digest.digest() != job.algorithm.digest() {
                return Err(ProcessError::Unvouchable { voucher: job.voucher });
            }
        }
        self.vouches = vec![None; prepared.to_sign.len()];
        self.prepared = Some(prepared.clone());
        Ok(())
    }

    fn vouch(&mut self, index: usize, signature: &[u8]) -> Result<(), ProcessError> {
        let job = self.prepared.as_ref().and_then(|prepared| prepared.to_sign.get(index));
        let (Some(job), true) = (job, vouches_to_make(self).first() == Some(&index)) else {
            return Err(ProcessError::Unexpected { what: "vouched", stage: self.stage() });
        };
        let signer = self.signer(job.voucher).ok_or(ProcessError::Unvouchable { voucher: job.voucher })?;
        verify_digest(signer.key, job.algorithm, &job.digest, signature)?;
        self.vouches[index] = Some(signature.to_vec());
        Ok(())
    }

    fn arrive(
        &mut self,
        from: Source,
        certificates: &[Vec<u8>],
        receipt: Option<&Receipt>,
        at: SystemTime,
    ) -> Result<(), ProcessError> {
        let (stage, unexpected) = (self.stage(), |stage| Err(ProcessError::Unexpected { what: "arrived", stage }));
        match (from, stage) {
            (Source::Order, Stage::Send) => {}
            (Source::PickUp(index), Stage::PickUp) => match self.pick_ups.get_mut(index) {
                Some(fetch) if !fetch.done => fetch.done = true,
                _ => return unexpected(stage),
            },
            (Source::Files, _) => {
                let (pair, way) = self.check_files(certificates, at)?;
                self.accepted = Some(pair);
                self.failed = None;
                if way == FilesWay::Alone {
                    // What was fetched before is not what is installed: nobody is told that it was good.
                    self.unacknowledged.clear();
                }
                return Ok(());
            }
            (_, stage) => return unexpected(stage),
        }
        self.arrived.extend_from_slice(certificates);
        self.unacknowledged.extend(receipt.cloned());
        let more_to_come = self.pick_ups.iter().any(|fetch| !fetch.done);
        match self.check(&self.arrived, at) {
            Ok(pair) => self.accepted = Some(pair),
            Err(Refusal::OnlyOneOfTwo { .. } | Refusal::AnotherKey) if more_to_come => {}
            Err(refusal) => {
                self.unacknowledged.clear();
                self.failed = Some(Failure::Rejected(refusal));
            }
        }
        Ok(())
    }

    /// Measures files that came on another way: alone, or one of them together with its twin that was fetched before.
    pub(super) fn check_files(
        &self,
        files: &[Vec<u8>],
        now: SystemTime,
    ) -> Result<(ByRole<ParsedCertificate>, FilesWay), ProcessError> {
        let waiting = self.accepted.is_none() && matches!(self.failed, None | Some(Failure::Rejected(_)));
        if !waiting || self.terms.is_none() || self.keys.iter().any(|(_, key)| key.public.is_none()) {
            return Err(ProcessError::Unexpected { what: "files", stage: self.stage() });
        }
        match self.check(files, now) {
            Err(Refusal::OnlyOneOfTwo { .. }) if !self.arrived.is_empty() => {
                Ok((self.check(&[files, &self.arrived].concat(), now)?, FilesWay::WithFetched))
            }
            outcome => Ok((outcome?, FilesWay::Alone)),
        }
    }

    /// Whether the pair that was found good is among these.
    pub(super) fn has_taken(&self, files: &[Vec<u8>]) -> bool {
        let accepted = self.accepted.as_ref();
        accepted.is_some_and(|new| new.iter().all(|(_, one)| files.iter().any(|file| file == one.der())))
    }

    /// When certificates that just came, with what was fetched before, begin to be valid, if nothing else is wrong with them
    /// and it is soon: a clock that is behind the issuer's is no reason to refuse. They are not kept but fetched once more
    /// then, as after a crash.
    pub(super) fn begins_soon(&self, came: &[Vec<u8>], now: SystemTime) -> Option<SystemTime> {
        let all = [&self.arrived, came].concat();
        match self.check(&all, now) {
            Err(Refusal::NotYetValid { .. }) => {
                let new = self.check(&all, now.checked_add(self.plan.clock_tolerance)?).ok()?;
                new.iter().map(|(_, one)| one.not_before()).max()
            }
            _ => None,
        }
    }

    /// Whether an order that was made and refused may be on the card all the same: a CA gives nothing twice.
    pub(super) const fn may_have_come_elsewhere(&self) -> bool {
        self.sealed.is_some() && self.accepted.is_none() && matches!(self.failed, Some(Failure::Refused { .. }))
    }

    /// Certificates that came, were found good, and were said no to.
    pub(super) const fn declined(&self) -> Option<&ByRole<ParsedCertificate>> {
        match (&self.failed, &self.accepted) {
            (Some(Failure::CertificatesDeclined), Some(certificates)) => Some(certificates),
            _ => None,
        }
    }

    /// Whether the CA certifies its keys no more, or should not have.
    pub(super) fn keys_are_spent(&self) -> bool {
        let refused = |failure: &Failure| matches!(failure, Failure::Refused { reason, .. } if reason == NO_KEY_REUSE);
        self.declined().is_some() || self.failed.as_ref().is_some_and(refused)
    }

    /// What was ordered, among what is on the card: for each key the certificate that ends last, and none that was there before.
    pub(super) fn found_on(&self, slots: &[SlotView], now: SystemTime) -> Option<Vec<Vec<u8>>> {
        let found = self.plan.new.iter().map(|(role, new)| {
            let key = self.keys.get(role)?.public.as_ref()?;
            let old = self.plan.old.get(role).map(|old| &old.certificate);
            let slot = slots.iter().find(|slot| slot.id == new.slot)?;
            let of_key = slot.certificates.iter().filter_map(|entry| entry.certificate.as_ref());
            let of_key = of_key.filter(|one| one.public_key() == key && Some(*one) != old);
            Some(of_key.max_by_key(|one| one.not_after())?.der().to_vec())
        });
        let found: Vec<_> = found.collect::<Option<_>>()?;
        self.check(&found, now).is_ok().then_some(found)
    }

    fn check(&self, certificates: &[Vec<u8>], now: SystemTime) -> Result<ByRole<ParsedCertificate>, Refusal> {
        let keys = self.keys.filter_map(|_, key| key.public.as_ref());
        let (Some(terms), Some(keys)) = (&self.terms, keys) else { return Err(Refusal::AnotherKey) };
        let expected = Expected {
            keys,
            old: self.plan.old.map(|_, old| &old.certificate),
            rules: self.plan.rules.map(|_, rules| rules),
            terms,
        };
        check_certificates(certificates, &expected, now)
    }

    /// Whose name a request bears: that of the certificate that is renewed, or nobody's where the CA knows it already.
    fn subject(&self, role: KeyRole) -> Name {
        self.plan.old.get(role).map(|old| old.certificate.subject().clone()).unwrap_or_default()
    }

    /// The request for a key, to be signed by it. Subject, alternative names and key usage are those of the old certificate;
    /// where there is none the key usage is what the rules ask for, and a key identifier names the key that signs the order
    /// too (RFC 5272 §3.2). What the CA wants to find takes the place of these.
    pub(super) fn request_to_sign(&self, role: KeyRole) -> Result<RequestToSign, ProcessError> {
        use const_oid::db::rfc5280;

        let wrong = || ProcessError::WrongKey { role };
        let key = self.keys.get(role).and_then(|key| key.public.clone()).ok_or_else(wrong)?;
        let algorithm = self.plan.new.get(role).ok_or_else(wrong)?.request_algorithm;
        let builder = RequestBuilder::new(self.subject(role), key, algorithm);
        let builder = if let Some(old) = self.plan.old.get(role) {
            let asked_again = [rfc5280::ID_CE_SUBJECT_ALT_NAME, rfc5280::ID_CE_KEY_USAGE, rfc5280::ID_CE_EXT_KEY_USAGE];
            let extensions = asked_again.into_iter().filter_map(|oid| old.certificate.extension(oid));
            extensions.fold(builder, |builder, extension| builder.extension(extension.clone()))
        } else {
            let rules = self.plan.rules.get(role).ok_or_else(wrong)?;
            let builder = builder.key_usage(KeyUsage(rules.key_usage)).key_identifier();
            match rules.extended_key_usage.as_slice() {
                [] => builder,
                purposes => builder.extended_key_usage(purposes.to_vec()),
            }
        };
        let wanted = self.plan.wanted.iter().map(|one| one.0.clone());
        Ok(wanted.fold(builder, RequestBuilder::replace_extension).finalize()?)
    }

    /// The requests and who vouches for them.
    pub(super) fn order(&self) -> Order {
        let requests = self.keys.iter().filter_map(|(role, key)| {
            let der = key.request.clone()?;
            Some(OrderedRequest { role, der })
        });
        Order { requests: requests.collect(), vouchers: self.vouchers() }
    }

    fn vouchers(&self) -> Vec<Voucher> {
        let old = self.plan.old.iter().filter(|_| self.old_keys_vouch());
        old.map(|(role, key)| Voucher { role, certificate: key.certificate.clone(), algorithms: key.signs.clone() })
            .collect()
    }

    /// Who signs the order for a role: the old key, or in a first order the new one.
    pub(super) fn signer(&self, role: KeyRole) -> Option<Signer<'_>> {
        if self.plan.is_first() {
            let new = self.plan.new.get(role)?;
            return Some(Signer {
                slot: new.slot,
                password: new.password,
                algorithms: std::slice::from_ref(&new.request_algorithm),
                key: self.keys.get(role)?.public.as_ref()?,
                pin_use: PinUse::SignOrder(role),
            });
        }
        let old = self.plan.old.get(role).filter(|_| self.old_keys_vouch())?;
        Some(Signer {
            slot: old.slot,
            password: old.password,
            algorithms: &old.signs,
            key: old.certificate.public_key(),
            pin_use: PinUse::Vouch(role),
        })
    }

    /// Whether the CA is asked over a login with the old authentication key.
    pub(super) fn logs_in(&self) -> bool {
        let wanted = self.terms.as_ref().is_some_and(|terms| terms.vouching == Vouching::Login);
        wanted && !self.plan.is_first()
    }

    fn old_keys_vouch(&self) -> bool {
        let wanted = self.terms.as_ref().is_some_and(|terms| terms.vouching == Vouching::OldKeys);
        wanted && self.plan.risk.is_none()
    }

    /// What is signed to prove that the new signature key works; nothing where there is none.
    pub(super) fn proof(&self) -> Option<(SignatureAlgorithm, DigestValue)> {
        let algorithm = self.plan.new.signature.as_ref()?.request_algorithm;
        let text = format!("Obnova: this signature proves that the new key of the renewal {} works.\n", self.id);
        Some((algorithm, algorithm.digest().of(text.as_bytes())))
    }

    pub(super) fn uses_ahead(&self, phase: Phase, password: PasswordKind) -> Vec<PinUse> {
        let asks = self.plan.asks.iter().filter(|ask| ask.phase == phase && ask.password == password);
        asks.flat_map(|ask| ask.uses.iter().copied()).filter(|one| self.is_ahead(*one)).collect()
    }

    fn is_ahead(&self, one: PinUse) -> bool {
        let done = match one {
            _ if self.found => true,
            PinUse::MakeKey(role) => self.keys.get(role).is_some_and(|key| key.public.is_some()),
            PinUse::SignRequest(role) => {
                self.accepted.is_some() || self.keys.get(role).is_some_and(|key| key.request.is_some())
            }
            PinUse::Vouch(role) | PinUse::SignOrder(role) => self.accepted.is_some() || !self.vouches_ahead(role),
            PinUse::Install => self.installed,
            PinUse::Login => self.logged_in.is_some(),
            PinUse::TestSignature => self.signature_proven,
            PinUse::SeeLeftOvers
            | PinUse::Remove
            | PinUse::Repair
            | PinUse::Revoke
            | PinUse::Receipt
            | PinUse::SetPassword => true,
        };
        !done && self.plan.has(one)
    }

    fn vouches_ahead(&self, role: KeyRole) -> bool {
        if self.logs_in() {
            return role == KeyRole::Authentication;
        }
        let Some(prepared) = &self.prepared else {
            return self.terms.is_none()
                || self.plan.is_first()
                || (self.old_keys_vouch() && self.plan.old.get(role).is_some());
        };
        prepared.to_sign.iter().zip(&self.vouches).any(|(job, made)| job.voucher == role && made.is_none())
    }
}

fn checked_terms(terms: &Terms) -> Result<Terms, ProcessError> {
    if terms.anchors.is_empty() { Err(ProcessError::NoAnchors) } else { Ok(terms.clone()) }
}

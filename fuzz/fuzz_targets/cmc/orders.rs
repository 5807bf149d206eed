//! What clients may send, and what a CA makes of it.

use std::{sync::LazyLock, time::SystemTime};

use arbitrary::Arbitrary;
use obnova_ca::{Approval, IssuedCertificate, Profile, Transaction, store::OrderState};
use obnova_enroll::cmc::{Answer, Asked, Expected, FullResponse, Nonce, TransactionId};
use obnova_pkcs10::CertificationRequest;
use x509_cert::{
    Certificate,
    ext::pkix::{BasicConstraints, KeyUsage, SubjectAltName},
};

use super::common::{
    DAY,
    ca::{Holder, House, policy},
    certificate::bend,
    day,
    keys::Whose,
    message::{
        Control, Flaw, PKI_DATA, PKI_RESPONSE, Request, RequestChange, Signer, numbered, pki_data, says_the_same,
        signed,
    },
    now,
};

/// Messages to a CA, and what its operator does in between.
#[derive(Debug, Arbitrary)]
pub struct Conversation {
    automatic: bool,
    steps: Vec<Step>,
}

#[derive(Debug, Arbitrary)]
enum Step {
    Order {
        address: Address,
        changes: Vec<Change>,
        peer: Peer,
    },
    /// A question after the answer to an earlier message.
    Query {
        address: Address,
        token: Token,
        changes: Vec<Change>,
    },
    Confirm {
        address: Address,
        token: Option<Token>,
        certificates: Vec<u8>,
        changes: Vec<Change>,
    },
    /// A message that was sent before.
    Again {
        message: u8,
        peer: Peer,
        bent: Option<(u16, u8)>,
    },
    Approve(u8),
    Reject(u8),
    /// So many days later.
    Later(u8),
}

#[derive(Clone, Copy, Debug, Arbitrary)]
struct Address {
    transaction: u8,
    nonce: u8,
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Token {
    Of(u8),
    Bent(u8, u8),
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Arbitrary)]
enum Peer {
    None,
    Login(Holder),
    ToSign(Holder),
    Stranger,
}

#[derive(Debug, Arbitrary)]
enum Change {
    DropControl(u8),
    DoubleControl(u8),
    SwapControls(u8, u8),
    Part(u8, u8),
    Values(u8, u8),
    Hollow(u8, Vec<u8>),
    Unknown(Vec<u8>),
    RecipientNonce(Vec<u8>),
    Query(Token),
    Receipt(u8),
    Request(bool, RequestChange),
    DropRequest(u8),
    DoubleRequest(u8),
    SwapRequests,
    RequestPart(u8, u8),
    DropSigner(u8),
    DoubleSigner(u8),
    SwapSigners,
    /// Another certificate signs, with its own key or not.
    Signer(u8, u8, Whose),
    Flaw(u8, Flaw),
    DropCertificate(u8),
    Nested,
    Type,
    /// A byte of what is signed, before it is.
    Content(u16, u8),
    /// A byte of the finished message.
    Message(u16, u8),
    /// A request, its signer, or both become those of a holder.
    Holder {
        second: bool,
        request: bool,
        signer: bool,
        whose: Holder,
    },
}

static HOUSES: LazyLock<[House; 2]> = LazyLock::new(|| {
    [Approval::Manual, Approval::Automatic]
        .map(|approval| House::of_all_holders(policy(|policy| policy.approval = approval)))
});

/// What was sent, and what came of it.
struct Sent {
    address: Address,
    message: Vec<u8>,
    token: Option<Vec<u8>>,
    certificates: Vec<Certificate>,
    /// Whose old pair signed it, each with its key and without a flaw.
    vouched: Option<Holder>,
}

struct Stage<'a> {
    house: &'a House,
    sent: Vec<Sent>,
    at: SystemTime,
}

impl Conversation {
    pub fn happens(&self) {
        let house = &HOUSES[usize::from(self.automatic)];
        house.reset();
        let mut stage = Stage { house, sent: Vec::new(), at: now() };
        for step in self.steps.iter().take(8) {
            let before = house.issued().len();
            let honest = stage.takes(step);
            stage.keeps_the_rules(before, honest);
        }
    }
}

impl Stage<'_> {
    /// Whether what was done may lead to certificates.
    fn takes(&mut self, step: &Step) -> bool {
        match step {
            Step::Order { address, changes, peer } => {
                let (message, vouched) = self.order(*address, changes);
                let plain = changes.is_empty() && self.house.store.kept().orders.is_empty() && self.at < day(20);
                let answer = self.send(*address, message, vouched, *peer);
                if plain && matches!(peer, Peer::None | Peer::Login(Holder::Jana)) {
                    assert!(matches!(answer, Some(Answer::Issued { .. } | Answer::Pending { .. })), "{answer:?}");
                }
                vouched.is_some_and(|holder| peer.may_order_for(holder))
            }
            Step::Query { address, token, changes } => {
                let query = Control::query_pending(&self.token(*token));
                let message = self.follow_up(*address, vec![query], changes);
                self.send(*address, message, None, Peer::None);
                false
            }
            Step::Confirm { address, token, certificates, changes } => {
                let mut controls: Vec<_> =
                    token.map(|token| Control::query_pending(&self.token(token))).into_iter().collect();
                let known: Vec<_> = self.sent.iter().flat_map(|sent| sent.certificates.clone()).collect();
                let picked =
                    certificates.iter().take(4).filter_map(|at| known.get(usize::from(*at) % known.len().max(1)));
                controls.extend(picked.map(Control::confirm));
                let message = self.follow_up(*address, controls, changes);
                self.send(*address, message, None, Peer::None);
                false
            }
            Step::Again { message, peer, bent } => {
                let Some(sent) = self.sent.get(usize::from(*message) % self.sent.len().max(1)) else { return false };
                let (mut message, address) = (sent.message.clone(), sent.address);
                bend(&mut message, *bent);
                // Where no signature covers it, and where it is bent twice and straight again, it is what was signed.
                let signed = self.sent.iter().find(|sent| says_the_same(&sent.message, &message));
                let vouched = signed.and_then(|sent| sent.vouched);
                self.send(address, message, vouched, *peer);
                vouched.is_some_and(|holder| peer.may_order_for(holder))
            }
            Step::Approve(transaction) => {
                let pending = self.is_pending(*transaction);
                let approved = self.house.ca.approve(&name(*transaction), self.at);
                assert!(pending || approved.is_err(), "approved although it does not wait");
                pending
            }
            Step::Reject(transaction) => {
                let pending = self.is_pending(*transaction);
                let rejected = self.house.ca.reject(&name(*transaction), "no", self.at);
                assert_eq!(rejected.is_ok(), pending);
                false
            }
            Step::Later(days) => {
                self.at += DAY * u32::from(days % 16);
                false
            }
        }
    }

    fn is_pending(&self, transaction: u8) -> bool {
        let kept = self.house.store.kept();
        kept.order(&name(transaction)).is_some_and(|order| order.state == OrderState::Pending)
    }

    fn order(&self, address: Address, changes: &[Change]) -> (Vec<u8>, Option<Holder>) {
        let controls = vec![Control::transaction(&address.transaction()), Control::sender_nonce(&address.nonce())];
        let old =
            |index: usize, key| Signer { certificate: self.house.old[index].certificate.clone(), key, flaw: None };
        let draft = Draft {
            controls,
            requests: vec![(0, Request::authentication()), (0, Request::signature())],
            signers: vec![old(0, Whose::OldAuthentication), old(1, Whose::OldSignature)],
        };
        self.written(draft, changes)
    }

    fn follow_up(&self, address: Address, more: Vec<Control>, changes: &[Change]) -> Vec<u8> {
        let mut controls = vec![Control::transaction(&address.transaction()), Control::sender_nonce(&address.nonce())];
        controls.extend(more);
        self.written(Draft { controls, requests: Vec::new(), signers: Vec::new() }, changes).0
    }

    /// The message, and whose old pair signed it as it is.
    fn written(&self, mut draft: Draft, changes: &[Change]) -> (Vec<u8>, Option<Holder>) {
        let (mut lost, mut nested, mut content_type, mut before, mut after) = (None, false, PKI_DATA, None, None);
        for change in changes.iter().take(12) {
            match change {
                Change::DropCertificate(at) => lost = Some(*at),
                Change::Nested => nested = true,
                Change::Type => content_type = PKI_RESPONSE,
                Change::Content(at, by) => before = Some((*at, *by)),
                Change::Message(at, by) => after = Some((*at, *by)),
                other => self.change(&mut draft, other),
            }
        }
        let mut certificates = self.enclosed(&draft.signers);
        if let Some(lost) = lost {
            certificates.remove(usize::from(lost % 2));
        }
        let vouched = self.vouching(&draft.signers);
        let straight = draft.message(content_type, nested, before, &certificates);
        let mut message = straight.clone();
        bend(&mut message, after);
        let vouched = vouched.filter(|_| says_the_same(&straight, &message));
        (message, vouched)
    }

    /// The old pairs whose keys might have signed: that of the holder, and those of the signers.
    fn enclosed(&self, signers: &[Signer]) -> Vec<Vec<u8>> {
        let signs = |pair: &[IssuedCertificate; 2]| {
            pair.iter().any(|one| signers.iter().any(|signer| signer.certificate == one.certificate))
        };
        let pairs = self.house.pairs().filter(|(holder, pair)| *holder == Holder::Jana || signs(pair));
        pairs.flat_map(|(_, pair)| pair.each_ref().map(|one| one.der.clone())).collect()
    }

    /// Whose old pair signed, each with its key and without a flaw.
    fn vouching(&self, signers: &[Signer]) -> Option<Holder> {
        let truly = |signer: &Signer| {
            let (holder, which) = self.owner(&signer.certificate)?;
            (!signer.flaw.is_some_and(Flaw::spoils) && signer.key == holder.keys()[which]).then_some((holder, which))
        };
        let [first, second] = signers else { return None };
        let ((one, first), (other, second)) = (truly(first)?, truly(second)?);
        (one == other && first != second).then_some(one)
    }

    /// Whose certificate of which old pair it is.
    fn owner(&self, certificate: &Certificate) -> Option<(Holder, usize)> {
        self.house
            .pairs()
            .find_map(|(holder, pair)| Some((holder, pair.iter().position(|one| one.certificate == *certificate)?)))
    }

    fn change(&self, draft: &mut Draft, change: &Change) {
        fn at<T>(list: &[T], index: u8) -> Option<usize> {
            (!list.is_empty()).then(|| usize::from(index) % list.len())
        }
        let (controls, requests, signers) = (&mut draft.controls, &mut draft.requests, &mut draft.signers);
        match change {
            Change::DropControl(index) => drop(at(controls, *index).map(|at| controls.remove(at))),
            Change::DoubleControl(index) => controls.extend(at(controls, *index).map(|at| controls[at].clone())),
            Change::SwapControls(one, other) => {
                if let (Some(one), Some(other)) = (at(controls, *one), at(controls, *other)) {
                    controls.swap(one, other);
                }
            }
            Change::Part(index, part) => drop(at(controls, *index).map(|at| controls[at].part = *part)),
            Change::Values(index, count) => drop(at(controls, *index).map(|at| controls[at].values = count % 4)),
            Change::Hollow(kind, value) => controls.push(Control::hollow(*kind, value)),
            Change::Unknown(value) => controls.push(Control::unknown(value)),
            Change::RecipientNonce(nonce) => controls.push(Control::recipient_nonce(nonce)),
            Change::Query(token) => controls.push(Control::query_pending(&self.token(*token))),
            Change::Receipt(which) => {
                controls.push(Control::confirm(&self.house.old[usize::from(which % 2)].certificate))
            }
            Change::Request(second, change) => {
                if let Some((_, request)) = requests.get_mut(usize::from(*second)) {
                    request.change(*change);
                }
            }
            Change::DropRequest(index) => drop(at(requests, *index).map(|at| requests.remove(at))),
            Change::DoubleRequest(index) => requests.extend(at(requests, *index).map(|at| requests[at].clone())),
            Change::SwapRequests => requests.reverse(),
            Change::RequestPart(index, part) => drop(at(requests, *index).map(|at| requests[at].0 = *part)),
            Change::DropSigner(index) => drop(at(signers, *index).map(|at| signers.remove(at))),
            Change::DoubleSigner(index) => signers.extend(at(signers, *index).map(|at| signers[at].clone())),
            Change::SwapSigners => signers.reverse(),
            Change::Signer(index, which, key) => {
                if let Some(at) = at(signers, *index) {
                    let known: Vec<_> = self.certificates().collect();
                    signers[at].certificate = known[usize::from(*which) % known.len()].clone();
                    signers[at].key = *key;
                }
            }
            Change::Flaw(index, flaw) => drop(at(signers, *index).map(|at| signers[at].flaw = Some(*flaw))),
            Change::Holder { second, request, signer, whose } => {
                let which = usize::from(*second);
                if let (true, Some((_, request))) = (*request, requests.get_mut(which)) {
                    (request.subject, request.names) = (whose.subject(), whose.names());
                }
                if let (true, Some(signer)) = (*signer, signers.get_mut(which)) {
                    signer.certificate = self.house.pair(*whose)[which].certificate.clone();
                    signer.key = whose.keys()[which];
                }
            }
            Change::DropCertificate(_) | Change::Nested | Change::Type | Change::Content(..) | Change::Message(..) => {}
        }
    }

    /// Certificates that one could sign with: the old pairs, the CA's, and what was issued meanwhile.
    fn certificates(&self) -> impl Iterator<Item = Certificate> {
        let old = self.house.pairs().flat_map(|(_, pair)| pair.each_ref().map(|one| one.certificate.clone()));
        let issued = self.house.issued().into_iter().filter_map(|one| IssuedCertificate::from_der(&one.der).ok());
        old.chain(self.house.certificates()).chain(issued.map(|one| one.certificate))
    }

    fn token(&self, token: Token) -> Vec<u8> {
        let known: Vec<_> = self.sent.iter().filter_map(|sent| sent.token.clone()).collect();
        let of =
            |which: u8| known.get(usize::from(which) % known.len().max(1)).cloned().unwrap_or_else(|| vec![which; 20]);
        match token {
            Token::Of(which) => of(which),
            Token::Bent(which, by) => {
                let mut token = of(which);
                token[7] ^= by;
                token
            }
            Token::Other => vec![0x55; 20],
        }
    }

    fn send(&mut self, address: Address, message: Vec<u8>, vouched: Option<Holder>, peer: Peer) -> Option<Answer> {
        let peer = match peer {
            Peer::None => None,
            Peer::Login(holder) => Some(self.house.pair(holder)[0].certificate.clone()),
            Peer::ToSign(holder) => Some(self.house.pair(holder)[1].certificate.clone()),
            Peer::Stranger => self.house.certificates().pop(),
        };
        let response = match self.house.ca.answer(&message, peer.as_ref(), self.at) {
            Ok(response) => response,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                assert!(matches!(error, obnova_ca::AnswerError::Malformed(_)), "the CA failed: {error}");
                return None;
            }
        };
        let (transaction, nonce) = (address.transaction(), address.nonce());
        let (transaction, nonce) = (TransactionId::from_bytes(&transaction).ok()?, Nonce::from_bytes(&nonce).ok()?);
        let ca = self.house.certificates();
        let expected = Expected { transaction: &transaction, nonce: &nonce, ca: &ca, asked: Asked::Certificates };
        let confirmation = Expected { asked: Asked::Confirmation, ..expected };
        let heard = FullResponse::parse(&response.message, &expected)
            .or_else(|_| FullResponse::parse(&response.message, &confirmation));
        // A message that was bent or twisted may have had another address.
        let answer = heard.ok()?.answer;
        assert_eq!(response.refused.is_some(), matches!(answer, Answer::Refused { .. }));
        let token = match &answer {
            Answer::Pending { token, .. } => Some(token.as_bytes().to_vec()),
            _ => None,
        };
        let certificates = match &answer {
            Answer::Issued { certificates, .. } => certificates.clone(),
            _ => Vec::new(),
        };
        self.sent.push(Sent { address, message, token, certificates, vouched });
        Some(answer)
    }

    /// What the CA remembers, held against its rules by a second reading.
    fn keeps_the_rules(&self, before: usize, honest: bool) {
        let issued = self.house.issued();
        assert!(
            issued.len() == before || (issued.len() == before + 2 && honest),
            "{} certificates more",
            issued.len() - before
        );
        let kept = self.house.store.kept().clone();
        let mut keys: Vec<_> = kept.certificates.iter().map(|one| one.key).collect();
        keys.sort_unstable();
        assert!(keys.windows(2).all(|pair| pair[0] != pair[1]), "a key was certified twice");
        let open = kept.orders.iter().filter(|order| order.state != OrderState::Rejected);
        let mut replaced: Vec<_> = open.clone().flat_map(|order| &order.requests).map(|one| &one.replaces).collect();
        replaced.sort_unstable();
        assert!(replaced.windows(2).all(|pair| pair[0] != pair[1]), "a certificate is renewed twice");
        for order in open {
            assert_eq!(order.requests.len(), 2);
            assert!(order.requests[0].profile != order.requests[1].profile);
            let mut holders = Vec::new();
            for request in &order.requests {
                let asked = CertificationRequest::from_der(&request.request).expect("it was read");
                assert!(asked.verify().is_ok() && !request.same_key);
                let which = usize::from(request.profile == Profile::Signature);
                let replaced = |pair: &[IssuedCertificate; 2]| {
                    Some(serial(&pair[which].certificate)) == request.replaces.as_deref()
                };
                let (holder, pair) = self.house.pairs().find(|(_, pair)| replaced(pair)).expect("it was issued here");
                holders.push(holder);
                let old = &pair[which].certificate;
                assert_eq!(asked.subject(), old.tbs_certificate().subject());
                let usage = asked.extension::<KeyUsage>().expect("it can be read").map(|(_, usage)| usage);
                assert_eq!(usage, Some(request.profile.key_usage()));
                let names = asked.extension::<SubjectAltName>().expect("it can be read").map(|(_, names)| names);
                let known = old.tbs_certificate().get_extension::<SubjectAltName>().expect("it can be read");
                assert_eq!(names, known.map(|(_, names)| names));
            }
            assert_eq!(holders[0], holders[1], "an order of two holders");
            let made = matches!(order.state, OrderState::Issued | OrderState::Confirmed);
            assert_eq!(order.certificates.len(), if made { 2 } else { 0 });
            for (request, made) in order.requests.iter().zip(&order.certificates) {
                self.is_what_was_asked(&request.request, &made.der, request.profile, holders[0]);
            }
        }
    }

    fn is_what_was_asked(&self, request: &[u8], der: &[u8], profile: Profile, holder: Holder) {
        let request = CertificationRequest::from_der(request).expect("it was read");
        let certificate = IssuedCertificate::from_der(der).expect("it was made").certificate;
        let tbs = certificate.tbs_certificate();
        assert_eq!(tbs.subject_public_key_info(), request.public_key());
        assert_eq!(*tbs.subject(), holder.subject().name());
        let (_, constraints) = tbs.get_extension::<BasicConstraints>().expect("it can be read").expect("it is there");
        assert!(!constraints.ca);
        let (_, usage) = tbs.get_extension::<KeyUsage>().expect("it can be read").expect("it is there");
        assert_eq!(usage, profile.key_usage());
        assert!(
            tbs.validity().not_after.to_system_time() <= self.at + self.house.ca.policy().profile(profile).validity
        );
    }
}

struct Draft {
    controls: Vec<Control>,
    requests: Vec<(u8, Request)>,
    signers: Vec<Signer>,
}

impl Draft {
    fn message(self, content_type: &str, nested: bool, before: Option<(u16, u8)>, certificates: &[Vec<u8>]) -> Vec<u8> {
        let controls = numbered(self.controls);
        let numbers = controls.len() as u8 + 1..;
        let part = |part: u8, number: u8| if part == 0 { number } else { part };
        let requests: Vec<_> = self
            .requests
            .iter()
            .take(20)
            .zip(numbers)
            .map(|((own, request), number)| (part(*own, number), request.der()))
            .collect();
        let nested: &[u8] = if nested { &[0x30, 0] } else { &[] };
        let mut content = pki_data(&controls, &requests, nested);
        bend(&mut content, before);
        let signers: Vec<_> = self.signers.into_iter().take(10).collect();
        signed(content_type, &content, certificates, &signers)
    }
}

impl Peer {
    /// Whether the CA takes an order of this holder from it: one may order by any connection of one's own name.
    fn may_order_for(self, holder: Holder) -> bool {
        match self {
            Self::None => true,
            Self::Login(peer) | Self::ToSign(peer) => peer.subject() == holder.subject(),
            Self::Stranger => false,
        }
    }
}

impl Address {
    fn transaction(self) -> [u8; 4] {
        [0x0b, 0, 0, self.transaction % 4]
    }

    fn nonce(self) -> [u8; 16] {
        [self.nonce % 4; 16]
    }
}

fn name(transaction: u8) -> Transaction {
    Transaction::new(&Address { transaction, nonce: 0 }.transaction()).expect("it is a name")
}

fn serial(certificate: &Certificate) -> &[u8] {
    certificate.tbs_certificate().serial_number().as_bytes()
}

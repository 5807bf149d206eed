//! What a CA may say, and what a client hears.

use arbitrary::Arbitrary;
use obnova_enroll::cmc::{Answer, Asked, Expected, FullResponse, Nonce, TransactionId};

use super::common::{
    ca::CHAIN,
    certificate::{Change, Draft, bend},
    keys::Whose,
    message::{Control, Flaw, PKI_DATA, PKI_RESPONSE, Signer, numbered, pki_response, signed},
    tlv::{octets, small, tlv},
};

const TRANSACTION: [u8; 4] = [1, 2, 3, 4];
const NONCE: &[u8] = b"a nonce for this";

/// An answer to a message: right as it is, and changed.
#[derive(Debug, Arbitrary)]
pub struct Saying {
    what: What,
    confirmation: bool,
    changes: Vec<Twist>,
    certificates: Vec<Vec<Change>>,
    bent: Option<(u16, u8)>,
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum What {
    Issued { confirm: bool },
    Pending,
    Refused(u8),
}

#[derive(Debug, Arbitrary)]
enum Twist {
    Drop(u8),
    Double(u8),
    Swap(u8, u8),
    Part(u8, u8),
    Values(u8, u8),
    OtherNonce,
    OtherTransaction,
    Status { status: u8, text: Option<String>, fail: Option<u8>, token: bool, second: bool },
    Hollow(u8, Vec<u8>),
    Unknown(Vec<u8>),
    Signer(Whose),
    Certificate(bool),
    Flaw(Flaw),
    TwoSigners(bool),
    Unsigned,
    Type,
    Chain(bool),
}

impl Saying {
    pub fn is_heard(&self) {
        let transaction = TransactionId::from_bytes(&TRANSACTION).expect("it is one");
        let nonce = Nonce::from_bytes(NONCE).expect("it is one");
        let ca = [CHAIN[0].certificate.clone()];
        let asked = if self.confirmation { Asked::Confirmation } else { Asked::Certificates };
        let expected = Expected { transaction: &transaction, nonce: &nonce, ca: &ca, asked };
        let letter = self.letter();
        let heard = FullResponse::parse(&letter.message, &expected);
        let Ok(response) = heard else {
            let error = heard.err().map(|error| error.to_string()).unwrap_or_default();
            assert!(!error.is_empty());
            assert!(
                !(self.changes.is_empty() && self.certificates.is_empty() && self.is_plain()),
                "not heard: {error}"
            );
            return;
        };
        if letter.is_bent {
            return;
        }
        assert!(letter.is_signed, "believed, and the CA did not sign it: {self:?}");
        if letter.is_unclear {
            return;
        }
        assert!(letter.has_nonce, "an answer to another message is believed");
        assert!(!letter.has_other_transaction, "an answer to another transaction is believed");
        match response.answer {
            Answer::Issued { certificates, chain, .. } => {
                assert!(asked == Asked::Certificates && !certificates.is_empty());
                assert!(letter.worst == Some(0) || letter.worst == Some(5), "a yes among others: {:?}", letter.worst);
                assert!(chain.iter().all(|one| !ca.contains(one)));
            }
            Answer::Confirmed => assert!(asked == Asked::Confirmation && matches!(letter.worst, Some(0 | 5))),
            Answer::Pending { token, .. } => assert!(letter.worst == Some(3) && !token.as_bytes().is_empty()),
            Answer::Refused { text, .. } => {
                assert!(!text.contains(char::is_control) && text.chars().count() <= 1000);
                assert!(matches!(letter.worst, Some(2 | 4 | 6 | 7)), "{:?}", letter.worst);
            }
        }
    }

    /// Whether nothing is wrong with it before it is twisted.
    fn is_plain(&self) -> bool {
        self.bent.is_none() && !(self.confirmation && matches!(self.what, What::Pending))
    }

    fn letter(&self) -> Letter {
        let pending = tlv(0x30, &[&octets(b"token"), &tlv(0x18, &[b"20270116080000Z"])]);
        let mut controls = vec![
            match self.what {
                What::Issued { confirm } => Control::status(if confirm { 5 } else { 0 }, None, &[], true),
                What::Pending => Control::status(3, None, &pending, true),
                What::Refused(reason) => Control::status(2, Some("too early"), &small(reason), true),
            },
            Control::transaction(&TRANSACTION),
            Control::sender_nonce(b"the CA's nonce"),
            Control::recipient_nonce(NONCE),
        ];
        let mut statuses = true;
        let mut key = Whose::Issuing;
        let mut certificate = &CHAIN[0].certificate;
        let (mut flaw, mut second, mut unsigned, mut content_type, mut chain) =
            (None, None, false, PKI_RESPONSE, false);
        for twist in self.changes.iter().take(12) {
            let length = controls.len().max(1);
            let at = |index: &u8| usize::from(*index) % length;
            match twist {
                Twist::Drop(index) if !controls.is_empty() => drop(controls.remove(at(index))),
                Twist::Double(index) if !controls.is_empty() && length < 80 => {
                    controls.push(controls[at(index)].clone())
                }
                Twist::Swap(one, other) if !controls.is_empty() => controls.swap(at(one), at(other)),
                Twist::Part(index, part) if !controls.is_empty() => controls[at(index)].part = *part,
                Twist::Values(index, count) if !controls.is_empty() => controls[at(index)].values = count % 4,
                Twist::Drop(_) | Twist::Double(_) | Twist::Swap(..) | Twist::Part(..) | Twist::Values(..) => {}
                Twist::OtherNonce => controls.push(Control::recipient_nonce(b"of another one")),
                Twist::OtherTransaction => controls.push(Control::transaction(&[9, 9])),
                Twist::Status { status, text, fail, token, second } => {
                    let other = match (fail, token) {
                        (Some(fail), _) => small(*fail),
                        (None, true) => pending.clone(),
                        (None, false) => Vec::new(),
                    };
                    controls.push(Control::status(status % 9, text.as_deref(), &other, *second));
                }
                Twist::Hollow(kind, value) => {
                    statuses = false;
                    controls.push(Control::hollow(*kind, value));
                }
                Twist::Unknown(value) => controls.push(Control::unknown(value)),
                Twist::Signer(whose) => key = *whose,
                Twist::Certificate(root) => certificate = &CHAIN[usize::from(*root)].certificate,
                Twist::Flaw(what) => flaw = Some(*what),
                Twist::TwoSigners(first) => second = Some(*first),
                Twist::Unsigned => unsigned = true,
                Twist::Type => content_type = PKI_DATA,
                Twist::Chain(with) => chain = *with,
            }
        }
        let mut signers = vec![Signer { certificate: certificate.clone(), key, flaw }];
        if let Some(first) = second {
            let stranger = Signer { certificate: CHAIN[1].certificate.clone(), key: Whose::Stranger, flaw: None };
            signers.insert(usize::from(!first), stranger);
        }
        if unsigned {
            signers.clear();
        }
        let is_the_ca = *certificate == CHAIN[0].certificate && key == Whose::Issuing;
        let is_signed = !unsigned && is_the_ca && !flaw.is_some_and(Flaw::spoils) && content_type == PKI_RESPONSE;
        let has_nonce =
            controls.iter().any(|one| *one == (Control { part: one.part, ..Control::recipient_nonce(NONCE) }));
        let other = Control::transaction(&[9, 9]);
        let has_other_transaction =
            controls.iter().any(|one| one.kind == other.kind && one.value == other.value && one.values > 0);
        let worst = if statuses { worst(&controls) } else { None };
        let mut certificates = self.certificates();
        if chain {
            certificates.extend(CHAIN.iter().map(|one| one.der.clone()));
        }
        let content = pki_response(&numbered(controls));
        let mut message = signed(content_type, &content, &certificates, &signers);
        bend(&mut message, self.bent);
        Letter {
            message,
            is_signed,
            is_bent: self.bent.is_some_and(|(_, by)| by != 0),
            is_unclear: !statuses,
            has_nonce,
            has_other_transaction,
            worst,
        }
    }

    fn certificates(&self) -> Vec<Vec<u8>> {
        let mut drafts = vec![Draft::authentication(), Draft::signature()];
        for (changes, index) in self.certificates.iter().take(4).zip(0..) {
            if drafts.len() <= index {
                drafts.push(Draft::authentication());
            }
            changes.iter().take(6).for_each(|change| drafts[index].change(*change));
        }
        drafts.iter().zip(0..).map(|(draft, number)| draft.issue(number)).collect()
    }
}

struct Letter {
    message: Vec<u8>,
    is_signed: bool,
    /// A byte of it is another; those beside what is signed may be.
    is_bent: bool,
    /// A control in it has any content.
    is_unclear: bool,
    has_nonce: bool,
    has_other_transaction: bool,
    /// The worst status in it, if there is one.
    worst: Option<u8>,
}

/// Refusals before waiting before yes.
fn worst(controls: &[Control]) -> Option<u8> {
    let template = Control::status(0, None, &[], true);
    let first = Control::status(0, None, &[], false);
    let statuses =
        controls.iter().filter(|one| (one.kind == template.kind || one.kind == first.kind) && one.values == 1);
    // SEQUENCE, its length, INTEGER 1 and the number.
    let number = |control: &Control| {
        let at = control.value.windows(2).position(|pair| pair == [2, 1])?;
        control.value.get(at + 2).copied()
    };
    let rank = |status: &u8| [0, 5, 3, 7, 6, 4, 2].iter().position(|one| one == status);
    statuses.filter_map(number).max_by_key(rank)
}

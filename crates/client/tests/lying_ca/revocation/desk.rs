//! The CA of a holder whose certificate is to end: honest, but for the lie that is told now.

use std::sync::{Arc, Mutex};

use obnova_algorithm::KeyAlgorithm;
use obnova_ca::CaKey;
use obnova_card::KeyRole;
use obnova_client::{
    enroll::{
        cmc::{Answer, FailInfo, FullRequest, FullResponseBuilder, Kind, Received, RevocationRequest, Signer},
        envelope::OpeningKey,
        est::{self, HttpRequest, HttpResponse, Operation},
    },
    status::{
        Authority, Revocation, RevocationReason, SerialNumber,
        crl::{CrlBuilder, CrlNumber, Entry},
        ocsp::{Answer as OcspAnswer, CertStatus, Request, Responder},
    },
};
use obnova_renewal::ParsedCertificate;
use x509_cert::{
    Certificate,
    der::flagset::FlagSet,
    ext::pkix::{CrlReason, KeyUsages},
};

use super::super::{
    common::support::{Draft, days, name},
    house::{Ca, fresh_nonce, now},
    liar::{Liar, OfServers},
    lies::Lie,
    server::{Host, Wire},
};

pub const PASSWORD: &str = "the pears are in the attic";

/// A lie, and what it is told to.
#[derive(Clone)]
pub enum Told {
    /// To the question for the CA's certificates.
    Terms(Lie),
    /// To the message.
    Message(Lie),
    /// To a message that was taken: it was done.
    AfterIt(Arc<dyn Fn() -> Wire + Send + Sync>),
    /// To the questions afterwards: in answer to OCSP, and as a list; `None` is the truth.
    Status(Option<StatusLie>, Option<StatusLie>),
}

pub type StatusLie = Arc<dyn Fn(&Asked<'_>) -> Wire + Send + Sync>;

impl OfServers for Told {
    fn of_servers(&self) -> Option<&Lie> {
        if let Self::Message(lie) = self { Some(lie) } else { None }
    }
}

impl Told {
    pub const fn is_of_status(&self) -> bool {
        matches!(self, Self::Status(..))
    }
}

/// A question what everybody is told.
pub struct Asked<'a> {
    pub desk: &'a Desk,
    /// The OCSP request; empty for a list.
    pub request: &'a [u8],
    /// What is told in it that nobody should believe.
    pub told: CertStatus,
}

impl Asked<'_> {
    /// A list that lies has what is revoked, or something else where it is to look good.
    pub fn entries(&self) -> Vec<(SerialNumber, Revocation)> {
        let true_ones = self.desk.entries();
        if true_ones.is_empty() || self.told == CertStatus::Good {
            return vec![(SerialNumber::from(7_u64), Revocation::new(now(), RevocationReason::Superseded))];
        }
        true_ones
    }
}

pub struct Desk {
    pub liar: Liar<Told>,
    /// A certificate of the holder whose card is gone.
    pub lost: ParsedCertificate,
    encryption: (CaKey, Certificate),
    revoked: Mutex<Vec<(SerialNumber, Revocation)>>,
    told: Mutex<CertStatus>,
}

impl Desk {
    pub fn new() -> Self {
        let liar = Liar::<Told>::new();
        let house = &liar.ca.house;
        let key = || CaKey::generate(KeyAlgorithm::P256).unwrap();
        let mut draft = Draft::new(KeyRole::Authentication, key().public_key().clone());
        (draft.from, draft.until) = (now() - days(100), now() + days(200));
        let lost = house.issue(&draft);
        let opening = key();
        let mut draft = Draft::new(KeyRole::Authentication, opening.public_key().clone());
        (draft.from, draft.until, draft.subject) = (now() - days(400), now() + days(4_000), name("CN=For encryption"));
        (draft.usage, draft.extended) = (Some(FlagSet::from(KeyUsages::KeyAgreement)), Vec::new());
        let encryption = (opening, house.issue(&draft).certificate().clone());
        let told = Mutex::new(CertStatus::Revoked(Revocation::new(now(), RevocationReason::Superseded)));
        Self { liar, lost, encryption, revoked: Mutex::default(), told }
    }

    /// What lies about a status tell.
    pub fn lies_that_it_is(&self, told: CertStatus) {
        *self.told.lock().unwrap() = told;
    }

    /// A certificate ends.
    pub fn revoke(&self, certificate: &ParsedCertificate, reason: RevocationReason) {
        let serial = certificate.certificate().tbs_certificate().serial_number().clone();
        self.revoked.lock().unwrap().push((serial, Revocation::new(now(), reason)));
    }

    fn asked<'a>(&'a self, request: &'a [u8]) -> Asked<'a> {
        Asked { desk: self, request, told: *self.told.lock().unwrap() }
    }

    /// Nothing was revoked.
    pub fn forget(&self) {
        self.revoked.lock().unwrap().clear();
    }

    pub fn revoked(&self) -> usize {
        self.revoked.lock().unwrap().len()
    }

    pub fn authority(&self, of: &Ca) -> Authority {
        Authority::from_der(of.house.root.der()).unwrap()
    }

    fn cmc(&self, message: &[u8]) -> Wire {
        let readable = message.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes());
        assert!(!readable, "the password can be read in the message");
        let received = Received::parse(message).unwrap();
        let Received::Revocation(request) = &received else { panic!("{received:?}") };
        // Whose answers are lied about by the lies of every message.
        let address = FullRequest {
            transaction: request.transaction.clone(),
            nonce: request.nonce.clone(),
            in_reply_to: None,
            kind: Kind::ConfirmAcceptance { token: None, certificates: Vec::new() },
            signers: Vec::new(),
            revocation_password: None,
        };
        match self.liar.lie() {
            Some(Told::Message(Lie::Cmc(lie))) => return self.liar.tell_by(&*lie, &address),
            Some(Told::Message(Lie::Http(lie))) => return self.liar.tell(lie(())),
            Some(Told::AfterIt(lie)) => {
                self.decide(request);
                return self.liar.tell(lie());
            }
            _ => {}
        }
        let builder = FullResponseBuilder::reply_to_any(&received, fresh_nonce());
        let house = &self.liar.ca.house;
        let signer = Signer { certificate: house.root.certificate().clone(), algorithm: house.key.algorithm() };
        let signed = builder.finalize(&self.decide(request), &signer).unwrap();
        let answer = signed.sign_with(|to_sign| house.key.sign(&to_sign.bytes)).unwrap();
        self.liar.has_answered(request.transaction.clone(), answer.clone());
        Wire::http(&est::Server::new().fullcmc(&answer, false))
    }

    fn decide(&self, request: &RevocationRequest) -> Answer {
        let no = |text: &str| Answer::Refused { reason: FailInfo::BadRequest, text: text.into() };
        let [wanted] = request.revocations.as_slice() else { panic!("one at a time") };
        let id = &wanted.certificate;
        if request.by_holder(wanted).is_none() {
            let (key, certificate) = &self.encryption;
            let key = OpeningKey::from_pkcs8(&key.to_pkcs8().unwrap(), certificate.clone()).unwrap();
            let password = wanted.passphrase.as_ref().unwrap().open(&key, id).unwrap();
            assert_eq!(password.as_bytes(), PASSWORD.as_bytes());
        } else {
            assert!(wanted.passphrase.is_none(), "the password is not needed, and was sent");
        }
        let mut revoked = self.revoked.lock().unwrap();
        let is_compromise = wanted.reason == CrlReason::KeyCompromise;
        let reason = if is_compromise { RevocationReason::KeyCompromise } else { RevocationReason::Superseded };
        match revoked.iter_mut().find(|(serial, _)| *serial == id.serial) {
            // That others may have its key is told of what had ended for another reason too.
            Some((_, before)) if is_compromise && before.reason != reason => before.reason = reason,
            Some(_) => return no("revoked-already: it is"),
            None => revoked.push((id.serial.clone(), Revocation::new(now(), reason))),
        }
        Answer::Confirmed
    }

    /// The honest answer to an OCSP request.
    fn ocsp(&self, request: &[u8]) -> Wire {
        let revoked = self.revoked.lock().unwrap();
        let of = |serial: &SerialNumber| revoked.iter().find(|(one, _)| one == serial);
        self.answered(request, &self.liar.ca, now(), |serial| {
            of(serial).map_or(CertStatus::Good, |(_, revocation)| CertStatus::Revoked(*revocation))
        })
    }

    /// An OCSP answer of this CA at this time.
    pub fn answered(
        &self,
        request: &[u8],
        of: &Ca,
        at: std::time::SystemTime,
        status: impl Fn(&SerialNumber) -> CertStatus,
    ) -> Wire {
        body(&self.answer(request, of, at, status))
    }

    pub fn answer(
        &self,
        request: &[u8],
        of: &Ca,
        at: std::time::SystemTime,
        status: impl Fn(&SerialNumber) -> CertStatus,
    ) -> Vec<u8> {
        let responder = Responder::direct(self.authority(of)).unwrap();
        match responder.answer(request, at, |serial| Ok(status(serial))).unwrap() {
            OcspAnswer::ToSign(to_sign) => to_sign.assemble(&of.house.key.sign(to_sign.bytes()).unwrap()).unwrap(),
            OcspAnswer::Error(error) => panic!("{error}"),
        }
    }

    /// A list of this CA at this time.
    pub fn list(&self, of: &Ca, at: std::time::SystemTime, entries: &[(SerialNumber, Revocation)]) -> Vec<u8> {
        let builder = CrlBuilder::new(&self.authority(of), CrlNumber::from(1), at, at + days(1));
        let entry = |(serial, revocation): &(SerialNumber, Revocation)| Ok(Entry::new(serial.clone(), *revocation));
        let to_sign = builder.finalize(|| entries.iter().map(entry).collect::<Vec<_>>()).unwrap();
        let mut list = Vec::new();
        to_sign.write(&of.house.key.sign_digest(to_sign.digest()).unwrap(), &mut list).unwrap();
        list
    }

    /// What is revoked.
    pub fn entries(&self) -> Vec<(SerialNumber, Revocation)> {
        self.revoked.lock().unwrap().clone()
    }
}

/// Bytes as they stand.
pub fn body(bytes: &[u8]) -> Wire {
    Wire::http(&HttpResponse { status: 200, headers: est::Headers::default(), body: bytes.to_vec() })
}

/// The same question with something else in it.
pub fn asks(request: &[u8], change: impl FnOnce(&mut Request)) -> Vec<u8> {
    let mut request = Request::parse(request).unwrap();
    change(&mut request);
    request.to_der().unwrap()
}

impl Host for Desk {
    fn identity(&self) -> Option<Arc<rustls::ServerConfig>> {
        self.liar.identity()
    }

    fn greet(&self) -> Option<Wire> {
        self.liar.greet()
    }

    fn answer(&self, request: &HttpRequest) -> Wire {
        match (request.path.as_str(), self.liar.lie()) {
            ("/ocsp", Some(Told::Status(Some(lie), _))) => {
                return self.liar.tell(lie(&self.asked(&request.body)));
            }
            ("/crl", Some(Told::Status(_, Some(lie)))) => return self.liar.tell(lie(&self.asked(&[]))),
            ("/ocsp", _) => return self.ocsp(&request.body),
            ("/crl", _) => return body(&self.list(&self.liar.ca, now(), &self.entries())),
            ("/encryption.cer", _) => {
                use x509_cert::der::Encode as _;
                return body(&self.encryption.1.to_der().unwrap());
            }
            _ => {}
        }
        let Ok(operation) = est::Server::new().route(request) else {
            return self.liar.answer_elsewhere(request);
        };
        match operation {
            Operation::CaCerts => match self.liar.lie() {
                Some(Told::Terms(Lie::CaCerts(lie))) => {
                    self.liar.tell(Wire::http(&lie(&self.liar.ca, &self.liar.impostor)))
                }
                _ => Wire::http(&self.liar.ca.cacerts()),
            },
            Operation::FullCmc(message) => self.cmc(&message),
        }
    }
}

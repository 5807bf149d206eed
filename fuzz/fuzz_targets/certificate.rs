//! Certificates that came for a pair of new keys: any bytes, and true signatures under whatever an input wants certified.
//!
//! What is accepted is measured by a small second reading of the rules: the two keys, the old names, the dates, the usages,
//! the statements, an issuer that leads up to the anchor, and nothing in it that stands twice or is nonsense. What the CA did
//! not issue itself opens no login.
#![no_main]

use std::sync::LazyLock;

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use obnova_enroll::certs_only;
use obnova_renewal::{
    ByRole, CertificateRules, Expected, Loose, MAX_CERTIFICATES, Pair, ParsedCertificate, Terms, Vouching,
    check_certificates, match_loose,
};
use x509_cert::{Certificate, der::Decode};

#[path = "../common/mod.rs"]
mod common;

use common::{
    ca::{CHAIN, House, policy},
    certificate::{
        BETWEEN, CERT_SIGN, CLIENT_AUTH, Change, DIGITAL_SIGNATURE, Draft, NON_REPUDIATION, Names, QC_COMPLIANCE,
        QC_SSCD, Subject,
    },
    keys::Whose,
    now,
};

fuzz_target!(|bytes: &[u8]| {
    match bytes.split_first() {
        Some((b'S', input)) => {
            if let Ok(delivery) = Delivery::arbitrary(&mut Unstructured::new(input)) {
                delivery.arrives();
            }
        }
        _ => any(bytes),
    }
});

static HOUSE: LazyLock<House> = LazyLock::new(|| House::new(policy(|_| {})));
static OLD: LazyLock<Pair<ParsedCertificate>> = LazyLock::new(|| {
    let parsed = |index: usize| ParsedCertificate::from_der(&HOUSE.old[index].der).expect("the CA issued it");
    Pair { authentication: parsed(0), signature: parsed(1) }
});
static TERMS: LazyLock<Terms> = LazyLock::new(|| {
    let parsed = |der: &[u8]| ParsedCertificate::from_der(der).expect("it is a certificate");
    Terms {
        anchors: vec![parsed(&CHAIN[1].der)],
        intermediates: BETWEEN.iter().map(|der| parsed(der)).collect(),
        vouching: Vouching::OldKeys,
    }
});
static RULES: LazyLock<Pair<CertificateRules>> = LazyLock::new(|| Pair {
    authentication: CertificateRules::authentication(),
    signature: CertificateRules::qualified_signature(),
});

fn check(came: &[Vec<u8>]) -> Option<ByRole<ParsedCertificate>> {
    let expected = Expected {
        keys: Pair {
            authentication: Whose::NewAuthentication.key().public_key(),
            signature: Whose::NewSignature.key().public_key(),
        }
        .into(),
        old: Pair { authentication: &OLD.authentication, signature: &OLD.signature }.into(),
        rules: Pair { authentication: &RULES.authentication, signature: &RULES.signature }.into(),
        terms: &TERMS,
    };
    check_certificates(came, &expected, now()).map_err(|refusal| assert!(!refusal.to_string().is_empty())).ok()
}

fn any(bytes: &[u8]) {
    if let Ok(certificate) = ParsedCertificate::from_der(bytes) {
        assert!(bytes.len() <= ParsedCertificate::MAX_SIZE);
        assert_eq!(certificate.der(), bytes);
        assert_eq!(
            certificate.is_valid_at(now()),
            certificate.not_before() <= now() && now() <= certificate.not_after()
        );
        let _ = (certificate.key_usage(), certificate.extended_key_usage(), certificate.qc_statements());
        let _ = (certificate.serial(), format!("{certificate:?}"), certificate.basic_constraints());
        assert!(!certificate.is_signed_by(Whose::Stranger.key().public_key()), "signed by a key that signs nothing");
        let json = serde_json::to_string(&certificate).expect("it can be written down");
        assert!(serde_json::from_str::<ParsedCertificate>(&json).is_ok_and(|again| again == certificate));
    }
    assert!(check(&[bytes.to_vec()]).is_none());
    let Ok(certificates) = certs_only::read_file(bytes) else { return };
    let loose = certificates.iter().filter_map(|one| ParsedCertificate::try_from(one).ok());
    let loose: Vec<_> = loose.map(|certificate| Loose { name: "file".into(), certificate }).collect();
    let count = loose.len();
    let keys = ByRole::from(Pair {
        authentication: Whose::NewAuthentication.key().public_key(),
        signature: Whose::NewSignature.key().public_key(),
    });
    let matched = match_loose(loose, &keys);
    assert!(
        matched.found.iter().all(|(role, one)| keys.get(role).is_some_and(|key| one.certificate.public_key() == *key))
    );
    assert!(matched.into_certificates().len() <= count);
}

/// What came, and in which order.
#[derive(Debug, Arbitrary)]
struct Delivery {
    authentication: Vec<Change>,
    signature: Vec<Change>,
    others: Vec<Other>,
    turned: u8,
}

#[derive(Debug, Arbitrary)]
enum Other {
    /// One more for a key, signed anew.
    Signature(Vec<Change>),
    Authentication(Vec<Change>),
    /// The same once more.
    Again(u8),
    Lost(u8),
    Issuer(u8),
    Nonsense(Vec<u8>),
}

impl Delivery {
    fn arrives(&self) {
        let changed = |mut draft: Draft, changes: &[Change]| {
            changes.iter().take(8).for_each(|change| draft.change(*change));
            draft
        };
        let mut came = Vec::new();
        let mut nonsense = false;
        let add = |came: &mut Vec<(Option<Draft>, Vec<u8>)>, draft: Draft| {
            let der = draft.issue(came.len() as u8);
            came.push((Some(draft), der));
        };
        add(&mut came, changed(Draft::authentication(), &self.authentication));
        add(&mut came, changed(Draft::signature(), &self.signature));
        for other in self.others.iter().take(18) {
            match other {
                Other::Authentication(changes) => add(&mut came, changed(Draft::authentication(), changes)),
                Other::Signature(changes) => add(&mut came, changed(Draft::signature(), changes)),
                Other::Again(_) | Other::Lost(_) if came.is_empty() => {}
                Other::Again(at) => came.push(came[usize::from(*at) % came.len()].clone()),
                Other::Lost(at) => drop(came.remove(usize::from(*at) % came.len())),
                Other::Issuer(at) => came.push((None, BETWEEN[usize::from(*at) % BETWEEN.len()].clone())),
                Other::Nonsense(bytes) => {
                    nonsense = true;
                    came.push((None, bytes.clone()));
                }
            }
        }
        if !came.is_empty() {
            let turned = usize::from(self.turned) % came.len();
            came.rotate_left(turned);
        }
        self.judged(&came, nonsense);
        for (draft, der) in &came {
            if let (Some(_), Ok(certificate)) = (draft, Certificate::from_der(der)) {
                assert!(HOUSE.ca.login(&certificate, now()).is_err(), "a login with what is not in the CA's memory");
            }
        }
    }

    fn judged(&self, came: &[(Option<Draft>, Vec<u8>)], nonsense: bool) {
        let ders: Vec<_> = came.iter().map(|(_, der)| der.clone()).collect();
        let outcome = check(&ders);
        let good = |key: Whose, rule: fn(&Draft) -> bool| {
            let mut ours: Vec<_> = came
                .iter()
                .filter_map(|(draft, der)| Some((draft.as_ref().filter(|one| one.key == key)?, der)))
                .collect();
            ours.sort_by_key(|(_, der)| *der);
            ours.dedup_by_key(|(_, der)| *der);
            match ours[..] {
                [(draft, der)] if is_sound(draft) && rule(draft) => Some(der.clone()),
                _ => None,
            }
        };
        let good = ByRole {
            authentication: good(Whose::NewAuthentication, logs_in),
            signature: good(Whose::NewSignature, signs),
        };
        let bent = came.iter().filter_map(|(draft, _)| draft.as_ref()).any(|draft| draft.bent.is_some());
        // What is bent may not be a certificate any more, or one for another key: then the rest may be right or wrong.
        match (outcome, good.pair()) {
            (Some(pair), Some(good)) => {
                assert!(pair.len() == 2 && pair.iter().all(|(role, one)| one.der() == *good.get(role)));
                assert!(came.len() <= MAX_CERTIFICATES);
            }
            (Some(_), None) if bent => {}
            (Some(pair), None) => panic!("accepted: {pair:?} of {came:?}"),
            (None, Some(_)) => {
                assert!(bent || nonsense || came.len() > MAX_CERTIFICATES, "refused, which is right: {came:?}");
            }
            (None, None) => {}
        }
    }
}

fn is_sound(draft: &Draft) -> bool {
    draft.subject == Subject::Holder
        && draft.names == Names::Holder
        && (draft.from..=draft.until).contains(&0)
        && draft.constraints != Some(true)
        && draft.unknown != Some(true)
        && draft.issuer.is_good()
        && draft.bent.is_none()
        && !spoiled(draft)
}

/// Twice is wrong everywhere; nonsense where it is looked at.
fn spoiled(draft: &Draft) -> bool {
    let harmless = draft.doubled.is_none() && hollow(draft).is_none_or(|kind| kind == "1.2.3.4.5");
    draft.is_spoiled() && !harmless
}

/// The kind of the extension whose content is nonsense.
fn hollow(draft: &Draft) -> Option<&'static str> {
    let kinds = [
        ("2.5.29.19", draft.constraints.is_some()),
        ("2.5.29.15", draft.usage.is_some()),
        ("2.5.29.37", !draft.extended.is_empty()),
        ("1.3.6.1.5.5.7.1.3", !draft.statements.is_empty()),
        ("2.5.29.17", draft.names != Names::None),
        ("1.2.3.4.5", draft.unknown.is_some()),
    ];
    let there: Vec<_> = kinds.into_iter().filter(|(_, there)| *there).map(|(kind, _)| kind).collect();
    draft.hollow.filter(|_| !there.is_empty()).map(|at| there[usize::from(at) % there.len()])
}

fn logs_in(draft: &Draft) -> bool {
    let usage = draft.usage.unwrap_or_default();
    usage & DIGITAL_SIGNATURE != 0
        && usage & (NON_REPUDIATION | CERT_SIGN) == 0
        && draft.extended.contains(&CLIENT_AUTH)
}

fn signs(draft: &Draft) -> bool {
    let usage = draft.usage.unwrap_or_default();
    usage & NON_REPUDIATION != 0
        && usage & CERT_SIGN == 0
        && draft.statements.contains(&QC_COMPLIANCE)
        && draft.statements.contains(&QC_SSCD)
}

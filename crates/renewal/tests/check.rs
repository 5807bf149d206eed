//! What comes back is measured; every lie is refused by its own name.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use const_oid::db::rfc5280;
use der::{Decode, Encode};
use obnova_algorithm::{KeyAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_ca::CaKey;
use obnova_card::KeyRole::{self, Authentication, Signature};
use obnova_renewal::{
    ByRole, CertificateRules, ChainProblem, Expected, MAX_CERTIFICATES, Oid, Pair, ParsedCertificate, QC_SSCD, Refusal,
    Terms, check_certificates,
};
use support::{Draft, House, days, name, now, printable};
use x509_cert::{
    ext::pkix::{BasicConstraints, KeyUsages},
    name::Name,
};

/// A renewal that waits for its certificates.
struct Waiting {
    house: House,
    keys: Pair<SubjectPublicKeyInfoOwned>,
    old: Pair<ParsedCertificate>,
}

impl Waiting {
    fn new() -> Self {
        let house = House::new("CN=Root");
        let key = || CaKey::generate(KeyAlgorithm::P256).unwrap().public_key().clone();
        let old = Pair::from_fn(|role| {
            let mut draft = Draft::new(role, key());
            draft.until = now() + days(20);
            house.issue(&draft)
        });
        Self { house, keys: Pair::from_fn(|_| key()), old }
    }

    fn draft(&self, role: KeyRole) -> Draft {
        Draft::new(role, self.keys.get(role).clone())
    }

    fn good(&self) -> Vec<Vec<u8>> {
        Pair::ROLES.map(|role| self.house.issue(&self.draft(role)).der().to_vec()).to_vec()
    }

    /// The pair with one of the two changed.
    fn with(&self, role: KeyRole, change: impl Fn(&mut Draft)) -> Vec<Vec<u8>> {
        let issue = |one| {
            let mut draft = self.draft(one);
            if one == role {
                change(&mut draft);
            }
            self.house.issue(&draft).der().to_vec()
        };
        Pair::ROLES.map(issue).to_vec()
    }

    fn check(&self, came: &[Vec<u8>]) -> Result<ByRole<ParsedCertificate>, Refusal> {
        self.check_under(came, &self.house.terms())
    }

    fn check_under(&self, came: &[Vec<u8>], terms: &Terms) -> Result<ByRole<ParsedCertificate>, Refusal> {
        let (authentication, signature) = (CertificateRules::authentication(), CertificateRules::qualified_signature());
        let expected = Expected {
            keys: Pair { authentication: &self.keys.authentication, signature: &self.keys.signature }.into(),
            old: Pair { authentication: &self.old.authentication, signature: &self.old.signature }.into(),
            rules: Pair { authentication: &authentication, signature: &signature }.into(),
            terms,
        };
        check_certificates(came, &expected, now())
    }
}

#[test]
fn a_good_pair_is_taken_in_any_order_and_among_others() {
    let waiting = Waiting::new();
    let mut came = waiting.good();
    assert!(waiting.check(&came).is_ok());
    came.reverse();
    came.insert(1, waiting.house.root.der().to_vec());
    came.push(came[0].clone());
    let pair = waiting.check(&came).unwrap();
    assert_eq!(pair.authentication.as_ref().unwrap().public_key(), &waiting.keys.authentication);
    assert_eq!(pair.signature.as_ref().unwrap().public_key(), &waiting.keys.signature);
}

/// The same name, as another program of the issuer's writes it; a name that differs in a letter is another one's.
#[test]
fn a_name_in_another_string_type_is_the_same_name() {
    let mut waiting = Waiting::new();
    waiting.old = Pair::from_fn(|role| {
        let key = waiting.old.get(role).public_key().clone();
        waiting.house.issue(&Draft { subject: name("CN=Petr Novak"), ..Draft::new(role, key) })
    });
    let check = |subjects: [Name; 2]| {
        let issue = |(role, subject)| {
            let email = Some("jana@EXAMPLE.cz".into());
            waiting.house.issue(&Draft { subject, email, ..waiting.draft(role) }).der().to_vec()
        };
        let came: Vec<_> = Pair::ROLES.into_iter().zip(subjects).map(issue).collect();
        waiting.check(&came).map(drop)
    };
    assert_eq!(check([printable("Petr Novak"), name("CN=Petr Novak")]), Ok(()));
    assert_eq!(check([printable("Petr Novak"), printable("Petr Novak")]), Ok(()));
    for other in ["Petr Nowak", "Petra Novak", "Petr Novakk", ""] {
        let refused = Err(Refusal::AnotherSubject { role: Signature });
        assert_eq!(check([printable("Petr Novak"), printable(other)]), refused, "{other}");
    }
}

#[test]
fn addresses_are_told_as_they_may_be_shown() {
    let waiting = Waiting::new();
    let told = |email: Option<&str>| {
        let came = waiting.with(Authentication, |draft| draft.email = email.map(Into::into));
        ParsedCertificate::from_der(&came[0]).unwrap().email_addresses()
    };
    assert_eq!(told(None), [""; 0]);
    assert_eq!(told(Some("jana@example.cz")), ["jana@example.cz"]);
    assert!(!told(Some("jana\u{1b}[2J@example.cz"))[0].contains('\u{1b}'));
}

#[test]
fn every_lie_has_its_name() {
    let waiting = Waiting::new();
    let other_key = || CaKey::generate(KeyAlgorithm::P256).unwrap().public_key().clone();
    let (good, both) = (waiting.good(), |change: &dyn Fn(&mut Draft)| {
        let issue = |role| {
            let mut draft = waiting.draft(role);
            change(&mut draft);
            waiting.house.issue(&draft).der().to_vec()
        };
        Pair::ROLES.map(issue).to_vec()
    });
    let cross = |role: KeyRole| {
        let other = if role == Signature { Authentication } else { Signature };
        let draft = Draft { key: waiting.keys.get(role).clone(), ..waiting.draft(other) };
        waiting.house.issue(&draft).der().to_vec()
    };
    let ca = BasicConstraints { ca: true, path_len_constraint: None };
    let missing = Oid(rfc5280::ID_KP_CLIENT_AUTH);
    let table = [
        ("nothing", Vec::new(), Refusal::AnotherKey),
        ("the issuer only", vec![waiting.house.root.der().to_vec()], Refusal::AnotherKey),
        ("keys of another card", both(&|draft| draft.key = other_key()), Refusal::AnotherKey),
        ("only the first", good[..1].to_vec(), Refusal::OnlyOneOfTwo { missing: Signature }),
        ("only the second", good[1..].to_vec(), Refusal::OnlyOneOfTwo { missing: Authentication }),
        (
            "one for another key",
            waiting.with(Signature, |draft| draft.key = other_key()),
            Refusal::OnlyOneOfTwo { missing: Signature },
        ),
        ("swapped", vec![cross(Authentication), cross(Signature)], Refusal::Swapped),
        (
            "two for one key",
            [good.clone(), waiting.with(Signature, |draft| draft.until = now() + days(100))[1..].to_vec()].concat(),
            Refusal::Twice { role: Signature },
        ),
        (
            "another subject",
            waiting.with(Signature, |draft| draft.subject = name("CN=Jan Novák,C=CZ")),
            Refusal::AnotherSubject { role: Signature },
        ),
        (
            "another address",
            waiting.with(Authentication, |draft| draft.email = Some("jan@example.cz".into())),
            Refusal::OtherAltNames { role: Authentication },
        ),
        (
            "no address",
            waiting.with(Authentication, |draft| draft.email = None),
            Refusal::OtherAltNames { role: Authentication },
        ),
        (
            "over",
            waiting.with(Authentication, |draft| draft.until = now() - days(1)),
            Refusal::Expired { role: Authentication },
        ),
        (
            "not begun",
            waiting.with(Signature, |draft| draft.from = now() + days(1)),
            Refusal::NotYetValid { role: Signature },
        ),
        (
            "an issuer's",
            waiting.with(Signature, |draft| draft.constraints = Some(ca.clone())),
            Refusal::IsCa { role: Signature },
        ),
        (
            "may sign certificates",
            waiting.with(Signature, |draft| draft.usage = Some(KeyUsages::NonRepudiation | KeyUsages::KeyCertSign)),
            Refusal::KeyUsage { role: Signature },
        ),
        (
            "a login that binds",
            waiting.with(Authentication, |draft| {
                draft.usage = Some(KeyUsages::DigitalSignature | KeyUsages::NonRepudiation);
            }),
            Refusal::KeyUsage { role: Authentication },
        ),
        (
            "for anything",
            waiting.with(Authentication, |draft| draft.usage = None),
            Refusal::KeyUsage { role: Authentication },
        ),
        (
            "not for logins",
            waiting.with(Authentication, |draft| draft.extended.clear()),
            Refusal::ExtendedKeyUsage { role: Authentication, missing },
        ),
        (
            "key outside of a device",
            waiting.with(Signature, |draft| draft.statements.truncate(1)),
            Refusal::QcStatement { role: Signature, missing: Oid(QC_SSCD) },
        ),
        ("no certificate", vec![good[0].clone(), b"<html>".to_vec()], Refusal::Malformed),
        ("something behind it", vec![good[0].clone(), [good[1].clone(), vec![0]].concat()], Refusal::Malformed),
        (
            "endless",
            vec![good[0].clone(); MAX_CERTIFICATES + 1],
            Refusal::TooMany { count: MAX_CERTIFICATES + 1, limit: MAX_CERTIFICATES },
        ),
    ];
    let mut ids = Vec::new();
    for (lie, came, refusal) in table {
        assert_eq!(waiting.check(&came).unwrap_err(), refusal, "{lie}");
        let text = serde_json::to_string(&refusal).unwrap();
        assert_eq!(serde_json::from_str::<Refusal>(&text).unwrap(), refusal);
        ids.push(refusal.id());
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 14, "{ids:?}");
}

/// What holds for both is seen of each, also where the other one of the pair is as it should be.
#[test]
fn each_of_a_pair_is_checked_by_itself() {
    type Lie = (&'static str, fn(&mut Draft), fn(KeyRole) -> Refusal);
    let lies: [Lie; 8] = [
        ("another subject", |draft| draft.subject = name("CN=Jan Novák,C=CZ"), |role| Refusal::AnotherSubject { role }),
        (
            "another address",
            |draft| draft.email = Some("jan@example.cz".into()),
            |role| Refusal::OtherAltNames { role },
        ),
        ("no address", |draft| draft.email = None, |role| Refusal::OtherAltNames { role }),
        ("over", |draft| draft.until = now() - days(1), |role| Refusal::Expired { role }),
        ("not begun", |draft| draft.from = now() + days(1), |role| Refusal::NotYetValid { role }),
        (
            "an issuer's",
            |draft| draft.constraints = Some(BasicConstraints { ca: true, path_len_constraint: None }),
            |role| Refusal::IsCa { role },
        ),
        ("for anything", |draft| draft.usage = None, |role| Refusal::KeyUsage { role }),
        (
            "may sign certificates",
            |draft| draft.usage.iter_mut().for_each(|usage| *usage |= KeyUsages::KeyCertSign),
            |role| Refusal::KeyUsage { role },
        ),
    ];
    let waiting = Waiting::new();
    for (lie, change, refusal) in lies {
        for role in Pair::ROLES {
            assert_eq!(waiting.check(&waiting.with(role, change)).unwrap_err(), refusal(role), "{lie}, {role:?}");
        }
    }
}

#[test]
fn the_way_up_ends_at_an_anchor_or_nowhere() {
    let waiting = Waiting::new();
    let pair_of = |house: &House| Pair::ROLES.map(|role| house.issue(&waiting.draft(role)).der().to_vec()).to_vec();
    let under = |house: &House, anchors: &[&House], between: &[&House]| {
        let terms = Terms {
            anchors: anchors.iter().map(|one| one.root.clone()).collect(),
            intermediates: between.iter().map(|one| one.root.clone()).collect(),
            ..house.terms()
        };
        waiting.check_under(&pair_of(house), &terms).map(drop)
    };
    let chain = |problem| Err(Refusal::Chain { role: Authentication, problem });
    let root = &waiting.house;
    let issuing = root.below("CN=Issuing", |_| {});
    assert_eq!(under(&issuing, &[root], &[&issuing]), Ok(()));
    assert_eq!(under(&issuing, &[root], &[]), chain(ChainProblem::UnknownIssuer));
    assert_eq!(under(&issuing, &[&House::new("CN=Other")], &[&issuing]), chain(ChainProblem::UnknownIssuer));
    let impostor = House::new("CN=Root");
    assert_eq!(under(&impostor, &[root], &[]), chain(ChainProblem::Signature), "the name alone is nothing");
    assert_eq!(
        under(&impostor, &[root], &[&impostor]),
        chain(ChainProblem::Signature),
        "nor is bringing oneself along"
    );
    let over = root.below("CN=Over", |draft| draft.until = now() - days(1));
    assert_eq!(under(&over, &[root], &[&over]), chain(ChainProblem::IssuerValidity));
    let holder = root.below("CN=No CA", |draft| draft.constraints = None);
    assert_eq!(under(&holder, &[root], &[&holder]), chain(ChainProblem::NotAnIssuer));
    let usage = root.below("CN=No usage", |draft| draft.usage = Some(KeyUsages::DigitalSignature.into()));
    assert_eq!(under(&usage, &[root], &[&usage]), chain(ChainProblem::NotAnIssuer));
    let critical = root.below("CN=Critical", |draft| draft.critical = Some(rfc5280::ID_CE_NAME_CONSTRAINTS));
    assert_eq!(under(&critical, &[root], &[&critical]), chain(ChainProblem::CriticalExtension));
    let short = root.below("CN=Short", |draft| {
        draft.constraints = Some(BasicConstraints { ca: true, path_len_constraint: Some(0) });
    });
    let too_low = short.below("CN=Too low", |_| {});
    assert_eq!(under(&short, &[root], &[&short]), Ok(()));
    assert_eq!(under(&too_low, &[root], &[&short, &too_low]), chain(ChainProblem::TooLong));
}

#[test]
fn a_chain_as_long_as_a_hostile_issuer_likes_comes_to_an_end() {
    let waiting = Waiting::new();
    let mut houses = vec![waiting.house.below("CN=0", |_| {})];
    for depth in 1..10 {
        let next = houses[depth - 1].below(&format!("CN={depth}"), |_| {});
        houses.push(next);
    }
    let terms = Terms { intermediates: houses.iter().map(|one| one.root.clone()).collect(), ..waiting.house.terms() };
    let came = Pair::ROLES.map(|role| houses[9].issue(&waiting.draft(role)).der().to_vec());
    let refusal = waiting.check_under(&came, &terms).unwrap_err();
    assert_eq!(refusal, Refusal::Chain { role: Authentication, problem: ChainProblem::TooLong });

    let circle: Vec<_> = (0..12).map(|_| House::new("CN=Same").root).collect();
    let terms = Terms { intermediates: circle, ..waiting.house.terms() };
    let impostor = House::new("CN=Same");
    let came = Pair::ROLES.map(|role| impostor.issue(&waiting.draft(role)).der().to_vec());
    assert!(matches!(waiting.check_under(&came, &terms), Err(Refusal::Chain { .. })));
}

#[test]
fn torn_and_altered_certificates_are_refused() {
    let waiting = Waiting::new();
    let good = waiting.good();
    for cut in 0..good[0].len() {
        let came = [good[0][..cut].to_vec(), good[1].clone()];
        assert_eq!(waiting.check(&came).unwrap_err(), Refusal::Malformed, "cut at {cut}");
    }
    for at in 0..good[0].len() {
        let mut came = good.clone();
        came[0][at] ^= 1;
        assert!(waiting.check(&came).is_err(), "byte {at} was altered and nobody saw it");
    }
    let long = vec![vec![0x30; ParsedCertificate::MAX_SIZE + 1]];
    assert_eq!(waiting.check(&long).unwrap_err(), Refusal::Malformed);
    let mut deep = Vec::new();
    (0..4000).for_each(|_| deep.extend([0x30, 0x82, 0x0F, 0xFF]));
    assert_eq!(waiting.check(&[deep]).unwrap_err(), Refusal::Malformed);
}

#[test]
fn exact_bytes_count_and_not_what_they_mean() {
    let waiting = Waiting::new();
    let der = &waiting.good()[0];
    let parsed = ParsedCertificate::from_der(der).unwrap();
    assert_eq!(parsed.der(), der);
    let again = x509_cert::Certificate::from_der(der).unwrap();
    assert_eq!(ParsedCertificate::try_from(&again).unwrap(), parsed);
    assert_eq!(again.to_der().unwrap(), *der);
}

/// What stands there twice, or cannot be read, must not pass for what is not there: two constraints that both say "issuer"
/// are not none.
#[test]
fn an_extension_that_stands_there_twice_or_says_nothing_spoils_a_certificate() {
    let waiting = Waiting::new();
    let constraints = |draft: &mut Draft, ca| {
        draft.constraints = Some(BasicConstraints { ca, path_len_constraint: None });
    };
    for role in Pair::ROLES {
        for ca in [true, false] {
            let twice = waiting.with(role, |draft| {
                constraints(draft, ca);
                draft.twice = Some(rfc5280::ID_CE_BASIC_CONSTRAINTS);
            });
            assert_eq!(waiting.check(&twice), Err(Refusal::Malformed), "{role}");
        }
        let hollow = waiting.with(role, |draft| {
            constraints(draft, true);
            draft.hollow = Some(rfc5280::ID_CE_BASIC_CONSTRAINTS);
        });
        assert_eq!(waiting.check(&hollow), Err(Refusal::Malformed), "{role}");
        let names = waiting.with(role, |draft| draft.twice = Some(rfc5280::ID_CE_SUBJECT_ALT_NAME));
        assert_eq!(waiting.check(&names), Err(Refusal::Malformed), "{role}");
        let plain = waiting.with(role, |draft| constraints(draft, false));
        assert!(waiting.check(&plain).is_ok());
    }
    let purpose = waiting.with(Signature, |draft| {
        draft.extended = vec![rfc5280::ID_KP_CLIENT_AUTH];
        draft.hollow = Some(rfc5280::ID_CE_EXT_KEY_USAGE);
    });
    assert_eq!(waiting.check(&purpose), Err(Refusal::Malformed));
}

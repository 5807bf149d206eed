//! What a CA that lies sends for a first order, and what it is called: nothing of it comes onto the card.

use std::time::SystemTime;

use obnova_algorithm::KeyAlgorithm;
use obnova_ca::CaKey;
use obnova_card::KeyRole::{Authentication, Signature};
use obnova_client::{CaError, RunError, Turn};
use obnova_renewal::{ChainProblem, Failure, Policy, Refusal};
use x509_cert::{
    der::flagset::FlagSet,
    ext::pkix::{BasicConstraints, KeyUsages},
    name::Name,
};

use super::{
    Place,
    common::support::{days, name},
    desk::Lie,
};

#[test]
fn what_a_lying_ca_issues_is_refused_by_its_name() {
    let cases: [(&str, Lie, Refusal); 11] = [
        (
            "a key that is not on the card",
            Lie::Draft(|_, draft| draft.key = CaKey::generate(KeyAlgorithm::P256).unwrap().public_key().clone()),
            Refusal::AnotherKey,
        ),
        ("one of two", Lie::Missing(Signature), Refusal::OnlyOneOfTwo { missing: Signature }),
        (
            "nobody's name",
            Lie::Draft(|_, draft| draft.subject = Name::default()),
            Refusal::NoSubject { role: Authentication },
        ),
        (
            "two people",
            Lie::Draft(|role, draft| {
                if role == Signature {
                    draft.subject = name("CN=Somebody else");
                }
            }),
            Refusal::TwoSubjects,
        ),
        (
            "a CA",
            Lie::Draft(|role, draft| {
                let ca = role == Authentication;
                draft.constraints = Some(BasicConstraints { ca, path_len_constraint: None });
            }),
            Refusal::IsCa { role: Authentication },
        ),
        (
            "one that is over",
            Lie::Draft(|_, draft| draft.until = SystemTime::now() - days(1) / 2),
            Refusal::Expired { role: Authentication },
        ),
        (
            "one that begins in a year",
            Lie::Draft(|_, draft| (draft.from, draft.until) = (draft.until, draft.until + days(300))),
            Refusal::NotYetValid { role: Authentication },
        ),
        (
            "a login that binds its holder",
            Lie::Draft(|role, draft| {
                if role == Authentication {
                    draft.usage = Some(FlagSet::from(KeyUsages::DigitalSignature) | KeyUsages::NonRepudiation);
                }
            }),
            Refusal::KeyUsage { role: Authentication },
        ),
        (
            "no login",
            Lie::Draft(|_, draft| draft.extended.clear()),
            Refusal::ExtendedKeyUsage {
                role: Authentication,
                missing: obnova_renewal::Oid(const_oid::db::rfc5280::ID_KP_CLIENT_AUTH),
            },
        ),
        (
            "a signature that is not qualified",
            Lie::Draft(|_, draft| draft.statements.clear()),
            Refusal::QcStatement { role: Signature, missing: obnova_renewal::Oid(obnova_renewal::QC_COMPLIANCE) },
        ),
        (
            "a stranger's signature",
            Lie::Stranger,
            Refusal::Chain { role: Authentication, problem: ChainProblem::UnknownIssuer },
        ),
    ];
    for (told, lie, refusal) in cases {
        let mut place = Place::new(Policy::twins());
        // Without a revocation password: what it is encrypted to is another story.
        place.policy.revocation_password = None;
        place.desk.lie.set(Some(lie));
        let turn = place.run().unwrap_or_else(|error| panic!("{told}: {error}"));
        assert_eq!(turn, Turn::Failed(Failure::Rejected(refusal)), "{told}");
        assert!(place.card().slots.iter().all(|slot| slot.certificates.is_empty()), "{told}");
        assert_eq!((place.desk.confirmed(), place.face.questions.len()), (0, 1), "{told}: nobody was asked about it");
    }
}

#[test]
fn a_revocation_password_is_encrypted_to_nobody_else() {
    let cases: [(&str, Lie); 4] = [
        ("a stranger", Lie::Stranger),
        (
            "who signs",
            Lie::Encryption(|draft| draft.usage = Some(KeyUsages::KeyAgreement | KeyUsages::DigitalSignature)),
        ),
        ("who logs in", Lie::Encryption(|draft| draft.extended = vec![const_oid::db::rfc5280::ID_KP_CLIENT_AUTH])),
        ("who is over", Lie::Encryption(|draft| draft.until = SystemTime::now() - days(1))),
    ];
    for (told, lie) in cases {
        let mut place = Place::new(Policy::partner());
        place.desk.lie.set(Some(lie));
        let error = place.run().unwrap_err();
        assert!(matches!(error, RunError::Ca(CaError::Order(_))), "{told}: {error}");
        assert_eq!(place.desk.orders(), 0, "{told}: nothing was sent");
    }
}

//! What a journal names is told to people by the same name, and nothing is told by the name of another.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{collections::BTreeSet, fmt::Debug};

use obnova_card::KeyRole::{self, Authentication, Signature};
use obnova_card::SlotId;
use obnova_renewal::{
    ByRole, ChainProblem, Failure, Guard, LinkRefusal, Oid, Phase, PinUse, QC_SSCD, Refusal, RevocationReason,
    RevocationRefusal, RevocationRules, Risk, Service, Stage, Standing, WeakPassword,
};
use serde::Serialize;

/// The name that serde gives a variant, with fields or without.
fn tag(value: &impl Serialize) -> String {
    match serde_json::to_value(value).unwrap() {
        serde_json::Value::String(name) => name,
        serde_json::Value::Object(fields) if fields.len() == 1 => fields.into_iter().next().unwrap().0,
        other => panic!("{other} has no name"),
    }
}

fn same_in_the_journal<T: Serialize + Debug>(prefix: &str, all: &[T], id: impl Fn(&T) -> &'static str) {
    let names: BTreeSet<_> = all.iter().map(&id).collect();
    assert_eq!(names.len(), all.len(), "{names:?}");
    for one in all {
        assert_eq!(id(one), format!("{prefix}-{}", tag(one)), "{one:?}");
    }
}

/// Ids and texts, none of them twice.
fn are_apart(told: impl Iterator<Item = (&'static str, String)>) {
    let (mut ids, mut texts) = (BTreeSet::new(), BTreeSet::new());
    for (id, text) in told {
        assert!(ids.insert(id), "{id} twice");
        assert!(!text.is_empty() && texts.insert(text.clone()), "{id}: {text}");
    }
}

fn refusals() -> Vec<Refusal> {
    let (role, missing) = (Signature, Oid(QC_SSCD));
    vec![
        Refusal::Malformed,
        Refusal::TooMany { count: 17, limit: 16 },
        Refusal::AnotherKey,
        Refusal::OnlyOneOfTwo { missing: role },
        Refusal::Twice { role },
        Refusal::Swapped,
        Refusal::NotNew { role },
        Refusal::KeyFull { role, most: 8 },
        Refusal::CardFull,
        Refusal::NoSubject { role },
        Refusal::TwoSubjects,
        Refusal::AnotherSubject { role },
        Refusal::OtherAltNames { role },
        Refusal::Chain { role, problem: ChainProblem::Signature },
        Refusal::Expired { role },
        Refusal::NotYetValid { role },
        Refusal::IsCa { role },
        Refusal::KeyUsage { role },
        Refusal::ExtendedKeyUsage { role, missing },
        Refusal::QcStatement { role, missing },
    ]
}

#[test]
fn why_an_order_ended_is_told_by_the_name_in_the_journal() {
    let slot = SlotId(3);
    let failures = [
        Failure::Declined,
        Failure::CertificatesDeclined,
        Failure::Link(LinkRefusal::Over),
        Failure::OldKeysNeeded,
        Failure::Unfit(ByRole::default()),
        Failure::PairExpired,
        Failure::SlotTaken { slot },
        Failure::KeyLost { slot },
        Failure::KeyGone { role: Signature },
        Failure::Refused { reason: "badRequest".into(), text: "no".into() },
        Failure::Rejected(Refusal::Swapped),
        Failure::Inconsistent,
        Failure::ReadBack,
    ];
    same_in_the_journal("failure", &failures, Failure::id);
    same_in_the_journal("refusal", &refusals(), Refusal::id);
    let links =
        [LinkRefusal::Unknown, LinkRefusal::Over, LinkRefusal::OnHold, LinkRefusal::Revoked, LinkRefusal::OtherCard];
    same_in_the_journal("link", &links, |one| one.id());
    same_in_the_journal("risk", &[Risk::InPlaceOnly], |one| one.id());
    same_in_the_journal("phase", &Phase::ALL, |one| one.id());
}

#[test]
fn what_is_told_of_a_certificate_has_its_name_and_says_whose_and_where() {
    let (since, place, reason) =
        (std::time::SystemTime::UNIX_EPOCH, || "http://status.example".to_owned(), "keyCompromise".to_owned());
    let standings = [
        Standing::Good { by: "OCSP".into(), place: place() },
        Standing::Revoked { since, reason, place: place() },
        Standing::OnHold { since, place: place() },
        Standing::NeverIssued { place: place() },
        Standing::Unknown { problems: format!("{}: silent", place()) },
    ];
    same_in_the_journal("standing", &standings, Standing::id);
    for role in [Authentication, Signature] {
        for one in &standings {
            let text = one.text(role);
            assert!(text.contains(&format!("the {role} certificate")) && text.contains(&place()), "{text}");
        }
    }
}

#[test]
fn what_a_pin_is_for_is_told_apart_by_the_key_and_by_the_deed() {
    let of_key: [fn(KeyRole) -> PinUse; 4] = [PinUse::MakeKey, PinUse::SignRequest, PinUse::Vouch, PinUse::SignOrder];
    let of_key = of_key.into_iter().flat_map(|make| [make(Authentication), make(Signature)]);
    let finish = [PinUse::Install, PinUse::Login, PinUse::TestSignature];
    let others =
        [PinUse::SeeLeftOvers, PinUse::Remove, PinUse::Repair, PinUse::Revoke, PinUse::Receipt, PinUse::SetPassword];
    let all: Vec<_> = of_key.chain(finish).chain(others).collect();
    are_apart(all.iter().map(|one| (one.id(), one.to_string())));
    assert!(all.iter().all(|one| one.id().starts_with("use-")));
    let in_phase = |phase| all.iter().filter(|one| one.phase() == phase).count();
    assert_eq!((Phase::ALL.map(|phase| in_phase(Some(phase))), in_phase(None)), ([2, 6, 3], others.len()));
}

#[test]
fn each_stage_has_a_name_of_its_own() {
    let roles = [Authentication, Signature];
    let of_role = roles.into_iter().flat_map(|role| [Stage::Generate(role), Stage::Request(role)]);
    let others = [
        Stage::AskRisk,
        Stage::AskPlan,
        Stage::UseLink,
        Stage::Terms,
        Stage::Prepare,
        Stage::Vouch,
        Stage::Seal,
        Stage::Send,
        Stage::PickUp,
        Stage::AskCertificates,
        Stage::Install,
        Stage::Acknowledge,
        Stage::ProveLogin,
        Stage::ProveSignature,
        Stage::Done,
        Stage::Failed,
    ];
    let all: Vec<_> = of_role.chain(others).collect();
    are_apart(all.iter().map(|stage| (stage.id(), stage.to_string())));
    assert!(all.iter().all(|stage| stage.id() == format!("stage-{stage}")));
    assert_eq!(all.iter().filter(|stage| stage.is_end()).count(), 2);
}

#[test]
fn what_guards_a_key_or_is_wrong_with_a_password_is_told_apart() {
    let guards =
        [Guard::StillValid { until: std::time::SystemTime::UNIX_EPOCH }, Guard::MayDecrypt, Guard::MayBeCompleted];
    are_apart(guards.iter().map(|guard| (guard.id(), guard.to_string())));
    assert_eq!(guards.map(Guard::is_of_key), [false, true, true]);
    let weak = [
        WeakPassword::NotText,
        WeakPassword::TooLong { maximum: 255 },
        WeakPassword::TooShort { minimum: 8 },
        WeakPassword::TooPlain { distinct: 5 },
    ];
    are_apart(weak.iter().map(|one| (one.id(), one.to_string())));
}

/// As a service's file names them, so that who reads why his reason was refused finds it there.
#[test]
fn a_reason_to_revoke_is_told_as_the_file_of_a_service_names_it() {
    for reason in RevocationReason::ALL {
        // A key that somebody else has is always told.
        let taken: BTreeSet<_> = [RevocationReason::KeyCompromise, reason].map(|one| format!("\"{one}\"")).into();
        let taken = taken.into_iter().collect::<Vec<_>>().join(", ");
        let file = Service::PARTNER.replace("[revocation]", &format!("[revocation]\nholder_reasons = [{taken}]"));
        let rules = file.parse::<Service>().unwrap().revocation.unwrap();
        for other in RevocationReason::ALL {
            if other == reason || other.ends_key() {
                assert_eq!(rules.check(other, true), Ok(()));
                continue;
            }
            let refused = rules.check(other, true).unwrap_err();
            assert_eq!(refused, RevocationRefusal::Reason { given: other, taken: rules.holder_reasons.clone() });
            assert!(refused.to_string().contains(&format!("the reason {other}:")), "{refused}");
        }
        assert_eq!(reason.ends_key(), reason == RevocationReason::KeyCompromise);
    }
    let refused = RevocationRules::default().check(RevocationReason::Superseded, false).unwrap_err();
    assert_eq!(refused.rule(), "password-alone");
}

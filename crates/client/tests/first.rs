//! First certificates: a holder with an empty card, a user id and a one-time password.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
#[path = "first/desk.rs"]
mod desk;
#[path = "first/lies.rs"]
mod lies;
#[allow(dead_code, reason = "a part of it is used here")]
#[path = "../../../examples/renewal-app/tests/support/planted.rs"]
mod planted;

use std::time::{Duration, SystemTime};

use common::{Door, Face, Seat, everything_below, names};
use desk::{Desk, ONE_TIME_PASSWORD, REVOCATION_PASSWORD, USER};
use obnova_card::{KeyRole, PasswordKind, PasswordState, Pin, ProfileToken, Secret, SlotId, TokenError, Tries};
use obnova_client::{
    Credential, CredentialProblem, EstConnection, FileJournal, Foreseen, Journal as _, RunError, Runner, SharedToken,
    Turn, Wanted, look, share,
};
use obnova_renewal::{CardView, Failure, OneTimePasswords, Phase, Plan, Policy, Stage, WeakPassword};
use obnova_simulator::SimulatorConnection;
use planted::Search;

use common::support::{Holder, pin_for};

/// Where a holder sits: an empty card, a CA that knows him, and a folder for journals.
struct Place {
    token: SharedToken,
    desk: Desk,
    face: Face,
    folder: tempfile::TempDir,
    policy: Policy,
}

impl Place {
    fn new(policy: Policy) -> Self {
        Self {
            token: share(ProfileToken::new(SimulatorConnection::new(Holder::empty_card()))),
            desk: Desk::new(),
            face: Face { credentials: typed(), ..Face::default() },
            folder: tempfile::tempdir().unwrap(),
            policy,
        }
    }

    fn card(&self) -> CardView {
        look(self.token.lock().unwrap().as_mut()).unwrap()
    }

    fn plan(&self) -> Plan {
        Plan::first(&self.card(), &self.policy, SystemTime::now()).unwrap()
    }

    fn with_runner<T>(&mut self, act: impl FnOnce(&mut Runner<'_>) -> T) -> Result<T, RunError> {
        let plan = (FileJournal::list(self.folder.path()).unwrap().is_empty()).then(|| self.plan());
        let anchors = self.desk.anchors();
        let mut ca = EstConnection::new(&self.desk, anchors).unwrap();
        let clock = || SystemTime::now() + Duration::from_secs(5);
        let seat = Seat { token: self.token.clone(), journals: self.folder.path().to_owned(), clock: &clock };
        seat.with_runner(&mut ca, &mut self.face, &mut Door, plan, act)
    }

    fn run(&mut self) -> Result<Turn, RunError> {
        self.with_runner(|runner| runner.run())?
    }

    fn assert_certified(&self, roles: &[KeyRole]) {
        let card = self.card();
        let with_key: Vec<_> = card.slots.iter().filter(|slot| slot.key.is_some()).collect();
        assert_eq!(with_key.iter().map(|slot| slot.key.as_ref().unwrap().role).collect::<Vec<_>>(), roles);
        for slot in with_key {
            assert_eq!(slot.certificates.len(), 1, "slot {}", slot.id);
            assert!(slot.certificates[0].fits_key && !slot.certificates[0].superseded);
        }
    }
}

fn typed() -> Vec<(Credential, &'static str)> {
    vec![
        (Credential::UserId, USER),
        (Credential::OneTimePassword, ONE_TIME_PASSWORD),
        (Credential::RevocationPassword, REVOCATION_PASSWORD),
        (Credential::RevocationPasswordAgain, REVOCATION_PASSWORD),
    ]
}

const BOTH: [KeyRole; 2] = [KeyRole::Authentication, KeyRole::Signature];

#[test]
fn a_one_time_password_brings_a_pair_onto_an_empty_card() {
    let mut place = Place::new(Policy::twins());
    let Turn::Done(summary) = place.run().unwrap() else { panic!("not done") };
    place.assert_certified(&BOTH);
    assert_eq!(summary.proven, BOTH);
    assert_eq!(place.face.questions, ["plan", "certificates"]);
    let prompts = [
        (Some(Phase::NewKeys), PasswordKind::AuthenticationPin, 2),
        (Some(Phase::Requests), PasswordKind::AuthenticationPin, 2),
        (Some(Phase::Requests), PasswordKind::SignaturePin, 2),
        (Some(Phase::Finish), PasswordKind::AuthenticationPin, 2),
        (Some(Phase::Finish), PasswordKind::SignaturePin, 1),
    ];
    assert_eq!(place.face.prompts(), prompts);
    let asked = [
        Credential::UserId,
        Credential::OneTimePassword,
        Credential::RevocationPassword,
        Credential::RevocationPasswordAgain,
    ];
    assert_eq!(place.face.asked_for, asked.map(|what| (what, None)), "each once");
    assert_eq!((place.desk.orders(), place.desk.confirmed()), (1, 1));
    assert_eq!(place.desk.revocation_password().as_deref(), Some(REVOCATION_PASSWORD.as_bytes()), "it opens at the CA");
}

#[test]
fn one_certificate_for_logging_in_takes_one_key_and_one_pin() {
    let mut place = Place::new(Policy::partner());
    let plan = place.plan();
    assert_eq!((plan.new.len(), plan.old_ends(), plan.signatures()), (1, None, 3), "request, order, login");
    assert_eq!(plan.new.get(KeyRole::Authentication).unwrap().slot, SlotId(1));
    assert!(matches!(place.run().unwrap(), Turn::Done(_)));
    place.assert_certified(&BOTH[..1]);
    let pins: Vec<_> = place.face.asked.iter().map(|one| one.password).collect();
    assert_eq!(pins, [PasswordKind::AuthenticationPin; 3]);
}

#[test]
fn no_password_is_in_the_journal_and_after_a_crash_before_the_order_is_ready_it_is_asked_for_again() {
    let mut place = Place::new(Policy::twins());
    let stop = |runner: &mut Runner<'_>, stage| {
        while runner.process().stage() != stage {
            runner.step().unwrap();
        }
    };
    place.with_runner(|runner| stop(runner, Stage::Prepare)).unwrap();
    assert!(place.face.asked_for.is_empty(), "not before it is needed");
    // The step in which it was typed came to nothing.
    place.desk.is_down(true);
    assert!(matches!(place.run(), Err(RunError::Ca(_))));
    assert_eq!(place.face.asked_for.len(), 4);
    place.desk.is_down(false);
    place.face.credentials = typed();
    place.with_runner(|runner| stop(runner, Stage::Vouch)).unwrap();
    assert_eq!(place.face.asked_for.len(), 8, "asked again");
    // From here on it is not needed any more.
    place.with_runner(|runner| stop(runner, Stage::Seal)).unwrap();
    place.with_runner(|runner| stop(runner, Stage::Send)).unwrap();
    // Messages are in it as base64: the user's id is found in them, so a password would be too.
    let written = everything_below(place.folder.path());
    assert!(Search::new([USER]).found(&written).contains(&"jana.novakova as base64"));
    Search::new([ONE_TIME_PASSWORD, REVOCATION_PASSWORD]).assert_absent("the journal", &written);
    assert!(matches!(place.run().unwrap(), Turn::Done(_)));
    assert_eq!(place.face.asked_for.len(), 8);
    place.assert_certified(&BOTH);
}

#[test]
fn a_weak_or_mistyped_revocation_password_is_asked_for_again_and_never_sent() {
    let mut place = Place::new(Policy::partner());
    let revocation = |password| (Credential::RevocationPassword, password);
    let again = |password| (Credential::RevocationPasswordAgain, password);
    place.face.credentials = [
        &typed()[..2],
        &[revocation("short"), revocation(ONE_TIME_PASSWORD)],
        // Typings that differ are no attempts.
        &[revocation(REVOCATION_PASSWORD), again("something else"), revocation(REVOCATION_PASSWORD), again("")],
        &[revocation("too")],
    ]
    .concat();
    let told = |place: &Place| place.face.asked_for.iter().filter_map(|(_, problem)| *problem).collect::<Vec<_>>();
    let error = place.run().unwrap_err();
    let weak = CredentialProblem::Weak(WeakPassword::TooShort { minimum: 8 });
    let gave_up = RunError::Credential { what: Credential::RevocationPassword, problem: weak };
    assert_eq!(error.to_string(), gave_up.to_string());
    let differ = CredentialProblem::Differ;
    assert_eq!(told(&place), [weak, CredentialProblem::SameAsOneTime, differ, differ]);
    assert_eq!(place.desk.orders(), 0);
    place.face.credentials = typed();
    assert!(matches!(place.run().unwrap(), Turn::Done(_)), "and resumed with a good one");
}

#[test]
fn a_revocation_password_is_left_out_by_an_empty_answer_where_that_is_said() {
    let nothing = [&typed()[..2], &[(Credential::RevocationPassword, "")]].concat();
    let left_out = Wanted::Credential(Credential::RevocationPassword);
    for weak in [None, Some("short")] {
        let mut place = Place::new(Policy { revocation_password_optional: true, ..Policy::partner() });
        assert!(Foreseen::of_plan(&place.plan(), &place.card()).may_be_left_out(left_out));
        let weak = weak.map(|weak| (Credential::RevocationPassword, weak));
        place.face.credentials = nothing[..2].iter().copied().chain(weak).chain([nothing[2]]).collect();
        assert!(matches!(place.run().unwrap(), Turn::Done(_)));
        place.assert_certified(&BOTH[..1]);
        assert_eq!((place.desk.orders(), place.desk.revocation_password()), (1, None));
        assert!(place.face.optional.iter().all(|what| *what == Credential::RevocationPassword));
        assert_eq!(place.face.optional.len(), 1 + usize::from(weak.is_some()), "it was said each time");
    }
    let mut place = Place::new(Policy::partner());
    let foreseen = Foreseen::of_plan(&place.plan(), &place.card());
    assert!(foreseen.wanted.iter().all(|wanted| !foreseen.may_be_left_out(*wanted)));
    place.face.credentials = [&nothing[..], &[nothing[2]; 2]].concat();
    let problem = CredentialProblem::Weak(WeakPassword::TooShort { minimum: 8 });
    let refused = RunError::Credential { what: Credential::RevocationPassword, problem };
    assert_eq!(place.run().unwrap_err().to_string(), refused.to_string());
    assert_eq!((place.desk.orders(), place.face.optional.len()), (0, 0));
}

/// What is no good of those that are typed one after the other is asked for again, by name; what is no password of this issuer's
/// is never sent.
#[test]
fn what_cannot_be_the_one_time_password_is_noticed_before_it_is_sent() {
    let good = ONE_TIME_PASSWORD;
    let plain = good.replace('-', "");
    let mut swapped = plain.clone().into_bytes();
    swapped.swap(0, 1);
    let swapped = String::from_utf8(swapped).unwrap();
    let (length, mistyped) = (CredentialProblem::Length, CredentialProblem::Mistyped);
    let bad = [
        (String::new(), CredentialProblem::Form),
        (plain[..19].to_owned(), length),
        (plain[1..].to_owned(), length),
        (plain[..8].to_owned(), length),
        (good[6..].to_owned(), length),
        (format!("{plain}A"), length),
        (format!("{good}-{good}"), length),
        ("a sentence".to_owned(), length),
        (plain.replacen('M', "U", 1), CredentialProblem::Character { position: 1 }),
        (format!("{}!", &plain[..19]), CredentialProblem::Character { position: 20 }),
        (swapped, mistyped),
        (format!("{}0", &plain[..19]), mistyped),
    ];
    for (typed, problem) in bad {
        let mut place = Place::new(Policy::partner());
        let typed: &'static str = typed.leak();
        // The same again gets no better.
        place.face.credentials = [&self::typed()[..1], &[(Credential::OneTimePassword, typed); 3]].concat();
        let refused = place.run().unwrap_err();
        let told = RunError::Credential { what: Credential::OneTimePassword, problem };
        assert_eq!(refused.to_string(), told.to_string(), "{typed}");
        let asked = place.face.asked_for.iter().filter(|(what, _)| *what == Credential::OneTimePassword);
        let asked: Vec<_> = asked.map(|(_, told)| *told).collect();
        assert_eq!(asked, [None, Some(problem), Some(problem)], "{typed}");
        assert_eq!(place.desk.guesses(), 0, "{typed}");
        // The right one, however it is typed.
        let loose: &'static str = format!(" {} ", good.to_lowercase().replace('-', " ").replace('0', "o")).leak();
        place.face.credentials =
            [&self::typed()[..1], &[(Credential::OneTimePassword, loose)], &self::typed()[2..]].concat();
        assert!(matches!(place.run().unwrap(), Turn::Waits(_) | Turn::Went | Turn::Done(_)), "{typed}");
    }
}

#[test]
fn a_one_time_password_of_another_make_is_sent_as_it_is() {
    for typed in ["hunter2", "K7Q", &ONE_TIME_PASSWORD[..19]] {
        let mut place = Place::new(Policy { one_time_password: OneTimePasswords::Any, ..Policy::partner() });
        place.face.credentials[1].1 = typed;
        // The desk knows another one: it is refused, but by the CA.
        let turn = place.run().unwrap();
        assert!(matches!(turn, Turn::Failed(Failure::Refused { .. })), "{turn:?}");
        assert_eq!(place.desk.guesses(), 1);
    }
}

#[test]
fn of_an_issuer_of_another_make_too_a_password_with_check_characters_may_be_typed_in_small_letters() {
    let mut place = Place::new(Policy { one_time_password: OneTimePasswords::Any, ..Policy::partner() });
    place.face.credentials[1].1 = ONE_TIME_PASSWORD.to_lowercase().replace('-', "").leak();
    assert!(matches!(place.run().unwrap(), Turn::Done(_)));
}

/// Programs of before wrote nothing of it, and sent what was typed.
#[test]
fn an_order_whose_journal_does_not_say_what_its_password_is_like_takes_any() {
    for typed in ["hunter2", ONE_TIME_PASSWORD] {
        let mut place = Place::new(Policy::partner());
        place.desk = Desk::that_handed_out(typed);
        let keys_made = |runner: &mut Runner<'_>| {
            while runner.process().stage() != Stage::Prepare {
                runner.step().unwrap();
            }
        };
        place.with_runner(keys_made).unwrap();
        let mut records = serde_json::to_value(FileJournal::peek(place.folder.path(), "twins").unwrap()).unwrap();
        let plan = records.pointer_mut("/0/fact/started/plan").unwrap().as_object_mut().unwrap();
        assert_eq!(plan.remove("one_time_password").unwrap(), "checked");
        std::fs::remove_file(place.folder.path().join("twins.journal")).unwrap();
        let mut journal = FileJournal::create(place.folder.path(), "twins").unwrap();
        journal.append(&serde_json::from_value::<Vec<_>>(records).unwrap()).unwrap();
        drop(journal);
        place.face.credentials[1].1 = typed;
        assert!(matches!(place.run().unwrap(), Turn::Done(_)), "{typed}");
        assert_eq!(place.desk.guesses(), 0, "{typed}");
    }
}

#[test]
fn a_wrong_one_time_password_ends_the_order_and_the_next_one_takes_the_same_keys() {
    let mut place = Place::new(Policy::twins());
    place.face.credentials[1].1 = "AAAAA-AAAAA-AAAAA-AAAQE";
    let Turn::Failed(Failure::Refused { reason, .. }) = place.run().unwrap() else { panic!("not refused") };
    assert_eq!(reason, "badIdentity");
    let keys = |card: CardView| card.slots.into_iter().filter_map(|slot| slot.key?.public_key).collect::<Vec<_>>();
    let made = keys(place.card());
    std::fs::remove_file(place.folder.path().join("twins.journal")).unwrap();
    assert_eq!(place.plan().new.iter().filter(|(_, new)| new.waiting.is_some()).count(), 2);
    place.face.credentials = typed();
    assert!(matches!(place.run().unwrap(), Turn::Done(_)));
    assert_eq!(keys(place.card()), made, "no key was made in vain");
    place.assert_certified(&BOTH);
}

#[test]
fn certificates_for_somebody_else_are_shown_and_not_installed_when_the_holder_says_no() {
    let mut place = Place::new(Policy::twins());
    place.face.is_somebody_else = true;
    assert_eq!(place.run().unwrap(), Turn::Failed(Failure::CertificatesDeclined));
    assert!(place.card().slots.iter().all(|slot| slot.certificates.is_empty()));
    assert_eq!(place.desk.confirmed(), 0);
    let mut journal = FileJournal::open(place.folder.path(), "twins").unwrap();
    assert_eq!(names(&mut journal).last(), Some(&"failed"));
}

/// A no may be a slip, and the one-time password is used up: whoever resumes is asked once more, and nothing is ordered again.
#[test]
fn a_no_to_the_certificates_can_be_taken_back() {
    let mut place = Place::new(Policy::twins());
    place.face.is_somebody_else = true;
    for said in 1..=2 {
        let asked_once_a_run = place.with_runner(|runner| {
            let turn = runner.run().unwrap();
            (turn, runner.step().unwrap())
        });
        let no = || Turn::Failed(Failure::CertificatesDeclined);
        assert_eq!(asked_once_a_run.unwrap(), (no(), no()));
        let shown = place.face.questions.iter().filter(|question| **question == "certificates").count();
        assert_eq!(shown, said);
    }
    assert_eq!(FileJournal::unfinished(place.folder.path(), SystemTime::now()).unwrap().len(), 0, "another may begin");
    let typed = place.face.asked_for.len();
    place.face.is_somebody_else = false;
    assert!(matches!(place.run().unwrap(), Turn::Done(_)));
    place.assert_certified(&BOTH);
    assert_eq!((place.desk.orders(), place.desk.confirmed(), place.face.asked_for.len()), (1, 1, typed));
}

/// What will be asked for is known before a key is made, and what cannot be right; less of it with every step.
#[test]
fn what_will_be_asked_for_is_foreseen_and_what_cannot_be_right_is_told() {
    let mut place = Place::new(Policy::twins());
    let who = [Credential::UserId, Credential::OneTimePassword, Credential::RevocationPassword].map(Wanted::Credential);
    let pins = [PasswordKind::AuthenticationPin, PasswordKind::SignaturePin].map(Wanted::Password);
    let foreseen = Foreseen::of_plan(&place.plan(), &place.card());
    assert_eq!(foreseen.wanted, [&who[..], &pins].concat());
    assert_eq!(foreseen.last_tries().count(), 0);
    assert!(foreseen.check(|_| None).is_ok());
    let right = |wanted| {
        Some(Secret::from(match wanted {
            Wanted::Credential(Credential::UserId) => USER,
            Wanted::Credential(Credential::OneTimePassword) => ONE_TIME_PASSWORD,
            Wanted::Credential(_) => REVOCATION_PASSWORD,
            Wanted::Password(kind) => return Some(pin_for(kind)),
        }))
    };
    foreseen.check(right).unwrap();
    let wrong =
        |which, given: &str| foreseen.check(|one| if one == which { Some(Secret::from(given)) } else { right(one) });
    for (which, given, problem) in [
        (who[0], "", CredentialProblem::Form),
        (who[1], "MZXW6-YTB05-FA2RC-9QDSA", CredentialProblem::Mistyped),
        (who[1], "MZXW6-YTB05", CredentialProblem::Length),
        (who[1], "MZXW6-YTB05-FA2RC-9QDS!", CredentialProblem::Character { position: 23 }),
        (who[2], ONE_TIME_PASSWORD, CredentialProblem::SameAsOneTime),
    ] {
        let told = wrong(which, given);
        let Err(RunError::Credential { what, problem: told }) = told else { panic!("{given}: {told:?}") };
        assert_eq!((Wanted::Credential(what), told), (which, problem), "{given}");
    }
    let weak = wrong(who[2], "aaaaaaaaaaaaaaaa");
    assert!(matches!(weak, Err(RunError::Credential { problem: CredentialProblem::Weak(_), .. })), "{weak:?}");
    for (pin, kind) in pins.into_iter().zip([PasswordKind::AuthenticationPin, PasswordKind::SignaturePin]) {
        for given in ["1", "12345678901234567890"] {
            let told = wrong(pin, given);
            let form =
                matches!(&told, Err(RunError::Token(TokenError::SecretForm { password, .. })) if *password == kind);
            assert!(form, "{told:?}");
        }
    }
    // What is behind the order is not asked for any more.
    for (stage, who_is_asked) in
        [(Stage::Terms, true), (Stage::Prepare, true), (Stage::Vouch, false), (Stage::Seal, false)]
    {
        place.face.credentials = typed();
        place
            .with_runner(|runner| {
                while runner.process().stage() != stage {
                    assert_eq!(runner.step().unwrap(), Turn::Went, "{stage} never came");
                }
            })
            .unwrap();
        let card = place.card();
        let foreseen = place.with_runner(|runner| Foreseen::of(runner.process(), &card)).unwrap();
        let expected = if who_is_asked { [&who[..], &pins].concat() } else { pins.to_vec() };
        assert_eq!(foreseen.wanted, expected, "{stage}");
    }
    place.face.credentials = typed();
    assert!(matches!(place.run().unwrap(), Turn::Done(_)));
    let card = place.card();
    let foreseen = place.with_runner(|runner| Foreseen::of(runner.process(), &card)).unwrap();
    assert_eq!((foreseen.wanted, foreseen.passwords), (Vec::new(), Vec::new()));
}

/// The tries are those of the card as it stands.
#[test]
fn a_last_try_is_foreseen() {
    let place = Place::new(Policy::partner());
    let plan = place.plan();
    let wrong = Pin::new(Secret::from("99887766"));
    for left in [2_u8, 1] {
        let change = |token: &mut dyn obnova_card::Token| {
            token.change_password(PasswordKind::AuthenticationPin, &wrong, &Secret::from("55443322")).unwrap_err()
        };
        change(place.token.lock().unwrap().as_mut());
        let foreseen = Foreseen::of_plan(&plan, &place.card());
        let tries = PasswordState::Active(Tries::Known(left));
        assert_eq!(foreseen.passwords.iter().map(|one| one.state).collect::<Vec<_>>(), [tries], "one is needed");
        let last: Vec<_> = foreseen.last_tries().collect();
        assert_eq!(last, if left == 1 { vec![PasswordKind::AuthenticationPin] } else { Vec::new() });
    }
}

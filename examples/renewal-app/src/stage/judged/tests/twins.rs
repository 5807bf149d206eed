use std::time::{Duration, SystemTime};

use obnova_card::PasswordKind;
use obnova_renewal::{Diagnosis, Fact, Phase, Process};

use super::{
    super::*,
    bent_ca::{self, BentCa},
    careless::{self, Careless},
};
use crate::{
    checks::Check,
    cli::Scenario,
    failure::Kind,
    service::Service,
    stage::{Event, Moment, PlayPins, Setting, Through, Trial, rules::Ruled, trial},
};

/// A service that is played, on tokens like this, before somebody who may put a word in; and what is bent before the rules look.
struct Played {
    service: Service,
    through: Through,
    audience: for<'s> fn(&'s Stage) -> Box<dyn Audience + 's>,
    bend: fn(&mut World<'_>),
    breaks_off: bool,
}

impl Played {
    fn of(service: Service) -> Self {
        Self { service, through: |token| token, audience: |_| Box::new(Nobody), bend: |_| {}, breaks_off: false }
    }

    fn sound() -> Self {
        Self::of(Service::known(Scenario::Twins).ok().unwrap())
    }

    /// With this in the place of that in its file; the rules expect what they did.
    fn but(replaced: &str, by: &str) -> Self {
        Self::of(Service::but(Scenario::Twins, replaced, by))
    }

    fn bent(bend: fn(&mut World<'_>)) -> Self {
        Self { bend, ..Self::sound() }
    }

    fn through(through: Through) -> Self {
        Self { through, ..Self::sound() }
    }

    fn before(audience: for<'s> fn(&'s Stage) -> Box<dyn Audience + 's>) -> Self {
        Self { audience, ..Self::sound() }
    }

    /// All rules, as they were looked at.
    fn rules(self) -> Vec<Ruled> {
        let folder = tempfile::tempdir().unwrap();
        let pins = PlayPins { authentication: "1234".into(), signature: "567890".into() };
        let setting = Setting { keep: Some(folder.path()), through: self.through, ..Setting::new(self.service, pins) };
        let stage = Stage::set(setting, SystemTime::now()).unwrap();
        let (report, failure) = judged(&stage, (self.audience)(&stage).as_mut(), self.bend);
        assert_eq!(failure.is_some(), self.breaks_off, "{:?}", failure.map(|failure| failure.message().to_owned()));
        assert_eq!(report.ok, failure_free(&report.rules) && !self.breaks_off);
        let not_looked_at: Vec<_> = report.rules.iter().filter(|one| one.ok.is_none()).map(|one| &one.seen).collect();
        assert!(not_looked_at.is_empty(), "{not_looked_at:?}: apt-get install opensc-pkcs11 libnss3-tools");
        report.rules
    }
}

fn failure_free(rules: &[Ruled]) -> bool {
    rules.iter().all(|one| one.ok != Some(false))
}

worlds! { of_twins::rules();
    a_sound_world: Played::sound() => [];

    certificates_that_live_longer: Played::but("validity_days = 365", "validity_days = 400")
        => ["twins/one-year": "400 days"];

    a_client_that_does_not_ask: Played::but("prove_login = true", "ask_status = \"never\"\nprove_login = true")
        => ["twins/revoked/client": "a renewal of revoked certificates is begun: "];

    notices_on_other_days: Played::but("days = [21, 7]", "days = [14, 3]")
        => [
            "twins/notice-three-weeks": "no mail came 21 days before the end, but [169, 1] hours before it",
            "twins/notice-one-week": "no mail came 7 days before the end, but [169, 1] hours before it",
        ];

    notices_to_others: Played::bent(|world| BentCa::replace(world, bent_ca::How::MailsToOthers))
        => ["twins/notice-address": "2 of 2 mails went to another address"];

    a_notice_for_whoever_has_it: Played::bent(|world| BentCa::replace(world, bent_ca::How::BeginsForAll))
        => ["twins/notice-link": "another client began it too: 200"];

    a_notice_that_forgets_who_began: Played::bent(|world| BentCa::replace(world, bent_ca::How::ForgetsWhoBegan))
        => ["twins/notice-link": "it was not begun: Refused(Over)"];

    a_ca_that_takes_every_order: Played::bent(|world| BentCa::replace(world, bent_ca::How::TakesEveryOrder))
        => [
            "twins/subject/ca": "the CA said Accepted to a client that lies",
            "twins/requested/ca": "the CA said Accepted to a client that lies",
            "twins/vouched/ca": "the CA said Accepted to a client that lies",
            "twins/revoked/ca": "the CA said Accepted to a client that lies",
        ];

    a_link_that_opens_again_and_again: Played::bent(|world| BentCa::replace(world, bent_ca::How::OpensAgain))
        => ["twins/single-use": "with a journal the link opened 3 certificates once more"];

    a_link_that_stays_open_where_there_is_no_journal:
        Played::bent(|world| BentCa::replace(world, bent_ca::How::LosesReceipts))
        => ["twins/single-use": "without a journal the link opened 3 certificates once more"];

    a_link_that_brings_one_of_two: Played::bent(|world| BentCa::replace(world, bent_ca::How::BringsHalf))
        => [
            "twins/resume-link": "only one of the two came, the signature certificate is missing: both",
            "twins/resume-files": "signature.cer: No such file",
            "twins/single-use": "only one of the two came, the signature certificate is missing: both",
            "twins/one-brings-other": "only one of the two came, the signature certificate is missing: both",
            "twins/installed-half": "0 signature certificates came",
        ];

    a_client_that_takes_a_half: Played::bent(|world| world.client.take_files = |_, _| Ok(()))
        => [
            "twins/installed-half": "certificate alone: Ok(())",
        ];

    an_order_of_somebody_else: Played::bent(|world| BentCa::replace(world, bent_ca::How::KeepsAnother))
        => [
            "twins/subject/client": "a request is for CN=Liar",
            "twins/requested/client": "the order has 1 requests",
            "twins/vouched/client": "2 keys signed the order that the CA keeps, and not both old ones",
        ];

    a_ca_that_issues_at_once: Played::before(|stage| Box::new(Hasty(stage)))
        => ["twins/accepted": "the CA's orders when the window was closed: [(Issued, 2)]"];

    a_card_that_drops_the_old_pair: Played::through(|token| Careless::boxed(token, careless::How::DropsOld))
        => [
            "twins/installed-torn": "the certificate is not on the card",
            "twins/old-stays": "the old authentication certificate is gone",
            "twins/holder-removes": "0 certificates would go without being named",
        ];

    a_card_that_takes_certificates_one_by_one: Played::through(|token| Careless::boxed(token, careless::How::OneByOne))
        => ["twins/installed-torn": "1 of two is on the card"];

    a_card_that_removes_without_the_pin: Played::through(|token| Careless::boxed(token, careless::How::AnyPin))
        => ["twins/holder-removes": "it went without the holder's PIN"];

    a_client_that_asks_for_no_pin: Played::bent(|world| without_pins(world, &[Phase::NewKeys, Phase::Requests]))
        => [
            "twins/pin-new-keys": "to put new keys on the card: asked for 0 times",
            "twins/pin-requests": "to sign and send what is requested: asked for 0 times",
        ];

    a_client_that_asks_once: Played::bent(|world| without_pins(world, &[Phase::Requests]))
        => ["twins/pin-requests": "to sign and send what is requested: asked for 0 times"];

    a_client_that_asks_again_and_again: Played::bent(asks_again)
        => ["twins/pin-requests": "after the order it was asked for 2 times"];

    a_client_that_checks_later: Played::bent(|world| world.witness.seen.rotate_left(1))
        => ["twins/check-first": "something else came before the check"];

    a_client_that_does_things_twice: Played::bent(twice) => [
            "twins/key-store": "2 questions were asked",
            "twins/resume-journal": "2 keys were made and 2 orders sent",
            "twins/waiting": "1 commands went to the card",
        ];

    steps_that_nobody_measured: Played::bent(|world| world.report.steps.clear())
        => ["twins/waiting": "0 of both steps that ask the CA were measured"];

    a_client_that_is_content_with_one: Played::bent(|world| world.client.policy.rules.signature = None)
        => [
            "twins/check-advice": "one of two certificates: nothing is said",
            "twins/requested/client": "a card with one of the two got a plan",
        ];

    a_check_without_advice: Played::bent(|world| world.client.check = |_, _, _| vec![bad("It does not work: it is broken, as it was.")])
        => ["twins/check-advice": "as it was.\": it does not say what to do"];

    a_check_that_advises_what_is_not_there: Played::bent(|world| world.client.check = |_, _, _| vec![bad("Mend it (obnova card mend).")])
        => ["twins/check-advice": "there is no command card mend"];

    a_diagnosis_that_tells_the_pin: Played::bent(|world| world.client.diagnosis = talkative)
        => ["twins/diagnosis": "\"Qw7zAuth\" is in the diagnosis"];

    a_diagnosis_that_tells_nothing: Played::bent(|world| world.client.diagnosis = |_| "it failed".to_owned())
        => ["twins/diagnosis": "\"stage\" is not in the diagnosis"];

    no_issuers_for_the_chain: Played::bent(|world| world.client.register = |place, module, _| place.register(module, &[]))
        => ["twins/registered": "NSS knows of the chain of"];

    a_card_that_nobody_is_told_of: Played::bent(|world| world.client.register = |_, _, _| Ok(Default::default()))
        => ["twins/registered": "the module is not there"];

    somebody_else_is_let_in: Played::bent(elsewhere)
        => ["twins/login": "the server let in CN=Nobody, and not CN=Jana Nováková,C=CZ"];

    certificates_that_are_not_on_the_card: Played::bent(hidden)
        => ["twins/installed": "1 of two new certificates are on the card beside their keys"];

    others_keys_that_vouch: Played::bent(others_vouch) => [
            "twins/vouched/client": "2 keys signed the order that the CA keeps, and not both old ones",
            "twins/old-stays": "the old signature certificate is gone",
        ];

    a_card_that_takes_nothing: Played { breaks_off: true, ..Played::through(|token| Careless::boxed(token, careless::How::Full)) }
        => [
            "twins/one-year": "there is no card to look at",
            "twins/resume-journal": "0 installations after it was resumed",
            "twins/resume-link": "this token cannot be written (ask for what Token::capabilities and",
            "twins/resume-files": "this token cannot be written (ask for what Token::capabilities and",
            "twins/waiting": "0 of both steps that ask the CA were measured",
            "twins/single-use": "this token cannot be written (ask for what Token::capabilities and",
            "twins/one-brings-other": "this token cannot be written (ask for what Token::capabilities and",
            "twins/installed": "there is no card to look at",
            "twins/installed-torn": "this token cannot be written (ask for what Token::capabilities and",
            "twins/old-stays": "there is no card to look at",
            "twins/holder-removes": "there is no tidying up",
            "twins/registered": "there is no new certificate",
            "twins/login": "there is no login",
        ];
}

/// Services of their own, each judged by its file.
mod other_services {
    use super::*;

    fn other(texts: &[(&str, &str)]) -> Vec<Ruled> {
        let rules = Played::of(Service::other(Scenario::Twins, texts)).rules();
        let red: Vec<_> = rules.iter().filter(|one| one.ok == Some(false)).map(|one| (&one.id, &one.seen)).collect();
        assert!(red.is_empty(), "{red:#?}");
        rules
    }

    fn seen<'r>(rules: &'r [Ruled], id: &str) -> &'r str {
        &rules.iter().find(|one| one.id == format!("twins/{id}")).unwrap().seen
    }

    #[test]
    fn the_twins_themselves() {
        let rules = other(&[]);
        assert_eq!(seen(&rules, "one-year").matches("365 days").count(), 2, "{}", seen(&rules, "one-year"));
        for notice in ["notice-three-weeks", "notice-one-week"] {
            let an_hour_later = format!("{:?}", [21, 7].map(|days| days * 24 - 1));
            assert!(seen(&rules, notice).contains(&an_hour_later), "{}", seen(&rules, notice));
        }
    }

    #[test]
    fn the_same_keys_once_more() {
        let rules = other(&[("method = \"re-key\"", "method = \"same-key\""), ("same_key = false", "same_key = true")]);
        assert_eq!(rules.len(), of_twins::rules().len() - 1);
        assert!(rules.iter().all(|one| one.id != "twins/pin-new-keys"), "no new keys");
        assert!(seen(&rules, "resume-journal").contains("0 keys"), "{}", seen(&rules, "resume-journal"));
    }

    #[test]
    fn two_years_and_other_days() {
        let rules = other(&[
            ("validity_days = 365", "validity_days = 730"),
            ("days = [21, 7]", "days = [10, 5, 3]"),
            ("due_before_days = 30", "due_before_days = 12"),
            ("window_days = 30", "window_days = 15"),
            ("keys = [\"rsa-2048\", \"rsa-3072\", \"p-256\", \"p-384\"]", "keys = [\"p-384\"]"),
        ]);
        assert!(seen(&rules, "one-year").contains("730 days"));
        assert!(seen(&rules, "notice-one-week").contains("[239, 119, 71]"), "{}", seen(&rules, "notice-one-week"));
    }

    #[test]
    fn issued_at_once() {
        let rules = other(&[("approval = \"manual\"", "approval = \"automatic\"")]);
        assert_eq!(rules.len(), of_twins::rules().len() - 6);
    }

    #[test]
    fn without_notices() {
        let rules = other(&[("days = [21, 7]", "days = []")]);
        assert_eq!(rules.len(), of_twins::rules().len() - 4);
    }
}

/// The operator says yes before anybody asks, and takes so long to say it that by then it is time to ask.
struct Hasty<'s>(&'s Stage);

impl Audience for Hasty<'_> {
    fn see(&mut self, scene: &Scene<'_>) {
        if let Scene::Fact(Fact::Pending(_)) = scene {
            self.0.approve().unwrap();
            std::thread::sleep(Duration::from_millis(1100));
        }
    }
}

fn without_pins(world: &mut World<'_>, phases: &[Phase]) {
    let is_one =
        |event: &Event| matches!(event, Event::Pin(request) if request.phase.is_some_and(|one| phases.contains(&one)));
    world.witness.seen.retain(|event| !is_one(event));
}

/// The PIN to finish with is asked for twice.
fn asks_again(world: &mut World<'_>) {
    let is_last = |event: &&Event| matches!(event, Event::Pin(request) if request.phase == Some(Phase::Finish) && request.password == PasswordKind::AuthenticationPin);
    let last = world.witness.seen.iter().find(is_last).map(|event| match event {
        Event::Pin(request) => Event::Pin(request.clone()),
        _ => Event::Plan,
    });
    world.witness.seen.extend(last);
}

/// A plan is shown, an order sent and a card asked that need not be.
fn twice(world: &mut World<'_>) {
    let again = world.witness.facts().find(|fact| matches!(fact, Fact::Sealed(_))).cloned().unwrap();
    world.witness.seen.extend([Event::Plan, Event::Fact(again)]);
    world.report.steps.iter_mut().filter(|step| step.name == "pick-up").for_each(|step| step.apdus += 1);
}

fn bad(text: &str) -> Check {
    Check::bad(Kind::NotEligible, text.to_owned())
}

fn talkative(process: &Process) -> String {
    format!("{}PIN: {}\n", Diagnosis::of(process, None, SystemTime::now()), trial::AUTHENTICATION_PIN)
}

fn elsewhere(world: &mut World<'_>) {
    for event in &mut world.witness.seen {
        if let Event::Fact(Fact::LoggedIn(who)) = event {
            *who = "CN=Nobody".to_owned();
        }
    }
}

fn hidden(world: &mut World<'_>) {
    for (moment, card) in &mut world.witness.cards {
        if *moment == Moment::Renewed {
            card.slots.iter_mut().skip(3).for_each(|slot| slot.certificates.clear());
        }
    }
}

fn others_vouch(world: &mut World<'_>) {
    let other = Trial::new(world.stage).map_err(|Broken(why)| why).unwrap();
    let plan = world.witness.plan.as_mut().unwrap();
    let name = plan.old.authentication.as_ref().unwrap().certificate.subject().clone();
    assert_ne!(*other.old.signature.subject(), name);
    plan.old.signature.as_mut().unwrap().certificate = other.old.signature.clone();
}

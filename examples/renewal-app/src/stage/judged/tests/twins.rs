use std::{cell::RefCell, collections::HashMap, time::SystemTime};

use obnova_client::LinkError;
use obnova_renewal::{Fact, Loose, Phase};

use super::{
    super::*,
    careless::{Careless, How},
};
use crate::{
    cli::Scenario,
    service::Service,
    stage::{
        Event, Moment, PlayPins, Setting, Through, Trial,
        rules::{
            Broken,
            twins::{Counter, Heard},
        },
    },
};

/// What is red when this is played, with this policy, before this audience, bent like this.
fn red(
    service: Service,
    through: Through,
    audience: impl for<'s> FnOnce(&'s Stage) -> Box<dyn Audience + 's>,
    bend: impl FnOnce(&mut World<'_>),
) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let pins = PlayPins { authentication: "1234".into(), signature: "567890".into() };
    let setting = Setting { keep: Some(folder.path()), through, ..Setting::new(service, pins) };
    let stage = Stage::set(setting, SystemTime::now()).unwrap();
    let (report, failure) = judged(&stage, audience(&stage).as_mut(), bend);
    assert_eq!(failure.map(|failure| failure.message().to_owned()), None);
    assert_eq!(report.rules.len(), of_twins::rules().len());
    let red: Vec<_> = report.rules.iter().filter(|one| one.ok == Some(false)).collect();
    red.iter().for_each(|one| println!("{}: {}", one.id, one.seen));
    assert_eq!(report.ok, red.is_empty());
    red.iter().map(|one| one.id.clone()).collect()
}

fn twins() -> Service {
    Service::known(Scenario::Twins).unwrap()
}

fn red_bent(bend: impl FnOnce(&mut World<'_>)) -> Vec<String> {
    red(twins(), |token| token, |_| Box::new(Nobody), bend)
}

fn red_through(through: Through) -> Vec<String> {
    red(twins(), through, |_| Box::new(Nobody), |_| {})
}

#[test]
fn in_a_sound_world_nothing_is_red() {
    assert_eq!(red_bent(|_| {}), Vec::<String>::new());
}

#[test]
fn certificates_that_live_longer() {
    let service = Service::but(Scenario::Twins, "validity_days = 365", "validity_days = 400");
    assert_eq!(red(service, |token| token, |_| Box::new(Nobody), |_| {}), ["twins/one-year"]);
}

#[test]
fn a_ca_that_says_yes_to_every_lie() {
    struct YesMan;
    impl Counter for YesMan {
        fn order(&self, _message: &[u8]) -> Result<Heard, Broken> {
            Ok(Heard::Accepted)
        }
        fn link(&self, _link: &str) -> Result<Vec<Loose>, LinkError> {
            Err(LinkError::Spent)
        }
    }
    let red = red_bent(|world| world.ca = Box::new(YesMan));
    for rule in ["twins/subject/ca", "twins/requested/ca", "twins/vouched/ca"] {
        assert!(red.iter().any(|one| one == rule), "{rule} in {red:?}");
    }
    assert!(red.iter().any(|one| one == "twins/resume-link"), "nor does its link open: {red:?}");
}

#[test]
fn a_link_that_opens_again_and_again() {
    struct Open<'s>(Box<dyn Counter + 's>, RefCell<HashMap<String, Vec<Loose>>>);
    impl Counter for Open<'_> {
        fn order(&self, message: &[u8]) -> Result<Heard, Broken> {
            self.0.order(message)
        }
        fn link(&self, link: &str) -> Result<Vec<Loose>, LinkError> {
            if let Some(known) = self.1.borrow().get(link) {
                return Ok(known.clone());
            }
            let came = self.0.link(link)?;
            self.1.borrow_mut().insert(link.to_owned(), came.clone());
            Ok(came)
        }
    }
    let bend = |world: &mut World<'_>| {
        let honest = std::mem::replace(&mut world.ca, Box::new(Deaf));
        world.ca = Box::new(Open(honest, RefCell::default()));
    };
    assert_eq!(red_bent(bend), ["twins/single-use"]);
}

#[test]
fn a_link_that_brings_one_of_two() {
    struct Half<'s>(Box<dyn Counter + 's>);
    impl Counter for Half<'_> {
        fn order(&self, message: &[u8]) -> Result<Heard, Broken> {
            self.0.order(message)
        }
        fn link(&self, link: &str) -> Result<Vec<Loose>, LinkError> {
            self.0.link(link).map(|mut came| {
                came.remove(1);
                came
            })
        }
    }
    let bend = |world: &mut World<'_>| {
        let honest = std::mem::replace(&mut world.ca, Box::new(Deaf));
        world.ca = Box::new(Half(honest));
    };
    let expected = ["twins/resume-link", "twins/resume-files", "twins/one-brings-other", "twins/installed-half"];
    assert_eq!(red_bent(bend), expected);
}

#[test]
fn a_ca_that_issues_at_once() {
    struct Hasty<'s>(&'s Stage);
    impl Audience for Hasty<'_> {
        fn see(&mut self, scene: &Scene<'_>) {
            if let Scene::Fact(Fact::Pending(_)) = scene {
                self.0.approve().unwrap();
            }
        }
    }
    let red = red(twins(), |token| token, |stage| Box::new(Hasty(stage)), |_| {});
    assert_eq!(red, ["twins/accepted"]);
}

#[test]
fn a_card_that_drops_the_old_pair() {
    let red = red_through(|token| Box::new(Careless { token, how: How::DropsOld }));
    assert_eq!(red, ["twins/installed-torn", "twins/old-stays", "twins/holder-removes"]);
}

#[test]
fn a_card_that_takes_certificates_one_by_one() {
    let red = red_through(|token| Box::new(Careless { token, how: How::OneByOne }));
    assert_eq!(red, ["twins/installed-torn"]);
}

#[test]
fn a_card_that_removes_without_the_pin() {
    let red = red_through(|token| Box::new(Careless { token, how: How::AnyPin }));
    assert_eq!(red, ["twins/holder-removes"]);
}

#[test]
fn a_client_that_does_otherwise() {
    let without_pin = |phase: Phase| {
        move |world: &mut World<'_>| {
            world.witness.seen.retain(|event| !matches!(event, Event::Pin(request) if request.phase == Some(phase)));
        }
    };
    assert_eq!(red_bent(without_pin(Phase::NewKeys)), ["twins/pin-new-keys"]);
    assert_eq!(red_bent(without_pin(Phase::Requests)), ["twins/pin-requests"]);
    assert_eq!(red_bent(|world| world.witness.seen.rotate_left(1)), ["twins/check-first"]);
    assert_eq!(red_bent(|world| world.witness.seen.push(Event::Plan)), ["twins/key-store"]);
    let twice = |world: &mut World<'_>| {
        let again = world.witness.facts().find(|fact| matches!(fact, Fact::Sealed(_))).cloned().unwrap();
        world.witness.seen.push(Event::Fact(again));
    };
    assert_eq!(red_bent(twice), ["twins/resume-journal"]);
    let with_card = |world: &mut World<'_>| {
        world.report.steps.iter_mut().filter(|step| step.name == "pick-up").for_each(|step| step.apdus += 1);
    };
    assert_eq!(red_bent(with_card), ["twins/waiting"]);
    let elsewhere = |world: &mut World<'_>| {
        for event in &mut world.witness.seen {
            if let Event::Fact(Fact::LoggedIn(who)) = event {
                *who = "CN=Nobody".to_owned();
            }
        }
    };
    assert_eq!(red_bent(elsewhere), ["twins/login"]);
    let hidden = |world: &mut World<'_>| {
        for (moment, card) in &mut world.witness.cards {
            if *moment == Moment::Renewed {
                card.slots.iter_mut().skip(3).for_each(|slot| slot.certificates.clear());
            }
        }
    };
    assert_eq!(red_bent(hidden), ["twins/installed"]);
    let others_vouch = |world: &mut World<'_>| {
        let other = Trial::new(world.stage).map_err(|Broken(why)| why).unwrap();
        let name =
            world.witness.plan.as_ref().unwrap().old.authentication.as_ref().unwrap().certificate.subject().clone();
        assert_ne!(*other.old.signature.subject(), name);
        world.witness.plan.as_mut().unwrap().old.signature.as_mut().unwrap().certificate = other.old.signature.clone();
    };
    assert_eq!(red_bent(others_vouch), ["twins/vouched/client", "twins/old-stays"]);
}

#[test]
fn notices_on_other_days() {
    let red = red(
        Service::but(Scenario::Twins, "days = [21, 7]", "days = [14, 3]"),
        |token| token,
        |_| Box::new(Nobody),
        |_| {},
    );
    assert_eq!(red, ["twins/notice-three-weeks", "twins/notice-one-week"]);
}

/// Nobody there.
struct Deaf;

impl Counter for Deaf {
    fn order(&self, _message: &[u8]) -> Result<Heard, Broken> {
        Err(Broken("nobody there".to_owned()))
    }

    fn link(&self, _link: &str) -> Result<Vec<Loose>, LinkError> {
        Err(LinkError::Unknown)
    }
}

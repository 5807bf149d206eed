use std::time::SystemTime;

use super::{
    super::*,
    careless::{Careless, How},
};
use crate::{
    cli::Scenario,
    service::Service,
    stage::{PlayPins, Setting, Through, rules::Broken},
};

/// What is red of `activation`.
fn red_card(through: Through, bend: impl for<'s> FnOnce(Arrived<'s>) -> Arrived<'s>) -> Vec<String> {
    red_card_of(Service::known(Scenario::Activation).unwrap(), through, bend)
}

fn red_card_of(
    service: Service,
    through: Through,
    bend: impl for<'s> FnOnce(Arrived<'s>) -> Arrived<'s>,
) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let pins = PlayPins { authentication: "1234".into(), signature: "567890".into() };
    let setting = Setting { keep: Some(folder.path()), through, ..Setting::new(service, pins) };
    let stage = Stage::set(setting, SystemTime::now()).unwrap();
    let (report, failure) = activated(&stage, bend);
    assert_eq!(failure.map(|failure| failure.message().to_owned()), None);
    let red: Vec<_> = report.rules.iter().filter(|one| one.ok == Some(false)).collect();
    red.iter().for_each(|one| println!("{}: {}", one.id, one.seen));
    red.iter().map(|one| one.id.clone()).collect()
}

#[test]
fn a_sound_card_that_arrives_inactive() {
    assert_eq!(red_card(|token| token, |arrived| arrived), Vec::<String>::new());
}

#[test]
fn a_service_that_takes_nobody() {
    let closed = Service::but(Scenario::Activation, "open = true", "open = false");
    let red = red_card_of(closed, |token| token, |arrived| arrived);
    let all = ["registration", "correction", "identity", "contract", "transport-pin-page"];
    assert_eq!(red, all.map(|rule| format!("activation/{rule}")));
}

#[test]
fn a_card_that_arrives_active() {
    fn activated(arrived: Arrived<'_>) -> Arrived<'_> {
        arrived.activate().map_err(|Broken(why)| why).unwrap();
        arrived
    }
    let red = red_card(|token| token, activated);
    for rule in ["activation/arrived", "activation/unused/client", "activation/unused/card", "activation/activated"] {
        assert!(red.iter().any(|one| one == rule), "{rule} in {red:?}");
    }
}

#[test]
fn a_card_that_hides_its_tries() {
    let red = red_card(|token| Box::new(Careless { token, how: How::HidesTries }), |arrived| arrived);
    assert_eq!(red, ["activation/unused/client", "activation/tries-shown", "activation/last-try"]);
}

#[test]
fn a_card_that_needs_no_puk() {
    let red = red_card(|token| Box::new(Careless { token, how: How::AnyPuk }), |arrived| arrived);
    assert_eq!(red, ["activation/puk-blocked/client", "activation/puk-blocked/card"]);
}

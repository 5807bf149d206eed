use std::time::SystemTime;

use super::super::*;
use crate::{
    cli::Scenario,
    service::Service,
    stage::{PlayPins, Setting},
};

/// What is red of `partner`.
fn red_first(service: Service, bend: impl FnOnce(&mut partner::World<'_>)) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let pins = PlayPins { authentication: "1234".into(), signature: "567890".into() };
    let setting = Setting { keep: Some(folder.path()), ..Setting::new(service, pins) };
    let stage = Stage::set(setting, SystemTime::now()).unwrap();
    let (report, failure) = for_first(&stage, bend);
    assert_eq!(failure.map(|failure| failure.message().to_owned()), None);
    let red: Vec<_> = report.rules.iter().filter(|one| one.ok == Some(false)).collect();
    red.iter().for_each(|one| println!("{}: {}", one.id, one.seen));
    red.iter().map(|one| one.id.clone()).collect()
}

fn partner_but(replaced: &str, by: &str) -> Vec<String> {
    red_first(Service::but(Scenario::Partner, replaced, by), |_| {})
}

#[test]
fn a_sound_first_certificate() {
    assert_eq!(red_first(Service::known(Scenario::Partner).unwrap(), |_| {}), Vec::<String>::new());
}

#[test]
fn a_ca_that_says_yes_to_every_first_order() {
    let red = red_first(Service::known(Scenario::Partner).unwrap(), |world| world.ca = Box::new(|_, _| Ok(None)));
    let of_ca = ["password", "password-days", "password-once", "password-again", "module", "other-names"];
    assert_eq!(red, of_ca.map(|rule| format!("partner/{rule}/ca")));
}

#[test]
fn another_policy_than_that_of_the_service() {
    assert_eq!(partner_but("password_days = 21", "password_days = 30"), ["partner/password-days/ca"]);
    assert_eq!(partner_but("password_alone = true", "password_alone = false"), ["partner/revoked-by-password"]);
    assert_eq!(partner_but("\nwindow_days = 30", "\nwindow_days = 10"), ["partner/renewal"]);
    let service = Service::known(Scenario::Partner).unwrap();
    assert_eq!(red_first(service, |world| world.report.steps.clear()), ["partner/list"]);
}

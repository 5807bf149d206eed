//! What breaks each rule of `partner`: each world is broken in some ways, and what turns red is what is expected of them together.

use std::time::SystemTime;

use super::super::*;
use crate::{
    cli::Scenario,
    service::Service,
    stage::{PlayPins, Setting},
};

fn red_first(service: Service, joints: Joints, bend: impl FnOnce(&mut partner::World<'_>)) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let pins = PlayPins { authentication: "1234".into(), signature: "567890".into() };
    let setting = Setting { keep: Some(folder.path()), ..Setting::new(service, pins) };
    let stage = Stage::set(setting, SystemTime::now()).unwrap();
    let (report, failure) = for_first(&stage, joints, bend);
    report.rules.iter().for_each(|one| println!("{:?} {}: {}", one.ok, one.id, one.seen));
    assert_eq!(failure.map(|failure| failure.message().to_owned()), None);
    report.rules.iter().filter(|one| one.ok == Some(false)).map(|one| one.id.clone()).collect()
}

#[test]
fn a_sound_first_certificate() {
    let service = Service::known(Scenario::Partner).unwrap();
    assert_eq!(red_first(service, Joints::default(), |_| {}), Vec::<String>::new());
}

use std::time::SystemTime;

use obnova_enroll::est::Method;

use super::{
    super::*,
    careless::{Careless, How},
};
use crate::{
    cli::Scenario,
    service::Service,
    stage::{
        PlayPins, Setting, Through,
        rules::{Ruled, activation::World},
    },
};

/// A service whose card arrives inactive, on tokens like this; and what is bent before the rules look.
struct Played {
    service: Service,
    through: Through,
    bend: fn(&mut World<'_>),
    breaks_off: bool,
}

impl Played {
    fn of(service: Service) -> Self {
        Self { service, through: |token| token, bend: |_| {}, breaks_off: false }
    }

    fn sound() -> Self {
        Self::of(Service::known(Scenario::Activation).ok().unwrap())
    }

    /// With this in the place of that in its file; the rules expect what they did.
    fn but(replaced: &str, by: &str) -> Self {
        Self::of(Service::but(Scenario::Activation, replaced, by))
    }

    fn bent(bend: fn(&mut World<'_>)) -> Self {
        Self { bend, ..Self::sound() }
    }

    fn through(through: Through) -> Self {
        Self { through, ..Self::sound() }
    }

    /// All rules, as they were looked at.
    fn rules(self) -> Vec<Ruled> {
        let folder = tempfile::tempdir().unwrap();
        let pins = PlayPins { authentication: "1234".into(), signature: "567890".into() };
        let setting = Setting { keep: Some(folder.path()), through: self.through, ..Setting::new(self.service, pins) };
        let stage = Stage::set(setting, SystemTime::now()).unwrap();
        let (report, failure) = activated(&stage, self.bend);
        assert_eq!(failure.is_some(), self.breaks_off, "{:?}", failure.map(|failure| failure.message().to_owned()));
        report.rules
    }

    /// Names of those that are red.
    fn red(self) -> Vec<String> {
        let rules = self.rules();
        assert_eq!(rules.len(), rules::activation::rules().len());
        let red: Vec<_> = rules.into_iter().filter(|one| one.ok == Some(false)).collect();
        red.iter().for_each(|one| println!("{}: {}", one.id, one.seen));
        red.into_iter().map(|one| one.id).collect()
    }
}

worlds! { rules::activation::rules();
    a_sound_card: Played::sound() => [];

    a_service_that_takes_nobody: Played::but("open = true", "open = false")
        => [
            "activation/registration",
            "activation/correction",
            "activation/identity",
            "activation/contract",
            "activation/transport-pin-page",
        ];

    an_office_that_says_yes_to_everything: Played::bent(|world| world.office.done = |_| Ok(()))
        => ["activation/correction", "activation/identity", "activation/contract", "activation/transport-pin-page"];

    pages_that_do_what_is_only_looked_at: Played::bent(|world| {
        world.office.asked = |stage, request| {
            let mut request = request.clone();
            request.method = Method::Post;
            stage.ask(&request)
        };
    }) => ["activation/registration", "activation/transport-pin-page"];

    links_that_live_longer: Played::but("confirm_days = 7\ntransport_pin_days = 21", "confirm_days = 8\ntransport_pin_days = 22")
        => ["activation/registration", "activation/transport-pin-page"];

    a_card_that_arrives_active: Played::bent(|world| {
        let card = world.arrived.as_ref().ok().unwrap();
        card.activate().ok().unwrap();
    }) => [
            "activation/arrived",
            "activation/unused/client",
            "activation/unused/card",
            "activation/activated",
            "activation/torn",
            "activation/transport-pin-dead/client",
            "activation/transport-pin-dead/card",
            "activation/puk-sets-pin",
            "activation/puk-blocked/client",
            "activation/puk-blocked/card",
            "activation/tries-shown",
            "activation/last-try",
        ];

    a_card_that_hides_its_tries: Played::through(|token| Careless::boxed(token, How::HidesTries))
        => ["activation/tries-shown", "activation/last-try"];

    a_card_that_needs_no_puk: Played::through(|token| Careless::boxed(token, How::AnyPuk))
        => ["activation/puk-blocked/client", "activation/puk-blocked/card"];

    a_puk_that_does_nothing: Played::through(|token| Careless::boxed(token, How::IdlePuk))
        => ["activation/puk-sets-pin"];

    a_driver_that_checks_later: Played::through(|token| Careless::boxed(token, How::ChecksLater))
        => [
            "activation/checked-first",
            "activation/tries-shown",
        ];

    a_card_that_is_finished_when_torn: Played::through(|token| Careless::boxed(token, How::OneAttempt))
        => [
            "activation/torn",
            "activation/tries-shown",
        ];

    a_driver_that_takes_the_transport_pin_again: Played::through(|token| Careless::boxed(token, How::ActivatesAgain))
        => ["activation/transport-pin-dead/client"];

    a_card_whose_transport_pin_stays: Played::through(|token| Careless::boxed(token, How::KeepsTransport))
        => ["activation/activated", "activation/transport-pin-dead/card"];

    a_card_that_is_dead_on_arrival: Played { breaks_off: true, ..Played::through(|token| Careless::boxed(token, How::Mute)) }
        => [
            "activation/transport-pin-page",
            "activation/arrived",
            "activation/unused/card",
            "activation/activated",
            "activation/torn",
            "activation/transport-pin-dead/client",
            "activation/transport-pin-dead/card",
            "activation/puk-sets-pin",
            "activation/puk-blocked/client",
            "activation/puk-blocked/card",
            "activation/tries-shown",
            "activation/last-try",
        ];

    no_card_that_arrives: Played { breaks_off: true, ..Played::but(AUTHENTICATION, "[authentication]\nvalidity_days = 365\nkeys = [\"rsa-2048\"]") }
        => [
            "activation/contract",
            "activation/transport-pin-page",
            "activation/arrived",
            "activation/unused/client",
            "activation/unused/card",
            "activation/checked-first",
            "activation/activated",
            "activation/torn",
            "activation/transport-pin-dead/client",
            "activation/transport-pin-dead/card",
            "activation/puk-sets-pin",
            "activation/puk-blocked/client",
            "activation/puk-blocked/card",
            "activation/tries-shown",
            "activation/last-try",
        ];
}

/// What stands in the file of the certificate one logs in with.
const AUTHENTICATION: &str =
    "[authentication]\nvalidity_days = 365\nkeys = [\"rsa-2048\", \"rsa-3072\", \"p-256\", \"p-384\"]";

/// A service of its own, judged by its file.
fn other(transport_pin: &str) {
    let name = format!("plays = \"activation\"\ntransport_pin = \"{transport_pin}\"");
    let service = Service::other(
        Scenario::Activation,
        &[
            ("plays = \"activation\"", &name),
            ("confirm_days = 7\ntransport_pin_days = 21", "confirm_days = 2\ntransport_pin_days = 5"),
            ("per_hour = 60", "per_hour = 3"),
            ("per_peer = 60", "per_peer = 2"),
            ("validity_days = 365", "validity_days = 90"),
            ("keys = [\"rsa-2048\", \"rsa-3072\", \"p-256\", \"p-384\"]", "keys = [\"p-384\"]"),
        ],
    );
    let rules = Played::of(service).rules();
    let red: Vec<_> = rules.iter().filter(|one| one.ok == Some(false)).map(|one| (&one.id, &one.seen)).collect();
    assert!(red.is_empty(), "{red:#?}");
    let page = rules.iter().find(|one| one.id == "activation/transport-pin-page").unwrap();
    assert!(page.seen.contains("after 5 days"), "{}", page.seen);
}

#[test]
fn a_transport_pin_in_the_place_of_every_password() {
    other("in-place");
}

#[test]
fn a_transport_pin_that_must_be_changed() {
    other("must-change");
}

#[test]
fn a_transport_pin_that_works_once() {
    other("single-use");
}

#[test]
fn a_transport_pin_of_five_digits() {
    other("five-digits");
}

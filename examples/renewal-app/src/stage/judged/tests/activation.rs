use std::time::SystemTime;

use obnova_card::{Offer, PasswordKind, PasswordState, PasswordStep, PasswordSteps, Secret, TokenError, Tries};
use obnova_client::{PinRequest, Progress, Prompt, PromptError, Question};
use obnova_enroll::est::Method;
use obnova_renewal::CardView;

use super::{
    super::*,
    careless::{Careless, How},
};
use crate::{
    cli::Scenario,
    compared::compared,
    service::Service,
    stage::{
        PlayPins, Setting, Through,
        arrived::CHOSEN,
        rules::{
            Ruled,
            activation::{World, offers, set},
        },
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
        assert_eq!(report.rules.len(), rules::activation::rules().len());
        report.rules
    }
}

worlds! { rules::activation::rules();
    a_sound_card: Played::sound() => [];

    a_service_that_takes_nobody: Played::but("open = true", "open = false")
        => [
            "activation/registration": "there is no answer to the form",
            "activation/correction": "there is no answer to the form",
            "activation/identity": "there is no answer to the form",
            "activation/contract": "there is no answer to the form",
            "activation/transport-pin-page": "there is no answer to the form",
        ];

    an_office_that_says_yes_to_everything: Played::bent(|world| world.office.done = |_| Ok(()))
        => [
            "activation/correction": "not refused: unknown-applicant was expected",
            "activation/identity": "not refused: too-early was expected",
            "activation/contract": "not refused: too-early was expected",
            "activation/transport-pin-page": "not refused: too-early was expected",
        ];

    pages_that_do_what_is_only_looked_at: Played::bent(|world| {
        world.office.asked = |stage, request| {
            let mut request = request.clone();
            request.method = Method::Post;
            stage.ask(&request)
        };
    }) => [
            "activation/registration": "after the form and a look at the link: confirmed",
            "activation/transport-pin-page": "looked at, it answers and shows [(200, true), (410, false)]",
        ];

    links_that_live_longer: Played::but("confirm_days = 7\ntransport_pin_days = 21", "confirm_days = 8\ntransport_pin_days = 22")
        => [
            "activation/registration": "opened an hour after 7 days: confirmed",
            "activation/transport-pin-page": "an hour after 21 days: (200, true)",
        ];

    a_card_that_arrives_active: Played::bent(|world| {
        let card = world.arrived.as_ref().ok().unwrap();
        card.activate().ok().unwrap();
    }) => [
            "activation/arrived": "it is not a transport PIN of the service's kind that it waits for:",
            "activation/unused/client": "the driver says Err(WrongSecret { password: AuthenticationPin, tries:",
            "activation/unused/card": "signatures were made by raw commands",
            "activation/checked-first/client": "no PUK: the driver says Err(Unsupported",
            "activation/checked-first/card": "a PIN that can be one: this token cannot be activated: it is active already",
            "activation/activated": "is active already",
            "activation/torn": "is active already",
            "activation/transport-pin-dead/client": "is active already",
            "activation/transport-pin-dead/card": "is active already",
            "activation/puk-sets-pin": "is active already",
            "activation/puk-blocked/client": "is active already",
            "activation/puk-blocked/card": "is active already",
            "activation/tries-shown": "is active already",
            "activation/tries-shown-signature-pin": "is active already",
            "activation/tries-shown-puk": "is active already",
            "activation/tries-shown-torn": "is active already",
            "activation/last-try": "is active already",
            "activation/last-try-signature-pin": "is active already",
            "activation/last-try-puk": "is active already",
            "activation/last-try-transport-pin": "it is no transport PIN with tries that it waits for: None",
        ];

    a_card_that_hides_its_tries: Played::through(|token| Careless::boxed(token, How::HidesTries))
        => [
            "activation/tries-shown": "shown of the authentication PIN before each attempt: [Unknown, Known(2)], and it had 3",
            "activation/tries-shown-signature-pin": "shown of the signature PIN before each attempt: [Unknown, Known(2)], and it had 3",
            "activation/tries-shown-puk": "shown of the PUK before each attempt: [Unknown, Known(4)], and it had 5",
        ];

    a_card_that_needs_no_puk: Played::through(|token| Careless::boxed(token, How::AnyPuk))
        => [
            "activation/puk-blocked/client": "a wrong PUK was taken",
            "activation/puk-blocked/card": "a wrong PUK was taken",
            "activation/tries-shown-puk": "shown of the PUK before each attempt: [Known(5)], and it had 5",
            "activation/last-try-puk": "nobody said yes, and it ended otherwise: Ok(())",
        ];

    a_puk_that_does_nothing: Played::through(|token| Careless::boxed(token, How::IdlePuk))
        => ["activation/puk-sets-pin": "the authentication PIN that the PUK set: the authentication PIN is blocked: unblock"];

    a_driver_that_checks_later: Played::through(|token| Careless::boxed(token, How::ChecksLater))
        => [
            "activation/checked-first/client": "a short PIN: the driver says Err(Unsupported { what: \"be activated:",
            "activation/tries-shown": "the last try for the transport PIN, or what may be the last, was",
        ];

    a_card_that_takes_whatever_is_sent: Played::bent(|world| world.client.activate_unchecked = |_, _| Ok(()))
        => ["activation/checked-first/card": "a short PIN is taken by the card"];

    a_card_that_says_no_and_is_active: Played::bent(|world| {
        world.client.activate_unchecked = |card, pin| match card.activate_unchecked(CHOSEN[0]) {
            Ok(()) if pin != CHOSEN[0] => Err(TokenError::NotActive),
            outcome => outcome,
        };
    }) => ["activation/checked-first/card": "(card activate), and the card is active"];

    a_card_that_is_finished_when_torn: Played::through(|token| Careless::boxed(token, How::OneAttempt))
        => [
            "activation/checked-first/client": "a short PIN: the driver says Err(Finished { password: TransportPin })",
            "activation/torn": "then again: the card is finished",
            "activation/transport-pin-dead/client": "asked once more the driver says Err(Finished { password: TransportPin",
            "activation/tries-shown": "the card is finished",
            "activation/last-try-transport-pin": "it ended otherwise: Err(Token(Finished { password: TransportPin }))",
        ];

    a_driver_that_takes_the_transport_pin_again: Played::through(|token| Careless::boxed(token, How::ActivatesAgain))
        => ["activation/transport-pin-dead/client": "asked once more the driver says Ok(())"];

    a_card_whose_transport_pin_stays: Played::through(|token| Careless::boxed(token, How::KeepsTransport))
        => [
            "activation/unused/card": "of 2 keys of an active card the same raw commands use 1",
            "activation/activated": "the signature key and its new PIN: the signature PIN is wrong",
            "activation/transport-pin-dead/card": "the card takes it as password 2",
            "activation/tries-shown-signature-pin": "the last try for the signature PIN, or what may be the last, was kept",
            "activation/tries-shown-torn": "of the signature PIN it shows None, and with another one: Err(",
            "activation/last-try-signature-pin": "the signature PIN is blocked",
        ];

    a_card_whose_puk_is_the_transport_pin: Played::through(|token| Careless::boxed(token, How::KeepsTransportAsPuk))
        => [
            "activation/transport-pin-dead/card": "the card takes it as the PUK",
            "activation/puk-sets-pin": "the PUK is wrong",
            "activation/puk-blocked/card": "before the PUK was blocked it does not work either",
            "activation/tries-shown-puk": "nothing more is typed",
            "activation/tries-shown-torn": "of the PUK it shows None, and with another one: Err(",
            "activation/last-try-puk": "the PUK is blocked",
        ];

    a_card_that_forgets_that_its_puk_is_blocked: Played::through(|token| Careless::boxed(token, How::ForgetsBlocked))
        => ["activation/puk-blocked/client": "it is not said"];

    a_puk_that_is_not_blocked: Played::through(|token| Careless::boxed(token, How::DisownsPuk))
        => [
            "activation/torn": "then compared: the PUK is blocked",
            "activation/puk-sets-pin": "the PUK was not offered",
            "activation/puk-blocked/card": "with the right PUK: 9000",
            "activation/tries-shown-puk": "the PUK is blocked",
            "activation/last-try-puk": "it ended otherwise: Err(Token(Blocked { password: Puk",
        ];

    a_client_that_spends_the_last_try: Played::bent(|world| {
        world.client.set = |token, prompt, by, new| set(token, &mut Yes(prompt), by, new);
        world.client.activate = |token, prompt, new| obnova_client::activate(token, &mut Yes(prompt), new);
    })
        => [
            "activation/last-try": "nobody said yes, and it ended otherwise: Ok(())",
            "activation/last-try-signature-pin": "nobody said yes, and it ended otherwise: Ok(())",
            "activation/last-try-puk": "nobody said yes, and it ended otherwise: Ok(())",
            "activation/last-try-transport-pin": "nobody said yes, and it ended otherwise: Ok(())",
        ];

    a_client_that_does_not_call_a_wrong_one_wrong: Played::bent(|world| {
        world.client.set = |token, prompt, by, new| set(token, &mut Mild(prompt), by, new);
        world.client.activate = |token, prompt, new| obnova_client::activate(token, &mut Mild(prompt), new);
    })
        => [
            "activation/last-try": "a yes was asked for: [(AuthenticationPin, false), (AuthenticationPin, false)]",
            "activation/last-try-signature-pin": "a yes was asked for: [(SignaturePin, false), (SignaturePin, false)]",
            "activation/last-try-puk": "a yes was asked for: [(Puk, false), (Puk, false)]",
            "activation/last-try-transport-pin": "a yes was asked for: [(TransportPin, false), (TransportPin, false)]",
        ];

    a_client_that_offers_what_cannot_work: Played::bent(|world| {
        world.client.offers = |card| {
            let mut steps = offers(card);
            let step = PasswordStep::Unblock(PasswordKind::AuthenticationPin);
            steps.offers.push(Offer { step, takes: Some((PasswordKind::Puk, Tries::Unknown)) });
            steps
        };
    })
        => ["activation/puk-blocked/client": "offered all the same: [Change(SignaturePin), Unblock(AuthenticationPin)]"];

    a_client_that_offers_nothing: Played::bent(|world| world.client.offers = |_| PasswordSteps::default())
        => [
            "activation/puk-sets-pin": "the PUK was not offered",
            "activation/puk-blocked/client": "it is not said: []",
        ];

    a_client_that_does_not_show_what_goes_on: Played {
        bend: |world| world.client.compared = |_| Vec::new(),
        ..Played::but("plays = \"activation\"", "plays = \"activation\"\ntransport_pin = \"in-place\"")
    }
        => ["activation/tries-shown-torn": "of the authentication PIN it shows None, and with another one: Err("];

    a_client_that_shows_other_tries: Played {
        bend: |world| world.client.compared = |card| {
            let mut shown = compared(card);
            shown.iter_mut().for_each(|status| status.state = PasswordState::Active(Tries::Known(5)));
            shown
        },
        ..Played::but("plays = \"activation\"", "plays = \"activation\"\ntransport_pin = \"single-use\"")
    }
        => ["activation/tries-shown-torn": "it shows Active(Known(5)), and the card has Active(Known(3))"];

    a_client_that_shows_what_costs_nothing: Played::bent(|world| world.client.compared = |card| card.passwords.clone())
        => ["activation/tries-shown-torn": "of the authentication PIN it shows Some("];

    a_driver_that_activates_nothing: Played::through(|token| Careless::boxed(token, How::IdleActivation))
        => [
            "activation/transport-pin-page": "not active yet",
            "activation/unused/card": "of 2 keys of an active card the same raw commands use 0",
            "activation/checked-first/client": "no PUK: the driver says Ok(())",
            "activation/activated": "the card is not active",
            "activation/torn": "torn at command 1: the card is not active yet: activate it first",
            "activation/transport-pin-dead/client": "activation is offered once more",
            "activation/transport-pin-dead/card": "the card takes it as password 4",
            "activation/puk-sets-pin": "the PIN is not blocked after 20 wrong ones",
            "activation/puk-blocked/client": "the PIN is not blocked after 20 wrong ones",
            "activation/puk-blocked/card": "the PIN is not blocked after 20 wrong ones",
            "activation/tries-shown": "the authentication PIN is no password that has tries: Some(Empty)",
            "activation/tries-shown-signature-pin": "the signature PIN is no password that has tries: Some(Empty)",
            "activation/tries-shown-puk": "the PUK is no password that has tries: Some(Empty)",
            "activation/last-try": "the authentication PIN is no password that has tries: Some(Empty)",
            "activation/last-try-signature-pin": "the signature PIN is no password that has tries: Some(Empty)",
            "activation/last-try-puk": "the PUK is no password that has tries: Some(Empty)",
            "activation/last-try-transport-pin": "nobody said yes, and it ended otherwise: Ok(())",
        ];

    a_card_that_is_dead_on_arrival: Played { breaks_off: true, ..Played::through(|token| Careless::boxed(token, How::Mute)) }
        => [
            "activation/transport-pin-page": "the card is finished",
            "activation/arrived": "the card is finished",
            "activation/unused/card": "the card is finished",
            "activation/activated": "the card is finished",
            "activation/torn": "the card is finished",
            "activation/transport-pin-dead/client": "the card is finished",
            "activation/transport-pin-dead/card": "the card is finished",
            "activation/puk-sets-pin": "the card is finished",
            "activation/puk-blocked/client": "the card is finished",
            "activation/puk-blocked/card": "the card is finished",
            "activation/tries-shown": "the card is finished",
            "activation/tries-shown-signature-pin": "the card is finished",
            "activation/tries-shown-puk": "the card is finished",
            "activation/tries-shown-torn": "the card is finished",
            "activation/last-try": "the card is finished",
            "activation/last-try-signature-pin": "the card is finished",
            "activation/last-try-puk": "the card is finished",
            "activation/last-try-transport-pin": "it ended otherwise: Err(Token(Finished { password: TransportPin }))",
        ];

    no_card_that_arrives: Played { breaks_off: true, ..Played::but(AUTHENTICATION, "[authentication]\nvalidity_days = 365\nkeys = [\"rsa-2048\"]") }
        => [
            "activation/contract": "a P-256 key is not accepted",
            "activation/transport-pin-page": "a P-256 key is not accepted",
            "activation/arrived": "no card arrived",
            "activation/unused/client": "no card arrived",
            "activation/unused/card": "no card arrived",
            "activation/checked-first/client": "no card arrived",
            "activation/checked-first/card": "no card arrived",
            "activation/activated": "no card arrived",
            "activation/torn": "no card arrived",
            "activation/transport-pin-dead/client": "no card arrived",
            "activation/transport-pin-dead/card": "no card arrived",
            "activation/puk-sets-pin": "no card arrived",
            "activation/puk-blocked/client": "no card arrived",
            "activation/puk-blocked/card": "no card arrived",
            "activation/tries-shown": "no card arrived",
            "activation/tries-shown-signature-pin": "no card arrived",
            "activation/tries-shown-puk": "no card arrived",
            "activation/tries-shown-torn": "no card arrived",
            "activation/last-try": "no card arrived",
            "activation/last-try-signature-pin": "no card arrived",
            "activation/last-try-puk": "no card arrived",
            "activation/last-try-transport-pin": "no card arrived",
        ];
}

/// With a PUK and a PIN that are blocked: whatever takes either.
#[test]
fn every_offer_that_cannot_work_is_seen_red() {
    type Offers = fn(&CardView) -> PasswordSteps;
    let offering: [(Offers, &str); 3] = [
        (|card| and(offers(card), PasswordStep::Unblock(PasswordKind::SignaturePin)), "Unblock(SignaturePin)]"),
        (|card| and(offers(card), PasswordStep::Change(PasswordKind::Puk)), "Change(Puk)]"),
        (|card| and(offers(card), PasswordStep::Change(PasswordKind::AuthenticationPin)), "Change(AuthenticationPin)]"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let pins = PlayPins { authentication: "1234".into(), signature: "567890".into() };
    let service = Service::known(Scenario::Activation).ok().unwrap();
    let setting = Setting { keep: Some(folder.path()), ..Setting::new(service, pins) };
    let stage = Stage::set(setting, SystemTime::now()).unwrap();
    let mut world = World::new(&stage, Arrived::new(&stage));
    let mut rules = rules::activation::rules();
    rules.retain(|rule| rule.id == "activation/puk-blocked/client");
    for (offers, seen) in offering {
        world.client.offers = offers;
        let ruled = rules::judge("activation", &mut world, &rules);
        super::assert_red(&ruled, &[("activation/puk-blocked/client", seen)]);
    }
}

fn and(mut steps: PasswordSteps, step: PasswordStep) -> PasswordSteps {
    steps.offers.push(Offer { step, takes: None });
    steps
}

/// Says yes to everything in the holder's place.
struct Yes<'p>(&'p mut dyn Prompt);

impl Prompt for Yes<'_> {
    fn pin(&mut self, request: &PinRequest) -> Result<Secret, PromptError> {
        self.0.pin(request)
    }
    fn confirm(&mut self, _question: &Question<'_>) -> Result<bool, PromptError> {
        Ok(true)
    }
    fn progress(&mut self, progress: &Progress<'_>) {
        self.0.progress(progress);
    }
}

/// Keeps from the holder that the one before was wrong.
struct Mild<'p>(&'p mut dyn Prompt);

impl Prompt for Mild<'_> {
    fn pin(&mut self, request: &PinRequest) -> Result<Secret, PromptError> {
        self.0.pin(request)
    }
    fn confirm(&mut self, question: &Question<'_>) -> Result<bool, PromptError> {
        match *question {
            Question::LastTry { password, tries, .. } => {
                self.0.confirm(&Question::LastTry { password, tries, was_wrong: false })
            }
            _ => self.0.confirm(question),
        }
    }
    fn progress(&mut self, progress: &Progress<'_>) {
        self.0.progress(progress);
    }
}

/// What stands in the file of the certificate one logs in with.
const AUTHENTICATION: &str =
    "[authentication]\nvalidity_days = 365\nkeys = [\"rsa-2048\", \"rsa-3072\", \"p-256\", \"p-384\"]";

/// A service of its own, judged by its file.
fn other(transport_pin: &str, key: &str) {
    let name = format!("plays = \"activation\"\ntransport_pin = \"{transport_pin}\"");
    let service = Service::other(
        Scenario::Activation,
        &[
            ("plays = \"activation\"", &name),
            ("confirm_days = 7\ntransport_pin_days = 21", "confirm_days = 2\ntransport_pin_days = 5"),
            ("per_hour = 60", "per_hour = 3"),
            ("per_peer = 60", "per_peer = 2"),
            ("validity_days = 365", "validity_days = 90"),
            ("keys = [\"rsa-2048\", \"rsa-3072\", \"p-256\", \"p-384\"]", &format!("keys = [\"{key}\"]")),
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
    other("in-place", "p-384");
}

#[test]
fn a_transport_pin_that_must_be_changed() {
    other("must-change", "rsa-2048");
}

#[test]
fn a_transport_pin_that_works_once() {
    other("single-use", "p-384");
}

#[test]
fn a_transport_pin_of_five_digits() {
    other("five-digits", "p-384");
}

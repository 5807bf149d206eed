//! What an earlier renewal left on the card is gone on with, and never mistaken for the pair that is renewed.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use obnova_algorithm::KeyAlgorithm;
use obnova_card::{GenerateKey, InPlaceOnly, KeyRole, Pin, SlotId, Token};
use obnova_renewal::{
    Action, CardView, Completion, Event, NotEligible, Pair, PinUse, Plan, Policy, Process, Reason, Refusal, Stage, scan,
};
use support::{Holder, House, days, now, pin_for, play::Play, view};

const PAIR: [SlotId; 2] = [SlotId(3), SlotId(4)];

fn pin() -> Pin {
    Pin::new(pin_for(obnova_card::PasswordKind::AuthenticationPin))
}

fn play() -> Play {
    let house = House::new("CN=Root");
    let token = Box::new(Holder::new(&house).token());
    Play::new(house, token)
}

/// The old pair begins at the same moment as the new one, and ends before it: as from a CA that has only begun.
fn play_at_once() -> Play {
    let house = House::new("CN=Root");
    let mut card = Holder::empty_card();
    Holder::personalise(&mut card, &house, KeyAlgorithm::P256, [1, 2], |_, draft| draft.from = now() - days(1));
    let token = obnova_card::ProfileToken::new(obnova_simulator::SimulatorConnection::new(card));
    Play::new(house, Box::new(token))
}

/// A renewal that was stopped before this stage, and of which nothing is left but the card and what the CA knows.
fn stopped_before(stage: Stage) -> Play {
    let mut play = play();
    while play.process.stage() != stage {
        assert_eq!(play.step(), None, "{stage} never came");
    }
    play.begin_again()
}

fn plan(card: &CardView) -> Plan {
    Plan::make(card, &Policy::twins(), now()).unwrap()
}

fn waiting(plan: &Plan) -> Pair<bool> {
    Pair::from_fn(|role| plan.new.get(role).unwrap().waiting.is_some())
}

fn slots(plan: &Plan) -> [SlotId; 2] {
    [plan.new.authentication.as_ref().unwrap().slot, plan.new.signature.as_ref().unwrap().slot]
}

fn keys_on(card: &CardView) -> usize {
    card.slots.iter().filter(|slot| slot.key.is_some()).count()
}

fn finish(mut play: Play) -> CardView {
    let end = play.run();
    assert!(matches!(end, Action::Done(_)), "{end:?}");
    let card = view(play.token.as_mut());
    assert_eq!((keys_on(&card), scan(&card)), (4, vec![]));
    assert!(card.slots[..2].iter().all(|slot| slot.certificates[0].superseded), "the old pair is not marked");
    assert!(card.slots[2..4].iter().all(|slot| slot.certificates.len() == 1 && !slot.certificates[0].superseded));
    card
}

#[test]
fn two_keys_that_wait_are_gone_on_with_and_none_is_made() {
    let play = stopped_before(Stage::PickUp);
    let plan = play.process.plan().clone();
    assert_eq!((waiting(&plan), slots(&plan)), (Pair { authentication: true, signature: true }, PAIR));
    assert!(plan.unfinished.is_empty() && Pair::ROLES.iter().all(|role| !plan.has(PinUse::MakeKey(*role))));
    assert_eq!(plan.asks.len(), 4, "nothing is asked for to make keys");
    assert_eq!(serde_json::from_str::<Plan>(&serde_json::to_string(&plan).unwrap()).unwrap(), plan);
    finish(play);
}

#[test]
fn one_key_that_waits_gets_its_twin() {
    let play = stopped_before(Stage::Generate(KeyRole::Signature));
    let plan = play.process.plan();
    assert_eq!((waiting(plan), slots(plan)), (Pair { authentication: true, signature: false }, PAIR));
    assert!(!plan.has(PinUse::MakeKey(KeyRole::Authentication)) && plan.has(PinUse::MakeKey(KeyRole::Signature)));
    finish(play);
}

#[test]
fn a_process_with_keys_that_waited_is_read_back() {
    let mut play = stopped_before(Stage::PickUp);
    while play.process.stage() != Stage::Prepare {
        play.step();
        let process = Process::replay(&play.records).unwrap();
        assert!(process == play.process && process.keys().is_some());
        play.forget();
    }
    finish(play);
}

#[test]
fn a_key_that_does_not_work_is_found_out_by_its_request() {
    let mut play = stopped_before(Stage::PickUp);
    while play.process.stage() != Stage::Request(KeyRole::Authentication) {
        play.step();
    }
    let junk = Event::Signed(vec![vec![0x30, 6, 2, 1, 1, 2, 1, 1]]);
    assert!(play.process.handle(junk, now()).is_err());
}

#[test]
fn of_several_the_first_is_taken_and_the_others_are_told() {
    let mut play = stopped_before(Stage::PickUp);
    let more = GenerateKey {
        slot: SlotId(5),
        role: KeyRole::Authentication,
        algorithm: KeyAlgorithm::P256,
        label: "more".into(),
    };
    play.token.generate(&more, &pin()).unwrap();
    let plan = plan(&view(play.token.as_mut()));
    assert_eq!((slots(&plan), plan.unfinished), (PAIR, vec![SlotId(5)]));
}

#[test]
fn keys_of_another_kind_or_that_cannot_be_told_are_left_alone_and_told() {
    let mut play = stopped_before(Stage::PickUp);
    let mut card = view(play.token.as_mut());
    let mut policy = Policy::twins();
    policy.algorithms.signature = Some(KeyAlgorithm::P384);
    let other = Plan::make(&card, &policy, now()).unwrap();
    assert_eq!((slots(&other), other.unfinished), ([SlotId(3), SlotId(5)], vec![SlotId(4)]));
    card.slots[2].key.as_mut().unwrap().public_key = None;
    let mute = plan(&card);
    assert_eq!(waiting(&mute), Pair { authentication: false, signature: true });
    assert_eq!((slots(&mute), mute.unfinished), ([SlotId(5), SlotId(4)], vec![SlotId(3)]));
}

#[test]
fn a_full_card_has_room_for_keys_that_are_there() {
    let mut play = stopped_before(Stage::PickUp);
    let mut card = view(play.token.as_mut());
    card.slots.truncate(4);
    assert_eq!(slots(&plan(&card)), PAIR);
    card.slots.truncate(3);
    let Err(NotEligible { reasons }) = Plan::make(&card, &Policy::twins(), now()) else { panic!() };
    assert_eq!(reasons, [Reason::NoFreeSlot { needed: 1, free: 0 }]);
}

#[test]
fn a_card_that_can_only_replace_keys_has_none_that_wait() {
    let house = House::new("CN=Root");
    let card = view(&mut InPlaceOnly::new(Holder::new(&house).token(), &[SlotId(1), SlotId(2)]));
    assert_eq!(waiting(&plan(&card)), Pair { authentication: false, signature: false });
}

#[test]
fn a_plan_of_before_keys_could_wait_is_still_read() {
    let plan = plan(&Holder::new(&House::new("CN=Root")).view());
    let text = serde_json::to_string(&plan).unwrap();
    assert!(!text.contains("waiting"));
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
}

/// Installs one certificate of the new pair, as a token leaves it that cannot install two at once.
fn half_installed(mut play: Play, role: KeyRole) -> Play {
    let job = loop {
        match play.next() {
            Action::Install { jobs, .. } => {
                let slot = play.process.plan().new.get(role).unwrap().slot;
                break jobs.into_iter().find(|job| job.slot == slot).unwrap();
            }
            _ => assert_eq!(play.step(), None),
        }
    };
    play.token.install(&[job], &[], &pin()).unwrap();
    play
}

#[test]
fn half_a_new_pair_is_not_taken_for_the_old_one_and_gets_its_other_half() {
    for role in Pair::ROLES {
        for play in [play(), play_at_once()] {
            let play = half_installed(play, role).begin_again();
            let plan = play.process.plan();
            assert_eq!(
                [plan.old.authentication.as_ref().unwrap().slot, plan.old.signature.as_ref().unwrap().slot],
                [SlotId(1), SlotId(2)],
                "{role}"
            );
            assert_eq!((waiting(plan), slots(plan)), (Pair { authentication: true, signature: true }, PAIR), "{role}");
            assert!(plan.unfinished.is_empty());
            finish(play);
        }
    }
}

#[test]
fn a_key_that_waits_does_not_take_a_whole_pair_apart() {
    let house = House::new("CN=Root");
    let mut card = Holder::empty_card();
    Holder::personalise(&mut card, &house, KeyAlgorithm::P256, [1, 2], |_, draft| draft.from = now() - days(700));
    Holder::personalise(&mut card, &house, KeyAlgorithm::P256, [3, 4], |_, _| {});
    let mut token = obnova_card::ProfileToken::new(obnova_simulator::SimulatorConnection::new(card));
    for (slot, role) in [(5, KeyRole::Signature), (6, KeyRole::Authentication)] {
        let order = GenerateKey { slot: SlotId(slot), role, algorithm: KeyAlgorithm::P256, label: "left".into() };
        token.generate(&order, &pin()).unwrap();
        let plan = plan(&view(&mut token));
        assert_eq!(
            [plan.old.authentication.as_ref().unwrap().slot, plan.old.signature.as_ref().unwrap().slot],
            [SlotId(3), SlotId(4)]
        );
    }
}

#[test]
fn files_complete_half_a_pair_and_say_when_nothing_is_missing() {
    for role in Pair::ROLES {
        let mut play = half_installed(play(), role);
        let (files, terms) = (play.issue(), play.house.terms());
        let complete = |play: &mut Play, files: &[Vec<u8>]| {
            Completion::make(&view(play.token.as_mut()), files, &Policy::twins(), &terms, now())
        };
        let alone = complete(&mut play, &files[..1]).unwrap_err();
        assert_eq!(alone, Refusal::OnlyOneOfTwo { missing: KeyRole::Signature });
        let made = complete(&mut play, &files).unwrap();
        let missing = if role == KeyRole::Signature { SlotId(3) } else { SlotId(4) };
        assert_eq!(made.jobs.iter().map(|job| job.slot).collect::<Vec<_>>(), [missing], "{role} is there");
        assert_eq!(made.superseded, [SlotId(1), SlotId(2)]);
        assert!(!made.is_done());
        play.token.install(&made.jobs, &made.superseded, &pin()).unwrap();
        let again = complete(&mut play, &files).unwrap();
        assert!(again.is_done() && again.certificates == made.certificates);
    }
}

#[test]
fn files_that_are_taken_already_change_nothing() {
    let mut play = play();
    while play.process.stage() != Stage::PickUp {
        play.step();
    }
    let files = play.issue();
    play.take(Event::Files(files.clone()));
    let before = play.process.clone();
    assert_eq!(play.process.handle(Event::Files(files.clone()), now()).unwrap(), []);
    assert!(play.process == before && play.process.stage() == Stage::Install);
    assert!(play.process.handle(Event::Files(files[..1].to_vec()), now()).is_err(), "others are not taken");
}

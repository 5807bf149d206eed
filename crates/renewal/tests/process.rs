//! The whole of `twins` as a machine: what it does in which order, and that it resumes after being dropped anywhere.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::time::Duration;

use obnova_algorithm::KeyAlgorithm;
use obnova_card::{InPlaceOnly, InstallCertificate, KeyRole, PasswordKind, Pin, SlotId};
use obnova_renewal::{
    Action, Answer, AskStatus, ByRole, CertificateView, Event, Fact, Failure, LinkAnswer, LinkRefusal, Message, Pair,
    Phase, PickUp, PinUse, Plan, Policy, Process, ProcessError, Question, Receipt, Record, Refusal, ReplayError, Risk,
    SlotView, Source, Stage, Standing, Vouching,
};
use support::{
    Draft, Holder, House, days, now, pin_for,
    play::{Play, new_certificates},
    view,
};

fn twins() -> Play {
    let house = House::new("CN=Root");
    let token = Box::new(Holder::new(&house).token());
    Play::new(house, token)
}

fn assert_renewed(play: &mut Play) {
    let plan = play.process.plan().clone();
    assert_eq!(new_certificates(play.token.as_mut(), &plan), Pair { authentication: 1, signature: 1 });
    let slots = play.token.slots().unwrap();
    for (role, old) in plan.old.iter() {
        let slot = slots.iter().find(|slot| slot.id == old.slot).unwrap();
        assert!(slot.key.is_some() && slot.certificates[0].superseded, "the old {role} pair stays, marked");
        assert_eq!(slot.certificates[0].der, old.certificate.der());
    }
    let with_key = slots.iter().filter(|slot| slot.key.is_some()).count();
    assert_eq!(with_key, 4, "two old keys, two new ones, and none made in vain");
}

#[test]
fn the_order_of_things() {
    let mut play = twins();
    let end = play.run();
    let expected = [
        "standing",
        "ask",
        "terms",
        "generate",
        "generate",
        "request",
        "request",
        "prepare",
        "vouch",
        "vouch",
        "seal",
        "send",
        "pick-up",
        "pick-up",
        "install",
        "look",
        "acknowledge",
        "prove-login",
        "prove-signature",
        "done",
    ];
    assert_eq!(play.actions, expected);
    let Action::Done(summary) = end else { panic!("{end:?}") };
    assert_eq!(summary.logged_in_as.as_deref(), Some("CN=Jana Nováková"));
    assert_eq!(summary.proven, [KeyRole::Authentication, KeyRole::Signature]);
    assert_renewed(&mut play);
}

#[test]
fn what_is_replayed_is_what_ran() {
    let mut play = twins();
    loop {
        let text: Vec<String> = play.records.iter().map(|record| serde_json::to_string(record).unwrap()).collect();
        let read: Vec<Record> = text.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(read, play.records);
        assert_eq!(Process::replay(&read).unwrap(), play.process);
        if play.step().is_some() {
            break;
        }
    }
    assert_eq!(play.process.stage(), Stage::Done);
}

#[test]
fn dropped_after_every_step_it_goes_on() {
    let steps = {
        let mut play = twins();
        play.run();
        play.actions.len()
    };
    for stop in 0..steps {
        let mut play = twins();
        (0..stop).for_each(|_| assert!(play.step().is_none()));
        play.forget();
        assert!(matches!(play.run(), Action::Done(_)), "dropped after step {stop}");
        assert_renewed(&mut play);
        assert!(
            play.actions.len() <= steps + 1,
            "dropped after step {stop}: one look more at most: {:?}",
            play.actions
        );
    }
}

#[test]
fn dropped_between_deed_and_record_it_goes_on() {
    let steps = {
        let mut play = twins();
        play.run();
        play.actions.len()
    };
    for stop in 0..steps {
        let mut play = twins();
        (0..stop).for_each(|_| assert!(play.step().is_none()));
        let action = play.next();
        let _lost = play.perform(&action);
        play.forget();
        assert!(matches!(play.run(), Action::Done(_)), "dropped in {}", action.name());
        assert_renewed(&mut play);
    }
}

#[test]
fn a_journal_cut_at_any_record_goes_on() {
    let mut play = twins();
    play.run();
    for cut in 1..=play.records.len() {
        let process = Process::replay(&play.records[..cut]).unwrap();
        let action = process.next(now());
        assert!(!matches!(action, Action::Generate { .. } | Action::Install { .. }), "without a look: {action:?}");
    }
}

#[test]
fn a_key_that_was_made_in_vain_is_found_again() {
    let mut play = twins();
    while !matches!(play.next(), Action::Generate { .. }) {
        play.step();
    }
    let action = play.next();
    let Some(Event::KeyMade(lost)) = play.perform(&action) else { panic!() };
    play.forget();
    assert_eq!(play.next(), Action::Look);
    play.step();
    assert_eq!(play.records.iter().filter(|record| record.fact.name() == "key-found").count(), 1);
    assert!(matches!(&play.records[5].fact, Fact::KeyMade { public_key, found: true, .. } if *public_key == lost));
    play.run();
    assert_renewed(&mut play);
}

#[test]
fn each_record_comes_before_what_follows_from_it() {
    let mut play = twins();
    loop {
        let action = play.next();
        let known: Vec<_> = play.records.iter().map(|record| record.fact.name()).collect();
        let count = |name: &str| known.iter().filter(|known| **known == name).count();
        match &action {
            Action::Generate { order, .. } => {
                let role = order.role;
                assert!(play.records.iter().any(|record| record.fact == Fact::Generating(role)));
            }
            Action::Sign { .. } if action.name() == "request" => assert_eq!(count("key-made"), 2),
            Action::Prepare(_) => assert_eq!(count("requested"), 2),
            Action::Seal { .. } => assert_eq!(count("vouched"), 2),
            Action::Send(message) => {
                assert!(play.records.iter().any(|record| record.fact == Fact::Sealed(message.clone())));
            }
            Action::Install { .. } => assert_eq!((count("arrived"), count("installing")), (1, 1)),
            _ => {}
        }
        if play.step().is_some() {
            break;
        }
    }
}

#[test]
fn reordered_doubled_and_missing_records_are_told() {
    let mut play = twins();
    play.run();
    let good = play.records.clone();
    assert!(matches!(Process::replay(&[]), Err(ReplayError::Empty)));
    assert!(matches!(Process::replay(&good[1..]), Err(ReplayError::NotStarted)));
    for at in 1..good.len() {
        let fails = |records: &[Record]| matches!(Process::replay(records), Err(ReplayError::Record { .. }));
        let mut doubled = good.clone();
        doubled.insert(at, good[at].clone());
        assert!(fails(&doubled), "{} twice", good[at].fact.name());
        if at + 1 < good.len() {
            let mut swapped = good.clone();
            swapped.swap(at, at + 1);
            assert!(fails(&swapped), "{} after {}", good[at].fact.name(), good[at + 1].fact.name());
            let mut missing = good.clone();
            missing.remove(at);
            assert!(fails(&missing), "without {}", good[at].fact.name());
        }
    }
    let mut twice = good.clone();
    twice.extend(good);
    assert!(matches!(Process::replay(&twice), Err(ReplayError::Record { .. })));
}

#[test]
fn records_with_foreign_content_are_told() {
    let (mut ours, mut theirs) = (twins(), twins());
    ours.run();
    theirs.run();
    let mixes = ["key-made", "requested", "vouched"];
    for (at, (our, their)) in ours.records.iter().zip(&theirs.records).enumerate() {
        assert_eq!(our.fact.name(), their.fact.name());
        if mixes.contains(&our.fact.name()) {
            let mut mixed = ours.records.clone();
            mixed[at] = their.clone();
            assert!(matches!(Process::replay(&mixed), Err(ReplayError::Record { .. })), "foreign {}", our.fact.name());
        }
    }
    let at = ours.records.iter().position(|record| record.fact.name() == "arrived").unwrap();
    let mut mixed = ours.records[..=at].to_vec();
    mixed[at] = theirs.records[at].clone();
    let process = Process::replay(&mixed).unwrap();
    assert_eq!(process.next(now()), Action::Failed(Failure::Rejected(Refusal::AnotherKey)));
}

#[test]
fn text_that_is_no_record_is_told() {
    let mut play = twins();
    play.run();
    for record in &play.records {
        let text = serde_json::to_string(record).unwrap();
        for cut in (0..text.len()).filter(|cut| text.is_char_boundary(*cut)).step_by(7) {
            assert!(serde_json::from_str::<Record>(&text[..cut]).is_err());
        }
    }
    let deep = "[".repeat(100_000);
    for text in ["{}", "null", "{\"at\":1,\"fact\":\"unheard-of\"}", "{\"at\":-1,\"fact\":\"installed\"}", &deep] {
        assert!(serde_json::from_str::<Record>(text).is_err());
    }
    let later = "{\"at\":18446744073709551615,\"fact\":\"installed\"}";
    assert!(serde_json::from_str::<Record>(later).is_err());
}

#[test]
fn events_that_do_not_belong_change_nothing() {
    let mut play = twins();
    loop {
        let stage = play.process.stage();
        let strangers = [
            Event::KeyMade(play.process.plan().old.signature.as_ref().unwrap().certificate.public_key().clone()),
            Event::Signed(Vec::new()),
            Event::Signed(vec![vec![1; 64]]),
            Event::Installed,
            Event::Acknowledged,
            Event::LoggedIn(String::new()),
            Event::Sealed(Message(Vec::new())),
            Event::Files(Vec::new()),
        ];
        for event in strangers {
            let name = event.name();
            let before = play.process.clone();
            let fits = matches!(
                (name, stage),
                ("installed", Stage::Install)
                    | ("acknowledged", Stage::Acknowledge)
                    | ("logged-in", Stage::ProveLogin)
                    | ("sealed", Stage::Seal)
            );
            if !fits {
                assert!(play.process.handle(event, now()).is_err(), "{name} at {stage}");
                assert_eq!(play.process, before);
            }
        }
        if play.step().is_some() {
            break;
        }
    }
}

#[test]
fn a_no_ends_it_before_anything_was_done() {
    let mut play = twins();
    play.take(Event::Declined);
    assert_eq!(play.run(), Action::Failed(Failure::Declined));
    assert_eq!(play.token.slots().unwrap().iter().filter(|slot| slot.key.is_some()).count(), 2);
}

#[test]
fn the_risk_of_a_card_that_only_replaces_is_asked_about_first() {
    let in_place = || {
        let house = House::new("CN=Root");
        let token = InPlaceOnly::new(Holder::new(&house).token(), &[SlotId(1), SlotId(2)]);
        Play::new(house, Box::new(token))
    };
    let mut play = in_place();
    assert!(matches!(play.next(), Action::AskStanding(_)));
    play.step();
    assert_eq!(play.next(), Action::Ask(Question::Risk(Risk::InPlaceOnly)));
    let before = play.token.slots().unwrap();
    play.take(Event::Declined);
    assert_eq!(play.run(), Action::Failed(Failure::Declined));
    assert_eq!(play.token.slots().unwrap(), before);

    let mut play = in_place();
    assert_eq!(play.run(), Action::Failed(Failure::OldKeysNeeded));
    assert_eq!(play.actions, ["standing", "ask", "ask", "terms", "failed"]);
    assert_eq!(play.token.slots().unwrap().len(), before.len(), "and the card was not touched");
    assert!(play.token.slots().unwrap().iter().all(|slot| slot.certificates.len() == 1));

    let mut play = in_place();
    play.vouching = Vouching::Elsewhere;
    assert!(matches!(play.run(), Action::Done(_)), "{:?}", play.actions);
    assert!(!play.actions.contains(&"vouch"));
    let plan = play.process.plan().clone();
    assert_eq!(new_certificates(play.token.as_mut(), &plan), Pair { authentication: 1, signature: 1 });
}

#[test]
fn an_in_place_card_resumes_too() {
    for stop in 0..16 {
        let house = House::new("CN=Root");
        let token = InPlaceOnly::new(Holder::new(&house).token(), &[SlotId(1), SlotId(2)]);
        let mut play = Play::new(house, Box::new(token));
        play.vouching = Vouching::Elsewhere;
        for _ in 0..stop {
            play.step();
        }
        let action = play.next();
        let _lost = play.perform(&action);
        play.forget();
        assert!(matches!(play.run(), Action::Done(_)), "dropped in {}", action.name());
    }
}

fn until(play: &mut Play, name: &str) {
    while play.next().name() != name {
        assert!(play.step().is_none(), "{name} never came");
    }
}

#[test]
fn waiting_needs_no_card_and_lasts_as_long_as_the_issuer_says() {
    let mut play = twins();
    until(&mut play, "send");
    play.step();
    let waits = play.process.next(now());
    assert_eq!((waits.name(), waits.needs_card()), ("wait", false));
    assert_eq!(waits, Action::Wait { until: now() + Duration::from_secs(60) });
    let later = play.process.next(now() + Duration::from_secs(60));
    assert_eq!(later, Action::PickUp(PickUp(b"token".to_vec())));
    assert!(!later.needs_card() && later.pin().is_none());
    let endless = Answer::Pending { pick_ups: Vec::new(), retry_after: Duration::MAX };
    play.take(Event::Answered(endless));
    assert_eq!(play.process.next(now()), Action::Wait { until: now() + days(1) });
}

#[test]
fn an_issuer_that_says_at_once_for_ever_is_asked_now_and_then() {
    let mut play = twins();
    until(&mut play, "pick-up");
    let mut records = Vec::new();
    for number in 0..1_200_u32 {
        let pick_ups = vec![PickUp(number.to_be_bytes().to_vec())];
        records.extend(
            play.process
                .handle(Event::Answered(Answer::Pending { pick_ups, retry_after: Duration::ZERO }), now())
                .unwrap(),
        );
        assert_eq!(play.process.next(now()), Action::Wait { until: now() + Duration::from_secs(1) });
    }
    assert_eq!(records.len(), 1_000, "so many other pick-ups are written down, and then no more");
    play.records.extend(records);
    play.forget();
    assert_eq!(play.next(), Action::PickUp(PickUp(999_u32.to_be_bytes().to_vec())));
    assert!(matches!(play.run(), Action::Done(_)), "and it goes on");
}

#[test]
fn a_refusal_ends_it_with_the_issuers_words() {
    let mut play = twins();
    until(&mut play, "send");
    let text = "revoked\u{1b}[31m\u{202e}".to_owned();
    play.take(Event::Answered(Answer::Refused { reason: "badCertId".into(), text }));
    let failure = Failure::Refused { reason: "badCertId".into(), text: "revoked [31m ".into() };
    assert_eq!(play.next(), Action::Failed(failure));
}

/// Puts what the CA would give on the card, as who follows a link elsewhere does.
fn install_elsewhere(play: &mut Play, roles: &[KeyRole]) {
    let issued = play.issue();
    let new = play.process.plan().new.clone();
    let jobs = new.iter().zip(issued).filter(|((role, _), _)| roles.contains(role));
    let jobs: Vec<_> = jobs
        .map(|((_, new), certificate)| InstallCertificate { slot: new.slot, certificate, label: new.label.clone() })
        .collect();
    play.token.install(&jobs, &[], &Pin::new(pin_for(PasswordKind::AuthenticationPin))).unwrap();
}

fn looked(play: &mut Play) -> Event {
    play.perform(&Action::Look).unwrap()
}

#[test]
fn what_came_on_another_way_is_found_on_the_card_after_a_refusal() {
    let mut play = twins();
    until(&mut play, "pick-up");
    let text = "token-spent".to_owned();
    play.take(Event::Answered(Answer::Refused { reason: "badRequest".into(), text }));
    // Nothing there, or one of the two, is no end that is better.
    for roles in [&[][..], &[KeyRole::Signature]] {
        if !roles.is_empty() {
            install_elsewhere(&mut play, roles);
        }
        let seen = looked(&mut play);
        assert_eq!(play.process.handle(seen, now()).unwrap(), []);
        assert!(matches!(play.next(), Action::Failed(Failure::Refused { .. })), "{roles:?}");
        assert!(play.process.is_over(now()) && play.process.may_have_come_elsewhere());
    }
    install_elsewhere(&mut play, &[KeyRole::Authentication]);
    // Nor is what nobody who is trusted signed, nor what is in another slot.
    let Event::Looked(seen) = looked(&mut play) else { panic!() };
    let stranger = House::new("CN=Root");
    let forged: Vec<_> = seen.iter().cloned().map(|slot| of_a_stranger(slot, &stranger)).collect();
    let moved: Vec<_> = seen.iter().cloned().map(|slot| SlotView { id: SlotId(slot.id.0 ^ 1), ..slot }).collect();
    for wrong in [forged, moved] {
        assert_eq!(play.process.handle(Event::Looked(wrong), now()).unwrap(), []);
    }
    play.take(Event::Looked(seen));
    for _ in 0..2 {
        let Action::Done(summary) = play.next() else { panic!("{:?}", play.next()) };
        assert!(summary.came_elsewhere && summary.proven.is_empty() && summary.logged_in_as.is_none());
        assert_eq!(play.process.stage(), Stage::Done);
        assert_eq!(play.process.certificates(), Some(&summary.certificates));
        assert_eq!(play.records.last().unwrap().fact.name(), "found");
        let passwords = [PasswordKind::AuthenticationPin, PasswordKind::SignaturePin];
        let ahead = Phase::ALL.iter().flat_map(|phase| passwords.map(|one| play.process.uses_ahead(*phase, one)));
        assert!(ahead.flatten().next().is_none(), "nothing is asked for any more");
        let again = looked(&mut play);
        assert!(matches!(play.process.handle(again, now()), Err(ProcessError::Unexpected { .. })));
        play.forget();
    }
}

fn of_a_stranger(slot: SlotView, stranger: &House) -> SlotView {
    let role = slot.key.as_ref().map_or(KeyRole::Signature, |key| key.role);
    let forge = |mut entry: CertificateView| {
        let key = entry.certificate.as_ref().unwrap().public_key().clone();
        entry.certificate = Some(stranger.issue(&Draft::new(role, key)));
        entry
    };
    SlotView { certificates: slot.certificates.into_iter().map(forge).collect(), ..slot }
}

/// What says so where nothing was refused, or nothing was ordered, is none of this process.
#[test]
fn nothing_is_found_where_nothing_was_refused() {
    let mut play = twins();
    play.run();
    let Action::Done(summary) = play.next() else { panic!() };
    let ders = summary.certificates.iter().map(|(_, one)| one.der().to_vec()).collect();
    let found = Record { at: now(), fact: Fact::Found(ders) };
    for cut in 1..=play.records.len() {
        let journal = [&play.records[..cut], std::slice::from_ref(&found)].concat();
        assert!(matches!(Process::replay(&journal), Err(ReplayError::Record { .. })), "after {cut} records");
        // Refused before it was made.
        let refused = Failure::Refused { reason: "badRequest".into(), text: String::new() };
        let refused = Record { at: now(), fact: Fact::Failed(refused) };
        let journal = [&play.records[..cut], &[refused, found.clone()]].concat();
        let sealed = play.records[..cut].iter().any(|record| matches!(record.fact, Fact::Sealed(_)));
        let accepted = play.records[..cut].iter().any(|record| matches!(record.fact, Fact::Arrived { .. }));
        assert_eq!(Process::replay(&journal).is_ok(), sealed && !accepted, "refused after {cut} records");
    }
}

#[test]
fn each_request_may_have_its_own_pick_up() {
    let mut play = twins();
    until(&mut play, "send");
    let pick_ups = vec![PickUp(b"one".to_vec()), PickUp(b"two".to_vec())];
    play.take(Event::Answered(Answer::Pending { pick_ups, retry_after: Duration::ZERO }));
    let certificates = play.issue();
    assert_eq!(play.next(), Action::PickUp(PickUp(b"one".to_vec())));
    let one = Answer::Issued { certificates: certificates[1..].to_vec(), receipt: None };
    play.take(Event::Answered(one));
    assert_eq!(play.next(), Action::PickUp(PickUp(b"two".to_vec())), "one of two is not installed");
    let replaced = Answer::Pending { pick_ups: vec![PickUp(b"three".to_vec())], retry_after: Duration::ZERO };
    play.take(Event::Answered(replaced));
    play.forget();
    assert_eq!(play.next(), Action::PickUp(PickUp(b"three".to_vec())));
    play.take(Event::Answered(Answer::Issued { certificates: certificates[..1].to_vec(), receipt: None }));
    assert!(matches!(play.run(), Action::Done(_)));
    assert_renewed(&mut play);
}

#[test]
fn a_lie_is_refused_and_the_old_pair_stays() {
    let mut play = twins();
    until(&mut play, "pick-up");
    play.step();
    let before = play.token.slots().unwrap();
    let certificates = vec![play.issue().remove(0)];
    let receipt = Some(Receipt(b"receipt".to_vec()));
    play.take(Event::Answered(Answer::Issued { certificates, receipt }));
    let refusal = Refusal::OnlyOneOfTwo { missing: KeyRole::Signature };
    assert_eq!(play.run(), Action::Failed(Failure::Rejected(refusal)));
    assert_eq!(play.token.slots().unwrap(), before);

    let files = play.issue();
    play.take(Event::Files(files));
    play.forget();
    assert!(matches!(play.run(), Action::Done(_)), "the right files still complete it");
    assert_renewed(&mut play);
    assert!(!play.actions.contains(&"acknowledge"), "what was refused is not receipted");
}

#[test]
fn certificates_that_begin_to_be_valid_soon_are_waited_for() {
    let mut play = twins();
    until(&mut play, "pick-up");
    play.step();
    let soon = now() + Duration::from_secs(5 * 60);
    let issued = |play: &Play, from| {
        let keys = play.process.keys().unwrap();
        let certificates = keys.iter().map(|(role, key)| {
            let draft = Draft { from, ..Draft::new(role, (*key).clone()) };
            play.house.issue(&draft).der().to_vec()
        });
        Answer::Issued { certificates: certificates.collect(), receipt: Some(Receipt(b"receipt".to_vec())) }
    };
    let answer = issued(&play, soon);
    for _ in 0..2 {
        play.take(Event::Answered(answer.clone()));
        assert_eq!(play.process.next(now()), Action::Wait { until: soon });
        assert_eq!(play.process.next(soon), Action::PickUp(PickUp(b"token".to_vec())), "and are fetched once more");
        assert!(!play.records.iter().any(|record| record.fact.name() == "arrived"));
        play.forget();
    }
    let Answer::Issued { certificates, .. } = answer.clone() else { panic!() };
    let files = play.process.handle(Event::Files(certificates), now());
    assert!(matches!(files, Err(ProcessError::Refused(Refusal::NotYetValid { .. }))), "not yet: {files:?}");
    let mut later = play.process.clone();
    later.handle(Event::Answered(answer), soon).unwrap();
    assert_eq!(later.stage(), Stage::Install);

    let too_late = issued(&play, soon + Duration::from_secs(1));
    play.take(Event::Answered(too_late));
    let refusal = Refusal::NotYetValid { role: KeyRole::Authentication };
    assert_eq!(play.next(), Action::Failed(Failure::Rejected(refusal)));
}

#[test]
fn too_much_is_not_even_written_down() {
    for certificates in [vec![vec![0x30]; 100], vec![vec![0x30; 1 << 20]; 2]] {
        let mut play = twins();
        until(&mut play, "pick-up");
        play.take(Event::Answered(Answer::Issued { certificates, receipt: None }));
        assert!(matches!(play.next(), Action::Failed(Failure::Rejected(Refusal::TooMany { .. }))));
        assert!(!play.records.iter().any(|record| record.fact.name() == "arrived"));
    }
}

#[test]
fn mailed_files_complete_it_and_wrong_ones_change_nothing() {
    let mut play = twins();
    until(&mut play, "pick-up");
    let files = play.issue();
    let stranger = House::new("CN=Root");
    let forged: Vec<_> = play
        .process
        .keys()
        .unwrap()
        .iter()
        .map(|(role, key)| stranger.issue(&Draft::new(role, (*key).clone())).der().to_vec())
        .collect();
    let before = play.process.clone();
    for wrong in [files[..1].to_vec(), forged, vec![b"PDF".to_vec()], Vec::new()] {
        let refused = play.process.handle(Event::Files(wrong), now());
        assert!(matches!(refused, Err(ProcessError::Refused(_))), "{refused:?}");
        assert_eq!(play.process, before);
    }
    play.take(Event::Files(files));
    assert!(matches!(play.run(), Action::Done(_)));
    assert_renewed(&mut play);
    assert!(!play.actions.contains(&"acknowledge"), "there is no receipt for mailed files");
}

#[test]
fn the_twin_of_what_was_fetched_may_come_as_a_file() {
    let mut play = twins();
    until(&mut play, "send");
    let pick_ups = vec![PickUp(b"one".to_vec()), PickUp(b"two".to_vec())];
    play.take(Event::Answered(Answer::Pending { pick_ups, retry_after: Duration::ZERO }));
    let certificates = play.issue();
    let (one, other) = (certificates[..1].to_vec(), certificates[1..].to_vec());
    let receipt = Some(Receipt(b"receipt".to_vec()));
    play.take(Event::Answered(Answer::Issued { certificates: one, receipt }));
    play.take(Event::Files(other));
    assert!(matches!(play.run(), Action::Done(_)));
    assert_renewed(&mut play);
    assert!(play.actions.contains(&"acknowledge"), "the one that was fetched is receipted");
}

#[test]
fn an_old_pair_that_ends_before_the_order_goes_out_ends_it() {
    let mut play = twins();
    until(&mut play, "seal");
    let late = now() + days(21);
    assert_eq!(play.process.next(late), Action::Failed(Failure::PairExpired));
    assert!(play.process.is_over(late) && !play.process.is_over(now()));
    assert!(!play.process.stage().is_end(), "time is no record");
    until(&mut play, "send");
    assert!(matches!(play.process.next(late), Action::Send(_)), "it may have arrived in time: the issuer decides");
    assert!(!play.process.is_over(late));
}

#[test]
fn a_slot_that_was_taken_meanwhile_is_left_alone() {
    let mut play = twins();
    until(&mut play, "terms");
    play.step();
    play.forget();
    let foreign = play.token.slots().unwrap()[0].clone();
    let mut slots: Vec<SlotView> = play.token.slots().unwrap().into_iter().map(SlotView::from).collect();
    slots[2] = SlotView { id: SlotId(3), ..SlotView::from(foreign) };
    play.take(Event::Looked(slots));
    assert_eq!(play.next(), Action::Failed(Failure::SlotTaken { slot: SlotId(3) }));
}

/// The program was stopped before it had written down that it makes a key: what is in the slot is not its own.
#[test]
fn a_slot_that_was_taken_before_anything_was_made_is_left_alone() {
    let mut play = twins();
    until(&mut play, "terms");
    play.step();
    play.records.pop_if(|last| last.fact.name() == "generating").unwrap();
    play.forget();
    assert_eq!(play.next(), Action::Look);
    let slot = |play: &mut Play, id: u32, with: u32| {
        let mut slots: Vec<SlotView> = play.token.slots().unwrap().into_iter().map(SlotView::from).collect();
        let there = slots[with as usize - 1].clone();
        slots[id as usize - 1] = SlotView { id: SlotId(id), ..there };
        Event::Looked(slots)
    };
    let taken = slot(&mut play, 3, 1);
    play.take(taken);
    assert_eq!(play.next(), Action::Failed(Failure::SlotTaken { slot: SlotId(3) }));
}

/// What the card shows of the new authentication key and of what is in its slot.
fn seen(play: &mut Play, change: impl Fn(&mut SlotView)) -> Event {
    let new = play.process.plan().new.authentication.as_ref().unwrap().slot;
    let mut slots: Vec<SlotView> = play.token.slots().unwrap().into_iter().map(SlotView::from).collect();
    slots.iter_mut().filter(|slot| slot.id == new).for_each(change);
    Event::Looked(slots)
}

#[test]
fn a_key_whose_public_half_the_card_does_not_tell_is_lost() {
    let mut play = twins();
    until(&mut play, "generate");
    let action = play.next();
    play.perform(&action).unwrap();
    play.take(Event::Uncertain);
    assert_eq!(play.next(), Action::Look);
    let looked = seen(&mut play, |slot| slot.key.as_mut().unwrap().public_key = None);
    play.take(looked);
    let Action::Failed(failure) = play.next() else { panic!("{:?}", play.next()) };
    assert_eq!(failure, Failure::KeyLost { slot: SlotId(3) });
}

#[test]
fn a_key_that_is_gone_when_its_certificate_is_there_ends_it() {
    let mut play = twins();
    until(&mut play, "install");
    play.forget();
    assert_eq!(play.next(), Action::Look);
    let looked = seen(&mut play, |slot| slot.key = None);
    play.take(looked);
    assert_eq!(play.next(), Action::Failed(Failure::KeyGone { role: KeyRole::Authentication }));
}

#[test]
fn a_card_that_does_not_show_what_was_written_to_it_is_told() {
    let mut play = twins();
    until(&mut play, "install");
    play.step();
    assert_eq!(play.next(), Action::Look);
    let looked = seen(&mut play, |slot| slot.certificates.clear());
    play.take(looked);
    assert_eq!(play.next(), Action::Failed(Failure::ReadBack));
}

/// That the certificates are being put on the card is written down when they came, and else once the card was looked at.
#[test]
fn what_is_written_to_the_card_is_written_down_before() {
    let mut play = twins();
    until(&mut play, "install");
    play.records.pop_if(|last| last.fact.name() == "installing").unwrap();
    play.forget();
    assert_eq!(play.next(), Action::Look);
    play.step();
    assert_eq!(play.records.last().unwrap().fact, Fact::Installing);
    assert!(matches!(play.next(), Action::Install { .. }));
    assert!(matches!(play.run(), Action::Done(_)));
    assert_renewed(&mut play);
}

#[test]
fn a_journal_that_names_a_pick_up_nobody_gave_is_told() {
    let mut play = twins();
    until(&mut play, "pick-up");
    let by = PickUp(b"other".to_vec());
    let certificates = play.issue();
    for index in [0, 1] {
        let arrived = Fact::Arrived { from: Source::PickUp(index), certificates: certificates.clone(), receipt: None };
        for fact in [Fact::PickUpReplaced { index, by: by.clone() }, arrived] {
            let name = fact.name();
            let mut records = play.records.clone();
            records.push(Record { at: now(), fact });
            let replayed = Process::replay(&records);
            match replayed {
                Ok(_) => assert_eq!(index, 0, "{name}"),
                Err(ReplayError::Record { fact, problem: ProcessError::Unexpected { .. }, .. }) => {
                    assert_eq!((fact, index), (name, 1));
                }
                Err(other) => panic!("{name}: {other}"),
            }
        }
    }
}

/// Of two certificates: the authentication key vouches for both by the login, and the signature key for nothing.
#[test]
fn over_a_login_only_the_old_authentication_key_is_still_to_vouch() {
    let mut play = twins();
    play.vouching = Vouching::Login;
    let is_ahead =
        |play: &Play, password, role| play.process.uses_ahead(Phase::Requests, password).contains(&PinUse::Vouch(role));
    let both = |play: &Play| {
        [
            is_ahead(play, PasswordKind::AuthenticationPin, KeyRole::Authentication),
            is_ahead(play, PasswordKind::SignaturePin, KeyRole::Signature),
        ]
    };
    assert_eq!(both(&play), [true, true], "nobody has said how");
    until(&mut play, "generate");
    assert_eq!(both(&play), [true, false]);
    until(&mut play, "install");
    assert_eq!(both(&play), [false, false]);
}

#[test]
fn a_card_that_lies_about_its_keys_is_caught() {
    let mut play = twins();
    until(&mut play, "generate");
    let old = play.process.plan().old.authentication.as_ref().unwrap().certificate.public_key().clone();
    assert!(matches!(play.process.handle(Event::KeyMade(old), now()), Err(ProcessError::WrongKey { .. })));
    until(&mut play, "request");
    let bad = play.process.handle(Event::Signed(vec![vec![0; 70]]), now());
    assert!(matches!(bad, Err(ProcessError::Request(_))), "{bad:?}");
    until(&mut play, "vouch");
    let bad = play.process.handle(Event::Signed(vec![vec![0; 70]]), now());
    assert!(matches!(bad, Err(ProcessError::Signature(_))), "{bad:?}");
    until(&mut play, "prove-signature");
    let bad = play.process.handle(Event::Signed(vec![vec![0; 70]]), now());
    assert!(matches!(bad, Err(ProcessError::Signature(_))), "{bad:?}");
}

#[test]
fn a_connection_that_asks_for_signatures_it_should_not_have_is_stopped() {
    let mut play = twins();
    until(&mut play, "prepare");
    let Action::Prepare(order) = play.next() else { panic!() };
    let good = support::play::prepare(&order);
    let mut wrong_way = good.clone();
    wrong_way.to_sign[0].algorithm = obnova_algorithm::SignatureAlgorithm::RsaPkcs1(obnova_algorithm::Digest::Sha256);
    let mut wrong_hash = good.clone();
    wrong_hash.to_sign[1].digest = obnova_algorithm::Digest::Sha512.of(b"");
    for prepared in [wrong_way, wrong_hash] {
        let refused = play.process.handle(Event::Prepared(prepared), now());
        assert!(matches!(refused, Err(ProcessError::Unvouchable { .. })));
    }
}

#[test]
fn rsa_and_other_kinds_of_new_keys_work_the_same() {
    let house = House::new("CN=Root");
    let token = Holder::with(&house, KeyAlgorithm::Rsa2048, |_, _| {}).token();
    let mut play = Play::new(house, Box::new(token));
    let plan = Plan { ..play.process.plan().clone() };
    assert_eq!(plan.new.signature.as_ref().unwrap().algorithm, KeyAlgorithm::Rsa2048);
    assert!(matches!(play.run(), Action::Done(_)));
    assert_renewed(&mut play);
}

#[test]
fn what_a_password_is_still_for_shrinks_with_every_step() {
    use obnova_card::PasswordKind::{AuthenticationPin, SignaturePin};

    let mut play = twins();
    let uses = |play: &Play, phase, password| play.process.uses_ahead(phase, password);
    until(&mut play, "generate");
    let both = [PinUse::MakeKey(KeyRole::Authentication), PinUse::MakeKey(KeyRole::Signature)];
    assert_eq!(uses(&play, Phase::NewKeys, AuthenticationPin), both);
    play.step();
    assert_eq!(uses(&play, Phase::NewKeys, AuthenticationPin), both[1..]);
    until(&mut play, "request");
    assert_eq!(uses(&play, Phase::NewKeys, AuthenticationPin), []);
    let sign = [PinUse::SignRequest(KeyRole::Signature), PinUse::Vouch(KeyRole::Signature)];
    assert_eq!(uses(&play, Phase::Requests, SignaturePin), sign);
    until(&mut play, "seal");
    assert_eq!(uses(&play, Phase::Requests, SignaturePin), []);
    assert_eq!(uses(&play, Phase::Requests, AuthenticationPin), []);
    until(&mut play, "acknowledge");
    assert_eq!(uses(&play, Phase::Finish, AuthenticationPin), [PinUse::Login]);
    until(&mut play, "done");
    assert!(Phase::ALL.iter().all(|phase| uses(&play, *phase, AuthenticationPin).is_empty()));
}

fn stood(ask_status: AskStatus, standing: Standing) -> Play {
    let house = House::new("CN=Root");
    let mut token: Box<dyn obnova_card::Token> = Box::new(Holder::new(&house).token());
    let policy = Policy { ask_status, ..Policy::twins() };
    let plan = Plan::make(&view(token.as_mut()), &policy, now()).unwrap();
    let mut play = Play::of(house, token, plan);
    play.standing = standing;
    play
}

fn place() -> String {
    "http://status.example".into()
}

fn revoked() -> Standing {
    Standing::Revoked { since: now(), reason: "keyCompromise".into(), place: place() }
}

#[test]
fn what_is_revoked_on_hold_or_was_never_issued_is_not_renewed_and_no_key_is_made() {
    for told in [revoked(), Standing::OnHold { since: now(), place: place() }, Standing::NeverIssued { place: place() }]
    {
        for ask in [AskStatus::Required, AskStatus::Try] {
            let mut play = stood(ask, told.clone());
            let Action::Failed(failure @ Failure::Unfit(_)) = play.run() else {
                panic!("{told:?}: {:?}", play.actions)
            };
            assert_eq!(play.actions, ["standing", "failed"], "nothing was asked and nothing was made");
            let text = failure.to_string();
            assert!(
                text.contains("authentication") && text.contains("signature") && text.contains("ask the issuer"),
                "{text}"
            );
            assert_eq!(play.token.slots().unwrap().iter().filter(|slot| slot.key.is_some()).count(), 2);
            play.forget();
            assert!(play.process.is_over(now()), "the journal knows it");
        }
        let mut play = stood(AskStatus::Never, told);
        assert!(matches!(play.run(), Action::Done(_)));
        assert!(!play.actions.contains(&"standing"));
    }
}

#[test]
fn who_cannot_be_asked_stops_a_renewal_only_where_an_answer_is_required() {
    let silence = || Standing::Unknown { problems: "it did not answer".into() };
    let mut play = stood(AskStatus::Try, silence());
    assert!(matches!(play.run(), Action::Done(_)));
    assert_eq!(play.records[1].fact.name(), "standing");

    let mut play = stood(AskStatus::Required, silence());
    let Action::Failed(failure) = play.run() else { panic!("{:?}", play.actions) };
    assert!(failure.to_string().contains("it did not answer") && failure.to_string().contains("try again later"));

    // Nothing is known of what was not asked about.
    let mut play = stood(AskStatus::Required, Standing::Good { by: "OCSP".into(), place: place() });
    let half = Standing::Good { by: "OCSP".into(), place: place() };
    play.take(Event::Standing(ByRole::one(KeyRole::Signature, half)));
    let Action::Failed(Failure::Unfit(unfit)) = play.next() else { panic!() };
    assert_eq!(unfit.roles().collect::<Vec<_>>(), [KeyRole::Authentication]);
}

#[test]
fn what_was_told_counts_for_an_hour_and_is_asked_again_until_the_order_goes_out() {
    let mut play = twins();
    until(&mut play, "vouch");
    let later = now() + Duration::from_secs(3601);
    assert!(matches!(play.process.next(later), Action::AskStanding(_)));
    let mut unlucky = play.process.clone();
    unlucky.handle(Event::Standing(ByRole::from_fn(|_| Some(revoked()))), later).unwrap();
    assert!(matches!(unlucky.next(later), Action::Failed(Failure::Unfit(_))));
    until(&mut play, "send");
    assert_eq!(play.process.next(later).name(), "send", "now the CA decides");
    assert!(play.process.handle(Event::Standing(ByRole::from_fn(|_| Some(revoked()))), now()).is_err());
}

/// Keys that were made are not thrown away because nobody could be asked for a while.
#[test]
fn who_cannot_be_asked_again_ends_nothing_that_was_begun() {
    let silence = || Standing::Unknown { problems: "it did not answer".into() };
    let told = |authentication, signature| {
        Event::Standing(ByRole { authentication: Some(authentication), signature: Some(signature) })
    };
    let later = now() + Duration::from_secs(3601);
    for stage in ["terms", "generate", "vouch", "seal"] {
        let mut play = stood(AskStatus::Required, Standing::Good { by: "OCSP".into(), place: place() });
        until(&mut play, stage);
        play.forget();
        for _ in 0..2 {
            let records = play.records.len();
            let error = play.process.handle(told(silence(), silence()), later).unwrap_err();
            assert!(matches!(error, ProcessError::NotKnown(_)), "{stage}: {error:?}");
            assert!(error.to_string().contains("it did not answer") && error.to_string().contains("try again later"));
            assert_eq!(play.records.len(), records);
            assert!(matches!(play.process.next(later), Action::AskStanding(_)), "{stage}: it is asked again");
        }
        // It ends where one of them is known to be revoked.
        let mut unlucky = play.process.clone();
        unlucky.handle(told(silence(), revoked()), later).unwrap();
        assert!(matches!(unlucky.next(later), Action::Failed(Failure::Unfit(_))), "{stage}");
        let good = play.standing.clone();
        let more = play.process.handle(told(good.clone(), good), later).unwrap();
        play.records.extend(more);
        assert!(!matches!(play.process.next(later), Action::AskStanding(_) | Action::Failed(_)), "{stage}: it goes on");
        assert_eq!(Process::replay(&play.records).unwrap().stage(), play.process.stage());
    }
}

#[test]
fn asking_again_does_not_make_a_key_of_somebody_else_ours() {
    let mut play = twins();
    until(&mut play, "terms");
    play.step();
    play.forget();
    let told = || Event::Standing(ByRole::from_fn(|_| Some(revoked())));
    assert!(play.process.handle(told(), now() + Duration::from_secs(3600)).is_err(), "it was not asked");
    let good = Event::Standing(ByRole::from_fn(|_| Some(play.standing.clone())));
    let more = play.process.handle(good, now() + Duration::from_secs(3601)).unwrap();
    assert_eq!(more.len(), 1, "a key is not begun by it");
    play.records.extend(more);
    assert_eq!(Process::replay(&play.records).unwrap(), play.process);
}

/// Twins that are begun by the link of a notice.
fn noticed() -> Play {
    let play = twins();
    let plan = play.process.plan().clone().by_link("/renew/0123");
    Play::of(play.house, play.token, plan)
}

#[test]
fn a_link_is_used_up_after_the_yes_and_before_anything_is_made() {
    let mut play = noticed();
    play.run();
    assert_eq!(play.actions[..5], ["standing", "ask", "use-link", "terms", "generate"]);
    assert_renewed(&mut play);
    // Whoever stops anywhere goes on, also where the answer was lost, with the same attempt.
    for stop in 0..5 {
        let mut play = noticed();
        (0..stop).for_each(|_| assert!(play.step().is_none()));
        let link = play.process.plan().notice.clone().unwrap();
        play.forget();
        if stop == 2 {
            assert_eq!(play.next(), Action::UseLink(link));
        }
        assert!(matches!(play.run(), Action::Done(_)), "stopped after {stop}");
    }
}

#[test]
fn who_says_no_uses_no_link_up() {
    let mut play = noticed();
    until(&mut play, "ask");
    play.take(Event::Declined);
    assert_eq!(play.next(), Action::Failed(Failure::Declined));
    assert!(!play.actions.contains(&"use-link"));
}

#[test]
fn a_link_that_begins_nothing_ends_it_by_name_before_anything_is_made() {
    use LinkRefusal::{OnHold, OtherCard, Over, Revoked, Unknown};
    for why in [Unknown, Over, OnHold, Revoked, OtherCard] {
        let mut play = noticed();
        play.link = LinkAnswer::Refused(why);
        let slots = play.token.slots().unwrap();
        assert_eq!(play.run(), Action::Failed(Failure::Link(why)));
        assert_eq!(play.actions, ["standing", "ask", "use-link", "failed"]);
        assert_eq!(play.token.slots().unwrap(), slots);
        play.forget();
        assert_eq!(play.next(), Action::Failed(Failure::Link(why)));
    }
}

#[test]
fn an_attempt_is_of_the_same_certificates_on_the_same_card() {
    let play = twins();
    let plan = play.process.plan();
    let link = |plan: &Plan| plan.clone().by_link("/renew/0123").notice.unwrap();
    assert_eq!(link(plan), link(plan));
    assert!(link(plan).serials.len() == 2 && link(plan).attempt.len() == 64);
    let mut elsewhere = plan.clone();
    elsewhere.card.serial.push('1');
    let mut others = plan.clone();
    others.old.signature = None;
    for other in [elsewhere, others] {
        assert_ne!(link(&other).attempt, link(plan).attempt);
    }
    // Whoever sees the path can use the link up.
    assert!(!format!("{:?}", plan.clone().by_link("/renew/0123")).contains("0123\""));
    let about = link(plan).serials.clone();
    assert!(link(plan).is_about(&about) && !link(plan).is_about(&about[..1]) && !link(plan).is_about(&[]));
}

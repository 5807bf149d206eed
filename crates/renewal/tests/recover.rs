//! A lost journal is no disaster: the card tells which keys wait, and files complete them.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use obnova_card::{KeyRole, Pin, Secret, SlotId};
use obnova_renewal::{Completion, Loose, Policy, Prospect, Refusal, match_loose, scan};
use support::{Draft, Holder, House, now, play::Play, view};

/// A renewal of which only the card is left, and the certificates that were mailed.
fn lost(house: House) -> (Play, Vec<Vec<u8>>) {
    let token = Box::new(Holder::new(&house).token());
    let mut play = Play::new(house, token);
    while play.next().name() != "pick-up" {
        play.step();
    }
    let files = play.issue();
    (play, files)
}

#[test]
fn keys_without_certificates_are_found_and_completed_by_files() {
    let (mut play, mut files) = lost(House::new("CN=Root"));
    let card = view(play.token.as_mut());
    let orphans = scan(&card);
    let found: Vec<_> = orphans.iter().map(|orphan| (orphan.slot, orphan.role, orphan.prospect())).collect();
    let expected = [
        (SlotId(3), KeyRole::Authentication, Prospect::Certificate),
        (SlotId(4), KeyRole::Signature, Prospect::Certificate),
    ];
    assert_eq!(found, expected);

    files.reverse();
    files.push(play.house.root.der().to_vec());
    let made = Completion::make(&card, &files, &Policy::twins(), &play.house.terms(), now()).unwrap();
    assert_eq!(made.superseded, [SlotId(1), SlotId(2)]);
    let pin = Pin::new(Secret::from(support::AUTHENTICATION_PIN));
    play.token.install(&made.jobs, &made.superseded, &pin).unwrap();
    let card = view(play.token.as_mut());
    assert!(scan(&card).is_empty());
    assert!(card.slot(SlotId(4)).unwrap().holds(made.certificates.signature.as_ref().unwrap()));
    assert!(card.slot(SlotId(1)).unwrap().certificates[0].superseded);
}

#[test]
fn files_that_do_not_complete_both_are_refused_by_name() {
    let (mut play, files) = lost(House::new("CN=Root"));
    let card = view(play.token.as_mut());
    let refused =
        |files: &[Vec<u8>]| Completion::make(&card, files, &Policy::twins(), &play.house.terms(), now()).unwrap_err();
    assert_eq!(refused(&files[..1]), Refusal::OnlyOneOfTwo { missing: KeyRole::Signature });
    assert_eq!(refused(&files[1..]), Refusal::OnlyOneOfTwo { missing: KeyRole::Authentication });
    assert_eq!(refused(&[]), Refusal::AnotherKey);
    let (_, others) = lost(House::new("CN=Root"));
    assert_eq!(refused(&others), Refusal::AnotherKey);
    let keys = play.process.keys().unwrap();
    let somebody: Vec<_> = keys
        .iter()
        .map(|(role, key)| {
            let draft = Draft { subject: support::name("CN=Jan Novák"), ..Draft::new(role, (*key).clone()) };
            play.house.issue(&draft).der().to_vec()
        })
        .collect();
    assert_eq!(refused(&somebody), Refusal::AnotherSubject { role: KeyRole::Authentication });
    let empty = view(&mut Holder::new(&play.house).token());
    let outcome = Completion::make(&empty, &files, &Policy::twins(), &play.house.terms(), now());
    assert_eq!(outcome.unwrap_err(), Refusal::AnotherKey, "no key waits");
}

#[test]
fn a_key_that_cannot_be_told_has_no_prospect() {
    let (mut play, files) = lost(House::new("CN=Root"));
    let mut card = view(play.token.as_mut());
    card.slots[2].key.as_mut().unwrap().public_key = None;
    assert_eq!(scan(&card)[0].prospect(), Prospect::Nothing);
    let outcome = Completion::make(&card, &files, &Policy::twins(), &play.house.terms(), now());
    assert_eq!(outcome.unwrap_err(), Refusal::OnlyOneOfTwo { missing: KeyRole::Authentication });
}

#[test]
fn either_of_a_pair_brings_the_other_when_both_are_there() {
    let (play, files) = lost(House::new("CN=Root"));
    let parsed = |der: &Vec<u8>| obnova_renewal::ParsedCertificate::from_der(der).unwrap();
    let loose = |name: &str, certificate| Loose { name: name.into(), certificate };
    let pile = vec![
        loose("root.cer", play.house.root.clone()),
        loose("signature.cer", parsed(&files[1])),
        loose("signature copy.cer", parsed(&files[1])),
        loose("login.cer", parsed(&files[0])),
    ];
    let matched = match_loose(pile, &play.process.keys().unwrap());
    let names = |one: &Option<Loose>| one.as_ref().map(|one| one.name.clone());
    assert_eq!(names(&matched.found.authentication).as_deref(), Some("login.cer"));
    assert_eq!(names(&matched.found.signature).as_deref(), Some("signature.cer"));
    assert_eq!(matched.rest.len(), 1);
    assert_eq!(matched.into_certificates()[..2], files[..]);
}

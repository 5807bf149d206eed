//! What is done on a card outside of a renewal: installing without a journal, cleaning up; and reading mailed files.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::fs;

use common::{
    Face, World,
    support::{Draft, now},
};
use obnova_card::{PasswordKind, Tries};
use obnova_client::{MailedError, RunError, install_completion, look, look_closely, read_mailed, remove};
use obnova_renewal::{CardView, Completion, PinUse, Policy, Stage, removable, removals};

fn card(world: &World) -> CardView {
    look(world.token.lock().unwrap().as_mut()).unwrap()
}

#[test]
fn with_a_lost_journal_the_card_and_the_mailed_files_are_enough() {
    let mut world = World::new();
    world.reach(Stage::PickUp);
    let keys = world.with_runner(|runner| {
        let keys = runner.process().keys().unwrap();
        keys.map(|_, key| (*key).clone())
    });
    let keys = keys.unwrap();
    fs::remove_file(world.folder.path().join("twins.journal")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (role, key) in keys.iter() {
        let certificate = world.ca.house.issue(&Draft::new(role, key.clone()));
        fs::write(folder.path().join(format!("{role}.crt")), certificate.der()).unwrap();
    }
    let found = read_mailed(&[folder.path().join("authentication.crt")]).unwrap();
    let came: Vec<_> = found.iter().map(|one| one.certificate.der().to_vec()).collect();
    let completion = Completion::make(&card(&world), &came, &Policy::twins(), &world.ca.house.terms(), now()).unwrap();
    assert!(!completion.confirm_certificates, "they renew some");
    // As if they were first ones, and not the holder's.
    let first = Completion { confirm_certificates: true, ..completion.clone() };
    world.face = Face { is_somebody_else: true, ..Face::default() };
    let declined = install_completion(&world.token, &mut world.face, &first);
    assert!(matches!(declined, Err(RunError::Declined)), "{declined:?}");
    assert_eq!((&world.face.questions[..], world.face.asked.len()), (&["certificates".to_owned()][..], 0));
    world.face = Face { wrong: vec!["0000"], ..Face::default() };
    install_completion(&world.token, &mut world.face, &completion).unwrap();
    world.assert_renewed();
    let asked = &world.face.asked;
    assert_eq!(asked.len(), 2, "once wrong, once right");
    assert_eq!(
        (asked[1].was_wrong, asked[1].tries, &asked[1].uses[..]),
        (true, Tries::Known(2), &[PinUse::Install][..])
    );
    assert_eq!((asked[1].password, asked[1].phase), (PasswordKind::AuthenticationPin, None));
}

#[test]
fn what_was_picked_and_confirmed_goes_and_nothing_else() {
    let mut world = World::new();
    world.run().unwrap();
    world.face = Face::default();
    let seen = card(&world);
    let found = removable(&seen, now());
    let names: Vec<_> = found.iter().map(|one| one.name.clone()).collect();
    assert_eq!(names, ["Authentication", "Signature"]);
    let orders = removals(&seen, &found, &names).unwrap();
    let after = remove(&world.token, &mut world.face, &orders).unwrap();
    assert_eq!(world.face.uses(), [PinUse::Remove]);
    assert!(after.slots[..2].iter().all(|slot| slot.is_empty()));
    assert_eq!(after.slots[2..], seen.slots[2..]);
    world.face = Face::default();
    remove(&world.token, &mut world.face, &[]).unwrap();
    assert!(world.face.asked.is_empty(), "for nothing no PIN is asked for");
    assert_eq!(look_closely(&world.token, &mut world.face).unwrap(), card(&world));
    assert!(world.face.asked.is_empty(), "nor for a card that shows all it has");
}

#[test]
fn a_file_that_is_none_is_told_and_its_neighbours_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    assert!(matches!(read_mailed(&[path("nothing.cer")]), Err(MailedError::Io { .. })));
    fs::create_dir(path("folder.cer")).unwrap();
    assert!(matches!(read_mailed(&[path("folder.cer")]), Err(MailedError::Io { .. })));
    for (name, content) in
        [("empty.cer", Vec::new()), ("text.pem", b"Dear Jana".to_vec()), ("long.cer", vec![0x30; 1 << 20])]
    {
        fs::write(path(name), content).unwrap();
        assert!(matches!(read_mailed(&[path(name)]), Err(MailedError::NoCertificate { .. })), "{name}");
    }
    let world = World::new();
    fs::write(path("good.der"), world.ca.house.root.der()).unwrap();
    fs::write(path("other.txt"), world.ca.house.root.der()).unwrap();
    let found = read_mailed(&[path("good.der")]).unwrap();
    assert_eq!(found.len(), 1, "by their names the others are none or cannot be read");
    assert_eq!((found[0].name.as_str(), &found[0].certificate), ("good.der", &world.ca.house.root));
}

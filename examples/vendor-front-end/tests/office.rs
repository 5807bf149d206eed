//! The folder may be looked at twice, and either side may stop anywhere.
#![allow(clippy::unwrap_used)]

mod support;

use std::{fs, time::SystemTime};

use obnova_client::{
    CaConnection, CaError, FileJournal, Turn,
    renewal::{Answer, Message, PickUp, Process, Receipt},
};
use obnova_vendor_front_end::{Done, HouseCa, OrderFolder, Parcel, Tray};
use support::Play;

fn waiting() -> Play {
    let mut play = Play::set();
    assert!(matches!(play.renew().unwrap(), Turn::Waits(_)));
    play
}

/// The order as it was written down before it was sent.
fn message(play: &Play) -> Message {
    let journals = play.directory.path().join("journals");
    let name = FileJournal::list(&journals).unwrap().remove(0);
    Process::replay(&FileJournal::peek(&journals, &name).unwrap()).unwrap().message().unwrap().clone()
}

#[test]
fn an_order_that_is_sent_twice_is_one() {
    let mut play = waiting();
    let mut connection = play.scene.connection();
    let message = message(&play);
    assert!(matches!(connection.send(&message).unwrap(), Answer::Pending { .. }));
    play.office_day();
    let first = connection.send(&message).unwrap();
    assert!(matches!(&first, Answer::Issued { certificates, receipt: Some(_) } if certificates.len() == 2));
    play.office_day();
    assert_eq!(connection.send(&message).unwrap(), first);
    assert_eq!(play.scene.office.issued().unwrap(), 2);
}

#[test]
fn an_office_that_stops_between_approval_and_answer_gives_the_same_certificates() {
    let play = waiting();
    let number = play.order().0;
    let now = SystemTime::now();
    assert_eq!(play.scene.office.work(now).unwrap(), [(number, Done::Entered)]);
    assert_eq!(play.scene.office.work(now).unwrap(), []);
    play.scene.office.approve(number, now).unwrap();

    // As after a crash: another process, the same directory.
    let office = HouseCa::open(&play.directory.path().join("office"), play.scene.folder.clone(), now).unwrap();
    assert_eq!(office.root(), play.scene.office.root());
    assert_eq!(office.work(now).unwrap(), [(number, Done::Issued)]);
    let answer = play.scene.folder.take(Tray::Answers, number).unwrap().unwrap();
    fs::remove_dir_all(play.scene.folder.root().join("answers").join(number.to_string())).unwrap();
    assert_eq!(office.work(now).unwrap(), [(number, Done::Issued)]);
    assert_eq!(play.scene.folder.take(Tray::Answers, number).unwrap().unwrap(), answer);
    assert!(play.scene.office.approve(number, now).is_err(), "approved twice");
}

#[test]
fn a_receipt_for_other_certificates_closes_nothing() {
    let mut play = waiting();
    let number = play.order().0;
    play.office_day();
    let receipt = |text: &str| Parcel::from([("receipt.txt".into(), text.into())]);
    let place = play.scene.folder.root().join("receipts").join(number.to_string());
    for wrong in ["", "no number at all", "0102\n0304\n"] {
        play.scene.folder.put(Tray::Receipts, number, &receipt(wrong)).unwrap();
        assert_eq!(play.scene.office.work(SystemTime::now()).unwrap(), [], "{wrong}");
        fs::remove_dir_all(&place).unwrap();
    }
    fs::create_dir(&place).unwrap();
    fs::write(place.join("receipt.txt"), [0xff; 9]).unwrap();
    assert_eq!(play.scene.office.work(SystemTime::now()).unwrap(), []);
    fs::remove_dir_all(&place).unwrap();

    assert!(matches!(play.renew().unwrap(), Turn::Done(_)));
    assert_eq!(play.scene.office.work(SystemTime::now()).unwrap(), [(number, Done::Closed)]);
    assert_eq!(play.scene.office.work(SystemTime::now()).unwrap(), []);
}

#[test]
fn a_folder_that_is_away_loses_nothing() {
    let mut play = waiting();
    let root = play.scene.folder.root().to_owned();
    let away = root.with_extension("away");
    fs::rename(&root, &away).unwrap();
    let mut connection = play.scene.connection();
    let message = message(&play);
    assert!(matches!(connection.send(&message), Err(CaError::Unreachable { .. })));
    assert!(play.renew().is_err());
    assert!(play.flat().contains("není dostupná. Připojte ji a pokračujte; nic se neztratilo."), "{}", play.flat());

    fs::rename(&away, &root).unwrap();
    play.office_day();
    assert!(matches!(play.renew().unwrap(), Turn::Done(_)));
}

#[test]
fn what_is_not_this_connection_s_is_not_taken() {
    let directory = tempfile::tempdir().unwrap();
    let folder = OrderFolder::open(&directory.path().join("folder")).unwrap();
    let office = HouseCa::open(&directory.path().join("office"), folder.clone(), SystemTime::now()).unwrap();
    let mut connection = obnova_vendor_front_end::HouseConnection::new(folder, office.root().clone());
    let hostile: [&[u8]; 6] = [b"", b"{", &[0xff; 15], b"[\"..\", {}]", &[b'['; 100_000], &[0xff; 100_000]];
    for bytes in hostile {
        assert!(matches!(connection.send(&Message(bytes.to_vec())), Err(CaError::Foreign(_))));
        assert!(matches!(connection.pick_up(&PickUp(bytes.to_vec())), Err(CaError::Foreign(_))));
    }
    for bytes in [b"".as_slice(), &[7; 15], &[0xff; 100]] {
        assert!(matches!(connection.acknowledge(&Receipt(bytes.to_vec())), Err(CaError::Foreign(_))));
    }
    assert!(matches!(connection.pick_up(&PickUp(vec![1; 16])), Err(CaError::Other(_))), "there is no such order");
}

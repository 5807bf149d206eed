//! Until a card is active nobody uses a key of it: not this driver, not raw APDUs, not OpenSC, all three through a real PC/SC
//! service, whatever they know. The same three use it after that.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{net::SocketAddr, path::Path, process::Command, time::Duration};

use common::{
    AUTHENTICATION, PUK, SIGNATURE,
    arrived::{arrived, good, nothing_can_be_used_by, transport, transport_pin},
    reader::inside,
};
use obnova_apdu::StatusWord;
use obnova_card::{Location, ProfileToken, Token};
use obnova_profile::{LifeCycle, TransportPinModel};
use obnova_simulator::{Fault, FaultPlan, SimulatorConnection, vpcd::Attached};

fn run(program: &str, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), said)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// Each password as each of the values that there are; and both keys, as the profile has it and as MyEID does.
fn raw(values: &[&str]) -> Vec<String> {
    let mut commands = vec!["00A4040008F06F626E6F766101".to_owned()];
    let digest = hex(&[7; 32]);
    for value in values.iter().filter(|value| !value.is_empty()) {
        // The transport PIN of its own is left alone: it would be spent.
        for password in 1..=3 {
            commands.push(format!("002000{password:02X}{:02X}{}", value.len(), hex(value.as_bytes())));
        }
        for key in 1..=2 {
            commands.push(format!("002241B6068001618401{key:02X}"));
            commands.push(format!("002A9E9A20{digest}00"));
            commands.push(format!("002241B60A80010481024B{key:02X}840100"));
            commands.push(format!("002A9E9A20{digest}00"));
            commands.push(format!("0088000020{digest}00"));
        }
    }
    commands
}

/// Signatures that came of raw commands, in one conversation. What is signed with is the command after MANAGE SECURITY
/// ENVIRONMENT.
fn signatures(commands: &[String]) -> usize {
    let mut arguments = Vec::new();
    for command in commands {
        arguments.extend(["-s", command]);
    }
    let (sent, said) = run("opensc-tool", &arguments);
    assert!(sent, "{said}");
    let answers: Vec<_> = said.split("Sending: ").skip(1).collect();
    assert_eq!(answers.len(), commands.len(), "{said}");
    assert!(answers[0].contains("SW1=0x90"), "the application is there: {said}");
    let signs = |answer: &&&str| answer.starts_with("00 2A") || answer.starts_with("00 88");
    answers.iter().filter(signs).filter(|answer| answer.contains("SW1=0x90")).count()
}

/// Whether OpenSC signs with a key: the first is of its slot 0, the second of its slot 1.
fn opensc_signs(card: &SimulatorConnection, key: usize, pin: &str, scratch: &Path) -> bool {
    let id = card.with_card(|card| hex(&card.directory().unwrap().private_keys[key].id));
    let (input, output) = (scratch.join("hash"), scratch.join("signature"));
    std::fs::write(&input, [7; 32]).unwrap();
    let _ = std::fs::remove_file(&output);
    let slot = key.to_string();
    let arguments = ["--slot", &slot, "--login", "--pin", pin, "--sign", "--mechanism", "ECDSA", "--id", &id];
    let files = ["--input-file", input.to_str().unwrap(), "--output-file", output.to_str().unwrap()];
    let (signed, said) = run("pkcs11-tool", &[&arguments[..], &files].concat());
    assert!(
        signed || said.contains("C_Login") || said.contains("C_Sign"),
        "the key is not even found, with {pin:?}: {said}"
    );
    signed && std::fs::metadata(output).is_ok_and(|file| file.len() > 0)
}

/// A card of each model, as it arrives and one step before it is active.
#[test]
fn no_key_is_used_by_the_driver_by_raw_commands_or_by_opensc() {
    let Some(address) = inside("no_key_is_used_by_the_driver_by_raw_commands_or_by_opensc") else { return };
    let scratch = tempfile::tempdir().unwrap();
    for model in TransportPinModel::ALL {
        let (card, _) = arrived(model);
        let attached = attach(&card, address);
        let open = || {
            let location: Location = "pcsc".parse().unwrap();
            ProfileToken::new(location.open_pcsc().unwrap().unwrap())
        };
        let last = match model {
            TransportPinModel::Separate | TransportPinModel::SingleUse => 6,
            _ => 4,
        };
        for almost in [false, true] {
            if almost {
                let refuses = Fault::Status(StatusWord::MEMORY_FAILURE);
                card.with_card(|card| card.set_faults(FaultPlan::new().at(last, refuses)));
                open().activate(&transport(model), &good()).unwrap_err();
                assert_eq!(card.with_card(|card| card.faults().waiting()), 0);
            }
            nothing_can_be_used_by(&mut open(), &card);
            let values = [transport_pin(model), AUTHENTICATION, SIGNATURE, PUK];
            assert_eq!(signatures(&raw(&values)), 0, "{model:?}");
            for (key, pin) in [AUTHENTICATION, SIGNATURE].into_iter().enumerate() {
                assert!(!opensc_signs(&card, key, pin, scratch.path()), "{model:?}");
                // pkcs11-tool takes no empty PIN.
                let transport = transport_pin(model);
                assert!(transport.is_empty() || !opensc_signs(&card, key, transport, scratch.path()), "{model:?}");
            }
            assert_eq!(card.with_card(|card| card.status().life_cycle), LifeCycle::Inactive);
        }
        // The right way, and the same commands sign.
        open().activate(&transport(model), &good()).unwrap();
        assert_eq!(signatures(&raw(&[AUTHENTICATION])), 2, "{model:?}");
        for (key, pin) in [AUTHENTICATION, SIGNATURE].into_iter().enumerate() {
            assert!(opensc_signs(&card, key, pin, scratch.path()), "{model:?}");
        }
        detach(attached);
    }
}

/// Puts a card in and waits until OpenSC sees it in the reader.
fn attach(card: &SimulatorConnection, address: SocketAddr) -> Attached {
    let attached = Attached::new(card, address).unwrap();
    while !run("opensc-tool", &["--atr"]).0 {
        std::thread::sleep(Duration::from_millis(20));
    }
    attached
}

/// Takes a card out and waits until that was noticed, lest the next one is taken for it.
fn detach(attached: Attached) {
    attached.detach();
    while run("opensc-tool", &["--atr"]).0 {
        std::thread::sleep(Duration::from_millis(20));
    }
}

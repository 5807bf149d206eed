//! A certificate ends before the reference CA, over real sockets, and says itself whom to ask about it.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{sync::Arc, time::SystemTime};

use common::{Face, support::Holder};
use obnova_algorithm::KeyAlgorithm;
use obnova_card::{PasswordKind, ProfileToken};
use obnova_client::{
    ConfirmedBy, EstConnection, Https, PlainHttp, Revocation, RevocationError, RevocationPlan, RevocationReason,
    Revoked, SharedToken, look, revoke_with_card, share, status::RevocationReason as Reason, tls_config,
};
use obnova_profile::{Label, SlotNumber};
use obnova_reference_ca::{
    Running, Server, ServerConfig,
    house::{self, House},
};
use obnova_renewal::{ParsedCertificate, PinUse};
use obnova_simulator::SimulatorConnection;

/// A card with a pair, and the CA that issued it.
struct World {
    house: Arc<House>,
    server: Running,
    token: SharedToken,
    face: Face,
}

impl World {
    fn revoke(&mut self, slot: usize, reason: RevocationReason) -> Result<Revoked, RevocationError> {
        let anchors: Vec<_> =
            self.house.trust_anchors().iter().map(|one| ParsedCertificate::try_from(one).unwrap()).collect();
        let https = Https::new(&self.server.url(), tls_config(&anchors).unwrap()).unwrap();
        let mut ca = EstConnection::new(https, anchors).unwrap();
        let card = look(self.token.lock().unwrap().as_mut()).unwrap();
        let serial = card.slots[slot].certificates[0].certificate.as_ref().unwrap().serial();
        let plan = RevocationPlan::make(&card, &serial, SystemTime::now()).unwrap();
        let wanted = Revocation { serial: &serial, reason, password: None };
        revoke_with_card(&self.token, &mut self.face, &mut ca, &PlainHttp::default(), &plan, &wanted)
    }
}

#[test]
fn the_address_in_a_certificate_is_asked_first_and_the_cas_server_where_nobody_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().join("ca");
    let now = SystemTime::now();
    let options = house::InitOptions { backdate_days: 366, ..house::InitOptions::default() };
    house::init(&directory, &options, now).unwrap();
    // One process tells everybody who is revoked; another one issues, and writes its address into certificates.
    let anywhere = Some(([127, 0, 0, 1], 0).into());
    let config = ServerConfig::new(Arc::new(House::open(&directory).unwrap()));
    let teller = Server::start(ServerConfig { status: anywhere, ..config }).unwrap();
    let address = format!("{}/ocsp", teller.status_url().unwrap());
    let policy = std::fs::read_to_string(directory.join("policy.toml")).unwrap();
    let with_address = policy.replace("# ocsp = \"http://ca.example/ocsp\"", &format!("ocsp = \"{address}\""));
    assert_ne!(policy, with_address);
    std::fs::write(directory.join("policy.toml"), with_address).unwrap();
    let house = Arc::new(House::open(&directory).unwrap());
    let server = Server::start(ServerConfig::new(house.clone())).unwrap();

    let mut card = Holder::empty_card();
    let label = Label::new("hers").unwrap();
    let slot = |number| SlotNumber::new(number).unwrap();
    let (authentication, signature) = (obnova_profile::KeyRole::Authentication, obnova_profile::KeyRole::Signature);
    let first = card.personalise_key(slot(1), authentication, KeyAlgorithm::P256, &label).unwrap();
    let second = card.personalise_key(slot(2), signature, KeyAlgorithm::P256, &label).unwrap();
    let holder = house::Holder { name: "CN=Jana Nováková,C=CZ".into(), email: "jana@example.cz".into() };
    let pair = house.first_pair(&holder, &first, &second, 20, now).unwrap();
    card.personalise_certificate(slot(1), &pair.authentication.der, &label).unwrap();
    card.personalise_certificate(slot(2), &pair.signature.der, &label).unwrap();
    let token = share(ProfileToken::new(SimulatorConnection::new(card)));
    let mut world = World { house, server, token, face: Face::default() };

    let revoked = world.revoke(1, RevocationReason::Superseded).unwrap();
    let confirmation = revoked.confirmation.unwrap();
    assert_eq!((revoked.already, confirmation.by, confirmation.reason), (false, ConfirmedBy::Ocsp, Reason::Superseded));
    assert_eq!(confirmation.place, address);
    let [asked] = world.face.asked.as_slice() else { panic!("{:?}", world.face.asked) };
    assert_eq!((asked.password, asked.uses.as_slice()), (PasswordKind::SignaturePin, &[PinUse::Revoke][..]));

    teller.stop();
    let revoked = world.revoke(0, RevocationReason::KeyCompromise).unwrap();
    let confirmation = revoked.confirmation.unwrap();
    assert_eq!((revoked.already, confirmation.by), (false, ConfirmedBy::Ocsp));
    assert!(confirmation.place.contains("/ocsp") && confirmation.place != address, "{}", confirmation.place);
    assert_eq!(world.face.asked.len(), 2);

    // Of a number that is on no card, and of an expired certificate's key, nothing is asked of the CA.
    let card = look(world.token.lock().unwrap().as_mut()).unwrap();
    let plan = RevocationPlan::make(&card, "1234", now).unwrap();
    assert!(plan.wants_password() && plan.revoked().is_none());
    let late = now + std::time::Duration::from_secs(40 * 86_400);
    assert!(matches!(RevocationPlan::make(&card, "1234", late), Err(RevocationError::NoSigner)));
    let own = card.slots[0].certificates[0].certificate.as_ref().unwrap().serial();
    assert!(!RevocationPlan::make(&card, &own, late).unwrap().wants_password(), "its own key may be late");
}

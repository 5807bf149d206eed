use obnova_algorithm::KeyAlgorithm;
use obnova_ca::CaKey;
use obnova_status::{Authority, RevocationReason, Rules, Status, crl::Crl, ocsp::Question};

use super::*;
use crate::{
    House,
    house::{self, FirstCertificates, Holder, InitOptions},
    server::READERS,
};

/// A CA with a certificate in a folder, and what tells of it.
struct Scene {
    house: House,
    pair: FirstCertificates,
    directory: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let home = directory.path().join("ca");
        let options = InitOptions { backdate_days: 400, ..InitOptions::default() };
        house::init(&home, &options, SystemTime::now()).unwrap();
        let house = House::open(&home).unwrap();
        let keys = [(); 2].map(|()| CaKey::generate(KeyAlgorithm::P256).unwrap());
        let holder = Holder { name: "CN=Jana,C=CZ".into(), email: "jana@example.cz".into() };
        let [one, other] = keys.each_ref().map(CaKey::public_key);
        let pair = house.first_pair(&holder, one, other, 20, SystemTime::now()).unwrap();
        Self { house, pair, directory }
    }

    fn authority(&self) -> Authority {
        Authority::from_der(&self.house.ca().certificates().next().unwrap().der).unwrap()
    }

    /// As in a server of its own.
    fn desk(&self) -> Arc<Desk> {
        let shared = Shared {
            ca: self.house.ca().clone(),
            clock: Arc::new(SystemTime::now),
            log: Arc::new(|_| {}),
            patience: crate::Patience::default(),
            registrations: super::super::peers::Peers::new(1),
            desks: crate::server::links::Desks::of(&self.house).unwrap(),
        };
        Arc::new(Desk::new(self.house.status_desk().unwrap(), Arc::new(shared)))
    }
}

/// Every thread that reads for pages has a client that waits for a CRL, and the CRL waits for another process.
#[test]
fn who_waits_for_a_list_keeps_nobody_from_an_ocsp_answer() {
    let scene = Scene::new();
    let question = Question::about(&scene.pair.authentication.der, &scene.authority()).unwrap();
    let desk = scene.desk();
    let other = rusqlite::Connection::open(scene.directory.path().join("ca/ca.db")).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(READERS).build().unwrap();
    runtime.block_on(async {
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let lists: Vec<_> = (0..2 * READERS).map(|_| tokio::spawn(crl(State(desk.clone())))).collect();
        // They are asked for before the answer is.
        tokio::task::yield_now().await;
        let response = answer(desk.clone(), question.to_der().unwrap()).await;
        assert!(lists.iter().all(|list| !list.is_finished()), "the answer waited for a list");
        let response = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let verdict = question.check(&response, SystemTime::now(), &Rules::default()).unwrap();
        assert_eq!(verdict.status, Status::Good);

        other.execute_batch("COMMIT").unwrap();
        for list in lists {
            assert_eq!(list.await.unwrap().status(), StatusCode::OK);
        }
    });
    assert_eq!(desk.desk.newest_crl().unwrap(), 1, "one list for all of them");
}

#[test]
fn two_servers_on_one_store_make_a_list_each_and_no_more_until_something_changes() {
    let scene = Scene::new();
    let servers = [scene.desk(), scene.desk()];
    let list = |server: &Arc<Desk>| server.newest_crl(server.crl.clone().try_lock_owned().unwrap()).unwrap();
    let first = servers.each_ref().map(list);
    for _ in 0..3 {
        assert_eq!(servers.each_ref().map(list), first, "a list was made though nothing changed");
    }
    assert_eq!(servers[0].desk.newest_crl().unwrap(), 2, "one list for each");

    let status = |der: &[u8]| {
        let list = Crl::parse(der).unwrap().verify(&scene.authority(), SystemTime::now(), &Rules::default()).unwrap();
        list.status(&scene.pair.authentication.der).unwrap()
    };
    let serial = scene.pair.authentication.serial().to_vec();
    let revocations = scene.house.revocation_desk().unwrap();
    revocations.by_operator(&serial, RevocationReason::CertificateHold, SystemTime::now()).unwrap();
    for der in servers.each_ref().map(list) {
        assert!(matches!(status(&der), Status::Revoked(_)));
    }
    scene.desk().desk.release(&serial).unwrap();
    for der in servers.each_ref().map(list) {
        assert_eq!(status(&der), Status::Good);
    }
    assert_eq!(servers[0].desk.newest_crl().unwrap(), 6, "one for each and each change");

    // What the operator has in a file is older than whatever is given out from then on.
    let number = |der: &[u8]| {
        let list = Crl::parse(der).unwrap().verify(&scene.authority(), SystemTime::now(), &Rules::default()).unwrap();
        list.number().unwrap()
    };
    let mut file = Vec::new();
    scene.desk().desk.crl_to_give_away(SystemTime::now(), &mut file).unwrap();
    let fresh = servers.each_ref().map(list);
    assert!(fresh.iter().all(|der| number(der) > number(&file)));
    assert_eq!(servers.each_ref().map(list), fresh, "a list was made though nothing changed");
}

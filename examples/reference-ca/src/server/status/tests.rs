use obnova_algorithm::KeyAlgorithm;
use obnova_ca::CaKey;
use obnova_status::{Authority, Rules, Status, ocsp::Question};

use super::*;
use crate::{
    House,
    house::{self, Holder, InitOptions},
    server::READERS,
};

/// Every thread that reads for pages has a client that waits for a CRL, and the CRL waits for another process.
#[test]
fn who_waits_for_a_list_keeps_nobody_from_an_ocsp_answer() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("ca");
    let options = InitOptions { backdate_days: 400, ..InitOptions::default() };
    house::init(&home, &options, SystemTime::now()).unwrap();
    let house = House::open(&home).unwrap();
    let keys = [(); 2].map(|()| CaKey::generate(KeyAlgorithm::P256).unwrap());
    let holder = Holder { name: "CN=Jana,C=CZ".into(), email: "jana@example.cz".into() };
    let pair = house.first_pair(&holder, keys[0].public_key(), keys[1].public_key(), 20, SystemTime::now()).unwrap();
    let authority = Authority::from_der(&house.ca().certificates().next().unwrap().der).unwrap();
    let question = Question::about(&pair.authentication.der, &authority).unwrap();
    let desk = Arc::new(Desk {
        desk: house.status_desk().unwrap(),
        shared: Arc::new(Shared {
            ca: house.ca().clone(),
            clock: Arc::new(SystemTime::now),
            log: Arc::new(|_| {}),
            patience: crate::Patience::default(),
        }),
        crl: Default::default(),
    });
    let other = rusqlite::Connection::open(home.join("ca.db")).unwrap();
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

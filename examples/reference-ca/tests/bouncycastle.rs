//! A client of others: Bouncy Castle's EST client enrolls, waits and re-enrolls with the server as it is.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../../crates/enroll/tests/common/bouncycastle.rs"]
mod bouncycastle;
mod common;

use std::sync::atomic::Ordering::SeqCst;

use bouncycastle::bouncycastle;
use common::{
    World,
    first::{HOLDER, JANA, key, partner, password, request},
};
use obnova_pkcs10::RequestBuilder;
use x509_cert::{
    Certificate,
    der::{Decode, Encode},
    ext::pkix::{KeyUsages, SubjectAltName},
};

/// It asks what has to be in a request, sends no password before it is asked for one, and waits.
#[test]
fn its_est_client_enrolls_with_a_password_waits_and_re_enrolls_with_its_certificate() {
    let world = World::with(&partner(), |config| config);
    let typed = password(&world.home(), &JANA);
    let directory = world.directory.path();
    let write = |name: &str, bytes: &[u8]| std::fs::write(directory.join(name), bytes).unwrap();
    let keys = [key(), key()];
    let root = world.ca().pop().unwrap();
    write("ca.der", &root.to_der().unwrap());
    write("request.der", request(HOLDER, &keys[0], KeyUsages::DigitalSignature).der());
    let url = world.server.url();
    let run = |arguments: &[&str]| {
        world.approving(|| bouncycastle(directory, arguments));
        Certificate::from_der(&std::fs::read(directory.join("out.der")).unwrap()).unwrap()
    };
    let first = run(&["enroll", &url, "ca.der", "jana", typed.to_text(), "request.der", "out.der"]);
    let tbs = first.tbs_certificate();
    assert_eq!((tbs.subject().to_string().as_str(), tbs.subject_public_key_info()), (HOLDER, keys[0].public_key()));

    // A fortnight before its end.
    world.ahead.store(351, SeqCst);
    let (_, names) = tbs.get_extension::<SubjectAltName>().unwrap().unwrap();
    let builder = RequestBuilder::new(HOLDER.parse().unwrap(), keys[1].public_key().clone(), keys[1].algorithm());
    let to_sign = builder.subject_alt_name(names.0).finalize().unwrap();
    write("request.der", to_sign.assemble(&keys[1].sign(to_sign.bytes()).unwrap()).unwrap().der());
    write("old.p8", &keys[0].to_pkcs8().unwrap());
    write("old.der", &world.house.ca().certificate(tbs.serial_number().as_bytes()).unwrap().unwrap().der);
    let renewed = run(&["reenroll", &url, "ca.der", "old.p8", "old.der", "request.der", "out.der"]);
    assert_eq!(renewed.tbs_certificate().subject_public_key_info(), keys[1].public_key());
    let log = world.log.lock().unwrap();
    for (path, status) in [("csrattrs", 200), ("simpleenroll", 401), ("simpleenroll", 202), ("simplereenroll", 202)] {
        let path = format!("/.well-known/est/{path}");
        assert!(log.iter().any(|access| access.path == path && access.status == status), "{path} {status}");
    }
}

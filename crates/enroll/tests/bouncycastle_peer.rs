//! Bouncy Castle, run beside the test: its EST client enrolls and re-enrolls here; CMC messages and envelopes are read and
//! written both ways.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;
#[path = "common/bouncycastle.rs"]
mod peer;
#[path = "common/tls.rs"]
mod tls;

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use common::{CA, HOLDER, Key, World, certificate, extension, for_encryption};
use der::{Decode, Encode};
use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm};
use obnova_enroll::{
    Secret,
    cmc::{CertificateId, ProofKey, Received, Revocation, RevocationRequestBuilder, SealedPassphrase, UserId},
    envelope::seal,
    est::{
        BasicError, Channel, Credentials, CsrAttributes, HttpRequest, HttpResponse, Reenrollment, Server,
        SimpleOperation, reenrollment,
    },
};
use obnova_pkcs10::{CertificationRequest, RequestBuilder};
use peer::bouncycastle;
use x509_cert::{
    Certificate,
    ext::pkix::{CrlReason, KeyUsage, KeyUsages},
};

fn read(directory: &Path, name: &str) -> Certificate {
    Certificate::from_der(&std::fs::read(directory.join(name)).unwrap()).unwrap()
}

fn answer(world: &World, http: &HttpRequest, simple: impl FnOnce(SimpleOperation) -> HttpResponse) -> HttpResponse {
    let server = Server::new();
    match server.route_simple(http) {
        Ok(operation) => simple(operation),
        Err(_) => match server.route(http) {
            Ok(_) => server.cacerts(std::slice::from_ref(&world.ca)).unwrap(),
            Err(error) => error.response(),
        },
    }
}

/// It sends no password before it is asked for one, so the 401 is tried too; and it waits.
#[test]
fn its_est_client_enrolls_with_a_password() {
    let (world, key) = (World::new(), Key::p256());
    let usage = extension(&KeyUsage(KeyUsages::DigitalSignature.into()), true);
    let attributes = CsrAttributes::new().key(KeyAlgorithm::P256).unwrap();
    let attributes = attributes.signature(SignatureAlgorithm::Ecdsa(Digest::Sha256));
    let attributes = attributes.extensions(std::slice::from_ref(&usage)).unwrap();
    let shape = attributes.shape().unwrap();
    let builder = RequestBuilder::new(HOLDER.parse().unwrap(), key.public(), key.algorithm());
    let to_sign = shape.apply(builder).unwrap().finalize().unwrap();
    let request = to_sign.assemble(&key.sign(to_sign.bytes())).unwrap();
    let issued = certificate(HOLDER, &key, CA, &world.ca_key, 20, false);

    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    std::fs::write(directory.join("ca.der"), world.ca.to_der().unwrap()).unwrap();
    std::fs::write(directory.join("request.der"), request.der()).unwrap();
    let (mut asked, mut challenged) = (Vec::new(), 0);
    let server = |http: HttpRequest, _: Option<Certificate>| {
        answer(&world, &http, |operation| match operation {
            SimpleOperation::CsrAttrs => Server::new().csrattrs(&attributes).unwrap(),
            SimpleOperation::Enroll(came) => match Credentials::of(&http, Channel::Tls) {
                Ok(who) => {
                    assert_eq!((who.user().as_str(), who.password().as_bytes()), ("jana", &b"MZXW6YTBOI5FA2LC"[..]));
                    assert_eq!(shape.check(&came), Ok(()));
                    asked.push(came);
                    match asked.len() {
                        1 => Server::new().retry_after(Duration::from_secs(1)),
                        _ => Server::new().issued(&issued).unwrap(),
                    }
                }
                Err(error) => {
                    assert_eq!(error, BasicError::Absent);
                    challenged += 1;
                    error.response("EST")
                }
            },
            SimpleOperation::Reenroll(_) => panic!("it has nothing to renew"),
        })
    };
    tls::serve(&world, server, |url| {
        let files = ["request.der", "out.der"];
        bouncycastle(directory, &[&["enroll", url, "ca.der", "jana", "MZXW6YTBOI5FA2LC"], &files[..]].concat());
    });
    assert_eq!(read(directory, "out.der"), issued);
    assert_eq!(asked, [request.clone(), request]);
    assert!(challenged > 0);
}

#[test]
fn its_est_client_re_enrolls_with_its_certificate() {
    let world = World::new();
    let [old_key, new_key] = [Key::p256(), Key::p256()];
    let old = certificate(HOLDER, &old_key, CA, &world.ca_key, 30, false);
    let to_sign =
        RequestBuilder::new(HOLDER.parse().unwrap(), new_key.public(), new_key.algorithm()).finalize().unwrap();
    let request: CertificationRequest = to_sign.assemble(&new_key.sign(to_sign.bytes())).unwrap();
    let issued = certificate(HOLDER, &new_key, CA, &world.ca_key, 31, false);
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    for (name, bytes) in [
        ("ca.der", world.ca.to_der().unwrap()),
        ("old.der", old.to_der().unwrap()),
        ("old.p8", old_key.pkcs8()),
        ("request.der", request.der().to_vec()),
    ] {
        std::fs::write(directory.join(name), bytes).unwrap();
    }
    let mut done = Vec::new();
    let server = |http: HttpRequest, peer: Option<Certificate>| {
        answer(&world, &http, |operation| {
            let SimpleOperation::Reenroll(request) = operation else { panic!("{operation:?}") };
            done.push(reenrollment(&peer.expect("it logs in"), &request));
            Server::new().issued(&issued).unwrap()
        })
    };
    tls::serve(&world, server, |url| {
        bouncycastle(directory, &["reenroll", url, "ca.der", "old.p8", "old.der", "request.der", "out.der"]);
    });
    assert_eq!(read(directory, "out.der"), issued);
    assert_eq!(done, [Ok(Reenrollment::Rekey)]);
}

#[test]
fn first_requests_and_revocations_are_read_and_written_both_ways() {
    let world = World::with(Key::p256(), [Key::p256(), Key::p256()], [Key::p256(), Key::rsa()]);
    let (ca, _) = for_encryption(&Key::p256());
    let (user, password) = (UserId::new("jana").unwrap(), Secret::from_bytes(b"MZXW6YTBOI5FA2LC").unwrap());
    let key = ProofKey::derive(Digest::Sha256, &password, &user);
    let [one, two] = world.old.each_ref().map(CertificateId::from);
    let sealed = SealedPassphrase::seal(&password, &two, &ca).unwrap();
    let first = Revocation {
        invalid_since: Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000)),
        comment: "ztracená karta".into(),
        ..Revocation::new(one.clone(), CrlReason::KeyCompromise)
    };
    let builder = RevocationRequestBuilder::new(world.transaction.clone(), world.nonce.clone()).revoke(first);
    let builder = builder.revoke(Revocation::new(two, CrlReason::Unspecified).passphrase(sealed));
    let to_sign = builder.finalize(&world.signers()).unwrap();
    let revocation = to_sign.sign_with(|one| Ok::<_, ()>(world.old_keys[one.signer].sign(&one.bytes))).unwrap();

    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    for (name, bytes) in [
        ("first.der", world.first_request(&user, &key)),
        ("revocation.der", revocation),
        ("old.p8", world.old_keys[0].pkcs8()),
        ("old.der", world.old[0].to_der().unwrap()),
    ] {
        std::fs::write(directory.join(name), bytes).unwrap();
    }
    let ours = ["cmc", "first.der", "MZXW6YTBOI5FA2LCjana"];
    let theirs = ["jana", "first.ber", "revocation.der", "old.p8", "old.der", "revocation.ber"];
    bouncycastle(directory, &[&ours[..], &theirs].concat());

    let message = std::fs::read(directory.join("first.ber")).unwrap();
    assert_eq!(message[1], 0x80, "of indefinite length");
    let Received::First(request) = Received::parse(&message).unwrap() else { panic!("not a first request") };
    assert_eq!((request.user, request.proof.verify(&key)), (user, Ok(())));
    let [(10, request)] = request.requests.as_slice() else { panic!("not one request") };
    assert_eq!(request.verify().map_err(|error| error.to_string()), Ok(KeyAlgorithm::P256));

    let message = std::fs::read(directory.join("revocation.ber")).unwrap();
    let Received::Revocation(request) = Received::parse(&message).unwrap() else { panic!("not a revocation") };
    let noon = Some(common::noon());
    let wanted =
        Revocation { invalid_since: noon, comment: "BC".into(), ..Revocation::new(one, CrlReason::Superseded) };
    assert_eq!(request.revocations, [wanted]);
    assert_eq!(request.by_holder(&request.revocations[0]), Some(&world.old[0]));
}

#[test]
fn envelopes_are_sealed_by_it_and_opened_by_it_where_it_can() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let content = "heslo pro odvolání".as_bytes();
    let mut openings = Vec::new();
    let mut arguments = vec!["envelope".to_owned()];
    for (index, key) in [Key::p256(), Key::p384(), Key::rsa()].into_iter().enumerate() {
        let (certificate, opening) = for_encryption(&key);
        let names = ["key", "ca", "sealed", "theirs"].map(|name| format!("{name}{index}"));
        for (name, bytes) in
            names.iter().zip([key.pkcs8(), certificate.to_der().unwrap(), seal(content, &certificate).unwrap()])
        {
            std::fs::write(directory.join(name), bytes).unwrap();
        }
        arguments.extend(names);
        openings.push(opening);
    }
    bouncycastle(directory, &arguments.iter().map(String::as_str).collect::<Vec<_>>());
    for (index, opening) in openings.iter().enumerate() {
        let sealed = std::fs::read(directory.join(format!("theirs{index}"))).unwrap();
        let opened = opening.open(&sealed).unwrap_or_else(|error| panic!("{index}: {error}"));
        assert_eq!(*opened, content);
    }
}

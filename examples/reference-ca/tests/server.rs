//! The server as a holder's program meets it: an order, the wait, the pick-up, the login; and what it refuses.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
    time::{Duration, SystemTime},
};

use common::{World, first_pair, new_keys, order, read_response};
use obnova_ca::{CaKey, IssuedCertificate, PickUpToken, Policy, Transaction};
use obnova_enroll::{
    certs_only,
    cmc::{Answer, Asked, Expected, FollowUp, FullResponse, Nonce, Signer, TransactionId},
    est::{self, FullCmcReply, HttpRequest, HttpResponse},
};
use obnova_reference_ca::{House, Patience, Server, ServerConfig, ServerError};
use x509_cert::{Certificate, der::Encode};

fn ids(random: u8) -> (TransactionId, Nonce) {
    (TransactionId::from_random([random; 16]), Nonce::from_random([random; 16]))
}

fn post(world: &World, message: &[u8], transaction: &TransactionId, nonce: &Nonce, asked: Asked) -> Answer {
    let response = world.send(&est::Client::new().fullcmc_request(message), None);
    read(world, &response, transaction, nonce, asked)
}

fn read(world: &World, response: &HttpResponse, transaction: &TransactionId, nonce: &Nonce, asked: Asked) -> Answer {
    let FullCmcReply::Cmc(message) = est::Client::new().fullcmc_response(response).unwrap() else { panic!("no CMC") };
    let ca = world.ca();
    FullResponse::parse(&message, &Expected { transaction, nonce, ca: &ca, asked }).unwrap().answer
}

fn json(response: &HttpResponse) -> serde_json::Value {
    assert_eq!(response.headers.get("content-type"), Some("application/json"));
    assert_eq!(response.headers.get("cache-control"), Some("no-store"));
    serde_json::from_slice(&response.body).unwrap()
}

#[test]
fn a_pair_is_renewed_over_https() {
    let world = World::new();
    let anchors =
        est::Client::new().cacerts_response(&world.send(&est::Client::new().cacerts_request(), None)).unwrap();
    assert!(world.server.trust_anchors.iter().all(|anchor| anchors.contains(anchor)) && anchors.len() == 2);

    let (transaction, nonce) = ids(1);
    let keys = new_keys();
    let message = order(&world.old, &keys, &transaction, &nonce);
    let answer = post(&world, &message, &transaction, &nonce, Asked::Certificates);
    let Answer::Pending { token, .. } = answer else { panic!("{answer:?}") };
    let link = format!("/pickup/{}", PickUpToken::new(token.as_bytes()).unwrap().to_link().as_str());
    let waiting = world.get(&link, None, &[]);
    assert_eq!((waiting.status, waiting.headers.get("retry-after")), (202, Some("60")));

    // The operator's command is another process with the same directory.
    let operator = House::open(&world.home()).unwrap();
    let name = Transaction::new(transaction.as_bytes()).unwrap();
    operator.ca().approve(&name, SystemTime::now()).unwrap();

    let again = FollowUp::new(transaction.clone(), nonce.clone()).query_pending(&token).unwrap();
    let answer = post(&world, &again, &transaction, &nonce, Asked::Certificates);
    let Answer::Issued { certificates, .. } = answer else { panic!("{answer:?}") };

    // The link in the mail brings the same, in both forms, as often as it takes.
    let mailed = world.get(&link, None, &[]);
    assert_eq!(mailed.headers.get("content-type"), Some("application/pkcs7-mime; smime-type=certs-only"));
    let pem = world.get(&link, None, &[("Accept", "text/html, application/x-pem-file")]);
    for set in [certs_only::decode(&mailed.body).unwrap(), certs_only::read_file(&pem.body).unwrap()] {
        assert!(keys.iter().all(|key| certs_only::find_by_key(&set, key.public_key()).is_some()));
        assert_eq!(set.len(), 3, "with the CA's own");
    }

    // The proof of the new pair: a login with it.
    let new = certs_only::find_by_key(&certificates, keys[0].public_key()).unwrap();
    let new = IssuedCertificate::from_der(&new.to_der().unwrap()).unwrap();
    let who = json(&world.get("/login", Some((&keys[0], &new)), &[]));
    assert_eq!(who["subject"], new.certificate.tbs_certificate().subject().to_string());
    assert_eq!(who["profile"], "authentication");
    let serial: String = new.serial().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(who["serial"], serial);

    // After the receipt the link is used up.
    let receipt = FollowUp::new(transaction.clone(), nonce.clone());
    let receipt = receipt.confirm_acceptance(Some(&token), &certificates).unwrap();
    assert_eq!(post(&world, &receipt, &transaction, &nonce, Asked::Confirmation), Answer::Confirmed);
    let spent = world.get(&link, None, &[]);
    assert_eq!((spent.status, json(&spent)["error"].as_str()), (410, Some("token-spent")));
    let log = format!("{:?}", world.log.lock().unwrap());
    assert!(log.contains("/pickup/...") && !log.contains(&link[8..20]), "no token in the log");
}

#[test]
fn a_link_is_closed_by_a_key_of_what_it_brings_and_by_nobody_else() {
    let world = World::with(&Policy::TEMPLATE.replace("\"manual\"", "\"automatic\""), |config| config);
    let (transaction, nonce) = ids(7);
    let keys = new_keys();
    let message = order(&world.old, &keys, &transaction, &nonce);
    let answer = post(&world, &message, &transaction, &nonce, Asked::Certificates);
    let Answer::Issued { certificates, .. } = answer else { panic!("{answer:?}") };
    let kept = world.house.ca().list(None, 1).unwrap().remove(0);
    let link = format!("/pickup/{}", world.house.ca().token(&kept).to_link().as_str());

    let (transaction, nonce) = ids(8);
    let by = |certificate: &Certificate, key: &CaKey| {
        let signer = Signer { certificate: certificate.clone(), algorithm: key.algorithm() };
        let follow_up = FollowUp::new(transaction.clone(), nonce.clone());
        let to_sign = follow_up.sign_acceptance(&certificates, &[signer]).unwrap();
        to_sign.sign_with(|to_sign| key.sign(&to_sign.bytes)).unwrap()
    };
    let sent = |link: &str, message: &[u8]| {
        let mut request = est::Client::new().fullcmc_request(message);
        link.clone_into(&mut request.path);
        world.send(&request, None)
    };
    let error = |answer: &HttpResponse| json(answer)["error"].as_str().unwrap().to_owned();
    let own = certs_only::find_by_key(&certificates, keys[0].public_key()).unwrap();
    let right = by(own, &keys[0]);
    let thief = by(&world.old.certificates[0].certificate, &world.old.keys[0]);
    let unsigned = FollowUp::new(transaction.clone(), nonce.clone()).confirm_acceptance(None, &certificates).unwrap();
    for message in [thief, unsigned, message] {
        let answer = sent(&link, &message);
        assert_eq!((answer.status, error(&answer).as_str()), (400, "wrong-receipt"));
    }
    assert_eq!(sent(&link, b"garbage").status, 400);
    assert_eq!(world.get(&link, None, &[]).status, 200, "it is open still");
    // A login with one of two says nothing of the other.
    let own = IssuedCertificate::from_der(&own.to_der().unwrap()).unwrap();
    assert_eq!(world.get("/login", Some((&keys[0], &own)), &[]).status, 200);
    assert_eq!(world.get(&link, None, &[]).status, 200);
    let unknown = sent(&format!("/pickup/{}", "0".repeat(40)), &right);
    assert_eq!((unknown.status, error(&unknown).as_str()), (404, "unknown-token"));
    assert_eq!(sent("/pickup/0", &right).status, 404);

    let answer = sent(&link, &right);
    assert_eq!(answer.status, 200);
    assert_eq!(read(&world, &answer, &transaction, &nonce, Asked::Confirmation), Answer::Confirmed);
    for answer in [world.get(&link, None, &[]), sent(&link, &right)] {
        assert_eq!((answer.status, error(&answer).as_str()), (410, "token-spent"));
    }
    let log = format!("{:?}", world.log.lock().unwrap());
    assert!(log.contains("/pickup/...") && !log.contains(&link[8..20]), "no token in the log");
}

#[test]
fn automatic_approval_answers_at_once_and_repeats_itself() {
    let world = World::with(&Policy::TEMPLATE.replace("\"manual\"", "\"automatic\""), |config| config);
    let (transaction, nonce) = ids(2);
    let message = order(&world.old, &new_keys(), &transaction, &nonce);
    let first = post(&world, &message, &transaction, &nonce, Asked::Certificates);
    assert!(matches!(&first, Answer::Issued { certificates, .. } if certificates.len() == 2));
    // The server dies and comes back: the journalled message brings the same certificates.
    let World { directory, house, server, old, log, ahead } = world;
    server.stop();
    drop(house);
    let house = Arc::new(House::open(&directory.path().join("ca")).unwrap());
    let server = Server::start(ServerConfig::new(house.clone())).unwrap();
    let world = World { directory, house, server, old, log, ahead };
    assert_eq!(post(&world, &message, &transaction, &nonce, Asked::Certificates), first);
}

#[test]
fn who_may_not_log_in_is_told_why() {
    // By the server's clock it is tomorrow.
    let tomorrow = || SystemTime::now() + Duration::from_secs(86_400);
    let world = World::with(Policy::TEMPLATE, |config| ServerConfig { clock: Arc::new(tomorrow), ..config });
    let nobody = world.get("/login", None, &[]);
    assert_eq!((nobody.status, json(&nobody)["error"].as_str()), (401, Some("nobody")));
    let refused = |key: &CaKey, certificate: &IssuedCertificate| {
        let answer = world.get("/login", Some((key, certificate)), &[]);
        assert_eq!(answer.status, 403);
        json(&answer)["error"].as_str().unwrap().to_owned()
    };
    assert_eq!(refused(&world.old.keys[1], &world.old.certificates[1]), "peer-not-for-login");
    let expired = first_pair(&world.house, 0);
    assert_eq!(refused(&expired.keys[0], &expired.certificates[0]), "peer-expired");
    let stranger = World::new();
    assert_eq!(refused(&stranger.old.keys[0], &stranger.old.certificates[0]), "unknown-peer");
    let refused: Vec<_> = world.log.lock().unwrap().iter().map(|access| access.refused).collect();
    assert_eq!(refused, [None, Some("peer-not-for-login"), Some("peer-expired"), Some("unknown-peer")]);
    let who = world.get("/login", Some((&world.old.keys[0], &world.old.certificates[0])), &[]);
    assert_eq!(who.status, 200);
}

#[test]
fn a_key_that_is_not_the_certificates_own_does_not_get_through_the_handshake() {
    let world = World::new();
    let forged = (&world.old.keys[1], &world.old.certificates[0]);
    let mut stream = common::connect(world.server.address, &world.server.trust_anchors, Some(forged));
    let mut answer = Vec::new();
    let outcome = stream.write_all(b"GET /login HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let outcome = outcome.and_then(|()| stream.read_to_end(&mut answer));
    assert!(outcome.is_err() && answer.is_empty(), "{outcome:?}");
    assert!(world.log.lock().unwrap().is_empty());
    let honest = (&world.old.keys[0], &world.old.certificates[0]);
    assert_eq!(world.get("/login", Some(honest), &[]).status, 200);
}

#[test]
fn a_refused_order_is_signed_and_says_400() {
    let world = World::new();
    let (transaction, nonce) = ids(3);
    let fresh = first_pair(&world.house, 200);
    let message = order(&fresh, &new_keys(), &transaction, &nonce);
    let response = world.send(&est::Client::new().fullcmc_request(&message), None);
    assert_eq!(response.status, 400);
    let answer = read(&world, &response, &transaction, &nonce, Asked::Certificates);
    assert!(matches!(&answer, Answer::Refused { text, .. } if text.starts_with("too-early: ")), "{answer:?}");
    // Sent by somebody else's connection it is refused for that.
    let petr = first_pair(&World::new().house, 20);
    let (transaction, nonce) = ids(4);
    let message = order(&world.old, &new_keys(), &transaction, &nonce);
    let request = est::Client::new().fullcmc_request(&message);
    let response = world.send(&request, Some((&petr.keys[0], &petr.certificates[0])));
    let answer = read(&world, &response, &transaction, &nonce, Asked::Certificates);
    assert!(matches!(&answer, Answer::Refused { text, .. } if text.starts_with("unknown-peer: ")), "{answer:?}");
}

#[test]
fn what_nobody_serves_and_what_nobody_can_read_is_refused() {
    let world = World::new();
    let status = |request: &HttpRequest| world.send(request, None).status;
    let good = est::Client::new().fullcmc_request(b"0");
    let with = |change: &dyn Fn(&mut HttpRequest)| {
        let mut request = good.clone();
        change(&mut request);
        status(&request)
    };
    assert_eq!(with(&|request| request.path = "/".into()), 404);
    assert_eq!(with(&|request| request.path = "/.well-known/est/serverkeygen".into()), 404);
    assert_eq!(with(&|request| request.method = "GET".into()), 405);
    assert_eq!(with(&|request| request.method = "DELETE".into()), 405);
    assert_eq!(with(&|request| request.headers.set("Content-Type", "text/plain")), 415);
    assert_eq!(with(&|request| request.body = b"%%%%".to_vec()), 400);
    assert_eq!(with(&|request| request.body = Vec::new()), 400);
    assert_eq!(with(&|_| {}), 400, "Base64, and no CMC");
    for token in ["0", &"0".repeat(40), &"z".repeat(40), &"0".repeat(5000), "%ff%fe"] {
        assert!([404, 400].contains(&world.get(&format!("/pickup/{token}"), None, &[]).status), "{token}");
    }
    let mut elsewhere = good;
    (elsewhere.method, elsewhere.path) = ("POST".into(), "/login".into());
    assert_eq!(world.send(&elsewhere, None).status, 405);
}

#[test]
fn a_body_without_end_is_cut_off() {
    let world = World::new();
    let address = world.server.address;
    let mut stream = common::connect(address, &world.server.trust_anchors, None);
    let head = "POST /.well-known/est/fullcmc HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/pkcs7-mime; smime-type=CMC-request\r\nTransfer-Encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    let chunk = [b"10000\r\n".as_slice(), &[b'A'; 0x10000], b"\r\n"].concat();
    // The server answers and closes before all of it is sent.
    let sent = (0..10_000).take_while(|_| stream.write_all(&chunk).is_ok()).count();
    assert!(sent < 10_000, "600 MB were taken");
    assert!(world.log.lock().unwrap().iter().any(|access| access.status == 413));
    // A head without end, too.
    let mut stream = common::connect(address, &world.server.trust_anchors, None);
    let line = [b"X-A: ".as_slice(), &[b'a'; 8192], b"\r\n"].concat();
    stream.write_all(b"GET /login HTTP/1.1\r\n").unwrap();
    let sent = (0..10_000).take_while(|_| stream.write_all(&line).is_ok()).count();
    assert!(sent < 10_000);
    assert_eq!(world.get("/login", None, &[]).status, 401, "it serves others");
}

#[test]
fn who_does_not_say_hello_is_left() {
    let patience = Patience { hello: Duration::from_millis(100), ..Patience::default() };
    let world = World::with(Policy::TEMPLATE, |config| ServerConfig { patience, ..config });
    // Nothing at all, not even a handshake.
    let mut silent = TcpStream::connect(world.server.address).unwrap();
    assert_eq!(silent.read(&mut [0; 1]).unwrap_or(0), 0, "the server hangs up");
    // A request without an end of its head; on a busy machine not even the handshake is done in time.
    let mut headless = common::connect(world.server.address, &world.server.trust_anchors, None);
    let mut answer = Vec::new();
    let _ = headless.write_all(b"GET /login HTTP/1.1\r\nHost: x\r\n").and_then(|()| headless.read_to_end(&mut answer));
    assert!(!answer.starts_with(b"HTTP/1.1 2"), "{}", String::from_utf8_lossy(&answer));
    assert!(world.log.lock().unwrap().is_empty());
}

#[test]
fn who_does_not_send_what_was_announced_is_left() {
    let patience = Patience { request: Duration::from_millis(100), ..Patience::default() };
    let world = World::with(Policy::TEMPLATE, |config| ServerConfig { patience, ..config });
    let mut bodyless = common::connect(world.server.address, &world.server.trust_anchors, None);
    let head = "POST /.well-known/est/fullcmc HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 100\r\n\r\n";
    bodyless.write_all(head.as_bytes()).unwrap();
    assert_eq!(read_response(&mut bodyless).status, 408);
}

#[test]
fn what_is_no_tls_is_dropped_and_stopping_waits_for_nobody_who_is_silent() {
    let world = World::new();
    let mut plain = TcpStream::connect(world.server.address).unwrap();
    plain.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "no plain HTTP");
    let silent = TcpStream::connect(world.server.address).unwrap();
    let idle = common::connect(world.server.address, &world.server.trust_anchors, None);
    let address = world.server.address;
    world.server.stop();
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
    drop((silent, idle));
}

#[test]
fn a_request_that_is_on_its_way_when_the_server_stops_is_answered() {
    let world = World::new();
    let mut stream = common::connect(world.server.address, &world.server.trust_anchors, None);
    let request = est::Client::new().fullcmc_request(b"0");
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: x\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n",
        request.path,
        request.headers.get("Content-Type").unwrap(),
        request.body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.flush().unwrap();
    // The server has the head once it has answered a request that came later on another connection.
    world.get("/login", None, &[]);
    let server = world.server;
    std::thread::scope(|scope| {
        scope.spawn(move || server.stop());
        stream.write_all(&request.body).unwrap();
        assert_eq!(read_response(&mut stream).status, 400);
    });
}

#[test]
fn an_address_that_is_taken_is_named() {
    let world = World::new();
    let config = ServerConfig { listen: world.server.address, ..ServerConfig::new(world.house.clone()) };
    let error = Server::start(config).unwrap_err();
    assert!(matches!(error, ServerError::Listen { address, .. } if address == world.server.address));
}

#[test]
fn many_holders_at_once_each_get_their_own() {
    let world = World::with(&Policy::TEMPLATE.replace("\"manual\"", "\"automatic\""), |config| config);
    let pairs: Vec<_> = (0..8).map(|_| first_pair(&world.house, 20)).collect();
    std::thread::scope(|scope| {
        for (index, pair) in pairs.iter().enumerate() {
            let world = &world;
            scope.spawn(move || {
                let (transaction, nonce) = ids(100 + index as u8);
                let keys = new_keys();
                let message = order(pair, &keys, &transaction, &nonce);
                let answer = post(world, &message, &transaction, &nonce, Asked::Certificates);
                let Answer::Issued { certificates, .. } = answer else { panic!("{answer:?}") };
                assert!(keys.iter().all(|key| certs_only::find_by_key(&certificates, key.public_key()).is_some()));
            });
        }
    });
    assert_eq!(world.house.ca().list(None, 100).unwrap().len(), 8);
}

//! A notice from the policy to the program that begins the renewal, over HTTPS and by commands.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    fs,
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use common::{World, first_pair, new_keys, order};
use obnova_enroll::{
    cmc::{Nonce, TransactionId},
    est::{HttpRequest, HttpResponse, Method},
};
use obnova_reference_ca::{Server, ServerConfig, mail::Postman};
use obnova_status::RevocationReason;

/// The links in the mails that are in the folder.
fn links(world: &World) -> Vec<String> {
    let Ok(folder) = fs::read_dir(world.house.mail_folder()) else { return Vec::new() };
    let mut texts: Vec<_> = folder.map(|file| file.unwrap().path()).collect();
    texts.sort();
    // Lines that are too long are broken (RFC 2045 §6.7).
    let read = |path: &std::path::PathBuf| fs::read_to_string(path).unwrap().replace("=\r\n", "");
    let link = |text: String| text.lines().find(|line| line.contains("/renew/")).unwrap().trim().to_owned();
    texts.iter().map(read).map(link).collect()
}

fn path(link: &str) -> String {
    format!("/renew/{}", link.rsplit('/').next().unwrap())
}

fn run(world: &World, arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_obnova-ca"))
        .args(arguments)
        .current_dir(world.directory.path())
        .output()
        .unwrap();
    (output.status.code().unwrap(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

fn begin(world: &World, path: &str, attempt: &str) -> HttpResponse {
    let request = HttpRequest {
        method: Method::Post,
        path: path.into(),
        headers: [("Accept", "application/json")].into_iter().collect(),
        body: format!("attempt={attempt}").into_bytes(),
    };
    world.send(&request, None)
}

fn body(response: &HttpResponse) -> String {
    String::from_utf8(response.body.clone()).unwrap()
}

const ONE: &str = "0123456789abcdef";
const TWO: &str = "fedcba9876543210";

#[test]
fn a_notice_is_mailed_once_and_its_link_begins_one_renewal() {
    let world = World::new();
    first_pair(&world.house, 100);
    assert_eq!(run(&world, &["notices", "ca"]), (0, "1 posted, 0 told before\n".into()));
    assert_eq!(run(&world, &["notices", "ca"]), (0, "0 posted, 1 told before\n".into()));
    assert_eq!(run(&world, &["mail", "ca", "send", "--once"]).0, 0);
    let links = links(&world);
    assert_eq!(links.len(), 1);
    let path = path(&links[0]);
    // Scanners of mail follow links, often.
    for _ in 0..3 {
        let page = world.get(&path, None, &[]);
        assert_eq!(page.status, 200);
        assert_eq!(page.headers.get("cache-control"), Some("no-store"));
        assert_eq!(page.headers.get("referrer-policy"), Some("no-referrer"));
        assert!(page.headers.get("content-security-policy").unwrap().starts_with("default-src 'none'"));
        assert!(!body(&page).contains("<script") && body(&page).contains("<pre>obnova renew --link -</pre>"));
    }
    let seen = world.get(&path, None, &[("Accept", "application/json")]);
    let serials = world
        .old
        .certificates
        .each_ref()
        .map(|one| one.serial().iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    assert!(serials.iter().all(|serial| body(&seen).contains(serial)), "{}", body(&seen));
    assert_eq!(begin(&world, &path, "short").status, 400);
    assert_eq!(begin(&world, &path, ONE).status, 200);
    assert_eq!(begin(&world, &path, ONE).status, 200, "the answer may have been lost");
    let other = begin(&world, &path, TWO);
    assert!(other.status == 410 && body(&other).contains("used-link"), "{}", body(&other));
    assert_eq!(world.get(&path, None, &[]).status, 410);
    // The program that used it up and was not told so looks at it once more.
    assert_eq!(world.get(&format!("{path}?attempt={TWO}"), None, &[]).status, 410);
    let again = world.get(&format!("{path}?attempt={ONE}"), None, &[("Accept", "application/json")]);
    assert_eq!((again.status, body(&again)), (200, body(&seen)));
    assert_eq!(begin(&world, &path, TWO).status, 410, "that used nothing up for anybody else");
    // The tail of the log has no link in it.
    let log = world.log.lock().unwrap();
    assert!(log.iter().all(|access| access.path == "/renew/..."));
    assert_eq!(log.last().unwrap().refused, Some("used-link"));
}

/// A holder of any other service than the one that is taken where none is named has to name it.
#[test]
fn the_page_of_the_link_says_the_command_in_full() {
    let partner = include_str!("../../../policies/partner.toml");
    let [guild, unnamed] = ["name = \"guild\"", "name = \"partner\""].map(|name| {
        let table = format!("{name}\nplays = \"partner\"\n");
        partner.replace("name = \"partner\"\nplays = \"partner\"\n", &table)
    });
    for (policy, command) in [(&*unnamed, "--service partner"), (&guild, "--policy guild.toml")] {
        let world = World::with(policy, |config| config);
        assert_eq!(run(&world, &["notices", "ca"]), (0, "1 posted, 0 told before\n".into()));
        run(&world, &["mail", "ca", "send", "--once"]);
        let page = body(&world.get(&path(&links(&world)[0]), None, &[]));
        assert!(page.contains(&format!("<pre>obnova renew --link - {command}</pre>")), "{page}");
        assert!(page.contains("--trust") && page.contains("the file with the issuer's certificate"), "{page}");
    }
}

/// Who looks with the name of an attempt has used nothing up; nor has who comes while the certificates are ordered already.
#[test]
fn a_link_is_used_up_by_who_begins_with_it_and_while_it_begins_something() {
    let world = World::new();
    run(&world, &["notices", "ca"]);
    run(&world, &["mail", "ca", "send", "--once"]);
    let path = path(&links(&world)[0]);
    assert_eq!(world.get(&format!("{path}?attempt={ONE}"), None, &[]).status, 200);
    let message = order(&world.old, &new_keys(), &TransactionId::from_random([1; 16]), &Nonce::from_random([2; 16]));
    world.house.ca().answer(&message, None, SystemTime::now()).unwrap();
    for _ in 0..2 {
        assert_eq!(world.get(&format!("{path}?attempt={ONE}"), None, &[]).status, 410);
        assert_eq!(begin(&world, &path, ONE).status, 410);
    }
    let waits = world.house.ca().list(None, 1).unwrap().remove(0).transaction;
    world.house.ca().reject(&waits, "not paid", SystemTime::now()).unwrap();
    assert_eq!(begin(&world, &path, TWO).status, 200, "nobody had used it up");
    assert_eq!(begin(&world, &path, ONE).status, 410);
}

#[test]
fn a_link_is_dead_when_its_certificates_are_ordered_anew_revoked_or_over() {
    let world = World::new();
    let petr = first_pair(&world.house, 19);
    let eva = first_pair(&world.house, 5);
    run(&world, &["notices", "ca"]);
    run(&world, &["mail", "ca", "send", "--once"]);
    let links = links(&world);
    assert_eq!(links.len(), 3);
    let path_of = |serial: &[u8]| {
        let serial: String = serial.iter().map(|byte| format!("{byte:02x}")).collect();
        let asked = |link: &&String| body(&world.get(&path(link), None, &[])).contains(&serial);
        path(links.iter().find(asked).unwrap())
    };
    let [jana, petrs, evas] = [&world.old, &petr, &eva].map(|pair| path_of(pair.certificates[0].serial()));
    let message = order(&world.old, &new_keys(), &TransactionId::from_random([1; 16]), &Nonce::from_random([2; 16]));
    world.house.ca().answer(&message, None, SystemTime::now()).unwrap();
    assert_eq!(begin(&world, &jana, ONE).status, 410);
    for certificate in &petr.certificates {
        world
            .house
            .revocation_desk()
            .unwrap()
            .by_operator(certificate.serial(), RevocationReason::Superseded, SystemTime::now())
            .unwrap();
    }
    assert_eq!(begin(&world, &petrs, ONE).status, 410);
    assert_eq!(begin(&world, &evas, ONE).status, 200);
    let later = SystemTime::now() + Duration::from_secs(6 * 86_400);
    let clock = Arc::new(move || later);
    let server = Server::start(ServerConfig { clock, ..ServerConfig::new(world.house.clone()) }).unwrap();
    let request = HttpRequest { method: Method::Get, path: evas, headers: Default::default(), body: Vec::new() };
    let late = common::exchange(server.address, &server.trust_anchors, &request, None);
    assert!(late.status == 410 && body(&late).contains("time of this link is over"), "{}", body(&late));
    for unknown in ["/renew/", "/renew/00", &format!("/renew/{}", "0".repeat(72))] {
        assert_eq!(world.get(unknown, None, &[]).status, 404, "{unknown}");
    }
}

/// One of a pair is put on hold and released, then revoked: nothing is used up by who came meanwhile, and he is told what it is.
#[test]
fn the_link_says_what_became_of_one_of_a_pair() {
    let world = World::new();
    run(&world, &["notices", "ca"]);
    run(&world, &["mail", "ca", "send", "--once"]);
    let path = path(&links(&world)[0]);
    let serial: String = world.old.certificates[1].serial().iter().map(|byte| format!("{byte:02x}")).collect();
    let refused = |name: &str, told: &str| {
        let page = world.get(&path, None, &[]);
        assert!(page.status == 410 && body(&page).contains(told), "{}", body(&page));
        let begun = begin(&world, &path, ONE);
        assert!(begun.status == 410 && body(&begun).contains(&format!("\"{name}\"")), "{}", body(&begun));
    };
    assert_eq!(run(&world, &["hold", "ca", &serial]).0, 0);
    refused("on-hold", "is on hold");
    assert_eq!(run(&world, &["release", "ca", &serial]).0, 0);
    assert_eq!(begin(&world, &path, TWO).status, 200, "nobody had used it up");
    assert_eq!(run(&world, &["revoke", "ca", &serial]).0, 0);
    let begun = begin(&world, &path, TWO);
    assert!(begun.status == 410 && body(&begun).contains("\"revoked\""), "{}", body(&begun));
}

#[test]
fn a_notice_whose_pair_was_put_on_hold_while_it_waited_is_not_sent() {
    let world = World::new();
    assert_eq!(run(&world, &["notices", "ca"]), (0, "1 posted, 0 told before\n".into()));
    let serial: String = world.old.certificates[0].serial().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(run(&world, &["hold", "ca", &serial]).0, 0);
    run(&world, &["mail", "ca", "send", "--once"]);
    assert!(links(&world).is_empty());
    let (_, list) = run(&world, &["mail", "ca", "list"]);
    assert!(list.contains("given-up") && list.contains("put on hold meanwhile"), "{list}");
    assert_eq!(run(&world, &["notices", "ca"]).1, "0 posted, 0 told before\n");
    // The hold ends, and the holder still has to hear of it.
    assert_eq!(run(&world, &["release", "ca", &serial]).0, 0);
    assert_eq!(run(&world, &["notices", "ca"]).1, "1 posted, 0 told before\n");
    assert_eq!(run(&world, &["notices", "ca"]).1, "0 posted, 1 told before\n");
    for _ in 0..2 {
        run(&world, &["mail", "ca", "send", "--once"]);
    }
    let links = links(&world);
    assert_eq!(links.len(), 1);
    assert_eq!(begin(&world, &path(&links[0]), ONE).status, 200);
}

#[test]
fn a_notice_that_waited_too_long_is_not_sent() {
    let world = World::new();
    let now = SystemTime::now();
    assert_eq!(world.house.notice_desk().unwrap().send(world.house.ca(), now).unwrap().posted, 1);
    let message = order(&world.old, &new_keys(), &TransactionId::from_random([1; 16]), &Nonce::from_random([2; 16]));
    world.house.ca().answer(&message, None, now).unwrap();
    let delivered = Postman::new(world.house.clone()).unwrap().deliver(&|| now, &|_| {}).unwrap();
    assert_eq!((delivered.sent, delivered.failed), (0, 1));
    assert!(links(&world).is_empty());
    let (_, list) = run(&world, &["mail", "ca", "list"]);
    assert!(list.contains("given-up") && list.contains("renewed, revoked or put on hold meanwhile"), "{list}");
}

#[test]
fn a_server_tells_holders_by_itself_each_day() {
    let world = World::new();
    first_pair(&world.house, 22);
    let (day, lines) = (Arc::new(Mutex::new(0_u32)), Arc::new(Mutex::new(Vec::new())));
    let (read, log, begin) = (day.clone(), lines.clone(), SystemTime::now());
    let clock = Arc::new(move || begin + Duration::from_secs(86_400) * *read.lock().unwrap());
    let rounds = |house| {
        let log = log.clone();
        let log = Arc::new(move |line: &str| log.lock().unwrap().push(line.to_owned()));
        Postman::new(house).unwrap().start(clock.clone(), log).unwrap()
    };
    for (today, told) in [(0, 1), (1, 1), (2, 2)] {
        *day.lock().unwrap() = today;
        // A postman's first round is at once; it ends when it is done with it.
        drop(rounds(world.house.clone()));
        assert_eq!(lines.lock().unwrap().len(), told, "{today}");
    }
    assert_eq!(links(&world).len(), 2);
}

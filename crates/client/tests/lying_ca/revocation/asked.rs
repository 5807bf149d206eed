//! The same lies, told to who asks before a renewal whether its certificates are revoked: none of them makes a revoked one good, none
//! stops a holder without saying why, and each takes bounded time and memory.

use std::sync::{Arc, PoisonError};

use obnova_client::{
    CaConnection as _, EstConnection, Https, Patience,
    status::{Revocation, RevocationReason, ocsp::CertStatus},
    tls_config,
};
use obnova_renewal::Standing;

use super::{
    super::{ALONE, MEMORY, MOST_MEMORY, MOST_SENT, MOST_TOLD, house::now, report::report, server::Server},
    Desk, World,
    desk::{Asked, Told},
    table::{self, Ends, Row},
};
use crate::server::Wire;

/// What is told of both certificates, in one run of the holder's program.
fn ask(world: &World<'_>, patience: Patience) -> [Standing; 2] {
    let https = Https::with_patience(&world.server.url(), tls_config(&world.desk.liar.ca.anchors()).unwrap(), patience)
        .unwrap();
    let mut ca = EstConnection::new(https, world.desk.liar.ca.anchors()).unwrap();
    [&world.pair.authentication, &world.pair.signature].map(|one| ca.standing(one, now()).unwrap())
}

fn patience(row: &Row) -> Patience {
    let short = std::time::Duration::from_millis(300);
    if row.hurried { Patience { connect: short, whole: short } } else { Patience::default() }
}

/// Whether these are of a kind, and say where.
fn all(told: &[Standing; 2], id: &str) -> bool {
    told.iter()
        .all(|one| one.id() == id && one.text(obnova_card::KeyRole::Signature).contains("the issuer's server, /"))
}

#[test]
fn no_lie_makes_a_revoked_certificate_good_or_a_good_one_revoked() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let desk = Arc::new(Desk::new());
    let server = Server::start(desk.clone());
    let of_status = || table::all().into_iter().filter(|row| row.lie.is_of_status());
    // What the CA itself signs, though it is not true, is believed; that is not what is looked at here.
    let by_others = |row: &Row| match &row.ends {
        Ends::NotConfirmed(pattern, _) => !pattern.contains("NotListed"),
        _ => false,
    };
    let (mut lies, mut most_memory, mut most_sent) = (0, 0, 0);
    for is_revoked in [true, false] {
        for row in of_status().filter(by_others) {
            let world = World::new(&desk, &server);
            desk.forget();
            if is_revoked {
                desk.revoke(&world.pair.authentication, RevocationReason::KeyCompromise);
                desk.revoke(&world.pair.signature, RevocationReason::KeyCompromise);
            }
            // The opposite of what is so.
            desk.lies_that_it_is(match is_revoked {
                true => CertStatus::Good,
                false => CertStatus::Revoked(Revocation::new(now(), RevocationReason::Superseded)),
            });
            server.told();
            desk.liar.tells(row.lie.clone());
            MEMORY.reset_peak_usage();
            let held = MEMORY.current_usage();
            let told = ask(&world, patience(&row));
            let (sent, memory) = (server.told(), MEMORY.peak_usage().saturating_sub(held));
            let times = desk.liar.tells_the_truth();
            let about = format!("{}, revoked: {is_revoked}", row.name);
            assert!(all(&told, "standing-unknown"), "{about}: {told:?}");
            assert!(told.iter().all(|one| format!("{one:?}").len() < 2_000), "{about}");
            assert!((1..=4 * MOST_TOLD).contains(&times), "{about}: told {times} times");
            assert!(memory < MOST_MEMORY && sent < 2 * MOST_SENT, "{about}: {memory} bytes of memory, {sent} sent");
            (most_memory, most_sent) = (most_memory.max(memory), most_sent.max(sent));
            // Who is not lied to any more is told the truth.
            let told = ask(&world, Patience::default());
            assert!(all(&told, if is_revoked { "standing-revoked" } else { "standing-good" }), "{about}: {told:?}");
            lies += 1;
        }
    }
    assert!(lies > 40, "{lies}");
    report(&format!(
        "{lies} lies about certificates that are to be renewed, none believed: {most_sent} bytes sent and {most_memory} bytes of memory at most"
    ));
}

#[test]
fn what_the_ca_says_is_believed_by_ocsp_or_else_by_its_list() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let desk = Arc::new(Desk::new());
    let server = Server::start(desk.clone());
    let world = World::new(&desk, &server);
    let hold = || CertStatus::Revoked(Revocation::new(now(), RevocationReason::CertificateHold));
    for (status, id) in [
        (CertStatus::Good, "standing-good"),
        (hold(), "standing-on-hold"),
        (CertStatus::NeverIssued, "standing-never-issued"),
    ] {
        desk.lies_that_it_is(status);
        let says = |asked: &Asked<'_>| asked.desk.answered(asked.request, &asked.desk.liar.ca, now(), |_| asked.told);
        desk.liar.tells(Told::Status(Some(Arc::new(says)), None));
        assert!(all(&ask(&world, Patience::default()), id), "{id}");
    }
    // A certificate that the CA does not know is not good because no list of that CA has it.
    let unknown =
        |asked: &Asked<'_>| asked.desk.answered(asked.request, &asked.desk.liar.ca, now(), |_| CertStatus::Unknown);
    desk.liar.tells(Told::Status(Some(Arc::new(unknown)), None));
    let told = ask(&world, Patience::default());
    assert!(all(&told, "standing-unknown"), "{told:?}");
    for problem in ["does not know the certificate", "not on the list", "ask the issuer"] {
        assert!(told.iter().all(|one| format!("{one:?}").contains(problem)), "{problem}: {told:?}");
    }
    let no_ocsp = || Told::Status(Some(Arc::new(|_: &Asked<'_>| Wire::head("404 Not Found"))), None);
    desk.liar.tells(no_ocsp());
    let told = ask(&world, Patience::default());
    assert!(matches!(&told[0], Standing::Good { by, place } if by == "CRL" && place.ends_with("/crl")), "{told:?}");
    desk.revoke(&world.pair.signature, RevocationReason::KeyCompromise);
    let told = ask(&world, Patience::default());
    assert!(
        matches!(&told, [Standing::Good { .. }, Standing::Revoked { reason, .. }] if reason == "keyCompromise"),
        "{told:?}"
    );
}

#[test]
fn who_is_silent_is_waited_for_once() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let desk = Arc::new(Desk::new());
    let server = Server::start(desk.clone());
    let world = World::new(&desk, &server);
    let silence = || Some(Arc::new(|_: &Asked<'_>| Wire::Silence) as super::desk::StatusLie);
    desk.liar.tells(Told::Status(silence(), silence()));
    let short = std::time::Duration::from_millis(300);
    let told = ask(&world, Patience { connect: short, whole: short });
    assert!(all(&told, "standing-unknown"), "{told:?}");
    assert_eq!(desk.liar.tells_the_truth(), 1, "not for the list, and not for the other certificate");
}

//! A CA that lies about the end of a certificate, or somebody between who does: to the message, and to the question afterwards what
//! everybody is told. Each lie has its own name, takes bounded time and memory, and costs no try; with an honest CA the same is
//! asked again and done, once.

mod asked;
mod desk;
mod table;

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, PoisonError},
};

use desk::{Desk, PASSWORD};
use obnova_algorithm::KeyAlgorithm;
use obnova_card::{ProfileToken, Secret};
use obnova_client::{
    CaError, ConfirmedBy, EstConnection, Https, Patience, PlainHttp, Revocation, RevocationError, RevocationPlan,
    RevocationReason, Revoked, RunError, SharedToken, StatusExchange,
    enroll::est::{Headers, HttpRequest, HttpResponse, Method},
    look, share, status, tls_config,
};
use obnova_renewal::{Pair, ParsedCertificate};
use obnova_simulator::SimulatorConnection;
use table::{Ends, Row};

use super::{
    ALONE, MEMORY, MOST_MEMORY, MOST_SENT, MOST_TOLD, Tally,
    common::{
        Face,
        support::{Draft, Holder, days},
    },
    house::now,
    lies::{End, Lie, http},
    patience,
    report::report,
    server::{Host, Server, Wire},
    telling,
};

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Road {
    OwnKey,
    AnotherKey,
    PasswordAlone,
}

const ROADS: [Road; 3] = [Road::OwnKey, Road::AnotherKey, Road::PasswordAlone];

/// A holder who wants a certificate to end.
struct World<'a> {
    desk: &'a Desk,
    server: &'a Server,
    pair: Pair<ParsedCertificate>,
    token: SharedToken,
    face: Face,
    /// Why she wants it.
    why: RevocationReason,
}

impl<'a> World<'a> {
    fn new(desk: &'a Desk, server: &'a Server) -> Self {
        let mut card = Holder::empty_card();
        let dated = |_, draft: &mut Draft| (draft.from, draft.until) = (now() - days(100), now() + days(200));
        let pair = Holder::personalise(&mut card, &desk.liar.ca.house, KeyAlgorithm::P256, [1, 2], dated);
        let token = share(ProfileToken::new(SimulatorConnection::new(card)));
        Self { desk, server, pair, token, face: Face::default(), why: RevocationReason::Superseded }
    }

    /// Which is to end.
    const fn named(&self, road: Road) -> &ParsedCertificate {
        match road {
            // On no card of hers.
            Road::AnotherKey => &self.desk.lost,
            Road::OwnKey | Road::PasswordAlone => &self.pair.signature,
        }
    }

    /// One run of the holder's program.
    fn revoke(&mut self, road: Road, patience: Patience) -> Result<Revoked, RevocationError> {
        let tls = tls_config(&self.desk.liar.ca.anchors()).unwrap();
        let https = Https::with_patience(&self.server.url(), tls, patience).unwrap();
        let mut ca = EstConnection::new(https, self.desk.liar.ca.anchors()).unwrap();
        let servers = PlainHttp { patience };
        let serial = self.named(road).serial();
        let (password, reason) = (Secret::from(PASSWORD), self.why);
        let wanted = |password| Revocation { serial: &serial, reason, password };
        if road == Road::PasswordAlone {
            return obnova_client::revoke_by_password(&mut ca, &servers, &wanted(Some(&password)));
        }
        let plan = RevocationPlan::make(&look(self.token.lock().unwrap().as_mut()).unwrap(), &serial, now()).unwrap();
        assert_eq!(plan.wants_password(), road == Road::AnotherKey);
        let wanted = wanted(plan.wants_password().then_some(&password));
        obnova_client::revoke_with_card(&self.token, &mut self.face, &mut ca, &servers, &plan, &wanted)
    }
}

#[test]
fn every_lie_about_the_end_of_a_certificate_ends_by_its_name_and_the_certificate_is_revoked_once() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let desk = Arc::new(Desk::new());
    let server = Server::start(desk.clone());
    // Somebody's certificate ended before: what was answered then can be played again.
    let done = World::new(&desk, &server).revoke(Road::OwnKey, Patience::default()).unwrap();
    assert!(!done.already && done.confirmation.unwrap().by == ConfirmedBy::Ocsp);

    let (mut names, mut situations, mut believed) = (BTreeSet::new(), 0, Vec::new());
    let mut tally = Tally::default();
    let (mut most_memory, mut most_sent) = (0, 0);
    for row in table::all() {
        assert!(names.insert(row.name), "{} stands there twice", row.name);
        tally.count(row.ends.kind());
        for road in ROADS {
            let told = format!("{}, {road:?}", row.name);
            match catch_unwind(AssertUnwindSafe(|| lie(&desk, &server, &row, road, &told))) {
                Ok((memory, sent)) => (most_memory, most_sent) = (most_memory.max(memory), most_sent.max(sent)),
                Err(_) => believed.push(told),
            }
            desk.liar.tells_the_truth();
            situations += 1;
        }
    }
    assert!(believed.is_empty(), "{} of {situations} did not end as they should: {believed:#?}", believed.len());
    report(&format!(
        "{} lies about the end of a certificate in {situations} situations, {tally}: {most_sent} bytes sent and {most_memory} bytes of memory at most",
        names.len()
    ));
}

/// Tells one lie; returns what it took, in bytes of memory and on the wire.
fn lie(desk: &Desk, server: &Server, row: &Row, road: Road, told: &str) -> (usize, usize) {
    let mut world = World::new(desk, server);
    desk.forget();
    world.why = row.why;
    if let Some(reason) = row.ended {
        desk.revoke(world.named(road), reason);
    }
    let before = look(world.token.lock().unwrap().as_mut()).unwrap();
    let most = if row.lie.is_of_status() { 2 * MOST_TOLD } else { MOST_TOLD };
    let (outcome, took) =
        telling(&desk.liar, server, row.lie.clone(), (told, most), || world.revoke(road, patience(row.hurried)));
    let prompts = if road == Road::PasswordAlone { 0 } else { 1 };
    assert!(world.face.asked.len() <= prompts && world.face.questions.is_empty(), "{told}: {:?}", world.face.asked);
    how_it_ends(row, outcome, told);
    assert_eq!(look(world.token.lock().unwrap().as_mut()).unwrap(), before, "{told}: the card is not as it was");

    // Once, whatever was told before; and confirmed.
    let is_all =
        |ended: status::RevocationReason| !row.why.ends_key() || ended == status::RevocationReason::KeyCompromise;
    let was_done = desk.entries().iter().any(|(_, ended)| is_all(ended.reason));
    let after = world.revoke(road, Patience::default()).unwrap();
    assert_eq!((after.already, desk.revoked()), (was_done, 1), "{told}");
    let confirmation = after.confirmation.unwrap();
    assert!(confirmation.by == ConfirmedBy::Ocsp && confirmation.covers(row.why), "{told}");
    took
}

fn how_it_ends(Row { ends, why, .. }: &Row, outcome: Result<Revoked, RevocationError>, told: &str) {
    let why = *why;
    let outcome = outcome.map_err(|error| {
        assert!(error.to_string().len() < 1_000, "{told}: {error}");
        assert!(!error.to_string().contains(PASSWORD), "{told}: {error}");
        error
    });
    match (ends, outcome) {
        (Ends::As(End::Error(pattern, is)), Err(error)) => {
            let error = match error {
                RevocationError::Ca(error) => RunError::Ca(error),
                RevocationError::Run(error) => error,
                other => panic!("{told}: {other:?} is not {pattern}"),
            };
            assert!(is(&error), "{told}: {error:?} is not {pattern}");
        }
        (Ends::As(End::Waits(_)) | Ends::Undecided, Err(RevocationError::Undecided)) => {}
        (Ends::Refused(rule), Err(RevocationError::Refused { rule: found, .. })) => assert_eq!(found, *rule, "{told}"),
        (Ends::Contradicted(what), Err(RevocationError::Contradicted { instead, .. })) => {
            assert_eq!(instead, *what, "{told}");
        }
        (Ends::PasswordToo, Err(RevocationError::PasswordToo)) => {}
        (Ends::Already, Ok(Revoked { already: true, confirmation: Ok(confirmation), .. })) => {
            assert!(confirmation.covers(why), "{told}: {confirmation:?}");
        }
        (Ends::NotCovered { already }, Ok(Revoked { already: found, confirmation: Ok(confirmation), .. })) => {
            assert_eq!(found, *already, "{told}");
            assert!(!confirmation.covers(why), "{told}: {confirmation:?}");
        }
        (Ends::NotConfirmed(pattern, is), Ok(Revoked { already: false, confirmation: Err(problems), .. })) => {
            assert!(problems.0.iter().any(|(_, problem)| is(problem)), "{told}: {problems:?} is not {pattern}");
            assert!(problems.to_string().len() < 2_000, "{told}");
        }
        (Ends::ByList, Ok(Revoked { already: false, confirmation: Ok(confirmation), .. })) => {
            assert_eq!(confirmation.by, ConfirmedBy::Crl, "{told}");
        }
        (_, outcome) => panic!("{told}: {outcome:?}"),
    }
}

/// Somebody at the address in a certificate, over plain HTTP.
struct Plainly(Lie);

impl Host for Plainly {
    fn identity(&self) -> Option<Arc<rustls::ServerConfig>> {
        None
    }

    fn greet(&self) -> Option<Wire> {
        None
    }

    fn answer(&self, _: &HttpRequest) -> Wire {
        match &self.0 {
            Lie::Http(lie) => lie(()),
            _ => unreachable!("only those are taken"),
        }
    }
}

#[test]
fn who_is_asked_over_plain_http_is_bounded_as_the_ca_is() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut lies = 0;
    for row in http() {
        let Lie::Http(_) = row.lie else { continue };
        let server = Server::start(Arc::new(Plainly(row.lie.clone())));
        let address = server.url().replace("https://", "http://");
        let patience = patience(row.hurried);
        let request =
            HttpRequest { method: Method::Post, path: "/ocsp".into(), headers: Headers::default(), body: vec![7; 90] };
        MEMORY.reset_peak_usage();
        let held = MEMORY.current_usage();
        let outcome = PlainHttp { patience }.exchange(&address, &request);
        let sent = server.told();
        let memory = MEMORY.peak_usage().saturating_sub(held);
        assert!(memory < MOST_MEMORY && sent < MOST_SENT, "{}: {memory} bytes of memory, {sent} sent", row.name);
        match (outcome, &row.end) {
            // What the answer says is another's to judge.
            (Ok(HttpResponse { body, .. }), _) => assert!(body.len() <= Https::MAX_ANSWER, "{}", row.name),
            // More comes at once without TLS, and so may be too long for one thing before it is for another.
            (Err(CaError::TooLarge { .. }), End::Error(pattern, _)) => {
                assert!(pattern.contains("TooLarge"), "{}: not {pattern}", row.name);
            }
            (Err(error), End::Error(pattern, is)) => {
                let error = RunError::Ca(error);
                assert!(is(&error), "{}: {error:?} is not {pattern}", row.name);
            }
            (Err(error), _) => panic!("{}: {error}", row.name),
        }
        lies += 1;
    }
    assert!(lies > 25, "{lies}");
    assert!(matches!(
        PlainHttp::default().exchange("http://127.0.0.1:1", &nothing()),
        Err(CaError::Unreachable { .. })
    ));
}

fn nothing() -> HttpRequest {
    HttpRequest { method: Method::Get, path: "/crl".into(), headers: Headers::default(), body: Vec::new() }
}

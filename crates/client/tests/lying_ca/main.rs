//! A CA that lies, or somebody between who does: the real runner and the real connection over TLS on loopback, a renewal or a
//! first order on a simulated card up to the lie. Each lie is refused by its own name, or waited out, takes bounded time and memory, costs
//! no PIN and leaves the card as it was; and with an honest CA it goes on from there, unless the CA itself has put its name to the end.
//! Only what is harmless, or what nobody but the holder can know and says yes to, does not keep certificates from the card.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../common/mod.rs"]
mod common;
mod house;
mod liar;
mod lies;
mod link;
mod notice;
#[path = "../../../card/tests/common/report.rs"]
mod report;
mod revocation;
mod server;

use std::{
    collections::BTreeMap,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use common::{Door, Face, Seat, support::Holder};
use house::now;
use liar::{Liar, OfServers};
use lies::{End, Lie, Row, table};
use obnova_algorithm::{Digest, KeyAlgorithm, SignatureAlgorithm, verify};
use obnova_card::{Pin, SignDigest};
use obnova_client::{
    Credential, EstConnection, FileJournal, Https, Patience, RunError, SharedToken, Turn,
    enroll::{
        cmc::{FirstRequest, FullRequest, Kind, Received},
        est::{self, HttpRequest, Operation, Site},
    },
    look, share, tls_config,
};
use obnova_renewal::{CardView, Failure, Pair, ParsedCertificate, Plan, Policy, Process, Refusal, Stage};
use obnova_simulator::SimulatorConnection;
use peak_alloc::PeakAlloc;
use report::report;
use server::{Host, Server, Wire};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Whoever counts memory counts alone.
static ALONE: Mutex<()> = Mutex::new(());

/// Bytes that a lie may make the client hold: the longest answer that is read, in a vector that doubles, as text and as
/// bytes, and what TLS needs. What the server itself holds is in it too.
const MOST_MEMORY: usize = 8 * 1024 * 1024;
/// Bytes that a lie may bring over the wire: the longest answer that is read, and what the system has room for on its way.
const MOST_SENT: usize = 16 * 1024 * 1024;
/// Bytes of a journal, whatever was told.
const LONGEST_JOURNAL: u64 = 256 * 1024;

/// Questions that are asked of a CA before a lie is noticed. Who is told to wait waits, and asks no more; who is sent on on the
/// same server asks there.
const MOST_TOLD: usize = 1 + Site::MAX_REDIRECTS;

/// The CA with its server, and the lie that is told now.
struct Scenery {
    liar: Liar,
    /// The stage that it is told at.
    at: Mutex<Option<Stage>>,
}

impl Scenery {
    fn cmc(&self, message: &[u8]) -> Wire {
        let request = match Received::parse(message).unwrap() {
            Received::First(first) => as_enrolling(first),
            other => other.known().unwrap(),
        };
        let ca = &self.liar.ca;
        ca.note(&request);
        if let Some(Lie::Cmc(lie)) = self.liar.lie() {
            return self.liar.tell_by(&*lie, &request);
        }
        let answer = ca.reply(&request, &ca.answer(&request));
        self.liar.has_answered(request.transaction, answer.clone());
        Wire::http(&est::Server::new().fullcmc(&answer, false))
    }
}

/// A first order as far as it matters to who answers it.
fn as_enrolling(first: FirstRequest) -> FullRequest {
    FullRequest {
        transaction: first.transaction,
        nonce: first.nonce,
        in_reply_to: None,
        kind: Kind::Enroll(first.requests),
        signers: Vec::new(),
        revocation_password: None,
    }
}

impl Host for Scenery {
    fn identity(&self) -> Option<Arc<rustls::ServerConfig>> {
        self.liar.identity()
    }

    fn greet(&self) -> Option<Wire> {
        self.liar.greet()
    }

    fn answer(&self, request: &HttpRequest) -> Wire {
        let Ok(operation) = est::Server::new().route(request) else {
            // Whether anything is revoked is lied about elsewhere.
            let is_of_status = ["/ocsp", "/crl"].contains(&request.path.as_str());
            return match self.liar.lie() {
                Some(Lie::Http(_)) => self.liar.answer_elsewhere(request),
                _ if is_of_status => Wire::head("404 Not Found"),
                _ => self.liar.answer_elsewhere(request),
            };
        };
        let is_what_is_asked =
            matches!(operation, Operation::FullCmc(_)) || *self.at.lock().unwrap() == Some(Stage::Terms);
        if let Some(Lie::Http(lie)) = self.liar.lie()
            && is_what_is_asked
        {
            return self.liar.tell(lie(()));
        }
        match operation {
            Operation::CaCerts => match self.liar.lie() {
                Some(Lie::CaCerts(lie)) => self.liar.tell(Wire::http(&lie(&self.liar.ca, &self.liar.impostor))),
                _ => Wire::http(&self.liar.ca.cacerts()),
            },
            Operation::FullCmc(message) => self.cmc(&message),
        }
    }
}

/// What the holder is in the middle of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Renewal,
    FirstOrder,
}

/// A holder in the middle of it.
struct World<'a> {
    what: What,
    stage: &'a Scenery,
    server: &'a Server,
    /// Where something is renewed.
    old: Option<Pair<ParsedCertificate>>,
    token: SharedToken,
    folder: tempfile::TempDir,
    face: Face,
}

impl<'a> World<'a> {
    fn new(what: What, stage: &'a Scenery, server: &'a Server) -> Self {
        let mut card = Holder::empty_card();
        let dated = |_, draft: &mut common::support::Draft| {
            (draft.from, draft.until) = (now() - common::support::days(345), now() + common::support::days(20));
        };
        let personalise = |card| Holder::personalise(card, &stage.liar.ca.house, KeyAlgorithm::P256, [1, 2], dated);
        let old = (what == What::Renewal).then(|| personalise(&mut card));
        let token = share(obnova_card::ProfileToken::new(SimulatorConnection::new(card)));
        Self { what, stage, server, old, token, folder: folder(), face: what.face() }
    }

    fn journals(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    fn look(&self) -> CardView {
        look(self.token.lock().unwrap().as_mut()).unwrap()
    }

    /// A program that begins or resumes, with a connection of its own.
    fn with_runner<T>(&mut self, patience: Patience, act: impl FnOnce(&mut obnova_client::Runner<'_>) -> T) -> T {
        let tls = tls_config(&self.stage.liar.ca.anchors()).unwrap();
        let https = Https::with_patience(&self.server.url(), tls, patience).unwrap();
        let mut ca = EstConnection::new(https, self.stage.liar.ca.anchors()).unwrap();
        let plan = || self.what.plan(&self.look());
        let plan = FileJournal::list(&self.journals()).unwrap().is_empty().then(plan);
        let seat = Seat { token: self.token.clone(), journals: self.journals(), clock: &common::clock_now };
        seat.with_runner(&mut ca, &mut self.face, &mut Door, plan, act).unwrap()
    }

    fn reach(&mut self, stage: Stage) {
        self.with_runner(Patience::default(), |runner| {
            while runner.process().stage() != stage {
                assert_eq!(runner.step().unwrap(), Turn::Went, "{stage} never came");
            }
        });
    }

    fn run(&mut self, patience: Patience) -> Result<Turn, RunError> {
        self.with_runner(patience, |runner| runner.run())
    }

    fn old_keys_sign(&self) {
        let slots = self.look().slots;
        for ((_, old), slot) in self.old.iter().flat_map(Pair::iter).zip(&slots) {
            let algorithm = SignatureAlgorithm::Ecdsa(Digest::Sha256);
            let job = SignDigest { slot: slot.id, algorithm, digest: Digest::Sha256.of(b"still") };
            let pin = Pin::new(common::support::pin_for(slot.key.as_ref().unwrap().password));
            let signature = self.token.lock().unwrap().sign(&[job], &pin).unwrap().remove(0);
            verify(old.public_key(), algorithm, b"still", &signature).unwrap();
        }
    }

    /// The journal holds a process, and is of reasonable length.
    fn journal_is_sound(&self) -> Stage {
        let name = FileJournal::list(&self.journals()).unwrap().remove(0);
        let length = std::fs::metadata(self.journals().join(format!("{name}.journal"))).unwrap().len();
        assert!(length < LONGEST_JOURNAL, "{length} bytes");
        Process::replay(&FileJournal::peek(&self.journals(), &name).unwrap()).unwrap().stage()
    }
}

impl What {
    fn plan(self, card: &CardView) -> Plan {
        match self {
            Self::Renewal => Plan::make(card, &Policy::twins(), now()).unwrap(),
            Self::FirstOrder => {
                // To whom a revocation password is encrypted is another story.
                let policy = Policy { revocation_password: None, ..Policy::twins() };
                Plan::first(card, &policy, now()).unwrap()
            }
        }
    }

    fn face(self) -> Face {
        let credentials = match self {
            Self::Renewal => Vec::new(),
            Self::FirstOrder => {
                vec![(Credential::UserId, "jana"), (Credential::OneTimePassword, "MZXW6-YTB05-FA2RC-9QDSZ")]
            }
        };
        Face { credentials, ..Face::default() }
    }

    /// By which name that ends, where there are no certificates to compare with.
    fn end(self, row: Row) -> Row {
        let end = match (self, row.name) {
            (Self::FirstOrder, "for somebody else" | "for somebody else's login") => {
                End::Failed("refusal-two-subjects")
            }
            // Nobody but the holder knows his address; he is shown it.
            (
                Self::FirstOrder,
                "with another address"
                | "with another address for signatures"
                | "without an address"
                | "without an address for logins",
            ) => End::Shown,
            _ => return row,
        };
        Row { end, ..row }
    }
}

/// In memory where that can be had, since nothing here is about disks.
fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

#[test]
fn every_lie_is_refused_by_its_name_or_waited_out_and_the_card_stays_as_it_was() {
    every_lie(What::Renewal);
}

#[test]
fn so_it_is_while_somebody_asks_for_his_first_certificates() {
    every_lie(What::FirstOrder);
}

fn every_lie(what: What) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let stage = Arc::new(Scenery { liar: Liar::new(), at: Mutex::default() });
    let server = Server::start(stage.clone());
    // Somebody else was there before: what was answered then can be played again.
    let mut other = World::new(what, &stage, &server);
    assert!(matches!(other.run(Patience::default()).unwrap(), Turn::Done(_)));

    let (mut lies, mut names, mut tally) = (0, std::collections::BTreeSet::new(), Tally::default());
    let (mut most_memory, mut most_sent, mut believed) = (0, 0, Vec::new());
    for row in table().into_iter().map(|row| what.end(row)) {
        assert!(names.insert(row.name), "{} stands there twice", row.name);
        tally.count(row.end.kind());
        for at in row.at {
            let told = format!("{}, at the stage {at} of a {what:?}", row.name);
            let mut world = World::new(what, &stage, &server);
            world.reach(*at);
            server.told();
            match catch_unwind(AssertUnwindSafe(|| lie(&mut world, &row, *at, &told))) {
                Ok((memory, sent)) => (most_memory, most_sent) = (most_memory.max(memory), most_sent.max(sent)),
                Err(_) => believed.push(told),
            }
            stage.liar.tells_the_truth();
            lies += 1;
        }
    }
    assert!(believed.is_empty(), "{} of {lies} did not end as they should: {believed:#?}", believed.len());
    report(&format!(
        "{what:?}: {} lies of a CA in {lies} situations, {tally}: {most_sent} bytes sent and {most_memory} bytes of memory at most",
        names.len()
    ));
}

/// How many lies end in which way.
#[derive(Default)]
struct Tally(BTreeMap<&'static str, usize>);

impl Tally {
    fn count(&mut self, kind: &'static str) {
        *self.0.entry(kind).or_default() += 1;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<_> = self.0.iter().map(|(kind, lies)| format!("{lies} {kind}")).collect();
        f.write_str(&kinds.join(", "))
    }
}

/// Tells one lie; returns what it took, in bytes of memory and on the wire.
fn lie(world: &mut World<'_>, row: &Row, at: Stage, told: &str) -> (usize, usize) {
    let before = world.look();
    world.face = world.what.face();
    *world.stage.at.lock().unwrap() = Some(at);
    let (stage, server) = (world.stage, world.server);
    let (outcome, took) =
        telling(&stage.liar, server, row.lie.clone(), (told, MOST_TOLD), || world.run(patience(row.hurried)));
    let ends = how_it_ends(&row.end, outcome, told);
    if !matches!(row.end, End::Done | End::Shown) {
        assert!(world.face.asked.is_empty(), "{told}: {:?}", world.face.asked);
        assert_eq!(world.look(), before, "{told}: the card is not as it was");
        let stage = world.journal_is_sound();
        assert_eq!(stage, if ends { Stage::Failed } else { at_least(at, stage) }, "{told}");
    }
    if matches!(row.end, End::Shown) {
        assert!(world.face.questions.iter().any(|question| question == "certificates"), "{told}");
    }
    world.old_keys_sign();

    // Who is told to wait and comes back is not told to wait for ever.
    world.face = world.what.face();
    let mut after = world.run(Patience::default()).unwrap();
    if matches!(after, Turn::Waits(_)) {
        after = world.run(Patience::default()).unwrap();
    }
    match after {
        Turn::Failed(_) => assert!(ends, "{told}: {after:?}"),
        Turn::Done(_) => assert!(!ends, "{told}: it went on after all"),
        other => panic!("{told}: {other:?}"),
    }
    world.journal_is_sound();
    took
}

/// Tells a lie to whoever acts meanwhile, so often at most, and within the bounds of any lie; returns what came of it, and what it took, in
/// bytes of memory and on the wire.
fn telling<L: Clone + OfServers, T>(
    liar: &Liar<L>,
    server: &Server,
    lie: L,
    (told, most): (&str, usize),
    act: impl FnOnce() -> T,
) -> (T, (usize, usize)) {
    server.told();
    liar.tells(lie);
    MEMORY.reset_peak_usage();
    let held = MEMORY.current_usage();
    let outcome = act();
    let sent = server.told();
    let memory = MEMORY.peak_usage().saturating_sub(held);
    let times = liar.tells_the_truth();
    assert!((1..=most).contains(&times), "{told}: the lie was told {times} times");
    assert!(memory < MOST_MEMORY, "{told}: {memory} bytes of memory");
    assert!(sent < MOST_SENT, "{told}: {sent} bytes were taken");
    (outcome, (memory, sent))
}

/// Little, where somebody says nothing for ever.
fn patience(hurried: bool) -> Patience {
    let short = Duration::from_millis(300);
    if hurried { Patience { connect: short, whole: short } } else { Patience::default() }
}

/// Those that are told to an order that is sent, and so can be told to whatever is sent.
fn told_when_sending(rows: impl Iterator<Item = Row>) -> impl Iterator<Item = Row> {
    rows.filter(|row| row.at.contains(&Stage::Send))
}

/// A pending answer brings a process from sending to picking up; nothing else brings it anywhere.
fn at_least(at: Stage, stage: Stage) -> Stage {
    if (at, stage) == (Stage::Send, Stage::PickUp) { stage } else { at }
}

/// Whether the process came to an end.
fn how_it_ends(end: &End, outcome: Result<Turn, RunError>, told: &str) -> bool {
    match (end, outcome) {
        (End::Error(pattern, is), Err(error)) => {
            assert!(is(&error), "{told}: {error:?} is not {pattern}");
            assert!(error.to_string().len() < 1_000, "{told}: {error}");
            false
        }
        (End::Failed(name), Ok(Turn::Failed(failure))) => {
            let found = match &failure {
                Failure::Rejected(refusal) => refusal.id(),
                Failure::Refused { .. } => "refused",
                other => panic!("{told}: {other}"),
            };
            assert_eq!(found, *name, "{told}");
            true
        }
        (End::Chain(reason), Ok(Turn::Failed(Failure::Rejected(Refusal::Chain { problem, .. })))) => {
            assert_eq!(problem, *reason, "{told}");
            true
        }
        (End::Waits(longest), Ok(Turn::Waits(until))) => {
            let now = SystemTime::now();
            assert!(until <= now + *longest, "{told}: until {until:?}");
            assert!(until + *longest > now, "{told}");
            false
        }
        (End::Done | End::Shown, Ok(Turn::Done(_))) => false,
        (_, outcome) => panic!("{told}: {outcome:?}"),
    }
}

//! A CA that lies, or somebody between who does, when it is told that what its link brought is on the card. Each lie has its own
//! name, takes bounded time and memory, costs no try and leaves the card as it was; told once more, an honest CA closes the link.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use obnova_algorithm::KeyAlgorithm;
use obnova_card::ProfileToken;
use obnova_client::{
    CaError, Finish, Https, LinkError, Patience, PickUpLink, ReceiptError, RunError,
    enroll::{
        certs_only,
        cmc::{Answer, CertificateId, FailInfo, FullRequest, Kind, ResponseError},
        est::{EstError, Headers, HttpRequest, HttpResponse, Method, Server as Est},
    },
    look, share, tls_config,
};
use obnova_renewal::{Pair, ParsedCertificate, PinUse};
use obnova_simulator::SimulatorConnection;
use x509_cert::Certificate;

use super::{
    ALONE, MOST_TOLD,
    common::{
        Face,
        support::{Draft, Holder, days},
    },
    house::{now, token},
    liar::Liar,
    lies::{self, End, Lie, Scene},
    patience,
    report::report,
    server::{Host, Server, Wire},
    telling, told_when_sending,
};

const LINK: &str = "/pickup/0123456789abcdef0123456789abcdef01234567";

/// The CA that mailed the link: honest, but for the lie that is told to the receipt.
struct Desk {
    liar: Liar,
    pair: Mutex<Vec<Certificate>>,
    /// The line is cut after the receipt was taken.
    cuts: Mutex<bool>,
    closed: AtomicUsize,
}

impl Desk {
    fn new() -> Self {
        Self { liar: Liar::new(), pair: Mutex::default(), cuts: Mutex::default(), closed: AtomicUsize::new(0) }
    }

    fn open(&self) -> Wire {
        if self.closed.load(SeqCst) > 0 {
            return Wire::head("410 Gone");
        }
        let above = [&self.liar.ca.house.root, &self.liar.ca.root].map(|one| one.certificate().clone());
        let all = [&self.pair.lock().unwrap()[..], &above].concat();
        let body = certs_only::encode(&all).unwrap();
        Wire::http(&HttpResponse { status: 200, headers: Headers::default(), body })
    }

    fn close(&self, request: &HttpRequest) -> Wire {
        let message = Est::message(&request.headers, &request.body).unwrap();
        let request = FullRequest::parse(&message).unwrap();
        match self.liar.lie() {
            Some(Lie::Cmc(lie)) => return self.liar.tell_by(&*lie, &request),
            Some(Lie::Http(lie)) => return self.liar.tell(lie(())),
            _ => {}
        }
        // All of them, by a key of theirs.
        let pair = self.pair.lock().unwrap();
        let named: Vec<_> = pair.iter().map(CertificateId::from).collect();
        let Kind::ConfirmAcceptance { token: None, certificates } = &request.kind else { panic!("{request:?}") };
        assert_eq!(*certificates, named);
        let [signer] = request.signers.as_slice() else { panic!("{} signers", request.signers.len()) };
        assert_eq!(signer.serial(), pair[0].tbs_certificate().serial_number().as_bytes());
        self.closed.fetch_add(1, SeqCst);
        let answer = self.liar.ca.reply(&request, &Answer::Confirmed);
        self.liar.has_answered(request.transaction.clone(), answer.clone());
        match *self.cuts.lock().unwrap() {
            true => self.liar.tell(Wire::Bytes(Vec::new())),
            false => Wire::http(&Est::new().fullcmc(&answer, false)),
        }
    }
}

impl Host for Desk {
    fn identity(&self) -> Option<Arc<rustls::ServerConfig>> {
        self.liar.identity()
    }

    fn greet(&self) -> Option<Wire> {
        self.liar.greet()
    }

    fn answer(&self, request: &HttpRequest) -> Wire {
        match (request.path.as_str(), &request.method) {
            (LINK, Method::Get) => self.open(),
            (LINK, Method::Post) => self.close(request),
            _ => self.liar.answer_elsewhere(request),
        }
    }
}

/// A lie, and by what it is refused.
struct Row {
    name: &'static str,
    lie: Lie,
    ends: Ends,
    hurried: bool,
}

enum Ends {
    /// As the same lie does in a renewal.
    As(End),
    By(&'static str, fn(&ReceiptError) -> bool),
}

macro_rules! by {
    ($($pattern:tt)+) => {
        Ends::By(stringify!($($pattern)+), |error| matches!(error, $($pattern)+))
    };
}

fn all() -> Vec<Row> {
    let same = told_when_sending([lies::connections(), lies::http(), lies::messages()].into_iter().flatten());
    let same = same.map(|row| Row { name: row.name, lie: row.lie, ends: Ends::As(row.end), hurried: row.hurried });
    same.chain(of_receipts()).collect()
}

/// Answers that fit a receipt only.
fn of_receipts() -> Vec<Row> {
    let row = |name, lie, ends| Row { name, lie, ends, hurried: false };
    let said = |name, answer: fn() -> Answer, ends| {
        let tell = move |scene: &Scene<'_>| Est::new().fullcmc(&scene.ca.reply(scene.request, &answer()), false);
        row(name, Lie::Cmc(Arc::new(tell)), ends)
    };
    let status = |name, lines: &'static str, ends| row(name, Lie::Http(Arc::new(move |()| Wire::head(lines))), ends);
    vec![
        said(
            "no, by a rule",
            || Answer::Refused { reason: FailInfo::BadCertificateId, text: "wrong-receipt: not these".into() },
            by!(ReceiptError::Refused { reason, text } if reason == "badCertId" && text.contains("wrong-receipt")),
        ),
        said(
            "wait for the end of the link",
            || Answer::Pending { token: token(), check_at: now() },
            by!(ReceiptError::Ca(CaError::Protocol(_))),
        ),
        row(
            "a yes that nobody signed, with certificates",
            Lie::Cmc(Arc::new(|scene| {
                let certificates = certs_only::encode(&[scene.ca.other_holder.certificate().clone()]).unwrap();
                let mut answer = Est::new().fullcmc(&certificates, false);
                answer.headers.set("Content-Type", "application/pkcs7-mime; smime-type=certs-only");
                answer
            })),
            by!(ReceiptError::Ca(CaError::Answer(ResponseError::Unsigned))),
        ),
        row(
            "a yes in JSON",
            Lie::Cmc(Arc::new(|_| HttpResponse {
                status: 200,
                headers: Headers::from_iter([("Content-Type", "application/json")]),
                body: br#"{"closed": true}"#.to_vec(),
            })),
            by!(ReceiptError::Ca(CaError::Server(EstError::ContentType { .. }))),
        ),
        status("a page that is not there", "404 Not Found", by!(ReceiptError::NotTaken { status: 404 })),
        status("a page that is only read", "405 Method Not Allowed", by!(ReceiptError::NotTaken { status: 405 })),
        status("closed already", "410 Gone", by!(ReceiptError::Spent)),
        status("a server that fails", "500 Oops", by!(ReceiptError::Ca(CaError::Status { status: 500, .. }))),
        status(
            "somebody else's server",
            "307 Elsewhere\r\nLocation: https://elsewhere.example/pickup/1",
            by!(ReceiptError::Ca(CaError::Redirect(_))),
        ),
    ]
}

#[test]
fn every_lie_about_a_receipt_is_refused_by_its_name() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let desk = Arc::new(Desk::new());
    let server = Server::start(desk.clone());
    let mut card = Holder::empty_card();
    let dated = |_, draft: &mut Draft| (draft.from, draft.until) = (now() - days(1), now() + days(364));
    let pair = Holder::personalise(&mut card, &desk.liar.ca.house, KeyAlgorithm::P256, [1, 2], dated);
    let on_card = Pair::<ParsedCertificate>::from_fn(|role| pair.get(role).clone()).into();
    *desk.pair.lock().unwrap() = vec![pair.authentication.certificate().clone(), pair.signature.certificate().clone()];
    let token = share(ProfileToken::new(SimulatorConnection::new(card)));
    let before = look(token.lock().unwrap().as_mut()).unwrap();
    let link = format!("{}{LINK}", server.url());
    let open = |patience| {
        let https =
            Https::with_patience(&server.url(), tls_config(&desk.liar.ca.anchors()).unwrap(), patience).unwrap();
        PickUpLink::open_over(https, &link, &desk.liar.ca.anchors())
    };
    let close = |link: &PickUpLink| {
        let mut face = Face::default();
        let outcome = Finish::new(&token, &mut face, &on_card, &[PinUse::Receipt]).close(link);
        assert!(face.questions.is_empty() && face.asked.len() == 1, "{:?}", face.asked);
        assert_eq!(face.uses(), [PinUse::Receipt]);
        assert_eq!(look(token.lock().unwrap().as_mut()).unwrap(), before, "the card is not as it was");
        outcome
    };
    // What was answered to another receipt can be played again.
    close(&open(Patience::default()).unwrap()).unwrap();
    assert!(matches!(open(Patience::default()), Err(LinkError::Spent)));

    let (mut names, mut most_memory, mut most_sent, mut believed) = (BTreeSet::new(), 0, 0, Vec::new());
    for Row { name, lie, ends, hurried } in all() {
        assert!(names.insert(name), "{name} stands there twice");
        desk.closed.store(0, SeqCst);
        let link = open(patience(hurried)).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (outcome, (memory, sent)) = telling(&desk.liar, &server, lie, (name, MOST_TOLD), || close(&link));
        (most_memory, most_sent) = (most_memory.max(memory), most_sent.max(sent));
        if let Err(problem) = how_it_ends(&ends, outcome) {
            believed.push(format!("{name}: {problem}"));
        }
        assert_eq!(desk.closed.load(SeqCst), 0, "{name}");
        let again = open(Patience::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
        close(&again).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(matches!(open(Patience::default()), Err(LinkError::Spent)), "{name}");
    }
    assert!(believed.is_empty(), "not refused as they should be: {believed:#?}");
    report(&format!(
        "{} lies about a receipt, each refused by its name: {most_sent} bytes sent and {most_memory} bytes of memory at most",
        names.len()
    ));

    // It was taken, and nobody heard it: the link says so the next time.
    desk.closed.store(0, SeqCst);
    let link = open(Patience::default()).unwrap();
    *desk.cuts.lock().unwrap() = true;
    assert!(matches!(close(&link), Err(ReceiptError::Ca(CaError::Unreachable { .. }))));
    assert!(matches!(open(Patience::default()), Err(LinkError::Spent)));
}

fn how_it_ends(ends: &Ends, outcome: Result<(), ReceiptError>) -> Result<(), String> {
    let error = outcome.err().ok_or("it was believed")?;
    assert!(error.to_string().len() < 1_000, "{error}");
    match ends {
        Ends::By(pattern, is) => is(&error).then_some(()).ok_or(format!("{error:?} is not {pattern}")),
        Ends::As(End::Waits(_)) => {
            let is = matches!(error, ReceiptError::Ca(CaError::Protocol(_)));
            is.then_some(()).ok_or(format!("{error:?} is no answer that says to wait"))
        }
        Ends::As(End::Error(pattern, is)) => {
            let status = |status| CaError::Status { status, text: String::new() };
            let error = match error {
                ReceiptError::Ca(error) => error,
                ReceiptError::NotTaken { status: found } => status(found),
                ReceiptError::Spent => status(410),
                other => return Err(format!("{other:?} is not {pattern}")),
            };
            let error = RunError::Ca(error);
            is(&error).then_some(()).ok_or(format!("{error:?} is not {pattern}"))
        }
        Ends::As(_) => Err(format!("{error:?}: no such end")),
    }
}

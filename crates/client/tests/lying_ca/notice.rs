//! A CA that lies, or somebody between who does, about the link of a notice: when it is looked at, and when it is used up. Each lie has
//! its own name, takes bounded time and memory, and uses nothing up; an honest CA begins the renewal afterwards, for the same attempt
//! as often as it comes.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use obnova_algorithm::KeyAlgorithm;
use obnova_card::ProfileToken;
use obnova_client::{
    CaConnection as _, CaError, EstConnection, Https, LinkError, RenewalLink, RunError,
    enroll::est::{Headers, HttpRequest, HttpResponse, Method, RedirectError},
    look, tls_config,
};
use obnova_renewal::{LinkAnswer, LinkRefusal, NoticeLink, Plan, Policy};
use obnova_simulator::SimulatorConnection;

use super::{
    ALONE, MOST_TOLD,
    common::support::{Holder, days},
    house::now,
    liar::Liar,
    lies::{self, End, Lie},
    patience,
    report::report,
    server::{Host, Server, Wire},
    telling, told_when_sending,
};

const LINK: &str = "/renew/0123456789abcdef0123456789abcdef01234567";

/// The CA that mailed the link: honest, but for the lie that is told.
struct Desk {
    liar: Liar,
    serials: Mutex<Vec<String>>,
    used_by: Mutex<Option<String>>,
}

impl Desk {
    fn open(&self, attempt: &str, begins: bool) -> Wire {
        if let Some(Lie::Http(lie)) = self.liar.lie() {
            return self.liar.tell(lie(()));
        }
        let mut used_by = self.used_by.lock().unwrap();
        if used_by.as_ref().is_some_and(|used| used != attempt) {
            return Wire::head("410 Gone");
        }
        if begins {
            *used_by = Some(attempt.to_owned());
        }
        about(&self.serials.lock().unwrap())
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
        let looked = request.path.strip_prefix(LINK).and_then(|rest| rest.strip_prefix("?attempt="));
        let form = std::str::from_utf8(&request.body).unwrap().strip_prefix("attempt=");
        match (&request.method, looked, form) {
            (Method::Get, Some(attempt), None) => self.open(attempt, false),
            (Method::Post, None, Some(attempt)) if request.path == LINK => self.open(attempt, true),
            _ => self.liar.answer_elsewhere(request),
        }
    }
}

fn about(serials: &[String]) -> Wire {
    json(&serde_json::json!({ "serials": serials }).to_string())
}

fn json(body: &str) -> Wire {
    answer(200, body)
}

fn gone(body: &str) -> Wire {
    answer(410, body)
}

fn answer(status: u16, body: &str) -> Wire {
    let headers = Headers::from_iter([("Content-Type", "application/json")]);
    Wire::http(&HttpResponse { status, headers, body: body.as_bytes().to_vec() })
}

/// What became of a message about a link.
#[derive(Debug)]
enum Told {
    Begun,
    Refused(LinkRefusal),
    /// It is nothing about certificates.
    Nonsense,
    Error(CaError),
}

impl From<Result<Plan, LinkError>> for Told {
    fn from(looked: Result<Plan, LinkError>) -> Self {
        match looked {
            Ok(_) => Self::Begun,
            Err(LinkError::Unknown) => Self::Refused(LinkRefusal::Unknown),
            Err(LinkError::Over) => Self::Refused(LinkRefusal::Over),
            Err(LinkError::OnHold) => Self::Refused(LinkRefusal::OnHold),
            Err(LinkError::Revoked) => Self::Refused(LinkRefusal::Revoked),
            Err(LinkError::OtherCard) => Self::Refused(LinkRefusal::OtherCard),
            Err(LinkError::NotRenewal) => Self::Nonsense,
            Err(LinkError::Ca(error)) => Self::Error(error),
            Err(error) => panic!("{error}"),
        }
    }
}

impl From<Result<LinkAnswer, CaError>> for Told {
    fn from(used: Result<LinkAnswer, CaError>) -> Self {
        match used {
            Ok(LinkAnswer::Begun) => Self::Begun,
            Ok(LinkAnswer::Refused(why)) => Self::Refused(why),
            Err(CaError::Protocol(problem)) if problem.contains("what the link is about") => Self::Nonsense,
            Err(error) => Self::Error(error),
        }
    }
}

enum Ends {
    /// As the same lie does in a renewal, where the names of EST are of CMC only.
    As(End),
    Refused(LinkRefusal),
    Nonsense,
    Status(u16),
}

struct Row {
    name: &'static str,
    lie: Lie,
    ends: Ends,
    hurried: bool,
}

fn all() -> Vec<Row> {
    let same = told_when_sending([lies::connections(), lies::http()].into_iter().flatten());
    // What is no message of CMC can be told of a link too.
    let same = same.filter(|row| !matches!(row.lie, Lie::Cmc(_)));
    let same = same.map(|row| Row { name: row.name, lie: row.lie, ends: Ends::As(row.end), hurried: row.hurried });
    same.chain(of_links()).collect()
}

/// Answers that fit a link only.
fn of_links() -> Vec<Row> {
    let row =
        |name, tell: fn() -> Wire, ends| Row { name, lie: Lie::Http(Arc::new(move |()| tell())), ends, hurried: false };
    let other = || Ends::Refused(LinkRefusal::OtherCard);
    let many = || about(&vec!["00ff".repeat(5); 20_000]);
    vec![
        row("about other certificates", || about(&["00ff".into()]), other()),
        row("about none", || about(&[]), other()),
        row("about very many others", many, other()),
        row("serial numbers that are numbers", || json(r#"{"serials": [1, 2]}"#), Ends::Nonsense),
        row("serial numbers that are one text", || json(r#"{"serials": "all"}"#), Ends::Nonsense),
        row("no serial numbers", || json(r#"{"begun": true}"#), Ends::Nonsense),
        row("JSON that is cut off", || json(r#"{"serials": ["#), Ends::Nonsense),
        row("JSON that is nested without end", || json(&"[".repeat(200_000)), Ends::Nonsense),
        row("a page to read", || json("<html>The renewal is begun</html>"), Ends::Nonsense),
        row("nothing to say", || json(""), Ends::Nonsense),
        row("not known", || Wire::head("404 Not Found"), Ends::Refused(LinkRefusal::Unknown)),
        row("used up", || Wire::head("410 Gone"), Ends::Refused(LinkRefusal::Over)),
        row("on hold", || gone(r#"{"error": "on-hold"}"#), Ends::Refused(LinkRefusal::OnHold)),
        row("revoked", || gone(r#"{"error": "revoked", "reason": 7}"#), Ends::Refused(LinkRefusal::Revoked)),
        row("gone, by another name", || gone(r#"{"error": "zzz"}"#), Ends::Refused(LinkRefusal::Over)),
        row("gone, nested without end", || gone(&"[".repeat(200_000)), Ends::Refused(LinkRefusal::Over)),
        row("no such attempt", || Wire::head("400 Bad"), Ends::Status(400)),
        row("taken, for later", || Wire::head("202 Accepted\r\nRetry-After: 1"), Ends::Status(202)),
        row("begun, with nothing", || Wire::head("204 No Content"), Ends::Status(204)),
        row("not allowed", || Wire::head("403 Forbidden"), Ends::Status(403)),
        row("busy for a second", || Wire::head("503 Busy\r\nRetry-After: 1"), Ends::Status(503)),
    ]
}

#[test]
fn every_lie_about_the_link_of_a_notice_is_refused_by_its_name() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let desk = Arc::new(Desk { liar: Liar::new(), serials: Mutex::default(), used_by: Mutex::default() });
    let server = Server::start(desk.clone());
    let mut card = Holder::empty_card();
    Holder::personalise(&mut card, &desk.liar.ca.house, KeyAlgorithm::P256, [1, 2], |_, draft| {
        (draft.from, draft.until) = (now() - days(345), now() + days(20));
    });
    let mut token = ProfileToken::new(SimulatorConnection::new(card));
    let plan = Plan::make(&look(&mut token).unwrap(), &Policy::twins(), now()).unwrap();
    let notice = NoticeLink::new(LINK, &plan);
    *desk.serials.lock().unwrap() = notice.serials.clone();
    let (link, anchors) = (format!("{}{LINK}", server.url()), desk.liar.ca.anchors());
    let https =
        |hurried| Https::with_patience(&server.url(), tls_config(&anchors).unwrap(), patience(hurried)).unwrap();
    let looks = |hurried| Told::from(RenewalLink::over(https(hurried), &link).unwrap().plan(plan.clone()));
    let begins = |hurried| Told::from(EstConnection::new(https(hurried), anchors.clone()).unwrap().use_link(&notice));
    let messages: [(&str, &dyn Fn(bool) -> Told); 2] = [("looked at", &looks), ("used up", &begins)];

    let (mut names, mut most_memory, mut most_sent, mut believed) = (BTreeSet::new(), 0, 0, Vec::new());
    for (when, message) in messages {
        for Row { name, lie, ends, hurried } in all() {
            assert!(names.insert((when, name)), "{name} stands there twice");
            let what = format!("{name}, {when}");
            let (told, (memory, sent)) = telling(&desk.liar, &server, lie, (&what, MOST_TOLD), || message(hurried));
            (most_memory, most_sent) = (most_memory.max(memory), most_sent.max(sent));
            if let Err(problem) = how_it_ends(&ends, told) {
                believed.push(format!("{what}: {problem}"));
            }
            assert_eq!(desk.used_by.lock().unwrap().take(), None, "{what}");
            // An honest CA, and one whose answer is lost.
            for honest in [&looks as &dyn Fn(bool) -> Told, &begins, &begins, &looks] {
                assert!(matches!(honest(false), Told::Begun), "{what}");
            }
            assert_eq!(desk.used_by.lock().unwrap().take().as_ref(), Some(&notice.attempt));
        }
    }
    assert!(believed.is_empty(), "not refused as they should be: {believed:#?}");
    report(&format!(
        "{} lies about the link of a notice, each refused by its name: {most_sent} bytes sent and {most_memory} bytes of memory at most",
        names.len()
    ));
    // Somebody else has used it up.
    *desk.used_by.lock().unwrap() = Some("another".into());
    for (when, message) in messages {
        assert!(matches!(message(false), Told::Refused(LinkRefusal::Over)), "{when}");
    }
}

fn how_it_ends(ends: &Ends, told: Told) -> Result<(), String> {
    let is = match (ends, &told) {
        (Ends::Refused(why), Told::Refused(found)) => why == found,
        (Ends::Nonsense, Told::Nonsense) => true,
        (Ends::Status(status), Told::Error(CaError::Status { status: found, .. })) => status == found,
        (Ends::As(End::Error(pattern, _)), Told::Nonsense | Told::Error(CaError::Status { .. }))
            if pattern.starts_with("CaError::Server") =>
        {
            true
        }
        // Who asks by GET asks for the same there.
        (Ends::As(End::Error(pattern, _)), Told::Error(CaError::Redirect(RedirectError::Endless))) => {
            pattern.contains("OtherRequest") || pattern.contains("Endless")
        }
        (Ends::As(End::Error(pattern, is)), _) => {
            let error = match told {
                Told::Error(error) => error,
                Told::Refused(LinkRefusal::Unknown) => CaError::Status { status: 404, text: String::new() },
                told => return Err(format!("{told:?} is not {pattern}")),
            };
            let error = RunError::Ca(error);
            return is(&error).then_some(()).ok_or(format!("{error:?} is not {pattern}"));
        }
        _ => false,
    };
    is.then_some(()).ok_or(format!("{told:?}"))
}

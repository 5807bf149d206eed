//! What can be lied about the end of a certificate: one line each. Lies that are the same for every message are those of a renewal.

use std::sync::Arc;

use obnova_client::{
    CaError, Https, RevocationReason as Why, RunError, StatusProblem,
    enroll::{
        certs_only,
        cmc::{Answer, FailInfo},
        est::{EstError, Headers, HttpResponse, Server},
    },
    status::{
        Revocation, RevocationReason, SerialNumber, TimeError,
        crl::CrlError,
        ocsp::{CertId, CertStatus, ErrorStatus, IdDigest, Nonce, OcspError},
    },
};
use obnova_renewal::Stage;

use super::{
    super::{
        common::support::days,
        house::{now, token},
        lies::{self, End, Lie, Scene},
        server::Wire,
    },
    desk::{Asked, StatusLie, Told, asks, body},
};

/// How it ends.
pub enum Ends {
    /// As the same lie does in a renewal.
    As(End),
    /// It is not decided, says the CA.
    Undecided,
    /// The CA says no, by this rule.
    Refused(&'static str),
    /// Its own key is not enough.
    PasswordToo,
    /// It had ended, and everybody is told all of what was asked for.
    Already,
    /// It ended, before or now, and everybody is told of another reason, which is not all of what was asked for.
    NotCovered { already: bool },
    /// Everybody is told this.
    Contradicted(&'static str),
    /// It is done, and nobody says so: for this reason among others.
    NotConfirmed(&'static str, fn(&StatusProblem) -> bool),
    /// It is done, and the list says so.
    ByList,
}

impl Ends {
    /// In what was reported of the table.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::As(End::Waits(_)) | Self::Undecided => "told as undecided",
            Self::As(end) => end.kind(),
            Self::Refused(_) | Self::PasswordToo | Self::Contradicted(_) => "refused by name",
            Self::NotConfirmed(..) => "not believed as a confirmation",
            Self::NotCovered { .. } => "told as less than was asked for",
            Self::Already | Self::ByList => "harmless",
        }
    }
}

pub struct Row {
    pub name: &'static str,
    pub lie: Told,
    pub ends: Ends,
    /// The client has little patience.
    pub hurried: bool,
    /// Why the holder wants it.
    pub why: Why,
    /// It had ended before, for this reason.
    pub ended: Option<RevocationReason>,
}

/// An error of a status by its pattern.
macro_rules! told {
    ($($pattern:tt)+) => {
        Ends::NotConfirmed(stringify!($($pattern)+), |problem| matches!(problem, $($pattern)+))
    };
}

pub fn all() -> Vec<Row> {
    [of_a_renewal(), answers(), ended_before(), contradictions(), ocsp(), lists()].into_iter().flatten().collect()
}

fn row(name: &'static str, lie: Told, ends: Ends) -> Row {
    Row { name, lie, ends, hurried: false, why: Why::Superseded, ended: None }
}

/// What can be told to any message, and of a CA's certificates.
fn of_a_renewal() -> Vec<Row> {
    let messages = [lies::connections(), lies::http(), lies::messages()].into_iter().flatten();
    let messages = messages
        .filter(|row| row.at.contains(&Stage::Send))
        .map(|one| Row { hurried: one.hurried, ..row(one.name, Told::Message(one.lie), Ends::As(one.end)) });
    let terms = lies::cacerts()
        .into_iter()
        .map(|one| Row { hurried: one.hurried, ..row(one.name, Told::Terms(one.lie), Ends::As(one.end)) });
    messages.chain(terms).collect()
}

/// The CA says this, and signs it.
fn said(name: &'static str, answer: fn() -> Answer, ends: Ends) -> Row {
    let tell = move |scene: &Scene<'_>| Server::new().fullcmc(&scene.ca.reply(scene.request, &answer()), false);
    row(name, Told::Message(Lie::Cmc(Arc::new(tell))), ends)
}

/// Answers that fit a revocation only.
fn answers() -> Vec<Row> {
    vec![
        said(
            "no, by a rule",
            || Answer::Refused { reason: FailInfo::BadIdentity, text: "not-yours: it is another's".into() },
            Ends::Refused("not-yours"),
        ),
        said(
            "no, and no rule",
            || Answer::Refused { reason: FailInfo::BadIdentity, text: "No: never".into() },
            Ends::Refused("badIdentity"),
        ),
        said("wait", || Answer::Pending { token: token(), check_at: now() }, Ends::Undecided),
        said("yes, and nothing was done", || Answer::Confirmed, Ends::Contradicted("good")),
        said(
            "it was done before, and it was not",
            || Answer::Refused { reason: FailInfo::BadRequest, text: "revoked-already: long ago".into() },
            Ends::Contradicted("good"),
        ),
        row(
            "a yes that nobody signed, with certificates",
            Told::Message(Lie::Cmc(Arc::new(|scene| {
                let certificates = certs_only::encode(&[scene.ca.other_holder.certificate().clone()]).unwrap();
                let mut answer = Server::new().fullcmc(&certificates, false);
                answer.headers.set("Content-Type", "application/pkcs7-mime; smime-type=certs-only");
                answer
            }))),
            Ends::As(End::Error("unsigned", |error| {
                matches!(error, RunError::Ca(CaError::Answer(obnova_client::enroll::cmc::ResponseError::Unsigned)))
            })),
        ),
        row(
            "a yes in JSON",
            Told::Message(Lie::Cmc(Arc::new(|_| HttpResponse {
                status: 200,
                headers: Headers::from_iter([("Content-Type", "application/json")]),
                body: br#"{"revoked": true}"#.to_vec(),
            }))),
            Ends::As(End::Error("content type", |error| {
                matches!(error, RunError::Ca(CaError::Server(EstError::ContentType { .. })))
            })),
        ),
        row(
            "done, and the line is cut",
            Told::AfterIt(Arc::new(|| Wire::Bytes(Vec::new()))),
            Ends::As(End::Error("unreachable", |error| matches!(error, RunError::Ca(CaError::Unreachable { .. })))),
        ),
        row(
            "done, and not found, says nobody",
            Told::AfterIt(Arc::new(|| Wire::head("404 Not Found"))),
            Ends::As(End::Error("404", |error| matches!(error, RunError::Ca(CaError::Status { status: 404, .. })))),
        ),
    ]
}

/// Of a certificate that had ended. Of one that ended for another reason that its key is compromised is still to be told.
fn ended_before() -> Vec<Row> {
    macro_rules! no {
        ($text:literal) => {
            || Answer::Refused { reason: FailInfo::BadRequest, text: $text.into() }
        };
    }
    let wait = || Answer::Pending { token: token(), check_at: now() };
    let of = |why, ended, row| Row { why, ended: Some(ended), ..row };
    let compromised = |row| of(Why::KeyCompromise, RevocationReason::Superseded, row);
    let known = |row| of(Why::KeyCompromise, RevocationReason::KeyCompromise, row);
    let superseded = |row| of(Why::Superseded, RevocationReason::Superseded, row);
    vec![
        compromised(said(
            "compromised: a wrong password",
            no!("wrong-revocation-password: look at it"),
            Ends::Refused("wrong-revocation-password"),
        )),
        compromised(said(
            "compromised: too many guesses",
            no!("password-slowed: wait"),
            Ends::Refused("password-slowed"),
        )),
        compromised(said(
            "compromised: the password alone is not enough",
            no!("password-alone: log in"),
            Ends::Refused("password-alone"),
        )),
        compromised(said("compromised: another's", no!("not-yours: it is another's"), Ends::Refused("not-yours"))),
        compromised(said("compromised: no, and no rule", no!("No: never"), Ends::Refused("badRequest"))),
        compromised(said(
            "compromised: the key alone is not enough",
            no!("own-key-alone: the password"),
            Ends::PasswordToo,
        )),
        compromised(said("compromised: wait", wait, Ends::Undecided)),
        compromised(said(
            "compromised: it was done before",
            no!("revoked-already: long ago"),
            Ends::NotCovered { already: true },
        )),
        compromised(said(
            "compromised: yes, and nothing was done",
            || Answer::Confirmed,
            Ends::NotCovered { already: false },
        )),
        known(said("known as compromised: a wrong password", no!("wrong-revocation-password: no"), Ends::Already)),
        known(said("known as compromised: the key alone", no!("own-key-alone: the password"), Ends::Already)),
        known(said("known as compromised: wait", wait, Ends::Already)),
        superseded(said("superseded before: a wrong password", no!("wrong-revocation-password: no"), Ends::Already)),
        superseded(said("superseded before: wait", wait, Ends::Already)),
        // What is told of it is of account, and not that it was done.
        Row {
            why: Why::KeyCompromise,
            ..row(
                "compromised: yes, and it is superseded, says OCSP",
                Told::Status(
                    Some(Arc::new(|asked| {
                        let other = Revocation::new(now(), RevocationReason::Superseded);
                        asked.desk.answered(asked.request, &asked.desk.liar.ca, now(), |_| CertStatus::Revoked(other))
                    })),
                    None,
                ),
                Ends::NotCovered { already: false },
            )
        },
    ]
}

/// Yes, and everybody is told something else.
fn contradictions() -> Vec<Row> {
    let says = |name, status: fn() -> CertStatus, what| {
        let lie: StatusLie =
            Arc::new(move |asked| asked.desk.answered(asked.request, &asked.desk.liar.ca, now(), |_| status()));
        row(name, Told::Status(Some(lie), None), Ends::Contradicted(what))
    };
    vec![
        says("yes, and it is good", || CertStatus::Good, "good"),
        says(
            "yes, and it is on hold",
            || CertStatus::Revoked(Revocation::new(now(), RevocationReason::CertificateHold)),
            "on hold",
        ),
        says("yes, and it never was", || CertStatus::NeverIssued, "none of this issuer's"),
    ]
}

/// What counts for nothing in answer to OCSP. There is no list either.
fn ocsp() -> Vec<Row> {
    let told = |name, lie: fn(&Asked<'_>) -> Wire, ends| {
        row(name, Told::Status(Some(Arc::new(lie)), Some(Arc::new(|_| Wire::head("404 Not Found")))), ends)
    };
    vec![
        told("OCSP: nothing there", |_| Wire::head("404 Not Found"), told!(StatusProblem::Status(404))),
        told(
            "OCSP: elsewhere",
            |_| Wire::head("302 Elsewhere\r\nLocation: https://evil.example/"),
            told!(StatusProblem::Ca(CaError::Redirect(_))),
        ),
        told("OCSP: cut off", |_| Wire::Bytes(Vec::new()), told!(StatusProblem::Ca(CaError::Unreachable { .. }))),
        told(
            "OCSP: without end",
            |_| Wire::Endless(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec(), vec![b'A'; 4096]),
            told!(StatusProblem::Ca(CaError::TooLarge { limit: Https::MAX_ANSWER })),
        ),
        Row {
            hurried: true,
            ..told("OCSP: silence", |_| Wire::Silence, told!(StatusProblem::Ca(CaError::Timeout { .. })))
        },
        told("OCSP: noise", |_| body(&[0xA5; 500]), told!(StatusProblem::Ocsp(OcspError::Malformed(_)))),
        told("OCSP: empty", |_| body(&[]), told!(StatusProblem::Ocsp(OcspError::Malformed(_)))),
        told("OCSP: 70 KB", |_| body(&vec![0x30; 70_000]), told!(StatusProblem::Ocsp(OcspError::TooLong { .. }))),
        told(
            "OCSP: later",
            |_| body(&ErrorStatus::TryLater.to_der()),
            told!(StatusProblem::Ocsp(OcspError::Refused(ErrorStatus::TryLater))),
        ),
        told(
            "OCSP: who is that",
            |asked| asked.desk.answered(asked.request, &asked.desk.liar.ca, now(), |_| CertStatus::Unknown),
            told!(StatusProblem::Ocsp(OcspError::Unknown)),
        ),
        told(
            "OCSP: of another certificate",
            |asked| {
                let other = asks(asked.request, |request| {
                    let authority = asked.desk.authority(&asked.desk.liar.ca);
                    let id = CertId::new(&authority, SerialNumber::from(7_u64), IdDigest::Sha1).unwrap();
                    request.certificates = vec![id];
                });
                asked.desk.answered(&other, &asked.desk.liar.ca, now(), |_| asked.told)
            },
            told!(StatusProblem::Ocsp(OcspError::OtherCertificate)),
        ),
        told(
            "OCSP: to another question",
            |asked| {
                let other = asks(asked.request, |request| request.nonce = Some(Nonce::from_random([9; 32])));
                asked.desk.answered(&other, &asked.desk.liar.ca, now(), |_| asked.told)
            },
            told!(StatusProblem::Ocsp(OcspError::WrongNonce)),
        ),
        told(
            "OCSP: to no question",
            |asked| {
                let other = asks(asked.request, |request| request.nonce = None);
                asked.desk.answered(&other, &asked.desk.liar.ca, now(), |_| asked.told)
            },
            told!(StatusProblem::Ocsp(OcspError::NoNonce)),
        ),
        told(
            "OCSP: of last week",
            |asked| asked.desk.answered(asked.request, &asked.desk.liar.ca, now() - days(7), |_| asked.told),
            told!(StatusProblem::Ocsp(OcspError::Time(TimeError::Expired))),
        ),
        told(
            "OCSP: of next week",
            |asked| asked.desk.answered(asked.request, &asked.desk.liar.ca, now() + days(7), |_| asked.told),
            told!(StatusProblem::Ocsp(OcspError::Time(TimeError::NotYet))),
        ),
        told(
            "OCSP: by the impostor",
            |asked| {
                let impostor = asked.desk.authority(&asked.desk.liar.impostor);
                let other = asks(asked.request, |request| {
                    let serial = request.certificates[0].serial_number().clone();
                    request.certificates = vec![CertId::new(&impostor, serial, IdDigest::Sha1).unwrap()];
                });
                asked.desk.answered(&other, &asked.desk.liar.impostor, now(), |_| asked.told)
            },
            told!(StatusProblem::Ocsp(OcspError::UnknownResponder)),
        ),
        told(
            "OCSP: altered after it was signed",
            |asked| {
                let good = asked.desk.answer(asked.request, &asked.desk.liar.ca, now(), |_| {
                    CertStatus::Revoked(Revocation::new(now() - days(1), RevocationReason::Superseded))
                });
                // enumerated(superseded) to keyCompromise, where it stands as the reason.
                let reason = [0xA0, 0x03, 0x0A, 0x01, 0x04];
                let at = good.windows(5).position(|five| five == reason).unwrap();
                let mut altered = good;
                altered[at + 4] = 1;
                body(&altered)
            },
            told!(StatusProblem::Ocsp(OcspError::Signature(_))),
        ),
    ]
}

/// Lists, where OCSP is not spoken.
fn lists() -> Vec<Row> {
    let told = |name, lie: fn(&Asked<'_>) -> Wire, ends| {
        row(name, Told::Status(Some(Arc::new(|_| Wire::head("404 Not Found"))), Some(Arc::new(lie))), ends)
    };
    vec![
        row(
            "no OCSP, and an honest list",
            Told::Status(Some(Arc::new(|_| Wire::head("404 Not Found"))), None),
            Ends::ByList,
        ),
        row(
            "noise for OCSP, and an honest list",
            Told::Status(Some(Arc::new(|_| body(&[0xA5; 500]))), None),
            Ends::ByList,
        ),
        told(
            "CRL: not on it",
            |asked| body(&asked.desk.list(&asked.desk.liar.ca, now(), &[])),
            told!(StatusProblem::NotListed),
        ),
        told(
            "CRL: on hold",
            |asked| {
                let hold = Revocation::new(now(), RevocationReason::CertificateHold);
                let entries: Vec<_> = asked.desk.entries().into_iter().map(|(serial, _)| (serial, hold)).collect();
                body(&asked.desk.list(&asked.desk.liar.ca, now(), &entries))
            },
            told!(StatusProblem::NotListed),
        ),
        told(
            "CRL: another's number",
            |asked| {
                let entries: Vec<_> =
                    asked.desk.entries().into_iter().map(|(_, one)| (SerialNumber::from(7_u64), one)).collect();
                body(&asked.desk.list(&asked.desk.liar.ca, now(), &entries))
            },
            told!(StatusProblem::NotListed),
        ),
        told(
            "CRL: of last week",
            |asked| body(&asked.desk.list(&asked.desk.liar.ca, now() - days(7), &asked.entries())),
            told!(StatusProblem::Crl(CrlError::Time(TimeError::Expired))),
        ),
        told(
            "CRL: by the impostor",
            |asked| body(&asked.desk.list(&asked.desk.liar.impostor, now(), &asked.entries())),
            told!(StatusProblem::Crl(CrlError::OtherKey | CrlError::Signature(_))),
        ),
        told(
            "CRL: altered after it was signed",
            |asked| {
                let mut list = asked.desk.list(&asked.desk.liar.ca, now(), &asked.entries());
                let superseded = [0x0A, 0x01, 0x04];
                let at = list.windows(3).position(|three| three == superseded).unwrap();
                list[at + 2] = 1;
                body(&list)
            },
            told!(StatusProblem::Crl(CrlError::Signature(_))),
        ),
        told("CRL: noise", |_| body(&[0xA5; 500]), told!(StatusProblem::CrlForm(_))),
        told(
            "CRL: without end",
            |_| Wire::Endless(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec(), vec![0x30; 4096]),
            told!(StatusProblem::Ca(CaError::TooLarge { limit: Https::MAX_ANSWER })),
        ),
    ]
}

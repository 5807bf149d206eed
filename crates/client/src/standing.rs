//! What everybody is told of a certificate.

use std::{fmt, time::SystemTime};

use aws_lc_rs::rand;
use obnova_algorithm::text::printable;
use obnova_enroll::est::{Headers, HttpRequest, HttpResponse, Method};
use obnova_status::{
    Rules, Status,
    crl::{Crl, CrlError, ParseError},
    ocsp::{Nonce, OcspError, Question, http},
};

use crate::{CaError, HttpExchange, revocation::Subject};

mod old;

pub(crate) use old::{Asking, standing};

/// Reaches servers whose addresses stand in certificates: who tells there who is revoked signs it, and is asked over plain HTTP.
/// [`PlainHttp`](crate::PlainHttp) does; whoever has a network stack of their own writes another.
pub trait StatusExchange {
    /// Asks this server (`http://status.example`) once. Every status is an answer.
    ///
    /// # Errors
    /// [`CaError`].
    fn exchange(&self, server: &str, request: &HttpRequest) -> Result<HttpResponse, CaError>;
}

/// How it was confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfirmedBy {
    /// By an answer that was made for the question (RFC 6960, with a nonce).
    Ocsp,
    /// By a list (RFC 5280 §5).
    Crl,
}

impl fmt::Display for ConfirmedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ocsp => "OCSP",
            Self::Crl => "CRL",
        })
    }
}

/// Nobody could be asked, or is believed: what was wrong at each place, at least one.
#[derive(Debug)]
pub struct NotConfirmed(pub Vec<(String, StatusProblem)>);

impl fmt::Display for NotConfirmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (place, problem)) in self.0.iter().enumerate() {
            // What came over plain HTTP may stand in it, before anybody signed for it.
            let problem = printable(&problem.to_string(), MOST_TOLD);
            write!(f, "{}{place}: {problem}", if index == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for NotConfirmed {}

/// Characters of what is wrong at one place that are told.
const MOST_TOLD: usize = 300;

/// Why a place says nothing that counts.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StatusProblem {
    /// It cannot be asked.
    #[error(transparent)]
    Ca(#[from] CaError),
    /// It answered with this HTTP status.
    #[error("HTTP status {0}")]
    Status(u16),
    /// Its address is none of plain HTTP.
    #[error("not an address of plain HTTP")]
    Address,
    /// Its OCSP answer is not believed.
    #[error(transparent)]
    Ocsp(#[from] OcspError),
    /// Its list cannot be read.
    #[error(transparent)]
    CrlForm(#[from] ParseError),
    /// Its list is not believed.
    #[error(transparent)]
    Crl(#[from] CrlError),
    /// Its list does not have the certificate. It may be an old one that still counts.
    #[error("it is not on the list yet")]
    NotListed,
    /// Its list does not have the certificate, which somebody who was asked by OCSP does not know: that it is good does not follow.
    #[error("it is not on the list, which says nothing of a certificate that the issuer does not know: ask the issuer")]
    NotKnown,
}

/// What is said by the first who is believed and whose word `judge` takes: by OCSP where the certificate says, then at the CA's own
/// server; then by a CRL in the same order. A list that does not have the certificate says that it is good, unless somebody who is
/// believed does not know the certificate: what is not known is on no list either.
pub(crate) fn first_believed<T>(
    subject: &Subject,
    own: &impl HttpExchange,
    servers: &dyn StatusExchange,
    now: SystemTime,
    judge: impl Fn(&Place, ConfirmedBy, Status) -> Result<T, StatusProblem>,
) -> Result<T, NotConfirmed> {
    let (mut problems, mut is_known) = (Vec::new(), true);
    let places = |addresses: &[String], own: &'static str| {
        let there = addresses.iter().map(|address| Place::There(address.clone()));
        there.chain([Place::Own(own)]).collect::<Vec<_>>()
    };
    let ocsp = places(&subject.ocsp, "/ocsp").into_iter().map(|place| (place, ConfirmedBy::Ocsp));
    let lists = places(&subject.crl, "/crl").into_iter().map(|place| (place, ConfirmedBy::Crl));
    for (place, by) in ocsp.chain(lists) {
        let told = match by {
            ConfirmedBy::Ocsp => by_ocsp(subject, &place, own, servers, now),
            ConfirmedBy::Crl => by_crl(subject, &place, own, servers, now),
        };
        let judged = match (by, told) {
            (ConfirmedBy::Crl, Ok(Status::Good)) if !is_known => Err(StatusProblem::NotKnown),
            (by, told) => told.and_then(|status| judge(&place, by, status)),
        };
        match judged {
            Ok(judged) => return Ok(judged),
            Err(problem) => {
                is_known &= !matches!(problem, StatusProblem::Ocsp(OcspError::Unknown));
                problems.push((place.name(), problem));
            }
        }
    }
    Err(NotConfirmed(problems))
}

/// Where to ask.
pub(crate) enum Place {
    /// An address out of the certificate.
    There(String),
    /// A path at the CA's own server.
    Own(&'static str),
}

impl Place {
    pub(crate) fn name(&self) -> String {
        match self {
            Self::There(address) => printable(address, 200),
            Self::Own(path) => format!("the issuer's server, {path}"),
        }
    }

    /// The body of what is answered with status 200.
    fn exchange(
        &self,
        request: impl FnOnce(String) -> HttpRequest,
        own: &impl HttpExchange,
        servers: &dyn StatusExchange,
    ) -> Result<Vec<u8>, StatusProblem> {
        let answer = match self {
            Self::There(address) => {
                let (server, path) = parts(address).ok_or(StatusProblem::Address)?;
                servers.exchange(server, &request(path))?
            }
            Self::Own(path) => own.exchange(&request((*path).to_owned()))?,
        };
        if answer.status == 200 { Ok(answer.body) } else { Err(StatusProblem::Status(answer.status)) }
    }
}

/// Server and path of an address of plain HTTP.
fn parts(address: &str) -> Option<(&str, String)> {
    let scheme = address.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("http://"))?.len();
    if !address.bytes().all(|byte| byte.is_ascii_graphic()) || address.contains(['#', '@']) {
        return None;
    }
    let end = address[scheme..].find(['/', '?']).map_or(address.len(), |at| scheme + at);
    let (server, path) = address.split_at(end);
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    (server.len() > scheme).then_some((server, path))
}

fn by_ocsp(
    subject: &Subject,
    place: &Place,
    own: &impl HttpExchange,
    servers: &dyn StatusExchange,
    now: SystemTime,
) -> Result<Status, StatusProblem> {
    let mut nonce = [0; 32];
    rand::fill(&mut nonce).map_err(|_| CaError::Random)?;
    let encode = |error: x509_cert::der::Error| CaError::Order(error.to_string());
    let question = Question::numbered(subject.serial.clone(), &subject.authority).map_err(encode)?;
    let question = question.nonce(Nonce::from_random(nonce));
    let body = question.to_der().map_err(encode)?;
    let request = |path| HttpRequest {
        method: Method::Post,
        path,
        headers: Headers::from_iter([("Content-Type", http::REQUEST_TYPE), ("Accept", http::RESPONSE_TYPE)]),
        body,
    };
    let answer = place.exchange(request, own, servers)?;
    Ok(question.check(&answer, now, &Rules::default())?.status)
}

fn by_crl(
    subject: &Subject,
    place: &Place,
    own: &impl HttpExchange,
    servers: &dyn StatusExchange,
    now: SystemTime,
) -> Result<Status, StatusProblem> {
    let request = |path| HttpRequest {
        method: Method::Get,
        path,
        headers: Headers::from_iter([("Accept", "application/pkix-crl")]),
        body: Vec::new(),
    };
    let list = place.exchange(request, own, servers)?;
    let list = Crl::parse(&list)?.verify(&subject.authority, now, &Rules::default())?;
    Ok(list.find(&subject.serial)?.map_or(Status::Good, Status::Revoked))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_say_is_told_in_few_words() {
        let long =
            CrlError::OtherIssuer { issuer: format!("CN=\u{202e}{}", "A".repeat(32_000)), wanted: "CN=Root".into() };
        let place = || "http://a.example/crl".to_owned();
        let text = NotConfirmed(vec![(place(), long.into()), (place(), StatusProblem::NotListed)]).to_string();
        assert!(text.chars().count() < 500 && text.ends_with("it is not on the list yet"), "{text}");
        assert!(text.contains("CN=") && !text.contains('\u{202e}'), "{text}");
    }

    #[test]
    fn addresses_are_taken_apart() {
        for (address, wanted) in [
            ("http://a.example/ocsp", Some(("http://a.example", "/ocsp"))),
            ("HTTP://a.example:8080/x/y?z=1", Some(("HTTP://a.example:8080", "/x/y?z=1"))),
            ("http://a.example", Some(("http://a.example", "/"))),
            ("http://a.example?q", Some(("http://a.example", "/?q"))),
            ("https://a.example/ocsp", None),
            ("ldap://a.example/crl", None),
            ("http:///crl", None),
            ("http://a@b/crl", None),
            ("http://a/\r\nX: y", None),
            ("http://é/", None),
            ("httpé://", None),
            ("", None),
        ] {
            assert_eq!(parts(address), wanted.map(|(server, path)| (server, path.to_owned())), "{address}");
        }
    }
}

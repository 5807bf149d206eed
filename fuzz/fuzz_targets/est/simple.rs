//! Simple enrollment: what a server takes for a request, who asks, what a client takes for an answer, and where it is sent on to.

use std::{sync::LazyLock, time::Duration};

use obnova_enroll::{
    Secret,
    cmc::UserId,
    est::{
        Channel, Client, Credentials, CsrAttributes, EnrollReply, Enrollment, Headers, HttpRequest, HttpResponse,
        Method, Server, SimpleOperation, Site, Step,
    },
    limits,
};
use obnova_pkcs10::CertificationRequest;

use super::{WELL_KNOWN, common::now, shown};

static REQUEST: LazyLock<CertificationRequest> = LazyLock::new(|| {
    let der = include_bytes!("../../../crates/pkcs10/tests/data/p256-sha256.der");
    CertificationRequest::from_der(der).expect("it is one")
});

fn site() -> Site {
    Site::parse("https://ca.example").expect("it is one")
}

pub fn answered(client: &Client, response: &HttpResponse) {
    match client.enroll_response(response) {
        Ok(EnrollReply::Issued(certificates)) => {
            assert!(response.status == 200 && (1..=limits::MAX_CERTIFICATES).contains(&certificates.len()));
        }
        Ok(EnrollReply::RetryAfter(_)) => assert_eq!(response.status, 202),
        Err(error) => shown(&error.to_string()),
    }
    // As it came, and as what it should be.
    let attributes = Headers::from_iter([("Content-Type", "application/csrattrs")]);
    for response in [response, &HttpResponse { status: 200, headers: attributes, body: response.body.clone() }] {
        match client.csrattrs_response(response) {
            Ok(attributes) => {
                let written = attributes.to_der().expect("it was read");
                assert_eq!(CsrAttributes::from_der(&written).as_ref(), Ok(&attributes));
                if let Ok(shape) = attributes.shape() {
                    let _ = shape.check(&REQUEST);
                }
            }
            Err(error) => shown(&error.to_string()),
        }
    }
    // An enrollment is over with a certificate for its key and in no other way; until then it asks for the same.
    let site = site();
    let mut enrollment = Enrollment::enroll(client.clone(), site.clone(), &REQUEST).expect("it has no password");
    let Step::Send(first) = enrollment.next(now()) else { panic!("not begun") };
    let taken = enrollment.receive(response, now());
    if let Err(error) = &taken {
        shown(&error.to_string());
    }
    match enrollment.next(now()) {
        Step::Send(again) if taken.is_err() => assert!(again == first),
        // Sent on to another path of the same site.
        Step::Send(again) => {
            assert!((300..400).contains(&response.status) && again.path.starts_with('/'));
            let mut elsewhere = again;
            elsewhere.path.clone_from(&first.path);
            assert!(elsewhere == first);
        }
        // It is pending, or the server is busy and says until when.
        Step::Wait(moment) => {
            assert!(matches!((response.status, taken.is_ok()), (202, true) | (429 | 503, false)));
            assert!(moment >= now() + Duration::from_secs(1));
        }
        Step::Done(certificate) => {
            assert_eq!(response.status, 200);
            assert_eq!(certificate.tbs_certificate().subject_public_key_info(), REQUEST.public_key());
        }
    }
}

pub fn received(server: &Server, label: Option<&str>, request: &HttpRequest) {
    let path = |operation: &str| match label {
        None => format!("{WELL_KNOWN}/{operation}"),
        Some(label) => format!("{WELL_KNOWN}/{label}/{operation}"),
    };
    let pkcs10 = Headers::from_iter([("Content-Type", "application/pkcs10")]);
    let mut simple =
        HttpRequest { method: Method::Post, path: path("simpleenroll"), headers: pkcs10, body: request.body.clone() };
    let mut next = simple.clone();
    next.path = path("simplereenroll");
    for request in [request, &simple, &next] {
        match server.route_simple(request) {
            Ok(SimpleOperation::CsrAttrs) => {
                assert!(request.method == Method::Get && request.path == path("csrattrs"));
            }
            Ok(operation @ (SimpleOperation::Enroll(_) | SimpleOperation::Reenroll(_))) => {
                let (name, came) = match &operation {
                    SimpleOperation::Enroll(came) => ("simpleenroll", came),
                    SimpleOperation::Reenroll(came) => ("simplereenroll", came),
                    SimpleOperation::CsrAttrs => unreachable!("matched before"),
                };
                assert!(request.method == Method::Post && request.path == path(name));
                assert!(CertificationRequest::from_der(came.der()).as_ref() == Ok(came));
            }
            Err(error) => {
                let response = error.response();
                assert!((400..500).contains(&response.status) && !response.body.is_empty());
            }
        }
        who_asks(request);
    }
    // The body as a password, too.
    let text = String::from_utf8_lossy(&request.body).replace(['\r', '\n'], "");
    simple.headers = Headers::from_iter([("Authorization", format!("Basic {text}"))]);
    who_asks(&simple);
}

fn who_asks(request: &HttpRequest) {
    assert!(Credentials::of(request, Channel::Clear).is_err(), "a password in the clear is taken");
    match Credentials::of(request, Channel::Tls) {
        Ok(who) => {
            assert!(UserId::new(who.user().as_str()).as_ref() == Ok(who.user()));
            assert!((1..=Secret::MAX_SIZE).contains(&who.password().as_bytes().len()));
            // What one side reads the other writes.
            let again = Client::new().basic(&site(), who.clone()).fullcmc_request(b"x");
            let again = Credentials::of(&again, Channel::Tls).unwrap_or_else(|error| panic!("{error}"));
            assert!(again.user() == who.user() && again.password() == who.password());
        }
        Err(error) => {
            let response = error.response("EST");
            assert!(response.status == 401 && response.headers.get("WWW-Authenticate").is_some());
        }
    }
}

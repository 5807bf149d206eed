//! EST as values: a client and a server here speak to each other, and to what peers of other houses write.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::time::Duration;

use common::World;
use obnova_enroll::{
    certs_only,
    cmc::{Answer, Asked, FailInfo, FullResponse},
    est::{
        Client, EstError, FullCmcReply, Headers, HttpRequest, HttpResponse, MAX_BODY, MAX_RETRY_AFTER, Method,
        Operation, RetryAfter, RouteError, Server, Transfer,
    },
};

fn response(status: u16, fields: &[(&str, &str)], body: &[u8]) -> HttpResponse {
    HttpResponse { status, headers: fields.iter().copied().collect(), body: body.to_vec() }
}

#[test]
fn certificates_of_the_ca_arrive_in_both_styles() {
    let world = World::new();
    for transfer in [Transfer::Unwrapped, Transfer::Wrapped] {
        let (client, server) = (Client::new().transfer(transfer), Server::new().transfer(transfer));
        let request = client.cacerts_request();
        assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", "/.well-known/est/cacerts"));
        assert_eq!(server.route(&request), Ok(Operation::CaCerts));
        let response = server.cacerts(std::slice::from_ref(&world.ca)).unwrap();
        assert_eq!(response.body.contains(&b'\n'), transfer == Transfer::Wrapped);
        assert_eq!(response.headers.get("content-type"), Some("application/pkcs7-mime; smime-type=certs-only"));
        // Whatever the other side writes, it is read.
        assert_eq!(Client::new().cacerts_response(&response).unwrap(), std::slice::from_ref(&world.ca));
    }
}

#[test]
fn a_request_goes_there_and_its_answer_comes_back() {
    let world = World::new();
    let message = world.request();
    for transfer in [Transfer::Unwrapped, Transfer::Wrapped] {
        let (client, server) = (Client::new().label("twins").transfer(transfer), Server::new().label("twins"));
        let request = client.fullcmc_request(&message);
        assert_eq!(request.path, "/.well-known/est/twins/fullcmc");
        assert_eq!(request.headers.get("Content-Transfer-Encoding"), Some("base64"));
        let Ok(Operation::FullCmc(received)) = server.route(&request) else { panic!("not routed") };
        assert_eq!(received, message);

        let issued = Answer::Issued { certificates: world.issued(), chain: Vec::new(), confirm: true };
        let refused = Answer::Refused { reason: FailInfo::BadIdentity, text: "revoked".into() };
        for (answer, status) in [(issued, 200), (refused, 400)] {
            let sent = server.clone().transfer(transfer).fullcmc(&world.respond(&received, &answer), status == 400);
            assert_eq!(sent.status, status);
            let Ok(FullCmcReply::Cmc(back)) = client.fullcmc_response(&sent) else { panic!("no CMC") };
            let back = FullResponse::parse(&back, &world.expected(Asked::Certificates)).unwrap().answer;
            assert_eq!(std::mem::discriminant(&back), std::mem::discriminant(&answer));
        }
    }
}

#[test]
fn waiting_has_a_time() {
    let waiting = Server::new().retry_after(Duration::from_millis(1500));
    let reply = Client::new().fullcmc_response(&waiting);
    assert_eq!(reply, Ok(FullCmcReply::RetryAfter(RetryAfter::In(Duration::from_secs(2)))));
    let forever = response(202, &[("retry-after", "18446744073709551615")], b"");
    let reply = Client::new().fullcmc_response(&forever);
    assert_eq!(reply, Ok(FullCmcReply::RetryAfter(RetryAfter::In(MAX_RETRY_AFTER))));
    for fields in [&[][..], &[("Retry-After", "later")]] {
        assert_eq!(Client::new().fullcmc_response(&response(202, fields, b"")), Err(EstError::NoRetryAfter));
    }
}

#[test]
fn an_unsigned_list_of_certificates_is_told_from_a_cmc_response() {
    let world = World::new();
    let sent = Server::new().cacerts(&world.issued()).unwrap();
    let Ok(FullCmcReply::CertsOnly(certificates)) = Client::new().fullcmc_response(&sent) else { panic!("no list") };
    assert_eq!(certificates.len(), 2);
}

#[test]
fn every_odd_status_has_a_name() {
    let text = [("Content-Type", "text/plain")];
    let verdict = |status, fields: &[(&str, &str)]| {
        let sent = response(status, fields, b"closed\x1b[31m for today");
        let fullcmc = Client::new().fullcmc_response(&sent).unwrap_err();
        assert_eq!(Client::new().cacerts_response(&sent).unwrap_err(), fullcmc, "{status}");
        fullcmc
    };
    let words = || "closed [31m for today".to_owned();
    for status in [301, 302, 303, 307, 308] {
        let location = "https://elsewhere.example/".to_owned();
        assert_eq!(verdict(status, &[("Location", &location)]), EstError::Redirect { location });
    }
    assert_eq!(verdict(401, &text), EstError::Unauthorized);
    assert_eq!(verdict(403, &text), EstError::Forbidden { text: words() });
    for status in [204, 404, 405, 501] {
        assert_eq!(verdict(status, &text), EstError::NotSupported { status });
    }
    assert_eq!(verdict(413, &text), EstError::RequestTooLong);
    assert_eq!(verdict(400, &text), EstError::Refused { status: 400, text: words() });
    assert_eq!(verdict(418, &[("Content-Type", "text/html")]), EstError::Refused { status: 418, text: String::new() });
    assert_eq!(verdict(500, &text), EstError::ServerFailed { status: 500, text: words() });
    assert_eq!(verdict(503, &[]), EstError::Unavailable { retry_after: None });
    let soon = Some(RetryAfter::In(Duration::from_secs(3)));
    assert_eq!(verdict(503, &[("Retry-After", "3")]), EstError::Unavailable { retry_after: soon });
    let often = verdict(429, &[("Retry-After", "3"), ("Content-Type", "text/plain")]);
    assert_eq!(often, EstError::TooOften { retry_after: soon, text: words() });
    assert_eq!(often.to_string(), "the server was asked too often, it answers again in 3 s: closed [31m for today");
    let often = verdict(429, &[("Retry-After", "Sat, 21 Nov 2026 13:00:00 GMT")]);
    assert_eq!(often.to_string(), "the server was asked too often, it answers again from 2026-11-21T13:00:00Z on");
    assert_eq!(verdict(429, &[]).to_string(), "the server was asked too often");
    for status in [0, 100, 201, 206, 600, 999] {
        assert_eq!(verdict(status, &text), EstError::UnexpectedStatus { status });
    }
}

#[test]
fn a_page_instead_of_an_answer_is_refused() {
    let page = response(200, &[("Content-Type", "text/html")], b"<html>Log in to the hotel's network</html>");
    let wrong = EstError::ContentType { found: "text/html".into() };
    assert_eq!(Client::new().fullcmc_response(&page), Err(wrong.clone()));
    assert_eq!(Client::new().cacerts_response(&page), Err(wrong));
    for body in [&b""[..], b"<html>", b"MAA", b"M A=A", b"\xff\xfe", &[0x30, 0x03, 2, 1, 1]] {
        let garbage = response(200, &[("Content-Type", "application/pkcs7-mime; smime-type=CMC-response")], body);
        assert_eq!(Client::new().fullcmc_response(&garbage), Err(EstError::Base64), "{body:?}");
    }
    let certs = [("Content-Type", "application/pkcs7-mime; smime-type=certs-only")];
    let no_list = response(200, &certs, b"MAA=");
    assert!(matches!(Client::new().cacerts_response(&no_list), Err(EstError::Message(_))));
    let long = response(200, &certs, &vec![b'A'; MAX_BODY + 1]);
    assert_eq!(Client::new().cacerts_response(&long), Err(EstError::TooLong { size: MAX_BODY + 1 }));
    assert_eq!(Client::new().fullcmc_response(&long), Err(EstError::TooLong { size: MAX_BODY + 1 }));
}

type Change<'a> = &'a dyn Fn(&mut HttpRequest);

#[test]
fn a_server_routes_what_it_knows_and_nothing_else() {
    let server = Server::new();
    let good = Client::new().fullcmc_request(b"x");
    let route = |change: &dyn Fn(&mut HttpRequest)| {
        let mut request = good.clone();
        change(&mut request);
        server.route(&request).map_err(|error| (error.response().status, error))
    };
    assert_eq!(route(&|_| ()), Ok(Operation::FullCmc(b"x".to_vec())));
    let cases: [(Change<'_>, u16, RouteError); 8] = [
        (&|request| request.path = "/.well-known/est/simpleenroll".into(), 404, RouteError::NotFound),
        (&|request| request.path = "/.well-known/est/other/fullcmc".into(), 404, RouteError::NotFound),
        (&|request| request.path.push_str("/../fullcmc"), 404, RouteError::NotFound),
        (&|request| request.method = Method::from("DELETE"), 405, RouteError::Method { allowed: Method::Post }),
        (&|request| request.headers = Headers::default(), 415, RouteError::ContentType),
        (&|request| request.headers.set("content-type", "application/pkcs10"), 415, RouteError::ContentType),
        (&|request| request.body = vec![b'A'; MAX_BODY + 1], 413, RouteError::TooLong),
        (&|request| request.body = b"<>".to_vec(), 400, RouteError::Base64),
    ];
    for (change, status, error) in cases {
        assert_eq!(route(change), Err((status, error)));
    }
    let not_post = RouteError::Method { allowed: Method::Post }.response();
    assert_eq!(not_post.headers.get("allow"), Some("POST"));
}

#[test]
fn the_longest_message_fits_into_the_longest_body() {
    let message = vec![0x5a; obnova_enroll::limits::MAX_MESSAGE];
    for transfer in [Transfer::Unwrapped, Transfer::Wrapped] {
        let request = Client::new().transfer(transfer).fullcmc_request(&message);
        assert_eq!(Server::new().route(&request), Ok(Operation::FullCmc(message.clone())));
    }
}

#[test]
fn base64_is_read_with_any_blanks_in_it() {
    let world = World::new();
    let list = certs_only::encode(std::slice::from_ref(&world.ca)).unwrap();
    let sent = Server::new().cacerts(std::slice::from_ref(&world.ca)).unwrap();
    let line = String::from_utf8(sent.body.clone()).unwrap();
    assert_eq!(certs_only::decode(&list).unwrap(), std::slice::from_ref(&world.ca));
    for separator in ["\n", "\r\n", " ", "\t\r\n\n"] {
        let pieces = line.as_bytes().chunks(76).map(|piece| std::str::from_utf8(piece).unwrap());
        let body = pieces.collect::<Vec<_>>().join(separator) + separator;
        let sent = HttpResponse { body: body.into_bytes(), ..sent.clone() };
        assert_eq!(Client::new().cacerts_response(&sent).unwrap(), std::slice::from_ref(&world.ca));
    }
}

//! Plain EST: one request, one certificate, with a password or with the old certificate, however long the CA takes.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::{
    sync::LazyLock,
    time::{Duration, SystemTime},
};

use common::{HOLDER, Key, World, certificate, certificate_with, extension, noon};
use der::asn1::Ia5String;
use obnova_enroll::{
    Secret,
    cmc::UserId,
    est::{
        BasicError, Channel, Client, Credentials, CsrAttributes, EnrollError, Enrollment, EstError, Headers,
        HttpRequest, HttpResponse, Method, RedirectError, ReenrollError, Reenrollment, RouteError, Server,
        SimpleOperation, Site, Step, Transfer, reenrollment,
    },
};
use obnova_pkcs10::{CertificationRequest, RequestBuilder};
use x509_cert::ext::pkix::{SubjectAltName, name::GeneralName};

static WORLD: LazyLock<World> = LazyLock::new(World::new);

fn site() -> Site {
    Site::parse("https://ca.example").unwrap()
}

fn response(status: u16, fields: &[(&str, &str)]) -> HttpResponse {
    HttpResponse { status, headers: fields.iter().copied().collect(), body: Vec::new() }
}

static REQUEST: LazyLock<CertificationRequest> = LazyLock::new(|| WORLD.requests()[0].clone());

fn request() -> CertificationRequest {
    REQUEST.clone()
}

/// A client that says who asks.
fn known() -> Client {
    let user = UserId::new("jana").unwrap();
    let password = Secret::from_bytes(b"MZXW6YTBOI5FA2LC").unwrap();
    Client::new().basic(&site(), Credentials::new(user, password).unwrap_or_else(|error| panic!("{error}")))
}

fn sent(step: Step) -> HttpRequest {
    let Step::Send(request) = step else { panic!("{step:?}") };
    request
}

#[test]
fn a_request_goes_there_and_its_certificate_comes_back() {
    let issued = WORLD.issued();
    for transfer in [Transfer::Unwrapped, Transfer::Wrapped] {
        let server = Server::new().label("partner").transfer(transfer);
        let client = known().label("partner").transfer(transfer);
        let mut enrollment = Enrollment::enroll(client, site(), &request()).unwrap();
        let http = sent(enrollment.next(noon()));
        assert_eq!((http.method.as_str(), http.path.as_str()), ("POST", "/.well-known/est/partner/simpleenroll"));
        assert_eq!(http.headers.get("content-type"), Some("application/pkcs10"));
        assert_eq!(http.headers.get("content-transfer-encoding"), Some("base64"));
        assert_eq!(http.body.contains(&b'\n'), transfer == Transfer::Wrapped);
        assert_eq!(server.route(&http), Err(RouteError::NotFound), "a CA offers it or does not");
        assert_eq!(server.route_simple(&http), Ok(SimpleOperation::Enroll(request())));
        let who = Credentials::of(&http, Channel::Tls).unwrap_or_else(|error| panic!("{error}"));
        assert!(who.user().as_str() == "jana" && who.password().as_bytes() == b"MZXW6YTBOI5FA2LC");

        enrollment.receive(&server.issued(&issued[0]).unwrap(), noon()).unwrap();
        assert_eq!(enrollment.next(noon()), Step::Done(Box::new(issued[0].clone())));
    }
}

/// RFC 7030 §4.2.3: the client waits as long as it is told and sends the same request.
#[test]
fn whoever_has_to_wait_sends_the_same_request_again() {
    let server = Server::new();
    let mut enrollment = Enrollment::enroll(known(), site(), &request()).unwrap();
    let first = sent(enrollment.next(noon()));
    let mut now = noon();
    for wait in [5, 3600, 0] {
        enrollment.receive(&server.retry_after(Duration::from_secs(wait)), now).unwrap();
        // At least a second, so that a server that says 0 is not asked without end.
        let until = now + Duration::from_secs(wait.max(1));
        assert_eq!(enrollment.next(now), Step::Wait(until));
        assert_eq!(enrollment.next(until - Duration::from_millis(1)), Step::Wait(until));
        now = until;
        assert_eq!(sent(enrollment.next(now)), first);
    }
    let date = response(202, &[("Retry-After", "Sat, 21 Nov 2026 13:00:00 GMT")]);
    enrollment.receive(&date, noon()).unwrap();
    assert_eq!(enrollment.next(noon()), Step::Wait(noon() + Duration::from_secs(3600)));
    assert_eq!(enrollment.receive(&response(202, &[]), noon()), Err(EnrollError::Est(EstError::NoRetryAfter)));
    for status in [429, 503] {
        now += Duration::from_secs(7200);
        let busy = enrollment.receive(&response(status, &[("Retry-After", "7")]), now);
        assert!(matches!(busy, Err(EnrollError::Est(EstError::Unavailable { .. } | EstError::TooOften { .. }))));
        assert_eq!(enrollment.next(now), Step::Wait(now + Duration::from_secs(7)), "{status}");
    }
    assert_eq!(sent(enrollment.next(now + Duration::from_secs(7200))), first, "it is where it was");
    // Begun again from what was kept, on another day, it is the same for the CA.
    let kept = CertificationRequest::from_der(&request_kept(&first)).unwrap();
    let again = Enrollment::enroll(known(), site(), &kept);
    assert_eq!(sent(again.unwrap().next(noon())), first);
    enrollment.receive(&server.issued(&WORLD.issued()[0]).unwrap(), now).unwrap();
    assert!(matches!(enrollment.next(SystemTime::UNIX_EPOCH), Step::Done(_)));
}

fn request_kept(http: &HttpRequest) -> Vec<u8> {
    let Ok(SimpleOperation::Enroll(request)) = Server::new().route_simple(http) else { panic!("not routed") };
    request.der().to_vec()
}

#[test]
fn what_is_not_for_the_key_that_was_asked_for_is_refused() {
    let mut enrollment = Enrollment::enroll(known(), site(), &request()).unwrap();
    let other = Server::new().cacerts(&[WORLD.issued()[1].clone(), WORLD.ca.clone()]).unwrap();
    assert_eq!(enrollment.receive(&other, noon()), Err(EnrollError::OtherKey));
    let cmc = HttpResponse {
        headers: [("Content-Type", "application/pkcs7-mime; smime-type=CMC-response")].into_iter().collect(),
        ..other
    };
    assert!(matches!(enrollment.receive(&cmc, noon()), Err(EnrollError::Est(EstError::ContentType { .. }))));
    for (status, forbidden) in [(400, false), (403, true)] {
        let refused = Server::new().refused(forbidden, "no\x1b[2J\u{202e}\u{2028}!");
        assert_eq!(refused.status, status);
        let error = match forbidden {
            true => EstError::Forbidden { text: "no [2J  !".into() },
            false => EstError::Refused { status, text: "no [2J  !".into() },
        };
        assert_eq!(enrollment.receive(&refused, noon()), Err(EnrollError::Est(error)));
    }
    let unknown = BasicError::Absent.response("Vzor \"CA\"\r\n");
    assert_eq!(unknown.headers.get("WWW-Authenticate"), Some("Basic realm=\"Vzor CA\", charset=\"UTF-8\""));
    assert_eq!(enrollment.receive(&unknown, noon()), Err(EnrollError::Est(EstError::Unauthorized)));
    assert!(matches!(enrollment.next(noon()), Step::Send(_)));
}

#[test]
fn no_request_and_no_password_leaves_the_site() {
    let mut enrollment = Enrollment::enroll(known(), site(), &request()).unwrap();
    let first = sent(enrollment.next(noon()));
    for location in [
        "https://evil.example/.well-known/est/simpleenroll",
        "https://ca.example.evil.example/x",
        "https://ca.example:8443/x",
        "https://ca.example@evil.example/x",
        "https://ca.example:443@evil.example/",
        "https://ca.example:+443/x",
        "http://ca.example/x",
        "//evil.example/x",
        "\\\\evil.example\\x",
        "ftp://ca.example/x",
        "javascript:alert(1)",
        "x",
        "",
    ] {
        let sent_on = enrollment.receive(&response(307, &[("Location", location)]), noon());
        let elsewhere = RedirectError::OtherOrigin { location: location.into() };
        assert_eq!(sent_on, Err(EnrollError::Redirect(elsewhere)), "{location}");
        assert_eq!(sent(enrollment.next(noon())), first);
    }
    for location in ["/a b", "/a\\b", &format!("/{}", "x".repeat(1000)), "https://ca.example", "https://ca.example?x"] {
        let sent_on = enrollment.receive(&response(308, &[("Location", location)]), noon());
        assert!(matches!(sent_on, Err(EnrollError::Redirect(RedirectError::Location { .. }))), "{location}");
    }
    for status in [300, 301, 302, 303, 304, 399] {
        let sent_on = enrollment.receive(&response(status, &[("Location", "/x")]), noon());
        assert_eq!(sent_on, Err(EnrollError::Redirect(RedirectError::OtherRequest { status })));
    }
    let other = Site::parse("https://other.example").unwrap();
    assert_eq!(Enrollment::enroll(known(), other, &request()).err(), Some(EnrollError::OtherSite));
}

/// Whoever moves a server has it send each path on as it is.
#[test]
fn where_a_link_is_sent_on_to_is_told_without_the_link() {
    let headers = Headers::default();
    let link = HttpRequest { method: Method::Get, path: "/pickup/planted".into(), headers, body: Vec::new() };
    for (location, shown) in [
        ("https://new.example:8443/pickup/planted", "https://new.example:8443"),
        ("HTTPS://new.example?planted", ""),
        ("http://ca.example#planted", "http://ca.example"),
        ("https://new.example\\planted", "https://new.example"),
        ("//new.example/planted", "//new.example"),
        ("https://new.example", "https://new.example"),
        ("pickup//planted", ""),
        ("planted", ""),
        ("/planted b", ""),
        ("https://ca.example/planted b", "https://ca.example"),
    ] {
        let error = site().redirect(&link, &response(301, &[("Location", location)])).unwrap_err();
        let (RedirectError::OtherOrigin { location: told } | RedirectError::Location { location: told }) = &error
        else {
            panic!("{error}")
        };
        assert_eq!(told, shown);
        assert!(!format!("{error} {error:?}").contains("planted"), "{error}");
    }
}

#[test]
fn another_path_of_the_same_site_is_followed_a_few_times() {
    let mut enrollment = Enrollment::enroll(known(), site(), &request()).unwrap();
    let first = sent(enrollment.next(noon()));
    for (location, path) in [
        ("/est/simpleenroll?x=1#top", "/est/simpleenroll?x=1"),
        ("https://CA.example/2", "/2"),
        ("https://ca.example:443/3", "/3"),
    ] {
        enrollment.receive(&response(307, &[("Location", location)]), noon()).unwrap();
        let mut again = first.clone();
        again.path = path.into();
        assert_eq!(sent(enrollment.next(noon())), again);
    }
    let endless = enrollment.receive(&response(308, &[("Location", "/4")]), noon());
    assert_eq!(endless, Err(EnrollError::Redirect(RedirectError::Endless)));

    // RFC 9110 §15.4.8, §15.4.9: a 307 is for this once, a 308 for good.
    let later = Server::new().retry_after(Duration::from_secs(5));
    let sent_on = |enrollment: &mut Enrollment, status, location| {
        enrollment.receive(&response(status, &[("Location", location)]), noon()).unwrap();
    };
    let asked_next = |enrollment: &mut Enrollment| {
        enrollment.receive(&later, noon()).unwrap();
        sent(enrollment.next(noon() + Duration::from_secs(5))).path.clone()
    };
    let mut enrollment = Enrollment::enroll(known(), site(), &request()).unwrap();
    sent_on(&mut enrollment, 307, "/once");
    sent_on(&mut enrollment, 308, "/from-there");
    assert_eq!(asked_next(&mut enrollment), first.path);
    sent_on(&mut enrollment, 308, "/for-good");
    assert_eq!(asked_next(&mut enrollment), "/for-good");
    sent_on(&mut enrollment, 307, "/once");
    let busy = response(503, &[("Retry-After", "5")]);
    assert!(enrollment.receive(&busy, noon()).is_err());
    assert_eq!(sent(enrollment.next(noon() + Duration::from_secs(5))).path, "/for-good");

    // A GET stays a GET with the other statuses too.
    let get = Client::new().cacerts_request();
    let found = response(302, &[("Location", "/cacerts")]);
    let followed = site().redirect(&get, &found).unwrap().unwrap();
    assert_eq!((followed.method.clone(), followed.path.as_str()), (Method::Get, "/cacerts"));
    assert_eq!(site().redirect(&get, &response(200, &[("Location", "/cacerts")])), Ok(None));
}

fn names(mail: &str) -> SubjectAltName {
    SubjectAltName(vec![GeneralName::Rfc822Name(Ia5String::new(mail).unwrap())])
}

fn asked(subject: &str, key: &Key, mail: Option<&str>) -> CertificationRequest {
    let builder = RequestBuilder::new(subject.parse().unwrap(), key.public(), key.algorithm());
    let builder = mail.map_or(builder.clone(), |mail| builder.subject_alt_name(names(mail).0));
    let to_sign = builder.finalize().unwrap();
    to_sign.assemble(&key.sign(to_sign.bytes())).unwrap()
}

#[test]
fn a_certificate_is_renewed_or_gets_a_new_key_and_nothing_else_changes() {
    let [old_key, new_key] = [Key::p256(), Key::p256()];
    let mail = Some("jana@vzor.example");
    let with_mail = vec![extension(&names("jana@vzor.example"), false)];
    let old = certificate_with(HOLDER, &old_key, common::CA, &WORLD.ca_key, 5, with_mail);
    let plain = certificate(HOLDER, &old_key, common::CA, &WORLD.ca_key, 6, false);
    assert_eq!(reenrollment(&old, &asked(HOLDER, &old_key, mail)), Ok(Reenrollment::Renewal));
    assert_eq!(reenrollment(&old, &asked(HOLDER, &new_key, mail)), Ok(Reenrollment::Rekey));
    assert_eq!(reenrollment(&plain, &asked(HOLDER, &new_key, None)), Ok(Reenrollment::Rekey));
    let same = asked("CN=JANA novakova,O=Vzor,C=CZ", &new_key, Some("jana@VZOR.example"));
    assert_eq!(reenrollment(&old, &same), Ok(Reenrollment::Rekey));
    let refused = |old, subject: &str, mail| reenrollment(old, &asked(subject, &new_key, mail)).unwrap_err();
    assert_eq!(refused(&old, "CN=Jana Novakov,O=Vzor,C=CZ", mail), ReenrollError::Subject);
    assert_eq!(refused(&old, HOLDER, Some("Jana@vzor.example")), ReenrollError::Names);
    assert_eq!(refused(&old, "CN=Jana Nová,O=Vzor,C=CZ", mail), ReenrollError::Subject);
    assert_eq!(refused(&old, "CN=Jana Novakova", mail), ReenrollError::Subject);
    assert_eq!(refused(&old, HOLDER, Some("petr@vzor.example")), ReenrollError::Names);
    assert_eq!(refused(&old, HOLDER, None), ReenrollError::Names);
    assert_eq!(refused(&plain, HOLDER, mail), ReenrollError::Names);

    // The client holds itself to it, and a CA sees what came.
    let request = asked(HOLDER, &new_key, mail);
    let (enrollment, kind) = Enrollment::reenroll(Client::new(), site(), &old, &request).unwrap();
    assert_eq!(kind, Reenrollment::Rekey);
    let http = sent(enrollment.next(noon()));
    assert_eq!(http.path, "/.well-known/est/simplereenroll");
    assert_eq!(Server::new().route_simple(&http), Ok(SimpleOperation::Reenroll(request)));
    let liar = Enrollment::reenroll(Client::new(), site(), &old, &asked(HOLDER, &new_key, None));
    assert_eq!(liar.err(), Some(EnrollError::Reenroll(ReenrollError::Names)));
}

/// Written by OpenSSL, with the attribute of RFC 6402 §2.8.
#[test]
fn a_change_of_name_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let config = "oid_section=o\n[o]\nchange=1.3.6.1.5.5.7.7.36\n[req]\nprompt=no\ndistinguished_name=n\nattributes=a\n\
        [n]\nC=CZ\nO=Vzor\nCN=Jana Novakova\n[a]\nchange=Petra\n";
    std::fs::write(directory.path().join("c.cnf"), config).unwrap();
    let new = ["req", "-new", "-config", "c.cnf", "-nodes", "-newkey", "rsa:2048", "-keyout", "k", "-outform", "DER"];
    common::openssl::openssl(directory.path(), &[&new[..], &["-utf8", "-out", "r"]].concat());
    let request = CertificationRequest::from_der(&std::fs::read(directory.path().join("r")).unwrap()).unwrap();
    let old = certificate(HOLDER, &Key::p256(), common::CA, &WORLD.ca_key, 6, false);
    assert_eq!(reenrollment(&old, &request), Err(ReenrollError::ChangeSubjectName));
}

type Change<'a> = &'a dyn Fn(&mut HttpRequest);

#[test]
fn a_server_of_plain_est_routes_what_it_knows_and_nothing_else() {
    let server = Server::new();
    let good = Client::new().simpleenroll_request(&request());
    let cases: [(Change<'_>, u16); 9] = [
        (&|request| request.path = "/.well-known/est/fullcmc".into(), 404),
        (&|request| request.path = "/.well-known/est/other/simpleenroll".into(), 404),
        (&|request| request.path.push('/'), 404),
        (&|request| request.method = Method::Get, 405),
        (&|request| request.headers.set("Content-Type", "application/pkcs7-mime"), 415),
        (&|request| request.body = vec![b'A'; obnova_enroll::est::MAX_BODY + 1], 413),
        (&|request| request.body = b"<>".to_vec(), 400),
        (&|request| request.body = b"".to_vec(), 400),
        (&|request| request.body = b"MAA=".to_vec(), 400),
    ];
    for (change, status) in cases {
        let mut changed = good.clone();
        change(&mut changed);
        let error = server.route_simple(&changed).unwrap_err();
        assert_eq!(error.response().status, status, "{error}");
    }
    let mut headers = good.clone();
    headers.headers.set("content-type", "Application/PKCS10; charset=x");
    assert!(server.route_simple(&headers).is_ok());
    let attributes = Client::new().csrattrs_request();
    assert_eq!(attributes.path, "/.well-known/est/csrattrs");
    assert_eq!(server.route_simple(&attributes), Ok(SimpleOperation::CsrAttrs));
    let mut post = attributes;
    post.method = Method::Post;
    assert_eq!(server.route_simple(&post), Err(RouteError::Method { allowed: Method::Get }));
    let none = server.csrattrs(&CsrAttributes::new()).unwrap();
    assert_eq!(none.status, 204);
}

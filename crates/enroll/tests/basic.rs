//! A user id and a password in a request: over TLS, as RFC 7617 writes them, and never shown.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fmt::{Debug, Display};

use obnova_enroll::{
    Secret,
    cmc::UserId,
    est::{BasicError, Channel, Client, Credentials, CredentialsError, Headers, HttpRequest, Site, SiteError},
};
use proptest::{collection::vec, prelude::*};
use static_assertions::assert_not_impl_any;

fn credentials(user: &str, password: &[u8]) -> Result<Credentials, CredentialsError> {
    Credentials::new(UserId::new(user).unwrap(), Secret::from_bytes(password).unwrap())
}

fn site() -> Site {
    Site::parse("https://ca.example").unwrap()
}

fn written(user: &str, password: &[u8]) -> HttpRequest {
    let credentials = credentials(user, password).unwrap_or_else(|error| panic!("{error}"));
    Client::new().basic(&site(), credentials).fullcmc_request(b"x")
}

#[test]
fn the_examples_of_the_standard_are_written_and_read() {
    for (user, password, header) in
        [("Aladdin", "open sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), ("test", "123£", "Basic dGVzdDoxMjPCow==")]
    {
        let request = written(user, password.as_bytes());
        assert_eq!(request.headers.get("authorization"), Some(header));
        let read = Credentials::of(&request, Channel::Tls).unwrap_or_else(|error| panic!("{error}"));
        assert!(read.user().as_str() == user && read.password().as_bytes() == password.as_bytes());
    }
    // Nobody needs to say who he is to be told who the CA is.
    let credentials = credentials("jana", b"x").unwrap_or_else(|error| panic!("{error}"));
    let client = Client::new().basic(&site(), credentials);
    assert_eq!(client.cacerts_request().headers.get("Authorization"), None);
    assert!(client.csrattrs_request().headers.get("Authorization").is_some());
}

#[test]
fn a_password_in_the_clear_is_not_looked_at() {
    let request = written("jana", b"heslo");
    assert_eq!(Credentials::of(&request, Channel::Clear).err(), Some(BasicError::NotTls));
    assert_eq!(Credentials::of(&Client::new().cacerts_request(), Channel::Clear).err(), Some(BasicError::NotTls));
    let answer = BasicError::NotTls.response("x");
    assert_eq!((answer.status, answer.headers.get("WWW-Authenticate")), (403, None), "it is not asked for again");
}

#[test]
fn what_is_no_password_is_named() {
    let verdict = |value: &str| {
        let mut request = Client::new().fullcmc_request(b"x");
        request.headers.set("Authorization", value);
        Credentials::of(&request, Channel::Tls).err()
    };
    assert_eq!(verdict("basic  QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), None);
    assert_eq!(verdict("Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), Some(BasicError::OtherScheme));
    // Without Base64, without a colon, without a user, without a password, in no UTF-8, with control characters, too long.
    let long = format!("Basic {}", "QUFB".repeat(200));
    for value in [
        "Basic",
        "",
        "Basic <>",
        "Basic QQ",
        "Basic QUJD",
        "Basic OkE=",
        "Basic QTo=",
        "Basic /zpB",
        "Basic QToBQQ==",
        &long,
    ] {
        assert_eq!(verdict(value), Some(BasicError::Malformed), "{value}");
        assert_eq!(BasicError::Malformed.response("x").status, 401);
    }
    let nobody = Client::new().fullcmc_request(b"x");
    assert_eq!(Credentials::of(&nobody, Channel::Tls).err(), Some(BasicError::Absent));
    assert_eq!(credentials("a:b", b"x").err(), Some(CredentialsError::Colon));
    assert_eq!(credentials("a", b"x\ny").err(), Some(CredentialsError::Password));
    assert_eq!(credentials("a", b"\xff").err(), Some(CredentialsError::Password));
}

#[test]
fn no_password_is_shown() {
    assert_not_impl_any!(Credentials: Debug, Display, Default, Copy);
    let request = written("jana", b"Kouzelne-Heslo-42");
    let client = Client::new().basic(&site(), credentials("jana", b"Kouzelne-Heslo-42").unwrap_or_else(|_| panic!()));
    let shown = format!("{request:?} {:?} {client:?}", request.headers);
    assert!(shown.contains("jana") && shown.contains("Content-Type"), "{shown}");
    // Base64 of "jana:Kouzelne-Heslo-42" from each of its three offsets.
    for form in
        ["Kouzelne", "S291emVsbmUtSGVzbG8", "tvdXplbG5lLUhlc2xvLT", "LbjpWxbmUtSGVzbG8tND", "75, 111, 117", "Basic"]
    {
        assert!(!shown.contains(form), "{form} in {shown}");
    }
    let lower = Headers::from_iter([("authorization", "Basic x"), ("Accept", "y")]);
    assert_eq!(format!("{lower:?}"), r#"{"authorization": "..", "Accept": "y"}"#);
}

#[test]
fn a_site_is_a_host_and_a_port_that_tls_leads_to() {
    let site = |url: &str| Site::parse(url).map(|site| (site.host().to_owned(), site.port()));
    assert_eq!(site("https://CA.example"), Ok(("ca.example".into(), 443)));
    assert_eq!(site("HTTPS://ca.example:8443/"), Ok(("ca.example".into(), 8443)));
    assert_eq!(site("https://[::1]:8443"), Ok(("[::1]".into(), 8443)));
    assert_eq!(site("https://[2001:db8::1]"), Ok(("[2001:db8::1]".into(), 443)));
    for url in ["http://ca.example", "ca.example", "", "https:/ca.example"] {
        assert_eq!(site(url), Err(SiteError::NotHttps), "{url}");
    }
    for url in [
        "https://",
        "https://:443",
        "https://a b",
        "https://u@ca.example",
        "https://u:p@ca.example",
        "https://ca:x",
        "https://ca:0",
        "https://ca:65536",
        "https://ca:+443",
        "https://[::1",
        "https://[x]",
        "https://č.example",
    ] {
        assert_eq!(site(url), Err(SiteError::Host), "{url}");
    }
    assert_eq!(site("https://ca.example/est"), Err(SiteError::Path));
    assert_eq!(site("https://ca.example?x"), Err(SiteError::Path));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn credentials_are_read_as_they_were_written(
        user in "[^\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}:]{1,30}",
        password in "[^\\p{Cc}]{1,60}",
    ) {
        let request = written(&user, password.as_bytes());
        let read = Credentials::of(&request, Channel::Tls).unwrap_or_else(|error| panic!("{error}"));
        prop_assert!(read.user().as_str() == user && read.password().as_bytes() == password.as_bytes());
    }

    #[test]
    fn any_header_is_read_or_refused(value in "\\PC{0,80}", scheme in "(Basic |basic |)") {
        let mut request = Client::new().fullcmc_request(b"x");
        request.headers.set("Authorization", &format!("{scheme}{value}"));
        let _ = Credentials::of(&request, Channel::Tls);
    }

    #[test]
    fn a_site_is_written_as_it_was_read(host in "[a-z0-9.-]{1,20}", port in 1..=u16::MAX, text in "\\PC{0,40}") {
        let site = Site::parse(&format!("https://{host}:{port}")).unwrap();
        prop_assert_eq!(Site::parse(&site.to_string()), Ok(site));
        if let Ok(site) = Site::parse(&text) {
            prop_assert_eq!(Site::parse(&site.to_string()), Ok(site));
        }
    }

    /// Whatever a server says, the request stays what it was, but for its path, and the path is one.
    #[test]
    fn a_redirect_leads_nowhere_else(
        start in prop_oneof![Just("https://ca.example".to_owned()), Just("/".into()), Just(String::new()), "\\PC{0,20}"],
        rest in "\\PC{0,40}",
        status in 300..400_u16,
        body in vec(any::<u8>(), 1..20),
    ) {
        let request = Client::new().fullcmc_request(&body);
        let headers = Headers::from_iter([("Location", format!("{start}{rest}"))]);
        let response = obnova_enroll::est::HttpResponse { status, headers, body: Vec::new() };
        if let Ok(Some(followed)) = site().redirect(&request, &response) {
            prop_assert!(followed.path.starts_with('/') && followed.path.is_ascii() && !followed.path.contains(' '));
            let mut followed = followed;
            followed.path.clone_from(&request.path);
            prop_assert_eq!(followed, request);
            prop_assert!(status == 307 || status == 308);
        }
    }
}

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Ipv4Addr, TcpListener, TcpStream},
    thread,
    time::SystemTime,
};

use obnova_algorithm::KeyAlgorithm;
use obnova_ca::{CaKey, Issuer};
use obnova_enroll::est::{Headers, Method, RedirectError};
use rustls::{ServerConfig, ServerConnection, StreamOwned, pki_types::PrivateKeyDer};

use super::*;

/// What a server does with each connection, one after the other: the answers to the requests on it, and its end.
type Script = Vec<(Vec<Vec<u8>>, End)>;

enum End {
    /// It stays open, with nothing more on it.
    Open,
    /// TLS ends (RFC 8446 §6.1), and TCP goes on.
    Notified,
    /// TCP ends without a word.
    Cut,
}

/// A client of a server on loopback that does this, each answer after so long.
fn client(script: Script, after: Duration, patience: Patience) -> Https {
    let key = || CaKey::generate(KeyAlgorithm::P256).unwrap();
    let (from, until) = (SystemTime::now() - Duration::from_secs(3600), SystemTime::now() + Duration::from_secs(3600));
    let name = |text: &str| text.parse::<x509_cert::name::Name>().unwrap();
    let issuer = Issuer::self_signed(key(), &name("CN=Root"), from, until).unwrap();
    let (own, names) = (key(), vec![std::net::IpAddr::from(Ipv4Addr::LOCALHOST).into()]);
    let end = until - Duration::from_secs(60);
    let shown = issuer.server_certificate(&name("CN=Server"), own.public_key(), names, from, end).unwrap();
    let config = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into());
    let config = config.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    let private = PrivateKeyDer::Pkcs8(own.to_pkcs8().unwrap().to_vec().into());
    let config = Arc::new(config.with_single_cert(vec![CertificateDer::from(shown.der)], private).unwrap());

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    thread::spawn(move || serve(&listener, &config, script, after));
    let anchor = ParsedCertificate::from_der(&issuer.certificate().der).unwrap();
    Https::with_patience(&url, tls_config(&[anchor]).unwrap(), patience).unwrap()
}

/// Until the client goes away.
fn serve(listener: &TcpListener, config: &Arc<ServerConfig>, script: Script, after: Duration) -> std::io::Result<()> {
    let mut open: Vec<BufReader<StreamOwned<ServerConnection, TcpStream>>> = Vec::new();
    for (answers, end) in script {
        let tls = ServerConnection::new(config.clone()).map_err(std::io::Error::other)?;
        let mut stream = BufReader::new(StreamOwned::new(tls, listener.accept()?.0));
        for (count, answer) in answers.iter().enumerate() {
            while stream.by_ref().lines().next().transpose()?.is_some_and(|line| !line.is_empty()) {}
            thread::sleep(after);
            let stream = stream.get_mut();
            stream.conn.writer().write_all(answer)?;
            if count + 1 == answers.len() && matches!(end, End::Notified) {
                stream.conn.send_close_notify();
            }
            // All of it at once.
            stream.flush()?;
        }
        if !matches!(end, End::Cut) {
            open.push(stream);
        }
    }
    open.iter_mut().try_for_each(|stream| stream.read(&mut [0]).map(drop))
}

fn told(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn ask(https: &Https) -> Result<String, CaError> {
    let request = HttpRequest { method: Method::Get, path: "/".into(), headers: Headers::default(), body: Vec::new() };
    https.exchange(&request).map(|answer| String::from_utf8(answer.body).unwrap())
}

#[test]
fn who_says_nothing_else_is_waited_for_by_seconds() {
    let Patience { connect, whole } = Patience::default();
    assert_eq!((connect.as_secs(), whole.as_secs()), (20, 90));
    let Patience { connect, whole } = Patience::default().short();
    assert_eq!((connect.as_secs(), whole.as_secs()), (5, 15));
}

#[test]
fn one_request_follows_the_other_on_one_connection() {
    let script = vec![(vec![told("first"), told("second")], End::Open)];
    let https = client(script, Duration::ZERO, Patience::default());
    assert_eq!([ask(&https).unwrap(), ask(&https.clone()).unwrap()], ["first", "second"]);
}

#[test]
fn what_nobody_asked_for_is_no_answer_to_what_is_asked_next() {
    // With the second record of TLS inside the client, and nothing of it in a buffer of ours.
    let first = told(&"A".repeat(16_384 - told(&"A".repeat(10_000)).len() + 10_000));
    assert_eq!(first.len(), 16_384);
    let script = vec![(vec![[first, told("unasked")].concat()], End::Open), (vec![told("asked")], End::Open)];
    let https = client(script, Duration::ZERO, Patience::default());
    assert!(ask(&https).unwrap().starts_with("AAAA"));
    assert_eq!(ask(&https).unwrap(), "asked");
}

#[test]
fn a_connection_that_was_ended_is_not_used_again() {
    let script = vec![(vec![told("first")], End::Notified), (vec![told("second")], End::Open)];
    let https = client(script, Duration::ZERO, Patience::default());
    assert_eq!([ask(&https).unwrap(), ask(&https).unwrap()], ["first", "second"]);
}

#[test]
fn a_server_that_hung_up_is_connected_to_again() {
    let script = vec![(vec![told("first")], End::Cut), (vec![told("second")], End::Open)];
    let https = client(script, Duration::ZERO, Patience::default());
    assert_eq!(ask(&https).unwrap(), "first");
    // As soon as that is known.
    while https.pool.is_silent() {
        thread::yield_now();
    }
    assert_eq!(ask(&https).unwrap(), "second");
}

#[test]
fn the_usual_port_is_not_in_the_host_field() {
    let tls = client(Vec::new(), Duration::ZERO, Patience::default()).tls.unwrap();
    let host = |server| Https::new(server, tls.clone()).unwrap().host();
    for (server, field) in [
        ("https://ca.example", "ca.example"),
        ("https://ca.example:443", "ca.example"),
        ("https://CA.example:8443/", "ca.example:8443"),
        ("https://ca.example:80", "ca.example:80"),
        ("https://[::1]", "[::1]"),
    ] {
        assert_eq!(host(server), field, "{server}");
    }
}

#[test]
fn a_body_up_to_the_end_is_whole_only_where_tls_says_so() {
    for (end, whole) in [(End::Notified, true), (End::Cut, false)] {
        let script = vec![(vec![b"HTTP/1.1 200 OK\r\n\r\ntold".to_vec()], end)];
        let answer = ask(&client(script, Duration::ZERO, Patience::default()));
        match answer {
            Ok(body) => assert!(whole && body == "told"),
            Err(error) => assert!(!whole && matches!(error, CaError::Unreachable { .. }), "{error}"),
        }
    }
}

#[test]
fn who_is_sent_on_waits_no_longer_than_who_is_not() {
    let sent_on = b"HTTP/1.1 307 On\r\nLocation: /\r\nContent-Length: 0\r\n\r\n".to_vec();
    let script = || vec![(vec![sent_on.clone(); 4], End::Open)];
    let patience = |whole| Patience { whole, ..Patience::default() };
    let each = Duration::from_millis(200);
    let error = ask(&client(script(), each, patience(3 * each))).unwrap_err();
    assert!(matches!(error, CaError::Timeout { .. }), "{error}");
    // Who waits for ever is not afraid of the end of time.
    let error = ask(&client(script(), Duration::ZERO, patience(Duration::MAX))).unwrap_err();
    assert!(matches!(error, CaError::Redirect(RedirectError::Endless)), "{error}");
}

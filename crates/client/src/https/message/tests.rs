use std::io::Cursor;

use super::*;

/// What a server sends in pieces of so many bytes, and what it was sent.
struct Server {
    says: Cursor<Vec<u8>>,
    piece: usize,
    heard: Vec<u8>,
}

impl Read for Server {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = into.len().min(self.piece);
        self.says.read(&mut into[..most])
    }
}

impl Write for Server {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.heard.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn request(method: Method, body: &[u8]) -> HttpRequest {
    HttpRequest { method, path: "/a?b".into(), headers: Headers::from_iter([("A", "b c")]), body: body.to_vec() }
}

fn ask(request: &HttpRequest, says: &[u8], piece: usize) -> (Result<(HttpResponse, bool), Failure>, String) {
    let mut server = Server { says: Cursor::new(says.to_vec()), piece, heard: Vec::new() };
    let answer = exchange(&mut server, "ca.example:8443", request);
    (answer, String::from_utf8(server.heard).unwrap())
}

#[test]
fn a_request_is_written_as_http_has_it() {
    let says = b"HTTP/1.1 204 None\r\n\r\n";
    let version = env!("CARGO_PKG_VERSION");
    let agent = format!("Host: ca.example:8443\r\nUser-Agent: obnova/{version}\r\nAccept: */*\r\nA: b c\r\n");
    assert_eq!(ask(&request(Method::Get, b"left out"), says, 99).1, format!("GET /a?b HTTP/1.1\r\n{agent}\r\n"));
    let put = ask(&request(Method::Other("PUT".into()), b"told"), says, 99).1;
    assert_eq!(put, format!("PUT /a?b HTTP/1.1\r\n{agent}Content-Length: 4\r\n\r\ntold"));
}

#[test]
fn nothing_is_sent_that_is_no_request() {
    let good = || request(Method::Post, b"");
    let with = |name: &str, value: &str| {
        let mut bad = good();
        bad.headers = Headers::from_iter([(name, value)]);
        bad
    };
    let to = |path: &str| {
        let mut bad = good();
        bad.path = path.into();
        bad
    };
    for bad in [
        to(""),
        to("a"),
        to("/a b"),
        to("/a\r\nB: c"),
        to("/ů"),
        request(Method::Other("A B".into()), b""),
        request(Method::Other(String::new()), b""),
        with("A", "b\r\nC: d"),
        with("A", "\0"),
        with("A:", "b"),
        with("", "b"),
    ] {
        let (answer, heard) = ask(&bad, b"HTTP/1.1 200 OK\r\n\r\n", 99);
        assert!(matches!(answer, Err(Failure::Order(_))) && heard.is_empty(), "{heard}");
    }
}

#[test]
fn an_answer_is_the_same_in_whatever_pieces_it_comes() {
    for (says, body, stays_open) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntold", "told", true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 4, 4\r\ncontent-length: 4\r\n\r\ntold", "told", true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nconnection: Upgrade, CLOSE\r\n\r\ntold", "told", false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\ntold", "told", false),
        ("HTTP/1.1 200 OK\r\n\r\ntold", "told", false),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n1;a=b\r\nt\r\n003\r\nold\r\n0\r\n\r\n", "told", true),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ntold\r\n0\r\nA: b\r\n\r\n", "told", true),
        ("HTTP/1.1 103 Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "", true),
        ("HTTP/1.1 204 None\r\nContent-Length: 7\r\n\r\n", "", true),
        ("HTTP/1.1 101 Other\r\nUpgrade: other\r\n\r\n", "", false),
    ] {
        for piece in [1, 2, 3, 7, 1000] {
            let (answer, _) = ask(&request(Method::Get, b""), says.as_bytes(), piece);
            let (answer, open) = answer.unwrap_or_else(|failure| panic!("{says} {piece}: {failure:?}"));
            assert_eq!((answer.body.as_slice(), open), (body.as_bytes(), stays_open), "{says} {piece}");
        }
    }
    let (answer, _) = ask(&request(Method::Get, b""), b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab", 1000);
    assert!(!answer.unwrap().1, "what comes unasked belongs to no request");
}

#[test]
fn what_is_no_answer_is_told() {
    let long = format!("HTTP/1.1 200 {}", "A".repeat(Https::MAX_HEAD));
    let complete = format!("{long}\r\n\r\n");
    let chunked = |chunks: &str| format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
    let extension = chunked(&format!("1;{}", "a".repeat(Https::MAX_HEAD)));
    let trailer = chunked(&format!("0\r\nA: {}", "a".repeat(Https::MAX_HEAD)));
    for says in [
        "",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ntold",
        &chunked("5\r\ntold"),
        &chunked("4\r\ntold\r\n"),
        &chunked("4\r\ntold\r\n0\r\n"),
    ] {
        let (answer, _) = ask(&request(Method::Get, b""), says.as_bytes(), 5);
        assert!(matches!(answer, Err(Failure::Io(_))), "{says}");
    }
    for (says, limit) in [
        (long.as_str(), Https::MAX_HEAD),
        (&complete, Https::MAX_HEAD),
        (&extension, Https::MAX_HEAD),
        (&trailer, Https::MAX_HEAD),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1048577\r\n\r\n", Https::MAX_ANSWER),
        ("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n", Https::MAX_ANSWER),
        (&chunked("FFFFFFFFFFFFFFFF\r\n"), Https::MAX_ANSWER),
    ] {
        // More follows, whatever was read.
        let says = [says.as_bytes(), &[b'a'; 2 * CHUNK]].concat();
        let (answer, _) = ask(&request(Method::Get, b""), &says, 999);
        let told = answer.map(|answer| answer.0.status);
        assert!(matches!(told, Err(Failure::TooLarge(found)) if found == limit), "{told:?}");
    }
    for says in [
        "HTTQ/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\ntolds",
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ntold\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        &chunked("x\r\n"),
        &chunked("3\r\ntold\r\n"),
        &chunked("11111111111111111\r\n"),
    ] {
        let (answer, _) = ask(&request(Method::Get, b""), says.as_bytes(), 999);
        let told = answer.map(|answer| answer.0.status);
        assert!(matches!(told, Err(Failure::Protocol(_))), "{says} {told:?}");
    }
}

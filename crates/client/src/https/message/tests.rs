use std::io::Cursor;

use super::*;

/// What a server sends in pieces of so many bytes, and what it was sent.
struct Server {
    says: Cursor<Vec<u8>>,
    piece: usize,
    heard: Vec<u8>,
    /// A signal came, at every other read.
    is_interrupted: bool,
}

impl Read for Server {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.is_interrupted = !self.is_interrupted;
        if self.is_interrupted {
            return Err(ErrorKind::Interrupted.into());
        }
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
    let mut server = Server { says: Cursor::new(says.to_vec()), piece, heard: Vec::new(), is_interrupted: false };
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
    let mut choosy = request(Method::Get, b"");
    choosy.headers.set("accept", "text/plain");
    let (_, heard) = ask(&choosy, says, 99);
    assert!(
        !heard.contains("Accept") && heard.contains("accept: text/plain\r\n"),
        "what is wanted is said once: {heard}"
    );
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
        to("/a#b"),
        request(Method::Other("A B".into()), b""),
        request(Method::Other(String::new()), b""),
        request(Method::Other("CONNECT".into()), b""),
        with("content-length", "7"),
        with("Transfer-Encoding", "chunked"),
        with("host", "other.example"),
        with("Connection", "Upgrade"),
        with("Expect", "100-continue"),
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
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: \tchunked \r\n\r\n4 \t;a=\"b;c\"\r\ntold\r\n00 \r\n\r\n", "told", true),
        ("HTTP/1.1 200 OK\nContent-Length: 4\n\ntold", "told", true),
        ("HTTP/1.1 204 None\r\nContent-Length: 0\r\n\r\n", "", true),
        ("HTTP/1.1 204 None\r\nContent-Length: 7\r\n\r\n", "", false),
        ("HTTP/1.1 204 None\r\nTransfer-Encoding: chunked\r\n\r\n", "", false),
        ("HTTP/1.1 304 Same\r\nContent-Length: 7\r\n\r\n", "", false),
        ("HTTP/1.1 304 Same\r\n\r\n", "", true),
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

/// RFC 9112 §6.3: its head may say how long the body would be.
#[test]
fn an_answer_to_head_has_no_body() {
    let head = request(Method::Other("HEAD".into()), b"");
    for (says, stays_open) in [
        ("HTTP/1.1 200 OK\r\n\r\n", true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n", false),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false),
    ] {
        let (answer, _) = ask(&head, says.as_bytes(), 999);
        let (answer, open) = answer.unwrap_or_else(|failure| panic!("{says}: {failure:?}"));
        assert_eq!((answer.status, answer.body.as_slice(), open), (200, &b""[..], stays_open), "{says}");
    }
}

#[test]
fn what_is_no_answer_is_told() {
    let long = format!("HTTP/1.1 200 {}", "A".repeat(Https::MAX_HEAD));
    let complete = format!("{long}\r\n\r\n");
    let chunked = |chunks: &str| format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
    let extension = chunked(&format!("1;{}", "a".repeat(Https::MAX_HEAD)));
    let trailer = chunked(&format!("0\r\nA: {}", "a".repeat(Https::MAX_HEAD)));
    let trailers = chunked(&format!("0\r\n{}\r\n", format!("A: {}\r\n", "a".repeat(1000)).repeat(17)));
    let complete_extension = format!("{extension}\r\n");
    for says in [
        "",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ntold",
        &chunked("5\r\ntold"),
        &chunked("4\r\ntold\r"),
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
        (&complete_extension, Https::MAX_HEAD),
        (&trailer, Https::MAX_HEAD),
        (&trailers, Https::MAX_HEAD),
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
        "HTTP/1.1 200 OK\r\nContent-Length: +4\r\n\r\ntold",
        "HTTP/1.1 200 OK\r\nContent-Length: 4\u{a0}\r\n\r\ntold",
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\ntold",
        "HTTP/1.1 200 OK\r\nContent-Length: 4,\r\n\r\ntold",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n\r\ntold",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\u{a0}\r\n\r\n4\r\ntold\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ntold\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ntold\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 4\r\n\r\ntold",
        "HTTP/1.1 200 OK\r\nContent-Length : 4\r\n\r\ntold",
        "HTTP/1.1 200 OK\r\nA: b\rContent-Length: 4\r\n\r\ntold",
        &chunked("x\r\n"),
        &chunked("3\r\ntold\r\n"),
        &chunked("11111111111111111\r\n"),
        // What is no number is not the end.
        &chunked("4\r\ntold\r\n\r\n\r\n"),
        &chunked("4\r\ntold\r\n;a\r\n\r\n"),
        &chunked("4\r\ntold\r\n \r\n\r\n"),
        &chunked("+4\r\ntold\r\n0\r\n\r\n"),
        &chunked("0x4\r\ntold\r\n0\r\n\r\n"),
        &chunked(" 4\r\ntold\r\n0\r\n\r\n"),
        &chunked("4\u{c}\r\ntold\r\n0\r\n\r\n"),
        &chunked("4\ntold\r\n0\r\n\r\n"),
        &chunked("4;a\n4\r\ntold\r\n0\r\n\r\n"),
        &chunked("4;a\r4\r\ntold\r\n0\r\n\r\n"),
        &chunked("4\r\ntold\n0\r\n\r\n"),
        // A trailer is a field.
        &chunked("4\r\ntold\r\n0\r\nHTTP/1.1 200 OK\r\n\r\n"),
        &chunked(&format!("0\r\n{}\r\n", "A: b\r\n".repeat(MAX_FIELDS + 1))),
    ] {
        let (answer, _) = ask(&request(Method::Get, b""), says.as_bytes(), 999);
        let told = answer.map(|answer| answer.0.status);
        assert!(matches!(told, Err(Failure::Protocol(_))), "{says} {told:?}");
    }
}

#[test]
fn what_is_as_long_as_may_be_is_read_and_a_byte_more_is_not() {
    let read = |says: &str, piece| ask(&request(Method::Get, b""), says.as_bytes(), piece).0;
    let head = |length: usize| {
        let start = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: ";
        format!("{start}{}\r\n\r\n", "a".repeat(length - start.len() - 4))
    };
    let chunked = |rest: String| format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{rest}");
    let line = |length: usize| chunked(format!("0;{}\r\n\r\n", "a".repeat(length - 3)));
    let trailers = |length: usize| chunked(format!("0\r\nA:{}\r\n\r\n", "a".repeat(length - 6)));
    let shapes: [&dyn Fn(usize) -> String; 3] = [&head, &line, &trailers];
    for long in shapes {
        for piece in [997, Https::MAX_HEAD, 2 * CHUNK] {
            let (answer, open) = read(&long(Https::MAX_HEAD), piece).unwrap();
            assert!(answer.body.is_empty() && open);
            let more = read(&long(Https::MAX_HEAD + 1), piece);
            assert!(matches!(more, Err(Failure::TooLarge(Https::MAX_HEAD))), "{piece}");
        }
    }
    let body = |length| "a".repeat(length);
    let length = |length| format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{}", body(length));
    let until_closed = |length| format!("HTTP/1.1 200 OK\r\n\r\n{}", body(length));
    let chunks = |length: usize| chunked(format!("1\r\na\r\n{:x}\r\n{}\r\n0\r\n\r\n", length - 1, body(length - 1)));
    let shapes: [&dyn Fn(usize) -> String; 3] = [&length, &until_closed, &chunks];
    for long in shapes {
        let (answer, _) = read(&long(Https::MAX_ANSWER), 9999).unwrap();
        assert_eq!(answer.body.len(), Https::MAX_ANSWER);
        let more = read(&long(Https::MAX_ANSWER + 1), 9999);
        assert!(matches!(more, Err(Failure::TooLarge(Https::MAX_ANSWER))));
    }
    let promised = read(&chunked(format!("1\r\na\r\n{:x}\r\n", Https::MAX_ANSWER)), 99);
    assert!(matches!(promised, Err(Failure::TooLarge(Https::MAX_ANSWER))), "nobody waits for it");
    let fields = |count| format!("HTTP/1.1 204 None\r\n{}\r\n", "A: b\r\n".repeat(count));
    assert_eq!(read(&fields(MAX_FIELDS), 99).unwrap().0.headers.iter().count(), MAX_FIELDS);
    assert!(matches!(read(&fields(MAX_FIELDS + 1), 99), Err(Failure::Protocol(_))));
}

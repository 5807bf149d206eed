//! Any bytes as an OCSP request, an OCSP response and a CRL: refused, or within the limits and written again the same. A request gets
//! an answer or an error, and each answer has as many certificates as were asked about; a client believes nothing that the CA did not
//! sign, which here is only what the seeds say.
#![no_main]

use std::{
    sync::LazyLock,
    time::{Duration, SystemTime},
};

use libfuzzer_sys::fuzz_target;
use obnova_status::{
    Authority, Rules, Status,
    crl::Crl,
    limits::{MAX_ASKED, MAX_REQUEST, MAX_RESPONSE},
    ocsp::{Answer, CertStatus, Nonce, Question, Request, Responder, http},
};
use x509_cert::der::{Any, Decode, Encode};

const CA: &[u8] = include_bytes!("../../crates/status/tests/data/ca.der");
const HOLDER: &[u8] = include_bytes!("../../crates/status/tests/data/holder.der");
const RESPONDER: &[u8] = include_bytes!("../../crates/status/tests/data/responder.der");

static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| Authority::from_der(CA).expect("a CA"));
static QUESTION: LazyLock<Question> = LazyLock::new(|| {
    Question::about(HOLDER, &AUTHORITY).expect("a certificate of the CA").nonce(Nonce::from_random([7; 32]))
});
static ANSWERS: LazyLock<Responder> =
    LazyLock::new(|| Responder::delegated(AUTHORITY.clone(), RESPONDER).expect("a responder of the CA"));

fuzz_target!(|bytes: &[u8]| {
    request(bytes);
    response(bytes);
    list(bytes);
    if let Ok(path) = std::str::from_utf8(bytes)
        && let Some(in_path) = http::request_in_path(path)
    {
        request(&in_path);
    }
});

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000)
}

fn request(bytes: &[u8]) {
    let mut asked = 0;
    let status = |_: &_| {
        asked += 1;
        Ok(CertStatus::NeverIssued)
    };
    let answer = ANSWERS.answer(bytes, now(), status).expect("these dates can be written");
    let Ok(request) = Request::parse(bytes) else {
        assert!(matches!(answer, Answer::Error(_)));
        return;
    };
    assert!(bytes.len() <= MAX_REQUEST && (1..=MAX_ASKED).contains(&request.certificates.len()));
    assert!(request.nonce.as_ref().is_none_or(|nonce| (1..=Nonce::MAX_SIZE).contains(&nonce.as_bytes().len())));
    let ours = request.certificates.iter().filter(|id| id.is_of(&AUTHORITY)).count();
    assert_eq!(asked, ours);
    assert_eq!(matches!(answer, Answer::ToSign(_)), ours > 0);
    if let Some(path) = http::get_path(bytes) {
        assert_eq!(http::request_in_path(&path).as_deref(), Some(bytes));
    }
    let again = request.to_der().expect("what was read can be written");
    assert_eq!(Request::parse(&again), Ok(Request { signed: false, ..request }));
}

fn response(bytes: &[u8]) {
    if let Ok(verdict) = QUESTION.check(bytes, now(), &Rules::default()) {
        assert!(bytes.len() <= MAX_RESPONSE && verdict.status.is_good());
        assert!(SIGNED.contains(&signed(bytes).expect("a response")), "nobody signed this");
    }
}

/// What the responder and the CA signed for this question.
static SIGNED: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
    let seeds: [&[u8]; 2] = [
        include_bytes!("../seeds/status/response-delegated.der"),
        include_bytes!("../seeds/status/response-direct.der"),
    ];
    seeds.map(|seed| signed(seed).expect("a response"))
});

/// The lists that the CA signed.
static LISTS: [&[u8]; 2] =
    [include_bytes!("../seeds/status/list.der"), include_bytes!("../seeds/status/list-empty.der")];

/// Content, algorithm and signature of a response: BasicOCSPResponse, in an OCTET STRING, in ResponseBytes, in `[0]`, in OCSPResponse.
fn signed(response: &[u8]) -> x509_cert::der::Result<Vec<u8>> {
    let response = Vec::<Any>::from_der(response)?;
    let bytes = Vec::<Any>::from_der(response[1].value())?;
    let basic = Vec::<Any>::from_der(bytes[1].value())?;
    basic[..3].to_vec().to_der()
}

fn list(bytes: &[u8]) {
    let Ok(list) = Crl::parse(bytes) else { return };
    let Ok(list) = list.verify(&AUTHORITY, now(), &Rules::default()) else { return };
    assert!(LISTS.contains(&bytes), "nobody signed this");
    for entry in list.entries() {
        let entry = entry.expect("every entry was read");
        assert!(list.find(&entry.serial).expect("every entry was read").is_some());
    }
    assert_eq!(list.status(HOLDER), Ok(Status::Good));
}

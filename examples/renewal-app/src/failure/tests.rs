use std::{collections::BTreeSet, fs, path::Path};

use obnova_algorithm::KeyAlgorithm;
use obnova_apdu::{StatusWord, exchange::ExchangeError};
use obnova_card::{KeyRole, PasswordKind, SlotId, TokenError, Tries};
use obnova_client::{
    CaError, JournalError, PromptError, RevocationError, RunError, SetPasswordError,
    enroll::{
        cmc::ResponseError,
        est::{EstError, RedirectError},
    },
};
use obnova_profile::{DirectoryError, StatusError, TemplateError};
use obnova_transport::TransportError;

use super::{Errand, Failure, Kind};

/// An enumeration of a library, where it is, and the file here that has a sentence for each of its variants. The compiler
/// does not ask for it: they may grow.
const ENUMERATIONS: &[(&str, &str, &str, &str)] = &[
    ("TransportError", "TransportError", "transport/src/error.rs", "failure/token.rs"),
    ("TokenError", "TokenError", "card/src/error.rs", "failure/token.rs"),
    ("CaError", "CaError", "client/src/ca.rs", "failure/ca.rs"),
    ("RunError", "RunError", "client/src/error.rs", "failure/run.rs"),
    ("PromptError", "PromptError", "client/src/prompt.rs", "failure/run.rs"),
    ("LoginError", "LoginError", "client/src/login.rs", "failure/run.rs"),
    ("RevocationError", "RevocationError", "client/src/revocation/error.rs", "commands/revoke.rs"),
    ("JournalError", "JournalError", "client/src/journal.rs", "failure/run.rs"),
    ("ProcessError", "ProcessError", "renewal/src/process/error.rs", "failure/run.rs"),
    ("Failure", "Ended", "renewal/src/record.rs", "failure/run.rs"),
    ("Refusal", "Refusal", "renewal/src/refusal.rs", "phrases.rs"),
    ("Reason", "Reason", "renewal/src/reason.rs", "phrases.rs"),
];

#[test]
fn every_way_to_fail_has_a_sentence_of_its_own() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (name, called, library, file) in ENUMERATIONS {
        let library = fs::read_to_string(here.join("../../crates").join(library)).unwrap();
        let source = fs::read_to_string(here.join("src").join(file)).unwrap();
        let variants = variants(&library, name);
        assert!(variants.len() > 2, "{name}: {variants:?}");
        let words: BTreeSet<_> = source.split(|c: char| !c.is_alphanumeric() && c != ':' && c != '_').collect();
        let missing: Vec<_> =
            variants.iter().filter(|variant| !words.contains(format!("{called}::{variant}").as_str())).collect();
        assert!(missing.is_empty(), "{file} has no sentence for {name}::{missing:?}");
    }
}

/// Names of the variants of an enumeration, as formatted source has them: four spaces in.
fn variants(source: &str, name: &str) -> Vec<String> {
    let head = format!("pub enum {name} {{\n");
    let body = &source[source.find(&head).unwrap() + head.len()..];
    let body = &body[..body.find("\n}").unwrap()];
    let lines = body.lines().filter_map(|line| line.strip_prefix("    "));
    let lines = lines.filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()));
    lines.map(|line| line.split([' ', '(', ',', '{']).next().unwrap().to_owned()).collect()
}

#[test]
fn what_a_card_lies_is_told_in_words_that_say_what_to_do() {
    let (command, password) = ("VERIFY", PasswordKind::SignaturePin);
    let problem = || TemplateError::Unexpected;
    let errors = vec![
        TokenError::UnknownCard { place: "a reader".into() },
        TokenError::WrongSecret { password, tries: Tries::Known(2) },
        TokenError::TooFewTries { password, tries: Tries::Last },
        TokenError::Blocked { password },
        TokenError::NotActive,
        TokenError::Finished { password: PasswordKind::TransportPin },
        TokenError::TransportPinAgain { password },
        TokenError::SecretForm { password, minimum: 4, maximum: 8 },
        TokenError::Slot { slot: SlotId(3), problem: "there is no key in it: take a slot with a key" },
        TokenError::Unsupported { what: "make P-384 keys".into() },
        TokenError::Full,
        TokenError::Refused { command, status: StatusWord::from([0x6F, 0x00]) },
        TokenError::Exchange { command, problem: ExchangeError::NoProgress },
        TokenError::Status(StatusError::Missing { what: "a PIN" }),
        TokenError::Directory(DirectoryError::Length { found: 1, expected: 2 }),
        TokenError::EnteredTwice { slot: SlotId(3) },
        TokenError::EnteredBeyond { slot: SlotId(3) },
        TokenError::MoreThanSaid { said: 3 },
        TokenError::PublicKey { command, problem: problem() },
        TokenError::OtherKind { command, wanted: KeyAlgorithm::P256, found: KeyAlgorithm::Rsa2048 },
        TokenError::KeyNotNew { command },
        TokenError::WrongSignature { command },
        TokenError::TriesWentUp { password, before: 2, after: 3 },
        TokenError::NotGranted { command, password },
        TokenError::NotActivated { password },
        TokenError::OtherCard { wanted: "OBN1".into(), found: "OBN2".into() },
        TokenError::Malformed { command, problem: "it is too short".into() },
        TokenError::TooManyObjects { most: 9 },
        TokenError::TooLongObject { length: 10, most: 9 },
        TokenError::InUse { label: "holder".into(), holder: Some(7) },
        TokenError::InUse { label: "holder".into(), holder: None },
        TokenError::Lock { path: "/tmp/obnova-token-1".into(), problem: "it is no file".into() },
        TokenError::Module { call: "C_Sign", problem: "it is gone: insert it".into() },
        TokenError::Transport(TransportError::CardMute),
    ];
    for error in errors {
        let told = format!("{error:?}");
        let failure = Failure::from(RunError::from(error));
        assert_ne!(failure.kind(), Kind::Internal, "{told}: it is the card's doing and not the program's");
        assert_is_a_sentence(&failure, &told);
    }
}

#[test]
fn who_has_no_room_left_is_told_to_make_some() {
    let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
    let path = "renewal-1.journal".into();
    for failure in [Failure::from(full()), JournalError::Io { path, error: full() }.into()] {
        assert_eq!(failure.kind(), Kind::Internal);
        assert!(failure.message().contains("make some"), "{}", failure.message());
        assert_is_a_sentence(&failure, "a full disk");
    }
}

#[test]
fn what_a_ca_lies_is_told_in_words_that_say_what_to_do() {
    let server = || "https://ca.example".to_owned();
    let errors = vec![
        CaError::Unreachable { server: server(), problem: "refused".into() },
        CaError::Timeout { server: server() },
        CaError::Tls { server: server(), problem: "unknown issuer".into() },
        CaError::Status { status: 500, text: String::new() },
        CaError::Status { status: 500, text: "not today".into() },
        CaError::TooLarge { limit: 1024 },
        CaError::Answer(ResponseError::WrongNonce),
        CaError::Answer(ResponseError::Unsigned),
        CaError::Server(EstError::Redirect { location: "http://evil.example".into() }),
        CaError::Server(EstError::Unavailable { retry_after: None }),
        CaError::Server(EstError::TooOften { retry_after: None, text: "password-locked: ask".into() }),
        CaError::Server(EstError::Unauthorized),
        CaError::Server(EstError::Forbidden { text: String::new() }),
        CaError::Server(EstError::Forbidden { text: "other-user: it is another's".into() }),
        CaError::Server(EstError::Base64),
        CaError::Redirect(RedirectError::Endless),
        CaError::Redirect(RedirectError::OtherOrigin { location: "http://evil.example".into() }),
        CaError::OtherIssuer,
        CaError::Unvouched,
        CaError::Protocol("it is none".into()),
    ];
    for error in errors {
        let told = format!("{error:?}");
        let failure = Failure::from(RunError::from(error));
        assert_eq!(failure.kind(), Kind::Network, "{told}");
        assert_is_a_sentence(&failure, &told);
    }
    let failure = Failure::from(RunError::from(CaError::WrongPassword));
    assert_eq!(failure.kind(), Kind::Refused);
    for role in [KeyRole::Authentication, KeyRole::Signature] {
        assert_is_a_sentence(&obnova_renewal::Failure::KeyGone { role }.into(), "key gone");
    }
}

/// Whatever was asked of the issuer: what is told is of that, and so is what to do next.
#[test]
fn what_stops_an_errand_is_told_of_that_errand() {
    type Make = fn() -> RunError;
    let away: [Make; 5] = [
        || CaError::Timeout { server: "https://ca.example".into() }.into(),
        || CaError::Status { status: 500, text: String::new() }.into(),
        || CaError::Server(EstError::Unavailable { retry_after: None }).into(),
        || CaError::Server(EstError::TooOften { retry_after: None, text: String::new() }).into(),
        || CaError::Server(EstError::Forbidden { text: "other-user: it is another's".into() }).into(),
    ];
    let others: [Make; 4] = [
        || CaError::WrongPassword.into(),
        || CaError::WhoAsks.into(),
        || RunError::NoCard,
        || RunError::Prompt(PromptError::Cancelled),
    ];
    let resumes = |errand| match errand {
        Errand::Renewal => Some("obnova renew --resume"),
        Errand::First => Some("obnova first --resume"),
        Errand::Revocation | Errand::RevocationPassword | Errand::Other => None,
    };
    for errand in [Errand::Renewal, Errand::First, Errand::Revocation, Errand::RevocationPassword, Errand::Other] {
        let mut told: Vec<_> = away.iter().map(|error| Failure::of_run(error(), errand)).collect();
        for failure in &told {
            let is_kept = failure.message().ends_with("What was begun is kept.");
            assert_eq!(is_kept, resumes(errand).is_some(), "{errand:?}: {}", failure.message());
        }
        let removed = Failure::of_run(TokenError::Transport(TransportError::CardRemoved).into(), errand);
        assert_eq!(removed.message().contains("is kept"), resumes(errand).is_some(), "{}", removed.message());
        told.push(removed);
        told.extend(others.iter().map(|error| Failure::of_run(error(), errand)));
        match errand {
            Errand::Revocation => told.extend(away.iter().filter_map(|error| match error() {
                RunError::Ca(error) => Some(RevocationError::Ca(error).into()),
                _ => None,
            })),
            Errand::RevocationPassword => told.extend(away.iter().filter_map(|error| match error() {
                RunError::Ca(error) => Some(SetPasswordError::Ca(error).into()),
                _ => None,
            })),
            _ => {}
        }
        for failure in &told {
            let text = failure.message();
            assert_is_a_sentence(failure, &format!("{errand:?}"));
            let named = text.match_indices("--resume").count();
            let own = resumes(errand).map_or(0, |command| text.match_indices(command).count());
            assert_eq!(named, own, "{errand:?}: {text}");
            let of_first = text.contains("user id") && !text.contains("only first orders");
            assert!(!of_first || errand == Errand::First, "{errand:?}: {text}");
            let of_revocation = text.contains("revocation password");
            let is_of_it = matches!(errand, Errand::Revocation | Errand::RevocationPassword);
            assert!(!of_revocation || is_of_it, "{errand:?}: {text}");
        }
        let often = Failure::of_run(away[3](), errand).message().to_owned();
        let by_passwords = matches!(errand, Errand::First | Errand::Revocation | Errand::RevocationPassword);
        assert_eq!(often.contains("after wrong"), by_passwords, "{errand:?}: {often}");
    }
    for error in [CaError::OtherIssuer, CaError::Timeout { server: "https://ca.example".into() }] {
        let failure = Failure::from(SetPasswordError::Ca(error));
        assert!(failure.message().contains("is not known to be set: run the same command again"), "{failure:?}");
    }
    let refused = |rule: &str| SetPasswordError::Refused { rule: rule.into(), text: "no".into() };
    let advised = [refused("wrong-revocation-password"), refused("short-password")]
        .map(|refused| Failure::from(refused).message().contains("give the new one as the one that is set now"));
    assert_eq!(advised, [true, false]);
}

/// It comes from the files, its variables are filled in, nothing in it is meant for programmers, and it says what to do.
#[track_caller]
fn assert_is_a_sentence(failure: &Failure, told: &str) {
    let text = failure.message();
    assert!(text.starts_with(|first: char| first.is_uppercase()) && text.ends_with('.'), "{told}: {text}");
    for odd in ["{", "}", "error-", "::", "Some(", "Error", "None"] {
        assert!(!text.contains(odd), "{told}: {text}");
    }
    assert_eq!(crate::advice::lacks(text), None, "{told}: {text}");
}

#[test]
fn why_a_ca_refuses_is_told_in_words_and_a_house_has_its_own() {
    use obnova_client::enroll::cmc::FailInfo;
    let reasons = (0..14).map(FailInfo::from).chain([FailInfo::Unspecified]);
    let told: BTreeSet<_> = reasons.map(|reason| crate::phrases::fail_info(&reason.name())).collect();
    assert_eq!(told.len(), 15);
    assert!(told.iter().all(|sentence| sentence.contains(' ')), "{told:?}");
    assert_eq!(crate::phrases::fail_info("counter-closed"), "counter-closed");
}

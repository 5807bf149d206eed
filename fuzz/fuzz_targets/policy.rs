//! Any text as the policy file of a CA, and files made of fields that are in their bounds or not.
//!
//! Refused with the name of what is wrong, or within the bounds that its comments name and written again as the same; and the
//! CA that goes by it issues nothing outside it.
#![no_main]

use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use obnova_algorithm::KeyAlgorithm;
use obnova_ca::{
    Approval, CaError, Order, Outcome, Policy, PolicyError, Profile, ProfilePolicy, ReceivedCertificate, Refusal,
    Transaction,
};
use obnova_pkcs10::CertificationRequest;
use x509_cert::{
    Certificate,
    der::Encode,
    ext::pkix::{BasicConstraints, CertificatePolicies, ExtendedKeyUsage, KeyUsage, SubjectAltName},
};

#[path = "../common/mod.rs"]
mod common;

use common::{DAY, ca::House, message::Request, now};

fuzz_target!(|bytes: &[u8]| {
    match bytes.split_first() {
        Some((b'S', input)) => {
            if let Ok(file) = File::arbitrary(&mut Unstructured::new(input)) {
                file.read();
            }
        }
        _ => drop(std::str::from_utf8(bytes).ok().and_then(read)),
    }
});

fn read(text: &str) -> Option<Policy> {
    match Policy::from_toml(text) {
        Ok(policy) => {
            bounded(&policy);
            assert_eq!(Policy::from_toml(&written(&policy)).as_ref(), Ok(&policy));
            keeps_to(&policy);
            Some(policy)
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            match error {
                PolicyError::TooLong { size } => assert!(size == text.len() && size > Policy::MAX_SIZE),
                PolicyError::Field { field, .. } => assert!(!field.is_empty()),
                PolicyError::Syntax(_) => {}
            }
            None
        }
    }
}

fn bounded(policy: &Policy) {
    let days = |span: Duration| span.as_secs() / DAY.as_secs();
    assert!(
        policy.renewal_window.as_secs().is_multiple_of(DAY.as_secs())
            && (1..=3660).contains(&days(policy.renewal_window))
    );
    assert!((1..=7 * 86_400).contains(&policy.retry_after.as_secs()) && policy.backdate <= DAY);
    for profile in Profile::ALL.map(|profile| policy.profile(profile)) {
        assert!((1..=3660).contains(&days(profile.validity)));
        assert!((1..=5).contains(&profile.keys.len()) && profile.certificate_policies.len() <= 16);
        for url in profile
            .ca_issuers
            .iter()
            .chain(&profile.ocsp)
            .chain(&profile.crl)
            .chain(profile.qualified.iter().flat_map(|one| &one.disclosure).map(|(url, _)| url))
        {
            assert!(url.starts_with("http") && url.len() <= 1024 && url.bytes().all(|byte| byte.is_ascii_graphic()));
        }
        if let Some(qualified) = &profile.qualified {
            assert!(qualified.compliance || !(qualified.sscd || qualified.esign || qualified.disclosure.is_some()));
        }
    }
}

/// The policy as a file, by a second writer.
fn written(policy: &Policy) -> String {
    let approval = match policy.approval {
        Approval::Manual => "manual",
        Approval::Automatic => "automatic",
    };
    let (window, retry, backdate) =
        (policy.renewal_window.as_secs() / 86_400, policy.retry_after.as_secs(), policy.backdate.as_secs());
    format!(
        "version = 1\n[renewal]\napproval = '{approval}'\nwindow_days = {window}\nsame_key = {}\n\
         retry_after_seconds = {retry}\nbackdate_seconds = {backdate}\n{}{}",
        policy.same_key,
        written_profile("authentication", &policy.authentication),
        written_profile("signature", &policy.signature),
    )
}

fn written_profile(name: &str, profile: &ProfilePolicy) -> String {
    let keys: Vec<_> = profile.keys.iter().map(|key| format!("'{}'", key_name(*key))).collect();
    let policies: Vec<_> = profile.certificate_policies.iter().map(|oid| format!("'{oid}'")).collect();
    let mut text = format!(
        "[{name}]\nvalidity_days = {}\nkeys = [{}]\ncertificate_policies = [{}]\n",
        profile.validity.as_secs() / 86_400,
        keys.join(","),
        policies.join(","),
    );
    for (field, url) in [("ca_issuers", &profile.ca_issuers), ("ocsp", &profile.ocsp), ("crl", &profile.crl)] {
        text += &url.as_ref().map_or_else(String::new, |url| format!("{field} = {}\n", quoted(url)));
    }
    if let Some(qualified) = &profile.qualified {
        text += &format!(
            "[{name}.qualified]\ncompliance = {}\nsscd = {}\nesign = {}\n",
            qualified.compliance, qualified.sscd, qualified.esign
        );
        if let Some((url, language)) = &qualified.disclosure {
            text += &format!("disclosure = {{ url = {}, language = {} }}\n", quoted(url), quoted(language));
        }
    }
    text
}

fn key_name(key: KeyAlgorithm) -> &'static str {
    match key {
        KeyAlgorithm::Rsa2048 => "rsa-2048",
        KeyAlgorithm::Rsa3072 => "rsa-3072",
        KeyAlgorithm::Rsa4096 => "rsa-4096",
        KeyAlgorithm::P256 => "p-256",
        KeyAlgorithm::P384 => "p-384",
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// An order of a holder whose pair ends in 20 days, with keys on P-256.
fn keeps_to(policy: &Policy) {
    if !Profile::ALL.into_iter().all(|profile| policy.profile(profile).keys.contains(&KeyAlgorithm::P256)) {
        return;
    }
    let house = House::new(policy.clone());
    let order = Order {
        transaction: Transaction::new(b"fuzz").expect("it is a name"),
        message: vec![1],
        requests: [Request::authentication(), Request::signature()]
            .map(|request| CertificationRequest::from_der(&request.der()).expect("it is a request"))
            .to_vec(),
        signers: house.old.iter().map(|old| ReceivedCertificate::from_der(&old.der).expect("it was issued")).collect(),
    };
    let takes = |profile| policy.profile(profile).keys.contains(&KeyAlgorithm::P256);
    let wanted = if policy.renewal_window < 20 * DAY {
        Some("too-early")
    } else if !Profile::ALL.into_iter().all(takes) {
        Some("key-kind")
    } else {
        None
    };
    let issued = match (house.ca.place(&order, None, now()), wanted) {
        (Err(CaError::Refused(Refusal::TooEarly { .. })), Some("too-early")) => return,
        (Err(CaError::Refused(Refusal::KeyKind { profile, .. })), Some("key-kind")) => return assert!(!takes(profile)),
        (Ok(Outcome::Pending { retry_after, .. }), None) => {
            assert_eq!((policy.approval, retry_after), (Approval::Manual, policy.retry_after));
            assert!(house.issued().is_empty());
            house.ca.approve(&order.transaction, now()).expect("it waits").certificates.len()
        }
        (Ok(Outcome::Issued(certificates)), None) => {
            assert_eq!(policy.approval, Approval::Automatic);
            certificates.len()
        }
        (outcome, wanted) => panic!("{outcome:?} instead of {wanted:?}"),
    };
    assert_eq!((issued, house.issued().len()), (2, 2));
    for record in house.issued() {
        let certificate = obnova_ca::IssuedCertificate::from_der(&record.der).expect("it is one").certificate;
        certified(&certificate, record.profile, policy.profile(record.profile), policy.backdate);
    }
}

fn certified(certificate: &Certificate, profile: Profile, policy: &ProfilePolicy, backdate: Duration) {
    let tbs = certificate.tbs_certificate();
    let (from, until) = (tbs.validity().not_before.to_system_time(), tbs.validity().not_after.to_system_time());
    assert_eq!(from, now() - backdate);
    assert_eq!(until, from + policy.validity - Duration::from_secs(1));
    let (_, usage) = tbs.get_extension::<KeyUsage>().expect("it can be read").expect("it is there");
    assert_eq!(usage, profile.key_usage());
    let (_, constraints) = tbs.get_extension::<BasicConstraints>().expect("it can be read").expect("it is there");
    assert!(!constraints.ca);
    let purposes = tbs.get_extension::<ExtendedKeyUsage>().expect("it can be read");
    assert_eq!(purposes.is_some(), profile == Profile::Authentication);
    let policies = tbs.get_extension::<CertificatePolicies>().expect("it can be read");
    let policies: Vec<_> = policies.into_iter().flat_map(|(_, list)| list.0).map(|one| one.policy_identifier).collect();
    assert_eq!(policies, policy.certificate_policies);
    let (_, names) = tbs.get_extension::<SubjectAltName>().expect("it can be read").expect("it is there");
    assert_eq!(names.0.len(), 1);
    let der = certificate.to_der().expect("it was read");
    let says = |text: &str| der.windows(text.len()).any(|window| window == text.as_bytes());
    for url in [&policy.ca_issuers, &policy.ocsp, &policy.crl] {
        assert!(url.as_deref().is_none_or(says));
    }
    let statements = tbs.extensions().into_iter().flatten().find(|one| one.extn_id.to_string() == "1.3.6.1.5.5.7.1.3");
    let claims = policy.qualified.as_ref().is_some_and(|qualified| qualified.compliance);
    assert_eq!(statements.is_some(), claims);
    if let Some((url, language)) = policy.qualified.as_ref().and_then(|qualified| qualified.disclosure.as_ref()) {
        assert!(says(url) && says(language));
    }
}

/// A file whose fields are in their bounds, unless an input wants something else.
#[derive(Debug, Arbitrary)]
struct File {
    approval: Option<bool>,
    window_days: Number,
    same_key: bool,
    retry_after_seconds: Number,
    backdate_seconds: Option<Number>,
    profiles: [Section; 2],
    version: Option<u8>,
    /// A line that does not belong there.
    stray: Option<(u8, String)>,
}

#[derive(Debug, Arbitrary)]
struct Section {
    validity_days: Number,
    keys: Vec<Key>,
    policies: Vec<Identifier>,
    ca_issuers: Option<Url>,
    qualified: Option<(bool, bool, bool, Option<(Url, Language)>)>,
}

#[derive(Clone, Copy, Debug, Arbitrary)]
enum Number {
    Usual(u8),
    Small(u16),
    Any(i64),
}

#[derive(Clone, Copy, Debug, PartialEq, Arbitrary)]
enum Key {
    P256,
    P384,
    Rsa2048,
    Rsa4096,
    Ed25519,
}

#[derive(Clone, Debug, Arbitrary)]
enum Identifier {
    Usual(u16),
    Any(String),
}

#[derive(Clone, Debug, Arbitrary)]
enum Url {
    Usual(u8),
    Long(u16),
    Any(String),
}

#[derive(Clone, Debug, Arbitrary)]
enum Language {
    Usual,
    Any(String),
}

impl File {
    fn read(&self) {
        let text = self.text();
        let outcome = read(&text);
        let wanted = self.is_in_bounds();
        // What a stray line or a free text makes of a file is for TOML to say.
        if wanted != outcome.is_some() && !self.is_wild() {
            panic!("in bounds: {wanted}, {:?}: {text}", Policy::from_toml(&text));
        }
    }

    fn text(&self) -> String {
        let approval = match self.approval {
            None => "sometimes",
            Some(true) => "automatic",
            Some(false) => "manual",
        };
        let mut lines = vec![
            format!("version = {}", self.version.unwrap_or(1)),
            "[renewal]".into(),
            format!("approval = \"{approval}\""),
            format!("window_days = {}", self.window_days.value(30)),
            format!("same_key = {}", self.same_key),
            format!("retry_after_seconds = {}", self.retry_after_seconds.value(60)),
        ];
        lines.extend(self.backdate_seconds.map(|number| format!("backdate_seconds = {}", number.value(300))));
        for (name, section) in ["authentication", "signature"].iter().zip(&self.profiles) {
            lines.push(format!("[{name}]"));
            lines.push(format!("validity_days = {}", section.validity_days.value(365)));
            let keys: Vec<_> = section.keys.iter().map(|key| format!("\"{}\"", key.name())).collect();
            lines.push(format!("keys = [{}]", keys.join(", ")));
            let policies: Vec<_> = section.policies.iter().map(|one| quoted(&one.text())).collect();
            lines.push(format!("certificate_policies = [{}]", policies.join(", ")));
            lines.extend(section.ca_issuers.as_ref().map(|url| format!("ca_issuers = {}", quoted(&url.text()))));
            if let Some((compliance, sscd, esign, disclosure)) = &section.qualified {
                lines.push(format!("[{name}.qualified]"));
                lines.push(format!("compliance = {compliance}\nsscd = {sscd}\nesign = {esign}"));
                lines.extend(disclosure.as_ref().map(|(url, language)| {
                    format!("disclosure = {{ url = {}, language = {} }}", quoted(&url.text()), quoted(&language.text()))
                }));
            }
        }
        if let Some((at, line)) = &self.stray {
            lines.insert(usize::from(*at) % (lines.len() + 1), line.clone());
        }
        lines.join("\n") + "\n"
    }

    fn is_wild(&self) -> bool {
        let wild = |section: &Section| {
            matches!(section.ca_issuers, Some(Url::Any(_)))
                || section.policies.iter().any(|one| matches!(one, Identifier::Any(_)))
                || matches!(&section.qualified, Some((_, _, _, Some((url, language))))
                    if matches!(url, Url::Any(_)) || matches!(language, Language::Any(_)))
        };
        self.stray.is_some() || self.profiles.iter().any(wild) || self.text().len() > Policy::MAX_SIZE
    }

    fn is_in_bounds(&self) -> bool {
        let within =
            |number: &Number, usual, range: std::ops::RangeInclusive<i64>| range.contains(&number.value(usual));
        self.approval.is_some()
            && self.version.is_none_or(|version| version == 1)
            && within(&self.window_days, 30, 1..=3660)
            && within(&self.retry_after_seconds, 60, 1..=604_800)
            && self.backdate_seconds.is_none_or(|number| within(&number, 300, 0..=86_400))
            && self.profiles.iter().all(Section::is_in_bounds)
    }
}

impl Section {
    fn is_in_bounds(&self) -> bool {
        let once = |at: usize| !self.keys[..at].contains(&self.keys[at]);
        let policies: Vec<_> = self.policies.iter().map(Identifier::text).collect();
        let named_once = |at: usize| !policies[..at].contains(&policies[at]);
        let short = |url: &Url| url.text().len() <= 1024;
        (1..=3660).contains(&self.validity_days.value(365))
            && !self.keys.is_empty()
            && !self.keys.contains(&Key::Ed25519)
            && (0..self.keys.len()).all(once)
            && policies.len() <= 16
            && (0..policies.len()).all(named_once)
            && self.ca_issuers.as_ref().is_none_or(short)
            && self.qualified.as_ref().is_none_or(|(compliance, sscd, esign, disclosure)| {
                (*compliance || !(*sscd || *esign || disclosure.is_some()))
                    && disclosure.as_ref().is_none_or(|(url, _)| short(url))
            })
    }
}

impl Number {
    fn value(self, usual: i64) -> i64 {
        match self {
            Self::Usual(offset) => usual + i64::from(offset % 4),
            Self::Small(number) => number.into(),
            Self::Any(number) => number,
        }
    }
}

impl Key {
    fn name(self) -> &'static str {
        match self {
            Self::P256 => "p-256",
            Self::P384 => "p-384",
            Self::Rsa2048 => "rsa-2048",
            Self::Rsa4096 => "rsa-4096",
            Self::Ed25519 => "ed25519",
        }
    }
}

impl Identifier {
    fn text(&self) -> String {
        match self {
            Self::Usual(number) => format!("0.4.0.2042.1.{number}"),
            Self::Any(text) => text.chars().filter(|c| !c.is_control()).collect(),
        }
    }
}

impl Url {
    fn text(&self) -> String {
        match self {
            Self::Usual(number) => format!("https://ca.example/{number}"),
            Self::Long(length) => format!("http://{}", "a".repeat((length % 2048).into())),
            Self::Any(text) => text.chars().filter(|c| !c.is_control()).collect(),
        }
    }
}

impl Language {
    fn text(&self) -> String {
        match self {
            Self::Usual => "en".into(),
            Self::Any(text) => text.chars().filter(|c| !c.is_control()).collect(),
        }
    }
}

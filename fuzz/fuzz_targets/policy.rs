//! Any text as the policy file of a service, and files made of fields that are in their bounds or not.
//!
//! Refused with the name of what is wrong, or within the bounds that its comments name and written again as the same; the
//! CA that goes by it issues nothing outside it; and a holder who goes by it asks for what that CA gives, and revokes as it lets him.
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
use obnova_renewal::{Method, QC_COMPLIANCE, QC_SSCD, Service, ServiceError};
use obnova_status::RevocationReason;
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
        _ => drop(std::str::from_utf8(bytes).map(read)),
    }
});

/// As each side reads it, where it does.
fn read(text: &str) -> (Option<Policy>, Option<Service>) {
    let (ca, holder) = (read_by_ca(text), read_by_holder(text));
    if let (Some(ca), Some(holder)) = (&ca, &holder) {
        agree(ca, holder);
    }
    (ca, holder)
}

fn read_by_holder(text: &str) -> Option<Service> {
    match Service::from_toml(text) {
        Ok(service) => {
            let policy = &service.policy;
            assert!((1..=64).contains(&service.name.len()));
            assert!((DAY..=3660 * DAY).contains(&policy.due_before) && policy.clock_tolerance <= DAY);
            assert!(policy.rules.iter().next().is_some());
            if let Some(rules) = policy.revocation_password {
                assert!((6..=64).contains(&rules.minimum) && (1..=rules.minimum).contains(&rules.distinct));
            }
            Some(service)
        }
        Err(ServiceError::TooLong { size }) => {
            assert!(size == text.len() && size > Service::MAX_SIZE);
            None
        }
        Err(ServiceError::Syntax(problem)) => {
            assert!(!problem.is_empty());
            None
        }
    }
}

/// One file, two readers: what the holder asks is what the CA gives.
fn agree(ca: &Policy, holder: &Service) {
    let (asks, first) = (&holder.policy, &ca.first);
    let certified = |profile| first.profiles.contains(&profile);
    assert_eq!(asks.rules.authentication.is_some(), certified(Profile::Authentication));
    assert_eq!(asks.rules.signature.is_some(), certified(Profile::Signature));
    assert_eq!(asks.keys.authentication.as_ref(), Some(&ca.authentication.keys));
    assert_eq!(asks.keys.signature.as_ref(), Some(&ca.signature.keys));
    assert!(asks.method == Method::ReKey || ca.same_key);
    assert!(asks.due_before <= ca.renewal_window);
    assert!(ca.notices.days().iter().all(|days| DAY * *days <= asks.due_before));
    if let Some(rules) = asks.rules.signature.as_ref().filter(|rules| rules.qc_statements.contains(&QC_COMPLIANCE)) {
        let claims = ca.signature.qualified.as_ref().expect("what the holder demands is claimed");
        assert!(claims.compliance && (claims.sscd || !rules.qc_statements.contains(&QC_SSCD)));
    }
    if let Some(rules) = asks.revocation_password {
        let password = first.revocation_password;
        assert_eq!((rules.minimum, rules.distinct), (password.minimum, password.distinct));
    }
    assert!(asks.revocation_password.is_some() || !first.revocation_password.required);
    let ends = holder.revocation.as_ref().expect("a file that a CA reads says what the CA takes");
    let (own_key, alone) = (ca.revocation.own_key_alone, ca.revocation.password_alone);
    assert_eq!((ends.own_key_alone, ends.password_alone), (own_key, alone));
    let reasons: Vec<_> = ca.revocation.holder_reasons.iter().map(|reason| reason_name(*reason)).collect();
    let held: Vec<_> = ends.holder_reasons.iter().map(ToString::to_string).collect();
    assert_eq!(held, reasons);
}

fn read_by_ca(text: &str) -> Option<Policy> {
    match Policy::from_toml(text) {
        Ok(policy) => {
            bounded(&policy);
            // The second writer knows the CA's tables alone, and not what the service is called.
            let nameless = Policy { service: None, ..policy.clone() };
            assert_eq!(Policy::from_toml(&written(&policy)).as_ref(), Ok(&nameless));
            keeps_to(&policy);
            Some(policy)
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            match error {
                PolicyError::TooLong { size } => assert!(size == text.len() && size > Policy::MAX_SIZE),
                PolicyError::Field { field, line, .. } => {
                    assert!(!field.is_empty() && line.is_none_or(|line| (1..=text.lines().count()).contains(&line)));
                }
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
    let first = &policy.first;
    assert!((1..=2).contains(&first.profiles.len()) && (DAY..=366 * DAY).contains(&first.password_life));
    assert!(1 <= first.guesses.free && first.guesses.free <= first.guesses.most && first.guesses.most <= 100);
    assert!(Duration::from_secs(1) <= first.guesses.pause && first.guesses.pause <= DAY);
    let password = first.revocation_password;
    assert!((6..=64).contains(&password.minimum) && (1..=password.minimum).contains(&password.distinct));
    let notices = policy.notices.days();
    assert!(notices.len() <= 16 && notices.is_sorted() && notices.iter().all(|days| (1..=365).contains(days)));
    let retention = &policy.retention;
    let kept = [retention.orders, retention.mails, retention.applicants];
    assert!(kept.iter().all(|span| (DAY..=3660 * DAY).contains(span)));
    assert!(policy.revocation.holder_reasons.contains(&RevocationReason::KeyCompromise));
    let registration = &policy.registration;
    assert!((1..=100_000).contains(&registration.per_hour) && (1..=100_000).contains(&registration.per_peer));
    assert!((1..=100).contains(&registration.per_address));
    assert!([registration.confirm, registration.transport_pin].iter().all(|span| (DAY..=365 * DAY).contains(span)));
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
    ) + &written_rest(policy)
}

/// The tables that may be left out.
fn written_rest(policy: &Policy) -> String {
    let days = |span: Duration| span.as_secs() / 86_400;
    let Policy { first, retention, revocation, registration, .. } = policy;
    let profiles: Vec<_> = first.profiles.iter().map(|profile| format!("'{profile}'")).collect();
    let reasons: Vec<_> =
        revocation.holder_reasons.iter().map(|reason| format!("'{}'", reason_name(*reason))).collect();
    let first_approval = match first.approval {
        Approval::Manual => "manual",
        Approval::Automatic => "automatic",
    };
    let lines = [
        format!("[first]\nprofiles = [{}]\napproval = '{first_approval}'", profiles.join(",")),
        format!("password_days = {}\nfree_guesses = {}", days(first.password_life), first.guesses.free),
        format!("guess_pause_seconds = {}", first.guesses.pause.as_secs()),
        format!("most_guesses = {}", first.guesses.most),
        format!("[revocation_password]\nrequired = {}", first.revocation_password.required),
        format!("later = {}", first.revocation_password.later),
        format!("minimum = {}", first.revocation_password.minimum),
        format!("distinct = {}", first.revocation_password.distinct),
        format!("[notices]\ndays = {:?}", policy.notices.days()),
        format!("[retention]\norder_days = {}", days(retention.orders)),
        format!("mail_days = {}\napplicant_days = {}", days(retention.mails), days(retention.applicants)),
        format!("[revocation]\npassword_alone = {}", revocation.password_alone),
        format!("own_key_alone = {}", revocation.own_key_alone),
        format!("holder_reasons = [{}]", reasons.join(",")),
        format!("[registration]\nopen = {}\nper_hour = {}", registration.open, registration.per_hour),
        format!("per_peer = {}\nper_address = {}", registration.per_peer, registration.per_address),
        format!("confirm_days = {}", days(registration.confirm)),
        format!("transport_pin_days = {}\n", days(registration.transport_pin)),
    ];
    lines.join("\n")
}

fn reason_name(reason: RevocationReason) -> &'static str {
    match reason {
        RevocationReason::Unspecified => "unspecified",
        RevocationReason::KeyCompromise => "key-compromise",
        RevocationReason::AffiliationChanged => "affiliation-changed",
        RevocationReason::Superseded => "superseded",
        RevocationReason::CessationOfOperation => "cessation-of-operation",
        other => panic!("{other:?} is no holder's reason"),
    }
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

/// An order of a holder whose certificates end in 20 days, with keys on P-256, for what the service has. When they may be renewed
/// is asked before what keys they have.
fn keeps_to(policy: &Policy) {
    let house = House::new(policy.clone());
    let service = |of: &Profile| policy.first.profiles.contains(of);
    let requests = [Request::authentication(), Request::signature()].into_iter().zip(Profile::ALL);
    let order = Order {
        transaction: Transaction::new(b"fuzz").expect("it is a name"),
        message: vec![1],
        requests: requests
            .filter(|(_, profile)| service(profile))
            .map(|(request, _)| CertificationRequest::from_der(&request.der()).expect("it is a request"))
            .collect(),
        signers: (house.old.iter().zip(Profile::ALL).filter(|(_, profile)| service(profile)))
            .map(|(old, _)| ReceivedCertificate::from_der(&old.der).expect("it was issued"))
            .collect(),
    };
    let takes = |profile| policy.profile(profile).keys.contains(&KeyAlgorithm::P256);
    let wanted = if policy.renewal_window < 20 * DAY {
        Some("too-early")
    } else if !policy.first.profiles.iter().copied().all(takes) {
        Some("key-kind")
    } else {
        None
    };
    let issued = match (house.ca.place(&order, None, now()), wanted) {
        (Err(CaError::Refused(Refusal::TooEarly { .. })), Some("too-early")) => return,
        (Err(CaError::Refused(Refusal::KeyKind { profile, key, .. })), Some("key-kind")) => {
            assert!(service(&profile) && !takes(profile) && key == KeyAlgorithm::P256);
            return assert!(house.issued().is_empty());
        }
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
    let wanted = policy.first.profiles.len();
    assert_eq!((issued, house.issued().len()), (wanted, wanted));
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
    holder: Option<Holder>,
    password: Option<(bool, Number, Number)>,
    first: Option<First>,
    notices: Option<Vec<u16>>,
    revocation: Option<Revocation>,
}

#[derive(Debug, Arbitrary)]
struct Revocation {
    password_alone: Option<bool>,
    own_key_alone: Option<bool>,
    holder_reasons: Option<Vec<Reason>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Arbitrary)]
enum Reason {
    KeyCompromise,
    Superseded,
    Unspecified,
    CertificateHold,
}

#[derive(Debug, Arbitrary)]
struct Holder {
    authentication: bool,
    signature: bool,
    qualified: bool,
    same_key: bool,
    due_before_days: Number,
    clock_tolerance_seconds: Number,
    ask_status: Option<Asks>,
}

#[derive(Clone, Copy, Debug, PartialEq, Arbitrary)]
enum Asks {
    Required,
    Try,
    Never,
    Sometimes,
}

#[derive(Debug, Arbitrary)]
struct First {
    authentication: bool,
    signature: bool,
    password_days: Number,
    free_guesses: Number,
    most_guesses: Number,
}

/// What a list of certificates says.
fn roles(authentication: bool, signature: bool) -> String {
    let named = [(authentication, "'authentication'"), (signature, "'signature'")];
    let named: Vec<_> = named.iter().filter(|(is_there, _)| *is_there).map(|(_, name)| *name).collect();
    format!("[{}]", named.join(", "))
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
        let (ca, holder) = read(&text);
        // What a stray line or a free text makes of a file is for TOML to say.
        if self.is_wild() {
            return;
        }
        let wanted = self.is_in_bounds() && self.agrees();
        assert_eq!(ca.is_some(), wanted, "{:?}: {text}", Policy::from_toml(&text));
        let wanted = self.holder.as_ref().is_some_and(|holder| self.is_for(holder));
        assert_eq!(holder.is_some(), wanted, "{:?}: {text}", Service::from_toml(&text));
        if let Some((read, wrote)) = holder.as_ref().zip(self.holder.as_ref()) {
            let asks = wrote.ask_status.unwrap_or(Asks::Try);
            assert_eq!(format!("{:?}", read.policy.ask_status), format!("{asks:?}"), "{text}");
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
        lines.extend(self.rest());
        if let Some((at, line)) = &self.stray {
            lines.insert(usize::from(*at) % (lines.len() + 1), line.clone());
        }
        lines.join("\n") + "\n"
    }

    /// The tables that may be left out.
    fn rest(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(holder) = &self.holder {
            lines.push("[service]\nname = 'fuzz'\n[holder]".into());
            lines.push(format!("certificates = {}", roles(holder.authentication, holder.signature)));
            lines.push(format!("qualified = {}", holder.qualified));
            lines.push(format!("method = '{}'", if holder.same_key { "same-key" } else { "re-key" }));
            lines.push(format!("due_before_days = {}", holder.due_before_days.value(27)));
            lines.push(format!("clock_tolerance_seconds = {}", holder.clock_tolerance_seconds.value(300)));
            lines.extend(holder.ask_status.map(|asks| format!("ask_status = '{}'", asks.name())));
        }
        if let Some((required, minimum, distinct)) = &self.password {
            lines.push(format!("[revocation_password]\nrequired = {required}"));
            lines.push(format!("minimum = {}\ndistinct = {}", minimum.value(8), distinct.value(4)));
        }
        if let Some(first) = &self.first {
            lines.push(format!("[first]\nprofiles = {}", roles(first.authentication, first.signature)));
            lines.push(format!("password_days = {}", first.password_days.value(21)));
            lines.push(format!("free_guesses = {}", first.free_guesses.value(3)));
            lines.push(format!("most_guesses = {}", first.most_guesses.value(10)));
        }
        lines.extend(self.notices.as_ref().map(|days| format!("[notices]\ndays = {days:?}")));
        if let Some(revocation) = &self.revocation {
            lines.push("[revocation]".into());
            lines.extend(revocation.password_alone.map(|alone| format!("password_alone = {alone}")));
            lines.extend(revocation.own_key_alone.map(|alone| format!("own_key_alone = {alone}")));
            let reasons = |reasons: &Vec<Reason>| reasons.iter().map(|one| one.name()).collect::<Vec<_>>().join(", ");
            lines.extend(revocation.holder_reasons.as_ref().map(|all| format!("holder_reasons = [{}]", reasons(all))));
        }
        lines
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
            && self.has_sound_password()
            && self.first.as_ref().is_none_or(First::is_in_bounds)
            && self.revocation.as_ref().is_none_or(Revocation::is_in_bounds)
            && self.notices.as_ref().is_none_or(|days| {
                let once = |at: usize| !days[..at].contains(&days[at]);
                days.len() <= 16 && days.iter().all(|one| (1..=365).contains(one)) && (0..days.len()).all(once)
            })
            && self.holder.as_ref().is_none_or(|holder| self.is_for(holder))
    }

    fn has_sound_password(&self) -> bool {
        self.password.as_ref().is_none_or(|(_, minimum, distinct)| {
            let minimum = minimum.value(8);
            (6..=64).contains(&minimum) && (1..=minimum).contains(&distinct.value(4))
        })
    }

    /// Whether the two sides mean the same; where there is no holder's side there is nothing to agree about.
    fn agrees(&self) -> bool {
        let Some(holder) = &self.holder else { return true };
        let first = self.first.as_ref().map_or((true, true), |first| (first.authentication, first.signature));
        let claims = matches!(self.profiles[1].qualified, Some((true, true, _, _)));
        let due = holder.due_before_days.value(27);
        let notice = self.notices.as_ref().map_or(21, |days| days.iter().copied().max().unwrap_or(0));
        first == (holder.authentication, holder.signature)
            && (!holder.qualified || !holder.signature || claims)
            && (!holder.same_key || self.same_key)
            && due <= self.window_days.value(30)
            && i64::from(notice) <= due
    }

    /// Whether the holder's side can read it, whatever stands in tables of the CA.
    fn is_for(&self, holder: &Holder) -> bool {
        self.version.is_none_or(|version| version == 1)
            && (holder.authentication || holder.signature)
            && (1..=3660).contains(&holder.due_before_days.value(27))
            && (0..=86_400).contains(&holder.clock_tolerance_seconds.value(300))
            && holder.ask_status != Some(Asks::Sometimes)
            && self.profiles.iter().all(Section::names_keys)
            && self.has_sound_password()
            && self.revocation.as_ref().is_none_or(Revocation::is_in_bounds)
    }
}

impl Revocation {
    /// Which both sides read.
    fn is_in_bounds(&self) -> bool {
        self.holder_reasons.as_ref().is_none_or(|all| {
            let once = |at: usize| !all[..at].contains(&all[at]);
            all.contains(&Reason::KeyCompromise) && !all.contains(&Reason::CertificateHold) && (0..all.len()).all(once)
        })
    }
}

impl Reason {
    const fn name(self) -> &'static str {
        match self {
            Self::KeyCompromise => "'key-compromise'",
            Self::Superseded => "'superseded'",
            Self::Unspecified => "'unspecified'",
            Self::CertificateHold => "'certificate-hold'",
        }
    }
}

impl First {
    fn is_in_bounds(&self) -> bool {
        let (free, most) = (self.free_guesses.value(3), self.most_guesses.value(10));
        (self.authentication || self.signature)
            && (1..=366).contains(&self.password_days.value(21))
            && (1..=100).contains(&free)
            && (free..=100).contains(&most)
    }
}

impl Section {
    /// Which both sides read.
    fn names_keys(&self) -> bool {
        let once = |at: usize| !self.keys[..at].contains(&self.keys[at]);
        !self.keys.is_empty() && !self.keys.contains(&Key::Ed25519) && (0..self.keys.len()).all(once)
    }

    fn is_in_bounds(&self) -> bool {
        let policies: Vec<_> = self.policies.iter().map(Identifier::text).collect();
        let named_once = |at: usize| !policies[..at].contains(&policies[at]);
        let short = |url: &Url| url.text().len() <= 1024;
        (1..=3660).contains(&self.validity_days.value(365))
            && self.names_keys()
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

impl Asks {
    fn name(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Try => "try",
            Self::Never => "never",
            Self::Sometimes => "sometimes",
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

use super::*;

fn refusal(from: &str, to: &str) -> PolicyError {
    assert!(Policy::TEMPLATE.contains(from), "the template has no {from}");
    Policy::from_toml(&Policy::TEMPLATE.replace(from, to)).unwrap_err()
}

fn field_of(from: &str, to: &str) -> &'static str {
    match refusal(from, to) {
        PolicyError::Field { field, .. } => field,
        other => panic!("{other}"),
    }
}

#[test]
fn the_template_is_a_policy() {
    let policy: Policy = Policy::TEMPLATE.parse().unwrap();
    assert_eq!(policy.approval, Approval::Manual);
    assert_eq!(policy.renewal_window, Duration::from_secs(30 * 86_400));
    assert_eq!(policy.profile(Profile::Signature).validity, Duration::from_secs(365 * 86_400));
    assert_eq!(policy.backdate, Duration::from_secs(300));
    assert!(policy.signature.qualified.is_some());
    assert!(policy.authentication.qualified.is_none());
    assert!(!policy.authentication.keys.contains(&KeyAlgorithm::Rsa4096));
}

#[test]
fn what_is_commented_out_in_the_template_works() {
    let commented = ["ca_issuers", "disclosure", "ocsp", "crl"];
    let uncomment = |text: String, field| text.replace(&format!("# {field} ="), &format!("{field} ="));
    let policy = Policy::from_toml(&commented.into_iter().fold(Policy::TEMPLATE.into(), uncomment)).unwrap();
    for profile in [&policy.authentication, &policy.signature] {
        assert_eq!(profile.ocsp.as_deref(), Some("http://ca.example/ocsp"));
        assert_eq!(profile.crl.as_deref(), Some("http://ca.example/crl"));
    }
    assert_eq!(policy.signature.ca_issuers.as_deref(), Some("http://ca.example/ca.der"));
    let disclosure = policy.signature.qualified.unwrap().disclosure.unwrap();
    assert_eq!(disclosure, ("https://ca.example/pds.pdf".into(), "en".into()));
}

#[test]
fn a_policy_that_says_nothing_of_clocks_backdates_by_five_minutes() {
    let policy = Policy::from_toml(&Policy::TEMPLATE.replace("backdate_seconds = 300", "")).unwrap();
    assert_eq!(policy.backdate, Duration::from_secs(300));
    let policy =
        Policy::from_toml(&Policy::TEMPLATE.replace("backdate_seconds = 300", "backdate_seconds = 0")).unwrap();
    assert_eq!(policy.backdate, Duration::ZERO);
}

#[test]
fn a_value_that_makes_no_sense_is_named() {
    assert_eq!(field_of("version = 1", "version = 2"), "version");
    assert_eq!(field_of("window_days = 30", "window_days = 0"), "renewal.window_days");
    assert_eq!(field_of("validity_days = 365\n# Of", "validity_days = 36500\n# Of"), "authentication.validity_days");
    assert_eq!(field_of("validity_days = 365\nkeys", "validity_days = 0\nkeys"), "signature.validity_days");
    assert_eq!(field_of("retry_after_seconds = 60", "retry_after_seconds = 0"), "renewal.retry_after_seconds");
    assert_eq!(field_of("backdate_seconds = 300", "backdate_seconds = 86401"), "renewal.backdate_seconds");
    assert_eq!(field_of("0.4.0.2042.1.2", "0.4.x"), "authentication.certificate_policies");
    assert_eq!(field_of("[\"0.4.0.194112.1.2\"]", "[\"1.2.3\", \"1.2.3\"]"), "signature.certificate_policies");
    assert_eq!(field_of("compliance = true", "compliance = false"), "signature.qualified");
    assert_eq!(field_of("# ca_issuers = \"http", "ca_issuers = \"file"), "signature.ca_issuers");
    assert_eq!(field_of("# ocsp = \"http", "ocsp = \"ldap"), "authentication.ocsp");
    assert_eq!(field_of("# crl = \"http", "crl = \"ldap"), "authentication.crl");
    let disclosure = "# disclosure = { url = \"https://ca.example/pds.pdf\", language = \"en\" }";
    let with = |url: &str, language: &str| format!("disclosure = {{ url = \"{url}\", language = \"{language}\" }}");
    assert_eq!(field_of(disclosure, &with("https://a b", "en")), "signature.qualified.disclosure.url");
    assert_eq!(field_of(disclosure, &with("https://ab", "eng")), "signature.qualified.disclosure.language");
    let keys = "[\"rsa-2048\", \"rsa-3072\", \"p-256\", \"p-384\"]\n# NCP";
    assert_eq!(field_of(keys, "[]\n# NCP"), "authentication.keys");
    assert_eq!(field_of(keys, "[\"p-256\", \"p-256\"]\n# NCP"), "authentication.keys");
}

#[test]
fn a_name_that_is_unknown_or_missing_is_named() {
    for (from, to, name) in [
        ("same_key = false", "same_key = false\nsame_kye = true", "same_kye"),
        ("same_key = false", "", "same_key"),
        ("approval = \"manual\"", "approval = \"maybe\"", "maybe"),
        ("\"rsa-3072\", \"p-256\", \"p-384\"]\n# NCP", "\"rsa-1024\"]\n# NCP", "rsa-1024"),
        ("validity_days = 365\n# Of", "validity_days = \"long\"\n# Of", "validity_days"),
        ("validity_days = 365\n# Of", "validity_days = -1\n# Of", "validity_days"),
    ] {
        let PolicyError::Syntax(text) = refusal(from, to) else { panic!("{from} was read") };
        assert!(text.contains(name), "{text}");
    }
}

#[test]
fn hostile_text_is_refused() {
    // From here on a policy that ends is whole: only what may be absent follows.
    let whole = Policy::TEMPLATE.find("\"0.4.0.194112.1.2\"]").unwrap();
    for length in (0..whole).filter(|length| Policy::TEMPLATE.is_char_boundary(*length)) {
        assert!(matches!(Policy::from_toml(&Policy::TEMPLATE[..length]), Err(PolicyError::Syntax(_))));
    }
    let endless = format!("{}#{}", Policy::TEMPLATE, " ".repeat(Policy::MAX_SIZE));
    assert!(matches!(Policy::from_toml(&endless), Err(PolicyError::TooLong { .. })));
    let deep = format!("version = {}", "[".repeat(60_000));
    assert!(matches!(Policy::from_toml(&deep), Err(PolicyError::Syntax(_))));
}

use std::time::Duration;

use obnova_algorithm::KeyAlgorithm;
use obnova_card::KeyRole;

use super::*;
use crate::{ByRole, Method, OneTimePasswords, PasswordRules, Protocol, RevocationReason, RevocationRefusal};

const HEAD: &str = "version = 1\n\n[service]\nname = \"mine\"\n";

fn read(tables: &str) -> Result<Service, String> {
    Service::from_toml(&format!("{HEAD}\n{tables}")).map_err(|error| error.to_string())
}

#[test]
fn the_known_services_can_be_read() {
    let (twins, activation, partner) = (Service::twins(), Service::activation(), Service::partner());
    assert_eq!([&twins, &activation, &partner].map(|one| &*one.name), ["twins", "activation", "partner"]);
    assert!(twins.policy.rules.authentication.is_some() && twins.policy.rules.signature.is_some());
    assert!(partner.policy.rules.authentication.is_some() && partner.policy.rules.signature.is_none());
    assert_eq!((twins.policy, partner.policy), (Policy::twins(), Policy::partner()));
}

#[test]
fn what_is_left_out_is_as_it_is_for_most() {
    let nothing = read("").unwrap();
    assert_eq!((nothing.name.as_str(), nothing.plays.as_deref()), ("mine", None));
    assert_eq!(nothing.policy.due_before, Duration::from_secs(30 * 86_400));
    assert_eq!((nothing.policy.method, nothing.policy.protocol), (Method::ReKey, Protocol::Cmc));
    let est = read("[holder]\ncertificates = [\"authentication\"]\nprotocol = \"est\"\n").unwrap();
    assert_eq!(est.policy.protocol, Protocol::Est);
    assert_eq!(
        (nothing.policy.one_time_password, nothing.policy.revocation_password),
        (OneTimePasswords::Checked, None)
    );
    let any = read("[holder]\none_time_password = \"any\"\n").unwrap().policy;
    assert_eq!(any.one_time_password, OneTimePasswords::Any);
    let twins = read("[holder]\nqualified = true\n[revocation_password]\n").unwrap().policy;
    assert_eq!(twins, Policy { keys: ByRole::default(), ..Policy::twins() }, "which has the CA's tables too");
    let short = read("[revocation_password]\nrequired = true\nminimum = 6\n").unwrap().policy;
    assert_eq!(short.revocation_password, Some(PasswordRules { minimum: 6, distinct: 5 }));
}

/// Of the tables of the CA the keys alone: what the service certifies is nothing to make others for.
#[test]
fn keys_are_those_that_the_service_certifies() {
    let keys = read("[signature]\nvalidity_days = 25\nkeys = [\"p-384\", \"rsa-3072\"]\n").unwrap().policy.keys;
    assert_eq!(keys, ByRole::one(KeyRole::Signature, vec![KeyAlgorithm::P384, KeyAlgorithm::Rsa3072]));
    let (partner, usual) = (Policy::partner(), ["rsa-2048", "rsa-3072", "p-256", "p-384"].len());
    assert_eq!(partner.keys.map(|_, keys| keys.len()), ByRole::from_fn(|_| Some(usual)));
    assert!(!partner.certifies(KeyRole::Authentication, KeyAlgorithm::Rsa4096));
    assert!(read("").unwrap().policy.certifies(KeyRole::Authentication, KeyAlgorithm::Rsa4096));
}

#[test]
fn a_revocation_password_is_needed_at_once_where_it_is_required_and_may_not_come_later() {
    for (required, later, at_once) in
        [(true, false, true), (true, true, false), (false, false, false), (false, true, false)]
    {
        let policy = read(&format!("[revocation_password]\nrequired = {required}\nlater = {later}\n")).unwrap().policy;
        assert_eq!(policy.revocation_password_at_once, at_once, "required {required}, later {later}");
    }
    assert!(!read("").unwrap().policy.revocation_password_at_once);
}

#[test]
fn a_revocation_password_may_be_left_out_where_there_is_one_that_is_not_required() {
    for (table, optional) in [
        ("[revocation_password]\n", true),
        ("[revocation_password]\nrequired = false\n", true),
        ("[revocation_password]\nrequired = true\n", false),
        ("[revocation_password]\nrequired = true\nlater = true\n", false),
        ("", false),
    ] {
        assert_eq!(read(table).unwrap().policy.revocation_password_optional, optional, "{table}");
    }
    let known = [Service::twins(), Service::activation(), Service::partner()];
    assert_eq!(known.map(|known| known.policy.revocation_password_optional), [true, true, false]);
}

/// What the CA would refuse by these names is refused before anything is asked.
#[test]
fn a_revocation_that_the_service_does_not_take_is_refused_by_its_name() {
    assert_eq!(read("").unwrap().revocation, None, "a holder's side alone says nothing of the CA's");
    let usual = read("[renewal]\n").unwrap().revocation.unwrap();
    let (lost, other) = (RevocationReason::KeyCompromise, RevocationReason::Superseded);
    for reason in RevocationReason::ALL {
        assert_eq!((usual.check(reason, true), usual.own_key_alone), (Ok(()), true));
        assert_eq!(usual.check(reason, false), Err(RevocationRefusal::PasswordAlone));
    }
    let partner = Service::partner().revocation.unwrap();
    assert!(partner.check(other, false).is_ok() && !partner.own_key_alone);
    let one = read("[revocation]\npassword_alone = true\nholder_reasons = [\"key-compromise\"]\n").unwrap();
    let one = one.revocation.unwrap();
    assert_eq!((one.check(lost, false), one.check(lost, true)), (Ok(()), Ok(())));
    for with_card in [true, false] {
        let refusal = one.check(other, with_card).unwrap_err();
        assert_eq!(refusal, RevocationRefusal::Reason { given: other, taken: vec![lost] });
        assert_eq!(refusal.rule(), "revocation-reason");
    }
    assert_eq!(RevocationRefusal::PasswordAlone.rule(), "password-alone");
}

#[test]
fn what_makes_no_sense_is_refused_with_its_line_and_name() {
    for (table, line, named) in [
        ("holder", "certificates = []", "authentication"),
        ("holder", "certificates = [\"signature\", \"signature\"]", "each once"),
        ("holder", "certificates = [\"encryption\"]", "role"),
        ("holder", "due_before_days = 0", "1 to 3660"),
        ("holder", "due_before_days = 4000", "1 to 3660"),
        ("holder", "clock_tolerance_seconds = 100000", "0 to 86400"),
        ("holder", "method = \"again\"", "same-key"),
        ("holder", "protocol = \"cmp\"", "`est`"),
        ("holder", "one_time_password = \"paper\"", "`any`"),
        ("holder", "ask_status = \"maybe\"", "required"),
        ("holder", "prove_logins = true", "prove_login"),
        ("holder", "prove_login = 1", "boolean"),
        ("authentication", "keys = []", "one kind of key or more"),
        ("signature", "keys = [\"p-256\", \"p-384\", \"p-256\"]", "each once"),
        ("signature", "keys = [\"p-521\"]", "key_algorithm"),
        ("signature", "keys = \"p-256\"", "sequence"),
        ("revocation", "holder_reasons = []", "key-compromise"),
        ("revocation", "holder_reasons = [\"superseded\"]", "key-compromise"),
        ("revocation", "holder_reasons = [\"key-compromise\", \"key-compromise\"]", "each once"),
        ("revocation", "holder_reasons = [\"key-compromise\", \"ca-compromise\"]", "`superseded`"),
        ("revocation", "password_along = true", "password_alone"),
        ("revocation_password", "minimum = 5", "6 to 64"),
        ("revocation_password", "least = 9", "minimum"),
    ] {
        let problem = read(&format!("[{table}]\n{line}")).unwrap_err();
        assert!(problem.contains("line 7") && problem.contains(line) && problem.contains(named), "{problem}");
    }
    for distinct in [0, 9] {
        let problem = read(&format!("[revocation_password]\ndistinct = {distinct}")).unwrap_err();
        assert!(problem.contains("line 7: revocation_password.distinct"), "{problem}");
    }
    let problem = read("[holder]\nprotocol = \"est\"\ncertificates = [\"signature\"]").unwrap_err();
    assert!(problem.contains("line 7: holder.protocol") && problem.contains("over a login"), "{problem}");
    for (line, named) in [
        ("plays = \"chess\"", "\"partner\""),
        ("transport_pin = \"null\"", "\"in-place\""),
        ("plays = \"twins\"\n[holder]\ncertificates = [\"signature\"]", "line 5: service.plays"),
    ] {
        let problem = Service::from_toml(&format!("{HEAD}{line}")).unwrap_err().to_string();
        assert!(
            problem.contains("line 5") && problem.contains("plays") | problem.contains("transport_pin"),
            "{problem}"
        );
        assert!(problem.contains(named), "{problem}");
    }
}

#[test]
fn a_table_or_a_version_that_is_unknown_is_refused() {
    for (text, named) in [
        (HEAD.replace('1', "2"), "version 1"),
        (HEAD.replace("version = 1", ""), "version"),
        (HEAD.replace("mine", "Mine!"), "small letters"),
        (HEAD.replace("name", "nmae"), "nmae"),
        (format!("{HEAD}[holders]\n"), "holders"),
        ("version = 1".to_owned(), "service"),
    ] {
        let Err(ServiceError::Syntax(problem)) = Service::from_toml(&text) else { panic!("{text}") };
        assert!(problem.contains(named), "{problem}");
    }
    let long = format!("{HEAD}#{}", " ".repeat(Service::MAX_SIZE));
    assert_eq!(Service::from_toml(&long), Err(ServiceError::TooLong { size: long.len() }));
}

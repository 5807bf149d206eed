use static_assertions::assert_not_impl_any;

use super::*;
use crate::{PasswordState, Tries};

assert_not_impl_any!(NewPasswords: std::fmt::Debug, std::fmt::Display, Clone, PartialEq);

fn status(kind: PasswordKind, alphabet: Alphabet) -> PasswordStatus {
    let minimum = if kind == PasswordKind::Puk { 6 } else { 4 };
    PasswordStatus { kind, state: PasswordState::Active(Tries::Known(3)), minimum, maximum: 8, alphabet }
}

fn rules(policy: PasswordPolicy) -> PasswordRules {
    PasswordRules::of(&status(PasswordKind::SignaturePin, Alphabet::Digits), policy)
}

fn secret(text: &str) -> Secret {
    Secret::from(text)
}

#[test]
fn a_value_keeps_the_token_s_rules() {
    let rules = rules(PasswordPolicy { hold_to_alphabet: true, ..PasswordPolicy::NONE });
    let length = BrokenRule::Length { minimum: 4, maximum: 8 };
    for (value, outcome) in [
        ("", Err(length)),
        ("123", Err(length)),
        ("123456789", Err(length)),
        ("12a4", Err(BrokenRule::NotDigits)),
        ("12 4", Err(BrokenRule::NotDigits)),
        // Arabic-Indic digits: two bytes each.
        ("\u{661}\u{662}", Err(BrokenRule::NotDigits)),
        ("1234", Ok(())),
        ("00000000", Ok(())),
    ] {
        assert_eq!(rules.check(&secret(value)), outcome, "{value}");
    }
    let any = PasswordRules { alphabet: Alphabet::Any, ..rules };
    assert_eq!(any.check(&secret("12a4")), Ok(()));
    let not_held = PasswordRules { policy: PasswordPolicy::NONE, ..rules };
    assert_eq!(not_held.check(&secret("12a4")), Ok(()));
}

#[test]
fn what_is_tried_first_is_refused_where_the_house_says_so() {
    let careful = rules(PasswordPolicy::CAREFUL);
    for trivial in
        ["0000", "77777777", "1212", "123123", "12341234", "1234", "4567890", "7890123", "4321", "098765", "12121"]
    {
        assert_eq!(careful.check(&secret(trivial)), Err(BrokenRule::Trivial), "{trivial}");
        assert_eq!(rules(PasswordPolicy::NONE).check(&secret(trivial)), Ok(()), "{trivial}");
    }
    for sound in ["1235", "2580", "482915", "12342", "11112222", "1357", "1221"] {
        assert_eq!(careful.check(&secret(sound)), Ok(()), "{sound}");
    }
}

#[test]
fn the_second_typing_must_be_the_first() {
    let rules = rules(PasswordPolicy::CAREFUL);
    for other in ["482914", "48291", "4829150", "", "582915"] {
        assert_eq!(rules.accept(secret("482915"), &secret(other)).err(), Some(BrokenRule::NotTheSame), "{other}");
    }
    assert!(rules.accept(secret("482915"), &secret("482915")).is_ok_and(|taken| taken == secret("482915")));
    // What is wrong with it is told first.
    assert_eq!(rules.accept(secret("1234"), &secret("1235")).err(), Some(BrokenRule::Trivial));
}

#[test]
fn all_are_collected_in_order_and_what_breaks_a_rule_is_wanted_again() {
    use PasswordKind::{AuthenticationPin, Puk, SignaturePin, TransportPin};
    let kinds = [AuthenticationPin, SignaturePin, Puk, TransportPin];
    let mut new = NewPasswords::new(&kinds.map(|kind| status(kind, Alphabet::Digits)), PasswordPolicy::CAREFUL);
    let take = |new: &mut NewPasswords, first: &str, second: &str| new.take(secret(first), &secret(second));
    let wanted = |new: &NewPasswords| new.wanted().map(|rules| rules.kind);
    assert_eq!(wanted(&new), Some(AuthenticationPin));
    assert_eq!(take(&mut new, "482915", "482916"), Err(BrokenRule::NotTheSame));
    assert_eq!(wanted(&new), Some(AuthenticationPin));
    take(&mut new, "482915", "482915").unwrap();
    assert_eq!(wanted(&new), Some(SignaturePin));
    assert_eq!(take(&mut new, "482915", "482915"), Err(BrokenRule::SameAs { other: AuthenticationPin }));
    take(&mut new, "7302", "7302").unwrap();
    assert_eq!(wanted(&new), Some(Puk));
    assert_eq!(take(&mut new, "7302", "7302"), Err(BrokenRule::Length { minimum: 6, maximum: 8 }));
    take(&mut new, "91827365", "91827365").unwrap();
    assert_eq!(wanted(&new), None, "the transport PIN is none that stays");
    assert_eq!(take(&mut new, "91827366", "91827366"), Err(BrokenRule::OneTooMany));
    let all = new.finish().unwrap();
    let all: Vec<_> = all.iter().map(|(kind, secret)| (*kind, secret.expose())).collect();
    assert_eq!(all, [(AuthenticationPin, &b"482915"[..]), (SignaturePin, b"7302"), (Puk, b"91827365")]);
}

#[test]
fn none_is_the_same_as_one_that_stays() {
    use PasswordKind::{Puk, SignaturePin};
    let policy = PasswordPolicy { all_different: false, ..PasswordPolicy::CAREFUL };
    let known = || [(Puk, secret("91827365")), (SignaturePin, secret("482915"))];
    let wanted = |policy| NewPasswords::new(&[status(SignaturePin, Alphabet::Digits)], policy).beside(known());
    let mut new = wanted(PasswordPolicy::CAREFUL);
    let puk = BrokenRule::SameAs { other: Puk };
    assert_eq!(new.check(&secret("91827365")), Err(puk));
    assert_eq!(new.take(secret("91827365"), &secret("91827365")), Err(puk));
    assert_eq!(wanted(policy).check(&secret("91827365")), Ok(()), "the house does not mind");
    // Its own old value is none that stays.
    new.take(secret("482915"), &secret("482915")).unwrap();
}

#[test]
fn half_a_set_is_none() {
    let passwords = [status(PasswordKind::AuthenticationPin, Alphabet::Any), status(PasswordKind::Puk, Alphabet::Any)];
    let mut new = NewPasswords::new(&passwords, PasswordPolicy { all_different: false, ..PasswordPolicy::CAREFUL });
    new.take(secret("482915"), &secret("482915")).unwrap();
    assert_eq!(new.check(&secret("482915")), Ok(()), "the house does not mind");
    assert!(new.finish().is_none());
}

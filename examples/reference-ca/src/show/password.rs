use std::time::SystemTime;

use obnova_ca::{FirstDesk, store::CredentialRecord};
use serde_json::{Value, json};
use x509_cert::{der::Decode, name::Name};

use super::{date, printable};

/// One-time passwords as lines for a person.
pub fn passwords(all: &[CredentialRecord], desk: &FirstDesk, now: SystemTime) -> String {
    if all.is_empty() {
        return "No passwords.\n".into();
    }
    let mut text =
        format!("{:<20}  {:<12}  {:<8}  {:<20}  {:<20}  HOLDER\n", "USER", "MODULE", "STATE", "ISSUED", "UNTIL");
    for one in all {
        let (user, module) = (printable(&one.subject.user), printable(&one.subject.module));
        let (issued, until, state) = (date(one.issued), date(one.expires), password_state(one, desk, now));
        let holder = holder(one).unwrap_or_else(|| "-".into());
        text += &format!("{user:<20}  {module:<12}  {state:<8}  {issued:<20}  {until:<20}  {holder}\n");
    }
    text
}

/// One-time passwords as a list of objects for a program; what they are checked with is not in it.
pub fn passwords_json(all: &[CredentialRecord], desk: &FirstDesk, now: SystemTime) -> String {
    let password = |one: &CredentialRecord| {
        json!({
            "user": one.subject.user,
            "module": one.subject.module,
            "holder": holder(one),
            "email": one.as_issued.then_some(&one.subject.email),
            "state": password_state(one, desk, now),
            "wrong_guesses": one.guesses,
            "issued": date(one.issued),
            "until": date(one.expires),
            "ended": one.ended.map(date),
            "order": one.order.as_ref().map(ToString::to_string),
        })
    };
    format!("{:#}\n", all.iter().map(password).collect::<Value>())
}

/// For whom it was issued, while that is known: who has the user id now may have another name.
fn holder(one: &CredentialRecord) -> Option<String> {
    let name = || Name::from_der(&one.subject.name).map_or_else(|_| "?".into(), |name| printable(&name.to_string()));
    one.as_issued.then(name)
}

fn password_state(one: &CredentialRecord, desk: &FirstDesk, now: SystemTime) -> &'static str {
    if one.order.is_some() {
        "used"
    } else if one.ended.is_some() {
        "ended"
    } else if now >= one.expires {
        "expired"
    } else if desk.is_locked(one.guesses) {
        "locked"
    } else {
        "open"
    }
}

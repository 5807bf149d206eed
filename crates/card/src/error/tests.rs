use super::*;

fn too_few(tries: Tries) -> String {
    TokenError::TooFewTries { password: PasswordKind::SignaturePin, tries }.to_string()
}

#[test]
fn tries_are_counted_in_words_that_fit_their_number() {
    for (tries, words) in [
        (Tries::Known(1), "because only 1 try is left:"),
        (Tries::Last, "because only 1 try is left:"),
        (Tries::Known(2), "because only 2 tries are left:"),
        (Tries::Low, "because only few tries are left:"),
        (Tries::Unknown, "because the token does not tell how many tries are left:"),
    ] {
        assert!(too_few(tries).starts_with(&format!("the signature PIN was not sent, {words}")), "{}", too_few(tries));
    }
}

#[test]
fn what_was_refused_to_be_sent_says_which_yes_it_takes() {
    let text = too_few(Tries::Last);
    assert!(text.contains("a clear yes to the last try") && text.contains("Pin::with_last_try"), "{text}");
}

#[test]
fn a_refusal_names_command_status_and_what_to_do() {
    let text = TokenError::Refused { command: "VERIFY", status: StatusWord(0x9001) }.to_string();
    assert!(text.contains("VERIFY") && text.contains("9001") && text.contains("take it out and in again"), "{text}");
}

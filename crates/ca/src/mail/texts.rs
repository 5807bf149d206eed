use std::time::{Duration, SystemTime};

use der::DateTime;
use obnova_status::RevocationReason;

use super::Mail;
use crate::{Lapse, service_option};

/// What a mail says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// One line.
    pub subject: String,
    /// Lines that end with LF; [`Mail::LINK`] stands where the link is to be.
    pub body: String,
}

/// What there is to be said, without words.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Letter<'a> {
    /// Certificates end, and nobody has ordered new ones. With a link.
    Notice {
        /// Their holder, readable.
        holder: &'a str,
        /// When they end, or the first of them does.
        ends: SystemTime,
        /// Whether all end then; else some later, and they are renewed with the first or not at all.
        all: bool,
        /// In how many days, at the most.
        days: u32,
    },
    /// The certificates of an order can be picked up. With a link.
    PickUp {
        /// Their holder, readable.
        holder: &'a str,
        /// What the service is called, where the CA's policy says so: small letters, digits and `-`.
        service: Option<&'a str>,
    },
    /// A certificate was revoked.
    Revoked {
        /// Its holder, readable.
        holder: &'a str,
        /// Its serial number.
        serial: &'a [u8],
        /// Why.
        reason: RevocationReason,
        /// Since when.
        since: SystemTime,
        /// Why at first, when it had been revoked already, and its key is known to be compromised only now.
        before: Option<RevocationReason>,
        /// Whether something that was ordered with its key lives, whoever ordered it: a certificate on another key, or an order that waits.
        ordered: bool,
    },
    /// The order that waited to replace a certificate was turned down, since that is over.
    TurnedDown {
        /// Its holder, readable.
        holder: &'a str,
        /// The serial number of the certificate.
        serial: &'a [u8],
        /// What became of it.
        lapse: Lapse,
    },
    /// An operator turned an order down.
    Rejected {
        /// Whose, readable.
        holder: &'a str,
        /// Why, in the operator's words.
        reason: &'a str,
    },
    /// Whoever registered is to confirm the address. With a link.
    Confirm {
        /// Who, as they wrote it.
        name: &'a str,
        /// Until when the link is good.
        expires: SystemTime,
    },
    /// A certificate, and those that were issued with it or renew it, has a revocation password that an operator handed out, or that its
    /// holder set.
    RevocationPassword {
        /// Its holder, readable.
        holder: &'a str,
        /// Its serial number.
        serial: &'a [u8],
        /// Whether there was one before, which is worth nothing any more.
        before: bool,
        /// Whether who was logged in with the certificate set it; else an operator handed it out.
        by_holder: bool,
        /// When.
        at: SystemTime,
    },
    /// Somebody has a user id; the one-time password that belongs to it goes another way.
    UserId {
        /// Who, readable.
        holder: &'a str,
        /// The user id.
        user: &'a str,
        /// In which module of the service.
        module: &'a str,
        /// Until when the password can be used.
        expires: SystemTime,
    },
    /// The transport PIN of the card can be looked at, once. With a link.
    TransportPin {
        /// Whose.
        name: &'a str,
        /// Until when the link is good.
        expires: SystemTime,
    },
}

/// Puts letters into words: a vendor's own, in the vendor's language.
pub trait Texts: Send + Sync {
    /// The words. A letter with a link has [`Mail::LINK`] in its body.
    fn compose(&self, letter: &Letter<'_>) -> Text;

    /// Why a first order is turned down on which nobody decided for so long, at least. The holder reads it in the mail, and where he asks for
    /// his certificates. In English, where it is left out.
    fn undecided(&self, waited: Duration) -> String {
        let days = waited.as_secs() / (24 * 60 * 60);
        let days = if days == 1 { "a day".into() } else { format!("{days} days") };
        format!("nobody decided on it within {days}; ask the issuer for another one-time password")
    }
}

/// The words that the reference CA has.
#[derive(Clone, Copy, Debug, Default)]
pub struct English;

impl Texts for English {
    fn compose(&self, letter: &Letter<'_>) -> Text {
        let (subject, body) = match letter {
            Letter::Notice { holder, ends, all, days } => (
                match (all, days) {
                    (true, 1) => "Your certificates end in 1 day".into(),
                    (true, days) => format!("Your certificates end in {days} days"),
                    (false, 1) => "The first of your certificates ends in 1 day".into(),
                    (false, days) => format!("The first of your certificates ends in {days} days"),
                },
                format!(
                    "{} of {}\n{} at {}.{}\n\n\
                     To renew them, have your card and its PINs at hand and open this link:\n\n{link}\n\n\
                     It is for these certificates only and works once.\n",
                    if *all { "The certificates" } else { "The first of the certificates" },
                    plain(holder),
                    if *all { "end" } else { "ends" },
                    date(*ends),
                    if *all { "" } else { "\nUntil then all of them are renewed together; after it none can be." },
                    link = Mail::LINK,
                ),
            ),
            Letter::PickUp { holder, service } => (
                "Your certificates are ready".into(),
                format!(
                    "The certificates that were ordered for\n{}\nare ready. Pick them up here:\n\n{link}\n\n\
                     The link opens them until the issuer knows that they are on the card; not every program tells it, and then the link \
                     stays open. Neither card nor PIN is needed to pick them up, and without the card they are good for nothing.\n\n\
                     This puts them on the card, which is named with --token; paste the link when it asks for it:\n\n\
                     obnova install -{service}\n\n\
                     At another computer than the one where they were ordered add --trust and the file with the issuer's certificate.\n",
                    plain(holder),
                    link = Mail::LINK,
                    service = service_option(*service),
                ),
            ),
            Letter::Revoked { holder, serial, reason, since, before, ordered } => (
                "A certificate of yours was revoked".into(),
                format!(
                    "The certificate with the serial number {}\nof {}\nis not valid any more.\n\n\
                     Since: {}\nReason: {reason}{}\n\n{}\
                     If you did not ask for this, call the issuer.\n",
                    crate::transaction::to_hex(serial),
                    plain(holder),
                    date(*since),
                    before.map(|before| format!(" (before: {before})")).unwrap_or_default(),
                    if *reason == RevocationReason::KeyCompromise && *ordered { ORDERED_WITH_KEY } else { "" },
                ),
            ),
            Letter::TurnedDown { holder, serial, lapse } => (
                "Your renewal was turned down".into(),
                format!(
                    "The renewal that was ordered for\n{}\nis turned down: the certificate with the serial number {}\n{}.\n\n\
                     Nothing comes of that order any more. To get new certificates, call the issuer.\n",
                    plain(holder),
                    crate::transaction::to_hex(serial),
                    match lapse {
                        Lapse::Revoked(_) => "was revoked while the order waited",
                        Lapse::Expired(_) => "ended while the order waited",
                    },
                ),
            ),
            Letter::Rejected { holder, reason } => (
                "Your order was turned down".into(),
                format!(
                    "The certificates that were ordered for\n{}\nare not issued.\n\nReason: {}\n\n\
                     Nothing comes of that order any more. What you have is as valid as before. If you do not see why, call the issuer.\n",
                    plain(holder),
                    plain(reason),
                ),
            ),
            Letter::RevocationPassword { holder, serial, before, by_holder, at } => {
                let subject =
                    if *before { "Your revocation password was replaced" } else { "Your revocation password" };
                let what = if *before {
                    ("another revocation password", "the one before is worth nothing any more")
                } else {
                    ("a revocation password", "it had none before")
                };
                let end = match (by_holder, before) {
                    (true, _) => {
                        "It was set by who was logged in with the certificate. If that was not you, call the issuer at once: \
                         somebody has your card and its PIN."
                    }
                    (false, false) => {
                        "The issuer hands it over on paper. If you know nothing of this, call the issuer."
                    }
                    (false, true) => {
                        "The issuer hands the new one over on paper. If you did not ask for this, call the issuer."
                    }
                };
                let text = format!(
                    "The certificate with the serial number {}\nof {}\nhas {} since {}; {}.\n\n{end}\n",
                    crate::transaction::to_hex(serial),
                    plain(holder),
                    what.0,
                    date(*at),
                    what.1,
                );
                (subject.into(), text)
            }
            Letter::UserId { holder, user, module, expires } => (
                "Your user id".into(),
                format!(
                    "{}\ncan ask for certificates, with this user id:\n\n{}\n(module {})\n\n\
                     The one-time password that belongs to it is handed over another way. Keep the two apart: who has both gets \
                     certificates in your name. The password can be used until {}.\n\
                     If you know nothing of this, call the issuer.\n",
                    plain(holder),
                    plain(user),
                    plain(module),
                    date(*expires),
                ),
            ),
            Letter::Confirm { name, expires } => (
                "Confirm your e-mail address".into(),
                format!(
                    "{},\n\nthis address was given when a card was applied for. If that was you, confirm it here:\n\n{link}\n\n\
                     The link works once, until {}. If it was not you, do nothing.\n",
                    plain(name),
                    date(*expires),
                    link = Mail::LINK,
                ),
            ),
            Letter::TransportPin { name, expires } => (
                "The transport PIN of your card".into(),
                format!(
                    "{},\n\nyour identity was confirmed. The transport PIN of your card is shown here, once:\n\n{link}\n\n\
                     Have paper and pen ready before you ask for it; the link works until {}.\n\
                     The page shows it to one person only. If it says that it was shown already and that was not you, call the issuer.\n",
                    plain(name),
                    date(*expires),
                    link = Mail::LINK,
                ),
            ),
        };
        Text { subject, body }
    }
}

/// What a key that others may have had does not take with it.
const ORDERED_WITH_KEY: &str = "What was ordered with its key and has another one, as by a renewal, is still valid, or waits: whoever had the key may have \
     ordered too. Ask the issuer which certificates those are, and have the ones revoked that are not yours.\n\n";

/// Names come from outside: none of them is taken for the place of the link, or breaks a line.
fn plain(text: &str) -> String {
    text.chars()
        .map(|char| if super::breaks(char) { ' ' } else { char })
        .collect::<String>()
        .replace(Mail::LINK, "link")
}

fn date(time: SystemTime) -> String {
    DateTime::from_system_time(time)
        .map_or_else(|_| "?".into(), |date| date.to_string().replace('T', " ").replace('Z', " UTC"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MailKind, Profile};

    #[test]
    fn each_letter_has_words_that_can_be_mailed_and_one_link_where_it_has_one() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let name = "Eva {link}\r\nBcc: all@example.cz";
        let set = |before, by_holder| Letter::RevocationPassword {
            holder: name,
            serial: &[1, 0xab],
            before,
            by_holder,
            at: time,
        };
        let letters = [
            (Letter::Notice { holder: name, ends: time, all: true, days: 21 }, 1),
            (Letter::Notice { holder: name, ends: time, all: false, days: 21 }, 1),
            (Letter::PickUp { holder: name, service: None }, 1),
            (Letter::PickUp { holder: name, service: Some("partner") }, 1),
            (
                Letter::Revoked {
                    holder: name,
                    serial: &[1, 0xab],
                    reason: RevocationReason::Superseded,
                    since: time,
                    before: None,
                    ordered: true,
                },
                0,
            ),
            (Letter::TurnedDown { holder: name, serial: &[1, 0xab], lapse: Lapse::Revoked(Profile::Signature) }, 0),
            (Letter::TurnedDown { holder: name, serial: &[1, 0xab], lapse: Lapse::Expired(Profile::Signature) }, 0),
            (Letter::Rejected { holder: name, reason: name }, 0),
            (set(true, false), 0),
            (set(false, false), 0),
            (set(true, true), 0),
            (set(false, true), 0),
            (Letter::UserId { holder: name, user: "eva", module: "main", expires: time }, 0),
            (Letter::Confirm { name, expires: time }, 1),
            (Letter::TransportPin { name, expires: time }, 1),
        ];
        for (letter, links) in letters {
            let text = English.compose(&letter);
            assert_eq!(text.body.matches(Mail::LINK).count(), links, "{text:?}");
            assert!(text.body.contains("Eva ") && !text.body.contains('\r'), "{text:?}");
            Mail::new("a", MailKind::Notice, "a@example.cz".parse().unwrap(), text).unwrap();
        }
        let revoked = |reason, before, ordered| {
            let letter = Letter::Revoked { holder: name, serial: &[1, 0xab], reason, since: time, before, ordered };
            English.compose(&letter).body
        };
        let of_others = "have the ones revoked that are not yours";
        for before in [None, Some(RevocationReason::Superseded)] {
            assert!(revoked(RevocationReason::KeyCompromise, before, true).contains(of_others));
            assert!(!revoked(RevocationReason::KeyCompromise, before, false).contains("ordered"));
        }
        assert!(!revoked(RevocationReason::Superseded, None, true).contains(of_others));
        let command = |service| {
            let text = English.compose(&Letter::PickUp { holder: name, service });
            text.body.lines().find(|line| line.starts_with("obnova install")).unwrap().to_owned()
        };
        assert_eq!(command(None), "obnova install -");
        assert_eq!(command(Some("partner")), "obnova install - --service partner");
        assert_eq!(command(Some("guild")), "obnova install - --policy guild.toml");
        let subject = |all, days| English.compose(&Letter::Notice { holder: name, ends: time, all, days }).subject;
        assert_eq!(subject(true, 1), "Your certificates end in 1 day");
        assert_eq!(subject(true, 7), "Your certificates end in 7 days");
        assert_eq!(subject(false, 1), "The first of your certificates ends in 1 day");
        assert_eq!(subject(false, 7), "The first of your certificates ends in 7 days");
        assert_eq!(date(time), "2027-01-15 08:00:00 UTC");
    }
}

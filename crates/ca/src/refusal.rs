use std::time::SystemTime;

use der::DateTime;
use obnova_algorithm::KeyAlgorithm;
use obnova_enroll::cmc::PasswordError;
use obnova_pkcs10::{ParseError, Rejected};

use crate::{Lapse, Profile, Transaction};

/// Why the CA turned a client down: a rule, by its name, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// An order asks for all certificates of the service: of two both, never one.
    #[error(
        "the order has {count} requests, certificates of this service are ordered {wanted} at a time: ask for all of them in one order, and for nothing else"
    )]
    RequestCount {
        /// How many there are.
        count: usize,
        /// How many there should be.
        wanted: usize,
    },
    /// A request is for a certificate that this service does not have.
    #[error("this service issues no {0} certificate: ask for what it has, and nothing else")]
    NotOfThisService(Profile),
    /// A request does not say what it is for, by a keyUsage of one profile.
    #[error(
        "request {position} asks for no certificate that is issued here: ask for keyUsage digitalSignature or nonRepudiation"
    )]
    KeyUsage {
        /// From 1.
        position: usize,
    },
    /// Both requests are for the same profile.
    #[error("both requests are for an {0} certificate: ask for one of each")]
    NotTwins(Profile),
    /// A request is badly formed, or does not prove that its maker has the private key.
    #[error("the request for the {profile} certificate is refused: {reason}")]
    Request {
        /// Of which request.
        profile: Profile,
        /// What is wrong.
        reason: Rejected,
    },
    /// An extension in a request cannot be read.
    #[error("an extension in request {position} cannot be read: {reason}")]
    Extension {
        /// From 1.
        position: usize,
        /// What is wrong.
        reason: ParseError,
    },
    /// Policy does not take this kind of key.
    #[error("a {key} key is not accepted for the {profile} certificate: use one of {accepted}")]
    KeyKind {
        /// Of which request.
        profile: Profile,
        /// Its key.
        key: KeyAlgorithm,
        /// What policy takes.
        accepted: String,
    },
    /// Both requests are for one key.
    #[error("both requests are for the same key: make a key for each")]
    SharedKey,
    /// The key is the old certificate's, and policy demands a new one (re-key).
    #[error("the request for the {0} certificate is for the old key, and this CA demands another one: make a new one")]
    OldKey(Profile),
    /// The key is certified already, or in another order.
    #[error("the key in the request for the {0} certificate is certified already or ordered: make a new one")]
    KeyTaken(Profile),
    /// The key is the old certificate's, and a certificate on it was revoked since others may have the key.
    #[error("the key in the request for the {0} certificate was revoked as compromised: make a new one")]
    KeyCompromised(Profile),
    /// Not both old keys signed, or others did.
    #[error(
        "{count} keys signed the order: the keys of all old certificates sign it, {wanted} of them, and nobody else"
    )]
    SignerCount {
        /// How many did.
        count: usize,
        /// How many should.
        wanted: usize,
    },
    /// A signer's certificate is not one that this CA issued.
    #[error(
        "the certificate of signer {position} was not issued by this CA: sign with its own, or ask the CA that issued it"
    )]
    UnknownSigner {
        /// From 1.
        position: usize,
    },
    /// The signers are not the certificates of one holder, all of them.
    #[error("the signers' certificates are not those of one holder, one of each kind: sign with all of one card")]
    SignersNotAPair,
    /// An old certificate is not valid yet.
    #[error("the old {profile} certificate is not valid before {from}: wait until then")]
    NotYetValid {
        /// Which.
        profile: Profile,
        /// Its begin.
        from: String,
    },
    /// An old certificate has expired: it vouches for nothing any more.
    #[error(
        "the old {profile} certificate expired {at}: a renewal must be asked for before that; ask the CA for a new card"
    )]
    Expired {
        /// Which.
        profile: Profile,
        /// Its end.
        at: String,
    },
    /// An old certificate is revoked or on hold: it vouches for nothing.
    #[error("the old {0} certificate is revoked or on hold: ask the CA")]
    Revoked(Profile),
    /// It is too soon to renew.
    #[error("too early: ask for a renewal from {opens} on")]
    TooEarly {
        /// When the window opens.
        opens: String,
    },
    /// The subject is another than in the old certificate (RFC 7030 §4.2.2).
    #[error(
        "the subject in the request for the {0} certificate is not that of the old one: a renewal changes no data; ask the CA for new certificates where it is another"
    )]
    SubjectChanged(Profile),
    /// The subjectAltName is another than in the old certificate (RFC 7030 §4.2.2).
    #[error(
        "the subjectAltName in the request for the {0} certificate is not that of the old one: a renewal changes no data; ask the CA for new certificates where it is another"
    )]
    NamesChanged(Profile),
    /// Who is at the other end of the TLS connection is not the holder.
    #[error("the TLS client certificate is somebody else's: send the order with your own, or with none")]
    OtherPeer,
    /// The TLS client certificate is not one that this CA issued.
    #[error("the TLS client certificate was not issued by this CA: log in with one of its own")]
    UnknownPeer,
    /// The TLS client certificate has expired.
    #[error("the TLS client certificate expired {at}: renew it, or ask the CA for a new card")]
    PeerExpired {
        /// Its end.
        at: String,
    },
    /// The TLS client certificate is revoked or on hold.
    #[error("the TLS client certificate is revoked or on hold: ask the CA")]
    PeerRevoked,
    /// The TLS client certificate is not valid yet.
    #[error("the TLS client certificate is not valid before {from}: wait until then")]
    PeerNotYetValid {
        /// Its begin.
        from: String,
    },
    /// A signature certificate was used to log in.
    #[error("the TLS client certificate is for signing: log in with the authentication certificate")]
    PeerNotForLogin,
    /// Another message had this name before.
    #[error("another order has this transaction's name: send the order that it had, or choose a new name")]
    TransactionTaken,
    /// These certificates are being replaced, or were.
    #[error(
        "the certificates are renewed by order {0} already, for other keys: go on with that renewal, or use the link that was mailed; if its keys are gone, ask the CA to turn it down or for a new card"
    )]
    AlreadyOrdered(Transaction),
    /// There is no such order, or the token is not its token.
    #[error("nothing can be picked up with this token: check the link")]
    UnknownToken,
    /// The certificates were picked up and their receipt was confirmed.
    #[error("the certificates were picked up and confirmed, and the link is used up: look for them on the card")]
    TokenSpent,
    /// A receipt was confirmed for certificates that were not issued in this order.
    #[error("the receipt does not name the certificates of this order: send one for those")]
    WrongReceipt,
    /// The password proves nothing, or there is nobody of that name. Which of both is not told.
    #[error("the user id and the one-time password do not belong together: look at both again")]
    WrongPassword,
    /// It was guessed wrong too often to be guessed again at once; what is still being looked at counts as wrong.
    #[error("too many guesses of the password came one after the other: it is looked at again from {when} on", when = shown(.until))]
    PasswordSlowed {
        /// From when on.
        until: SystemTime,
    },
    /// It was guessed wrong too often.
    #[error("the password was given wrong too often and is locked: ask the CA for another one")]
    PasswordLocked,
    /// It is too old.
    #[error("the one-time password ended {at}: ask the CA for another one")]
    PasswordExpired {
        /// When.
        at: String,
    },
    /// It was used for another order, or for other keys.
    #[error(
        "the one-time password was used: go on with the order that it was used for, or by the link to its certificates that the CA mails"
    )]
    PasswordUsed,
    /// It is for another module of the service.
    #[error(
        "the one-time password is for another module of the service: order in that one, or ask the CA for another password"
    )]
    OtherModule,
    /// The request belongs to an order that another user id made, or the same one in another module.
    #[error(
        "this very request was ordered by another user id, or in another module, and that order stands: give the user id and a one-time password of that one, or make another key"
    )]
    OtherUser,
    /// A first request is for somebody else than the password.
    #[error(
        "the request for the {0} certificate is for another subject than the one-time password: leave it empty, or ask the CA to correct what it knows"
    )]
    OtherSubject(Profile),
    /// A first request has other names than the CA knows.
    #[error("the subjectAltName in the request for the {0} certificate is not what the CA knows: leave it out")]
    OtherNames(Profile),
    /// Policy demands a revocation password.
    #[error("the order sets no revocation password, and this CA demands one: set one with it")]
    NoRevocationPassword,
    /// The revocation password in it cannot be read.
    #[error("the revocation password cannot be read ({0}): encrypt it for the CA's certificate as it is now")]
    SealedPassword(PasswordError),
    /// The revocation password is too easy to guess.
    #[error("the revocation password is too short: take {least} characters or more")]
    ShortPassword {
        /// The fewest characters.
        least: usize,
    },
    /// Too few different characters.
    #[error("the revocation password is too easy to guess: take {least} different characters or more")]
    PlainPassword {
        /// Different characters.
        least: usize,
    },
    /// There is no revocation password, or another one, or no such certificate. Which of them is not told; but only where there is one, more guesses are
    /// [slowed](Self::PasswordSlowed).
    #[error(
        "the revocation password is wrong, or the certificate has none, or this CA does not know the certificate: look at both again, or call the CA"
    )]
    WrongRevocationPassword,
    /// One is set, and it was not given.
    #[error("the certificate has a revocation password already: give that one too, or have the CA replace it")]
    RevocationPasswordStands,
    /// It was issued at personalisation.
    #[error(
        "the certificate was issued without an order, and has no place for a revocation password: it ends by its own key, or call the CA"
    )]
    NoPlaceForPassword,
    /// This CA does not take such requests.
    #[error("this CA ends certificates only when its operator does: call it")]
    NoRevocation,
    /// The holder of another certificate asks.
    #[error("the certificate is not yours, as far as your keys show: give its revocation password")]
    NotYours,
    /// Policy wants more than the password.
    #[error("the revocation password alone is not enough: log in with your certificate, or call the CA")]
    PasswordAlone,
    /// Policy wants the revocation password from a certificate's own key too.
    #[error("the certificate's own key alone is not enough: give its revocation password too")]
    OwnKeyAlone,
    /// Policy does not take this reason from a holder.
    #[error("this reason is not a holder's to give: give another one")]
    RevocationReason,
    /// There is nothing left to end.
    #[error("the certificate is revoked already, since {}", shown(.since))]
    RevokedAlready {
        /// Since when.
        since: SystemTime,
    },
    /// The operator turned it down.
    #[error("the CA turned the order down: {0}")]
    Rejected(String),
    /// The CA turned it down by itself: what it would replace is over.
    #[error("the order is turned down, for {0}: ask the CA")]
    Lapsed(Lapse),
}

impl Refusal {
    /// The rule's name, for programs and logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::RequestCount { .. } => "request-count",
            Self::KeyUsage { .. } => "key-usage",
            Self::NotOfThisService(_) => "not-of-this-service",
            Self::NotTwins(_) => "not-twins",
            Self::Request { .. } => "request",
            Self::Extension { .. } => "extension",
            Self::KeyKind { .. } => "key-kind",
            Self::SharedKey => "shared-key",
            Self::OldKey(_) => "old-key",
            Self::KeyTaken(_) => "key-taken",
            Self::KeyCompromised(_) => "key-compromised",
            Self::SignerCount { .. } => "signer-count",
            Self::UnknownSigner { .. } => "unknown-signer",
            Self::SignersNotAPair => "signers-not-a-pair",
            Self::NotYetValid { .. } => "not-yet-valid",
            Self::Expired { .. } => "expired",
            Self::Revoked(_) => "revoked",
            Self::TooEarly { .. } => "too-early",
            Self::SubjectChanged(_) => "subject-changed",
            Self::NamesChanged(_) => "names-changed",
            Self::OtherPeer => "other-peer",
            Self::UnknownPeer => "unknown-peer",
            Self::PeerExpired { .. } => "peer-expired",
            Self::PeerRevoked => "peer-revoked",
            Self::PeerNotYetValid { .. } => "peer-not-yet-valid",
            Self::PeerNotForLogin => "peer-not-for-login",
            Self::TransactionTaken => "transaction-taken",
            Self::AlreadyOrdered(_) => "already-ordered",
            Self::UnknownToken => "unknown-token",
            Self::TokenSpent => "token-spent",
            Self::WrongReceipt => "wrong-receipt",
            Self::WrongPassword => "wrong-password",
            Self::PasswordSlowed { .. } => "password-slowed",
            Self::PasswordLocked => "password-locked",
            Self::PasswordExpired { .. } => "password-expired",
            Self::PasswordUsed => "password-used",
            Self::OtherModule => "other-module",
            Self::OtherUser => "other-user",
            Self::OtherSubject(_) => "other-subject",
            Self::OtherNames(_) => "other-names",
            Self::NoRevocationPassword => "no-revocation-password",
            Self::SealedPassword(_) => "sealed-password",
            Self::ShortPassword { .. } => "short-password",
            Self::PlainPassword { .. } => "plain-password",
            Self::WrongRevocationPassword => "wrong-revocation-password",
            Self::RevocationPasswordStands => "revocation-password-stands",
            Self::NoPlaceForPassword => "no-place-for-password",
            Self::NoRevocation => "no-revocation",
            Self::NotYours => "not-yours",
            Self::PasswordAlone => "password-alone",
            Self::OwnKeyAlone => "own-key-alone",
            Self::RevocationReason => "revocation-reason",
            Self::RevokedAlready { .. } => "revoked-already",
            Self::Rejected(_) => "rejected",
            Self::Lapsed(lapse) => lapse.name(),
        }
    }
}

/// A moment, for people.
pub(crate) fn shown(moment: &SystemTime) -> String {
    DateTime::from_system_time(*moment).map_or_else(|_| "later".into(), |date| date.to_string())
}

#[cfg(test)]
mod tests {
    use obnova_algorithm::KeyAlgorithm;

    use super::*;

    /// Clients show these words to their holders, whatever was asked for, and advise to do as they say.
    #[test]
    fn each_refusal_says_what_to_do() {
        let (profile, now) = (Profile::Signature, SystemTime::UNIX_EPOCH);
        let at = || "2027-01-15T08:00:00Z".to_owned();
        let refusals = [
            Refusal::RequestCount { count: 1, wanted: 2 },
            Refusal::NotOfThisService(profile),
            Refusal::KeyUsage { position: 1 },
            Refusal::NotTwins(profile),
            Refusal::KeyKind { profile, key: KeyAlgorithm::Rsa2048, accepted: "p-256".into() },
            Refusal::SharedKey,
            Refusal::OldKey(profile),
            Refusal::KeyTaken(profile),
            Refusal::KeyCompromised(profile),
            Refusal::SignerCount { count: 1, wanted: 2 },
            Refusal::UnknownSigner { position: 1 },
            Refusal::SignersNotAPair,
            Refusal::NotYetValid { profile, from: at() },
            Refusal::Expired { profile, at: at() },
            Refusal::Revoked(profile),
            Refusal::TooEarly { opens: at() },
            Refusal::SubjectChanged(profile),
            Refusal::NamesChanged(profile),
            Refusal::OtherPeer,
            Refusal::UnknownPeer,
            Refusal::PeerExpired { at: at() },
            Refusal::PeerRevoked,
            Refusal::PeerNotYetValid { from: at() },
            Refusal::PeerNotForLogin,
            Refusal::TransactionTaken,
            Refusal::AlreadyOrdered(Transaction::new(&[1]).unwrap()),
            Refusal::UnknownToken,
            Refusal::TokenSpent,
            Refusal::WrongReceipt,
            Refusal::WrongPassword,
            Refusal::PasswordSlowed { until: now },
            Refusal::PasswordLocked,
            Refusal::PasswordExpired { at: at() },
            Refusal::PasswordUsed,
            Refusal::OtherModule,
            Refusal::OtherUser,
            Refusal::OtherSubject(profile),
            Refusal::OtherNames(profile),
            Refusal::NoRevocationPassword,
            Refusal::SealedPassword(PasswordError::NoPassphrase),
            Refusal::ShortPassword { least: 8 },
            Refusal::PlainPassword { least: 5 },
            Refusal::WrongRevocationPassword,
            Refusal::RevocationPasswordStands,
            Refusal::NoPlaceForPassword,
            Refusal::NoRevocation,
            Refusal::NotYours,
            Refusal::PasswordAlone,
            Refusal::OwnKeyAlone,
            Refusal::RevocationReason,
            Refusal::Lapsed(Lapse::Revoked(profile)),
        ];
        let steps = [
            "ask",
            "call",
            "check",
            "encrypt",
            "give",
            "go on",
            "leave",
            "log in",
            "look",
            "make",
            "order",
            "renew",
            "send",
            "set",
            "sign",
            "take",
            "use",
            "wait",
            "have",
            "it is looked at again",
        ];
        for refusal in refusals {
            let (text, name) = (refusal.to_string(), refusal.name());
            let (_, advice) = text.split_once(": ").unwrap_or_else(|| panic!("{name}: {text}"));
            let says = |step: &&str| advice.starts_with(step) || advice.contains(&format!(" {step}"));
            assert!(steps.iter().any(says), "{name}: {text}");
        }
    }
}

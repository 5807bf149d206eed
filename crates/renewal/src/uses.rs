use std::fmt;

use obnova_card::{KeyRole, PasswordKind};
use serde::{Deserialize, Serialize};

use crate::wire;

/// A part of the renewal for which a password is asked once: the uses it covers are named in the prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// To put new keys on the card.
    NewKeys,
    /// To sign and send the requests, for which the keys of the old certificates vouch.
    Requests,
    /// To put the certificates on the card and prove them.
    Finish,
}

impl Phase {
    /// All of them, in order.
    pub const ALL: [Self; 3] = [Self::NewKeys, Self::Requests, Self::Finish];

    /// Message id of the reason, for translations.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::NewKeys => "phase-new-keys",
            Self::Requests => "phase-requests",
            Self::Finish => "phase-finish",
        }
    }
}

/// One thing that a password is sent to the card for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PinUse {
    /// Make a key pair.
    MakeKey(#[serde(with = "wire::role")] KeyRole),
    /// Sign the request with its key, which proves its possession.
    SignRequest(#[serde(with = "wire::role")] KeyRole),
    /// Sign the requests with the key of the old certificate, which vouches for what is requested.
    Vouch(#[serde(with = "wire::role")] KeyRole),
    /// Sign an order that no old key vouches for with a key that it is about.
    SignOrder(#[serde(with = "wire::role")] KeyRole),
    /// Write the certificates.
    Install,
    /// Log in with the new authentication certificate.
    Login,
    /// Make a test signature with the key of the new signature certificate.
    TestSignature,
    /// See what interruptions left that the token hides; never part of a renewal.
    SeeLeftOvers,
    /// Remove what was picked; never part of a renewal.
    Remove,
    /// Repair the card's list of what it holds; never part of a renewal.
    Repair,
    /// Sign that a certificate is to end; never part of a renewal.
    Revoke,
    /// Sign that the new certificates are on the card; never part of a renewal, where the CA knows who asks.
    Receipt,
    /// Log in to set the revocation password; never part of a renewal.
    SetPassword,
}

impl PinUse {
    /// The part of the renewal it belongs to, if it belongs to one.
    #[must_use]
    pub const fn phase(self) -> Option<Phase> {
        match self {
            Self::MakeKey(_) => Some(Phase::NewKeys),
            Self::SignRequest(_) | Self::Vouch(_) | Self::SignOrder(_) => Some(Phase::Requests),
            Self::Install | Self::Login | Self::TestSignature => Some(Phase::Finish),
            Self::SeeLeftOvers | Self::Remove | Self::Repair | Self::Revoke | Self::Receipt | Self::SetPassword => None,
        }
    }

    /// Whether a signature is made.
    #[must_use]
    pub const fn is_signature(self) -> bool {
        !matches!(self, Self::MakeKey(_) | Self::Install | Self::SeeLeftOvers | Self::Remove | Self::Repair)
    }

    /// Message id, for translations.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::MakeKey(KeyRole::Authentication) => "use-make-authentication-key",
            Self::MakeKey(KeyRole::Signature) => "use-make-signature-key",
            Self::SignRequest(KeyRole::Authentication) => "use-sign-authentication-request",
            Self::SignRequest(KeyRole::Signature) => "use-sign-signature-request",
            Self::Vouch(KeyRole::Authentication) => "use-vouch-authentication",
            Self::Vouch(KeyRole::Signature) => "use-vouch-signature",
            Self::SignOrder(KeyRole::Authentication) => "use-sign-order-authentication",
            Self::SignOrder(KeyRole::Signature) => "use-sign-order-signature",
            Self::Install => "use-install",
            Self::Login => "use-login",
            Self::TestSignature => "use-test-signature",
            Self::SeeLeftOvers => "use-see-left-overs",
            Self::Remove => "use-remove",
            Self::Repair => "use-repair",
            Self::Revoke => "use-revoke",
            Self::Receipt => "use-receipt",
            Self::SetPassword => "use-set-password",
        }
    }
}

impl fmt::Display for PinUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MakeKey(role) => write!(f, "make the new {role} key"),
            Self::SignRequest(role) => write!(f, "sign the request for the new {role} certificate"),
            Self::Vouch(role) => write!(f, "vouch for what is requested with the key of the old {role} certificate"),
            Self::SignOrder(role) => write!(f, "sign the order with the {role} key"),
            Self::Install => f.write_str("put the new certificates on the card"),
            Self::Login => f.write_str("log in with the new authentication certificate"),
            Self::TestSignature => f.write_str("make a test signature with the key of the new signature certificate"),
            Self::SeeLeftOvers => f.write_str("see what interruptions left, which the token hides"),
            Self::Remove => f.write_str("remove what you picked from the card"),
            Self::Repair => f.write_str("repair the card's list of what it holds"),
            Self::Revoke => f.write_str("sign that the certificate is to end"),
            Self::Receipt => f.write_str("sign that the new certificates are on the card"),
            Self::SetPassword => f.write_str("log in, to set the revocation password"),
        }
    }
}

/// A password that will be asked for, once, for the uses that are named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// In which part of the renewal.
    pub phase: Phase,
    /// Which password.
    #[serde(with = "wire::password")]
    pub password: PasswordKind,
    /// What for, in order; the card is sent the password once for each.
    pub uses: Vec<PinUse>,
}

//! What passes between a process and a CA, whatever protocol carries it: N requests that stand or fall together.

use std::{fmt, time::Duration};

use obnova_algorithm::{DigestValue, SignatureAlgorithm};
use obnova_card::KeyRole;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{ParsedCertificate, wire};

/// What a CA says before anything is asked of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Certificates that the holder's house trusts: an issued certificate must lead up to one of them.
    pub anchors: Vec<ParsedCertificate>,
    /// Certificates that may lie between.
    pub intermediates: Vec<ParsedCertificate>,
    /// Who vouches for the new keys.
    pub vouching: Vouching,
}

impl Terms {
    /// Every certificate by which the CA may have issued what is on a card: those of before its last change of keys are among them where it
    /// hands them out (RFC 7030 §4.1.3). For [`Plan::make_for`](crate::Plan::make_for).
    #[must_use]
    pub fn issuers(&self) -> Vec<ParsedCertificate> {
        [self.anchors.as_slice(), &self.intermediates].concat()
    }
}

/// Who vouches for new keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Vouching {
    /// The old keys sign the order.
    OldKeys,
    /// The old authentication key signs nothing in the order, but the TLS handshake that it is sent over, and each one over
    /// which is asked what came of it. It is nobody's in a first order.
    Login,
    /// The CA knows the holder in another way (a session of its own, a one-time password).
    Elsewhere,
}

/// Requests that stand or fall together, and who can vouch for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The requests; the first is for authentication.
    pub requests: Vec<OrderedRequest>,
    /// The old keys that can sign; empty where they are gone or not wanted, and where nothing is renewed.
    pub vouchers: Vec<Voucher>,
}

impl Order {
    /// The request for the key of this role.
    #[must_use]
    pub fn request(&self, role: KeyRole) -> Option<&OrderedRequest> {
        self.requests.iter().find(|request| request.role == role)
    }

    /// The old key of this role, if it can vouch.
    #[must_use]
    pub fn voucher(&self, role: KeyRole) -> Option<&Voucher> {
        self.vouchers.iter().find(|voucher| voucher.role == role)
    }
}

/// One PKCS#10 request of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderedRequest {
    /// What its key is for.
    pub role: KeyRole,
    /// The request, DER.
    pub der: Vec<u8>,
}

/// An old key that can sign for new ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voucher {
    /// Which of the pair.
    pub role: KeyRole,
    /// Its certificate.
    pub certificate: ParsedCertificate,
    /// How the card signs with it, the preferred way first; never empty.
    pub algorithms: Vec<SignatureAlgorithm>,
}

/// An order made ready by a [`CA connection`](https://docs.rs/obnova-client): what is to be signed now.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prepared {
    /// What the connection needs to put the signatures in their place. Opaque here; no secret may be in it.
    #[serde(with = "wire::bytes")]
    pub context: Vec<u8>,
    /// What is to be signed; empty where nobody has to.
    pub to_sign: Vec<ToSign>,
}

/// One signature that a CA wants on an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToSign {
    /// Whose signature: that of the old key of this role. An order that renews nothing has no old keys; there it is that of
    /// the key which it is about.
    #[serde(with = "wire::role")]
    pub voucher: KeyRole,
    /// How; one of the voucher's algorithms.
    #[serde(with = "wire::signature_algorithm")]
    pub algorithm: SignatureAlgorithm,
    /// Over what.
    #[serde(with = "wire::digest_value")]
    pub digest: DigestValue,
}

/// An order as it goes to the CA, written down before it is sent. Sending it twice has the effect of sending it once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Message(#[serde(with = "wire::bytes")] pub Vec<u8>);

/// What fetches a certificate later, with neither card nor PIN: a token, a link, an order number.
///
/// Whoever has it can fetch, so it is never shown, compared in constant time, and wiped when dropped.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PickUp(#[serde(with = "wire::bytes")] pub Vec<u8>);

/// What tells the CA that everything arrived and was found good. What fetched it may be in it, so it is kept as that is.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Receipt(#[serde(with = "wire::bytes")] pub Vec<u8>);

/// What a CA answers to an order or a pick-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Certificates, in any order, DER; those of the issuers may be among them.
    Issued {
        /// The certificates.
        certificates: Vec<Vec<u8>>,
        /// To be sent back when they were found good, where the CA wants that.
        receipt: Option<Receipt>,
    },
    /// The order was accepted and will be carried out later.
    Pending {
        /// One for the whole order, or one for each request. In an answer to a pick-up: what takes its place, or nothing.
        pick_ups: Vec<PickUp>,
        /// How long to wait at least before asking.
        retry_after: Duration,
    },
    /// The CA will not.
    Refused {
        /// Its reason, as a name of its protocol ("badRequest").
        reason: String,
        /// What it says to people; shown as it is, without control characters.
        text: String,
    },
}

/// Shows how long it is and nothing else.
macro_rules! opaque {
    ($($kind:ident.$field:tt),+) => {$(
        impl fmt::Debug for $kind {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($kind), "({} bytes)"), self.$field.len())
            }
        }
    )+};
}

opaque!(Message.0, PickUp.0, Receipt.0);

/// Wiped, and compared in constant time.
macro_rules! secret {
    ($($kind:ident),+) => {$(
        impl Drop for $kind {
            fn drop(&mut self) {
                self.0.zeroize();
            }
        }

        impl ZeroizeOnDrop for $kind {}

        impl PartialEq for $kind {
            fn eq(&self, other: &Self) -> bool {
                self.0.ct_eq(&other.0).into()
            }
        }

        impl Eq for $kind {}
    )+};
}

secret!(PickUp, Receipt);

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prepared({} bytes, {:?})", self.context.len(), self.to_sign)
    }
}

#[cfg(test)]
mod tests {
    use static_assertions::{assert_impl_all, assert_not_impl_any};

    use super::*;

    assert_impl_all!(PickUp: ZeroizeOnDrop);
    assert_impl_all!(Receipt: ZeroizeOnDrop);
    assert_not_impl_any!(PickUp: fmt::Display, std::hash::Hash);
    assert_not_impl_any!(Receipt: fmt::Display, std::hash::Hash);

    #[test]
    fn what_fetches_is_its_bytes_and_does_not_show_them() {
        let (pick_up, receipt) = (|bytes: &str| PickUp(bytes.into()), |bytes: &str| Receipt(bytes.into()));
        assert!(pick_up("planted") == pick_up("planted") && receipt("planted") == receipt("planted"));
        for other in ["plante", "Planted", "planted2", ""] {
            assert!(pick_up("planted") != pick_up(other) && receipt("planted") != receipt(other), "{other}");
        }
        let shown = format!("{:?} {:?}", pick_up("planted"), receipt("planted"));
        assert_eq!(shown, "PickUp(7 bytes) Receipt(7 bytes)");
    }
}

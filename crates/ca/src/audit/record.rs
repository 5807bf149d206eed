use std::time::SystemTime;

use sha2::{Digest, Sha256};

/// A hash of the chain.
pub(crate) type AuditHash = [u8; 32];

/// One record of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// From 1, without a gap.
    pub number: i64,
    /// When it was written, by the clock of the machine, in whole seconds.
    pub at: SystemTime,
    /// What happened: the name of an [`AuditEvent`].
    pub event: String,
    /// To what: the order or the serial number in hexadecimal digits, the number of the CRL; empty when it is the CA itself.
    pub about: String,
    /// What else there is to know: serial numbers, the name of a rule, a reason.
    pub detail: String,
    /// Who did it: the user of the process, or `client` when it came through the protocol.
    pub actor: String,
    /// SHA-256 over the hash of the record before and this one.
    pub hash: [u8; 32],
}

/// Where the log ends: the number of the last record and its hash. Whoever keeps it elsewhere can tell later whether the log was
/// written anew, even by somebody who has the CA's keys. Written as `57:9f86d081...`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditHead {
    /// Of the last record.
    pub number: i64,
    /// Its hash.
    pub hash: [u8; 32],
}

/// What can happen. The log is data: names do not change their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditEvent {
    /// An order was kept, and waits for an operator.
    OrderPending,
    /// An order's certificates were issued; the detail has their serial numbers.
    OrderIssued,
    /// A message was taken for the repeat of an order, which the detail names.
    OrderRepeated,
    /// An operator turned an order down; or the CA itself, since what it would replace was revoked or expired: the detail says so then.
    OrderRejected,
    /// The client has its certificates.
    OrderConfirmed,
    /// Certificates were issued without an order, for a new card; the detail has their serial numbers.
    FirstPair,
    /// A certificate was revoked; the detail has the reason.
    Revoked,
    /// A certificate of this CA that its database did not have, as after a restore, was taken in again: what follows says for what.
    TakenIn,
    /// A certificate was put on hold.
    Held,
    /// A certificate was taken off hold.
    Released,
    /// A CRL with this number was made.
    CrlMade,
    /// A server began to serve: with this policy, this key and this version of the program.
    Started,
    /// A server ended as it should.
    Stopped,
    /// An operator had a pick-up link shown.
    LinkShown,
    /// Who may ask for first certificates was taken down, whom the record names by a number; the detail says whether other data of
    /// the same user stood there.
    Entered,
    /// A one-time password was issued, which the record names by a number of its own.
    PasswordIssued,
    /// An operator ended a one-time password.
    PasswordEnded,
    /// A one-time password was used; the detail has the order.
    PasswordUsed,
    /// A one-time password was given wrong too often: the last guess that was left was wrong.
    PasswordLocked,
    /// A one-time password was given wrong so often that the next guess waits; the detail has how often. There is a record of the
    /// first such guess, and each time there were twice as many: nobody fills the log.
    PasswordSlowed,
    /// A revocation password was given wrong so often that the next guess waits, as [`PasswordSlowed`](Self::PasswordSlowed).
    RevocationSlowed,
    /// An operator replaced the revocation password of a certificate, of those that were issued with it, and of those
    /// that renew them; the detail says where there was none.
    RevocationPasswordReplaced,
    /// A holder who was logged in set the revocation password of a certificate, of those that were issued with it, and of those that
    /// renew them; the detail says where there was none.
    RevocationPasswordSet,
    /// A backup was made; the detail has the hash of its list of files.
    BackedUp,
    /// The CA was brought back from a backup; the detail says from which, and what was made sure of.
    Restored,
    /// A step was taken for an applicant; the detail says which.
    Applicant,
    /// What was kept long enough was deleted; the detail says how much.
    Forgotten,
}

impl AuditEvent {
    /// Its name in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OrderPending => "order-pending",
            Self::OrderIssued => "order-issued",
            Self::OrderRepeated => "order-repeated",
            Self::OrderRejected => "order-rejected",
            Self::OrderConfirmed => "order-confirmed",
            Self::FirstPair => "first-pair",
            Self::Revoked => "revoked",
            Self::TakenIn => "taken-in",
            Self::Held => "held",
            Self::Released => "released",
            Self::CrlMade => "crl-made",
            Self::Started => "started",
            Self::Stopped => "stopped",
            Self::LinkShown => "link-shown",
            Self::Entered => "entered",
            Self::PasswordIssued => "password-issued",
            Self::PasswordEnded => "password-ended",
            Self::PasswordUsed => "password-used",
            Self::PasswordLocked => "password-locked",
            Self::PasswordSlowed => "password-slowed",
            Self::RevocationSlowed => "revocation-slowed",
            Self::RevocationPasswordReplaced => "revocation-password-replaced",
            Self::RevocationPasswordSet => "revocation-password-set",
            Self::BackedUp => "backed-up",
            Self::Restored => "restored",
            Self::Applicant => "applicant",
            Self::Forgotten => "forgotten",
        }
    }
}

/// What is to be written.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub event: AuditEvent,
    pub about: &'a str,
    pub detail: &'a str,
    pub actor: &'a str,
}

impl Entry<'_> {
    /// Whoever sends orders through the protocol: the order itself says who that is.
    pub const CLIENT: &'static str = "client";
    /// Whoever logged in with the certificate that the record is about.
    pub const HOLDER: &'static str = "holder, logged in";
}

impl AuditHead {
    /// Before the first record.
    pub(crate) const NONE: Self = Self { number: 0, hash: [0; 32] };
}

impl std::fmt::Display for AuditHead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.number, crate::transaction::to_hex(&self.hash))
    }
}

impl std::str::FromStr for AuditHead {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (number, hash) = text.split_once(':')?;
            let hash = crate::transaction::from_hex(hash, 32)?.try_into().ok()?;
            Some(Self { number: number.parse().ok().filter(|number| *number >= 0)?, hash })
        };
        read().ok_or_else(|| "a head is NUMBER:HASH, as `audit verify` prints it".into())
    }
}

/// The hash of a record: over the one before it, and over every field behind its length, so that no two records are the same
/// bytes.
pub(crate) fn hash(before: &AuditHead, at: i64, fields: [&str; 4]) -> AuditHash {
    let mut hash = Sha256::new();
    hash.update(b"obnova audit record 1");
    hash.update(before.hash);
    hash.update(before.number.wrapping_add(1).to_be_bytes());
    hash.update(at.to_be_bytes());
    for field in fields {
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_can_be_moved_from_one_field_to_another() {
        let head = AuditHead { number: 4, hash: [7; 32] };
        let all = [
            hash(&head, 1, ["revoked", "ab", "c", "client"]),
            hash(&head, 1, ["revoked", "a", "bc", "client"]),
            hash(&head, 2, ["revoked", "ab", "c", "client"]),
            hash(&AuditHead { number: 5, ..head }, 1, ["revoked", "ab", "c", "client"]),
            hash(&AuditHead { hash: [8; 32], ..head }, 1, ["revoked", "ab", "c", "client"]),
        ];
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
    }

    #[test]
    fn a_head_survives_being_shown() {
        let head = AuditHead { number: 57, hash: [0xa5; 32] };
        assert_eq!(head.to_string().parse(), Ok(head));
        for bad in ["", "57", "57:", "57:00", "-1:".to_owned().as_str(), &format!("x:{}", "00".repeat(32))] {
            assert!(bad.parse::<AuditHead>().is_err(), "{bad}");
        }
        assert!(format!("57:{}", "00".repeat(33)).parse::<AuditHead>().is_err());
    }
}

//! Where a CA remembers: orders and certificates.

mod observer;
mod password_verifier;
mod sqlite;
mod writer;

use std::time::SystemTime;

pub use observer::WriteObserver;
pub use password_verifier::PasswordVerifier;
pub use sqlite::{
    ApplicantRecord, Copied, CredentialRecord, Forgotten, GoneOn, KeptLink, KeptStatus, LinkUse, MailRecord, MailState,
    NewCredential, NoGuess, NoticePosted, PageAfter, Posted, QueuedLink, QueuedMail, Retried, RevocationRecord,
    SqliteStore, StatusChange, StepRecord, SubjectRecord,
};
pub(crate) use sqlite::{By, Effect, StepNote};
pub(crate) use sqlite::{
    Guess, Guesser, Letters, Limits, NewSubject, Price, ReplacedMails, RevocationGuess, SetPassword, Writ,
};

use crate::{KeyHash, Lapse, Mail, Profile, Transaction};

/// Is called with what became of a change, once it is on disk, by whichever thread. Dropped when the store has stopped.
pub type Then<T> = Box<dyn FnOnce(Result<T, StoreError>) + Send>;

/// Where a CA remembers orders and certificates. Whatever it says it kept is on disk before it says so.
///
/// Every method is one transaction: all of it happens, or nothing. Callers may be many threads and many processes.
pub trait Store: Send + Sync {
    /// Keeps a new order, together with its certificates when there are any already; or says why not. One that asks for what
    /// an order asks for that stands already, by the same certificates and for the very same keys, is kept as a repeat of it.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was kept.
    fn submit(&self, order: NewOrder) -> Result<Submission, StoreError>;

    /// Like [`submit`](Self::submit), for a caller that does not wait for the disk.
    fn submit_then(&self, order: NewOrder, then: Then<Submission>) {
        then(self.submit(order));
    }

    /// Gives a pending order its certificates, unless one that it replaces is on hold, or was revoked and the order not turned down
    /// yet: then it goes on waiting. An order that is decided stays as it is: look at what comes back.
    ///
    /// # Errors
    /// [`StoreError::NoSuchOrder`]; [`StoreError::Revoked`]; [`StoreError`]: nothing was kept.
    fn issue(
        &self,
        transaction: &Transaction,
        certificates: Vec<CertificateRecord>,
        now: SystemTime,
    ) -> Result<OrderRecord, StoreError>;

    /// Like [`issue`](Self::issue), and has a mail sent that says so: both are kept, or neither. A store without an outbox sends none.
    ///
    /// # Errors
    /// As [`issue`](Self::issue).
    fn issue_and_tell(
        &self,
        transaction: &Transaction,
        certificates: Vec<CertificateRecord>,
        mail: Option<Mail>,
        now: SystemTime,
    ) -> Result<OrderRecord, StoreError> {
        drop(mail);
        self.issue(transaction, certificates, now)
    }

    /// Turns a pending order down and frees its keys. An order that is decided stays as it is.
    ///
    /// # Errors
    /// [`StoreError::NoSuchOrder`]; [`StoreError`]: nothing was kept.
    fn reject(&self, transaction: &Transaction, reason: &str, now: SystemTime) -> Result<OrderRecord, StoreError>;

    /// Like [`reject`](Self::reject), and has a mail sent that says so: both are kept, or neither. A store without an outbox sends none.
    ///
    /// # Errors
    /// As [`reject`](Self::reject).
    fn reject_and_tell(
        &self,
        transaction: &Transaction,
        reason: &str,
        mail: Option<Mail>,
        now: SystemTime,
    ) -> Result<OrderRecord, StoreError> {
        drop(mail);
        self.reject(transaction, reason, now)
    }

    /// Notes that the client has its certificates: the pick-up token is dead from here on, and so is the message of this
    /// name. Harmless when repeated.
    ///
    /// # Errors
    /// As [`reject`](Self::reject).
    fn confirm(&self, transaction: &Transaction, now: SystemTime) -> Result<OrderRecord, StoreError>;

    /// Like [`confirm`](Self::confirm), for a caller that does not wait for the disk, and only wants to know what the order is now.
    fn confirm_then(&self, transaction: &Transaction, now: SystemTime, then: Then<OrderState>) {
        then(self.confirm(transaction, now).map(|order| order.state));
    }

    /// Keeps certificates that were issued without an order, at personalisation.
    ///
    /// # Errors
    /// [`StoreError::KeyTaken`] when one of the keys is certified already; [`StoreError`]: nothing was kept.
    fn add(&self, certificates: Vec<CertificateRecord>) -> Result<(), StoreError>;

    /// An order by its name, or by that of one of its repeats.
    ///
    /// # Errors
    /// [`StoreError`].
    fn order(&self, transaction: &Transaction) -> Result<Option<OrderRecord>, StoreError>;

    /// A message that was taken for the repeat of an order, by its name.
    ///
    /// # Errors
    /// [`StoreError`].
    fn repeat(&self, name: &Transaction) -> Result<Option<Repeat>, StoreError>;

    /// An order by the SHA-256 of its pick-up token.
    ///
    /// # Errors
    /// [`StoreError`].
    fn order_by_token(&self, token_hash: &[u8; 32]) -> Result<Option<OrderRecord>, StoreError>;

    /// The order that a certificate was issued by, by the content of its serial number; none for one that was issued without.
    ///
    /// # Errors
    /// [`StoreError`].
    fn order_of_certificate(&self, serial: &[u8]) -> Result<Option<OrderRecord>, StoreError>;

    /// Orders, the newest first, at most `limit`, of one state or of all.
    ///
    /// # Errors
    /// [`StoreError`].
    fn orders(&self, state: Option<OrderState>, limit: u32) -> Result<Vec<OrderRecord>, StoreError>;

    /// A certificate by the content of its serial number.
    ///
    /// # Errors
    /// [`StoreError`].
    fn certificate(&self, serial: &[u8]) -> Result<Option<CertificateRecord>, StoreError>;

    /// Certificates that end from `from` on and before `until`, the first to end first, at most `limit`; those that an order,
    /// open or issued, replaces are left out. Those that are revoked are not: of a pair it matters that the other one is.
    ///
    /// # Errors
    /// [`StoreError`].
    fn ending(&self, from: SystemTime, until: SystemTime, limit: u32) -> Result<Vec<CertificateRecord>, StoreError>;

    /// The certificates that were issued together, of which this is one, by the content of its serial number: by one order, or to be
    /// [added](Self::add) at a personalisation. By itself this finds those of an order only; whose store keeps more has to find the others.
    ///
    /// # Errors
    /// [`StoreError`].
    fn issued_together(&self, serial: &[u8]) -> Result<Vec<CertificateRecord>, StoreError> {
        Ok(self.order_of_certificate(serial)?.map(|order| order.certificates).unwrap_or_default())
    }

    /// Whether a certificate stands for this key, or an order that is open or issued asks for it.
    ///
    /// # Errors
    /// [`StoreError`].
    fn key_is_taken(&self, key: &KeyHash) -> Result<bool, StoreError>;

    /// Everything that has to be known before a new order is decided on, as it stood at one moment.
    ///
    /// # Errors
    /// [`StoreError`].
    fn look_up(&self, asked: &Asked<'_>) -> Result<Known, StoreError> {
        Ok(Known {
            order: self.order(asked.transaction)?,
            certificates: asked.serials.iter().map(|serial| self.certificate(serial)).collect::<Result<_, _>>()?,
            replaced: false,
        })
    }

    /// What a receipt is held against: an order by its name, or by that of one of its repeats.
    ///
    /// # Errors
    /// [`StoreError`].
    fn issued(&self, transaction: &Transaction) -> Result<Option<Issued>, StoreError> {
        Ok(self.order(transaction)?.map(Issued::from))
    }

    /// Looks through everything that is kept, for damage that nobody has come across yet. Takes the longer the more there is;
    /// others go on meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] says what was found first.
    fn check(&self) -> Result<(), StoreError>;
}

/// An order that passed every rule and is to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// Its name.
    pub transaction: Transaction,
    /// What was received, byte for byte: the same bytes again are the same order, and they carry the old keys' signatures.
    pub message: Vec<u8>,
    /// The holder, readable.
    pub holder: String,
    /// What it asks for.
    pub requests: Vec<RequestRecord>,
    /// What the pick-up token is made from.
    pub token_salt: [u8; 16],
    /// SHA-256 of the token.
    pub token_hash: [u8; 32],
    /// When it was received.
    pub received: SystemTime,
    /// The certificates, one for each request in the same order, when nobody needs to be asked; else none.
    pub certificates: Vec<CertificateRecord>,
    /// The one-time password that speaks for a first order. It is used up with it: both are kept, or neither. Where it is the repeat of
    /// an order that the same person made by another one, it takes that one's place.
    pub credential: Option<[u8; 16]>,
    /// What the revocation password of its certificates is checked with.
    pub revocation_password: Option<PasswordVerifier>,
}

/// What [`Store::look_up`] is asked.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// Is there an order of this name?
    pub transaction: &'a Transaction,
    /// Are there certificates with these serial numbers, and are they replaced?
    pub serials: Vec<&'a [u8]>,
}

/// What a store knows of what it was [`Asked`].
#[derive(Clone, Debug)]
pub struct Known {
    /// The order of this name, or the one that has a repeat of this name; then the rest may be left out.
    pub order: Option<OrderRecord>,
    /// The certificates, in the order of the serial numbers.
    pub certificates: Vec<Option<CertificateRecord>>,
    /// Whether an order that is open or issued replaces them, as far as that is known: [`Store::submit`] has the last word.
    pub replaced: bool,
}

/// What a receipt has to name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// SHA-256 of the order's token.
    pub token_hash: [u8; 32],
    /// Serial numbers of its certificates; none unless issued.
    pub serials: Vec<Vec<u8>>,
}

impl From<OrderRecord> for Issued {
    fn from(order: OrderRecord) -> Self {
        let serials = order.certificates.into_iter().map(|one| one.serial).collect();
        Self { token_hash: order.token_hash, serials }
    }
}

/// One request in an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestRecord {
    /// What is asked for.
    pub profile: Profile,
    /// The PKCS#10 request.
    pub request: Vec<u8>,
    /// Its key.
    pub key: KeyHash,
    /// The key is the old certificate's, which policy allows: it is not new.
    pub same_key: bool,
    /// Serial number of the certificate that it replaces; none in a first order.
    pub replaces: Option<Vec<u8>>,
}

/// What became of an order when it was to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Submission {
    /// It is kept.
    Accepted(OrderRecord),
    /// The same message was kept before.
    Known(OrderRecord),
    /// It asks again for what this order asks for, and is kept as a repeat of it.
    Repeated(OrderRecord),
    /// Another message has this name.
    TransactionTaken,
    /// The key of this request is certified already, or in another order.
    KeyTaken(Profile),
    /// The key of this request was revoked, since others may have it.
    KeyCompromised(Profile),
    /// Another order, open or issued, replaces the same certificates.
    AlreadyOrdered(Transaction),
    /// The certificate that this request replaces is revoked or on hold: since a moment ago, for it was looked at before.
    Revoked(Profile),
    /// The one-time password was used for another order, or has ended, since it was looked at.
    PasswordUsed,
}

/// An order as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRecord {
    /// Its name.
    pub transaction: Transaction,
    /// What was received.
    pub message: Vec<u8>,
    /// The holder, readable.
    pub holder: String,
    /// What became of it.
    pub state: OrderState,
    /// Why an operator turned it down, for the holder.
    pub reason: Option<String>,
    /// Why the CA itself turned it down.
    pub lapse: Option<Lapse>,
    /// While it waits: which of the certificates that it replaces is on hold, so that it cannot be issued before that is released.
    pub on_hold: Option<Profile>,
    /// What the pick-up token is made from.
    pub token_salt: [u8; 16],
    /// SHA-256 of the token.
    pub token_hash: [u8; 32],
    /// When it was received.
    pub received: SystemTime,
    /// When it was issued or turned down.
    pub decided: Option<SystemTime>,
    /// When the client confirmed that it has its certificates.
    pub confirmed: Option<SystemTime>,
    /// What it asks for.
    pub requests: Vec<RequestRecord>,
    /// Its certificates, in the order of `requests`; none unless issued.
    pub certificates: Vec<CertificateRecord>,
}

impl OrderRecord {
    /// Why it was turned down, or cannot be issued now, in words.
    #[must_use]
    pub fn why(&self) -> Option<String> {
        let on_hold = |profile| format!("the old {profile} certificate is on hold");
        let lapse = self.lapse.map(|lapse| lapse.to_string());
        lapse.or_else(|| self.reason.clone()).or_else(|| self.on_hold.map(on_hold))
    }
}

/// A message that asked again for what an order asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// What was received, byte for byte.
    pub message: Vec<u8>,
    /// When the client that sent it confirmed that it has the certificates.
    pub confirmed: Option<SystemTime>,
}

/// What became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderState {
    /// It waits for an operator.
    Pending,
    /// Its certificates can be picked up.
    Issued,
    /// Its certificates were picked up, and the client said so.
    Confirmed,
    /// It was turned down.
    Rejected,
}

impl OrderState {
    /// Name in lists: `pending`, `issued`, `confirmed`, `rejected`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Issued => "issued",
            Self::Confirmed => "confirmed",
            Self::Rejected => "rejected",
        }
    }
}

impl std::fmt::Display for OrderState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A certificate as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRecord {
    /// Content of its serial number.
    pub serial: Vec<u8>,
    /// What it is for.
    pub profile: Profile,
    /// Its key.
    pub key: KeyHash,
    /// Its subject, readable.
    pub subject: String,
    /// Its end.
    pub not_after: SystemTime,
    /// The certificate.
    pub der: Vec<u8>,
    /// Whether it is revoked or on hold. A store notes by itself who is; what is said here of a new certificate is not kept.
    pub revoked: bool,
}

/// Why the store did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The file is a database of another program, or no database.
    #[error("{path} is not a database of this CA: {reason}")]
    Foreign {
        /// The file.
        path: String,
        /// What it is instead.
        reason: String,
    },
    /// The file was written by a newer version of this program.
    #[error("{path} has schema version {found}, this program reads up to {known}: use a newer one")]
    Version {
        /// The file.
        path: String,
        /// In the file.
        found: i64,
        /// The newest that is known here.
        known: i64,
    },
    /// The file was written by an older version of this program and has to be brought up to date, but another process has it
    /// open: an older one would go on with what it does not know. Nothing was changed.
    #[error(
        "{path} was made by an older version of this program, and {} has it open: stop that, then start this again",
        name_of(*.process)
    )]
    InUse {
        /// The file.
        path: String,
        /// Which one, where the system tells.
        process: Option<u32>,
    },
    /// The file is torn: bring it back from a copy.
    #[error("the database is damaged: stop the CA and bring the file back from a copy ({0})")]
    Damaged(String),
    /// Another process keeps the database locked.
    #[error("{} keeps the database locked: try again, or look whether it hangs", name_of(*.process))]
    Busy {
        /// Which one, where the system tells.
        process: Option<u32>,
    },
    /// The disk, or SQLite, refused.
    #[error("the database refused: {0}")]
    Failed(String),
    /// The thread that writes is gone; nothing can be kept until the CA is started again.
    #[error("the store's writer has stopped: start the CA again")]
    Stopped,
    /// There is no order of this name.
    #[error("there is no order {0}")]
    NoSuchOrder(Transaction),
    /// The key is certified already.
    #[error("the key of the {0} certificate is certified already")]
    KeyTaken(Profile),
    /// What the request for this certificate replaces is revoked or on hold, maybe since a moment ago.
    #[error("the {0} certificate that the order replaces is revoked or on hold")]
    Revoked(Profile),
}

fn name_of(process: Option<u32>) -> String {
    process.map_or_else(|| "another process".to_owned(), |process| format!("process {process}"))
}

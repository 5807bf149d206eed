use std::time::SystemTime;

use obnova_enroll::{
    cmc::ResponseError,
    est::{EstError, RedirectError},
};
use obnova_renewal::{
    Answer, Asked, LinkAnswer, Message, NoticeLink, Order, ParsedCertificate, PickUp, Prepared, Receipt, Standing,
    Terms, Wishes,
};

use crate::{Credentials, Login, LoginError};

/// The way to a CA, whatever it speaks: requests that stand or fall together, each with its pick-up.
///
/// A vendor with a protocol of his own implements these, but for the one about first certificates where there are none. Bytes in [`Prepared`], [`Message`], [`PickUp`] and [`Receipt`]
/// are his own affair; they are written into the journal and handed back, perhaps to another process on another day, so
/// everything a later call needs must be in them, and no secret.
pub trait CaConnection {
    /// What it wants of an order, before one is planned ([`Wishes::plan`]). Anything, unless this says otherwise.
    ///
    /// # Errors
    /// [`CaError`].
    fn wishes(&mut self) -> Result<Wishes, CaError> {
        Ok(Wishes::default())
    }

    /// What everybody is told of a certificate that is to be renewed. A protocol that has nobody to ask leaves this as it is: what
    /// a renewal does then is its policy ([`AskStatus`](obnova_renewal::AskStatus)).
    ///
    /// # Errors
    /// [`CaError`] when the CA itself cannot be reached. That nobody is believed is an answer.
    fn standing(&mut self, certificate: &ParsedCertificate, now: SystemTime) -> Result<Standing, CaError> {
        let _ = (certificate, now);
        Ok(Standing::Unknown { problems: "this way to the issuer has nobody to ask".into() })
    }

    /// Uses up the link of a notice, for a renewal that the holder agreed to. It is asked again, with the same attempt, by who got no
    /// answer: the CA must take both for one. A protocol without such links leaves this as it is.
    ///
    /// # Errors
    /// [`CaError`]: nobody knows whether it was used up. That it begins nothing is an answer.
    fn use_link(&mut self, link: &NoticeLink) -> Result<LinkAnswer, CaError> {
        let _ = link;
        Err(CaError::Order("no renewal is begun by a link here".into()))
    }

    /// Whom to trust, and who vouches for new keys.
    ///
    /// # Errors
    /// [`CaError`].
    fn terms(&mut self) -> Result<Terms, CaError>;

    /// Makes an order ready: says what the old keys must sign. Nothing is sent.
    ///
    /// # Errors
    /// [`CaError`].
    fn prepare(&mut self, order: &Order) -> Result<Prepared, CaError>;

    /// Makes an order for first certificates ready: no old key vouches, the credentials do. Nothing is sent, and no password
    /// may be in what is returned but encrypted, or hashed together with what nobody can guess. A CA that gives no first
    /// certificates leaves this as it is.
    ///
    /// # Errors
    /// [`CaError`].
    fn prepare_first(&mut self, order: &Order, credentials: &Credentials) -> Result<Prepared, CaError> {
        let _ = (order, credentials);
        Err(CaError::Order("it gives no first certificates by a one-time password".into()))
    }

    /// Puts the signatures in, one for each of [`Prepared::to_sign`] in order. Nothing is sent.
    ///
    /// # Errors
    /// [`CaError`].
    fn seal(&mut self, order: &Order, prepared: &Prepared, signatures: &[Vec<u8>]) -> Result<Message, CaError>;

    /// Sends an order. After a crash it is sent again, byte for byte: the CA must take both for one.
    ///
    /// # Errors
    /// [`CaError`]; a refusal is an [`Answer`] and no error.
    fn send(&mut self, message: &Message) -> Result<Answer, CaError>;

    /// Fetches what came of an order. Needs neither card nor PIN. May be called again for the same pick-up until the
    /// receipt was sent.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    fn pick_up(&mut self, pick_up: &PickUp) -> Result<Answer, CaError>;

    /// Sends an order or fetches what came of it, as [`send`](Self::send) and [`pick_up`](Self::pick_up) do, over a login with
    /// the old authentication key. Asked where [`Terms::vouching`] is [`Vouching::Login`](obnova_renewal::Vouching::Login).
    ///
    /// # Errors
    /// As [`send`](Self::send); [`CaError::Login`] when the card or the login failed.
    fn ask_over_login(&mut self, asked: &Asked, login: &Login<'_>) -> Result<Answer, CaError> {
        let _ = (asked, login);
        Err(CaError::Order("it takes no orders over a login".into()))
    }

    /// Whether what is sent or fetched next of a first order has to say who asks, and that is not known here (any more): a
    /// protocol that says it each time, and a program that was stopped meanwhile. They are asked for then, and given to
    /// [`is_told_who`](Self::is_told_who).
    fn asks_who(&self) -> bool {
        false
    }

    /// Takes who asks, until the program ends or they prove wrong.
    ///
    /// # Errors
    /// [`CaError`] when they cannot be sent.
    fn is_told_who(&mut self, credentials: &Credentials) -> Result<(), CaError> {
        let _ = credentials;
        Ok(())
    }

    /// Tells the CA that everything arrived and is on the card. May be called again.
    ///
    /// # Errors
    /// [`CaError`].
    fn acknowledge(&mut self, receipt: &Receipt) -> Result<(), CaError>;
}

/// Why a CA could not be asked, or its answer not be read. All of them can be tried again; nothing is lost.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaError {
    /// No way to the server.
    #[error(
        "the issuer's server {server} cannot be reached ({problem}): check the network, then try again; what was begun is kept"
    )]
    Unreachable {
        /// Which one.
        server: String,
        /// What the network said.
        problem: String,
    },
    /// It took too long.
    #[error("the issuer's server {server} did not answer in time: try again later; what was begun is kept")]
    Timeout {
        /// Which one.
        server: String,
    },
    /// TLS failed: the server is not who it should be, or will not talk.
    #[error("no trusted connection to the issuer's server {server} ({problem}): check the trust anchor and the clock")]
    Tls {
        /// Which one.
        server: String,
        /// What is wrong.
        problem: String,
    },
    /// The server answered with a status that is no answer to the question.
    #[error("the issuer's server answered with HTTP status {status}{}: resume later, or ask the issuer", hint(.text))]
    Status {
        /// The status.
        status: u16,
        /// What it said, fit to be shown; often nothing.
        text: String,
    },
    /// The answer is longer than any sound one.
    #[error("the issuer's server sent more than {limit} bytes: tell the issuer")]
    TooLarge {
        /// What is taken.
        limit: usize,
    },
    /// The answer is none of the issuer's: nobody or somebody else signed it, it was altered, or it answers something else.
    #[error("the issuer's answer is not believed ({0}): try again; if it stays, tell the issuer")]
    Answer(#[from] ResponseError),
    /// The server's answer is none that was asked for.
    #[error("the issuer's server gave no answer that can be used ({0}): if it stays, tell the issuer")]
    Server(#[from] EstError),
    /// The server sends the request somewhere where it does not go.
    #[error(transparent)]
    Redirect(#[from] RedirectError),
    /// The server does not know who asks: a user id or a password is wrong. It was sent once, and is forgotten.
    #[error("the issuer does not know this user id with this password: look at both, then resume; a guess was spent")]
    WrongPassword,
    /// Nothing is sent before it is known who asks.
    #[error("the issuer wants to know who asks each time: give the user id and the one-time password once more")]
    WhoAsks,
    /// The login over which the CA is asked.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// What the server gives as its issuer's certificates leads up to nobody who is trusted here.
    #[error(
        "the issuer's server belongs to another issuer than the one that is trusted here: check the address and the trust anchor"
    )]
    OtherIssuer,
    /// Certificates came that nobody signed for, and they are not what was ordered.
    #[error(
        "the issuer's server sent certificates that nobody signed for and that are not those that were ordered: try again; if it stays, tell the issuer"
    )]
    Unvouched,
    /// The answer makes no sense in another way.
    #[error("the issuer's answer cannot be used ({0}): tell the issuer")]
    Protocol(String),
    /// What the journal brought back is not from this connection.
    #[error("the journal belongs to another kind of connection to the issuer ({0})")]
    Foreign(&'static str),
    /// The order cannot be expressed.
    #[error("the order cannot be made for this issuer: {0}")]
    Order(String),
    /// This computer gives no random numbers.
    #[error("this computer gives no random numbers")]
    Random,
    /// Something that only a protocol of its own knows: what a vendor's connection says is shown as it stands.
    #[error(transparent)]
    Other(#[from] Box<dyn std::error::Error + Send + Sync>),
}

fn hint(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(" ({text})") }
}

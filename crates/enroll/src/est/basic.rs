//! HTTP Basic authentication (RFC 7617), as EST uses it (RFC 7030 §3.2.3): a user id and a password, inside TLS only.

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use super::{
    Site,
    http::{Headers, HttpRequest, HttpResponse},
};
use crate::{
    Secret,
    cmc::{UserId, UserIdError},
};

/// A user id and a password, as they go into a request. There is no `Debug`; the password is wiped when dropped, and so is the
/// header that carries it.
#[derive(Clone)]
pub struct Credentials {
    user: UserId,
    password: Secret,
}

impl Credentials {
    /// What [`UserId`] takes, without a colon, and a password without control characters (RFC 7617 §2).
    ///
    /// # Errors
    /// [`CredentialsError`].
    pub fn new(user: UserId, password: Secret) -> Result<Self, CredentialsError> {
        if user.as_str().contains(':') {
            return Err(CredentialsError::Colon);
        }
        match std::str::from_utf8(password.as_bytes()) {
            Ok(text) if !text.chars().any(char::is_control) => Ok(Self { user, password }),
            _ => Err(CredentialsError::Password),
        }
    }

    /// What a request carries, when it came over TLS: over anything else it is not even looked at.
    ///
    /// # Errors
    /// [`BasicError`]; its [`response`](BasicError::response) is the answer.
    pub fn of(request: &HttpRequest, channel: Channel) -> Result<Self, BasicError> {
        let value = request.headers.get(AUTHORIZATION);
        if channel == Channel::Clear {
            return Err(BasicError::NotTls);
        }
        let (scheme, encoded) = value.ok_or(BasicError::Absent)?.trim().split_once(' ').ok_or(BasicError::Malformed)?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return Err(BasicError::OtherScheme);
        }
        let encoded = encoded.trim_start();
        if encoded.len() > MAX_ENCODED {
            return Err(BasicError::Malformed);
        }
        let mut room = Zeroizing::new([0; MAX_ENCODED]);
        let decoded = Base64::decode(encoded, room.as_mut_slice()).map_err(|_| BasicError::Malformed)?;
        let colon = decoded.iter().position(|byte| *byte == b':').ok_or(BasicError::Malformed)?;
        let user = std::str::from_utf8(&decoded[..colon]).map_err(|_| BasicError::Malformed)?;
        let password = Secret::from_bytes(&decoded[colon + 1..]).map_err(|_| BasicError::Malformed)?;
        let user = UserId::new(user).map_err(|_: UserIdError| BasicError::Malformed)?;
        Self::new(user, password).map_err(|_| BasicError::Malformed)
    }

    /// Who says to ask.
    #[must_use]
    pub const fn user(&self) -> &UserId {
        &self.user
    }

    /// How it is proved.
    #[must_use]
    pub const fn password(&self) -> &Secret {
        &self.password
    }

    /// Puts them into a request to `_site`, which is one that TLS leads to.
    pub(super) fn write(&self, _site: &Site, headers: &mut Headers) {
        let text = Zeroizing::new([self.user.as_str().as_bytes(), b":", self.password.as_bytes()].concat());
        let encoded = Zeroizing::new(Base64::encode_string(&text));
        headers.set(AUTHORIZATION, &Zeroizing::new(format!("Basic {}", *encoded)));
    }
}

/// The header whose value nothing here shows.
pub(super) const AUTHORIZATION: &str = "Authorization";

/// Characters of the longest user id, colon and password in Base64.
const MAX_ENCODED: usize = (UserId::MAX_SIZE + 1 + Secret::MAX_SIZE).div_ceil(3) * 4;

/// How a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Readable on the way.
    Clear,
    /// Over TLS.
    Tls,
}

/// What cannot be sent as a user id and a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// A colon ends the user id (RFC 7617 §2).
    #[error("a user id for HTTP Basic has no colon in it")]
    Colon,
    /// Not UTF-8, or with control characters.
    #[error("a password for HTTP Basic is text without control characters")]
    Password,
}

/// Why a request does not say who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BasicError {
    /// It came in the clear. Whatever password was in it is known now.
    #[error("passwords are taken over TLS only")]
    NotTls,
    /// Nothing is said.
    #[error("a user id and a password are needed")]
    Absent,
    /// In another way than this.
    #[error("the password has to be sent as HTTP Basic")]
    OtherScheme,
    /// It cannot be read.
    #[error("the user id and password cannot be read")]
    Malformed,
}

impl BasicError {
    /// The answer that asks for a password, or, where one was sent in the clear, says that it is not taken. `realm` says for
    /// what; it has neither quotes nor backslashes nor control characters, which are left out.
    ///
    /// What asks has no body: Bouncy Castle's client gives up over one.
    #[must_use]
    pub fn response(self, realm: &str) -> HttpResponse {
        if self == Self::NotTls {
            let headers = Headers::from_iter([("Content-Type", "text/plain; charset=utf-8")]);
            return HttpResponse { status: 403, headers, body: format!("{self}\n").into_bytes() };
        }
        let headers = Headers::from_iter([("WWW-Authenticate", challenge(realm))]);
        HttpResponse { status: 401, headers, body: Vec::new() }
    }
}

fn challenge(realm: &str) -> String {
    let plain = |character: &char| !character.is_control() && !matches!(character, '"' | '\\');
    format!("Basic realm=\"{}\", charset=\"UTF-8\"", realm.chars().filter(plain).collect::<String>())
}

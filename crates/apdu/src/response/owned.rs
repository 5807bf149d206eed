use alloc::vec::Vec;
use core::fmt;

use super::{Response, ResponseError};
use crate::StatusWord;

/// A response that owns its data. After an [exchange](crate::exchange) it may hold more than one APDU could carry.
///
/// Shown and compared as a [`Response`]. Wipe the data yourself where it is a secret.
#[derive(Clone)]
pub struct ResponseApdu {
    /// Response data; empty when there is none.
    pub data: Vec<u8>,
    /// What the card says of the command.
    pub status: StatusWord,
}

impl ResponseApdu {
    /// A response with data and this status.
    #[must_use]
    pub fn new(data: impl Into<Vec<u8>>, status: StatusWord) -> Self {
        Self { data: data.into(), status }
    }

    /// Reads one response APDU that takes up all of `bytes`.
    ///
    /// # Errors
    /// [`ResponseError`] when the bytes are too few or too many for a response.
    pub fn parse(bytes: &[u8]) -> Result<Self, ResponseError> {
        Response::parse(bytes).map(|response| response.to_owned())
    }

    /// The response as a borrowed view.
    #[must_use]
    pub fn as_response(&self) -> Response<'_> {
        Response { data: &self.data, status: self.status }
    }

    /// The data when the status is `9000`, the status word otherwise.
    ///
    /// # Errors
    /// The status word, when it is not `9000`.
    pub fn success(self) -> Result<Vec<u8>, StatusWord> {
        if self.status.is_success() { Ok(self.data) } else { Err(self.status) }
    }

    /// Data and status word as the bytes of a response APDU.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.data.len() + 2);
        out.extend_from_slice(&self.data);
        out.extend_from_slice(&self.status.to_bytes());
        out
    }
}

impl From<StatusWord> for ResponseApdu {
    fn from(status: StatusWord) -> Self {
        Self { data: Vec::new(), status }
    }
}

impl From<Response<'_>> for ResponseApdu {
    fn from(response: Response<'_>) -> Self {
        response.to_owned()
    }
}

impl PartialEq for ResponseApdu {
    fn eq(&self, other: &Self) -> bool {
        self.as_response() == other.as_response()
    }
}

impl Eq for ResponseApdu {}

impl fmt::Debug for ResponseApdu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_response().fmt(f)
    }
}

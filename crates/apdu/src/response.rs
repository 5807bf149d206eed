//! Responses: data and a status word, borrowed or owned.

#[cfg(feature = "alloc")]
mod owned;

#[cfg(feature = "alloc")]
pub use owned::ResponseApdu;

use core::fmt;

use subtle::ConstantTimeEq;
use thiserror::Error;

use crate::StatusWord;

/// A response APDU read from bytes, without copying (ISO 7816-4:2013 §5.1): data, then the two status bytes.
///
/// `Debug` shows the length of the data, never the data, which may be the result of a decryption; those of one length are compared in
/// constant time.
///
/// ```
/// use obnova_apdu::{Response, StatusWord};
///
/// let response = Response::parse(&[0x01, 0x02, 0x90, 0x00])?;
/// assert_eq!((response.data, response.status), (&[1, 2][..], StatusWord::SUCCESS));
/// # Ok::<(), obnova_apdu::ResponseError>(())
/// ```
#[derive(Clone, Copy)]
pub struct Response<'a> {
    /// Response data; empty when there is none.
    pub data: &'a [u8],
    /// What the card says of the command.
    pub status: StatusWord,
}

impl<'a> Response<'a> {
    /// The most data bytes that one response APDU carries.
    pub const MAX_DATA: usize = 65_536;

    /// Reads one response APDU that takes up all of `bytes`.
    ///
    /// # Errors
    /// [`ResponseError`] when the bytes are too few or too many for a response.
    #[inline]
    pub const fn parse(bytes: &'a [u8]) -> Result<Self, ResponseError> {
        let Some((data, status)) = bytes.split_last_chunk::<2>() else {
            return Err(ResponseError::Truncated { len: bytes.len() });
        };
        if data.len() > Self::MAX_DATA {
            return Err(ResponseError::TooLong { len: data.len() });
        }
        Ok(Self { data, status: StatusWord(u16::from_be_bytes(*status)) })
    }

    /// The data when the status is `9000`, the status word otherwise.
    ///
    /// # Errors
    /// The status word, when it is not `9000`.
    pub const fn success(&self) -> Result<&'a [u8], StatusWord> {
        if self.status.is_success() { Ok(self.data) } else { Err(self.status) }
    }

    /// A copy that owns its data.
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn to_owned(&self) -> ResponseApdu {
        ResponseApdu { data: self.data.to_vec(), status: self.status }
    }
}

/// Why bytes are no response APDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ResponseError {
    /// Fewer than the two status bytes: the transport lost the response, or the card was removed.
    #[error("response APDU has {len} bytes; the status word alone has 2")]
    Truncated {
        /// Bytes found.
        len: usize,
    },
    /// More data than any L<sub>e</sub> can ask for.
    #[error("response APDU carries {len} data bytes, more than 65536")]
    TooLong {
        /// Bytes of data found.
        len: usize,
    },
}

impl<'a> TryFrom<&'a [u8]> for Response<'a> {
    type Error = ResponseError;

    fn try_from(bytes: &'a [u8]) -> Result<Self, ResponseError> {
        Self::parse(bytes)
    }
}

impl PartialEq for Response<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.status == other.status && bool::from(self.data.ct_eq(other.data))
    }
}

impl Eq for Response<'_> {}

impl fmt::Debug for Response<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({} bytes of data, {})", self.data.len(), self.status)
    }
}

//! Certificate Management over CMS (RFC 5272, 5273, 5274, updated by RFC 6402): Full PKI requests and responses.
//!
//! The holder's side:
//! - [`FirstRequestBuilder`]: requests of somebody without a certificate, for whom a one-time password speaks.
//! - [`FullRequestBuilder`]: several certification requests in one message, vouched for by all old keys at once.
//! - [`SealedPassword`]: the revocation password that the new certificates are to have.
//! - [`RevocationRequestBuilder`]: the end of a certificate.
//! - [`FollowUp`]: asking again for what is pending, and confirming what arrived. Needs no key: the pick-up token speaks.
//! - [`FullResponse::parse`]: what the CA answered, after its signature, the transaction and the nonce were checked.
//!
//! The CA's side:
//! - [`Received::parse`]: what is asked, and whose signatures on it are good; [`FullRequest::parse`] for a CA that renews only.
//! - [`IdentityProof::verify`]: whether who asks for a first certificate knows his password.
//! - [`FullResponseBuilder`]: the answer, signed by the CA.
//!
//! Both sides speak of the same [`Answer`].

mod answer;
mod controls;
mod first;
mod follow_up;
mod identity;
mod ids;
mod passwords;
mod received;
mod request;
mod response;
mod revoke;
mod status;
mod syntax;

pub use answer::{Answer, Asked, Expected, FullResponse, ResponseError};
pub use controls::ControlError;
pub use first::{FirstRequest, FirstRequestBuilder};
pub use follow_up::FollowUp;
pub use identity::{IdentityProof, ProofError, ProofKey, UserId, UserIdError};
pub use ids::{BodyPartId, CertificateId, IdError, Nonce, PendToken, TransactionId};
pub use passwords::{PasswordError, SealedPassphrase, SealedPassword};
pub use received::{FullRequest, Kind, Received, RequestError};
pub use request::FullRequestBuilder;
pub use response::FullResponseBuilder;
pub use revoke::{Revocation, RevocationRequest, RevocationRequestBuilder};
pub use status::FailInfo;

pub(crate) use ids::check_size;

pub use crate::signed::{
    BuildError, MessageToSign, ReadySigner, ReceivedCertificate, ReceivedExtension, SignWithError, Signer, ToSign,
};

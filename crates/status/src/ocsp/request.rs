use const_oid::{ObjectIdentifier, db::rfc6960::ID_PKIX_OCSP_NONCE};
use der::{Decode, Encode};

use super::{
    CertId, Nonce,
    syntax::{OcspRequest, SingleRequest, TbsRequest},
};
use crate::{
    ExtensionError, extensions,
    limits::{MAX_ASKED, MAX_REQUEST},
};

/// An OCSP request (RFC 6960 §4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The certificates that are asked about, at least one.
    pub certificates: Vec<CertId>,
    /// What the answer is to repeat.
    pub nonce: Option<Nonce>,
    /// Whether the request is signed. The signature is not looked at: status is public, so it does not matter who asks, and a
    /// responder that wants to know has to check it by itself (RFC 6960 §4.1.2). Requests are not signed here.
    pub signed: bool,
}

impl Request {
    /// Reads a request.
    ///
    /// # Errors
    /// [`RequestError`]: for a responder each of them is `malformedRequest`.
    pub fn parse(der: &[u8]) -> Result<Self, RequestError> {
        if der.len() > MAX_REQUEST {
            return Err(RequestError::TooLong { size: der.len() });
        }
        let OcspRequest { tbs_request, optional_signature } = OcspRequest::from_der(der)?;
        if tbs_request.version != 0 {
            return Err(RequestError::Version { version: tbs_request.version });
        }
        let asked = tbs_request.request_list.len();
        if asked == 0 || asked > MAX_ASKED {
            return Err(RequestError::Asked { count: asked });
        }
        let extensions = tbs_request.request_extensions.unwrap_or_default();
        extensions::check(&extensions, &KNOWN)?;
        let mut certificates = Vec::with_capacity(asked);
        for SingleRequest { req_cert, single_request_extensions } in tbs_request.request_list {
            extensions::check(&single_request_extensions.unwrap_or_default(), &[])?;
            certificates.push(req_cert);
        }
        Ok(Self { certificates, nonce: Nonce::find(&extensions)?, signed: optional_signature.is_some() })
    }

    /// Writes the request, without a signature.
    ///
    /// # Errors
    /// None that is known; the encoder's type has one.
    pub fn to_der(&self) -> der::Result<Vec<u8>> {
        let single = |id: &CertId| SingleRequest { req_cert: id.clone(), single_request_extensions: None };
        let nonce = self.nonce.as_ref().map(Nonce::extension).transpose()?;
        let tbs_request = TbsRequest {
            version: 0,
            requestor_name: None,
            request_list: self.certificates.iter().map(single).collect(),
            request_extensions: nonce.map(|nonce| vec![nonce]),
        };
        OcspRequest { tbs_request, optional_signature: None }.to_der()
    }
}

const KNOWN: [ObjectIdentifier; 1] = [ID_PKIX_OCSP_NONCE];

/// Why bytes are not an OCSP request that can be answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// More than [`MAX_REQUEST`]; not looked at any further.
    #[error("the OCSP request has {size} bytes, at most {MAX_REQUEST} are read")]
    TooLong {
        /// Bytes there are.
        size: usize,
    },
    /// Not DER, or not an OCSP request.
    #[error("not an OCSP request: {0}")]
    Malformed(#[from] der::Error),
    /// A version that does not exist yet.
    #[error("an OCSP request of version {version}: only version 0 (v1) is known")]
    Version {
        /// What stands in it.
        version: u8,
    },
    /// About nothing, or about more than is answered at once.
    #[error("an OCSP request about {count} certificates: 1 to {MAX_ASKED} are answered at once")]
    Asked {
        /// Certificates that are asked about.
        count: usize,
    },
    /// A critical extension that is not known, one that stands there twice, or a nonce of the wrong length.
    #[error("the OCSP request is refused: {0}")]
    Extension(#[from] ExtensionError),
}

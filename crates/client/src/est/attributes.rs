//! What a server says that requests have to be like (RFC 7030 §4.5).

use obnova_enroll::est::{Client, CsrAttributes, EstError, Shape};
use obnova_renewal::Wishes;

use super::est_error;
use crate::{CaError, HttpExchange};

/// Asks the server. One that does not say it takes anything.
pub(super) fn shape(https: &impl HttpExchange, client: &Client) -> Result<Shape, CaError> {
    let response = https.exchange(&client.csrattrs_request())?;
    let attributes = match client.csrattrs_response(&response) {
        // It says so only to whom it knows, and nobody is known before there is something to ask for; or to nobody.
        Err(EstError::Unauthorized | EstError::Forbidden { .. } | EstError::NotSupported { .. }) => {
            CsrAttributes::new()
        }
        attributes => attributes.map_err(est_error)?,
    };
    Ok(attributes.shape().map_err(EstError::from)?)
}

/// Only keys and signatures of this shape.
pub(super) fn of_keys(wishes: Wishes, shape: &Shape) -> Wishes {
    wishes.of_keys(|key, signature| shape.takes_key(key) && shape.takes_signature(signature))
}

//! How OCSP travels over HTTP (RFC 6960 appendix A, RFC 5019 §5). Requests and responses are bodies as they are; short requests
//! can stand in the path of a GET, so that caches on the way can answer.

use base64ct::{Base64, Encoding};

use crate::limits::MAX_REQUEST;

/// Content-Type of a request, sent by POST.
pub const REQUEST_TYPE: &str = "application/ocsp-request";

/// Content-Type of a response.
pub const RESPONSE_TYPE: &str = "application/ocsp-response";

/// What is appended to a responder's URL, after a `/`, to ask by GET; `None` when that would be longer than 255 characters,
/// and POST is wanted (RFC 5019 §5). A nonce makes an answer that no cache can give: ask by POST then.
#[must_use]
pub fn get_path(request: &[u8]) -> Option<String> {
    let text = Base64::encode_string(request);
    let escaped = text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    (escaped.len() <= 255).then_some(escaped)
}

/// The request in the path of a GET, without what belongs to the responder's URL; `None` when there is none. Escaped or not: clients
/// do both.
#[must_use]
pub fn request_in_path(path: &str) -> Option<Vec<u8>> {
    // Three characters for one of Base64, and four of these for three bytes.
    if path.len() > 4 * MAX_REQUEST {
        return None;
    }
    let mut text = String::with_capacity(path.len());
    let mut parts = path.strip_prefix('/').unwrap_or(path).split('%');
    text.push_str(parts.next()?);
    for part in parts {
        let code = u8::from_str_radix(part.get(..2)?, 16).ok()?;
        text.push(char::from(code));
        text.push_str(&part[2..]);
    }
    Base64::decode_vec(&text).ok().filter(|request| !request.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_survive_the_path() {
        for length in 1..150_u8 {
            let request: Vec<u8> = (0..length).map(|byte| byte.wrapping_mul(251)).collect();
            let path = get_path(&request).unwrap();
            assert!(path.chars().all(|one| one.is_ascii_alphanumeric() || one == '%'), "{path}");
            assert_eq!(request_in_path(&path), Some(request.clone()));
            assert_eq!(request_in_path(&format!("/{}", Base64::encode_string(&request))), Some(request));
        }
        assert_eq!(get_path(&[0; 192]), None);
    }

    #[test]
    fn what_is_no_request_is_none() {
        for path in ["", "/", "%", "%2", "%zz", "A", "AB=C", "é", "%C3%A9", "AAAA%", "////%"] {
            assert_eq!(request_in_path(path), None, "{path}");
        }
        assert_eq!(request_in_path(&"A".repeat(4 * MAX_REQUEST + 4)), None);
        assert!(request_in_path(&"A".repeat(4 * MAX_REQUEST)).is_some());
    }
}

use base64ct::{Base64, Encoding as _};
use obnova_algorithm::{Digest, KeyAlgorithm, KeyError, SignatureAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_client::{card::KeyRole, renewal::Pair};
use obnova_pkcs10::CertificationRequest;

use crate::{OrderNumber, Parcel};

/// An order as the house knows it: two PKCS#10 requests and one statement, signed by both old keys.
#[derive(Clone, Debug)]
pub struct Order {
    /// For the new keys.
    pub requests: Pair<CertificationRequest>,
    /// What the old keys signed, byte for byte.
    pub statement: String,
    /// Their signatures over it; `None` where one is missing.
    pub signatures: Pair<Option<Vec<u8>>>,
}

/// What the holder states: these two requests are mine, together, and here is whose certificates they replace.
///
/// It is a text that can be read on paper, in the language of the house. There is exactly one text for one statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The number of the order.
    pub number: OrderNumber,
    /// SHA-256 of the requests (DER), in hexadecimal digits.
    pub requests: Pair<String>,
    /// Serial numbers of the old certificates, in hexadecimal digits.
    pub replaces: Pair<String>,
}

/// How an old key of this kind signs a statement: one way for each, so that nothing has to be negotiated.
///
/// # Errors
/// When the key is of an unknown kind.
pub fn signed_by(key: &SubjectPublicKeyInfoOwned) -> Result<SignatureAlgorithm, KeyError> {
    KeyAlgorithm::try_from(key).map(SignatureAlgorithm::default_for)
}

impl Statement {
    /// The statement about these requests (DER), which replace certificates with these serial numbers.
    #[must_use]
    pub fn about(number: OrderNumber, requests: Pair<&[u8]>, replaces: Pair<String>) -> Self {
        Self { number, requests: Pair::from_fn(|role| fingerprint(requests.get(role))), replaces }
    }

    /// Its text: what is signed.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!(
            "{HEADING}\n\
             Objednávka: {}\n\
             Žádost o přihlašovací certifikát (SHA-256): {}\n\
             Žádost o podpisový certifikát (SHA-256): {}\n\
             Nahrazuje přihlašovací certifikát číslo: {}\n\
             Nahrazuje podpisový certifikát číslo: {}\n",
            self.number,
            self.requests.authentication,
            self.requests.signature,
            self.replaces.authentication,
            self.replaces.signature,
        )
    }

    /// Reads a text; `None` unless it is, byte for byte, the text of a statement.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let mut values = text.lines().skip(HEADING.lines().count()).map(|line| Some(line.split_once(": ")?.1));
        let mut value = || values.next().flatten().map(str::to_owned);
        let statement = Self {
            number: value()?.parse().ok()?,
            requests: Pair { authentication: value()?, signature: value()? },
            replaces: Pair { authentication: value()?, signature: value()? },
        };
        (statement.to_text() == text).then_some(statement)
    }
}

const HEADING: &str = "Žádám o obnovení obou svých certifikátů, obou najednou, nebo žádného.";

fn fingerprint(bytes: &[u8]) -> String {
    Digest::Sha256.of(bytes).as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Order {
    /// As it lies in the folder.
    ///
    /// # Errors
    /// [`OrderError::Request`] when a request cannot be written as PEM.
    pub fn to_parcel(&self) -> Result<Parcel, OrderError> {
        let mut parcel = Parcel::from([(STATEMENT.to_owned(), self.statement.clone())]);
        for (role, request) in self.requests.iter() {
            let pem = request.to_pem().map_err(|problem| OrderError::Request { role, problem })?;
            parcel.insert(request_file(role), pem);
        }
        for (role, signature) in self.signatures.iter() {
            if let Some(signature) = signature {
                parcel.insert(signature_file(role), Base64::encode_string(signature));
            }
        }
        Ok(parcel)
    }

    /// Reads what lay in the folder. Nothing is verified yet; a signature that is missing is no error here.
    ///
    /// # Errors
    /// [`OrderError`] names the file.
    pub fn from_parcel(parcel: &Parcel) -> Result<Self, OrderError> {
        let known = |name: &String| {
            name == STATEMENT
                || Pair::ROLES.iter().any(|role| [request_file(*role), signature_file(*role)].contains(name))
        };
        if let Some(name) = parcel.keys().find(|name| !known(name)) {
            return Err(OrderError::Foreign { name: name.clone() });
        }
        let file = |name: String| parcel.get(&name).ok_or(OrderError::Missing { name });
        Ok(Self {
            requests: Pair::try_from_fn(|role| {
                let request = CertificationRequest::from_pem(file(request_file(role))?);
                request.map_err(|problem| OrderError::Request { role, problem })
            })?,
            statement: file(STATEMENT.into())?.clone(),
            signatures: Pair::try_from_fn(|role| {
                let decoded = parcel.get(&signature_file(role)).map(|text| Base64::decode_vec(text));
                decoded.transpose().map_err(|_| OrderError::Base64 { name: signature_file(role) })
            })?,
        })
    }
}

const STATEMENT: &str = "statement.txt";

fn request_file(role: KeyRole) -> String {
    format!("{role}.csr.pem")
}

fn signature_file(role: KeyRole) -> String {
    format!("statement.{role}.sig")
}

/// Why a parcel is no order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// A file is missing.
    #[error("the file {name} is missing")]
    Missing {
        /// Which one.
        name: String,
    },
    /// A file is there that belongs to no order.
    #[error("the file {name:?} belongs to no order")]
    Foreign {
        /// Which one.
        name: String,
    },
    /// A request cannot be read.
    #[error("the {role} request cannot be read: {problem}")]
    Request {
        /// Whose.
        role: KeyRole,
        /// What is wrong.
        problem: obnova_pkcs10::ParseError,
    },
    /// A signature is not base64.
    #[error("the file {name} is not base64")]
    Base64 {
        /// Which one.
        name: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement() -> Statement {
        Statement::about(
            OrderNumber::from_random([1; 16]),
            Pair { authentication: b"one", signature: b"two" },
            Pair { authentication: "0A".into(), signature: "0B".into() },
        )
    }

    #[test]
    fn a_statement_has_one_text() {
        let text = statement().to_text();
        assert_eq!(Statement::from_text(&text), Some(statement()));
        assert_eq!(text.lines().count(), 6);
        for bad in [
            String::new(),
            text.trim_end().to_owned(),
            format!("{text}\n"),
            format!("{text}Nahrazuje podpisový certifikát číslo: 0C\n"),
            text.replace('\n', "\r\n"),
            text.replace("obou najednou", "kteréhokoli"),
            text.repeat(1000),
        ] {
            assert_eq!(Statement::from_text(&bad), None, "{bad:.80}");
        }
        let truncated = |end| text.get(..end).is_some_and(|text| Statement::from_text(text).is_some());
        assert!(!(0..text.len()).any(truncated));
    }

    #[test]
    fn a_parcel_that_is_no_order_is_named() {
        let missing = Order::from_parcel(&Parcel::new()).unwrap_err();
        assert_eq!(missing, OrderError::Missing { name: "authentication.csr.pem".into() });
        let foreign = Parcel::from([("autorun.inf".into(), String::new())]);
        assert_eq!(Order::from_parcel(&foreign).unwrap_err(), OrderError::Foreign { name: "autorun.inf".into() });
    }
}

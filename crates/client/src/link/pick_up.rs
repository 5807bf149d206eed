use obnova_enroll::{
    certs_only,
    cmc::{Signer, ToSign},
    est::{Headers, HttpRequest, Method},
};
use obnova_renewal::{Loose, ParsedCertificate};
use zeroize::Zeroizing;

use super::{LinkError, parts};
use crate::{CaError, HttpExchange, Https, ReceiptError, est::SignedReceipt, tls_config};

/// A link that an issuer mailed when certificates were ready, and what it opened. It stays open until the issuer is told that they
/// are on a card: [`Finish::close`](crate::Finish::close).
pub struct PickUpLink<H = Https> {
    https: H,
    server: String,
    path: Zeroizing<String>,
    anchors: Vec<ParsedCertificate>,
    came: Vec<ParsedCertificate>,
}

impl PickUpLink {
    /// Follows a link. The server is recognised by `anchors`; no redirect leads to another.
    ///
    /// # Errors
    /// [`LinkError`].
    pub fn open(link: &str, anchors: &[ParsedCertificate]) -> Result<Self, LinkError> {
        let (server, _) = parts(link).ok_or(LinkError::NoLink)?;
        let https = Https::new(server, tls_config(anchors)?).map_err(|_| LinkError::NoLink)?;
        Self::open_over(https, link, anchors)
    }
}

impl<H: HttpExchange> PickUpLink<H> {
    /// The same over this connection to the link's server.
    ///
    /// # Errors
    /// As [`open`](PickUpLink::open).
    pub fn open_over(https: H, link: &str, anchors: &[ParsedCertificate]) -> Result<Self, LinkError> {
        let (server, path) = parts(link).ok_or(LinkError::NoLink)?;
        let came = ask(&https, path)?;
        let (server, path) = (server.to_owned(), Zeroizing::new(path.to_owned()));
        Ok(Self { https, server, path, anchors: anchors.to_vec(), came })
    }

    /// Whether it opens something still: nobody is told that certificates arrived.
    ///
    /// # Errors
    /// [`LinkError`], but for [`LinkError::Spent`].
    pub fn is_open(&self) -> Result<bool, LinkError> {
        match ask(&self.https, &self.path) {
            Ok(_) => Ok(true),
            Err(LinkError::Spent) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The issuer's server.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// What it opened, with the issuer's own certificates.
    #[must_use]
    pub fn certificates(&self) -> Vec<Loose> {
        self.came.iter().map(|one| Loose { name: self.server.clone(), certificate: one.clone() }).collect()
    }

    /// Whether this certificate came by it.
    pub(crate) fn brought(&self, certificate: &ParsedCertificate) -> bool {
        self.came.contains(certificate)
    }

    /// Tells the issuer that these certificates arrived.
    pub(crate) fn receive(
        &self,
        certificates: &[&ParsedCertificate],
        signer: Signer,
        sign: impl FnMut(&ToSign) -> Result<Vec<u8>, ReceiptError>,
    ) -> Result<(), ReceiptError> {
        let receipt =
            SignedReceipt { path: &self.path, anchors: &self.anchors, given: &self.came, certificates, signer };
        receipt.send(&self.https, sign)
    }
}

fn ask(https: &dyn HttpExchange, path: &str) -> Result<Vec<ParsedCertificate>, LinkError> {
    let headers = Headers::from_iter([("Accept", "application/pkcs7-mime, application/x-pem-file")]);
    let question = HttpRequest { method: Method::Get, path: path.to_owned(), headers, body: Vec::new() };
    let answer = https.exchange(&question)?;
    match answer.status {
        200 => {}
        202 => return Err(LinkError::Undecided),
        403 => return Err(LinkError::Rejected),
        404 => return Err(LinkError::Unknown),
        410 => return Err(LinkError::Spent),
        status => return Err(CaError::Status { status, text: String::new() }.into()),
    }
    let unreadable = |problem: String| LinkError::NoCertificate { problem };
    let certificates = certs_only::read_file(&answer.body).map_err(|error| unreadable(error.to_string()))?;
    let parsed = certificates.iter().map(ParsedCertificate::try_from);
    parsed.map(|one| one.map_err(|error| unreadable(error.to_string()))).collect()
}

#[cfg(test)]
mod tests {
    use obnova_enroll::est::HttpResponse;

    use super::*;

    struct Says(u16, &'static str);

    impl HttpExchange for Says {
        fn exchange(&self, question: &HttpRequest) -> Result<HttpResponse, CaError> {
            assert_eq!((question.method.clone(), question.path.as_str()), (Method::Get, "/pickup/ab"));
            Ok(HttpResponse { status: self.0, headers: Headers::default(), body: self.1.as_bytes().to_vec() })
        }
    }

    #[test]
    fn each_answer_without_certificates_is_told_by_its_name() {
        let asked = |status, body| ask(&Says(status, body), "/pickup/ab").unwrap_err();
        assert!(matches!(asked(202, ""), LinkError::Undecided));
        assert!(matches!(asked(403, ""), LinkError::Rejected));
        assert!(matches!(asked(404, ""), LinkError::Unknown));
        assert!(matches!(asked(410, ""), LinkError::Spent));
        assert!(matches!(asked(302, ""), LinkError::Ca(CaError::Status { status: 302, .. })));
        for body in ["", "<html>Log in</html>", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"] {
            assert!(matches!(asked(200, body), LinkError::NoCertificate { .. }), "{body}");
        }
    }
}

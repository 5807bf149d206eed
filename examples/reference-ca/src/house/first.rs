//! What a CA in a directory needs for first certificates: the secret of its passwords, and the key that revocation passwords are
//! sealed for.

use std::{io, time::SystemTime};

use obnova_algorithm::KeyAlgorithm;
use obnova_ca::{
    CaKey, CredentialSecret, English, FirstDesk, FirstError, FirstPolicy, IssuedCertificate, Issuer, KeyFileError,
    store::SubjectRecord,
};
use obnova_enroll::{OneTimePassword, envelope::OpeningKey};
use x509_cert::der::DateTime;
use zeroize::Zeroizing;

use super::{
    House, HouseError, audit,
    layout::{Layout, is_missing, make_once},
    load_key,
};

/// A one-time password that goes to its holder. There is no `Debug`.
pub struct HandedOver {
    /// The password.
    pub password: OneTimePassword,
    /// All that stands on the paper: nothing in it says whose it is.
    pub paper: Zeroizing<String>,
}

impl House {
    /// Issues a one-time password, on paper. The user id goes another way, by mail ([`FirstDesk::hand_over`]).
    ///
    /// # Errors
    /// [`FirstError`].
    pub fn hand_over(&self, subject: SubjectRecord, now: SystemTime) -> Result<HandedOver, FirstError> {
        // A house has a desk.
        let desk = self.ca().first().ok_or(FirstError::NoSubject)?;
        let issued = desk.hand_over(subject, &English, now)?;
        let until = DateTime::from_system_time(issued.expires).map_or_else(|_| "?".into(), |date| date.to_string());
        let (module, password) = (&issued.subject.module, issued.password.to_text());
        let paper =
            format!("one-time password  {}\nmodule             {module}\nuntil              {until}\n", **password);
        Ok(HandedOver { password: issued.password, paper: Zeroizing::new(paper) })
    }
}

/// The desk for first certificates. A CA that is older than that gets what it needs; where its certificate is there already, a
/// secret or key that is missing is missed.
pub(super) fn desk(layout: &Layout, policy: FirstPolicy, issuer: &Issuer) -> Result<FirstDesk, HouseError> {
    let (secret, key, certificate) =
        (layout.credential_secret(), layout.encryption_key(), layout.encryption_certificate());
    let key_error = |path| move |source| HouseError::Key { path, source };
    if is_missing(&certificate) {
        make_once(&secret, |path| CredentialSecret::generate()?.save(path)).map_err(key_error(secret.clone()))?;
        make_once(&key, |path| CaKey::generate(KeyAlgorithm::P256)?.save(path)).map_err(key_error(key.clone()))?;
        let made = certify(issuer, &load_key(&key)?)?;
        let pem = Layout::pem(&certificate, &made)?;
        let write = |path: &std::path::Path| std::fs::write(path, &pem).map_err(KeyFileError::from);
        make_once(&certificate, write).map_err(key_error(certificate.clone()))?;
    }
    let kept = CredentialSecret::load(&secret).map_err(key_error(secret))?;
    let opened = layout.read_certificate(&certificate)?.certificate;
    let pkcs8 = load_key(&key)?.to_pkcs8().map_err(key_error(key.clone()))?;
    let mismatch = || io::Error::other("not the key of the certificate for encryption beside it");
    let opening = OpeningKey::from_pkcs8(&pkcs8, opened.clone());
    let opening = opening.map_err(|_| HouseError::Io { path: key, source: mismatch() })?;
    Ok(FirstDesk::new(policy, audit::store(layout)?, kept).opening(opening, opened))
}

/// As long as the CA itself lives.
fn certify(issuer: &Issuer, key: &CaKey) -> Result<IssuedCertificate, HouseError> {
    let validity = *issuer.certificate().certificate.tbs_certificate().validity();
    let validity = (validity.not_before.to_system_time(), validity.not_after.to_system_time());
    Ok(issuer.encryption_certificate(key, validity)?)
}

//! What the CA needs for first certificates, in its folder.

use std::{path::Path, sync::Arc, time::SystemTime};

use obnova_algorithm::KeyAlgorithm;
use obnova_ca::{
    Ca, CaKey, CredentialSecret, FirstDesk, FirstPolicy, IssuedCertificate, Issuer, MailKind, Outbox, SqliteStore,
    Subject,
};
use obnova_client::enroll::{
    cmc::UserId,
    envelope::OpeningKey,
    est::{Headers, HttpResponse},
};
use x509_cert::der::Encode as _;

use crate::authority::Authority;

pub const USER: &str = "jana.novakova";
pub const REVOCATION_PASSWORD: &str = "the plums are in the cellar";

const SECRET: &str = "passwords.secret";
const KEY: &str = "encryption.key";
const CERTIFICATE: &str = "encryption.cer";

/// Makes its secrets, and the key that revocation passwords are sealed for.
pub fn found(folder: &Path, issuer: &Issuer) {
    CredentialSecret::generate().unwrap().save(&folder.join(SECRET)).unwrap();
    let key = CaKey::generate(KeyAlgorithm::P256).unwrap();
    let validity = *issuer.certificate().certificate.tbs_certificate().validity();
    let validity = (validity.not_before.to_system_time(), validity.not_after.to_system_time());
    let certificate = issuer.encryption_certificate(&key, validity).unwrap();
    key.save(&folder.join(KEY)).unwrap();
    std::fs::write(folder.join(CERTIFICATE), certificate.der).unwrap();
}

/// The desk for first certificates.
pub fn open(folder: &Path, policy: FirstPolicy, store: SqliteStore) -> FirstDesk {
    let certificate = IssuedCertificate::from_der(&std::fs::read(folder.join(CERTIFICATE)).unwrap()).unwrap();
    let key = CaKey::load(&folder.join(KEY)).unwrap().to_pkcs8().unwrap();
    let key = OpeningKey::from_pkcs8(&key, certificate.certificate.clone()).unwrap();
    let secret = CredentialSecret::load(&folder.join(SECRET)).unwrap();
    FirstDesk::new(policy, store, secret).opening(key, certificate.certificate)
}

pub fn encryption_certificate(ca: &Ca) -> Option<HttpResponse> {
    let body = ca.first()?.encryption_certificate()?.to_der().unwrap();
    Some(HttpResponse { status: 200, headers: Headers::default(), body })
}

impl Authority {
    /// Enters somebody who has no certificate, and tells the one-time password that is handed over.
    pub fn hand_out(&self) -> String {
        let subject = Subject {
            user: UserId::new(USER).unwrap(),
            module: Subject::MODULE.into(),
            name: "CN=Jana Nováková,SERIALNUMBER=PNOCZ-0001,C=CZ".parse().unwrap(),
            email: "jana@example.cz".into(),
        };
        let issued = self.with_ca(|ca| {
            let (desk, now) = (ca.first().unwrap(), SystemTime::now());
            desk.issue(desk.enter(&subject, now).unwrap(), now).unwrap()
        });
        issued.unwrap().password.to_text().to_string()
    }

    /// At the end: the one password is used, for the one order, no guess of it is lost, and one mail went out.
    pub fn assert_used_once(&self, told: &str) {
        let order = &self.orders()[0].transaction;
        let passwords = self.with_ca(|ca| ca.first().unwrap().list(10).unwrap()).expect("the CA is down");
        let [password] = passwords.as_slice() else { panic!("{told}: {} passwords", passwords.len()) };
        assert_eq!((password.order.as_ref(), password.guesses), (Some(order), 0), "{told}");
        let mails = Outbox::new(Arc::new(self.store())).list(None, 10).unwrap();
        assert_eq!(mails.iter().map(|mail| mail.kind).collect::<Vec<_>>(), [MailKind::PickUp], "{told}");
    }
}

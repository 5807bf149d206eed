//! A CA that certifies whatever key it is given.

use std::{str::FromStr, time::Duration};

use aws_lc_rs::{encoding::AsDer, signature as sig};
use obnova_algorithm::SubjectPublicKeyInfoOwned;
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use x509_cert::{
    TbsCertificate,
    builder::{Builder, CertificateBuilder, Result, profile::BuilderProfile},
    der::{Decode, Encode, asn1::Ia5String},
    ext::{
        Extension, ToExtension,
        pkix::{BasicConstraints, SubjectAltName, name::GeneralName},
    },
    name::Name,
    serial_number::SerialNumber,
    spki::SubjectPublicKeyInfoRef,
    time::Validity,
};

pub struct Pki {
    ca: p256::ecdsa::SigningKey,
}

impl Pki {
    pub fn new() -> Self {
        Self { ca: p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap() }
    }

    pub fn roots(&self) -> RootCertStore {
        let key = SubjectPublicKeyInfoOwned::from_key(self.ca.verifying_key()).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(self.certify("CN=Test CA", key, true).into()).unwrap();
        roots
    }

    pub fn holder(&self, key: SubjectPublicKeyInfoOwned) -> Vec<u8> {
        self.certify("CN=Jana Holder", key, false)
    }

    pub fn server(&self) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        let key = sig::EcdsaKeyPair::generate(&sig::ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let public = sig::KeyPair::public_key(&key).as_der().unwrap();
        let public = SubjectPublicKeyInfoOwned::from_der(public.as_ref()).unwrap();
        let private = key.to_pkcs8v1().unwrap().as_ref().to_vec();
        (self.certify("CN=Test server", public, false).into(), PrivateKeyDer::Pkcs8(private.into()))
    }

    fn certify(&self, subject: &str, key: SubjectPublicKeyInfoOwned, ca: bool) -> Vec<u8> {
        let profile = Profile { subject: Name::from_str(subject).unwrap(), ca };
        let validity = Validity::from_now(Duration::from_secs(3600)).unwrap();
        let builder = CertificateBuilder::new(profile, SerialNumber::from(1u32), validity, key).unwrap();
        let certificate = builder.build::<_, p256::ecdsa::DerSignature>(&self.ca).unwrap();
        certificate.to_der().unwrap()
    }
}

struct Profile {
    subject: Name,
    ca: bool,
}

impl BuilderProfile for Profile {
    fn get_issuer(&self, _: &Name) -> Name {
        Name::from_str("CN=Test CA").unwrap()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        _: SubjectPublicKeyInfoRef<'_>,
        _: SubjectPublicKeyInfoRef<'_>,
        _: &TbsCertificate,
    ) -> Result<Vec<Extension>> {
        let constraints = BasicConstraints { ca: self.ca, path_len_constraint: None };
        let names = SubjectAltName(vec![GeneralName::DnsName(Ia5String::new("localhost")?)]);
        Ok(vec![constraints.to_extension(&self.subject, &[])?, names.to_extension(&self.subject, &[])?])
    }
}

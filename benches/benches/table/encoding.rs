//! A certification request as our builder and as `rcgen` encode it, and as it is read: common name, key usage, one mail address.

use std::hint::black_box;

use obnova_algorithm::{SignatureAlgorithm, SubjectPublicKeyInfoOwned, verify};
use obnova_pkcs10::{CertificationRequest, RequestBuilder, RequestToSign};
use rcgen::{
    CertificateParams, CertificateSigningRequest, DistinguishedName, DnType, KeyUsagePurpose, PublicKeyData, SanType,
    SigningKey,
};
use x509_cert::{
    der::{Decode, asn1::Ia5String, oid::AssociatedOid},
    ext::{
        Extensions,
        pkix::{KeyUsage, KeyUsages, name::GeneralName},
    },
    name::Name,
    request::{CertReq, ExtensionReq},
};

pub const SUBJECT: &str = "Jana Novakova";
pub const MAIL: &str = "jana@example.com";

/// What the request says, in both languages.
pub struct Wanted {
    subject: Name,
    public: SubjectPublicKeyInfoOwned,
    algorithm: SignatureAlgorithm,
    params: CertificateParams,
}

impl Wanted {
    pub fn new(public: SubjectPublicKeyInfoOwned, algorithm: SignatureAlgorithm) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, SUBJECT);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.subject_alt_names = vec![SanType::Rfc822Name(MAIL.try_into().unwrap())];
        Self { subject: format!("CN={SUBJECT}").parse().unwrap(), public, algorithm, params }
    }

    pub fn obnova(&self) -> RequestToSign {
        let mail = GeneralName::Rfc822Name(Ia5String::new(MAIL).unwrap());
        RequestBuilder::new(self.subject.clone(), self.public.clone(), self.algorithm)
            .key_usage(KeyUsage(KeyUsages::DigitalSignature.into()))
            .subject_alt_name(vec![mail])
            .finalize()
            .unwrap()
    }

    pub fn rcgen(&self, key: &impl SigningKey) -> CertificateSigningRequest {
        self.params.serialize_request(key).unwrap()
    }

    /// As far as the bytes to sign, which are shown.
    pub fn rcgen_unsigned(&self, key: &Given, show: impl Fn(&[u8])) {
        assert!(self.params.serialize_request(&Unsigned { key, show }).is_err(), "nobody signed");
    }
}

/// A request that came in, and how many extensions it asks for.
pub fn obnova_read(der: &[u8]) -> usize {
    black_box(CertificationRequest::from_der(der).unwrap()).extensions().len()
}

/// The same by `x509-cert`, which leaves it to its caller to read the extensions out of their attribute.
pub fn x509_cert_read(der: &[u8]) -> usize {
    let request = black_box(CertReq::from_der(der).unwrap());
    let wanted = request.info.attributes.iter().filter(|attribute| attribute.oid == ExtensionReq::OID);
    wanted
        .flat_map(|attribute| attribute.values.iter())
        .map(|value| black_box(value.decode_as::<Extensions>().unwrap()).len())
        .sum()
}

/// A key that is elsewhere, whose signature has come.
pub struct Given {
    pub public: Vec<u8>,
    pub algorithm: &'static rcgen::SignatureAlgorithm,
    pub signature: Vec<u8>,
}

impl PublicKeyData for Given {
    fn der_bytes(&self) -> &[u8] {
        &self.public
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        self.algorithm
    }
}

impl SigningKey for Given {
    fn sign(&self, _: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Ok(self.signature.clone())
    }
}

/// A key that does not sign: who builds a request for it gets as far as the bytes to sign.
pub struct Unsigned<'a, F> {
    pub key: &'a Given,
    /// Is shown them.
    pub show: F,
}

impl<F> PublicKeyData for Unsigned<'_, F> {
    fn der_bytes(&self) -> &[u8] {
        self.key.der_bytes()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        self.key.algorithm()
    }
}

impl<F: Fn(&[u8])> SigningKey for Unsigned<'_, F> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        (self.show)(message);
        Err(rcgen::Error::RemoteKeyError)
    }
}

/// A key whose every signature is checked before it goes into a request.
pub struct Checked<'a, K> {
    pub key: &'a K,
    pub public: &'a SubjectPublicKeyInfoOwned,
    pub algorithm: SignatureAlgorithm,
}

impl<K: PublicKeyData> PublicKeyData for Checked<'_, K> {
    fn der_bytes(&self) -> &[u8] {
        self.key.der_bytes()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        self.key.algorithm()
    }
}

impl<K: SigningKey> SigningKey for Checked<'_, K> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let signature = self.key.sign(message)?;
        verify(self.public, self.algorithm, message, &signature).unwrap();
        Ok(signature)
    }
}

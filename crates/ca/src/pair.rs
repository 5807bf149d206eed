use std::time::SystemTime;

use const_oid::db::rfc5280::{ID_AD_CA_ISSUERS, ID_AD_OCSP, ID_KP_CLIENT_AUTH};
use der::{Encode, asn1::Ia5String};
use obnova_algorithm::SubjectPublicKeyInfoOwned;
use x509_cert::{
    ext::{
        Extension,
        pkix::{
            AccessDescription, AuthorityInfoAccessSyntax, BasicConstraints, CertificatePolicies, CrlDistributionPoints,
            ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName,
            certpolicy::PolicyInformation,
            crl::dp::DistributionPoint,
            name::{DistributionPointName, GeneralName},
        },
    },
    name::Name,
};

use crate::{ProfilePolicy, certificate::extension, qualified::qc_statements};

/// What one of the twin certificates is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Profile {
    /// For logging in: digitalSignature, clientAuth.
    Authentication,
    /// For signing: nonRepudiation (contentCommitment) and nothing else, qualified where policy says so.
    Signature,
}

impl Profile {
    /// Both, in the order in which they are listed.
    pub const ALL: [Self; 2] = [Self::Authentication, Self::Signature];

    /// Which profile a requested keyUsage asks for; `None` when it asks for neither, both, or more.
    #[must_use]
    pub fn of(usage: KeyUsage) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.key_usage() == usage)
    }

    /// keyUsage of its certificates (RFC 5280 §4.2.1.3; ETSI EN 319 412-2 §4.3.2, types A and C).
    #[must_use]
    pub fn key_usage(self) -> KeyUsage {
        KeyUsage(match self {
            Self::Authentication => KeyUsages::DigitalSignature.into(),
            Self::Signature => KeyUsages::NonRepudiation.into(),
        })
    }

    /// Name in files and lists: `authentication`, `signature`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::Signature => "signature",
        }
    }
}

impl std::fmt::Display for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What a card gets when it is personalised: the first pair, on the CA's own word that the holder was identified.
#[derive(Clone, Debug)]
pub struct FirstPair {
    /// The holder.
    pub subject: Name,
    /// Where notices go: an rfc822Name in subjectAltName of both.
    pub email: String,
    /// Key of the authentication certificate.
    pub authentication: SubjectPublicKeyInfoOwned,
    /// Key of the signature certificate.
    pub signature: SubjectPublicKeyInfoOwned,
    /// From when they are valid.
    pub not_before: SystemTime,
    /// Until when; the policy's validity is not asked, so that a demo can have a pair that ends soon.
    pub not_after: SystemTime,
}

impl FirstPair {
    pub(crate) fn key(&self, profile: Profile) -> &SubjectPublicKeyInfoOwned {
        match profile {
            Profile::Authentication => &self.authentication,
            Profile::Signature => &self.signature,
        }
    }

    pub(crate) fn subject_alt_name(&self) -> der::Result<Extension> {
        let names = vec![GeneralName::Rfc822Name(Ia5String::new(&self.email)?)];
        extension(self.subject.is_empty(), &SubjectAltName(names))
    }
}

/// The extensions that all holders' certificates of one profile have, DER of each; the names come after them.
pub(crate) fn holder_extensions(profile: Profile, policy: &ProfilePolicy) -> der::Result<Vec<Vec<u8>>> {
    let mut extensions = vec![
        extension(true, &BasicConstraints { ca: false, path_len_constraint: None })?,
        extension(true, &profile.key_usage())?,
    ];
    if profile == Profile::Authentication {
        extensions.push(extension(false, &ExtendedKeyUsage(vec![ID_KP_CLIENT_AUTH]))?);
    }
    if !policy.certificate_policies.is_empty() {
        let identifiers = policy.certificate_policies.iter();
        let policies =
            identifiers.map(|oid| PolicyInformation { policy_identifier: *oid, policy_qualifiers: None }).collect();
        extensions.push(extension(false, &CertificatePolicies(policies))?);
    }
    let address = |url: &String| Ok::<_, der::Error>(GeneralName::UniformResourceIdentifier(Ia5String::new(url)?));
    let accesses = [(ID_AD_OCSP, &policy.ocsp), (ID_AD_CA_ISSUERS, &policy.ca_issuers)];
    let accesses = accesses.into_iter().filter_map(|(access_method, url)| {
        let location = address(url.as_ref()?);
        Some(location.map(|access_location| AccessDescription { access_method, access_location }))
    });
    let accesses = accesses.collect::<der::Result<Vec<_>>>()?;
    if !accesses.is_empty() {
        extensions.push(extension(false, &AuthorityInfoAccessSyntax(accesses))?);
    }
    if let Some(url) = &policy.crl {
        let point = DistributionPoint {
            distribution_point: Some(DistributionPointName::FullName(vec![address(url)?])),
            reasons: None,
            crl_issuer: None,
        };
        extensions.push(extension(false, &CrlDistributionPoints(vec![point]))?);
    }
    if let Some(statements) = policy.qualified.as_ref().map(qc_statements).transpose()?.flatten() {
        extensions.push(statements);
    }
    extensions.iter().map(Encode::to_der).collect()
}

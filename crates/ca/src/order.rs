//! What an order must be like: the twin transaction and the re-enroll rule.

use std::time::SystemTime;

use const_oid::{AssociatedOid, db::rfc5912::ID_CE_SUBJECT_ALT_NAME};
use der::Encode;
use obnova_algorithm::KeyAlgorithm;
use obnova_pkcs10::CertificationRequest;
use x509_cert::{
    Certificate,
    ext::{Extension, pkix::KeyUsage},
};

use crate::{
    CaError, KeyHash, Policy, Profile, Refusal, Transaction,
    store::{Asked, CertificateRecord, RequestRecord},
};

/// An order as it arrived: whoever read it has verified the signers' signatures over it, and nothing else.
#[derive(Clone, Debug)]
pub struct Order {
    /// Its name.
    pub transaction: Transaction,
    /// The message it came in, byte for byte.
    pub message: Vec<u8>,
    /// The certification requests.
    pub requests: Vec<CertificationRequest>,
    /// The certificates of the keys that signed it.
    pub signers: Vec<Certificate>,
}

/// An order that keeps every rule.
pub(crate) struct Checked<'a> {
    pub holder: String,
    pub requests: Vec<RequestRecord>,
    /// The certificates that vouch for the requests, in their order.
    pub old: Vec<&'a Certificate>,
}

/// What the store is to be asked about an order.
pub(crate) fn asked(order: &Order) -> Asked<'_> {
    let serials = order.signers.iter().map(|one| one.tbs_certificate().serial_number().as_bytes());
    Asked { transaction: &order.transaction, serials: serials.collect() }
}

/// Tries an order against every rule that needs no knowledge of other orders; [`Store::submit`] has those.
/// `kept` are certificates with the signers' serial numbers.
///
/// # Errors
/// [`CaError::Refused`] with the rule that is broken, the cheap ones first.
pub(crate) fn check<'a>(
    order: &'a Order,
    policy: &Policy,
    kept: &[Option<CertificateRecord>],
    now: SystemTime,
) -> Result<Checked<'a>, CaError> {
    let profiles = twins(&order.requests)?;
    let vouching = pair(&order.signers, kept)?;
    for profile in Profile::ALL {
        in_time(profile, vouching.of(profile), policy, now)?;
    }
    let (mut requests, mut vouched) = (Vec::new(), Vec::new());
    for (request, profile) in order.requests.iter().zip(profiles) {
        let certificate = vouching.of(profile);
        identical(profile, request, certificate)?;
        let key = request.verify().map_err(|reason| Refusal::Request { profile, reason })?;
        accepted(policy, profile, key)?;
        let hash = KeyHash::of(request.public_key()).map_err(CaError::Key)?;
        let old = KeyHash::of(certificate.tbs_certificate().subject_public_key_info()).map_err(CaError::Key)?;
        let same_key = hash == old;
        if same_key && !policy.same_key {
            return Err(Refusal::OldKey(profile).into());
        }
        requests.push(RequestRecord {
            profile,
            request: request.der().to_vec(),
            key: hash,
            same_key,
            replaces: certificate.tbs_certificate().serial_number().as_bytes().to_vec(),
        });
        vouched.push(certificate);
    }
    if requests[0].key == requests[1].key {
        return Err(Refusal::SharedKey.into());
    }
    Ok(Checked { holder: vouching.holder, requests, old: vouched })
}

/// Policy takes keys of this kind.
pub(crate) fn accepted(policy: &Policy, profile: Profile, key: KeyAlgorithm) -> Result<(), Refusal> {
    let accepted = &policy.profile(profile).keys;
    if accepted.contains(&key) {
        return Ok(());
    }
    let accepted = accepted.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    Err(Refusal::KeyKind { profile, key, accepted })
}

/// One request of each profile, told apart by the keyUsage that they ask for.
fn twins(requests: &[CertificationRequest]) -> Result<[Profile; 2], Refusal> {
    let [first, second] = requests else { return Err(Refusal::RequestCount { count: requests.len() }) };
    let profiles = [wanted(1, first)?, wanted(2, second)?];
    if profiles[0] == profiles[1] { Err(Refusal::NotTwins(profiles[0])) } else { Ok(profiles) }
}

pub(crate) fn wanted(position: usize, request: &CertificationRequest) -> Result<Profile, Refusal> {
    let usage = request.extension::<KeyUsage>().map_err(|reason| Refusal::Extension { position, reason })?;
    usage.and_then(|(_, usage)| Profile::of(usage)).ok_or(Refusal::KeyUsage { position })
}

/// The certificates that vouch for the new ones.
struct OldPair<'a> {
    authentication: &'a Certificate,
    signature: &'a Certificate,
    /// Their subject, readable.
    holder: String,
}

impl<'a> OldPair<'a> {
    const fn of(&self, profile: Profile) -> &'a Certificate {
        match profile {
            Profile::Authentication => self.authentication,
            Profile::Signature => self.signature,
        }
    }
}

/// Both old keys signed, and their certificates are this CA's, byte for byte as they were issued, and one holder's.
fn pair<'a>(signers: &'a [Certificate], kept: &[Option<CertificateRecord>]) -> Result<OldPair<'a>, Refusal> {
    let [first, second] = signers else { return Err(Refusal::SignerCount { count: signers.len() }) };
    let known = |index: usize, signer| {
        let kept = kept.get(index).and_then(Option::as_ref).filter(|kept| issued_here(signer, kept));
        kept.ok_or(Refusal::UnknownSigner { position: index + 1 })
    };
    let [one, other] = [known(0, first)?, known(1, second)?];
    let (authentication, signature) = match (one.profile, other.profile) {
        (Profile::Authentication, Profile::Signature) => (first, second),
        (Profile::Signature, Profile::Authentication) => (second, first),
        _ => return Err(Refusal::SignersNotAPair),
    };
    let same_holder = authentication.tbs_certificate().subject() == signature.tbs_certificate().subject()
        && alt_name(authentication) == alt_name(signature);
    if !same_holder {
        return Err(Refusal::SignersNotAPair);
    }
    if let Some(revoked) = [&one, &other].into_iter().find(|one| one.revoked) {
        return Err(Refusal::Revoked(revoked.profile));
    }
    // It is written out there, which costs more than to look it up.
    Ok(OldPair { authentication, signature, holder: one.subject.clone() })
}

/// Whether it is the certificate that is kept under its serial number, byte for byte. Only what this CA's key signed gets there,
/// so its signature is not verified once more.
pub(crate) fn issued_here(certificate: &Certificate, kept: &CertificateRecord) -> bool {
    certificate.to_der().is_ok_and(|der| der == kept.der)
}

/// The certificate that vouches is valid now.
pub(crate) fn valid(profile: Profile, certificate: &Certificate, now: SystemTime) -> Result<(), Refusal> {
    let validity = certificate.tbs_certificate().validity();
    if now < validity.not_before.to_system_time() {
        return Err(Refusal::NotYetValid { profile, from: validity.not_before.to_string() });
    }
    let end = validity.not_after.to_system_time();
    // Valid through the second that notAfter names (RFC 5280 §4.1.2.5).
    if now >= end + std::time::Duration::from_secs(1) {
        return Err(Refusal::Expired { profile, at: validity.not_after.to_string() });
    }
    Ok(())
}

fn in_time(profile: Profile, certificate: &Certificate, policy: &Policy, now: SystemTime) -> Result<(), Refusal> {
    valid(profile, certificate, now)?;
    let end = certificate.tbs_certificate().validity().not_after.to_system_time();
    let opens = end.checked_sub(policy.renewal_window).unwrap_or(SystemTime::UNIX_EPOCH);
    if now < opens {
        let opens = x509_cert::time::Time::try_from(opens).map_or_else(|_| String::new(), |time| time.to_string());
        return Err(Refusal::TooEarly { opens });
    }
    Ok(())
}

/// RFC 7030 §4.2.2: "the Subject and SubjectAltName fields in the CSR must be identical" to the old certificate's.
fn identical(profile: Profile, request: &CertificationRequest, certificate: &Certificate) -> Result<(), Refusal> {
    if request.subject() != certificate.tbs_certificate().subject() {
        return Err(Refusal::SubjectChanged(profile));
    }
    let asked: Vec<_> = request.extensions().iter().filter(|one| one.extn_id == ID_CE_SUBJECT_ALT_NAME).collect();
    let kept = alt_name(certificate);
    let same = match (asked[..].as_ref(), &kept) {
        ([], None) => true,
        ([asked], Some(kept)) => asked.extn_value == kept.extn_value,
        _ => false,
    };
    if same { Ok(()) } else { Err(Refusal::NamesChanged(profile)) }
}

/// The subjectAltName of a certificate, as it stands there.
pub(crate) fn alt_name(certificate: &Certificate) -> Option<&Extension> {
    let mut extensions = certificate.tbs_certificate().extensions()?.iter();
    extensions.find(|extension| extension.extn_id == x509_cert::ext::pkix::SubjectAltName::OID)
}

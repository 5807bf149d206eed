//! What an order must be like: the twin transaction and the re-enroll rule.

use std::time::SystemTime;

use const_oid::db::rfc5912::ID_CE_SUBJECT_ALT_NAME;
use der::Decode;
use obnova_algorithm::KeyAlgorithm;
use obnova_enroll::{
    cmc::{ReceivedCertificate, ReceivedExtension},
    names::{same_alt_names, same_name},
};
use obnova_pkcs10::CertificationRequest;
use x509_cert::{ext::pkix::KeyUsage, name::Name};

use crate::{
    CaError, KeyHash, Policy, Profile, Refusal, Transaction,
    first::has_key_usage,
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
    pub signers: Vec<ReceivedCertificate>,
}

/// An order that keeps every rule.
pub(crate) struct Checked<'a> {
    pub holder: String,
    pub requests: Vec<RequestRecord>,
    /// The certificates that vouch for the requests, in their order.
    pub old: Vec<&'a ReceivedCertificate>,
}

/// What the store is to be asked about an order.
pub(crate) fn asked(order: &Order) -> Asked<'_> {
    let serials = order.signers.iter().map(ReceivedCertificate::serial);
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
    let profiles = profiles(&order.requests, policy)?;
    let vouching = vouching(&order.signers, kept, policy)?;
    in_time(&vouching.certificates, policy, now)?;
    let (mut requests, mut vouched) = (Vec::new(), Vec::new());
    for (request, profile) in order.requests.iter().zip(profiles) {
        let certificate = vouching.of(profile).ok_or(Refusal::SignersNotAPair)?;
        identical(profile, request, certificate, &vouching.subject)?;
        let key = request.verify().map_err(|reason| Refusal::Request { profile, reason })?;
        accepted(policy, profile, key)?;
        let hash = KeyHash::of(request.public_key()).map_err(CaError::Key)?;
        let old = KeyHash::of(certificate.public_key()).map_err(CaError::Key)?;
        let same_key = hash == old;
        if same_key && !policy.same_key {
            return Err(Refusal::OldKey(profile).into());
        }
        requests.push(RequestRecord {
            profile,
            request: request.der().to_vec(),
            key: hash,
            same_key,
            replaces: Some(certificate.serial().to_vec()),
        });
        vouched.push(certificate);
    }
    no_shared_key(&requests)?;
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

/// No two requests are for one key.
pub(crate) fn no_shared_key(requests: &[RequestRecord]) -> Result<(), Refusal> {
    let shared =
        requests.iter().enumerate().any(|(index, one)| requests[..index].iter().any(|other| other.key == one.key));
    if shared { Err(Refusal::SharedKey) } else { Ok(()) }
}

/// One request of each profile of the service, told apart by the keyUsage that they ask for; in the order of the requests.
pub(crate) fn profiles(requests: &[CertificationRequest], policy: &Policy) -> Result<Vec<Profile>, Refusal> {
    let service = &policy.first.profiles;
    if requests.len() != service.len() {
        return Err(Refusal::RequestCount { count: requests.len(), wanted: service.len() });
    }
    let mut profiles = Vec::new();
    for (index, request) in requests.iter().enumerate() {
        let profile = match service.as_slice() {
            // There is nothing to tell apart.
            [only] if !has_key_usage(request) => *only,
            _ => wanted(index + 1, request)?,
        };
        if profiles.contains(&profile) {
            return Err(Refusal::NotTwins(profile));
        }
        if !service.contains(&profile) {
            return Err(Refusal::NotOfThisService(profile));
        }
        profiles.push(profile);
    }
    Ok(profiles)
}

pub(crate) fn wanted(position: usize, request: &CertificationRequest) -> Result<Profile, Refusal> {
    let usage = request.extension::<KeyUsage>().map_err(|reason| Refusal::Extension { position, reason })?;
    usage.and_then(|(_, usage)| Profile::of(usage)).ok_or(Refusal::KeyUsage { position })
}

/// The certificates that vouch for the new ones: one of each profile of the service.
struct Vouching<'a> {
    certificates: Vec<(Profile, &'a ReceivedCertificate)>,
    subject: Name,
    /// The same, readable.
    holder: String,
}

impl<'a> Vouching<'a> {
    fn of(&self, profile: Profile) -> Option<&'a ReceivedCertificate> {
        self.certificates.iter().find(|(one, _)| *one == profile).map(|(_, certificate)| *certificate)
    }
}

/// All old keys signed, and their certificates are this CA's, byte for byte as they were issued, and one holder's.
fn vouching<'a>(
    signers: &'a [ReceivedCertificate],
    kept: &[Option<CertificateRecord>],
    policy: &Policy,
) -> Result<Vouching<'a>, Refusal> {
    let service = &policy.first.profiles;
    if signers.len() != service.len() {
        return Err(Refusal::SignerCount { count: signers.len(), wanted: service.len() });
    }
    let known = signers.iter().enumerate().map(|(index, signer)| {
        let kept = kept.get(index).and_then(Option::as_ref).filter(|kept| issued_here(signer.der(), kept));
        kept.ok_or(Refusal::UnknownSigner { position: index + 1 })
    });
    let known = known.collect::<Result<Vec<_>, _>>()?;
    let certificates: Vec<_> = known.iter().map(|kept| kept.profile).zip(signers).collect();
    let complete = service.iter().all(|profile| certificates.iter().any(|(one, _)| one == profile));
    let same_holder =
        signers.windows(2).all(|two| two[0].subject() == two[1].subject() && alt_name(&two[0]) == alt_name(&two[1]));
    if !complete || !same_holder {
        return Err(Refusal::SignersNotAPair);
    }
    if let Some(revoked) = known.iter().find(|one| one.revoked) {
        return Err(Refusal::Revoked(revoked.profile));
    }
    // What this CA issued can be read.
    let first = signers.first().ok_or(Refusal::SignersNotAPair)?;
    let subject = Name::from_der(first.subject()).map_err(|_| Refusal::UnknownSigner { position: 1 })?;
    // It is written out there, which costs more than to look it up.
    let holder = known.first().map(|one| one.subject.clone()).unwrap_or_default();
    Ok(Vouching { certificates, subject, holder })
}

/// Whether it is the certificate that is kept under its serial number, byte for byte. Only what this CA's key signed gets there,
/// so its signature is not verified once more.
pub(crate) fn issued_here(certificate: &[u8], kept: &CertificateRecord) -> bool {
    certificate == kept.der
}

/// The certificate that vouches is valid now.
pub(crate) fn valid(profile: Profile, certificate: &ReceivedCertificate, now: SystemTime) -> Result<(), Refusal> {
    let validity = certificate.validity();
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

/// All are valid, and the first of them to end is due: what follows it is renewed with it, for later there is no pair any more.
fn in_time(certificates: &[(Profile, &ReceivedCertificate)], policy: &Policy, now: SystemTime) -> Result<(), Refusal> {
    for profile in Profile::ALL {
        let certificate = certificates.iter().find(|(one, _)| *one == profile);
        certificate.map_or(Ok(()), |(_, certificate)| valid(profile, certificate, now))?;
    }
    let ends = certificates.iter().map(|(_, certificate)| certificate.validity().not_after.to_system_time());
    let end = ends.min().unwrap_or(SystemTime::UNIX_EPOCH);
    let opens = end.checked_sub(policy.renewal_window).unwrap_or(SystemTime::UNIX_EPOCH);
    if now < opens {
        let opens = x509_cert::time::Time::try_from(opens).map_or_else(|_| String::new(), |time| time.to_string());
        return Err(Refusal::TooEarly { opens });
    }
    Ok(())
}

/// RFC 7030 §4.2.2: "the Subject and SubjectAltName fields in the CSR must be identical" to the old certificate's, by what they say.
fn identical(
    profile: Profile,
    request: &CertificationRequest,
    certificate: &ReceivedCertificate,
    subject: &Name,
) -> Result<(), Refusal> {
    if !same_name(request.subject(), subject) {
        return Err(Refusal::SubjectChanged(profile));
    }
    let asked: Vec<_> = request.extensions().iter().filter(|one| one.extn_id == ID_CE_SUBJECT_ALT_NAME).collect();
    let kept = alt_name(certificate);
    let same = match (asked[..].as_ref(), &kept) {
        ([], None) => true,
        ([asked], Some(kept)) => same_alt_names(asked.extn_value.as_bytes(), kept.value),
        _ => false,
    };
    if same { Ok(()) } else { Err(Refusal::NamesChanged(profile)) }
}

/// The subjectAltName of a certificate, as it stands there.
pub(crate) fn alt_name(certificate: &ReceivedCertificate) -> Option<ReceivedExtension<'_>> {
    certificate.extension(ID_CE_SUBJECT_ALT_NAME)
}

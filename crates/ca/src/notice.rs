mod desk;

use std::time::SystemTime;

use x509_cert::{
    Certificate,
    ext::pkix::{SubjectAltName, name::GeneralName},
};

pub use desk::{NoticeDesk, NoticesDone};

use crate::{Ca, CaError, IssueError, IssuedCertificate, MailAddress, Profile, StoreError, store::CertificateRecord};

/// A holder whose certificates end soon, and who has not ordered new ones: whom to write to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The holder, readable.
    pub holder: String,
    /// The e-mail address that stands in the certificates.
    pub email: Option<String>,
    /// When they end; of a pair whose certificates are valid for different times, the first of them: they are renewed together, and not
    /// after that.
    pub ends: SystemTime,
    /// What ends: both of a pair, as a rule. What is on another card of the holder is another notice, also where it ends at the same moment.
    pub certificates: Vec<CertificateRecord>,
}

impl Notice {
    /// Whether all of its certificates end at once.
    #[must_use]
    pub fn ends_at_once(&self) -> bool {
        self.certificates.iter().all(|certificate| certificate.not_after == self.ends)
    }
}

/// Why certificates are not to be renewed by their holder any more, or not now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotDue {
    /// An order replaces them, which waits or is issued.
    #[error("the certificates that this link is for are ordered anew already")]
    Ordered,
    /// One of them is revoked; or the one that is renewed with them, where the service has a pair.
    #[error(
        "a certificate that would be renewed by this link is revoked, and without it nothing is: ask the CA for new certificates"
    )]
    Revoked,
    /// The same, and it may come back.
    #[error(
        "a certificate that would be renewed by this link is on hold: ask the CA to end the hold, and come back then"
    )]
    OnHold,
}

impl NotDue {
    /// Name for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ordered => "already-ordered",
            Self::Revoked => "revoked",
            Self::OnHold => "on-hold",
        }
    }
}

impl Ca {
    /// The notices for certificates that end from `from` on and before `until`, the first to end first; at most `limit`
    /// certificates are looked at. Those that an order replaces, which waits or is issued, are left out, and those that are revoked or on
    /// hold, with the other one of the pair that a service renews as one; and those that this service has not, as the second of a pair
    /// where it renews one: nobody could renew them here. The certificates of one order end with the first of them.
    ///
    /// Nothing is remembered of who asks: [`NoticeDesk`] writes to them, once.
    ///
    /// # Errors
    /// [`CaError::Store`].
    pub fn notices(&self, from: SystemTime, until: SystemTime, limit: u32) -> Result<Vec<Notice>, CaError> {
        self.notices_of(self.ending(from, until, limit)?)
    }

    /// The notices for these, which come by end and holder.
    fn notices_of(&self, ending: Vec<CertificateRecord>) -> Result<Vec<Notice>, CaError> {
        let mut notices: Vec<Notice> = Vec::new();
        let service = &self.policy().first.profiles;
        for record in ending.into_iter().filter(|record| service.contains(&record.profile)) {
            let mut others = self.store().issued_together(&record.serial)?;
            others.retain(|other| service.contains(&other.profile) && other.serial != record.serial);
            if others.iter().any(|other| other.not_after < record.not_after) {
                // It was told with that one, or is over with it.
                continue;
            }
            // No notice but the last few can be the same: the holder may have more cards whose certificates end then.
            let holder = |notice: &&mut Notice| notice.holder == record.subject && notice.ends == record.not_after;
            let is_of_pair = |one: &CertificateRecord| others.iter().any(|other| other.serial == one.serial);
            let same = |notice: &&mut Notice| notice.certificates.iter().any(is_of_pair);
            if let Some(notice) = notices.iter_mut().rev().take_while(holder).find(same) {
                notice.certificates.push(record);
                continue;
            }
            let certificate = IssuedCertificate::from_der(&record.der).map_err(IssueError::from)?.certificate;
            others.retain(|other| other.not_after != record.not_after);
            notices.push(Notice {
                holder: record.subject.clone(),
                email: email(&certificate),
                ends: record.not_after,
                certificates: [record].into_iter().chain(others).collect(),
            });
        }
        notices.retain_mut(|notice| {
            let is_whole = notice.certificates.iter().all(|one| !one.revoked);
            notice.certificates.retain(|one| !one.revoked);
            let has = |profile: &Profile| notice.certificates.iter().any(|one| one.profile == *profile);
            is_whole || service.iter().all(has)
        });
        Ok(notices)
    }
}

/// Where the holder of a certificate is written to, if anywhere.
pub(crate) fn address_in(kept: &CertificateRecord) -> Result<Option<MailAddress>, StoreError> {
    let certificate = IssuedCertificate::from_der(&kept.der);
    let certificate = certificate.map_err(|error| StoreError::Damaged(error.to_string()))?.certificate;
    Ok(email(&certificate).and_then(|email| MailAddress::new(&email).ok()))
}

pub(crate) fn email(certificate: &Certificate) -> Option<String> {
    let (_, names) = certificate.tbs_certificate().get_extension::<SubjectAltName>().ok().flatten()?;
    names.0.into_iter().find_map(|name| match name {
        GeneralName::Rfc822Name(address) => Some(address.to_string()),
        _ => None,
    })
}

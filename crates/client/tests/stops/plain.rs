//! Plain EST: a first certificate by a one-time password, and its renewal over the card's login.

use std::{marker::PhantomData, time::SystemTime};

use obnova_ca::{Ca, CaError as CaFailure, Outcome, Refusal};
use obnova_client::{
    CaConnection, CaError, Login, LoginExchange, SimpleEstConnection,
    enroll::est::{BasicError, Channel, Credentials, HttpRequest, HttpResponse, Server, SimpleOperation, Site},
};
use obnova_renewal::{ParsedCertificate, Policy};

use crate::{
    authority::Wire,
    first::{First, Service},
    holder::sign_in,
    profile::ProfileRig,
    rig::{Rig, Tear},
    table,
    task::Task,
    tears,
};

const POLICY: &str = include_str!("../../../../policies/partner.toml");

/// What the CA answers to who logged in with this certificate; `None` when it dies of it.
pub fn answer(
    ca: &Ca,
    request: &HttpRequest,
    operation: &SimpleOperation,
    peer: Option<&ParsedCertificate>,
) -> Option<HttpResponse> {
    let (server, now) = (Server::new(), SystemTime::now());
    let outcome = match operation {
        SimpleOperation::CsrAttrs => return Some(server.csrattrs(&ca.csr_attributes().unwrap()).unwrap()),
        SimpleOperation::Enroll(wanted) => {
            let who = Credentials::of(request, Channel::Tls).unwrap();
            ca.enroll(wanted, (who.user(), who.password()), None, now)
        }
        SimpleOperation::Reenroll(wanted) => ca.reenroll(wanted, peer.expect("nobody logged in").certificate(), now),
    };
    match outcome {
        Ok(Outcome::Pending { retry_after, .. }) => Some(server.retry_after(retry_after)),
        Ok(Outcome::Issued(certificates)) => Some(server.issued(&certificates[0].certificate).unwrap()),
        Err(CaFailure::Refused(Refusal::WrongPassword)) => Some(BasicError::Absent.response("here")),
        Err(CaFailure::Refused(refusal)) => {
            let is_nobody = matches!(refusal, Refusal::PasswordUsed);
            Some(server.refused(is_nobody, &format!("{}: {refusal}", refusal.name())))
        }
        Err(_) => None,
    }
}

/// With a card that signs for the connection.
impl LoginExchange for Wire<'_> {
    fn exchange_as(&self, login: &Login<'_>, request: &HttpRequest) -> Result<HttpResponse, CaError> {
        sign_in(login)?;
        self.exchange_from(Some(login.certificate), request)
    }
}

fn connect(wire: Wire<'_>) -> Result<Box<dyn CaConnection + '_>, CaError> {
    let (site, anchors) = (Site::parse("https://ca.example").unwrap(), wire.authority.anchors());
    Ok(Box::new(SimpleEstConnection::new(wire.clone(), wire, site, anchors)?))
}

/// One certificate for who has the one-time password.
struct Enrollment;

impl Service for Enrollment {
    const WHAT: &'static str = "a first order by plain EST";
    const CERTIFICATES: usize = 1;
    const POLICY: &'static str = POLICY;

    fn policy() -> Policy {
        Policy::partner()
    }

    fn connect(wire: Wire<'_>) -> Result<Box<dyn CaConnection + '_>, CaError> {
        connect(wire)
    }
}

/// One certificate, with a new key, in place of the one that logs in.
struct Reenrollment<R>(PhantomData<R>);

impl<R: Rig> Task for Reenrollment<R> {
    type Rig = R;

    const WHAT: &'static str = "a renewal by plain EST";
    const KEYS: usize = 3;

    fn policy() -> Policy {
        Policy::partner()
    }

    fn policy_of_ca() -> String {
        POLICY.into()
    }

    fn connect(wire: Wire<'_>) -> Result<Box<dyn CaConnection + '_>, CaError> {
        connect(wire)
    }
}

#[test]
fn a_first_certificate_stopped_anywhere_comes_to_its_end() {
    table::stopped::<First<ProfileRig, Enrollment>>();
}

#[test]
fn a_renewal_stopped_anywhere_comes_to_its_end() {
    table::stopped::<Reenrollment<ProfileRig>>();
}

#[test]
fn a_first_certificate_torn_inside_each_command() {
    tears::torn::<First<ProfileRig, Enrollment>>(Tear::Inside);
}

#[test]
fn a_renewal_torn_inside_each_command() {
    tears::torn::<Reenrollment<ProfileRig>>(Tear::Inside);
}

#[test]
fn a_first_certificate_with_the_ca_killed_at_each_write() {
    tears::ca_killed::<First<ProfileRig, Enrollment>>();
}

#[test]
fn a_renewal_with_the_ca_killed_at_each_write() {
    tears::ca_killed::<Reenrollment<ProfileRig>>();
}

//! Plain EST: a first certificate by a one-time password, and its renewal over the card's login; with a login at the end, which closes
//! the link that the CA mailed, and without one, where a receipt does.

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
    rig::{Rig, Tear, Tearing as _},
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
            let is_nobody = matches!(refusal, Refusal::PasswordUsed | Refusal::OtherUser);
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
pub struct Enrollment;

impl Service for Enrollment {
    const WHAT: &'static str = "a first order by plain EST";
    const CERTIFICATES: usize = 1;
    const EACH_PAIR: bool = false;
    const POLICY: &'static str = POLICY;

    fn policy() -> Policy {
        Policy::partner()
    }

    fn connect(wire: Wire<'_>) -> Result<Box<dyn CaConnection + '_>, CaError> {
        connect(wire)
    }
}

/// The same where no login proves the certificate at the end.
struct WithoutLogin;

impl Service for WithoutLogin {
    const WHAT: &'static str = "a first order by plain EST without a login";
    const CERTIFICATES: usize = 1;
    const OWES_A_RECEIPT: bool = true;
    const POLICY: &'static str = POLICY;

    fn policy() -> Policy {
        Policy { prove_login: false, ..Policy::partner() }
    }

    fn connect(wire: Wire<'_>) -> Result<Box<dyn CaConnection + '_>, CaError> {
        connect(wire)
    }
}

/// One certificate, with a new key, in place of the one that logs in to ask for it.
pub struct Reenrollment<R, S = Enrollment>(PhantomData<(R, S)>);

impl<R: Rig, S: Service> Task for Reenrollment<R, S> {
    type Rig = R;

    const WHAT: &'static str =
        if S::OWES_A_RECEIPT { "a renewal by plain EST without a login at its end" } else { "a renewal by plain EST" };
    const EACH_PAIR: bool = false;
    const KEYS: usize = 3;
    const OWES_A_RECEIPT: bool = S::OWES_A_RECEIPT;

    fn policy() -> Policy {
        S::policy()
    }

    fn policy_of_ca() -> String {
        S::POLICY.into()
    }

    fn connect(wire: Wire<'_>) -> Result<Box<dyn CaConnection + '_>, CaError> {
        S::connect(wire)
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
fn a_first_certificate_without_a_login_stopped_anywhere_comes_to_its_end() {
    table::stopped::<First<ProfileRig, WithoutLogin>>();
}

#[test]
fn a_renewal_without_a_login_stopped_anywhere_comes_to_its_end() {
    table::stopped::<Reenrollment<ProfileRig, WithoutLogin>>();
}

#[test]
fn a_first_certificate_torn_before_inside_and_after_each_command() {
    ProfileRig::TEARS.iter().for_each(|tear| tears::torn::<First<ProfileRig, Enrollment>>(*tear));
}

#[test]
fn a_renewal_torn_before_inside_and_after_each_command() {
    ProfileRig::TEARS.iter().for_each(|tear| tears::torn::<Reenrollment<ProfileRig>>(*tear));
}

#[test]
fn a_first_certificate_without_a_login_torn_inside_each_command() {
    tears::torn::<First<ProfileRig, WithoutLogin>>(Tear::Inside);
}

#[test]
fn a_renewal_without_a_login_torn_inside_each_command() {
    tears::torn::<Reenrollment<ProfileRig, WithoutLogin>>(Tear::Inside);
}

#[test]
fn a_first_certificate_with_the_ca_killed_at_each_write() {
    tears::ca_killed::<First<ProfileRig, Enrollment>>();
}

#[test]
fn a_renewal_with_the_ca_killed_at_each_write() {
    tears::ca_killed::<Reenrollment<ProfileRig>>();
}

#[test]
fn a_first_certificate_without_a_login_with_the_ca_killed_at_each_write() {
    tears::ca_killed::<First<ProfileRig, WithoutLogin>>();
}

#[test]
fn a_renewal_without_a_login_with_the_ca_killed_at_each_write() {
    tears::ca_killed::<Reenrollment<ProfileRig, WithoutLogin>>();
}

#[test]
fn a_first_certificate_torn_at_each_command_with_the_ca_killed_at_each_write() {
    tears::torn_and_ca_killed::<First<ProfileRig, Enrollment>>();
}

#[test]
fn a_renewal_torn_at_each_command_with_the_ca_killed_at_each_write() {
    tears::torn_and_ca_killed::<Reenrollment<ProfileRig>>();
}

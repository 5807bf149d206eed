//! First certificates, by a user id and a one-time password, onto a card with nothing on it.

use std::{fs, marker::PhantomData, path::Path, time::SystemTime};

use obnova_client::{CaConnection, CaError, EstConnection};
use obnova_renewal::{CardView, NotEligible, Plan, Policy, scan};

use crate::{
    authority::{Authority, Wire},
    desk::REVOCATION_PASSWORD,
    planted::Search,
    profile::ProfileRig,
    report::report,
    rig::{Rig, Tear},
    table,
    task::Task,
    tears,
    world::PAPER,
};

/// A card of somebody who has no certificate yet.
pub struct First<R, S>(PhantomData<(R, S)>);

/// Which certificates he asks for.
pub trait Service {
    const WHAT: &'static str;
    const CERTIFICATES: usize;
    /// As the task has these.
    const OWES_A_RECEIPT: bool = false;
    const EACH_PAIR: bool = true;
    /// Its policy file.
    const POLICY: &'static str;

    fn policy() -> Policy;

    /// With revocation passwords, unless it says otherwise.
    fn policy_of_ca() -> String {
        Self::POLICY.replace("required = false", "required = true")
    }

    /// The way to the CA.
    fn connect(wire: Wire<'_>) -> Result<Box<dyn CaConnection + '_>, CaError> {
        let anchors = wire.authority.anchors();
        Ok(Box::new(EstConnection::new(wire, anchors)?))
    }
}

pub struct Partner;

impl Service for Partner {
    const WHAT: &'static str = "a first order of one certificate";
    const CERTIFICATES: usize = 1;
    const POLICY: &'static str = include_str!("../../../../policies/partner.toml");

    fn policy() -> Policy {
        Policy::partner()
    }
}

/// As [`Partner`], without a revocation password: a CA takes long over each, as it should.
struct NoPassword;

impl Service for NoPassword {
    const WHAT: &'static str = "a first order of one certificate without a revocation password";
    const CERTIFICATES: usize = 1;
    const POLICY: &'static str = Partner::POLICY;

    fn policy() -> Policy {
        Policy { revocation_password: None, ..Policy::partner() }
    }

    fn policy_of_ca() -> String {
        Self::POLICY.replace("required = true", "required = false")
    }
}

pub struct Twins;

impl Service for Twins {
    const WHAT: &'static str = "a first order of a pair";
    const CERTIFICATES: usize = 2;
    const POLICY: &'static str = include_str!("../../../../policies/twins.toml");

    fn policy() -> Policy {
        Policy::twins()
    }
}

impl<R: Rig, S: Service> Task for First<R, S> {
    type Rig = R;

    const WHAT: &'static str = S::WHAT;
    const EACH_POINT: bool = R::EACH_POINT && S::CERTIFICATES == 1;
    const EACH_PAIR: bool = Self::EACH_POINT && S::EACH_PAIR;
    const KEYS: usize = S::CERTIFICATES;
    const OWES_A_RECEIPT: bool = S::OWES_A_RECEIPT;

    fn policy() -> Policy {
        S::policy()
    }

    fn policy_of_ca() -> String {
        S::policy_of_ca()
    }

    fn set_up(folder: &Path, authority: &Authority) {
        R::blank(&folder.join("card"));
        fs::write(folder.join(PAPER), authority.hand_out()).unwrap();
    }

    /// Whose card has all that he asked for waits until it is to be renewed.
    fn plan(card: &CardView, policy: &Policy, now: SystemTime) -> Result<Plan, NotEligible> {
        let has_certificates = card.slots.iter().any(|slot| !slot.certificates.is_empty());
        match has_certificates && scan(card).is_empty() {
            true => Plan::make(card, policy, now),
            false => Plan::first(card, policy, now),
        }
    }

    fn connect(wire: Wire<'_>) -> Result<Box<dyn CaConnection + '_>, CaError> {
        S::connect(wire)
    }

    fn assert_sound(folder: &Path, told: &str) {
        let paper = fs::read_to_string(folder.join(PAPER)).unwrap();
        let joined = paper.replace('-', "");
        assert_nowhere(folder, &Search::new([joined.as_str(), &paper, REVOCATION_PASSWORD]), told);
    }

    fn assert_done(authority: &Authority, told: &str) {
        authority.assert_used_once(told);
    }

    fn assert_told(sent_to_the_link: usize, stops: usize) {
        let (rig, what) = (R::NAME, S::WHAT);
        report(&format!("{rig}, {what}: told {sent_to_the_link} times that the one-time password is used"));
        assert!(sent_to_the_link > stops / 8, "{sent_to_the_link} of {stops}");
    }
}

/// No password is in any file but that of the holder: neither as it is, nor in the messages of a journal.
pub fn assert_nowhere(folder: &Path, secrets: &Search, told: &str) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            assert_nowhere(&path, secrets, told);
        } else if !path.ends_with(PAPER) {
            secrets.assert_absent(&format!("{}: {told}", path.display()), fs::read(&path).unwrap());
        }
    }
}

#[test]
fn one_certificate_stopped_anywhere_it_comes_to_its_end() {
    table::stopped::<First<ProfileRig, Partner>>();
}

#[test]
fn a_pair_stopped_anywhere_it_comes_to_its_end() {
    table::stopped::<First<ProfileRig, Twins>>();
}

#[test]
fn a_pair_torn_inside_each_command() {
    tears::torn::<First<ProfileRig, Twins>>(Tear::Inside);
}

#[test]
fn one_certificate_with_the_ca_killed_at_each_write() {
    tears::ca_killed::<First<ProfileRig, Partner>>();
}

#[test]
fn a_pair_with_the_ca_killed_at_each_write() {
    tears::ca_killed::<First<ProfileRig, Twins>>();
}

#[test]
fn one_certificate_torn_at_each_command_with_the_ca_killed_at_each_write() {
    tears::torn_and_ca_killed::<First<ProfileRig, NoPassword>>();
}

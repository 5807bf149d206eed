//! First certificates, by a user id and a one-time password, onto a card with nothing on it.

use std::{fs, marker::PhantomData, path::Path, time::SystemTime};

use obnova_algorithm::SubjectPublicKeyInfoOwned;
use obnova_card::{PasswordKind, Secret};
use obnova_client::SharedToken;
use obnova_renewal::{CardView, NotEligible, Pair, Plan, Policy, scan};

use crate::{
    authority::Authority,
    desk::REVOCATION_PASSWORD,
    mortal::Mortal,
    planted::Search,
    profile::ProfileRig,
    report::report,
    rig::{Rig, Tear, Tearing},
    table, tears,
    world::PAPER,
};

/// A card of somebody who has no certificate yet.
pub struct First<R, S>(R, PhantomData<S>);

/// Which certificates he asks for.
pub trait Service {
    const WHAT: &'static str;
    const CERTIFICATES: usize;
    /// Its policy file.
    const POLICY: &'static str;

    fn policy() -> Policy;
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

pub struct Twins;

impl Service for Twins {
    const WHAT: &'static str = "a first order of a pair";
    const CERTIFICATES: usize = 2;
    const POLICY: &'static str = include_str!("../../../../policies/twins.toml");

    fn policy() -> Policy {
        Policy::twins()
    }
}

impl<R: Rig, S: Service> Rig for First<R, S> {
    const NAME: &'static str = R::NAME;
    const EACH_POINT: bool = R::EACH_POINT && S::CERTIFICATES == 1;
    const WHAT: &'static str = S::WHAT;
    const KEYS: usize = S::CERTIFICATES;

    fn policy() -> Policy {
        S::policy()
    }

    fn policy_of_ca() -> String {
        S::POLICY.replace("required = false", "required = true")
    }

    fn set_up(folder: &Path, authority: &Authority) {
        R::blank(&folder.join("card"));
        fs::write(folder.join(PAPER), authority.hand_out()).unwrap();
    }

    /// Whose card has all that he asked for waits until it is to be renewed.
    fn plan(card: &CardView, now: SystemTime) -> Result<Plan, NotEligible> {
        let has_certificates = card.slots.iter().any(|slot| !slot.certificates.is_empty());
        match has_certificates && scan(card).is_empty() {
            true => Plan::make(card, &S::policy(), now),
            false => Plan::first(card, &S::policy(), now),
        }
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
        report(&format!("{}: told {sent_to_the_link} times that the one-time password is used", R::NAME));
        assert!(sent_to_the_link > stops / 8, "{sent_to_the_link} of {stops}");
    }

    fn blank(folder: &Path) {
        R::blank(folder);
    }

    fn personalise(folder: &Path, certify: impl FnOnce(&Pair<SubjectPublicKeyInfoOwned>) -> Pair<Vec<u8>>) {
        R::personalise(folder, certify);
    }

    fn insert(folder: &Path) -> Self {
        Self(R::insert(folder), PhantomData)
    }

    fn token(&self, life: &Mortal) -> SharedToken {
        self.0.token(life)
    }

    fn pin(password: PasswordKind) -> Secret {
        R::pin(password)
    }

    fn witness(&self) -> SharedToken {
        self.0.witness()
    }
}

impl<R: Tearing, S: Service> Tearing for First<R, S> {
    const TEARS: &[Tear] = R::TEARS;

    fn is_command(effect: &str) -> bool {
        R::is_command(effect)
    }

    fn tear(&self, at: usize, tear: Tear) {
        self.0.tear(at, tear);
    }

    fn is_torn(&self) -> bool {
        self.0.is_torn()
    }

    fn tries_gone(command: &str, tear: Tear, password: PasswordKind) -> u8 {
        R::tries_gone(command, tear, password)
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
    tears::torn_and_ca_killed::<First<ProfileRig, Partner>>();
}

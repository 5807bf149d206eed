//! The driver of PKCS#11 modules, over SoftHSM 2, with its token in files.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use obnova_algorithm::{KeyAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_card::{
    GenerateKey, InstallCertificate, KeyRole, PasswordKind, Pin, Pkcs11Call, Pkcs11Observer, Pkcs11Token, Pkcs11Uri,
    Secret, SlotId, Token, TokenError,
};
use obnova_client::{SharedToken, share};
use obnova_renewal::Pair;
use obnova_transport::TransportError;

use crate::{
    first::{First, Partner, Twins},
    killed, link,
    mortal::Mortal,
    notice::Noticed,
    own_password,
    plain::{Enrollment, Reenrollment},
    revocation,
    rig::{Rig, Tear, Tearing},
    same_key::SameKey,
    table,
    task::TwinRenewal,
    tears,
};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const MISSING: &str = "SoftHSM is missing: apt-get install -y --no-install-recommends softhsm2";
const INSIDE: &str = "OBNOVA_TEST_INSIDE_SOFTHSM";
const PIN: &str = "the one PIN";

/// A token of SoftHSM's, whose files are where its configuration says by a link that is turned.
#[derive(Default)]
pub struct SoftHsmRig {
    tear: Arc<Mutex<Planned>>,
}

/// At which call the token is taken out.
#[derive(Default)]
struct Planned {
    at: Option<(usize, Tear)>,
    calls: usize,
    sessions: usize,
    is_out: bool,
}

impl SoftHsmRig {
    /// What a program is told that opens the token, which is not shown.
    pub fn missing(&self) -> TokenError {
        Pkcs11Token::open(&uri()).err().expect("it is there")
    }
}

impl Rig for SoftHsmRig {
    const NAME: &'static str = "PKCS#11";
    /// SoftHSM opens a file for each attribute that it is asked for.
    const EACH_POINT: bool = false;

    fn blank(folder: &Path) {
        std::fs::create_dir(folder.join(TOKENS)).unwrap();
        turn_to(folder);
        let made = Command::new("softhsm2-util")
            .args(["--init-token", "--free", "--label", "holder", "--pin", PIN, "--so-pin", "5678"])
            .output()
            .expect(MISSING);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }

    fn personalise(folder: &Path, certify: impl FnOnce(&Pair<SubjectPublicKeyInfoOwned>) -> Pair<Vec<u8>>) {
        Self::blank(folder);
        initialise();
        let (mut token, pin) = (open(Observed::default()), Pin::new(Secret::from(PIN)));
        let place = |role| match role {
            KeyRole::Authentication => (SlotId(1), "Authentication".to_owned()),
            KeyRole::Signature => (SlotId(2), "Signature".to_owned()),
        };
        let keys = Pair::from_fn(|role| {
            let (slot, label) = place(role);
            token.generate(&GenerateKey { slot, role, algorithm: KeyAlgorithm::P256, label }, &pin).unwrap()
        });
        let certificates = certify(&keys);
        let jobs = certificates.iter().map(|(role, certificate)| {
            let (slot, label) = place(role);
            InstallCertificate { slot, certificate: certificate.clone(), label }
        });
        token.install(&jobs.collect::<Vec<_>>(), &[], &pin).unwrap();
    }

    fn insert(folder: &Path) -> Self {
        turn_to(folder);
        initialise();
        Self::default()
    }

    fn token(&self, life: &Mortal) -> SharedToken {
        let observed = Observed { life: life.clone(), tear: self.tear.clone(), ..Observed::default() };
        let token = open(observed.clone());
        observed.from_now_on.store(true, Relaxed);
        share(token)
    }

    fn pin(_: PasswordKind) -> Secret {
        Secret::from(PIN)
    }

    fn witness(&self) -> SharedToken {
        share(open(Observed::default()))
    }
}

/// Stops before and after each call of the module, and tears. To find the token takes calls too, before there is a program
/// that could be stopped.
#[derive(Clone, Default)]
struct Observed {
    life: Mortal,
    tear: Arc<Mutex<Planned>>,
    from_now_on: Arc<AtomicBool>,
}

/// What closes a conversation is done whatever happens to the program or the token.
const CLOSING: [&str; 2] = ["C_Logout", "C_CloseSession"];

impl Observed {
    fn pass(&self, when: &str, call: &Pkcs11Call<'_>) -> Result<(), TransportError> {
        self.life.pass(|| format!("{when} {} {}", call.function, call.about)).map_err(|_| TransportError::CardRemoved)
    }
}

impl Pkcs11Observer for Observed {
    fn before(&mut self, call: &Pkcs11Call<'_>) -> Result<(), TransportError> {
        if !self.from_now_on.load(Relaxed) {
            return Ok(());
        }
        self.pass("before", call)?;
        self.tear.lock().unwrap().before(call.function)
    }

    fn after(&mut self, call: &Pkcs11Call<'_>, outcome: Result<(), &TokenError>) -> Result<(), TransportError> {
        if !self.from_now_on.load(Relaxed) {
            return Ok(());
        }
        assert!(call.function != "C_Login" || outcome.is_ok(), "a try was spent: {outcome:?}");
        let passed = self.pass("after", call);
        self.tear.lock().unwrap().after(call.function)?;
        passed
    }
}

impl Planned {
    fn before(&mut self, function: &str) -> Result<(), TransportError> {
        if CLOSING.contains(&function) {
            return Ok(());
        }
        self.is_out |= self.at == Some((self.calls, Tear::Before));
        let outcome = self.outcome();
        if outcome.is_ok() {
            self.sessions += usize::from(function == "C_OpenSession");
        }
        outcome
    }

    fn after(&mut self, function: &str) -> Result<(), TransportError> {
        if CLOSING.contains(&function) {
            self.sessions -= usize::from(function == "C_CloseSession");
            // It is put in again when the conversation is over.
            self.is_out &= self.sessions > 0;
            return Ok(());
        }
        self.is_out |= self.at == Some((self.calls, Tear::After));
        self.calls += 1;
        let outcome = self.outcome();
        // The session that was opened is not known to whoever asked for it: nobody will close it.
        self.sessions -= usize::from(outcome.is_err() && function == "C_OpenSession");
        self.is_out &= self.sessions > 0;
        outcome
    }

    fn outcome(&mut self) -> Result<(), TransportError> {
        if !self.is_out {
            return Ok(());
        }
        self.at = None;
        self.is_out = self.sessions > 0;
        Err(TransportError::CardRemoved)
    }
}

impl Tearing for SoftHsmRig {
    /// Inside a call its process can be killed, as [`killed`] does; nobody else can stop it there.
    const TEARS: &[Tear] = &[Tear::Before, Tear::After];

    fn is_command(effect: &str) -> bool {
        effect.starts_with("C_") && !CLOSING.iter().any(|name| effect.starts_with(name))
    }

    fn tear(&self, at: usize, tear: Tear) {
        *self.tear.lock().unwrap() = Planned { at: Some((at, tear)), ..Planned::default() };
    }

    fn is_torn(&self) -> bool {
        self.tear.lock().unwrap().at.is_none()
    }

    fn tries_gone(_: &str, _: Tear, _: PasswordKind) -> u8 {
        0
    }
}

pub const TOKENS: &str = "tokens";

fn open(observed: Observed) -> Pkcs11Token {
    Pkcs11Token::open_observed(&uri(), observed).unwrap()
}

fn uri() -> Pkcs11Uri {
    format!("pkcs11:token=holder?module-path={MODULE}").parse().unwrap()
}

/// Lets SoftHSM find the tokens of this folder.
fn turn_to(folder: &Path) {
    let link = PathBuf::from(std::env::var_os(INSIDE).unwrap()).join(TOKENS);
    let _ = std::fs::remove_file(&link);
    std::os::unix::fs::symlink(folder.join(TOKENS), link).unwrap();
}

/// Lets SoftHSM forget what it knows of its tokens, and read them anew.
fn initialise() {
    let module = Pkcs11::new(MODULE).expect(MISSING);
    // Nothing was initialised, the first time.
    let _ = module.clone().finalize();
    module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
}

/// Runs `test`, which is the test of this name, in a process whose SoftHSM has a folder of its own: it has one configuration
/// a process.
fn alone(name: &str, test: impl FnOnce()) {
    assert!(Path::new(MODULE).exists(), "{MISSING}");
    if std::env::var_os(INSIDE).is_some() {
        return test();
    }
    let folder = tempfile::tempdir().unwrap();
    let configuration = folder.path().join("softhsm2.conf");
    let tokens = folder.path().join(TOKENS);
    let text = format!("directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n", tokens.display());
    std::fs::write(&configuration, text).unwrap();
    let run = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("softhsm::{name}"), "--nocapture", "--test-threads=1"])
        .env("SOFTHSM2_CONF", &configuration)
        .env(INSIDE, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}{}", String::from_utf8_lossy(&run.stderr));
    assert!(said.contains("1 passed"), "no test of the name {name} ran:\n{said}");
    // The harness writes the name of a test before what it prints.
    said.lines()
        .filter_map(|line| line.find(SoftHsmRig::NAME).map(|at| &line[at..]))
        .for_each(|line| println!("{line}"));
}

#[test]
fn stopped_anywhere_it_comes_to_its_end() {
    alone("stopped_anywhere_it_comes_to_its_end", table::stopped::<TwinRenewal<SoftHsmRig>>);
}

#[test]
fn stopped_anywhere_while_it_installs_files() {
    alone("stopped_anywhere_while_it_installs_files", table::by_files::<TwinRenewal<SoftHsmRig>>);
}

/// Before a call is after the one before.
#[test]
fn torn_after_each_call() {
    alone("torn_after_each_call", || tears::torn::<TwinRenewal<SoftHsmRig>>(Tear::After));
}

#[test]
fn with_the_ca_killed_at_each_write() {
    alone("with_the_ca_killed_at_each_write", tears::ca_killed::<TwinRenewal<SoftHsmRig>>);
}

#[test]
fn torn_at_each_call_with_the_ca_killed_at_each_write() {
    alone("torn_at_each_call_with_the_ca_killed_at_each_write", tears::torn_and_ca_killed::<TwinRenewal<SoftHsmRig>>);
}

#[test]
fn with_the_same_keys_stopped_anywhere_it_comes_to_its_end() {
    alone("with_the_same_keys_stopped_anywhere_it_comes_to_its_end", table::stopped::<SameKey<SoftHsmRig>>);
}

#[test]
fn a_first_order_of_one_certificate_stopped_anywhere_comes_to_its_end() {
    let name = "a_first_order_of_one_certificate_stopped_anywhere_comes_to_its_end";
    alone(name, table::stopped::<First<SoftHsmRig, Partner>>);
}

#[test]
fn a_first_order_of_a_pair_stopped_anywhere_comes_to_its_end() {
    let name = "a_first_order_of_a_pair_stopped_anywhere_comes_to_its_end";
    alone(name, table::stopped::<First<SoftHsmRig, Twins>>);
}

#[test]
fn a_first_order_of_a_pair_with_the_ca_killed_at_each_write() {
    alone("a_first_order_of_a_pair_with_the_ca_killed_at_each_write", tears::ca_killed::<First<SoftHsmRig, Twins>>);
}

#[test]
fn a_link_followed_without_a_journal_stopped_anywhere_is_closed() {
    let name = "a_link_followed_without_a_journal_stopped_anywhere_is_closed";
    alone(name, link::stopped::<TwinRenewal<SoftHsmRig>>);
}

#[test]
fn a_renewal_that_a_link_begins_stopped_anywhere_comes_to_its_end() {
    let name = "a_renewal_that_a_link_begins_stopped_anywhere_comes_to_its_end";
    alone(name, table::stopped::<Noticed<TwinRenewal<SoftHsmRig>>>);
}

#[test]
fn a_renewal_that_a_link_begins_torn_after_each_call() {
    let name = "a_renewal_that_a_link_begins_torn_after_each_call";
    alone(name, || tears::torn::<Noticed<TwinRenewal<SoftHsmRig>>>(Tear::After));
}

#[test]
fn a_renewal_that_a_link_begins_with_the_ca_killed_at_each_write() {
    let name = "a_renewal_that_a_link_begins_with_the_ca_killed_at_each_write";
    alone(name, tears::ca_killed::<Noticed<TwinRenewal<SoftHsmRig>>>);
}

#[test]
fn a_revocation_stopped_anywhere_ends_a_certificate_once() {
    alone("a_revocation_stopped_anywhere_ends_a_certificate_once", revocation::stopped::<SoftHsmRig>);
}

#[test]
fn a_revocation_password_stopped_anywhere_is_set_once() {
    alone("a_revocation_password_stopped_anywhere_is_set_once", own_password::stopped::<SoftHsmRig>);
}

#[test]
fn a_first_order_by_plain_est_stopped_anywhere_comes_to_its_end() {
    let name = "a_first_order_by_plain_est_stopped_anywhere_comes_to_its_end";
    alone(name, table::stopped::<First<SoftHsmRig, Enrollment>>);
}

#[test]
fn a_renewal_by_plain_est_stopped_anywhere_comes_to_its_end() {
    let name = "a_renewal_by_plain_est_stopped_anywhere_comes_to_its_end";
    alone(name, table::stopped::<Reenrollment<SoftHsmRig>>);
}

#[test]
fn a_first_order_by_plain_est_torn_after_each_call() {
    let name = "a_first_order_by_plain_est_torn_after_each_call";
    alone(name, || tears::torn::<First<SoftHsmRig, Enrollment>>(Tear::After));
}

#[test]
fn a_renewal_by_plain_est_torn_after_each_call() {
    let name = "a_renewal_by_plain_est_torn_after_each_call";
    alone(name, || tears::torn::<Reenrollment<SoftHsmRig>>(Tear::After));
}

#[test]
fn a_first_order_by_plain_est_torn_at_each_call_with_the_ca_killed_at_each_write() {
    let name = "a_first_order_by_plain_est_torn_at_each_call_with_the_ca_killed_at_each_write";
    alone(name, tears::torn_and_ca_killed::<First<SoftHsmRig, Enrollment>>);
}

#[test]
fn a_renewal_by_plain_est_torn_at_each_call_with_the_ca_killed_at_each_write() {
    let name = "a_renewal_by_plain_est_torn_at_each_call_with_the_ca_killed_at_each_write";
    alone(name, tears::torn_and_ca_killed::<Reenrollment<SoftHsmRig>>);
}

#[test]
fn killed_inside_a_call_that_makes_the_first_key() {
    let name = "killed_inside_a_call_that_makes_the_first_key";
    let chosen = |facts: &str| facts.ends_with("terms, generating");
    alone(name, || killed::inside::<TwinRenewal<SoftHsmRig>>(name, "makes the first key", chosen));
}

#[test]
fn killed_inside_a_call_that_makes_the_second_key() {
    let name = "killed_inside_a_call_that_makes_the_second_key";
    let chosen = |facts: &str| facts.ends_with("key-made, generating");
    alone(name, || killed::inside::<TwinRenewal<SoftHsmRig>>(name, "makes the second key", chosen));
}

#[test]
fn killed_inside_a_call_that_makes_no_key() {
    let name = "killed_inside_a_call_that_makes_no_key";
    let chosen = |facts: &str| !facts.ends_with("generating");
    alone(name, || killed::inside::<TwinRenewal<SoftHsmRig>>(name, "makes no key", chosen));
}

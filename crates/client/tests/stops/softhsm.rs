//! The driver of PKCS#11 modules, over SoftHSM 2, with its token in files.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use obnova_algorithm::{KeyAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_card::{
    GenerateKey, InstallCertificate, KeyRole, PasswordKind, Pin, Pkcs11Call, Pkcs11Observer, Pkcs11Token, Secret,
    SlotId, Token, TokenError,
};
use obnova_client::{SharedToken, share};
use obnova_renewal::Pair;
use obnova_transport::TransportError;

use crate::{mortal::Mortal, rig::Rig, table};

const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";
const MISSING: &str = "SoftHSM is missing: apt-get install -y --no-install-recommends softhsm2";
const INSIDE: &str = "OBNOVA_TEST_INSIDE_SOFTHSM";
const PIN: &str = "the one PIN";

/// A token of SoftHSM's, whose files are where its configuration says by a link that is turned.
pub struct SoftHsmRig;

impl Rig for SoftHsmRig {
    const NAME: &'static str = "PKCS#11";

    fn personalise(folder: &Path, certify: impl FnOnce(&Pair<SubjectPublicKeyInfoOwned>) -> Pair<Vec<u8>>) {
        std::fs::create_dir(folder.join(TOKENS)).unwrap();
        turn_to(folder);
        let made = Command::new("softhsm2-util")
            .args(["--init-token", "--free", "--label", "holder", "--pin", PIN, "--so-pin", "5678"])
            .output()
            .expect(MISSING);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        initialise();
        let (mut token, pin) = (open(Observed::by(&Mortal::forever())), Pin::new(Secret::from(PIN)));
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
        Self
    }

    fn token(&self, life: &Mortal) -> SharedToken {
        let observed = Observed::by(life);
        let token = open(observed.clone());
        observed.from_now_on.store(true, Relaxed);
        share(token)
    }

    fn pin(_: PasswordKind) -> Secret {
        Secret::from(PIN)
    }
}

/// Stops before and after each call of the module. To find the token takes some too, before there is a program that could
/// be stopped.
#[derive(Clone)]
struct Observed {
    life: Mortal,
    from_now_on: Arc<AtomicBool>,
}

impl Observed {
    fn by(life: &Mortal) -> Self {
        Self { life: life.clone(), from_now_on: Arc::default() }
    }

    fn pass(&self, when: &str, call: &Pkcs11Call<'_>) -> Result<(), TransportError> {
        let passed = || self.life.pass(|| format!("{when} {} {}", call.function, call.about));
        if self.from_now_on.load(Relaxed) { passed().map_err(|_| TransportError::CardRemoved) } else { Ok(()) }
    }
}

impl Pkcs11Observer for Observed {
    fn before(&mut self, call: &Pkcs11Call<'_>) -> Result<(), TransportError> {
        self.pass("before", call)
    }

    fn after(&mut self, call: &Pkcs11Call<'_>, _: Result<(), &TokenError>) -> Result<(), TransportError> {
        self.pass("after", call)
    }
}

const TOKENS: &str = "tokens";

fn open(observed: Observed) -> Pkcs11Token {
    let uri = format!("pkcs11:token=holder?module-path={MODULE}").parse().unwrap();
    Pkcs11Token::open_observed(&uri, observed).unwrap()
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
fn stopped_anywhere_it_resumes_from_its_journal() {
    alone("stopped_anywhere_it_resumes_from_its_journal", table::with_journal::<SoftHsmRig>);
}

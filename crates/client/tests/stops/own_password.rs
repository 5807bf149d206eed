//! A holder sets the revocation password of a certificate that came by plain EST, and picks another one: the holder's program stopped at each
//! point, the card torn at each command, the CA killed at each write, and both. Then the same is asked again. One password stands at any
//! moment, and where it is not yet the one that the holder picked he was not told so; each password that is set is set once, in the
//! audit log and in one mail; and nobody has fewer guesses but for what was compared and was not the one that stood.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    fs,
    marker::PhantomData,
    path::Path,
    sync::Arc,
    time::SystemTime,
};

use base64ct::{Base64, Encoding as _};
use obnova_ca::{
    AskedPassword, AuditFinding, AuditLog, AuditRecord, Ca, CaError as CaFailure, English, FirstDesk, MailKind, Outbox,
    Policy as CaPolicy, Refusal, SqliteStore, Store as _,
};
use obnova_card::Secret;
use obnova_client::{EstConnection, PasswordWanted, SetPasswordError, look, set_revocation_password};
use obnova_enroll::{
    Secret as Password,
    cmc::{SealedPassphrase, SealedPassword},
    est::{Headers, HttpRequest, HttpResponse},
};
use obnova_renewal::{ParsedCertificate, Policy};
use serde_json::{Value, json};

use crate::{
    authority::Authority,
    desk,
    first::{First, Service as _, assert_nowhere},
    holder::Holder,
    mortal::Mortal,
    plain::Enrollment,
    planted::Search,
    profile::ProfileRig,
    recorded::hash_of,
    report::report,
    rig::{Rig, Tear},
    table::{Lived, each_stop},
    task::Task,
    tears,
    world::{Ended, Halt, PAPER, Snapshot, World, copy, folder},
};

pub const PATH: &str = "/revocation-password";
const PICKED: &str = "kdoule zavarene pod schody";
const BEFORE: &str = "mispule uzrale v komore";

/// What the CA's server answers to who logged in with this certificate; `None` when the CA dies of it.
pub fn answer(ca: &Ca, request: &HttpRequest, peer: Option<&ParsedCertificate>) -> Option<HttpResponse> {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let der = |name: &str| body[name].as_str().map(|text| Base64::decode_vec(text).unwrap());
    let new = SealedPassword::from_der(&der("password").unwrap()).unwrap();
    let old = der("old").map(|old| SealedPassphrase::from_der(&old).unwrap());
    let asked = AskedPassword { new: &new, old: old.as_ref() };
    let peer = peer.expect("nobody logged in").certificate();
    let (status, said) = match ca.set_revocation_password(&asked, peer, SystemTime::now()) {
        Ok(serials) => (200, json!({ "serials": serials.iter().map(|one| digits(one)).collect::<Vec<_>>() })),
        Err(CaFailure::Refused(refusal)) => {
            let status = if matches!(refusal, Refusal::RevocationPasswordStands) { 409 } else { 403 };
            (status, json!({ "error": refusal.name(), "reason": refusal.to_string() }))
        }
        Err(_) => return None,
    };
    Some(HttpResponse { status, headers: Headers::default(), body: said.to_string().into_bytes() })
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What stands before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stands {
    Nothing,
    /// What the holder set. He gives it with the new one.
    His,
    /// What the operator handed over to who had forgotten his. He gives it when he is told that one stands.
    HandedOver,
}

pub trait Road {
    const STANDS: Stands;
    const WHAT: &'static str;
    /// Guesses that it costs to do the same again where it was done: what is given as the old one is compared, and the new one.
    const AGAIN: usize;
}

struct Set;
struct Change;
struct Forgotten;

impl Road for Set {
    const STANDS: Stands = Stands::Nothing;
    const WHAT: &'static str = "a revocation password where there was none";
    const AGAIN: usize = 1;
}

impl Road for Change {
    const STANDS: Stands = Stands::His;
    const WHAT: &'static str = "another revocation password with the old one";
    const AGAIN: usize = 2;
}

impl Road for Forgotten {
    const STANDS: Stands = Stands::HandedOver;
    const WHAT: &'static str = "another revocation password with the one of the operator";
    const AGAIN: usize = 1;
}

/// A card with the certificate on it that came by plain EST, and a holder who picks a password for it.
pub struct Picks<R, P>(PhantomData<(R, P)>);

impl<R: Rig, P: Road> Task for Picks<R, P> {
    type Rig = R;

    const WHAT: &'static str = P::WHAT;
    const KEYS: usize = 1;
    const HAS_JOURNAL: bool = false;
    const EACH_PAIR: bool = false;
    const LEAST_WRITES: usize = 2;

    fn policy() -> Policy {
        Enrollment::policy()
    }

    fn policy_of_ca() -> String {
        Enrollment::POLICY.into()
    }

    fn begin() -> Snapshot {
        let first = Snapshot::take::<First<R, Enrollment>>();
        let world = World::<First<R, Enrollment>>::new(&first, Mortal::forever());
        assert_eq!(world.live(&Mortal::forever()).unwrap(), Ended::Done);
        let world = World::<Self>::new(&Snapshot::of(world), Mortal::forever());
        let paper = world.path().join(PAPER);
        match P::STANDS {
            Stands::Nothing => fs::remove_file(paper).unwrap(),
            Stands::His => {
                assert_eq!(world.set(&Mortal::forever(), BEFORE, None).unwrap(), Ended::Done);
                fs::write(paper, BEFORE).unwrap();
            }
            Stands::HandedOver => {
                let (serial, now) = (serial_of(&world.authority.store()), SystemTime::now());
                let replace = |ca: &Ca| {
                    let replaced = ca.first().unwrap().revocation_passwords().replace(&serial, &English, now);
                    replaced.unwrap().password.to_text().to_string()
                };
                fs::write(paper, world.authority.with_ca(replace).unwrap()).unwrap();
            }
        }
        Snapshot::of(world)
    }

    fn live(world: &World<Self>, life: &Mortal, goes_on: &mut dyn FnMut(Halt) -> bool) -> Lived {
        loop {
            match world.set(life, PICKED, before(world.path())) {
                Err(error) if !goes_on(Halt::Error) => return Err(error),
                Err(_) => {}
                ended => return ended,
            }
        }
    }

    fn assert_sound(folder: &Path, told: &str) {
        let old = before(folder);
        assert_nowhere(folder, &Search::new([PICKED, BEFORE].into_iter().chain(old.as_deref())), told);
        // Where the CA has the very same files, the very same stands.
        thread_local!(static KNOWN: RefCell<BTreeSet<[u8; 32]>> = RefCell::default());
        if !KNOWN.with_borrow_mut(|known| known.insert(hash_of(&folder.join("ca")))) {
            return;
        }
        let kept = Kept::of(&folder.join("ca"));
        let stood = usize::from(old.is_some());
        assert!([stood, stood + 1].contains(&kept.times), "{told}: set {} times", kept.times);
        let is_set = kept.times > stood;
        assert_eq!(kept.opens(PICKED), is_set, "{told}: the one that he picked");
        assert!(is_set || old.is_none_or(|old| kept.opens(&old)), "{told}: the one before");
    }

    /// The holder uses it at once, and need not wait.
    fn assert_done(authority: &Authority, told: &str) {
        let Kept { first, serial, .. } = Kept::of(&authority.folder);
        let used = first.revocation_passwords().check_logged_in(&serial, &password(PICKED), SystemTime::now());
        used.unwrap_or_else(|error| panic!("{told}: {error}"));
    }
}

/// What stood before, where he wrote it down.
fn before(folder: &Path) -> Option<String> {
    fs::read_to_string(folder.join(PAPER)).ok()
}

fn password(text: &str) -> Password {
    Password::from_bytes(text.as_bytes()).unwrap()
}

fn serial_of(store: &SqliteStore) -> Vec<u8> {
    let order = store.orders(None, 1).unwrap().remove(0);
    let certificate = ParsedCertificate::from_der(&order.certificates[0].der).unwrap();
    certificate.certificate().tbs_certificate().serial_number().as_bytes().to_vec()
}

impl<R: Rig, P: Road> World<Picks<R, P>> {
    /// One life of the holder's program.
    fn set(&self, life: &Mortal, picked: &'static str, old: Option<String>) -> Lived {
        let (token, wire) = (self.rig().token(life), self.wire(life));
        let card = look(token.lock().unwrap().as_mut())?;
        let mut holder = Holder::<R>::new(None).picks(picked, old.clone());
        let mut ca = EstConnection::new(wire.clone(), self.authority.anchors())?;
        let old = old.filter(|_| P::STANDS == Stands::His).map(|old| Secret::from(old.as_str()));
        let rules = Enrollment::policy().revocation_password.unwrap();
        let wanted = PasswordWanted { rules, old: old.as_ref() };
        match set_revocation_password(&token, &mut holder, (&mut ca, &wire), &card, &wanted, SystemTime::now()) {
            Ok(set) => {
                let serial = digits(&serial_of(&self.authority.store()));
                assert_eq!(set.serials, [serial]);
                Ok(Ended::Done)
            }
            Err(SetPasswordError::Ca(error)) => Err(error.into()),
            Err(SetPasswordError::Run(error)) => Err(error),
            Err(error) => panic!("{}: {error}", P::WHAT),
        }
    }
}

/// What the CA has on its disk.
struct Kept {
    first: FirstDesk,
    serial: Vec<u8>,
    /// Passwords that were set or handed over: in the audit log, and by mail.
    times: usize,
}

impl Kept {
    fn of(ca: &Path) -> Self {
        let store = || SqliteStore::open(&ca.join("ca.db")).unwrap();
        let (mut times, log) = (0, AuditLog::new(store()));
        let each = |record: AuditRecord| {
            times += usize::from(
                ["revocation-password-set", "revocation-password-replaced"].contains(&record.event.as_str()),
            );
            true
        };
        log.read(1, each).unwrap();
        // This CA keeps no anchors beside its database.
        assert_eq!(log.verify(&[]).unwrap().findings, [AuditFinding::NoAnchors]);
        let mails = Outbox::new(Arc::new(store())).list(None, 10).unwrap();
        assert_eq!(mails.iter().filter(|mail| mail.kind == MailKind::RevocationPassword).count(), times);
        let policy = CaPolicy::from_toml(&fs::read_to_string(ca.join("policy.toml")).unwrap()).unwrap();
        Self { first: desk::open(ca, policy.first, store()), serial: serial_of(&store()), times }
    }

    /// Whether this one stands. Such guesses are counted apart from those of who is logged in.
    fn opens(&self, text: &str) -> bool {
        self.first.revocation_passwords().check(&self.serial, &password(text), SystemTime::now()).is_ok()
    }

    /// How many wrong ones of who is logged in are compared before the next one has to wait.
    fn guesses_left(&self) -> usize {
        let guess = |_: &usize| {
            let wrong = password("something else entirely");
            match self.first.revocation_passwords().check_logged_in(&self.serial, &wrong, SystemTime::now()) {
                Err(CaFailure::Refused(Refusal::WrongRevocationPassword)) => true,
                Err(CaFailure::Refused(Refusal::PasswordSlowed { .. })) => false,
                other => panic!("{other:?}"),
            }
        };
        (0..100).take_while(guess).count()
    }

    /// The same, without any being gone by it.
    fn guesses_of(ca: &Path) -> usize {
        let aside = folder();
        copy(ca, aside.path());
        Self::of(aside.path()).guesses_left()
    }
}

/// Wrong guesses after which each next one has to wait.
const FREE: usize = 3;

/// Stops the holder's program at each point.
pub fn stopped<R: Rig>() {
    stopped_on::<R, Set>();
    stopped_on::<R, Change>();
    stopped_on::<R, Forgotten>();
}

fn stopped_on<R: Rig, P: Road>() {
    let (begin, had_set) = (Picks::<R, P>::begin(), Cell::new(0));
    // How often the CA was asked before the stop: what it has is the same wherever that is.
    let (asked, seen) = (Cell::new(0), RefCell::new(BTreeSet::new()));
    let live = |world: &World<_>, life: &Mortal| {
        let ended = world.live(life);
        asked.set(life.points().iter().filter(|point| point.starts_with("after HTTP POST")).count());
        ended
    };
    let again = |world: &World<_>| {
        let stood = usize::from(P::STANDS != Stands::Nothing);
        let was_set = Kept::of(&world.authority.folder).times > stood;
        had_set.set(had_set.get() + usize::from(was_set));
        let is_new = seen.borrow_mut().insert(asked.get());
        if is_new && stood + usize::from(was_set) > 0 {
            // He was told that one stands, which took the comparison of another with it.
            let told = usize::from(P::STANDS == Stands::HandedOver && !was_set && asked.get() == 1);
            assert_eq!(Kept::guesses_of(&world.authority.folder), FREE - told, "{}: stopped", P::WHAT);
        }
        let ended = world.live(&Mortal::forever());
        if is_new {
            let gone = if was_set { P::AGAIN } else { 0 };
            assert_eq!(Kept::guesses_of(&world.authority.folder), FREE - gone, "{}: again", P::WHAT);
        }
        ended
    };
    let (stops, _) = each_stop::<Picks<R, P>>(&begin, P::WHAT, live, &[("by the same again", &again)]);
    report(&format!("{}, {}: it had been set at {} of {stops} stops", R::NAME, P::WHAT, had_set.get()));
    assert!((1..stops).contains(&had_set.get()), "{} of {stops}", had_set.get());
    let world = World::<Picks<R, P>>::new(&begin, Mortal::forever());
    world.live(&Mortal::forever()).unwrap();
    let kept = Kept::of(&world.authority.folder);
    assert!(before(world.path()).is_none_or(|old| !kept.opens(&old)), "{}: the one before", P::WHAT);
}

#[test]
fn stopped_anywhere_it_is_set_once() {
    stopped::<ProfileRig>();
}

#[test]
fn torn_inside_each_command_it_is_set_once() {
    tears::torn::<Picks<ProfileRig, Set>>(Tear::Inside);
    tears::torn::<Picks<ProfileRig, Change>>(Tear::Inside);
    tears::torn::<Picks<ProfileRig, Forgotten>>(Tear::Inside);
}

#[test]
fn with_the_ca_killed_at_each_write_it_is_set_once() {
    tears::ca_killed::<Picks<ProfileRig, Set>>();
    tears::ca_killed::<Picks<ProfileRig, Change>>();
    tears::ca_killed::<Picks<ProfileRig, Forgotten>>();
}

#[test]
fn torn_at_each_command_with_the_ca_killed_at_each_write_it_is_set_once() {
    tears::torn_and_ca_killed::<Picks<ProfileRig, Change>>();
}

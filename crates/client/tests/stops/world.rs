use std::{
    cell::Cell,
    fs,
    marker::PhantomData,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    rc::Rc,
    time::{Duration, SystemTime},
};

use obnova_algorithm::verify_digest;
use obnova_ca::Outcome as Decided;
use obnova_card::{KeyRole, PasswordKind, PasswordState, PasswordStatus, Pin, SignDigest, SlotId, Tries};
use obnova_client::{
    Checkup, EstConnection, FileJournal, Finish, LinkError, Outcome, PickUpLink, ReceiptError, RunError, Runner, Seams,
    SharedToken, Subject, Turn, check_up, install_completion, look,
};
use obnova_renewal::{
    ByRole, CardView, Completion, Failure, NotEligible, ParsedCertificate, PinUse, Plan, Policy, Process, Reason,
    Stage, Terms, Vouching, scan,
};

use crate::{
    authority::{Authority, Wire},
    holder::{Door, Holder},
    journal::MortalJournal,
    mortal::Mortal,
    rig::Rig as _,
    task::Task,
};

/// Where the journals are.
pub const JOURNALS: &str = "journals";

/// Where the one-time password stands that was handed over.
pub const PAPER: &str = "paper";

/// A card in a reader, a CA, and a folder for journals.
pub struct World<T: Task> {
    folder: PathBuf,
    /// Goes away with this, where the folder is no other process's.
    own: Option<tempfile::TempDir>,
    pub rig: Option<T::Rig>,
    pub authority: Authority,
    /// How often somebody was told that his one-time password is used.
    pub sent_to_the_link: Cell<usize>,
    /// `None` in a process that is looked after by another one.
    before: Option<Rc<Before>>,
}

/// What was on the card before the renewal.
struct Before {
    old: ByRole<(SlotId, ParsedCertificate)>,
    /// With those that are not renewed.
    certificates: usize,
    passwords: Vec<PasswordStatus>,
}

/// How a life of the holder's program went to its end.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    Done,
    Failed(Failure),
    /// There was nothing to resume, and nothing to renew.
    NothingToDo(NotEligible),
    /// The CA has not decided yet, and nobody waits.
    Pending,
}

/// What became of a receipt; one that was taken before is not taken again.
fn heard(outcome: Result<(), ReceiptError>) -> Result<Ended, RunError> {
    match outcome {
        Ok(()) | Err(ReceiptError::Spent) => Ok(Ended::Done),
        Err(ReceiptError::Ca(error)) => Err(RunError::Ca(error)),
        Err(ReceiptError::Run(error)) => Err(error),
        Err(error) => panic!("{error}"),
    }
}

/// Something that keeps the holder's program from going on at once.
pub enum Halt {
    Waits,
    Error,
}

/// How many tries of a password may be gone.
pub type TriesGone<'t> = &'t dyn Fn(PasswordKind) -> RangeInclusive<u8>;

/// None.
pub fn no_try(_: PasswordKind) -> RangeInclusive<u8> {
    0..=0
}

/// Everything as it is at a moment, to be copied.
pub struct Snapshot {
    folder: tempfile::TempDir,
    before: Rc<Before>,
}

impl Snapshot {
    pub fn take<T: Task>() -> Self {
        let folder = folder();
        for name in ["ca", "card"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let ca = folder.path().join("ca");
        Authority::found(&ca, &T::policy_of_ca());
        let authority = Authority::start(&ca, Mortal::forever());
        T::set_up(folder.path(), &authority);
        drop(authority);
        let card = look(T::Rig::insert(&folder.path().join("card")).witness().lock().unwrap().as_mut()).unwrap();
        let old = T::plan(&card, &T::policy(), SystemTime::now()).unwrap().old;
        let old = old.map(|_, old| (old.slot, old.certificate.clone()));
        let certificates = card.slots.iter().map(|slot| slot.certificates.len()).sum();
        let before = Rc::new(Before { old, certificates, passwords: card.passwords });
        Self { folder, before }
    }

    /// Where all its files are.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn copied(&self) -> Self {
        let folder = folder();
        copy(self.path(), folder.path());
        Self { folder, before: self.before.clone() }
    }

    /// As a world is at this moment. Its card is taken out, and its CA is ended.
    pub fn of<T: Task>(world: World<T>) -> Self {
        let World { own, rig, authority, before, .. } = world;
        drop((rig, authority));
        Self { folder: own.expect("it is another process's"), before: before.expect("it is another process's") }
    }
}

impl<T: Task> World<T> {
    /// Made anew from the snapshot, with a CA of this life.
    pub fn new(snapshot: &Snapshot, life_of_ca: Mortal) -> Self {
        let Snapshot { folder, before } = snapshot.copied();
        Self::found(folder.path().to_owned(), Some((folder, before)), life_of_ca)
    }

    /// In this very folder, where a process is to live that another one looks after.
    pub fn inhabit(folder: &Path) -> Self {
        Self::found(folder.to_owned(), None, Mortal::forever())
    }

    fn found(folder: PathBuf, own: Option<(tempfile::TempDir, Rc<Before>)>, life_of_ca: Mortal) -> Self {
        let rig = Some(T::Rig::insert(&folder.join("card")));
        let authority = Authority::start(&folder.join("ca"), life_of_ca);
        let (own, before) = own.unzip();
        Self { folder, own, rig, authority, sent_to_the_link: Cell::default(), before }
    }

    fn before(&self) -> &Before {
        self.before.as_ref().expect("another process knows")
    }

    /// Where all its files are.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    fn journals(&self) -> PathBuf {
        self.folder.join(JOURNALS)
    }

    pub fn lose_journals(&self) {
        let _ = fs::remove_dir_all(self.journals());
    }

    /// The card is taken out and put in again: what it knows is what was written.
    pub fn reinsert(&mut self) {
        drop(self.rig.take());
        self.rig = Some(T::Rig::insert(&self.folder.join("card")));
    }

    fn holder(&self) -> Holder<T::Rig> {
        Holder::new(fs::read_to_string(self.path().join(PAPER)).ok())
    }

    /// The network between a process of this life and the CA.
    pub fn wire(&self, life: &Mortal) -> Wire<'_> {
        Wire { authority: &self.authority, life: life.clone() }
    }

    pub fn rig(&self) -> &T::Rig {
        self.rig.as_ref().unwrap()
    }

    /// One life of the holder's program. The operator approves while it waits.
    pub fn live(&self, life: &Mortal) -> Result<Ended, RunError> {
        self.live_on(life, &mut |halt| match halt {
            Halt::Waits => self.authority.approve(),
            Halt::Error => false,
        })
    }

    /// One life, with somebody who says whether it goes on where it cannot go on at once.
    pub fn live_on(&self, life: &Mortal, goes_on: &mut dyn FnMut(Halt) -> bool) -> Result<Ended, RunError> {
        T::live(self, life, goes_on)
    }

    /// A life that orders certificates: goes on with what was begun or begins, until there is nothing to do any more.
    pub fn order(&self, life: &Mortal, goes_on: &mut dyn FnMut(Halt) -> bool) -> Result<Ended, RunError> {
        let token = self.rig().token(life);
        let begun = FileJournal::unfinished(&self.journals(), SystemTime::now())?.into_iter().next();
        let (name, plan) = match begun {
            Some((name, _)) => (name, None),
            None => {
                if let Some(certificates) = self.done_before()? {
                    return self.tell(life, &token, &certificates, goes_on);
                }
                let card = look(token.lock().unwrap().as_mut())?;
                let wishes = T::connect(self.wire(life)).and_then(|mut ca| ca.wishes())?;
                let plan = |policy: &Policy| T::plan(&card, policy, SystemTime::now());
                let plan = match wishes.plan(&card, &T::policy(), plan) {
                    Ok(plan) => T::begun(self.wire(life), self.path(), plan)?,
                    Err(reasons) => return Ok(Ended::NothingToDo(reasons)),
                };
                (format!("renewal-{}", FileJournal::list(&self.journals())?.len() + 1), Some(plan))
            }
        };
        let begins = plan.is_some();
        match self.go(life, token, &name, plan, Vec::new(), goes_on)? {
            Ended::Failed(Failure::Refused { text, .. }) if begins && text.starts_with("password-used: ") => {
                self.wait_for_the_link(life, goes_on)
            }
            ended => Ok(ended),
        }
    }

    /// Whose one-time password is used, for an order of which nothing is left here, waits for the link that the CA mails when it
    /// has issued.
    fn wait_for_the_link(&self, life: &Mortal, goes_on: &mut dyn FnMut(Halt) -> bool) -> Result<Ended, RunError> {
        self.sent_to_the_link.set(self.sent_to_the_link.get() + 1);
        loop {
            match self.mailed() {
                Some(came) => return self.install(life, &came),
                None if !goes_on(Halt::Waits) => return Ok(Ended::Pending),
                None => {}
            }
        }
    }

    /// One life of the program that installs certificates which came on another way: into a renewal that was begun, or onto
    /// the keys that wait on the card.
    pub fn install(&self, life: &Mortal, came: &[Vec<u8>]) -> Result<Ended, RunError> {
        let token = self.rig().token(life);
        if let Some((name, _)) = FileJournal::unfinished(&self.journals(), SystemTime::now())?.into_iter().next() {
            return self.go(life, token, &name, None, came.to_vec(), &mut |_| false);
        }
        let terms =
            Terms { anchors: self.authority.anchors(), intermediates: Vec::new(), vouching: Vouching::Elsewhere };
        let card = look(token.lock().unwrap().as_mut())?;
        let completion = Completion::make(&card, came, &T::policy(), &terms, SystemTime::now());
        let completion = completion.map_err(|refusal| RunError::Process(refusal.into()))?;
        install_completion(&token, &mut self.holder(), &completion)?;
        self.tell(life, &token, &completion.certificates, &mut |_| false)
    }

    /// What is on the card by an order that is over, of which the CA may not have been told so.
    fn done_before(&self) -> Result<Option<ByRole<ParsedCertificate>>, RunError> {
        if !T::OWES_A_RECEIPT {
            return Ok(None);
        }
        for name in FileJournal::list(&self.journals())?.iter().rev() {
            let process = Process::replay(&FileJournal::peek(&self.journals(), name)?)?;
            if process.stage() == Stage::Done {
                return Ok(process.certificates().cloned());
            }
        }
        Ok(None)
    }

    /// All is done. Where nothing else says so the CA is told by a signature.
    fn tell(
        &self,
        life: &Mortal,
        token: &SharedToken,
        certificates: &ByRole<ParsedCertificate>,
        goes_on: &mut dyn FnMut(Halt) -> bool,
    ) -> Result<Ended, RunError> {
        if !T::OWES_A_RECEIPT {
            return Ok(Ended::Done);
        }
        loop {
            let mut holder = self.holder();
            let mut finish = Finish::new(token, &mut holder, certificates, &[PinUse::Receipt]);
            let ca = EstConnection::new(self.wire(life), self.authority.anchors());
            match heard(ca.map_err(ReceiptError::from).and_then(|mut ca| finish.confirm(&mut ca))) {
                Err(error) if !goes_on(Halt::Error) => return Err(error),
                Err(_) => {}
                heard => return heard,
            }
        }
    }

    /// One life of the program that follows the link in the CA's mail, and has no journal: what it brings is put on the card, it
    /// is proven, and the CA is told so. A link that opens nothing any more was closed by such a life before.
    pub fn follow(&self, life: &Mortal) -> Result<Ended, RunError> {
        let (wire, anchors) = (self.wire(life), self.authority.anchors());
        let link = match PickUpLink::open_over(wire, &self.authority.link(), &anchors) {
            Err(LinkError::Spent) => return Ok(Ended::Done),
            Err(LinkError::Ca(error)) => return Err(error.into()),
            opened => opened.unwrap(),
        };
        let token = self.rig().token(life);
        let terms = Terms { anchors, intermediates: Vec::new(), vouching: Vouching::Elsewhere };
        let card = look(token.lock().unwrap().as_mut())?;
        let came: Vec<_> = link.certificates().iter().map(|one| one.certificate.der().to_vec()).collect();
        let completion = Completion::make(&card, &came, &T::policy(), &terms, SystemTime::now()).unwrap();
        let ahead = [PinUse::Login, PinUse::TestSignature, PinUse::Receipt];
        let mut holder = self.holder();
        let mut finish = Finish::new(&token, &mut holder, &completion.certificates, &ahead);
        finish.install(&completion)?;
        finish.prove_login(&mut Door { authority: &self.authority, life: life.clone() })?;
        finish.prove_signature()?;
        // Where it is the only certificate, the login was the receipt.
        heard(finish.close(&link))
    }

    /// What the link opens that the CA mails: the certificates and that of their issuer.
    pub fn mailed(&self) -> Option<Vec<Vec<u8>>> {
        let mailed = self.authority.with_ca(|ca| {
            let order = ca.list(None, 1).unwrap().pop()?;
            let Decided::Issued(pair) = ca.pick_up(&ca.token(&order)).ok()? else { return None };
            Some(pair.iter().chain(ca.certificates()).map(|one| one.der.clone()).collect())
        });
        mailed.expect("the CA is down")
    }

    fn go(
        &self,
        life: &Mortal,
        token: SharedToken,
        name: &str,
        plan: Option<Plan>,
        files: Vec<Vec<u8>>,
        goes_on: &mut dyn FnMut(Halt) -> bool,
    ) -> Result<Ended, RunError> {
        let reader = token.clone();
        let mut ca = T::connect(self.wire(life))?;
        let mut login = Door { authority: &self.authority, life: life.clone() };
        let mut holder = self.holder();
        let skew = Cell::new(Duration::ZERO);
        let clock = || SystemTime::now() + skew.get();
        let inner = match plan {
            Some(_) => FileJournal::create(&self.journals(), name)?,
            None => FileJournal::open(&self.journals(), name)?,
        };
        let mut journal = MortalJournal { inner, life: life.clone() };
        let seams = Seams {
            token: Some(token),
            ca: ca.as_mut(),
            prompt: &mut holder,
            journal: &mut journal,
            login: Some(&mut login),
            clock: &clock,
        };
        let mut runner = match plan {
            Some(plan) => Runner::begin(seams, name, plan)?,
            None => Runner::resume(seams)?,
        };
        if !files.is_empty() {
            runner.take_files(files)?;
        }
        let done = loop {
            match runner.run() {
                Ok(Turn::Went) => {}
                Ok(Turn::Done(summary)) => break summary,
                Ok(Turn::Failed(failure)) => return Ok(Ended::Failed(failure)),
                Ok(Turn::Waits(_)) if !goes_on(Halt::Waits) => return Ok(Ended::Pending),
                Ok(Turn::Waits(until)) => skew.set(until.duration_since(SystemTime::now()).unwrap_or_default()),
                Err(error) if !goes_on(Halt::Error) => return Err(error),
                Err(_) => {}
            }
        };
        drop(runner);
        self.tell(life, &reader, &done.certificates, goes_on)
    }

    /// At the moment of a stop: each PIN has its tries, the old pair works, and what was left on the card is told.
    pub fn assert_sound(&self, told: &str, gone: TriesGone<'_>) {
        let seen = Seen::of(self);
        self.assert_sound_as(&seen, told, gone);
        seen.assert_signs(told, &self.old_pair());
        T::assert_sound(self.path(), told);
        if T::OWES_A_RECEIPT {
            self.is_closed(told);
        }
    }

    /// At the moment of a stop in which the old certificates may be unreadable: their keys work, and that is told.
    pub fn assert_keys_sound(&self, told: &str) {
        let seen = Seen::of(self);
        seen.assert_nothing_unreported(told);
        seen.assert_signs(told, &self.old_pair());
    }

    /// Each thing was issued once.
    pub fn assert_issued_once(&self, told: &str) -> Vec<ParsedCertificate> {
        let orders = self.authority.orders();
        assert_eq!(orders.len(), 1, "{told}: ordered once");
        assert_eq!(orders[0].certificates.len(), T::policy().rules.len(), "{told}: issued once");
        orders[0].certificates.iter().map(|one| ParsedCertificate::from_der(&one.der).unwrap()).collect()
    }

    fn assert_sound_as(&self, seen: &Seen<T>, told: &str, gone: TriesGone<'_>) {
        seen.assert_nothing_unreported(told);
        assert_eq!(seen.card.passwords.len(), self.before().passwords.len(), "{told}");
        for (password, before) in seen.card.passwords.iter().zip(&self.before().passwords) {
            match (password.state, before.state) {
                (PasswordState::Active(Tries::Known(left)), PasswordState::Active(Tries::Known(all))) => {
                    let (is_gone, gone) = (all.abs_diff(left), gone(password.kind));
                    assert!(
                        left <= all && gone.contains(&is_gone),
                        "{told}: {} of {all} tries of {}: not {gone:?} gone",
                        left,
                        password.kind
                    );
                }
                // A token that does not count tells by its flags that a try was spent.
                (state, before) => assert_eq!(state, before, "{told}: {}", password.kind),
            }
        }
        for (role, (slot, certificate)) in self.before().old.iter() {
            let slot = seen.card.slot(*slot).unwrap();
            assert!(slot.holds(certificate), "{told}: the old {role} certificate is gone");
        }
        if seen.card.capabilities.atomic_install {
            self.assert_all_or_none(&seen.card, told);
        }
    }

    /// The new certificates come together, and with them the marks of the old ones.
    fn assert_all_or_none(&self, card: &CardView, told: &str) {
        let all: Vec<_> = card.slots.iter().flat_map(|slot| &slot.certificates).collect();
        let (old, new) = (self.old_pair().len(), T::policy().rules.len());
        let marked = all.iter().filter(|one| one.superseded).count();
        let seen = (all.len() - self.before().certificates, marked);
        assert!(
            [(0, 0), (new, old)].contains(&seen),
            "{told}: {} new certificates, {} old ones marked",
            seen.0,
            seen.1
        );
    }

    fn old_pair(&self) -> Vec<(SlotId, &ParsedCertificate)> {
        self.before().old.iter().map(|(_, (slot, certificate))| (*slot, certificate)).collect()
    }

    /// At the end: two new certificates that sign, on two new keys and no more; the old pair is there and works; the CA issued
    /// one pair in one order.
    ///
    /// Who has done something at the end has given each PIN, and each has all its tries; else there are at most `gone` gone, as a
    /// torn command left them, and the next right PIN brings back all. He knows whether marks were due, too: where certificates
    /// come one after the other and the marks last, only a journal or a link tells.
    pub fn assert_whole(&self, told: &str, ended: &Ended, gone: TriesGone<'_>) {
        let seen = Seen::of(self);
        let at_most = |password| 0..=*gone(password).end();
        self.assert_sound_as(&seen, told, if *ended == Ended::Done { &no_try } else { &at_most });
        let issued = self.assert_issued_once(told);
        T::assert_sound(self.path(), told);
        if T::OWES_A_RECEIPT {
            assert!(self.is_closed(told) || *ended != Ended::Done, "{told}: the link is open still");
        }
        T::assert_done(&self.authority, told);
        let card = &seen.card;
        assert_eq!(scan(card), [], "{told}: keys without certificates");
        assert_eq!(card.slots.iter().filter(|slot| slot.key.is_some()).count(), T::KEYS, "{told}: keys on the card");
        let mut signers = self.old_pair();
        for (issued, role) in issued.iter().zip([KeyRole::Authentication, KeyRole::Signature]) {
            let slot = card.slots.iter().find(|slot| slot.holds(issued));
            let slot = slot.unwrap_or_else(|| panic!("{told}: the new {role} certificate is not on the card"));
            assert_eq!(slot.certificates.len(), T::ON_A_KEY, "{told}: slot {}", slot.id);
            assert_eq!(slot.key.as_ref().unwrap().role, role, "{told}: slot {}", slot.id);
            signers.push((slot.id, issued));
        }
        seen.assert_signs(told, &signers);
        assert_eq!(seen.token.lock().unwrap().passwords().unwrap(), self.before().passwords, "{told}");
        let are_marked = card.capabilities.atomic_install || *ended == Ended::Done || self.journals().exists();
        for (role, (slot, _)) in self.before().old.iter().filter(|_| card.capabilities.marks_superseded && are_marked) {
            let is_new = |one: &ParsedCertificate| issued.contains(one);
            let mut old = card.slot(*slot).unwrap().certificates.iter();
            let marked = old.all(|one| one.superseded != one.certificate.as_ref().is_some_and(is_new));
            assert!(marked, "{told}: the old {role} certificate is not marked");
        }
        match T::plan(card, &T::policy(), SystemTime::now()) {
            // That there is no room for the next pair, as long as the old one is there, is told too.
            Err(NotEligible { reasons })
                if matches!(
                    reasons[..],
                    [Reason::NotDue { .. }] | [Reason::NotDue { .. }, Reason::NoFreeSlot { .. }]
                ) => {}
            other => panic!("{told}: the new pair is not the current one: {other:?}"),
        }
    }
}

/// The card, as somebody sees it who does not take part.
struct Seen<T> {
    token: SharedToken,
    card: CardView,
    task: PhantomData<T>,
}

impl<T: Task> Seen<T> {
    fn of(world: &World<T>) -> Self {
        let token = world.rig().witness();
        let card = look(token.lock().unwrap().as_mut()).unwrap();
        Self { token, card, task: PhantomData }
    }

    /// Each key without a certificate is told by the computer check, and by the plan: as one that is gone on with or not.
    fn assert_nothing_unreported(&self, told: &str) {
        let homeless = self.card.slots.iter().filter(|slot| slot.key.is_some() && slot.certificates.is_empty());
        let orphans: Vec<_> = homeless.map(|slot| slot.id).collect();
        let known: Vec<_> = scan(&self.card).iter().map(|orphan| orphan.slot).collect();
        assert_eq!(known, orphans, "{told}");
        if orphans.is_empty() {
            return;
        }
        let checkup =
            Checkup { token: Ok(self.token.clone()), ca: None, journals: None, policy: &T::policy(), issuers: &[] };
        let checks = check_up(checkup, SystemTime::now());
        let unfinished = checks.iter().find(|check| check.subject == Subject::Unfinished).unwrap();
        match &unfinished.outcome {
            Outcome::Warning(problem) => {
                let words: Vec<_> = problem.text.split(|one: char| !one.is_ascii_alphanumeric()).collect();
                let all = orphans.iter().all(|orphan| words.contains(&orphan.to_string().as_str()));
                assert!(all, "{told}: {}", problem.text);
            }
            other => panic!("{told}: {other:?} with {orphans:?}"),
        }
        if let Ok(plan) = T::plan(&self.card, &T::policy(), SystemTime::now()) {
            let used = |slot| plan.new.iter().any(|(_, new)| new.slot == slot && new.waiting.is_some());
            for orphan in &orphans {
                let told_of = used(*orphan) || plan.unfinished.contains(orphan);
                assert!(told_of, "{told}: the plan does not tell of slot {orphan}");
            }
        }
    }

    /// The keys in these slots sign, and the signatures are for these certificates.
    fn assert_signs(&self, told: &str, signers: &[(SlotId, &ParsedCertificate)]) {
        let key = |slot| self.card.slot(slot).and_then(|slot| slot.key.as_ref()).unwrap();
        for password in [PasswordKind::AuthenticationPin, PasswordKind::SignaturePin] {
            let guarded: Vec<_> = signers.iter().filter(|(slot, _)| key(*slot).password == password).collect();
            if guarded.is_empty() {
                continue;
            }
            let job = |slot| {
                let algorithm = key(slot).signs[0];
                SignDigest { slot, algorithm, digest: algorithm.digest().of(told.as_bytes()) }
            };
            let jobs: Vec<_> = guarded.iter().map(|(slot, _)| job(*slot)).collect();
            let signatures = self.token.lock().unwrap().sign(&jobs, &Pin::new(T::Rig::pin(password)));
            let signatures = signatures.unwrap_or_else(|error| panic!("{told}: {error}"));
            for (((_, certificate), job), signature) in guarded.iter().zip(&jobs).zip(&signatures) {
                verify_digest(certificate.public_key(), job.algorithm, &job.digest, signature).unwrap();
            }
        }
    }
}

/// A folder that goes away again: in memory where that can be had, since nothing here is about disks.
pub fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let folder = tempfile::Builder::new().prefix("obnova-stops-").tempdir_in(memory);
    folder.or_else(|_| tempfile::tempdir()).unwrap()
}

pub fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&to).unwrap();
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

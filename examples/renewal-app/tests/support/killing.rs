//! `kill -9` of the holder's program and of the CA: at random moments, again and again, and of the holder's program at each write.
//!
//! The seed is another one each time, and is printed; `OBNOVA_KILL_SEED=N` takes that one again. What is drawn depends on the
//! seed, the round and the start in it, and not on how quick the machine was before; only the moment within a start is left
//! to the machine. What was done in a round is told when something is wrong with it.

pub mod chance;
pub mod life;
mod status;
pub mod writes;

use std::{
    fs,
    hash::{BuildHasher as _, RandomState},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, SystemTime},
};

use obnova_algorithm::verify_digest;
use obnova_card::{
    CertificateEntry, KeyRole, PasswordKind, PasswordState, PasswordStatus, Pin, Secret, SignDigest, Slot, Token,
    TokenError, Tries,
};
use obnova_renewal::ParsedCertificate;
use obnova_transport::TransportError;
use serde_json::Value;

use super::{
    Desk, Said,
    ca::{House, mails},
    peers::ok,
    report::report,
};

use chance::Chance;

/// A seed that is taken in place of a new one.
const SEED: &str = "OBNOVA_KILL_SEED";
/// What a PIN of these cards has.
const TRIES: u8 = 3;
/// The most times that a program is started for one renewal. A renewal that does not come to its end is a failure, not a hang.
const MOST_STARTS: usize = 40;

/// How often a card is looked at that a killed program is in the way of.
const LOOKS: usize = 20;
/// What a house lets pass after the first wrong guess of a password.
pub const GUESS_PAUSE: Duration = Duration::from_secs(1);

/// How programs end that are cut off from the CA. Ours with 7; with 10 where the CA was killed after it said yes to a revocation, before
/// anybody could ask whether it is so. curl with 7, or with these where the connection stood already.
const CUT_OFF: [i32; 7] = [7, 10, 18, 35, 52, 55, 56];

/// A kind of card, and the programs and files around it.
pub struct Target<'t> {
    pub name: &'static str,
    /// As `--token` names it.
    pub token: &'t str,
    /// Authentication and signature PIN; they are in the files `pin` and `pin2` on the desk.
    pub pins: [&'t str; 2],
    /// Puts a card there, or what was on it away, as it is before a round: with a pair on it that ends soon, or inactive. Each round
    /// has its number.
    pub renew_card: &'t mut dyn FnMut(usize),
    /// The card, for this process to look at.
    pub open: &'t mut dyn FnMut() -> Box<dyn Token>,
    /// The card, to sign with: a copy of it where that can be had, so that a try that is gone stays gone.
    pub copy: &'t mut dyn FnMut() -> Box<dyn Token>,
    /// Sometimes the journal is deleted too.
    pub journals_are_lost: bool,
}

/// Renewals that are killed up to four times each, then go on to the end.
pub fn rounds(desk: &Desk, house: &mut House<'_>, target: &mut Target<'_>, count: usize) {
    Killing::rounds(desk, house, target, (count, "renewals", 4), |killing| {
        killing.one_renewal(&RE_KEY);
    });
}

/// The same, in the strict sense: the keys stay. The service is that of the file `service.toml`.
pub fn rounds_with_the_same_keys(desk: &Desk, house: &mut House<'_>, target: &mut Target<'_>, count: usize) {
    let kept = Renewal { begins: &["--same-key", "--policy", "service.toml"], keeps_keys: true, ..RE_KEY };
    Killing::rounds(desk, house, target, (count, "renewals with the same keys", 4), |killing| {
        killing.one_renewal(&kept);
    });
}

/// Renewals that the link in a mail begins, which says that certificates end.
pub fn rounds_by_link(desk: &Desk, house: &mut House<'_>, target: &mut Target<'_>, count: usize) {
    let mut told_over = 0;
    let by_link = Renewal { by_link: true, ..RE_KEY };
    Killing::rounds(desk, house, target, (count, "renewals that a link begins", 4), |killing| {
        told_over += usize::from(killing.one_renewal(&by_link));
    });
    report(&format!("{told_over} of them went on without the link, since the journal of an order was lost"));
}

/// What kind of renewal it is.
struct Renewal {
    /// Options of its beginning.
    begins: &'static [&'static str],
    /// No key is made.
    keeps_keys: bool,
    /// How many certificates there are to be renewed.
    old: usize,
    /// It is begun by the link in a mail, and not at an address.
    by_link: bool,
}

const RE_KEY: Renewal = Renewal { begins: &[], keeps_keys: false, old: 2, by_link: false };

/// Files that tell how far a program has come.
struct Growth {
    folder: PathBuf,
    extension: &'static str,
}

impl Growth {
    fn of_journal(killing: &Killing<'_, '_, '_>) -> Self {
        Self { folder: killing.desk.file(&killing.journals()), extension: "journal" }
    }

    fn of_card(killing: &Killing<'_, '_, '_>) -> Self {
        Self { folder: killing.desk.path().to_owned(), extension: "state" }
    }

    fn of_authority(killing: &Killing<'_, '_, '_>) -> Self {
        Self { folder: killing.desk.file("ca"), extension: "db-wal" }
    }

    fn now(&self) -> Vec<(u64, Option<SystemTime>)> {
        let files = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let files = files.filter(|file| file.path().extension().is_some_and(|kind| kind == self.extension));
        files.filter_map(|file| file.metadata().ok().map(|file| (file.len(), file.modified().ok()))).collect()
    }

    /// Waits until they have changed so often; `false` when the program ended before.
    fn wait_for(&self, child: &mut Child, mut times: usize) -> bool {
        let mut known = self.now();
        while times > 0 {
            if child.try_wait().unwrap().is_some() {
                return false;
            }
            let now = self.now();
            times -= usize::from(now != known);
            known = now;
            std::thread::sleep(Duration::from_micros(100));
        }
        true
    }
}

struct Killing<'k, 't, 'd> {
    desk: &'k Desk,
    house: &'k mut House<'d>,
    target: &'k mut Target<'t>,
    seed: u64,
    /// How the same is drawn again, where something was.
    again: String,
    chance: Chance,
    round: usize,
    /// Certificates on the card at the end.
    complete: usize,
    /// What the folder of the journals is called, beside the number of the round.
    journal: &'static str,
    /// What was done in this round.
    done: Vec<String>,
    /// Orders of earlier rounds.
    earlier: Vec<Value>,
    killed: [usize; 3],
    lost: usize,
    /// How often he was told to.
    waited: usize,
}

/// Tries again what a killed program is in the way of. SoftHSM goes on with what such a program asked it for, and reads no token
/// that it is writing.
pub fn patiently<T>(mut act: impl FnMut() -> Result<T, TokenError>) -> Result<T, TokenError> {
    for _ in 1..LOOKS {
        match act() {
            Err(
                TokenError::Transport(TransportError::CardMute | TransportError::CardReset) | TokenError::Module { .. },
            ) => std::thread::sleep(Duration::from_millis(50)),
            answer => return answer,
        }
    }
    act()
}

/// What is to be started next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Begin,
    Resume,
    Nothing,
}

impl<'k, 't, 'd> Killing<'k, 't, 'd> {
    /// So many rounds of these, each with chances of its own.
    fn rounds(
        desk: &'k Desk,
        house: &'k mut House<'d>,
        target: &'k mut Target<'t>,
        (count, what, complete): (usize, &str, usize),
        mut one: impl FnMut(&mut Self),
    ) {
        let given = std::env::var(SEED).ok().map(|text| text.parse().expect("a number is the seed"));
        let seed = given.unwrap_or_else(|| RandomState::new().hash_one(()));
        let name = target.name;
        report(&format!("{name}: {count} {what} under kill -9; the seed is {seed} (again: {SEED}={seed})"));
        let mut killing = Self::new(desk, house, target, Some(seed));
        for round in 0..count {
            killing.round(round, complete);
            one(&mut killing);
        }
        let ([holder, authority, operator], lost, waited) = (killing.killed, killing.lost, killing.waited);
        report(&format!(
            "{name}: killed the holder's program {holder} times, obnova-ca serve {authority}, obnova-ca approve {operator}; \
             journal lost {lost} times; waited {waited} times until a password was looked at again"
        ));
        assert!(holder > count / 2, "too few were killed for it to mean something");
    }

    fn new(desk: &'k Desk, house: &'k mut House<'d>, target: &'k mut Target<'t>, seed: Option<u64>) -> Self {
        Self {
            desk,
            house,
            target,
            again: seed.map_or_else(String::new, |seed| format!(", {SEED}={seed}")),
            seed: seed.unwrap_or_default(),
            chance: Chance(seed.unwrap_or_default()),
            round: 0,
            complete: 0,
            journal: "journals",
            done: Vec::new(),
            earlier: Vec::new(),
            killed: [0; 3],
            lost: 0,
            waited: 0,
        }
    }

    /// The next round, with another card, which has so many certificates on it after it.
    fn round(&mut self, round: usize, complete: usize) {
        self.round = round;
        self.done.clear();
        self.begins("journals", complete);
        (self.target.renew_card)(round);
    }

    /// What comes next has journals of its own and one order, and so many certificates are on the card after it.
    fn begins(&mut self, journal: &'static str, complete: usize) {
        (self.journal, self.complete) = (journal, complete);
        self.earlier = self.orders().into_iter().map(|order| order["transaction"].clone()).collect();
    }

    /// Whether it was begun without its link in the end.
    fn one_renewal(&mut self, renewal: &Renewal) -> bool {
        let old: Vec<_> = self.slots().into_iter().filter(|slot| slot.key.is_some()).collect();
        assert_eq!(old.len(), renewal.old);
        let passwords = self.passwords();
        let link = renewal.by_link.then(|| self.notice());
        self.chance = Chance::of(self.seed, self.round, 0);
        let (mut kills, lost, mut is_over) = (1 + self.chance.below(4), self.lost, false);
        for start in 1..=MOST_STARTS {
            self.chance = Chance::of(self.seed, self.round, start);
            let due = self.due();
            if due == Due::Nothing {
                self.assert_renewed(renewal, &old, &passwords);
                return is_over;
            }
            let opens = link.as_deref().filter(|_| due == Due::Begin && !is_over);
            let renew = self.start(due, renewal, opens);
            // Who has lost the journal of an order is told that the link begins nothing any more.
            let codes: &[i32] = if opens.is_some() && self.lost > lost { &[0, 6, 8] } else { &[0, 8] };
            let code = self.started(&format!("renew {due:?}"), renew, Growth::of_journal, codes, &mut kills);
            match code {
                None => self.lose_journal(),
                Some(6) => {
                    assert!(self.order().is_some(), "{}: the link is over, and nothing was ordered", self.told());
                    is_over = true;
                }
                Some(_) => {}
            }
            self.assert_sound(renewal, &old);
            if code == Some(8) {
                self.approve();
            }
        }
        panic!("{}: not done after {MOST_STARTS} starts", self.told());
    }

    fn told(&self) -> String {
        let Self { target, round, again, done, .. } = self;
        format!("{}, round {round}{again}: {}", target.name, done.join("; "))
    }

    fn journals(&self) -> String {
        format!("{}{}", self.journal, self.round)
    }

    /// What the journal says; without one, what the CA says.
    fn due(&self) -> Due {
        let status = self.desk.run(["status", "--journal", &self.journals()]).ends_with(0).out;
        let journals = status.lines().filter(|line| line.starts_with("renewal-")).count();
        // What was refused is over: another one is begun.
        let is_under_way = journals > status.matches("Ended without new certificates").count();
        match is_under_way {
            // What is told last is not in it: that all is on the card, where no login says so.
            true if status.contains("Done") && self.order().is_some_and(|order| order["state"] == "confirmed") => {
                Due::Nothing
            }
            true => Due::Resume,
            false if self.order().is_some_and(|order| order["state"] == "confirmed") && self.waiting() == 0 => {
                Due::Nothing
            }
            false => Due::Begin,
        }
    }

    /// The link that is mailed since the certificates on the card of this round end.
    fn notice(&self) -> String {
        let links = || {
            let mails = mails(self.desk).into_iter();
            let links = mails
                .filter_map(|mail| Some(mail.split_whitespace().find(|word| word.contains("/renew/"))?.to_owned()));
            links.collect::<Vec<_>>()
        };
        let known = links();
        // The server goes its rounds too.
        self.house.operator(&["notices", "ca"]).ends_with(0);
        for _ in 0..MOST_STARTS {
            self.house.operator(&["mail", "ca", "send", "--once"]).ends_with(0);
            if let Some(link) = links().into_iter().find(|link| !known.contains(link)) {
                return link;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{}: nothing was mailed", self.told())
    }

    /// Begun by this link, if there is one.
    fn start(&self, due: Due, renewal: &Renewal, link: Option<&str>) -> Command {
        // Also on resuming: it may have been killed before it was written down that the holder agreed.
        let begin = if due == Due::Begin { renewal.begins } else { &["--resume"] };
        let journals = self.journals();
        let [ca, url, trust, root] = self.house.options();
        let [ca, url] = link.map_or([ca, url], |link| ["--link", link]);
        let token = ["--token", self.target.token, "--journal", &journals, ca, url, trust, root];
        let pins = ["--pin-file", "pin", "--signature-pin-file", "pin2"];
        self.desk.command([&["renew", "--yes"], begin, &token, &pins].concat())
    }

    /// Starts it, and kills it while there are kills to come; else it ends with one of these codes, or by telling when the CA looks at a
    /// password again, which is waited for. A card that died while it compared has a try less until the next success: it is not
    /// killed before that, since nobody spends the last try without asking.
    fn started(
        &mut self,
        what: &str,
        mut command: Command,
        grows: fn(&Self) -> Growth,
        codes: &[i32],
        kills: &mut usize,
    ) -> Option<i32> {
        if *kills > 0 && !self.a_try_is_gone() {
            let before = self.killed[0];
            let code = self.killed(what, command, grows, codes);
            // Not a kill, when it was quicker.
            *kills -= self.killed[0] - before;
            return code;
        }
        let said = Said::from(command.output().unwrap());
        self.done.push(format!("{what} ended with {}", said.code));
        let all = format!("{}{}", said.out, said.err);
        if self.waits_as(&all) {
            return None;
        }
        assert!(codes.contains(&said.code), "{}\n{all}", self.told());
        Some(said.code)
    }

    /// Whether that is what it says. A CA that was killed before it knew that a password is right has counted it, and this
    /// house lets nobody guess twice at once.
    fn waits_as(&mut self, said: &str) -> bool {
        let is_told = said.contains("password-slowed");
        if is_told {
            self.waited += 1;
            self.done.push("he waits".to_owned());
            std::thread::sleep(GUESS_PAUSE);
        }
        is_told
    }

    /// Starts it and kills it, or the CA, or both, after something has grown so often and a moment. Returns its exit code when it
    /// ended by itself, which is one of these, unless it was cut off from the CA or has to wait.
    fn killed(&mut self, what: &str, mut command: Command, grows: fn(&Self) -> Growth, codes: &[i32]) -> Option<i32> {
        let (out, err) = (self.desk.file("out"), self.desk.file("err"));
        command.stdout(fs::File::create(&out).unwrap()).stderr(fs::File::create(&err).unwrap());
        let times = self.chance.below(8);
        let moment = Duration::from_micros(self.chance.below(if times == 0 { 60_000 } else { 8_000 }) as u64);
        let (kill_holder, kill_authority) = match self.chance.below(8) {
            0 => (false, true),
            1 => (true, true),
            _ => (true, false),
        };
        let growth = grows(self);
        let mut child = command.spawn().unwrap();
        if growth.wait_for(&mut child, times) {
            std::thread::sleep(moment);
        }
        if kill_holder {
            child.kill().unwrap();
        }
        if kill_authority {
            self.house.kill();
            self.killed[1] += 1;
        }
        let status = child.wait().unwrap();
        let whom = if kill_authority { ", and the CA killed" } else { "" };
        self.done.push(format!("{what}, {times} times and {moment:?}: {status}{whom}"));
        if kill_authority {
            self.house.serve_again();
        }
        self.killed[0] += usize::from(status.code().is_none());
        let known = |code| codes.contains(&code) || CUT_OFF.contains(&code) && kill_authority;
        let said = fs::read_to_string(&out).unwrap() + &fs::read_to_string(&err).unwrap();
        if status.code().is_some() && self.waits_as(&said) {
            return None;
        }
        assert!(status.code().is_none_or(known), "{}: {status}\n{said}", self.told());
        status.code()
    }

    /// Sometimes. A card with the new pair on it has nothing to begin again for: only its journal knows what is still to be told.
    fn lose_journal(&mut self) {
        if self.target.journals_are_lost && self.chance.below(3) == 0 && !self.is_installed() {
            let journals = self.desk.file(&self.journals());
            self.lost += usize::from(journals.exists());
            self.done.push("the journal is lost".to_owned());
            let _ = fs::remove_dir_all(journals);
        }
    }

    /// The operator approves; sometimes his program is killed too, and he tries again.
    fn approve(&mut self) {
        let orders = self.orders();
        let pending: Vec<_> = orders.iter().filter(|order| order["state"] == "pending").collect();
        let [order] = pending.as_slice() else { return };
        let order = order["transaction"].as_str().unwrap();
        if self.chance.below(4) == 0 {
            let mut operator = self.house.operators_command(&["approve", "ca", order]);
            let mut operator = operator.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(Duration::from_micros(self.chance.below(30_000) as u64));
            operator.kill().unwrap();
            self.done.push("the operator killed".to_owned());
            self.killed[2] += usize::from(operator.wait().unwrap().code().is_none());
        }
        // 4: it was issued before he was killed.
        let said = self.house.operator(&["approve", "ca", order]);
        assert!([0, 4].contains(&said.code), "{}: {}{}", self.told(), said.out, said.err);
    }

    /// Every order that the CA has.
    fn orders(&self) -> Vec<Value> {
        let list = self.house.operator(&["list", "ca", "--json", "--limit", "1000"]).ends_with(0).out;
        serde_json::from_str(&list).unwrap()
    }

    /// The order of this round: the one that was not there before.
    fn order(&self) -> Option<Value> {
        let mut orders = self.orders();
        orders.retain(|order| !self.earlier.contains(&order["transaction"]));
        assert!(orders.len() <= 1, "{}: ordered twice: {orders:#?}", self.told());
        orders.pop()
    }

    fn a_try_is_gone(&mut self) -> bool {
        let gone =
            |one: &PasswordStatus| matches!(one.state, PasswordState::Active(Tries::Known(left)) if left < TRIES);
        self.passwords().iter().any(gone)
    }

    fn slots(&mut self) -> Vec<Slot> {
        self.look(|token| token.slots())
    }

    fn passwords(&mut self) -> Vec<PasswordStatus> {
        self.look(|token| token.passwords())
    }

    /// Reads the card. A reader whose program was killed in the middle of a command resets its card, and where it has not
    /// come to that yet, the card gives no answer: it is asked again.
    fn look<T>(&mut self, read: impl Fn(&mut dyn Token) -> Result<T, TokenError>) -> T {
        Self::ask(self.target.open, read)
    }

    fn ask<T>(open: &mut dyn FnMut() -> Box<dyn Token>, ask: impl Fn(&mut dyn Token) -> Result<T, TokenError>) -> T {
        patiently(|| ask(&mut *open())).unwrap()
    }

    /// Whether all new certificates are there, beside the old ones.
    fn is_installed(&mut self) -> bool {
        self.slots().iter().map(|slot| slot.certificates.len()).sum::<usize>() == self.complete
    }

    /// Keys without certificates that the card's list reports.
    fn waiting(&self) -> usize {
        let listed = self.desk.run(["card", "list", "--token", self.target.token]).ends_with(0);
        listed.out.matches("waits for its certificate").count()
    }

    /// What holds at each moment: the old pair is there and signs, and hardly a try is gone (one may be, where the card died while it
    /// compared; the next success brings it back).
    fn assert_sound(&mut self, renewal: &Renewal, old: &[Slot]) {
        let told = self.told();
        for password in self.passwords() {
            match password.state {
                PasswordState::Active(Tries::Known(left)) => assert!(left >= 2, "{told}: {password:?}"),
                _ if password.kind == PasswordKind::TransportPin => {}
                state => assert_eq!(state, PasswordState::Active(Tries::Unknown), "{told}"),
            }
        }
        let slots = self.slots();
        for slot in old {
            let now = slots.iter().find(|one| one.id == slot.id).unwrap();
            assert_eq!(now.key, slot.key, "{told}");
            assert!(now.certificates.iter().any(|one| one.der == slot.certificates[0].der), "{told}");
            assert!(now.certificates.len() == 1 || renewal.keeps_keys, "{told}: {now:?}");
            self.assert_key_signs(slot, &told);
        }
    }

    /// The key of this slot makes a signature that is one by its certificate.
    fn assert_key_signs(&mut self, slot: &Slot, told: &str) {
        let key = slot.key.as_ref().unwrap();
        let pin = Pin::new(Secret::from(self.target.pins[usize::from(key.role == KeyRole::Signature)]));
        let algorithm = key.signs[0];
        let job = SignDigest { slot: slot.id, algorithm, digest: algorithm.digest().of(told.as_bytes()) };
        let signature = Self::ask(self.target.copy, |token| token.sign(std::slice::from_ref(&job), &pin)).remove(0);
        let certificate = ParsedCertificate::from_der(&slot.certificates[0].der).unwrap();
        verify_digest(certificate.public_key(), algorithm, &job.digest, &signature)
            .unwrap_or_else(|error| panic!("{told}: slot {}: {error}", slot.id));
    }

    /// What holds at the end, and OpenSSL finds it so: all certificates sign, and the CA says that all of them are good.
    fn assert_renewed(&mut self, renewal: &Renewal, old: &[Slot], passwords: &[PasswordStatus]) {
        self.assert_complete(renewal, old, passwords);
        let slots = self.slots();
        certificates(&slots).for_each(|(slot, certificate)| self.assert_signs(slot, certificate));
        self.assert_status(&[]);
    }

    /// What holds at the end: keys for all certificates, old and new, which sign; the CA certified the new ones, once; no try is gone.
    fn assert_complete(&mut self, renewal: &Renewal, old: &[Slot], passwords: &[PasswordStatus]) {
        let told = self.told();
        self.assert_sound(renewal, old);
        let slots: Vec<_> = self.slots().into_iter().filter(|slot| slot.key.is_some()).collect();
        let keys = if renewal.keeps_keys { renewal.old } else { 2 * renewal.old };
        assert_eq!(slots.len(), keys, "{told}: {slots:#?}");
        let on_a_key = 2 * renewal.old / keys;
        assert!(slots.iter().all(|slot| slot.certificates.len() == on_a_key), "{told}: {slots:#?}");
        slots.iter().for_each(|slot| self.assert_key_signs(slot, &told));
        let (before, new): (Vec<_>, Vec<_>) = certificates(&slots).map(|(_, one)| one).partition(|one| one.superseded);
        let before: Vec<_> = before.iter().map(|one| &one.der).collect();
        assert_eq!(before, old.iter().map(|slot| &slot.certificates[0].der).collect::<Vec<_>>(), "{told}");
        assert_eq!(self.passwords(), passwords, "{told}");
        let order = self.order().unwrap_or_else(|| panic!("{told}: there is no order"));
        assert_eq!(order["state"], "confirmed", "{told}");
        let issued: Vec<_> =
            order["certificates"].as_array().unwrap().iter().map(|one| one["serial"].as_str().unwrap()).collect();
        let there: Vec<_> = new.iter().map(|one| ParsedCertificate::from_der(&one.der).unwrap().serial()).collect();
        assert_eq!(issued, there, "{told}");
    }

    /// The key signs, and OpenSSL verifies with a certificate that it finds good.
    fn assert_signs(&mut self, slot: &Slot, certificate: &CertificateEntry) {
        let key = slot.key.as_ref().unwrap();
        let pin = self.target.pins[usize::from(key.role == KeyRole::Signature)];
        let algorithm = key.signs[0];
        let message = self.desk.write("message", &self.told());
        let job = SignDigest { slot: slot.id, algorithm, digest: algorithm.digest().of(self.told().as_bytes()) };
        let signature = (self.target.open)().sign(&[job], &Pin::new(Secret::from(pin))).unwrap().remove(0);
        let file = |name: &str| self.desk.file(name).to_str().unwrap().to_owned();
        fs::write(file("signature"), signature).unwrap();
        let certificate = self.pem(certificate);
        ok(
            "openssl",
            &["verify", "-CAfile", &file("ca/root.pem"), "-untrusted", &file("ca/issuing.pem"), &certificate],
        );
        let key = file("key.pem");
        ok("openssl", &["x509", "-in", &certificate, "-pubkey", "-noout", "-out", &key]);
        let message = message.to_str().unwrap();
        ok("openssl", &["dgst", "-sha256", "-verify", &key, "-signature", &file("signature"), message]);
    }

    fn pem(&self, certificate: &CertificateEntry) -> String {
        let (der, pem) = (self.desk.file("certificate.der"), self.desk.file("certificate.pem"));
        fs::write(&der, &certificate.der).unwrap();
        let pem = pem.to_str().unwrap().to_owned();
        ok("openssl", &["x509", "-inform", "DER", "-in", der.to_str().unwrap(), "-out", &pem]);
        pem
    }

    fn serial(&self, certificate: &CertificateEntry) -> String {
        let said = ok("openssl", &["x509", "-in", &self.pem(certificate), "-noout", "-serial"]);
        said.trim().strip_prefix("serial=").unwrap().to_lowercase()
    }
}

/// All that are on a card, by slot.
fn certificates(slots: &[Slot]) -> impl Iterator<Item = (&Slot, &CertificateEntry)> {
    slots.iter().flat_map(|slot| slot.certificates.iter().map(move |certificate| (slot, certificate)))
}

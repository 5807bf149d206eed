//! `kill -9` at random moments, again and again, of the holder's program and of the CA.
//!
//! The seed is another one each time, and is printed; `OBNOVA_KILL_SEED=N` takes that one again. What is drawn depends on the
//! seed, the round and the start in it, and not on how quick the machine was before; only the moment within a start is left
//! to the machine. What was done in a round is told when something is wrong with it.

use std::{
    fs,
    hash::{BuildHasher as _, RandomState},
    process::{Child, Command, Stdio},
    time::Duration,
};

use obnova_card::{KeyRole, PasswordState, PasswordStatus, Pin, Secret, SignDigest, Slot, Token, TokenError, Tries};
use obnova_transport::TransportError;
use serde_json::Value;

use super::{Desk, Said, ca::House, peers::ok, report::report};

/// A seed that is taken in place of a new one.
const SEED: &str = "OBNOVA_KILL_SEED";
/// The most times that a program is started for one renewal. A renewal that does not come to its end is a failure, not a hang.
const MOST_STARTS: usize = 40;

/// A kind of card, and the programs and files around it.
pub struct Target<'t> {
    pub name: &'static str,
    /// As `--token` names it.
    pub token: &'t str,
    /// Authentication and signature PIN; they are in the files `pin` and `pin2` on the desk.
    pub pins: [&'t str; 2],
    /// Puts a card there, or what was on it away, and a pair on it that ends soon. Each round has its number.
    pub renew_card: &'t mut dyn FnMut(usize),
    /// The card, for this process to look at.
    pub open: &'t mut dyn FnMut() -> Box<dyn Token>,
    /// Sometimes the journal is deleted too.
    pub journals_are_lost: bool,
}

/// Renewals that are killed up to four times each, then go on to the end.
pub fn rounds(desk: &Desk, house: &mut House<'_>, target: &mut Target<'_>, count: usize) {
    let given = std::env::var(SEED).ok().map(|text| text.parse().expect("a number is the seed"));
    let seed = given.unwrap_or_else(|| RandomState::new().hash_one(()));
    let name = target.name;
    report(&format!("{name}: {count} renewals under kill -9; the seed is {seed} (again: {SEED}={seed})"));
    let mut killing = Killing {
        desk,
        house,
        target,
        seed,
        chance: Chance(seed),
        round: 0,
        done: Vec::new(),
        earlier: Vec::new(),
        killed: [0; 3],
        lost: 0,
    };
    for round in 0..count {
        killing.round = round;
        killing.done.clear();
        killing.one_renewal();
    }
    let ([holder, authority, operator], lost) = (killing.killed, killing.lost);
    report(&format!(
        "{name}: killed obnova {holder} times, obnova-ca serve {authority}, obnova-ca approve {operator}; journal lost {lost} times"
    ));
    assert!(holder > count / 2, "too few were killed for it to mean something");
}

struct Killing<'k, 't, 'd> {
    desk: &'k Desk,
    house: &'k mut House<'d>,
    target: &'k mut Target<'t>,
    seed: u64,
    chance: Chance,
    round: usize,
    /// What was done in this round.
    done: Vec<String>,
    /// Orders of earlier rounds.
    earlier: Vec<Value>,
    killed: [usize; 3],
    lost: usize,
}

/// What is to be started next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    Begin,
    Resume,
    Nothing,
}

impl Killing<'_, '_, '_> {
    fn one_renewal(&mut self) {
        self.earlier = self.orders().into_iter().map(|order| order["transaction"].clone()).collect();
        (self.target.renew_card)(self.round);
        let old: Vec<_> = self.slots().into_iter().filter(|slot| slot.key.is_some()).collect();
        assert_eq!(old.len(), 2);
        let passwords = self.passwords();
        self.chance = Chance::of(self.seed, self.round, 0);
        let mut kills = 1 + self.chance.below(4);
        for start in 1..=MOST_STARTS {
            self.chance = Chance::of(self.seed, self.round, start);
            let due = self.due();
            if due == Due::Nothing {
                return self.assert_renewed(&old, &passwords);
            }
            let code = if kills > 0 {
                let code = self.killed(due);
                // Not a kill, when it was quicker.
                kills -= usize::from(code.is_none());
                code
            } else {
                let said = Said::from(self.start(due).output().unwrap());
                self.done.push(format!("{due:?} ended with {}", said.code));
                assert!([0, 8].contains(&said.code), "{}\n{}{}", self.told(), said.out, said.err);
                Some(said.code)
            };
            self.assert_sound(&old);
            if code == Some(8) {
                self.approve();
            }
        }
        panic!("{}: not done after {MOST_STARTS} starts", self.told());
    }

    fn told(&self) -> String {
        let Self { target, round, seed, done, .. } = self;
        format!("{}, round {round}, {SEED}={seed}: {}", target.name, done.join("; "))
    }

    fn journals(&self) -> String {
        format!("journals{}", self.round)
    }

    /// What the journal says; without one, what the CA says.
    fn due(&self) -> Due {
        let status = self.desk.run(["status", "--journal", &self.journals()]).ends_with(0).out;
        match status.contains("renewal-") {
            true if status.contains("Done") => Due::Nothing,
            true => Due::Resume,
            false if self.order().is_some_and(|order| order["state"] == "confirmed") && self.waiting() == 0 => {
                Due::Nothing
            }
            false => Due::Begin,
        }
    }

    fn start(&self, due: Due) -> Command {
        // Also on resuming: it may have been killed before it was written down that the holder agreed.
        let begin: &[&str] = if due == Due::Begin { &["--yes"] } else { &["--resume", "--yes"] };
        let journals = self.journals();
        let [ca, url, trust, root] = self.house.options();
        let token = ["--token", self.target.token, "--journal", &journals, ca, url, trust, root];
        let pins = ["--pin-file", "pin", "--signature-pin-file", "pin2"];
        self.desk.command([&["renew"], begin, &token, &pins].concat())
    }

    /// Starts it and kills it, or the CA, or both, after so many records of the journal and a moment. Returns its exit code
    /// when it ended by itself.
    fn killed(&mut self, due: Due) -> Option<i32> {
        let (out, err) = (self.desk.file("out"), self.desk.file("err"));
        let mut command = self.start(due);
        command.stdout(fs::File::create(&out).unwrap()).stderr(fs::File::create(&err).unwrap());
        let records = self.chance.below(8);
        let moment = Duration::from_micros(self.chance.below(if records == 0 { 60_000 } else { 8_000 }) as u64);
        let (kill_holder, kill_authority) = match self.chance.below(8) {
            0 => (false, true),
            1 => (true, true),
            _ => (true, false),
        };
        let mut child = command.spawn().unwrap();
        if self.wait_for_records(&mut child, records) {
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
        self.done.push(format!("{due:?}, {records} records and {moment:?}: {status}{whom}"));
        if kill_authority {
            self.house.serve_again();
        }
        if status.code().is_none() {
            self.killed[0] += 1;
            // A card with the new pair on it has nothing to begin again for: only its journal knows what is still to be told.
            if self.target.journals_are_lost && self.chance.below(3) == 0 && !self.is_installed() {
                let journals = self.desk.file(&self.journals());
                self.lost += usize::from(journals.exists());
                self.done.push("the journal is lost".to_owned());
                let _ = fs::remove_dir_all(journals);
            }
        }
        // Cut off from the CA it ends with 7.
        let known = [None, Some(0), Some(8), Some(7).filter(|_| kill_authority)].contains(&status.code());
        let said = || fs::read_to_string(&out).unwrap() + &fs::read_to_string(&err).unwrap();
        assert!(known, "{}: {status}\n{}", self.told(), said());
        status.code()
    }

    /// Waits until the journal has grown so often; `false` when the program ended before.
    fn wait_for_records(&self, child: &mut Child, mut records: usize) -> bool {
        let length = || -> u64 {
            let files = fs::read_dir(self.desk.file(&self.journals())).into_iter().flatten().flatten();
            let journals = files.filter(|file| file.path().extension().is_some_and(|kind| kind == "journal"));
            journals.filter_map(|file| Some(file.metadata().ok()?.len())).sum()
        };
        let mut known = length();
        while records > 0 {
            if child.try_wait().unwrap().is_some() {
                return false;
            }
            let now = length();
            records -= usize::from(now != known);
            known = now;
            std::thread::sleep(Duration::from_micros(100));
        }
        true
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

    fn slots(&mut self) -> Vec<Slot> {
        self.look(|token| token.slots())
    }

    fn passwords(&mut self) -> Vec<PasswordStatus> {
        self.look(|token| token.passwords())
    }

    /// Reads the card. A reader whose program was killed in the middle of a command resets its card, and where it has not
    /// come to that yet, the card gives no answer: it is asked again.
    fn look<T>(&mut self, read: impl Fn(&mut dyn Token) -> Result<T, TokenError>) -> T {
        const LOOKS: usize = 20;
        let mut looks = (1..=LOOKS).map(|look| (look, read(&mut *(self.target.open)())));
        let answered = looks.find_map(|(look, answer)| match answer {
            Err(TokenError::Transport(TransportError::CardMute | TransportError::CardReset)) if look < LOOKS => {
                std::thread::sleep(Duration::from_millis(50));
                None
            }
            answer => Some(answer),
        });
        answered.unwrap().unwrap()
    }

    /// Whether both new certificates are beside the old ones.
    fn is_installed(&mut self) -> bool {
        self.slots().iter().filter(|slot| !slot.certificates.is_empty()).count() == 4
    }

    /// Keys without certificates that the card's list reports.
    fn waiting(&self) -> usize {
        let listed = self.desk.run(["card", "list", "--token", self.target.token]).ends_with(0);
        listed.out.matches("waits for its certificate").count()
    }

    /// What holds at each moment: the old pair is there, and hardly a try is gone (one may be, where the card died while it
    /// compared; the next success brings it back).
    fn assert_sound(&mut self, old: &[Slot]) {
        let told = self.told();
        for password in self.passwords() {
            match password.state {
                PasswordState::Active(Tries::Known(left)) => assert!(left >= 2, "{told}: {password:?}"),
                state => assert_eq!(state, PasswordState::Active(Tries::Unknown), "{told}"),
            }
        }
        let slots = self.slots();
        for slot in old {
            let now = slots.iter().find(|one| one.id == slot.id).unwrap();
            assert_eq!(now.key, slot.key, "{told}");
            assert_eq!(now.certificates.len(), 1, "{told}");
            assert_eq!(now.certificates[0].der, slot.certificates[0].der, "{told}");
        }
    }

    /// What holds at the end: four keys with a certificate each, which all sign; the CA certified the new pair, once; no try
    /// is gone.
    fn assert_renewed(&mut self, old: &[Slot], passwords: &[PasswordStatus]) {
        let told = self.told();
        self.assert_sound(old);
        let slots: Vec<_> = self.slots().into_iter().filter(|slot| slot.key.is_some()).collect();
        assert_eq!(slots.len(), 4, "{told}: {slots:#?}");
        assert!(slots.iter().all(|slot| slot.certificates.len() == 1), "{told}: {slots:#?}");
        let superseded: Vec<_> =
            slots.iter().filter(|slot| slot.certificates[0].superseded).map(|slot| slot.id).collect();
        assert_eq!(superseded, old.iter().map(|slot| slot.id).collect::<Vec<_>>(), "{told}");
        slots.iter().for_each(|slot| self.assert_signs(slot));
        assert_eq!(self.passwords(), passwords, "{told}");
        let order = self.order().unwrap_or_else(|| panic!("{told}: there is no order"));
        assert_eq!(order["state"], "confirmed", "{told}");
        let issued: Vec<_> =
            order["certificates"].as_array().unwrap().iter().map(|one| one["serial"].as_str().unwrap()).collect();
        let new = slots.iter().filter(|slot| !superseded.contains(&slot.id));
        let there: Vec<_> = new.map(|slot| self.serial(slot)).collect();
        assert_eq!(issued, there, "{told}");
    }

    /// The key signs, and OpenSSL verifies with a certificate that it finds good.
    fn assert_signs(&mut self, slot: &Slot) {
        let key = slot.key.as_ref().unwrap();
        let pin = self.target.pins[usize::from(key.role == KeyRole::Signature)];
        let algorithm = key.signs[0];
        let message = self.desk.write("message", &self.told());
        let job = SignDigest { slot: slot.id, algorithm, digest: algorithm.digest().of(self.told().as_bytes()) };
        let signature = (self.target.open)().sign(&[job], &Pin::new(Secret::from(pin))).unwrap().remove(0);
        let file = |name: &str| self.desk.file(name).to_str().unwrap().to_owned();
        fs::write(file("signature"), signature).unwrap();
        let certificate = self.pem(slot);
        ok(
            "openssl",
            &["verify", "-CAfile", &file("ca/root.pem"), "-untrusted", &file("ca/issuing.pem"), &certificate],
        );
        let key = file("key.pem");
        ok("openssl", &["x509", "-in", &certificate, "-pubkey", "-noout", "-out", &key]);
        let message = message.to_str().unwrap();
        ok("openssl", &["dgst", "-sha256", "-verify", &key, "-signature", &file("signature"), message]);
    }

    fn pem(&self, slot: &Slot) -> String {
        let (der, pem) = (self.desk.file("certificate.der"), self.desk.file("certificate.pem"));
        fs::write(&der, &slot.certificates[0].der).unwrap();
        let pem = pem.to_str().unwrap().to_owned();
        ok("openssl", &["x509", "-inform", "DER", "-in", der.to_str().unwrap(), "-out", &pem]);
        pem
    }

    fn serial(&self, slot: &Slot) -> String {
        let said = ok("openssl", &["x509", "-in", &self.pem(slot), "-noout", "-serial"]);
        said.trim().strip_prefix("serial=").unwrap().to_lowercase()
    }
}

/// Numbers by chance, and the same ones again from the same seed (SplitMix64).
struct Chance(u64);

impl Chance {
    /// What is drawn for a start of a round.
    fn of(seed: u64, round: usize, start: usize) -> Self {
        Self(seed ^ ((round as u64) << 32) ^ ((start as u64) << 48))
    }

    /// A number from 0, below `bound`.
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}

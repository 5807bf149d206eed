//! A card's life under `kill -9`: it arrives inactive and is activated, its holder gets first certificates by a one-time password,
//! renews the one that came by plain EST and sets a revocation password for it, and ends the one that he logs in with.

use std::{fs, process::Command};

use obnova_card::{Activation, KeyRole, PasswordKind, PasswordState, Slot, Tries};
use serde_json::{Value, json};

use super::{Chance, Due, Growth, Killing, MOST_STARTS, RE_KEY, Renewal, Target, certificates};
use crate::support::{Desk, ca::House, report::report};

/// What a holder gets.
#[derive(Clone, Copy)]
pub struct Service {
    pub name: &'static str,
    pub certificates: usize,
    /// Options of its beginning.
    pub begins: &'static [&'static str],
    /// By plain EST: one certificate, which is renewed soon.
    pub plain: bool,
}

impl Service {
    /// Where it is described, as options say it.
    fn described(&self) -> &'static [&'static str] {
        &self.begins[..2]
    }
}

/// So many lives of cards, each of which gets the certificates of this service. The target's card is inactive before each;
/// its model is in the file `model`, the transport PIN, if there is one, in `transport`, and what the holder picks in `new`.
pub fn lives(desk: &Desk, house: &mut House<'_>, target: &mut Target<'_>, service: Service, count: usize) {
    let (mut finished, mut by_link, mut at_password) = (0, 0, (0, 0));
    let what = if service.plain { "lives of a card with plain EST" } else { "lives of a card" };
    Killing::rounds(desk, house, target, (count, what, service.certificates), |killing| {
        if !killing.activate() {
            finished += 1;
            return;
        }
        by_link += usize::from(killing.certify(service));
        if service.plain {
            killing.begins("renewals", 2);
            killing.one_renewal(&Renewal { begins: service.begins, old: 1, ..RE_KEY });
            let killed = killing.killed;
            killing.pick_revocation_password(service);
            let [holder, authority] = [0, 1].map(|who| killing.killed[who] - killed[who]);
            (at_password.0, at_password.1) = (at_password.0 + holder, at_password.1 + authority);
        }
        killing.revoke(service);
    });
    report(&format!(
        "{}: {count} cards: {finished} died while they compared the transport PIN that works once; {by_link} were \
         completed by the link since the journal was lost",
        service.name
    ));
    if service.plain {
        let (holder, authority) = at_password;
        report(&format!(
            "killed while a revocation password was set: the holder's program {holder} times, the CA {authority}"
        ));
    }
}

impl Killing<'_, '_, '_> {
    /// `false` when the card died while it compared a transport PIN that works once, and says so.
    fn activate(&mut self) -> bool {
        self.chance = Chance::of(self.seed, self.round, 0);
        let mut kills = 1 + self.chance.below(2);
        for start in 1..=MOST_STARTS {
            self.chance = Chance::of(self.seed, self.round, start);
            match self.look(|token| token.capabilities()).activation {
                None => {
                    self.assert_active();
                    return true;
                }
                Some(Activation::Finished { password }) => {
                    assert_eq!(password, PasswordKind::TransportPin, "{}", self.told());
                    let said = self.desk.run(["card", "show", "--token", self.target.token]).ends_with(0);
                    assert!(said.out.contains("The card is finished"), "{}: {}", self.told(), said.out);
                    let transport = fs::read_to_string(self.desk.file("model")).unwrap();
                    assert_eq!(transport, "single-use", "{}", self.told());
                    return false;
                }
                Some(_) => {}
            }
            let mut activate = vec!["card", "activate", "--token", self.target.token, "--spend-last-try"];
            activate.extend(["--pin-file", "new", "--signature-pin-file", "new", "--puk-file", "new"]);
            if fs::metadata(self.desk.file("transport")).unwrap().len() > 0 {
                activate.extend(["--transport-pin-file", "transport"]);
            }
            self.started("activate", self.desk.command(activate), Growth::of_card, &[0], &mut kills);
        }
        panic!("{}: not activated after {MOST_STARTS} starts", self.told());
    }

    /// The holder's passwords are in place, and no try of them is gone.
    fn assert_active(&mut self) {
        for password in self.passwords() {
            let all = match password.kind {
                PasswordKind::TransportPin => continue,
                PasswordKind::Puk => 5,
                _ => 3,
            };
            assert_eq!(password.state, PasswordState::Active(Tries::Known(all)), "{}: {password:?}", self.told());
        }
    }

    /// Whether it was by the link.
    fn certify(&mut self, service: Service) -> bool {
        let user = format!("user{}", self.round);
        self.desk.write("once", &self.house.hand_out(&user));
        let passwords = self.passwords();
        self.chance = Chance::of(self.seed, self.round, 100);
        let (mut kills, lost, mut by_link) = (1 + self.chance.below(4), self.lost, false);
        for start in 1..=MOST_STARTS {
            self.chance = Chance::of(self.seed, self.round, 100 + start);
            by_link |= self.is_told_of_the_link();
            if by_link {
                assert!(self.order().is_some() && self.lost > lost, "{}: it was not used", self.told());
                // Once more, where he was killed before the issuer was told that they are on the card.
                if self.is_installed() && self.order().is_some_and(|order| order["state"] == "confirmed") {
                    self.assert_certified(&user);
                    assert_eq!(self.passwords(), passwords, "{}", self.told());
                    return by_link;
                }
                self.approve();
                let install = self.install(service.described());
                self.started("install", install, Growth::of_card, &[0], &mut kills);
                continue;
            }
            let due = self.due();
            if due == Due::Nothing {
                self.assert_certified(&user);
                assert_eq!(self.passwords(), passwords, "{}", self.told());
                return by_link;
            }
            // Who has lost his journal may have sent the order.
            let codes: &[i32] = if self.lost > lost { &[0, 6, 8] } else { &[0, 8] };
            let first = self.first(due, &user, service);
            match self.started(&format!("first {due:?}"), first, Growth::of_journal, codes, &mut kills) {
                None => self.lose_journal(),
                // What it says is in its journal, too.
                Some(6) => assert!(self.is_told_of_the_link(), "{}", self.told()),
                Some(8) => self.approve(),
                Some(_) => {}
            }
        }
        panic!("{}: not certified after {MOST_STARTS} starts", self.told());
    }

    /// Whether his journal says that the password is used, for an order that he has lost.
    fn is_told_of_the_link(&self) -> bool {
        let status = self.desk.run(["status", "--journal", &self.journals()]).ends_with(0).out;
        status.contains("one-time password was used") && status.contains("link")
    }

    pub(super) fn first(&self, due: Due, user: &str, service: Service) -> Command {
        let begin = if due == Due::Begin { service.begins } else { &["--resume"] };
        let journals = self.journals();
        let at = ["--user", user, "--token", self.target.token, "--journal", &journals];
        let secrets = ["--one-time-password-file", "once", "--revocation-password-file", "revocation"];
        let secrets = if service.plain { &secrets[..2] } else { &secrets };
        let pins = ["--pin-file", "pin", "--signature-pin-file", "pin2"];
        self.desk.command([&["first", "--yes"], begin, &at, &self.house.options(), secrets, &pins].concat())
    }

    /// What the holder does with the link to his order, which is mailed or which the operator gives him.
    pub(super) fn install(&self, described: &[&str]) -> Command {
        let order = self.order().unwrap();
        let order = order["transaction"].as_str().unwrap();
        let said = self.house.operator(&["link", "ca", order, "--base", &self.house.url]).ends_with(0).out;
        let link = said.split_whitespace().find(|word| word.starts_with("https://")).unwrap();
        let install = ["install", "--yes", link, "--trust", "ca/root.pem", "--token", self.target.token];
        let more = ["--journal", "elsewhere", "--pin-file", "pin", "--signature-pin-file", "pin2"];
        self.desk.command([&install[..], described, &more].concat())
    }

    /// Each key has its certificate and signs; the CA has one order with just these, by the one password, and has mailed once, and says
    /// that they are good.
    fn assert_certified(&mut self, user: &str) {
        let told = self.told();
        let slots: Vec<Slot> = self.slots().into_iter().filter(|slot| slot.key.is_some()).collect();
        assert_eq!(slots.len(), self.complete, "{told}: {slots:#?}");
        assert!(slots.iter().all(|slot| slot.certificates.len() == 1), "{told}: {slots:#?}");
        certificates(&slots).for_each(|(slot, certificate)| self.assert_signs(slot, certificate));
        let order = self.order().unwrap_or_else(|| panic!("{told}: there is no order"));
        assert_eq!(order["state"], "confirmed", "{told}");
        let there: Vec<_> = certificates(&slots).map(|(_, certificate)| self.serial(certificate)).collect();
        assert_eq!(serials(&order), there, "{told}");
        let of_user = |one: &Value| one["user"] == user;
        let passwords = self.listed(&["password", "list", "ca", "--json", "--limit", "1000"], of_user);
        let [password] = passwords.as_slice() else { panic!("{told}: {passwords:#?}") };
        assert_eq!((&password["state"], &password["wrong_guesses"]), (&"used".into(), &0.into()), "{told}");
        assert_eq!(password["order"], order["transaction"], "{told}");
        let key = format!("pick-up/{}", order["transaction"].as_str().unwrap());
        assert_eq!(
            self.listed(&["mail", "ca", "list", "--json", "--limit", "1000"], |mail| mail["key"] == key).len(),
            1,
            "{told}"
        );
        self.assert_status(&[]);
    }

    /// Plain EST has no place for one: the holder sets it afterwards, or the operator gives one to who cannot. Then the holder picks another
    /// one, with that.
    fn pick_revocation_password(&mut self, service: Service) {
        let (serial, passwords) = (self.current_login(), self.passwords());
        self.chance = Chance::of(self.seed, self.round, 150);
        let by_holder = self.round.is_multiple_of(2);
        if by_holder {
            self.desk.write("revocation", "the pears are in the attic");
            self.set_revocation_password(service, &[], 150);
        } else {
            self.hand_out_revocation_password(&serial);
        }
        let before = fs::read_to_string(self.desk.file("revocation")).unwrap();
        self.desk.write("before", &before);
        self.desk.write("revocation", "the plums are in the cellar");
        self.set_revocation_password(service, &["--old-revocation-password-file", "before"], 170);
        assert_eq!(self.passwords(), passwords, "{}", self.told());

        // Each is set once, and told once.
        let told = self.told();
        let of_it = |record: &Value| record["event"].as_str().unwrap().starts_with("revocation-password-");
        let mut records = self.listed(&["audit", "show", "ca", "--json"], of_it);
        // Of the certificate that is in use, though a CA that was just made ends both in the same second.
        records.retain(|record| record["about"] == serial);
        let events: Vec<_> = records.iter().map(|record| record["event"].as_str().unwrap()).collect();
        let (set, replaced) = ("revocation-password-set", "revocation-password-replaced");
        assert_eq!(events, if by_holder { [set, set] } else { [replaced, set] }, "{told}: {serial}");
        let key = format!("revocation-password/{serial}/");
        let is_of_it = |mail: &Value| mail["key"].as_str().unwrap().starts_with(&key);
        assert_eq!(self.listed(&["mail", "ca", "list", "--json", "--limit", "1000"], is_of_it).len(), 2, "{told}");
        // The one before ends nothing any more.
        let revoke = ["revoke", &serial, "--yes", "--without-card", "--revocation-password-file", "before"];
        let refused = self.desk.run([&revoke[..], &self.house.options()].concat()).ends_with(6);
        assert!(refused.err.contains("wrong-revocation-password"), "{told}: {}", refused.err);
    }

    /// The holder's program is started until it says that it is set. It is killed once.
    fn set_revocation_password(&mut self, service: Service, mut old: &[&str], chances: usize) {
        let mut kills = 1;
        for start in 1..=MOST_STARTS {
            self.chance = Chance::of(self.seed, self.round, chances + start);
            let set = ["revocation-password", "--revocation-password-file", "revocation", "--pin-file", "pin"];
            let card = ["--token", self.target.token, "--journal", &self.journals()];
            let set = self.desk.command([&set[..], service.described(), &card, &self.house.options(), old].concat());
            // 2 or 6: one stands. The CA came to the end of what he was killed at just now, so it is the new one.
            let codes: &[i32] = if old.is_empty() { &[0, 2, 6] } else { &[0] };
            match self.started("revocation-password", set, Growth::of_authority, codes, &mut kills) {
                Some(0) => return,
                Some(2 | 6) => {
                    // A file of its own: two passwords out of one file are two lines.
                    fs::copy(self.desk.file("revocation"), self.desk.file("standing")).unwrap();
                    old = &["--old-revocation-password-file", "standing"];
                }
                _ => {}
            }
        }
        panic!("{}: not set after {MOST_STARTS} starts", self.told());
    }

    fn hand_out_revocation_password(&mut self, serial: &str) {
        let said = self.house.operator(&["revocation-password", "ca", serial]).ends_with(0).out;
        let line = said.lines().find(|line| line.starts_with("revocation password")).unwrap();
        self.desk.write("revocation", line.split_whitespace().last().unwrap());
    }

    /// The serial number of the certificate that its holder logs in with.
    fn current_login(&mut self) -> String {
        let slots = self.slots();
        let logins: Vec<_> = certificates(&slots)
            .filter(|(slot, one)| {
                slot.key.as_ref().is_some_and(|key| key.role == KeyRole::Authentication) && !one.superseded
            })
            .collect();
        let [(_, login)] = logins.as_slice() else { panic!("{}: {logins:?}", self.told()) };
        self.serial(login)
    }

    /// Ends the certificate for logging in: once, with one mail, however often it is asked for. By its key; by the revocation
    /// password alone; and by that on the page that any program can ask.
    fn revoke(&mut self, service: Service) {
        let serial = self.current_login();
        self.chance = Chance::of(self.seed, self.round, 200);
        let mut kills = 1 + self.chance.below(3);
        let wants_both = service.name.starts_with("partner");
        let (grows, who): (fn(&Self) -> Growth, _) = match (self.round % 3, wants_both) {
            (1 | 2, _) => (Growth::of_authority, "holder, by password alone"),
            // Its policy asks for both.
            (_, true) => (Growth::of_card, "holder, by the certificate's own key and by password"),
            _ => (Growth::of_card, "holder, by the certificate's own key"),
        };
        for start in 1..=MOST_STARTS {
            self.chance = Chance::of(self.seed, self.round, 200 + start);
            let card = ["--token", self.target.token, "--pin-file", "pin"];
            let (revoke, done): (_, &[i32]) = match self.round % 3 {
                0 => (self.revoke_by(&serial, &card), &[0]),
                1 => (self.revoke_by(&serial, &["--without-card"]), &[0]),
                // 22: it was revoked already.
                _ => (self.revoke_on_the_page(&serial), &[0, 22]),
            };
            let code = self.started("revoke", revoke, grows, done, &mut kills);
            if code.is_some_and(|code| done.contains(&code)) {
                return self.assert_revoked(&serial, who);
            }
        }
        panic!("{}: not revoked after {MOST_STARTS} starts", self.told());
    }

    fn revoke_by(&self, serial: &str, who: &[&str]) -> Command {
        let revoke = ["revoke", serial, "--yes", "--why", "superseded", "--revocation-password-file", "revocation"];
        self.desk.command([&revoke[..], who, &self.house.options()].concat())
    }

    fn revoke_on_the_page(&self, serial: &str) -> Command {
        let password = fs::read_to_string(self.desk.file("revocation")).unwrap();
        let asked = json!({ "serial": serial, "reason": "superseded", "password": password });
        self.desk.write("revoke.json", &asked.to_string());
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--fail-with-body", "--cacert", "ca/root.pem"])
            .args(["--header", "Content-Type: application/json", "--data-binary", "@revoke.json"])
            .arg(format!("{}/revoke", self.house.url))
            .current_dir(self.desk.path());
        curl
    }

    fn assert_revoked(&mut self, serial: &str, by: &str) {
        let told = self.told();
        let event = |record: &Value| record["event"] == "revoked" && record["about"] == serial;
        let events = self.listed(&["audit", "show", "ca", "--json"], event);
        assert_eq!(events.iter().map(|record| &record["actor"]).collect::<Vec<_>>(), [by], "{told}");
        let key = format!("revoked/{serial}");
        assert_eq!(
            self.listed(&["mail", "ca", "list", "--json", "--limit", "1000"], |mail| mail["key"] == key).len(),
            1,
            "{told}"
        );
        self.house.operator(&["audit", "verify", "ca"]).ends_with(0);
        self.assert_status(&[serial]);
    }

    /// What a list of the operator's has of these.
    fn listed(&self, list: &[&str], of: impl Fn(&Value) -> bool) -> Vec<Value> {
        let listed: Vec<Value> = serde_json::from_str(&self.house.operator(list).ends_with(0).out).unwrap();
        listed.into_iter().filter(of).collect()
    }
}

/// Serial numbers of the certificates of an order.
fn serials(order: &Value) -> Vec<&str> {
    order["certificates"].as_array().unwrap().iter().map(|one| one["serial"].as_str().unwrap()).collect()
}

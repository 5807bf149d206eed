//! A card's life under `kill -9`: it arrives inactive and is activated, its holder gets first certificates by a one-time password,
//! and ends the one that he logs in with.

use std::{fs, process::Command};

use obnova_card::{Activation, KeyRole, PasswordKind, PasswordState, Slot, Tries};
use serde_json::Value;

use super::{Chance, Due, Growth, Killing, MOST_STARTS, Target};
use crate::support::{Desk, ca::House, report::report};

/// So many lives of cards, each of which gets so many certificates of this service. The target's card is inactive before each;
/// its model is in the file `model`, the transport PIN, if there is one, in `transport`, and what the holder picks in `new`.
pub fn lives(
    desk: &Desk,
    house: &mut House<'_>,
    target: &mut Target<'_>,
    (service, certificates): (&'static str, usize),
    count: usize,
) {
    let (mut finished, mut by_link) = (0, 0);
    Killing::rounds(desk, house, target, (count, "lives of a card", certificates), |killing| {
        if !killing.activate() {
            finished += 1;
            return;
        }
        by_link += usize::from(killing.certify(service));
        killing.revoke(service);
    });
    report(&format!(
        "{service}: {count} cards: {finished} died while they compared the transport PIN that works once; {by_link} were \
         completed by the link since the journal was lost"
    ));
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
    fn certify(&mut self, service: &str) -> bool {
        let user = format!("user{}", self.round);
        let name = ["--name", "CN=Jana Nováková,C=CZ", "--email", "jana@example.cz"];
        let issued = self.house.operator(&[&["password", "issue", "ca", "--user", &user], &name[..]].concat());
        let issued = issued.ends_with(0).out;
        let line = issued.lines().find(|line| line.starts_with("one-time password")).unwrap();
        self.desk.write("once", line.split_whitespace().last().unwrap());
        let passwords = self.passwords();
        self.chance = Chance::of(self.seed, self.round, 100);
        let (mut kills, lost, mut by_link) = (1 + self.chance.below(4), self.lost, false);
        for start in 1..=MOST_STARTS {
            self.chance = Chance::of(self.seed, self.round, 100 + start);
            by_link |= self.is_told_of_the_link();
            if by_link {
                assert!(self.order().is_some() && self.lost > lost, "{}: it was not used", self.told());
                if self.is_installed() {
                    self.assert_certified(&user, by_link);
                    assert_eq!(self.passwords(), passwords, "{}", self.told());
                    return by_link;
                }
                self.approve();
                let install = self.install(service);
                self.started("install", install, Growth::of_card, &[0], &mut kills);
                continue;
            }
            let due = self.due();
            if due == Due::Nothing {
                self.assert_certified(&user, by_link);
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

    fn first(&self, due: Due, user: &str, service: &str) -> Command {
        let begin = ["--yes", "--service", service];
        let begin: &[&str] = if due == Due::Begin { &begin } else { &["--resume", "--yes"] };
        let journals = self.journals();
        let at = ["--user", user, "--token", self.target.token, "--journal", &journals];
        let secrets = ["--one-time-password-file", "once", "--revocation-password-file", "revocation"];
        let pins = ["--pin-file", "pin", "--signature-pin-file", "pin2"];
        self.desk.command([&["first"], begin, &at, &self.house.options(), &secrets, &pins].concat())
    }

    /// What the holder does with the mail.
    fn install(&self, service: &str) -> Command {
        let order = self.order().unwrap();
        let order = order["transaction"].as_str().unwrap();
        let said = self.house.operator(&["link", "ca", order, "--base", &self.house.url]).ends_with(0).out;
        let link = said.split_whitespace().find(|word| word.starts_with("https://")).unwrap();
        let install = ["install", "--yes", link, "--trust", "ca/root.pem", "--token", self.target.token];
        let more =
            ["--service", service, "--journal", "elsewhere", "--pin-file", "pin", "--signature-pin-file", "pin2"];
        self.desk.command([&install[..], &more].concat())
    }

    /// Each key has its certificate and signs; the CA has one order with just these, by the one password, and has mailed once.
    fn assert_certified(&mut self, user: &str, by_link: bool) {
        let told = self.told();
        let slots: Vec<Slot> = self.slots().into_iter().filter(|slot| slot.key.is_some()).collect();
        assert_eq!(slots.len(), self.complete, "{told}: {slots:#?}");
        assert!(slots.iter().all(|slot| slot.certificates.len() == 1), "{told}: {slots:#?}");
        slots.iter().for_each(|slot| self.assert_signs(slot));
        let order = self.order().unwrap_or_else(|| panic!("{told}: there is no order"));
        assert_eq!(order["state"], if by_link { "issued" } else { "confirmed" }, "{told}");
        let there: Vec<_> = slots.iter().map(|slot| self.serial(slot)).collect();
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
    }

    /// Ends the certificate for logging in: once, with one mail, however often it is asked for; by its key, and in every second life
    /// by the revocation password alone.
    fn revoke(&mut self, service: &str) {
        let login = self
            .slots()
            .into_iter()
            .find(|slot| slot.key.as_ref().is_some_and(|key| key.role == KeyRole::Authentication));
        let serial = self.serial(&login.unwrap());
        let by_password = self.round % 2 == 1;
        self.chance = Chance::of(self.seed, self.round, 200);
        let mut kills = 1 + self.chance.below(3);
        for start in 1..=MOST_STARTS {
            self.chance = Chance::of(self.seed, self.round, 200 + start);
            let (by, grows): (&[&str], fn(&Self) -> Growth) = match by_password {
                true => (&["--without-card", "--revocation-password-file", "revocation"], Growth::of_authority),
                false => (
                    &["--token", self.target.token, "--pin-file", "pin", "--revocation-password-file", "revocation"],
                    Growth::of_card,
                ),
            };
            let revoke = ["revoke", &serial, "--yes", "--why", "superseded"];
            let revoke = self.desk.command([&revoke[..], by, &self.house.options()].concat());
            let code = self.started("revoke", revoke, grows, &[0], &mut kills);
            if code == Some(0) {
                let by = match (by_password, service) {
                    (true, _) => "holder, by password alone",
                    // Its policy asks for both.
                    (false, "partner") => "holder, by the certificate's own key and by password",
                    (false, _) => "holder, by the certificate's own key",
                };
                return self.assert_revoked(&serial, by);
            }
        }
        panic!("{}: not revoked after {MOST_STARTS} starts", self.told());
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

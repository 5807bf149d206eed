//! `kill -9` of the holder's program before and after each of its writes: those of a run that nobody killed, as strace tells them.
//! It kills at the moment when a call is made, which then does nothing.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::process::ExitStatusExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use super::{Due, House, Killing, RE_KEY, Renewal, Target, certificates, life::Service};
use crate::support::{Desk, Said, report::report, share_environment};

/// Those that make, fill, cut, name or remove a file or a folder, or make it durable; not every machine has all of them.
const CALLS: [&str; 17] = [
    "open",
    "openat",
    "creat",
    "mkdir",
    "mkdirat",
    "write",
    "writev",
    "pwrite64",
    "ftruncate",
    "fsync",
    "fdatasync",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "rmdir",
];
/// Those by which others learn of something.
const SENDING: [&str; 3] = ["sendto", "sendmsg", "sendmmsg"];
const SIGKILL: i32 = 9;

/// What happens to the folder of the journals before the program is started again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Journal {
    Stays,
    IsLost,
}

/// One call, as strace is told which: the calls of a name are counted.
struct Write {
    call: String,
    number: usize,
    /// As strace shows it.
    shown: String,
}

/// A renewal for each write and each fate of the journal, killed before that write, and one that is not killed.
pub fn at_every_write(desk: &Desk, house: &mut House<'_>, target: &mut Target<'_>) {
    let fates = [Journal::Stays, Journal::IsLost];
    let untold = Killing::at_every_write(desk, house, target, (&RE_KEY, "a renewal"), &fates, |_| {});
    report(&format!("without their journal {untold} of them had all on the card, and the CA did not know it"));
    assert!(untold > 0, "none was killed between the two");
}

/// Renewals by plain EST, whose holder signs a receipt that is owed until then. What is renewed came so too; the service is that of
/// the file `house.toml`, and the target's card is empty before each. The journal stays.
pub fn at_every_write_with_a_receipt(desk: &Desk, house: &mut House<'_>, target: &mut Target<'_>) {
    let begins = &["--policy", "house.toml"];
    let service = Service { name: "partner without a login", certificates: 1, begins, plain: true };
    let renewal = Renewal { begins, old: 1, ..RE_KEY };
    let what = (&renewal, "a renewal with a receipt");
    Killing::at_every_write(desk, house, target, what, &[Journal::Stays], |killing| {
        let user = format!("user{}", killing.round);
        desk.write("once", &killing.house.hand_out(&user));
        run(killing.first(Due::Begin, &user, service)).ends_with(0);
        killing.begins("renewals", 2);
    });
}

impl<'k, 't, 'd> Killing<'k, 't, 'd> {
    /// How many [`is_killed_at`](Self::is_killed_at) says yes to.
    fn at_every_write(
        desk: &'k Desk,
        house: &'k mut House<'d>,
        target: &'k mut Target<'t>,
        (renewal, what): (&Renewal, &str),
        fates: &[Journal],
        prepare: impl Fn(&mut Self),
    ) -> usize {
        let mut killing = Self::new(desk, house, target, None);
        let begin = |killing: &mut Self, round| {
            killing.round(round, 2 * renewal.old);
            prepare(killing);
        };
        begin(&mut killing, 0);
        let writes = killing.record(renewal);
        let on_card = writes.iter().filter(|write| is_on_card(&write.shown)).count();
        let name = killing.target.name;
        let (all, beside) = (writes.len(), writes.len() - on_card);
        report(&format!(
            "{name}: {what} under kill -9 before and after each of its {all} writes: {beside} to files of the program, {on_card} to the card"
        ));
        assert!(on_card > 0 && beside > 0, "nothing was recorded");
        let moments = || writes.iter().map(Some).chain([None]);
        let cases = fates.iter().flat_map(|fate| moments().map(move |write| (*fate, write)));
        let mut untold = 0;
        for (round, (journal, write)) in (1..).zip(cases) {
            begin(&mut killing, round);
            untold += usize::from(killing.is_killed_at(renewal, write, journal));
        }
        untold
    }

    /// The writes of a renewal that nobody kills.
    fn record(&mut self, renewal: &Renewal) -> Vec<Write> {
        let record = self.desk.file("record");
        let calls = [&CALLS[..], &SENDING].concat().iter().map(|call| format!("?{call}")).collect::<Vec<_>>().join(",");
        let renew = self.traced(renewal, &calls, &[], &record);
        Said::from(renew).ends_with(0);
        let (record, journals) = (fs::read_to_string(record).unwrap(), self.journals());
        let lines: Vec<_> = record.lines().filter_map(|line| line.split_once(' ')).collect();
        // Each thread has a count of its own.
        assert!(lines.iter().all(|(thread, _)| *thread == lines[0].0), "more than one thread writes:\n{record}");
        let calls = lines.iter().filter_map(|(_, shown)| Some((shown.trim_start().split_once('(')?.0, *shown)));
        let calls: Vec<_> = calls.collect();
        assert_survives_a_power_cut(&calls, self.desk.path(), &journals);
        let number = |at: usize| calls[..=at].iter().filter(|(call, _)| *call == calls[at].0).count();
        let of_interest =
            |(_, (call, shown)): &(usize, &(&str, &str))| !SENDING.contains(call) && is_write(shown, &journals);
        let writes = calls.iter().enumerate().filter(of_interest);
        writes
            .map(|(at, (call, shown))| Write {
                call: (*call).to_owned(),
                number: number(at),
                shown: (*shown).to_owned(),
            })
            .collect()
    }

    /// Whether all was on the card then, and the CA did not know it, nor anybody any more that it has to be told.
    fn is_killed_at(&mut self, renewal: &Renewal, write: Option<&Write>, journal: Journal) -> bool {
        let old: Vec<_> = self.slots().into_iter().filter(|slot| slot.key.is_some()).collect();
        let passwords = self.passwords();
        match write {
            Some(write) => self.kill_at(renewal, write),
            None => self.renewed(renewal, Due::Begin),
        }
        self.assert_sound(renewal, &old);
        let slots = self.slots();
        let homeless = slots.iter().filter(|slot| slot.key.is_some() && slot.certificates.is_empty()).count();
        assert_eq!(self.waiting(), homeless, "{}: a key without a home is not listed", self.told());
        if journal == Journal::IsLost {
            self.done.push("the journal is lost".to_owned());
            let _ = fs::remove_dir_all(self.desk.file(&self.journals()));
        }
        let is_untold = journal == Journal::IsLost
            && self.is_installed()
            && self.order().is_some_and(|order| order["state"] == "issued");
        match self.due() {
            // The card, which is in the program, died while it compared a PIN: the next right one brings the try back.
            Due::Nothing if self.a_try_is_gone() => {
                let slots = self.slots();
                certificates(&slots).for_each(|(slot, certificate)| self.assert_signs(slot, certificate));
            }
            Due::Nothing => {}
            Due::Begin if is_untold => self.end_by_link(renewal),
            due => self.renewed(renewal, due),
        }
        self.assert_complete(renewal, &old, &passwords);
        is_untold
    }

    fn kill_at(&mut self, renewal: &Renewal, Write { call, number, shown }: &Write) {
        self.done.push(format!("killed at {call} {number}, {shown}"));
        let trace = self.desk.file("trace");
        let inject = format!("inject={call}:signal=SIGKILL:when={number}");
        let killed = self.traced(renewal, call, &["-e", &inject], &trace);
        let trace = fs::read_to_string(trace).unwrap();
        assert_eq!(killed.status.signal(), Some(SIGKILL), "{}: {killed:?}\n{trace}", self.told());
        let last = trace.lines().rfind(|line| line.contains(" = ?"));
        let is_there = last.is_some_and(|line| is_write(line, &self.journals()));
        assert!(is_there, "{}: it was another call:\n{trace}", self.told());
    }

    /// Runs it to its end.
    fn renewed(&mut self, renewal: &Renewal, due: Due) {
        self.done.push(format!("renew {due:?}"));
        let said = run(self.renew(renewal, due));
        assert_eq!(said.code, 0, "{}\n{}{}", self.told(), said.out, said.err);
    }

    /// Where it is resumed, what it has to know of the CA is written down.
    fn renew(&self, renewal: &Renewal, due: Due) -> Command {
        let (authority, journals) = (self.house.options(), self.journals());
        let begin = if due == Due::Begin { [&authority, renewal.begins].concat() } else { vec!["--resume"] };
        let token = ["renew", "--yes", "--token", self.target.token, "--journal", &journals];
        let pins = ["--pin-file", "pin", "--signature-pin-file", "pin2"];
        self.desk.command([&token[..], &begin, &pins].concat())
    }

    /// A renewal from its beginning, in the hands of strace, which writes these calls into a file.
    fn traced(&self, renewal: &Renewal, calls: &str, more: &[&str], into: &Path) -> Output {
        let renew = self.renew(renewal, Due::Begin);
        let mut strace = Command::new("strace");
        strace.args(["-f", "-y", "-e", &format!("trace={calls}")]).args(more).arg("-o").arg(into);
        strace.arg(renew.get_program()).args(renew.get_args()).current_dir(self.desk.path());
        share_environment(&renew, &mut strace);
        strace.output().expect("strace is missing: apt-get install strace")
    }

    /// All is on the card, and nothing is known any more of the order: there is nothing to renew, and the link to it ends it.
    fn end_by_link(&mut self, renewal: &Renewal) {
        let said = run(self.renew(renewal, Due::Begin));
        assert!(said.code == 3 && said.err.contains("come again"), "{}: {}", self.told(), said.err);
        self.done.push("the link is followed".to_owned());
        let said = run(self.install(&[]));
        assert_eq!(said.code, 0, "{}\n{}{}", self.told(), said.out, said.err);
    }
}

/// What is in a file is on the disk before the file takes the place of another one; and what is in the journals is there, names
/// and all, before anybody hears of it or the card changes.
fn assert_survives_a_power_cut(calls: &[(&str, &str)], desk: &Path, journals: &str) {
    let desk = desk.canonicalize().unwrap();
    let place = |name: &str| desk.join(name.trim_start_matches("./"));
    let (mut open, mut acts, mut moved) = (BTreeSet::new(), 0, 0);
    for (call, shown) in calls.iter().filter(|(_, shown)| !shown.contains(" = -1 ")) {
        // As in `write(7</tmp/desk/journals0/renewal-1.journal>, "…", 120) = 120`.
        let of_number = shown.split_once('<').and_then(|(_, behind)| Some(behind.split_once('>')?.0));
        let names: Vec<_> = shown.split('"').skip(1).step_by(2).map(place).collect();
        let is_act = SENDING.contains(call) || is_on_card(shown);
        if is_act {
            // Who has a journal is of no use after one.
            let is_lost = |path: &&PathBuf| {
                path.starts_with(place(journals)) && path.extension().is_none_or(|kind| kind != "lock")
            };
            let lost: Vec<_> = open.iter().filter(is_lost).collect();
            assert!(lost.is_empty(), "a power cut would lose {lost:?} at {shown}");
            acts += 1;
        }
        match *call {
            "write" | "writev" | "pwrite64" | "ftruncate" => drop(open.insert(place(of_number.unwrap_or_default()))),
            "fsync" | "fdatasync" => drop(open.remove(&place(of_number.unwrap_or_default()))),
            "rename" | "renameat" | "renameat2" => {
                let [from, to] = &names[..] else { panic!("{shown}") };
                assert!(!open.contains(from), "a power cut would leave a part of it: {shown}");
                open.insert(to.parent().unwrap().to_owned());
                moved += 1;
            }
            _ => {}
        }
    }
    assert!(acts > 0 && moved > 0, "nothing of that was recorded");
}

fn run(mut command: Command) -> Said {
    Said::from(command.output().unwrap())
}

/// Whether this call changes something among the journals or, at once and as a whole, on the card.
fn is_write(shown: &str, journals: &str) -> bool {
    let opens = shown.contains("open") && !shown.contains("O_CREAT");
    let is_there = shown.contains(journals) || is_on_card(shown);
    is_there && !opens && !shown.contains(" = -1 ")
}

/// Whether a card as it is now takes the place of the one before.
fn is_on_card(shown: &str) -> bool {
    shown.contains("rename") && shown.contains("\"card.state\"")
}

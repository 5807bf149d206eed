//! Any bytes as a journal file; any lines under a true first line; and the records of two true journals left out, doubled,
//! swapped, mixed and bent, followed by events that fit or do not.
//!
//! Refused by name, or a process that says what to do next whatever the time is. What was read is written and read as the
//! same; a file that is cut off or has another byte is none; and whatever a process writes down leads to the same process.
#![no_main]

use std::{sync::LazyLock, time::SystemTime};

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use obnova_algorithm::{Digest, KeyAlgorithm};
use obnova_card::{KeyEntry, PasswordKind, SlotId};
use obnova_client::journal_format::{self, FormatError};
use obnova_fuzz::json::inside;
use obnova_renewal::{
    Action, Answer, CertificateView, Diagnosis, Event, Fact, Failure, LinkAnswer, LinkRefusal, Message, NoticeLink,
    ParsedCertificate, Phase, PickUp, Prepared, Process, Receipt, Record, ReplayError, SlotView, Stage, Terms,
    Vouching,
};
use serde_json::Value;

#[path = "../common/mod.rs"]
mod common;

fuzz_target!(|bytes: &[u8]| {
    match bytes.split_first() {
        Some((b'L', lines)) => {
            if let Ok(body) = std::str::from_utf8(lines) {
                file(sealed(body).as_bytes());
            }
        }
        Some((b'S', input)) => {
            if let Ok(story) = Story::arbitrary(&mut Unstructured::new(input)) {
                story.tell();
            }
        }
        _ => file(bytes),
    }
});

fn file(bytes: &[u8]) {
    match journal_format::read(bytes) {
        Ok(records) => {
            written_again(&records);
            if let Some(process) = replayed(&records) {
                sound(&process, plan_is_true(&records));
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// A journal that somebody changed, and who knew how to make it look whole.
#[derive(Debug, Arbitrary)]
struct Story {
    edits: Vec<Edit>,
    cut: u32,
    bent: (u32, u8),
    events: Vec<(Incident, u8)>,
    /// The renewal was begun by the link of a notice, and has come as far as the holder's yes.
    by_link: bool,
}

#[derive(Debug, Arbitrary)]
enum Edit {
    /// Only the first so many.
    Keep(u8),
    Remove(u8),
    Double(u8),
    Swap(u8, u8),
    /// A record of the other journal in the place of ours, or beside it.
    Foreign(u8, u8),
    Insert(u8, u8),
    At(u8, u64),
    /// A value inside a record becomes one of another record.
    Graft {
        record: u8,
        value: u8,
        from: u8,
        its: u8,
    },
    Leaf {
        record: u8,
        value: u8,
        to: Leaf,
    },
    /// One character of a value.
    Letter {
        record: u8,
        value: u8,
        at: u16,
        to: u8,
    },
    /// A member of an object or a list goes.
    Drop {
        record: u8,
        value: u8,
    },
}

#[derive(Debug, Arbitrary)]
enum Leaf {
    Null,
    Yes(bool),
    Number(u64),
    Text(String),
    Empty,
}

/// Something that happens to the process; the number picks from what the journals hold.
#[derive(Clone, Copy, Debug, Arbitrary)]
enum Incident {
    Agreed,
    Declined,
    Terms { anchors: bool, elsewhere: bool },
    Looked { full: bool, key: bool, certificate: bool, superseded: bool },
    KeyMade,
    Signed { count: u8 },
    Prepared { jobs: bool },
    Sealed,
    Pending { pick_ups: u8, wait: u32 },
    Issued { all: bool, receipt: bool },
    Refused,
    Files { all: bool },
    Installed,
    Acknowledged,
    LoggedIn,
    Uncertain,
    Link { answer: u8 },
}

/// Two renewals as they were written down, and what stands in both.
struct Truth {
    journals: [Vec<Value>; 2],
    by_link: Vec<Value>,
    /// How the journals begin.
    begin: Vec<Fact>,
    pool: Pool,
}

#[derive(Default)]
struct Pool {
    certificates: Vec<Vec<u8>>,
    keys: Vec<obnova_algorithm::SubjectPublicKeyInfoOwned>,
    signatures: Vec<Vec<u8>>,
    prepared: Vec<Prepared>,
    terms: Vec<Terms>,
}

static TRUTH: LazyLock<Truth> = LazyLock::new(|| {
    let files =
        [include_bytes!("../seeds/journal/twins.journal"), &include_bytes!("../seeds/journal/another.journal")[..]];
    let read = files.map(|file| journal_format::read(file).expect("it is a journal of this version"));
    let lines = |records: &Vec<Record>| {
        records.iter().map(|one| serde_json::to_value(one).expect("it can be written")).collect()
    };
    let mut pool = Pool::default();
    for record in read.iter().flatten() {
        match &record.fact {
            Fact::Started { plan, .. } => {
                pool.certificates.extend(plan.old.iter().map(|(_, old)| old.certificate.der().to_vec()));
            }
            Fact::Terms(terms) => pool.terms.push(terms.clone()),
            Fact::KeyMade { public_key, .. } => pool.keys.push(public_key.clone()),
            Fact::Vouched { signature, .. } => pool.signatures.push(signature.clone()),
            Fact::Prepared(prepared) => pool.prepared.push(prepared.clone()),
            Fact::Arrived { certificates, .. } => pool.certificates.extend(certificates.iter().cloned()),
            _ => {}
        }
    }
    let journals = [lines(&read[0]), lines(&read[1])];
    let [mut records, _] = read;
    let mut begin = vec![records[0].fact.clone()];
    let agreed = records.iter().position(|one| matches!(one.fact, Fact::Agreed(_))).expect("somebody agreed");
    records.truncate(agreed + 1);
    if let Fact::Started { plan, .. } = &mut records[0].fact {
        plan.notice = Some(NoticeLink::new("/renew/link", plan));
    }
    begin.push(records[0].fact.clone());
    Truth { journals, by_link: lines(&records), begin, pool }
});

impl Story {
    fn tell(&self) {
        let mut records = if self.by_link { &TRUTH.by_link } else { &TRUTH.journals[0] }.clone();
        self.edits.iter().take(24).for_each(|edit| edit.make(&mut records));
        let body: String = records.iter().map(|record| format!("{record}\n")).collect();
        let whole = sealed(&body);
        torn(&whole, self.cut, self.bent);
        let Ok(records) = journal_format::read(whole.as_bytes()) else { return };
        let Some(process) = replayed(&records) else { return written_again(&records) };
        let true_plan = plan_is_true(&records);
        self.goes_on(process, records, true_plan);
    }

    /// What a process writes down is what it is.
    fn goes_on(&self, mut process: Process, mut records: Vec<Record>, true_plan: bool) {
        let length = records.len();
        if self.events.is_empty() {
            written_again(&records);
        }
        for (incident, pick) in self.events.iter().take(12) {
            let before = process.clone();
            match process.handle(incident.event(&before, *pick), common::now()) {
                Ok(new) => {
                    records.extend(new);
                }
                Err(error) => {
                    assert!(!error.to_string().is_empty());
                    assert!(process == before, "changed by what it refused: {error}");
                }
            }
        }
        if records.len() > length {
            let again = Process::replay(&records).expect("a process writes what can be replayed");
            assert!(again == process, "replayed to another process");
            written_again(&records[length..]);
        }
        sound(&process, true_plan);
    }
}

impl Edit {
    fn make(&self, records: &mut Vec<Value>) {
        let length = records.len();
        if length == 0 {
            return;
        }
        let at = |index: &u8| usize::from(*index) % length;
        let foreign = |index: &u8| {
            let other = &TRUTH.journals[1];
            other[usize::from(*index) % other.len()].clone()
        };
        match self {
            Self::Keep(count) => records.truncate(usize::from(*count)),
            Self::Remove(index) => drop(records.remove(at(index))),
            Self::Double(index) if length < 64 => records.insert(at(index), records[at(index)].clone()),
            Self::Double(_) => {}
            Self::Swap(one, other) => records.swap(at(one), at(other)),
            Self::Foreign(index, other) => records[at(index)] = foreign(other),
            Self::Insert(index, other) if length < 64 => records.insert(at(index), foreign(other)),
            Self::Insert(..) => {}
            Self::At(index, time) => {
                if let Some(at) = records[at(index)].get_mut("at") {
                    *at = Value::from(*time);
                }
            }
            Self::Graft { record, value, from, its } => {
                let graft = inside(&mut records[at(from)], (*its).into()).clone();
                *inside(&mut records[at(record)], (*value).into()) = graft;
            }
            Self::Leaf { record, value, to } => *inside(&mut records[at(record)], (*value).into()) = to.value(),
            Self::Letter { record, value, at: letter, to } => {
                if let Value::String(text) = inside(&mut records[at(record)], (*value).into()) {
                    let mut letters: Vec<char> = text.chars().collect();
                    if !letters.is_empty() {
                        let place = usize::from(*letter) % letters.len();
                        letters[place] = char::from(*to);
                        *text = letters.into_iter().collect();
                    }
                }
            }
            Self::Drop { record, value } => match inside(&mut records[at(record)], (*value).into()) {
                Value::Object(members) => {
                    if let Some(name) = members.keys().next().cloned() {
                        members.remove(&name);
                    }
                }
                Value::Array(members) => drop(members.pop()),
                _ => {}
            },
        }
    }
}

impl Leaf {
    fn value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Yes(yes) => Value::from(*yes),
            Self::Number(number) => Value::from(*number),
            Self::Text(text) => Value::from(text.as_str()),
            Self::Empty => Value::Array(Vec::new()),
        }
    }
}

impl Incident {
    fn event(self, process: &Process, pick: u8) -> Event {
        let pool = &TRUTH.pool;
        fn one<T: Clone>(list: &[T], pick: u8) -> T {
            list[usize::from(pick) % list.len()].clone()
        }
        let certificates =
            |all: bool| if all { pool.certificates.clone() } else { vec![one(&pool.certificates, pick)] };
        match self {
            Self::Agreed => Event::Agreed,
            Self::Declined => Event::Declined,
            Self::Terms { anchors, elsewhere } => {
                let mut terms = one(&pool.terms, pick);
                if !anchors {
                    terms.anchors.clear();
                }
                if elsewhere {
                    terms.vouching = Vouching::Elsewhere;
                }
                Event::Terms(terms)
            }
            Self::Looked { full, key, certificate, superseded } => {
                let slot = |role, id: SlotId| SlotView {
                    id,
                    key: key.then(|| KeyEntry {
                        role,
                        algorithm: process.plan().new.get(role).map_or(KeyAlgorithm::P256, |new| new.algorithm),
                        signs: Vec::new(),
                        password: PasswordKind::AuthenticationPin,
                        id: vec![pick],
                        public_key: Some(one(&pool.keys, pick)).filter(|_| pick < 128),
                    }),
                    certificates: certificate
                        .then(|| view(&one(&pool.certificates, pick), superseded))
                        .into_iter()
                        .collect(),
                    left_over: !key && !certificate && pick >= 128,
                };
                let mut slots: Vec<_> = process.plan().new.iter().map(|(role, new)| slot(role, new.slot)).collect();
                if full {
                    slots.extend(process.plan().old.iter().map(|(role, old)| slot(role, old.slot)));
                    if let Some(keys) = process.keys().filter(|_| process.may_have_come_elsewhere()) {
                        for ((_, wanted), slot) in keys.iter().zip(&mut slots) {
                            let of_key = pool.certificates.iter().map(|der| view(der, false));
                            let is_of = |one: &ParsedCertificate| one.public_key() == *wanted;
                            slot.certificates.extend(of_key.filter(|one| one.certificate.as_ref().is_some_and(is_of)));
                        }
                    }
                    if let Some(pair) = process.certificates() {
                        for ((_, certificate), slot) in pair.iter().zip(&mut slots) {
                            slot.certificates.push(view(certificate.der(), false));
                        }
                    }
                }
                Event::Looked(slots)
            }
            Self::KeyMade => Event::KeyMade(one(&pool.keys, pick)),
            Self::Signed { count } => {
                Event::Signed((0..count % 4).map(|n| one(&pool.signatures, pick.wrapping_add(n))).collect())
            }
            Self::Prepared { jobs } => {
                let mut prepared = one(&pool.prepared, pick);
                if !jobs {
                    prepared.to_sign.clear();
                }
                Event::Prepared(prepared)
            }
            Self::Sealed => Event::Sealed(Message(vec![pick; 3])),
            Self::Pending { pick_ups, wait } => Event::Answered(Answer::Pending {
                pick_ups: (0..pick_ups % 4).map(|number| PickUp(vec![number, pick])).collect(),
                retry_after: std::time::Duration::from_secs(wait.into()),
            }),
            Self::Issued { all, receipt } => Event::Answered(Answer::Issued {
                certificates: certificates(all),
                receipt: receipt.then(|| Receipt(vec![pick])),
            }),
            Self::Refused => {
                Event::Answered(Answer::Refused { reason: "badRequest".into(), text: "\u{1b}[2J no".into() })
            }
            Self::Files { all } => Event::Files(certificates(all)),
            Self::Installed => Event::Installed,
            Self::Acknowledged => Event::Acknowledged,
            Self::LoggedIn => Event::LoggedIn("CN=\u{7}Jana".into()),
            Self::Uncertain => Event::Uncertain,
            Self::Link { answer } => Event::Link(match answer % 6 {
                0 => LinkAnswer::Refused(LinkRefusal::Unknown),
                1 => LinkAnswer::Refused(LinkRefusal::Over),
                2 => LinkAnswer::Refused(LinkRefusal::OtherCard),
                3 => LinkAnswer::Refused(LinkRefusal::OnHold),
                4 => LinkAnswer::Refused(LinkRefusal::Revoked),
                _ => LinkAnswer::Begun,
            }),
        }
    }
}

fn view(der: &[u8], superseded: bool) -> CertificateView {
    let certificate = ParsedCertificate::from_der(der).ok();
    CertificateView { label: "label".into(), superseded, fits_key: certificate.is_some(), certificate }
}

/// What was cut off or changed is never taken for a journal.
fn torn(whole: &str, cut: u32, (at, by): (u32, u8)) {
    let whole = whole.as_bytes();
    let cut = cut as usize % whole.len();
    assert!(journal_format::read(&whole[..cut]).is_err(), "read as a shorter one, cut at {cut}");
    let mut bent = whole.to_vec();
    let at = at as usize % bent.len();
    bent[at] ^= by;
    if by != 0 {
        assert!(journal_format::read(&bent).is_err(), "read although byte {at} is another");
    }
    assert_ne!(journal_format::read(whole), Err(FormatError::NotAJournal));
}

fn written_again(records: &[Record]) {
    let text = journal_format::write(records).expect("what was read can be written");
    assert_eq!(journal_format::read(text.as_bytes()).as_deref(), Ok(records));
}

fn replayed(records: &[Record]) -> Option<Process> {
    match Process::replay(records) {
        Ok(process) => Some(process),
        Err(error) => {
            assert!(!error.to_string().is_empty());
            match error {
                ReplayError::Empty => assert!(records.is_empty()),
                ReplayError::NotStarted => assert!(!matches!(records[0].fact, Fact::Started { .. })),
                ReplayError::Record { index, fact, .. } => assert_eq!(records[index].fact.name(), fact),
            }
            None
        }
    }
}

fn plan_is_true(records: &[Record]) -> bool {
    TRUTH.begin.contains(&records[0].fact)
}

/// It knows what to do next at any time, and no stage is reached without what it needs.
fn sound(process: &Process, true_plan: bool) {
    let far =
        SystemTime::UNIX_EPOCH.checked_add(std::time::Duration::from_secs(u64::MAX / 4)).unwrap_or_else(common::now);
    for now in [SystemTime::UNIX_EPOCH, common::now(), far] {
        let action = process.next(now);
        let is_inconsistent = matches!(action, Action::Failed(Failure::Inconsistent));
        assert!(!(is_inconsistent && true_plan), "the stage {} lacks what it needs", process.stage());
        assert_eq!(process.is_over(now), matches!(action, Action::Done(_) | Action::Failed(_)));
        if let Some(pin) = action.pin() {
            assert!(!pin.uses.is_empty(), "a PIN without a reason");
        }
        let shown = Diagnosis::of(process, None, now).to_string();
        assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
    }
    let made = process.plan().new.iter().any(|(role, _)| process.keys().is_some_and(|keys| keys.get(role).is_some()));
    assert!(!(made && matches!(process.stage(), Stage::UseLink)), "made before the link was used up");
    if let Some(certificates) = process.certificates() {
        let keys = process.keys().expect("certificates are for keys");
        assert!(certificates.roles().eq(keys.roles()), "certificates for other roles");
        for (role, certificate) in certificates.iter() {
            assert_eq!(keys.get(role), Some(&certificate.public_key()), "a certificate for another key");
        }
    }
    for phase in Phase::ALL {
        for password in [PasswordKind::AuthenticationPin, PasswordKind::SignaturePin, PasswordKind::Puk] {
            let ahead = process.uses_ahead(phase, password);
            assert!(ahead.iter().all(|one| process.plan().password_for(*one).is_some()));
        }
    }
}

/// Lines under a first line that fits them.
fn sealed(body: &str) -> String {
    let checksum: String =
        Digest::Sha256.of(body.as_bytes()).as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("obnova-journal 1 {} {checksum}\n{body}", body.len())
}

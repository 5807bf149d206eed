//! A holder who answers, a CA inside the process, and a login that sees what it is shown.

#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use obnova_card::{PasswordKind, Secret, Tries};
use obnova_client::{
    CaConnection, CaError, Credential, CredentialProblem, CredentialRequest, FileJournal, Journal, Login, LoginError,
    LoginProof, PinRequest, Progress, Prompt, PromptError, Question, RunError, Runner, Seams, SharedToken, Turn, look,
    share,
};
use obnova_pkcs10::CertificationRequest;
use obnova_renewal::{
    Answer, Message, Order, ParsedCertificate, Phase, PickUp, PinUse, Plan, Policy, Prepared, Receipt, Stage, Standing,
    Terms,
};

#[path = "../../../renewal/tests/support/mod.rs"]
pub mod support;

use support::{Draft, Holder, House, now, pin_for, play};

/// The holder: knows the PINs, unless told otherwise, and remembers what was asked.
#[derive(Default)]
pub struct Face {
    /// Given instead of the right ones, first to last.
    pub wrong: Vec<&'static str>,
    /// Says no to the last try.
    pub keeps_last_try: bool,
    /// Says no to the plan.
    pub declines: bool,
    /// Goes away at the prompt.
    pub cancels: bool,
    /// Typed for a first order, first to last.
    pub credentials: Vec<(Credential, &'static str)>,
    /// What was asked for of a first order, and what was wrong with what was given before.
    pub asked_for: Vec<(Credential, Option<CredentialProblem>)>,
    /// Of these, what it was told that it gave before.
    pub asked_again: Vec<Credential>,
    /// And what might be left out.
    pub optional: Vec<Credential>,
    /// Says no to the certificates that came.
    pub is_somebody_else: bool,
    /// Enters passwords at the reader where it has a pad.
    pub takes_pad: bool,
    /// What was to be entered there.
    pub at_pad: Vec<PinRequest>,
    pub asked: Vec<PinRequest>,
    pub questions: Vec<String>,
    /// Of each question about a last try: the tries, and whether the one before was wrong.
    pub last_tries: Vec<(Tries, bool)>,
    pub progress: Vec<String>,
}

impl Face {
    /// Phase, password and number of uses of each prompt.
    pub fn prompts(&self) -> Vec<(Option<Phase>, PasswordKind, usize)> {
        self.asked.iter().map(|one| (one.phase, one.password, one.uses.len())).collect()
    }

    pub fn uses(&self) -> Vec<PinUse> {
        self.asked.iter().flat_map(|one| one.uses.clone()).collect()
    }
}

impl Prompt for Face {
    fn pin(&mut self, request: &PinRequest) -> Result<Secret, PromptError> {
        self.asked.push(request.clone());
        if self.cancels {
            return Err(PromptError::Cancelled);
        }
        if self.wrong.is_empty() { Ok(pin_for(request.password)) } else { Ok(Secret::from(self.wrong.remove(0))) }
    }

    fn takes_pad(&self) -> bool {
        self.takes_pad
    }

    fn at_pad(&mut self, request: &PinRequest) -> Result<(), PromptError> {
        self.at_pad.push(request.clone());
        Ok(())
    }

    fn confirm(&mut self, question: &Question<'_>) -> Result<bool, PromptError> {
        let (name, yes) = match question {
            Question::Risk(_) => ("risk", !self.declines),
            Question::Plan(_) => ("plan", !self.declines),
            Question::Certificates(_) => ("certificates", !self.is_somebody_else),
            Question::LastTry { tries, was_wrong, .. } => {
                self.last_tries.push((*tries, *was_wrong));
                ("last-try", !self.keeps_last_try)
            }
            _ => ("other", false),
        };
        self.questions.push(name.into());
        Ok(yes)
    }

    fn credential(&mut self, request: &CredentialRequest) -> Result<Secret, PromptError> {
        self.asked_for.push((request.what, request.problem));
        self.asked_again.extend(request.again.then_some(request.what));
        self.optional.extend(request.optional.then_some(request.what));
        let given = self.credentials.iter().position(|(what, _)| *what == request.what);
        let given = given.ok_or_else(|| PromptError::Nobody(request.what.to_string()))?;
        Ok(Secret::from(self.credentials.remove(given).1))
    }

    fn progress(&mut self, progress: &Progress<'_>) {
        if let Progress::Begins(action) = progress {
            self.progress.push(action.name().into());
        }
    }
}

/// A house CA of its own protocol: its state is what it was sent.
pub struct HouseCa {
    pub house: House,
    pub sent: Vec<Message>,
    pub picked_up: usize,
    pub acknowledged: usize,
    /// Calls that fail before they are done, by name.
    pub down: Vec<&'static str>,
    /// Why it answers no order, first to last.
    pub away: Vec<CaError>,
    /// Calls whose answer is lost once after they were done.
    pub loses: Vec<&'static str>,
    /// What everybody is told of its certificates.
    pub standing: Standing,
    /// What it gave is confirmed, and it gives it to nobody any more.
    pub is_closed: bool,
}

impl HouseCa {
    pub fn new(house: House) -> Self {
        let standing = Standing::Good { by: "OCSP".into(), place: "http://status.example".into() };
        Self {
            house,
            sent: Vec::new(),
            picked_up: 0,
            acknowledged: 0,
            down: Vec::new(),
            away: Vec::new(),
            loses: Vec::new(),
            standing,
            is_closed: false,
        }
    }

    fn is_up(&self, call: &'static str) -> Result<(), CaError> {
        let server = "house".to_owned();
        if self.down.contains(&call) {
            return Err(CaError::Unreachable { server, problem: "down".into() });
        }
        Ok(())
    }

    fn is_there(&mut self) -> Result<(), CaError> {
        if self.away.is_empty() { Ok(()) } else { Err(self.away.remove(0)) }
    }

    fn answered<T>(&mut self, call: &'static str, answer: T) -> Result<T, CaError> {
        match self.loses.iter().position(|one| *one == call) {
            Some(at) => {
                self.loses.remove(at);
                Err(CaError::Timeout { server: "house".into() })
            }
            None => Ok(answer),
        }
    }
}

impl CaConnection for HouseCa {
    fn standing(&mut self, _: &ParsedCertificate, _: SystemTime) -> Result<Standing, CaError> {
        self.is_up("standing")?;
        Ok(self.standing.clone())
    }

    fn terms(&mut self) -> Result<Terms, CaError> {
        self.is_up("terms")?;
        Ok(self.house.terms())
    }

    fn prepare(&mut self, order: &Order) -> Result<Prepared, CaError> {
        Ok(play::prepare(order))
    }

    fn seal(&mut self, order: &Order, _: &Prepared, _: &[Vec<u8>]) -> Result<Message, CaError> {
        let requests = order.requests.iter().map(|one| one.der.clone()).collect::<Vec<_>>();
        Ok(Message(serde_json::to_vec(&requests).unwrap()))
    }

    fn send(&mut self, message: &Message) -> Result<Answer, CaError> {
        self.is_up("send")?;
        self.is_there()?;
        self.sent.push(message.clone());
        let retry_after = Duration::ZERO;
        self.answered("send", Answer::Pending { pick_ups: vec![PickUp(message.0.clone())], retry_after })
    }

    fn pick_up(&mut self, pick_up: &PickUp) -> Result<Answer, CaError> {
        self.is_up("pick-up")?;
        self.is_there()?;
        self.picked_up += 1;
        if self.is_closed {
            return Ok(Answer::Refused { reason: "badRequest".into(), text: "token-spent".into() });
        }
        let requests: Vec<Vec<u8>> = serde_json::from_slice(&pick_up.0).unwrap();
        let roles = obnova_renewal::Pair::ROLES;
        let certificates = requests.iter().zip(roles).map(|(der, role)| {
            let request = CertificationRequest::from_der(der).unwrap();
            self.house.issue(&Draft::new(role, request.public_key().clone())).der().to_vec()
        });
        let certificates = certificates.collect();
        self.answered("pick-up", Answer::Issued { certificates, receipt: Some(Receipt(b"all arrived".to_vec())) })
    }

    fn acknowledge(&mut self, receipt: &Receipt) -> Result<(), CaError> {
        self.is_up("acknowledge")?;
        assert_eq!(receipt.0, b"all arrived");
        self.acknowledged += 1;
        self.answered("acknowledge", ())
    }
}

/// A login that makes the card sign, as a handshake would.
pub struct Door;

impl LoginProof for Door {
    fn login(&mut self, login: &Login<'_>) -> Result<String, LoginError> {
        let algorithm = login.key.signs[0];
        let job = obnova_card::SignDigest { slot: login.slot, algorithm, digest: algorithm.digest().of(b"handshake") };
        let signature = login.token.lock().unwrap().sign(&[job], &login.pin)?.remove(0);
        obnova_algorithm::verify(login.certificate.public_key(), algorithm, b"handshake", &signature)
            .map_err(|error| LoginError::Key(error.to_string()))?;
        Ok(login.certificate.subject().to_string())
    }
}

/// Where a program is started: the card that is in, the folder of its journals, and its clock.
pub struct Seat<'a> {
    pub token: SharedToken,
    pub journals: PathBuf,
    pub clock: &'a dyn Fn() -> SystemTime,
}

impl Seat<'_> {
    /// Begins where there is a plan, resumes otherwise, and does something with the runner.
    pub fn with_runner<T>(
        self,
        ca: &mut dyn CaConnection,
        prompt: &mut Face,
        login: &mut dyn LoginProof,
        plan: Option<Plan>,
        act: impl FnOnce(&mut Runner<'_>) -> T,
    ) -> Result<T, RunError> {
        let (mut journal, token) = (open_journal(&self.journals), Some(self.token));
        let seams = Seams { token, ca, prompt, journal: &mut journal, login: Some(login), clock: self.clock };
        let mut runner = match plan {
            Some(plan) => Runner::begin(seams, NAME, plan)?,
            None => Runner::resume(seams)?,
        };
        Ok(act(&mut runner))
    }
}

/// Everything a renewal needs, and a journal in a folder of its own.
pub struct World {
    pub holder: Holder,
    pub token: SharedToken,
    pub ca: HouseCa,
    pub face: Face,
    pub folder: tempfile::TempDir,
}

impl World {
    pub fn new() -> Self {
        let house = House::new("CN=Root");
        let holder = Holder::new(&house);
        let token = share(holder.token());
        let folder = tempfile::tempdir().unwrap();
        Self { holder, token, ca: HouseCa::new(house), face: Face::default(), folder }
    }

    pub fn plan(&self) -> Plan {
        let card = look(self.token.lock().unwrap().as_mut()).unwrap();
        Plan::make(&card, &Policy::twins(), now()).unwrap()
    }

    pub fn journal(&self) -> FileJournal {
        open_journal(self.folder.path())
    }

    /// Begins or resumes with the journal in the folder, and does something with the runner.
    pub fn with_runner<T>(&mut self, act: impl FnOnce(&mut Runner<'_>) -> T) -> Result<T, RunError> {
        let plan = (FileJournal::list(self.folder.path()).unwrap().is_empty()).then(|| self.plan());
        let clock = || now() + Duration::from_secs(5);
        let seat = Seat { token: self.token.clone(), journals: self.folder.path().to_owned(), clock: &clock };
        seat.with_runner(&mut self.ca, &mut self.face, &mut Door, plan, act)
    }

    pub fn run(&mut self) -> Result<Turn, RunError> {
        self.with_runner(|runner| runner.run())?
    }

    pub fn steps(&mut self, count: usize) {
        self.with_runner(|runner| {
            for _ in 0..count {
                runner.step().unwrap();
            }
        })
        .unwrap();
    }

    /// Goes on up to a stage, and drops the runner there.
    pub fn reach(&mut self, stage: Stage) {
        self.with_runner(|runner| {
            while runner.process().stage() != stage {
                assert_eq!(runner.step().unwrap(), Turn::Went, "{stage} never came");
            }
        })
        .unwrap();
    }

    /// Two certificates each on two pairs, the old marked, and no key made in vain.
    pub fn assert_renewed(&self) {
        let card = look(self.token.lock().unwrap().as_mut()).unwrap();
        assert_eq!(card.slots.iter().filter(|slot| slot.key.is_some()).count(), 4);
        for slot in &card.slots[..2] {
            assert!(slot.certificates[0].superseded, "slot {} is not marked", slot.id);
        }
        for slot in &card.slots[2..4] {
            assert_eq!(slot.certificates.len(), 1, "slot {}", slot.id);
            assert!(slot.certificates[0].fits_key && !slot.certificates[0].superseded);
        }
        for (role, old) in self.holder.old.iter() {
            assert!(card.slots.iter().any(|slot| slot.holds(old)), "the old {role} certificate is gone");
        }
    }
}

const NAME: &str = "twins";

fn open_journal(folder: &Path) -> FileJournal {
    if FileJournal::list(folder).unwrap().is_empty() {
        FileJournal::create(folder, NAME).unwrap()
    } else {
        FileJournal::open(folder, NAME).unwrap()
    }
}

/// Every byte of every file below a folder.
pub fn everything_below(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        bytes.extend(if path.is_dir() { everything_below(&path) } else { std::fs::read(path).unwrap() });
    }
    bytes
}

pub fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

pub fn clock_now() -> SystemTime {
    SystemTime::now()
}

/// The records of a journal, by name.
pub fn names(journal: &mut dyn Journal) -> Vec<&'static str> {
    journal.records().unwrap().iter().map(|record| record.fact.name()).collect()
}

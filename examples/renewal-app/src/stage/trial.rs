use std::time::{Duration, SystemTime};

use obnova_algorithm::KeyAlgorithm;
use obnova_card::{PasswordKind, Pin, ProfileToken, Secret, SignDigest};
use obnova_client::{
    Journal as _, Login, LoginProof as _, MemoryJournal, PinRequest, Progress, Prompt, PromptError, Question, RunError,
    Runner, Seams, SharedToken, Turn,
};
use obnova_reference_ca::house::Holder;
use obnova_renewal::{ByRole, CardView, Pair, ParsedCertificate, Plan, Process, Stage as Reached};
use obnova_simulator::{Personalisation, SimulatorConnection};

use super::{FirstPair, Stage, held, personalise, rules::Broken};
use crate::{failure::internal, tokens};

/// Passwords that stand in no other text.
pub const AUTHENTICATION_PIN: &str = "Qw7zAuth";
pub const SIGNATURE_PIN: &str = "Qw7zSign";
const PUK: &str = "Qw7zPukk";
/// How far the holder's clock runs ahead of the CA's where he has waited.
const WAITED: Duration = Duration::from_secs(5);

/// Another holder of the same CA, with a simulated card: what is tried out is tried on him.
pub struct Trial<'s> {
    stage: &'s Stage,
    pub card: SimulatorConnection,
    pub token: SharedToken,
    pub old: Pair<ParsedCertificate>,
    pub email: String,
    pub journal: MemoryJournal,
    pub asked: Vec<PinRequest>,
}

impl<'s> Trial<'s> {
    /// A card with a pair that ends soon.
    pub fn new(stage: &'s Stage) -> Result<Self, Broken> {
        let number = stage.next_number();
        let card = Personalisation::new(format!("OBN9{number:07}")).label(format!("Trial {number}"));
        let card = card.active(AUTHENTICATION_PIN.as_bytes(), SIGNATURE_PIN.as_bytes(), PUK.as_bytes()).finish()?;
        let connection = SimulatorConnection::new(card);
        let mut token = ProfileToken::new(connection.clone());
        let holder =
            Holder { name: format!("CN=Trial {number},C=CZ"), email: format!("trial-{number}@holder.example") };
        let algorithms = stage.service.expects.keys(KeyAlgorithm::P256);
        let first = FirstPair { algorithms, days_left: stage.days_left() };
        let pin = pin(PasswordKind::AuthenticationPin);
        let issued = personalise(&mut token, stage.house(), &holder, &first, &pin, SystemTime::now())?;
        let old = Pair {
            authentication: ParsedCertificate::from_der(&issued.authentication.der)?,
            signature: ParsedCertificate::from_der(&issued.signature.der)?,
        };
        Ok(Self {
            stage,
            token: held::token(stage, connection.clone()),
            card: connection,
            old,
            email: holder.email,
            journal: MemoryJournal::default(),
            asked: Vec::new(),
        })
    }

    /// The same holder once more, with a copy of card and journal: what happens to one does not happen to the other.
    pub fn fork(&self) -> Self {
        let card = held::fork(&self.card);
        Self {
            stage: self.stage,
            token: held::token(self.stage, card.clone()),
            card,
            old: self.old.clone(),
            email: self.email.clone(),
            journal: self.journal.clone(),
            asked: Vec::new(),
        }
    }

    pub fn view(&self) -> Result<CardView, Broken> {
        held::view(&self.token)
    }

    pub fn process(&self) -> Result<Process, Broken> {
        Ok(Process::replay(&self.journal.0)?)
    }

    /// Begins, or goes on, and does something with the runner; `with_card` says whether the card is in.
    pub fn with_runner<T>(
        &mut self,
        with_card: bool,
        act: impl FnOnce(&mut Runner<'_>) -> Result<T, RunError>,
    ) -> Result<T, Broken> {
        let plan = match self.journal.records()?.is_empty() {
            true => Some(Plan::make(&self.view()?, &self.stage.service.policy, SystemTime::now())?),
            false => None,
        };
        let (mut ca, mut login) = (self.stage.authority.connection()?, self.stage.authority.login());
        let mut face = Face { asked: &mut self.asked };
        let clock = || SystemTime::now() + WAITED;
        let seams = Seams {
            token: with_card.then(|| self.token.clone()),
            ca: &mut ca,
            prompt: &mut face,
            journal: &mut self.journal,
            login: Some(&mut login),
            clock: &clock,
        };
        Ok(act(&mut held::runner(seams, "trial", plan)?)?)
    }

    /// Goes on until there is nothing to do, or nothing but to wait.
    pub fn run(&mut self) -> Result<Turn, Broken> {
        self.with_runner(true, |runner| runner.run())
    }

    /// Goes on up to a stage; the process is dropped there.
    pub fn reach(&mut self, stage: Reached, with_card: bool) -> Result<(), Broken> {
        let turn = self.with_runner(with_card, |runner| {
            while runner.process().stage() != stage {
                match runner.step()? {
                    Turn::Went => {}
                    end => return Ok(Some(end)),
                }
            }
            Ok(None)
        })?;
        turn.map_or(Ok(()), |turn| Err(Broken(format!("{stage} was not reached: {turn:?}"))))
    }

    /// Sends the order, and lets the CA's operator approve it.
    pub fn ordered(stage: &'s Stage) -> Result<Self, Broken> {
        let mut this = Self::new(stage)?;
        if !stage.service.waits() {
            this.reach(Reached::Install, true)?;
            return Ok(this);
        }
        let turn = this.run()?;
        if !matches!(turn, Turn::Waits(_)) {
            return Err(Broken(format!("the order was not accepted: {turn:?}")));
        }
        stage.approve()?;
        Ok(this)
    }

    /// Certificates for the keys that were made, by a CA that says nothing of it to this one.
    pub fn certified_elsewhere(&self) -> Result<Vec<ParsedCertificate>, Broken> {
        let holder = Holder { name: self.old.authentication.subject().to_string(), email: self.email.clone() };
        let issued = self.stage.certify_elsewhere(&holder, &self.keys()?)?;
        Ok(issued.iter().map(|der| ParsedCertificate::from_der(der)).collect::<Result<_, _>>()?)
    }

    /// The link that the CA mails for the order.
    pub fn link(&self) -> Result<String, Broken> {
        let path = self.stage.mailed_path(&self.email, "pickup", SystemTime::now())?;
        let path = path.ok_or_else(|| Broken("no mail with a link has come".to_owned()))?;
        Ok(format!("{}{path}", self.stage.authority.url))
    }

    /// Logs in with a certificate that is on the card, and says whom the server saw.
    pub fn login(&self, certificate: &ParsedCertificate) -> Result<String, Broken> {
        let card = self.view()?;
        let (slot, key) = held::key_of(&card, certificate)?;
        let pin = pin(PasswordKind::AuthenticationPin);
        let login = Login { token: &self.token, slot, key, certificate, pin };
        Ok(self.stage.authority.login().login(&login)?)
    }

    /// Makes a signature with the key of a certificate that is on the card, and verifies it.
    pub fn sign(&self, certificate: &ParsedCertificate) -> Result<(), Broken> {
        let card = self.view()?;
        let (slot, key) = held::key_of(&card, certificate)?;
        let algorithm = *key.signs.first().ok_or_else(|| Broken("its key signs nothing".to_owned()))?;
        let job = SignDigest { slot, algorithm, digest: algorithm.digest().of(TEXT) };
        let made = tokens::lock(&self.token).sign(&[job], &pin(key.password))?;
        let signature = made.first().ok_or_else(|| internal("no signature"))?;
        Ok(obnova_algorithm::verify(certificate.public_key(), algorithm, TEXT, signature)?)
    }

    /// The old pair is there, and both of it work.
    pub fn old_pair_works(&self) -> Result<(), Broken> {
        self.login(&self.old.authentication)?;
        self.sign(&self.old.signature)
    }

    /// How many of a pair's certificates the card shows.
    pub fn shows(&self, pair: &ByRole<ParsedCertificate>) -> Result<usize, Broken> {
        let card = self.view()?;
        Ok(pair.iter().filter(|(_, one)| card.slots.iter().any(|slot| slot.holds(one))).count())
    }

    /// The keys that a process made, once it has.
    pub fn keys(&self) -> Result<Pair<obnova_algorithm::SubjectPublicKeyInfoOwned>, Broken> {
        let process = self.process()?;
        let keys = process.keys().ok_or_else(|| Broken("no keys were made".to_owned()))?;
        let keys = keys.map(|_, key| (*key).clone());
        keys.into_pair().ok_or_else(|| Broken("there is one key only".to_owned()))
    }
}

const TEXT: &[u8] = b"a text to sign";

/// The password of this kind on every card that something is tried out on.
pub fn pin(kind: PasswordKind) -> Pin {
    Pin::new(secret(kind))
}

fn secret(kind: PasswordKind) -> Secret {
    match kind {
        PasswordKind::SignaturePin => SIGNATURE_PIN.into(),
        PasswordKind::Puk => PUK.into(),
        _ => AUTHENTICATION_PIN.into(),
    }
}

/// Agrees, gives the passwords, and remembers what was asked.
pub struct Face<'a> {
    pub asked: &'a mut Vec<PinRequest>,
}

impl Prompt for Face<'_> {
    fn pin(&mut self, request: &PinRequest) -> Result<Secret, PromptError> {
        self.asked.push(request.clone());
        Ok(secret(request.password))
    }

    fn confirm(&mut self, question: &Question<'_>) -> Result<bool, PromptError> {
        Ok(matches!(question, Question::Plan(_)))
    }

    fn progress(&mut self, _progress: &Progress<'_>) {}
}

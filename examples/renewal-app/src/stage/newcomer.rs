use std::{
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use obnova_algorithm::{Digest, KeyAlgorithm};
use obnova_ca::{CaKey, FirstDesk, Subject};
use obnova_card::{PasswordKind, Pin, ProfileToken, Secret};
use obnova_client::{
    Credential, CredentialRequest, EstConnection, Https, Journal as _, MemoryJournal, PinRequest, Progress, Prompt,
    PromptError, Question, RunError, Runner, Seams, SharedToken, Turn, look, tls_config,
};
use obnova_enroll::{
    OneTimePassword,
    cmc::{FirstRequestBuilder, Nonce, ProofKey, SealedPassword, TransactionId, UserId},
};
use obnova_pkcs10::RequestBuilder;
use obnova_renewal::{CardView, ParsedCertificate, Plan};
use obnova_simulator::{Card, Personalisation, SimulatorConnection};
use obnova_transport::{Count, Decorated};
use x509_cert::ext::pkix::{KeyUsage, KeyUsages, name::GeneralName};

use super::{Stage, rules::Broken};
use crate::tokens;

/// What the holder has on the card: authentication PIN, signature PIN, PUK.
pub const PINS: [&str; 3] = ["482915", "730264", "91827364"];
/// What the holder picks to end the certificate with; it stands in no other text.
pub const REVOCATION_PASSWORD: &str = "korektní kůň baterie spona";
/// The part of the service that the certificate is for.
pub const MODULE: &str = "invoices";

/// Somebody whom the CA knows, with a card that has no key yet.
pub struct Newcomer<'s> {
    pub stage: &'s Stage,
    pub user: UserId,
    name: String,
    pub email: String,
    pub card: SimulatorConnection,
    pub token: SharedToken,
    pub count: Count,
    pub journal: MemoryJournal,
    pub asked: Vec<Asked>,
    /// The revocation password as it is typed for the second time.
    pub again: &'static str,
}

/// Something that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    Pin(PinRequest),
    Credential(CredentialRequest),
}

impl<'s> Newcomer<'s> {
    /// Known to the CA, and nothing issued.
    pub fn new(stage: &'s Stage) -> Result<Self, Broken> {
        let number = stage.next_number();
        let card = Personalisation::new(format!("OBN7{number:07}")).label(format!("Partner {number}"));
        let [authentication, signature, puk] = PINS.map(str::as_bytes);
        let card = card.active(authentication, signature, puk).finish()?;
        let (name, email) = (format!("CN=Partner {number},C=CZ"), format!("partner-{number}@holder.example"));
        let this = Self::with(stage, SimulatorConnection::new(card), (number, name, email))?;
        this.desk()?.enter(&this.subject()?, SystemTime::now())?;
        Ok(this)
    }

    fn with(stage: &'s Stage, card: SimulatorConnection, who: (u32, String, String)) -> Result<Self, Broken> {
        let count = Count::new();
        let token = Box::new(ProfileToken::new(Decorated::new(card.clone(), count.clone())));
        Ok(Self {
            stage,
            user: UserId::new(&format!("partner-{}", who.0))?,
            name: who.1,
            email: who.2,
            token: Arc::new(Mutex::new((stage.through)(token))),
            card,
            count,
            journal: MemoryJournal::default(),
            asked: Vec::new(),
            again: REVOCATION_PASSWORD,
        })
    }

    /// The card once more, as it is, without the journal.
    pub fn elsewhere(&self) -> Result<Self, Broken> {
        let card = SimulatorConnection::new(self.card.with_card(|card: &mut Card| card.fork()));
        let number = self.user.as_str().rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or_default();
        Self::with(self.stage, card, (number, self.name.clone(), self.email.clone()))
    }

    pub fn desk(&self) -> Result<&'s FirstDesk, Broken> {
        self.stage.house().ca().first().ok_or_else(|| Broken("the CA has no desk for first certificates".to_owned()))
    }

    fn subject(&self) -> Result<Subject, Broken> {
        let (user, email) = (self.user.clone(), self.email.clone());
        Ok(Subject { user, module: MODULE.to_owned(), name: self.name.parse()?, email })
    }

    /// A one-time password, as it is handed over; the one before is dead.
    pub fn password(&self, now: SystemTime) -> Result<OneTimePassword, Broken> {
        let desk = self.desk()?;
        Ok(desk.issue(desk.subject(&self.user, MODULE)?, now)?.password)
    }

    pub fn view(&self) -> Result<CardView, Broken> {
        Ok(look(tokens::lock(&self.token).as_mut())?)
    }

    /// Begins with this plan where the journal is empty, or goes on, and does something with the runner.
    pub fn with_runner<T>(
        &mut self,
        password: Option<&OneTimePassword>,
        plan: Option<Plan>,
        act: impl FnOnce(&mut Runner<'_>) -> Result<T, RunError>,
    ) -> Result<T, Broken> {
        let plan = match self.journal.records()?.is_empty() {
            true => Some(plan.map_or_else(
                || Plan::first(&self.view()?, &self.stage.service.policy, SystemTime::now()).map_err(Broken::from),
                Ok,
            )?),
            false => None,
        };
        let (mut ca, mut login) = (connection(self.stage, MODULE)?, self.stage.authority.login());
        let again = self.again;
        let user = self.user.clone();
        let mut face = Face { user, password: password.cloned(), again, asked: &mut self.asked };
        let clock = || SystemTime::now() + Duration::from_secs(5);
        let seams = Seams {
            token: Some(self.token.clone()),
            ca: &mut ca,
            prompt: &mut face,
            journal: &mut self.journal,
            login: Some(&mut login),
            clock: &clock,
        };
        let mut runner = match plan {
            Some(plan) => Runner::begin(seams, "partner", plan)?,
            None => Runner::resume(seams)?,
        };
        Ok(act(&mut runner)?)
    }

    /// Asks for the first certificate, and goes on until there is nothing to do but to wait.
    pub fn run(&mut self, password: &OneTimePassword) -> Result<Turn, Broken> {
        self.with_runner(Some(password), None, |runner| runner.run())
    }

    /// From the one-time password to the certificate on the card.
    pub fn certified(stage: &'s Stage) -> Result<(Self, ParsedCertificate), Broken> {
        let mut this = Self::new(stage)?;
        let password = this.password(SystemTime::now())?;
        let certificate = this.certify(&password)?;
        Ok((this, certificate))
    }

    /// The same for somebody who may have been there before.
    pub fn certify(&mut self, password: &OneTimePassword) -> Result<ParsedCertificate, Broken> {
        let turn = self.run(password)?;
        if !matches!(turn, Turn::Waits(_)) {
            return Err(Broken(format!("the order was not accepted: {turn:?}")));
        }
        self.stage.approve()?;
        match self.run(password)? {
            Turn::Done(summary) => summary
                .certificates
                .authentication
                .ok_or_else(|| Broken("there is no certificate for logging in".to_owned())),
            turn => Err(Broken(format!("the order was not finished: {turn:?}"))),
        }
    }

    /// An order that a client makes which was bent, with a key in software.
    pub fn order(&self, password: &str, email: &str) -> Result<Vec<u8>, Broken> {
        let key = CaKey::generate(KeyAlgorithm::P256)?;
        let address = GeneralName::Rfc822Name(x509_cert::der::asn1::Ia5String::new(email)?);
        let to_sign = RequestBuilder::new(self.name.parse()?, key.public_key().clone(), key.algorithm())
            .subject_alt_name(vec![address])
            .key_usage(KeyUsage(KeyUsages::DigitalSignature.into()))
            .key_identifier()
            .finalize()?;
        let request = to_sign.assemble(&key.sign(to_sign.bytes())?)?;
        let mut id = [0x50; 16];
        id[..4].copy_from_slice(&self.stage.next_number().to_be_bytes());
        let recipient = self.desk()?.encryption_certificate();
        let recipient = recipient.ok_or_else(|| Broken("the CA takes no revocation passwords".to_owned()))?;
        let revocation = obnova_enroll::Secret::from_bytes(REVOCATION_PASSWORD.as_bytes())?;
        let builder = FirstRequestBuilder::new(TransactionId::from_random(id), Nonce::from_random([7; 16]))
            .request(request)
            .revocation_password(SealedPassword::seal(&revocation, recipient)?);
        let secret = obnova_enroll::Secret::from_bytes(password.as_bytes())?;
        let to_sign = builder.finalize(&self.user, &ProofKey::derive(Digest::Sha256, &secret, &self.user))?;
        let signed = to_sign.sign_with(|to_sign| key.sign(&to_sign.bytes));
        signed.map_err(|error| crate::failure::internal(error).into())
    }
}

/// A connection to a module of the CA.
pub fn connection(stage: &Stage, module: &str) -> Result<EstConnection, Broken> {
    let https = Https::new(&stage.authority.url, tls_config(&stage.authority.anchors)?)?;
    Ok(EstConnection::new(https, stage.authority.anchors.clone())?.label(module))
}

/// Types what the newcomer knows.
struct Face<'a> {
    user: UserId,
    password: Option<OneTimePassword>,
    again: &'static str,
    asked: &'a mut Vec<Asked>,
}

impl Prompt for Face<'_> {
    fn pin(&mut self, request: &PinRequest) -> Result<Secret, PromptError> {
        self.asked.push(Asked::Pin(request.clone()));
        Ok(PINS[usize::from(request.password == PasswordKind::SignaturePin)].into())
    }

    fn confirm(&mut self, question: &Question<'_>) -> Result<bool, PromptError> {
        Ok(!matches!(question, Question::Risk(_) | Question::LastTry(_)))
    }

    fn credential(&mut self, request: &CredentialRequest) -> Result<Secret, PromptError> {
        self.asked.push(Asked::Credential(*request));
        if request.problem.is_some() {
            return Err(PromptError::Nobody(format!("for the {}", request.what)));
        }
        Ok(match request.what {
            Credential::UserId => self.user.as_str().into(),
            Credential::RevocationPassword => REVOCATION_PASSWORD.into(),
            Credential::RevocationPasswordAgain => self.again.into(),
            _ => match &self.password {
                Some(password) => password.to_text().as_str().into(),
                None => return Err(PromptError::Nobody(format!("for the {}", request.what))),
            },
        })
    }

    fn progress(&mut self, _progress: &Progress<'_>) {}
}

/// The authentication PIN, for one use.
pub fn pin() -> Pin {
    Pin::new(PINS[0].into())
}

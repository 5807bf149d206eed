//! Somebody who comes to the service with a one-time password, and everything that can be bent about it.

mod ending;
mod face;
mod joints;
mod order;
mod past;
mod story;

use std::time::{Duration, SystemTime};

use obnova_ca::{FirstDesk, Subject};
use obnova_card::{PasswordKind, Pin};
use obnova_client::{
    EstConnection, Https, Journal as _, MemoryJournal, RunError, Runner, Seams, SharedToken, Turn, tls_config,
};
use obnova_enroll::{OneTimePassword, cmc::UserId};
use obnova_reference_ca::house::HandedOver;
use obnova_renewal::{ByRole, CardView, Fact, ParsedCertificate, Plan, Protocol, Wishes};
use obnova_simulator::{Personalisation, SimulatorConnection};
use obnova_transport::{Count, Decorated};

use super::{Stage, held, rules::Broken};
use crate::authority::Authority;

pub use ending::{Ending, NO_REASON};
pub use face::{Asked, Types};
pub use joints::{Joints, regardless};
pub use order::{Bent, Order};
pub use story::{Story, keys};

/// What the holder has on the card: authentication PIN, signature PIN, PUK.
pub const PINS: [&str; 3] = ["482915", "730264", "91827364"];
/// The part of the service that the certificate is for.
pub const MODULE: &str = "invoices";
/// How far the holder's clock runs ahead of the CA's where he has waited.
const WAITED: Duration = Duration::from_secs(5);

/// Somebody whom the CA knows, with a card that has no key yet.
pub struct Newcomer<'s> {
    pub stage: &'s Stage,
    pub user: UserId,
    pub email: String,
    /// What the holder picks to end the certificate with; it stands in no other text, and is nobody else's.
    pub revocation: String,
    pub card: SimulatorConnection,
    pub token: SharedToken,
    pub count: Count,
    pub journal: MemoryJournal,
    pub asked: Vec<Asked>,
    /// What was done, as it was shown.
    pub steps: Vec<&'static str>,
    pub types: Types,
    /// Asks by plain EST.
    pub plain: bool,
    /// How far the holder's clock is behind.
    pub behind: Duration,
    name: String,
    number: u32,
    joints: Joints,
    authority: Authority,
    waited: Duration,
}

/// A holder who has what was asked for.
pub struct Certified<'s> {
    pub who: Newcomer<'s>,
    pub certificates: ByRole<ParsedCertificate>,
}

impl Certified<'_> {
    /// The certificate to log in with; where the service has none, the other.
    pub fn one(&self) -> Result<&ParsedCertificate, Broken> {
        one(&self.certificates)
    }
}

/// The certificate to log in with; where the service has none, the other.
pub fn one(certificates: &ByRole<ParsedCertificate>) -> Result<&ParsedCertificate, Broken> {
    certificates.iter().next().map(|(_, one)| one).ok_or_else(|| Broken("there is no certificate".to_owned()))
}

impl<'s> Newcomer<'s> {
    /// Known to the CA, and nothing issued.
    pub fn new(stage: &'s Stage, joints: Joints) -> Result<Self, Broken> {
        let number = stage.next_number();
        let this = Self::with(stage, joints, empty_card(number)?, number)?;
        this.desk()?.enter(&this.subject()?, SystemTime::now())?;
        Ok(this)
    }

    fn with(stage: &'s Stage, joints: Joints, card: SimulatorConnection, number: u32) -> Result<Self, Broken> {
        let count = Count::new();
        Ok(Self {
            stage,
            joints,
            number,
            user: UserId::new(&format!("portal-user-{number}"))?,
            name: format!("CN=Partner {number},C=CZ"),
            email: format!("partner-{number}@holder.example"),
            revocation: format!("korektní kůň baterie spona, a k tomu ještě deset slov do délky {number}"),
            token: held::token(stage, Decorated::new(card.clone(), count.clone())),
            card,
            count,
            journal: MemoryJournal::default(),
            asked: Vec::new(),
            steps: Vec::new(),
            types: Types::Right,
            plain: stage.service.policy.protocol == Protocol::Est,
            behind: Duration::ZERO,
            authority: stage.authority.clone(),
            waited: WAITED,
        })
    }

    /// The card once more, as it is, without the journal.
    pub fn elsewhere(&self) -> Result<Self, Broken> {
        Self::with(self.stage, self.joints, held::fork(&self.card), self.number)
    }

    /// The same person with another card, on which nothing is yet.
    pub fn with_another_card(&self) -> Result<Self, Broken> {
        Self::with(self.stage, self.joints, empty_card(self.stage.next_number())?, self.number)
    }

    pub fn desk(&self) -> Result<&'s FirstDesk, Broken> {
        self.stage.house().ca().first().ok_or_else(|| Broken("the CA has no desk for first certificates".to_owned()))
    }

    fn subject(&self) -> Result<Subject, Broken> {
        let (user, email) = (self.user.clone(), self.email.clone());
        Ok(Subject { user, module: MODULE.to_owned(), name: self.name.parse()?, email })
    }

    /// What time it is for the holder.
    pub fn now(&self) -> SystemTime {
        SystemTime::now() - self.behind
    }

    /// A one-time password, as it is handed over; the one before is dead.
    pub fn password(&self, now: SystemTime) -> Result<OneTimePassword, Broken> {
        let desk = self.desk()?;
        (self.joints.issue)(desk, desk.subject(&self.user, MODULE)?, now)
    }

    /// The same on paper, with the user id by mail.
    pub fn handed_over(&self, now: SystemTime) -> Result<HandedOver, Broken> {
        (self.joints.hand_over)(self.stage, self.desk()?.subject(&self.user, MODULE)?, now)
    }

    /// The mails that came to the holder.
    pub fn mails(&self) -> Result<Vec<String>, Broken> {
        (self.joints.mails)(self.stage, &self.email)
    }

    /// The link in the last of them that has one, to what was ordered.
    pub fn mailed_link(&self) -> Result<Option<String>, Broken> {
        let mails = self.mails()?;
        let path = mails.iter().rev().find_map(|mail| mail.find("/pickup/").map(|at| &mail[at..]));
        let path = path.and_then(|path| path.split_whitespace().next());
        Ok(path.map(|path| format!("{}{path}", self.stage.authority.url)))
    }

    /// That this link opens nothing any more.
    pub fn link_is_spent(&self, link: &str) -> Result<(), Broken> {
        match (self.joints.is_open)(self.stage, link)? {
            true => Err(Broken("the link that was used opens the certificates once more".to_owned())),
            false => Ok(()),
        }
    }

    pub fn view(&self) -> Result<CardView, Broken> {
        held::view(&self.token)
    }

    /// Logs in with a certificate that is on the card, and says whom the server saw.
    pub fn log_in(&self, certificate: &ParsedCertificate) -> Result<String, Broken> {
        (self.joints.login)(self, certificate)
    }

    /// Forgets how it came to the certificates; the card stays as it is.
    pub fn forget(&mut self) {
        self.journal = MemoryJournal::default();
        self.asked.clear();
        self.steps.clear();
    }

    /// Begins with this plan where the journal is empty, or goes on, and does something with the runner.
    pub fn with_runner<T>(
        &mut self,
        password: Option<&OneTimePassword>,
        plan: Option<Plan>,
        act: impl FnOnce(&mut Runner<'_>) -> Result<T, RunError>,
    ) -> Result<T, Broken> {
        let authority = Authority { plain: self.plain, module: Some(MODULE.to_owned()), ..self.authority.clone() };
        let (mut ca, mut login) = (authority.road()?, authority.login());
        let is_new = self.journal.records()?.is_empty();
        let first = |wishes: &Wishes| {
            let (card, now) = (self.view()?, self.now());
            (self.joints.plan)(wishes, &card, &self.stage.service.policy, now)
        };
        let plan = match (is_new, plan) {
            (true, None) => Some(first(&ca.wishes()?)?),
            (true, plan) => plan,
            (false, _) => None,
        };
        let (behind, waited) = (self.behind, self.waited);
        let face = face::Face {
            user: self.user.clone(),
            password: password.cloned(),
            revocation: &self.revocation,
            minimum: self.stage.service.told.holder.revocation_password.map_or(0, |rules| rules.minimum),
            types: self.types,
            asked: &mut self.asked,
            steps: &mut self.steps,
        };
        let mut prompt = (self.joints.prompt)(Box::new(face));
        let clock = || SystemTime::now() - behind + waited;
        let seams = Seams {
            token: Some(self.token.clone()),
            ca: &mut *ca,
            prompt: prompt.as_mut(),
            journal: &mut self.journal,
            login: Some(&mut login),
            clock: &clock,
        };
        Ok(act(&mut held::runner(seams, "partner", plan)?)?)
    }

    /// Asks for the first certificate, and goes on until there is nothing to do but to wait.
    pub fn run(&mut self, password: &OneTimePassword) -> Result<Turn, Broken> {
        self.with_runner(Some(password), None, |runner| runner.run())
    }

    /// From the one-time password to the certificate on the card.
    pub fn certified(stage: &'s Stage, joints: Joints) -> Result<Certified<'s>, Broken> {
        let mut who = Self::new(stage, joints)?;
        let password = who.password(SystemTime::now())?;
        let certificates = who.certify(&password)?;
        Ok(Certified { who, certificates })
    }

    /// The same for somebody who may have been there before.
    pub fn certify(&mut self, password: &OneTimePassword) -> Result<ByRole<ParsedCertificate>, Broken> {
        let certificates = self.certify_only(password)?;
        self.set_password()?;
        Ok(certificates)
    }

    /// The same, by whom no revocation password is set where none goes with the order.
    pub fn certify_only(&mut self, password: &OneTimePassword) -> Result<ByRole<ParsedCertificate>, Broken> {
        let turn = self.run(password)?;
        self.finished_by(turn, password)
    }

    /// Sets the revocation password, where the service's orders have no place for it.
    fn set_password(&self) -> Result<(), Broken> {
        let policy = &self.stage.service.policy;
        let rules = policy.revocation_password.filter(|_| policy.protocol == Protocol::Est);
        let Some(rules) = rules else { return Ok(()) };
        match (self.joints.set_password)(self, &self.revocation, None, rules)? {
            None => Ok(()),
            Some(name) => Err(Broken(format!("the revocation password is refused: {name}"))),
        }
    }

    /// What was ordered with a one-time password, where plain EST wants to know who asks each time.
    fn finished_by(&mut self, turn: Turn, password: &OneTimePassword) -> Result<ByRole<ParsedCertificate>, Broken> {
        if !self.plain || !matches!(turn, Turn::Waits(_)) {
            return self.finished(turn);
        }
        self.stage.approve_at(self.now())?;
        let turn = self.with_runner(Some(password), None, |runner| runner.run())?;
        self.finished(turn)
    }

    /// What was ordered, once the CA's operator has approved it where that is asked for.
    pub fn finished(&mut self, turn: Turn) -> Result<ByRole<ParsedCertificate>, Broken> {
        let turn = match turn {
            Turn::Waits(_) => {
                self.stage.approve_at(self.now())?;
                self.with_runner(None, None, |runner| runner.run())?
            }
            turn => turn,
        };
        match turn {
            Turn::Done(summary) => Ok(summary.certificates),
            turn => Err(Broken(format!("the order was not finished: {turn:?}"))),
        }
    }

    /// An order for this plan that the holder's client makes and does not send.
    pub fn sealed(&mut self, plan: Plan) -> Result<Order, Broken> {
        self.with_runner(None, Some(plan), |runner| {
            while runner.process().stage() != obnova_renewal::Stage::Send {
                runner.step()?;
            }
            Ok(())
        })?;
        let message = self.journal.0.iter().rev().find_map(|record| match &record.fact {
            Fact::Sealed(message) => Some(Order::Message(message.0.clone())),
            _ => None,
        });
        message.ok_or_else(|| Broken("there is no order".to_owned()))
    }
}

fn empty_card(number: u32) -> Result<SimulatorConnection, Broken> {
    let card = Personalisation::new(format!("OBN7{number:07}")).label(format!("Partner {number}"));
    let [authentication, signature, puk] = PINS.map(str::as_bytes);
    Ok(SimulatorConnection::new(card.active(authentication, signature, puk).finish()?))
}

/// A connection to a module of the CA.
fn connection(authority: &Authority, module: &str) -> Result<EstConnection, Broken> {
    let https = Https::new(&authority.url, tls_config(&authority.anchors)?)?;
    Ok(EstConnection::new(https, authority.anchors.clone())?.label(module))
}

/// The PIN of this kind, for one use.
pub fn pin(kind: PasswordKind) -> Pin {
    Pin::new(PINS[usize::from(kind == PasswordKind::SignaturePin)].into())
}

use std::{sync::Arc, sync::Mutex, time::SystemTime};

use obnova_algorithm::KeyAlgorithm;
use obnova_card::{NewPasswords, PasswordKind, PasswordPolicy, ProfileToken, Secret};
use obnova_client::{PinRequest, Progress, Prompt, PromptError, Question, SharedToken, look};
use obnova_profile::TransportPinModel;
use obnova_reference_ca::house::Holder;
use obnova_renewal::{CardView, Pair, ParsedCertificate};
use obnova_simulator::{Card, Personalisation, SimulatorConnection};
use obnova_transport::{Count, Decorated};

use super::{FirstPair, Stage, personalise_inactive, rules::Broken};
use crate::tokens;

/// What the holder got beside the card.
pub const TRANSPORT_PIN: &str = "135790";
/// What the holder chooses: authentication PIN, signature PIN, PUK.
pub const CHOSEN: [&str; 3] = ["482915", "730264", "91827364"];

/// A card as it is handed over: keys and certificates on it, and a transport PIN.
pub struct Arrived<'s> {
    stage: &'s Stage,
    pub card: SimulatorConnection,
    pub token: SharedToken,
    pub count: Count,
    pub certificates: Pair<ParsedCertificate>,
}

impl<'s> Arrived<'s> {
    /// Keys of P-256, and certificates that are good for a year.
    pub fn new(stage: &'s Stage) -> Result<Self, Broken> {
        let number = stage.next_number();
        let holder =
            Holder { name: format!("CN=Holder {number},C=CZ"), email: format!("holder-{number}@holder.example") };
        Self::of(stage, number, &holder)
    }

    /// For this holder.
    pub fn of(stage: &'s Stage, number: u32, holder: &Holder) -> Result<Self, Broken> {
        let card = Personalisation::new(format!("OBN8{number:07}")).label(format!("Holder {number}"));
        let mut card = card.inactive(TransportPinModel::Separate, TRANSPORT_PIN.as_bytes()).finish()?;
        let algorithms = Pair { authentication: KeyAlgorithm::P256, signature: KeyAlgorithm::P256 };
        let first = FirstPair { algorithms, days_left: 365 };
        let issued = personalise_inactive(&mut card, stage.house(), holder, &first, SystemTime::now())?;
        let certificates = Pair {
            authentication: ParsedCertificate::from_der(&issued.authentication.der)?,
            signature: ParsedCertificate::from_der(&issued.signature.der)?,
        };
        Ok(Self::with(stage, SimulatorConnection::new(card), certificates))
    }

    fn with(stage: &'s Stage, card: SimulatorConnection, certificates: Pair<ParsedCertificate>) -> Self {
        let count = Count::new();
        let token = Box::new(ProfileToken::new(Decorated::new(card.clone(), count.clone())));
        let token = Arc::new(Mutex::new((stage.through)(token)));
        Self { stage, card, token, count, certificates }
    }

    /// The same card once more: what happens to one does not happen to the other.
    pub fn fork(&self) -> Self {
        let card = SimulatorConnection::new(self.card.with_card(|card: &mut Card| card.fork()));
        Self::with(self.stage, card, self.certificates.clone())
    }

    pub fn view(&self) -> Result<CardView, Broken> {
        Ok(look(tokens::lock(&self.token).as_mut())?)
    }

    /// Activates it as its holder would.
    pub fn activate(&self) -> Result<Typist, Broken> {
        let mut typist = Typist::types([TRANSPORT_PIN]);
        obnova_client::activate(&self.token, &mut typist, &self.chosen()?)?;
        Ok(typist)
    }

    /// The holder's new passwords, as they are collected before the card is touched.
    pub fn chosen(&self) -> Result<Vec<(PasswordKind, Secret)>, Broken> {
        let mut new = NewPasswords::new(&tokens::lock(&self.token).passwords()?, PasswordPolicy::CAREFUL);
        for value in CHOSEN {
            new.take(Secret::from(value), &Secret::from(value))?;
        }
        new.finish().ok_or_else(|| Broken("a new password is missing".to_owned()))
    }
}

/// A holder who types these, one after the other, and remembers what was shown.
#[derive(Default)]
pub struct Typist {
    types: Vec<&'static str>,
    /// Says yes to the last try of a password.
    pub spends_last_try: bool,
    pub asked: Vec<PinRequest>,
    /// Last tries that were asked about.
    pub warned: Vec<PasswordKind>,
}

impl Typist {
    pub fn types(types: impl IntoIterator<Item = &'static str>) -> Self {
        Self { types: types.into_iter().collect(), ..Self::default() }
    }
}

impl Prompt for Typist {
    fn pin(&mut self, request: &PinRequest) -> Result<Secret, PromptError> {
        self.asked.push(request.clone());
        if self.types.is_empty() {
            return Err(PromptError::Nobody("nothing more is typed".to_owned()));
        }
        Ok(self.types.remove(0).into())
    }

    fn confirm(&mut self, question: &Question<'_>) -> Result<bool, PromptError> {
        if let Question::LastTry(password) = question {
            self.warned.push(*password);
        }
        Ok(self.spends_last_try)
    }

    fn progress(&mut self, _progress: &Progress<'_>) {}
}

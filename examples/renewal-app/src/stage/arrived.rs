use std::{
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use obnova_algorithm::KeyAlgorithm;
use obnova_apdu::ins;
use obnova_card::{KeyRole, PasswordKind, Pin, ProfileToken, Secret, Token as _, TokenError};
use obnova_client::{PinRequest, Progress, Prompt, PromptError, Question, SharedToken};
use obnova_profile::TransportPinModel;
use obnova_reference_ca::house::Holder;
use obnova_renewal::{ByRole, CardView, ParsedCertificate};
use obnova_simulator::{Personalisation, SimulatorConnection};
use obnova_transport::{CardTransport, Count, Decorated, Decorator, TransportError};

use super::{
    FirstPair, Stage, held, personalise_inactive,
    rules::{Broken, partner::Expects},
};
use crate::{new_password::new_passwords, tokens};

/// What the holder chooses: authentication PIN, signature PIN, PUK.
pub const CHOSEN: [&str; 3] = ["482915", "730264", "91827364"];

/// A card as it is handed over: keys and certificates on it, and a transport PIN.
pub struct Arrived<'s> {
    stage: &'s Stage,
    pub card: SimulatorConnection,
    pub token: SharedToken,
    pub count: Count,
    pub heard: Heard,
    pub certificates: ByRole<ParsedCertificate>,
    /// Of all that was issued together, also of what this service has no key for.
    pub serials: [Vec<u8>; 2],
}

/// Instructions that were sent to a card: the second byte of each command.
#[derive(Clone, Default)]
pub struct Heard(Arc<Mutex<Vec<u8>>>);

/// What changes nothing on any card.
const LOOKS: [u8; 6] =
    [ins::SELECT, ins::GET_DATA, ins::GET_DATA_TLV, ins::READ_BINARY, ins::READ_BINARY_TLV, ins::GET_RESPONSE];

impl Heard {
    /// How many came.
    pub fn all(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// How many came that could change something.
    pub fn changing(&self) -> usize {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.iter().filter(|instruction| !LOOKS.contains(*instruction)).count()
    }
}

impl Decorator for Heard {
    fn transmit(
        &mut self,
        card: &mut dyn CardTransport,
        command: &[u8],
        response: &mut Vec<u8>,
    ) -> Result<(), TransportError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(command.get(1));
        card.transmit(command, response)
    }
}

/// What goes to a card in the place of the holder's new authentication PIN.
struct InPlaceOfPin(String);

impl Decorator for InPlaceOfPin {
    fn transmit(
        &mut self,
        card: &mut dyn CardTransport,
        command: &[u8],
        response: &mut Vec<u8>,
    ) -> Result<(), TransportError> {
        let chosen = CHOSEN[0].as_bytes();
        let Some((header, data)) = command.split_first_chunk::<4>() else { return card.transmit(command, response) };
        let Some(at) = data.windows(chosen.len()).position(|part| part == chosen) else {
            return card.transmit(command, response);
        };
        // Behind the length of the data, in one byte.
        let data = [data.get(1..at).unwrap_or_default(), self.0.as_bytes(), &data[at + chosen.len()..]].concat();
        let length = u8::try_from(data.len()).unwrap_or(u8::MAX);
        card.transmit(&[&header[..], &[length], &data].concat(), response)
    }
}

impl<'s> Arrived<'s> {
    /// With keys and certificates as the service has them, and a transport PIN of its model.
    pub fn new(stage: &'s Stage) -> Result<Self, Broken> {
        let number = stage.next_number();
        let holder =
            Holder { name: format!("CN=Holder {number},C=CZ"), email: format!("holder-{number}@holder.example") };
        Self::of(stage, number, &holder)
    }

    /// For this holder.
    pub fn of(stage: &'s Stage, number: u32, holder: &Holder) -> Result<Self, Broken> {
        let card = Personalisation::new(format!("OBN8{number:07}")).label(format!("Holder {number}"));
        let transport_pin = stage.transport_pin();
        let mut card = card.inactive(stage.service.transport_pin, transport_pin.as_bytes()).finish()?;
        let algorithms = stage.service.expects.keys(KeyAlgorithm::P256);
        let days_left = u32::try_from(stage.service.expects.shortest_days())?;
        let first = FirstPair { algorithms, days_left };
        let wanted = Expects::of(&stage.service.told).days;
        let roles: Vec<_> = wanted.roles().collect();
        let issued = personalise_inactive(&mut card, stage.house(), holder, &first, &roles, SystemTime::now())?;
        let certificates = wanted.try_map(|role, _| {
            let one = if role == KeyRole::Authentication { &issued.authentication } else { &issued.signature };
            ParsedCertificate::from_der(&one.der)
        })?;
        let serials = [&issued.authentication, &issued.signature].map(|one| one.serial().to_vec());
        Ok(Self::with(stage, SimulatorConnection::new(card), certificates, serials))
    }

    fn with(
        stage: &'s Stage,
        card: SimulatorConnection,
        certificates: ByRole<ParsedCertificate>,
        serials: [Vec<u8>; 2],
    ) -> Self {
        let count = Count::new();
        let heard = Heard::default();
        let connection = Decorated::new(Decorated::new(card.clone(), heard.clone()), count.clone());
        let token = held::token(stage, connection);
        Self { stage, card, token, count, heard, certificates, serials }
    }

    /// The same card once more: what happens to one does not happen to the other.
    pub fn fork(&self) -> Self {
        Self::with(self.stage, held::fork(&self.card), self.certificates.clone(), self.serials.clone())
    }

    pub fn view(&self) -> Result<CardView, Broken> {
        held::view(&self.token)
    }

    /// The places of the keys that the service has.
    pub fn places(&self) -> impl Iterator<Item = usize> {
        self.certificates.roles().map(|role| usize::from(role == KeyRole::Signature))
    }

    /// Activates it as its holder would.
    pub fn activate(&self) -> Result<Typist, Broken> {
        self.activate_typing(&[self.stage.transport_pin()])
    }

    /// The same by who types these transport PINs.
    pub fn activate_typing(&self, types: &[&'static str]) -> Result<Typist, Broken> {
        let mut typist = self.stage.typist(types);
        obnova_client::activate(&self.token, &mut typist, &self.chosen()?)?;
        Ok(typist)
    }

    /// Activates it as a client would that looks at nothing before: by the driver's own commands, in which this stands for the new
    /// authentication PIN.
    pub fn activate_unchecked(&self, pin: &str) -> Result<(), TokenError> {
        let mut token = ProfileToken::new(Decorated::new(self.card.clone(), InPlaceOfPin(pin.to_owned())));
        let kinds = [PasswordKind::AuthenticationPin, PasswordKind::SignaturePin, PasswordKind::Puk];
        let new: Vec<_> = kinds.into_iter().zip(CHOSEN.map(Secret::from)).collect();
        token.activate(&Pin::with_last_try(self.stage.transport_pin().into()), &new)
    }

    /// The holder's new passwords, as they are collected before the card is touched.
    pub fn chosen(&self) -> Result<Vec<(PasswordKind, Secret)>, Broken> {
        let mut new = new_passwords(&tokens::lock(&self.token).passwords()?);
        for value in CHOSEN {
            new.take(Secret::from(value), &Secret::from(value))?;
        }
        new.finish().ok_or_else(|| Broken("a new password is missing".to_owned()))
    }
}

impl Stage {
    /// A holder who types these transport PINs, and says yes where the service's have one try.
    pub fn typist(&self, types: &[&'static str]) -> Typist {
        let spends_last_try = self.service.transport_pin == TransportPinModel::SingleUse;
        Typist { spends_last_try, ..Typist::types(types.iter().copied()) }
    }

    /// What the holder gets beside a card.
    pub const fn transport_pin(&self) -> &'static str {
        match self.service.transport_pin {
            TransportPinModel::FiveDigits => "13579",
            _ => "135790",
        }
    }
}

/// A holder who types these, one after the other, agrees to the certificates that came, and remembers what was shown.
#[derive(Default)]
pub struct Typist {
    types: Vec<&'static str>,
    /// Says yes to the last try of a password.
    pub spends_last_try: bool,
    pub asked: Vec<PinRequest>,
    /// Last tries that were asked about, and whether it was said that the one before was wrong.
    pub warned: Vec<(PasswordKind, bool)>,
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
        match question {
            Question::LastTry { password, was_wrong, .. } => self.warned.push((*password, *was_wrong)),
            Question::Certificates(_) => return Ok(true),
            _ => {}
        }
        Ok(self.spends_last_try)
    }

    fn progress(&mut self, _progress: &Progress<'_>) {}
}

use std::path::PathBuf;

use cryptoki::{
    context::Pkcs11,
    error::{Error, RvError},
    mechanism::MechanismType,
    slot::{Slot as ModuleSlot, TokenInfo},
    types::AuthPin,
};
use obnova_algorithm::{KeyAlgorithm, SubjectPublicKeyInfoOwned};

use super::{
    Pkcs11Observer, Pkcs11Options,
    calls::Calls,
    content::{self, Going},
    conversation::Conversation,
    failure::failed,
    generation,
    held::Held,
    module,
    numbers::{Numbers, lowest_free},
    objects::{self, Pair, private_key},
    pin::{PIN, activation, check_form, form, only_pin, status},
    rests, sign,
};
use crate::{
    Capabilities, GenerateKey, Identity, InstallCertificate, PasswordKind, PasswordState, PasswordStatus, Pin,
    Pkcs11Uri, Removal, Secret, SignDigest, Slot, SlotId, Token, TokenError, Tries,
    check::{check_install, check_job},
};

/// A token behind a PKCS#11 module. How it maps onto slots and roles is written in the [crate's README](crate).
///
/// It stays with the token that it met when it was opened: where another one is in its place, no PIN is sent to that one
/// ([`TokenError::OtherCard`]), until [`identity`](Token::identity) asks who is there now.
///
/// No other process gets that token from this driver for as long as this lives.
pub struct Pkcs11Token {
    module: Pkcs11,
    slot: ModuleSlot,
    place: String,
    /// Serial number of the token that was opened, or that was asked who it is.
    met: String,
    /// Keeps the token that was met from other programs.
    held: Held,
    numbers: Numbers,
    /// What was seen with the PIN of what an interruption left, by CKA_ID, and which slots it was told to be in.
    rests: Vec<(SlotId, Vec<u8>)>,
    calls: Calls,
}

/// Empty slots that are shown; there is no limit but memory.
const EMPTY_SLOTS: usize = 4;
/// PKCS#11 has no limit; this one keeps a plan from promising the absurd.
const LONGEST_CERTIFICATE: usize = 16_384;

impl Pkcs11Token {
    /// Loads the module and finds the token that the URI names; [`Pkcs11Options`] has more ways.
    ///
    /// # Errors
    /// [`TokenError::Module`]: the module cannot be loaded, no token or several fit. [`TokenError::InUse`]: another process
    /// has the token. [`TokenError::Lock`]: nobody knows.
    pub fn open(uri: &Pkcs11Uri) -> Result<Self, TokenError> {
        Pkcs11Options::new().open(uri)
    }

    /// The same, and tells an observer of each call of the module, those that find the token included: a count, a trace,
    /// several of them, or whatever a test wants to happen.
    ///
    /// # Errors
    /// As [`open`](Self::open), and [`TokenError::Transport`] where the observer refuses a call.
    pub fn open_observed(uri: &Pkcs11Uri, observer: impl Pkcs11Observer + 'static) -> Result<Self, TokenError> {
        Pkcs11Options::new().observer(observer).open(uri)
    }

    pub(super) fn open_with(uri: &Pkcs11Uri, calls: Calls, locks: PathBuf) -> Result<Self, TokenError> {
        let path = module::path(uri);
        let module = module::load(path, &calls)?;
        let (slot, token) = module::choose(&module, uri, &calls)?;
        let held = Held::take(&token, locks)?;
        let (place, met) = (path.display().to_string(), text(token.serial_number()));
        Ok(Self { module, slot, place, met, held, numbers: Numbers::default(), rests: Vec::new(), calls })
    }

    fn info(&self) -> Result<TokenInfo, TokenError> {
        self.calls.call("C_GetTokenInfo", "", || self.module.get_token_info(self.slot))
    }

    /// What the token that was met says of itself.
    fn info_of_the_met(&self) -> Result<TokenInfo, TokenError> {
        let info = self.info()?;
        let found = text(info.serial_number());
        if found == self.met { Ok(info) } else { Err(TokenError::OtherCard { wanted: self.met.clone(), found }) }
    }

    fn mechanisms(&self) -> Result<Vec<MechanismType>, TokenError> {
        self.calls.call("C_GetMechanismList", "", || self.module.get_mechanism_list(self.slot))
    }

    /// Whether keys of this size can be made. A module that does not tell makes none.
    fn makes(&self, generation: MechanismType, algorithm: KeyAlgorithm) -> Result<bool, TokenError> {
        let ask = || self.module.get_mechanism_info(self.slot, generation);
        match self.calls.call("C_GetMechanismInfo", &generation.to_string(), ask) {
            Ok(info) => Ok((info.min_key_size()..=info.max_key_size()).contains(&(algorithm.bits() as usize))),
            Err(error @ TokenError::Transport(_)) => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// A conversation that reads. Keep it while another writes: with its last session a module may forget its handles.
    fn conversation(&self) -> Result<Conversation, TokenError> {
        self.info_of_the_met()?;
        Conversation::reading(&self.module, self.slot, &self.calls)
    }

    /// A conversation that may write, opened by the PIN.
    fn log_in(&self, pin: &Pin) -> Result<Conversation, TokenError> {
        self.check_before_sending(pin)?;
        let mut card = Conversation::writing(&self.module, self.slot, &self.calls)?;
        card.log_in(&pin.secret, |error| self.password_error("C_Login", error))?;
        Ok(card)
    }

    /// What can be known before a secret is sent.
    fn check_before_sending(&self, pin: &Pin) -> Result<(), TokenError> {
        if pin.at_pad {
            return Err(TokenError::Unsupported { what: "have its PIN entered at a pad: enter it here".to_owned() });
        }
        let status = status(&self.info_of_the_met()?);
        match status.state {
            PasswordState::Active(tries) if !pin.may_be_sent(tries) => {
                Err(TokenError::TooFewTries { password: PIN, tries })
            }
            PasswordState::Active(_) | PasswordState::Disabled => check_form(&status, &pin.secret),
            PasswordState::Blocked => Err(TokenError::Blocked { password: PIN }),
            PasswordState::Transport | PasswordState::Empty => Err(TokenError::NotActive),
        }
    }

    fn password_error(&self, call: &'static str, error: Error) -> TokenError {
        match error {
            Error::Pkcs11(RvError::PinIncorrect, _) => match self.info().map(|info| status(&info).state) {
                Ok(PasswordState::Blocked) => TokenError::Blocked { password: PIN },
                Ok(PasswordState::Active(tries)) => TokenError::WrongSecret { password: PIN, tries },
                _ => TokenError::WrongSecret { password: PIN, tries: Tries::Unknown },
            },
            Error::Pkcs11(RvError::PinLocked, _) => TokenError::Blocked { password: PIN },
            Error::Pkcs11(RvError::PinExpired, _) => TokenError::NotActive,
            error => failed(call)(error),
        }
    }

    fn set_pin(&self, card: &Conversation, old: &Secret, new: &Secret) -> Result<(), TokenError> {
        let status = status(&self.info()?);
        let text = |secret: &Secret| match std::str::from_utf8(secret.expose()) {
            Ok(text) => Ok(AuthPin::from(text)),
            Err(_) => Err(form(&status)),
        };
        card.set_pin(&text(old)?, &text(new)?, |error| match error {
            Error::Pkcs11(RvError::PinLenRange | RvError::PinInvalid, _) => form(&status),
            error => self.password_error("C_SetPIN", error),
        })
    }

    /// Every pair with its number.
    fn numbered(&mut self, card: &Conversation) -> Result<Vec<(SlotId, Pair)>, TokenError> {
        Ok(self.numbers.assign(objects::pairs(card)?))
    }

    fn slots_of(&self, numbered: &[(SlotId, Pair)]) -> Result<Vec<Slot>, TokenError> {
        let mechanisms = self.mechanisms()?;
        Ok(numbered.iter().map(|(number, pair)| pair.slot(*number, &mechanisms)).collect())
    }
}

impl Token for Pkcs11Token {
    fn identity(&mut self) -> Result<Identity, TokenError> {
        let info = self.info()?;
        let serial = text(info.serial_number());
        if self.met != serial {
            self.held.take_instead(&info)?;
            // Numbers that were given to another token's keys.
            self.numbers = Numbers::default();
            self.rests = Vec::new();
        }
        self.met = serial;
        Ok(Identity {
            kind: format!("PKCS#11: {}", text(info.model())),
            label: text(info.label()),
            serial: self.met.clone(),
            place: self.place.clone(),
        })
    }

    fn capabilities(&mut self) -> Result<Capabilities, TokenError> {
        let mechanisms = self.mechanisms()?;
        let mut generate = Vec::new();
        for algorithm in KeyAlgorithm::ALL {
            let (generation, signature) = if algorithm.is_rsa() {
                (MechanismType::RSA_PKCS_KEY_PAIR_GEN, MechanismType::RSA_PKCS)
            } else {
                (MechanismType::ECC_KEY_PAIR_GEN, MechanismType::ECDSA)
            };
            if mechanisms.contains(&generation)
                && mechanisms.contains(&signature)
                && self.makes(generation, algorithm)?
            {
                generate.push(algorithm);
            }
        }
        Ok(Capabilities {
            generate,
            in_place_only: false,
            atomic_install: false,
            slots: None,
            max_certificate: LONGEST_CERTIFICATE,
            certificates_per_key: None,
            directory: None,
            marks_superseded: true,
            takes_puk: false,
            pin_pad: false,
            hides: true,
            activation: activation(&self.info()?),
        })
    }

    fn passwords(&mut self) -> Result<Vec<PasswordStatus>, TokenError> {
        Ok(vec![status(&self.info()?)])
    }

    fn slots(&mut self) -> Result<Vec<Slot>, TokenError> {
        let reading = self.conversation()?;
        let numbered = self.numbered(&reading)?;
        Ok(with_empty(self.slots_of(&numbered)?))
    }

    fn slots_with_pin(&mut self, pin: &Pin) -> Result<Vec<Slot>, TokenError> {
        let reading = self.conversation()?;
        let numbered = self.numbered(&reading)?;
        let mut slots = self.slots_of(&numbered)?;
        let rests = rests::find(&self.log_in(pin)?, &numbered)?;
        let taken: Vec<_> = slots.iter().map(|slot| slot.id).collect();
        let rests = rests::numbered(rests, &taken);
        self.rests = rests.into_iter().map(|(slot, rest)| (slot, rest.id)).collect();
        let left = |id| Slot { id, key: None, certificates: Vec::new(), left_over: true };
        slots.extend(self.rests.iter().map(|(id, _)| left(*id)));
        Ok(with_empty(slots))
    }

    fn generate(&mut self, request: &GenerateKey, pin: &Pin) -> Result<SubjectPublicKeyInfoOwned, TokenError> {
        let wrong = |problem| Err(TokenError::Slot { slot: request.slot, problem });
        if request.slot.0 == 0 {
            return wrong("slots are numbered from 1: take another number");
        }
        if !self.capabilities()?.generate.contains(&request.algorithm) {
            return Err(TokenError::Unsupported { what: format!("make {} keys", request.algorithm) });
        }
        let reading = self.conversation()?;
        let numbered = self.numbered(&reading)?;
        let there = numbered.iter().find(|(number, _)| *number == request.slot).map(|(_, pair)| pair);
        if there.is_some_and(|pair| !pair.is_left_over()) {
            return wrong("there is a key in it already: take an empty one, or remove the key first");
        }
        let card = self.log_in(pin)?;
        if let Some(left) = there
            && let Some(key) = generation::take_up(&card, request, left)?
        {
            return Ok(key);
        }
        generation::make(&card, request, &numbered)
    }

    fn sign(&mut self, jobs: &[SignDigest], pin: &Pin) -> Result<Vec<Vec<u8>>, TokenError> {
        let reading = self.conversation()?;
        let numbered = self.numbered(&reading)?;
        let slots = self.slots_of(&numbered)?;
        jobs.iter().try_for_each(|job| check_job(&slots, job))?;
        let card = self.log_in(pin)?;
        let mut signatures = Vec::with_capacity(jobs.len());
        for job in jobs {
            let missing = TokenError::Slot {
                slot: job.slot,
                problem: "its private key is not on the token: take a slot with a key",
            };
            let Some((_, pair)) = numbered.iter().find(|(number, _)| *number == job.slot) else { return Err(missing) };
            let private = private_key(&card, job.slot, pair)?.ok_or(missing)?;
            if objects::always_asks(&card, private)? {
                let what = format!("sign with the key in slot {}, which asks for the PIN at each signature", job.slot);
                return Err(TokenError::Unsupported { what });
            }
            let about = format!("in slot {}", job.slot);
            signatures.push(sign::sign(&card, &about, (pair, private), job.algorithm, &job.digest)?);
        }
        Ok(signatures)
    }

    fn install(&mut self, jobs: &[InstallCertificate], superseded: &[SlotId], pin: &Pin) -> Result<(), TokenError> {
        let reading = self.conversation()?;
        let numbered = self.numbered(&reading)?;
        check_install(&self.slots_of(&numbered)?, jobs, superseded, LONGEST_CERTIFICATE)?;
        content::install(&self.log_in(pin)?, &numbered, jobs, superseded)
    }

    fn remove(&mut self, what: &[Removal], pin: &Pin) -> Result<(), TokenError> {
        let reading = self.conversation()?;
        let numbered = self.numbered(&reading)?;
        let is_there = |slot| numbered.iter().any(|(number, _)| *number == slot);
        let rest = |removal: &Removal| match *removal {
            Removal::Slot(slot) if !is_there(slot) => self.rests.iter().find(|(number, _)| *number == slot),
            _ => None,
        };
        let ids: Vec<_> = what.iter().filter_map(rest).map(|(_, id)| id).collect();
        let what: Vec<_> = what.iter().filter(|removal| rest(removal).is_none()).copied().collect();
        let going = Going::find(&numbered, &what)?;
        let card = self.log_in(pin)?;
        // Looked at once more: what is somebody's key by now stays.
        let rests = if ids.is_empty() { Vec::new() } else { rests::find(&card, &numbered)? };
        going.remove(&card)?;
        let objects = rests.iter().filter(|rest| ids.contains(&&rest.id)).flat_map(|rest| &rest.objects);
        objects.into_iter().try_for_each(|object| card.destroy("the rest of a key", *object))
    }

    fn change_password(&mut self, kind: PasswordKind, old: &Pin, new: &Secret) -> Result<(), TokenError> {
        only_pin(kind, "change")?;
        check_form(&status(&self.info()?), new)?;
        let card = self.log_in(old)?;
        self.set_pin(&card, &old.secret, new)
    }

    fn unblock_password(&mut self, kind: PasswordKind, _puk: &Pin, _new: &Secret) -> Result<(), TokenError> {
        Err(TokenError::Unsupported { what: format!("unblock the {kind}: PKCS#11 has no PUK") })
    }

    fn compare_password(&mut self, kind: PasswordKind, value: &Pin) -> Result<(), TokenError> {
        only_pin(kind, "compare")?;
        self.log_in(value).map(drop)
    }

    fn activate(&mut self, transport: &Pin, new: &[(PasswordKind, Secret)]) -> Result<(), TokenError> {
        let status = status(&self.info_of_the_met()?);
        if status.state != PasswordState::Transport {
            return Err(TokenError::Unsupported { what: "be activated: its PIN is no transport PIN".to_owned() });
        }
        let [(kind, new)] = new else {
            return Err(TokenError::Unsupported { what: "take more or less than one new PIN".to_owned() });
        };
        only_pin(*kind, "set")?;
        check_form(&status, &transport.secret)?;
        check_form(&status, new)?;
        let card = Conversation::writing(&self.module, self.slot, &self.calls)?;
        self.set_pin(&card, &transport.secret, new)
    }
}

/// With some empty ones beside them, in order.
fn with_empty(mut slots: Vec<Slot>) -> Vec<Slot> {
    for _ in 0..EMPTY_SLOTS {
        let id = lowest_free(slots.iter().map(|slot| slot.id));
        slots.push(Slot { id, key: None, certificates: Vec::new(), left_over: false });
    }
    slots.sort_by_key(|slot| slot.id);
    slots
}

pub(super) fn text(padded: &str) -> String {
    padded.trim_end_matches(['\0', ' ']).to_owned()
}

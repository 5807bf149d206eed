mod binary;
mod data;
mod factory;
mod keys;
mod passwords;
mod select;
mod sign;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use obnova_apdu::{ClassRange, CommandError, CommandView, ResponseApdu, SecureMessaging, StatusWord, ins};
use obnova_profile::{CardStatus, CertificateFile, FileId, KeyRecord, Limits, PasswordRecord, PasswordReference};
use obnova_profile::{ProfileVersion, SlotNumber, SlotRecord, application, reference};
use obnova_transport::Counts;
use zeroize::Zeroizing;

use crate::fault::{Fault, FaultPlan};
use crate::key_pair::KeyPair;
use crate::session::{Chain, Session};
use crate::state::{State, StoredSlot};
use crate::store::{self, StateFileError, Store};

pub use factory::FactoryError;

/// A card of the profile in software, with real keys: command APDUs in, response APDUs out.
///
/// It is made by [`Personalisation`](crate::Personalisation), or [opened](Self::open) from its state file. Every change is in
/// the file before the answer is given.
///
/// `Debug` shows which card it is, and nothing of its passwords and keys.
pub struct Card {
    state: State,
    /// What the store has.
    committed: State,
    store: Store,
    keys: Vec<Option<Arc<KeyPair>>>,
    session: Session,
    faults: FaultPlan,
    counts: Counts,
    /// Writes of the command that is being worked on.
    writes: u32,
    /// Power fails after the first of them.
    tear_inside: bool,
    torn: bool,
}

impl fmt::Debug for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Card").field("serial", &self.state.serial).field("store", &self.store).finish_non_exhaustive()
    }
}

/// The card lost power: nothing is answered until it is [reset](Card::reset).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the card lost power before it answered")]
pub struct Torn;

/// Why a command is not carried out.
#[derive(Debug)]
pub(crate) enum Refusal {
    Status(StatusWord),
    Torn,
}

impl From<StatusWord> for Refusal {
    fn from(status: StatusWord) -> Self {
        Self::Status(status)
    }
}

type Outcome = Result<ResponseApdu, Refusal>;

/// A whole command, chain put together.
pub(crate) struct Request<'a> {
    ins: u8,
    p1: u8,
    p2: u8,
    data: &'a [u8],
    /// Largest number of response bytes that the caller takes at once.
    ne: usize,
    /// What the command right before it compared for a new value.
    compared: Option<PasswordReference>,
}

impl Card {
    /// Opens a card from its state file. A card is open once at a time; the lock goes with it.
    ///
    /// # Errors
    /// [`StateFileError`]: the file cannot be read, is in use, or holds no card.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StateFileError> {
        let path = path.as_ref();
        let (store, state) = store::open(path)?;
        let malformed =
            || StateFileError::Malformed { path: path.to_owned(), detail: "its parts do not fit".to_owned() };
        let keys = state.load_keys().ok_or_else(malformed)?;
        let keys = keys.into_iter().map(|key| key.map(Arc::new)).collect();
        Ok(Self::assemble(state, store, keys))
    }

    pub(crate) fn new(state: State, store: Store) -> Self {
        let keys = state.slots.iter().map(|_| None).collect();
        Self::assemble(state, store, keys)
    }

    fn assemble(state: State, store: Store, keys: Vec<Option<Arc<KeyPair>>>) -> Self {
        Self {
            committed: state.clone(),
            state,
            store,
            keys,
            session: Session::default(),
            faults: FaultPlan::new(),
            counts: Counts::default(),
            writes: 0,
            tear_inside: false,
            torn: false,
        }
    }

    /// The same card once more, in the same conversation, in memory only and without faults planned. What happens to one
    /// does not happen to the other: a test looks ahead, or starts many times from one card, without making its keys again.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self {
            state: self.state.clone(),
            committed: self.committed.clone(),
            store: Store::Memory,
            keys: self.keys.clone(),
            session: self.session.clone(),
            faults: FaultPlan::new(),
            counts: self.counts,
            writes: self.writes,
            tear_inside: false,
            torn: self.torn,
        }
    }

    /// Writes of one command: a try is counted down, then comes all else at once. So before, inside and after are all the moments
    /// at which a tear makes a difference.
    const MOST_WRITES: u32 = 2;

    /// Takes one command APDU and gives the response APDU. Bytes that are no command are answered by a status word, too.
    ///
    /// # Errors
    /// [`Torn`]: a [fault](Fault) took the power; so it stays until the next [reset](Self::reset).
    pub fn process(&mut self, command: &[u8]) -> Result<Vec<u8>, Torn> {
        if self.torn {
            return Err(Torn);
        }
        self.counts.apdus += 1;
        self.counts.bytes_out += command.len() as u64;
        let fault = self.faults.next();
        match &fault {
            Some(Fault::TearBefore) => return self.tear(),
            Some(Fault::Slow(delay)) => std::thread::sleep(*delay),
            _ => {}
        }
        self.tear_inside = fault == Some(Fault::TearInside);
        self.writes = 0;
        let response = match &fault {
            Some(Fault::Status(status)) => ResponseApdu::from(*status),
            _ => match self.execute(command) {
                Ok(response) => response,
                Err(Refusal::Status(status)) => status.into(),
                Err(Refusal::Torn) => return self.tear(),
            },
        };
        debug_assert!(self.writes <= Self::MOST_WRITES, "a command wrote {} times", self.writes);
        let mut response = response.encode();
        match fault {
            Some(Fault::TearInside | Fault::TearAfter) => return self.tear(),
            Some(Fault::Answer(answer)) => response = answer,
            Some(Fault::Truncate(length)) => response.truncate(length),
            _ => {}
        }
        self.counts.bytes_in += response.len() as u64;
        Ok(response)
    }

    /// Resets the card, or gives it power again: what was selected, verified and prepared is forgotten.
    pub fn reset(&mut self) {
        self.session = Session::default();
        self.torn = false;
    }

    /// Answer to reset.
    #[must_use]
    pub fn atr(&self) -> Vec<u8> {
        application::ATR.to_vec()
    }

    /// What the card tells about itself, as if it had been asked.
    #[must_use]
    pub fn status(&self) -> CardStatus {
        CardStatus {
            version: ProfileVersion::CURRENT,
            life_cycle: self.state.life_cycle(),
            serial: self.state.serial.clone(),
            label: self.state.label.clone(),
            limits: Limits { certificate: self.state.largest_certificate, ..Limits::EXTENDED },
            transport_pin: self.state.model(),
            transport_pin_length: self.state.transport_pin_length().filter(|_| self.state.model().stands_in_place()),
            algorithms: reference::KEY_ALGORITHMS.to_vec(),
            passwords: PasswordReference::ALL
                .into_iter()
                .filter_map(|reference| self.password_record(reference))
                .collect(),
            slots: self.state.slot_numbers().map(|slot| self.slot_record(slot)).collect(),
        }
    }

    /// Plans faults, in place of those planned before; the next command is number 1.
    pub fn set_faults(&mut self, plan: FaultPlan) {
        self.faults = plan;
    }

    /// The plan, with what has not happened yet.
    #[must_use]
    pub fn faults(&self) -> &FaultPlan {
        &self.faults
    }

    /// Commands taken since the card was made or opened, `bytes_out` of them to the card, `bytes_in` of answers.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    fn password_record(&self, reference: PasswordReference) -> Option<PasswordRecord> {
        let password = self.state.password(reference)?;
        if reference == PasswordReference::TransportPin && !self.state.model().is_own_password() {
            return None;
        }
        let (minimum, maximum) = self.state.lengths(reference);
        Some(PasswordRecord { reference, state: password.state(), tries: password.tries(), minimum, maximum })
    }

    fn slot_record(&self, slot: SlotNumber) -> SlotRecord {
        let stored = self.state.slot(slot);
        let key = stored.and_then(|stored| stored.key.as_ref());
        let key = key.and_then(|key| Some(KeyRecord { algorithm: key.algorithm()?, role: key.role() }));
        let certificates = stored.into_iter().flat_map(StoredSlot::certificates).filter_map(|(place, certificate)| {
            Some(CertificateFile { file: FileId::certificate_at(slot, place)?, length: certificate.len() as u16 })
        });
        SlotRecord { slot, key, certificates: certificates.collect() }
    }

    fn tear(&mut self) -> Result<Vec<u8>, Torn> {
        self.session = Session::default();
        self.state = self.committed.clone();
        self.tear_inside = false;
        self.torn = true;
        Err(Torn)
    }

    fn execute(&mut self, bytes: &[u8]) -> Outcome {
        // Right behind means that: whatever comes between takes it back.
        let compared = self.session.compared.take();
        let view = CommandView::parse(bytes).map_err(|error| match error {
            CommandError::InvalidClass => StatusWord::CLASS_NOT_SUPPORTED,
            _ => StatusWord::WRONG_LENGTH,
        })?;
        check_class(&view)?;
        let ne = view.ne() as usize;
        if view.ins() == ins::GET_RESPONSE {
            let pending = std::mem::take(&mut self.session.pending);
            if pending.is_empty() {
                return Err(StatusWord::CONDITIONS_NOT_SATISFIED.into());
            }
            return Ok(self.portion(pending, ne));
        }
        self.session.pending.clear();

        let header = [view.ins(), view.p1(), view.p2()];
        let chain = self.session.chain.take().filter(|chain| chain.header == header);
        let mut data = chain.map_or_else(Zeroizing::default, |chain| chain.data);
        if data.len() + view.data().len() > Limits::COMMAND_IN_CHAIN {
            return Err(StatusWord::WRONG_LENGTH.into());
        }
        data.extend_from_slice(view.data());
        if view.class().is_chained() {
            self.session.chain = Some(Chain { header, data });
            return Ok(StatusWord::SUCCESS.into());
        }

        let [ins, p1, p2] = header;
        let response = self.dispatch(&Request { ins, p1, p2, data: &data, ne, compared })?;
        if response.data.len() > ne {
            return Ok(self.portion(response.data, ne));
        }
        Ok(response)
    }

    /// As much of an answer as the caller takes; GET RESPONSE fetches the rest.
    fn portion(&mut self, mut data: Vec<u8>, ne: usize) -> ResponseApdu {
        if data.len() <= ne {
            return ResponseApdu::new(data, StatusWord::SUCCESS);
        }
        self.session.pending = data.split_off(ne);
        ResponseApdu::new(data, StatusWord::more_data(self.session.pending.len()))
    }

    fn dispatch(&mut self, request: &Request<'_>) -> Outcome {
        match request.ins {
            ins::SELECT => self.select(request),
            ins::READ_BINARY => self.read_binary(request),
            ins::READ_BINARY_TLV => self.read_binary_far(request),
            ins::UPDATE_BINARY => self.update_binary(request),
            ins::PUT_DATA_TLV => self.put_certificate(request),
            ins::DELETE_FILE => self.delete_file(request),
            ins::GET_DATA => self.get_data(request),
            ins::GET_CHALLENGE => self.get_challenge(request),
            ins::VERIFY => self.verify(request),
            ins::CHANGE_REFERENCE_DATA => self.change_password(request),
            ins::RESET_RETRY_COUNTER => self.unblock_password(request),
            ins::ACTIVATE_FILE => self.activate(request),
            ins::GENERATE_ASYMMETRIC_KEY_PAIR_TLV => self.key_pair(request),
            ins::MANAGE_SECURITY_ENVIRONMENT => self.set_environment(request),
            ins::PERFORM_SECURITY_OPERATION => self.sign(request),
            _ => Err(StatusWord::INSTRUCTION_NOT_SUPPORTED.into()),
        }
    }

    /// Writes what has changed to the store, as a whole; when that fails nothing has changed.
    fn commit(&mut self) -> Result<(), Refusal> {
        if self.tear_inside && self.writes > 0 {
            return Err(Refusal::Torn);
        }
        self.writes += 1;
        if self.store.save(&self.state).is_err() {
            self.state = self.committed.clone();
            return Err(StatusWord::MEMORY_FAILURE.into());
        }
        self.committed = self.state.clone();
        Ok(())
    }

    /// Checks that the card is active and that the password for its content was verified.
    fn content_access(&self) -> Result<(), Refusal> {
        if !self.state.is_active() {
            return Err(StatusWord::CONDITIONS_NOT_SATISFIED.into());
        }
        if !self.session.is_verified(PasswordReference::CONTENT) {
            return Err(StatusWord::SECURITY_STATUS_NOT_SATISFIED.into());
        }
        Ok(())
    }
}

fn check_class(view: &CommandView<'_>) -> Result<(), Refusal> {
    let class = view.class();
    let status = match class.range() {
        ClassRange::FirstInterindustry if class.secure_messaging() != Some(SecureMessaging::None) => {
            StatusWord::SECURE_MESSAGING_NOT_SUPPORTED
        }
        ClassRange::FirstInterindustry if class.channel() == Some(0) => return Ok(()),
        ClassRange::FirstInterindustry | ClassRange::FurtherInterindustry => StatusWord::LOGICAL_CHANNEL_NOT_SUPPORTED,
        _ => StatusWord::CLASS_NOT_SUPPORTED,
    };
    Err(status.into())
}

impl Request<'_> {
    /// Checks that P1-P2 are these.
    fn expect(&self, p1: u8, p2: u8) -> Result<(), Refusal> {
        if (self.p1, self.p2) == (p1, p2) { Ok(()) } else { Err(StatusWord::INCORRECT_P1_P2.into()) }
    }
}

fn done() -> Outcome {
    Ok(StatusWord::SUCCESS.into())
}

fn answer(data: Vec<u8>) -> Outcome {
    Ok(ResponseApdu::new(data, StatusWord::SUCCESS))
}

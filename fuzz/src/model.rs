//! What a card of the profile must do, said once more and shorter: the model that `simulator` holds the card against.
//!
//! It knows what the commands amounted to from its own reading of PROFILE.md. What passwords do it foretells to the status word;
//! of other commands it asks that they were allowed when they succeeded, that they left no trace when they did not, and that what
//! is read is what was written.

mod content;
mod passwords;
mod signing;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use obnova_algorithm::SubjectPublicKeyInfoOwned;
use obnova_apdu::tlv::Tlv;
use obnova_apdu::{CommandView, Response, StatusWord, ins};
use obnova_profile::{CardStatus, LifeCycle, TransportPinModel};
use obnova_simulator::Card;

use crate::cards::{Kind, PLANTED, public_key_file};
use passwords::Password;
use signing::Environment;

/// A card as it must be.
#[derive(Clone)]
pub struct Model {
    active: bool,
    /// How it comes to life; of no account when it is active from the start.
    life: TransportPinModel,
    /// A password has no try left that it takes to come to life.
    finished: bool,
    passwords: Vec<Password>,
    verified: [bool; 4],
    /// Which password the last command compared for a new value.
    compared: Option<usize>,
    /// Which password the last command spent a try of.
    attempted: Option<usize>,
    /// In which slot the last command made a key.
    made: Option<u8>,
    keys: BTreeMap<u8, Key>,
    certificates: BTreeMap<u8, Vec<u8>>,
    directory: Vec<u8>,
    /// Files that never change.
    constant: BTreeMap<u16, Vec<u8>>,
    slots: u8,
    largest_certificate: u16,
    environment: Option<Environment>,
    file: Option<u16>,
    chain: Option<([u8; 3], Vec<u8>)>,
    pending: Vec<u8>,
    private_keys: &'static [Vec<u8>],
    /// Somebody wrote a secret where everybody may read: libFuzzer finds even private keys, in the comparisons of this model.
    told: bool,
}

/// A key pair in a slot.
#[derive(Clone, PartialEq)]
struct Key {
    algorithm: u8,
    signs: bool,
    public: SubjectPublicKeyInfoOwned,
}

/// A whole command, its chain put together.
struct Command {
    ins: u8,
    p1: u8,
    p2: u8,
    data: Vec<u8>,
    ne: usize,
    /// Which password the command right before it compared for a new value.
    compared: Option<usize>,
}

impl Model {
    /// Of a card that begins like that.
    pub fn of(kind: Kind) -> Self {
        static MODELS: [OnceLock<Model>; Kind::ALL.len()] = [const { OnceLock::new() }; Kind::ALL.len()];
        MODELS[kind as usize].get_or_init(|| Self::new(kind, kind.card())).clone()
    }

    fn new(kind: Kind, mut look: Card) -> Self {
        let status = look.status();
        let constant = [0x2F00, 0x5031, 0x5032, 0x4401];
        Self {
            active: kind.transport_model().is_none(),
            life: kind.transport_model().unwrap_or(TransportPinModel::Separate),
            finished: false,
            passwords: passwords::of(kind),
            verified: [false; 4],
            compared: None,
            attempted: None,
            made: None,
            keys: content::keys(&mut look, &status),
            certificates: (1..=status.slots.len() as u8)
                .filter_map(|slot| Some((slot, read(&mut look, 0x4300 | u16::from(slot))?)))
                .collect(),
            directory: read(&mut look, 0x4402).expect("every card has a directory"),
            constant: constant.map(|file| (file, read(&mut look, file).expect("every card has it"))).into(),
            slots: status.slots.len() as u8,
            largest_certificate: kind.largest_certificate(),
            environment: None,
            file: None,
            chain: None,
            pending: Vec::new(),
            private_keys: kind.private_keys(),
            told: false,
        }
    }

    /// The value of a password, empty when it has none.
    pub fn value(&self, password: u8) -> &[u8] {
        let index = usize::from(password).wrapping_sub(1);
        self.passwords.get(index).and_then(|password| password.value.as_deref()).unwrap_or_default()
    }

    /// What is right as the old value of a change. Where the transport PIN works once that is it, for want of another.
    pub fn old_value(&self, password: u8) -> &[u8] {
        let redeems = !self.active && self.life == TransportPinModel::SingleUse && self.value(password).is_empty();
        self.value(if redeems { 4 } else { password })
    }

    /// Takes what was sent and answered. `whole` is the answer together with what GET RESPONSE would fetch.
    pub fn judge(&mut self, apdu: &[u8], answer: &[u8], whole: &[u8]) {
        let sent = Response::parse(answer).expect("a card answers with a status word");
        let whole = Response::parse(whole).expect("a card answers with a status word");
        (self.attempted, self.made) = (None, None);
        let Some(command) = self.take(apdu, &sent) else { return };
        if whole.data.len() > command.ne {
            let (now, later) = whole.data.split_at(command.ne);
            assert_eq!((sent.data, sent.status), (now, StatusWord::more_data(later.len())));
        } else {
            assert_eq!((sent.data, sent.status), (whole.data, whole.status));
        }
        let with_data = matches!(whole.status.0, 0x9000 | 0x6282);
        assert!(whole.data.is_empty() || with_data, "an answer with data and status {}", whole.status);
        self.keeps_secrets(&command, whole.data);
        self.act(&command, whole.data, whole.status);
        self.pending = whole.data.get(command.ne..).unwrap_or_default().to_vec();
    }

    /// The card lost power after the first write of a command that would have been answered like this.
    pub fn judge_half(&mut self, apdu: &[u8], answer: &[u8], whole: &[u8]) {
        let before = self.clone();
        self.judge(apdu, answer, whole);
        if let Some(password) = self.attempted {
            // The try is counted down before the value is compared; everything else comes after.
            *self = before;
            self.passwords[password].left -= 1;
        }
    }

    /// The card lost power before it acted on anything.
    pub fn judge_nothing(&mut self) {
        (self.attempted, self.made) = (None, None);
    }

    /// The card was reset.
    pub fn reset(&mut self) {
        self.verified = [false; 4];
        self.compared = None;
        self.environment = None;
        self.file = None;
        self.chain = None;
        self.pending.clear();
    }

    /// Compares with what the card says about itself.
    pub fn is_like(&self, status: &CardStatus) {
        assert_eq!(status.life_cycle == LifeCycle::Active, self.active);
        assert!(!(self.finished && self.active), "a card that was finished came to life");
        assert_eq!(status.limits.certificate, self.largest_certificate);
        let told: Vec<_> = status.passwords.iter().map(|password| password.state).collect();
        let expected: Vec<_> = self.passwords.iter().map(Password::state).collect();
        assert_eq!(told, expected, "the states of the passwords");
        for record in &status.slots {
            let slot = record.slot.get();
            let key = record.key.map(|key| (obnova_profile::reference::key(key.algorithm), key.role.code() == 2));
            assert_eq!(key, self.keys.get(&slot).map(|key| (Some(key.algorithm), key.signs)), "the key in slot {slot}");
            let lengths: Vec<_> =
                record.certificates.iter().map(|certificate| usize::from(certificate.length)).collect();
            let of_slot = self.certificates.iter().filter(|(file, _)| **file & 0x0F == slot);
            let expected: Vec<_> = of_slot.map(|(_, certificate)| certificate.len()).collect();
            assert_eq!(lengths, expected, "the certificate in slot {slot}");
        }
    }

    /// Compares with what is verified in this conversation. In a long chain it is asked at its beginning, and after its end.
    pub fn is_open_like(&self, card: &mut Card) {
        if self.chain.as_ref().is_some_and(|(_, data)| data.len() > 512) {
            return;
        }
        // The question changes nothing but what GET RESPONSE would fetch, a chain that is not at its end, and what was compared right before.
        let disturbs = self.chain.is_some() || !self.pending.is_empty() || self.compared.is_some();
        let mut fork = disturbs.then(|| card.fork());
        if let Some(fork) = &mut fork {
            // Any other command ends both; the question itself might be taken for the end of the chain.
            fork.process(&[0x00, 0x84, 0x00, 0x00, 0x01]).expect("it has power");
        }
        let look = fork.as_mut().unwrap_or(card);
        for (index, _) in self.passwords.iter().enumerate() {
            let answer = look.process(&[0x00, 0x20, 0x00, index as u8 + 1]).expect("it has power");
            assert_eq!(answer == [0x90, 0x00], self.verified[index], "whether password {} is verified", index + 1);
        }
    }

    /// Compares with everything that can be read; the card is reset for it.
    pub fn reads_like(&self, look: &mut Card) {
        look.reset();
        for (file, content) in &self.constant {
            assert_eq!(read(look, *file).as_ref(), Some(content), "file {file:04X}");
        }
        assert_eq!(read(look, 0x4402).as_ref(), Some(&self.directory), "the directory");
        for slot in 1..=self.slots {
            let file = |series: u16| series | u16::from(slot);
            let certificate = read(look, file(0x4300));
            assert_eq!(certificate.as_ref(), self.certificates.get(&slot), "the certificate in slot {slot}");
            if let Some((_, far)) = certificate.as_ref().and_then(|content| content.split_at_checked(0x8000)) {
                assert_eq!(read_far(look), far, "the end of the certificate in slot {slot}");
            }
            let public = self.keys.get(&slot).map(|key| public_key_file(&key.public));
            assert_eq!(read(look, file(0x4D00)), public, "the public key in slot {slot}");
        }
        self.hides_its_keys(look);
        for (slot, key) in content::keys(look, &look.status()) {
            assert_eq!(Some(key.public), self.keys.get(&slot).map(|key| key.public.clone()), "the key in slot {slot}");
        }
    }

    /// Whatever is verified, nobody reads a key.
    pub fn hides_its_keys(&self, look: &mut Card) {
        // Any other command ends a chain.
        look.process(&[0x00, 0x84, 0x00, 0x00, 0x01]).expect("it has power");
        for slot in 1..=self.slots {
            assert_eq!(read(look, 0x4B00 | u16::from(slot)), None, "the key in slot {slot} was read");
        }
    }

    /// After a tear the keys are those that were there. Only the one that the torn command made is another than would have
    /// been told: nobody has seen it, and it is learnt here.
    pub fn knows_keys(&mut self, look: &mut Card) {
        let told = content::keys(look, &look.status());
        if let Some((slot, key)) = self.made.take().and_then(|slot| Some((slot, told.get(&slot)?))) {
            let others = self.keys.iter().filter(|(other, _)| **other != slot);
            assert!(others.map(|(_, other)| &other.public).all(|other| *other != key.public), "a key was made twice");
            if let Some(made) = self.keys.get_mut(&slot) {
                made.public = key.public.clone();
            }
        }
        assert!(told == self.keys, "a torn command changed a key, or lost one");
    }

    /// Whether this makes an RSA key, for which there is no time.
    pub fn is_slow(&self, apdu: &[u8]) -> bool {
        let Ok(view) = CommandView::parse(apdu) else { return false };
        let makes = view.ins() == ins::GENERATE_ASYMMETRIC_KEY_PAIR_TLV && view.p1() == 0x80;
        if !makes || view.class().is_chained() {
            return false;
        }
        let mut data = self.chain.as_ref().map(|(_, data)| data.clone()).unwrap_or_default();
        data.extend_from_slice(view.data());
        data.windows(3).any(|window| matches!(window, [0x80, 1, 1 | 2]))
    }

    /// The command that is whole with this APDU, if one is.
    fn take(&mut self, apdu: &[u8], answer: &Response<'_>) -> Option<Command> {
        let compared = self.compared.take();
        let view = match CommandView::parse(apdu) {
            Ok(view) if view.cla() & !0x10 == 0 => view,
            _ => {
                refused(answer.data, answer.status);
                return None;
            }
        };
        let ne = view.ne() as usize;
        assert!(answer.data.len() <= ne, "more came than was asked for");
        if view.ins() == ins::GET_RESPONSE {
            let pending = std::mem::take(&mut self.pending);
            if pending.is_empty() {
                refused(answer.data, answer.status);
            } else if pending.len() > ne {
                let (now, later) = pending.split_at(ne);
                assert_eq!((answer.data, answer.status), (now, StatusWord::more_data(later.len())));
                self.pending = later.to_vec();
            } else {
                assert_eq!((answer.data, answer.status), (&pending[..], StatusWord::SUCCESS));
            }
            return None;
        }
        self.pending.clear();
        let header = [view.ins(), view.p1(), view.p2()];
        let chain = self.chain.take().filter(|(other, _)| *other == header);
        let mut data = chain.map(|(_, data)| data).unwrap_or_default();
        data.extend_from_slice(view.data());
        if data.len() > 0xFFFF + 4 {
            refused(answer.data, answer.status);
            return None;
        }
        if view.class().is_chained() {
            assert_eq!((answer.data, answer.status), (&[][..], StatusWord::SUCCESS));
            self.chain = Some((header, data));
            return None;
        }
        let [ins, p1, p2] = header;
        Some(Command { ins, p1, p2, data, ne, compared })
    }

    fn act(&mut self, command: &Command, data: &[u8], status: StatusWord) {
        match command.ins {
            ins::VERIFY | ins::CHANGE_REFERENCE_DATA | ins::RESET_RETRY_COUNTER | ins::ACTIVATE_FILE => {
                assert!(data.is_empty());
                self.password_command(command, status);
            }
            ins::SELECT => self.select(command, data, status),
            ins::READ_BINARY => self.read(command, data, status),
            ins::READ_BINARY_TLV => self.read_far(command, data, status),
            ins::UPDATE_BINARY => self.update(command, data, status),
            ins::PUT_DATA_TLV => self.put(command, data, status),
            ins::DELETE_FILE => self.delete(command, data, status),
            ins::GENERATE_ASYMMETRIC_KEY_PAIR_TLV => self.key_pair(command, data, status),
            ins::MANAGE_SECURITY_ENVIRONMENT => self.prepare(command, data, status),
            ins::PERFORM_SECURITY_OPERATION => self.sign(command, data, status),
            ins::GET_CHALLENGE if status.is_success() => assert_eq!(data.len(), command.ne.min(256)),
            ins::GET_DATA => self.get_data(command, data, status),
            _ => refused(data, status),
        }
    }

    /// Whether content may be changed.
    fn may_write(&self) -> bool {
        self.active && self.verified[0]
    }

    fn keeps_secrets(&self, command: &Command, answer: &[u8]) {
        // A secret that somebody wrote into a file may be read there.
        let reads = matches!(command.ins, ins::READ_BINARY | ins::READ_BINARY_TLV);
        let readable = self.told && reads;
        assert!(readable || !self.tells(answer), "a secret is in the answer to {:02X}", command.ins);
        // How the private key of any P-256 pair begins (RFC 5915). A file that holds such bytes is compared byte for byte instead.
        assert!(reads || !contains(answer, &[0x02, 0x01, 0x01, 0x04, 0x20]));
    }

    /// Whether a secret stands in these bytes: a planted one, or a private key.
    fn tells(&self, bytes: &[u8]) -> bool {
        let private = self.private_keys.iter().map(Vec::as_slice);
        PLANTED.into_iter().chain(private).any(|secret| contains(bytes, secret))
    }
}

/// Whether GET RESPONSE fetches more.
pub fn is_part(answer: &[u8]) -> bool {
    matches!(answer, [.., 0x61, _])
}

/// Bytes within others. Comparing first bytes first is quick, and tells libFuzzer less of what is looked for.
pub fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.contains(&part[0]) && bytes.windows(part.len()).any(|window| window[0] == part[0] && window == part)
}

/// Checks that the answer is a refusal that tells nothing about a password.
fn refused(data: &[u8], status: StatusWord) {
    assert!(is_refusal(data, status), "refused by {status} with {} bytes", data.len());
}

fn is_refusal(data: &[u8], status: StatusWord) -> bool {
    data.is_empty() && matches!(status.sw1(), 0x64..=0x6F) && status.sw1() != 0x6C
}

/// The content of a file, as far as the card gives it.
pub fn read(card: &mut Card, file: u16) -> Option<Vec<u8>> {
    let [high, low] = file.to_be_bytes();
    let selected = card.process(&[0x00, 0xA4, 0x00, 0x0C, 2, high, low]).expect("it has power");
    let mut answer = card.process(&[0x00, 0xB0, 0, 0, 0, 0, 0]).expect("it has power");
    let status = answer.split_off(answer.len() - 2);
    let given = matches!(*status, [0x90, 0x00] | [0x62, 0x82]);
    (selected == [0x90, 0x00] && given).then_some(answer)
}

/// The selected file from the first place on that READ BINARY does not reach by P1-P2.
fn read_far(card: &mut Card) -> Vec<u8> {
    let ask = [0x00, 0xB1, 0x00, 0x00, 0x00, 0x00, 0x04, 0x54, 0x02, 0x80, 0x00, 0x00, 0x00];
    let answer = card.process(&ask).expect("it has power");
    let object = answer.strip_suffix(&[0x90, 0x00]).expect("there is more of the file");
    Tlv::parse(object).expect("what is read is a data object").value.to_vec()
}

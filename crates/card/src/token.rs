use obnova_algorithm::{DigestValue, KeyAlgorithm, SignatureAlgorithm, SubjectPublicKeyInfoOwned};

use crate::{Activation, Alphabet, Repair, Secret, TokenError};

/// A device that holds keys and certificates: a card, a USB key, a PKCS#11 token.
///
/// Each method is one short, exclusive conversation: it selects, verifies, acts and leaves no security status behind. So a
/// PIN is passed with the operation that needs it, and nothing is held across a prompt or a network wait.
///
/// Which PIN that is: [`generate`](Self::generate), [`install`](Self::install) and [`remove`](Self::remove) take the
/// authentication PIN, whatever the role of the key; [`sign`](Self::sign) takes the one that the [`KeyEntry`] names.
pub trait Token: Send {
    /// Who the token is.
    ///
    /// # Errors
    /// [`TokenError::Transport`], or [`TokenError::Malformed`] when it does not answer as its kind should.
    fn identity(&mut self) -> Result<Identity, TokenError>;

    /// What it can do; a plan reads this before anything is promised.
    ///
    /// # Errors
    /// As [`identity`](Self::identity).
    fn capabilities(&mut self) -> Result<Capabilities, TokenError>;

    /// Its passwords and their states. Spends no try. The transport PIN is among them while one is needed, wherever the token
    /// keeps it.
    ///
    /// # Errors
    /// As [`identity`](Self::identity).
    fn passwords(&mut self) -> Result<Vec<PasswordStatus>, TokenError>;

    /// Every slot with its key and certificates, empty ones included. Needs no PIN.
    ///
    /// # Errors
    /// As [`identity`](Self::identity). What one slot holds can be unreadable without the others being lost: see
    /// [`CertificateEntry`].
    fn slots(&mut self) -> Result<Vec<Slot>, TokenError>;

    /// Every slot as [`slots`](Self::slots) has it, and what else an interruption left, which a token that [hides](Capabilities::hides)
    /// it shows to nobody without the PIN. It can be [removed](Removal::Slot) by this same token then.
    ///
    /// # Errors
    /// As [`slots`](Self::slots), and the password errors.
    fn slots_with_pin(&mut self, pin: &Pin) -> Result<Vec<Slot>, TokenError> {
        let _ = pin;
        self.slots()
    }

    /// The answers to the first four questions above at once. A driver that needs fewer commands for them together than one by
    /// one has its own way here.
    ///
    /// # Errors
    /// As [`identity`](Self::identity).
    fn overview(&mut self) -> Result<Overview, TokenError> {
        Ok(Overview {
            identity: self.identity()?,
            capabilities: self.capabilities()?,
            passwords: self.passwords()?,
            slots: self.slots()?,
        })
    }

    /// Makes a key pair in an empty slot (or, on a token that [can only replace](Capabilities::in_place_only), over the
    /// key that is there), and enters it in the token's directories.
    ///
    /// # Errors
    /// [`TokenError::Slot`] when the slot is taken; the password errors; [`TokenError::Transport`] when torn, in which case
    /// the key may exist: [`slots`](Self::slots) tells, and shows it without a certificate.
    fn generate(&mut self, request: &GenerateKey, pin: &Pin) -> Result<SubjectPublicKeyInfoOwned, TokenError>;

    /// Signs digests with keys that are guarded by one password, in order, in one conversation. A password that is asked
    /// for at every signature is sent that often. ECDSA signatures are DER, RSA signatures as long as the modulus.
    ///
    /// # Errors
    /// The password errors; [`TokenError::Unsupported`] for an algorithm the slot's [`KeyEntry`] does not offer.
    fn sign(&mut self, jobs: &[SignDigest], pin: &Pin) -> Result<Vec<Vec<u8>>, TokenError>;

    /// Writes certificates beside their keys, and marks others as superseded, all visible at once or not at all where the
    /// token can do that. Each certificate must match its slot's key. Where a key has a certificate already, the new one comes
    /// beside it, if the token [can do that](Capabilities::certificates_per_key). Of a slot that is superseded and takes a
    /// certificate too, those are marked that are not the new one, and the key is not.
    ///
    /// # Errors
    /// [`TokenError::Slot`] when a certificate is for another key; [`TokenError::Full`]; the password errors.
    fn install(&mut self, jobs: &[InstallCertificate], superseded: &[SlotId], pin: &Pin) -> Result<(), TokenError>;

    /// Removes what is named. Whether it may be removed is for the caller to decide and to ask.
    ///
    /// # Errors
    /// [`TokenError::Slot`] when there is no such thing; the password errors.
    fn remove(&mut self, what: &[Removal], pin: &Pin) -> Result<(), TokenError>;

    /// What [`repair`](Self::repair) would do. Nothing for a token that keeps no list of what it holds.
    ///
    /// # Errors
    /// As [`identity`](Self::identity).
    fn repairs(&mut self) -> Result<Vec<Repair>, TokenError> {
        Ok(Vec::new())
    }

    /// Brings the token's list of what it holds into line with what is in the slots, after something tore: enters keys that are
    /// not entered, drops entries for nothing, and writes a list anew that cannot be read (labels and marks are lost with
    /// it). Keys and certificates stay as they are. Returns what was done; when nothing is to be done, no PIN is sent.
    ///
    /// # Errors
    /// As [`install`](Self::install).
    fn repair(&mut self, pin: &Pin) -> Result<Vec<Repair>, TokenError> {
        let _ = pin;
        Ok(Vec::new())
    }

    /// Replaces a password, knowing the old one. Both are checked for their form before anything is sent. Where the old one
    /// is entered [at the pad](Pin::at_pad) the new one is too, twice, and `new` is empty.
    ///
    /// An old one with a digit too many is wrong like any other, and changes nothing; but at the pad of a reader with a card of version 1.1
    /// of the profile, or 1.0, that digit becomes the first one of the new password, which nobody notices there.
    ///
    /// # Errors
    /// The password errors, [`TokenError::SecretForm`]; [`TokenError::Unsupported`] for the PUK of a card of version 1.0 of the profile,
    /// which does not compare it before a new value goes behind it.
    fn change_password(&mut self, kind: PasswordKind, old: &Pin, new: &Secret) -> Result<(), TokenError>;

    /// Sets a new PIN with the PUK; at the pad as in [`change_password`](Self::change_password). With a card of version 1.1 of the profile,
    /// or 1.0, a pad takes one range of lengths for both: there the new PIN is as long as a PUK is at least, lest a PUK that is too short
    /// spends a try.
    ///
    /// # Errors
    /// The password errors, about the PUK; [`TokenError::Unsupported`] where there is none (PKCS#11), for a card of version 1.0 of the
    /// profile as in [`change_password`](Self::change_password), and at a pad where one of the two may be longer than the other, with such a card.
    fn unblock_password(&mut self, kind: PasswordKind, puk: &Pin, new: &Secret) -> Result<(), TokenError>;

    /// Compares a password with the one that an active token has, and does nothing else by it; a wrong one costs a try.
    ///
    /// # Errors
    /// The password errors; [`TokenError::Unsupported`] where a token compares none alone: the PUK of a card of version 1.0 of the profile.
    fn compare_password(&mut self, kind: PasswordKind, value: &Pin) -> Result<(), TokenError> {
        let _ = value;
        Err(TokenError::Unsupported { what: format!("have its {kind} compared by itself") })
    }

    /// Activates a token that was never used, as its [`Activation`] says. Everything is checked before a secret is sent. The
    /// secret of `transport` is empty where there is no transport PIN.
    ///
    /// A transport PIN that [can be](Activation) may be entered at the reader's pad ([`Pin::at_pad`]). Whether a new password is the
    /// same is not noticed then.
    ///
    /// An activation that was torn is repeated, with the same new passwords: it goes on where it was. What was set before is
    /// [compared](Activation::compares), by a card of version 1.0 of the profile when it is active already.
    ///
    /// # Errors
    /// The password errors, about the transport PIN; [`TokenError::Finished`] when the token can never be activated;
    /// [`TokenError::Unsupported`] where there is no such state.
    fn activate(&mut self, transport: &Pin, new: &[(PasswordKind, Secret)]) -> Result<(), TokenError>;
}

/// Everything that a token tells without a PIN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// Who it is.
    pub identity: Identity,
    /// What it can do.
    pub capabilities: Capabilities,
    /// How its passwords stand.
    pub passwords: Vec<PasswordStatus>,
    /// Every slot, empty ones included.
    pub slots: Vec<Slot>,
}

/// Who a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// What kind: "Obnova profile 1", "PKCS#11: SoftHSM v2".
    pub kind: String,
    /// Label, as its holder knows it.
    pub label: String,
    /// Serial number, as printed.
    pub serial: String,
    /// Where it is: reader name, module path, "in process".
    pub place: String,
}

/// What a token can do; by [`Default`] nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Algorithms it makes keys for.
    pub generate: Vec<KeyAlgorithm>,
    /// A new key can only take the place of the old one of its role: while it is renewed the holder has nothing that works.
    pub in_place_only: bool,
    /// Certificates that are installed together become visible together.
    pub atomic_install: bool,
    /// Slots in all; `None` where only memory limits them.
    pub slots: Option<usize>,
    /// Largest certificate in bytes.
    pub max_certificate: usize,
    /// Certificates that one key can have; `None` where only memory limits them. With more than one, a new certificate comes
    /// beside those that are there.
    pub certificates_per_key: Option<usize>,
    /// The list of the certificates on it, which can be full while there are free slots; `None` where only memory limits it.
    pub directory: Option<CertificateDirectory>,
    /// Superseded pairs can be marked on the token itself.
    pub marks_superseded: bool,
    /// Its PUK can be sent: to set a PIN anew, or to be changed. A card of version 1.0 of the profile does not compare one before a new
    /// value goes behind it, and is sent none, but from its reader's pad.
    pub takes_puk: bool,
    /// PINs can be entered at its reader's pad ([`Pin::at_pad`]). Some readers say so and cannot: a pad can be switched off.
    pub pin_pad: bool,
    /// What an interruption left may be seen with the PIN only ([`Token::slots_with_pin`]).
    pub hides: bool,
    /// What it takes to activate it; `None` when it is active, or knows no such state.
    pub activation: Option<Activation>,
}

impl Capabilities {
    /// Whether a key can have more certificates than one.
    #[must_use]
    pub fn several_certificates(&self) -> bool {
        self.certificates_per_key.is_none_or(|most| most > 1)
    }
}

/// The list of the certificates on a token (ISO/IEC 7816-15 §8.4.6, the CDF), with a label for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateDirectory {
    /// Bytes it has.
    pub length: usize,
    /// Bytes of one entry, but for its label.
    pub entry: usize,
    /// Bytes by which a label is longer once it is marked as superseded.
    pub mark: usize,
}

impl CertificateDirectory {
    /// Bytes that a certificate with this label takes at most.
    #[must_use]
    pub const fn takes(&self, label: &str, superseded: bool) -> usize {
        self.entry + label.len() + if superseded { self.mark } else { 0 }
    }
}

/// Number of a slot, from 1, or the handle a driver gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SlotId(pub u32);

impl std::fmt::Display for SlotId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What a key is for; it decides which password guards it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyRole {
    /// Login: TLS client authentication.
    Authentication,
    /// Signatures that bind their holder; the password is asked for every time.
    Signature,
}

impl std::fmt::Display for KeyRole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Authentication => "authentication",
            Self::Signature => "signature",
        })
    }
}

/// A place for one key pair and its certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Which one.
    pub id: SlotId,
    /// The key, if there is one. A key without certificates is an orphan or waits for them.
    pub key: Option<KeyEntry>,
    /// Certificates on the key: none, one or several (two issuers may certify one key).
    pub certificates: Vec<CertificateEntry>,
    /// Nothing that can be used is in it, but what is left of a key pair whose making or removing was interrupted. The next key that
    /// is made there takes its place; it can be [removed](Removal::Slot) before.
    pub left_over: bool,
}

/// A key pair in a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyEntry {
    /// What it is for.
    pub role: KeyRole,
    /// Kind and size.
    pub algorithm: KeyAlgorithm,
    /// Signature algorithms that the token makes with it.
    pub signs: Vec<SignatureAlgorithm>,
    /// The password that guards it.
    pub password: PasswordKind,
    /// Identifier shared with the certificate (CKA_ID, ISO/IEC 7816-15 `iD`).
    pub id: Vec<u8>,
    /// The public key; `None` where the token cannot tell it without a certificate.
    pub public_key: Option<SubjectPublicKeyInfoOwned>,
}

/// A certificate in a slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateEntry {
    /// Its label.
    pub label: String,
    /// DER, or what is there in its place when it is no certificate.
    pub der: Vec<u8>,
    /// It was marked as superseded.
    pub superseded: bool,
}

/// Order for a key pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenerateKey {
    /// Where; must be empty, unless the token is in-place only.
    pub slot: SlotId,
    /// What for.
    pub role: KeyRole,
    /// Which kind.
    pub algorithm: KeyAlgorithm,
    /// Label of the key in the token's directory.
    pub label: String,
}

/// Order for one signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignDigest {
    /// Whose key.
    pub slot: SlotId,
    /// How.
    pub algorithm: SignatureAlgorithm,
    /// What.
    pub digest: DigestValue,
}

/// Order to write one certificate beside its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstallCertificate {
    /// Where its key is.
    pub slot: SlotId,
    /// The certificate, DER.
    pub certificate: Vec<u8>,
    /// Its label.
    pub label: String,
}

/// What to remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// The key and every certificate on it.
    Slot(SlotId),
    /// Certificate number `1` (from 0) of a slot; the key stays.
    Certificate(SlotId, usize),
}

/// The passwords of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PasswordKind {
    /// Guards the authentication keys (and, on tokens with one PIN, everything).
    AuthenticationPin,
    /// Guards the signature keys.
    SignaturePin,
    /// Unblocks the PINs.
    Puk,
    /// Activates a new card, and is worth nothing after.
    TransportPin,
}

impl std::fmt::Display for PasswordKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::AuthenticationPin => "authentication PIN",
            Self::SignaturePin => "signature PIN",
            Self::Puk => "PUK",
            Self::TransportPin => "transport PIN",
        })
    }
}

/// A password and how it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordStatus {
    /// Which one.
    pub kind: PasswordKind,
    /// How it stands.
    pub state: PasswordState,
    /// Shortest length in bytes.
    pub minimum: usize,
    /// Longest length in bytes.
    pub maximum: usize,
    /// What the token says that it is made of.
    pub alphabet: Alphabet,
}

/// How a password stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordState {
    /// A transport PIN stands in its place: activate first.
    Transport,
    /// It was never set.
    Empty,
    /// It can be used.
    Active(Tries),
    /// No try is left.
    Blocked,
    /// The card does not ask for it.
    Disabled,
}

/// How many wrong attempts a password still allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tries {
    /// So many.
    Known(u8),
    /// Fewer than at the start (PKCS#11 `CKF_USER_PIN_COUNT_LOW`).
    Low,
    /// One (PKCS#11 `CKF_USER_PIN_FINAL_TRY`).
    Last,
    /// The token does not tell.
    Unknown,
}

impl Tries {
    /// Whether the next wrong attempt may be the last.
    #[must_use]
    pub const fn may_be_last(self) -> bool {
        matches!(self, Self::Known(0..=1) | Self::Last)
    }
}

impl std::fmt::Display for Tries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Known(tries) => tries.fmt(f),
            Self::Low => f.write_str("few"),
            Self::Last => f.write_str("1"),
            Self::Unknown => f.write_str("unknown"),
        }
    }
}

/// A secret together with how far down its tries may be spent. Like [`Secret`] it has no `Debug`, on purpose.
#[derive(Clone)]
pub struct Pin {
    /// What is sent.
    pub secret: Secret,
    /// The secret is sent only while more than this many tries are left, where the token can tell. 1 keeps the last try;
    /// 0 spends it, and takes a clear yes from the holder.
    pub keep_tries: u8,
    /// It is entered at the reader's pad: `secret` is empty, and what is entered never reaches this program.
    pub at_pad: bool,
}

impl Pin {
    /// A PIN that never spends the last try.
    #[must_use]
    pub fn new(secret: Secret) -> Self {
        Self { secret, keep_tries: 1, at_pad: false }
    }

    /// A PIN that may spend the last try: the holder was told and said yes.
    #[must_use]
    pub fn with_last_try(secret: Secret) -> Self {
        Self { secret, keep_tries: 0, at_pad: false }
    }

    /// A PIN that is entered at the reader's pad, for a token that [has one](Capabilities::pin_pad), and never spends the last
    /// try. It is asked for there each time that it is needed.
    #[must_use]
    pub fn at_pad() -> Self {
        Self { at_pad: true, ..Self::new(Secret::new(Vec::new())) }
    }

    /// The same, and it may spend the last try: the holder was told and said yes.
    #[must_use]
    pub fn at_pad_with_last_try() -> Self {
        Self { keep_tries: 0, ..Self::at_pad() }
    }

    /// Whether it may be sent while so many tries are left.
    #[must_use]
    pub const fn may_be_sent(&self, left: Tries) -> bool {
        match left {
            Tries::Known(left) => left > self.keep_tries,
            Tries::Last => self.keep_tries == 0,
            Tries::Low | Tries::Unknown => true,
        }
    }
}

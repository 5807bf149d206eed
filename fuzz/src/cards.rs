//! The cards that conversations begin with, and the secrets in them.

use std::path::PathBuf;
use std::sync::OnceLock;

use obnova_algorithm::{KeyAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_apdu::tlv::{Tag, VecWriter};
use obnova_profile::PasswordReference::{AuthenticationPin, Puk, SignaturePin, TransportPin};
use obnova_profile::{KeyRole, Label, Limits, PublicKeyTemplate, SlotNumber, TransportPinModel};
use obnova_simulator::{Card, Personalisation};

/// Authentication PIN of a card that is active.
pub const AUTHENTICATION: &[u8] = b"46081937";
/// Signature PIN of a card that is active.
pub const SIGNATURE: &[u8] = b"920547";
/// PUK of a card that is active.
pub const PUK: &[u8] = b"71350862";
/// Transport PIN of a card that is not.
pub const TRANSPORT: &[u8] = b"385127";
/// Transport PIN of a card on which it has five digits.
pub const FIVE_DIGITS: &[u8] = b"72964";

/// Values that inputs name by their place here: right ones, new ones, and some that no password can have.
pub const VALUES: [&[u8]; 12] = [
    AUTHENTICATION,
    SIGNATURE,
    PUK,
    TRANSPORT,
    b"60482913",
    b"175038",
    b"84026915",
    b"0000",
    b"00000000",
    b"123",
    b"999999999",
    b"",
];

/// No answer of a card may contain one of these.
pub const PLANTED: [&[u8]; 8] =
    [AUTHENTICATION, SIGNATURE, PUK, TRANSPORT, FIVE_DIGITS, VALUES[4], VALUES[5], VALUES[6]];

/// How a card begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Active, with four pairs on elliptic curves and certificates on three of them.
    Active,
    /// Not active, a transport PIN of its own; two pairs.
    Separate,
    /// Not active, the transport PIN in place of every password; two pairs.
    InPlace,
    /// Active, with RSA keys.
    Rsa,
    /// Active and empty, with one try for each password and as many slots as there can be.
    Empty,
    /// Active, with certificates as large as there can be: one in a slot, none in the other.
    Large,
    /// Not active, and no password has a value; two pairs, as on all that follow.
    Unset,
    /// Not active, six zero bytes in place of every password.
    Null,
    /// Not active, the transport PIN in place of every password, and VERIFY says that there is none.
    MustChange,
    /// Not active, a transport PIN that works once.
    SingleUse,
    /// Not active, a transport PIN of five digits in place of every password, and PINs of six.
    FiveDigits,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::Active,
        Self::Separate,
        Self::InPlace,
        Self::Rsa,
        Self::Empty,
        Self::Large,
        Self::Unset,
        Self::Null,
        Self::MustChange,
        Self::SingleUse,
        Self::FiveDigits,
    ];

    /// The kind that a number in an input stands for. Only its own number makes a large card: it costs several times as much.
    pub fn from_number(number: u8) -> Self {
        match Self::ALL[usize::from(number) % Self::ALL.len()] {
            Self::Large if number != Self::Large as u8 => Self::Active,
            kind => kind,
        }
    }

    /// How such a card comes to life; none when it is active from the start.
    pub const fn transport_model(self) -> Option<TransportPinModel> {
        match self {
            Self::Active | Self::Rsa | Self::Empty | Self::Large => None,
            Self::Separate => Some(TransportPinModel::Separate),
            Self::InPlace => Some(TransportPinModel::InPlace),
            Self::Unset => Some(TransportPinModel::Empty),
            Self::Null => Some(TransportPinModel::Null),
            Self::MustChange => Some(TransportPinModel::MustChange),
            Self::SingleUse => Some(TransportPinModel::SingleUse),
            Self::FiveDigits => Some(TransportPinModel::FiveDigits),
        }
    }

    /// The transport PIN that a holder of such a card gets, empty when he gets none.
    pub const fn transport(self) -> &'static [u8] {
        match self {
            Self::Unset | Self::Null => b"",
            Self::FiveDigits => FIVE_DIGITS,
            _ => TRANSPORT,
        }
    }

    /// What such a card has for authentication PIN, signature PIN and PUK when it is active.
    pub const fn lasting(self) -> [&'static [u8]; 3] {
        match self {
            Self::FiveDigits => [VALUES[5], SIGNATURE, PUK],
            _ => [AUTHENTICATION, SIGNATURE, PUK],
        }
    }

    /// The largest certificate that such a card takes, in bytes.
    pub const fn largest_certificate(self) -> u16 {
        if matches!(self, Self::Large) { Limits::LARGEST_CERTIFICATE } else { Limits::CERTIFICATE }
    }

    /// A card of this kind, in memory.
    pub fn card(self) -> Card {
        self.base().card.fork()
    }

    /// The state file of such a card.
    pub fn file(self) -> &'static [u8] {
        &self.base().file
    }

    /// Private numbers of its keys, each in the form it has in the state.
    pub fn private_keys(self) -> &'static [Vec<u8>] {
        &self.base().private
    }

    fn base(self) -> &'static Base {
        static BASES: [OnceLock<Base>; Kind::ALL.len()] = [const { OnceLock::new() }; Kind::ALL.len()];
        BASES[self as usize].get_or_init(|| Base::make(self))
    }

    fn personalisation(self) -> Personalisation {
        let card = Personalisation::new("OBN00000001")
            .label("Jana Nov\u{e1}kov\u{e1}")
            .slots(6)
            .largest_certificate(self.largest_certificate());
        match (self, self.transport_model()) {
            (_, Some(model)) => card.inactive(model, self.transport()),
            (Self::Empty, None) => {
                let card = card.slots(SlotNumber::MOST).active(AUTHENTICATION, SIGNATURE, PUK);
                [AuthenticationPin, SignaturePin, Puk, TransportPin]
                    .into_iter()
                    .fold(card, |card, it| card.tries(it, 1))
            }
            _ => card.active(AUTHENTICATION, SIGNATURE, PUK),
        }
    }

    fn keys(self) -> &'static [(u8, KeyRole, KeyAlgorithm)] {
        use KeyAlgorithm::{P256, P384, Rsa2048};
        use KeyRole::{Authentication, Signature};
        match self {
            Self::Active => {
                &[(1, Authentication, P256), (2, Signature, P256), (3, Authentication, P384), (4, Signature, P256)]
            }
            Self::Rsa => &[(1, Authentication, Rsa2048), (2, Signature, Rsa2048)],
            Self::Empty => &[],
            _ => &[(1, Authentication, P256), (2, Signature, P256)],
        }
    }
}

/// A card with everything that is known of it.
struct Base {
    card: Card,
    file: Vec<u8>,
    private: Vec<Vec<u8>>,
}

impl Base {
    fn make(kind: Kind) -> Self {
        let path = place(&format!("base-{}", kind as usize));
        let mut card = kind.personalisation().create(&path).expect("the values follow the profile");
        for (number, role, algorithm) in kind.keys() {
            let slot = SlotNumber::new(*number).expect("slots begin with 1");
            let name = match role {
                KeyRole::Authentication => "Login",
                KeyRole::Signature => "Signature",
            };
            let name = Label::new(format!("{name} {number}")).expect("it is short");
            let key = card.personalise_key(slot, *role, *algorithm, &name).expect("the slot is empty");
            let certificate = match kind {
                Kind::Large if *number == 1 => largest_certificate(&key),
                Kind::Large => continue,
                _ => certificate(&key, *number, 64),
            };
            if *number < 4 {
                card.personalise_certificate(slot, &certificate, &name).expect("there is a key");
            }
        }
        let file = std::fs::read(&path).expect("it was just written");
        std::fs::remove_file(&path).expect("it was just read");
        let private = private_numbers(&file);
        assert_eq!(private.len(), kind.keys().len());
        Self { card, file, private }
    }
}

/// A place for a file of this process; in memory where there is such a file system, since cards write often and durably.
pub fn place(name: &str) -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
    folder.join(format!("obnova-fuzz-{}-{name}", std::process::id()))
}

/// What is secret in the PKCS#8 of each key that stands in a state file, or enough of it. The file may be no true one: what is
/// too short for a key in it is none, and what stands at another place as well is no secret.
pub fn private_numbers(file: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(file);
    let mut parts = text.split("\"private\":\"");
    let mut others = parts.next().unwrap_or_default().to_ascii_lowercase();
    let mut numbers = Vec::new();
    for part in parts {
        let (digits, rest) = part.split_once('"').unwrap_or((part, ""));
        others += &rest.to_ascii_lowercase();
        let pairs = digits.as_bytes().chunks_exact(2);
        let bytes = pairs.map_while(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        let bytes: Vec<u8> = bytes.collect();
        // ECPrivateKey begins with version 1 and the number (RFC 5915); the second half of an RSA key is primes and more.
        let at = bytes.windows(4).position(|window| window == [0x02, 0x01, 0x01, 0x04]);
        let at = at.map_or(bytes.len() / 2, |version| version + 5);
        numbers.extend(bytes.get(at..at + 32).map(<[u8]>::to_vec));
    }
    numbers.retain(|number| !others.contains(&hexadecimal(number)));
    numbers
}

/// As digits of lower case.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A certificate with the parts that a token looks at, signed by nobody.
pub fn certificate(key: &SubjectPublicKeyInfoOwned, serial: u8, padding: usize) -> Vec<u8> {
    const SEQUENCE: Tag = Tag::new(0x30);
    const ECDSA_SHA256: [u8; 10] = [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];
    const NAME: &[u8] = b"\x31\x0D\x30\x0B\x06\x03\x55\x04\x03\x0C\x04Jana";
    let mut writer = VecWriter::new();
    writer.constructed(SEQUENCE, |certificate| {
        certificate.constructed(SEQUENCE, |signed| {
            signed.raw(&[0xA0, 3, 2, 1, 2]).primitive(Tag::new(0x02), &[serial]);
            signed.primitive(SEQUENCE, &ECDSA_SHA256).primitive(SEQUENCE, NAME);
            signed.constructed(SEQUENCE, |validity| {
                let time = Tag::new(0x17);
                validity.primitive(time, b"260101000000Z").primitive(time, b"270101000000Z");
            });
            signed.primitive(SEQUENCE, NAME).raw(&spki(key));
            signed.constructed(Tag::new(0xA3), |extensions| {
                extensions.constructed(SEQUENCE, |extensions| {
                    extensions.constructed(SEQUENCE, |comment| {
                        comment.raw(b"\x06\x09\x60\x86\x48\x01\x86\xF8\x42\x01\x0D");
                        comment.primitive(Tag::new(0x04), &vec![5; padding]);
                    });
                });
            });
        });
        certificate.primitive(SEQUENCE, &ECDSA_SHA256);
        certificate.primitive(Tag::new(0x03), &[0, 0x30, 6, 2, 1, 1, 2, 1, 1]);
    });
    writer.into_vec()
}

/// A certificate of as many bytes as any card takes.
fn largest_certificate(key: &SubjectPublicKeyInfoOwned) -> Vec<u8> {
    let most = usize::from(Limits::LARGEST_CERTIFICATE);
    // What is not padding is as long whatever the padding is, when that is long.
    let rest = certificate(key, 1, most / 2).len() - most / 2;
    let certificate = certificate(key, 1, most - rest);
    assert_eq!(certificate.len(), most);
    certificate
}

/// SubjectPublicKeyInfo as DER.
pub fn spki(key: &SubjectPublicKeyInfoOwned) -> Vec<u8> {
    use x509_cert::der::Encode;
    key.to_der().expect("it was read from DER")
}

/// What the file of a public key holds (PROFILE.md §2): RSAPublicKey for RSA, SubjectPublicKeyInfo for elliptic curves.
pub fn public_key_file(key: &SubjectPublicKeyInfoOwned) -> Vec<u8> {
    let algorithm = KeyAlgorithm::try_from(key).expect("of a kind that cards make");
    if algorithm.is_rsa() { key.subject_public_key.raw_bytes().to_vec() } else { spki(key) }
}

/// The public key in an answer of GENERATE ASYMMETRIC KEY PAIR.
pub fn public_key(answer: &[u8]) -> SubjectPublicKeyInfoOwned {
    let template = PublicKeyTemplate::decode(answer).expect("the card tells a public key");
    template.to_spki().expect("of a kind that it makes")
}

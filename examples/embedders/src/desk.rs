use std::{error::Error, fs, sync::Arc, time::SystemTime};

use obnova_algorithm::KeyAlgorithm;
use obnova_card::{PasswordKind, Pin, ProfileToken, Secret, Token};
use obnova_profile::{KeyRole, Label, SlotNumber};
use obnova_reference_ca::{House, Running, ServerConfig, house};
use obnova_simulator::{Personalisation, SimulatorConnection};
use rustls::{RootCertStore, pki_types::CertificateDer};

/// What the programs here need to be tried out: a card and, for a login, a server that knows its certificates.
pub struct Desk {
    /// The card.
    pub token: Box<dyn Token>,
    /// Who knows its PINs.
    pub holder: Holder,
    /// Where to log in with it.
    pub place: Place,
}

/// Whoever types the PIN: the person at the terminal, or nobody, since the simulated card's are known.
pub struct Holder {
    is_simulated: bool,
}

/// The server that the arguments name, or the one of the CA that certified the simulated card.
pub struct Place {
    arguments: Vec<String>,
    simulated: Option<Simulated>,
}

/// Where to log in.
pub struct Server {
    /// Host name or address, as in its certificate.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Whom to trust for its certificate.
    pub roots: Arc<RootCertStore>,
    _running: Option<Running>,
}

/// The CA that certified the simulated card; its folder goes when the desk goes.
struct Simulated {
    house: Arc<House>,
    _folder: tempfile::TempDir,
}

const AUTHENTICATION_PIN: &str = "1234";
const SIGNATURE_PIN: &str = "567890";

impl Desk {
    /// A simulated card with two keys, certified by a reference CA; or the card that the program's arguments begin with:
    /// `--card pcsc:READER`, `--card pcsc:` for the only one (in a build with the feature `pcsc`).
    ///
    /// # Errors
    /// The card cannot be made or opened.
    pub fn open() -> Result<Self, Box<dyn Error>> {
        let arguments: Vec<_> = std::env::args().skip(1).collect();
        match arguments.as_slice() {
            [card, location, rest @ ..] if card == "--card" => {
                let place = Place { arguments: rest.to_vec(), simulated: None };
                Ok(Self { token: in_reader(location)?, holder: Holder { is_simulated: false }, place })
            }
            _ => simulated(arguments),
        }
    }
}

impl Holder {
    /// Asks for a PIN, saying what for; the simulated card's are known.
    ///
    /// # Errors
    /// The terminal cannot be read.
    pub fn pin(&self, password: PasswordKind, purpose: &str) -> Result<Pin, Box<dyn Error>> {
        if self.is_simulated {
            let pin = if password == PasswordKind::SignaturePin { SIGNATURE_PIN } else { AUTHENTICATION_PIN };
            println!("{password} {purpose}: {pin}");
            return Ok(Pin::new(Secret::from(pin)));
        }
        let typed = rpassword::prompt_password(format!("{password} {purpose}: "))?;
        Ok(Pin::new(Secret::new(typed.into_bytes())))
    }
}

impl Place {
    /// The server that the arguments name, `HOST:PORT ROOTS.pem`, or without them the simulated card's CA, which is started.
    ///
    /// # Errors
    /// The arguments do not do, or the server does not start.
    pub fn server(&self) -> Result<Server, Box<dyn Error>> {
        let mut roots = RootCertStore::empty();
        match (self.arguments.as_slice(), &self.simulated) {
            ([address, pem], _) => {
                let (host, port) = address.rsplit_once(':').ok_or("write the server as HOST:PORT")?;
                for certificate in x509_cert::Certificate::load_pem_chain(&fs::read(pem)?)? {
                    roots.add(der(&certificate)?)?;
                }
                Ok(Server { host: host.into(), port: port.parse()?, roots: roots.into(), _running: None })
            }
            ([], Some(Simulated { house, .. })) => {
                for certificate in house.trust_anchors() {
                    roots.add(der(&certificate)?)?;
                }
                let running = obnova_reference_ca::Server::start(ServerConfig::new(house.clone()))?;
                let (host, port) = ("localhost".into(), running.address.port());
                Ok(Server { host, port, roots: roots.into(), _running: Some(running) })
            }
            _ => Err("say where to log in: HOST:PORT ROOTS.pem".into()),
        }
    }
}

fn der(certificate: &x509_cert::Certificate) -> Result<CertificateDer<'static>, Box<dyn Error>> {
    Ok(x509_cert::der::Encode::to_der(certificate)?.into())
}

#[cfg(feature = "pcsc")]
fn in_reader(location: &str) -> Result<Box<dyn Token>, Box<dyn Error>> {
    let location: obnova_card::Location = location.parse()?;
    let connection = location.open_pcsc().ok_or("write the card as pcsc:READER")??;
    Ok(Box::new(ProfileToken::new(connection)))
}

#[cfg(not(feature = "pcsc"))]
fn in_reader(_: &str) -> Result<Box<dyn Token>, Box<dyn Error>> {
    Err("built without readers: run it with --features pcsc".into())
}

fn simulated(arguments: Vec<String>) -> Result<Desk, Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let directory = folder.path().join("ca");
    house::init(&directory, &house::InitOptions::default(), SystemTime::now())?;
    let house = Arc::new(House::open(&directory)?);

    let pins = [AUTHENTICATION_PIN, SIGNATURE_PIN].map(str::as_bytes);
    let mut card = Personalisation::new("OBN00000001").active(pins[0], pins[1], b"12345678").finish()?;
    let (login, sign) = (Label::new("Login")?, Label::new("Signature")?);
    let (first, second) = SlotNumber::new(1).zip(SlotNumber::new(2)).ok_or("the profile has slots 1 and 2")?;
    let login_key = card.personalise_key(first, KeyRole::Authentication, KeyAlgorithm::P256, &login)?;
    let sign_key = card.personalise_key(second, KeyRole::Signature, KeyAlgorithm::Rsa2048, &sign)?;
    let holder = house::Holder { name: "CN=Jana Nováková,C=CZ".into(), email: "jana@example.org".into() };
    let pair = house.first_pair(&holder, &login_key, &sign_key, 365, SystemTime::now())?;
    card.personalise_certificate(first, &pair.authentication.der, &login)?;
    card.personalise_certificate(second, &pair.signature.der, &sign)?;

    let token = Box::new(ProfileToken::new(SimulatorConnection::new(card)));
    let place = Place { arguments, simulated: Some(Simulated { house, _folder: folder }) };
    Ok(Desk { token, holder: Holder { is_simulated: true }, place })
}

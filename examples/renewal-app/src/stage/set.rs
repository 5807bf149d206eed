use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use obnova_algorithm::KeyAlgorithm;
use obnova_ca::{Policy, store::OrderState};
use obnova_card::{Pin, Secret};
use obnova_client::SharedToken;
use obnova_reference_ca::{
    Running, Server, ServerConfig,
    house::{self, Holder, House, InitOptions},
};
use obnova_renewal::{Pair, ParsedCertificate};
use obnova_simulator::{Personalisation, SimulatorConnection};
use obnova_transport::{Count, Record};
use tempfile::TempDir;
use x509_cert::name::Name;

use super::{FirstPair, personalise};
use crate::{
    authority::Authority,
    failure::{Failure, Kind, internal},
    interrupted,
    texts::t,
    tokens::{self, Opened},
};

/// Days before the end at which the play begins: between the first notice (three weeks) and the second (one).
const DAYS_LEFT: u32 = 20;

/// PINs of the player.
pub struct PlayPins {
    pub authentication: Secret,
    pub signature: Secret,
}

/// A card with a pair that is about to expire, and the CA that will renew it.
pub struct Stage {
    pub token: SharedToken,
    pub count: Count,
    pub record: Option<Record>,
    pub pins: PlayPins,
    pub authority: Authority,
    /// Whose pair is renewed, among those that may be on the card.
    pub issuer: Name,
    folder: PathBuf,
    /// Answers until it is dropped.
    _server: Running,
    /// Removed with everything in it when the play is over.
    _temporary: Option<TempDir>,
}

impl Stage {
    /// Sets up the CA in `keep`, or in a folder that is gone afterwards, and the old pair on the token, which is a new
    /// simulated card unless one is named.
    /// The talk with the card is recorded in `trace`, or among what is kept.
    pub fn set(
        keep: Option<&Path>,
        token: Option<&str>,
        trace: Option<&Path>,
        pins: PlayPins,
        now: SystemTime,
    ) -> Result<Self, Failure> {
        let (folder, temporary) = match keep {
            Some(folder) => (made(folder)?, None),
            None => {
                let temporary = tempfile::Builder::new().prefix("obnova-").tempdir()?;
                interrupted::remove_when_interrupted(temporary.path().to_owned())?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        let options = InitOptions {
            name: "Obnova Demo".to_owned(),
            policy: Policy::TEMPLATE.replace("retry_after_seconds = 60", "retry_after_seconds = 1"),
            backdate_days: 366,
            ..InitOptions::default()
        };
        let ca = folder.join("ca");
        house::init(&ca, &options, now).map_err(internal)?;
        let house = Arc::new(House::open(&ca).map_err(internal)?);
        let server = Server::start(ServerConfig::new(house.clone())).map_err(internal)?;

        let trace = trace.map(Path::to_owned).or_else(|| keep.map(|_| folder.join("card.trace")));
        let Opened { mut token, count, record } = match token {
            None => {
                tokens::card(SimulatorConnection::new(new_card(&folder, keep.is_some(), &pins)?), trace.as_deref())?
            }
            Some(name) => tokens::open_named(name, trace.as_deref())?,
        };
        let holder = Holder { name: format!("CN={},C=CZ", t!("demo-holder")), email: t!("demo-email") };
        let algorithms = Pair { authentication: KeyAlgorithm::Rsa2048, signature: KeyAlgorithm::P256 };
        let first = FirstPair { algorithms, days_left: DAYS_LEFT };
        let pin = Pin::new(pins.authentication.clone());
        if let Some(record) = &record {
            record.note("the first pair is put on the card");
        }
        let issued = personalise(token.as_mut(), &house, &holder, &first, &pin, now)?;
        let issuer = issued.authentication.certificate.tbs_certificate().issuer().clone();
        let token: SharedToken = Arc::new(std::sync::Mutex::new(token));
        let anchors = house.trust_anchors().iter().map(ParsedCertificate::try_from).collect::<Result<_, _>>();
        let authority = Authority { url: server.url(), anchors: anchors.map_err(internal)? };
        Ok(Self { token, count, record, pins, authority, issuer, folder, _server: server, _temporary: temporary })
    }

    /// Where everything is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the journal is.
    pub fn journal(&self) -> PathBuf {
        self.folder.join("journal")
    }

    /// What the CA's operator does: approves what waits.
    pub fn approve(&self) -> Result<(), Failure> {
        let house = House::open(&self.folder.join("ca")).map_err(internal)?;
        for order in house.ca().list(Some(OrderState::Pending), 10).map_err(internal)? {
            house.ca().approve(&order.transaction, SystemTime::now()).map_err(internal)?;
        }
        Ok(())
    }
}

/// A simulated card that its maker handed over active.
fn new_card(folder: &Path, keep: bool, pins: &PlayPins) -> Result<obnova_simulator::Card, Failure> {
    let maker = Personalisation::new("OBN00000001").label(t!("demo-holder")).active(
        pins.authentication.expose(),
        pins.signature.expose(),
        b"12345678",
    );
    let made = if keep { maker.create(folder.join("card.state")) } else { maker.finish() };
    made.map_err(internal)
}

/// A new folder, or one that is empty: nothing of the user's is mixed with what is made here.
fn made(folder: &Path) -> Result<PathBuf, Failure> {
    fs::create_dir_all(folder)?;
    if fs::read_dir(folder)?.next().is_some() {
        return Err(Failure::new(Kind::Usage, t!("error-folder-not-empty", folder = folder.display().to_string())));
    }
    Ok(folder.canonicalize()?)
}

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::SystemTime,
};

use obnova_algorithm::{KeyAlgorithm, SubjectPublicKeyInfoOwned};
use obnova_ca::store::{OrderRecord, OrderState};
use obnova_card::{Location, Pin, Secret, Token};
use obnova_client::{Https, SharedToken, tls_config};
use obnova_enroll::est::{HttpRequest, HttpResponse};
use obnova_reference_ca::{
    Access, Running, Server, ServerConfig,
    house::{self, Holder, House, InitOptions},
};
use obnova_renewal::{Pair, ParsedCertificate};
use obnova_simulator::{Personalisation, SimulatorConnection};
use obnova_status::RevocationReason;
use obnova_transport::{Count, Record};
use tempfile::TempDir;

use super::{FirstPair, personalise};
use crate::{
    authority::Authority,
    failure::{Failure, Kind, internal},
    interrupted,
    service::Service,
    texts::t,
    tokens::{self, Opened},
};

/// Days before the end at which the play begins: between the first notice of `twins` (three weeks) and the second (one).
const DAYS_LEFT: u64 = 20;

/// PINs of the player.
pub struct PlayPins {
    pub authentication: Secret,
    pub signature: Secret,
}

/// How a token is taken into use.
pub type Through = fn(Box<dyn Token>) -> Box<dyn Token>;

/// What a stage is to be like.
pub struct Setting<'a> {
    /// Which service.
    pub service: Service,
    /// Where everything is kept; a folder that is gone afterwards, unless set.
    pub keep: Option<&'a Path>,
    /// On which token; a new simulated card, unless set.
    pub token: Option<&'a str>,
    /// Where the talk with the card is recorded; among what is kept, unless set.
    pub trace: Option<&'a Path>,
    pub pins: PlayPins,
    /// What every token goes through before it is used: nothing, unless set.
    pub through: Through,
}

impl Setting<'_> {
    /// As `demo` and `scenario` have it.
    pub fn new(service: Service, pins: PlayPins) -> Self {
        Self { service, keep: None, token: None, trace: None, pins, through: |token| token }
    }
}

/// A card with a pair that is about to expire, and the CA that will renew it.
pub struct Stage {
    pub token: SharedToken,
    pub count: Count,
    pub record: Option<Record>,
    pub pins: PlayPins,
    pub service: Service,
    pub authority: Authority,
    /// What every token goes through before it is used.
    pub through: Through,
    /// Whether the token is a card in a reader, where other programs find it too.
    pub in_reader: bool,
    folder: PathBuf,
    house: Arc<House>,
    /// What the server was asked, and what it answered.
    wire: Arc<Mutex<Vec<Access>>>,
    /// Holders that were made up so far.
    numbers: AtomicU32,
    /// Answers until it is dropped.
    _server: Running,
    /// Removed with everything in it when the play is over.
    _temporary: Option<TempDir>,
}

impl Stage {
    /// Sets up the CA, and the old pair on the token, which is a new simulated card unless one is named.
    pub fn set(setting: Setting<'_>, now: SystemTime) -> Result<Self, Failure> {
        let Setting { service, keep, token, trace, pins, through } = setting;
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
            policy: service.for_play()?,
            // A first pair of eleven months, and one that is over.
            backdate_days: service.longest_days()?.saturating_add(2),
            ..InitOptions::default()
        };
        let ca = folder.join("ca");
        house::init(&ca, &options, now).map_err(internal)?;
        let house = Arc::new(House::open(&ca).map_err(internal)?);
        let wire = Arc::<Mutex<Vec<Access>>>::default();
        let heard = wire.clone();
        let log = move |access: &Access| lock(&heard).push(access.clone());
        let config = ServerConfig { log: Arc::new(log), ..ServerConfig::new(house.clone()) };
        let server = Server::start(config).map_err(internal)?;

        let trace = trace.map(Path::to_owned).or_else(|| keep.map(|_| folder.join("card.trace")));
        let in_reader = token.is_some_and(|token| matches!(token.parse(), Ok(Location::Pcsc(_))));
        let Opened { mut token, count, record } = match token {
            None => tokens::card(
                SimulatorConnection::new(new_card(&folder, keep.is_some(), &pins)?),
                trace.as_deref(),
                false,
            )?,
            Some(name) => tokens::open_named(name, trace.as_deref(), false)?,
        };
        let holder = Holder { name: format!("CN={},C=CZ", t!("demo-holder")), email: t!("demo-email") };
        let wished = Pair { authentication: KeyAlgorithm::Rsa2048, signature: KeyAlgorithm::P256 };
        let algorithms = service.expects.keys_of(wished);
        let first = FirstPair { algorithms, days_left: days_left(&service) };
        let pin = Pin::new(pins.authentication.clone());
        if let Some(record) = &record {
            record.note("the first pair is put on the card");
        }
        personalise(token.as_mut(), &house, &holder, &first, &pin, now)?;
        let token: SharedToken = Arc::new(Mutex::new(through(token)));
        let anchors = house.trust_anchors().iter().map(ParsedCertificate::try_from).collect::<Result<_, _>>();
        let authority = Authority {
            url: server.url(),
            anchors: anchors.map_err(internal)?,
            module: None,
            plain: false,
            user: None,
        };
        Ok(Self {
            token,
            count,
            record,
            pins,
            service,
            authority,
            through,
            in_reader,
            folder,
            house,
            wire,
            numbers: AtomicU32::new(1),
            _server: server,
            _temporary: temporary,
        })
    }

    /// How many days before the end of their certificates holders begin.
    pub fn days_left(&self) -> u32 {
        days_left(&self.service)
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
        self.approve_at(SystemTime::now())
    }

    /// The same, at another time.
    pub fn approve_at(&self, now: SystemTime) -> Result<(), Failure> {
        let house = House::open(&self.folder.join("ca")).map_err(internal)?;
        for order in house.ca().list(Some(OrderState::Pending), 10).map_err(internal)? {
            house.ca().approve(&order.transaction, now).map_err(internal)?;
        }
        Ok(())
    }
}

/// What rules look at, and what they need to try something out.
impl Stage {
    /// The CA, from inside.
    pub fn house(&self) -> &House {
        &self.house
    }

    /// The same, for who keeps it.
    pub const fn shared_house(&self) -> &Arc<House> {
        &self.house
    }

    /// What the server was asked so far, and what it answered.
    pub fn wire(&self) -> MutexGuard<'_, Vec<Access>> {
        lock(&self.wire)
    }

    /// A number that nobody had before.
    pub fn next_number(&self) -> u32 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Every order as it stands at the CA, and how many certificates it has.
    pub fn orders(&self) -> Result<Vec<(OrderState, usize)>, Failure> {
        let orders = self.house.ca().list(None, 100).map_err(internal)?;
        Ok(orders.iter().map(|order| (order.state, order.certificates.len())).collect())
    }

    /// The order of the holder of this certificate.
    pub fn order_of(&self, holder: &ParsedCertificate) -> Result<OrderRecord, Failure> {
        let name = holder.subject().to_string();
        let orders = self.house.ca().list(None, 1000).map_err(internal)?;
        orders.into_iter().find(|order| order.holder == name).ok_or_else(|| internal("there is no order"))
    }

    /// Certificates for these keys in the name of somebody else.
    pub fn certify_for_another(&self, keys: &Pair<SubjectPublicKeyInfoOwned>) -> Result<Vec<Vec<u8>>, Failure> {
        let number = self.next_number();
        let other = Holder { name: format!("CN=Other {number},C=CZ"), email: format!("other-{number}@holder.example") };
        self.certify_elsewhere(&other, keys)
    }

    /// Certificates by a CA that has the keys of this one and none of its records: one that remembers certifies no key twice, and
    /// keeps what it has certified.
    pub fn certify_elsewhere(
        &self,
        holder: &Holder,
        keys: &Pair<SubjectPublicKeyInfoOwned>,
    ) -> Result<Vec<Vec<u8>>, Failure> {
        let forgetful = tempfile::tempdir_in(&self.folder)?;
        for entry in fs::read_dir(self.folder.join("ca"))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_record = name.starts_with("ca.db") || name.starts_with("audit.");
            if entry.file_type()?.is_file() && !is_record {
                fs::copy(entry.path(), forgetful.path().join(name))?;
            }
        }
        let house = House::open(forgetful.path()).map_err(internal)?;
        let (authentication, signature) = (&keys.authentication, &keys.signature);
        let issued = house.first_pair(holder, authentication, signature, self.days_left(), SystemTime::now());
        let issued = issued.map_err(internal)?;
        Ok(vec![issued.authentication.der, issued.signature.der])
    }

    /// Asks the server something, as a program would that has no card.
    pub fn ask(&self, request: &HttpRequest) -> Result<HttpResponse, Failure> {
        let https = Https::new(&self.authority.url, tls_config(&self.authority.anchors)?)?;
        Ok(https.exchange(request)?)
    }

    /// What the CA's operator does when a card is lost.
    pub fn revoke(&self, certificate: &ParsedCertificate) -> Result<(), Failure> {
        let serial = certificate.certificate().tbs_certificate().serial_number().as_bytes().to_vec();
        let desk = self.house.revocation_desk().map_err(internal)?;
        desk.by_operator(&serial, RevocationReason::KeyCompromise, SystemTime::now()).map_err(internal)
    }
}

/// Both sides have to renew by then, and the certificates to live as long.
fn days_left(service: &Service) -> u32 {
    let due = service.expects.due.as_secs() / 86_400;
    u32::try_from(DAYS_LEFT.min(due).min(service.expects.shortest_days())).unwrap_or(u32::MAX)
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
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

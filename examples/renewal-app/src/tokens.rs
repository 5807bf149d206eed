//! Opens what `--token` names.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use clap::ValueEnum as _;
use obnova_card::{Location, ProfileToken, Token};
use obnova_client::SharedToken;
use obnova_simulator::{Card, Fault, FaultPlan, SimulatorConnection, StateFileError};
use obnova_transport::{CardConnection, Count, Decorated, Record};
#[cfg(feature = "pcsc")]
use obnova_transport::{Patient, TransportError};

use crate::{
    cli::{Global, Tear},
    failure::{Failure, Kind},
    texts::t,
};

/// A token that was opened, and what counts its commands (nothing, behind a PKCS#11 module).
pub struct Opened {
    pub token: Box<dyn Token>,
    pub count: Count,
    /// What is written down of the talk with the card, if anything.
    pub record: Option<Record>,
}

/// The card that is meant when none is named: the only one in a reader, where readers can be used.
const DEFAULT: Option<&str> = if cfg!(feature = "pcsc") { Some("pcsc") } else { None };

/// A folder in the environment, for the files by which programs are kept from one PKCS#11 token at the same time. All of them need the
/// same one.
#[cfg(feature = "pkcs11")]
const LOCKS: &str = "OBNOVA_LOCKS";

/// Opens the token that the options name.
pub fn open(global: &Global) -> Result<Box<dyn Token>, Failure> {
    let Some(name) = global.token.as_deref().or(DEFAULT) else {
        return Err(Failure::new(Kind::Usage, t!("error-which-token")));
    };
    Ok(open_named(name, global.trace.as_deref(), !global.no_pad)?.token)
}

/// The same, as several may hold it.
pub fn open_shared(global: &Global) -> Result<SharedToken, Failure> {
    Ok(Arc::new(Mutex::new(open(global)?)))
}

/// Opens a token by its name, counted, and recorded if a file is given for that. Without `pad` the reader's own keys are not
/// asked for.
pub fn open_named(name: &str, trace: Option<&Path>, pad: bool) -> Result<Opened, Failure> {
    if let Some(file) = name.strip_prefix("sim:") {
        return card(SimulatorConnection::new(simulated(Path::new(file))?), trace, pad);
    }
    let location: Location = name.parse().map_err(|problem: obnova_card::LocationError| {
        Failure::new(Kind::Usage, t!("error-token-name", problem = problem.to_string()))
    })?;
    #[cfg(feature = "pcsc")]
    if let Location::Pcsc(reader) = &location {
        // Conversations take less than that, but for the making of an RSA key in a slow card.
        const USUAL: std::time::Duration = std::time::Duration::from_secs(2);
        let tell = |reader: &str| anstream::eprintln!("{}", t!("card-waits-for-another-program", reader = reader));
        let open = || location.open_pcsc().unwrap_or(Err(TransportError::NoReader));
        let connection = Patient::open(reader.as_deref().unwrap_or("the reader"), USUAL, tell, open)?;
        return card(connection, trace, pad);
    }
    #[cfg(feature = "pkcs11")]
    if let Location::Pkcs11(uri) = &location {
        let folder = std::env::var_os(LOCKS).filter(|folder| !folder.is_empty());
        let options = obnova_card::Pkcs11Options::new();
        let options = if let Some(folder) = folder { options.locks_in(folder) } else { options };
        return Ok(Opened { token: Box::new(options.open(uri)?), count: Count::new(), record: None });
    }
    Err(Failure::new(Kind::Usage, t!("error-token-feature", location = name)))
}

/// The driver for a card behind a connection, with a count and perhaps a record around every conversation.
pub fn card(connection: impl CardConnection + 'static, trace: Option<&Path>, pad: bool) -> Result<Opened, Failure> {
    let count = Count::new();
    let counted = Decorated::new(connection, count.clone());
    let Some(path) = trace else {
        return Ok(Opened { token: driver(counted, pad), count, record: None });
    };
    let record = Record::to_writer(File::create(path)?);
    let recorded = Decorated::new(counted, record.clone());
    Ok(Opened { token: driver(recorded, pad), count, record: Some(record) })
}

fn driver(connection: impl CardConnection + 'static, pad: bool) -> Box<dyn Token> {
    let token = ProfileToken::new(connection);
    Box::new(if pad { token } else { token.without_pin_pad() })
}

/// The token, for one operation. A card whose user panicked is still a card: each operation begins anew.
pub fn lock(token: &SharedToken) -> MutexGuard<'_, Box<dyn Token>> {
    token.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens a simulated card, and tears it where `simulator tear` said.
pub fn simulated(file: &Path) -> Result<Card, Failure> {
    let unusable = |problem: String| {
        let file = file.display().to_string();
        Failure::new(Kind::NoCard, t!("simulator-unreadable", file = file, problem = problem))
    };
    let mut card = Card::open(file).map_err(|problem| match problem {
        StateFileError::InUse { .. } => {
            Failure::new(Kind::NoCard, t!("simulator-in-use", problem = problem.to_string()))
        }
        problem => unusable(problem.to_string()),
    })?;
    let note = tear_note(file);
    if let Ok(text) = fs::read_to_string(&note) {
        fs::remove_file(&note)?;
        let plan = tear_plan(&text).ok_or_else(|| unusable(note.display().to_string()))?;
        card.set_faults(plan);
    }
    Ok(card)
}

/// `12 inside`
fn tear_plan(text: &str) -> Option<FaultPlan> {
    let (at, how) = text.trim().split_once(' ')?;
    let fault = match Tear::from_str(how, false).ok()? {
        Tear::Before => Fault::TearBefore,
        Tear::Inside => Fault::TearInside,
        Tear::After => Fault::TearAfter,
    };
    Some(FaultPlan::new().at(at.parse().ok()?, fault))
}

/// The file beside a card's that says where to tear it next.
pub fn tear_note(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".tear");
    name.into()
}

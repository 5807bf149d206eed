//! The whole road in one go, without a terminal: the holder at a window, the office at its folder, and a card between them.

use std::{
    collections::VecDeque,
    error::Error,
    fmt::Debug,
    io::Write,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use obnova_algorithm::KeyAlgorithm;
use obnova_card::{KeyRole, PasswordKind, ProfileToken, Secret};
use obnova_client::{CaConnection, SharedToken, Turn, renewal::Pair, share};
use obnova_profile::{Label, SlotNumber};
use obnova_simulator::{Personalisation, SimulatorConnection};

use crate::{Done, FrontEnd, Holder, HouseCa, HouseConnection, OrderFolder, Screens, Trouble};

/// A holder's desk and the office, with a card whose pair ends in 20 days.
pub struct Scene {
    /// The office.
    pub office: HouseCa,
    /// What both share.
    pub folder: OrderFolder,
    /// The card, as its driver sees it.
    pub token: SharedToken,
    /// The card itself.
    pub card: SimulatorConnection,
    directory: PathBuf,
}

/// A person who knows the PINs of the demonstration's card and agrees to everything.
#[derive(Default)]
pub struct Pocket {
    /// PINs that are typed first, whatever is asked for: for slips of the finger.
    pub slips: VecDeque<&'static str>,
}

const DAY: Duration = Duration::from_secs(24 * 3600);
const AUTHENTICATION_PIN: &str = "1234";
const SIGNATURE_PIN: &str = "567890";
const PUK: &str = "12345678";

/// Plays it: the card before, a renewal whose window is closed while the office works, and the card after.
///
/// # Errors
/// Whatever keeps it from coming to its end.
pub fn play(scene: &Scene, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let mut connection = scene.connection();
    writeln!(out, "(Ukázka: karta je simulovaná, PIN píše a tlačítka mačká ukázka sama.)")?;
    scene.at_the_window(&mut connection, &mut Pocket::default(), out, |front_end| front_end.show_card())?;

    let first = scene.at_the_window(&mut connection, &mut Pocket::default(), out, |front_end| front_end.renew())?;
    expect(matches!(first, Turn::Waits(_)), &first)?;
    writeln!(out, "\n(Držitel okno zavřel. Běží už jen registrační místo.)\n")?;

    scene.office_hour(out)?;
    for number in scene.office.waiting()? {
        writeln!(out, "  [registrační místo] referentka objednávku {number:.8}… schvaluje")?;
        scene.office.approve(number, SystemTime::now())?;
    }
    scene.office_hour(out)?;

    writeln!(out, "\n(Držitel okno znovu otevřel.)\n")?;
    let second = scene.at_the_window(&mut connection, &mut Pocket::default(), out, |front_end| front_end.renew())?;
    expect(matches!(second, Turn::Done(_)), &second)?;
    writeln!(out)?;
    scene.office_hour(out)?;
    scene.at_the_window(&mut connection, &mut Pocket::default(), out, |front_end| front_end.show_card())?;
    Ok(())
}

fn expect(true_of: bool, what: &dyn Debug) -> Result<(), Box<dyn Error>> {
    if true_of { Ok(()) } else { Err(format!("the renewal went another way: {what:?}").into()) }
}

impl Scene {
    /// Sets the scene in a directory of its own.
    ///
    /// # Errors
    /// Whatever keeps it from being set.
    pub fn set(directory: &Path) -> Result<Self, Box<dyn Error>> {
        let folder = OrderFolder::open(&directory.join("order-folder"))?;
        let office = HouseCa::open(&directory.join("office"), folder.clone(), SystemTime::now())?;
        let card = personalised(&office)?;
        let token = share(ProfileToken::new(card.clone()));
        Ok(Self { office, folder, token, card, directory: directory.to_owned() })
    }

    /// The holder's way to the office.
    #[must_use]
    pub fn connection(&self) -> HouseConnection {
        HouseConnection::new(self.folder.clone(), self.office.root().clone())
    }

    /// Opens a window for as long as `act` lasts.
    ///
    /// # Errors
    /// As `act`.
    pub fn at_the_window<T>(
        &self,
        ca: &mut dyn CaConnection,
        holder: &mut dyn Holder,
        out: &mut dyn Write,
        act: impl FnOnce(&mut FrontEnd<'_>) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        act(&mut FrontEnd {
            token: self.token.clone(),
            ca,
            screens: Screens::new(out, holder),
            journals: self.directory.join("journals"),
            clock: &SystemTime::now,
        })
    }

    /// The office goes through its folder once.
    ///
    /// # Errors
    /// As [`HouseCa::work`].
    pub fn office_hour(&self, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
        for (number, done) in self.office.work(SystemTime::now())? {
            let what = match done {
                Done::Entered => "zapsána do rejstříku".into(),
                Done::Issued => "vydány oba certifikáty".into(),
                Done::Refused(reason) => format!("odmítnuta ({reason})"),
                Done::Closed => "převzetí potvrzeno, uzavřeno".into(),
            };
            writeln!(out, "  [registrační místo] objednávka {number:.8}…: {what}")?;
        }
        Ok(())
    }
}

impl Holder for Pocket {
    fn types(&mut self, password: PasswordKind) -> Option<Secret> {
        let slip = self.slips.pop_front();
        let known = match password {
            PasswordKind::AuthenticationPin => AUTHENTICATION_PIN,
            PasswordKind::SignaturePin => SIGNATURE_PIN,
            PasswordKind::Puk => PUK,
            PasswordKind::TransportPin => return None,
        };
        Some(Secret::from(slip.unwrap_or(known)))
    }

    fn agrees(&mut self) -> bool {
        true
    }
}

/// A card with an RSA pair of the house that ends in 20 days.
fn personalised(office: &HouseCa) -> Result<SimulatorConnection, Box<dyn Error>> {
    let [authentication_pin, signature_pin, puk] = [AUTHENTICATION_PIN, SIGNATURE_PIN, PUK].map(str::as_bytes);
    let mut card = Personalisation::new("OBN00000021")
        .label("Jana Nováková")
        .active(authentication_pin, signature_pin, puk)
        .finish()?;
    let slot = |role| match role {
        KeyRole::Authentication => SlotNumber::new(1),
        KeyRole::Signature => SlotNumber::new(2),
    };
    let label = |role| match role {
        KeyRole::Authentication => Label::fitting("Přihlášení"),
        KeyRole::Signature => Label::fitting("Podpis"),
    };
    let keys = Pair::try_from_fn(|role| {
        let (slot, role_on_card) = (slot(role).ok_or("no such slot")?, role.into());
        Ok::<_, Box<dyn Error>>(card.personalise_key(slot, role_on_card, KeyAlgorithm::Rsa2048, &label(role))?)
    })?;
    let now = SystemTime::now();
    let holder = "CN=Jana Nováková,SERIALNUMBER=RMS-1984,C=CZ";
    let pair = office.first_pair(holder, "jana.novakova@example.cz", keys, (now - 710 * DAY, now + 20 * DAY))?;
    for (role, certificate) in pair.iter() {
        card.personalise_certificate(slot(role).ok_or("no such slot")?, certificate, &label(role))?;
    }
    Ok(SimulatorConnection::new(card))
}

/// Sets the scene in a temporary directory, plays, and leaves nothing behind.
///
/// # Errors
/// As [`play`].
pub fn run(out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let directory = tempfile::Builder::new().prefix("obnova-vendor-").tempdir()?;
    let outcome = play(&Scene::set(directory.path())?, out);
    directory.close()?;
    outcome
}

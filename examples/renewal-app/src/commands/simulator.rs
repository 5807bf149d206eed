use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::Path,
    time::SystemTime,
};

use clap::ValueEnum as _;
use obnova_card::Pin;
use obnova_reference_ca::house::{self, Holder, House, InitOptions};
use obnova_renewal::Pair;
use obnova_simulator::{Personalisation, SimulatorConnection, vpcd};

use crate::{
    cli::{NewCard, SimulatorCommand, Tear},
    failure::{Failure, Kind, internal},
    pins::{Asked, Pins},
    stage::{FirstPair, personalise},
    texts::t,
    tokens,
    ui::{Mark, Screen},
};

/// `simulator`: cards in files.
pub fn run(command: SimulatorCommand) -> Result<(), Failure> {
    match command {
        SimulatorCommand::New(card) => new(&card),
        SimulatorCommand::Serve { served, port } => serve(&served, port),
        SimulatorCommand::Tear { torn, at, how } => tear(&torn, at, how),
    }
}

/// Makes a card, and its first pair.
fn new(options: &NewCard) -> Result<(), Failure> {
    let (file, given) = (&options.state, Pins::read(&options.pins)?);
    let shown = file.display().to_string();
    if file.exists() {
        return Err(Failure::new(Kind::Usage, t!("simulator-exists", file = shown)));
    }
    let secret = |asked, play: &str| given.given(asked).unwrap_or_else(|| play.into());
    let authentication = secret(Asked::AuthenticationPin, "1234");
    let signature = secret(Asked::SignaturePin, "567890");
    let puk = secret(Asked::Puk, "12345678");
    let maker = Personalisation::new(options.serial.as_str()).label(t!("demo-holder"));
    let maker = maker.active(authentication.expose(), signature.expose(), puk.expose());
    let card = maker.create(file).map_err(|problem| Failure::new(Kind::Usage, problem.to_string()))?;
    let mut screen = Screen::new();
    if !options.empty {
        let making = screen.progress(&t!("demo-setting-up"));
        let mut token = tokens::card(SimulatorConnection::new(card), None)?.token;
        let personalised = first_pair(options, token.as_mut(), &Pin::new(authentication));
        drop(making);
        if personalised.is_err() {
            // A card without its pair is not what was asked for.
            fs::remove_file(file)?;
        }
        screen.mark(Mark::Good, &t!("simulator-house", name = personalised?));
    }
    screen.mark(Mark::Good, &t!("simulator-made", file = shown));
    if !given.any() {
        screen.mark(Mark::Item, &t!("simulator-pins", authentication = "1234", signature = "567890", puk = "12345678"));
    }
    Ok(())
}

/// Lets a house issue the first pair, and says which one.
fn first_pair(options: &NewCard, token: &mut dyn obnova_card::Token, pin: &Pin) -> Result<String, Failure> {
    let now = SystemTime::now();
    let temporary = tempfile::tempdir()?;
    let folder = match &options.house {
        Some(folder) => folder.clone(),
        None => {
            let folder = temporary.path().join("ca");
            let backdated = InitOptions { backdate_days: 366, ..InitOptions::default() };
            house::init(&folder, &backdated, now).map_err(internal)?;
            folder
        }
    };
    let house = House::open(&folder).map_err(|problem| Failure::new(Kind::Usage, problem.to_string()))?;
    let holder = Holder { name: format!("CN={},C=CZ", t!("demo-holder")), email: t!("demo-email") };
    let algorithms =
        Pair { authentication: options.authentication_key.into(), signature: options.signature_key.into() };
    let first = FirstPair { algorithms, days_left: options.days };
    let issued = personalise(token, &house, &holder, &first, pin, now)?;
    Ok(crate::view::name(issued.authentication.certificate.tbs_certificate().issuer()))
}

/// Attaches a card to the virtual reader until the program is ended.
fn serve(file: &Path, port: u16) -> Result<(), Failure> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let card = SimulatorConnection::new(tokens::simulated(file)?);
    // Attached waits for a reader for ever; whoever typed this wants to know.
    TcpStream::connect(address).map_err(|problem| {
        Failure::new(Kind::NoCard, t!("simulator-no-reader", port = port.to_string(), problem = problem.to_string()))
    })?;
    let _attached = vpcd::Attached::new(&card, address)?;
    Screen::new().mark(Mark::Good, &t!("simulator-serving", port = port.to_string()));
    // Every change is in the file before the card answers: there is nothing to do at the end.
    loop {
        std::thread::park();
    }
}

/// Leaves a note beside the card that its next use finds.
fn tear(file: &Path, at: u64, how: Tear) -> Result<(), Failure> {
    drop(tokens::simulated(file)?);
    let how = how.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
    fs::write(tokens::tear_note(file), format!("{at} {how}\n"))?;
    Screen::new().mark(Mark::Good, &t!("simulator-torn", at = at));
    Ok(())
}

use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::Path,
    time::SystemTime,
};

use clap::ValueEnum as _;
use obnova_algorithm::text::is_unseen;
use obnova_ca::{ApplicantError, ApplicantId, to_hex};
use obnova_card::{Pin, Secret};
use obnova_profile::TransportPinModel;
use obnova_reference_ca::house::{self, FirstCertificates, Holder, House, InitOptions};
use obnova_renewal::Pair;
use obnova_simulator::{Card, Personalisation, SimulatorConnection, vpcd};

use crate::{
    cli::{NewCard, SimulatorCommand, Tear},
    failure::{Failure, Kind, internal},
    pins::{Asked, Pins},
    stage::{FirstPair, personalise, personalise_inactive},
    texts::t,
    tokens,
    ui::{Mark, Screen},
};

/// Of the longest label of a card, in bytes (PROFILE.md).
const LONGEST_LABEL: usize = 32;

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
    let (file, given) = (&options.state, Pins::read_for_card(&options.transport, &options.pins, &options.puk)?);
    let shown = file.display().to_string();
    if file.exists() {
        return Err(Failure::new(Kind::Usage, t!("simulator-exists", file = shown)));
    }
    let whose = whose(options)?;
    let serial = serial(options)?;
    let maker = Personalisation::new(serial.as_str()).label(label(&whose.name));
    let (maker, told) = match options.model() {
        Some(model) => inactive(maker, model.into(), &given),
        None => active(maker, &given),
    };
    let card = maker.create(file).map_err(|problem| Failure::new(Kind::Usage, problem.to_string()))?;
    let mut screen = Screen::new();
    if !options.empty {
        let making = screen.progress(&t!("demo-setting-up"));
        let personalised = first_pair(options, &whose, card, &Pin::new(authentication_pin(&given)));
        drop(making);
        if personalised.is_err() {
            // A card without its pair is not what was asked for.
            fs::remove_file(file)?;
        }
        let issued = personalised?;
        let issuer = crate::view::name(issued.authentication.certificate.tbs_certificate().issuer());
        screen.mark(Mark::Good, &t!("simulator-house", name = issuer));
        if options.applicant.is_some() {
            let [authentication, signature] =
                [&issued.authentication, &issued.signature].map(|one| to_hex(one.serial()));
            let told = t!("simulator-serials", card = serial, authentication = authentication, signature = signature);
            screen.mark(Mark::Item, &told);
        }
    }
    screen.mark(Mark::Good, &t!("simulator-made", file = shown));
    if let Some(told) = told {
        screen.mark(Mark::Item, &told);
    }
    Ok(())
}

fn authentication_pin(given: &Pins) -> Secret {
    given.given(Asked::AuthenticationPin).unwrap_or_else(|| "1234".into())
}

/// With its holder's passwords, and what is told of them: those for play.
fn active(maker: Personalisation, given: &Pins) -> (Personalisation, Option<String>) {
    let secret = |asked, play: &str| given.given(asked).unwrap_or_else(|| play.into());
    let (signature, puk) = (secret(Asked::SignaturePin, "567890"), secret(Asked::Puk, "12345678"));
    let play = t!("simulator-pins", authentication = "1234", signature = "567890", puk = "12345678");
    let maker = maker.active(authentication_pin(given).expose(), signature.expose(), puk.expose());
    (maker, (!given.any()).then_some(play))
}

/// With a transport PIN, where the model has one that its holder is given.
fn inactive(maker: Personalisation, model: TransportPinModel, given: &Pins) -> (Personalisation, Option<String>) {
    let play = match model {
        TransportPinModel::Empty | TransportPinModel::Null => "",
        TransportPinModel::FiveDigits => "70070",
        _ => "700700",
    };
    match given.given(Asked::TransportPin) {
        Some(transport) => (maker.inactive(model, transport.expose()), Some(t!("simulator-inactive"))),
        None if play.is_empty() => (maker.inactive(model, b""), Some(t!("simulator-inactive"))),
        None => (maker.inactive(model, play.as_bytes()), Some(t!("simulator-transport", transport = play))),
    }
}

/// As it was named; where it was not, that of a card for play, and another one for each card that is made for an applicant: the CA takes each
/// for one applicant only.
fn serial(options: &NewCard) -> Result<String, Failure> {
    match (&options.serial, &options.applicant) {
        (Some(named), _) => Ok(named.clone()),
        (None, None) => Ok("OBN00000001".to_owned()),
        (None, Some(_)) => {
            let mut number = [0; 6];
            aws_lc_rs::rand::fill(&mut number).map_err(internal)?;
            Ok(format!("OBN{}", to_hex(&number).to_uppercase()))
        }
    }
}

/// Whose card it is.
struct Whose {
    /// On the card.
    name: String,
    holder: Holder,
    days_left: u32,
}

/// The applicant who is named, or somebody for play.
fn whose(options: &NewCard) -> Result<Whose, Failure> {
    let (Some(folder), Some(applicant)) = (&options.house, &options.applicant) else {
        let holder = Holder { name: format!("CN={},C=CZ", t!("demo-holder")), email: t!("demo-email") };
        return Ok(Whose { name: t!("demo-holder"), holder, days_left: options.days.unwrap_or(20) });
    };
    let house = open(folder)?;
    let of = |id: ApplicantId| house.applicant_desk().map_err(internal)?.to_personalise(id).map_err(not_a_card);
    let data = of(applicant.parse().map_err(not_a_card)?)?.data;
    let days_left = options.days.unwrap_or_else(|| house.days_of_a_pair());
    Ok(Whose { name: data.name().to_owned(), holder: Holder::from(&data), days_left })
}

/// As much of a name as a card has room for.
fn label(name: &str) -> String {
    let mut label = String::new();
    for one in name.chars().filter(|one| !is_unseen(*one)) {
        if label.len() + one.len_utf8() > LONGEST_LABEL {
            break;
        }
        label.push(one);
    }
    label
}

/// The CA says why.
fn not_a_card(problem: ApplicantError) -> Failure {
    Failure::new(Kind::Refused, problem.to_string())
}

fn open(folder: &Path) -> Result<House, Failure> {
    House::open(folder).map_err(|problem| Failure::new(Kind::Usage, problem.to_string()))
}

/// Lets a house issue the first pair.
fn first_pair(options: &NewCard, whose: &Whose, mut card: Card, pin: &Pin) -> Result<FirstCertificates, Failure> {
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
    let house = open(&folder)?;
    let algorithms =
        Pair { authentication: options.authentication_key.into(), signature: options.signature_key.into() };
    let first = FirstPair { algorithms, days_left: whose.days_left };
    match options.model() {
        Some(_) => personalise_inactive(&mut card, &house, &whose.holder, &first, &Pair::ROLES, now),
        None => {
            let mut token = tokens::card(SimulatorConnection::new(card), None, false)?.token;
            personalise(token.as_mut(), &house, &whose.holder, &first, pin, now)
        }
    }
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

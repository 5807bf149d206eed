use std::{
    fs, io,
    io::Read as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

use clap::{Args, Subcommand};
use obnova_ca::{
    ApplicantData, ApplicantError, ApplicantId, Personalised, Stage, Subject, TransportPin, store::ApplicantRecord,
};
use obnova_enroll::cmc::UserId;
use obnova_reference_ca::{Serial, applicants};
use zeroize::Zeroizing;

use super::{
    CommandError,
    certify::{self, Certify},
    open, print,
};
use crate::{cli::user, show};

#[derive(Debug, Subcommand)]
pub enum ApplicantCommand {
    /// Take down somebody who applies for a card; a mail asks them to confirm the address
    ///
    /// Prints the number, and the secret by which the applicant corrects the data.
    Register {
        /// As on the papers
        #[arg(long)]
        name: String,
        /// The e-mail address, to be confirmed: mails go there, and it stands in the certificates
        #[arg(long)]
        email: String,
        /// Two letters
        #[arg(long)]
        country: String,
        /// Of the person or a paper: IDCCZ-123456
        #[arg(long)]
        number: Option<String>,
    },
    /// List applicants, the newest first
    List {
        /// Only those who are there
        #[arg(long, value_parser = stage)]
        stage: Option<Stage>,
        /// At most so many
        #[arg(long, default_value_t = 100, value_name = "NUMBER")]
        limit: u32,
        /// As JSON: a list of objects
        #[arg(long)]
        json: bool,
    },
    /// Show all that is kept of an applicant, as JSON
    Show {
        /// As `list` names them
        applicant: String,
    },
    /// Correct the data, until the identity check; what you leave out stays
    ///
    /// Another address has to be confirmed anew. While it is not confirmed, the mail that asks for it goes once more, also where nothing
    /// is corrected.
    Correct {
        #[command(flatten)]
        of: Of,
        /// As on the papers
        #[arg(long)]
        name: Option<String>,
        /// The e-mail address
        #[arg(long)]
        email: Option<String>,
        /// Two letters
        #[arg(long)]
        country: Option<String>,
        /// Of the person or a paper; an empty one for none
        #[arg(long)]
        number: Option<String>,
    },
    /// You have looked at the applicant's papers, and they say what was entered
    Identity {
        #[command(flatten)]
        of: Of,
        /// Of what you compared, as `show` names it: what was corrected meanwhile nobody has seen
        #[arg(long, value_name = "HEX")]
        fingerprint: String,
    },
    /// The contract is signed
    Contract {
        #[command(flatten)]
        of: Of,
        /// Its number
        #[arg(long)]
        reference: String,
    },
    /// It is paid
    Payment {
        #[command(flatten)]
        of: Of,
        /// Of the payment
        #[arg(long)]
        reference: String,
    },
    /// Issue the certificates of a card that is made for the applicant, for the two keys on it
    ///
    /// After the payment; `personalise` then takes the card down, with the serial numbers that are printed here. A request is a PKCS#10
    /// file, PEM or DER, that the key signed which it is about; of what it says only the key is taken. Holder and address are
    /// those that were checked, and the time is the one that policy says.
    Certify(Certify),
    /// A card has keys, certificates and a transport PIN
    ///
    /// What was issued together is named together, unless it was revoked. Again, for another card; for the same one until it is handed over, and
    /// then where the transport PIN is gone: it was shown, or forgotten after the time of its last link. Certificates that are not on the card
    /// any more are revoked as superseded, and it is handed over anew.
    Personalise {
        #[command(flatten)]
        of: Of,
        /// Serial number of the card
        #[arg(long, value_name = "SERIAL")]
        card: String,
        /// Serial numbers of the certificates on it
        #[arg(long = "certificate", value_name = "SERIAL", required = true)]
        certificates: Vec<Serial>,
        /// A file with the transport PIN, - for standard input
        #[arg(long, value_name = "FILE")]
        transport_pin_file: PathBuf,
    },
    /// Where a service hands over a one-time password in place of a card: take the applicant down as somebody who may ask for first
    /// certificates, with the name and address that were checked
    ///
    /// After the payment. `obnova-ca password issue` then makes the password. Who gets certificates by it is kept as one who has a card.
    Enter {
        #[command(flatten)]
        of: Of,
        /// The user id
        #[arg(long, value_name = "ID", value_parser = user)]
        user: UserId,
        /// The module of the service
        #[arg(long, default_value = Subject::MODULE)]
        module: String,
    },
    /// The applicant has the card; a link to the transport PIN is mailed. Again, where it is lost or over: the one before ends
    ///
    /// Where the PIN is not kept any more, a card has to be personalised before.
    HandOver {
        #[command(flatten)]
        of: Of,
    },
}

/// Whose step it is, and who takes it.
#[derive(Debug, Args)]
pub struct Of {
    /// As `list` names them
    applicant: String,
    /// Who you are
    #[arg(long, env = "USER")]
    operator: String,
}

/// The longest file that is read for a transport PIN, in bytes.
const LONGEST: u64 = 256;

pub fn run(directory: &Path, command: &ApplicantCommand) -> Result<(), CommandError> {
    let house = open(directory)?;
    let (desk, now) = (house.applicant_desk()?, SystemTime::now());
    let of = |of: &Of| of.applicant.parse::<ApplicantId>();
    let record = match command {
        ApplicantCommand::Register { name, email, country, number } => {
            let data = ApplicantData::new(name, email, country, number.as_deref()).map_err(ApplicantError::from)?;
            let registered = desk.register_by_operator(&data, now)?;
            return print(&Zeroizing::new(format!("{}\nsecret {}\n", registered.id, *registered.secret)));
        }
        ApplicantCommand::List { stage, limit, json } => {
            let found = desk.list(*stage, *limit)?;
            let as_json = || format!("{:#}\n", found.iter().map(applicants::json).collect::<serde_json::Value>());
            return print(&if *json { as_json() } else { show::applicants(&found) });
        }
        ApplicantCommand::Certify(command) => return certify::run(&house, &desk, command, now),
        ApplicantCommand::Show { applicant } => {
            return print(&format!("{:#}\n", applicants::json(&desk.get(applicant.parse()?)?)));
        }
        ApplicantCommand::Correct { of: who, name, email, country, number } => {
            let ApplicantRecord { id, data: before, .. } = desk.get(of(who)?)?;
            let name = name.as_deref().unwrap_or_else(|| before.name());
            let email = email.as_deref().unwrap_or_else(|| before.email().as_str());
            let country = country.as_deref().unwrap_or_else(|| before.country());
            let number = number.as_deref().or_else(|| before.number()).filter(|number| !number.is_empty());
            let data = ApplicantData::new(name, email, country, number).map_err(ApplicantError::from)?;
            desk.correct_by_operator(id, &who.operator, &before.fingerprint(), &data, now)
        }
        ApplicantCommand::Enter { of: who, user, module } => desk.enter(of(who)?, &who.operator, (user, module), now),
        ApplicantCommand::Identity { of: who, fingerprint } => desk.identify(of(who)?, &who.operator, fingerprint, now),
        ApplicantCommand::Contract { of: who, reference } => desk.contract(of(who)?, &who.operator, reference, now),
        ApplicantCommand::Payment { of: who, reference } => desk.pay(of(who)?, &who.operator, reference, now),
        ApplicantCommand::Personalise { of: who, card, certificates, transport_pin_file } => {
            let made = Personalised {
                card: card.clone(),
                certificates: certificates.iter().map(|serial| serial.0.clone()).collect(),
                transport_pin: read_pin(transport_pin_file)?,
            };
            desk.personalise(of(who)?, &who.operator, &made, now)
        }
        ApplicantCommand::HandOver { of: who } => desk.hand_over(of(who)?, &who.operator, now),
    };
    let ApplicantRecord { id, stage, .. } = record?;
    print(&format!("{id} {stage}\n"))
}

fn stage(name: &str) -> Result<Stage, String> {
    let names = || Stage::ALL.map(Stage::name).join(", ");
    Stage::ALL.into_iter().find(|stage| stage.name() == name).ok_or_else(|| format!("one of {}", names()))
}

fn read_pin(path: &Path) -> Result<TransportPin, CommandError> {
    // Its whole size at once: what grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(LONGEST as usize + 1));
    let read = if path == Path::new("-") {
        io::stdin().take(LONGEST).read_to_string(&mut text)
    } else {
        fs::File::open(path).and_then(|file| file.take(LONGEST).read_to_string(&mut text))
    };
    read?;
    Ok(TransportPin::new(text.trim_end()).ok_or(ApplicantError::TransportPin)?)
}

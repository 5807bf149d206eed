use std::{path::Path, sync::Arc, time::SystemTime};

use clap::{Subcommand, ValueEnum};
use obnova_ca::store::{MailState, Retried};
use obnova_reference_ca::{
    House,
    mail::{Delivery, Postman, PostmanError},
};

use super::{CommandError, end_of_service, log::Log, open, print, say};
use crate::show;

#[derive(Debug, Subcommand)]
pub enum MailCommand {
    /// Send what waits, and go on so until interrupted
    ///
    /// A server that runs does this by itself. Two at once do no harm: each mail is one sender's for ten minutes.
    Send {
        /// End when nothing is due any more; 1 when a mail could not be sent
        #[arg(long)]
        once: bool,
    },
    /// List mails, the newest first; their texts are not shown
    List {
        /// Only those
        #[arg(long)]
        state: Option<State>,
        /// At most so many
        #[arg(long, default_value_t = 100, value_name = "NUMBER")]
        limit: u32,
        /// As JSON: a list of objects
        #[arg(long)]
        json: bool,
    },
    /// Try a mail again that was given up
    ///
    /// One whose link opens nothing any more is not sent: what makes another is said.
    Retry {
        /// As `list` numbers it
        #[arg(required_unless_present = "all")]
        number: Option<i64>,
        /// All that were given up, but for those whose link opens nothing any more
        #[arg(long, conflicts_with = "number")]
        all: bool,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum State {
    Waiting,
    Sent,
    GivenUp,
}

impl From<State> for MailState {
    fn from(state: State) -> Self {
        match state {
            State::Waiting => Self::Waiting,
            State::Sent => Self::Sent,
            State::GivenUp => Self::GivenUp,
        }
    }
}

pub fn run(directory: &Path, command: &MailCommand) -> Result<(), CommandError> {
    let house = Arc::new(open(directory)?);
    match command {
        MailCommand::Send { once: true } => {
            let log = |delivery: &Delivery| say(delivery);
            let delivered = postman(house)?.deliver(&SystemTime::now, &log)?;
            print(&format!("{} sent, {} not\n", delivered.sent, delivered.failed))?;
            if delivered.failed > 0 { Err(CommandError::NotSent) } else { Ok(()) }
        }
        MailCommand::Send { once: false } => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let end = runtime.block_on(async { end_of_service() })?;
            let (_log, lines) = Log::start()?;
            let rounds = postman(house)?.start(Arc::new(SystemTime::now), Arc::new(move |line| lines.add(line)))?;
            runtime.block_on(end);
            drop(rounds);
            Ok(())
        }
        MailCommand::List { state, limit, json } => {
            let mails = house.outbox()?.list(state.map(Into::into), *limit)?;
            print(&if *json { show::mails_json(&mails) } else { show::mails(&mails) })
        }
        MailCommand::Retry { number: None, .. } => {
            print(&format!("{} will be tried again\n", house.outbox()?.retry_all(SystemTime::now())?))
        }
        MailCommand::Retry { number: Some(number), .. } => match house.outbox()?.retry(*number, SystemTime::now())? {
            Retried::Again => print("it will be tried again\n"),
            Retried::LinkOver(kind) => Err(CommandError::LinkOver { number: *number, kind }),
            Retried::None => Err(CommandError::NoSuchMail(*number)),
        },
    }
}

/// A postman, after whoever sends was told where he has to guess what links in mails begin with.
fn postman(house: Arc<House>) -> Result<Postman, PostmanError> {
    if house.mail_config()?.base.is_none() && house.served_at().is_none() {
        let usual = House::USUAL_ADDRESS;
        say(format!(
            "no server of this CA runs here: links in mails are for {usual}, set base in mail.toml where that is wrong"
        ));
    }
    Postman::new(house)
}

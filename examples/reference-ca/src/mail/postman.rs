use std::{
    fmt, io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    thread::JoinHandle,
    time::{Duration, SystemTime},
};

use obnova_ca::{
    CaError, LinkDesk, LinkError, MailKind, NoticeDesk, Outbox, RevocationDesk, StoreError,
    store::{MailState, QueuedLink, QueuedMail},
};
use zeroize::Zeroizing;

use super::{Carrier, MailConfig, MailConfigError, message::message};
use crate::{
    House,
    house::{Cleared, HouseError},
};

/// How often a postman looks who has not come by yet.
const ROUND: Duration = Duration::from_secs(5);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Takes mails from the outbox of a CA to where its `mail.toml` says.
#[derive(Debug)]
pub struct Postman {
    house: Arc<House>,
    outbox: Outbox,
    links: LinkDesk,
    notices: NoticeDesk,
    revocations: RevocationDesk,
    config: MailConfig,
    carrier: Carrier,
}

/// One mail that was tried, as a log has it: neither address nor text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its row.
    pub id: i64,
    /// What it is about.
    pub kind: MailKind,
    /// What became of it.
    pub state: MailState,
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mail {} {} {}", self.id, self.kind, self.state.name())
    }
}

/// What became of the mails of one round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Mails that are out.
    pub sent: usize,
    /// Mails that are not, and are tried again or given up.
    pub failed: usize,
}

impl Postman {
    /// A postman for what the CA's `mail.toml` says.
    ///
    /// # Errors
    /// [`PostmanError`].
    pub fn new(house: Arc<House>) -> Result<Self, PostmanError> {
        let config = house.mail_config()?;
        let carrier = match &config.smtp {
            None => Carrier::Folder(house.mail_folder()),
            Some(relay) => Carrier::smtp(relay)?,
        };
        let (outbox, links) = (house.outbox()?, house.link_desk()?);
        let (notices, revocations) = (house.notice_desk()?, house.revocation_desk()?);
        Ok(Self { house, outbox, links, notices, revocations, config, carrier })
    }

    /// Takes out all that is due when it begins, one at a time: each has the whole time that a sender has for it.
    ///
    /// # Errors
    /// [`StoreError`]: what was taken and not told stays for the next round.
    pub fn deliver(&self, clock: &dyn Fn() -> SystemTime, log: &dyn Fn(&Delivery)) -> Result<Delivered, StoreError> {
        let mut delivered = Delivered::default();
        let begin = clock();
        // A clock that is set back makes nothing due again.
        let clock = || clock().max(begin);
        while let Some(mail) = self.outbox.take_next(begin, clock())? {
            let state = self.one(&mail, &clock)?;
            let count = if state == MailState::Sent { &mut delivered.sent } else { &mut delivered.failed };
            *count += 1;
            log(&Delivery { id: mail.id, kind: mail.kind, state });
        }
        Ok(delivered)
    }

    fn tell(&self, now: SystemTime, log: &dyn Fn(&str)) {
        // First, so that whoever can order again is told so.
        match self.revocations.turn_down_lapsed(now) {
            Ok(0) => {}
            Ok(count) => log(&format!("orders: {count} turned down, for what they would replace is over")),
            Err(error) => log(&format!("orders: {error}")),
        }
        match self.house.ca().turn_down_undecided(now) {
            Ok(0) => {}
            Ok(count) => log(&format!("orders: {count} turned down, on which nobody decided in time")),
            Err(error) => log(&format!("orders: {error}")),
        }
        match self.notices.send(self.house.ca(), now) {
            Ok(done) if done.unreachable.is_empty() => {}
            Ok(done) => log(&format!("notices: {} certificates have no address", done.unreachable.len())),
            Err(error) => log(&format!("notices: {error}")),
        }
        match self.house.clear(false, now) {
            Ok(cleared) if cleared == Cleared::default() => {}
            Ok(cleared) => log(&format!("forgotten: {cleared}")),
            Err(error) => log(&format!("retention: {error}")),
        }
    }

    fn one(&self, mail: &QueuedMail, clock: &dyn Fn() -> SystemTime) -> Result<MailState, StoreError> {
        if mail.kind == MailKind::Notice && self.notices.withdraw_late(self.house.ca(), mail)? {
            return Ok(MailState::GivenUp);
        }
        let link = match self.link(mail, clock()) {
            Ok(link) => link,
            Err(LinkError::Store(error)) => return Err(error),
            Err(error) => return self.outbox.failed(mail, &error.to_string(), true, clock()),
        };
        let message = match message(mail, link.as_ref().map(|link| link.as_str()), &self.config) {
            Ok(message) => message,
            Err(problem) => return self.outbox.failed(mail, &problem, true, clock()),
        };
        let name = format!("{:06}-{}-{}.eml", mail.id, mail.kind, &mail.message_id()[..8]);
        match self.carrier.carry(&message, &name) {
            Ok(()) => self.outbox.sent(mail, clock()).map(|()| MailState::Sent),
            Err(not) => self.outbox.failed(mail, &not.problem, not.refused, clock()),
        }
    }

    /// What stands in the mail and nowhere else.
    fn link(&self, mail: &QueuedMail, now: SystemTime) -> Result<Option<Zeroizing<String>>, LinkError> {
        let path = match &mail.link {
            None => return Ok(None),
            Some(QueuedLink::Signed(id)) if self.links.has_expired(*id, now)? => return Err(LinkError::Expired),
            Some(QueuedLink::Signed(id)) => self.links.path(*id)?,
            Some(QueuedLink::PickUp(transaction)) => {
                let order = self.house.ca().order(transaction).map_err(|error| match error {
                    CaError::Store(error) => LinkError::Store(error),
                    _ => LinkError::Unknown,
                });
                let order = order?.ok_or(LinkError::Unknown)?;
                Zeroizing::new(format!("/pickup/{}", *self.house.ca().token(&order).to_link()))
            }
        };
        let base = self.config.base.clone().unwrap_or_else(|| self.house.reached_at());
        Ok(Some(Zeroizing::new(format!("{}{}", base.trim_end_matches('/'), *path))))
    }

    /// Goes its rounds in a thread of its own, until what is returned is dropped; once a day it turns down the orders that wait for
    /// nothing, writes the notices that are due, and has forgotten what was kept long enough. A panic breaks one round off, which `log` is
    /// told, and no other; `log` itself must not panic then.
    ///
    /// # Errors
    /// No thread.
    pub fn start(
        self,
        clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
        log: Arc<dyn Fn(&str) + Send + Sync>,
    ) -> io::Result<Rounds> {
        let (stop, stopped) = channel::<()>();
        let rounds = move || {
            let mut day = SystemTime::UNIX_EPOCH;
            let mut round = || {
                let now = clock();
                // A clock that was set back is no reason to wait for yesterday.
                if now.duration_since(day).is_ok_and(|since| since >= DAY) || day > now {
                    day = now;
                    self.tell(now, &*log);
                }
                let told = self.deliver(&*clock, &|delivery| log(&delivery.to_string()));
                if let Err(error) = told {
                    log(&format!("mail: {error}"));
                }
            };
            loop {
                // What a round leaves behind is on disk, where it is as another process may have left it.
                if catch_unwind(AssertUnwindSafe(&mut round)).is_err() {
                    log("mail: a fault of this program broke a round off; the next one goes on");
                }
                match stopped.recv_timeout(ROUND) {
                    Err(RecvTimeoutError::Timeout) => {}
                    _ => return,
                }
            }
        };
        let thread = std::thread::Builder::new().name("ca-mail".into()).spawn(rounds)?;
        Ok(Rounds { stop: Some(stop), thread: Some(thread) })
    }
}

/// A postman on the way. Dropping this ends the rounds, after the mails that are in hand.
#[derive(Debug)]
pub struct Rounds {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Rounds {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A panic in it was printed there.
            let _ = thread.join();
        }
    }
}

/// Why mail cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum PostmanError {
    /// The CA.
    #[error(transparent)]
    House(#[from] HouseError),
    /// How it is to be sent.
    #[error(transparent)]
    Config(#[from] MailConfigError),
}

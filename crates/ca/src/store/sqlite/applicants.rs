//! People who apply for a card.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use rusqlite::{Connection, OptionalExtension, Row, params};

use obnova_status::{Revocation, RevocationReason};

use super::{
    SqliteStore, audit, certificates,
    credentials::{NewSubject, put_subject},
    failure, links, mails, odd,
    revocations::{self, Letters},
    seconds, time,
};
use crate::applicant::hash_of;
use crate::{
    ApplicantData, ApplicantError, ApplicantId, AuditEvent, CardCertificateError, LinkError, Mail, RegistrationPolicy,
    Stage, Step, StepRefused, StoreError,
    audit::Entry,
    link::LinkId,
    store::{CertificateRecord, KeptStatus, LinkUse},
};

macro_rules! applicants {
    ($rest:literal) => {
        concat!(
            "SELECT id, secret, stage, name, email, country, number, registered, card, transport_pin IS NOT NULL, pin_shown
             FROM applicants ",
            $rest
        )
    };
}

const ADD: &str = "INSERT INTO applicants (id, secret, stage, name, email, country, number, registered)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
const BY_ID: &str = applicants!("WHERE id = ?1");
pub(super) const LIST: &str = applicants!("ORDER BY registered DESC LIMIT ?1");
const LIST_STAGE: &str = applicants!("WHERE stage = ?2 ORDER BY registered DESC LIMIT ?1");
const STEPS: &str = "SELECT step, at, operator, reference FROM applicant_steps WHERE applicant = ?1 ORDER BY rowid";
/// What came on the card, and what was issued by one-time passwords in the place of one.
const CERTIFICATES: &str = "SELECT serial FROM applicant_certificates WHERE applicant = ?1
     UNION ALL SELECT certificates.serial FROM credentials CROSS JOIN certificates
         ON certificates.order_id = credentials.order_id WHERE credentials.applicant = ?1";
/// What was on the card, and what was issued to renew that, however often: it was made for that card too.
const RENEWED: &str = "WITH RECURSIVE line (serial) AS (
         SELECT serial FROM applicant_certificates WHERE applicant = ?1
         UNION SELECT certificates.serial FROM line CROSS JOIN requests ON replaces = line.serial
             CROSS JOIN certificates ON certificates.order_id = requests.order_id)
     SELECT serial FROM line";
const ADD_STEP: &str =
    "INSERT INTO applicant_steps (applicant, step, at, operator, reference) VALUES (?1, ?2, ?3, ?4, ?5)";
const SET_STAGE: &str = "UPDATE applicants SET stage = ?2 WHERE id = ?1";
const SET_DATA: &str = "UPDATE applicants SET name = ?2, email = ?3, country = ?4, number = ?5 WHERE id = ?1";
const SET_CARD: &str = "UPDATE applicants SET card = ?2, transport_pin = ?3, pin_shown = NULL WHERE id = ?1";
const NO_CERTIFICATES: &str = "DELETE FROM applicant_certificates WHERE applicant = ?1";
const ADD_CERTIFICATE: &str = "INSERT INTO applicant_certificates (serial, applicant) VALUES (?1, ?2)";
const CERTIFICATE_TAKEN: &str =
    "SELECT EXISTS (SELECT 1 FROM applicant_certificates WHERE serial = ?1 AND applicant != ?2)";
/// Whether nothing on the card is good for anything, or not all of it.
const OVER_ON_CARD: &str = "SELECT EXISTS (SELECT 1 FROM applicant_certificates AS own CROSS JOIN certificates ON certificates.serial = own.serial
     WHERE applicant = ?1 AND (not_after < ?2
         OR EXISTS (SELECT 1 FROM revocations WHERE revocations.serial = own.serial)))";
const CARD_TAKEN: &str = "SELECT EXISTS (SELECT 1 FROM applicants WHERE card = ?1 AND id != ?2)";
const PIN: &str = "SELECT transport_pin FROM applicants WHERE id = ?1";
const WIPE_PIN: &str =
    "UPDATE applicants SET transport_pin = NULL, pin_shown = ?3 WHERE id = ?1 AND transport_pin = ?2";
const REGISTERED_SINCE: &str = "SELECT count(*) FROM applicants WHERE registered > ?1";
const CONFIRMS_SINCE: &str = "SELECT count(*) FROM mails WHERE kind = 'confirm' AND queued > ?1";
const MAILS_SINCE: &str =
    "SELECT count(*) FROM mails WHERE kind = 'confirm' AND lower(recipient) = lower(?1) AND queued > ?2";
/// The links to a transport PIN of an applicant, by the keys of their mails.
const END_PIN_LINKS: &str = "UPDATE links SET used = ?3
     WHERE used IS NULL AND id IN (SELECT link FROM mails WHERE key >= ?1 AND key < ?2)";
const END_PIN_MAILS: &str = "UPDATE mails SET due = NULL, body = '', problem = 'another took its place'
     WHERE key >= ?1 AND key < ?2 AND sent IS NULL";

/// All of them, for the test that looks at their plans.
#[cfg(test)]
pub(super) const STATEMENTS: [&str; 22] = [
    ADD,
    BY_ID,
    LIST,
    LIST_STAGE,
    STEPS,
    CERTIFICATES,
    ADD_STEP,
    SET_STAGE,
    SET_DATA,
    SET_CARD,
    NO_CERTIFICATES,
    ADD_CERTIFICATE,
    CERTIFICATE_TAKEN,
    OVER_ON_CARD,
    CARD_TAKEN,
    PIN,
    WIPE_PIN,
    REGISTERED_SINCE,
    CONFIRMS_SINCE,
    MAILS_SINCE,
    END_PIN_LINKS,
    END_PIN_MAILS,
];

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The most corrections that an applicant makes.
const CORRECTIONS: usize = 5;
/// The most mails that an applicant asks for once more, to confirm the address.
const REMINDERS: usize = 10;

/// An applicant, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplicantRecord {
    /// Who.
    pub id: ApplicantId,
    /// What has been done.
    pub stage: Stage,
    /// What they say of themselves.
    pub data: ApplicantData,
    /// When they registered.
    pub registered: SystemTime,
    /// What was done, in its order.
    pub steps: Vec<StepRecord>,
    /// Serial number of their card.
    pub card: Option<String>,
    /// Serial numbers of the certificates that came on it, and of those that were issued by one-time passwords in its place.
    pub certificates: Vec<Vec<u8>>,
    /// Whether the transport PIN is still kept.
    pub has_transport_pin: bool,
    /// When it was shown.
    pub pin_shown: Option<SystemTime>,
}

impl ApplicantRecord {
    /// A card is made for who has none, or another one: the one before may be lost. The same one is taken down again until it is handed
    /// over, and afterwards where its transport PIN is not kept any more.
    ///
    /// # Errors
    /// [`StepRefused`].
    pub(crate) fn takes_a_card(&self, card: &str) -> Result<(), StepRefused> {
        self.stage.after(Step::Personalise)?;
        let is_out = self.stage == Stage::HandedOver && self.has_transport_pin;
        match is_out && self.card.as_deref() == Some(card) {
            true => Err(StepRefused::Done { step: Step::Personalise, stage: self.stage }),
            false => Ok(()),
        }
    }
}

/// A step that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepRecord {
    /// Which.
    pub step: Step,
    /// When.
    pub at: SystemTime,
    /// By which operator.
    pub operator: Option<String>,
    /// Of the contract, the payment, the card; where a user id was entered its module, a slash, and the user id.
    pub reference: Option<String>,
}

/// What is kept of a step beside it.
#[derive(Clone, Debug, Default)]
pub(crate) struct StepNote {
    pub operator: Option<String>,
    pub reference: Option<String>,
}

/// What a step changes beside the stage.
#[derive(Clone)]
pub(crate) enum Effect {
    None,
    Identify { seen: String },
    Confirm { link: LinkId, address: Vec<u8> },
    Correct { data: ApplicantData, mail: Mail, by: By },
    Enter { subject: NewSubject },
    Personalise { card: String, certificates: Vec<Vec<u8>>, sealed: Vec<u8>, letters: Arc<dyn Letters> },
    HandOver { mail: Mail },
    ShowPin { link: LinkId, sealed: Vec<u8> },
}

/// Who corrects the data.
#[derive(Clone)]
pub(crate) enum By {
    /// Within these limits.
    Applicant(RegistrationPolicy),
    /// Without any, where the data are still those with this fingerprint.
    Operator { seen: String },
}

impl Effect {
    /// Of the data that somebody looked at.
    fn seen(&self) -> Option<&str> {
        match self {
            Self::Identify { seen } | Self::Correct { by: By::Operator { seen }, .. } => Some(seen),
            _ => None,
        }
    }
}

type Outcome<T> = Result<Result<T, ApplicantError>, StoreError>;

impl SqliteStore {
    /// Without limits: by an operator.
    pub(crate) fn add_applicant(
        &self,
        id: ApplicantId,
        secret: [u8; 32],
        data: ApplicantData,
        mail: Mail,
        limits: Option<RegistrationPolicy>,
        now: SystemTime,
    ) -> Outcome<()> {
        let (link, operator) = (LinkId::generate()?, self.actor.clone());
        self.writer.run(move |connection| {
            if let Some(policy) = limits {
                let since = seconds(now.checked_sub(HOUR).unwrap_or(SystemTime::UNIX_EPOCH));
                let registered: u32 = one(connection, REGISTERED_SINCE, [since])?;
                if registered >= policy.per_hour || too_many_mails(connection, &data, policy, now)? {
                    return Ok(Err(ApplicantError::TooMany));
                }
            }
            let (email, stage) = (data.email().as_str(), Stage::Registered.name());
            let row = params![id.0, secret, stage, data.name(), email, data.country(), data.number(), seconds(now)];
            execute(connection, ADD, row)?;
            mails::post(connection, &mail, link, now)?;
            let (event, about) = (AuditEvent::Applicant, id.to_string());
            let actor = if limits.is_some() { Entry::CLIENT } else { &operator };
            audit::append(connection, &Entry { event, about: &about, detail: "register", actor })?;
            Ok(Ok(()))
        })
    }

    /// An applicant, and the hash of the secret.
    pub(crate) fn registered(&self, id: ApplicantId) -> Result<Option<(ApplicantRecord, [u8; 32])>, StoreError> {
        self.read_at_once(|connection| find(connection, id))
    }

    pub(crate) fn applicants(&self, stage: Option<Stage>, limit: u32) -> Result<Vec<ApplicantRecord>, StoreError> {
        self.read_at_once(|connection| {
            let sql = if stage.is_some() { LIST_STAGE } else { LIST };
            let mut statement = connection.prepare_cached(sql).map_err(failure)?;
            let rows = match stage {
                Some(stage) => statement.query_map(params![limit, stage.name()], read),
                None => statement.query_map([limit], read),
            };
            let rows = rows.map_err(failure)?;
            rows.map(|row| complete(connection, row.map_err(failure)?).map(|(record, _)| record)).collect()
        })
    }

    /// What is kept of the transport PIN.
    pub(crate) fn sealed_pin(&self, id: ApplicantId) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(PIN).map_err(failure)?;
            statement.query_row([id.0], |row| row.get(0)).optional().map(Option::flatten).map_err(failure)
        })
    }

    /// Takes a step with all that it changes, or says why not.
    pub(crate) fn applicant_step(
        &self,
        id: ApplicantId,
        step: Step,
        note: StepNote,
        effect: Effect,
        now: SystemTime,
    ) -> Outcome<ApplicantRecord> {
        let (link, actor) = (LinkId::generate()?, self.actor.clone());
        self.writer.run(move |connection| {
            let Some((record, _)) = find(connection, id)? else { return Ok(Err(ApplicantError::Unknown)) };
            let mut stage = match record.stage.after(step) {
                Ok(stage) => stage,
                Err(refused) => return Ok(Err(refused.into())),
            };
            if effect.seen().is_some_and(|seen| record.data.fingerprint() != seen) {
                return Ok(Err(ApplicantError::Changed));
            }
            let step = match &effect {
                // The same data again correct nothing.
                Effect::Correct { data, .. } if *data == record.data => match record.stage.after(Step::Remind) {
                    Ok(_) => Step::Remind,
                    Err(_) => return Ok(Ok(record)),
                },
                _ => step,
            };
            if let Err(refused) = take(connection, &record, (step, &effect), (link, &actor), &mut stage, now)? {
                return Ok(Err(refused));
            }
            execute(connection, SET_STAGE, params![id.0, stage.name()])?;
            execute(connection, ADD_STEP, params![id.0, step.name(), seconds(now), note.operator, note.reference])?;
            let actor = if note.operator.is_some() { &actor } else { Entry::CLIENT };
            let (event, about) = (AuditEvent::Applicant, id.to_string());
            audit::append(connection, &Entry { event, about: &about, detail: step.name(), actor })?;
            let (record, _) = find(connection, id)?.ok_or_else(|| odd("applicants"))?;
            Ok(Ok(record))
        })
    }
}

/// Refuses before it writes: what is refused is not undone.
fn take(
    connection: &Connection,
    record: &ApplicantRecord,
    (step, effect): (Step, &Effect),
    (fresh, actor): (LinkId, &str),
    stage: &mut Stage,
    now: SystemTime,
) -> Outcome<()> {
    let id = record.id.0;
    match effect {
        Effect::None | Effect::Identify { .. } => {}
        Effect::Confirm { link, address } => {
            if hash_of(record.data.email()) != address.as_slice() {
                return Ok(Err(LinkError::Corrected.into()));
            }
            if links::use_up(connection, *link, &[0; 32], now)? != LinkUse::First {
                return Ok(Err(LinkError::Used.into()));
            }
        }
        Effect::Correct { data, mail, by } => {
            if matches!(by, By::Applicant(_)) {
                let before = record.steps.iter().filter(|done| done.step == step && done.operator.is_none()).count();
                match step {
                    Step::Remind if before >= REMINDERS => return Ok(Err(ApplicantError::TooManyMails)),
                    Step::Correct if before >= CORRECTIONS => return Ok(Err(ApplicantError::TooManyCorrections)),
                    _ => {}
                }
            }
            // The mail before may be lost, or its link over. A slip elsewhere in the data makes it no worse.
            if data.email() != record.data.email() || step == Step::Remind {
                if let By::Applicant(policy) = *by
                    && too_many_mails(connection, data, policy, now)?
                {
                    return Ok(Err(ApplicantError::TooMany));
                }
                mails::post(connection, mail, fresh, now)?;
                *stage = Stage::Registered;
            }
            execute(
                connection,
                SET_DATA,
                params![id, data.name(), data.email().as_str(), data.country(), data.number()],
            )?;
        }
        Effect::Enter { subject } => {
            if let Err(refused) = put_subject(connection, subject, Some(record.id), actor, now)? {
                return Ok(Err(refused.into()));
            }
        }
        Effect::Personalise { card, certificates, sealed, letters } => {
            if let Err(refused) = record.takes_a_card(card) {
                return Ok(Err(refused.into()));
            }
            if one(connection, CARD_TAKEN, params![card, id])? {
                return Ok(Err(ApplicantError::CardTaken));
            }
            for (index, serial) in certificates.iter().enumerate() {
                if certificates[..index].contains(serial) || one(connection, CERTIFICATE_TAKEN, params![serial, id])? {
                    return Ok(Err(ApplicantError::Certificate(CardCertificateError::Taken)));
                }
            }
            let before = on_card(connection, record)?;
            let missing = left_behind(connection, certificates, &before, now)?;
            if !missing.is_empty() {
                return Ok(Err(ApplicantError::CertificateMissing { serials: missing }));
            }
            // The card before nobody has in hand any more, or nobody can activate.
            end_pin_links(connection, record, now)?;
            for serial in before.iter().filter(|serial| !certificates.contains(serial)) {
                if certificates::find(connection, serial)?.is_some_and(|before| before.not_after > now) {
                    let revocation = Revocation::new(now, RevocationReason::Superseded);
                    revocations::end_and_tell(connection, serial, revocation, (actor, letters.as_ref()), now)?;
                }
            }
            execute(connection, NO_CERTIFICATES, [id])?;
            execute(connection, SET_CARD, params![id, card, sealed])?;
            for serial in certificates {
                execute(connection, ADD_CERTIFICATE, params![serial, id])?;
            }
        }
        Effect::HandOver { mail } => {
            if !record.has_transport_pin {
                return Ok(Err(ApplicantError::PinGone { shown: record.pin_shown.is_some() }));
            }
            if one(connection, OVER_ON_CARD, params![id, seconds(now)])? {
                return Ok(Err(ApplicantError::CardOver));
            }
            end_pin_links(connection, record, now)?;
            mails::post(connection, mail, fresh, now)?;
        }
        Effect::ShowPin { link, sealed } => {
            let kept: Option<Vec<u8>> = one(connection, PIN, [id])?;
            if kept.as_ref() != Some(sealed) || links::use_up(connection, *link, &[0; 32], now)? != LinkUse::First {
                return Ok(Err(LinkError::Used.into()));
            }
            execute(connection, WIPE_PIN, params![id, sealed, seconds(now)])?;
        }
    }
    Ok(Ok(()))
}

/// Serial numbers of the certificates that are on the card, be they over or not: its holder may have renewed those that came with it.
fn on_card(connection: &Connection, record: &ApplicantRecord) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut statement = connection.prepare_cached(RENEWED).map_err(failure)?;
    let serials = statement.query_map([record.id.0], |row| row.get(0));
    serials.and_then(Iterator::collect).map_err(failure)
}

/// Serial numbers of what was issued together with some of these, goes onto no card, and is or may again be valid. What is on the card
/// before ends with that.
fn left_behind(
    connection: &Connection,
    certificates: &[Vec<u8>],
    before: &[Vec<u8>],
    now: SystemTime,
) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut missing = Vec::new();
    for named in certificates {
        for CertificateRecord { serial, not_after, .. } in certificates::issued_together(connection, named)? {
            let has_place = [certificates, before, &missing].into_iter().any(|place| place.contains(&serial));
            let ended = |status| matches!(status, KeptStatus::Revoked(revoked) if !revoked.is_hold());
            if !has_place && not_after > now && !ended(revocations::status(connection, &serial)?) {
                missing.push(serial);
            }
        }
    }
    Ok(missing)
}

/// What was mailed to look at a transport PIN opens nothing any more, and what was not goes no more.
fn end_pin_links(connection: &Connection, record: &ApplicantRecord, now: SystemTime) -> Result<(), StoreError> {
    // Behind `/` stands what tells one from the next, and `0` follows it.
    let (begin, end) = (format!("transport-pin/{}", record.id), format!("transport-pin/{}0", record.id));
    execute(connection, END_PIN_LINKS, params![begin, end, seconds(now)])?;
    execute(connection, END_PIN_MAILS, params![begin, end]).map(drop)
}

fn too_many_mails(
    connection: &Connection,
    data: &ApplicantData,
    policy: RegistrationPolicy,
    now: SystemTime,
) -> Result<bool, StoreError> {
    let since = |time| seconds(now.checked_sub(time).unwrap_or(SystemTime::UNIX_EPOCH));
    let all: u32 = one(connection, CONFIRMS_SINCE, [since(HOUR)])?;
    let mails: u32 = one(connection, MAILS_SINCE, params![data.email().as_str(), since(DAY)])?;
    Ok(all >= policy.per_hour || mails >= policy.per_address)
}

fn execute(connection: &Connection, sql: &str, row: impl rusqlite::Params) -> Result<usize, StoreError> {
    connection.prepare_cached(sql).and_then(|mut statement| statement.execute(row)).map_err(failure)
}

fn one<T: rusqlite::types::FromSql>(
    connection: &Connection,
    sql: &str,
    row: impl rusqlite::Params,
) -> Result<T, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(failure)?;
    statement.query_row(row, |row| row.get(0)).map_err(failure)
}

fn find(connection: &Connection, id: ApplicantId) -> Result<Option<(ApplicantRecord, [u8; 32])>, StoreError> {
    let mut statement = connection.prepare_cached(BY_ID).map_err(failure)?;
    let found = statement.query_row([id.0], read).optional().map_err(failure)?;
    found.map(|found| complete(connection, found)).transpose()
}

fn read(row: &Row<'_>) -> rusqlite::Result<(ApplicantRecord, [u8; 32])> {
    let stage: String = row.get(2)?;
    let [name, email, country] = [row.get::<_, String>(3)?, row.get(4)?, row.get(5)?];
    let number: Option<String> = row.get(6)?;
    let data = ApplicantData::new(&name, &email, &country, number.as_deref());
    let record = ApplicantRecord {
        id: ApplicantId(row.get(0)?),
        stage: Stage::ALL.into_iter().find(|known| known.name() == stage).ok_or(rusqlite::Error::InvalidQuery)?,
        data: data.map_err(|_| rusqlite::Error::InvalidQuery)?,
        registered: time(row.get(7)?),
        steps: Vec::new(),
        card: row.get(8)?,
        certificates: Vec::new(),
        has_transport_pin: row.get(9)?,
        pin_shown: row.get::<_, Option<i64>>(10)?.map(time),
    };
    Ok((record, row.get(1)?))
}

fn complete(
    connection: &Connection,
    (mut record, secret): (ApplicantRecord, [u8; 32]),
) -> Result<(ApplicantRecord, [u8; 32]), StoreError> {
    let mut statement = connection.prepare_cached(STEPS).map_err(failure)?;
    let steps = statement.query_map([record.id.0], |row| {
        let step: String = row.get(0)?;
        Ok(StepRecord {
            step: Step::ALL.into_iter().find(|known| known.name() == step).ok_or(rusqlite::Error::InvalidQuery)?,
            at: time(row.get(1)?),
            operator: row.get(2)?,
            reference: row.get(3)?,
        })
    });
    record.steps = steps.and_then(Iterator::collect).map_err(failure)?;
    let mut statement = connection.prepare_cached(CERTIFICATES).map_err(failure)?;
    let serials = statement.query_map([record.id.0], |row| row.get(0));
    record.certificates = serials.and_then(Iterator::collect).map_err(failure)?;
    Ok((record, secret))
}

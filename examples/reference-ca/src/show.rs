mod password;

use std::time::SystemTime;

use obnova_algorithm::text::is_unseen;
use obnova_ca::{
    AuditRecord, Notice,
    store::{ApplicantRecord, CertificateRecord, MailRecord, OrderRecord},
    to_hex,
};
use serde_json::{Value, json};
use x509_cert::der::DateTime;

pub use password::{passwords, passwords_json};

/// Orders as lines for a person.
pub fn table(orders: &[OrderRecord]) -> String {
    rows(orders, |_| String::new())
}

/// Below each order what there is to say of it.
fn rows(orders: &[OrderRecord], below: impl Fn(&OrderRecord) -> String) -> String {
    if orders.is_empty() {
        return "No orders.\n".into();
    }
    let mut text = format!("{:<32}  {:<9}  {:<20}  HOLDER\n", "TRANSACTION", "STATE", "RECEIVED");
    for order in orders {
        let holder = printable(&order.holder);
        let reason = order.why().map(|why| format!(" ({})", printable(&why))).unwrap_or_default();
        let (name, state) = (order.transaction.to_string(), order.state.name());
        text += &format!("{name:<32}  {state:<9}  {:<20}  {holder}{reason}\n", date(order.received));
        text += &below(order);
    }
    text
}

/// The same, each with its certificates.
pub fn table_with_certificates(orders: &[OrderRecord]) -> String {
    let certificate = |one: &CertificateRecord| {
        let revoked = if one.revoked { ", revoked or on hold" } else { "" };
        format!("  {}  {} until {}{revoked}\n", to_hex(&one.serial), one.profile, date(one.not_after))
    };
    let certificates = |order: &OrderRecord| order.certificates.iter().map(certificate).collect::<String>();
    rows(orders, certificates)
}

/// Orders as a list of objects for a program. No token and no message is in it.
pub fn json(orders: &[OrderRecord]) -> String {
    let order = |order: &OrderRecord| {
        json!({
            "transaction": order.transaction.to_string(),
            "state": order.state.name(),
            "holder": order.holder,
            "received": date(order.received),
            "decided": order.decided.map(date),
            "confirmed": order.confirmed.map(date),
            "reason": order.why(),
            "lapse": order.lapse.map(obnova_ca::Lapse::name),
            "on_hold": order.on_hold.map(obnova_ca::Profile::name),
            "certificates": order.certificates.iter().map(certificate).collect::<Vec<_>>(),
        })
    };
    format!("{:#}\n", orders.iter().map(order).collect::<Value>())
}

/// Notices as lines for a person.
pub fn notices(notices: &[Notice]) -> String {
    if notices.is_empty() {
        return "Nobody.\n".into();
    }
    let mut text = format!("{:<20}  {:<32}  HOLDER\n", "ENDS", "E-MAIL");
    for notice in notices {
        let email = printable(notice.email.as_deref().unwrap_or("-"));
        text += &format!("{:<20}  {email:<32}  {}\n", date(notice.ends), printable(&notice.holder));
    }
    text
}

/// Notices as a list of objects for a program that mails them.
pub fn notices_json(notices: &[Notice]) -> String {
    let notice = |notice: &Notice| {
        json!({
            "holder": notice.holder,
            "email": notice.email,
            "ends": date(notice.ends),
            "certificates": notice.certificates.iter().map(certificate).collect::<Vec<_>>(),
        })
    };
    format!("{:#}\n", notices.iter().map(notice).collect::<Value>())
}

/// Above records of the audit log.
pub const AUDIT_HEADING: &str = "NUMBER  TIME                  EVENT                         ABOUT, DETAIL (WHO)\n";

/// A record of the audit log as a line for a person.
pub fn audit(record: &AuditRecord) -> String {
    let AuditRecord { number, at, event, about, detail, actor, .. } = record;
    let what = [about, detail].into_iter().filter(|text| !text.is_empty()).map(|text| printable(text) + " ");
    let what: String = what.collect();
    format!("{number:>6}  {:<20}  {:<28}  {what}({})\n", date(*at), printable(event), printable(actor))
}

/// A record of the audit log as an object in a list.
pub fn audit_json(record: &AuditRecord, first: bool) -> String {
    let object = json!({
        "number": record.number,
        "at": date(record.at),
        "event": record.event,
        "about": record.about,
        "detail": record.detail,
        "actor": record.actor,
        "hash": to_hex(&record.hash),
    });
    format!("{}\n  {object}", if first { "" } else { "," })
}

/// Applicants as lines for a person.
pub fn applicants(applicants: &[ApplicantRecord]) -> String {
    if applicants.is_empty() {
        return "Nobody.\n".into();
    }
    let mut text = format!("{:<32}  {:<12}  {:<20}  NAME\n", "APPLICANT", "STAGE", "REGISTERED");
    for one in applicants {
        let (id, stage, registered) = (one.id.to_string(), one.stage.name(), date(one.registered));
        text += &format!("{id:<32}  {stage:<12}  {registered:<20}  {}\n", printable(one.data.name()));
    }
    text
}

/// Mails as lines for a person.
pub fn mails(mails: &[MailRecord]) -> String {
    if mails.is_empty() {
        return "No mails.\n".into();
    }
    let mut text = format!("{:<6}  {:<19}  {:<8}  {:<20}  TO\n", "NUMBER", "KIND", "STATE", "POSTED");
    for mail in mails {
        let problem = mail.problem.as_ref().map(|problem| format!(" ({})", printable(problem))).unwrap_or_default();
        let (kind, state, queued) = (mail.kind.name(), mail.state.name(), date(mail.queued));
        text += &format!("{:<6}  {kind:<19}  {state:<8}  {queued:<20}  {}{problem}\n", mail.id, printable(&mail.to));
    }
    text
}

/// Mails as a list of objects for a program.
pub fn mails_json(mails: &[MailRecord]) -> String {
    let mail = |mail: &MailRecord| {
        json!({
            "number": mail.id,
            "key": mail.key,
            "kind": mail.kind.name(),
            "state": mail.state.name(),
            "to": mail.to,
            "subject": mail.subject,
            "posted": date(mail.queued),
            "due": mail.due.map(date),
            "tries": mail.tries,
            "sent": mail.sent.map(date),
            "problem": mail.problem,
        })
    };
    format!("{:#}\n", mails.iter().map(mail).collect::<Value>())
}

fn certificate(certificate: &CertificateRecord) -> Value {
    json!({
        "profile": certificate.profile.name(),
        "serial": to_hex(&certificate.serial),
        "subject": certificate.subject,
        "revoked": certificate.revoked,
        "not_after": date(certificate.not_after),
    })
}

pub fn date(time: SystemTime) -> String {
    DateTime::from_system_time(time).map_or_else(|_| "?".into(), |date| date.to_string())
}

/// Names come from outside: nothing in them that acts on a terminal reaches one.
fn printable(text: &str) -> String {
    text.replace(is_unseen, "\u{fffd}")
}

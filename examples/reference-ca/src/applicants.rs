//! Applicants as data for programs.

use std::time::SystemTime;

use obnova_ca::{store::ApplicantRecord, to_hex};
use serde_json::{Value, json};
use x509_cert::der::DateTime;

/// An applicant, as an operator sees them. No secret is in it.
#[must_use]
pub fn json(record: &ApplicantRecord) -> Value {
    let steps = record.steps.iter().map(|step| {
        json!({
            "step": step.step.name(),
            "at": date(step.at),
            "operator": step.operator,
            "reference": step.reference,
        })
    });
    json!({
        "id": record.id.to_string(),
        "stage": record.stage.name(),
        "name": record.data.name(),
        "email": record.data.email().as_str(),
        "country": record.data.country(),
        "number": record.data.number(),
        "fingerprint": record.data.fingerprint(),
        "registered": date(record.registered),
        "steps": steps.collect::<Vec<_>>(),
        "card": record.card,
        "certificates": record.certificates.iter().map(|serial| to_hex(serial)).collect::<Vec<_>>(),
        "transport_pin": match (record.has_transport_pin, record.pin_shown) {
            (true, _) => "kept",
            (false, Some(_)) => "shown",
            (false, None) => "none",
        },
    })
}

fn date(time: SystemTime) -> String {
    DateTime::from_system_time(time).map_or_else(|_| "?".into(), |date| date.to_string())
}

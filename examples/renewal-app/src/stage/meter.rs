use std::time::Instant;

use obnova_card::SlotId;
use obnova_renewal::{ByRole, CardView, ParsedCertificate, date};
use obnova_transport::{Count, Counts};
use serde::Serialize;

use super::rules::Ruled;
use crate::{failure::Failure, files};

/// What one step took.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figure {
    pub name: &'static str,
    pub seconds: f64,
    pub apdus: u64,
    pub bytes_out: u64,
    pub bytes_in: u64,
}

/// What came of a scenario: the JSON object that `scenario --json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub scenario: String,
    pub ok: bool,
    pub seconds: f64,
    pub apdus: u64,
    pub steps: Vec<Figure>,
    pub certificates: Vec<ReportedCertificate>,
    /// Every rule of the service, and whether it holds.
    pub rules: Vec<Ruled>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Report {
    /// Of a play that went well.
    pub fn new(scenario: &str, steps: Vec<Figure>, certificates: Vec<ReportedCertificate>) -> Self {
        let all = Figure::sum(&steps);
        Self {
            scenario: scenario.to_owned(),
            ok: true,
            seconds: all.seconds,
            apdus: all.apdus,
            steps,
            certificates,
            rules: Vec::new(),
            error: None,
        }
    }

    /// Of a play that came to no end.
    pub fn broken_off(scenario: &str, failure: &Failure) -> Self {
        Self {
            scenario: scenario.to_owned(),
            ok: false,
            seconds: 0.0,
            apdus: 0,
            steps: Vec::new(),
            certificates: Vec::new(),
            rules: Vec::new(),
            error: Some(failure.message().to_owned()),
        }
    }
}

/// A certificate that came of a scenario.
#[derive(Clone, Debug, Serialize)]
pub struct ReportedCertificate {
    pub role: String,
    pub slot: u32,
    pub subject: String,
    pub serial: String,
    pub not_after: String,
    pub pem: String,
}

impl ReportedCertificate {
    /// Those of these that a card shows.
    pub fn shown(card: &CardView, certificates: &ByRole<ParsedCertificate>) -> Vec<Self> {
        let shown = certificates.iter().filter_map(|(role, certificate)| {
            let SlotId(slot) = card.slots.iter().find(|slot| slot.holds(certificate))?.id;
            Some(Self {
                role: role.to_string(),
                slot,
                subject: certificate.subject().to_string(),
                serial: certificate.serial(),
                not_after: date(certificate.not_after()),
                pem: files::pem(certificate.der()),
            })
        });
        shown.collect()
    }
}

/// Measures steps. Those of one name that follow each other are one.
pub struct Meter {
    count: Count,
    begun: Option<(&'static str, Instant, Counts)>,
    figures: Vec<Figure>,
}

impl Meter {
    pub fn new(count: Count) -> Self {
        Self { count, begun: None, figures: Vec::new() }
    }

    pub fn begin(&mut self, name: &'static str) {
        self.begun = Some((name, Instant::now(), self.count.counts()));
    }

    pub fn end(&mut self) {
        let Some((name, at, before)) = self.begun.take() else { return };
        let took = self.count.counts() - before;
        let figure = Figure {
            name,
            seconds: at.elapsed().as_secs_f64(),
            apdus: took.apdus,
            bytes_out: took.bytes_out,
            bytes_in: took.bytes_in,
        };
        match self.figures.last_mut() {
            Some(last) if last.name == name => {
                last.seconds += figure.seconds;
                last.apdus += figure.apdus;
                last.bytes_out += figure.bytes_out;
                last.bytes_in += figure.bytes_in;
            }
            _ => self.figures.push(figure),
        }
    }

    pub fn figures(&self) -> &[Figure] {
        &self.figures
    }
}

impl Figure {
    /// All of them together.
    pub fn sum(figures: &[Self]) -> Self {
        let seconds = figures.iter().map(|figure| figure.seconds).sum();
        let of = |field: fn(&Self) -> u64| figures.iter().map(field).sum();
        Self {
            name: "all",
            seconds,
            apdus: of(|figure| figure.apdus),
            bytes_out: of(|figure| figure.bytes_out),
            bytes_in: of(|figure| figure.bytes_in),
        }
    }
}

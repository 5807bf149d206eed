use std::{error::Error, fmt, time::SystemTime};

use obnova_algorithm::text;

use crate::{Action, ParsedCertificate, Process, date};

/// What a help desk needs to know of a process that does not go on: no PIN, nothing that fetches a certificate, and nothing of
/// the holder but what stands in the certificates.
#[derive(Clone, Debug)]
pub struct Diagnosis {
    lines: Vec<(String, String)>,
}

impl Diagnosis {
    /// Of a process, and the error it stopped with, if it did.
    #[must_use]
    pub fn of(process: &Process, error: Option<&dyn Error>, now: SystemTime) -> Self {
        let plan = process.plan();
        let mut this = Self { lines: Vec::new() };
        this.line("program", format!("obnova {}", env!("CARGO_PKG_VERSION")));
        this.line("written", stamp(now));
        this.line("process", process.id());
        this.line("stage", process.stage());
        if let Action::Failed(failure) = process.next(now) {
            this.line("ended", failure);
        }
        let mut cause = error;
        while let Some(error) = cause {
            this.line("error", error);
            cause = error.source();
        }
        this.line("card", &plan.card.kind);
        if let Some(risk) = plan.risk {
            this.line("risk", risk);
        }
        for (role, new) in plan.new.iter() {
            if let Some(old) = plan.old.get(role) {
                this.line(format!("old {role}"), format!("slot {}, {}", old.slot, old.algorithm));
                this.certificate(&old.certificate);
            }
            this.line(format!("new {role}"), format!("slot {}, {}", new.slot, new.algorithm));
            if let Some(certificate) = process.certificates().and_then(|new| new.get(role)) {
                this.certificate(certificate);
            }
        }
        for (at, name) in process.history() {
            this.line(stamp(at), name);
        }
        this
    }

    fn certificate(&mut self, certificate: &ParsedCertificate) {
        self.line("  subject", certificate.subject());
        self.line("  issuer", certificate.issuer());
        self.line("  serial number", certificate.serial());
        let (from, until) = (stamp(certificate.not_before()), stamp(certificate.not_after()));
        self.line("  valid", format!("{from} to {until}"));
    }

    fn line(&mut self, name: impl ToString, value: impl ToString) {
        let one_line = value.to_string().replace(text::is_unseen, " ");
        self.lines.push((name.to_string(), one_line));
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.lines.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        self.lines.iter().try_for_each(|(name, value)| writeln!(f, "{name:width$}  {value}"))
    }
}

/// A moment to the second, in UTC.
fn stamp(at: SystemTime) -> String {
    let seconds = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs() % 86_400;
    format!("{} {:02}:{:02}:{:02} UTC", date(at), seconds / 3600, seconds / 60 % 60, seconds % 60)
}

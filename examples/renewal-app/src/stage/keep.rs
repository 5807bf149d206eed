use std::fs;

use obnova_client::FileJournal;
use obnova_renewal::{Fact, Record};

use super::{Report, Stage, play::PROCESS};
use crate::{failure::Failure, files, texts::t};

impl Stage {
    /// Puts what is worth a look into files of its own, and a README beside them.
    pub fn keep(&self, report: &Report) -> Result<(), Failure> {
        let (requests, certificates) = (self.folder().join("requests"), self.folder().join("certificates"));
        fs::create_dir_all(&requests)?;
        fs::create_dir_all(&certificates)?;
        for Record { fact, .. } in FileJournal::peek(&self.journal(), PROCESS)? {
            match fact {
                Fact::Started { plan, .. } => {
                    for (role, old) in plan.old.iter() {
                        fs::write(certificates.join(format!("old-{role}.pem")), files::pem(old.certificate.der()))?;
                    }
                }
                Fact::Requested { role, request } => {
                    let pem = files::labelled("CERTIFICATE REQUEST", &request);
                    fs::write(requests.join(format!("{role}.pem")), pem)?;
                }
                Fact::Terms(terms) => {
                    let anchors: String = terms.anchors.iter().map(|anchor| files::pem(anchor.der())).collect();
                    fs::write(certificates.join("ca.pem"), anchors)?;
                }
                _ => {}
            }
        }
        for certificate in &report.certificates {
            fs::write(certificates.join(format!("new-{}.pem", certificate.role)), &certificate.pem)?;
        }
        if let Some(record) = &self.record {
            record.finish()?;
        }
        fs::write(self.folder().join("README.md"), t!("keep-readme") + "\n")?;
        Ok(())
    }
}

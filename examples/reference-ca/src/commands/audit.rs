use std::io::{self, BufWriter, Write as _};

use obnova_ca::{AuditComparison, AuditRecord};

use super::{CommandError, open, print};
use crate::{
    cli::{Audit, Moment},
    show,
};

/// Does what was asked of the audit log.
pub fn run(command: Audit) -> Result<(), CommandError> {
    match command {
        Audit::Verify { directory, heads } => {
            let log = open(&directory)?.audit()?;
            let (check, compared) = (log.verify(&heads)?, log.compare()?);
            print(&format!("{} records, anchored up to {}\nhead {}\n", check.records, check.anchored, check.head))?;
            if compared.older > 0 {
                let AuditComparison { older, certificates, .. } = compared;
                print(&format!(
                    "{older} of {certificates} certificates are older than the log, which says nothing of them\n"
                ))?;
            }
            let findings = [check.findings, compared.findings].concat();
            if findings.is_empty() { Ok(()) } else { Err(CommandError::Audit(findings)) }
        }
        Audit::Show { directory, from, to, json } => {
            let log = open(&directory)?.audit()?;
            let mut out = BufWriter::new(io::stdout().lock());
            let mut write = if json { out.write_all(b"[") } else { out.write_all(show::AUDIT_HEADING.as_bytes()) };
            let mut first = true;
            log.read(1, |record| {
                if wanted(&record, from, to) {
                    let text = if json { show::audit_json(&record, first) } else { show::audit(&record) };
                    first = false;
                    write = out.write_all(text.as_bytes());
                }
                write.is_ok()
            })?;
            let end = if json { "\n]\n" } else { "" };
            match write.and_then(|()| out.write_all(end.as_bytes())).and_then(|()| out.flush()) {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
                done => Ok(done?),
            }
        }
    }
}

fn wanted(record: &AuditRecord, from: Option<Moment>, to: Option<Moment>) -> bool {
    from.is_none_or(|from| record.at >= from.begin()) && to.is_none_or(|to| record.at < to.end())
}

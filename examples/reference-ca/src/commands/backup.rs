use std::time::SystemTime;

use obnova_reference_ca::house::{self, Passphrase};

use super::{CommandError, name_ended, open, print};
use crate::{
    cli::{Backup, Restore},
    show,
};

/// Makes a backup.
pub fn make(command: &Backup) -> Result<(), CommandError> {
    let passphrase = command.seal.passphrase_file.as_deref().map(Passphrase::load).transpose()?;
    let house = open(&command.directory)?;
    let hash = house.back_up(&command.file, passphrase.as_ref(), SystemTime::now())?;
    print(&format!(
        "{} has everything that makes this CA, keys and all\nThe audit log has it as list {hash}\n",
        command.file.display()
    ))
}

/// Brings a CA back.
pub fn restore(command: &Restore) -> Result<(), CommandError> {
    let passphrase = command.passphrase_file.as_deref().map(Passphrase::load).transpose()?;
    let Restore { file, directory, with_changed_audit, .. } = command;
    let restored = house::restore(file, directory, passphrase.as_ref(), *with_changed_audit, SystemTime::now())?;
    name_ended(&restored.ended);
    let made = show::date(restored.made);
    let mails = match restored.gone_on.mails.as_slice() {
        [] => String::new(),
        mails => {
            let numbers = mails.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            format!(
                "Mails that waited may have gone since, and were given up: {numbers}. `mail retry` sends one all the same,\n\
                 with another link where it has one.\n"
            )
        }
    };
    print(&format!(
        "The CA of {made} is in {directory}; its audit log goes on from {head}.\n\
         The audit log of the CA it was made of has the backup as list {list}.\n\
         Lost is what came after that: orders and their certificates, which are valid and which OCSP calls unknown now\n\
         (`revoke` ends one by its file, which its holder has; an order that waited waits again: approved once more it\n\
         gives another certificate for the same key);\n\
         revocations, which you must make again; and receipts. One-time passwords that\n\
         were not used are ended: issue others. So are links in mails, {links} of them: holders who were\n\
         mailed one to a renewal are told anew by the server or by `notices`, and renewals begin without one, too;\n\
         `applicant hand-over` mails another one to a transport PIN, and a correction another one to confirm an address.\n\
         {mails}CRLs go on from number {crl}.\n\
         Make sure that the CA it was made of does not run any more.\n",
        directory = directory.display(),
        head = restored.head,
        list = restored.list,
        links = restored.gone_on.links,
        crl = restored.gone_on.crl,
    ))?;
    if restored.findings.is_empty() { Ok(()) } else { Err(CommandError::Audit(restored.findings)) }
}

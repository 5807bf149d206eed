use std::{fs, time::SystemTime};

use obnova_reference_ca::mail::Postman;

use super::Stage;
use crate::failure::{Failure, internal};

impl Stage {
    /// Sends what is due at this moment into the CA's folder, and reads all mails to one address, the oldest first.
    pub fn mails_to(&self, email: &str, now: SystemTime) -> Result<Vec<String>, Failure> {
        let house = self.shared_house();
        let postman = Postman::new(house.clone()).map_err(internal)?;
        postman.deliver(&|| now, &|_| {}).map_err(internal)?;
        // There is no folder before the first mail.
        let folder = fs::read_dir(house.mail_folder()).into_iter().flatten().flatten();
        let mut files: Vec<_> = folder.map(|file| file.path()).collect();
        files.sort();
        let mut mails = Vec::new();
        for file in files {
            // Lines that are too long are broken (RFC 2045 §6.7).
            let text = fs::read_to_string(file)?.replace("=\r\n", "");
            if text.contains(email) {
                mails.push(text);
            }
        }
        Ok(mails)
    }

    /// The path of the newest link of a kind that was mailed to this address, up to this moment.
    pub fn mailed_path(&self, email: &str, kind: &str, now: SystemTime) -> Result<Option<String>, Failure> {
        let mails = self.mails_to(email, now)?;
        let path = mails.iter().rev().find_map(|mail| {
            let at = mail.find(&format!("/{kind}/"))?;
            mail[at..].split_whitespace().next()
        });
        Ok(path.map(str::to_owned))
    }
}

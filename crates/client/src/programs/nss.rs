use std::{
    ffi::{OsStr, OsString},
    fs,
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use obnova_algorithm::text;
use obnova_renewal::ParsedCertificate;

use super::{CardModule, Changes, ProgramsError, Registry};

/// A database of NSS: a folder with `cert9.db`, such as a profile of Firefox or Thunderbird, or `~/.pki/nssdb` of Chromium.
///
/// NSS's own tools `modutil` and `certutil` read and write it (Debian: libnss3-tools). A program that runs with this profile
/// sees a new module when it is started again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NssDatabase {
    folder: PathBuf,
}

/// In a user's folder: a database itself, or a folder of profiles.
const ONE: &str = ".pki/nssdb";
const PROFILES: [&str; 3] = [".mozilla/firefox", "snap/firefox/common/.mozilla/firefox", ".thunderbird"];
/// The file that makes a folder a database.
const CERTIFICATES: &str = "cert9.db";
/// No trust for TLS, mail or code: it is there to be sent along.
const NO_TRUST: &str = ",,";

impl NssDatabase {
    /// The one in this folder.
    ///
    /// # Errors
    /// [`ProgramsError::NoDatabase`].
    pub fn at(folder: &Path) -> Result<Self, ProgramsError> {
        let is_database = folder.join(CERTIFICATES).is_file();
        if is_database {
            Ok(Self { folder: folder.into() })
        } else {
            Err(ProgramsError::NoDatabase { folder: folder.into() })
        }
    }

    /// Those of the programs in a user's folder.
    ///
    /// # Errors
    /// [`ProgramsError::Io`].
    pub fn found(home: &Path) -> Result<Vec<Self>, ProgramsError> {
        let mut folders = vec![home.join(ONE)];
        for profiles in PROFILES.map(|profiles| home.join(profiles)) {
            match fs::read_dir(&profiles) {
                Ok(entries) => folders.extend(entries.flatten().map(|entry| entry.path())),
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
                Err(error) => return Err(ProgramsError::io(&profiles)(error)),
            }
        }
        folders.sort();
        Ok(folders.iter().filter_map(|folder| Self::at(folder).ok()).collect())
    }

    fn name(&self) -> OsString {
        let mut name = OsString::from("sql:");
        name.push(&self.folder);
        name
    }

    fn modutil<const N: usize>(&self, arguments: [&OsStr; N]) -> Result<Output, ProgramsError> {
        let mut command = Command::new("modutil");
        command.arg("-dbdir").arg(self.name()).args(arguments).arg("-force");
        self.run("modutil", &mut command, b"")
    }

    fn certutil<const N: usize>(&self, arguments: [&OsStr; N], input: &[u8]) -> Result<Output, ProgramsError> {
        let mut command = Command::new("certutil");
        command.arg("-d").arg(self.name()).args(arguments);
        self.run("certutil", &mut command, input)
    }

    fn run(&self, program: &'static str, command: &mut Command, input: &[u8]) -> Result<Output, ProgramsError> {
        let failed = |error: std::io::Error| match error.kind() {
            ErrorKind::NotFound => ProgramsError::NoProgram { program, package: "libnss3-tools" },
            _ => self.failed(program, &error.to_string()),
        };
        command.env("LC_ALL", "C").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(failed)?;
        if let Some(mut stdin) = child.stdin.take() {
            // A certificate is less than a pipe holds; who does not read it says why in the end.
            let _ = stdin.write_all(input);
        }
        child.wait_with_output().map_err(failed)
    }

    fn succeeded(&self, program: &'static str, output: &Output) -> Result<(), ProgramsError> {
        if output.status.success() {
            return Ok(());
        }
        let said = if output.stderr.is_empty() { &output.stdout } else { &output.stderr };
        Err(self.failed(program, &String::from_utf8_lossy(said)))
    }

    fn failed(&self, program: &'static str, said: &str) -> ProgramsError {
        let said = said.split(text::is_unseen).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>();
        ProgramsError::Failed { program, place: self.place(), said: said.join(" ") }
    }

    fn has_certificate(&self, certificate: &ParsedCertificate) -> Result<bool, ProgramsError> {
        let found =
            self.certutil([OsStr::new("-L"), "-r".as_ref(), "-n".as_ref(), nickname(certificate).as_ref()], b"")?;
        // Certificates of one subject come one behind the other.
        let der = certificate.der();
        Ok(found.status.success() && found.stdout.windows(der.len()).any(|one| one == der))
    }
}

impl Registry for NssDatabase {
    fn place(&self) -> String {
        format!("NSS, {}", self.folder.display())
    }

    fn has_module(&self, module: &CardModule) -> Result<bool, ProgramsError> {
        // Without loading it: a library that hangs or breaks is not this question's affair.
        let list = self.folder.join("pkcs11.txt");
        let text = match fs::read_to_string(&list) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(ProgramsError::io(&list)(error)),
        };
        let same = |library: &str| Path::new(library).canonicalize().is_ok_and(|library| library == module.library());
        Ok(text.lines().filter_map(|line| line.strip_prefix("library=")).any(same))
    }

    fn missing<'c>(&self, certificates: &'c [ParsedCertificate]) -> Result<Vec<&'c ParsedCertificate>, ProgramsError> {
        let mut missing = Vec::new();
        for certificate in certificates {
            if !self.has_certificate(certificate)? {
                missing.push(certificate);
            }
        }
        Ok(missing)
    }

    fn register(&self, module: &CardModule, issuers: &[ParsedCertificate]) -> Result<Changes, ProgramsError> {
        let mut changes = Changes::default();
        if !self.has_module(module)? {
            let name = OsStr::new(module.name());
            let added = self.modutil(["-add".as_ref(), name, "-libfile".as_ref(), module.library().as_os_str()])?;
            self.succeeded("modutil", &added)?;
            changes.module = true;
        }
        for issuer in self.missing(issuers)? {
            let nickname = nickname(issuer);
            let flags = ["-A".as_ref(), "-n".as_ref(), nickname.as_ref(), "-t".as_ref(), OsStr::new(NO_TRUST)];
            let added = self.certutil(flags, issuer.der())?;
            self.succeeded("certutil", &added)?;
            changes.certificates += 1;
        }
        if self.has_module(module)? && self.missing(issuers)?.is_empty() {
            Ok(changes)
        } else {
            Err(ProgramsError::NotKept { place: self.place() })
        }
    }

    fn unregister(&self, module: &CardModule, issuers: &[ParsedCertificate]) -> Result<Changes, ProgramsError> {
        let mut changes = Changes::default();
        if self.has_module(module)? {
            let removed = self.modutil(["-delete".as_ref(), OsStr::new(module.name())])?;
            self.succeeded("modutil", &removed)?;
            changes.module = true;
        }
        for issuer in issuers {
            if self.has_certificate(issuer)? {
                let removed = self.certutil(["-D".as_ref(), "-n".as_ref(), nickname(issuer).as_ref()], b"")?;
                self.succeeded("certutil", &removed)?;
                changes.certificates += 1;
            }
        }
        Ok(changes)
    }
}

/// What the certificate is called there: one of its own for each, so that a certificate of the same name is never taken for it.
fn nickname(certificate: &ParsedCertificate) -> String {
    let subject = certificate.subject().to_string();
    let plain: String = subject.chars().map(|one| if text::is_unseen(one) || one == ':' { ' ' } else { one }).collect();
    // In capitals, as it always was: what was registered before is found by it.
    format!("{plain} {}", certificate.serial().to_ascii_uppercase())
}

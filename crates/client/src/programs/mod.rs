//! Where other programs look for certificates and for the modules that reach a card: databases of NSS (Firefox, Thunderbird,
//! Chromium) and p11-kit (GnuTLS, OpenSSL's provider, and everything that loads its proxy).
//!
//! What programs need is two things. A [`CardModule`], a PKCS#11 library that shows them the certificates on the card and lets
//! them use the keys: the holder's certificates stay on the card. And the certificates of the issuer, without which a program
//! cannot send a chain along. The issuer's certificates get no trust: nothing that a website shows is believed for their sake.

mod nss;
mod p11_kit;

use std::{
    io,
    path::{Path, PathBuf},
};

use obnova_renewal::ParsedCertificate;

pub use nss::NssDatabase;
pub use p11_kit::P11Kit;

/// A PKCS#11 library through which programs reach a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardModule {
    name: String,
    library: PathBuf,
}

/// Where distributions put OpenSC's library.
const OPENSC: [&str; 6] = [
    "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so",
    "/usr/lib/aarch64-linux-gnu/opensc-pkcs11.so",
    "/usr/lib/opensc-pkcs11.so",
    "/usr/lib64/opensc-pkcs11.so",
    "/usr/local/lib/opensc-pkcs11.so",
    "/Library/OpenSC/lib/opensc-pkcs11.so",
];

impl CardModule {
    /// The library in this file, which must be there; programs list it under its file's name.
    ///
    /// # Errors
    /// [`ProgramsError::NoLibrary`]; [`ProgramsError::Name`] when the path cannot be written into their lists.
    pub fn new(library: &Path) -> Result<Self, ProgramsError> {
        let missing = || ProgramsError::NoLibrary { library: library.into() };
        let library = library.canonicalize().map_err(|_| missing())?;
        let name = library.file_stem().and_then(|name| name.to_str()).ok_or_else(missing)?.to_owned();
        // Their lists are lines of text.
        let plain = library.to_str().is_some_and(|text| !text.chars().any(char::is_control));
        if plain { Ok(Self { name, library }) } else { Err(ProgramsError::Name { path: library }) }
    }

    /// OpenSC's, which knows cards of our profile, where distributions put it.
    ///
    /// # Errors
    /// [`ProgramsError::NoLibrary`].
    pub fn opensc() -> Result<Self, ProgramsError> {
        let found = OPENSC.iter().map(Path::new).find(|path| path.exists());
        Self::new(found.unwrap_or(Path::new(OPENSC[0])))
    }

    /// What programs call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file.
    #[must_use]
    pub fn library(&self) -> &Path {
        &self.library
    }
}

/// What was changed by registering or unregistering something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The module was entered, or taken out.
    pub module: bool,
    /// So many certificates were entered, or taken out.
    pub certificates: usize,
}

/// A place where programs look. What is registered there already is left as it is, so that everything may be done again.
pub trait Registry {
    /// Where it is, for people.
    fn place(&self) -> String;

    /// Whether programs that look here find the module.
    ///
    /// # Errors
    /// [`ProgramsError`].
    fn has_module(&self, module: &CardModule) -> Result<bool, ProgramsError>;

    /// Which of the certificates are missing here; none where programs find certificates in another way.
    ///
    /// # Errors
    /// [`ProgramsError`].
    fn missing<'c>(&self, certificates: &'c [ParsedCertificate]) -> Result<Vec<&'c ParsedCertificate>, ProgramsError>;

    /// Enters the module and the issuer's certificates, and looks whether they are there now.
    ///
    /// # Errors
    /// [`ProgramsError`]; what was entered before it stays.
    fn register(&self, module: &CardModule, issuers: &[ParsedCertificate]) -> Result<Changes, ProgramsError>;

    /// Takes out what [`register`](Self::register) entered.
    ///
    /// # Errors
    /// [`ProgramsError`].
    fn unregister(&self, module: &CardModule, issuers: &[ParsedCertificate]) -> Result<Changes, ProgramsError>;
}

/// The places that programs have whose user has this home, and p11-kit where this machine has it.
///
/// # Errors
/// [`ProgramsError::Io`] when a folder is there and cannot be read.
pub fn found(home: &Path, p11_kit: P11Kit) -> Result<Vec<Box<dyn Registry>>, ProgramsError> {
    let mut found: Vec<Box<dyn Registry>> = Vec::new();
    for database in NssDatabase::found(home)? {
        found.push(Box::new(database));
    }
    if P11Kit::is_installed() {
        found.push(Box::new(p11_kit));
    }
    Ok(found)
}

/// Why something could not be registered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProgramsError {
    /// There is no such library.
    #[error("{library} is not there: install OpenSC (Debian: opensc-pkcs11), or name the card's PKCS#11 library", library = library.display())]
    NoLibrary {
        /// Which.
        library: PathBuf,
    },
    /// A path cannot be written into a list of lines.
    #[error("{path} has characters in its name that programs cannot be told: rename it", path = path.display())]
    Name {
        /// Which.
        path: PathBuf,
    },
    /// No database of NSS is in the folder.
    #[error("there is no NSS database in {folder}: name the folder with cert9.db, such as a profile of Firefox", folder = folder.display())]
    NoDatabase {
        /// Which.
        folder: PathBuf,
    },
    /// A program that is needed is not installed.
    #[error("{program} is not installed (Debian: apt-get install {package})")]
    NoProgram {
        /// Which.
        program: &'static str,
        /// Where Debian has it.
        package: &'static str,
    },
    /// A program failed.
    #[error("{program} failed on {place}: {said}")]
    Failed {
        /// Which.
        program: &'static str,
        /// Where.
        place: String,
        /// What it said, fit to be shown.
        said: String,
    },
    /// It was entered, and is not there.
    #[error("{place} does not keep what is entered: close the programs that use it, then try again")]
    NotKept {
        /// Where.
        place: String,
    },
    /// A file or folder cannot be read or written.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl ProgramsError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }
}

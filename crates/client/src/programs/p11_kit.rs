use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use obnova_renewal::ParsedCertificate;

use super::{CardModule, Changes, ProgramsError, Registry};

/// The modules that p11-kit gives to every program of a user: one file for each, `module: LIBRARY`, in a folder of the system
/// or of the user.
///
/// Certificates need no registering here: those of the holder are on the card, and p11-kit keeps none but trusted ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct P11Kit {
    /// What is registered goes here.
    own: PathBuf,
    others: Vec<PathBuf>,
}

/// Modules of packages, and of the machine's administrator.
const OF_PACKAGES: &str = "/usr/share/p11-kit/modules";
const OF_ADMINISTRATOR: &str = "/etc/pkcs11/modules";
const EXTENSION: &str = "module";

impl P11Kit {
    /// For one user: modules in `pkcs11/modules` under the folder for settings (`$XDG_CONFIG_HOME`, or `.config` at home).
    /// The superuser's programs do not read it.
    #[must_use]
    pub fn of_user(config: &Path) -> Self {
        Self::new(&config.join("pkcs11/modules"), vec![OF_PACKAGES.into(), OF_ADMINISTRATOR.into()])
    }

    /// For everybody on this machine: `/etc/pkcs11/modules`, which the superuser writes.
    #[must_use]
    pub fn of_machine() -> Self {
        Self::new(Path::new(OF_ADMINISTRATOR), vec![OF_PACKAGES.into()])
    }

    /// Modules in these folders; what is registered goes into the first.
    #[must_use]
    pub fn new(own: &Path, others: Vec<PathBuf>) -> Self {
        Self { own: own.into(), others }
    }

    /// Whether this machine has it.
    #[must_use]
    pub fn is_installed() -> bool {
        [OF_PACKAGES, OF_ADMINISTRATOR].iter().any(|folder| Path::new(folder).is_dir())
    }

    fn file(&self, module: &CardModule) -> PathBuf {
        self.own.join(module.name()).with_extension(EXTENSION)
    }
}

impl Registry for P11Kit {
    fn place(&self) -> String {
        format!("p11-kit, {}", self.own.display())
    }

    fn has_module(&self, module: &CardModule) -> Result<bool, ProgramsError> {
        for folder in self.others.iter().chain([&self.own]) {
            let entries = match fs::read_dir(folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(ProgramsError::io(folder)(error)),
            };
            for entry in entries.flatten().map(|entry| entry.path()) {
                if entry.extension().is_some_and(|kind| kind == EXTENSION) && names(&entry, module) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn missing<'c>(&self, _: &'c [ParsedCertificate]) -> Result<Vec<&'c ParsedCertificate>, ProgramsError> {
        Ok(Vec::new())
    }

    fn register(&self, module: &CardModule, issuers: &[ParsedCertificate]) -> Result<Changes, ProgramsError> {
        let _ = issuers;
        if self.has_module(module)? {
            return Ok(Changes::default());
        }
        fs::create_dir_all(&self.own).map_err(ProgramsError::io(&self.own))?;
        let file = self.file(module);
        // Whole or not at all: a program that starts now must not read half a line.
        let unfinished = file.with_extension("unfinished");
        fs::write(&unfinished, format!("module: {}\n", module.library().display()))
            .and_then(|()| fs::rename(&unfinished, &file))
            .map_err(ProgramsError::io(&file))?;
        Ok(Changes { module: true, certificates: 0 })
    }

    fn unregister(&self, module: &CardModule, issuers: &[ParsedCertificate]) -> Result<Changes, ProgramsError> {
        let _ = issuers;
        let file = self.file(module);
        // Another's file of this name, and what the system has, stay.
        if !names(&file, module) {
            return Ok(Changes::default());
        }
        fs::remove_file(&file).map_err(ProgramsError::io(&file))?;
        Ok(Changes { module: true, certificates: 0 })
    }
}

/// Whether a file names the module: by its path, or by a file name that p11-kit looks for among its libraries.
fn names(file: &Path, module: &CardModule) -> bool {
    let Ok(text) = fs::read_to_string(file) else { return false };
    let named = text.lines().filter_map(|line| line.split_once(':')).find(|(key, _)| key.trim() == "module");
    named.is_some_and(|(_, value)| {
        let value = Path::new(value.trim());
        match value.canonicalize() {
            Ok(path) if value.is_absolute() => path == module.library(),
            _ => value.components().count() == 1 && value.file_name() == module.library().file_name(),
        }
    })
}

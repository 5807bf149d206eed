use std::{
    env,
    path::{Path, PathBuf},
};

use obnova_card::Location;
use obnova_client::{
    CaConnection as _,
    programs::{self, CardModule, NssDatabase, P11Kit, ProgramsError, Registry},
};
use obnova_renewal::ParsedCertificate;

use crate::{
    authority::Authority,
    beforehand::Beforehand,
    cli::{Global, RegisterOptions},
    failure::{Failure, Kind},
    texts::t,
    ui::ask_yes,
    ui::{Mark, Screen},
};

/// `register`: tells other programs where the card's certificates are, or that they are there no more.
pub fn run(global: &Global, options: &RegisterOptions) -> Result<(), Failure> {
    let module = module(global, options)?;
    let issuers = issuers(global)?;
    let mut screen = Screen::new();
    let places = places(options)?;
    if places.is_empty() {
        return Err(Failure::new(Kind::NotEligible, t!("register-nowhere")));
    }
    let library = module.library().display().to_string();
    let title = if options.remove { t!("register-remove-title") } else { t!("register-title") };
    screen.say(&title);
    for place in &places {
        screen.mark(Mark::Item, &place.place());
    }
    screen.detail(&t!("register-module", name = module.name(), library = library));
    for issuer in &issuers {
        screen.detail(&t!("register-issuer", name = issuer.subject().to_string()));
    }
    screen.aside(&t!("register-no-trust"));
    if !options.yes && !ask_yes(&t!("ask-plan"), Beforehand::Yes)? {
        return Err(Failure::new(Kind::Declined, t!("error-declined")));
    }
    for place in &places {
        let changes = match options.remove {
            true => place.unregister(&module, &issuers),
            false => place.register(&module, &issuers),
        }?;
        let name = place.place();
        let nothing = !changes.module && changes.certificates == 0;
        let said = match (nothing, options.remove) {
            (true, true) => t!("register-nothing-to-remove", place = name),
            (true, false) => t!("register-there-already", place = name),
            (false, true) => t!("register-removed", place = name, certificates = changes.certificates),
            (false, false) => t!("register-done", place = name, certificates = changes.certificates),
        };
        screen.mark(Mark::Good, &said);
    }
    if !options.remove {
        screen.say(&t!("register-restart"));
    }
    Ok(())
}

/// The library that was named; or that of the token; or OpenSC's, which knows our cards.
fn module(global: &Global, options: &RegisterOptions) -> Result<CardModule, ProgramsError> {
    if let Some(library) = &options.module {
        return CardModule::new(library);
    }
    match global.token.as_deref().map(str::parse) {
        Some(Ok(Location::Pkcs11(uri))) if uri.module_path.is_some() => {
            CardModule::new(&uri.module_path.unwrap_or_default())
        }
        _ => CardModule::opensc(),
    }
}

/// The issuer's certificates: those that are trusted, and what lies between as the CA gives it.
fn issuers(global: &Global) -> Result<Vec<ParsedCertificate>, Failure> {
    if global.ca.is_none() {
        return Ok(Authority::named_trust(global)?.unwrap_or_default());
    }
    let authority = Authority::named(global)?.ok_or_else(|| Failure::new(Kind::Usage, t!("error-which-ca")))?;
    let terms = authority.connection()?.terms()?;
    let mut issuers = terms.anchors;
    for one in terms.intermediates {
        if !issuers.contains(&one) {
            issuers.push(one);
        }
    }
    Ok(issuers)
}

/// The databases that were named; or every place that this user's programs have.
fn places(options: &RegisterOptions) -> Result<Vec<Box<dyn Registry>>, ProgramsError> {
    if options.nss.is_empty() {
        let home = env::home_dir().unwrap_or_default();
        return programs::found(&home, p11_kit(&home));
    }
    let named = options.nss.iter().map(|folder| Ok(Box::new(NssDatabase::at(folder)?) as Box<dyn Registry>));
    named.collect()
}

/// The modules of this user; the superuser's programs know those of the machine only.
fn p11_kit(home: &Path) -> P11Kit {
    #[cfg(unix)]
    if rustix::process::geteuid().is_root() {
        return P11Kit::of_machine();
    }
    let config = env::var_os("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty());
    P11Kit::of_user(&config.map_or_else(|| home.join(".config"), PathBuf::from))
}

impl From<ProgramsError> for Failure {
    fn from(error: ProgramsError) -> Self {
        let kind = match error {
            ProgramsError::NoLibrary { .. } | ProgramsError::NoDatabase { .. } | ProgramsError::Name { .. } => {
                Kind::Usage
            }
            ProgramsError::NoProgram { .. } | ProgramsError::NotKept { .. } => Kind::NotEligible,
            _ => Kind::Internal,
        };
        let said = match &error {
            ProgramsError::NoLibrary { library } => {
                t!("error-no-library", library = library.display().to_string())
            }
            ProgramsError::NoDatabase { folder } => {
                t!("error-no-database", folder = folder.display().to_string())
            }
            ProgramsError::NoProgram { program, package } => {
                t!("error-no-program", program = *program, package = *package)
            }
            ProgramsError::NotKept { place } => t!("error-not-kept", place = place.as_str()),
            other => t!("error-other", detail = other.to_string()),
        };
        Self::new(kind, said)
    }
}

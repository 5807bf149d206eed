//! Where other programs look for the pair.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use obnova_client::{
    CaConnection as _,
    programs::{CardModule, Changes, NssDatabase, P11Kit, ProgramsError, Registry},
};
use obnova_renewal::ParsedCertificate;

use super::{World, order::new_certificates};
use crate::stage::{
    Stage,
    rules::{Broken, want},
};

/// The pair that came of the play.
pub fn registered(world: &mut World<'_>) -> Result<Option<String>, Broken> {
    let pair = new_certificates(world)?;
    let pair: Vec<_> = pair.iter().map(|(_, one)| one.clone()).collect();
    registered_at(world.stage, &pair, world.stage.in_reader, world.client.register)
}

/// How certificates are registered in one place.
pub type Register = fn(&dyn Registry, &CardModule, &[ParsedCertificate]) -> Result<Changes, ProgramsError>;

/// As `obnova register` does it.
pub fn as_the_client_does(
    place: &dyn Registry,
    module: &CardModule,
    issuers: &[ParsedCertificate],
) -> Result<Changes, ProgramsError> {
    place.register(module, issuers)
}

/// In a folder of its own, where NSS and p11-kit are told of the card's module: both know it, and NSS finds the whole chain of each of
/// these certificates as soon as a card shows them. Where they are on a card in a reader, NSS sees as many there, each with its key.
pub fn registered_at(
    stage: &Stage,
    certificates: &[ParsedCertificate],
    in_reader: bool,
    register: Register,
) -> Result<Option<String>, Broken> {
    let folder = tempfile::tempdir_in(stage.folder())?;
    let terms = stage.authority.connection()?.terms()?;
    let issuers = [terms.anchors, terms.intermediates].concat();
    let Ok(module) = CardModule::opensc() else { return Ok(None) };
    let Some(nss) = Nss::new(&folder.path().join("nss"))? else { return Ok(None) };
    let places: [Box<dyn Registry>; 2] =
        [Box::new(NssDatabase::at(&nss.0)?), Box::new(P11Kit::new(&folder.path().join("p11-kit"), Vec::new()))];
    let mut seen = Vec::new();
    for place in &places {
        let name = place.place();
        want(!place.has_module(&module)?, format!("{name}: the module was there before"))?;
        register(place.as_ref(), &module, &issuers)?;
        want(place.has_module(&module)?, format!("{name}: the module is not there"))?;
        seen.push(name.split(',').next().unwrap_or_default().to_owned());
    }
    want(!certificates.is_empty(), "there are no certificates to look for")?;
    for certificate in certificates {
        let chain = nss.chain(certificate)?;
        let which = certificate.serial();
        let above = issuers_of(certificate, &issuers);
        want(chain.len() == above + 1 && above > 0, format!("NSS knows of the chain of {which} only {chain:?}"))?;
    }
    if in_reader {
        let shown = nss.on_cards()?;
        let enough = shown.len() >= certificates.len();
        want(enough, format!("NSS sees these certificates with keys on cards in readers: {shown:?}"))?;
        seen.push(format!("NSS, which sees {} certificates with their keys in the reader,", shown.len()));
    }
    let (pair, issuers) = (certificates.len(), issuers.len());
    let places = seen.join(" and ");
    Ok(Some(format!("{places} know the card's module; NSS has {issuers} issuers for the chain of {pair} certificates")))
}

/// How many issuers there are up to the root.
fn issuers_of(certificate: &ParsedCertificate, issuers: &[ParsedCertificate]) -> usize {
    let is_root = certificate.issuer() == certificate.subject();
    let above = issuers.iter().filter(|_| !is_root).find(|one| one.subject() == certificate.issuer());
    above.map_or(0, |one| 1 + issuers_of(one, issuers))
}

/// A database of NSS.
struct Nss(PathBuf);

impl Nss {
    /// An empty one; nothing where the tools for it are not installed.
    fn new(folder: &Path) -> Result<Option<Self>, Broken> {
        std::fs::create_dir(folder)?;
        let made = Command::new("certutil").args(["-N", "--empty-password", "-d"]).arg(folder).output();
        Ok(made.is_ok_and(|made| made.status.success()).then(|| Self(folder.to_owned())))
    }

    /// Certificates that it sees on cards in readers, each with a key; their names. What is in them it reads with a PIN only.
    fn on_cards(&self) -> Result<Vec<String>, Broken> {
        let listed =
            Command::new("certutil").args(["-L", "-h", "all", "-d"]).arg(&self.0).stdin(Stdio::null()).output()?;
        let lines = String::from_utf8_lossy(&listed.stdout).into_owned();
        // `u`: there is a key to it.
        let with_key = lines.lines().filter_map(|line| line.trim_end().strip_suffix("u,u,u"));
        Ok(with_key.map(|name| name.trim().to_owned()).collect())
    }

    /// The chain of a certificate, from the root on, a line each: in a copy, which has it as if a card showed it.
    fn chain(&self, certificate: &ParsedCertificate) -> Result<Vec<String>, Broken> {
        let copy = tempfile::tempdir_in(self.0.parent().unwrap_or(&self.0))?;
        for file in ["cert9.db", "key4.db"] {
            std::fs::copy(self.0.join(file), copy.path().join(file))?;
        }
        let file = copy.path().join("shown.der");
        std::fs::write(&file, certificate.der())?;
        let tool = |arguments: &[&str]| Command::new("certutil").args(arguments).arg("-d").arg(copy.path()).output();
        let file = file.display().to_string();
        let added = tool(&["-A", "-n", "shown", "-t", ",,", "-i", &file])?;
        want(added.status.success(), String::from_utf8_lossy(&added.stderr))?;
        let listed = tool(&["-O", "-n", "shown"])?.stdout;
        let lines = String::from_utf8_lossy(&listed).lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>();
        Ok(lines.into_iter().filter(|line| !line.is_empty()).collect())
    }
}

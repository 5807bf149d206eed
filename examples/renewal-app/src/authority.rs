//! Which CA, and whom to trust: from the options, or as it was written down when the renewal began.

use std::{fs, path::Path};

use obnova_client::{CaConnection, EstConnection, Https, SimpleEstConnection, TlsLogin, tls_config};
use obnova_renewal::{ParsedCertificate, Terms};
use serde::{Deserialize, Serialize};

use crate::{
    cli::Global,
    commands::Way,
    failure::{Failure, Kind},
    files,
    texts::t,
};

/// An address, and the certificates that it is recognised by.
#[derive(Clone, Debug)]
pub struct Authority {
    pub url: String,
    pub anchors: Vec<ParsedCertificate>,
    /// The module of the service: the label in EST's paths.
    pub module: Option<String>,
    /// It is spoken to by plain EST.
    pub plain: bool,
    /// As whom a first order is placed there, where an option says so.
    pub user: Option<String>,
}

/// As it lies beside a journal.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Remembered {
    url: String,
    trust: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    module: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    plain: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<String>,
}

impl Authority {
    /// The one that `--ca` and `--trust` name; `None` when neither is there.
    pub fn named(global: &Global) -> Result<Option<Self>, Failure> {
        match (&global.ca, &global.trust) {
            (Some(url), Some(trust)) => {
                let (url, anchors) = (address(url)?, read(trust)?);
                Ok(Some(Self { url, anchors, module: None, plain: false, user: None }))
            }
            (None, None) => Ok(None),
            (Some(url), None) => Err(Failure::new(Kind::Usage, t!("error-ca-without-trust", address = address(url)?))),
            (None, Some(_)) => Err(Failure::new(Kind::Usage, t!("error-trust-without-ca"))),
        }
    }

    /// Only whom to trust, if `--trust` says it.
    pub fn named_trust(global: &Global) -> Result<Option<Vec<ParsedCertificate>>, Failure> {
        global.trust.as_deref().map(read).transpose()
    }

    /// By what the server behind a link is recognised, as `--trust` says.
    pub fn trust_for_link(global: &Global) -> Result<Vec<ParsedCertificate>, Failure> {
        Self::named_trust(global)?.ok_or_else(|| Failure::new(Kind::Usage, t!("error-link-trust")))
    }

    /// The one to go on with: that which was written down, at the address that `--ca` names and by whom `--trust` trusts if they do, each
    /// for itself. Only where nothing is written down any more it is asked as options say.
    pub fn to_go_on_with(global: &Global, way: &Way<'_>, file: &Path) -> Result<Self, Failure> {
        let remembered = match Self::remembered(file) {
            // It is lost like one that is not there.
            Err(_) if global.ca.is_some() && global.trust.is_some() => None,
            remembered => remembered?,
        };
        let Some(known) = remembered else {
            let named = Self::named(global)?.ok_or_else(|| Failure::new(Kind::Usage, t!("error-which-ca")))?;
            return Ok(Self { module: way.module.map(str::to_owned), plain: way.plain, ..named });
        };
        let is_other = way.module.is_some_and(|module| known.module.as_deref() != Some(module));
        if is_other || (way.plain && !known.plain) {
            return Err(Failure::new(Kind::Usage, t!("error-other-way")));
        }
        Ok(Self {
            url: global.ca.as_deref().map_or(Ok(known.url), address)?,
            anchors: global.trust.as_deref().map_or(Ok(known.anchors), read)?,
            ..known
        })
    }

    /// The one that was written down.
    pub fn remembered(file: &Path) -> Result<Option<Self>, Failure> {
        let text = match fs::read(file) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let unreadable = |problem: String| {
            Failure::new(Kind::Internal, t!("error-file", file = file.display().to_string(), problem = problem))
        };
        let known: Remembered = serde_json::from_slice(&text).map_err(|error| unreadable(error.to_string()))?;
        let anchors = files::parse_certificates(known.trust.as_bytes()).map_err(unreadable)?;
        Ok(Some(Self { url: known.url, anchors, module: known.module, plain: known.plain, user: known.user }))
    }

    /// Writes it down, for the day the renewal is resumed.
    pub fn remember(&self, file: &Path) -> Result<(), Failure> {
        let trust = self.anchors.iter().map(|anchor| files::pem(anchor.der())).collect();
        let (url, module, user) = (self.url.clone(), self.module.clone(), self.user.clone());
        let text = serde_json::to_vec(&Remembered { url, trust, module, plain: self.plain, user })
            .map_err(|error| Failure::new(Kind::Internal, error.to_string()))?;
        Ok(files::write_private(file, &text)?)
    }

    /// A connection to it, by the protocol that was chosen.
    pub fn road(&self) -> Result<Box<dyn CaConnection>, Failure> {
        if !self.plain {
            return Ok(Box::new(self.connection()?));
        }
        let connection = SimpleEstConnection::at(&self.url, self.anchors.clone())?;
        Ok(Box::new(match &self.module {
            Some(module) => connection.label(module),
            None => connection,
        }))
    }

    /// A connection to it, for CMC.
    pub fn connection(&self) -> Result<EstConnection, Failure> {
        let https = Https::new(&self.url, tls_config(&self.anchors)?)?;
        let connection = EstConnection::new(https, self.anchors.clone())?;
        Ok(match &self.module {
            Some(module) => connection.label(module),
            None => connection,
        })
    }

    /// What it says before anything is asked of it.
    pub fn terms(&self) -> Result<Terms, Failure> {
        Ok(self.road()?.terms()?)
    }

    /// The page that says who one is.
    pub fn login(&self) -> TlsLogin {
        TlsLogin::new(&self.url, "/login", self.anchors.clone())
    }
}

/// As it is typed.
fn address(url: &str) -> Result<String, Failure> {
    match url.starts_with("https://") {
        true => Ok(url.trim_end_matches('/').to_owned()),
        false => Err(Failure::new(Kind::Usage, t!("error-ca-address", address = url))),
    }
}

fn read(file: &Path) -> Result<Vec<ParsedCertificate>, Failure> {
    files::certificates(file).map_err(|problem| {
        Failure::new(Kind::Usage, t!("error-trust-file", file = file.display().to_string(), problem = problem))
    })
}

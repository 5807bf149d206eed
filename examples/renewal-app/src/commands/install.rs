use std::{
    cell::RefCell,
    io::Read as _,
    path::{Path, PathBuf},
    rc::Rc,
    time::SystemTime,
};

use obnova_client::{FileJournal, LinkError, Runner, follow_link, install_completion, is_link, look, read_mailed};
use obnova_renewal::{Completion, Loose, ParsedCertificate, Policy, Refusal, Terms, Vouching, match_loose};

use super::renew::{Road, Way};
use crate::{
    authority::Authority,
    cli::{Global, PinOptions, ServiceOptions},
    failure::{Failure, Kind},
    holder::{Face, Holder},
    journals::{self, Known},
    phrases,
    pins::Pins,
    service::Service,
    texts::t,
    tokens,
    ui::Mark,
};

/// The longest standard input that is read for links, in bytes.
const LONGEST: u64 = 64 * 1024;

/// `install`: certificates that were mailed, or a link to them, matched to the keys that wait for them; either of a pair brings
/// the other when it lies beside it.
pub fn run(
    global: &Global,
    named: &[PathBuf],
    agrees: bool,
    service: &ServiceOptions,
    options: &PinOptions,
) -> Result<(), Failure> {
    let face = Face::new();
    let holder = Holder { agrees, ..Holder::new(&face, Pins::read(options)?) };
    let folder = journals::folder(global)?;
    let mut loose = Vec::new();
    for one in named {
        let found = match one.to_str() {
            Some("-") => {
                let anchors = trusted(global, &folder)?;
                let followed = links()?.iter().map(|link| follow_link(link, &anchors)).collect::<Result<Vec<_>, _>>();
                followed?.into_iter().flatten().collect()
            }
            Some(link) if is_link(link) => follow_link(link, &trusted(global, &folder)?)?,
            _ => read_mailed(one).map_err(|problem| Failure::new(Kind::Usage, problem.to_string()))?,
        };
        loose.extend(found);
    }
    let waits = |known: &Known| {
        let keys = known.process.keys()?;
        let is_for = |one: &Loose| keys.iter().any(|(_, key)| *key == one.certificate.public_key());
        loose.iter().any(is_for).then_some(())
    };
    match journals::open(&folder)?.into_iter().find(|known| waits(known).is_some()) {
        Some(known) => into_renewal(global, &folder, &known, loose, (holder, &face)),
        None => onto_card(global, &loose, &Service::asked_for(service)?, (holder, &face)),
    }
}

/// The links on standard input, one a line.
fn links() -> Result<Vec<String>, Failure> {
    let mut text = String::new();
    std::io::stdin().take(LONGEST).read_to_string(&mut text)?;
    let links: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect();
    if links.is_empty() { Err(LinkError::NoLink.into()) } else { Ok(links) }
}

/// By what the server behind a link is recognised: as `--trust` says, or as was written down when a renewal began that is
/// under way.
fn trusted(global: &Global, folder: &Path) -> Result<Vec<ParsedCertificate>, Failure> {
    if global.trust.is_some() {
        return Authority::named_trust(global);
    }
    let mut anchors = Vec::new();
    for known in journals::open(folder)? {
        anchors.extend(
            Authority::remembered(&journals::authority(folder, &known.name))?.map_or_else(Vec::new, |ca| ca.anchors),
        );
    }
    if anchors.is_empty() { Err(Failure::new(Kind::Usage, t!("error-link-trust"))) } else { Ok(anchors) }
}

/// Certificates for a renewal whose journal is here: it goes on from there.
fn into_renewal(
    global: &Global,
    folder: &Path,
    known: &Known,
    loose: Vec<Loose>,
    (holder, face): (Holder, &Rc<RefCell<Face>>),
) -> Result<(), Failure> {
    let keys = known.process.keys().ok_or_else(|| refused(&Refusal::AnotherKey))?;
    let certificates = match_loose(loose, &keys).into_certificates();
    let authority = Authority::to_go_on_with(global, &Way::default(), &journals::authority(folder, &known.name))?;
    let token = Some(tokens::open_shared(global)?);
    let road = Road { folder, name: &known.name, authority: &authority, token, wait: false };
    let journal = FileJournal::open(folder, &known.name)?;
    road.walk(journal, holder, face, |seams| {
        let mut runner = Runner::resume(seams)?;
        runner.take_files(certificates)?;
        Ok(runner)
    })
}

/// Certificates for keys that wait on the card, without a journal: on another computer, or after it was lost.
fn onto_card(
    global: &Global,
    loose: &[Loose],
    policy: &Policy,
    (mut holder, face): (Holder, &Rc<RefCell<Face>>),
) -> Result<(), Failure> {
    let authority = Authority::named_trust(global)?;
    let terms = Terms { anchors: authority, intermediates: Vec::new(), vouching: Vouching::Elsewhere };
    let token = tokens::open_shared(global)?;
    let card = look(tokens::lock(&token).as_mut())?;
    let came: Vec<_> = loose.iter().map(|one| one.certificate.der().to_vec()).collect();
    let completion =
        Completion::make(&card, &came, policy, &terms, SystemTime::now()).map_err(|refusal| refused(&refusal))?;
    let outcome = install_completion(&token, &mut holder, &completion);
    holder.outcome(outcome)?;
    let mut face = face.borrow_mut();
    face.screen.mark(Mark::Good, &t!("fact-files"));
    face.screen.mark(Mark::Good, &t!("fact-installed"));
    Ok(())
}

fn refused(refusal: &Refusal) -> Failure {
    Failure::new(Kind::Refused, phrases::refusal(refusal))
}

impl From<LinkError> for Failure {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::NoLink => Self::new(Kind::Usage, t!("error-no-link")),
            LinkError::Undecided => Self::new(Kind::Pending, t!("error-link-undecided")),
            LinkError::Rejected => Self::new(Kind::Refused, t!("error-link-rejected")),
            LinkError::Unknown => Self::new(Kind::Refused, t!("error-link-unknown")),
            LinkError::Spent => Self::new(Kind::Refused, t!("error-link-spent")),
            LinkError::Over => Self::new(Kind::Refused, t!("error-link-over")),
            LinkError::OtherCard => Self::new(Kind::NotEligible, t!("error-link-other-card")),
            LinkError::NotRenewal => Self::new(Kind::Usage, t!("error-link-no-renewal")),
            LinkError::Ca(error) => error.into(),
            other => Self::new(Kind::Refused, t!("error-other", detail = other.to_string())),
        }
    }
}

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
    rc::Rc,
    time::SystemTime,
};

use obnova_client::{
    FileJournal, Finish, LinkError, PickUpLink, ReceiptError, Runner, TlsLogin, is_link, look, read_mailed,
};
use obnova_renewal::{
    ByRole, Completion, Loose, ParsedCertificate, PinUse, Policy, Refusal, Terms, Vouching, match_loose,
};

use super::renew::{Road, Way, check_room};
use crate::{
    authority::Authority,
    cli::{Global, PinOptions, ServiceOptions},
    failure::{Errand, Failure, Kind, internal},
    holder::{Face, Holder},
    journals::{self, Known},
    narration, phrases,
    pins::Pins,
    service::Service,
    texts::t,
    tokens,
    ui::{Mark, ask_links},
};

/// `install`: certificates that were mailed, or a link to them, matched to the keys that wait for them; either of a pair brings
/// the other when it lies beside it.
pub fn run(
    global: &Global,
    named: &[PathBuf],
    agrees: bool,
    service: &ServiceOptions,
    options: &PinOptions,
) -> Result<(), Failure> {
    let face = Face::new(Errand::Other);
    let holder = Holder { agrees, ..Holder::new(&face, Pins::read(options)?) };
    let folder = journals::folder(global)?;
    let (mut files, mut given) = (Vec::new(), Vec::new());
    for one in named {
        match one.to_str() {
            Some("-") => match ask_links()? {
                links if links.is_empty() => return Err(LinkError::NoLink.into()),
                links => given.extend(links),
            },
            Some(link) if is_link(link) => given.push(link.to_owned()),
            _ => files.push(one),
        }
    }
    let mut loose = read_mailed(&files).map_err(|problem| Failure::new(Kind::Usage, problem.to_string()))?;
    let anchors = if given.is_empty() { Vec::new() } else { trusted(global, &folder)? };
    let (mut links, mut spent) = (Vec::new(), Vec::new());
    for (at, link) in given.iter().enumerate() {
        let number = Number { number: at + 1, total: given.len() };
        match PickUpLink::open(link, &anchors) {
            Ok(link) => links.push((number, link)),
            // What else was named may be all that is wanted.
            Err(LinkError::Spent) => spent.push(number),
            Err(error) => return Err(error.into()),
        }
    }
    loose.extend(links.iter().flat_map(|(_, link)| link.certificates()));
    if loose.is_empty() && !spent.is_empty() {
        return Err(LinkError::Spent.into());
    }
    for Number { number, total } in spent {
        face.borrow_mut().screen.mark(Mark::Caution, &t!("fact-link-spent", number = number, total = total));
    }
    let came = Came { loose, links };
    let waits = |known: &Known| {
        let keys = known.process.keys()?;
        let is_for = |one: &Loose| keys.iter().any(|(_, key)| *key == one.certificate.public_key());
        came.loose.iter().any(is_for).then_some(())
    };
    match journals::open(&folder)?.into_iter().find(|known| waits(known).is_some()) {
        Some(known) => into_renewal(global, &folder, &known, came, (holder, &face)),
        None => {
            let policy = Service::asked_for(service)?;
            onto_card(global, &came, (&policy, service.is_named()), (holder, &face))
        }
    }
}

/// What was named.
struct Came {
    /// Certificates from files, and those that links brought.
    loose: Vec<Loose>,
    links: Vec<(Number, PickUpLink)>,
}

/// Which of the links that were named, from 1 on. What a link is shows nobody who looks on.
#[derive(Clone, Copy)]
struct Number {
    number: usize,
    total: usize,
}

/// By what the server behind a link is recognised: as `--trust` says, or as was written down when a renewal began that is
/// under way.
fn trusted(global: &Global, folder: &Path) -> Result<Vec<ParsedCertificate>, Failure> {
    if let Some(anchors) = Authority::named_trust(global)? {
        return Ok(anchors);
    }
    let mut anchors = Vec::new();
    for known in journals::open(folder)? {
        anchors.extend(
            Authority::remembered(&journals::authority(folder, &known.name))?.map_or_else(Vec::new, |ca| ca.anchors),
        );
    }
    if anchors.is_empty() { Authority::trust_for_link(global) } else { Ok(anchors) }
}

/// Certificates for a renewal whose journal is here: it goes on from there.
fn into_renewal(
    global: &Global,
    folder: &Path,
    known: &Known,
    came: Came,
    (mut holder, face): (Holder, &Rc<RefCell<Face>>),
) -> Result<(), Failure> {
    let keys = known.process.keys().ok_or_else(|| Failure::from(&Refusal::AnotherKey))?;
    let is_for = |key| came.loose.iter().map(|one| &one.certificate).find(|one| one.public_key() == key).cloned();
    let certificates = keys.filter_map(|_, key| is_for(*key));
    let authority = Authority::to_go_on_with(global, &Way::default(), &journals::authority(folder, &known.name))?;
    let token = tokens::open_shared(global)?;
    face.borrow_mut().speaks_to(&token);
    check_room(&token, &known.process)?;
    let road = Road { folder, name: &known.name, authority: &authority, token: Some(token.clone()), wait: false };
    let journal = FileJournal::open(folder, &known.name)?;
    let files = match_loose(came.loose, &keys).into_certificates();
    road.walk(journal, &mut holder, face, |seams| {
        let mut runner = Runner::resume(seams)?;
        runner.take_files(files)?;
        Ok(runner)
    })?;
    // The order was not told by what is known of it here: what came may be of another one.
    let Some(certificates) = certificates else { return Ok(()) };
    let open = came.links.iter().map(|link| Ok((link, link.1.is_open()?))).collect::<Result<Vec<_>, LinkError>>()?;
    let open: Vec<_> = open.into_iter().filter_map(|(link, open)| open.then_some(link)).collect();
    let mut finish = Finish::new(&token, &mut holder, &certificates, &[PinUse::Receipt]);
    if came.links.is_empty() && !authority.plain {
        return receive(&mut finish, &authority, face);
    }
    close(&mut finish, &certificates, &open, face)
}

/// Certificates for keys that wait on the card, without a journal: on another computer, or after it was lost.
fn onto_card(
    global: &Global,
    came: &Came,
    (policy, is_named): (&Policy, bool),
    (mut holder, face): (Holder, &Rc<RefCell<Face>>),
) -> Result<(), Failure> {
    let which = || Failure::new(Kind::Usage, t!("error-which-trust"));
    let anchors = Authority::named_trust(global)?.ok_or_else(which)?;
    let named = if global.ca.is_some() { Authority::named(global)? } else { None };
    let terms = Terms { anchors: anchors.clone(), intermediates: Vec::new(), vouching: Vouching::Elsewhere };
    let token = tokens::open_shared(global)?;
    face.borrow_mut().speaks_to(&token);
    let card = look(tokens::lock(&token).as_mut())?;
    let ders: Vec<_> = came.loose.iter().map(|one| one.certificate.der().to_vec()).collect();
    let completion =
        Completion::make(&card, &ders, policy, &terms, SystemTime::now()).map_err(|refusal| match is_named {
            true => Failure::from(&refusal),
            false => refused_unnamed(&refusal),
        })?;
    let proofs = Proofs::of(global, came, policy, &completion.certificates);
    let mut finish = Finish::new(
        &token,
        &mut holder,
        &completion.certificates,
        &proofs.uses(named.is_some() || !came.links.is_empty()),
    );
    let outcome = finish.install(&completion);
    face.borrow_mut().outcome(outcome)?;
    good(face, &t!("fact-files"));
    good(
        face,
        &match completion.is_done() {
            true => t!("fact-installed-already"),
            false => {
                let one = completion.certificates.len() == 1;
                narration::installed(completion.first, one, !completion.marks_superseded)
            }
        },
    );
    // Whether one that is required came with the order is not known here; where it had to, it did.
    let comes_later = !policy.revocation_password_optional && !policy.revocation_password_at_once;
    if completion.first && policy.revocation_password.is_some() && comes_later {
        face.borrow_mut().screen.mark(Mark::Caution, &t!("fact-password-unknown"));
    }
    // While the link is open the same command makes them after whatever stop.
    proofs.make(&mut finish, anchors, face)?;
    match &named {
        Some(authority) if came.links.is_empty() => receive(&mut finish, authority, face),
        None if came.links.is_empty() => {
            face.borrow_mut().screen.mark(Mark::Caution, &t!("fact-link-stays"));
            Ok(())
        }
        _ => close(&mut finish, &completion.certificates, &came.links.iter().collect::<Vec<_>>(), face),
    }
}

/// The CA is told that what its links brought is on the card, and they open nothing any more.
fn close(
    finish: &mut Finish<'_>,
    certificates: &ByRole<ParsedCertificate>,
    links: &[&(Number, PickUpLink)],
    face: &Rc<RefCell<Face>>,
) -> Result<(), Failure> {
    for (Number { number, total }, link) in links {
        let (number, total) = (*number, *total);
        if !link.certificates().into_iter().any(|came| certificates.iter().any(|(_, one)| *one == came.certificate)) {
            face.borrow_mut().screen.mark(Mark::Caution, &t!("fact-link-for-others", number = number, total = total));
            continue;
        }
        match finish.close(link) {
            Ok(()) | Err(ReceiptError::Spent) => good(face, &t!("fact-link-closed", number = number, total = total)),
            Err(ReceiptError::NotTaken { status }) => {
                face.borrow_mut().screen.mark(Mark::Caution, &t!("fact-link-not-taken", status = status));
            }
            Err(ReceiptError::Refused { reason, text }) => {
                let reason = phrases::fail_info(&reason);
                return Err(Failure::new(Kind::Refused, t!("error-receipt-refused", reason = reason, text = text)));
            }
            Err(ReceiptError::Ca(error)) => return Err(not_told(&error.into())),
            Err(ReceiptError::Run(error)) => {
                let failure = face.borrow_mut().outcome::<()>(Err(error)).err();
                return Err(failure.map_or_else(|| internal("no receipt"), |failure| not_told(&failure)));
            }
            Err(error) => return Err(internal(error)),
        }
    }
    Ok(())
}

/// The CA is told that what came as files is on the card. There may be no network, and no link of it to close.
fn receive(finish: &mut Finish<'_>, authority: &Authority, face: &Rc<RefCell<Face>>) -> Result<(), Failure> {
    let problem = match finish.confirm(&mut authority.connection()?) {
        Ok(()) => {
            good(face, &t!("fact-received"));
            return Ok(());
        }
        Err(ReceiptError::Run(error)) => {
            let failure = face.borrow_mut().outcome::<()>(Err(error)).err();
            return failure.map_or(Ok(()), |failure| Err(not_told(&failure)));
        }
        Err(ReceiptError::Ca(error)) => Failure::from(error).message().to_owned(),
        Err(error) => error.to_string(),
    };
    face.borrow_mut().screen.mark(Mark::Caution, &t!("fact-not-received", problem = problem));
    Ok(())
}

/// What is on the card stays there, whatever became of the receipt.
fn not_told(failure: &Failure) -> Failure {
    Failure::new(failure.kind(), t!("error-receipt", problem = failure.message().to_owned()))
}

/// What the service wants of new certificates, where it can be had.
struct Proofs {
    login: Option<String>,
    signature: bool,
    /// Why there is no login.
    left_out: Option<String>,
}

impl Proofs {
    fn of(global: &Global, came: &Came, policy: &Policy, certificates: &ByRole<ParsedCertificate>) -> Self {
        let server = global.ca.clone().or_else(|| came.links.first().map(|(_, link)| link.server().to_owned()));
        let (login, left_out) = match (policy.prove_login, &certificates.authentication, server) {
            (false, ..) => (None, Some(t!("fact-login-not-asked"))),
            (true, None, _) => (None, Some(t!("fact-login-nothing"))),
            (true, Some(_), None) => (None, Some(t!("fact-login-nowhere"))),
            (true, Some(_), server) => (server, None),
        };
        Self { login, signature: policy.prove_signature && certificates.signature.is_some(), left_out }
    }

    /// What passwords will be needed for.
    fn uses(&self, receipt: bool) -> Vec<PinUse> {
        let uses = [
            (self.login.is_some(), PinUse::Login),
            (self.signature, PinUse::TestSignature),
            (receipt, PinUse::Receipt),
        ];
        uses.into_iter().filter_map(|(wanted, one)| wanted.then_some(one)).collect()
    }

    fn make(
        &self,
        finish: &mut Finish<'_>,
        anchors: Vec<ParsedCertificate>,
        face: &Rc<RefCell<Face>>,
    ) -> Result<(), Failure> {
        if let Some(server) = &self.login {
            let outcome = finish.prove_login(&mut TlsLogin::new(server, "/login", anchors));
            let seen = face.borrow_mut().outcome(outcome)?;
            if let Some(name) = seen {
                good(face, &t!("fact-logged-in", name = name));
            }
        }
        if let Some(reason) = &self.left_out {
            face.borrow_mut().screen.mark(Mark::Item, reason);
        }
        if self.signature {
            let outcome = finish.prove_signature();
            let made = face.borrow_mut().outcome(outcome)?;
            if made {
                good(face, &t!("fact-signature-proven"));
            }
        }
        Ok(())
    }
}

fn good(face: &Rc<RefCell<Face>>, text: &str) {
    face.borrow_mut().screen.mark(Mark::Good, text);
}

/// The same by the rules of the service that is taken where none is named: it may be another one.
fn refused_unnamed(refusal: &Refusal) -> Failure {
    let failure = Failure::from(refusal);
    let is_of_service = matches!(
        refusal,
        Refusal::OnlyOneOfTwo { .. }
            | Refusal::KeyUsage { .. }
            | Refusal::ExtendedKeyUsage { .. }
            | Refusal::QcStatement { .. }
    );
    if !is_of_service {
        return failure;
    }
    Failure::new(failure.kind(), t!("refusal-by-twins", refusal = failure.message().to_owned()))
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
            LinkError::OnHold => Self::new(Kind::Refused, t!("error-link-on-hold")),
            LinkError::Revoked => Self::new(Kind::Refused, t!("error-link-revoked")),
            LinkError::OtherCard => Self::new(Kind::NotEligible, t!("error-link-other-card")),
            LinkError::NotRenewal => Self::new(Kind::Usage, t!("error-link-no-renewal")),
            LinkError::Ca(error) => error.into(),
            other => Self::new(Kind::Refused, t!("error-other", detail = other.to_string())),
        }
    }
}

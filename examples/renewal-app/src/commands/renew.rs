use std::{
    cell::RefCell,
    path::{Path, PathBuf},
    rc::Rc,
    time::{Duration, SystemTime},
};

use obnova_card::TokenError;
use obnova_client::{
    CaConnection, FileJournal, Foreseen, Pause, RenewalLink, RunError, Runner, Seams, SharedToken, Turn, look,
};
use obnova_renewal::{
    AskStatus, ByRole, CardView, Diagnosis, Event, Method, NotEligible, ParsedCertificate, Plan, Policy, Process,
    Protocol, Reason, Standing,
};

use super::{
    foreseen::foresee,
    receipt::{self, Owed},
};
use crate::{
    authority::Authority,
    beforehand::Beforehand,
    checks,
    cli::{Global, RenewOptions},
    failure::{Errand, Failure, Kind},
    files,
    holder::{Face, Holder},
    journals::{self, Known},
    phrases,
    pins::Pins,
    service::Service,
    texts::t,
    tokens,
    told::Told,
    ui::{Mark, ask_links, sits_there},
};

/// `renew`: begins a renewal, or goes on with one.
pub fn run(global: &Global, options: &RenewOptions) -> Result<(), Failure> {
    let pins = Pins::read(&options.pins)?;
    let folder = journals::folder(global)?;
    let face = Face::new(Errand::Renewal);
    let holder = Holder { agrees: options.yes, ..Holder::new(&face, pins) };
    let way = Way { wait: options.wait, plain: options.plain, ..Way::default() };
    if options.resume {
        return resume(global, &folder, holder, &face, &way);
    }
    let policy = match options.same_key {
        true => Service::asked_for_same_key(&options.service)?,
        false => Service::asked_for(&options.service)?,
    };
    let way = way.of(&policy);
    let Some(link) = &options.link else {
        return begin(global, &folder, holder, &face, &way, |card, ca| planned(global, card, &policy, ca));
    };
    let anchors = Authority::trust_for_link(global)?;
    let link = RenewalLink::new(&given(link)?, &anchors)?;
    // Who mailed the link is who is asked.
    let global = Global { ca: Some(link.server().to_owned()), ..global.clone() };
    if let Some(known) = journals::open(&folder)?.into_iter().find(|known| link.begins(known.process.plan())) {
        return go_on(&global, &folder, &known, holder, &face, &way);
    }
    begin(&global, &folder, holder, &face, &way, |card, ca| Ok(link.plan(planned(&global, card, &policy, ca)?)?))
}

/// What will be done for what the CA issued, as it wishes.
fn planned(global: &Global, card: &CardView, policy: &Policy, ca: &mut dyn CaConnection) -> Result<Plan, Failure> {
    let (wishes, issuers) = (ca.wishes()?, ca.terms()?.issuers());
    let plan = wishes.plan(card, policy, |policy| Plan::make_for(card, policy, &issuers, SystemTime::now()));
    plan.map_err(|refused| over(global, card, policy, &issuers, &refused).unwrap_or_else(|| refused.into()))
}

/// Nobody is told to come again for certificates that are revoked.
fn over(
    global: &Global,
    card: &CardView,
    policy: &Policy,
    issuers: &[ParsedCertificate],
    not_eligible: &NotEligible,
) -> Option<Failure> {
    if !not_eligible.reasons.iter().all(|reason| matches!(reason, Reason::NotDue { .. })) {
        return None;
    }
    let authority = Authority::named(global).ok()??;
    let told = checks::standing(&authority, card, policy, issuers, SystemTime::now());
    let unfit = told.into_iter().filter(|line| line.failure == Some(Kind::NotEligible));
    let unfit: Vec<_> = unfit.map(|line| line.text).collect();
    (!unfit.is_empty()).then(|| Failure::new(Kind::NotEligible, unfit.join("\n")))
}

/// The link, or the one that is pasted at a terminal or comes on standard input.
fn given(link: &str) -> Result<String, Failure> {
    match link {
        "-" => Ok(ask_links()?.into_iter().next().unwrap_or_default()),
        link => Ok(link.to_owned()),
    }
}

/// Goes on with the youngest that can be gone on with, a renewal or a first order.
pub fn resume(
    global: &Global,
    folder: &Path,
    holder: Holder,
    face: &Rc<RefCell<Face>>,
    way: &Way<'_>,
) -> Result<(), Failure> {
    if let Some(open) = journals::open(folder)?.into_iter().next() {
        return go_on(global, folder, &open, holder, face, way);
    }
    if let Some(done) = journals::without_receipt(folder)? {
        return tell(global, folder, &done, holder, face, way);
    }
    let over = match refused_in_vain(global, folder)? {
        None => journals::declined(folder)?,
        refused => refused,
    };
    match over {
        Some(known) => go_on(global, folder, &known, holder, face, way),
        None => Err(nothing_to_resume(holder.gives_credentials)),
    }
}

fn nothing_to_resume(first: bool) -> Failure {
    let text = if first { t!("error-nothing-to-resume-first") } else { t!("error-nothing-to-resume") };
    Failure::new(Kind::NotEligible, text)
}

/// Goes on with this one.
fn go_on(
    global: &Global,
    folder: &Path,
    known: &Known,
    mut holder: Holder,
    face: &Rc<RefCell<Face>>,
    way: &Way<'_>,
) -> Result<(), Failure> {
    let authority = Authority::to_go_on_with(global, way, &journals::authority(folder, &known.name))?;
    let token = global.token.is_some().then(|| tokens::open_shared(global)).transpose()?;
    // Whoever said it when it was begun is not asked again, also where it is said at each pick-up; another option goes before.
    if holder.user.is_none() && holder.gives_credentials {
        holder.user.clone_from(&authority.user);
    }
    if let Some(token) = &token {
        check_room(token, &known.process)?;
        foresee_the_rest(&mut holder, token, &known.process, &authority)?;
    }
    let road = Road { folder, name: &known.name, authority: &authority, token, wait: way.wait };
    let journal = FileJournal::open(folder, &known.name)?;
    road.walk(journal, &mut holder, face, |seams| Runner::resume(seams))
}

/// Refuses, before anything is fetched or asked for, what there is no room for any more on the card.
pub fn check_room(token: &SharedToken, process: &Process) -> Result<(), Failure> {
    let card = look(tokens::lock(token).as_mut())?;
    process.check_room(&card).map_err(|full| Failure::from(&full))
}

/// As long as the order is not made, what is foreseen of one that begins is foreseen of it too.
fn foresee_the_rest(
    holder: &mut Holder,
    token: &SharedToken,
    process: &Process,
    authority: &Authority,
) -> Result<(), Failure> {
    if process.message().is_some() {
        return Ok(());
    }
    let card = look(tokens::lock(token).as_mut())?;
    // Another card is told when it is needed.
    if card.identity.serial != process.plan().card.serial {
        return Ok(());
    }
    foresee(holder, &card, process.plan(), &Foreseen::of(process, &card), &mut *authority.road()?)
}

/// The youngest order for this card that ended by a refusal, and is on the card all the same: nobody looked at the card then.
fn refused_in_vain(global: &Global, folder: &Path) -> Result<Option<Known>, Failure> {
    let mut refused = Vec::new();
    for known in journals::all(folder)? {
        // What a later order goes on with the keys of had not come; what came for them since is of that one.
        refused.retain(|before: &Known| !shares_a_key(&before.process, &known.process));
        if known.process.may_have_come_elsewhere() {
            refused.push(known);
        }
    }
    if refused.is_empty() || global.token.is_none() {
        return Ok(None);
    }
    let card = look(tokens::open(global)?.as_mut())?;
    let is_there = |known: &Known| {
        let mut process = known.process.clone();
        let seen = Event::Looked(card.slots.clone());
        process.plan().card.serial == card.identity.serial
            && process.handle(seen, SystemTime::now()).is_ok_and(|facts| !facts.is_empty())
    };
    Ok(refused.into_iter().rev().find(is_there))
}

fn shares_a_key(one: &Process, other: &Process) -> bool {
    let (Some(keys), Some(others)) = (one.keys(), other.keys()) else { return false };
    keys.iter().any(|(_, key)| others.iter().any(|(_, other)| other == key))
}

/// What is left of an order that is over: the CA was not told so.
fn tell(
    global: &Global,
    folder: &Path,
    known: &Known,
    mut holder: Holder,
    face: &Rc<RefCell<Face>>,
    way: &Way<'_>,
) -> Result<(), Failure> {
    let Some(certificates) = known.process.certificates() else {
        return Err(nothing_to_resume(known.process.plan().is_first()));
    };
    let authority = Authority::to_go_on_with(global, way, &journals::authority(folder, &known.name))?;
    let first = known.process.plan().is_first();
    let owed = Owed { folder, name: &known.name, first, authority: &authority, certificates };
    owed.make(&tokens::open_shared(global)?, &mut holder, face)
}

/// How the issuer is asked.
#[derive(Default)]
pub struct Way<'a> {
    /// Until there is an answer.
    pub wait: bool,
    /// In this module of the service.
    pub module: Option<&'a str>,
    /// By plain EST.
    pub plain: bool,
}

impl Way<'_> {
    /// By the service's protocol, where no option says another.
    pub fn of(self, policy: &Policy) -> Self {
        Self { plain: self.plain || policy.protocol == Protocol::Est, ..self }
    }
}

/// Begins what is planned for the card that is there, as the issuer wishes it.
pub fn begin(
    global: &Global,
    folder: &Path,
    mut holder: Holder,
    face: &Rc<RefCell<Face>>,
    way: &Way<'_>,
    plan: impl FnOnce(&CardView, &mut dyn CaConnection) -> Result<Plan, Failure>,
) -> Result<(), Failure> {
    let authority = Authority::named(global)?.ok_or_else(|| Failure::new(Kind::Usage, t!("error-which-ca")))?;
    let authority =
        Authority { module: way.module.map(str::to_owned), plain: way.plain, user: holder.user.clone(), ..authority };
    // Before anything is begun that would then wait for an answer.
    if !holder.agrees && !sits_there() {
        return Err(Beforehand::Yes.nobody(&t!("ask-plan")));
    }
    let token = tokens::open_shared(global)?;
    let card = look(tokens::lock(&token).as_mut())?;
    let same_card = |process: &Process| process.plan().card.serial == card.identity.serial;
    if let Some(known) = journals::open(folder)?.iter().find(|known| same_card(&known.process)) {
        let first = known.process.plan().is_first();
        let text = if first { t!("error-under-way-first") } else { t!("error-under-way") };
        return Err(Failure::new(Kind::NotEligible, text));
    }
    let mut road = authority.road()?;
    let plan = plan(&card, &mut *road)?;
    foresee(&mut holder, &card, &plan, &Foreseen::of_plan(&plan, &card), &mut *road)?;
    drop(road);
    let name = journals::new_name(folder)?;
    let journal = FileJournal::create(folder, &name)?;
    authority.remember(&journals::authority(folder, &name))?;
    let road = Road { folder, name: &name, authority: &authority, token: Some(token), wait: way.wait };
    road.walk(journal, &mut holder, face, |seams| Runner::begin(seams, &name, plan))
}

/// What one renewal runs on.
pub struct Road<'a> {
    pub folder: &'a Path,
    pub name: &'a str,
    pub authority: &'a Authority,
    pub token: Option<SharedToken>,
    pub wait: bool,
}

impl Road<'_> {
    /// Goes on until it is done, has failed, or has to wait for the CA.
    pub fn walk(
        &self,
        journal: FileJournal,
        holder: &mut Holder,
        face: &Rc<RefCell<Face>>,
        make: impl for<'r> FnOnce(Seams<'r>) -> Result<Runner<'r>, RunError>,
    ) -> Result<(), Failure> {
        if let Some(token) = &self.token {
            face.borrow_mut().speaks_to(token);
        }
        let teller = face.clone();
        let mut journal = Told { inner: journal, tell: move |fact: &_| teller.borrow_mut().fact(fact) };
        let (mut ca, mut login) = (self.authority.road()?, self.authority.login());
        let runner = make(Seams {
            token: self.token.clone(),
            ca: &mut *ca,
            prompt: holder,
            journal: &mut journal,
            login: Some(&mut login),
            clock: &SystemTime::now,
        });
        let mut runner = face.borrow_mut().outcome(runner)?;
        face.borrow_mut().is_about(runner.process().plan(), self.authority);
        let is_owed = receipt::is_owed(runner.process(), self.authority);
        if is_owed {
            journals::note_receipt(self.folder, self.name)?;
        }
        let (first, mut was_away) = (runner.process().plan().is_first(), false);
        let outcome = runner.run_to_end(|Pause { until, away }| {
            if self.wait {
                let mut shown = face.borrow_mut();
                if let Some(error) = away.filter(|_| !was_away) {
                    shown.screen.mark(Mark::Caution, &phrases::away(error, first));
                }
                was_away = away.is_some();
                let waiting = shown.screen.progress(&t!("progress-wait"));
                drop(shown);
                std::thread::sleep(until.duration_since(SystemTime::now()).unwrap_or(Duration::ZERO));
                drop(waiting);
            }
            self.wait
        });
        let outcome = outcome.inspect_err(|error| self.diagnose(runner.process(), Some(error), face));
        let turn = face.borrow_mut().outcome(outcome)?;
        let count = runner.process().plan().new.len();
        match turn {
            Turn::Waits(_) | Turn::Went => Err(Failure::new(
                Kind::Pending,
                match (first, self.authority.plain) {
                    (true, true) => t!("first-pending-plain"),
                    (true, false) => t!("first-pending", count = count),
                    (false, true) => t!("renew-pending-plain"),
                    (false, false) => t!("renew-pending", count = count),
                },
            )),
            Turn::Done(summary) => {
                // What was written for a help desk on the way is of no use any more.
                let _ = std::fs::remove_file(self.diagnosis());
                let text = match (summary.came_elsewhere, first) {
                    (true, _) => t!("fact-done-elsewhere"),
                    (false, true) => t!("first-done", count = count),
                    (false, false) => t!("renew-done", count = count),
                };
                let later = runner.process().plan().revocation_password_later;
                drop(runner);
                let mut screen = face.borrow_mut();
                screen.screen.mark(Mark::Good, &text);
                if later {
                    screen.screen.mark(Mark::Caution, &t!("first-password-later"));
                }
                drop(screen);
                if summary.came_elsewhere {
                    // Who put them there has told the CA, which is why it gives nothing any more.
                    return journals::receipt_is_made(self.folder, self.name);
                }
                let Some(token) = self.token.as_ref().filter(|_| is_owed) else { return Ok(()) };
                let Self { folder, name, authority, .. } = *self;
                Owed { folder, name, first, authority, certificates: &summary.certificates }.make(token, holder, face)
            }
            Turn::Failed(failure) => {
                self.diagnose(runner.process(), None, face);
                let process = runner.process().clone();
                drop(runner);
                Err(ended(failure, &process, &mut *ca))
            }
        }
    }

    fn diagnosis(&self) -> PathBuf {
        self.folder.join(format!("{}.diagnosis", self.name))
    }

    /// Leaves what a help desk needs beside the journal. Not worth failing over.
    fn diagnose(&self, process: &Process, error: Option<&RunError>, face: &Rc<RefCell<Face>>) {
        if error.is_some_and(|error| !is_for_help_desk(error)) {
            return;
        }
        let error = error.map(|error| error as &dyn std::error::Error);
        let diagnosis = Diagnosis::of(process, error, SystemTime::now()).to_string();
        let file = self.diagnosis();
        if files::write_private(&file, diagnosis.as_bytes()).is_ok() {
            face.borrow_mut().screen.aside(&t!("renew-diagnosis", file = file.display().to_string()));
        }
    }
}

/// How it ended, and what became of the card where the CA refused, or what it sent was not taken.
fn ended(ended: obnova_renewal::Failure, process: &Process, issuer: &mut dyn CaConnection) -> Failure {
    let plan = process.plan();
    let refused = matches!(ended, obnova_renewal::Failure::Refused { .. } | obnova_renewal::Failure::Rejected(_));
    let failure = Failure::of_end(process, ended);
    let card = match plan.risk {
        _ if !refused => return failure,
        // The old keys are gone by then.
        Some(_) => return failure,
        None if plan.is_first() && process.spent_keys().next().is_some() => t!("error-refused-first-keys"),
        None if plan.is_first() => t!("error-refused-first"),
        None => left(plan, issuer),
    };
    let mut told = vec![failure.message().to_owned(), card];
    if plan.is_first() && process.history().any(|(_, what)| what == "pending") {
        told.push(t!("error-refused-first-password"));
    }
    // What is refused was signed with them, so that they are on the card by then.
    if plan.method == Some(Method::ReKey) {
        let slots: Vec<_> = plan.new.iter().map(|(_, new)| new.slot.to_string()).collect();
        told.push(t!("error-refused-keys", count = slots.len(), slots = slots.join(", ")));
    }
    Failure::new(failure.kind(), told.join(" "))
}

/// What the old certificates are worth now, as whoever asks is told.
fn left(plan: &Plan, issuer: &mut dyn CaConnection) -> String {
    let untouched = if plan.new.len() == 1 { t!("renew-untouched-one") } else { t!("renew-untouched") };
    let now = SystemTime::now();
    let Ok(told) = plan.old.try_map(|_, old| issuer.standing(&old.certificate, now)) else { return untouched };
    let unfit = ByRole::from_fn(|role| told.get(role).filter(|one| one.stops(AskStatus::Try)).cloned());
    if !unfit.is_empty() {
        return format!("{untouched} {}", phrases::unfit(&unfit));
    }
    match told.iter().all(|(_, one)| matches!(one, Standing::Good { .. })) {
        true => format!("{untouched} {}", t!("renew-untouched-good")),
        false => untouched,
    }
}

/// What the holder mends alone needs no help desk.
const fn is_for_help_desk(error: &RunError) -> bool {
    !matches!(
        error,
        RunError::Prompt(_)
            | RunError::NoCard
            | RunError::LastTryKept { .. }
            | RunError::Token(TokenError::WrongSecret { .. } | TokenError::Blocked { .. })
    )
}

impl From<obnova_renewal::NotEligible> for Failure {
    fn from(not_eligible: obnova_renewal::NotEligible) -> Self {
        let reasons: Vec<_> = not_eligible.reasons.iter().map(phrases::reason).collect();
        Self::new(Kind::NotEligible, reasons.join("\n"))
    }
}

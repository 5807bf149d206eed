//! The holder at a terminal, or what was handed over in place of one.

use std::{cell::RefCell, rc::Rc};

use obnova_card::{Dead, PasswordKind, PasswordSteps, Secret, TokenError, Tries};
use obnova_client::{
    Credential, CredentialRequest, PinRequest, Progress as Told, Prompt, PromptError, Question, RunError, SharedToken,
};
use obnova_renewal::{Fact, Plan, Standing, date};

use crate::{
    ask,
    authority::Authority,
    beforehand::Beforehand,
    failure::{Errand, Failure, Kind},
    narration::{self, Narrator},
    phrases,
    pins::{Asked, Pins},
    plan,
    texts::t,
    tokens,
    ui::{Mark, Progress, Screen, ask_line, ask_yes, sits_there},
    view,
};

/// What the holder sees of a renewal.
pub struct Face {
    pub screen: Screen,
    errand: Errand,
    narrator: Narrator,
    progress: Option<Progress>,
    meanwhile: Option<String>,
    /// A password that was handed over and was wrong, and the tries that are left.
    wrong: Option<(PasswordKind, Tries)>,
    /// The card that is spoken to, to see what is left to be done where a PIN is blocked.
    card: Option<SharedToken>,
    /// That one was wrong was said with the question about the last try.
    said_wrong: bool,
}

impl Face {
    pub fn new(errand: Errand) -> Rc<RefCell<Self>> {
        let screen = Screen::new();
        Rc::new(RefCell::new(Self {
            screen,
            errand,
            narrator: Narrator::default(),
            progress: None,
            meanwhile: None,
            wrong: None,
            card: None,
            said_wrong: false,
        }))
    }

    /// What is told from here on, and with whom is spoken.
    pub fn is_about(&mut self, plan: &Plan, with: &Authority) {
        self.errand = if plan.is_first() { Errand::First } else { Errand::Renewal };
        self.narrator.first = plan.is_first();
        self.narrator.one = plan.new.len() == 1;
        self.narrator.plain = with.plain.then(|| with.url.clone());
        self.narrator.ask_status = plan.ask_status;
        self.narrator.unmarked = !plan.card.marks_superseded;
    }

    /// Which card is spoken to from here on.
    pub fn speaks_to(&mut self, token: &SharedToken) {
        self.card = Some(token.clone());
    }

    /// Tells what is known from here on.
    pub fn fact(&mut self, fact: &Fact) {
        self.progress = None;
        if let Some(line) = self.narrator.fact(fact) {
            self.screen.mark(Mark::Good, &line);
        }
    }

    /// A password that was handed over and was wrong is the reason, whatever was said after it.
    pub fn outcome<T>(&mut self, outcome: Result<T, RunError>) -> Result<T, Failure> {
        self.progress = None;
        let error = match (outcome, self.wrong.take()) {
            (Ok(done), _) => return Ok(done),
            (Err(RunError::Prompt(_)), Some((password, tries))) => TokenError::WrongSecret { password, tries }.into(),
            (Err(error), _) => error,
        };
        Err(match error {
            RunError::Token(TokenError::WrongSecret { password, .. }) if self.is_lost(password) => {
                Failure::new(Kind::Pin, t!("error-wrong-password-lost", name = view::password(password)))
            }
            RunError::Token(TokenError::Blocked { password }) if self.is_lost(password) => {
                Failure::new(Kind::Pin, view::dead(Dead::Pin(password)))
            }
            error => Failure::of_run(error, self.errand),
        })
    }

    /// Whether a PIN is blocked, and nothing sets a new one. A card that is gone by now tells nothing.
    fn is_lost(&self, password: PasswordKind) -> bool {
        let dead = self.card.as_ref().map(|card| {
            let mut token = tokens::lock(card);
            let capabilities = token.capabilities()?;
            Ok::<_, TokenError>(PasswordSteps::of(&capabilities, &token.passwords()?).dead)
        });
        dead.is_some_and(|dead| dead.is_ok_and(|dead| dead.contains(&Dead::Pin(password))))
    }

    /// Says that the one before was wrong, before anything else is asked.
    fn say_wrong(&mut self, password: PasswordKind) {
        if !std::mem::take(&mut self.said_wrong) {
            self.screen.mark(Mark::Bad, &t!("pin-was-wrong", name = view::password(password)));
        }
    }

    fn show_request(&mut self, request: &PinRequest) {
        ask::show(&mut self.screen, request, self.narrator.plain.is_some());
    }

    fn show_progress(&mut self) {
        self.progress = self.meanwhile.as_ref().map(|text| self.screen.progress(text));
    }
}

/// Asks where somebody is there to be asked, and takes what options gave.
pub struct Holder {
    pub face: Rc<RefCell<Face>>,
    pub pins: Pins,
    /// `--yes`: the plan is agreed to, and first certificates are.
    pub agrees: bool,
    /// `--user`: as whom a first order is placed.
    pub user: Option<String>,
    /// The command has options for what is asked for by a [`CredentialRequest`]; else `obnova first --resume` has them.
    pub gives_credentials: bool,
    /// Passwords whose last try may be spent, as was said before it came to that.
    pub last_tries: Vec<PasswordKind>,
}

impl Holder {
    pub fn new(face: &Rc<RefCell<Face>>, pins: Pins) -> Self {
        Self { face: face.clone(), pins, agrees: false, user: None, gives_credentials: false, last_tries: Vec::new() }
    }

    /// The outcome of something that was done for the holder.
    pub fn outcome<T>(&self, outcome: Result<T, RunError>) -> Result<T, Failure> {
        self.face.borrow_mut().outcome(outcome)
    }
}

impl Prompt for Holder {
    fn pin(&mut self, request: &PinRequest) -> Result<Secret, PromptError> {
        let asked = Asked::from(request.password);
        let mut face = self.face.borrow_mut();
        face.progress = None;
        let given = self.pins.given(asked);
        if request.was_wrong {
            face.say_wrong(request.password);
            // What was handed over does not get better by trying it again.
            if given.is_some() {
                face.wrong = Some((request.password, request.tries));
                return Err(PromptError::Cancelled);
            }
        }
        face.show_request(request);
        let secret = match given {
            Some(secret) => secret,
            None => typed(&mut face.screen, request)?,
        };
        face.show_progress();
        Ok(secret)
    }

    fn takes_pad(&self) -> bool {
        // Whoever hands passwords over is not at the reader.
        !self.pins.any()
    }

    fn at_pad(&mut self, request: &PinRequest) -> Result<(), PromptError> {
        let mut face = self.face.borrow_mut();
        face.progress = None;
        if request.was_wrong {
            face.say_wrong(request.password);
        }
        face.show_request(request);
        face.screen.mark(Mark::Caution, &t!("pin-at-pad"));
        Ok(())
    }

    fn confirm(&mut self, question: &Question<'_>) -> Result<bool, PromptError> {
        let mut face = self.face.borrow_mut();
        face.progress = None;
        match question {
            Question::Plan(planned) => {
                face.screen.title(&t!("act-plan"));
                let Face { screen, narrator, .. } = &mut *face;
                plan::show(screen, planned, narrator.plain.as_deref(), self.user.is_some());
                Ok(self.agrees || yes(&t!("ask-plan"), Beforehand::Yes)?)
            }
            Question::Risk(risk) => {
                face.screen.mark(Mark::Caution, &phrases::risk(**risk));
                yes(&t!("ask-risk"), Beforehand::Nothing)
            }
            Question::Certificates(certificates) => {
                face.screen.title(&t!("act-certificates"));
                for (role, certificate) in certificates.iter() {
                    face.screen.mark(
                        Mark::Item,
                        &t!(
                            "certificate-of",
                            role = view::role(role),
                            name = certificate.subject().to_string(),
                            issuer = view::name(certificate.issuer()),
                            until = date(certificate.not_after())
                        ),
                    );
                    // Where notices go, and the links in them.
                    certificate.email_addresses().iter().for_each(|address| face.screen.detail(address));
                }
                Ok(self.agrees || yes(&t!("ask-certificates"), Beforehand::Yes)?)
            }
            Question::LastTry { password, tries, was_wrong } => {
                if *was_wrong {
                    face.say_wrong(*password);
                    // What was handed over does not get better by trying it again.
                    if self.pins.given(Asked::from(*password)).is_some() {
                        return Ok(false);
                    }
                }
                // A yes counts once.
                let said = self.last_tries.iter().position(|one| one == password);
                let is_sure = match said.map(|at| self.last_tries.remove(at)) {
                    Some(_) => true,
                    None => {
                        face.screen.mark(Mark::Caution, &phrases::last_try(*password, *tries));
                        // Nobody there is no yes.
                        self.pins.last_try_allowed()
                            || yes(&t!("pin-last-try-ask"), Beforehand::Nothing).unwrap_or(false)
                    }
                };
                face.said_wrong = *was_wrong && is_sure;
                Ok(is_sure)
            }
            _ => Ok(false),
        }
    }

    fn credential(&mut self, request: &CredentialRequest) -> Result<Secret, PromptError> {
        let what = phrases::credential(request.what);
        let asked = Asked::of(request.what);
        let given = match asked {
            Some(asked) => self.pins.given(asked),
            None => self.user.as_deref().map(Secret::from),
        };
        let mut face = self.face.borrow_mut();
        face.progress = None;
        if let Some(problem) = request.problem {
            let problem =
                t!("credential-no-good", what = what.as_str(), problem = phrases::credential_problem(problem));
            face.screen.mark(Mark::Bad, &problem);
            // What was handed over does not get better by trying it again.
            if given.is_some() {
                return Err(PromptError::Nobody(problem));
            }
        }
        let left_out = request.optional && given.is_none() && !sits_there();
        if request.what == Credential::RevocationPassword && given.is_none() && !left_out {
            face.screen.detail(&t!("credential-why-revocation"));
            if request.optional {
                face.screen.detail(&t!("credential-may-be-left-out"));
            }
        }
        // Said once, for the user id or what is asked for without it.
        if request.again && given.is_none() && (asked.is_none() || self.user.is_some()) {
            face.screen.detail(&t!("credential-why-again"));
        }
        if given.is_none() && !self.gives_credentials && !left_out && !sits_there() {
            let beforehand = asked.map_or(Beforehand::User, Beforehand::Password);
            return Err(nobody(beforehand.nobody_but_in_first(&what)));
        }
        let secret = match (given, asked) {
            _ if left_out => Secret::from(""),
            (Some(given), _) => given,
            (None, None) => {
                let line = ask_line(&format!("{what}:"), Beforehand::User);
                line.map(|line| Secret::from(line.as_str())).map_err(nobody)?
            }
            (None, Some(asked)) => Pins::ask(asked, &what).map_err(nobody)?,
        };
        if request.optional && secret.is_empty() {
            face.screen.mark(Mark::Caution, &t!("credential-left-out"));
        }
        face.show_progress();
        Ok(secret)
    }

    fn progress(&mut self, progress: &Told<'_>) {
        let mut face = self.face.borrow_mut();
        if let Told::Standing(told) = progress {
            face.progress = None;
            for (role, standing) in told.iter() {
                let mark = match standing {
                    Standing::Good { .. } => Mark::Good,
                    Standing::Unknown { .. } if !standing.stops(face.narrator.ask_status) => Mark::Caution,
                    // Said as the reason why it ends.
                    _ => continue,
                };
                face.screen.mark(mark, &phrases::standing(role, standing));
            }
        }
        face.meanwhile = match progress {
            Told::Begins(action) => narration::meanwhile(action),
            _ => None,
        };
        face.progress = None;
        face.show_progress();
    }
}

/// Asks at the keyboard until it can be what is asked for: nothing else is sent.
fn typed(screen: &mut Screen, request: &PinRequest) -> Result<Secret, PromptError> {
    let name = view::password(request.password);
    loop {
        let secret = Pins::ask(request.password.into(), &name).map_err(nobody)?;
        if (request.minimum..=request.maximum).contains(&secret.len()) {
            return Ok(secret);
        }
        let length = view::length(request.minimum, request.maximum);
        screen.mark(Mark::Caution, &t!("pin-length", name = name.as_str(), length = length));
    }
}

/// No answer could be had.
fn nobody(failure: Failure) -> PromptError {
    match failure.kind() {
        Kind::Interrupted => PromptError::Cancelled,
        _ => PromptError::Nobody(failure.message().to_owned()),
    }
}

/// Takes a clear yes for one, and a clear no.
fn yes(question: &str, beforehand: Beforehand) -> Result<bool, PromptError> {
    ask_yes(question, beforehand).map_err(|failure| PromptError::Nobody(failure.message().to_owned()))
}

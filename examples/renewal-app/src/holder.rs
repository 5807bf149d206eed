//! The holder at a terminal, or what was handed over in place of one.

use std::{cell::RefCell, rc::Rc};

use obnova_card::{PasswordKind, Secret, TokenError, Tries};
use obnova_client::{
    Credential, CredentialRequest, PinRequest, Progress as Told, Prompt, PromptError, Question, RunError,
};
use obnova_renewal::{Fact, Plan, date};

use crate::{
    ask,
    failure::{Failure, Kind},
    narration::{self, Narrator},
    phrases,
    pins::{Asked, Pins},
    plan,
    texts::t,
    ui::{Mark, Progress, Screen, ask_line},
    view,
};

/// What the holder sees of a renewal.
pub struct Face {
    pub screen: Screen,
    narrator: Narrator,
    progress: Option<Progress>,
    meanwhile: Option<String>,
    /// A password that was handed over and was wrong, and the tries that are left.
    wrong: Option<(PasswordKind, Tries)>,
}

impl Face {
    pub fn new() -> Rc<RefCell<Self>> {
        let screen = Screen::new();
        Rc::new(RefCell::new(Self {
            screen,
            narrator: Narrator::default(),
            progress: None,
            meanwhile: None,
            wrong: None,
        }))
    }

    /// What is told from here on.
    pub fn is_about(&mut self, plan: &Plan) {
        (self.narrator.first, self.narrator.one) = (plan.is_first(), plan.new.len() == 1);
        self.narrator.unmarked = !plan.card.marks_superseded;
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
        match (outcome, self.wrong.take()) {
            (Err(RunError::Prompt(_)), Some((password, tries))) => {
                Err(TokenError::WrongSecret { password, tries }.into())
            }
            (outcome, _) => Ok(outcome?),
        }
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
}

impl Holder {
    pub fn new(face: &Rc<RefCell<Face>>, pins: Pins) -> Self {
        Self { face: face.clone(), pins, agrees: false, user: None }
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
            face.screen.mark(Mark::Bad, &t!("pin-was-wrong", name = view::password(request.password)));
            // What was handed over does not get better by trying it again.
            if given.is_some() {
                face.wrong = Some((request.password, request.tries));
                return Err(PromptError::Cancelled);
            }
        }
        ask::show(&mut face.screen, request);
        let secret = match given {
            Some(secret) => secret,
            None => Pins::ask(&view::password(request.password)).map_err(|failure| match failure.kind() {
                Kind::Interrupted => PromptError::Cancelled,
                _ => PromptError::Nobody(failure.message().to_owned()),
            })?,
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
            face.screen.mark(Mark::Bad, &t!("pin-was-wrong", name = view::password(request.password)));
        }
        ask::show(&mut face.screen, request);
        face.screen.mark(Mark::Caution, &t!("pin-at-pad"));
        Ok(())
    }

    fn confirm(&mut self, question: &Question<'_>) -> Result<bool, PromptError> {
        let mut face = self.face.borrow_mut();
        face.progress = None;
        match question {
            Question::Plan(planned) => {
                face.screen.title(&t!("act-plan"));
                plan::show(&mut face.screen, planned);
                Ok(self.agrees || yes(&t!("ask-plan"))?)
            }
            Question::Risk(risk) => {
                face.screen.mark(Mark::Caution, &phrases::risk(**risk));
                yes(&t!("ask-risk"))
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
                Ok(self.agrees || yes(&t!("ask-certificates"))?)
            }
            Question::LastTry(password) => {
                face.screen.mark(Mark::Caution, &phrases::last_try(*password));
                if self.pins.last_try_allowed() {
                    return Ok(true);
                }
                // Nobody there is no yes.
                Ok(yes(&t!("pin-last-try-ask")).unwrap_or(false))
            }
            _ => Ok(false),
        }
    }

    fn credential(&mut self, request: &CredentialRequest) -> Result<Secret, PromptError> {
        let what = phrases::credential(request.what);
        let given = match request.what {
            Credential::UserId => self.user.as_deref().map(Secret::from),
            Credential::OneTimePassword => self.pins.given(Asked::OneTimePassword),
            Credential::RevocationPassword | Credential::RevocationPasswordAgain => {
                self.pins.given(Asked::RevocationPassword)
            }
            _ => None,
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
        if request.what == Credential::RevocationPassword && given.is_none() {
            face.screen.detail(&t!("credential-why-revocation"));
        }
        let nobody = |failure: Failure| match failure.kind() {
            Kind::Interrupted => PromptError::Cancelled,
            _ => PromptError::Nobody(failure.message().to_owned()),
        };
        let secret = match (given, request.what) {
            (Some(given), _) => given,
            (None, Credential::UserId) => {
                ask_line(&format!("{what}:")).map(|line| Secret::from(line.as_str())).map_err(nobody)?
            }
            (None, _) => Pins::ask(&what).map_err(nobody)?,
        };
        face.show_progress();
        Ok(secret)
    }

    fn progress(&mut self, progress: &Told<'_>) {
        let mut face = self.face.borrow_mut();
        face.meanwhile = match progress {
            Told::Begins(action) => narration::meanwhile(action),
            _ => None,
        };
        face.progress = None;
        face.show_progress();
    }
}

/// Takes a clear yes, and nothing else for one.
fn yes(question: &str) -> Result<bool, PromptError> {
    let answer = ask_line(question).map_err(|failure| PromptError::Nobody(failure.message().to_owned()))?;
    Ok(answer.eq_ignore_ascii_case(&t!("word-yes")))
}

use std::{cell::RefCell, rc::Rc};

use obnova_card::{PasswordKind, Secret};
use obnova_client::renewal::Action;
use obnova_client::{PinRequest, Progress, Prompt, PromptError, Question};

use obnova_transport::Record;

use super::{Audience, PlayPins, Scene, meter::Meter};

/// Plays the holder: agrees, gives the PINs it was given, and lets the audience see it.
pub struct Holder<'p, 'a> {
    pub pins: &'p PlayPins,
    pub meter: Rc<RefCell<Meter>>,
    /// What is written down of the talk with the card, if anything.
    pub record: Option<Record>,
    /// Name of the action before.
    pub last: &'static str,
    pub audience: Rc<RefCell<&'a mut (dyn Audience + 'a)>>,
}

impl Prompt for Holder<'_, '_> {
    fn pin(&mut self, request: &PinRequest) -> Result<Secret, PromptError> {
        if request.was_wrong {
            return Err(PromptError::Nobody("the PIN that was given is wrong".to_owned()));
        }
        self.audience.borrow_mut().see(&Scene::Pin(request));
        Ok(match request.password {
            PasswordKind::SignaturePin => self.pins.signature.clone(),
            _ => self.pins.authentication.clone(),
        })
    }

    fn confirm(&mut self, question: &Question<'_>) -> Result<bool, PromptError> {
        match question {
            Question::Plan(plan) => {
                self.audience.borrow_mut().see(&Scene::Plan(plan));
                Ok(true)
            }
            // Nothing that is played is worth the last try of a PIN, or the only keys of a card.
            _ => Ok(false),
        }
    }

    fn progress(&mut self, progress: &Progress<'_>) {
        match progress {
            Progress::Begins(action) => {
                self.meter.borrow_mut().begin(name(action, self.last));
                self.last = action.name();
                if let Some(record) = &self.record {
                    record.note(action.name());
                }
                self.audience.borrow_mut().see(&Scene::Begins(action));
            }
            _ => {
                self.meter.borrow_mut().end();
                self.audience.borrow_mut().see(&Scene::Ends);
            }
        }
    }
}

/// Its name, and what a look is for where it reads back what was written.
fn name(action: &Action, last: &str) -> &'static str {
    match (last, action.name()) {
        ("install", "look") => "read-back",
        (_, name) => name,
    }
}

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    time::SystemTime,
};

use obnova_client::LinkError;
use obnova_enroll::est::{HttpRequest, HttpResponse, Method};
use obnova_renewal::{ByRole, Loose, ParsedCertificate};

use crate::stage::{
    Liar, Lie, Stage, Trial,
    rules::{
        Broken,
        twins::{Counter, Heard, World},
    },
};

/// A CA that does not keep to the rules.
pub struct BentCa<'s> {
    ca: Box<dyn Counter + 's>,
    stage: &'s Stage,
    how: How,
    /// What links brought before.
    brought: RefCell<HashMap<String, Vec<Loose>>>,
    began: Cell<bool>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Every order is accepted.
    TakesEveryOrder,
    /// A link brings certificates again and again.
    OpensAgain,
    /// What clients without a journal say of their cards is not heard.
    LosesReceipts,
    /// A link brings one of two.
    BringsHalf,
    /// Whoever has the link in a notice begins, whoever began before.
    BeginsForAll,
    /// Whoever began with the link in a notice is not known again.
    ForgetsWhoBegan,
    /// Notices go to another address.
    MailsToOthers,
    /// What it keeps is another order than that which was sent: of somebody else, for one certificate.
    KeepsAnother,
}

impl BentCa<'_> {
    /// Puts it in the place of the honest one.
    pub fn replace(world: &mut World<'_>, how: How) {
        let ca = std::mem::replace(&mut world.ca, Box::new(Nobody));
        world.ca =
            Box::new(BentCa { ca, stage: world.stage, how, brought: RefCell::default(), began: Cell::default() });
    }
}

impl Counter for BentCa<'_> {
    fn order(&self, message: &[u8]) -> Result<Heard, Broken> {
        if self.how == How::TakesEveryOrder { Ok(Heard::Accepted) } else { self.ca.order(message) }
    }

    fn link(&self, link: &str) -> Result<Vec<Loose>, LinkError> {
        if let Some(known) = self.brought.borrow().get(link) {
            return Ok(known.clone());
        }
        let mut came = self.ca.link(link)?;
        if self.how == How::BringsHalf {
            came.remove(1);
        }
        if self.how == How::OpensAgain {
            self.brought.borrow_mut().insert(link.to_owned(), came.clone());
        }
        Ok(came)
    }

    fn receive(&self, link: &str, trial: &Trial<'_>, on_card: &ByRole<ParsedCertificate>) -> Result<(), Broken> {
        if self.how == How::LosesReceipts { Ok(()) } else { self.ca.receive(link, trial, on_card) }
    }

    fn ask(&self, request: &HttpRequest) -> Result<HttpResponse, Broken> {
        let mut answer = self.ca.ask(request)?;
        if self.how == How::ForgetsWhoBegan && request.method == Method::Post && self.began.replace(true) {
            answer.status = 410;
        }
        if self.how == How::BeginsForAll && request.method == Method::Post {
            answer.status = 200;
        }
        Ok(answer)
    }

    fn kept(&self, holder: &ParsedCertificate) -> Result<Vec<u8>, Broken> {
        if self.how != How::KeepsAnother {
            return self.ca.kept(holder);
        }
        let liar = Liar::new(self.stage)?;
        liar.order(Lie::OnlyOne, &liar)
    }

    fn mails(&self, email: &str, now: SystemTime) -> Result<Vec<String>, Broken> {
        let mut mails = self.ca.mails(email, now)?;
        for mail in mails.iter_mut().filter(|_| self.how == How::MailsToOthers) {
            *mail = mail
                .replace(&format!("{email}>"), "somebody@else.example>")
                .replace(&format!("To: {email}"), "To: somebody@else.example");
        }
        Ok(mails)
    }
}

/// Nobody there.
struct Nobody;

impl Counter for Nobody {
    fn order(&self, _: &[u8]) -> Result<Heard, Broken> {
        Err(nobody())
    }

    fn link(&self, _: &str) -> Result<Vec<Loose>, LinkError> {
        Err(LinkError::Unknown)
    }

    fn receive(&self, _: &str, _: &Trial<'_>, _: &ByRole<ParsedCertificate>) -> Result<(), Broken> {
        Err(nobody())
    }

    fn ask(&self, _: &HttpRequest) -> Result<HttpResponse, Broken> {
        Err(nobody())
    }

    fn kept(&self, _: &ParsedCertificate) -> Result<Vec<u8>, Broken> {
        Err(nobody())
    }

    fn mails(&self, _: &str, _: SystemTime) -> Result<Vec<String>, Broken> {
        Err(nobody())
    }
}

fn nobody() -> Broken {
    Broken("nobody there".to_owned())
}

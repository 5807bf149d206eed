//! That what came by plain EST is on its card, where no login says so: the CA is told by a signature when all is done, and, where that could
//! not be, when the order is gone on with. Until then a note lies beside the journal.

use std::{cell::RefCell, path::Path, rc::Rc};

use obnova_client::{Finish, ReceiptError, SharedToken};
use obnova_renewal::{ByRole, ParsedCertificate, PinUse, Process};

use crate::{
    authority::Authority,
    failure::{Failure, internal},
    holder::{Face, Holder},
    journals,
    texts::t,
    ui::Mark,
};

/// Whether an order that goes this way ends without the CA knowing that its certificates are on the card.
pub fn is_owed(process: &Process, authority: &Authority) -> bool {
    let logs_in = process.plan().asks.iter().any(|ask| ask.uses.contains(&PinUse::Login));
    authority.plain && !logs_in
}

/// Which order.
pub struct Owed<'a> {
    pub folder: &'a Path,
    pub name: &'a str,
    pub first: bool,
    pub authority: &'a Authority,
    pub certificates: &'a ByRole<ParsedCertificate>,
}

impl Owed<'_> {
    /// Tells the CA. What it takes, or will never take, is not tried again.
    pub fn make(&self, token: &SharedToken, holder: &mut Holder, face: &Rc<RefCell<Face>>) -> Result<(), Failure> {
        let mut finish = Finish::new(token, holder, self.certificates, &[PinUse::Receipt]);
        match finish.confirm(&mut self.authority.connection()?) {
            Ok(()) | Err(ReceiptError::Spent) => face.borrow_mut().screen.mark(Mark::Good, &t!("fact-received")),
            Err(ReceiptError::Ca(error)) => return Err(self.later(&error.into())),
            Err(ReceiptError::Run(error)) => {
                let failure = face.borrow_mut().outcome::<()>(Err(error)).err();
                return Err(failure.map_or_else(|| internal("no receipt"), |failure| self.later(&failure)));
            }
            Err(error) => {
                let problem = error.to_string();
                face.borrow_mut().screen.mark(Mark::Caution, &t!("fact-not-received", problem = problem));
            }
        }
        journals::receipt_is_made(self.folder, self.name)
    }

    fn later(&self, failure: &Failure) -> Failure {
        let command = if self.first { "obnova first --resume" } else { "obnova renew --resume" };
        let problem = failure.message().to_owned();
        Failure::new(failure.kind(), t!("error-receipt-owed", problem = problem, command = command))
    }
}

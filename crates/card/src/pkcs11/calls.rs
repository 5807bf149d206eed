//! The one place where a module is called.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cryptoki::error::Error;
use obnova_transport::TransportError;

use super::failure::failed;
use crate::TokenError;

/// What is asked of a PKCS#11 module. It holds no PIN and no value of a private object, so it can be written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pkcs11Call<'c> {
    /// Name of the function (PKCS#11 2.40 §5). A search and a signature take several functions, of which none but the last
    /// can change anything: they are one call here, `C_FindObjects` and `C_Sign`.
    pub function: &'static str,
    /// What about, in words: `P-256 [authentication 3]`, `a certificate of 812 bytes`. Empty where there is nothing to say.
    pub about: &'c str,
}

/// Stands beside a [`Pkcs11Token`](super::Pkcs11Token): it sees each call of the module and may refuse it. What a
/// [`Decorator`](obnova_transport::Decorator) is for commands to a card, this is for a module.
///
/// ```
/// use obnova_card::{Pkcs11Call, Pkcs11Observer};
/// use obnova_transport::TransportError;
///
/// /// Lets so many calls through.
/// struct AtMost(u32);
///
/// impl Pkcs11Observer for AtMost {
///     fn before(&mut self, _: &Pkcs11Call<'_>) -> Result<(), TransportError> {
///         self.0 = self.0.checked_sub(1).ok_or(TransportError::CardRemoved)?;
///         Ok(())
///     }
/// }
/// ```
pub trait Pkcs11Observer: Send {
    /// Before a call.
    ///
    /// # Errors
    /// The module is not called, and the conversation with the token ends with this. Whatever is open is closed all the
    /// same: `C_Logout` and `C_CloseSession` cannot be refused.
    fn before(&mut self, call: &Pkcs11Call<'_>) -> Result<(), TransportError> {
        let _ = call;
        Ok(())
    }

    /// After a call, with what came of it.
    ///
    /// # Errors
    /// The module did what it was asked, and nobody learns of it: the conversation ends with this.
    fn after(&mut self, call: &Pkcs11Call<'_>, outcome: Result<(), &TokenError>) -> Result<(), TransportError> {
        let _ = (call, outcome);
        Ok(())
    }
}

/// Several observers, each asked in its turn.
impl<O: Pkcs11Observer> Pkcs11Observer for Vec<O> {
    fn before(&mut self, call: &Pkcs11Call<'_>) -> Result<(), TransportError> {
        self.iter_mut().try_for_each(|observer| observer.before(call))
    }

    fn after(&mut self, call: &Pkcs11Call<'_>, outcome: Result<(), &TokenError>) -> Result<(), TransportError> {
        self.iter_mut().try_for_each(|observer| observer.after(call, outcome))
    }
}

impl<O: Pkcs11Observer + ?Sized> Pkcs11Observer for Box<O> {
    fn before(&mut self, call: &Pkcs11Call<'_>) -> Result<(), TransportError> {
        (**self).before(call)
    }

    fn after(&mut self, call: &Pkcs11Call<'_>, outcome: Result<(), &TokenError>) -> Result<(), TransportError> {
        (**self).after(call, outcome)
    }
}

/// Makes the calls, and tells the observer of each. Clones share the observer.
#[derive(Clone)]
pub(super) struct Calls(Option<Arc<Mutex<dyn Pkcs11Observer>>>);

impl Calls {
    pub(super) fn unobserved() -> Self {
        Self(None)
    }

    pub(super) fn observed(observer: impl Pkcs11Observer + 'static) -> Self {
        Self(Some(Arc::new(Mutex::new(observer))))
    }

    /// One call. What its failure means is for [`failed`] to say.
    pub(super) fn call<T>(
        &self,
        function: &'static str,
        about: &str,
        act: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, TokenError> {
        self.explained(function, about, act, failed(function))
    }

    /// One call whose failure has a meaning of its own.
    pub(super) fn explained<T>(
        &self,
        function: &'static str,
        about: &str,
        act: impl FnOnce() -> Result<T, Error>,
        explain: impl FnOnce(Error) -> TokenError,
    ) -> Result<T, TokenError> {
        let call = Pkcs11Call { function, about };
        if let Some(mut observer) = self.observer() {
            observer.before(&call)?;
        }
        // Not observed meanwhile: what a failure means can take another call.
        let outcome = act().map_err(explain);
        if let Some(mut observer) = self.observer() {
            observer.after(&call, outcome.as_ref().map(drop))?;
        }
        outcome
    }

    /// A call that is made whatever anybody says to it: it closes what is open. Where it fails the token is gone, and what
    /// was open with it.
    pub(super) fn closing(&self, function: &'static str, act: impl FnOnce() -> Result<(), Error>) {
        let call = Pkcs11Call { function, about: "" };
        if let Some(mut observer) = self.observer() {
            let _ = observer.before(&call);
        }
        let outcome = act().map_err(failed(function));
        if let Some(mut observer) = self.observer() {
            let _ = observer.after(&call, outcome.as_ref().copied());
        }
    }

    fn observer(&self) -> Option<MutexGuard<'_, dyn Pkcs11Observer + 'static>> {
        Some(self.0.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

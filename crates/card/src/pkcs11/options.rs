use std::path::PathBuf;

use super::{Pkcs11Observer, Pkcs11Token, calls::Calls, held};
use crate::{Pkcs11Uri, TokenError};

/// How a token behind a PKCS#11 module is opened.
///
/// ```no_run
/// use obnova_card::{Pkcs11Count, Pkcs11Options};
///
/// let (uri, count) = ("pkcs11:token=t1".parse()?, Pkcs11Count::new());
/// let token = Pkcs11Options::new().observer(count.clone()).locks_in("/run/lock").open(&uri)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Default)]
pub struct Pkcs11Options {
    observer: Option<Box<dyn Pkcs11Observer>>,
    locks: Option<PathBuf>,
}

impl Pkcs11Options {
    /// As [`Pkcs11Token::open`] has it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells an observer of each call of the module, as [`Pkcs11Token::open_observed`] does.
    #[must_use]
    pub fn observer(mut self, observer: impl Pkcs11Observer + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Keeps the file that says which process has the token in this folder, which must be there. Programs that do not have the same
    /// folder do not keep the token from each other: it is for tests, and for a machine on which not all programs see the same `/tmp`,
    /// where the file is otherwise, whatever `TMPDIR` says and whoever runs them.
    #[must_use]
    pub fn locks_in(mut self, folder: impl Into<PathBuf>) -> Self {
        self.locks = Some(folder.into());
        self
    }

    /// Loads the module and finds the token that the URI names.
    ///
    /// # Errors
    /// As [`Pkcs11Token::open`], and [`TokenError::Transport`] where the observer refuses a call.
    pub fn open(self, uri: &Pkcs11Uri) -> Result<Pkcs11Token, TokenError> {
        let calls = self.observer.map_or_else(Calls::unobserved, Calls::observed);
        Pkcs11Token::open_with(uri, calls, self.locks.unwrap_or_else(held::usual_folder))
    }
}

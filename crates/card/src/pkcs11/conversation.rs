use cryptoki::{
    context::Pkcs11,
    error::{Error, RvError},
    mechanism::Mechanism,
    object::{Attribute, AttributeInfo, AttributeType, ObjectClass, ObjectHandle},
    session::{Session, UserType},
    slot::Slot,
    types::RawAuthPin,
};

use super::calls::Calls;
use crate::{Secret, TokenError};

/// A session with a token, for one conversation. Whatever is asked in it goes through [`Calls`]; when it ends the login ends
/// with it.
pub(super) struct Conversation {
    /// Taken when it is closed.
    session: Option<Session>,
    calls: Calls,
    logged_in: bool,
}

/// Objects of one kind that are looked at. A card has tens.
const MOST_OBJECTS: usize = 1_024;
/// Bytes of one attribute that are read. A certificate has a few thousand.
const LONGEST_VALUE: usize = 64 * 1024;

/// The session was closed; it is only while a conversation is dropped.
const CLOSED: Error = Error::Pkcs11(RvError::SessionClosed, cryptoki::context::Function::CloseSession);

impl Conversation {
    /// One that reads what everybody may read.
    pub(super) fn reading(module: &Pkcs11, slot: Slot, calls: &Calls) -> Result<Self, TokenError> {
        let session = calls.call("C_OpenSession", "to read", || module.open_ro_session(slot))?;
        Ok(Self { session: Some(session), calls: calls.clone(), logged_in: false })
    }

    /// One that may write, and has not logged in.
    pub(super) fn writing(module: &Pkcs11, slot: Slot, calls: &Calls) -> Result<Self, TokenError> {
        let session = calls.call("C_OpenSession", "to write", || module.open_rw_session(slot))?;
        Ok(Self { session: Some(session), calls: calls.clone(), logged_in: false })
    }

    /// Logs in. `explain` says what a refusal means.
    pub(super) fn log_in(&mut self, secret: &Secret, explain: impl Fn(Error) -> TokenError) -> Result<(), TokenError> {
        let secret = RawAuthPin::new(Box::new(secret.expose().to_vec()));
        let mut was_logged_in = false;
        let login = || {
            let outcome = self.session()?.login_with_raw(UserType::User, &secret);
            was_logged_in = matches!(outcome, Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)));
            if was_logged_in { Ok(()) } else { outcome }
        };
        self.calls.explained("C_Login", "", login, &explain)?;
        if was_logged_in {
            // Another part of this program is logged in. The PIN that was given is what counts.
            self.calls.call("C_Logout", "of another part of the program", || self.session()?.logout())?;
            let login = || self.session()?.login_with_raw(UserType::User, &secret);
            self.calls.explained("C_Login", "again", login, explain)?;
        }
        self.logged_in = true;
        Ok(())
    }

    pub(super) fn find(&self, what: ObjectClass, template: &[Attribute]) -> Result<Vec<ObjectHandle>, TokenError> {
        self.find_wherever(what, &[&[Attribute::Token(true)], template].concat())
    }

    /// The same with what says that it is on no token: of objects that a module did not write to their end that need not be true.
    pub(super) fn find_wherever(
        &self,
        what: ObjectClass,
        template: &[Attribute],
    ) -> Result<Vec<ObjectHandle>, TokenError> {
        let template = [&[Attribute::Class(what)], template].concat();
        let find = || self.session()?.iter_objects(&template)?.take(MOST_OBJECTS + 1).collect::<Result<Vec<_>, _>>();
        let found = self.calls.call("C_FindObjects", &what.to_string(), find)?;
        if found.len() > MOST_OBJECTS { Err(TokenError::TooManyObjects { most: MOST_OBJECTS }) } else { Ok(found) }
    }

    pub(super) fn attributes(
        &self,
        object: ObjectHandle,
        wanted: &[AttributeType],
    ) -> Result<Vec<Attribute>, TokenError> {
        // Room is made for as much as the token says that there is, so it is asked first.
        let read = || {
            let session = self.session()?;
            let lengths = session.get_attribute_info(object, wanted)?;
            let too_long = lengths.into_iter().find_map(|info| match info {
                AttributeInfo::Available(length) if length > LONGEST_VALUE => Some(length),
                _ => None,
            });
            match too_long {
                Some(length) => Ok(Err(TokenError::TooLongObject { length, most: LONGEST_VALUE })),
                None => Ok(Ok(session.get_attributes(object, wanted)?)),
            }
        };
        self.calls.call("C_GetAttributeValue", "", read)?
    }

    pub(super) fn set(&self, object: ObjectHandle, about: &str, attributes: &[Attribute]) -> Result<(), TokenError> {
        self.calls.call("C_SetAttributeValue", about, || self.session()?.update_attributes(object, attributes))
    }

    pub(super) fn random(&self, length: u32) -> Result<Vec<u8>, TokenError> {
        self.calls.call("C_GenerateRandom", "", || self.session()?.generate_random_vec(length))
    }

    /// Public and private key.
    pub(super) fn generate(
        &self,
        about: &str,
        mechanism: &Mechanism<'_>,
        public: &[Attribute],
        private: &[Attribute],
    ) -> Result<(ObjectHandle, ObjectHandle), TokenError> {
        self.calls.call("C_GenerateKeyPair", about, || self.session()?.generate_key_pair(mechanism, public, private))
    }

    pub(super) fn sign(
        &self,
        about: &str,
        mechanism: &Mechanism<'_>,
        key: ObjectHandle,
        data: &[u8],
    ) -> Result<Vec<u8>, TokenError> {
        self.calls.call("C_Sign", about, || self.session()?.sign(mechanism, key, data))
    }

    pub(super) fn create(&self, about: &str, template: &[Attribute]) -> Result<ObjectHandle, TokenError> {
        self.calls.call("C_CreateObject", about, || self.session()?.create_object(template))
    }

    pub(super) fn destroy(&self, about: &str, object: ObjectHandle) -> Result<(), TokenError> {
        self.calls.call("C_DestroyObject", about, || self.session()?.destroy_object(object))
    }

    pub(super) fn set_pin(
        &self,
        old: &cryptoki::types::AuthPin,
        new: &cryptoki::types::AuthPin,
        explain: impl FnOnce(Error) -> TokenError,
    ) -> Result<(), TokenError> {
        self.calls.explained("C_SetPIN", "", || self.session()?.set_pin(old, new), explain)
    }

    fn session(&self) -> Result<&Session, Error> {
        self.session.as_ref().ok_or(CLOSED)
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else { return };
        if self.logged_in {
            self.calls.closing("C_Logout", || session.logout());
        }
        self.calls.closing("C_CloseSession", || session.close());
    }
}

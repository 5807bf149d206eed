use std::marker::PhantomData;

use obnova_algorithm::verify;
use obnova_card::{Secret, SignDigest};
use obnova_client::{
    Credential, CredentialRequest, Login, LoginError, LoginProof, PinRequest, Progress, Prompt, PromptError, Question,
};

use crate::{
    authority::Authority,
    desk::{REVOCATION_PASSWORD, USER},
    mortal::Mortal,
    rig::Rig,
};

/// The holder: knows the PINs and agrees, and is never told that one was wrong.
pub struct Holder<R> {
    /// The one-time password that was handed over, where there is one.
    paper: Option<String>,
    /// The revocation password that he picks, and the one that stands, where he knows that one does.
    revocation: (&'static str, Option<String>),
    rig: PhantomData<R>,
}

impl<R> Holder<R> {
    pub const fn new(paper: Option<String>) -> Self {
        Self { paper, revocation: (REVOCATION_PASSWORD, None), rig: PhantomData }
    }

    /// Another revocation password in the place of this one.
    pub fn picks(self, picked: &'static str, old: Option<String>) -> Self {
        Self { revocation: (picked, old), ..self }
    }
}

impl<R: Rig> Prompt for Holder<R> {
    fn pin(&mut self, request: &PinRequest) -> Result<Secret, PromptError> {
        assert!(!request.was_wrong, "the right {} was called wrong", request.password);
        Ok(R::pin(request.password))
    }

    fn confirm(&mut self, question: &Question<'_>) -> Result<bool, PromptError> {
        assert!(!matches!(question, Question::LastTry { .. }), "tries were spent: {question:?}");
        Ok(true)
    }

    fn credential(&mut self, request: &CredentialRequest) -> Result<Secret, PromptError> {
        assert_eq!(request.problem, None, "the right {} was called wrong", request.what);
        Ok(Secret::from(match request.what {
            Credential::OneTimePassword => self.paper.as_deref().expect("nothing was handed over"),
            Credential::UserId => USER,
            Credential::OldRevocationPassword => self.revocation.1.as_deref().expect("none stands"),
            _ => self.revocation.0,
        }))
    }

    fn progress(&mut self, _: &Progress<'_>) {}
}

/// A login that makes the card sign, as a handshake would, and asks the CA who that was.
pub struct Door<'a> {
    pub authority: &'a Authority,
    pub life: Mortal,
}

impl LoginProof for Door<'_> {
    fn login(&mut self, login: &Login<'_>) -> Result<String, LoginError> {
        sign_in(login)?;
        let asked = self.life.effect("HTTP GET /login", || self.authority.login(login.certificate));
        let who = asked.map_err(|_| LoginError::Connection("the program ended".into()))?;
        who.ok_or_else(|| LoginError::Connection("the CA is down".into()))
    }
}

/// What a handshake has the card do.
pub fn sign_in(login: &Login<'_>) -> Result<(), LoginError> {
    let algorithm = login.key.signs[0];
    let job = SignDigest { slot: login.slot, algorithm, digest: algorithm.digest().of(b"handshake") };
    let signature = login.token.lock().unwrap().sign(&[job], &login.pin)?.remove(0);
    verify(login.certificate.public_key(), algorithm, b"handshake", &signature)
        .map_err(|error| LoginError::Key(error.to_string()))
}

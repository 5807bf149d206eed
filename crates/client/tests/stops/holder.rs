use std::marker::PhantomData;

use obnova_algorithm::verify;
use obnova_card::{Secret, SignDigest};
use obnova_client::{Login, LoginError, LoginProof, PinRequest, Progress, Prompt, PromptError, Question};

use crate::{authority::Authority, mortal::Mortal, rig::Rig};

/// The holder: knows the PINs and agrees, and is never told that one was wrong.
pub struct Holder<R>(PhantomData<R>);

impl<R> Holder<R> {
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<R: Rig> Prompt for Holder<R> {
    fn pin(&mut self, request: &PinRequest) -> Result<Secret, PromptError> {
        assert!(!request.was_wrong, "the right {} was called wrong", request.password);
        Ok(R::pin(request.password))
    }

    fn confirm(&mut self, question: &Question<'_>) -> Result<bool, PromptError> {
        assert!(!matches!(question, Question::LastTry(_)), "tries were spent: {question:?}");
        Ok(true)
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
        let algorithm = login.key.signs[0];
        let job = SignDigest { slot: login.slot, algorithm, digest: algorithm.digest().of(b"handshake") };
        let signature = login.token.lock().unwrap().sign(&[job], &login.pin)?.remove(0);
        verify(login.certificate.public_key(), algorithm, b"handshake", &signature)
            .map_err(|error| LoginError::Key(error.to_string()))?;
        let asked = self.life.effect("HTTP GET /login", || self.authority.login(login.certificate));
        let who = asked.map_err(|_| LoginError::Connection("the program ended".into()))?;
        who.ok_or_else(|| LoginError::Connection("the CA is down".into()))
    }
}

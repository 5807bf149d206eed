use obnova_card::{Offer, PasswordKind, PasswordState, PasswordStatus, PasswordSteps, Pin, Token, TokenError, Tries};
use obnova_card_rustls::SharedToken;
use obnova_renewal::{Phase, PinUse};

use crate::{PinRequest, Prompt, Question, RunError, look::lock};

/// Does one thing outside of a renewal that needs a password: asks for it, saying what for; asks again when it was wrong, for
/// as long as tries are left; and never spends the last one without a clear yes. Where the card does not tell which one that
/// is, every attempt after the second wrong one takes a yes (after the first, where it says that some were spent). Where the
/// reader has a pad and the face takes it, `act` is given a [`Pin::at_pad`].
///
/// # Errors
/// [`RunError::Token`], [`RunError::Prompt`], [`RunError::LastTryKept`].
pub fn with_password<T>(
    token: &SharedToken,
    prompt: &mut dyn Prompt,
    password: PasswordKind,
    uses: &[PinUse],
    mut act: impl FnMut(&mut dyn Token, &Pin) -> Result<T, TokenError>,
) -> Result<T, RunError> {
    let mut asker = Once::new(token, prompt, uses)?;
    retry(&mut asker, password, |_, pin| act(lock(token).as_mut(), pin).map_err(RunError::from))
}

/// Who can bring a password, after so many wrong ones, and is told when it was wrong.
pub(crate) trait Asker {
    fn pin(&mut self, wrong: u32, password: PasswordKind) -> Result<Pin, RunError>;
    fn wrong(&mut self, password: PasswordKind, tries: Tries);
}

/// Whether the next wrong attempt may be the last, after so many wrong ones in one go. Few cards allow less than three, so
/// where they do not tell how many are left, two are spent without a yes; one, where they say that others were spent before.
const fn may_be_last(tries: Tries, wrong: u32) -> bool {
    match tries {
        Tries::Unknown => wrong >= 2,
        Tries::Low => wrong >= 1,
        told => told.may_be_last(),
    }
}

/// Acts with a password until it is not wrong any more.
pub(crate) fn retry<A: Asker, T>(
    asker: &mut A,
    password: PasswordKind,
    act: impl FnMut(&mut A, &Pin) -> Result<T, RunError>,
) -> Result<T, RunError> {
    retry_after(0, asker, password, act)
}

/// The same after so many wrong ones.
pub(crate) fn retry_after<A: Asker, T>(
    mut wrong: u32,
    asker: &mut A,
    password: PasswordKind,
    mut act: impl FnMut(&mut A, &Pin) -> Result<T, RunError>,
) -> Result<T, RunError> {
    loop {
        let pin = asker.pin(wrong, password)?;
        match act(asker, &pin) {
            Err(RunError::Token(TokenError::WrongSecret { password: which, tries })) if which == password => {
                wrong = wrong.saturating_add(1);
                asker.wrong(password, tries);
                if tries == Tries::Known(0) {
                    return Err(TokenError::WrongSecret { password, tries }.into());
                }
            }
            // The card knows of fewer tries than were read before: somebody else spent some.
            Err(RunError::Token(TokenError::TooFewTries { password: which, tries }))
                if which == password && pin.keep_tries > 0 =>
            {
                asker.wrong(password, tries);
            }
            outcome => return outcome,
        }
    }
}

/// Asks the holder, after so many wrong ones, and after the last try was allowed where it may be the last. With `pad` it is
/// entered at the reader.
pub(crate) fn ask(
    token: &SharedToken,
    prompt: &mut dyn Prompt,
    statuses: &[PasswordStatus],
    mut request: PinRequest,
    wrong: u32,
    pad: bool,
) -> Result<Pin, RunError> {
    let password = request.password;
    request.was_wrong = wrong > 0;
    let status = statuses.iter().find(|status| status.kind == password);
    request.tries = match status.map(|status| status.state) {
        Some(PasswordState::Active(tries)) => tries,
        Some(PasswordState::Blocked) => return Err(TokenError::Blocked { password }.into()),
        _ => Tries::Unknown,
    };
    if let Some(status) = status {
        (request.minimum, request.maximum) = (status.minimum, status.maximum);
    }
    let last = may_be_last(request.tries, wrong);
    if last {
        sure_of_last(token, prompt, password, request.tries, request.was_wrong)?;
    }
    if pad {
        prompt.at_pad(&request)?;
        return Ok(if last { Pin::at_pad_with_last_try() } else { Pin::at_pad() });
    }
    let secret = prompt.pin(&request)?;
    Ok(if last { Pin::with_last_try(secret) } else { Pin::new(secret) })
}

/// Asks whether the last try is to be spent. Where it is kept, the error has what else can be done about it, on the card as it
/// stands now.
pub(crate) fn sure_of_last(
    token: &SharedToken,
    prompt: &mut dyn Prompt,
    password: PasswordKind,
    tries: Tries,
    was_wrong: bool,
) -> Result<(), RunError> {
    if prompt.confirm(&Question::LastTry { password, tries, was_wrong })? {
        return Ok(());
    }
    // A card that is gone by now offers nothing.
    let instead = instead_of(token, password).ok().flatten();
    Err(RunError::LastTryKept { password, tries, was_wrong, instead })
}

fn instead_of(token: &SharedToken, password: PasswordKind) -> Result<Option<Offer>, TokenError> {
    let mut token = lock(token);
    let capabilities = token.capabilities()?;
    Ok(PasswordSteps::of(&capabilities, &token.passwords()?).instead_of(password))
}

/// Whether passwords are entered at the reader: it has a pad, and the face takes it.
pub(crate) fn at_pad(token: &SharedToken, prompt: &dyn Prompt) -> Result<bool, TokenError> {
    Ok(prompt.takes_pad() && lock(token).capabilities()?.pin_pad)
}

impl PinRequest {
    pub(crate) const fn new(card: String, password: PasswordKind, phase: Option<Phase>, uses: Vec<PinUse>) -> Self {
        Self { card, password, phase, uses, tries: Tries::Unknown, was_wrong: false, minimum: 0, maximum: usize::MAX }
    }
}

/// What is known of the tries after a wrong password.
pub(crate) fn note_wrong(statuses: &mut [PasswordStatus], password: PasswordKind, tries: Tries) {
    for status in statuses.iter_mut().filter(|status| status.kind == password) {
        status.state = PasswordState::Active(tries);
    }
}

/// Asks for one thing.
pub(crate) struct Once<'a> {
    pub(crate) prompt: &'a mut dyn Prompt,
    token: &'a SharedToken,
    card: String,
    statuses: Vec<PasswordStatus>,
    uses: &'a [PinUse],
    pad: bool,
}

impl<'a> Once<'a> {
    pub(crate) fn new(
        token: &'a SharedToken,
        prompt: &'a mut dyn Prompt,
        uses: &'a [PinUse],
    ) -> Result<Self, TokenError> {
        let card = lock(token).identity()?.label;
        let statuses = lock(token).passwords()?;
        let pad = at_pad(token, prompt)?;
        Ok(Self { prompt, token, card, statuses, uses, pad })
    }
}

impl Once<'_> {
    /// The same at the keyboard, whatever the reader has.
    pub(crate) fn at_keyboard(self) -> Self {
        Self { pad: false, ..self }
    }
}

impl Asker for Once<'_> {
    fn pin(&mut self, wrong: u32, password: PasswordKind) -> Result<Pin, RunError> {
        let request = PinRequest::new(self.card.clone(), password, None, self.uses.to_vec());
        ask(self.token, self.prompt, &self.statuses, request, wrong, self.pad)
    }

    fn wrong(&mut self, password: PasswordKind, tries: Tries) {
        note_wrong(&mut self.statuses, password, tries);
    }
}

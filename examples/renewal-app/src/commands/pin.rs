use obnova_card::{PasswordKind, Pin, Secret, Token, TokenError};
use obnova_client::with_password;

use crate::{
    cli::{Global, Password, PinCommand},
    failure::Failure,
    holder::{Face, Holder},
    pins::{Asked, Pins},
    texts::t,
    tokens,
    ui::Mark,
    view,
};

/// `pin change` and `pin unblock`.
pub fn run(global: &Global, command: PinCommand) -> Result<(), Failure> {
    match command {
        PinCommand::Change { changed, pins } => {
            let (kind, pins) = (kind(changed), Pins::read(&pins)?);
            let change = |token: &mut dyn Token, old: &Pin, new: &Secret| token.change_password(kind, old, new);
            set(global, pins, kind, kind, change, t!("pin-changed", name = view::password(kind)))
        }
        PinCommand::Unblock { unblocked, pins } => {
            let (kind, pins) = (kind(unblocked.into()), Pins::read(&pins)?);
            let unblock = |token: &mut dyn Token, puk: &Pin, new: &Secret| token.unblock_password(kind, puk, new);
            set(global, pins, kind, PasswordKind::Puk, unblock, t!("pin-unblocked", name = view::password(kind)))
        }
    }
}

/// Sets a new password: first the one that allows it is asked for, then the new one, twice.
fn set(
    global: &Global,
    pins: Pins,
    kind: PasswordKind,
    allowed_by: PasswordKind,
    act: impl Fn(&mut dyn Token, &Pin, &Secret) -> Result<(), TokenError>,
    done: String,
) -> Result<(), Failure> {
    let token = tokens::open_shared(global)?;
    let passwords = tokens::lock(&token).passwords()?;
    let (minimum, maximum) =
        passwords.iter().find(|status| status.kind == kind).map_or((4, 8), |status| (status.minimum, status.maximum));
    let question = t!("pin-new", name = view::password(kind), minimum = minimum, maximum = maximum);
    let face = Face::new();
    let mut given = pins.given(Asked::NewPassword);
    let mut holder = Holder::new(&face, pins);
    let mut new = None;
    let outcome = with_password(&token, &mut holder, allowed_by, &[], |token, old| {
        let new = new.get_or_insert_with(|| given.take().map_or_else(|| Pins::ask_new(&question), Ok));
        match new {
            Ok(new) => act(token, old, new),
            // Nothing was sent; the reason is told below.
            Err(_) => Err(TokenError::SecretForm { password: kind, minimum, maximum }),
        }
    });
    if let Some(Err(failure)) = new {
        return Err(failure);
    }
    holder.outcome(outcome)?;
    face.borrow_mut().screen.mark(Mark::Good, &done);
    Ok(())
}

const fn kind(which: Password) -> PasswordKind {
    match which {
        Password::Authentication => PasswordKind::AuthenticationPin,
        Password::Signature => PasswordKind::SignaturePin,
        Password::Puk => PasswordKind::Puk,
    }
}

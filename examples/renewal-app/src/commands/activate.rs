use obnova_card::{Activation, PasswordKind, PasswordState, PasswordStatus, TokenError};
use obnova_client::{RunError, activate, look};

use crate::{
    cli::{ActivateOptions, Global},
    failure::{Errand, Failure, Kind, internal},
    holder::{Face, Holder},
    new_password::new_passwords,
    pins::Pins,
    texts::t,
    tokens,
    ui::{Mark, Screen},
    view,
};

/// `card activate`: new PINs and the PUK first, then the transport PIN, and only then the card is touched.
pub fn run(global: &Global, options: &ActivateOptions) -> Result<(), Failure> {
    let pins = Pins::read_for_card(&options.transport, &options.pins, &options.puk)?;
    let token = tokens::open_shared(global)?;
    let card = look(tokens::lock(&token).as_mut())?;
    let mut screen = Screen::new();
    screen.title(&view::title(&card.identity));
    screen.say(&match card.capabilities.activation {
        None => return Err(Failure::new(Kind::NotEligible, t!("activate-active"))),
        Some(Activation::Finished { password }) => return Err(TokenError::Finished { password }.into()),
        Some(Activation::Nothing) => t!("activate-without"),
        Some(Activation::GoesOn { password, .. }) => t!("activate-goes-on-with", name = view::password(password)),
        Some(Activation::TransportPin { single_use: true, .. }) => t!("activate-once"),
        Some(Activation::TransportPin { .. }) => t!("activate-with"),
    });
    // Which is typed where, with a reader that has keys of its own.
    if card.capabilities.pin_pad && !pins.any() {
        screen.detail(&match card.capabilities.activation {
            Some(Activation::TransportPin { at_pad: true, .. }) => t!("activate-pad"),
            _ => t!("activate-keyboard"),
        });
    }
    if card.passwords.iter().any(was_set) {
        screen.mark(Mark::Caution, &t!("activate-was-torn"));
    }
    let mut new = new_passwords(&card.passwords);
    while let Some(rules) = new.wanted() {
        let name = view::password(rules.kind);
        let question = t!("pin-new", name = name, length = view::length(rules.minimum, rules.maximum));
        let asked = rules.kind.into();
        Pins::take_new(asked, pins.given(asked), &mut new, &question)?;
    }
    let new = new.finish().ok_or_else(|| internal("a new password is missing"))?;
    let face = Face::new(Errand::Other);
    let mut holder = Holder::new(&face, pins);
    let outcome = activate(&token, &mut holder, &new);
    // There were tries when it began.
    if let Err(RunError::Token(TokenError::Finished { password })) = outcome {
        return Err(Failure::new(Kind::NotEligible, t!("error-card-finished-now", name = view::password(password))));
    }
    holder.outcome(outcome)?;
    screen.mark(
        Mark::Good,
        &match card.capabilities.activation {
            Some(Activation::Nothing) => t!("activate-done-without"),
            _ => t!("activate-done"),
        },
    );
    for status in tokens::lock(&token).passwords()? {
        screen.mark(Mark::Item, &view::password_state(&status));
    }
    Ok(())
}

/// Before a tear: a password that stays has a value, and the card is not active.
fn was_set(status: &PasswordStatus) -> bool {
    status.kind != PasswordKind::TransportPin && matches!(status.state, PasswordState::Active(_))
}

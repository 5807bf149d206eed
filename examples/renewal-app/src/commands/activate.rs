use obnova_card::{Activation, BrokenRule, PasswordKind, PasswordRules, PasswordStatus, Secret, TokenError};
use obnova_client::{RunError, SharedToken, activate, look};
use obnova_renewal::CardView;

use crate::{
    beforehand::Beforehand,
    cli::{ActivateOptions, Global},
    compared::{comparable, compare_all, compared},
    failure::{Errand, Failure, Kind, internal},
    holder::{Face, Holder},
    new_password::new_passwords,
    pins::{Asked, Pins},
    texts::t,
    tokens,
    ui::{Mark, Screen, ask_yes, sits_there},
    view,
};

/// `card activate`: new PINs and the PUK first, then the transport PIN, and only then the card is touched.
pub fn run(global: &Global, options: &ActivateOptions) -> Result<(), Failure> {
    let pins = Pins::read_for_card(&options.transport, &options.pins, &options.puk)?;
    let token = tokens::open_shared(global)?;
    let card = look(tokens::lock(&token).as_mut())?;
    let mut screen = Screen::new();
    screen.title(&view::title(&card.identity));
    let Some(activation) = card.capabilities.activation else { return compare(&token, &card, pins, &mut screen) };
    screen.say(&match activation {
        Activation::Finished { password } => return Err(TokenError::Finished { password }.into()),
        Activation::Nothing => t!("activate-without"),
        Activation::GoesOn { password, .. } => t!("activate-goes-on-with", name = view::password(password)),
        Activation::TransportPin { single_use: true, .. } => t!("activate-once"),
        Activation::TransportPin { .. } => t!("activate-with"),
    });
    // Which is typed where, with a reader that has keys of its own.
    if card.capabilities.pin_pad && !pins.any() {
        screen.detail(&match activation {
            Activation::TransportPin { at_pad: true, .. } => t!("activate-pad"),
            _ => t!("activate-keyboard"),
        });
    }
    let compared = compared(&card);
    if !compared.is_empty() {
        screen.mark(Mark::Caution, &t!("activate-was-torn"));
        show(&mut screen, &compared);
    }
    let transport = match activation {
        Activation::TransportPin { .. } => pins.given(Asked::TransportPin),
        _ => None,
    };
    let mut new = new_passwords(&card.passwords).beside(transport.map(|pin| (PasswordKind::TransportPin, pin)));
    while let Some(rules) = new.wanted() {
        let asked = rules.kind.into();
        let question = question(rules);
        Pins::take_new(asked, pins.given(asked), &mut new, &question)?;
    }
    let mut new = new.finish().ok_or_else(|| internal("a new password is missing"))?;
    let face = Face::new(Errand::Other);
    let mut holder = Holder::new(&face, pins);
    let outcome = loop {
        match activate(&token, &mut holder, &new) {
            // Known only now that the transport PIN was typed. What an option gave does not get better.
            Err(RunError::Token(TokenError::TransportPinAgain { password }))
                if holder.pins.given(password.into()).is_none() =>
            {
                Pins::once_more(BrokenRule::SameAs { other: PasswordKind::TransportPin });
                choose_again(password, &card.passwords, &mut new)?;
            }
            outcome => break outcome,
        }
    };
    // There were tries when it began.
    if let Err(RunError::Token(TokenError::Finished { password })) = outcome {
        return Err(Failure::new(Kind::NotEligible, t!("error-card-finished-now", name = view::password(password))));
    }
    holder.outcome(outcome)?;
    screen.mark(
        Mark::Good,
        &match activation {
            Activation::Nothing => t!("activate-done-without"),
            _ => t!("activate-done"),
        },
    );
    show(&mut screen, &tokens::lock(&token).passwords()?);
    Ok(())
}

/// Which new password is asked for.
fn question(rules: &PasswordRules) -> String {
    t!("pin-new", name = view::password(rules.kind), length = view::length(rules.minimum, rules.maximum))
}

/// Has one of the new passwords chosen anew, beside the others.
fn choose_again(
    kind: PasswordKind,
    passwords: &[PasswordStatus],
    new: &mut Vec<(PasswordKind, Secret)>,
) -> Result<(), Failure> {
    let status: Vec<_> = passwords.iter().filter(|status| status.kind == kind).copied().collect();
    let mut wanted = new_passwords(&status).beside(new.iter().cloned());
    let question = wanted.wanted().map(question).unwrap_or_default();
    Pins::take_new(kind.into(), None, &mut wanted, &question)?;
    new.retain(|(other, _)| *other != kind);
    new.extend(wanted.finish().into_iter().flatten());
    Ok(())
}

fn show(screen: &mut Screen, passwords: &[PasswordStatus]) {
    passwords.iter().for_each(|status| screen.mark(Mark::Item, &view::password_state(status)));
}

/// An active card was brought to life with the holder's PINs, or with others: nobody told who took it out at the end. It is seen by what
/// options gave; what is typed for it takes a yes.
fn compare(token: &SharedToken, card: &CardView, pins: Pins, screen: &mut Screen) -> Result<(), Failure> {
    let are_given = comparable(card).all(|status| pins.given(status.kind.into()).is_some());
    let active = || Failure::new(Kind::NotEligible, t!("activate-active"));
    if !are_given && !sits_there() {
        return Err(active());
    }
    screen.say(&t!("activate-active-compare"));
    show(screen, &card.passwords);
    if !are_given && !ask_yes(&t!("activate-active-ask"), Beforehand::Nothing)? {
        return Err(active());
    }
    let face = Face::new(Errand::Other);
    let mut holder = Holder::new(&face, pins);
    let outcome = compare_all(token, &mut holder, card);
    holder.outcome(outcome)?;
    screen.mark(Mark::Good, &t!("activate-done-already"));
    Ok(())
}

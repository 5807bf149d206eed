use super::*;
use crate::Alphabet;

use PasswordKind::{AuthenticationPin, Puk, SignaturePin, TransportPin};
use PasswordState::{Active, Blocked, Disabled, Empty};

const THREE: Tries = Tries::Known(3);

fn card(states: [PasswordState; 3]) -> Vec<PasswordStatus> {
    let kinds = [AuthenticationPin, SignaturePin, Puk];
    let status = |(kind, state)| PasswordStatus { kind, state, minimum: 4, maximum: 8, alphabet: Alphabet::Digits };
    kinds.into_iter().zip(states).map(status).collect()
}

/// Of a token that takes its PUK.
fn of(activation: Option<Activation>, passwords: &[PasswordStatus]) -> PasswordSteps {
    PasswordSteps::of(&Capabilities { activation, takes_puk: true, ..Capabilities::default() }, passwords)
}

fn active(states: [PasswordState; 3]) -> (Vec<PasswordStep>, Vec<Dead>) {
    let steps = of(None, &card(states));
    (steps.offers.iter().map(|offer| offer.step).collect(), steps.dead)
}

#[test]
fn what_can_work_is_offered_and_nothing_else() {
    use PasswordStep::{Change, Unblock};
    let (auth, sign) = (AuthenticationPin, SignaturePin);
    for (states, offers, dead) in [
        ([Active(THREE); 3], vec![Change(auth), Unblock(auth), Change(sign), Unblock(sign), Change(Puk)], vec![]),
        (
            [Blocked, Active(THREE), Active(THREE)],
            vec![Unblock(auth), Change(sign), Unblock(sign), Change(Puk)],
            vec![],
        ),
        // A dead PUK kills nothing that works, and is said all the same.
        ([Active(THREE), Active(THREE), Blocked], vec![Change(auth), Change(sign)], vec![Dead::Puk]),
        ([Blocked, Active(THREE), Blocked], vec![Change(sign)], vec![Dead::Pin(auth), Dead::Puk]),
        ([Blocked; 3], vec![], vec![Dead::Pin(auth), Dead::Pin(sign), Dead::Puk]),
        ([Disabled, Active(THREE), Active(THREE)], vec![Change(sign), Unblock(sign), Change(Puk)], vec![]),
        ([Active(THREE), Active(THREE), Empty], vec![Change(auth), Change(sign)], vec![]),
    ] {
        assert_eq!(active(states), (offers, dead), "{states:?}");
    }
}

#[test]
fn an_offer_names_what_it_may_cost() {
    let steps = of(None, &card([Active(Tries::Known(1)), Blocked, Active(Tries::Known(5))]));
    let takes = |step| steps.offer(step).and_then(|offer| offer.takes);
    assert_eq!(takes(PasswordStep::Change(AuthenticationPin)), Some((AuthenticationPin, Tries::Known(1))));
    assert_eq!(takes(PasswordStep::Unblock(SignaturePin)), Some((Puk, Tries::Known(5))));
    assert_eq!(steps.offer(PasswordStep::Change(SignaturePin)), None);
    assert_eq!(steps.offer(PasswordStep::Activate), None);
}

#[test]
fn before_activation_there_is_one_thing_to_do_or_none() {
    let passwords = card([Empty; 3]);
    let transport = Activation::TransportPin { tries: THREE, single_use: false, at_pad: true, minimum: 5, maximum: 8 };
    for (activation, takes) in [
        (transport, Some((TransportPin, THREE))),
        (Activation::Nothing, None),
        (Activation::GoesOn { password: AuthenticationPin, tries: THREE }, Some((AuthenticationPin, THREE))),
    ] {
        let steps = of(Some(activation), &passwords);
        assert_eq!(steps.offers, [Offer { step: PasswordStep::Activate, takes }]);
        assert_eq!(steps.dead, []);
    }
    // Torn when one was set.
    let torn = card([Active(THREE), Empty, Empty]);
    let goes_on = of(Some(Activation::Nothing), &torn);
    assert_eq!(goes_on.offers[0].takes, Some((AuthenticationPin, THREE)));
    let finished = of(Some(Activation::Finished { password: TransportPin }), &passwords);
    assert_eq!(finished, PasswordSteps { offers: vec![], dead: vec![Dead::Token(TransportPin)] });
}

#[test]
fn a_puk_that_the_token_does_not_take_is_offered_for_nothing_and_nothing_is_lost_for_it() {
    let steps = |states| PasswordSteps::of(&Capabilities::default(), &card(states));
    let offers = |steps: &PasswordSteps| steps.offers.iter().map(|offer| offer.step).collect::<Vec<_>>();
    let blocked = steps([Blocked, Active(THREE), Active(THREE)]);
    assert_eq!((offers(&blocked), &blocked.dead[..]), (vec![PasswordStep::Change(SignaturePin)], &[][..]));
    assert_eq!(blocked.instead_of(SignaturePin), None);
    // That it is blocked is the end of it all the same.
    let dead = steps([Blocked, Active(THREE), Blocked]);
    assert_eq!(dead.dead, [Dead::Pin(AuthenticationPin), Dead::Puk]);
}

#[test]
fn a_token_without_a_puk_unblocks_nothing() {
    let mut token = card([Blocked, Active(THREE), Blocked]);
    token.truncate(1);
    let steps = of(None, &token);
    assert_eq!(steps, PasswordSteps { offers: vec![], dead: vec![Dead::Pin(AuthenticationPin)] });
}

#[test]
fn what_was_set_before_a_tear_is_compared_unless_something_else_opens_the_activation() {
    let set = card([Active(THREE), Active(THREE), Empty]);
    let compared =
        |activation: Activation| activation.compares(&set).iter().map(|status| status.kind).collect::<Vec<_>>();
    let transport =
        |single_use, at_pad| Activation::TransportPin { tries: THREE, single_use, at_pad, minimum: 5, maximum: 8 };
    assert_eq!(compared(transport(false, true)), []);
    assert_eq!(compared(transport(false, false)), [AuthenticationPin, SignaturePin]);
    assert_eq!(compared(Activation::Nothing), [AuthenticationPin, SignaturePin]);
    let goes_on = Activation::GoesOn { password: AuthenticationPin, tries: THREE };
    assert_eq!(compared(goes_on), [AuthenticationPin]);
    assert_eq!(compared(Activation::Finished { password: AuthenticationPin }), []);
    assert_eq!(Activation::Nothing.compares(&card([Empty; 3])), []);
}

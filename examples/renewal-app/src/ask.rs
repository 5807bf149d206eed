//! A password is asked for: first why.

use obnova_card::Tries;
use obnova_client::PinRequest;
use obnova_renewal::PinUse;

use crate::{phrases, texts::t, ui::Screen, view};

/// Says which password is needed, what for, and how many tries are left. Plain EST knows who renews by a login with the old key,
/// and by no signature on what is requested.
pub fn show(screen: &mut Screen, request: &PinRequest, by_plain_est: bool) {
    let name = view::password(request.password);
    screen.detail(&match request.phase {
        Some(phase) => t!("ask-for", name = name, reason = phrases::phase(phase), tries = left(request.tries)),
        None => t!("ask", name = name, tries = left(request.tries)),
    });
    for one in &request.uses {
        screen.nested(&match one {
            PinUse::Vouch(_) if by_plain_est => t!("use-order-over-login"),
            one => phrases::pin_use(*one),
        });
    }
}

fn left(tries: Tries) -> String {
    match tries {
        Tries::Known(left) => t!("ask-tries", tries = left),
        Tries::Low => t!("ask-tries-few"),
        Tries::Last => t!("ask-tries", tries = 1),
        Tries::Unknown => t!("ask-tries-unknown"),
    }
}

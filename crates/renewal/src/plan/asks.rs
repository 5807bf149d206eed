use obnova_card::PasswordKind;

use super::{MANAGING_PASSWORD, NewKey, OldKey};
use crate::{Ask, ByRole, Phase, PinUse, Policy};

/// The passwords that a plan will ask for. Old keys vouch; where there are none the new ones sign the order.
pub(super) fn asks(old: &ByRole<OldKey>, new: &ByRole<NewKey>, policy: &Policy, in_place: bool) -> Vec<Ask> {
    let to_make = new.iter().filter(|(_, key)| key.waiting.is_none());
    let mut uses: Vec<(PasswordKind, PinUse)> =
        to_make.map(|(role, _)| (MANAGING_PASSWORD, PinUse::MakeKey(role))).collect();
    uses.extend(new.iter().map(|(role, key)| (key.password, PinUse::SignRequest(role))));
    if old.is_empty() {
        uses.extend(new.iter().map(|(role, key)| (key.password, PinUse::SignOrder(role))));
    } else if !in_place {
        uses.extend(old.iter().map(|(role, key)| (key.password, PinUse::Vouch(role))));
    }
    uses.push((MANAGING_PASSWORD, PinUse::Install));
    let login = new.authentication.as_ref().filter(|_| policy.prove_login);
    uses.extend(login.map(|key| (key.password, PinUse::Login)));
    let signature = new.signature.as_ref().filter(|_| policy.prove_signature);
    uses.extend(signature.map(|key| (key.password, PinUse::TestSignature)));
    let mut asks: Vec<Ask> = Vec::new();
    for phase in Phase::ALL {
        for (password, one) in uses.iter().copied().filter(|(_, one)| one.phase() == Some(phase)) {
            match asks.iter_mut().find(|ask| ask.phase == phase && ask.password == password) {
                Some(ask) => ask.uses.push(one),
                None => asks.push(Ask { phase, password, uses: vec![one] }),
            }
        }
    }
    asks
}

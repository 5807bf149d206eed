//! The profile's words in those of [`Token`](crate::Token), and back.

use obnova_profile::{KeyRole as ProfileRole, PasswordReference, SlotNumber};

use crate::{KeyRole, PasswordKind, SlotId, TokenError};

pub(super) const fn password(reference: PasswordReference) -> PasswordKind {
    match reference {
        PasswordReference::AuthenticationPin => PasswordKind::AuthenticationPin,
        PasswordReference::SignaturePin => PasswordKind::SignaturePin,
        PasswordReference::Puk => PasswordKind::Puk,
        PasswordReference::TransportPin => PasswordKind::TransportPin,
    }
}

pub(super) const fn reference(kind: PasswordKind) -> PasswordReference {
    match kind {
        PasswordKind::AuthenticationPin => PasswordReference::AuthenticationPin,
        PasswordKind::SignaturePin => PasswordReference::SignaturePin,
        PasswordKind::Puk => PasswordReference::Puk,
        PasswordKind::TransportPin => PasswordReference::TransportPin,
    }
}

pub(super) const fn role(role: ProfileRole) -> KeyRole {
    match role {
        ProfileRole::Authentication => KeyRole::Authentication,
        ProfileRole::Signature => KeyRole::Signature,
    }
}

pub(super) const fn profile_role(role: KeyRole) -> ProfileRole {
    match role {
        KeyRole::Authentication => ProfileRole::Authentication,
        KeyRole::Signature => ProfileRole::Signature,
    }
}

impl From<ProfileRole> for KeyRole {
    fn from(of_the_profile: ProfileRole) -> Self {
        role(of_the_profile)
    }
}

impl From<KeyRole> for ProfileRole {
    fn from(of_the_token: KeyRole) -> Self {
        profile_role(of_the_token)
    }
}

pub(super) fn slot_id(slot: SlotNumber) -> SlotId {
    SlotId(slot.get().into())
}

pub(super) fn slot_number(slot: SlotId) -> Result<SlotNumber, TokenError> {
    let number = u8::try_from(slot.0).ok().and_then(SlotNumber::new);
    number.ok_or(TokenError::Slot { slot, problem: "there is no such slot: take one that Token::slots names" })
}

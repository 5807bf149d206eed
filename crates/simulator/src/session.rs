use obnova_algorithm::SignatureAlgorithm;
use obnova_profile::{FileId, PasswordReference, SlotNumber};
use zeroize::Zeroizing;

/// What the card forgets at reset.
#[derive(Clone, Default)]
pub(crate) struct Session {
    pub(crate) file: Option<FileId>,
    pub(crate) environment: Option<Environment>,
    pub(crate) chain: Option<Chain>,
    /// What GET RESPONSE fetches.
    pub(crate) pending: Vec<u8>,
    verified: [bool; 4],
    /// What the last command compared for a new value.
    pub(crate) compared: Option<PasswordReference>,
}

/// What MANAGE SECURITY ENVIRONMENT has set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Environment {
    pub(crate) slot: SlotNumber,
    pub(crate) scheme: Scheme,
}

/// How PERFORM SECURITY OPERATION signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// The profile's own: a hash comes, the card pads.
    Hash(SignatureAlgorithm),
    /// MyEID: an RSA block comes, padded.
    Block,
    /// MyEID: a DigestInfo comes, the card pads.
    DigestInfo,
    /// MyEID: a hash of any length comes, ECDSA.
    Ecdsa,
}

/// The commands of a chain so far.
#[derive(Clone)]
pub(crate) struct Chain {
    /// INS, P1, P2.
    pub(crate) header: [u8; 3],
    /// It may hold a PIN.
    pub(crate) data: Zeroizing<Vec<u8>>,
}

impl Session {
    pub(crate) fn is_verified(&self, password: PasswordReference) -> bool {
        self.verified[usize::from(password.code()) - 1]
    }

    pub(crate) fn set_verified(&mut self, password: PasswordReference, verified: bool) {
        self.verified[usize::from(password.code()) - 1] = verified;
    }
}

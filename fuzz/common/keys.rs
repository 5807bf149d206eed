//! Keys on P-256 that are the same in every run; nobody else uses them.

use std::sync::LazyLock;

use obnova_ca::CaKey;

/// Whose key it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, arbitrary::Arbitrary)]
pub enum Whose {
    OldAuthentication,
    OldSignature,
    NewAuthentication,
    NewSignature,
    Stranger,
    Root,
    Issuing,
    NamesakeAuthentication,
    NamesakeSignature,
    HousemateAuthentication,
    HousemateSignature,
}

static KEYS: LazyLock<[CaKey; 11]> = LazyLock::new(|| {
    let files: [&[u8]; 11] = [
        include_bytes!("keys/old-authentication.p8"),
        include_bytes!("keys/old-signature.p8"),
        include_bytes!("keys/new-authentication.p8"),
        include_bytes!("keys/new-signature.p8"),
        include_bytes!("keys/stranger.p8"),
        include_bytes!("keys/root.p8"),
        include_bytes!("keys/issuing.p8"),
        include_bytes!("keys/namesake-authentication.p8"),
        include_bytes!("keys/namesake-signature.p8"),
        include_bytes!("keys/housemate-authentication.p8"),
        include_bytes!("keys/housemate-signature.p8"),
    ];
    files.map(|file| CaKey::from_pkcs8(file).expect("it is a key"))
});

impl Whose {
    pub fn key(self) -> &'static CaKey {
        &KEYS[self as usize]
    }

    pub fn sign(self, bytes: &[u8]) -> Vec<u8> {
        self.key().sign(bytes).expect("keys in memory sign")
    }

    /// A key of its own, for who wants to have one.
    pub fn copy(self) -> CaKey {
        CaKey::from_pkcs8(&self.key().to_pkcs8().expect("it was read")).expect("it was written")
    }
}

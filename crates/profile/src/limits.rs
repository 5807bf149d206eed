/// How much a card takes and gives at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Extended length fields are understood (ISO/IEC 7816-4 §5.2).
    pub extended_length: bool,
    /// Command chaining is understood (ISO/IEC 7816-4 §5.3.3).
    pub chaining: bool,
    /// A key can have up to [`MOST_CERTIFICATES`](crate::FileId::MOST_CERTIFICATES); otherwise one.
    pub several_certificates: bool,
    /// Bytes of command data in one APDU.
    pub command: u32,
    /// Bytes of response data in one APDU.
    pub response: u32,
    /// Bytes of one certificate: from [`Limits::CERTIFICATE`] to [`Limits::LARGEST_CERTIFICATE`].
    pub certificate: u16,
}

impl Limits {
    /// Certificates up to this length must be taken by every card of the profile.
    pub const CERTIFICATE: u16 = 0x2000;

    /// The largest certificate that a card of the profile can take: 64 KB less one byte, since lengths in the status have two
    /// bytes (§5.1).
    pub const LARGEST_CERTIFICATE: u16 = u16::MAX;

    /// The longest data of a command: PUT DATA with the largest certificate and the header of the data object around it, in
    /// a chain of two (§5.4).
    pub const COMMAND_IN_CHAIN: usize = Self::LARGEST_CERTIFICATE as usize + 4;

    /// What the profile asks for: everything in one APDU.
    pub const EXTENDED: Self = Self {
        extended_length: true,
        chaining: true,
        several_certificates: true,
        command: 0xFFFF,
        response: 0x1_0000,
        certificate: Self::CERTIFICATE,
    };

    /// Certificates that one key can have: one, or [`MOST_CERTIFICATES`](crate::FileId::MOST_CERTIFICATES).
    #[must_use]
    pub const fn certificates_per_key(&self) -> u8 {
        if self.several_certificates { crate::FileId::MOST_CERTIFICATES } else { 1 }
    }
}

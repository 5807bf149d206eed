use crate::Command;

/// What a card takes and gives, and how much of it the caller wants at most.
///
/// Start from [`SHORT`](Self::SHORT) or [`EXTENDED`](Self::EXTENDED) and change what differs. The standard's places to
/// learn it from are the third software function byte of the historical bytes and EF.ATR/INFO (ISO 7816-4:2013 §8.1.1.2.7,
/// §8.2.1.1); a card's profile may know better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Whether the card takes extended length fields.
    pub extended: bool,
    /// Whether the card takes command chaining.
    pub chaining: bool,
    /// The most data bytes in one command APDU. Short APDUs carry at most 255 whatever is said here.
    pub max_command_data: usize,
    /// The largest N<sub>e</sub> in one command APDU. Short APDUs ask for at most 256 whatever is said here.
    pub max_ne: u32,
    /// The most response data bytes in all; the card is not allowed to send more.
    pub max_response: usize,
    /// The most APDUs for one command.
    pub max_apdus: u32,
    /// The class byte of GET RESPONSE. `None` derives it from the command: same logical channel, no secure messaging, `00`
    /// for a command of a proprietary class.
    pub get_response_cla: Option<u8>,
    /// Whether a short command with data is sent without L<sub>e</sub> even if it expects a response, as T=0 without a
    /// converting reader needs it (ISO 7816-3 §12.2.5): the card then announces its response by `61xx`.
    pub omit_le_after_data: bool,
}

impl Limits {
    /// Short APDUs with command chaining and GET RESPONSE, at most 65,536 response bytes: what practically every card of the
    /// last fifteen years does.
    pub const SHORT: Self = Self {
        extended: false,
        chaining: true,
        max_command_data: 255,
        max_ne: Command::NE_SHORT_MAX,
        max_response: 65_536,
        max_apdus: 2_048,
        get_response_cla: None,
        omit_le_after_data: false,
    };

    /// Extended length in both directions up to what the encoding allows, chaining beyond it.
    pub const EXTENDED: Self =
        Self { extended: true, max_command_data: 65_535, max_ne: Command::NE_EXTENDED_MAX, ..Self::SHORT };

    /// The same limits with command chaining, or without.
    #[must_use]
    pub const fn with_chaining(mut self, chaining: bool) -> Self {
        self.chaining = chaining;
        self
    }

    /// The same limits with at most this many data bytes in one command APDU; 0 counts as 1.
    #[must_use]
    pub const fn with_max_command_data(mut self, max: usize) -> Self {
        self.max_command_data = max;
        self
    }

    /// The same limits with at most this N<sub>e</sub> in one command APDU; 0 counts as 1.
    #[must_use]
    pub const fn with_max_ne(mut self, max: u32) -> Self {
        self.max_ne = max;
        self
    }

    /// The same limits with at most this many response bytes in all.
    #[must_use]
    pub const fn with_max_response(mut self, max: usize) -> Self {
        self.max_response = max;
        self
    }

    /// The same limits with at most this many APDUs for one command.
    #[must_use]
    pub const fn with_max_apdus(mut self, max: u32) -> Self {
        self.max_apdus = max;
        self
    }

    /// The same limits with this class byte for GET RESPONSE.
    #[must_use]
    pub const fn with_get_response_cla(mut self, cla: u8) -> Self {
        self.get_response_cla = Some(cla);
        self
    }

    /// The same limits for T=0 without a converting reader; see [`omit_le_after_data`](Self::omit_le_after_data).
    #[must_use]
    pub const fn without_le_after_data(mut self) -> Self {
        self.omit_le_after_data = true;
        self
    }

    /// A buffer of this length holds every APDU that an exchange within these limits sends. One command may need less: see
    /// [`Exchange::buffer_len`](super::Exchange::buffer_len).
    #[must_use]
    pub const fn buffer_len(&self) -> usize {
        if self.extended { 4 + 3 + self.data_per_apdu() + 2 } else { 4 + 1 + self.data_per_apdu() + 1 }
    }

    /// The most data bytes in one APDU of the longest form there is.
    pub(super) const fn data_per_apdu(&self) -> usize {
        let form = if self.extended { 65_535 } else { 255 };
        clamp(self.max_command_data, form)
    }

    /// The largest Ne in one APDU of the longest form there is.
    pub(super) const fn ne_per_apdu(&self) -> u32 {
        let form = if self.extended { Command::NE_EXTENDED_MAX } else { Command::NE_SHORT_MAX };
        match self.max_ne {
            0 => 1,
            max if max < form => max,
            _ => form,
        }
    }
}

impl Default for Limits {
    /// [`Limits::SHORT`].
    fn default() -> Self {
        Self::SHORT
    }
}

const fn clamp(value: usize, max: usize) -> usize {
    match value {
        0 => 1,
        value if value < max => value,
        _ => max,
    }
}

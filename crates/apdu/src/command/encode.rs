use thiserror::Error;

use super::{Command, LengthForm};

impl Command<'_> {
    /// The length of the command as one APDU in this form.
    ///
    /// # Errors
    /// [`EncodeError::DataTooLong`] and [`EncodeError::NeTooLarge`] when the form cannot hold the command,
    /// [`EncodeError::InvalidClass`] when the class byte is `FF`.
    pub const fn encoded_len(&self, form: LengthForm) -> Result<usize, EncodeError> {
        if self.cla == 0xFF {
            return Err(EncodeError::InvalidClass);
        }
        let (max_data, max_ne) = match form {
            LengthForm::Short => (255, Self::NE_SHORT_MAX),
            LengthForm::Extended => (65_535, Self::NE_EXTENDED_MAX),
        };
        if self.data.len() > max_data {
            return Err(EncodeError::DataTooLong { len: self.data.len(), max: max_data });
        }
        if self.ne > max_ne {
            return Err(EncodeError::NeTooLarge { ne: self.ne, max: max_ne });
        }
        let has_data = !self.data.is_empty();
        let has_le = self.ne != 0;
        let lengths = match form {
            LengthForm::Short => has_data as usize + has_le as usize,
            LengthForm::Extended => (has_data || has_le) as usize + 2 * (has_data as usize + has_le as usize),
        };
        Ok(4 + lengths + self.data.len())
    }

    /// Writes the command as one APDU to the front of `out` and returns what was written.
    ///
    /// # Errors
    /// As [`encoded_len`](Self::encoded_len), and [`EncodeError::BufferTooSmall`]. Nothing is written then.
    pub fn encode<'b>(&self, out: &'b mut [u8], form: LengthForm) -> Result<&'b [u8], EncodeError> {
        let needed = self.encoded_len(form)?;
        let available = out.len();
        let out = out.get_mut(..needed).ok_or(EncodeError::BufferTooSmall { needed, available })?;

        let mut fields = Fields { out: &mut *out, at: 0 };
        fields.put(&[self.cla, self.ins, self.p1, self.p2]);
        // Both numbers were checked against the form; the largest Ne is written as zero, which is what truncation gives.
        let [.., lc_hi, lc_lo] = self.data.len().to_be_bytes();
        let [.., le_hi, le_lo] = self.ne.to_be_bytes();
        if form == LengthForm::Extended && needed > 4 {
            fields.put(&[0]);
        }
        if !self.data.is_empty() {
            match form {
                LengthForm::Short => fields.put(&[lc_lo]),
                LengthForm::Extended => fields.put(&[lc_hi, lc_lo]),
            }
            fields.put(self.data);
        }
        if self.ne != 0 {
            match form {
                LengthForm::Short => fields.put(&[le_lo]),
                LengthForm::Extended => fields.put(&[le_hi, le_lo]),
            }
        }
        Ok(out)
    }
}

/// Why a command does not fit into one APDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum EncodeError {
    /// The class byte is `FF`.
    #[error("class byte FF is invalid")]
    InvalidClass,
    /// The data exceeds what the form, or the card, takes in one APDU: use the other form, or a command chain
    /// ([`exchange`](crate::exchange)).
    #[error("{len} data bytes do not fit into one APDU of at most {max}")]
    DataTooLong {
        /// Bytes of data.
        len: usize,
        /// The most the form takes.
        max: usize,
    },
    /// N<sub>e</sub> exceeds what the form can say.
    #[error("Ne {ne} is above the {max} of this length form")]
    NeTooLarge {
        /// N<sub>e</sub> of the command.
        ne: u32,
        /// The most the form can say.
        max: u32,
    },
    /// The buffer is too small.
    #[error("buffer of {available} bytes is too small for a command APDU of {needed}")]
    BufferTooSmall {
        /// Bytes needed.
        needed: usize,
        /// Bytes given.
        available: usize,
    },
}

/// Writes field after field into a buffer whose length was computed beforehand.
struct Fields<'b> {
    out: &'b mut [u8],
    at: usize,
}

impl Fields<'_> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) {
        self.out[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }
}

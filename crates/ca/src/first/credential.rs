use std::time::SystemTime;

use obnova_enroll::OneTimePassword;
use zeroize::Zeroizing;

use crate::{KeyFileError, store::SubjectRecord};

/// A one-time password that was just issued: the one time that it can be seen. There is no `Debug`.
pub struct IssuedPassword {
    /// Whose it is.
    pub subject: SubjectRecord,
    /// To be handed over, apart from the user id.
    pub password: OneTimePassword,
    /// Until when it can be used.
    pub expires: SystemTime,
}

/// A password for a paper.
pub(super) fn generate() -> Result<OneTimePassword, KeyFileError> {
    let mut random = Zeroizing::new([0; 12]);
    aws_lc_rs::rand::fill(random.as_mut_slice())?;
    Ok(OneTimePassword::from_random(&random))
}

use std::time::SystemTime;

use obnova_enroll::OneTimePassword;

use crate::store::SubjectRecord;

/// A one-time password that was just issued: the one time that it can be seen. There is no `Debug`.
pub struct IssuedPassword {
    /// Whose it is.
    pub subject: SubjectRecord,
    /// To be handed over, apart from the user id.
    pub password: OneTimePassword,
    /// Until when it can be used.
    pub expires: SystemTime,
}

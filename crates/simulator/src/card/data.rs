use aws_lc_rs::rand;
use obnova_apdu::StatusWord;
use obnova_profile::application;

use super::{Card, Outcome, Request, answer};

/// Most random bytes that GET CHALLENGE gives at once.
const MAX_CHALLENGE: usize = 256;

impl Card {
    /// GET DATA (§5.8).
    pub(super) fn get_data(&mut self, request: &Request<'_>) -> Outcome {
        match u16::from_be_bytes([request.p1, request.p2]) {
            application::DATA_STATUS => answer(self.status().to_template()),
            application::DATA_MYEID_INFO => {
                answer(application::myeid_info(&self.state.serial, self.state.changes).to_vec())
            }
            application::DATA_MYEID_CAPABILITIES => answer(application::MYEID_CAPABILITIES.to_vec()),
            _ => Err(StatusWord::REFERENCED_DATA_NOT_FOUND.into()),
        }
    }

    /// GET CHALLENGE (§5.9).
    pub(super) fn get_challenge(&mut self, request: &Request<'_>) -> Outcome {
        request.expect(0x00, 0x00)?;
        let mut challenge = vec![0; request.ne.min(MAX_CHALLENGE)];
        rand::fill(&mut challenge).map_err(|_| StatusWord::EXECUTION_ERROR)?;
        answer(challenge)
    }
}

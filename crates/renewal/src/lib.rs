//! The renewal process as a state machine: eligibility, plan, steps and journal records.

//! CA logic: policy, twin transactions, issuance, status, behind a store trait.

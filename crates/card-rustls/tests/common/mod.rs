//! A token in software, a CA for two names, and a TLS server in the same process.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)]

pub mod pki;
pub mod tls;
pub mod token;

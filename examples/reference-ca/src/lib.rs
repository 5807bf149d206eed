//! The Obnova reference CA as a server: obnova-ca.

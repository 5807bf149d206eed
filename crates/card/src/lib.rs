//! Tokens that hold keys: one trait, its capabilities, and drivers for cards and PKCS#11 modules.

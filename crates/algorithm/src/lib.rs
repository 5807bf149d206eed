//! Key and signature algorithms: one vocabulary for cards, requests and CAs.

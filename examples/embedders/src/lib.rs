//! Short programs to copy from: sign with a card, TLS login with a card.

//! A key on a card as a rustls client key: TLS client authentication with the card.

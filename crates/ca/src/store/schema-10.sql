-- A first order replaces nothing.
CREATE TABLE requests_of_any_order (
    order_id INTEGER NOT NULL REFERENCES orders (id),
    position INTEGER NOT NULL,
    profile TEXT NOT NULL CHECK (profile IN ('authentication', 'signature')),
    request BLOB NOT NULL,
    key BLOB NOT NULL,
    same_key INTEGER NOT NULL,
    replaces BLOB,
    waiting INTEGER,
    PRIMARY KEY (order_id, position)
) STRICT;
INSERT INTO requests_of_any_order
    SELECT order_id, position, profile, request, key, same_key, replaces, waiting FROM requests;
DROP TABLE requests;
ALTER TABLE requests_of_any_order RENAME TO requests;
CREATE INDEX requests_replaces ON requests (replaces) WHERE replaces IS NOT NULL;
CREATE INDEX requests_waiting ON requests (key) WHERE waiting IS NOT NULL;

-- Who may ask for first certificates, as the CA knows them.
CREATE TABLE subjects (
    id INTEGER PRIMARY KEY,
    user TEXT NOT NULL,
    module TEXT NOT NULL,
    -- DER.
    name BLOB NOT NULL,
    email TEXT NOT NULL,
    UNIQUE (user, module)
) STRICT;

-- One-time passwords. None can be had from here: what checks them is encrypted, or an Argon2id hash with a secret of its own.
CREATE TABLE credentials (
    id BLOB NOT NULL PRIMARY KEY,
    subject INTEGER NOT NULL REFERENCES subjects (id),
    issued INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    proof_keys BLOB,
    hash BLOB,
    guesses INTEGER NOT NULL DEFAULT 0,
    next_guess INTEGER NOT NULL DEFAULT 0,
    -- When it was revoked, or another one took its place.
    ended INTEGER,
    -- What it was used for.
    order_id INTEGER UNIQUE REFERENCES orders (id)
) STRICT;
CREATE INDEX credentials_subject ON credentials (subject, issued);

-- What ends the certificates of an order, as an Argon2id hash with a secret of its own.
CREATE TABLE revocation_passwords (
    order_id INTEGER PRIMARY KEY REFERENCES orders (id),
    hash BLOB NOT NULL,
    guesses INTEGER NOT NULL DEFAULT 0,
    next_guess INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE orders (
    id INTEGER PRIMARY KEY,
    name BLOB NOT NULL UNIQUE,
    message BLOB NOT NULL,
    holder TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'issued', 'confirmed', 'rejected')),
    reason TEXT,
    token_salt BLOB NOT NULL,
    token_hash BLOB NOT NULL UNIQUE,
    received INTEGER NOT NULL,
    decided INTEGER,
    confirmed INTEGER
) STRICT;
CREATE INDEX orders_state ON orders (state);

CREATE TABLE requests (
    order_id INTEGER NOT NULL REFERENCES orders (id),
    position INTEGER NOT NULL,
    profile TEXT NOT NULL CHECK (profile IN ('authentication', 'signature')),
    request BLOB NOT NULL,
    key BLOB NOT NULL,
    same_key INTEGER NOT NULL,
    replaces BLOB NOT NULL,
    PRIMARY KEY (order_id, position)
) STRICT;
CREATE INDEX requests_key ON requests (key);
CREATE INDEX requests_replaces ON requests (replaces);

CREATE TABLE certificates (
    serial BLOB NOT NULL PRIMARY KEY,
    profile TEXT NOT NULL CHECK (profile IN ('authentication', 'signature')),
    key BLOB NOT NULL,
    subject TEXT NOT NULL,
    not_after INTEGER NOT NULL,
    der BLOB NOT NULL,
    -- The request that it answers; none for a first pair.
    order_id INTEGER REFERENCES orders (id),
    position INTEGER,
    UNIQUE (order_id, position)
) STRICT;
CREATE INDEX certificates_key ON certificates (key);
CREATE INDEX certificates_not_after ON certificates (not_after);

-- Messages that ask again for what an order asks for, by the same certificates and for the same keys.
CREATE TABLE repeats (
    name BLOB NOT NULL PRIMARY KEY,
    order_id INTEGER NOT NULL REFERENCES orders (id),
    message BLOB NOT NULL,
    received INTEGER NOT NULL,
    confirmed INTEGER
) STRICT;

-- Certificates that are revoked or on hold. Whoever is released from hold is gone from here.
CREATE TABLE revocations (
    serial BLOB NOT NULL PRIMARY KEY REFERENCES certificates (serial),
    since INTEGER NOT NULL,
    reason TEXT NOT NULL,
    invalid_since INTEGER
) STRICT;

-- CRLs that were begun. No number comes twice.
CREATE TABLE crls (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    this_update INTEGER NOT NULL
) STRICT;

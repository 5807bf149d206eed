-- Whose holder was told, how many days before the end, that a certificate ends.
CREATE TABLE notices (
    serial BLOB NOT NULL REFERENCES certificates (serial),
    days INTEGER NOT NULL,
    told INTEGER NOT NULL,
    PRIMARY KEY (serial, days)
) STRICT, WITHOUT ROWID;

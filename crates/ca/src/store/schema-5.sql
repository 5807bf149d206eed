-- What happened, in the order in which it did. Each hash is over the one before it and its own record.
CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    about TEXT NOT NULL,
    detail TEXT NOT NULL,
    actor TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
BEGIN
    SELECT raise(ABORT, 'the audit log is never changed');
END;
CREATE TRIGGER audit_keeps BEFORE DELETE ON audit
BEGIN
    SELECT raise(ABORT, 'nothing leaves the audit log');
END;

-- Certificates on keys that others may have, where another one was revoked as such before all on a key ended together. They end when
-- the file is opened.
CREATE TABLE left_on_keys (
    serial BLOB NOT NULL PRIMARY KEY REFERENCES certificates (serial),
    -- Since when others may have had the key.
    compromised INTEGER NOT NULL
) STRICT;
INSERT INTO left_on_keys
    SELECT other.serial, min(coalesce(revocations.invalid_since, revocations.since))
    FROM revocations JOIN certificates AS own ON own.serial = revocations.serial
        JOIN certificates AS other ON substr(other.key, 1, 8) = substr(own.key, 1, 8) AND other.key = own.key
    WHERE revocations.reason = 'keyCompromise' AND other.not_after >= revocations.since AND other.serial NOT IN (
        SELECT serial FROM revocations WHERE reason != 'certificateHold')
    GROUP BY other.serial;

-- Who never gets a password is forgotten too. Those who are there are taken to have come today.
ALTER TABLE subjects ADD COLUMN entered INTEGER NOT NULL DEFAULT 0;
UPDATE subjects SET entered = unixepoch();

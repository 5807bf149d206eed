-- People who apply for a card.
CREATE TABLE applicants (
    id BLOB NOT NULL PRIMARY KEY,
    -- SHA-256 of what they show to see and correct their data.
    secret BLOB NOT NULL,
    stage TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    country TEXT NOT NULL,
    number TEXT,
    registered INTEGER NOT NULL,
    card TEXT UNIQUE,
    -- Encrypted under a key that is not here; gone once it was shown.
    transport_pin BLOB,
    pin_shown INTEGER
) STRICT;
CREATE INDEX applicants_registered ON applicants (registered);
CREATE INDEX applicants_stage ON applicants (stage, registered);

-- What was done for them, when, and by whom.
CREATE TABLE applicant_steps (
    applicant BLOB NOT NULL REFERENCES applicants (id) ON DELETE CASCADE,
    step TEXT NOT NULL,
    at INTEGER NOT NULL,
    operator TEXT,
    reference TEXT
) STRICT;
CREATE INDEX applicant_steps_applicant ON applicant_steps (applicant);

-- The certificates on their cards.
CREATE TABLE applicant_certificates (
    serial BLOB NOT NULL PRIMARY KEY REFERENCES certificates (serial),
    applicant BLOB NOT NULL REFERENCES applicants (id) ON DELETE CASCADE
) STRICT;
CREATE INDEX applicant_certificates_applicant ON applicant_certificates (applicant);

CREATE INDEX mails_confirm ON mails (recipient, queued) WHERE kind = 'confirm';

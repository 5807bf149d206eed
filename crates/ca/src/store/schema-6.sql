-- Mails that are to go out, and those that went. A key is one mail for ever.
CREATE TABLE mails (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    recipient TEXT NOT NULL,
    name TEXT,
    subject TEXT NOT NULL,
    -- Wiped once it is sent.
    body TEXT NOT NULL,
    -- What its link is made from when it goes out: the link itself is not kept.
    pick_up BLOB,
    link BLOB REFERENCES links (id),
    queued INTEGER NOT NULL,
    -- When it is tried; not, when it is sent or given up.
    due INTEGER,
    tries INTEGER NOT NULL DEFAULT 0,
    sent INTEGER,
    problem TEXT
) STRICT;
CREATE INDEX mails_due ON mails (due) WHERE due IS NOT NULL;
CREATE INDEX mails_sent ON mails (sent) WHERE sent IS NOT NULL;
CREATE INDEX mails_given_up ON mails (queued) WHERE due IS NULL AND sent IS NULL;

-- Signed links: what each is about, and who used it.
CREATE TABLE links (
    id BLOB NOT NULL PRIMARY KEY,
    purpose TEXT NOT NULL,
    about BLOB NOT NULL,
    expires INTEGER NOT NULL,
    used INTEGER,
    attempt BLOB
) STRICT;

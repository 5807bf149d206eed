-- A revocation password that went over to renewals is one password: whoever guesses it is counted once, by its hash.
CREATE INDEX revocation_passwords_hash ON revocation_passwords (hash);

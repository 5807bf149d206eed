-- Guesses of who is logged in are counted apart, so that nobody else slows them.
ALTER TABLE revocation_passwords ADD COLUMN login_guesses INTEGER NOT NULL DEFAULT 0;
ALTER TABLE revocation_passwords ADD COLUMN next_login_guess INTEGER NOT NULL DEFAULT 0;

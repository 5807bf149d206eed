-- Whose identity was checked before: the applicant that a subject was entered from, and that a one-time password was issued to. Who got
-- certificates by one is kept as long as they are.
ALTER TABLE subjects ADD COLUMN applicant BLOB REFERENCES applicants (id) ON DELETE SET NULL;
ALTER TABLE credentials ADD COLUMN applicant BLOB REFERENCES applicants (id) ON DELETE SET NULL;
CREATE INDEX subjects_applicant ON subjects (applicant) WHERE applicant IS NOT NULL;
CREATE INDEX credentials_applicant ON credentials (applicant) WHERE applicant IS NOT NULL;

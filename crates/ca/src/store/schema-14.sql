-- Whose certificates a password brings is what was known when it was issued; gone when it has ended.
ALTER TABLE credentials ADD COLUMN name BLOB;
ALTER TABLE credentials ADD COLUMN email TEXT;
-- Which one is newer no clock says.
ALTER TABLE credentials ADD COLUMN number INTEGER;
UPDATE credentials SET number = rowid,
    (name, email) = (SELECT subjects.name, subjects.email FROM subjects WHERE subjects.id = credentials.subject);
CREATE UNIQUE INDEX credentials_number ON credentials (number);
DROP INDEX credentials_subject;
CREATE INDEX credentials_subject ON credentials (subject, number);

-- The keys of certificates by their first bytes: what is found by them is compared whole. Hashes come in no order, so that each is
-- written to a page of its own; the shorter they are, the fewer pages there are to write.
CREATE INDEX certificates_key_begin ON certificates (substr(key, 1, 8));
DROP INDEX certificates_key;

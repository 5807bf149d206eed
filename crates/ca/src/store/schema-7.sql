-- How often a certificate's status was changed, by whichever statement: whether a CRL still says all there is to say.
CREATE TABLE status_changes (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    count INTEGER NOT NULL
) STRICT;
INSERT INTO status_changes SELECT 1, count(*) FROM revocations;
CREATE TRIGGER revocations_come AFTER INSERT ON revocations BEGIN
    UPDATE status_changes SET count = count + 1;
END;
CREATE TRIGGER revocations_change AFTER UPDATE ON revocations BEGIN
    UPDATE status_changes SET count = count + 1;
END;
CREATE TRIGGER revocations_go AFTER DELETE ON revocations BEGIN
    UPDATE status_changes SET count = count + 1;
END;

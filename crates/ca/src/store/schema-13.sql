-- Mails that ask to confirm an address are counted in an hour, of all together, and in a day, to one address however it is written.
DROP INDEX mails_confirm;
CREATE INDEX mails_confirm_to ON mails (lower(recipient), queued) WHERE kind = 'confirm';
CREATE INDEX mails_confirm ON mails (queued) WHERE kind = 'confirm';

-- No table is another one: a file that comes to this is written anew once, without what was deleted in it. Links that are over are
-- forgotten, and the mails that they were in are found by them.
CREATE INDEX mails_link ON mails (link) WHERE link IS NOT NULL;

-- For a list of four SQLite makes a table, anew for each row that is written; comparisons it makes at once. What may stand there is the
-- same. A constraint can only be changed where it is written down, as SQLite's documentation of ALTER TABLE says.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema SET sql = replace(sql, 'CHECK (state IN (''pending'', ''issued'', ''confirmed'', ''rejected''))',
    'CHECK (state = ''pending'' OR state = ''issued'' OR state = ''confirmed'' OR state = ''rejected'')')
    WHERE type = 'table' AND name = 'orders';
PRAGMA writable_schema = RESET;

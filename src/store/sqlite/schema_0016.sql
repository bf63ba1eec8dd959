-- Schema 16: what came in last stands in small tables of its own; see `recent.rs`.

CREATE TABLE recent_key (key INTEGER PRIMARY KEY, event INTEGER NOT NULL) STRICT;
CREATE TABLE recent_fact (
    profile INTEGER NOT NULL,
    at INTEGER NOT NULL,
    event INTEGER NOT NULL,
    packed BLOB NOT NULL,
    PRIMARY KEY (profile, at, event)
) STRICT, WITHOUT ROWID;

-- How many rows each of the two has, at least, and the last of them that has left, in the order of its key.
CREATE TABLE recent (
    what INTEGER PRIMARY KEY,
    rows INTEGER NOT NULL,
    a INTEGER NOT NULL,
    b INTEGER NOT NULL,
    c INTEGER NOT NULL
) STRICT;
INSERT INTO recent (what, rows, a, b, c) VALUES (0, 0, 0, 0, 0), (1, 0, 0, 0, 0);

-- Every event of somebody has a row here now, an empty one where no rule matched: it says which events are whose.
INSERT INTO fact (profile, at, event, packed)
    SELECT profile, at, row, x'' FROM event WHERE profile IS NOT NULL ORDER BY profile, at, row
    ON CONFLICT DO NOTHING;
DROP INDEX event_profile;

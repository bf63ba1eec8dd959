-- Schema 7. Facts in one row an event: `packed` holds all of them, see `packed_facts.rs`.

-- Facts are derived from the log. Those of the old table are not taken over: with no rule matched, the next computation matches
-- all of them again.
DROP TABLE fact;
CREATE TABLE fact (
    profile INTEGER NOT NULL,
    at INTEGER NOT NULL,
    event INTEGER NOT NULL,
    packed BLOB NOT NULL,
    PRIMARY KEY (profile, at, event)
) STRICT, WITHOUT ROWID;
DELETE FROM rule_matched;

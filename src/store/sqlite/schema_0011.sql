-- Schema 11. Writes beside a record's fields: notes, fields of no mapping, memberships, tasks.

-- One row a record and lane (`note:digest`, `list:57`, `task:…`). state: 0 queued, 1 in flight, 2 ambiguous, 3 settled, 4 refused.
CREATE TABLE side_write (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB NOT NULL,
    place INTEGER NOT NULL,
    record INTEGER NOT NULL,
    lane TEXT NOT NULL,
    -- The kind of operation: what may go in one call.
    op TEXT NOT NULL,
    state INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    -- The generation that was leased last: only its settlement counts.
    sent INTEGER,
    attempts INTEGER NOT NULL,
    not_before INTEGER,
    -- What is wished for and why, as JSON. NULL once it is settled: `told` says what the CRM holds.
    wish TEXT,
    cause TEXT,
    told TEXT,
    told_at INTEGER,
    -- The note's or task's id at the CRM.
    remote TEXT,
    worker TEXT,
    lease_until INTEGER,
    UNIQUE (record, lane)
) STRICT;
CREATE INDEX side_write_due ON side_write (place, state, id) WHERE state < 3;

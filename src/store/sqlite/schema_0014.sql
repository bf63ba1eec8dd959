-- Schema 14. What was known when, and what was learnt from it.

-- When the CRM says a deal or lead was made; NULL where it does not say, and for records stored before this schema until they are seen
-- to change.
ALTER TABLE record ADD COLUMN created_at INTEGER;

-- Models for scores that are predictions. state: 0 nothing was learnt, 1 shadow, 2 active (one a score at most), 3 retired. `model`
-- and `report` are JSON.
CREATE TABLE learnt (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    score TEXT NOT NULL,
    trained_at INTEGER NOT NULL,
    state INTEGER NOT NULL,
    model TEXT,
    report TEXT NOT NULL
) STRICT;
CREATE INDEX learnt_score ON learnt (score, id);
CREATE UNIQUE INDEX learnt_active ON learnt (score) WHERE state = 2;

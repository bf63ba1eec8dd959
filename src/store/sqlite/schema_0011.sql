-- Schema 11. What was learnt from the past: models for scores that are predictions.

-- state: 0 nothing was learnt, 1 shadow, 2 active (one a score at most), 3 retired. `model` and `report` are JSON.
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

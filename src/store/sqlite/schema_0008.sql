-- Schema 8. Where people stand: bands and segments, what was entered and left, and what is still to be done about it.

-- See `packed_standings.rs`. NULL: never judged.
ALTER TABLE profile ADD COLUMN standings BLOB;
-- When a CRM last took anything that was written of the profile.
ALTER TABLE profile ADD COLUMN told_at INTEGER;

-- Append-only. `kind`: 0 band, 1 segment. `direction`: 1 in, -1 out.
CREATE TABLE transition (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    profile INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    name TEXT NOT NULL,
    at INTEGER NOT NULL,
    direction INTEGER NOT NULL,
    score REAL,
    grade TEXT,
    reasons TEXT,
    backfill INTEGER NOT NULL,
    UNIQUE (profile, kind, name, at)
) STRICT;

-- Who is in now.
CREATE TABLE member (
    kind INTEGER NOT NULL,
    name TEXT NOT NULL,
    profile INTEGER NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (kind, name, profile)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_profile ON member (profile);

-- The latest entry into each band. `state`: 0 ready, 1 waiting, 2 done.
CREATE TABLE band_entry (
    profile INTEGER NOT NULL,
    band TEXT NOT NULL,
    entered_at INTEGER NOT NULL,
    state INTEGER NOT NULL,
    acted_at INTEGER,
    PRIMARY KEY (profile, band)
) STRICT, WITHOUT ROWID;
CREATE INDEX band_entry_ready ON band_entry (band, profile) WHERE state = 0;

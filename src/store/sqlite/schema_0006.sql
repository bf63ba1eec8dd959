-- Schema 6. What each source has sent, ever.

CREATE TABLE source_health (
    source INTEGER PRIMARY KEY,
    accepted INTEGER NOT NULL DEFAULT 0,
    duplicate INTEGER NOT NULL DEFAULT 0,
    unattributed INTEGER NOT NULL DEFAULT 0,
    suppressed INTEGER NOT NULL DEFAULT 0,
    -- The newest event's time, and when the last new event came in.
    last_event_at INTEGER,
    last_received_at INTEGER,
    -- Since when it is watched for silence, and when the silence under way was told.
    watched_since INTEGER,
    silence_told_at INTEGER
) STRICT;

CREATE TABLE source_rejected (
    source INTEGER NOT NULL,
    code TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (source, code)
) STRICT, WITHOUT ROWID;

-- Schema 3. Identity: what resolution needs beside who holds what.

-- 0 held, 1 retired by an alias, 2 contested, 3 shared by many (profile 0), 4 quarantined (profile 0).
ALTER TABLE identifier ADD COLUMN state INTEGER NOT NULL DEFAULT 0;
-- 1: holds a contested identifier and nothing else; never computed for a CRM, never pushed, never joined.
ALTER TABLE profile ADD COLUMN shared INTEGER NOT NULL DEFAULT 0;

-- Hash of what the record last told of its person: the identity log has that already.
ALTER TABLE record ADD COLUMN evidence INTEGER;

-- Names of `[identity.custom]`: numbered below zero in `identifier.kind`.
CREATE TABLE custom_kind (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

-- SHA-256 of an address → the address. Filled when the first hash is asked about, and kept from then on (counter `email_hashes`).
CREATE TABLE email_hash (hash BLOB PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- Profiles that an event with this phone was given to while another one held it.
CREATE TABLE phone_claim (
    value TEXT NOT NULL,
    profile INTEGER NOT NULL,
    PRIMARY KEY (value, profile)
) STRICT, WITHOUT ROWID;
CREATE INDEX phone_claim_profile ON phone_claim (profile);

-- What was seen together, by event time; asked about within 24 hours.
CREATE TABLE sighting (
    kind INTEGER NOT NULL,
    value TEXT NOT NULL,
    at INTEGER NOT NULL,
    with_kind INTEGER NOT NULL,
    with_value TEXT NOT NULL,
    PRIMARY KEY (kind, value, at, with_kind, with_value)
) STRICT, WITHOUT ROWID;

-- What somebody said must never be in one profile, written both ways round.
CREATE TABLE apart (
    kind INTEGER NOT NULL,
    value TEXT NOT NULL,
    other_kind INTEGER NOT NULL,
    other_value TEXT NOT NULL,
    PRIMARY KEY (kind, value, other_kind, other_value)
) STRICT, WITHOUT ROWID;

-- Where an identifier was not taken at its word. `profile` is whose the event or record is, `owner` who holds the identifier.
CREATE TABLE identity_conflict (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    value TEXT NOT NULL,
    action TEXT NOT NULL,
    owner INTEGER,
    profile INTEGER,
    cause TEXT NOT NULL
) STRICT;
CREATE INDEX identity_conflict_profile ON identity_conflict (profile);

-- Questions for a person. `profiles`: the numbers in question, ascending, with commas; open ones are unique.
CREATE TABLE review (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    opened_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    kind INTEGER NOT NULL,
    value TEXT NOT NULL,
    profiles TEXT NOT NULL,
    detail TEXT,
    probability INTEGER,
    seen INTEGER NOT NULL DEFAULT 1,
    answer TEXT,
    answered_at INTEGER
) STRICT;
CREATE UNIQUE INDEX review_open ON review (reason, kind, value, profiles) WHERE answer IS NULL;
CREATE INDEX review_open_at ON review (opened_at) WHERE answer IS NULL;

-- What else than events has told who is who, for a replay: records pulled, what became of them, what reviewers said. A line comes
-- after event `after_event` and before the next one.
CREATE TABLE identity_log (
    id INTEGER PRIMARY KEY,
    after_event INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX identity_log_after ON identity_log (after_event);

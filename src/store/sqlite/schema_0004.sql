-- Schema 4. Consent and suppression.

-- Append-only: what a person has decided. purpose: 1 analytics, 2 marketing, 3 sales, 4 ads. choice: 0 denied, 1 granted, 2 pending.
CREATE TABLE consent (
    id INTEGER PRIMARY KEY,
    profile INTEGER NOT NULL,
    -- The event that says so; whoever moves an event to another profile moves this with it.
    event INTEGER,
    purpose INTEGER NOT NULL,
    choice INTEGER NOT NULL,
    at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    source TEXT NOT NULL,
    evidence TEXT
) STRICT;
CREATE INDEX consent_profile ON consent (profile);
CREATE INDEX consent_event ON consent (event) WHERE event IS NOT NULL;

-- Who must not be taken in again: keyed hashes and nothing else.
CREATE TABLE suppression (
    hash BLOB PRIMARY KEY,
    key INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- The keys that hashes were made with. `own` is the key itself where the store made it, because none was configured.
CREATE TABLE suppression_key (id INTEGER PRIMARY KEY, fingerprint BLOB NOT NULL UNIQUE, own BLOB) STRICT;

-- One erasure: while it is under way, and afterwards its receipt, which says nothing of the person.
CREATE TABLE erasure (
    id BLOB PRIMARY KEY,
    started_at INTEGER NOT NULL,
    finished_at INTEGER,
    counts TEXT NOT NULL,
    -- What is still needed to come to the end; empty afterwards.
    work TEXT
) STRICT, WITHOUT ROWID;
-- Records of erased people that are still to be told something.
CREATE TABLE erased_record (record INTEGER PRIMARY KEY) STRICT;

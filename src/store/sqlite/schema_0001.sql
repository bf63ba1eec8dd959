-- Schema 1. Integer keys inside; instants are microseconds UTC; packed columns are described in `packed.rs`.

-- One (connection, object): the unit of counters and of staging.
CREATE TABLE place (
    id INTEGER PRIMARY KEY,
    connection TEXT NOT NULL,
    object TEXT NOT NULL,
    live INTEGER NOT NULL DEFAULT 0,
    archived INTEGER NOT NULL DEFAULT 0,
    -- Profiles with a change number at or below this one have been looked at for creates.
    creates_seen INTEGER NOT NULL DEFAULT 0,
    UNIQUE (connection, object)
) STRICT;

CREATE TABLE source (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;

CREATE TABLE checkpoint (
    connection TEXT NOT NULL,
    stream TEXT NOT NULL,
    object TEXT NOT NULL,
    cursor TEXT NOT NULL,
    full_load_done INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    sweep INTEGER,
    PRIMARY KEY (connection, stream, object)
) STRICT, WITHOUT ROWID;

-- Ids are never reused: a merged-away profile stays known by its id and uid in `profile_alias`.
CREATE TABLE profile (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uid BLOB NOT NULL UNIQUE,
    first_seen INTEGER NOT NULL,
    known INTEGER NOT NULL,
    -- Grows with every change that may matter to a create.
    change INTEGER NOT NULL,
    attributes BLOB NOT NULL,
    computed BLOB NOT NULL,
    computed_at INTEGER,
    due_at INTEGER,
    scores BLOB NOT NULL
) STRICT;
CREATE INDEX profile_change ON profile (change) WHERE known = 1;
CREATE INDEX profile_due ON profile (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE profile_alias (
    old INTEGER PRIMARY KEY,
    uid BLOB NOT NULL UNIQUE,
    survivor INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX profile_alias_survivor ON profile_alias (survivor);

-- Derived: who holds an identifier now.
CREATE TABLE identifier (
    kind INTEGER NOT NULL,
    value TEXT NOT NULL,
    profile INTEGER NOT NULL,
    PRIMARY KEY (kind, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX identifier_profile ON identifier (profile);

-- Append-only: why. `sign` +1 joins, -1 parts; kind 0 is a merge, its value the uid of the merged-away profile.
CREATE TABLE identity_edge (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    sign INTEGER NOT NULL,
    profile INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    value TEXT NOT NULL,
    cause TEXT NOT NULL
) STRICT;
CREATE INDEX identity_edge_profile ON identity_edge (profile);

CREATE TABLE attribute_history (
    id INTEGER PRIMARY KEY,
    profile INTEGER NOT NULL,
    name TEXT NOT NULL,
    attribute BLOB NOT NULL,
    replaced_at INTEGER NOT NULL
) STRICT;
CREATE INDEX attribute_history_profile ON attribute_history (profile);

-- state: 0 known only from an association, 1 live, 2 archived.
CREATE TABLE record (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    place INTEGER NOT NULL,
    ext TEXT NOT NULL,
    profile INTEGER,
    state INTEGER NOT NULL,
    modified_at INTEGER,
    -- When a write to it was last settled: a page asked for before is older than the write.
    written_at INTEGER,
    -- The CRM's stamp of that write, where it told: anything with an older stamp is older than the write.
    written_stamp INTEGER,
    url TEXT,
    mirror BLOB NOT NULL
) STRICT;
CREATE INDEX record_profile ON record (profile) WHERE profile IS NOT NULL;
-- No index by place: what asks for a whole place (a full push, the end of a sweep) reads every record anyway.

-- A record's own id and its merged-away ids; with the content hashes, so that an unchanged page reads only this.
CREATE TABLE record_key (
    place INTEGER NOT NULL,
    ext TEXT NOT NULL,
    record INTEGER NOT NULL,
    alias INTEGER NOT NULL,
    hash INTEGER,
    links_hash INTEGER,
    PRIMARY KEY (place, ext)
) STRICT, WITHOUT ROWID;
CREATE INDEX record_key_alias ON record_key (record) WHERE alias = 1;

-- Associations as the record `a` lists them.
CREATE TABLE link (a INTEGER NOT NULL, b INTEGER NOT NULL, PRIMARY KEY (a, b)) STRICT, WITHOUT ROWID;
CREATE INDEX link_b ON link (b);

CREATE TABLE deal (
    record INTEGER PRIMARY KEY,
    name TEXT,
    status INTEGER NOT NULL,
    stage TEXT,
    pipeline TEXT,
    amount TEXT,
    currency TEXT,
    closed_at INTEGER,
    owner TEXT
) STRICT;
CREATE TABLE deal_history (
    id INTEGER PRIMARY KEY,
    record INTEGER NOT NULL,
    status INTEGER NOT NULL,
    stage TEXT,
    amount TEXT,
    currency TEXT,
    at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL
) STRICT;
CREATE INDEX deal_history_record ON deal_history (record);

CREATE TABLE crm_user (
    record INTEGER PRIMARY KEY,
    email TEXT,
    name TEXT,
    active INTEGER NOT NULL
) STRICT;

-- Append-only log of behaviour.
CREATE TABLE event (
    row INTEGER PRIMARY KEY,
    source INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    kind INTEGER NOT NULL,
    profile INTEGER,
    at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    original_at INTEGER,
    sent_at INTEGER,
    flags INTEGER NOT NULL,
    name TEXT,
    known BLOB NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX event_profile ON event (profile, at) WHERE profile IS NOT NULL;
-- 64-bit hash of (source, message id); a true collision takes the next free key, so that the answer is exact.
CREATE TABLE event_key (key INTEGER PRIMARY KEY, event INTEGER NOT NULL) STRICT;

CREATE TABLE fact (
    profile INTEGER NOT NULL,
    at INTEGER NOT NULL,
    rule INTEGER NOT NULL,
    event INTEGER NOT NULL,
    number INTEGER NOT NULL,
    text TEXT,
    PRIMARY KEY (profile, at, rule, event)
) STRICT, WITHOUT ROWID;
CREATE TABLE rule_matched (rule INTEGER PRIMARY KEY) STRICT;

CREATE TABLE stale (profile INTEGER PRIMARY KEY) STRICT;
CREATE TABLE push_mark (
    place INTEGER NOT NULL,
    record INTEGER NOT NULL,
    PRIMARY KEY (place, record)
) STRICT, WITHOUT ROWID;

-- At most one row per record, or per place and profile for a create. `waiting` is a newer intent behind one in flight.
-- state: 0 queued, 1 in flight, 2 ambiguous.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB NOT NULL,
    place INTEGER NOT NULL,
    record INTEGER,
    profile INTEGER,
    state INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    not_before INTEGER,
    created_at INTEGER NOT NULL,
    op TEXT NOT NULL,
    overwriting INTEGER NOT NULL,
    clearing INTEGER NOT NULL,
    intent BLOB NOT NULL,
    waiting BLOB,
    worker TEXT,
    lease_until INTEGER
) STRICT;
CREATE UNIQUE INDEX outbox_record ON outbox (record) WHERE record IS NOT NULL;
CREATE UNIQUE INDEX outbox_create ON outbox (profile, place) WHERE record IS NULL;
CREATE INDEX outbox_due ON outbox (place, state, created_at, id);

CREATE TABLE dead_letter (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    code TEXT NOT NULL,
    subject TEXT NOT NULL,
    -- Distinguishes input lines of one source; 0 where there is none.
    raw_hash INTEGER NOT NULL,
    connection TEXT,
    cause TEXT NOT NULL,
    fix TEXT NOT NULL,
    raw TEXT,
    count INTEGER NOT NULL,
    UNIQUE (code, subject, raw_hash)
) STRICT;

CREATE TABLE run (
    id BLOB PRIMARY KEY,
    flow TEXT NOT NULL,
    connection TEXT NOT NULL,
    object TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX run_started ON run (started_at);
CREATE INDEX run_flow ON run (flow, connection, object, started_at);

-- One row a settled entry; `written` holds its fields: from, to, cause, outcome.
CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    run BLOB NOT NULL,
    place INTEGER NOT NULL,
    record INTEGER,
    ext TEXT,
    written BLOB NOT NULL
) STRICT;
CREATE INDEX journal_record ON journal (record) WHERE record IS NOT NULL;
CREATE INDEX journal_run ON journal (run);

-- Records that the sweep under way has seen alive.
CREATE TABLE sweep_seen (place INTEGER NOT NULL, record INTEGER NOT NULL, PRIMARY KEY (place, record)) STRICT, WITHOUT ROWID;

CREATE TABLE schedule (
    job TEXT PRIMARY KEY,
    last_due INTEGER,
    last_started INTEGER,
    next_due INTEGER,
    interval_micros INTEGER NOT NULL,
    last_finished INTEGER,
    failures INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE note (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;

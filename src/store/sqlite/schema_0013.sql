-- Schema 13: telling other tools who entered and left.

-- `cursor`: transitions up to here have been looked at. `purpose` as in consent.
CREATE TABLE webhook (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    purpose INTEGER NOT NULL,
    cursor INTEGER NOT NULL,
    delivered INTEGER NOT NULL DEFAULT 0,
    withheld INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    closed_until INTEGER,
    last_result TEXT,
    last_at INTEGER,
    delivered_at INTEGER
) STRICT;

-- What has been taken out of the log and is not delivered. state: 0 waits, 1 in flight, 2 set aside for a person. Without a
-- transition it takes back what was told. What is sent is put together when it is sent: nothing of a person is kept here.
CREATE TABLE webhook_message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook INTEGER NOT NULL,
    uid BLOB NOT NULL,
    profile INTEGER NOT NULL,
    transition INTEGER,
    kind INTEGER NOT NULL,
    name TEXT NOT NULL,
    direction INTEGER NOT NULL,
    at INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    first_sent_at INTEGER,
    not_before INTEGER NOT NULL DEFAULT 0,
    worker TEXT,
    lease_until INTEGER
) STRICT;
CREATE INDEX webhook_message_order ON webhook_message (webhook, state, id);
CREATE INDEX webhook_message_profile ON webhook_message (profile, webhook, id);
CREATE UNIQUE INDEX webhook_message_uid ON webhook_message (uid);

-- Of whom a receiver was told that they are in: what has to be taken back where they allow it no longer.
CREATE TABLE webhook_told (
    profile INTEGER NOT NULL,
    webhook INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (profile, webhook, kind, name)
) STRICT, WITHOUT ROWID;

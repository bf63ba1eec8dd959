-- Schema 15: what people did with customers at the CRMs, and what is on the lines of deals.

-- An activity's record has its links in `link`. kind: 0 call, 1 meeting, 2 note, 3 e-mail, 4 task. direction: 0 in, 1 out.
CREATE TABLE activity (
    record INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    direction INTEGER,
    subject TEXT,
    -- When it took place, of an open task when it is due; when it was made where the CRM says neither.
    at INTEGER NOT NULL,
    created_at INTEGER,
    recorded_at INTEGER NOT NULL,
    done INTEGER NOT NULL,
    -- The owner's id at the CRM.
    owner TEXT,
    -- Ferry wrote it.
    ours INTEGER NOT NULL
) STRICT;
CREATE INDEX activity_at ON activity (at);

-- A JSON array of names; null where nobody asked for them.
ALTER TABLE deal ADD COLUMN products TEXT;
-- The order of the shop that the deal stands for.
ALTER TABLE deal ADD COLUMN order_id TEXT;

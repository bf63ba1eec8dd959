-- Schema 9: leads given to people.

-- One turn. state: 0 decided and not settled, 1 the lead was made, 2 given back. At most one of a person and place is under way:
-- a write that is tried again finds it and takes no second turn. Of an erased person only the turn stays (profile 0).
CREATE TABLE assignment (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    profile INTEGER NOT NULL,
    place INTEGER NOT NULL,
    record INTEGER,
    -- The owner's id at the CRM, a user's or a queue's; address and name as they were.
    user TEXT,
    email TEXT,
    name TEXT,
    step TEXT,
    pool TEXT,
    member TEXT,
    -- Why, as JSON.
    trail TEXT NOT NULL,
    state INTEGER NOT NULL,
    respond_by INTEGER,
    answered_at INTEGER,
    breached_at INTEGER
) STRICT;
CREATE UNIQUE INDEX assignment_underway ON assignment (profile, place) WHERE state = 0;
CREATE INDEX assignment_profile ON assignment (profile);
CREATE INDEX assignment_pool ON assignment (pool, member);
CREATE INDEX assignment_email ON assignment (lower(email), at);
CREATE INDEX assignment_due ON assignment (respond_by)
    WHERE state = 1 AND respond_by IS NOT NULL AND answered_at IS NULL AND breached_at IS NULL;

-- However a create leaves the outbox before its lead is there (refused, withdrawn, withheld, its record turned up), its turn is given
-- back. A lead that is there has moved its turn on before.
CREATE TRIGGER assignment_given_back AFTER DELETE ON outbox WHEN OLD.record IS NULL BEGIN
    UPDATE assignment SET state = 2 WHERE profile = OLD.profile AND place = OLD.place AND state = 0;
END;

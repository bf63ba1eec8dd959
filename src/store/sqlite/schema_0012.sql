-- Schema 12: records that exist are given to people, too.

-- Whether the CRM held the record before it was given to somebody.
ALTER TABLE assignment ADD COLUMN existing INTEGER NOT NULL DEFAULT 0;

CREATE INDEX assignment_record ON assignment (record);

-- However the write of an owner leaves the outbox before the CRM has taken it, its turn is given back.
CREATE TRIGGER assignment_given_back_of_record AFTER DELETE ON outbox WHEN OLD.record IS NOT NULL BEGIN
    UPDATE assignment SET state = 2 WHERE record = OLD.record AND state = 0;
END;

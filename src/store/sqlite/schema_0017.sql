-- Whose receipt says what became of the record at its CRM; null where nothing is to be told any more.
ALTER TABLE erased_record ADD COLUMN erasure BLOB;
-- Whether the CRM would not delete it.
ALTER TABLE erased_record ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;

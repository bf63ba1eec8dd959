-- Leads that wait for somebody to be there: until when (`not_before`, while it waits), since when, and the trail as JSON.
ALTER TABLE outbox ADD COLUMN held_until INTEGER;
ALTER TABLE outbox ADD COLUMN held_at INTEGER;
ALTER TABLE outbox ADD COLUMN held TEXT;
-- The turn of the same person and entry at another connection whose owner was taken: caps count the two once.
ALTER TABLE assignment ADD COLUMN follows INTEGER;
-- Who is looked for by when something was done about their entry.
CREATE INDEX band_entry_acted ON band_entry (acted_at) WHERE acted_at IS NOT NULL;

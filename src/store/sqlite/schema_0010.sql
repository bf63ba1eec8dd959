-- Schema 10. When deals and leads were made: what was known of them on that day is what a score must be judged by.

-- The CRM's own stamp; NULL where it does not say, and for records stored before this schema until they are seen to change.
ALTER TABLE record ADD COLUMN created_at INTEGER;

-- Which names a packed row of values has. Most profiles have the same computed traits, so the names are kept once, and a row says
-- whose they are by a hash of them: a tenth of the bytes, and nothing to allocate when it is read.
CREATE TABLE shape (hash INTEGER PRIMARY KEY, names BLOB NOT NULL) STRICT;

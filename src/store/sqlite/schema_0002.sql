-- Schema 2. What connectors remember, and records that went on as records of another object.

-- The connectors' own notes, by connection.
CREATE TABLE connector_note (
    connection TEXT NOT NULL,
    key TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (connection, key)
) STRICT, WITHOUT ROWID;

-- A record that lives on under another object (a lead that became a contact), and the id it has there. It never comes back.
CREATE TABLE went_on (record INTEGER PRIMARY KEY, place INTEGER NOT NULL, ext TEXT NOT NULL) STRICT;

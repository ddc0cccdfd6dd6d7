-- Version 7: months of intervals in one block each, and the upkeep of the store: what was done, what was disposed of.

-- A block of several days, `day` being the first of them; no day of it has a row in `day_block`. Numbered rows pack
-- blocks of some kilobytes better than a tree of keys does.
CREATE TABLE month_block (
    id INTEGER PRIMARY KEY,
    profile_id INTEGER NOT NULL REFERENCES profile,
    day INTEGER NOT NULL,
    days INTEGER NOT NULL,
    intervals INTEGER NOT NULL,
    first_end INTEGER NOT NULL,
    last_end INTEGER NOT NULL,
    block BLOB NOT NULL,
    UNIQUE (profile_id, day)
) STRICT;

-- What runs that lost their outcomes to retention counted.
ALTER TABLE list_run ADD COLUMN kept_meters INTEGER;
ALTER TABLE list_run ADD COLUMN kept_ok INTEGER;
ALTER TABLE list_run ADD COLUMN kept_failed INTEGER;
ALTER TABLE list_run ADD COLUMN kept_resting INTEGER;

-- `beat` is when the one that works was last known to be alive.
CREATE TABLE upkeep (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    what TEXT NOT NULL,
    began INTEGER NOT NULL,
    beat INTEGER NOT NULL,
    ended INTEGER,
    state TEXT NOT NULL,
    words TEXT NOT NULL
) STRICT;
CREATE INDEX upkeep_of ON upkeep (what, id);

-- What retention takes away: counted and hashed in the transactions that take it, so that a cut loses no count.
CREATE TABLE disposal (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    cutoff INTEGER NOT NULL,
    began INTEGER NOT NULL,
    ended INTEGER,
    items INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX disposal_open ON disposal (id) WHERE ended IS NULL;

-- Readings go only in a transaction that holds this row.
CREATE TABLE disposing (only_row INTEGER PRIMARY KEY CHECK (only_row = 1)) STRICT;
DROP TRIGGER reading_is_not_deleted;
CREATE TRIGGER reading_is_not_deleted BEFORE DELETE ON reading WHEN NOT EXISTS (SELECT 1 FROM disposing)
BEGIN SELECT RAISE(ABORT, 'readings are not deleted'); END;
